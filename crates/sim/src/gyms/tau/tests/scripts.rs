//! Scripts on tasks of our own making: who looks up, asks and keeps to the policy beats who does not, and nobody wins by spamming.

use std::sync::Arc;

use super::super::example;
use crate::Scenario;
use crate::testing::played;

const ITEMS: u32 = 120;

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
fn good_play_beats_plain_noisy_random_bad_and_spamming_play() {
    let scenario = Arc::new(example());
    let good = scores(&scenario, "scripted:good", "rule");
    assert!(good.iter().all(|score| *score == 1.0), "good play solves every task");
    for other in ["rule", "scripted:noisy", "random", "scripted:bad", "scripted:spam"] {
        let (mean, errors) = ahead(&good, &scores(&scenario, other, "rule"));
        assert!(mean > 0.0 && errors > 4.0, "{other}: {mean} at {errors} standard errors");
    }
    assert!(scores(&scenario, "scripted:spam", "rule").iter().all(|score| *score == 0.0));
    assert!(scores(&scenario, "scripted:bad", "rule").iter().all(|score| *score == 0.0));
}

#[test]
fn good_play_writes_nothing_without_a_yes() {
    let scenario = Arc::new(example());
    for item in 0..ITEMS {
        let record = played(&scenario, "scripted:good", "rule", item);
        let measures = record.verdict.unwrap().measures;
        assert_eq!(measures["agent/unconfirmed"].num, 0.0);
        assert!(measures["agent/unconfirmed"].den > 0.0);
    }
}

#[test]
fn every_pair_of_scripts_comes_to_an_end_without_a_fault_and_re_drives() {
    let scenario = Arc::new(example());
    for agent in ["scripted:good", "rule", "scripted:noisy", "random", "scripted:bad", "scripted:spam"] {
        for user in ["rule", "random", "scripted:bad", "scripted:spam"] {
            for item in 0..6 {
                let record = played(&scenario, agent, user, item);
                assert_eq!(record.fault, None, "{agent} {user}");
                crate::redrive(&record, &scenario).unwrap();
            }
        }
    }
}
