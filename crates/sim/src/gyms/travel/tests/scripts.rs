//! Scripts on trips of our own making: who asks and chooses by what it heard wins, and nobody wins by spamming.

use std::sync::Arc;

use super::EXAMPLE;
use crate::EpisodeRecord;
use crate::Scenario;
use crate::testing::played;

const ITEMS: u32 = 120;

fn records(scenario: &Arc<Scenario>, agent: &str, user: &str) -> Vec<EpisodeRecord> {
    (0..ITEMS).map(|item| played(scenario, agent, user, item)).collect()
}

fn scores(scenario: &Arc<Scenario>, agent: &str) -> Vec<f64> {
    records(scenario, agent, "rule").iter().map(|record| record.scores.agent.unwrap()).collect()
}

/// The paper's measure, over episodes.
fn aspect_score(records: &[EpisodeRecord]) -> f64 {
    let of =
        |record: &EpisodeRecord| record.verdict.as_ref().map_or(0.0, |verdict| verdict.measures["aspect_score"].num);
    records.iter().map(of).sum::<f64>() / records.len() as f64
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
    let good = scores(&EXAMPLE, "scripted:good");
    for other in ["rule", "scripted:noisy", "random", "scripted:bad", "scripted:spam"] {
        let (mean, errors) = ahead(&good, &scores(&EXAMPLE, other));
        assert!(mean > 0.0 && errors > 4.0, "{other}: {mean} at {errors} standard errors");
    }
}

#[test]
fn good_play_finds_the_best_options_and_spamming_does_not() {
    let good = aspect_score(&records(&EXAMPLE, "scripted:good", "rule"));
    let spam = aspect_score(&records(&EXAMPLE, "scripted:spam", "rule"));
    let careless = aspect_score(&records(&EXAMPLE, "scripted:bad", "rule"));
    assert!(good > 0.7 && spam < 0.15 && careless < 0.2, "{good}, {spam}, {careless}");
}

#[test]
fn a_user_that_misunderstands_makes_good_play_worse() {
    let by = |user| aspect_score(&records(&EXAMPLE, "scripted:good", user));
    assert!(by("rule") > by("scripted:bad") + 0.1);
}

#[test]
fn scripts_say_the_same_until_they_hear_something_else() {
    // With the same request, the first questions are the same whatever is wished: scripts see what an agent sees.
    let one = played(&EXAMPLE, "scripted:good", "rule", 3);
    let other = played(&EXAMPLE, "scripted:good", "scripted:bad", 3);
    assert_eq!(one.turns[0].decision.act, other.turns[0].decision.act);
}
