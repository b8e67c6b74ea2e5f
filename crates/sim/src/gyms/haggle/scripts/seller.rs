//! Scripted sellers.

use serde::Deserialize;
use serde::Serialize;

use super::super::Claim;
use super::super::Fact;
use super::super::PRICE_MAX;
use super::super::SellerMove;
use super::super::Terms;
use super::super::items;
use super::super::moves::Bid;
use super::super::moves::Question;
use super::super::thought::Worth;
use super::super::view::SellerView;
use crate::Draws;

/// Which seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Honest, plain, concedes evenly.
    Rule,
    /// Legal moves at random.
    Random,
    /// The best script on a seller's information.
    Good,
    /// Gives everything away.
    Bad,
    /// Repeats one claim and never moves.
    Spam,
    /// The cold-start mixture of three skill levels.
    Noisy,
    /// Presses, lies every other time; the user's fixed opponent.
    Trapper,
    /// `Good` without a word about the item.
    NeverClaim,
    /// `Good`, but every claim is a pressing lie.
    AlwaysLie,
    /// Takes the first counter-offer, whatever it is.
    ImmediateClose,
}

impl Kind {
    /// All sellers by policy name.
    pub const ALL: [(&'static str, Kind); 10] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Good),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Noisy),
        ("scripted:trapper", Kind::Trapper),
        ("scripted:never-claim", Kind::NeverClaim),
        ("scripted:always-lie", Kind::AlwaysLie),
        ("scripted:immediate-close", Kind::ImmediateClose),
    ];

    /// The seller's move; `None` where a clumsy seller says nothing that counts.
    pub(super) fn decide(self, view: &SellerView, whole: Draws, draws: &mut Draws) -> Option<SellerMove> {
        match self {
            Kind::Rule => RULE.decide(view, draws),
            Kind::Good => GOOD.decide(view, draws),
            Kind::Bad => BAD.decide(view, draws),
            Kind::Noisy => noisy(whole).decide(view, draws),
            Kind::Trapper => TRAPPER.decide(view, draws),
            Kind::NeverClaim => Habits { claim: 0.0, answer: 0.0, ..GOOD }.decide(view, draws),
            Kind::AlwaysLie => Habits { claim: 1.0, lie: 1.0, press_lie: 1.0, answer: 0.0, ..GOOD }.decide(view, draws),
            Kind::ImmediateClose => Some(SellerMove {
                claim: None,
                bid: if view.public.counters.is_empty() {
                    Bid::Offer(Terms::bare(view.public.list))
                } else {
                    Bid::Close
                },
            }),
            Kind::Spam => Some(SellerMove {
                claim: Some(Claim { fact: Fact::Stock, value: 0, pressing: true }),
                bid: Bid::Offer(Terms::bare(view.public.list)),
            }),
            Kind::Random => Some(random(view, draws)),
        }
    }
}

/// The dials of a seller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Chance of a claim in a turn that has no question to answer.
    claim: f64,
    /// Chance that such a claim is false.
    lie: f64,
    /// Chance that a true claim is about any fact, not just one in its favour.
    candid: f64,
    /// Chance that a true claim presses.
    press_true: f64,
    /// Chance that a false claim presses.
    press_lie: f64,
    /// Chance of a truthful answer to a question about a fact.
    answer: f64,
    /// Chance of granting an extra that was asked for.
    grant: f64,
    /// What granting one adds to the price, in dollars.
    extra_price: i64,
    /// Share of the way from floor to list that is asked in round 1, 2, …
    ask: [f64; 6],
    /// Dollars above cost below which nothing is offered or closed.
    floor: i64,
    /// Dollars by which the price jitters, at most, either way.
    jitter: i64,
    /// Dollars below its own ask at which it takes a counter-offer.
    eager: i64,
    /// What a refuted claim makes it concede at once, in dollars.
    caught: i64,
    /// Whether a confirmed claim makes it hold its price for a turn.
    offended: bool,
    /// Chance of a turn that does not count.
    clumsy: f64,
    /// Chance of forgetting its own cost when it closes.
    careless: f64,
    /// Chance a turn, from the second on, of giving up.
    quits: f64,
}

