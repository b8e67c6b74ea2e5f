//! `persuade`: the user believes something; the agent argues, and is paid for how far it moves the user (spec userrl §2.3).
//!
//! ```text
//!  items.rs      claims, and what belief in them rests on      catalogue.rs  claims of our own, and what people worry about
//!  stance.rs     seven levels, and what a move earns           world.rs      the talk: arguments, replies, stances
//!  user.rs       how a user by rule takes an argument          agent.rs      scripts that argue
//!  view.rs       what each side knows of it                    verdict.rs    score and measures
//!  phrases.rs    what a person in a seat can say
//! ```
//!
//! The user takes no turns: after each argument its seat is asked for its reply and its stance, of which the agent hears the reply. A
//! move is measured from the farthest stance so far, so that giving way and hardening by turns earns nothing. (Upstream measures from
//! the stance before.) What a published claim's believer thinks only a model can know: scripts do not sit there.

pub mod agent;
pub mod catalogue;
pub mod example;
pub mod items;
pub mod phrases;
pub mod stance;
pub mod user;
pub mod verdict;
pub mod view;
pub mod world;

use std::sync::Arc;

pub use example::example;
pub use items::Crux;
pub use items::Item;
use serde::Deserialize;
use serde::Serialize;
pub use stance::Stance;
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

/// All claims of both splits.
pub type Library = Splits<Item>;

/// The gym's items; it has no constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// What is believed.
    pub library: Arc<Library>,
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Argues.
    Agent(agent::Kind),
    /// Answers queries; it takes no turns.
    User(user::Kind),
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "persuade";
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

    fn without_scripts(&self, seat: Seat) -> Option<&'static str> {
        let is_known = [Split::Train, Split::HeldOut]
            .iter()
            .all(|split| self.library.of(*split).iter().all(|item| item.cruxes.is_some()));
        let why =
            "what belief in a published claim rests on is not written anywhere, so only a model can say what moves it";
        (seat == Seat::User && !is_known).then_some(why)
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
                Some(Answer { reply: kind.answer(asked, address)?, decision: None })
            }
            (Script::Agent(_) | Script::User(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
