//! The judge's side of the table: what it is shown, and what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::Ratio;
use crate::Reward;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::Turn;
use crate::World;
use crate::rubric::JUDGE;

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
    /// The same with what judges' models said in another verdict on the same talk, so that nobody has to be asked again.
    #[must_use]
    pub fn with_opinions_of(mut self, recorded: &Verdict) -> Verdict {
        let opinions = recorded.rewards.iter().filter(|reward| reward.kind == RewardKind::Judged);
        self.rewards.extend(opinions.cloned());
        let of_judges = |name: &str| name.split('/').next_back().is_some_and(|last| last.starts_with(JUDGE));
        let measured = recorded.measures.iter().filter(|(name, _)| of_judges(name));
        self.measures.extend(measured.map(|(name, ratio)| (name.clone(), *ratio)));
        self
    }

    /// A seat's score: the sum of its weighted outcome and shared terms. Training terms never count.
    #[must_use]
    pub fn score(&self, seat: Seat) -> f64 {
        let outcomes = self.rewards.iter().filter(|r| r.seat == seat && r.kind.is_score());
        outcomes.map(Reward::weighted).sum()
    }

    /// What trains a seat: its score and its weighted training and judged terms, as far as its gates let it pass.
    #[must_use]
    pub fn reward(&self, seat: Seat) -> f64 {
        self.earned(seat) * self.kept(seat)
    }

    /// The product of a seat's gates, in [0, 1]; 1 without any. At 0 nothing that a judge could say would train it.
    #[must_use]
    pub fn gate(&self, seat: Seat) -> f64 {
        self.rewards.iter().filter(|r| r.seat == seat).map(Reward::passes).product()
    }

    /// What each of a seat's terms is multiplied with before it trains: its gate where it earned something, 1 where it did not. So a gate takes of what
    /// was earned, and never of what was lost: bad form is no way out of a bad result.
    #[must_use]
    pub fn kept(&self, seat: Seat) -> f64 {
        if self.earned(seat) > 0.0 { self.gate(seat) } else { 1.0 }
    }

    /// The sum of a seat's weighted terms of every kind, before its gates.
    fn earned(&self, seat: Seat) -> f64 {
        self.rewards.iter().filter(|r| r.seat == seat && r.is_added()).map(Reward::weighted).sum()
    }
}
