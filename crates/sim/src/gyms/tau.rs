//! `tau`: a customer of a shop or an airline calls, and the agent serves it with tools over a database (spec userrl §2.8; tau-bench).
//!
//! ```text
//!  items.rs     tasks with their gold actions, as published      library.rs   tasks and databases, shared by all episodes
//!  value.rs     JSON that keeps its order and kinds of numbers   python.rs    its text, as Python writes it
//!  database.rs  base and changes: copy on write                  call.rs      a call, as an agent writes it
//!  tools.rs     16 + 14 tools                                    catalogue.rs databases and tasks of our own making
//!  world.rs     the talk                                         view.rs      what each side knows of it
//!  wish.rs      sentences of a customer, said and read back      user.rs      a customer by rule
//!  agent.rs     scripts that serve                               verdict.rs   score and measures
//! ```
//!
//! The user takes no turns: what the agent says is put to its seat as a query. The talk ends when the customer stops it or is handed over,
//! and is worth 1 if the database is then as the gold actions leave it and all outputs were said.
//!
//! The published gym shows an opening line that its simulated customer has never said, and no policy. Here the customer is told what it
//! said first, and the policy can be part of the agent's brief (spec userrl §6.1, fault 10).

pub mod agent;
pub mod call;
pub mod catalogue;
pub mod database;
pub mod example;
pub mod items;
pub mod library;
pub mod phrases;
pub mod python;
pub mod tools;
pub mod user;
pub mod value;
pub mod verdict;
pub mod view;
pub mod wish;
pub mod world;

use std::sync::Arc;

pub use call::Call;
pub use database::Changes;
pub use database::Database;
pub use database::Domain;
pub use example::example;
pub use items::Ask;
pub use items::Task;
pub use library::Library;
pub use library::LibraryError;
use serde::Deserialize;
use serde::Serialize;
pub use value::Value;
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
use crate::gyms::Gym;
use crate::gyms::GymScript;
use crate::gyms::Phrasebook;
use crate::gyms::Term;
use crate::gyms::kind_named;
use crate::gyms::kind_names;
use crate::record::Casting;
use crate::scenario::Split;

/// The gym's constants and its tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Whether the policy is part of the agent's brief. It can be looked up in any case.
    pub policy: bool,
    /// All tasks of both splits, and their databases.
    pub library: Arc<Library>,
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Serves.
    Agent(agent::Kind),
    /// Answers queries; it takes no turns.
    User(user::Kind),
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "tau";
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
        self.library.entry(split, item).task.id.clone()
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
            (Script::User(kind), View::User(heard)) => {
                Some(Answer { reply: kind.reply(heard, address), decision: None })
            }
            (Script::Agent(_) | Script::User(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
