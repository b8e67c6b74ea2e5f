//! Scripts on functions of our own making: who infers wins, and nobody wins by guessing.

use std::sync::Arc;

use super::super::inference;
use super::EXAMPLE;
use super::scenario;
use crate::Decision;
use crate::Scenario;
use crate::Seat;
use crate::drive::drive;
use crate::gyms::Script;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::played;

const ITEMS: u32 = 120;

fn scores(scenario: &Arc<Scenario>, agent: &str) -> Vec<f64> {
    (0..ITEMS).map(|item| played(scenario, agent, "rule", item).scores.agent.unwrap()).collect()
}

fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}

#[test]
fn good_play_wins_and_guessing_does_not() {
    let scenario = Arc::clone(&EXAMPLE);
    let good = mean(&scores(&scenario, "scripted:good"));
    assert!(good > 0.98, "{good}");
    assert!(mean(&scores(&scenario, "rule")) > 0.6);
    assert!(mean(&scores(&scenario, "scripted:noisy")) > 0.4);
    for (other, most) in [("random", 0.2), ("scripted:bad", 0.15), ("scripted:spam", 0.2)] {
        let score = mean(&scores(&scenario, other));
        assert!(score < most, "{other}: {score}");
    }
}

#[test]
fn the_good_script_needs_few_turns() {
    let scenario = Arc::clone(&EXAMPLE);
    let turns: usize = (0..ITEMS).map(|item| played(&scenario, "scripted:good", "rule", item).turns.len()).sum();
    assert!(turns < 5 * ITEMS as usize, "{turns} turns in {ITEMS} talks");
}

#[test]
fn every_function_of_our_own_making_is_one_that_can_be_inferred() {
    let scenario = Arc::clone(&EXAMPLE);
    let solved = |item| played(&scenario, "scripted:good", "rule", item).scores.agent == Some(1.0);
    let missed: Vec<u32> = (0..200).filter(|item| !solved(*item)).collect();
    assert!(missed.len() <= 2, "{missed:?}");
    assert!(inference::known().functions().len() >= 58_987);
}

#[test]
fn the_users_script_is_there_under_every_name_and_says_nothing() {
    let scenario = scenario();
    for name in ["rule", "random", "scripted:good", "scripted:bad", "scripted:spam", "scripted:noisy"] {
        assert!(Script::named(&scenario.rules, Seat::User, name).is_some(), "{name}");
    }
    let user = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
    let mut shown = None;
    let decide = |_, observation: &crate::Observation| {
        shown = Some(user.decide(&observation.clone(), casting("a", "b", 0).id.address(SEED)));
        Decision::say("[finish]")
    };
    let _ = drive(casting("person", "rule", 0), &scenario, SEED, decide, |_, _| panic!("nobody is asked"));
    assert!(shown.unwrap().act.is_err());
}
