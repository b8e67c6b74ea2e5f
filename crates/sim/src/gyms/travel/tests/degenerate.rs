//! Whatever an act holds, and whatever a world is handed in whatever state: no panic, and nothing is earned by it.

use proptest::prelude::*;

use super::super::World;
use super::FLIGHT;
use super::earned;
use super::malformed;
use super::played;
use super::played_in;
use super::say;
use super::scenario;
use super::told;
use super::tool;
use crate::Act;
use crate::Address;
use crate::Answer;
use crate::Choice;
use crate::Phase;
use crate::QueryId;
use crate::Seat;
use crate::WorldInput;
use crate::WorldOutput;
use crate::gyms::GymWorld;
use crate::gyms::Rules;
use crate::replay::redrive;
use crate::scenario::Split;

fn world() -> World {
    let scenario = scenario();
    let Rules::Travel(rules) = &scenario.rules else { panic!("it is this gym") };
    let address = Address { seed: 1, phase: Phase::Eval, round: 0, group: 0, trial: 0, member: 0 };
    World::new(rules.clone(), &scenario, Split::HeldOut, 0, crate::Tools::Prose, address)
}

#[test]
fn empty_content_does_not_count_and_nobody_is_asked() {
    for act in [say("[action]"), say("[search] \t"), say("[answer]"), say(""), tool(Choice::Search, "")] {
        let record = played_in(&scenario(), vec![act.clone()]);
        assert!(malformed(&record, 0) && record.turns[0].answers.is_empty(), "{act:?}");
    }
}

#[test]
fn a_megabyte_of_content_does_not_count_and_nobody_is_asked() {
    let long = "flight seat ".repeat(90_000);
    for act in [tool(Choice::Action, &long), tool(Choice::Search, &long), tool(Choice::Answer, &long), say(&long)] {
        let record = played_in(&scenario(), vec![act]);
        assert!(malformed(&record, 0) && record.turns[0].answers.is_empty() && told(&record, 0).len() < 100);
    }
}

#[test]
fn control_characters_are_taken_as_they_are() {
    let record = played(&["[action] seat\u{0}flight\u{1b}[2J", "[search] flight New York\u{7} Oslo\u{202e} March 3rd"]);
    assert_eq!(earned(&record)[0], 0.6);
    assert_eq!(earned(&record)[1], 0.2);
    assert!(malformed(&played(&["[answer] F4\u{0}"]), 0));
}

#[test]
fn json_is_neither_an_option_nor_a_search() {
    let record = played(&[r#"[answer] {"id": "F4"}"#, r#"[answer] ["F4"]"#, r#"[search] {"aspect": "flight"}"#]);
    assert!(malformed(&record, 0) && malformed(&record, 1) && !malformed(&record, 2));
    assert_eq!(earned(&record), [0.0; 4]);
}

#[test]
fn unknown_ids_and_negative_and_huge_numbers_burn_the_choice_or_do_not_count() {
    for id in ["F", "X4", "F-4", "F4.0", "f4", "4", "F 4", "F4 C7", "F4,,C7", "H1", "FF4", "F\u{664}"] {
        let record = played(&[&format!("[answer] {id}"), "[answer] F4"]);
        assert!(malformed(&record, 0), "{id}");
        assert_eq!(earned(&record)[1], 1.0, "{id}");
    }
    let huge = format!("F{}", "9".repeat(500));
    for id in ["F0", "F22", "F255", "F256", "F99999999999999999999", huge.as_str()] {
        let record = played(&[&format!("[answer] {id}"), "[answer] F4"]);
        assert!(!malformed(&record, 0) && malformed(&record, 1), "{id}");
        assert_eq!(earned(&record), [0.0; 3], "{id}");
    }
}

#[test]
fn an_answer_before_any_search_is_an_answer() {
    assert_eq!(earned(&played(&["[answer] F4"]))[0], 1.0);
}

#[test]
fn a_world_that_is_over_or_handed_something_else_says_so() {
    let act = |text: &str| WorldInput::Act(Seat::Agent, Act::Say(text.to_owned()));
    let answer = |id| WorldInput::Answer(QueryId(id), Answer { reply: "{}".to_owned(), decision: None });
    for end in ["[finish]", "[answer] F4, C9"] {
        let mut world = world();
        assert!(matches!(world.step(answer(0))[..], [WorldOutput::Fault(_)]));
        assert!(matches!(world.step(WorldInput::NoAct(Seat::User, String::new()))[..], [WorldOutput::Fault(_)]));
        assert!(matches!(world.step(act(FLIGHT))[..], [WorldOutput::Query(..)]));
        // Another answer than the one that is awaited, or an act in its place.
        let mut other = world.clone();
        assert!(matches!(other.step(answer(7))[..], [WorldOutput::Fault(_)]));
        let mut other = world.clone();
        assert!(matches!(other.step(act(end))[..], [WorldOutput::Fault(_)]));
        assert!(matches!(other.step(act(end))[..], [WorldOutput::Effect(_)]));
        for input in [act("[answer] F4"), act(""), answer(0), WorldInput::NoAct(Seat::Agent, "silent".to_owned())] {
            let earned = other.rewards();
            assert!(matches!(other.step(input)[..], [WorldOutput::Fault(_)]));
            assert_eq!(other.rewards(), earned);
        }
    }
}

#[test]
fn a_world_comes_back_from_disk_as_it_was() {
    let mut world = world();
    world.step(WorldInput::Act(Seat::Agent, Act::Say("[action] Which seat on the flight?".to_owned())));
    let text = serde_json::to_string(&world).unwrap();
    assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
}

proptest! {
    /// Whatever is said, the talk ends within its bounds, and the score is the sum of what the turns earned.
    #[test]
    fn any_acts_end_in_a_record_that_adds_up(texts in prop::collection::vec(
        r"\[action\] (flight|car|seat|meal|fuel| |\PC{0,5}){0,5}|\[search\] (flight|car|New York|Oslo|March 3rd|March 9| ){0,8}|\[answer\] [FCHX][0-9]{1,2}(, ?[FC][0-9]){0,2}|\[finish\]|\PC{0,20}",
        0..20
    )) {
        let record = played(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert!(record.turns.len() <= 16 && record.fault.is_none());
        if record.verdict.is_some() {
            let sum: f64 = earned(&record).iter().sum();
            prop_assert!((record.scores.agent.unwrap() - sum).abs() < 1e-9);
            prop_assert!(sum <= 2.0 * 0.2 + 4.0 * 0.6 + 2.0 + 1e-9);
        }
        redrive(&record, &scenario()).unwrap();
    }
}
