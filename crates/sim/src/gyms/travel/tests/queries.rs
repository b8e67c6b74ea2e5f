//! What the world asks of the user's seat: nothing leaks, bad answers are faults, and records hold the answers.

use super::CAR;
use super::FLIGHT;
use super::WISHES;
use super::played;
use super::scenario;
use crate::Answer;
use crate::Decision;
use crate::EpisodeRecord;
use crate::Fault;
use crate::FaultKind;
use crate::Party;
use crate::Query;
use crate::Seat;
use crate::View;
use crate::drive::drive;
use crate::drive::play_by_rule;
use crate::gyms::Script;
use crate::gyms::travel;
use crate::gyms::travel::view::Asked;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::casting;

const TEXTS: [&str; 9] = [
    FLIGHT,
    "[action] Which meal on the flight?",
    "[action] Hm.",
    "[action] Hm, hm.",
    "[action] Which baggage on the flight?",
    "[action] What of the car?",
    CAR,
    "[answer] F6",
    "[action] Which gearbox for the car?",
];

/// Plays these texts; the user's seat answers what `judge` does not by rule.
fn answered(texts: &[&str], mut judge: impl FnMut(&Asked, &Query) -> Option<Result<String, Fault>>) -> EpisodeRecord {
    let scenario = scenario();
    let casting = casting("person", "rule", 0);
    let address = casting.id.address(SEED);
    let user = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
    let mut texts = texts.iter();
    let decide = |_, _: &_| Decision::say(*texts.next().unwrap_or(&"[finish]"));
    drive(casting, &scenario, SEED, decide, |seat, query| {
        let View::Travel(travel::View::User(asked)) = &query.view else { panic!("only the user is asked") };
        match judge(asked, query) {
            Some(reply) => reply.map(|reply| Answer { reply, decision: None }),
            None => user.answer(seat, query, address),
        }
    })
}

/// Whether a text gives away a wish, outright or roundabout.
fn gives_away(text: &str, wish: travel::Wish) -> bool {
    text.contains(wish.hint()) || text.contains(wish.value().wish)
}

#[test]
fn a_wish_is_shown_to_nobody_before_it_is_told() {
    let mut shown: Vec<(String, Vec<travel::Wish>)> = Vec::new();
    let record = answered(&TEXTS, |asked, query| {
        let text: String = query.messages.iter().map(|message| format!("{}\n", message.text)).collect();
        let allowed = match asked {
            Asked::Search { .. } => Vec::new(),
            Asked::Question { untold, .. } => untold.iter().map(|(_, wish)| *wish).collect(),
            Asked::Reply { tell, .. } => tell.iter().copied().collect(),
        };
        shown.push((text, allowed));
        None
    });
    assert!(shown.len() > 10);
    let mut told: Vec<travel::Wish> = Vec::new();
    for (text, allowed) in &shown {
        // What was told stands in the reminder of later queries.
        for wish in WISHES.into_iter().filter(|wish| !allowed.contains(wish) && !told.contains(wish)) {
            assert!(!gives_away(text, wish), "{text}");
        }
        if allowed.len() == 1 {
            told.extend(allowed);
        }
    }
    let mut heard: Vec<travel::Wish> = Vec::new();
    for turn in &record.turns {
        for message in &turn.observed {
            let known: Vec<travel::Wish> =
                WISHES.into_iter().filter(|wish| message.text.contains(wish.hint())).collect();
            assert!(known.len() <= 1, "{}", message.text);
            let outright = ["a vegetarian meal for", "an automatic", "correct", "wrong", "canary"];
            assert!(outright.iter().all(|word| !message.text.contains(word)), "{}", message.text);
            heard.extend(known);
        }
    }
    assert_eq!(heard.len(), 3, "the meal and the gearbox were asked for, and one wish was brought up");
}

/// Spec userrl §6.1, fault 14: a judge's failure is no failure of the agent's.
#[test]
fn an_answer_that_cannot_be_read_is_a_fault_of_the_user_and_scores_nobody() {
    for (text, reply) in [
        (FLIGHT, ""),
        (FLIGHT, "True"),
        (FLIGHT, r#"{"alignment": "complete", "aspect": "hotel"}"#),
        ("[action] Hm.", r#"{"type": 2, "preference_id": "P9"}"#),
        ("[action] Hm.", r#"{"type": -1}"#),
        ("[action] Hm.", r#"{"preference_id": "P1"}"#),
    ] {
        let record = answered(&[text], |asked, _| match asked {
            Asked::Search { .. } | Asked::Question { .. } => Some(Ok(reply.to_owned())),
            Asked::Reply { .. } => None,
        });
        let fault = record.fault.as_ref().unwrap_or_else(|| panic!("{reply} was read"));
        assert_eq!((fault.party, fault.kind), (Party::User, FaultKind::BadReply));
        assert_eq!((record.scores.agent, record.scores.user), (None, None));
        redrive(&record, &scenario()).unwrap();
    }
    let silent = answered(&["[action] Which meal on the flight?"], |asked, _| match asked {
        Asked::Reply { .. } => Some(Ok(" \n".to_owned())),
        Asked::Search { .. } | Asked::Question { .. } => None,
    });
    assert_eq!(silent.fault.unwrap().detail, "the reply is empty");
}

#[test]
fn a_user_that_cannot_answer_is_recorded_with_its_fault() {
    let refused = Fault::new(Party::User, FaultKind::Refused, "no credit");
    let record = answered(&[FLIGHT], |_, _| Some(Err(refused.clone())));
    assert_eq!((record.fault, record.turns[0].effect.clone()), (Some(refused), None));
}

#[test]
fn a_judge_that_is_a_model_may_write_fences_and_upstreams_names() {
    let record = answered(&["[search] whatever", "[action] whatever"], |asked, _| match asked {
        Asked::Search { .. } => {
            Some(Ok("```json\n{\"alignment\": \"complete\", \"aspect\": \"Car Rental\"}\n```".to_owned()))
        }
        Asked::Question { .. } => Some(Ok("Sure: {\"type\": \"2\", \"preference_id\": \"p4\"}".to_owned())),
        Asked::Reply { tell, .. } => {
            assert_eq!(*tell, Some(WISHES[3]));
            Some(Ok(" I like rumbling. ".to_owned()))
        }
    });
    let earned: Vec<f64> = super::earned(&record);
    assert_eq!(earned, [0.2, 0.6, 0.0]);
    assert_eq!(super::told(&record, 1), "I like rumbling.");
}

#[test]
fn a_record_re_drives_by_its_answers_whoever_gave_them() {
    let scenario = scenario();
    for agent in ["scripted:good", "rule", "random", "scripted:noisy", "scripted:spam", "scripted:bad"] {
        for user in ["rule", "random", "scripted:bad", "scripted:spam"] {
            let record = play_by_rule(casting(agent, user, 0), &scenario, SEED).unwrap();
            assert!(record.fault.is_none(), "{agent} with {user}: {:?}", record.fault);
            redrive(&record, &scenario).unwrap();
        }
    }
    let mut bent = played(&TEXTS);
    redrive(&bent, &scenario).unwrap();
    bent.turns[0].answers[0].answer.reply = r#"{"alignment": "unrelated"}"#.to_owned();
    assert_eq!(redrive(&bent, &scenario).unwrap_err().turn, Some(0));
    bent.turns[0].answers.pop();
    assert_eq!(redrive(&bent, &scenario).unwrap_err().field, "query");
}
