//! `telepathy`: twenty questions. The user thinks of something; the agent asks yes/no questions and guesses (spec userrl §2.5).
//!
//! ```text
//!  items.rs      what can be thought of, and when a guess names it     catalogue.rs  things of our own, with all that is true of them
//!  world.rs      the talk: questions, guesses, the reward              view.rs       what each side knows of it
//!  user.rs       how a user by rule answers and judges                 agent.rs      scripts that ask and guess
//!  verdict.rs    score and measures                                    phrases.rs    what a person in a seat can say
//! ```
//!
//! The user takes no turns. A question is put to its seat, and the agent hears no more than Yes, No or Maybe, whatever else was replied;
//! a guess is put to it as another query, whose answer only the world reads. Of published things a rule knows no more than the names: it
//! judges guesses exactly, and answers every question with Maybe.

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

/// All things of both splits.
pub type Library = Splits<Item>;

/// The gym's items; it has no constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// What is thought of.
    pub library: Arc<Library>,
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Asks and guesses.
    Agent(agent::Kind),
    /// Answers queries; it takes no turns.
    User(user::Kind),
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "telepathy";
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
