//! The customer by rule: what it says to what, and that every sentence of its is read back.

use std::sync::Arc;

use super::super::Ask;
use super::super::Call;
use super::super::Domain;
use super::super::Value;
use super::super::catalogue;
use super::super::user::Kind;
use super::super::view::Heard;
use super::super::wish;
use super::super::wish::Identity;
use super::super::wish::Wish;
use super::cancel;
use super::scenario_of;
use super::task;
use crate::gyms::Rules;
use crate::scenario::ItemCounts;
use crate::scenario::Split;
use crate::testing::SEED;
use crate::testing::casting;

/// What a customer by rule says, whose task stands so.
fn reply(said: &str, done: bool, told: bool) -> String {
    let Rules::Tau(rules) = &scenario_of(task(), false).rules else {
        panic!("it is another gym");
    };
    let heard = Heard {
        entry: Arc::clone(rules.library.entry(Split::HeldOut, 0)),
        dialogue: Vec::new(),
        said: said.into(),
        done: vec![false, done],
        told: vec![told],
        matches: done,
    };
    Kind::Rule.reply(&heard, casting("a", "b", 0).id.address(SEED))
}

const WANT: &str = "Please cancel order #W1, reason: ordered by mistake.";

#[test]
fn it_says_who_it_is_and_what_it_wants_and_stops_when_all_is_done() {
    assert_eq!(reply("What can I do for you?", false, false), WANT);
    assert_eq!(reply("Your email, please?", false, false), format!("My name is Ada Abel, zip code 12345. {WANT}"));
    assert_eq!(reply("That is done. More?", true, false), "I want to know how much I get back.");
    assert_eq!(reply("It is 30.3.", true, true), "Thank you, that is all. ###STOP###");
    assert_eq!(reply("Goodbye.", false, false), "Goodbye. ###STOP###");
    // Somebody who wants something done does not stop because it is refused.
    assert_eq!(reply("I cannot do that.", false, false), WANT);
}

#[test]
fn it_says_yes_to_what_it_wants_and_no_to_everything_else() {
    assert_eq!(reply("I will cancel order #W1, ordered by mistake. Do you confirm?", false, false), "Yes.");
    for wrong in [
        "I will cancel order #W2, ordered by mistake. Do you confirm?",
        "I will cancel order #W1, no longer needed. Do you confirm?",
        "I will return order #W1, ordered by mistake. Do you confirm?",
        "Shall I?  Do you confirm?",
    ] {
        assert_eq!(reply(wrong, false, false), format!("No. {WANT}"), "{wrong}");
    }
}

#[test]
fn a_customer_who_wants_nothing_that_can_be_done_is_content_with_a_refusal() {
    let mut nothing = task();
    (nothing.actions, nothing.outputs) = (Vec::new(), Vec::new());
    let Rules::Tau(rules) = &scenario_of(nothing, false).rules else {
        panic!("it is another gym");
    };
    let entry = Arc::clone(rules.library.entry(Split::HeldOut, 0));
    let say = |said: &str| {
        let (done, told) = (Vec::new(), Vec::new());
        let heard =
            Heard { entry: Arc::clone(&entry), dialogue: Vec::new(), said: said.into(), done, told, matches: true };
        Kind::Rule.reply(&heard, casting("a", "b", 0).id.address(SEED))
    };
    assert!(say("What can I do for you?").contains("I want to cancel my order."));
    assert_eq!(say("I am sorry, that is not possible."), "All right then. ###STOP###");
}

#[test]
fn every_sentence_of_the_catalogue_is_read_back_as_what_it_asks_for() {
    let library = catalogue::library(ItemCounts { train: 400, held_out: 1, seed: 3 }, None);
    let mut kinds = std::collections::BTreeSet::new();
    for entry in library.of(Split::Train) {
        let identity = Identity::read(&format!("{} {}", entry.identity, entry.asks[0].1)).expect("it says who it is");
        assert!(entry.identity.starts_with(&identity.say()));
        for (ask, sentence) in &entry.asks {
            let wish = wish::read(&format!("No. {sentence}")).unwrap_or_else(|| panic!("{sentence}"));
            let call = match ask {
                Ask::Do(at) => &entry.task.actions[*at],
                Ask::Refuse(call) => call,
                Ask::Tell { .. } => {
                    assert!(matches!(wish, Wish::Question(_)), "{sentence}");
                    continue;
                }
            };
            kinds.insert(call.name.clone());
            let named = match wish {
                Wish::Plain(wish) | Wish::Change(wish) => {
                    assert!(
                        wish.arguments.entries().iter().all(|(key, value)| call.arguments.get(key) == Some(value)),
                        "{sentence}"
                    );
                    wish.name
                }
                Wish::Items(items) => items.tool,
                Wish::Trip(_) => "book_reservation".to_owned(),
                Wish::Question(_) => panic!("{sentence}"),
            };
            assert_eq!(named, call.name);
        }
    }
    assert_eq!(kinds.len(), 12, "all tools that change something but the certificate: {kinds:?}");
}

#[test]
fn what_is_no_sentence_of_the_customer_is_not_read() {
    for said in [
        "",
        "Please",
        "Please .",
        "Please cancel order",
        "Please cancel it.",
        "Please take back from order #W1: Lamp; by x.",
        "Please book one_way from A to B in economy: F1 on d; passengers A B (c); bags 1 of which x paid; insurance no; by c.",
        "How much?",
        "How many kinds of lamps are there?",
    ] {
        assert_eq!(wish::read(said), None, "{said}");
    }
    assert_eq!(wish::read(WANT), Some(Wish::Plain(cancel())));
}

#[test]
fn certificates_and_unknown_items_have_sentences_too() {
    let base = super::shop();
    let sent = Call::of("send_certificate", [("user_id", Value::text("ada")), ("amount", Value::Int(50))]);
    let read = wish::read(&wish::say(&sent, &base));
    assert_eq!(read, Some(Wish::Plain(Call::of("send_certificate", [("amount", Value::Int(50))]))));
    let back = Call::of(
        "return_delivered_order_items",
        [("order_id", Value::text("#W9")), ("item_ids", Value::List(vec![Value::text("8")]))],
    );
    assert_eq!(wish::say(&back, &base), "Please take back from order #W9: item 8; by .");
    assert_eq!(Identity::of(Domain::Airline, "ada", None, "").say(), "My user id is ada.");
}

#[test]
fn instructions_are_said_in_the_first_person() {
    let rows = [
        ("You are Ada. You want your lamp.", "I am Ada. I want my lamp."),
        ("If you'd rather, your youth is yours.", "If I would rather, my youth is mine."),
        ("", ""),
    ];
    for (instruction, expected) in rows {
        assert_eq!(wish::first_person(instruction), expected);
    }
}
