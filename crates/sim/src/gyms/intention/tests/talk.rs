//! Whole talks with the rewards they must give, by hand (spec userrl §2.2).

use super::scenario;
use crate::Act;
use crate::Choice;
use crate::Decision;
use crate::EpisodeRecord;
use crate::NoAct;
use crate::Seat;
use crate::Stop;
use crate::drive::drive;
use crate::gyms::Script;
use crate::testing::SEED;
use crate::testing::casting;

/// Plays the acts in order against the rule user; after the last one, `Bad` questions.
fn played(acts: Vec<Act>) -> EpisodeRecord {
    let scenario = scenario();
    let casting = casting("person", "rule", 0);
    let address = casting.id.address(SEED);
    let user = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
    let mut acts = acts.into_iter();
    let decide = |_, _: &_| {
        let act = acts.next().unwrap_or_else(|| Act::Say("And then".to_owned()));
        Decision { act: Ok(act), thought: None, generation: None }
    };
    drive(casting, &scenario, SEED, decide, |seat, query| user.answer(seat, query, address))
}

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

fn tool(choice: Choice, content: &str) -> Act {
    Act::Tool { choice, content: content.to_owned() }
}

/// What each of the agent's turns earned.
fn earned(record: &EpisodeRecord) -> Vec<f64> {
    let of_turn = |turn: &crate::Turn| turn.effect.as_ref().unwrap().rewards.iter().map(|reward| reward.value).sum();
    record.turns.iter().map(of_turn).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} is not {expected:?}");
}

#[test]
fn questions_earn_by_the_most_important_detail_and_the_last_one_ends_the_talk() {
    let record = played(vec![say("servings"), say("spice"), say("music")]);
    close(&earned(&record), &[1.0, 0.7, 0.4]);
    assert_eq!(record.stop, Some(Stop::Terminated));
    assert!((record.scores.agent.unwrap() - 2.1).abs() < 1e-12);
    assert_eq!(record.scores.user, Some(1.0));
    close(&record.turn_rewards(Seat::Agent).unwrap(), &[1.0, 0.7, 0.4 + 0.1]);
}

#[test]
fn several_details_at_once_earn_less_than_one_by_one_and_none_twice() {
    let record = played(vec![say("servings, music"), say("servings"), say("[action] level")]);
    close(&earned(&record), &[0.8, 0.0, 0.7]);
    assert_eq!(record.stop, Some(Stop::Terminated));
}

#[test]
fn a_question_that_names_too_much_is_turned_away_and_covers_nothing() {
    let record = played(vec![say("servings spice music a b c d e f"), say("servings spice music a b c d e")]);
    close(&earned(&record)[..2], &[0.0, 0.6]);
    assert_eq!(record.turns[0].answers[1].answer.reply, "One thing at a time, please.");
}

#[test]
fn talks_without_an_end_are_truncated_and_keep_what_they_earned() {
    let record = played(vec![say("music")]);
    assert_eq!((record.turns.len(), record.stop), (8, Some(Stop::Truncated)));
    assert_eq!(record.scores.agent, Some(0.4));
    // The last permitted question is put to the user like the others.
    assert_eq!(record.turns[7].answers.len(), 2);
}

#[test]
fn finish_ends_the_talk_in_any_case_and_form() {
    for act in [tool(Choice::Finish, ""), say("[finish]"), say(" [FINISH] done")] {
        let record = played(vec![say("servings"), act]);
        assert_eq!((record.turns.len(), record.stop, record.scores.agent), (2, Some(Stop::Terminated), Some(1.0)));
    }
}

#[test]
fn every_form_of_the_tool_is_a_question_but_search_keeps_its_prefix() {
    for act in [tool(Choice::Action, "servings"), tool(Choice::Answer, "servings"), say("[answer] servings")] {
        close(&earned(&played(vec![act]))[..1], &[1.0]);
    }
    let record = played(vec![tool(Choice::Search, "servings a b c d e f")]);
    // `search` is the eighth word: one more would have been too many.
    close(&earned(&record)[..1], &[1.0]);
    let record = played(vec![tool(Choice::Search, "servings a b c d e f g")]);
    close(&earned(&record)[..1], &[0.0]);
}

#[test]
fn what_is_no_question_costs_its_turn_and_three_in_a_row_the_talk() {
    let megabyte = "servings ".repeat(120_000);
    let bad = [say(""), say("  \t "), say("[action]"), say(&megabyte)];
    for act in bad {
        let record = played(vec![act, say("servings")]);
        assert!(record.turns[0].effect.as_ref().unwrap().malformed.is_some());
        assert!(record.turns[0].answers.is_empty(), "nothing is put to the user");
        assert_eq!(record.turns[1].observed[0].text, "That does not count.");
        close(&earned(&record)[..2], &[0.0, 1.0]);
    }
    let record = played(vec![say(""), say(""), say("")]);
    assert_eq!((record.stop, record.scores.agent), (Some(Stop::Failed(Seat::Agent)), Some(0.0)));
    assert_eq!(record.scores.user, None, "the partner of a seat that failed has no score");
}

#[test]
fn control_characters_are_taken_as_they_are() {
    let record = played(vec![say("servings\u{0}\u{7}\u{1b}[2J")]);
    close(&earned(&record)[..1], &[1.0]);
}

#[test]
fn an_agent_without_an_act_is_told_so() {
    let scenario = scenario();
    let casting = casting("person", "rule", 0);
    let decide =
        |_, _: &_| Decision { act: Err(NoAct::Malformed("mumbled".to_owned())), thought: None, generation: None };
    let record = drive(casting, &scenario, SEED, decide, |_, _| panic!("nobody is asked anything"));
    assert_eq!((record.turns.len(), record.stop), (3, Some(Stop::Failed(Seat::Agent))));
}
