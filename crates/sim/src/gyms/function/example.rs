//! The scenario of `scenarios/userrl/function.toml` as a value, for tests and benches; a test keeps both alike.

use std::sync::Arc;

use super::TOLERANCE;
use super::catalogue;
use crate::Pair;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::gyms::Rules;
use crate::scenario::ItemCounts;
use crate::scenario::JudgeRules;
use crate::scenario::RewardRule;
use crate::scenario::SeatRules;

/// Functions of our own making.
#[must_use]
pub fn example() -> Scenario {
    let items = ItemCounts { train: 2000, held_out: 200, seed: 7 };
    let library = Arc::new(catalogue::library(items));
    let reward = |seat, name: &str, kind, weight| RewardRule { seat, name: name.to_owned(), kind, weight };
    let seat = |policy: &str| SeatRules {
        policy: policy.to_owned(),
        tokens_max: 32,
        reasons: false,
        shows_reward: false,
        deadline_ms: None,
    };
    Scenario {
        name: "function".to_owned(),
        turns_max: 16,
        malformed_max: 3,
        rules: Rules::Function(super::Rules { tolerance: TOLERANCE, library }),
        items,
        seats: Pair { agent: seat("scripted:good"), user: seat("rule") },
        judge: JudgeRules::rule(),
        rewards: vec![
            reward(Seat::Agent, "solved", RewardKind::Outcome, 1.0),
            reward(Seat::Agent, "well_formed", RewardKind::Training, 0.1),
            reward(Seat::User, "solved", RewardKind::Outcome, 1.0),
        ],
        success: Pair { agent: Some("solved".parse().expect("it is a name")), user: None },
    }
}
