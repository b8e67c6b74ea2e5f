//! Scripts on items of our own making: who reads the task beats who does not, and nobody wins by spamming.

use std::sync::Arc;

use super::super::example;
use crate::Scenario;
use crate::testing::played;

const ITEMS: u32 = 120;

/// Scores of an agent on held-out items.
fn scores(scenario: &Arc<Scenario>, agent: &str, user: &str) -> Vec<f64> {
    (0..ITEMS).map(|item| played(scenario, agent, user, item).scores.agent.unwrap()).collect()
}

/// The mean of the paired differences, and its distance from 0 in standard errors.
fn ahead(one: &[f64], other: &[f64]) -> (f64, f64) {
    let differences: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, mean / (variance / n).sqrt())
}

#[test]
fn good_play_beats_plain_random_bad_and_spamming_play() {
    let scenario = Arc::new(example());
    let good = scores(&scenario, "scripted:good", "rule");
    for other in ["scripted:noisy", "random", "scripted:bad", "scripted:spam"] {
        let (mean, errors) = ahead(&good, &scores(&scenario, other, "rule"));
        assert!(mean > 0.0 && errors > 4.0, "{other}: {mean} at {errors} standard errors");
    }
    assert!(scores(&scenario, "scripted:spam", "rule").iter().all(|score| *score == 0.0));
}

#[test]
fn scripts_say_the_same_whatever_the_item_hides() {
    // The same request with other details must get the same questions: scripts see what an agent sees.
    let scenario = Arc::new(example());
    let record = played(&scenario, "scripted:good", "scripted:bad", 3);
    let again = played(&scenario, "scripted:good", "scripted:spam", 3);
    let said = |record: &crate::EpisodeRecord| record.turns.iter().map(|t| t.decision.act.clone()).collect::<Vec<_>>();
    let both = said(&record).len().min(said(&again).len());
    assert_eq!(said(&record)[..both], said(&again)[..both]);
}

#[test]
fn the_fixed_list_is_the_same_for_every_task() {
    let scenario = Arc::new(example());
    let said = |item| played(&scenario, "scripted:fixed", "scripted:bad", item).turns[0].decision.act.clone();
    assert!((1..10).all(|item| said(item) == said(0)));
}
