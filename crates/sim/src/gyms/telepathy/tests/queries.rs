//! What the world asks of the user's seat: nothing leaks, bad answers are faults, and records hold the answers.

use super::TITLE;
use super::scenario;
use crate::Fault;
use crate::FaultKind;
use crate::Party;
use crate::Seat;
use crate::Source;
use crate::Stop;
use crate::drive::play_by_rule;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::acting;
use crate::testing::casting;
use crate::testing::replied;
use crate::testing::say;
use crate::testing::shown;

#[test]
fn an_answer_that_cannot_be_read_is_a_fault_of_the_user_and_scores_nobody() {
    let unreadable = ["", "Perhaps.", "{\"response\": 3}", "[\"Yes\"]", "{\"judgment\":"];
    for (act, also) in [("Is it small?", "{}"), ("[answer] cat", "{\"judgment\": \"Maybe\"}")] {
        for reply in unreadable.into_iter().chain([also]) {
            let record = acting(&scenario(), 0, &[say(act)], |_| replied(reply));
            let fault = record.fault.as_ref().unwrap_or_else(|| panic!("{act}: {reply} was read"));
            assert_eq!((fault.party, fault.kind), (Party::User, FaultKind::BadReply));
            assert_eq!((record.scores.agent, record.scores.user), (None, None));
            redrive(&record, &scenario()).unwrap();
        }
    }
}

#[test]
fn ten_megabytes_of_reply_are_a_fault_too() {
    let reply = format!("{{\"judgment\": \"Yes\"{}}}", " ".repeat(10 << 20));
    let record = acting(&scenario(), 0, &[say("[answer] cat")], |_| replied(&reply));
    assert_eq!(record.fault.map(|fault| fault.kind), Some(FaultKind::BadReply));
}

#[test]
fn a_user_that_cannot_answer_is_recorded_with_its_fault() {
    let refused = Fault::new(Party::User, FaultKind::Deadline, "too late");
    let record = acting(&scenario(), 0, &[say("Is it small?")], |_| Err(refused.clone()));
    assert_eq!((record.fault, record.scores.agent), (Some(refused), None));
}

#[test]
fn fenced_and_reasoned_replies_are_read() {
    let fenced =
        "<think>Is it? {\"judgment\": \"No\"}</think>```json\n{\"thought\": \"the same\", \"judgment\": \"Yes\"}\n```";
    let record = acting(&scenario(), 0, &[say("[answer] wildcat")], |_| replied(fenced));
    assert_eq!((record.stop, record.scores.agent), (Some(Stop::Terminated), Some(1.0)));
}

#[test]
fn whatever_a_user_blurts_out_the_agent_hears_one_word() {
    let record = acting(&scenario(), 0, &[say("Is it small?"), say("[answer] cat")], |query| {
        replied(if query.spoken {
            "No, it is CANARY!"
        } else {
            "{\"judgment\": \"No\", \"feedback\": \"it is CANARY\"}"
        })
    });
    assert_eq!(record.turns[1].observed[0].text, "No.");
    assert!(!shown(&record).contains("CANARY"), "{}", shown(&record));
}

#[test]
fn what_is_thought_of_reaches_the_users_queries_and_nothing_else() {
    let (mut briefs, mut others) = (Vec::new(), Vec::new());
    let record = acting(&scenario(), 0, &[say("Is it small?"), say("[answer] cat"), say("")], |query| {
        for message in &query.messages {
            let texts = if message.from == Source::Brief { &mut briefs } else { &mut others };
            texts.push(message.text.clone());
        }
        replied(if query.spoken { "No" } else { "{\"judgment\": \"No\"}" })
    });
    assert!(briefs.len() == 2 && briefs.iter().all(|text| text.contains("CANARY")));
    assert_eq!(others, ["Is it small?", "cat"]);
    let shown = shown(&record);
    assert!(!shown.contains("CANARY") && !shown.contains(TITLE) && !shown.contains("lynx"), "{shown}");
}

#[test]
fn a_record_re_drives_by_its_answers_whoever_gave_them() {
    let scenario = std::sync::Arc::new(super::super::example());
    for agent in ["scripted:good", "random", "scripted:noisy", "scripted:spam", "scripted:bad", "rule"] {
        for user in ["rule", "random", "scripted:bad", "scripted:spam"] {
            let record = play_by_rule(casting(agent, user, 3), &scenario, SEED).unwrap();
            assert_eq!(record.fault, None);
            redrive(&record, &scenario).unwrap();
        }
    }
    let mut bent = acting(&scenario, 0, &[say("Is it small?")], |_| replied("Yes"));
    assert_eq!(bent.turns[0].seat, Seat::Agent);
    redrive(&bent, &scenario).unwrap();
    bent.turns[0].answers[0].answer.reply = "No".to_owned();
    assert!(redrive(&bent, &scenario).is_err());
}
