//! What the world asks of the user's seat, and what it makes of the reply; nobody else reads the right answer.

use super::super::Judge;
use super::say;
use super::scenario;
use crate::Act;
use crate::Answer;
use crate::Decision;
use crate::EpisodeRecord;
use crate::Fault;
use crate::FaultKind;
use crate::Party;
use crate::Query;
use crate::Stop;
use crate::drive::drive;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::casting;

/// Plays the acts, then gives up; the user's seat says `judge`.
fn played(acts: &[Act], mut judge: impl FnMut(&Query) -> Result<String, Fault>) -> EpisodeRecord {
    let scenario = scenario(Judge::User);
    let mut acts = acts.iter().cloned();
    let decide = |_, _: &_| Decision {
        act: Ok(acts.next().unwrap_or_else(|| say("[finish]"))),
        thought: None,
        generation: None,
    };
    let answer = |_, query: &Query| judge(query).map(|reply| Answer { reply, decision: None });
    drive(casting("person", "person", 0), &scenario, SEED, decide, answer)
}

#[test]
fn an_answer_that_is_right_to_the_letter_is_put_to_nobody() {
    let record = played(&[say("[answer] canary town")], |_| panic!("nobody is asked"));
    assert_eq!((record.stop, record.scores.agent, record.scores.user), (Some(Stop::Terminated), Some(1.0), Some(1.0)));
}

#[test]
fn another_answer_is_the_users_to_judge() {
    for (reply, score) in [(r#"{"correct": true}"#, 1.0), (r#"{"correct": false, "why": "no"}"#, 0.0)] {
        let record = played(&[say("[answer] the town of canaries")], |_| Ok(reply.to_owned()));
        assert_eq!(record.scores.agent, Some(score));
        redrive(&record, &scenario(Judge::User)).unwrap();
    }
}

#[test]
fn a_judgement_that_cannot_be_read_is_a_fault_of_the_user_and_scores_nobody() {
    for reply in ["", "yes", "true", "{}", r#"{"correct": "yes"}"#, r#"{"correct": 1}"#, r#"{"correct": nu"#] {
        let record = played(&[say("[answer] Otter")], |_| Ok(reply.to_owned()));
        let fault = record.fault.unwrap_or_else(|| panic!("{reply} was read"));
        assert_eq!((fault.party, fault.kind), (Party::User, FaultKind::BadReply));
        assert_eq!((record.scores.agent, record.scores.user), (None, None));
    }
}

#[test]
fn a_judge_that_cannot_answer_is_recorded_with_its_fault() {
    let refused = Fault::new(Party::User, FaultKind::Refused, "no credit");
    let record = played(&[say("[answer] Otter")], |_| Err(refused.clone()));
    assert_eq!((record.fault, record.scores.agent), (Some(refused), None));
}

#[test]
fn the_right_answer_is_shown_to_the_judge_and_to_nobody_else() {
    let mut judged = Vec::new();
    let acts = [say("[search] heron"), say("[answer] Otter"), say("hm"), say("[answer] Heron")];
    let record = played(&acts, |query| {
        assert!(!query.spoken);
        judged.extend(query.messages.iter().map(|message| message.text.clone()));
        Ok(r#"{"correct": false}"#.to_owned())
    });
    assert!(judged.iter().any(|text| text.contains("Canaryton or Canary Town") && text.contains("Otter")));
    let shown = record.turns.iter().flat_map(|turn| &turn.observed);
    shown.for_each(|message| assert!(!message.text.contains("Canary"), "{}", message.text));
    assert_eq!((record.turns.len(), record.scores.agent), (4, Some(0.0)));
}