const RULE: Habits = Habits {
    claim: 0.4,
    lie: 0.0,
    candid: 0.0,
    press_true: 0.3,
    press_lie: 0.0,
    answer: 1.0,
    grant: 1.0,
    extra_price: 1,
    ask: [0.9, 0.75, 0.6, 0.45, 0.35, 0.25],
    floor: 1,
    jitter: 0,
    eager: 0,
    caught: 0,
    offended: false,
    clumsy: 0.0,
    careless: 0.0,
    quits: 0.0,
};

const GOOD: Habits = Habits {
    claim: 1.0,
    lie: 0.0,
    press_true: 0.0,
    press_lie: 0.0,
    answer: 1.0,
    grant: 1.0,
    extra_price: 3,
    ask: [1.0, 0.85, 0.7, 0.55, 0.4, 0.2],
    floor: 1,
    ..RULE
};

const BAD: Habits = Habits {
    claim: 0.3,
    lie: 0.6,
    press_lie: 0.5,
    answer: 0.2,
    extra_price: 0,
    ask: [0.5, 0.25, 0.1, 0.0, 0.0, 0.0],
    floor: -1,
    ..RULE
};

const TRAPPER: Habits = Habits {
    claim: 0.85,
    lie: 0.4,
    press_true: 0.75,
    press_lie: 0.9,
    answer: 0.5,
    grant: 0.6,
    extra_price: 2,
    ask: [0.85, 0.65, 0.45, 0.3, 0.15, 0.05],
    floor: 1,
    eager: 2,
    caught: 2,
    offended: true,
    ..RULE
};

/// Three levels of skill, drawn once an episode.
fn noisy(mut whole: Draws) -> Habits {
    let common = Habits { jitter: 1, caught: 2, candid: 0.5, ..RULE };
    match whole.range(0, 99) {
        0..=34 => Habits {
            claim: 0.5,
            lie: 0.4,
            press_true: 0.4,
            press_lie: 0.7,
            answer: 0.5,
            grant: 0.5,
            extra_price: 0,
            ask: [0.75, 0.5, 0.35, 0.2, 0.1, 0.0],
            floor: -1,
            clumsy: 0.04,
            careless: 0.25,
            quits: 0.10,
            ..common
        },
        35..=74 => Habits {
            claim: 0.6,
            lie: 0.25,
            press_true: 0.4,
            press_lie: 0.7,
            answer: 0.7,
            grant: 0.7,
            ask: [0.85, 0.65, 0.5, 0.35, 0.2, 0.1],
            floor: 0,
            clumsy: 0.02,
            careless: 0.1,
            quits: 0.06,
            ..common
        },
        _ => Habits {
            claim: 0.7,
            lie: 0.1,
            press_true: 0.3,
            press_lie: 0.6,
            answer: 0.9,
            grant: 0.9,
            extra_price: 2,
            ask: [0.95, 0.8, 0.65, 0.5, 0.35, 0.2],
            floor: 1,
            clumsy: 0.01,
            careless: 0.02,
            quits: 0.04,
            ..common
        },
    }
}

impl Habits {
    fn decide(&self, view: &SellerView, draws: &mut Draws) -> Option<SellerMove> {
        if draws.chance(self.clumsy) {
            return None;
        }
        if view.public.round > 1 && draws.chance(self.quits) {
            return Some(SellerMove { claim: None, bid: Bid::End });
        }
        let claim = self.claim(view, draws);
        Some(SellerMove { claim, bid: self.bid(view, draws) })
    }

    fn claim(&self, view: &SellerView, draws: &mut Draws) -> Option<Claim> {
        if let Some(Question::Fact(fact)) = view.asked
            && draws.chance(self.answer)
        {
            return Some(Claim { fact, value: view.facts[fact.index()], pressing: false });
        }
        if !draws.chance(self.claim) {
            return None;
        }
        // A fact counts once, so only facts not spoken of yet are worth a word.
        let fresh = |fact: &Fact| view.public.last_said(*fact).is_none();
        let favours = |fact: &Fact| view.facts[fact.index()] == 0;
        let lie = draws.chance(self.lie);
        let candid = !lie && draws.chance(self.candid);
        let facts: Vec<Fact> = Fact::ALL.into_iter().filter(|f| fresh(f) && (candid || favours(f) != lie)).collect();
        if facts.is_empty() {
            return None;
        }
        let fact = *draws.pick(&facts);
        let value = if lie { 0 } else { view.facts[fact.index()] };
        // Nobody presses with what speaks against him.
        let pressing = value == 0 && draws.chance(if lie { self.press_lie } else { self.press_true });
        Some(Claim { fact, value, pressing })
    }

