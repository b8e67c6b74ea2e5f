//! Scripts on questions of our own making: who looks up twice beats who does not, and nobody wins by guessing.

use std::sync::Arc;

use super::super::agent::names;
use super::super::example;
use crate::Decision;
use crate::Observation;
use crate::Scenario;
use crate::Seat;
use crate::Stop;
use crate::View;
use crate::drive::drive;
use crate::gyms::Rules;
use crate::gyms::Script;
use crate::gyms::search;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::played;

const ITEMS: u32 = 150;

/// Scores of an agent on held-out items.
fn scores(scenario: &Arc<Scenario>, agent: &str) -> Vec<f64> {
    (0..ITEMS).map(|item| played(scenario, agent, "rule", item).scores.agent.unwrap()).collect()
}

fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}

#[test]
fn good_play_beats_plain_random_half_hearted_and_spamming_play() {
    let scenario = Arc::new(example());
    let good = scores(&scenario, "scripted:good");
    assert!(mean(&good) > 0.95, "{}", mean(&good));
    for (other, most) in
        [("scripted:noisy", 0.9), ("rule", 0.8), ("random", 0.3), ("scripted:bad", 0.05), ("scripted:spam", 0.0)]
    {
        let other_scores = scores(&scenario, other);
        assert!(mean(&other_scores) <= most, "{other}: {}", mean(&other_scores));
        let differences: Vec<f64> = good.iter().zip(&other_scores).map(|(a, b)| a - b).collect();
        let variance = differences.iter().map(|d| (d - mean(&differences)).powi(2)).sum::<f64>() / f64::from(ITEMS - 1);
        let errors = mean(&differences) / (variance / f64::from(ITEMS)).sqrt();
        assert!(errors > 3.0, "{other}: {errors} standard errors");
    }
}

/// Looks up twice as the good script does, and then answers name after name off the last page, without reading it.
fn guessing(scenario: &Arc<Scenario>, item: u32) -> f64 {
    let casting = casting("guesser", "rule", item);
    let address = casting.id.address(SEED);
    let good = Script::named(&scenario.rules, Seat::Agent, "scripted:good").unwrap();
    let decide = |_, observation: &Observation| {
        let View::Search(search::View::Agent(view)) = &observation.view else { unreachable!("it is of this gym") };
        match &view.searches[..] {
            [] | [_] => good.decide(observation, address),
            [.., last] => {
                let all: Vec<String> = last.found.iter().flat_map(|page| names(&page.text)).collect();
                let next = all.iter().find(|name| !view.wrong.contains(name));
                Decision::say(next.map_or("[finish]".to_owned(), |name| format!("[answer] {name}")))
            }
        }
    };
    let record = drive(casting, scenario, SEED, decide, |_, _| unreachable!("nobody is asked"));
    record.scores.agent.unwrap()
}

#[test]
fn more_answers_would_pay_for_guessing_and_two_do_not() {
    let scores_with = |answers_max| {
        let mut scenario = example();
        let Rules::Search(rules) = &mut scenario.rules else { unreachable!("it is of this gym") };
        rules.answers_max = answers_max;
        scenario.turns_max = 16;
        let scenario = Arc::new(scenario);
        mean(&(0..ITEMS).map(|item| guessing(&scenario, item)).collect::<Vec<f64>>())
    };
    let (two, unlimited) = (scores_with(2), scores_with(100));
    assert!(two < 0.35 && unlimited > 0.6, "{two} with two, {unlimited} without a bound");
}

#[test]
fn every_script_plays_to_an_end_that_re_drives() {
    let scenario = Arc::new(example());
    for agent in ["rule", "random", "scripted:good", "scripted:bad", "scripted:spam", "scripted:noisy"] {
        for item in 0..20 {
            let record = played(&scenario, agent, "rule", item);
            assert!(matches!(record.stop, Some(Stop::Terminated | Stop::Truncated)), "{agent}: {:?}", record.stop);
            redrive(&record, &scenario).unwrap();
        }
    }
}

#[test]
fn scripts_say_the_same_whatever_the_answer_is() {
    // They see what an agent sees: another right answer changes nothing they do before they are judged.
    let scenario = super::scenario(super::super::Judge::User);
    let by = |user| played(&scenario, "random", user, 0).turns.into_iter().map(|t| t.decision.act).collect::<Vec<_>>();
    let (yes, no) = (by("scripted:spam"), by("scripted:bad"));
    let both = yes.len().min(no.len());
    assert!(both > 0 && yes[..both] == no[..both]);
}
