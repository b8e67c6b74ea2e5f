//! Whole talks with the rewards they must give, by hand (spec userrl §2.5).

use super::TITLE;
use super::published;
use super::scenario;
use crate::Choice;
use crate::Seat;
use crate::Stop;
use crate::gyms::telepathy::verdict::MEASURES;
use crate::testing::acting_with;
use crate::testing::earned;
use crate::testing::say;
use crate::testing::shown;
use crate::testing::survives_any_three_inputs;
use crate::testing::tool;

#[test]
fn questions_earn_nothing_and_the_right_guess_ends_the_talk_with_one() {
    let acts = [
        say("[action] Is it small?"),
        say("Is it white or black?"),
        tool(Choice::Answer, "a cat"),
        tool(Choice::Answer, &TITLE.to_uppercase()),
    ];
    let record = acting_with(&scenario(), 0, &acts, "rule");
    assert_eq!(earned(&record), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!((record.stop, record.scores.agent, record.scores.user), (Some(Stop::Terminated), Some(1.0), Some(1.0)));
    let heard: Vec<&str> = record.turns[1..].iter().map(|turn| turn.observed[0].text.as_str()).collect();
    assert_eq!(heard, ["Yes.", "No.", "No, that is not it."]);
    assert_eq!(record.turn_rewards(Seat::Agent).unwrap().last(), Some(&1.075));
}

#[test]
fn an_alias_is_as_good_as_the_title() {
    let record = acting_with(&scenario(), 0, &[say("[ANSWER]  Lynx!")], "rule");
    assert_eq!((record.turns.len(), record.scores.agent), (1, Some(1.0)));
}

#[test]
fn only_an_answer_is_a_guess_and_everything_else_a_question() {
    for act in [
        say(TITLE),
        tool(Choice::Action, TITLE),
        tool(Choice::Search, TITLE),
        say(&format!("[action] [answer] {TITLE}")),
    ] {
        let record = acting_with(&scenario(), 0, &[act], "rule");
        assert_eq!((record.scores.agent, record.turns[1].observed[0].text.as_str()), (Some(0.0), "Yes."));
    }
}

#[test]
fn a_guess_before_any_question_counts_as_any_other() {
    let record = acting_with(&scenario(), 0, &[say("[answer] large white feathered desert grazer")], "rule");
    assert_eq!((record.turns.len(), record.scores.agent, record.stop), (2, Some(0.0), Some(Stop::Terminated)));
}

#[test]
fn exactly_turns_max_acts_take_effect_and_the_last_one_is_put_to_the_user() {
    let mut acts = vec![say("Is it small?"); 11];
    acts.push(say(&format!("[answer] {TITLE}")));
    let record = acting_with(&scenario(), 0, &acts, "rule");
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (12, Some(Stop::Terminated), Some(1.0)));
    let record = acting_with(&scenario(), 0, &vec![say("Is it small?"); 40], "rule");
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (12, Some(Stop::Truncated), Some(0.0)));
    assert_eq!(record.turns[11].answers.len(), 1);
}

#[test]
fn finish_gives_up_in_any_form() {
    for act in [tool(Choice::Finish, ""), say("[FINISH] enough")] {
        let record = acting_with(&scenario(), 0, &[act], "rule");
        assert_eq!((record.turns.len(), record.stop, record.scores.agent), (1, Some(Stop::Terminated), Some(0.0)));
        assert_eq!(record.verdict.unwrap().measures["agent/gave_up"].num, 1.0);
    }
}

#[test]
fn empty_content_and_a_megabyte_cost_the_turn_and_three_in_a_row_the_talk() {
    let megabyte = "small ".repeat(180_000);
    for (bad, measure) in [
        (say(""), "agent/empty"),
        (say(" \t\n "), "agent/empty"),
        (say("[answer]"), "agent/empty"),
        (tool(Choice::Action, ""), "agent/empty"),
        (say(&megabyte), "agent/too_long"),
        (tool(Choice::Answer, &megabyte), "agent/too_long"),
    ] {
        let record = acting_with(&scenario(), 0, &[bad.clone(), say(&format!("[answer] {TITLE}"))], "rule");
        let effect = record.turns[0].effect.as_ref().unwrap();
        assert!(effect.malformed.is_some() && record.turns[0].answers.is_empty(), "nothing is put to the user");
        assert!(record.turns[1].observed[0].text.contains("guess with [answer]"), "it is told what would be right");
        assert_eq!((record.scores.agent, record.verdict.unwrap().measures[measure].num), (Some(1.0), 1.0));
        let record = acting_with(&scenario(), 0, &[bad.clone(), bad.clone(), bad], "rule");
        assert_eq!(
            (record.stop, record.scores.agent, record.scores.user),
            (Some(Stop::Failed(Seat::Agent)), Some(0.0), None)
        );
    }
}

#[test]
fn control_characters_wrong_json_and_numbers_of_any_size_are_questions_or_wrong_guesses() {
    let odd =
        ["\u{0}\u{7}\u{1b}[2J", "{\"choice\": \"ans", "[]", "null", "-1", "1e999", "99999999999999999999", "H999"];
    for text in odd {
        let record = acting_with(&scenario(), 0, &[say(text), tool(Choice::Answer, text)], "rule");
        assert_eq!((record.turns.len(), record.fault, record.scores.agent), (3, None, Some(0.0)), "{text}");
    }
}

#[test]
fn no_input_in_any_state_breaks_the_world_and_none_counts_after_the_end() {
    survives_any_three_inputs(&scenario());
    survives_any_three_inputs(&published());
}

#[test]
fn of_published_things_a_rule_judges_names_and_answers_every_question_with_maybe() {
    let acts = [say("Is it a lute?"), say("[answer] piano"), say("[answer] The lute.")];
    let record = acting_with(&published(), 0, &acts, "rule");
    assert_eq!((earned(&record), record.stop), (vec![0.0, 0.0, 1.0], Some(Stop::Terminated)));
    assert_eq!(record.turns[1].observed[0].text, "Maybe.");
}

#[test]
fn the_agent_is_told_the_form_and_never_its_reward() {
    let record = acting_with(&scenario(), 0, &[say("Is it small?"), say("[answer] cat")], "rule");
    let brief = &record.turns[0].observed[0].text;
    assert!(brief.contains("12 turns") && brief.contains("[action]") && brief.contains("[answer]"), "{brief}");
    assert!(brief.split_whitespace().count() < 60, "small models read it: {brief}");
    assert!(!shown(&record).to_lowercase().contains("reward"));
}

#[test]
fn every_measure_is_in_every_verdict() {
    let record = acting_with(&scenario(), 0, &[say("small?"), say("SMALL")], "rule");
    let measures = record.verdict.unwrap().measures;
    assert!(measures.keys().map(String::as_str).eq({
        let mut names = MEASURES.to_vec();
        names.sort_unstable();
        names
    }));
    assert_eq!(measures["agent/repeated"].rate(), Some(0.5));
}
