//! `function`: a hidden formula in four variables; the agent tries numbers and answers its value at a test point (spec userrl §2.1).
//!
//! ```text
//!  expression.rs  formulas: read, evaluated, written        items.rs      functions as UserRL publishes them
//!  numeral.rs     numbers as Python reads and writes them   catalogue.rs  functions of our own making
//!  class.rs       when two formulas are one function        library.rs    both, shared by all episodes
//!  world.rs       the talk                                  view.rs       what the agent knows of it
//!  inference.rs   which functions fit what was told         agent.rs      scripts that ask and answer
//!  verdict.rs     score and measures                        phrases.rs    what a person in a seat can say
//! ```
//!
//! There is no user: its seat takes no turns and is asked nothing. (Upstream's prompt hides that there are powers; the brief here says so.)

pub mod agent;
pub mod catalogue;
pub mod class;
pub mod example;
pub mod expression;
pub mod inference;
pub mod items;
pub mod library;
pub mod numeral;
pub mod phrases;
pub mod verdict;
pub mod view;
pub mod world;

use std::sync::Arc;

pub use class::Class;
pub use example::example;
pub use expression::Expression;
pub use items::Entry;
pub use items::Item;
pub use library::Library;
pub use library::LibraryError;
use serde::Deserialize;
use serde::Serialize;
pub use verdict::MEASURES;
pub use verdict::TERMS;
pub use verdict::verdict;
pub use view::View;
pub use world::World;

use crate::Address;
use crate::Decision;
use crate::Scenario;
use crate::Seat;
use crate::Toolkit;
use crate::gyms::Gym;
use crate::gyms::GymScript;
use crate::gyms::Phrasebook;
use crate::gyms::Term;
use crate::gyms::kind_named;
use crate::gyms::kind_names;
use crate::record::Casting;
use crate::scenario::Split;

/// The gym's constants and its items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// How far an answer may lie from the value, in [0, 1].
    pub tolerance: f64,
    /// All functions of both splits.
    pub library: Arc<Library>,
}

/// Upstream's tolerance of answers.
pub const TOLERANCE: f64 = 1e-6;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Asks and answers.
    Agent(agent::Kind),
    /// Sits there.
    User,
}

/// The user's scripts are one: nobody asks it anything.
const USERS: [(&str, Script); 6] = [
    ("rule", Script::User),
    ("random", Script::User),
    ("scripted:good", Script::User),
    ("scripted:bad", Script::User),
    ("scripted:spam", Script::User),
    ("scripted:noisy", Script::User),
];

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "function";
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
        self.library.entry(split, item).item.id.clone()
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
            Seat::User => kind_named(&USERS, policy),
        }
    }

    fn names(seat: Seat) -> Vec<String> {
        match seat {
            Seat::Agent => kind_names(&agent::Kind::ALL),
            Seat::User => kind_names(&USERS),
        }
    }

    fn decide(self, seat: Seat, turn: u32, view: &View, address: Address) -> Decision {
        match self {
            Script::Agent(kind) => Decision::say(kind.act(view, seat, turn, address)),
            Script::User => Decision::in_the_other_seat(),
        }
    }
}

#[cfg(test)]
mod tests;
