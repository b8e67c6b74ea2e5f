//! `intention`: a user asks for help with a task and leaves details out; the agent asks for them (spec userrl §2.2).
//!
//! ```text
//!  items.rs     tasks with their missing details, as UserRL publishes them     catalogue.rs  items of our own making
//!  lexicon.rs   what a word is worth, and what a detail answers to             library.rs    both, shared by all episodes
//!  world.rs     the talk: questions, what they cover, rewards by turn          view.rs       what each side knows of it
//!  user.rs      how a user by rule judges a question and replies               agent.rs      scripts that ask
//!  precedent.rs what tasks like this one used to leave out                     fixed.rs      the best list of questions for all tasks
//!  drills.rs    taking up a request in its own words
//!  verdict.rs   score and measures                                             phrases.rs    what a person in a seat can say
//! ```
//!
//! The user takes no turns. After each question the world puts two queries to the user's seat: which of the remaining details the
//! question asks about, which only the world hears, and then what to say, knowing only the details that were hit. So no reply can give
//! away what was not asked for. (Upstream shows the replying model all details, and replies before it judges.)

pub mod agent;
pub mod catalogue;
pub mod drills;
pub mod example;
pub mod fixed;
pub mod items;
pub mod lexicon;
pub mod library;
pub mod phrases;
pub mod precedent;
pub mod user;
pub mod verdict;
pub mod view;
pub mod world;

use std::sync::Arc;

pub use example::example;
pub use items::Detail;
pub use items::Importance;
pub use items::Item;
pub use lexicon::Key;
pub use lexicon::Lexicon;
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
use crate::Answer;
use crate::Decision;
use crate::Scenario;
use crate::Seat;
use crate::Toolkit;
use crate::gyms::Drill;
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
    /// What each further detail takes off the reward of a question that covers several, in [0, 1].
    pub multi_detail_penalty: f64,
    /// All items of both splits.
    pub library: Arc<Library>,
}

/// Upstream's `multi_detail_penalty`.
pub const MULTI_DETAIL_PENALTY: f64 = 0.2;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Asks.
    Agent(agent::Kind),
    /// Answers queries; it takes no turns.
    User(user::Kind),
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "intention";
    const TERMS: &'static [Term] = TERMS;
    const MEASURES: &'static [&'static str] = MEASURES;
    const HAS_DRILLS: bool = true;

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

    fn drill(&self, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Option<Drill> {
        drills::drill(self, scenario.items.seed, split, seat, index)
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
            (Script::Agent(kind), View::Agent(view)) => Decision::say(kind.ask(view, seat, turn, address)),
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
