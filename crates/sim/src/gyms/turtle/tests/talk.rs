//! Whole talks with the rewards they must give, by hand (spec userrl §2.6).

use super::published;
use super::scenario;
use crate::Act;
use crate::Choice;
use crate::EpisodeRecord;
use crate::Seat;
use crate::Stop;
use crate::gyms::turtle::verdict::MEASURES;
use crate::testing::acting;
use crate::testing::acting_with;
use crate::testing::earned;
use crate::testing::replied;
use crate::testing::say;
use crate::testing::shown;
use crate::testing::survives_any_three_inputs;
use crate::testing::tool;

const WHOLE: &str = "The gardener sold the clapper out of debt, as the ash told.";

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} is not {expected:?}");
}

/// The published story, with answers that are scored so, one after the other.
fn judged(scores: &[&str]) -> EpisodeRecord {
    let acts = vec![say("[answer] so it was"); scores.len()];
    let mut scores = scores.iter();
    acting(&published(), 0, &acts, |_| replied(scores.next().expect("one an answer")))
}

#[test]
fn each_answer_earns_what_it_is_worth_more_than_the_best_before_it() {
    let acts = [
        say("[action] Was it the gardener?"),
        say("[answer] The gardener did it."),
        say("[answer] The gardener did it out of debt."),
        say("[answer] It was the pilot."),
        tool(Choice::Answer, WHOLE),
    ];
    let record = acting_with(&scenario(), 0, &acts, "rule");
    close(&earned(&record), &[0.0, 0.25, 0.3, 0.0, 0.45]);
    assert_eq!(record.stop, Some(Stop::Terminated));
    close(&[record.scores.agent.unwrap(), record.scores.user.unwrap()], &[1.0, 1.0]);
    let heard: Vec<&str> = record.turns[1..].iter().map(|turn| turn.observed[0].text.as_str()).collect();
    let points = |told: u32| format!("Of 3 points your story tells {told}.");
    assert_eq!(heard, ["Yes.", &points(0), &points(1), &points(0)]);
}

#[test]
fn a_perfect_answer_ends_the_talk_though_the_sum_of_the_weights_lacks_the_last_bit() {
    let scenario = published();
    let crate::gyms::Rules::Turtle(rules) = &scenario.rules else { panic!("it is this gym's") };
    let criteria = &rules.library.item(crate::scenario::Split::HeldOut, 0).criteria;
    let sum: f64 = criteria.iter().map(|criterion| criterion.weight).sum();
    assert!(sum < 1.0, "as with 138 stories of the release");
    let record = judged(&["{\"scores\": [1, 1, 1]}"]);
    assert_eq!((record.turns.len(), record.stop), (1, Some(Stop::Terminated)));
    assert_eq!(record.verdict.unwrap().measures["solved"].num, 1.0);
}

#[test]
fn half_scores_count_half_and_worse_answers_take_nothing_back() {
    let record = judged(&["{\"scores\": [0, 0.5, 0]}", "{\"scores\": [1, 0, 0]}", "{\"scores\": [0.5, 1, 0]}"]);
    close(&earned(&record), &[0.1, 0.6, 0.0, 0.0]);
    let measures = record.verdict.unwrap().measures;
    assert_eq!((measures["points"].rate(), measures["agent/vain_answers"].rate()), (Some(1.0 / 3.0), Some(1.0 / 3.0)));
    assert_eq!(measures["solved"].num, 0.0);
}

#[test]
fn of_published_stories_a_rule_knows_the_bottom_word_for_word_and_nothing_else() {
    let bottom = "there was NO light - the shadow was a body";
    let acts = [say("Is it night?"), say("[answer] The shadow was a body."), tool(Choice::Answer, bottom)];
    let record = acting_with(&published(), 0, &acts, "rule");
    close(&earned(&record), &[0.0, 0.0, 1.0]);
    assert_eq!((record.turns[1].observed[0].text.as_str(), record.stop), ("Maybe.", Some(Stop::Terminated)));
}

