//! How soon an agent earns what it earns: two measures of UserRL's paper (its table 4), for every gym that pays by turn.
//!
//! ```text
//!  agent/effective_turns   the number, from 1, of the agent's last turn that earned something; 0 if none did
//!  agent/time_weighted     Σ r_i / (i + 1) over the agent's turns, i from 0: what the first turn earns counts whole, the second's half
//! ```
//!
//! r_i is what the agent's outcome terms of scope [`Scope::Turn`] add up to at its turn i, weights included; turns that do not count are turns
//! too. The paper does not say whether its i starts at 0 or at 1, and its code does not compute it. From 1 the weights would be ½, ⅓, …:
//! an answer at once would be worth half, and whoever is done at the first turn could not reach the score itself. So from 0.
//!
//! A gym has both by naming them among its measures; the verdict of any gym passes through [`completed`]. One that pays by session has no
//! turns to tell apart, and does not name them.

use std::collections::BTreeMap;

use crate::Ratio;
use crate::Reward;
use crate::RewardKind;
use crate::Scope;
use crate::Seat;
use crate::Verdict;

/// The last turn that earned something.
pub const EFFECTIVE_TURNS: &str = "agent/effective_turns";
/// Earnings, the sooner the more.
pub const TIME_WEIGHTED: &str = "agent/time_weighted";

/// The verdict with those of the two measures that are among the gym's `measures`.
#[must_use]
pub fn completed(mut verdict: Verdict, measures: &[&str]) -> Verdict {
    let earned = by_turn(&verdict.rewards);
    let last = earned.iter().rev().find(|(_, earned)| **earned != 0.0).map_or(0, |(turn, _)| turn + 1);
    let weighted: f64 = earned.iter().map(|(turn, earned)| earned / (f64::from(*turn) + 1.0)).sum();
    for (name, value) in [(EFFECTIVE_TURNS, f64::from(last)), (TIME_WEIGHTED, weighted)] {
        if measures.contains(&name) {
            verdict.measures.insert(name.to_owned(), Ratio::new(value, 1.0));
        }
    }
    verdict
}

/// What each of the agent's turns earned, where it earned anything.
fn by_turn(rewards: &[Reward]) -> BTreeMap<u32, f64> {
    let mut earned = BTreeMap::new();
    for reward in rewards.iter().filter(|reward| reward.seat == Seat::Agent && reward.kind == RewardKind::Outcome) {
        match reward.scope {
            Scope::Turn(turn) => *earned.entry(turn).or_insert(0.0) += reward.weighted(),
            Scope::Session => {}
        }
    }
    earned
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::gyms;
    use crate::testing;

    const BOTH: [&str; 2] = [EFFECTIVE_TURNS, TIME_WEIGHTED];

    fn reward(scope: Scope, value: f64) -> Reward {
        Reward {
            seat: Seat::Agent,
            name: "found".to_owned(),
            kind: RewardKind::Outcome,
            scope,
            value,
            weight: 2.0,
            evidence: String::new(),
        }
    }

    fn of(rewards: Vec<Reward>) -> [f64; 2] {
        let verdict = completed(Verdict { rewards, measures: BTreeMap::new() }, &BOTH);
        BOTH.map(|name| verdict.measures[name].rate().expect("every verdict has both"))
    }

    #[test]
    fn the_first_turn_counts_whole_and_later_ones_by_their_place() {
        assert_eq!(of(vec![reward(Scope::Turn(0), 0.25)]), [1.0, 0.5]);
        // ½ · 2 / 1 + ½ · 2 / 2 + ¼ · 2 / 4, whatever their order.
        let found = vec![reward(Scope::Turn(3), 0.25), reward(Scope::Turn(0), 0.5), reward(Scope::Turn(1), 0.5)];
        assert_eq!(of(found), [4.0, 1.625]);
    }

    #[test]
    fn what_earns_nothing_is_no_effective_turn() {
        assert_eq!(of(Vec::new()), [0.0, 0.0]);
        assert_eq!(of(vec![reward(Scope::Turn(4), 0.0), reward(Scope::Turn(1), 0.5)]), [2.0, 0.5]);
        // A turn that gains and loses as much has earned nothing; one that loses was effective.
        assert_eq!(of(vec![reward(Scope::Turn(1), 0.5), reward(Scope::Turn(1), -0.5)]), [0.0, 0.0]);
        assert_eq!(of(vec![reward(Scope::Turn(1), -0.5)]), [2.0, -0.5]);
    }

    #[test]
    fn only_what_the_agent_scores_by_turn_counts() {
        let mut of_user = reward(Scope::Turn(5), 1.0);
        of_user.seat = Seat::User;
        let mut training = reward(Scope::Turn(6), 1.0);
        training.kind = RewardKind::Training;
        assert_eq!(of(vec![of_user, training, reward(Scope::Session, 1.0)]), [0.0, 0.0]);
    }

    #[test]
    fn a_gym_that_names_neither_gets_neither() {
        let verdict = Verdict { rewards: vec![reward(Scope::Turn(0), 1.0)], measures: BTreeMap::new() };
        assert_eq!(completed(verdict.clone(), &["rounds"]), verdict);
        assert!(!gyms::haggle::MEASURES.iter().any(|name| BOTH.contains(name)));
    }

    /// In each of UserRL's gyms, against what the record says happened at each turn.
    #[test]
    fn every_gym_of_userrl_has_both_as_its_turns_earned_them() {
        for scenario in testing::userrl() {
            assert!(BOTH.iter().all(|name| scenario.rules.measures().contains(name)), "{}", scenario.name);
            let mut earning = 0;
            for item in 0..scenario.items.held_out.min(6) {
                let record = testing::played(&scenario, "scripted:good", "rule", item);
                let verdict = record.verdict.as_ref().expect("scripts play to the end");
                // What took effect at each turn, as it was told while the talk went on.
                let effects = record.turns_of(Seat::Agent).map(|turn| &turn.effect.as_ref().expect("no fault").rewards);
                let outcome = |reward: &&Reward| reward.seat == Seat::Agent && reward.kind == RewardKind::Outcome;
                let earned: Vec<f64> =
                    effects.map(|rewards| rewards.iter().filter(outcome).map(Reward::weighted).sum()).collect();
                let last = earned.iter().rposition(|earned| *earned != 0.0).map_or(0, |at| at + 1);
                let weighted: f64 = (1..).zip(&earned).map(|(turn, earned)| earned / f64::from(turn)).sum();
                assert_eq!(verdict.measures[EFFECTIVE_TURNS], Ratio::new(last as f64, 1.0), "{}", scenario.name);
                assert!((verdict.measures[TIME_WEIGHTED].num - weighted).abs() < 1e-9, "{}", scenario.name);
                earning += usize::from(last > 0);
            }
            assert!(earning > 0, "{}: the good script earns something", scenario.name);
        }
    }
}
