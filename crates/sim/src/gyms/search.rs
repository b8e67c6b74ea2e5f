//! `search`: a question that takes two steps to answer, and a corpus to look things up in (spec userrl §2.4).
//!
//! ```text
//!  items.rs      questions with their answers          catalogue.rs  a corpus and questions of our own making
//!  corpus.rs     documents, and BM25 over them         library.rs    both, shared by all episodes
//!  answer.rs     when two answers are the same         world.rs      searches, answers, what they earn
//!  found.rs      what a search came to                 view.rs       what each side knows
//!  agent.rs      scripts that search                   user.rs       scripts that judge an answer
//!  verdict.rs    score and measures
//! ```
//!
//! Upstream lets an agent answer as often as it likes, so that guessing pays (spec userrl §6.1 asks for better); here `answers_max` answers are
//! heard, and the last wrong one ends the talk. An answer that is not the right one to the letter is put to the user's seat if the
//! scenario says so: only that seat ever reads the right answer.
//!
//! In place of a corpus there may be an engine outside: a search is then a query to the environment's seat, of the agent's words and nothing else.

pub mod agent;
pub mod answer;
pub mod catalogue;
pub mod corpus;
pub mod example;
pub mod found;
pub mod items;
pub mod library;
pub mod phrases;
pub mod user;
pub mod verdict;
pub mod view;
pub mod world;

use std::sync::Arc;

pub use corpus::Corpus;
pub use corpus::Document;
pub use example::example;
pub use found::Found;
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
use crate::Answer;
use crate::Decision;
use crate::Scenario;
use crate::Seat;
use crate::Toolkit;
use crate::gyms::Engine;
use crate::gyms::Gym;
use crate::gyms::GymScript;
use crate::gyms::Phrasebook;
use crate::gyms::Term;
use crate::gyms::kind_named;
use crate::gyms::kind_names;
use crate::record::Casting;
use crate::scenario::Split;

/// The gym's constants, its questions and its corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Searches that find something; later ones are told to answer.
    pub search_steps_max: u32,
    /// Answers that are heard; at least 1.
    pub answers_max: u32,
    /// Entries that a search shows; at least 1.
    pub results_max: u32,
    /// Who decides on an answer that is not the right one to the letter.
    pub judge: Judge,
    /// What looks things up in place of the corpus, which is then empty; `None`: the corpus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// The questions of both splits, and the corpus.
    pub library: Arc<Library>,
}

impl Rules {
    /// Whether there is anything to look things up in.
    #[must_use]
    pub fn can_search(&self) -> bool {
        !self.library.corpus().documents().is_empty() || self.engine.is_some()
    }
}

/// Who decides on an answer that is not the right one to the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Judge {
    /// Nobody: it is wrong.
    Exact,
    /// The user's seat is asked whether it means the same.
    User,
}

/// Upstream's `max_search_steps`.
pub const SEARCH_STEPS_MAX: u32 = 5;
/// Upstream's `max_search_results`.
pub const RESULTS_MAX: u32 = 5;
/// Upstream has no bound.
pub const ANSWERS_MAX: u32 = 2;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Searches and answers.
    Agent(agent::Kind),
    /// Judges answers; it takes no turns.
    User(user::Kind),
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "search";
    const TERMS: &'static [Term] = TERMS;
    const MEASURES: &'static [&'static str] = MEASURES;

    fn world(&self, scenario: &Scenario, casting: &Casting, _seed: u64) -> World {
        World::new(self.clone(), scenario, casting.split, casting.item, casting.tools.agent)
    }

    fn phrasebook(seat: Seat) -> Phrasebook {
        phrases::phrasebook(seat)
    }

    fn toolkit(&self, seat: Seat) -> Option<&'static Toolkit> {
        let kit = if self.can_search() { &phrases::TOOLKIT } else { &phrases::WITHOUT_SEARCH };
        (seat == Seat::Agent).then_some(kit)
    }

    fn item_id(&self, split: Split, item: u32) -> String {
        self.library.item(split, item).id.clone()
    }

    fn takes_turns(seat: Seat) -> bool {
        seat == Seat::Agent
    }

    fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
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
                Some(Answer { reply: kind.judge(asked, address).to_json(), decision: None })
            }
            (Script::Agent(_) | Script::User(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
