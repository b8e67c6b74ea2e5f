//! `haggle`: a seller (the agent) and a buyer (the user) bargain over one item, in at most a few rounds.
//!
//! ```text
//!  facts.rs    what is true of an item, and the five trap families as data
//!  items.rs    items from a seed: private cost and value, several issues, held-out combinations
//!  moves.rs    what may be said, as a value          talk.rs   the same as text: templates and their parser
//!  person.rs   the buyer's profile and inner state   thought.rs the five-step reasoning in compact form
//!  world.rs    the table: turns, checks, state, end  view.rs   what each side knows of it
//!  verdict.rs  scores, training terms, measures      scripts/  rule and scripted seats      drills.rs  skills asked one by one
//!  phrases.rs  one example of each move, for a person in a seat
//! ```
//!
//! The seller knows all facts and its cost; the buyer knows its value and some facts. Claims may be false: the world knows, and a
//! challenge makes it show the fact to both. A deal that rests on a lie earns the seller nothing; what a lie hid costs the buyer.

pub mod drills;
pub mod example;
pub mod facts;
pub mod items;
pub mod moves;
pub mod person;
pub mod phrases;
pub mod scripts;
pub mod talk;
pub mod thought;
pub mod verdict;
pub mod view;
pub mod world;

pub use example::example;
pub use facts::Fact;
pub use facts::Family;
pub use items::Item;
pub use moves::BuyerMove;
pub use moves::Claim;
pub use moves::SellerMove;
pub use moves::Terms;
pub use person::Mind;
pub use person::Profile;
pub use scripts::Script;
pub use thought::Thought;
pub use verdict::MEASURES;
pub use verdict::TERMS;
pub use verdict::verdict;
pub use view::View;
pub use world::World;

use serde::Deserialize;
use serde::Serialize;

use crate::Scenario;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::Drill;
use crate::gyms::Gym;
use crate::gyms::Phrasebook;
use crate::gyms::Term;
use crate::record::Casting;
use crate::scenario::Split;

/// Prices are whole dollars from 0 to this.
pub const PRICE_MAX: i64 = 25;

/// The gym's constants; every one may be set under `[world]` in the scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Least joint surplus, in dollars, that scores are divided by; above 0.
    pub scale_min: f64,
    /// What each false claim costs the agent's score, in [0, 1].
    pub false_claim_penalty: f64,
    /// Chance that the buyer knows a fact from the start, in [0, 1].
    pub sees: f64,
    /// Share of items without a zone of agreement, in [0, 1].
    pub no_zone: f64,
    /// Chance that a fact is in the seller's favour, in [0, 1].
    pub favourable: f64,
    /// What the warranty costs the seller, in dollars.
    pub warranty_cost: i64,
    /// What it is worth to a buyer who wants it, in dollars.
    pub warranty_worth: i64,
    /// What a deal after this round costs the buyer where the deadline really is today, in dollars.
    pub deadline_cost: i64,
    /// The last round in which such a deal is still in time.
    pub deadline_round: u32,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            scale_min: 4.0,
            false_claim_penalty: 0.1,
            sees: 0.5,
            no_zone: 0.15,
            favourable: 0.45,
            warranty_cost: 1,
            warranty_worth: 3,
            deadline_cost: 2,
            deadline_round: 3,
        }
    }
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "haggle";
    const TERMS: &'static [Term] = TERMS;
    const MEASURES: &'static [&'static str] = MEASURES;
    const HAS_DRILLS: bool = true;

    fn world(&self, scenario: &Scenario, casting: &Casting, seed: u64) -> World {
        let item = self.item(scenario.items, casting.split, casting.item);
        World::new(self.clone(), item, scenario, casting.world_address(seed).draws(Stream::World))
    }

    fn phrasebook(seat: Seat) -> Phrasebook {
        phrases::phrasebook(seat)
    }

    fn fixed_opponent(seat: Seat) -> &'static str {
        // What the agent meets, and what the user meets.
        match seat {
            Seat::User => "rule",
            Seat::Agent => "scripted:trapper",
        }
    }

    fn drill(&self, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Option<Drill> {
        Some(drills::drill(self, scenario, split, seat, index))
    }

    fn whole_tokens() -> Vec<String> {
        talk::price_tokens()
    }

    fn ordered_tokens() -> Vec<(String, f32)> {
        talk::ordered_tokens()
    }
}

#[cfg(test)]
mod tests;
