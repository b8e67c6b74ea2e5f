//! What the world asks of the user's seat: nothing leaks, bad answers are faults, and records hold the answers.

use super::published;
use super::scenario;
use crate::Fault;
use crate::FaultKind;
use crate::Party;
use crate::drive::play_by_rule;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::acting;
use crate::testing::acting_with;
use crate::testing::casting;
use crate::testing::replied;
use crate::testing::say;
use crate::testing::shown;

#[test]
fn scores_of_another_number_or_value_are_a_fault_of_the_user_and_score_nobody() {
    for reply in [
        "",
        "1",
        "{}",
        "{\"scores\": [1, 1]}",
        "{\"scores\": [1, 1, 1, 1]}",
        "{\"scores\": [1, 1, 0.7]}",
        "{\"scores\": [1, 1, -1]}",
        "{\"scores\": [1, 1, 1e308]}",
        "{\"scores\": [1, 1, null]}",
        "{\"scores\": [1, 1, \"1\"]}",
        "{\"scores\": [1, 1,",
        "[1, 1, 1]",
    ] {
        let record = acting(&published(), 0, &[say("[answer] so")], |_| replied(reply));
        let fault = record.fault.as_ref().unwrap_or_else(|| panic!("{reply} was read"));
        assert_eq!((fault.party, fault.kind), (Party::User, FaultKind::BadReply));
        assert_eq!((record.scores.agent, record.scores.user), (None, None));
        redrive(&record, &published()).unwrap();
    }
}

#[test]
fn an_answer_to_a_question_that_cannot_be_read_is_a_fault_too() {
    for reply in ["", "Perhaps.", "{\"scores\": [1]}"] {
        let record = acting(&published(), 0, &[say("Is it night?")], |_| replied(reply));
        assert_eq!(record.fault.map(|fault| fault.kind), Some(FaultKind::BadReply), "{reply}");
    }
    let refused = Fault::new(Party::User, FaultKind::Deadline, "too late");
    let record = acting(&published(), 0, &[say("[answer] so")], |_| Err(refused.clone()));
    assert_eq!((record.fault, record.scores.agent), (Some(refused), None));
}

#[test]
fn fenced_and_reasoned_scores_are_read_in_upstreams_form_too() {
    let fenced = "<think>hm</think>```json\n{\"scores\": [{\"statement\": \"a\", \"thought\": \"b\", \"score\": 1}, {\"score\": 0.5}, {\"score\": 0}], \"feedback\": \"c\"}\n```";
    let record = acting(&published(), 0, &[say("[answer] so")], |_| replied(fenced));
    assert!((record.scores.agent.unwrap() - 0.8).abs() < 1e-12);
}

#[test]
fn bottom_and_rubric_reach_the_users_queries_and_nothing_else() {
    let (mut questions, mut judging) = (String::new(), String::new());
    let acts = [say("Is it night?"), say("[answer] so"), say(""), say("[answer] it was")];
    let record = acting(&published(), 0, &acts, |query| {
        let texts: String = query.messages.iter().map(|message| message.text.as_str()).collect();
        if query.spoken {
            questions += &texts;
            replied("No, because CANARY two.")
        } else {
            judging += &texts;
            replied("{\"scores\": [1, 0.5, 0], \"feedback\": \"CANARY one\"}")
        }
    });
    assert!(questions.contains("a body") && !questions.contains("CANARY"), "questions need no rubric");
    assert!(judging.contains("CANARY three") && !judging.contains("0.7") && !judging.contains("0.2"), "{judging}");
    let shown = shown(&record);
    assert!(!shown.contains("CANARY") && !shown.contains("no light"), "{shown}");
    assert!(shown.contains("Of 3 points your story tells 1."), "{shown}");
}

#[test]
fn what_is_hidden_in_a_story_of_our_own_is_never_shown() {
    let record = acting_with(&scenario(), 0, &[say("Was it the baker?"), say("[answer] the baker burned it")], "rule");
    let shown = shown(&record);
    for hidden in ["gardener", "sold", "debt", "ash on"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
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
    let mut bent = acting(&published(), 0, &[say("[answer] so")], |_| replied("{\"scores\": [1, 0, 0]}"));
    redrive(&bent, &published()).unwrap();
    bent.turns[0].answers[0].answer.reply = "{\"scores\": [0, 0, 0]}".to_owned();
    assert!(redrive(&bent, &published()).is_err());
}
