//! `guess`: higher or lower. The user thinks of a number, the agent names numbers. The smallest gym there is, and the worked example of
//! `docs/NEW_GYM.md`, which shows these files as they are.
//!
//! ```text
//!  world.rs    the talk: what an act does, what it earns      scripts.rs   who plays by rule, in both seats
//!  verdict.rs  score and measures                             tests.rs     that it is sound
//! ```

pub mod scripts;
pub mod verdict;
pub mod world;

pub use scripts::Script;
use serde::Deserialize;
use serde::Serialize;
pub use world::View;
pub use world::World;

use crate::Address;
use crate::Phase;
use crate::Scenario;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::Gym;
use crate::gyms::Phrase;
use crate::gyms::Phrasebook;
use crate::gyms::Term;
use crate::record::Casting;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// The gym's constants: what `[world]` of a scenario file holds besides its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The user thinks of a number from 1 to this one, in [2, 1000].
    pub number_max: u32,
}

impl Rules {
    /// An item: the number that is thought of. Always the same for the same seed of the items. The agent sees nothing of an item before
    /// it plays, so there is nothing to learn by heart; a gym that shows some of it keeps what belongs together in one split.
    #[must_use]
    pub fn number(&self, items: ItemCounts, split: Split, item: u32) -> u32 {
        let place =
            Address { seed: items.seed, phase: Phase::Rollout, round: split as u64, group: item, trial: 0, member: 0 };
        place.draws(Stream::World).range(1, i64::from(self.number_max)) as u32
    }
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "guess";
    const TERMS: &'static [Term] = verdict::TERMS;
    const MEASURES: &'static [&'static str] = verdict::MEASURES;

    fn world(&self, scenario: &Scenario, casting: &Casting, _seed: u64) -> World {
        World::new(self, scenario, self.number(scenario.items, casting.split, casting.item))
    }

    fn phrasebook(seat: Seat) -> Phrasebook {
        match seat {
            Seat::Agent => Phrasebook {
                phrases: vec![Phrase::say("16", "names a number"), Phrase::say("[finish]", "gives up")],
                ..Phrasebook::default()
            },
            Seat::User => Phrasebook {
                notes: vec!["You take no turns: say Higher or Lower to each number that is not yours.".to_owned()],
                ..Phrasebook::default()
            },
        }
    }

    fn takes_turns(seat: Seat) -> bool {
        seat == Seat::Agent
    }
}

#[cfg(test)]
mod tests;
