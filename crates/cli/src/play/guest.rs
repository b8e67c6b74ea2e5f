//! Whoever sits down from outside, as the actors see them: a player that asks the desk, and a stagehand that tells it what acts did.

use actors::Player;
use actors::Stagehand;
use actors::seats::Pending;
use sim::Act;
use sim::Answer;
use sim::Decision;
use sim::Effect;
use sim::Fault;
use sim::FaultKind;
use sim::Message;
use sim::Observation;
use sim::Query;
use sim::Seat;
use sim::World;
use sim::WorldInput;
use sim::WorldOutput;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// What the desk is told, in the order in which it happens.
pub enum Event {
    /// The guest's seat is asked.
    Asked(Asked),
    /// An act has taken effect.
    Effected(Seat, Effect),
}

/// What the guest is asked. Dropped without a reply, the guest has left.
pub struct Asked {
    /// Whether it is a question of the world, to be answered in plain talk, and no turn to act.
    pub question: bool,
    /// What is new, oldest first.
    pub messages: Vec<Message>,
    /// Takes the decision.
    pub reply: oneshot::Sender<Decision>,
}

/// The player in the guest's seat.
pub struct Guest {
    /// Which.
    pub seat: Seat,
    /// Where it asks.
    pub desk: mpsc::Sender<Event>,
}

impl Guest {
    async fn ask(&self, question: bool, messages: Vec<Message>) -> Result<Decision, Fault> {
        let left = || Fault::new(self.seat.into(), FaultKind::Refused, "whoever sat here has left");
        let (reply, decision) = oneshot::channel();
        let asked = Event::Asked(Asked { question, messages, reply });
        self.desk.send(asked).await.map_err(|_| left())?;
        decision.await.map_err(|_| left())
    }
}

impl Player for Guest {
    fn decide(&mut self, observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        Box::pin(async move { self.ask(false, observation.messages).await })
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move {
            let decision = self.ask(true, query.messages).await?;
            match &decision.act {
                Ok(Act::Say(reply)) => Ok(Answer { reply: reply.clone(), decision: Some(decision) }),
                Ok(Act::Tool { .. }) | Err(_) => {
                    Err(Fault::new(self.seat.into(), FaultKind::BadReply, "a question is answered in plain talk"))
                }
            }
        })
    }
}

/// Watches whoever is on the stage, and tells the desk what came of it.
pub struct Witness {
    /// Where it tells.
    pub desk: mpsc::Sender<Event>,
    /// Whose act the world is busy with: after a question it is resumed with an answer that names nobody.
    pub acting: Seat,
    /// Who does the work.
    pub watched: Box<dyn Stagehand>,
}

impl Stagehand for Witness {
    fn step(&mut self, world: World, input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)> {
        Box::pin(async move {
            match &input {
                WorldInput::Act(seat, _) | WorldInput::NoAct(seat, _) => self.acting = *seat,
                WorldInput::Answer(..) => {}
            }
            let (world, outputs) = self.watched.step(world, input).await;
            for output in &outputs {
                if let WorldOutput::Effect(effect) = output {
                    // Without a desk nobody wants to know.
                    let _ = self.desk.send(Event::Effected(self.acting, effect.clone())).await;
                }
            }
            (world, outputs)
        })
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        self.watched.answer(query)
    }
}
