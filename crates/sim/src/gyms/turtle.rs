//! `turtle`: a story whose surface makes no sense. The agent asks yes/no questions and tells what really happened (spec userrl §2.6).
//!
//! ```text
//!  items.rs      stories with weighted criteria, and what an answer is worth    catalogue.rs  stories of our own, as graphs of facts
//!  world.rs      the talk: questions, answers, the reward                       view.rs       what each side knows of it
//!  user.rs       how a user by rule answers and scores                          agent.rs      scripts that ask and tell
//!  verdict.rs    score and measures                                             phrases.rs    what a person in a seat can say
//! ```
//!
//! The user takes no turns. A question is put to its seat, and the agent hears Yes, No or Maybe; an answer is put to it with the criteria,
//! and the agent hears how many of them it tells whole, never one of them. (Upstream lists those that were met word for word, so that its
//! rubric can be fished for.) Of published stories a rule knows no more than the words: it scores the bottom itself, and nothing else.

pub mod agent;
pub mod catalogue;
pub mod example;
pub mod items;
pub mod phrases;
pub mod user;
pub mod verdict;
pub mod view;
pub mod world;

use std::sync::Arc;

pub use example::example;
pub use items::Item;
use serde::Deserialize;
use serde::Serialize;
pub use verdict::MEASURES;
pub use verdict::TERMS;
pub use view::View;
pub use world::World;

use crate::Address;
use crate::Answer;
use crate::Decision;
use crate::Scenario;
use crate::Seat;
use crate::Toolkit;
use crate::gyms::Gym;
use crate::gyms::GymScript;
use crate::gyms::Phrasebook;
use crate::gyms::Splits;
use crate::gyms::Term;
use crate::gyms::kind_named;
use crate::gyms::kind_names;
use crate::record::Casting;
use crate::scenario::Split;

/// All stories of both splits.
pub type Library = Splits<Item>;

/// The gym's constants and its items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// An answer worth this much ends the talk, in (0, 1]; the last bits of a sum aside.
    pub success_threshold: f64,
    /// All stories.
    pub library: Arc<Library>,
}

/// What upstream sets in training and evaluation; 0.9 is its default.
pub const SUCCESS_THRESHOLD: f64 = 1.0;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Asks and tells.
    Agent(agent::Kind),
    /// Answers queries; it takes no turns.
    User(user::Kind),
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "turtle";
    const TERMS: &'static [Term] = TERMS;
    const MEASURES: &'static [&'static str] = MEASURES;

    fn world(&self, scenario: &Scenario, casting: &Casting, _seed: u64) -> World {
        World::new(self.clone(), scenario, casting.split, casting.item, casting.tools.agent)
    }

    fn phrasebook(seat: Seat) -> Phrasebook {
        phrases::phrasebook(seat)
    }

    fn toolkit(&self, seat: Seat) -> Option<&'static Toolkit> {
        (seat == Seat::Agent).then_some(&phrases::TOOLKIT)
    }

    fn item_id(&self, split: Split, item: u32) -> String {
        self.library.item(split, item).id.clone()
    }

    fn takes_turns(seat: Seat) -> bool {
        seat == Seat::Agent
    }
}

impl GymScript for Script {
    type View = View;

    fn named(seat: Seat, policy: &str) -> Option<Script> {
        match seat {
            Seat::Agent => kind_named(&agent::Kind::ALL, policy).map(Script::Agent),
            Seat::User => kind_named(&user::Kind::ALL, policy).map(Script::User),
        }
    }

    fn names(seat: Seat) -> Vec<String> {
        match seat {
            Seat::Agent => kind_names(&agent::Kind::ALL),
            Seat::User => kind_names(&user::Kind::ALL),
        }
    }

    fn decide(self, seat: Seat, turn: u32, view: &View, address: Address) -> Decision {
        match (self, view) {
            (Script::Agent(kind), View::Agent(view)) => Decision::say(kind.act(view, seat, turn, address)),
            (Script::Agent(_) | Script::User(_), _) => Decision::in_the_other_seat(),
        }
    }

    fn answer(self, view: &View, address: Address) -> Option<Answer> {
        match (self, view) {
            (Script::User(kind), View::User(asked)) => {
                Some(Answer { reply: kind.answer(asked, address), decision: None })
            }
            (Script::Agent(_) | Script::User(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
