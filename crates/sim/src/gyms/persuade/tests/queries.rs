//! What the world asks of the user's seat: nothing leaks, bad answers are faults, and records hold the answers.

use super::about;
use super::published;
use super::scenario;
use crate::Fault;
use crate::FaultKind;
use crate::Party;
use crate::drive::play_by_rule;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::acting;
use crate::testing::casting;
use crate::testing::replied;
use crate::testing::say;
use crate::testing::shown;

#[test]
fn a_stance_that_there_is_not_is_a_fault_and_pays_neither_nothing_nor_the_next_move() {
    for reply in [
        "",
        "Agree",
        "{}",
        "{\"stance\": \"Agree\"}",
        "{\"response\": \"\", \"stance\": \"Agree\"}",
        "{\"response\": \"Well.\", \"stance\": \"Mostly Agree\"}",
        "{\"response\": \"Well.\", \"stance\": 2}",
        "{\"response\": \"Well.\", \"stance\": \"Agr",
        "[\"Well.\", \"Agree\"]",
    ] {
        let record = acting(&published(), 0, &[say("consider this")], |_| replied(reply));
        let fault = record.fault.as_ref().unwrap_or_else(|| panic!("{reply} was read"));
        assert_eq!((fault.party, fault.kind), (Party::User, FaultKind::BadReply));
        assert_eq!((record.scores.agent, record.scores.user), (None, None));
        redrive(&record, &published()).unwrap();
    }
    let refused = Fault::new(Party::User, FaultKind::Deadline, "too late");
    let record = acting(&published(), 0, &[say("consider this")], |_| Err(refused.clone()));
    assert_eq!((record.fault, record.scores.agent), (Some(refused), None));
}

#[test]
fn fenced_and_reasoned_reactions_are_read_and_long_ones_cut() {
    let long = "x".repeat(5000);
    let fenced = format!(
        "<think>hm {{}}</think>```json\n{{\"thought\": \"t\", \"response\": \"{long}\", \"stance\": \"partly agree\"}}\n```"
    );
    let record = acting(&published(), 0, &[say("consider this")], |_| replied(&fenced));
    assert_eq!(record.scores.agent, Some(0.333_333));
    assert_eq!(record.turns[1].observed[0].text.len(), 2000);
}

#[test]
fn the_belief_reaches_the_users_queries_and_the_agent_hears_the_reply_alone() {
    let mut queries = Vec::new();
    let acts = [say(&about(0)), say("second argument")];
    let record = acting(&published(), 0, &acts, |query| {
        let texts: Vec<&str> = query.messages.iter().map(|message| message.text.as_str()).collect();
        queries.push(texts.join("\n"));
        replied("{\"thought\": \"CANARY\", \"response\": \"I see.\", \"stance\": \"Partly Disagree\"}")
    });
    assert!(queries.iter().all(|text| text.contains("CANARY") && text.contains("Bees are clever.")));
    assert!(queries[1].contains("I see.") && queries[1].contains("You stand at Partly Disagree"), "{}", queries[1]);
    let shown = shown(&record);
    assert!(shown.contains("I see.") && !shown.contains("CANARY") && !shown.contains("Partly"), "{shown}");
    assert_eq!(record.turns[1].observed[0].text, "I see.");
}

#[test]
fn a_record_re_drives_by_its_answers_whoever_gave_them() {
    let example = std::sync::Arc::new(super::super::example());
    for agent in ["scripted:good", "random", "scripted:noisy", "scripted:spam", "scripted:bad", "rule"] {
        for user in ["rule", "random", "scripted:bad", "scripted:spam"] {
            let record = play_by_rule(casting(agent, user, 3), &example, SEED).unwrap();
            assert_eq!(record.fault, None);
            redrive(&record, &example).unwrap();
        }
    }
    let mut bent =
        acting(&scenario(), 0, &[say(&about(0))], |_| replied("{\"response\": \"Oh.\", \"stance\": \"Neutral\"}"));
    redrive(&bent, &scenario()).unwrap();
    bent.turns[0].answers[0].answer.reply = "{\"response\": \"Oh.\", \"stance\": \"Agree\"}".to_owned();
    assert!(redrive(&bent, &scenario()).is_err());
}