    fn bid(&self, view: &SellerView, draws: &mut Draws) -> Bid {
        let (delivery, warranty) = self.extras(view, draws);
        let terms = Terms { price: self.price(view, delivery, warranty, draws), delivery, warranty };
        let last = view.public.round >= view.public.rounds_max;
        if let Some(counter) = view.public.counter() {
            let least = if draws.chance(self.careless) { i64::MIN } else { self.floor.max(0) };
            let good_enough = net(view, counter) >= net(view, terms) - self.eager;
            let better_than_nothing = last && net(view, counter) >= 1;
            if net(view, counter) >= least && (good_enough || better_than_nothing) {
                return Bid::Close;
            }
        }
        Bid::Offer(terms)
    }

    /// Extras once granted stay granted; asked for, they are granted by chance.
    fn extras(&self, view: &SellerView, draws: &mut Draws) -> (bool, bool) {
        let (mut delivery, mut warranty) = view.public.offer().map_or((false, false), |t| (t.delivery, t.warranty));
        match view.asked {
            Some(Question::Delivery) => delivery |= draws.chance(self.grant),
            Some(Question::Warranty) => warranty |= draws.chance(self.grant),
            Some(Question::Fact(_)) | None => {}
        }
        if let Some(counter) = view.public.counter() {
            delivery |= counter.delivery && draws.chance(self.grant);
            warranty |= counter.warranty && draws.chance(self.grant);
        }
        (delivery, warranty)
    }

    fn price(&self, view: &SellerView, delivery: bool, warranty: bool, draws: &mut Draws) -> i64 {
        let round = (view.public.round.max(1) as usize - 1).min(self.ask.len() - 1);
        let extras =
            i64::from(delivery) * fee_to_seller(view) + if delivery || warranty { self.extra_price } else { 0 };
        let floor = view.cost + self.floor + if self.extra_price > 0 { extras } else { 0 };
        let room = (view.public.list - view.cost - self.floor) as f64;
        let mut price = floor + (room * self.ask[round]).round() as i64;
        price += draws.range(-self.jitter, self.jitter);
        if let Some(before) = view.public.offer() {
            // Nobody bids up what has been offered, but for extras that were not in it.
            let added = u8::from(delivery && !before.delivery) + u8::from(warranty && !before.warranty);
            let dearer = if added > 0 { extras.max(self.extra_price) } else { 0 };
            price = price.min(before.price + dearer);
        }
        if let (Some(held), Some(before)) = (view.challenged, view.public.offer()) {
            if held && self.offended {
                price = before.price;
            }
            if !held {
                price = price.min(before.price) - self.caught;
            }
        }
        price.clamp(floor.clamp(0, PRICE_MAX), PRICE_MAX)
    }
}

fn fee_to_seller(view: &SellerView) -> i64 {
    items::fee_to_seller(view.facts[Fact::Fee.index()])
}

/// What terms are worth to a seller.
#[must_use]
pub fn worth(view: &SellerView, terms: Terms) -> Worth {
    Worth::of(net(view, terms))
}

/// What terms leave the seller, in dollars.
fn net(view: &SellerView, terms: Terms) -> i64 {
    terms.price - view.cost - i64::from(terms.delivery) * fee_to_seller(view) - i64::from(terms.warranty)
}

fn random(view: &SellerView, draws: &mut Draws) -> SellerMove {
    let claim = draws.chance(0.5).then(|| Claim {
        fact: *draws.pick(&Fact::ALL),
        value: draws.range(0, 2) as u8,
        pressing: draws.chance(0.5),
    });
    let terms = Terms { price: draws.range(0, PRICE_MAX), delivery: draws.chance(0.5), warranty: draws.chance(0.5) };
    let bid = match draws.range(0, 9) {
        0 => Bid::End,
        1 | 2 if !view.public.counters.is_empty() => Bid::Close,
        _ => Bid::Offer(terms),
    };
    SellerMove { claim, bid }
}
