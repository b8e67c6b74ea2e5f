//! The judge's side of the table: what it is shown, and what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::Ratio;
use crate::Reward;
use crate::Scenario;
use crate::Seat;
use crate::Turn;
use crate::World;

/// A finished conversation, put before the judge: the transcript with both private sides, and the final world.
#[derive(Clone, Debug)]
pub struct Case {
    /// What was played.
    pub scenario: Arc<Scenario>,
    /// The final world, ground truth included.
    pub world: World,
    /// All turns, oldest first.
    pub turns: Arc<Vec<Turn>>,
    /// Whether the turn limit ended it.
    pub truncated: bool,
}

impl Case {
    /// The gym's own verdict, by rule: deterministic, instant, and for `rule` judges final.
    #[must_use]
    pub fn by_rule(&self) -> Verdict {
        self.world.verdict(self)
    }
}

/// What the judge says of an episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// All terms the scenario names, of both seats.
    pub rewards: Vec<Reward>,
    /// What metrics count: `deal`, `agent/false_claims_per_claim`, … A rate over episodes is a ratio of sums.
    pub measures: BTreeMap<String, Ratio>,
}

impl Verdict {
    /// A seat's score: the sum of its weighted outcome and shared terms. Training terms never count.
    #[must_use]
    pub fn score(&self, seat: Seat) -> f64 {
        let outcomes = self.rewards.iter().filter(|r| r.seat == seat && r.kind.is_score());
        outcomes.map(Reward::weighted).sum()
    }

    /// What trains a seat: its score and its weighted training terms.
    #[must_use]
    pub fn reward(&self, seat: Seat) -> f64 {
        self.rewards.iter().filter(|r| r.seat == seat).map(Reward::weighted).sum()
    }
}
