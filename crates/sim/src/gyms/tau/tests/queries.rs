//! What the world asks of the customer's seat: nothing leaks, bad answers are faults, and records hold the answers.

use proptest::prelude::*;

use super::called;
use super::cancel;
use super::played;
use super::say;
use super::scenario_of;
use super::task;
use crate::Decision;
use crate::Fault;
use crate::FaultKind;
use crate::Party;
use crate::drive::drive;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::casting;

#[test]
fn an_answer_that_cannot_be_read_is_a_fault_of_the_user_and_scores_nobody() {
    // §6.1, fault 14.
    let scenario = scenario_of(task(), false);
    for reply in ["", " \n", &"x".repeat(10 << 20)] {
        let record = played(&scenario, vec![say("[action] Hello?")], &[reply]);
        let fault = record.fault.as_ref().expect("it cannot be read");
        assert_eq!((fault.party, fault.kind), (Party::User, FaultKind::BadReply));
        assert_eq!((record.scores.agent, record.scores.user), (None, None));
        redrive(&record, &scenario).unwrap();
    }
}

#[test]
fn a_user_that_cannot_answer_is_recorded_with_its_fault() {
    let refused = Fault::new(Party::User, FaultKind::Refused, "no credit");
    let scenario = scenario_of(task(), false);
    let decide = |_, _: &_| Decision::say("[action] Hello?");
    let record = drive(casting("a", "b", 0), &scenario, SEED, decide, |_, _| Err(refused.clone()));
    assert_eq!(record.fault, Some(refused.clone()));
    redrive(&record, &scenario).unwrap();
}

#[test]
fn a_record_re_drives_by_its_answers_whoever_gave_them() {
    let scenario = scenario_of(task(), false);
    let mut record =
        played(&scenario, vec![say("[action] Hello?"), called(&cancel()), say("[action] 30.3")], &["Yes."]);
    redrive(&record, &scenario).unwrap();
    record.turns[0].answers[0].answer.reply = "###STOP###".to_owned();
    assert!(redrive(&record, &scenario).is_err());
}

#[test]
fn no_hidden_text_reaches_whoever_must_not_see_it() {
    let scenario = scenario_of(task(), true);
    let read = "[answer] get_order_details: {\"order_id\": \"#W2\"}";
    let acts = [read, "[search] tools", "[search] help", "[action] One?", "nonsense", "[action] Two?"];
    let (mut agent, mut user) = (Vec::new(), Vec::new());
    let mut acted = acts.iter();
    let decide = |_, observation: &crate::Observation| {
        agent.extend(observation.messages.iter().map(|message| message.text.clone()));
        Decision::say(*acted.next().unwrap_or(&"[finish]"))
    };
    let _ = drive(casting("a", "b", 0), &scenario, SEED, decide, |_, query| {
        user.extend(query.messages.iter().map(|message| message.text.clone()));
        Ok(crate::Answer { reply: "I am not sure.".to_owned(), decision: None })
    });
    assert!(agent.len() > 6 && user.len() == 6);
    for text in &agent {
        for hidden in ["INSTRUCTION-CANARY", "30.3", "#W1", "ada"] {
            // The order that was looked up belongs to the customer: its id is what the tool answers with.
            let looked_up = text.starts_with("{\"order_id\": \"#W2\"") && hidden == "ada";
            assert!(looked_up || !text.contains(hidden), "{hidden} in {text}");
        }
    }
    for text in &user {
        for hidden in ["POLICY-CANARY", "30.3", "cancel_pending_order", "#W1", "#W2", "credit_card_2", "nonsense"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}

fn any_act() -> impl Strategy<Value = String> {
    let ids = "#W1|#W2|70|71|72|ada|gift_card_1|credit_card_2|paypal_3|-1|1e999|9223372036854775808|";
    let call = ("[a-z_]{0,12}|cancel_pending_order|return_delivered_order_items|exchange_delivered_order_items|modify_pending_order_items|modify_pending_order_payment|get_user_details|calculate", ids, ids, ids)
        .prop_map(|(name, a, b, c)| {
            format!(
                "[answer] {{\"name\": \"{name}\", \"arguments\": {{\"order_id\": \"{a}\", \"item_ids\": [\"{b}\"], \
                 \"new_item_ids\": [\"{c}\"], \"payment_method_id\": \"{c}\", \"expression\": \"{b}\"}}}}"
            )
        });
    let exact = ("#W1|#W2", "70|71|72", "70|71|72", "gift_card_1|credit_card_2|paypal_3").prop_map(|(a, b, c, d)| {
        format!(
            "[answer] modify_pending_order_items: {{\"order_id\": \"{a}\", \"item_ids\": [\"{b}\"], \"new_item_ids\": [\"{c}\"], \
             \"payment_method_id\": \"{d}\"}}"
        )
    });
    prop_oneof![call, exact, "\\PC{0,40}", "\\[(action|answer|search|finish)\\] ?\\PC{0,30}"]
}

proptest! {
    /// Whatever is written, the talk ends within its bounds, without a fault of the world, and re-drives.
    #[test]
    fn any_acts_end_in_a_record(acts in prop::collection::vec(any_act(), 0..12)) {
        let scenario = scenario_of(task(), false);
        let acts: Vec<_> = acts.iter().map(|act| say(act)).collect();
        let record = played(&scenario, acts, &["Yes.", "No.", "I do not know."]);
        prop_assert!(record.turns.len() <= 8);
        prop_assert!(record.fault.is_none(), "{:?}", record.fault);
        prop_assert!(record.scores.agent == Some(0.0) || record.scores.agent == Some(1.0));
        redrive(&record, &scenario).unwrap();
    }
}
