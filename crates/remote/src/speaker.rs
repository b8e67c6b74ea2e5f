//! A remote or recorded model in one seat of one episode: what it was shown, as chat messages, and what it said.

use sim::Act;
use sim::Address;
use sim::Answer;
use sim::Decision;
use sim::Fault;
use sim::Message;
use sim::Observation;
use sim::Past;
use sim::Query;
use sim::Seat;
use sim::draws::Stream;
use text::reasoning;
use text::tool_call;

use crate::Form;
use crate::Voice;
use crate::chat;
use crate::chat::ChatMessage;
use crate::chat::Reply;
use crate::chat::Role;
use crate::thought;
use crate::voice::Put;

/// What is added to the part of a seat that is asked for words, and of one that is asked for JSON.
const WORDS: &str = include_str!("../prompts/words.txt");
const JSON: &str = include_str!("../prompts/json.txt");

/// What stands in a talk where the seat said nothing: many servers refuse an empty message.
const SILENCE: &str = "…";

/// One seat in one episode.
#[derive(Debug)]
pub struct Speaker {
    seat: Seat,
    voice: Voice,
    place: String,
    address: Address,
    asked: u32,
    talk: Vec<ChatMessage>,
    policy: Option<String>,
}

impl Speaker {
    /// A seat that has said nothing. `place` names the episode in all that the command plays; replies are drawn at `address`, if they are drawn.
    #[must_use]
    pub fn new(seat: Seat, voice: Voice, place: &str, address: Address) -> Speaker {
        Speaker { seat, voice, place: format!("{place}/{seat}"), address, asked: 0, talk: Vec::new(), policy: None }
    }

    /// The same seat, told to think in five steps ([`policy`](crate::policy)); `None`: it thinks as it likes.
    #[must_use]
    pub fn thinking(self, policy: Option<String>) -> Speaker {
        Speaker { policy, ..self }
    }

    /// Takes a turn. Whatever the model says is the seat's own doing: text that holds no act is a bad act, not a fault.
    ///
    /// # Errors
    /// A [`Fault`] if there is no reply.
    pub async fn decide(&mut self, observation: &Observation) -> Result<Decision, Fault> {
        self.see(&observation.messages);
        let Reply { text, thought, closed } = self.say(self.talk.clone(), &Form::Act).await?;
        let (thought, text) = match &self.policy {
            Some(_) => thought::of_steps(thought.as_deref(), &text),
            None => (thought, text),
        };
        chat::add(&mut self.talk, Role::Assistant, if text.is_empty() { SILENCE } else { &text });
        // The thought is off already: what looks like one now was meant to be heard, and must not be.
        let act = reasoning::read(text.as_bytes(), false, closed).act;
        Ok(Decision { act, thought, generation: None })
    }

    /// Answers a question of the world, which is complete in itself.
    ///
    /// # Errors
    /// A [`Fault`] if there is no reply. One that is not what was asked for is the world's to refuse.
    pub async fn answer(&mut self, query: &Query) -> Result<Answer, Fault> {
        let form = Form::of(query);
        let mut talk = Vec::new();
        chat::show(&mut talk, &query.messages);
        let wish = match form {
            Form::Json(_) => JSON,
            Form::Words | Form::Act => WORDS,
        };
        match talk.first_mut().filter(|first| first.role == Role::System) {
            Some(part) => part.content.push_str(&format!("\n\n{}", wish.trim())),
            None => talk.insert(0, ChatMessage { role: Role::System, content: wish.trim().to_owned() }),
        }
        let Reply { text, thought, .. } = self.say(talk, &form).await?;
        let reply = form.content(&text).to_owned();
        let decision = Decision { thought, ..Decision::say(reply.clone()) };
        Ok(Answer { reply, decision: Some(decision) })
    }

    /// Takes in what the seat went through before this model sat down in it. An answer to a question of the world is complete in itself, and leaves
    /// nothing behind.
    pub fn recall(&mut self, past: &Past) {
        self.asked += 1;
        if past.queried {
            return;
        }
        self.see(&past.messages);
        let said = match past.decision.as_ref().map(|decision| &decision.act) {
            Some(Ok(Act::Say(text))) => text.clone(),
            Some(Ok(Act::Tool { choice, content })) => tool_call::write(*choice, content),
            Some(Err(_)) | None => String::new(),
        };
        chat::add(&mut self.talk, Role::Assistant, if said.is_empty() { SILENCE } else { &said });
    }

    /// Takes in what the seat is shown: with its brief, how it is to think.
    fn see(&mut self, messages: &[Message]) {
        let is_first = self.talk.is_empty();
        chat::show(&mut self.talk, messages);
        if let Some(policy) = self.policy.as_ref().filter(|_| is_first) {
            match self.talk.first_mut().filter(|first| first.role == Role::System) {
                Some(part) => part.content.push_str(&format!("\n\n{policy}")),
                None => self.talk.insert(0, ChatMessage { role: Role::System, content: policy.clone() }),
            }
        }
    }

    async fn say(&mut self, messages: Vec<ChatMessage>, form: &Form) -> Result<Reply, Fault> {
        let number = self.asked;
        self.asked += 1;
        let drawn = (self.address.draws(Stream::Tokens(self.seat, number)).uniform() * f64::from(u32::MAX)) as u32;
        let (party, place) = (self.seat.into(), format!("{}/{number}", self.place));
        let put = Put { party, place, messages, drawn: Some(drawn), anew: false };
        self.voice.say(put, |text| form.fits(text)).await
    }
}
