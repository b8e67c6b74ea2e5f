//! The table: whose turn, what was said, what is true, how the buyer feels.

use serde::Deserialize;
use serde::Serialize;

use super::BuyerMove;
use super::Fact;
use super::Item;
use super::Mind;
use super::Profile;
use super::Rules;
use super::SellerMove;
use super::Terms;
use super::facts::Value;
use super::moves::Bid;
use super::moves::Question;
use super::person::Evidence;
use super::talk;
use super::verdict;
use super::view::BuyerView;
use super::view::Public;
use super::view::Said;
use super::view::SellerView;
use super::view::View;
use crate::Act;
use crate::Case;
use crate::Draws;
use crate::Effect;
use crate::Message;
use crate::Next;
use crate::Observation;
use crate::Pair;
use crate::Scenario;
use crate::Seat;
use crate::Source;
use crate::Verdict;
use crate::WorldInput;
use crate::WorldOutput;
use crate::gyms::GymWorld;

/// What both sides are told before the seller's last turn.
const LAST_ROUND: &str = "This is the last round.";

/// A deal that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// The agreed terms.
    pub terms: Terms,
    /// In which round, from 1.
    pub round: u32,
}

/// The state of one talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Constants.
    pub rules: Rules,
    /// The truth.
    pub item: Item,
    /// Who the buyer is.
    pub profile: Profile,
    /// How the buyer feels now.
    pub mind: Mind,
    /// The buyer's state after each of the seller's turns: what the buyer's thoughts are compared with.
    pub minds: Vec<Mind>,
    /// What both have seen.
    pub public: Public,
    /// What the buyer knew from the start.
    pub seen: [Option<Value>; Fact::ALL.len()],
    /// The moves of each side, `None` for a turn that did not count.
    pub seller_moves: Vec<Option<SellerMove>>,
    /// See `seller_moves`.
    pub buyer_moves: Vec<Option<BuyerMove>>,
    /// The deal, if one was made.
    pub deal: Option<Deal>,
    /// Who left, if somebody did.
    pub left: Option<Seat>,
    /// What happened since the buyer last spoke.
    evidence: Evidence,
    turns: Pair<u32>,
    inbox: Pair<Vec<Message>>,
}

impl World {
    /// The table before anybody has spoken.
    #[must_use]
    pub fn new(rules: Rules, item: Item, scenario: &Scenario, mut draws: Draws) -> World {
        let profile = Profile::draw(&mut draws);
        let seen = Fact::ALL.map(|fact| draws.chance(rules.sees).then(|| item.facts[fact.index()]));
        let public = Public { rounds_max: scenario.turns_max, list: item.list, ..Public::default() };
        let mut world = World {
            rules,
            profile,
            mind: Mind::start(profile),
            minds: Vec::new(),
            public,
            seen,
            seller_moves: Vec::new(),
            buyer_moves: Vec::new(),
            deal: None,
            left: None,
            evidence: Evidence::default(),
            turns: Pair::default(),
            inbox: Pair::default(),
            item,
        };
        world.tell(Seat::Agent, Source::Brief, world.seller_brief());
        world.tell(Seat::User, Source::Brief, world.buyer_brief());
        world
    }

    /// What the buyer knows: seen from the start, or shown since.
    #[must_use]
    pub fn known(&self, fact: Fact) -> Option<Value> {
        let shown = self.public.shown.iter().find(|(f, _)| *f == fact).map(|(_, value)| *value);
        shown.or(self.seen[fact.index()])
    }

    fn legal(&self, act: SellerMove) -> Result<SellerMove, String> {
        match act.bid {
            Bid::Close if self.public.counters.is_empty() => Err("there is no counter-offer to close on".to_owned()),
            Bid::Close | Bid::End | Bid::Offer(_) => Ok(act),
        }
    }

    fn allowed(&self, act: BuyerMove) -> Result<BuyerMove, String> {
        match act {
            BuyerMove::Accept if self.public.offers.is_empty() => Err("there is no offer to accept".to_owned()),
            BuyerMove::Challenge(fact) => match self.public.last_said(fact) {
                None => Err(format!("nothing was claimed about the {}", fact.name())),
                Some(said) if said.checked.is_some() => Err(format!("the {} was checked already", fact.name())),
                Some(_) => Ok(act),
            },
            BuyerMove::Accept | BuyerMove::Ask(_) | BuyerMove::Counter(_) | BuyerMove::Walk => Ok(act),
        }
    }

