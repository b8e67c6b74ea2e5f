//! `travel`: a user wants a trip and has wishes that it tells only when asked; the agent searches, asks and chooses (spec userrl §2.7).
//!
//! ```text
//!  aspect.rs    what a trip may need           topic.rs      what may be wished of each, and how it is said
//!  trip.rs      where and when                 items.rs      trips with wishes and options
//!  catalogue.rs trips of our own making        library.rs    all of them, shared by all episodes
//!  world.rs     the talk, rewards by turn      query.rs      what the user's seat is asked, and how it is read
//!  lexicon.rs   what words name                user.rs       how a user by rule judges and replies
//!  view.rs      what each side knows           agent.rs      scripts that plan
//!  verdict.rs   score and measures             phrases.rs    what a person in a seat can say
//! ```
//!
//! The user takes no turns. A search leads to one query of its seat, something said to it to one or two, and who is asked to reply knows
//! just the wish that is to be told. (Upstream fails wherever the user should bring up a wish by itself, never ends a talk with a choice that
//! is not best, and pays several choices at once without a bound.)

pub mod agent;
pub mod aspect;
pub mod catalogue;
pub mod example;
pub mod items;
pub mod lexicon;
pub mod library;
pub mod phrases;
pub mod query;
pub mod topic;
pub mod trip;
pub mod user;
pub mod verdict;
pub mod view;
pub mod world;

use std::sync::Arc;

pub use aspect::Aspect;
pub use aspect::Composition;
pub use example::example;
pub use items::Component;
pub use items::Item;
pub use items::Offer;
pub use items::Wish;
pub use library::Library;
pub use library::LibraryError;
use serde::Deserialize;
use serde::Serialize;
pub use trip::Trip;
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

/// The gym's constants and its items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// For the first listing of an aspect, in [0, 1].
    pub search_correct_reward: f64,
    /// For a wish that was told because it was asked for, in [0, 1].
    pub preference_correct_reward: f64,
    /// For the cheapest option that meets all wishes, in [0, 1]; most that one answer earns.
    pub choice_best_reward: f64,
    /// For another option that meets all wishes, in [0, 1].
    pub choice_correct_reward: f64,
    /// What a choice that misses a wish takes off others in the same answer, in [0, 1]; no turn earns less than nothing.
    pub wrong_choice_penalty: f64,
    /// Whether the first choice for an aspect is the only one.
    pub one_choice_per_aspect: bool,
    /// Each search whose number this divides fails by a simulated error; 0: none does.
    pub search_failure_interval: u32,
    /// After so many things said that were about no wish, the next such one makes the user bring up a wish by itself; 0: it never does.
    pub elicitation_interval: u32,
    /// All trips of both splits.
    pub library: Arc<Library>,
}

impl Rules {
    /// Upstream's constants, as it evaluates.
    #[must_use]
    pub fn of(library: Arc<Library>) -> Rules {
        Rules {
            search_correct_reward: 0.2,
            preference_correct_reward: 0.6,
            choice_best_reward: 1.0,
            choice_correct_reward: 0.8,
            wrong_choice_penalty: 0.0,
            one_choice_per_aspect: true,
            search_failure_interval: 5,
            elicitation_interval: 3,
            library,
        }
    }
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Plans.
    Agent(agent::Kind),
    /// Answers queries; it takes no turns.
    User(user::Kind),
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "travel";
    const TERMS: &'static [Term] = TERMS;
    const MEASURES: &'static [&'static str] = MEASURES;

    fn world(&self, scenario: &Scenario, casting: &Casting, seed: u64) -> World {
        World::new(
            self.clone(),
            scenario,
            casting.split,
            casting.item,
            casting.tools.agent,
            casting.world_address(seed),
        )
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
