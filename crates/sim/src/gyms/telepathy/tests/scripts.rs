//! Scripts on things of our own making: who halves beats who asks one by one, and guessing or naming everything wins nothing.

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
    assert!(good.iter().all(|score| *score == 1.0), "five slots of four values take ten questions");
    for other in ["rule", "scripted:noisy", "random", "scripted:bad", "scripted:spam"] {
        let (mean, errors) = ahead(&good, &scores(&scenario, other, "rule", ITEMS));
        assert!(mean > 0.2 && errors > 4.0, "{other}: {mean} at {errors} standard errors");
    }
    for other in ["scripted:bad", "scripted:spam"] {
        assert!(scores(&scenario, other, "rule", ITEMS).iter().sum::<f64>() < 4.0, "{other}");
    }
}

#[test]
fn scripts_say_the_same_whatever_is_thought_of() {
    // The same answers about other things must get the same questions: scripts see what an agent sees.
    let scenario = Arc::new(example());
    let of_kind = |item| {
        let crate::gyms::Rules::Telepathy(rules) = &scenario.rules else { panic!("it is this gym's") };
        rules.library.item(crate::scenario::Split::HeldOut, item).category.clone()
    };
    let alike: Vec<u32> = (0..60).filter(|item| of_kind(*item) == of_kind(0)).take(3).collect();
    let said = |item| {
        let record = played(&scenario, "scripted:good", "scripted:spam", item);
        record.turns.iter().map(|turn| turn.decision.act.clone()).take(8).collect::<Vec<_>>()
    };
    assert!(alike.len() == 3 && alike.iter().all(|item| said(*item) == said(0)));
}

#[test]
fn every_script_plays_published_things_to_the_end() {
    for agent in ["rule", "random", "scripted:good", "scripted:bad", "scripted:spam", "scripted:noisy"] {
        let record = played(&published(), agent, "rule", 0);
        assert_eq!((record.fault, record.scores.agent), (None, Some(0.0)), "nobody knows the name: {agent}");
    }
}
