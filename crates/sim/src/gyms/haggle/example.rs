//! The scenario that `scenarios/haggle.toml` describes, as a value: for tests, benches and examples that read no files.
//! A test of `config` holds the two equal.

use super::Rules;
use super::TERMS;
use crate::Pair;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::scenario::ItemCounts;
use crate::scenario::JudgeRules;
use crate::scenario::RewardRule;
use crate::scenario::SeatRules;

/// The bargaining world with its usual limits, rules and weights: six rounds, 4000 items to learn from and 1000 held out.
///
/// # Panics
/// Never: its success conditions are constants that parse, which a test checks.
#[must_use]
pub fn example() -> Scenario {
    let seat = |policy: &str, tokens_max, reasons| SeatRules {
        policy: policy.to_owned(),
        tokens_max,
        reasons,
        shows_reward: false,
        deadline_ms: None,
    };
    let success = |text: &str| Some(text.parse().expect("a constant that parses"));
    Scenario {
        name: "haggle".to_owned(),
        turns_max: 6,
        malformed_max: 3,
        rules: crate::gyms::Rules::Haggle(Rules::default()),
        items: ItemCounts { train: 4000, held_out: 1000, seed: 7 },
        seats: Pair { agent: seat("scripted:good", 48, false), user: seat("rule", 96, true) },
        judge: JudgeRules::rule(),
        rewards: TERMS.iter().map(|term| rule(term.seat, term.name, term.kind)).collect(),
        success: Pair { agent: success("deal and agent.score > 0"), user: success("user.score > 0") },
    }
}

fn rule(seat: Seat, name: &str, kind: RewardKind) -> RewardRule {
    let weight = match (seat, name) {
        (_, "surplus") => 1.0,
        (Seat::Agent, "candid") => 0.25,
        (Seat::User, "well_formed") => 0.175,
        (Seat::Agent, "well_formed") | (Seat::User, "trust_kept" | "traps_countered") => 0.1,
        (Seat::Agent, "truthful") => 0.05,
        _ => 0.0125,
    };
    RewardRule { seat, name: name.to_owned(), kind, weight }
}
