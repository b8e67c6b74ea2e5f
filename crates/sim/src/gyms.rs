//! The gyms: one file each, one shape. A gym brings its rules (constants from the scenario file), its items, its world with
//! [`observe`](crate::World::observe), [`step`](crate::World::step) and [`verdict`](crate::World::verdict), its reward terms, and its scripts.

pub mod haggle;
pub mod intention;
pub mod phrasebook;

use serde::Deserialize;
use serde::Serialize;

pub use haggle::Drill;
pub use phrasebook::Phrase;
pub use phrasebook::Phrasebook;

use crate::Address;
use crate::Answer;
use crate::Decision;
use crate::Fault;
use crate::FaultKind;
use crate::Observation;
use crate::Query;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::View;
use crate::World;
use crate::record::Casting;
use crate::scenario::Split;

/// A gym with its constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Rules {
    /// A seller and a buyer.
    Haggle(haggle::Rules),
    /// An agent that finds out what a user has left out.
    Intention(intention::Rules),
}

/// One reward term a gym can give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// Whose.
    pub seat: Seat,
    /// Its name.
    pub name: &'static str,
    /// What it may be used for.
    pub kind: RewardKind,
    /// Its lowest value.
    pub min: f64,
    /// Its highest value.
    pub max: f64,
    /// What it is, in one sentence.
    pub meaning: &'static str,
}

impl Rules {
    /// The gym's name in scenario files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Rules::Haggle(_) => "haggle",
            Rules::Intention(_) => "intention",
        }
    }

    /// All reward terms of the gym.
    #[must_use]
    pub fn terms(&self) -> &'static [Term] {
        match self {
            Rules::Haggle(_) => haggle::TERMS,
            Rules::Intention(_) => intention::TERMS,
        }
    }

    /// All measures of the gym: the names a success condition and the metrics may use.
    #[must_use]
    pub fn measures(&self) -> &'static [&'static str] {
        match self {
            Rules::Haggle(_) => haggle::MEASURES,
            Rules::Intention(_) => intention::MEASURES,
        }
    }

    /// The world an episode starts in.
    #[must_use]
    pub fn world(&self, scenario: &Scenario, casting: &Casting, seed: u64) -> World {
        match self {
            Rules::Haggle(rules) => {
                let item = rules.item(scenario.items, casting.split, casting.item);
                let draws = casting.id.address(seed).draws(crate::draws::Stream::World);
                World::Haggle(Box::new(haggle::World::new(rules.clone(), item, scenario, draws)))
            }
            Rules::Intention(rules) => {
                let world = intention::World::new(rules.clone(), scenario, casting.split, casting.item);
                World::Intention(Box::new(world))
            }
        }
    }

    /// The drill with this number for a seat; `None` if the gym has none.
    #[must_use]
    pub fn drill(&self, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Option<Drill> {
        match self {
            Rules::Haggle(rules) => Some(rules.drill(scenario, split, seat, index)),
            Rules::Intention(_) => None,
        }
    }

    /// Texts that must be one token each wherever they stand, such as prices.
    #[must_use]
    pub fn whole_tokens(&self) -> Vec<String> {
        match self {
            Rules::Haggle(_) => haggle::talk::price_tokens(),
            Rules::Intention(_) => Vec::new(),
        }
    }

    /// Tokens that stand for numbers, each with its place in [0, 1]: their embeddings may start in order.
    #[must_use]
    pub fn ordered_tokens(&self) -> Vec<(String, f32)> {
        match self {
            Rules::Haggle(_) => haggle::talk::ordered_tokens(),
            Rules::Intention(_) => Vec::new(),
        }
    }

    /// How a person in this seat can speak.
    #[must_use]
    pub fn phrasebook(&self, seat: Seat) -> Phrasebook {
        match self {
            Rules::Haggle(_) => haggle::phrases::phrasebook(seat),
            Rules::Intention(_) => intention::phrases::phrasebook(seat),
        }
    }

    /// An item's readable id.
    #[must_use]
    pub fn item_id(&self, split: Split, item: u32) -> String {
        match self {
            Rules::Haggle(_) => format!("{}-{item:06}", split.name()),
            Rules::Intention(rules) => rules.library.entry(split, item).item.id.clone(),
        }
    }

    /// Whether the seat has turns of its own in this gym. One that has none is only asked by the world, so it cannot learn from turns.
    #[must_use]
    pub fn takes_turns(&self, seat: Seat) -> bool {
        match self {
            Rules::Haggle(_) => true,
            Rules::Intention(_) => seat == Seat::Agent,
        }
    }

    /// Whether the gym has drills for cold starts.
    #[must_use]
    pub fn has_drills(&self) -> bool {
        match self {
            Rules::Haggle(_) => true,
            Rules::Intention(_) => false,
        }
    }
}

