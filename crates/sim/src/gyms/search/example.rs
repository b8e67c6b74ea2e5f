//! The scenario of `scenarios/userrl/search.toml` as a value, for tests and benches; a test keeps both alike.

use std::sync::Arc;

use super::ANSWERS_MAX;
use super::Judge;
use super::Library;
use super::RESULTS_MAX;
use super::SEARCH_STEPS_MAX;
use crate::Pair;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::gyms::Rules;
use crate::scenario::ItemCounts;
use crate::scenario::JudgeRules;
use crate::scenario::RewardRule;
use crate::scenario::SeatRules;

/// Questions of our own making.
///
/// # Panics
/// Never: there are held-out items.
#[must_use]
pub fn example() -> Scenario {
    let items = ItemCounts { train: 1000, held_out: 200, seed: 7 };
    let library = Arc::new(Library::made(items).expect("there are held-out items"));
    let reward = |seat, name: &str, kind, weight| RewardRule { seat, name: name.to_owned(), kind, weight };
    let seat = |policy: &str| SeatRules {
        policy: policy.to_owned(),
        tokens_max: 48,
        reasons: false,
        shows_reward: false,
        deadline_ms: None,
    };
    Scenario {
        name: "search".to_owned(),
        turns_max: 8,
        malformed_max: 3,
        rules: Rules::Search(super::Rules {
            search_steps_max: SEARCH_STEPS_MAX,
            answers_max: ANSWERS_MAX,
            results_max: RESULTS_MAX,
            judge: Judge::Exact,
            engine: None,
            library,
        }),
        items,
        seats: Pair { agent: seat("scripted:good"), user: seat("rule") },
        judge: JudgeRules::rule(),
        rewards: vec![
            reward(Seat::Agent, "correct", RewardKind::Outcome, 1.0),
            reward(Seat::Agent, "well_formed", RewardKind::Training, 0.1),
            reward(Seat::User, "answered", RewardKind::Outcome, 1.0),
        ],
        success: Pair { agent: Some("correct".parse().expect("it is a name")), user: None },
    }
}