    fn seller_moved(&mut self, act: SellerMove, text: &str) -> Effect {
        self.note_seller(&act);
        self.seller_moves.push(Some(act));
        if let Some(claim) = act.claim {
            self.public.claims.push(Said { claim, round: self.public.round, checked: None });
        }
        let next = match act.bid {
            Bid::Offer(terms) => {
                self.public.offers.push(terms);
                Next::Ask(Seat::User)
            }
            Bid::Close => {
                self.deal = self.public.counter().map(|terms| Deal { terms, round: self.public.round });
                Next::Over
            }
            Bid::End => {
                self.left = Some(Seat::Agent);
                Next::Over
            }
        };
        self.tell(Seat::User, Source::Partner, text.to_owned());
        self.feel(next)
    }

    /// Gathers what the buyer can see in the seller's move, before the move is added to the table.
    fn note_seller(&mut self, act: &SellerMove) {
        if let Some(claim) = act.claim
            && let Some(known) = self.known(claim.fact)
        {
            self.evidence.found_true |= known == claim.value;
            self.evidence.found_false |= known != claim.value;
        }
        if let (Bid::Offer(terms), Some(before)) = (act.bid, self.public.offer()) {
            let extras = |t: Terms| u8::from(t.delivery) + u8::from(t.warranty);
            let fell = before.price - terms.price;
            self.evidence.conceded |= fell >= 2 || extras(terms) > extras(before);
            self.evidence.stalled |= fell <= 0 && extras(terms) <= extras(before);
        }
        if let Some(Some(BuyerMove::Ask(question))) = self.buyer_moves.last() {
            let answered = match (question, act.claim, act.bid) {
                (Question::Fact(fact), Some(claim), _) => claim.fact == *fact,
                (Question::Delivery, _, Bid::Offer(terms)) => terms.delivery,
                (Question::Warranty, _, Bid::Offer(terms)) => terms.warranty,
                _ => false,
            };
            self.evidence.answered |= answered;
            self.evidence.ignored |= !answered;
        }
    }

    /// The buyer takes in the seller's turn; out of patience, it leaves.
    fn feel(&mut self, next: Next) -> Effect {
        let before = self.mind;
        self.mind = before.after(&self.evidence);
        self.minds.push(self.mind);
        let mut journal = Vec::new();
        if self.mind != before {
            journal.push(format!("state {:?} -> {:?} by {:?}", before.values(), self.mind.values(), self.evidence));
        }
        if next == Next::Ask(Seat::User) && self.mind.patience == 0 {
            self.left = Some(Seat::User);
            return Effect { malformed: None, rewards: Vec::new(), journal, next: Next::Over };
        }
        Effect { malformed: None, rewards: Vec::new(), journal, next }
    }

    fn buyer_moved(&mut self, act: BuyerMove, text: &str) -> Effect {
        self.buyer_moves.push(Some(act));
        self.evidence = Evidence::default();
        self.tell(Seat::Agent, Source::Partner, text.to_owned());
        let mut next = Next::Ask(Seat::Agent);
        let mut journal = Vec::new();
        match act {
            BuyerMove::Ask(question) => self.public.questions.push(question),
            BuyerMove::Counter(terms) => self.public.counters.push(terms),
            BuyerMove::Challenge(fact) => journal.push(self.check(fact)),
            BuyerMove::Accept => {
                self.deal = self.public.offer().map(|terms| Deal { terms, round: self.public.round });
                next = Next::Over;
            }
            BuyerMove::Walk => {
                self.left = Some(Seat::User);
                next = Next::Over;
            }
        }
        Effect { malformed: None, rewards: Vec::new(), journal, next }
    }

    /// Shows the true fact to both sides and marks what was claimed of it.
    fn check(&mut self, fact: Fact) -> String {
        let truth = self.item.facts[fact.index()];
        let mut held = true;
        for said in self.public.claims.iter_mut().filter(|said| said.claim.fact == fact) {
            said.checked = Some(said.claim.value == truth);
            held = said.claim.value == truth;
        }
        self.evidence.challenged = true;
        self.evidence.vain = held;
        self.evidence.found_true |= held;
        self.evidence.found_false |= !held;
        self.public.shown.push((fact, truth));
        let shown = format!("The {}.", talk::fact_words(fact, truth));
        for seat in Seat::ALL {
            self.tell(seat, Source::World, shown.clone());
        }
        format!("checked: {shown} the claim {}", if held { "held" } else { "was false" })
    }

