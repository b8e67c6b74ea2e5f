//! Claims, checks, and what comes to light.

use super::table::Table;
use super::table::item;
use super::table::seen;
use super::table::unseen;
use crate::Message;
use crate::Seat;
use crate::Source;
use crate::gyms::haggle::Claim;
use crate::gyms::haggle::Fact;
use crate::gyms::haggle::SellerMove;
use crate::gyms::haggle::Terms;
use crate::gyms::haggle::World;
use crate::gyms::haggle::facts::Value;
use crate::gyms::haggle::moves::Bid;
use crate::gyms::haggle::talk;

/// A world in which `fact` is `truth`, after the seller has claimed that it is `claimed`, and the buyer has had that checked.
fn checked(fact: Fact, truth: Value, claimed: Value, pressing: bool) -> Table {
    let mut item = item();
    item.facts[fact.index()] = truth;
    let claim = Claim { fact, value: claimed, pressing };
    let words = talk::seller_words(&SellerMove { claim: Some(claim), bid: Bid::Offer(Terms::bare(12)) }, 0);
    let mut table = Table::new(unseen(item));
    assert_eq!(table.say(&words).malformed, None);
    assert_eq!(table.say(&format!("I doubt the {}.", fact.name())).malformed, None);
    table
}

fn every_claim() -> impl Iterator<Item = (Fact, Value, Value)> {
    Fact::ALL.into_iter().flat_map(|f| (0..3).flat_map(move |truth| (0..3).map(move |claimed| (f, truth, claimed))))
}

#[test]
fn one_check_refutes_every_trap_and_confirms_its_truthful_twin() {
    for (fact, truth, claimed) in every_claim() {
        for pressing in [true, false] {
            let table = checked(fact, truth, claimed, pressing);
            let said = table.world.public.last_said(fact).expect("it was claimed");
            assert_eq!(said.checked, Some(claimed == truth), "{fact:?}");
            assert_eq!(table.world.known(fact), Some(truth));
        }
    }
}

#[test]
fn a_check_shows_the_true_fact_to_both_seats() {
    for (fact, truth, claimed) in every_claim() {
        let table = checked(fact, truth, claimed, true);
        let shown = Message {
            from: Source::World,
            text: format!("The {} is {}.", fact.name(), fact.values()[usize::from(truth)]),
        };
        for seat in Seat::ALL {
            assert!(table.news(seat).contains(&shown), "{seat}: {:?}", table.news(seat));
        }
    }
}

#[test]
fn a_check_costs_patience_twice_if_in_vain_and_nothing_else_does_while_the_price_falls() {
    let replies = ["I doubt the stock.", "I offer $5.", "What is the fee?", "Can you add the warranty?"];
    let patience = replies.map(|reply| {
        let table = Table::new(unseen(item())).play(&["The stock is low. I ask $12.", reply, "I ask $11."]);
        table.world.mind.patience
    });
    assert_eq!(patience, [3, 5, 5, 5]);
    let caught =
        Table::new(unseen(item())).play(&["The stock is fair. I ask $12.", "I doubt the stock.", "I ask $11."]);
    assert_eq!(caught.world.mind.patience, 4);
}

#[test]
fn only_what_was_claimed_can_be_checked_and_only_once_a_claim() {
    let mut table = Table::new(unseen(item())).play(&["The stock is low. I ask $12."]);
    let why = table.say("I doubt the fee.").malformed.clone();
    assert_eq!(why.as_deref(), Some("nothing was claimed about the fee"));
    let mut table = table.play(&["I ask $11.", "I doubt the stock.", "I ask $10."]);
    let why = table.say("I doubt the stock.").malformed.clone();
    assert_eq!(why.as_deref(), Some("the stock was checked already"));
    let mut table = table.play(&["The stock is low. I ask $9."]);
    assert_eq!(table.say("I doubt the stock.").malformed, None, "it was claimed anew");
}

#[test]
fn out_of_patience_the_buyer_leaves_without_a_deal() {
    let mut world = unseen(item());
    world.mind.patience = 2;
    let mut table = Table::new(world).play(&["I ask $12.", "I offer $5.", "I ask $12.", "I offer $5."]);
    let effect = table.say("I ask $12.").clone();
    assert_eq!(effect.next, crate::Next::Over);
    assert!(effect.journal[0].contains("[3, 2, 1, 3] -> [3, 1, 0, 3]"), "{:?}", effect.journal);
    assert_eq!((table.world.left, table.world.deal), (Some(Seat::User), None));
    assert_eq!(table.scores(), (0.0, 0.0));
    assert_eq!(table.rate("user/left_impatient"), Some(1.0));
}

#[test]
fn the_seller_may_still_close_as_patience_runs_out() {
    let mut world = unseen(item());
    world.mind.patience = 1;
    let table = Table::new(world).play(&["The stock is low. I ask $12.", "I doubt the stock.", "I ask $11."]);
    assert_eq!((table.world.left, table.world.deal), (Some(Seat::User), None));
    let mut world = unseen(item());
    world.mind.patience = 1;
    let table = Table::new(world).play(&["I ask $12.", "I offer $9.", "Sold."]);
    assert_eq!(table.world.deal.map(|deal| deal.terms.price), Some(9));
}

#[test]
fn nobody_accepts_or_closes_on_what_was_not_named() {
    let mut table = Table::new(unseen(item()));
    assert_eq!(table.say("Sold.").malformed.as_deref(), Some("there is no counter-offer to close on"));
    assert_eq!(table.say("I accept.").malformed.as_deref(), Some("there is no offer to accept"));
    let world = |table: &Table| -> World { table.world.clone() };
    assert_eq!((world(&table).deal, world(&table).left), (None, None));
}

#[test]
fn a_turn_that_does_not_count_is_noticed_by_both() {
    let mut table = Table::new(unseen(item())).play(&["I ask $12.", "I offer $5."]);
    table.say("Buy it or else");
    let news = |seat| table.news(seat).into_iter().map(|message| message.text).collect::<Vec<_>>();
    assert!(news(Seat::Agent).contains(&"That does not count.".to_owned()));
    assert_eq!(news(Seat::User), ["No answer."], "the words themselves do not reach the partner");
}

#[test]
fn a_claim_counts_by_what_the_buyer_knows() {
    let trust = |world: World, line: &str| Table::new(world).play(&[line]).world.mind.trust;
    assert_eq!(trust(seen(item()), "The stock is low. I ask $12."), 4);
    assert_eq!(trust(seen(item()), "The stock is ample. I ask $12."), 2);
    assert_eq!(trust(unseen(item()), "The stock is low. I ask $12."), 3);
    assert_eq!(trust(unseen(item()), "The stock is ample. I ask $12."), 3);
}
