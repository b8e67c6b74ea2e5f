//! One example of every kind of move, made by the templates that the parser reads.

use super::BuyerMove;
use super::Claim;
use super::Fact;
use super::Family;
use super::Mind;
use super::SellerMove;
use super::Terms;
use super::Thought;
use super::moves::Bid;
use super::moves::Question;
use super::person::Tone;
use super::talk;
use super::thought::Concern;
use super::thought::Intent;
use super::thought::Know;
use super::thought::Plan;
use super::thought::Recall;
use super::thought::Worth;
use crate::Seat;
use crate::gyms::Phrase;
use crate::gyms::Phrasebook;

/// The seller's template that says least.
const SELLER_PLAIN: usize = 0;
/// The buyer's.
const BUYER_PLAIN: usize = 1;

/// What `seat` can say.
#[must_use]
pub fn phrasebook(seat: Seat) -> Phrasebook {
    match seat {
        Seat::Agent => seller(),
        Seat::User => buyer(),
    }
}

fn seller() -> Phrasebook {
    let say = |claim, bid, meaning| Phrase::say(talk::seller_words(&SellerMove { claim, bid }, SELLER_PLAIN), meaning);
    let offer = Bid::Offer(Terms::bare(12));
    let all = Bid::Offer(Terms { price: 12, delivery: true, warranty: true });
    let claim = |pressing| Some(Claim { fact: Fact::Stock, value: 0, pressing });
    let facts = Fact::ALL.map(|fact| {
        let [low, middle, high] = fact.values();
        format!("the {} is {low}, {middle} or {high}", fact.name())
    });
    let mut notes = vec!["A claim may be about any of these, and need not be true:".to_owned()];
    notes.extend(facts.map(|fact| format!("  {fact}")));
    Phrasebook {
        phrases: vec![
            say(None, offer, "a price, $0 to $25; it stands until your next one"),
            say(None, all, "with delivery, with warranty, or both"),
            say(claim(false), offer, "a claim about a fact, then a price"),
            say(claim(true), offer, "the same, pressing"),
            say(None, Bid::Close, "take the buyer's last counter-offer"),
            say(None, Bid::End, "leave without a deal"),
        ],
        notes,
        thought: None,
    }
}

fn buyer() -> Phrasebook {
    let say = |act: BuyerMove, meaning| Phrase::say(talk::buyer_words(&act, BUYER_PLAIN), meaning);
    let facts = Fact::ALL.map(Fact::name).join(", ");
    Phrasebook {
        phrases: vec![
            say(BuyerMove::Ask(Question::Fact(Fact::Stock)), "ask how a fact is"),
            say(BuyerMove::Ask(Question::Warranty), "ask for the warranty, or for the delivery"),
            say(BuyerMove::Counter(Terms::bare(9)), "a price of your own, $0 to $25"),
            say(
                BuyerMove::Counter(Terms { price: 9, delivery: true, warranty: true }),
                "with delivery, with warranty, or both",
            ),
            say(BuyerMove::Challenge(Fact::Stock), "have a claim checked: both are shown the fact"),
            say(BuyerMove::Accept, "take the seller's standing offer"),
            say(BuyerMove::Walk, "leave without a deal"),
        ],
        notes: vec![format!("The facts are: {facts}.")],
        thought: Some(thought().words()),
    }
}

/// Somebody presses with a claim that is known to be false.
fn thought() -> Thought {
    Thought {
        recall: Some(Recall { fact: Fact::Stock, heard: 0, know: Know::Is(2) }),
        intent: Intent::Trap(Family::Urgency),
        concern: Concern::Truth,
        worth: Some(Worth::Loss),
        plan: Plan::Challenge,
        mind: Mind { trust: 2, emotion: 3, patience: 4, participation: 3 },
        tone: Tone::Calm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Act;

    fn words(seat: Seat) -> Vec<String> {
        let said = |phrase: Phrase| match phrase.act {
            Act::Say(text) => text,
            Act::Tool { .. } => panic!("there are no tools here"),
        };
        phrasebook(seat).phrases.into_iter().map(said).collect()
    }

    #[test]
    fn every_kind_of_seller_turn_has_a_phrase_that_the_world_reads() {
        let acts: Vec<SellerMove> = words(Seat::Agent).iter().map(|text| talk::read_seller(text).unwrap()).collect();
        let has = |what: &dyn Fn(&SellerMove) -> bool| acts.iter().any(what);
        assert!(has(&|act| matches!(act.bid, Bid::Offer(_)) && act.claim.is_none()));
        assert!(has(&|act| act.claim.is_some_and(|claim| claim.pressing)));
        assert!(has(&|act| act.claim.is_some_and(|claim| !claim.pressing)));
        assert!(has(&|act| act.bid == Bid::Close) && has(&|act| act.bid == Bid::End));
    }

    #[test]
    fn every_kind_of_buyer_turn_has_a_phrase_that_the_world_reads() {
        let acts: Vec<BuyerMove> = words(Seat::User).iter().map(|text| talk::read_buyer(text).unwrap()).collect();
        let plans: Vec<Plan> = acts.iter().map(Plan::of).collect();
        for plan in [Plan::Ask, Plan::Counter, Plan::Challenge, Plan::Accept, Plan::Walk] {
            assert!(plans.contains(&plan), "{plan:?}");
        }
        assert_eq!(Thought::read(&phrasebook(Seat::User).thought.unwrap()), Some(thought()));
    }
}