    fn did_not_count(&mut self, seat: Seat, why: String) -> Effect {
        self.tell(seat, Source::World, "That does not count.".to_owned());
        self.tell(seat.partner(), Source::World, "No answer.".to_owned());
        match seat {
            Seat::Agent => {
                self.seller_moves.push(None);
                // No price is no better a price.
                self.evidence.stalled = true;
                let effect = self.feel(Next::Ask(Seat::User));
                Effect { malformed: Some(why), ..effect }
            }
            Seat::User => {
                self.buyer_moves.push(None);
                self.evidence = Evidence { fumbled: true, ..Evidence::default() };
                Effect { malformed: Some(why), rewards: Vec::new(), journal: Vec::new(), next: Next::Ask(Seat::Agent) }
            }
        }
    }

    fn tell(&mut self, seat: Seat, from: Source, text: String) {
        self.inbox[seat].push(Message { from, text });
    }

    fn seller_brief(&self) -> String {
        let item = &self.item;
        let facts = Fact::ALL.map(|fact| format!(" The {}.", talk::fact_words(fact, item.facts[fact.index()])));
        format!(
            "You sell the {}. The list price is{}. Your cost is{}.{}",
            item.name,
            talk::price_words(item.list),
            talk::price_words(item.cost),
            facts.concat()
        )
    }

    fn buyer_brief(&self) -> String {
        let item = &self.item;
        let facts = Fact::ALL.map(|fact| match self.seen[fact.index()] {
            Some(value) => format!(" The {}.", talk::fact_words(fact, value)),
            None => format!(" The {} is unknown.", fact.name()),
        });
        let warranty = if item.wants_warranty { "You want the warranty." } else { "You need no warranty." };
        let [trust, emotion, patience, participation] = self.mind.values();
        format!(
            "You buy the {}. The list price is{}. Your value is{}. {warranty}{} You are {}. state {trust} {emotion} {patience} {participation}",
            item.name,
            talk::price_words(item.list),
            talk::price_words(item.value),
            facts.concat(),
            self.profile.style.name()
        )
    }

    fn seller_view(&self) -> SellerView {
        let last = self.buyer_moves.last().copied().flatten();
        SellerView {
            public: self.public.clone(),
            cost: self.item.cost,
            facts: self.item.facts,
            asked: match last {
                Some(BuyerMove::Ask(question)) => Some(question),
                _ => None,
            },
            challenged: match last {
                Some(BuyerMove::Challenge(fact)) => self.public.last_said(fact).and_then(|said| said.checked),
                _ => None,
            },
            held_out: self.item.held_out,
        }
    }

    fn buyer_view(&self) -> BuyerView {
        BuyerView {
            public: self.public.clone(),
            value: self.item.value,
            wants_warranty: self.item.wants_warranty,
            known: Fact::ALL.map(|fact| self.known(fact)),
            heard: self.seller_moves.last().copied().flatten().and_then(|act| act.claim),
            evidence: self.evidence,
            mind: self.mind,
            profile: self.profile,
            held_out: self.item.held_out,
        }
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.turns[seat];
        self.turns[seat] += 1;
        let view = match seat {
            Seat::Agent => {
                self.public.round += 1;
                if self.public.round == self.public.rounds_max {
                    // Who cannot count rounds would wait for ever for a better price.
                    Seat::ALL.into_iter().for_each(|seat| self.tell(seat, Source::World, LAST_ROUND.to_owned()));
                }
                View::Seller(self.seller_view())
            }
            Seat::User => View::Buyer(self.buyer_view()),
        };
        let messages = std::mem::take(&mut self.inbox[seat]);
        Observation { seat, turn, messages, view: crate::View::Haggle(view) }
    }

    // One turn. This world asks no questions of anybody: the only output is the effect.
    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let effect = match input {
            WorldInput::Act(Seat::Agent, Act::Say(text)) => {
                match talk::read_seller(&text).and_then(|m| self.legal(m)) {
                    Ok(act) => self.seller_moved(act, &text),
                    Err(why) => self.did_not_count(Seat::Agent, why),
                }
            }
            WorldInput::Act(Seat::User, Act::Say(text)) => {
                match talk::read_buyer(&text).and_then(|m| self.allowed(m)) {
                    Ok(act) => self.buyer_moved(act, &text),
                    Err(why) => self.did_not_count(Seat::User, why),
                }
            }
            WorldInput::Act(seat, Act::Tool { .. }) => self.did_not_count(seat, "there are no tools here".to_owned()),
            WorldInput::NoAct(seat, why) => self.did_not_count(seat, why),
            WorldInput::Answer(..) => self.did_not_count(Seat::Agent, "nothing was asked".to_owned()),
        };
        vec![WorldOutput::Effect(effect)]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict(self, case)
    }
}
