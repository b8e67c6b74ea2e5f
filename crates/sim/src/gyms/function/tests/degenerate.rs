//! Whatever an act holds, and whatever a world is handed in whatever state: no panic, and no reward but for the right answer.

use proptest::prelude::*;

use super::super::World;
use super::malformed;
use super::played;
use super::say;
use super::scenario;
use super::told;
use super::tool;
use crate::Act;
use crate::Answer;
use crate::Choice;
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
    let Rules::Function(rules) = &scenario.rules else { panic!("it is this gym") };
    World::new(rules.clone(), &scenario, Split::HeldOut, 0, crate::Tools::Prose)
}

#[test]
fn empty_content_does_not_count() {
    for act in [say(""), say(" \t"), say("[action]"), say("[search]"), say("[answer] "), tool(Choice::Answer, "")] {
        assert!(malformed(&played(vec![act.clone()]), 0), "{act:?}");
    }
}

#[test]
fn a_megabyte_of_content_is_read_once_and_answered_in_a_line() {
    let numbers = "1 ".repeat(500_000);
    let digits = "9".repeat(1_000_000);
    for act in [
        tool(Choice::Action, &numbers),
        tool(Choice::Action, &digits),
        tool(Choice::Action, &format!("1 2 3 {digits}")),
        tool(Choice::Answer, &digits),
        tool(Choice::Search, &numbers),
        say(&digits),
    ] {
        let record = played(vec![act]);
        assert!(malformed(&record, 0) && told(&record, 0).len() < 100);
    }
}

#[test]
fn control_characters_and_other_scripts_are_no_numbers() {
    let record = played(vec![say("[action] 1\u{0}2\u{1b}[2J3\u{202e}4 \u{663}"), say("[action] \u{0}\u{7}")]);
    // The escape sequence has a digit of its own: five numbers.
    assert!(malformed(&record, 0) && malformed(&record, 1));
    let record = played(vec![say("[action] 1\u{0}2\u{7}3\u{202e}4")]);
    assert_eq!(told(&record, 0), "f(1.0, 2.0, 3.0, 4.0) = 2.0");
}

#[test]
fn json_is_read_for_its_numbers_and_is_no_answer() {
    let record = played(vec![say(r#"[action] {"a": 1, "b": 2, "c": 3, "d": 4}"#), say(r#"[answer] {"value": 6}"#)]);
    assert_eq!(told(&record, 0), "f(1.0, 2.0, 3.0, 4.0) = 2.0");
    assert!(malformed(&record, 1));
}

#[test]
fn negative_and_huge_numbers_are_numbers_and_what_is_none_is_no_answer() {
    let huge = "1".repeat(300);
    let record = played(vec![say("[action] -1 -2 -3 -4"), say(&format!("[action] {huge} 1 -{huge} {huge}"))]);
    assert_eq!(told(&record, 0), "f(-1.0, -2.0, -3.0, -4.0) = 2.0");
    assert!(told(&record, 1).ends_with("has no value: it is too large."), "{}", told(&record, 1));
    for text in ["inf", "-inf", "nan", "1e999", "six", "6 6", "6,0", "0x6"] {
        let record = played(vec![tool(Choice::Answer, text)]);
        assert!(malformed(&record, 0), "{text}");
        assert_eq!(record.scores.agent, Some(0.0));
    }
    assert_eq!(told(&played(vec![say("[answer] -1e300")]), 0).len(), "- is wrong.".len() + 301);
}

#[test]
fn an_answer_before_anything_was_asked_is_an_answer() {
    assert_eq!(played(vec![say("[answer] 6")]).scores.agent, Some(1.0));
}

#[test]
fn a_world_that_is_over_or_handed_something_else_says_so_and_stays_what_it_is() {
    let act = |text: &str| WorldInput::Act(Seat::Agent, Act::Say(text.to_owned()));
    let answer = || WorldInput::Answer(QueryId(0), Answer { reply: "6".to_owned(), decision: None });
    for end in ["[answer] 6", "[finish]"] {
        let mut world = world();
        for input in [answer(), WorldInput::Act(Seat::User, Act::Say("[answer] 6".to_owned()))] {
            assert!(matches!(world.step(input)[..], [WorldOutput::Fault(_)]));
        }
        assert!(matches!(&world.step(act(end))[..], [WorldOutput::Effect(_)]));
        let before = world.clone();
        for input in [act("[answer] 6"), act(""), answer(), WorldInput::NoAct(Seat::Agent, "silent".to_owned())] {
            assert!(matches!(world.step(input)[..], [WorldOutput::Fault(_)]));
        }
        assert_eq!(world, before);
    }
}

#[test]
fn a_world_comes_back_from_disk_as_it_was() {
    let mut world = world();
    world.step(WorldInput::Act(Seat::Agent, Act::Say("[action] 1 0 1 1".to_owned())));
    let text = serde_json::to_string(&world).unwrap();
    assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
}

proptest! {
    /// Whatever is said, the talk ends within its bounds, and only the right answer earns.
    #[test]
    fn any_acts_end_in_a_record_that_re_drives(texts in prop::collection::vec(
        r"\[action\] [-0-9. ]{0,20}|\[search\] (test|\PC{0,5})|\[answer\] [0-9]{1,2}|\[finish\]|\PC{0,20}", 0..20
    )) {
        let record = played(texts.iter().map(|text| say(text)).collect());
        prop_assert!(record.turns.len() <= 16 && record.fault.is_none());
        let solved = record.verdict.as_ref().is_some_and(|verdict| verdict.measures["solved"].num == 1.0);
        prop_assert_eq!(record.scores.agent, Some(f64::from(u8::from(solved))));
        redrive(&record, &scenario()).unwrap();
    }
}
