//! The scenario of `scenarios/userrl/persuade.toml` as a value, for tests and benches; a test keeps both alike.

use std::sync::Arc;

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

/// Claims of our own making.
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
        name: "persuade".to_owned(),
        turns_max: 8,
        malformed_max: 3,
        rules: Rules::Persuade(super::Rules { library }),
        items,
        seats: Pair { agent: seat("scripted:good"), user: seat("rule") },
        judge: JudgeRules::rule(),
        rewards: vec![
            reward(Seat::Agent, "moved", RewardKind::Outcome, 1.0),
            reward(Seat::Agent, "moving", RewardKind::Training, 0.1),
            reward(Seat::User, "kept", RewardKind::Outcome, 1.0),
        ],
        success: Pair { agent: Some("convinced".parse().expect("it is a name")), user: None },
    }
}
