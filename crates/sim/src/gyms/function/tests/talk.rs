//! Whole talks with what they must say and give, by hand (spec userrl §2.1).

use super::malformed;
use super::played;
use super::say;
use super::scenario;
use super::told;
use super::tool;
use crate::Choice;
use crate::Decision;
use crate::NoAct;
use crate::Seat;
use crate::Source;
use crate::Stop;
use crate::drive::drive;
use crate::testing::SEED;
use crate::testing::casting;

#[test]
fn numbers_are_echoed_as_python_floats_with_the_value_to_four_decimals() {
    let record =
        played(vec![say("[action] 1 2 3 4"), say("[action] a=1-2, c=3.50 d=1"), tool(Choice::Action, "0 3 1 1")]);
    assert_eq!(told(&record, 0), "f(1.0, 2.0, 3.0, 4.0) = 2.0");
    assert_eq!(told(&record, 1), "f(1.0, -2.0, 3.5, 1.0) = 0.625");
    assert_eq!(told(&record, 2), "f(0.0, 3.0, 1.0, 1.0) = 0.1111");
    assert!((0..3).all(|turn| !malformed(&record, turn)));
}

#[test]
fn the_right_answer_earns_one_on_its_turn_and_ends_the_talk() {
    let record = played(vec![say("[answer] 5"), say("[search] TEST"), say("[answer] 6.0000009"), say("[answer] 5")]);
    assert_eq!(told(&record, 0), "5 is wrong.");
    assert_eq!(told(&record, 1), "The test is f(1, 2, 9, 3).");
    assert_eq!((record.turns.len(), record.stop), (3, Some(Stop::Terminated)));
    assert_eq!((record.scores.agent, record.scores.user), (Some(1.0), Some(1.0)));
    let rewards = record.turn_rewards(Seat::Agent).unwrap();
    assert_eq!(rewards, [0.0, 0.0, 1.0 + 0.1]);
}

#[test]
fn an_answer_is_right_within_the_tolerance_and_not_beyond() {
    for (answer, score) in [("6", 1.0), ("5.9999991", 1.0), ("5.9999989", 0.0), ("6.0000011", 0.0), ("6e0", 1.0)] {
        let record = played(vec![tool(Choice::Answer, answer)]);
        assert_eq!(record.scores.agent, Some(score), "{answer}");
    }
}

#[test]
fn answers_may_be_tried_until_the_turns_are_over_and_the_last_one_counts() {
    let mut acts: Vec<_> = (100..115).map(|number| say(&format!("[answer] {number}"))).collect();
    acts.push(say("[answer] 6"));
    let record = played(acts);
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (16, Some(Stop::Terminated), Some(1.0)));
    let never = played((100..130).map(|number| say(&format!("[answer] {number}"))).collect());
    assert_eq!((never.turns.len(), never.stop, never.scores.agent), (16, Some(Stop::Truncated), Some(0.0)));
}

#[test]
fn the_test_itself_is_refused_and_looked_up_only_by_its_name() {
    let record = played(vec![say("[action] 1 2.0 9 3"), say("[search] help"), say("[action] 1 2 9 3.0001")]);
    assert!(malformed(&record, 0) && malformed(&record, 1) && !malformed(&record, 2));
    assert!(told(&record, 0).starts_with("That is the test itself"), "{}", told(&record, 0));
    assert!(told(&record, 1).contains("[search] test"));
}

#[test]
fn where_the_function_has_no_value_the_turn_counts_and_says_why() {
    let record = played(vec![say("[action] 1 0 3 4"), say("[action] 1e300 1 1 1"), say("[action] 1 1 1 1")]);
    assert_eq!(told(&record, 0), "f(1.0, 0.0, 3.0, 4.0) has no value: it divides by zero.");
    assert!(!malformed(&record, 0));
    // `1e300` is two numbers, as upstream reads it, so there are five.
    assert!(malformed(&record, 1));
}

#[test]
fn finish_gives_up_and_the_record_alone_says_what_it_was() {
    let record = played(vec![say("[action] 1 2 3 4"), say("[FINISH] 6")]);
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (2, Some(Stop::Terminated), Some(0.0)));
    assert_eq!(record.turns[1].effect.as_ref().unwrap().journal, ["the answer is 6"]);
    assert_eq!(record.verdict.unwrap().measures["agent/gave_up"].num, 1.0);
}

#[test]
fn what_names_no_operation_is_told_the_form_and_three_in_a_row_fail() {
    let record = played(vec![say("1 2 3 4"), say("I wonder."), say("[action] 1 2 3 4"), say("x"), say("y"), say("z")]);
    assert!(malformed(&record, 0) && told(&record, 0).starts_with("Say [action]"));
    assert_eq!((record.turns.len(), record.stop), (6, Some(Stop::Failed(Seat::Agent))));
    assert_eq!((record.scores.agent, record.scores.user), (Some(0.0), None));
}

#[test]
fn an_agent_without_an_act_is_told_the_form() {
    let decide =
        |_, _: &_| Decision { act: Err(NoAct::Malformed("mumbled".to_owned())), thought: None, generation: None };
    let record = drive(casting("person", "rule", 0), &scenario(), SEED, decide, |_, _| panic!("nobody is asked"));
    assert_eq!((record.turns.len(), record.stop), (3, Some(Stop::Failed(Seat::Agent))));
    assert_eq!(record.turns[0].effect.as_ref().unwrap().malformed.as_deref(), Some("mumbled"));
}

/// Spec userrl §6.1, fault 13: the prompt hides the power operator.
#[test]
fn the_brief_discloses_the_power_operator_and_the_number_of_turns() {
    let record = played(Vec::new());
    let brief = &record.turns[0].observed[0];
    assert_eq!(brief.from, Source::Brief);
    assert!(brief.text.contains("** (a power") && brief.text.contains("16 turns"), "{}", brief.text);
    assert!(brief.text.split_whitespace().count() < 90, "small models read it");
}

/// Spec userrl §6.1, fault 3: the last permitted turn was never executed.
#[test]
fn exactly_as_many_acts_are_executed_as_there_are_turns() {
    let record = played((0..40).map(|n| say(&format!("[action] 1 2 3 {n}"))).collect());
    assert_eq!(record.verdict.unwrap().measures["agent/probes"].num, 16.0);
}

#[test]
fn no_text_that_the_agent_sees_holds_the_rule_or_the_result() {
    let mut acts = vec![say("[answer] 5"), say("[action] 1 2 9 3"), say("[search] rule"), say("[answer] nan")];
    acts.extend([say("[search] test"), say("[action] 1 0 1 1"), say("[action] x"), say("[answer]"), say("hello")]);
    for turn in &played(acts).turns {
        for message in &turn.observed {
            assert!(!message.text.contains("(c - a)") && !message.text.contains("canary"), "{}", message.text);
            assert!(!message.text.contains("= 6") && !message.text.contains("is 6"), "{}", message.text);
        }
    }
}
