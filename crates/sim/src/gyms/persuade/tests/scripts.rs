//! Scripts on claims of our own making: who listens beats who does not, and naming everything wins nothing.

use std::sync::Arc;

use super::super::example;
use crate::testing::ahead;
use crate::testing::scores;

const ITEMS: u32 = 120;

#[test]
fn good_play_beats_deaf_random_bad_and_spamming_play() {
    let scenario = Arc::new(example());
    let good = scores(&scenario, "scripted:good", "rule", ITEMS);
    for (other, by) in
        [("rule", 0.15), ("scripted:noisy", 0.1), ("random", 0.4), ("scripted:bad", 0.8), ("scripted:spam", 0.8)]
    {
        let (mean, errors) = ahead(&good, &scores(&scenario, other, "rule", ITEMS));
        assert!(mean > by && errors > 4.0, "{other}: {mean} at {errors} standard errors");
    }
    for other in ["scripted:bad", "scripted:spam"] {
        assert!(scores(&scenario, other, "rule", ITEMS).iter().all(|score| *score == 0.0), "{other}");
    }
}

#[test]
fn scripts_say_the_same_whatever_the_belief_rests_on() {
    // Before anybody has replied there is nothing to tell beliefs in claims about one matter apart.
    let scenario = Arc::new(example());
    let crate::gyms::Rules::Persuade(rules) = &scenario.rules else { panic!("it is this gym's") };
    let claim = |item| &rules.library.item(crate::scenario::Split::HeldOut, item).claim;
    let matter = |item| super::super::catalogue::matter_of(claim(item)).unwrap().cruxes;
    let alike: Vec<u32> = (0..60).filter(|item| matter(*item) == matter(0)).take(4).collect();
    let said = |item| crate::testing::played(&scenario, "scripted:good", "rule", item).turns[0].decision.act.clone();
    assert!(alike.len() == 4 && alike.iter().all(|item| said(*item) == said(0)));
}
