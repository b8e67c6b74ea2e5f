//! A seat whose words a model samples. The seat keeps the token stream, the policy server keeps the policy.

use ractor::ActorRef;
use rl::Filter;
use rl::Row;
use rl::Sampled;
use rl::Session;
use sim::Act;
use sim::Address;
use sim::Answer;
use sim::Decision;
use sim::Fault;
use sim::FaultKind;
use sim::Generation;
use sim::Message;
use sim::Observation;
use sim::Party;
use sim::Past;
use sim::Query;
use text::SeatStream;
use tokio::sync::oneshot;

use crate::policy_server::ServerMessage;
use crate::round::Ticket;
use crate::seats::Pending;
use crate::seats::Player;

/// How a model's turns are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Above 0; 1 in training. Ignored if `greedy`.
    pub temperature: f32,
    /// Take the likeliest token instead of drawing.
    pub greedy: bool,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { temperature: 1.0, greedy: false }
    }
}

/// A model in a seat.
pub struct ModelPlayer {
    /// The episode's admission.
    pub ticket: Ticket,
    /// The episode and the seat.
    pub session: Session,
    /// Where its tokens are drawn.
    pub address: Address,
    /// Tokens of one turn.
    pub tokens_max: u32,
    /// How they are drawn.
    pub sampling: Sampling,
    /// The model's name, for the generations.
    pub policy: String,
    /// Who samples.
    pub server: ActorRef<ServerMessage>,
    /// What was shown and sampled so far.
    pub stream: SeatStream,
    /// The seat's own turn, queries included.
    pub turn: u32,
}

impl ModelPlayer {
    async fn turn(&mut self, messages: &[Message]) -> Result<Decision, Fault> {
        self.stream.observe(messages);
        let Sampling { temperature, greedy } = self.sampling;
        let row = Row {
            session: self.session,
            stream: self.stream.context().into_owned(),
            address: self.address,
            turn: self.turn,
            tokens_max: self.tokens_max,
            temperature,
            filter: Filter::default(),
            greedy,
        };
        let (reply, sampled) = oneshot::channel();
        let _ = self.server.cast(ServerMessage::Sample { ticket: self.ticket, row, reply });
        let sampled = sampled.await.map_err(|_| server_gone())??;
        self.turn += 1;
        let Sampled { tokens, logprobs, closed, version } = sampled;
        // A greedy policy gives the log-probabilities of temperature 1.
        let temperature = if greedy { 1.0 } else { temperature };
        Ok(self.stream.sampled(tokens, logprobs, closed, version, &self.policy, temperature))
    }
}

impl Player for ModelPlayer {
    fn decide(&mut self, observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        Box::pin(async move { self.turn(&observation.messages).await })
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move {
            let decision = self.turn(&query.messages).await?;
            match &decision.act {
                Ok(Act::Say(reply)) => Ok(Answer { reply: reply.clone(), decision: Some(decision) }),
                Ok(Act::Tool { .. }) => Err(bad_reply(self.session, "a tool call is no answer")),
                Err(no_act) => Err(bad_reply(self.session, &format!("{no_act:?}"))),
            }
        })
    }

    /// What was sampled is taken as it is; what was shown has to be what was shown.
    fn recall(&mut self, past: &Past) -> Result<(), String> {
        let generation = past.decision.as_ref().and_then(|decision| decision.generation.as_ref());
        let generation = generation.ok_or("an earlier turn was not sampled")?;
        self.stream.observe(&past.messages);
        if self.stream.prompt() != generation.prompt {
            return Err("an earlier turn was shown otherwise".to_owned());
        }
        let Generation { tokens, logprobs, closed, version, policy, temperature, .. } = generation;
        self.stream.sampled(tokens.clone(), logprobs.clone(), *closed, *version, policy, *temperature);
        self.turn += 1;
        Ok(())
    }
}

fn bad_reply(session: Session, why: &str) -> Fault {
    Fault::new(session.seat.into(), FaultKind::BadReply, format!("the answer cannot be read: {why}"))
}

fn server_gone() -> Fault {
    Fault::new(Party::Infrastructure, FaultKind::Refused, "the policy server is gone")
}
