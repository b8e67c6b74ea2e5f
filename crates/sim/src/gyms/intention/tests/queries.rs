//! What the world asks of the user's seat: nothing leaks, bad answers are faults, and records hold the answers.

use proptest::prelude::*;

use super::scenario;
use crate::Answer;
use crate::Decision;
use crate::EpisodeRecord;
use crate::Fault;
use crate::FaultKind;
use crate::Party;
use crate::Query;
use crate::Seat;
use crate::Stop;
use crate::View;
use crate::drive::drive;
use crate::drive::play_by_rule;
use crate::gyms::Script;
use crate::gyms::intention;
use crate::gyms::intention::view::Asked;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::casting;

/// The agent asks `questions`; the user's seat answers coverage by `judge`, and the rest by rule.
fn played(questions: &[&str], mut judge: impl FnMut(&Query) -> Result<String, Fault>) -> EpisodeRecord {
    let scenario = scenario();
    let casting = casting("person", "rule", 0);
    let address = casting.id.address(SEED);
    let user = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
    let mut questions = questions.iter();
    let decide = |_, _: &_| Decision::say(*questions.next().unwrap_or(&"[finish]"));
    drive(casting, &scenario, SEED, decide, |seat, query| match &query.view {
        View::Intention(intention::View::User(Asked::Coverage { .. })) => {
            judge(query).map(|reply| Answer { reply, decision: None })
        }
        _ => user.answer(seat, query, address),
    })
}

fn covers(json: &str) -> EpisodeRecord {
    played(&["servings"], |_| Ok(json.to_owned()))
}

#[test]
fn numbers_that_are_no_remaining_detail_earn_nothing_and_none_counts_twice() {
    let record = covers(r#"{"is_task_related": true, "covered_detail_indices": [2, 2, 7, 4000000000]}"#);
    assert_eq!((record.stop, record.scores.agent), (Some(Stop::Terminated), Some(0.4)));
    let unrelated = covers(r#"{"is_task_related": false, "covered_detail_indices": [0]}"#);
    assert_eq!(unrelated.scores.agent, Some(0.0));
}

#[test]
fn an_answer_that_cannot_be_read_is_a_fault_of_the_user_and_scores_nobody() {
    for json in [
        "",
        "yes",
        "[0]",
        r#"{"covered_detail_indices": [0]}"#,
        r#"{"is_task_related": true, "covered_detail_indices": [-1]}"#,
    ] {
        let record = covers(json);
        let fault = record.fault.as_ref().unwrap_or_else(|| panic!("{json} was read"));
        assert_eq!((fault.party, fault.kind), (Party::User, FaultKind::BadReply));
        assert_eq!((record.scores.agent, record.scores.user), (None, None));
        redrive(&record, &scenario()).unwrap();
    }
}

#[test]
fn a_user_that_cannot_answer_is_recorded_with_its_fault() {
    let refused = Fault::new(Party::User, FaultKind::Refused, "no credit");
    let record = played(&["servings"], |_| Err(refused.clone()));
    assert_eq!(record.fault, Some(refused));
    assert_eq!(record.turns[0].effect, None);
    redrive(&record, &scenario()).unwrap();
}

#[test]
fn a_record_re_drives_by_its_answers_whoever_gave_them() {
    let scenario = scenario();
    for agent in ["scripted:good", "random", "scripted:noisy", "scripted:spam"] {
        for user in ["rule", "random", "scripted:bad", "scripted:spam"] {
            let record = play_by_rule(casting(agent, user, 0), &scenario, SEED).unwrap();
            redrive(&record, &scenario).unwrap();
        }
    }
    let mut bent = covers(r#"{"is_task_related": true, "covered_detail_indices": [0]}"#);
    redrive(&bent, &scenario).unwrap();
    bent.turns[0].answers[0].answer.reply = r#"{"is_task_related": true, "covered_detail_indices": [1]}"#.to_owned();
    assert_eq!(redrive(&bent, &scenario).unwrap_err().turn, Some(0));
    bent.turns[0].answers.pop();
    assert_eq!(redrive(&bent, &scenario).unwrap_err().field, "query");
}

/// All texts that a seat is shown: the agent's observations, and the queries of each kind.
fn shown(questions: &[&str]) -> (Vec<String>, Vec<String>) {
    let scenario = scenario();
    let casting = casting("person", "rule", 0);
    let address = casting.id.address(SEED);
    let user = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
    let (mut agent, mut replies) = (Vec::new(), Vec::new());
    let mut asked = questions.iter();
    let decide = |_, observation: &crate::Observation| {
        agent.extend(observation.messages.iter().map(|message| message.text.clone()));
        Decision::say(*asked.next().unwrap_or(&"[finish]"))
    };
    let _ = drive(casting, &scenario, SEED, decide, |seat, query| {
        if query.spoken {
            replies.extend(query.messages.iter().map(|message| message.text.clone()));
        }
        user.answer(seat, query, address)
    });
    (agent, replies)
}

#[test]
fn a_detail_that_was_not_asked_about_is_shown_to_nobody_who_speaks() {
    let (agent, replies) = shown(&["music", "anything"]);
    for text in agent.iter().chain(&replies) {
        assert!(!text.contains("servings") && !text.contains("spice"), "{text}");
    }
    assert!(agent.iter().any(|text| text == "music: music as before."), "{agent:?}");
}

proptest! {
    /// Whatever is said, the talk ends within its bounds, and the score is the sum of what the turns earned.
    #[test]
    fn any_questions_end_in_a_record_that_adds_up(questions in prop::collection::vec("[a-z ]{0,12}|servings|spice level|music|\\PC{0,20}", 0..10)) {
        let words: Vec<&str> = questions.iter().map(String::as_str).collect();
        let scenario = scenario();
        let casting = casting("person", "rule", 0);
        let address = casting.id.address(SEED);
        let user = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
        let mut asked = words.iter();
        let decide = |_, _: &_| Decision::say(*asked.next().unwrap_or(&"[finish]"));
        let record = drive(casting, &scenario, SEED, decide, |seat, query| user.answer(seat, query, address));
        prop_assert!(record.turns.len() <= 8);
        prop_assert!(record.fault.is_none());
        let earned: f64 = record.turns.iter().flat_map(|turn| &turn.effect.as_ref().unwrap().rewards).map(|r| r.value).sum();
        prop_assert!((record.scores.agent.unwrap() - earned).abs() < 1e-9);
        prop_assert!(earned <= 2.1 + 1e-9, "more than one detail a question could earn: {}", earned);
        redrive(&record, &scenario).unwrap();
    }
}
