//! Whole talks with what they must say and give, by hand (spec userrl §2.7).

use super::CAR;
use super::FLIGHT;
use super::WISHES;
use super::earned;
use super::malformed;
use super::played;
use super::played_in;
use super::say;
use super::scenario_by;
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

const MEAL: &str = "[action] Which meal on the flight?";
const SEAT: &str = "[action] Which seat on the flight?";

#[test]
fn a_whole_talk_earns_by_turn_what_upstream_gives() {
    let gearbox = "[action] Which gearbox for the car?";
    let record = played(&[FLIGHT, MEAL, SEAT, CAR, gearbox, "[answer] F4", "[answer] C8"]);
    assert_eq!(earned(&record), [0.2, 0.6, 0.6, 0.2, 0.6, 1.0, 0.8]);
    assert_eq!(told(&record, 1), "My plate has been green since school.");
    assert_eq!(told(&record, 5), "Your choice for the flight is the best there is.");
    assert_eq!((record.turns.len(), record.stop), (7, Some(Stop::Terminated)));
    assert!((record.scores.agent.unwrap() - 4.0).abs() < 1e-12);
    // The paper's measure: the mean over aspects of what the choice earned, whatever else was earned.
    assert!((record.scores.user.unwrap() - 0.9).abs() < 1e-12);
    let measures = record.verdict.unwrap().measures;
    assert!((measures["aspect_score"].rate().unwrap() - 0.9).abs() < 1e-12);
    assert_eq!(measures["aspect_score/flight"].rate(), Some(1.0));
    assert_eq!(measures["aspect_score/rental_car"].rate(), Some(0.8));
    assert_eq!(measures["aspect_score/22"].rate(), measures["aspect_score"].rate());
    assert_eq!((measures["aspect_score/hotel"].rate(), measures["aspect_score/333"].rate()), (None, None));
    assert_eq!((measures["best"].rate(), measures["correct"].rate()), (Some(0.5), Some(1.0)));
    assert_eq!((measures["elicited"].num, measures["elicited"].den), (3.0, 4.0));
}

#[test]
fn a_listing_has_a_line_for_each_option_and_comes_once() {
    let record = played(&[FLIGHT, FLIGHT]);
    let lines: Vec<&str> = told(&record, 0).lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[1].starts_with("{\"id\":\"F4\",\"path\":[\"New York\",\"direct\",\"Oslo\"]"), "{}", lines[1]);
    assert_eq!(told(&record, 1), "You have the options for the flight already.");
    assert_eq!(earned(&record), [0.2, 0.0, 0.0]);
}

#[test]
fn a_search_that_is_not_complete_lists_nothing_and_says_why() {
    let record = played(&["[search] flight to Oslo", "[search] weather", "[search] flight and car in Oslo"]);
    assert!(told(&record, 0).starts_with("Refine the search"));
    assert!(told(&record, 1).starts_with("That has nothing to do"));
    assert!(told(&record, 2).starts_with("Refine the search"));
    assert!((0..3).all(|turn| !malformed(&record, turn) && earned(&record)[turn] == 0.0));
}

/// Acceptance test 5 of the specification (userrl §8.3).
#[test]
fn the_fifth_search_fails_and_asks_nobody() {
    let record = played(&[FLIGHT, "[search] a", "[search] b", "[search] c", CAR, CAR]);
    assert_eq!(told(&record, 4), "The search does not answer right now. Try again.");
    assert!(record.turns[4].answers.is_empty() && record.turns[3].answers.len() == 1);
    assert_eq!(earned(&record), [0.2, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0]);
    let never = scenario_by(|rules| rules.search_failure_interval = 0);
    let record = played_in(&never, [FLIGHT, "[search] a", "[search] b", "[search] c", CAR].map(say).to_vec());
    assert_eq!(earned(&record)[4], 0.2);
}

