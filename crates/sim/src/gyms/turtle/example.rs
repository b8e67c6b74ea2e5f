//! The scenario of `scenarios/userrl/turtle.toml` as a value, for tests and benches; a test keeps both alike.

use std::sync::Arc;

use super::SUCCESS_THRESHOLD;
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

/// Stories of our own making.
#[must_use]
pub fn example() -> Scenario {
    let items = ItemCounts { train: 1000, held_out: 200, seed: 7 };
    let library = Arc::new(catalogue::library(items));
    let reward = |seat, name: &str, kind, weight| RewardRule { seat, name: name.to_owned(), kind, weight };
    let seat = |policy: &str| SeatRules {
        policy: policy.to_owned(),
        tokens_max: 96,
        reasons: false,
        shows_reward: false,
        deadline_ms: None,
    };
    Scenario {
        name: "turtle".to_owned(),
        turns_max: 14,
        malformed_max: 3,
        rules: Rules::Turtle(super::Rules { success_threshold: SUCCESS_THRESHOLD, library }),
        items,
        seats: Pair { agent: seat("scripted:good"), user: seat("rule") },
        judge: JudgeRules::rule(),
        rewards: vec![
            reward(Seat::Agent, "told", RewardKind::Outcome, 1.0),
            reward(Seat::Agent, "telling", RewardKind::Training, 0.1),
            reward(Seat::User, "told", RewardKind::Outcome, 1.0),
        ],
        success: Pair { agent: Some("solved".parse().expect("it is a name")), user: None },
    }
}