/// A rule or scripted policy: a pure function of the observation and the address, so that it keeps no state and may be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Of the bargaining world.
    Haggle(haggle::Script),
    /// Of the requests that leave details out.
    Intention(intention::Script),
}

impl Script {
    /// The script that `policy` names for `seat` in this gym: `rule`, `random`, or `scripted:NAME`. `None` if there is none.
    #[must_use]
    pub fn named(rules: &Rules, seat: Seat, policy: &str) -> Option<Script> {
        match rules {
            Rules::Haggle(_) => haggle::Script::named(seat, policy).map(Script::Haggle),
            Rules::Intention(_) => intention::Script::named(seat, policy).map(Script::Intention),
        }
    }

    /// The names [`Script::named`] knows for `seat`.
    #[must_use]
    pub fn names(rules: &Rules, seat: Seat) -> Vec<String> {
        match rules {
            Rules::Haggle(_) => haggle::Script::names(seat),
            Rules::Intention(_) => intention::Script::names(seat),
        }
    }

    /// What the script does. `address` is that of the episode's world; the script adds its seat and turn.
    #[must_use]
    pub fn decide(self, observation: &Observation, address: Address) -> Decision {
        match (self, &observation.view) {
            (Script::Haggle(script), View::Haggle(view)) => {
                script.decide(observation.seat, observation.turn, view, address)
            }
            (Script::Intention(script), View::Intention(view)) => {
                script.decide(observation.seat, observation.turn, view, address)
            }
            (Script::Haggle(_), View::Intention(_)) | (Script::Intention(_), View::Haggle(_)) => {
                unreachable!("scripts and worlds of one scenario are of one gym")
            }
        }
    }

    /// What the script at `seat` says to a query of the world.
    ///
    /// # Errors
    /// A fault of the seat if it is not a question this script answers.
    pub fn answer(self, seat: Seat, query: &Query, address: Address) -> Result<Answer, Fault> {
        let answer = match (self, &query.view) {
            (Script::Intention(script), View::Intention(view)) => script.answer(view, address),
            (Script::Haggle(_) | Script::Intention(_), View::Haggle(_) | View::Intention(_)) => None,
        };
        answer.ok_or_else(|| Fault::new(seat.into(), FaultKind::Refused, "this script answers no such question"))
    }
}

/// The kind that a table of a gym's scripts has under this name; `None` if there is none.
pub(crate) fn kind_named<K: Copy>(kinds: &[(&str, K)], policy: &str) -> Option<K> {
    kinds.iter().find(|(name, _)| *name == policy).map(|(_, kind)| *kind)
}

/// The names in a table of a gym's scripts.
pub(crate) fn kind_names<K>(kinds: &[(&str, K)]) -> Vec<String> {
    kinds.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// The policy that sits at `seat` where its partner is measured or trained alone: never trained itself, the same in every run.
#[must_use]
pub fn fixed_opponent(rules: &Rules, seat: Seat) -> &'static str {
    match (rules, seat) {
        // What the agent meets, and what the user meets.
        (Rules::Haggle(_), Seat::User) => "rule",
        (Rules::Haggle(_), Seat::Agent) => "scripted:trapper",
        (Rules::Intention(_), _) => "rule",
    }
}