/// Acceptance test 5 of the specification (userrl §8.3).
#[test]
fn the_second_answer_for_an_aspect_is_refused_and_a_non_existent_id_burns_the_choice() {
    let record = played(&["[answer] F6", "[answer] F4", "[answer] C99", "[answer] C7"]);
    assert!(!malformed(&record, 0) && malformed(&record, 1) && !malformed(&record, 2));
    assert_eq!(told(&record, 1), "An option for that was chosen already: the first choice counts.");
    // Both are settled now, so the talk is over before the last answer.
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (3, Some(Stop::Terminated), Some(0.0)));
    assert_eq!(record.verdict.unwrap().measures["agent/choices_nonexistent"].num, 1.0);
}

/// Spec userrl §6.1, fault 2: upstream never ends after a choice that is not best.
#[test]
fn a_talk_ends_when_all_aspects_are_chosen_whether_or_not_the_best_were() {
    for (choices, score) in [(["F6", "C9"], 0.0), (["F5", "C8"], 1.6), (["C7", "F4"], 2.0), (["F4", "C9"], 1.0)] {
        let record = played(&choices.map(|id| format!("[answer] {id}")).each_ref().map(String::as_str));
        assert_eq!((record.turns.len(), record.stop), (2, Some(Stop::Terminated)), "{choices:?}");
        assert!((record.scores.agent.unwrap() - score).abs() < 1e-12, "{choices:?}");
    }
}

/// Spec userrl §6.1, fault 2: upstream pays several choices of one answer without a bound, and nothing if a later one is refused.
#[test]
fn several_options_at_once_are_all_taken_or_none_and_earn_no_more_than_one() {
    let record = played(&["[answer] F4, C7"]);
    assert_eq!((earned(&record), record.stop), (vec![1.0], Some(Stop::Terminated)));
    assert_eq!(record.verdict.unwrap().measures["aspect_score"].rate(), Some(1.0));
    for refused in ["F4, X7", "F4, F5", "F4,", "F4, H2"] {
        let record = played(&[&format!("[answer] {refused}"), "[answer] F4", "[answer] C7"]);
        assert!(malformed(&record, 0), "{refused}");
        assert_eq!(earned(&record), [0.0, 1.0, 1.0], "{refused}: nothing was recorded");
    }
}

#[test]
fn with_more_choices_an_aspect_a_talk_ends_with_the_best_ones_and_pays_each_option_once() {
    let free = scenario_by(|rules| rules.one_choice_per_aspect = false);
    let acts = ["[answer] F6", "[answer] F5", "[answer] F5", "[answer] F4", "[answer] C7"].map(say).to_vec();
    let record = played_in(&free, acts);
    assert_eq!(earned(&record), [0.0, 0.8, 0.0, 1.0, 1.0]);
    assert_eq!(record.stop, Some(Stop::Terminated));
    assert_eq!(record.scores.user, Some(1.0));
}

#[test]
fn a_wrong_choice_takes_its_penalty_off_the_same_answer_and_no_turn_earns_less_than_nothing() {
    let strict = scenario_by(|rules| rules.wrong_choice_penalty = 0.5);
    assert_eq!(earned(&played_in(&strict, vec![say("[answer] F5, C9")])), [0.8 - 0.5]);
    assert_eq!(earned(&played_in(&strict, vec![say("[answer] F6, C9")])), [0.0]);
}

#[test]
fn a_choice_settles_the_wishes_of_its_aspect() {
    let record = played(&["[answer] F4", MEAL]);
    assert_eq!(told(&record, 1), "The user has no wish about that, or has told it.");
    assert_eq!(earned(&record), [1.0, 0.0, 0.0]);
}

