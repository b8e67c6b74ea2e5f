//! The talk. A world never waits and never calls anybody: to hear the user it says `Query`, and goes on with the answer.

use serde::Deserialize;
use serde::Serialize;

use super::Rules;
use super::verdict;
use crate::Act;
use crate::Addressee;
use crate::Case;
use crate::Effect;
use crate::Fault;
use crate::FaultKind;
use crate::Message;
use crate::Next;
use crate::Observation;
use crate::Party;
use crate::Query;
use crate::QueryId;
use crate::Reward;
use crate::RewardKind;
use crate::Scenario;
use crate::Scope;
use crate::Seat;
use crate::Source;
use crate::Verdict;
use crate::WorldInput;
use crate::WorldOutput;
use crate::gyms::GymWorld;
use crate::gyms::Op;
use crate::gyms::reply;

/// What a seat knows, as a value for scripts: the same that its messages say, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// The agent's.
    Agent {
        /// The least number that can still be; above `high` if the user contradicted itself.
        low: u32,
        /// The greatest.
        high: u32,
        /// The largest number that there is.
        number_max: u32,
    },
    /// The user's, when it is asked.
    User {
        /// What it thinks of.
        number: u32,
        /// What the agent named: another one.
        guess: u32,
    },
}

/// What one turn of the agent was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turned {
    /// Nothing that could be put to the user.
    Malformed,
    /// A number, and whether it was one that could still be.
    Guess(u32, bool),
    /// The agent gave up.
    Finish,
}

/// The state of one talk: all of it, so that a clone is a fork.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    number: u32,
    number_max: u32,
    /// What [`Reward::weight`] the right number has.
    weight: f64,
    /// What each turn was.
    pub turned: Vec<Turned>,
    low: u32,
    high: u32,
    /// The number that the user is asked about, while it is.
    asked: Option<u32>,
    over: bool,
    inbox: Vec<Message>,
}

impl World {
    /// Before any turn.
    #[must_use]
    pub fn new(rules: &Rules, scenario: &Scenario, number: u32) -> World {
        let brief = format!(
            "The user thinks of a number from 1 to {}. Name it in {} turns.",
            rules.number_max, scenario.turns_max
        );
        World {
            number,
            number_max: rules.number_max,
            weight: scenario.weight(Seat::Agent, "found").unwrap_or(0.0),
            turned: Vec::new(),
            low: 1,
            high: rules.number_max,
            asked: None,
            over: false,
            inbox: vec![Message { from: Source::Brief, text: brief }],
        }
    }

    /// Whether the number was named.
    #[must_use]
    pub fn is_found(&self) -> bool {
        matches!(self.turned.last(), Some(Turned::Guess(guess, _)) if *guess == self.number)
    }

    /// What the right number earned, at its turn.
    #[must_use]
    pub fn reward(&self) -> Option<Reward> {
        self.is_found().then(|| Reward {
            seat: Seat::Agent,
            name: "found".to_owned(),
            kind: RewardKind::Outcome,
            scope: Scope::Turn(self.turned.len() as u32 - 1),
            value: 1.0,
            weight: self.weight,
            evidence: format!("it was {}", self.number),
        })
    }

    /// Plain text and UserRL's tool both come as an [`Op`].
    fn acted(&mut self, act: &Act) -> WorldOutput {
        let guess = match Op::of(act) {
            Op::Finish => return self.turn(Turned::Finish, None),
            Op::Action(text) | Op::Search(text) | Op::Answer(text) | Op::Plain(text) => text.parse::<u32>(),
        };
        match guess {
            Ok(guess) if guess == self.number => self.turn(self.guessed(guess), None),
            Ok(guess) if (1..=self.number_max).contains(&guess) => self.ask(guess),
            Ok(_) | Err(_) => self.did_not_count(format!("say a number from 1 to {}", self.number_max)),
        }
    }

    /// Rules, scripts, people and other people's models answer the same query; the world does not know who it was.
    fn ask(&mut self, guess: u32) -> WorldOutput {
        self.asked = Some(guess);
        let brief = format!("You think of {}. Somebody names a number: say Higher or Lower.", self.number);
        let messages = [(Source::Brief, brief), (Source::Partner, guess.to_string())];
        let messages = messages.map(|(from, text)| Message { from, text }).to_vec();
        let view = crate::View::Guess(View::User { number: self.number, guess });
        WorldOutput::Query(Addressee::User, QueryId(self.turned.len() as u32), Query { messages, view, spoken: true })
    }

    /// A reply that cannot be read is a fault of the user and scores nobody: it is never a 0 for the agent.
    fn answered(&mut self, guess: u32, said: &str) -> WorldOutput {
        let turned = self.guessed(guess);
        let said = reply::spoken(said).to_lowercase();
        let reply = match (said.contains("higher"), said.contains("lower")) {
            (true, false) => {
                self.low = self.low.max(guess + 1);
                "Higher."
            }
            (false, true) => {
                self.high = self.high.min(guess - 1);
                "Lower."
            }
            _ => {
                let fault = Fault::new(Party::User, FaultKind::BadReply, "said neither Higher nor Lower");
                return WorldOutput::Fault(fault);
            }
        };
        self.inbox.push(Message { from: Source::Partner, text: reply.to_owned() });
        self.turn(turned, None)
    }

    fn guessed(&self, guess: u32) -> Turned {
        Turned::Guess(guess, (self.low..=self.high).contains(&guess))
    }

    fn did_not_count(&mut self, why: String) -> WorldOutput {
        self.inbox.push(Message { from: Source::World, text: format!("That does not count: {why}.") });
        self.turn(Turned::Malformed, Some(why))
    }

    fn turn(&mut self, turned: Turned, malformed: Option<String>) -> WorldOutput {
        self.turned.push(turned);
        self.over = turned == Turned::Finish || self.is_found();
        let next = if self.over { Next::Over } else { Next::Ask(Seat::Agent) };
        let rewards = self.reward().into_iter().collect();
        WorldOutput::Effect(Effect { malformed, rewards, journal: Vec::new(), next })
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let messages = std::mem::take(&mut self.inbox);
        let view = View::Agent { low: self.low, high: self.high, number_max: self.number_max };
        Observation { seat, turn: self.turned.len() as u32, messages, view: crate::View::Guess(view) }
    }

    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let confused = |what| WorldOutput::Fault(crate::World::confused(what));
        let output = match (input, self.asked.take()) {
            (_, None) if self.over => confused("the talk is over"),
            (WorldInput::Act(Seat::Agent, act), None) => self.acted(&act),
            (WorldInput::NoAct(Seat::Agent, why), None) => self.did_not_count(why),
            (WorldInput::Answer(id, answer), Some(guess)) if id.0 as usize == self.turned.len() => {
                self.answered(guess, &answer.reply)
            }
            (WorldInput::Act(..) | WorldInput::NoAct(..) | WorldInput::Answer(..), _) => {
                confused("something else than what it waits for")
            }
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict::verdict(self, case)
    }
}