#[test]
fn only_an_answer_is_scored_and_everything_else_is_a_question() {
    let prefixed = format!("[action] [answer] {WHOLE}");
    for act in [say(WHOLE), tool(Choice::Action, WHOLE), tool(Choice::Search, WHOLE), say(&prefixed)] {
        let record = acting_with(&scenario(), 0, &[act], "rule");
        assert_eq!((record.scores.agent, record.turns[1].observed[0].text.as_str()), (Some(0.0), "Yes."));
    }
}

#[test]
fn exactly_turns_max_acts_take_effect_and_the_last_one_is_scored() {
    let mut acts: Vec<Act> = vec![say("Was it the baker?"); 13];
    acts.push(tool(Choice::Answer, WHOLE));
    let record = acting_with(&scenario(), 0, &acts, "rule");
    assert_eq!((record.turns.len(), record.stop), (14, Some(Stop::Terminated)));
    let record = acting_with(&scenario(), 0, &vec![say("[answer] The gardener did it."); 40], "rule");
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (14, Some(Stop::Truncated), Some(0.25)));
}

#[test]
fn finish_gives_up_in_any_form_and_keeps_what_was_earned() {
    for act in [tool(Choice::Finish, ""), say("[FINISH] enough")] {
        let record = acting_with(&scenario(), 0, &[say("[answer] out of debt"), act], "rule");
        assert_eq!((record.turns.len(), record.stop, record.scores.agent), (2, Some(Stop::Terminated), Some(0.3)));
    }
}

#[test]
fn empty_content_and_a_megabyte_cost_the_turn_and_three_in_a_row_the_talk() {
    let megabyte = "gardener ".repeat(120_000);
    for (bad, measure) in [
        (say(""), "agent/empty"),
        (say("[answer] \t"), "agent/empty"),
        (tool(Choice::Action, ""), "agent/empty"),
        (say(&megabyte), "agent/too_long"),
        (tool(Choice::Answer, &megabyte), "agent/too_long"),
    ] {
        let record = acting_with(&scenario(), 0, &[bad.clone(), tool(Choice::Answer, WHOLE)], "rule");
        assert!(record.turns[0].effect.as_ref().unwrap().malformed.is_some() && record.turns[0].answers.is_empty());
        assert!(
            record.turns[1].observed[0].text.contains("tell the story with [answer]"),
            "it is told what would be right"
        );
        assert_eq!(record.verdict.unwrap().measures[measure].num, 1.0);
        let record = acting_with(&scenario(), 0, &[bad.clone(), bad.clone(), bad], "rule");
        assert_eq!(
            (record.stop, record.scores.agent, record.scores.user),
            (Some(Stop::Failed(Seat::Agent)), Some(0.0), None)
        );
    }
}

#[test]
fn control_characters_wrong_json_and_numbers_of_any_size_are_questions_or_worthless_answers() {
    let odd =
        ["\u{0}\u{7}\u{1b}[2J", "{\"choice\": \"ans", "[]", "null", "-1", "1e999", "99999999999999999999", "H999"];
    for text in odd {
        let record = acting_with(&scenario(), 0, &[tool(Choice::Answer, text), say(text)], "rule");
        assert_eq!((record.turns.len(), record.fault, record.scores.agent), (3, None, Some(0.0)), "{text}");
    }
}

#[test]
fn no_input_in_any_state_breaks_the_world_and_none_counts_after_the_end() {
    survives_any_three_inputs(&scenario());
    survives_any_three_inputs(&published());
}

#[test]
fn the_agent_is_told_the_form_and_never_its_reward() {
    let record = acting_with(&scenario(), 0, &[say("Is it small?"), say("[answer] out of debt")], "rule");
    let brief = &record.turns[0].observed[0].text;
    assert!(brief.contains("14 turns") && brief.contains("[action]") && brief.contains("[answer]"), "{brief}");
    assert!(brief.split_whitespace().count() < 70, "small models read it: {brief}");
    assert!(!shown(&record).to_lowercase().contains("reward") && !shown(&record).contains("0.3"));
}

#[test]
fn every_measure_is_in_every_verdict() {
    let record = acting_with(&scenario(), 0, &[say("small?"), say("SMALL")], "rule");
    let measures = record.verdict.unwrap().measures;
    let mut names = MEASURES.to_vec();
    names.sort_unstable();
    assert!(measures.keys().map(String::as_str).eq(names));
}
