//! Scripts on stories of our own making: who halves beats who asks one by one, and telling every word wins nothing.

use std::sync::Arc;

use super::super::example;
use super::published;
use crate::testing::ahead;
use crate::testing::played;
use crate::testing::scores;

const ITEMS: u32 = 120;

#[test]
fn good_play_beats_plain_random_bad_and_spamming_play() {
    let scenario = Arc::new(example());
    let good = scores(&scenario, "scripted:good", "rule", ITEMS);
    assert!(
        good.iter().all(|score| (score - 1.0).abs() < 1e-9),
        "four parts of six words take twelve questions at most"
    );
    for (other, by) in
        [("rule", 0.03), ("scripted:noisy", 0.1), ("random", 0.5), ("scripted:bad", 0.9), ("scripted:spam", 0.9)]
    {
        let (mean, errors) = ahead(&good, &scores(&scenario, other, "rule", ITEMS));
        assert!(mean > by && errors > 4.0, "{other}: {mean} at {errors} standard errors");
    }
    assert!(scores(&scenario, "scripted:spam", "rule", ITEMS).iter().all(|score| *score == 0.0));
}

#[test]
fn scripts_say_the_same_whatever_the_story_hides() {
    let scenario = Arc::new(example());
    let crate::gyms::Rules::Turtle(rules) = &scenario.rules else { panic!("it is this gym's") };
    let plot = |item| rules.library.item(crate::scenario::Split::HeldOut, item).graph.unwrap().plot;
    let alike: Vec<u32> = (0..80).filter(|item| plot(*item) == plot(0)).take(3).collect();
    let said = |item| {
        let record = played(&scenario, "scripted:good", "scripted:spam", item);
        record.turns.iter().map(|turn| turn.decision.act.clone()).take(8).collect::<Vec<_>>()
    };
    assert!(alike.len() == 3 && alike.iter().all(|item| said(*item) == said(0)));
}

#[test]
fn every_script_plays_published_stories_to_the_end() {
    for agent in ["rule", "random", "scripted:good", "scripted:bad", "scripted:spam", "scripted:noisy"] {
        let record = played(&published(), agent, "rule", 0);
        assert_eq!((record.fault, record.scores.agent), (None, Some(0.0)), "nobody knows the story: {agent}");
    }
}
