//! Rewards as named terms, and ratios that can be pooled.

use std::ops::AddAssign;

use serde::Deserialize;
use serde::Serialize;

use crate::Seat;

/// What a reward counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardKind {
    /// Part of the seat's score, and of what trains it.
    Outcome,
    /// Trains, but is never score: a share in [0, 1].
    Training,
    /// Part of the score, and of what trains: what both seats earn together, each with a reward of this name and value of its own in the verdict. It may
    /// be normalised apart from what is a seat's own (the *global* reward of MADPL, arXiv:2004.03809).
    Shared,
    /// Trains, but is never score, and is not added: a share in [0, 1] that multiplies what the seat earned ([`Verdict::kept`](crate::Verdict::kept)).
    Gate,
    /// Trains, but is never score: a share in [0, 1] that a judge's model gave, under a name that begins with `judge.`.
    Judged,
}

impl RewardKind {
    /// Each kind by the name that files have for it.
    pub const ALL: [(&str, RewardKind); 5] = [
        ("outcome", RewardKind::Outcome),
        ("training", RewardKind::Training),
        ("shared", RewardKind::Shared),
        ("gate", RewardKind::Gate),
        ("judged", RewardKind::Judged),
    ];

    /// As files name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = RewardKind::ALL.iter().find(|(_, kind)| *kind == self);
        named.expect("all kinds are in the list").0
    }

    /// Whether a seat's score has it.
    #[must_use]
    pub fn is_score(self) -> bool {
        matches!(self, RewardKind::Outcome | RewardKind::Shared)
    }
}

/// What stretch of an episode a reward judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The seat's own turn with this number, counted from 0.
    Turn(u32),
    /// The whole episode; for turn credit it falls on the seat's last turn.
    Session,
}

/// One term of a seat's reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// Whose.
    pub seat: Seat,
    /// The term's name in the scenario file and in metrics.
    pub name: String,
    /// Score or training only.
    pub kind: RewardKind,
    /// What it judges.
    pub scope: Scope,
    /// Before the weight. Training and judged terms and gates lie in [0, 1].
    pub value: f64,
    /// From the scenario file. Of a gate: how much of the reward it can take, in (0, 1].
    pub weight: f64,
    /// Why, in a few words a person can check against the transcript.
    pub evidence: String,
}

impl Reward {
    /// What this term adds: value times weight. A gate adds nothing; it is asked for its [`Reward::passes`].
    #[must_use]
    pub fn weighted(&self) -> f64 {
        self.value * self.weight
    }

    /// What a gate multiplies with: 1 − weight + weight · value, in [0, 1]; 1 of a term that is no gate.
    #[must_use]
    pub fn passes(&self) -> f64 {
        match self.kind {
            RewardKind::Gate => 1.0 - self.weight + self.weight * self.value,
            RewardKind::Outcome | RewardKind::Training | RewardKind::Shared | RewardKind::Judged => 1.0,
        }
    }

    /// Whether it is added to what the seat earned.
    #[must_use]
    pub fn is_added(&self) -> bool {
        self.kind != RewardKind::Gate
    }
}

/// A numerator and a denominator, kept apart so that a rate over many episodes is a ratio of sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// What happened.
    pub num: f64,
    /// Out of how many; 1 for a plain mean over episodes.
    pub den: f64,
}

impl Ratio {
    /// `num` out of `den`.
    #[must_use]
    pub fn new(num: f64, den: f64) -> Ratio {
        Ratio { num, den }
    }

    /// One yes or no.
    #[must_use]
    pub fn yes(happened: bool) -> Ratio {
        Ratio { num: f64::from(u8::from(happened)), den: 1.0 }
    }

    /// The rate; `None` if nothing was counted.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.den > 0.0).then(|| self.num / self.den)
    }
}

impl AddAssign for Ratio {
    fn add_assign(&mut self, other: Ratio) {
        self.num += other.num;
        self.den += other.den;
    }
}