#[test]
fn a_wish_is_told_and_paid_once_and_what_is_not_wished_is_said_not_to_be() {
    let record =
        played(&[MEAL, MEAL, "[action] How much baggage on the flight?", "[action] Which one?", "[action] The car?"]);
    assert_eq!(told(&record, 1), "The user has no wish about that, or has told it.");
    assert_eq!(told(&record, 2), "The user has no wish about that, or has told it.");
    assert_eq!(told(&record, 3), "If you say so.");
    // The fourth thing said about nothing: three were before it.
    assert!(told(&record, 4).starts_with("By the way, about the "), "{}", told(&record, 4));
    assert_eq!(earned(&record), [0.6, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

/// Spec userrl §6.1, fault 1: upstream's own code for this always fails, so that nothing is ever brought up.
#[test]
fn a_user_that_was_asked_nothing_three_times_brings_up_a_wish_by_itself() {
    let record = played(&["[action] Hm."; 12]);
    let hints: Vec<&str> = WISHES.iter().map(|wish| wish.hint()).collect();
    let brought_up = |turn: usize| hints.iter().any(|hint| told(&record, turn).contains(hint));
    let turns: Vec<usize> = (0..12).filter(|turn| brought_up(*turn)).collect();
    assert_eq!(turns, [3, 7, 11]);
    assert_eq!(earned(&record), [0.0; 13]);
    let measures = &record.verdict.as_ref().unwrap().measures;
    assert_eq!((measures["brought_up"].num, measures["elicited"].num), (3.0, 0.0));
    // A wish that was brought up is told, and does not come again.
    let told: std::collections::BTreeSet<&str> = turns.iter().map(|turn| self::told(&record, *turn)).collect();
    assert_eq!(told.len(), 3);
    let never = scenario_by(|rules| rules.elicitation_interval = 0);
    let record = played_in(&never, vec![say("[action] Hm."); 12]);
    assert!((0..12).all(|turn| self::told(&record, turn) == "If you say so."));
}

#[test]
fn what_is_asked_for_is_paid_even_when_the_user_would_bring_up_something() {
    let mut texts = vec!["[action] Hm."; 3];
    texts.push(SEAT);
    let record = played(&texts);
    assert_eq!(earned(&record)[3], 0.6);
    assert_eq!(told(&record, 3), WISHES[1].hint());
}

#[test]
fn finish_ends_the_talk_in_any_case() {
    for act in [say("[FINISH]"), tool(Choice::Finish, "bye")] {
        let record = played_in(&super::scenario(), vec![say(FLIGHT), act]);
        assert_eq!((record.turns.len(), record.stop, record.scores.agent), (2, Some(Stop::Terminated), Some(0.2)));
    }
}

#[test]
fn talk_without_an_operation_is_told_the_form_and_three_in_a_row_fail() {
    let record = played(&["hello", MEAL, "a", "b", "c", "d"]);
    assert!(malformed(&record, 0) && told(&record, 0).starts_with("Say [search]"));
    assert_eq!((record.turns.len(), record.stop), (5, Some(Stop::Failed(Seat::Agent))));
    assert_eq!((record.scores.agent, record.scores.user), (Some(0.0), None));
}

#[test]
fn an_agent_without_an_act_is_told_the_form() {
    let decide =
        |_, _: &_| Decision { act: Err(NoAct::Malformed("mumbled".to_owned())), thought: None, generation: None };
    let record =
        drive(casting("person", "rule", 0), &super::scenario(), SEED, decide, |_, _| panic!("nobody is asked"));
    assert_eq!((record.turns.len(), record.stop), (3, Some(Stop::Failed(Seat::Agent))));
}

/// Spec userrl §6.1, fault 3: the last permitted turn was never executed.
#[test]
fn exactly_as_many_acts_are_executed_as_there_are_turns() {
    let mut texts = vec!["[action] Hm."; 15];
    texts.push("[answer] F4");
    texts.push("[answer] C7");
    let record = played(&texts);
    assert_eq!((record.turns.len(), record.stop), (16, Some(Stop::Truncated)));
    assert_eq!(earned(&record)[15], 1.0);
}

/// Spec userrl §6.1, faults 8 and 9: one file's rewards hold for training and evaluation, and the agent is not shown them.
#[test]
fn the_brief_is_short_names_the_operations_and_no_reward_is_shown() {
    let record = played(&[FLIGHT, MEAL, "[answer] F4"]);
    let brief = &record.turns[0].observed[0];
    assert_eq!((brief.from, record.turns[0].observed[1].from), (Source::Brief, Source::Partner));
    assert!(brief.text.split_whitespace().count() < 110, "small models read it");
    for operation in ["[search]", "[action]", "[answer]", "[finish]", "16 turns"] {
        assert!(brief.text.contains(operation), "{operation}");
    }
    let shown = record.turns.iter().flat_map(|turn| &turn.observed);
    assert!(shown.into_iter().all(|message| !message.text.to_lowercase().contains("reward")));
}
