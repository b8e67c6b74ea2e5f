use std::sync::Arc;

use super::Rules;
use super::Script;
use super::verdict::MEASURES;
use super::verdict::TERMS;
use crate::FaultKind;
use crate::Pair;
use crate::Scenario;
use crate::Seat;
use crate::Stop;
use crate::scenario::ItemCounts;
use crate::scenario::RewardRule;
use crate::testing::acting;
use crate::testing::acting_with;
use crate::testing::ahead;
use crate::testing::earned;
use crate::testing::on_the_page;
use crate::testing::played;
use crate::testing::replied;
use crate::testing::say;
use crate::testing::scores;
use crate::testing::survives_any_three_inputs;

/// Numbers from 1 to 31 in five turns, every term with weight 1.
fn scenario() -> Arc<Scenario> {
    let terms = TERMS.iter();
    let rewards = terms.map(|t| RewardRule { seat: t.seat, name: t.name.to_owned(), kind: t.kind, weight: 1.0 });
    Arc::new(Scenario {
        turns_max: 5,
        rules: crate::gyms::Rules::Guess(Rules { number_max: 31 }),
        items: ItemCounts { train: 100, held_out: 300, seed: 7 },
        rewards: rewards.collect(),
        success: Pair::default(),
        ..Scenario::clone(&crate::testing::scenario())
    })
}

fn number(item: u32) -> u32 {
    let rules = Rules { number_max: 31 };
    rules.number(scenario().items, crate::scenario::Split::HeldOut, item)
}

#[test]
fn the_right_number_earns_one_on_its_turn_and_ends_the_talk() {
    let other = if number(0) == 5 { 6 } else { 5 };
    let acts = [say(&other.to_string()), say(&format!("[answer] {}", number(0)))];
    let record = acting_with(&scenario(), 0, &acts, "rule");
    assert_eq!((earned(&record), record.stop), (vec![0.0, 1.0], Some(Stop::Terminated)));
    let word = if number(0) > other { "Higher." } else { "Lower." };
    assert_eq!(record.turns[1].observed[0].text, word);
}

#[test]
fn who_halves_always_finds_it_and_nobody_else_does() {
    let good = scores(&scenario(), "scripted:good", "rule", 300);
    assert!(good.iter().all(|score| *score == 1.0), "31 numbers are halved four times");
    for other in ["rule", "scripted:noisy", "random", "scripted:bad", "scripted:spam"] {
        let (mean, errors) = ahead(&good, &scores(&scenario(), other, "rule", 300));
        assert!(mean > 0.2 && errors > 4.0, "{other}: {mean} at {errors} standard errors");
    }
    let (mean, errors) = ahead(&good, &scores(&scenario(), "scripted:good", "scripted:bad", 300));
    assert!(mean > 0.2 && errors > 4.0, "a user that errs misleads: {mean} at {errors} standard errors");
}

#[test]
fn what_is_no_number_costs_its_turn_and_three_in_a_row_the_talk() {
    let acts = ["", "0", "32"].map(say);
    let record = acting_with(&scenario(), 0, &acts, "rule");
    assert_eq!((record.turns.len(), record.stop), (3, Some(Stop::Failed(Seat::Agent))));
    assert_eq!(record.turns[1].observed[0].text, "That does not count: say a number from 1 to 31.");
}

#[test]
fn a_reply_that_says_neither_is_a_fault_of_the_user_and_scores_nobody() {
    let other = if number(0) == 5 { 6 } else { 5 };
    for reply in ["", "Higher or lower, who knows?", "Warm."] {
        let record = acting(&scenario(), 0, &[say(&other.to_string())], |_| replied(reply));
        assert_eq!(record.fault.map(|fault| fault.kind), Some(FaultKind::BadReply));
        assert_eq!((record.scores.agent, record.scores.user), (None, None));
    }
}

#[test]
fn every_verdict_has_every_measure_and_every_pair_of_scripts_re_drives() {
    for agent in ["rule", "random", "scripted:bad", "scripted:spam", "scripted:noisy"] {
        for user in ["rule", "random", "scripted:bad", "scripted:spam"] {
            let record = played(&scenario(), agent, user, 3);
            crate::redrive(&record, &scenario()).unwrap();
            let verdict = record.verdict.unwrap();
            assert!(MEASURES.iter().all(|measure| verdict.measures.contains_key(*measure)));
        }
    }
}

#[test]
fn no_input_in_any_state_breaks_the_world_and_none_counts_after_the_end() {
    survives_any_three_inputs(&scenario());
}

#[test]
fn every_term_measure_and_script_is_on_the_page() {
    on_the_page::<Script>("guess", TERMS, MEASURES);
}
