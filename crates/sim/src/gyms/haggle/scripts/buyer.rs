//! Scripted buyers. They write the compact thought too.

use serde::Deserialize;
use serde::Serialize;

use super::super::BuyerMove;
use super::super::Claim;
use super::super::Fact;
use super::super::Family;
use super::super::Mind;
use super::super::PRICE_MAX;
use super::super::Terms;
use super::super::Thought;
use super::super::items;
use super::super::moves::Question;
use super::super::person::MIND_MAX;
use super::super::thought::Concern;
use super::super::thought::Intent;
use super::super::thought::Know;
use super::super::thought::Plan;
use super::super::thought::Recall;
use super::super::thought::Worth;
use super::super::view::BuyerView;
use crate::Draws;

/// Which buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Bargains by rule and believes what it can not refute; the agent's fixed opponent.
    Rule,
    /// Legal moves at random.
    Random,
    /// The best script on a buyer's information.
    Good,
    /// Pays nearly any price.
    Bad,
    /// Asks the same question for ever.
    Spam,
    /// The cold-start mixture of three skill levels.
    Noisy,
    /// Takes the first offer.
    AlwaysAccept,
    /// Leaves at once.
    AlwaysWalk,
    /// Has every claim checked, and bargains like `Good` otherwise.
    AlwaysChallenge,
}

impl Kind {
    /// All buyers by policy name.
    pub const ALL: [(&'static str, Kind); 9] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Good),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Noisy),
        ("scripted:always-accept", Kind::AlwaysAccept),
        ("scripted:always-walk", Kind::AlwaysWalk),
        ("scripted:always-challenge", Kind::AlwaysChallenge),
    ];

    /// The buyer's move, `None` where a clumsy buyer says nothing that counts, and its thought.
    pub(super) fn decide(self, view: &BuyerView, whole: Draws, draws: &mut Draws) -> (Option<BuyerMove>, String) {
        let (act, habits) = match self {
            Kind::Rule => RULE.decide(view, whole, draws),
            Kind::Good => GOOD.decide(view, whole, draws),
            Kind::Bad => BAD.decide(view, whole, draws),
            Kind::Noisy => {
                let mut whole = whole;
                noisy(&mut whole).decide(view, whole, draws)
            }
            Kind::AlwaysChallenge => ALWAYS_CHALLENGE.decide(view, whole, draws),
            Kind::AlwaysAccept if view.public.offers.is_empty() => (BuyerMove::Ask(Question::Fact(Fact::Stock)), RULE),
            Kind::AlwaysAccept => (BuyerMove::Accept, RULE),
            Kind::AlwaysWalk => (BuyerMove::Walk, RULE),
            Kind::Spam => (BuyerMove::Ask(Question::Fact(Fact::Stock)), RULE),
            Kind::Random => (random(view, draws), RULE),
        };
        let thought = habits.thought(view, &act, draws).words();
        ((!draws.chance(habits.clumsy)).then_some(act), thought)
    }
}

/// The dials of a buyer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Surplus in dollars that is hoped for in round 1: drawn once an episode from this range.
    hope: (i64, i64),
    /// How many dollars the hope falls a round.
    relent: i64,
    /// Dollars by which one believed claim in the seller's favour lowers the hope.
    charmed: i64,
    /// Least surplus at which anything is accepted, in dollars.
    least: i64,
    /// Chance of challenging a claim that contradicts what is known.
    doubt_known: f64,
    /// Chance of challenging a pressing claim about something unknown.
    doubt_pressing: f64,
    /// Chance of challenging any other claim about something unknown.
    doubt_plain: f64,
    /// Chance of challenging a claim that agrees with what is known.
    doubt_fair: f64,
    /// Whether unknown facts are taken to be as claimed; otherwise as on average.
    believes: bool,
    /// Chance of asking in the first two rounds.
    asks: f64,
    /// Chance that a wanted extra is asked for when a question is asked.
    asks_extra: f64,
    /// Chance of taking an offer without counting.
    careless: f64,
    /// Chance that a challenged claim is named as a trap in the thought.
    names: f64,
    /// Chance of a wrong number in the declared state.
    misfeels: f64,
    /// Chance of a turn that does not count.
    clumsy: f64,
    /// Chance a turn, from the second on, of giving up.
    quits: f64,
}

const RULE: Habits = Habits {
    hope: (4, 6),
    relent: 1,
    charmed: 1,
    least: 1,
    doubt_known: 1.0,
    doubt_pressing: 0.3,
    doubt_plain: 0.05,
    doubt_fair: 0.0,
    believes: true,
    asks: 0.3,
    asks_extra: 0.7,
    careless: 0.0,
    names: 1.0,
    misfeels: 0.0,
    clumsy: 0.0,
    quits: 0.0,
};

const GOOD: Habits = Habits {
    hope: (6, 6),
    relent: 1,
    charmed: 0,
    least: 1,
    doubt_pressing: 0.0,
    doubt_plain: 0.0,
    believes: false,
    asks: 0.0,
    ..RULE
};

const BAD: Habits = Habits { hope: (0, 1), least: -3, doubt_known: 0.2, doubt_pressing: 0.0, careless: 0.5, ..RULE };

const ALWAYS_CHALLENGE: Habits =
    Habits { doubt_known: 1.0, doubt_pressing: 1.0, doubt_plain: 1.0, doubt_fair: 1.0, ..GOOD };

/// What terms are worth to a careful buyer, who takes what it does not know to be as on average.
#[must_use]
pub fn worth(view: &BuyerView, terms: Terms) -> Worth {
    Worth::of(GOOD.surplus(view, terms))
}

/// Three levels of skill, drawn once an episode.
fn noisy(whole: &mut Draws) -> Habits {
    match whole.range(0, 99) {
        0..=34 => Habits {
            hope: (1, 4),
            least: -1,
            doubt_known: 0.4,
            doubt_pressing: 0.3,
            doubt_plain: 0.2,
            doubt_fair: 0.2,
            careless: 0.08,
            names: 0.6,
            misfeels: 0.2,
            clumsy: 0.04,
            quits: 0.10,
            ..RULE
        },
        35..=74 => Habits {
            hope: (3, 6),
            least: 0,
            doubt_known: 0.6,
            doubt_pressing: 0.35,
            doubt_plain: 0.15,
            doubt_fair: 0.15,
            careless: 0.03,
            names: 0.8,
            misfeels: 0.1,
            clumsy: 0.02,
            quits: 0.08,
            ..RULE
        },
        _ => Habits {
            hope: (3, 7),
            relent: 0,
            believes: false,
            doubt_known: 0.85,
            doubt_pressing: 0.4,
            doubt_fair: 0.1,
            careless: 0.01,
            names: 0.95,
            misfeels: 0.05,
            clumsy: 0.01,
            quits: 0.03,
            ..RULE
        },
    }
}

impl Habits {
    fn decide(self, view: &BuyerView, mut whole: Draws, draws: &mut Draws) -> (BuyerMove, Habits) {
        let hope = whole.range(self.hope.0, self.hope.1);
        (self.act(view, hope, draws), self)
    }

    fn act(&self, view: &BuyerView, hope: i64, draws: &mut Draws) -> BuyerMove {
        let last = view.public.round >= view.public.rounds_max;
        let Some(offer) = view.public.offer() else {
            return BuyerMove::Ask(Question::Fact(Fact::Condition));
        };
        if view.public.round > 1 && draws.chance(self.quits) {
            return BuyerMove::Walk;
        }
        if let Some(claim) = view.heard
            && !last
            && draws.chance(self.doubt(view, claim))
        {
            return BuyerMove::Challenge(claim.fact);
        }
        let hope = self.hope_now(view, hope);
        let surplus = self.surplus(view, offer);
        if surplus >= hope || (last && surplus >= self.least) || draws.chance(self.careless) {
            return BuyerMove::Accept;
        }
        if last {
            return BuyerMove::Walk;
        }
        if view.public.round <= 2 && draws.chance(self.asks) {
            return self.ask(view, draws);
        }
        self.counter(view, offer, hope)
    }

    /// Chance of challenging a claim just heard.
    fn doubt(&self, view: &BuyerView, claim: Claim) -> f64 {
        if view.public.last_said(claim.fact).is_none_or(|said| said.checked.is_some()) {
            return 0.0;
        }
        match view.known[claim.fact.index()] {
            Some(known) if known == claim.value => self.doubt_fair,
            Some(_) => self.doubt_known,
            None if claim.pressing => self.doubt_pressing,
            None => self.doubt_plain,
        }
    }

    /// The surplus hoped for in this round: it falls with time and with every believed claim in the seller's favour, each fact once.
    fn hope_now(&self, view: &BuyerView, hope: i64) -> i64 {
        let believed = Fact::ALL
            .iter()
            .filter(|fact| {
                let said = view.public.claims.iter().any(|said| said.claim.fact == **fact && said.claim.value == 0);
                said && view.known[fact.index()].is_none_or(|known| known == 0)
            })
            .count() as i64;
        let rounds = i64::from(view.public.round) - 1;
        (hope - self.relent * rounds - self.charmed * believed).max(self.least)
    }

    /// What terms seem to be worth, in dollars, as far as one knows or believes.
    fn surplus(&self, view: &BuyerView, terms: Terms) -> i64 {
        let fee = if terms.delivery { 0 } else { self.guess(view, Fact::Fee).map_or(2, items::fee_to_buyer) };
        let wear = self.guess(view, Fact::Condition).map_or(1, items::wear);
        let warranty = if terms.warranty && view.wants_warranty { 3 } else { 0 };
        view.value - wear - fee + warranty - terms.price
    }

    fn guess(&self, view: &BuyerView, fact: Fact) -> Option<u8> {
        let claimed = view.public.last_said(fact).map(|said| said.claim.value).filter(|_| self.believes);
        view.known[fact.index()].or(claimed)
    }

    fn ask(&self, view: &BuyerView, draws: &mut Draws) -> BuyerMove {
        let offered = view.public.offer().unwrap_or(Terms::bare(0));
        if view.wants_warranty && !offered.warranty && draws.chance(self.asks_extra) {
            return BuyerMove::Ask(Question::Warranty);
        }
        let fee = view.known[Fact::Fee.index()].is_some_and(|fee| fee > 0);
        if fee && !offered.delivery && draws.chance(self.asks_extra) {
            return BuyerMove::Ask(Question::Delivery);
        }
        let unknown: Vec<Fact> = Fact::ALL.into_iter().filter(|f| view.known[f.index()].is_none()).collect();
        if unknown.is_empty() {
            BuyerMove::Ask(Question::Fact(Fact::Stock))
        } else {
            BuyerMove::Ask(Question::Fact(*draws.pick(&unknown)))
        }
    }

    /// Own terms that would leave a little more than is hoped for; never worse than the own last ones by more than needed, and the
    /// standing offer itself where that is no dearer.
    fn counter(&self, view: &BuyerView, offer: Terms, hope: i64) -> BuyerMove {
        let fee = self.guess(view, Fact::Fee).is_some_and(|fee| fee > 0);
        let extras =
            Terms { price: 0, delivery: offer.delivery || fee, warranty: offer.warranty || view.wants_warranty };
        let price = self.surplus(view, extras) - hope - 1;
        if price >= offer.price && extras.delivery == offer.delivery && extras.warranty == offer.warranty {
            return BuyerMove::Accept;
        }
        BuyerMove::Counter(Terms { price: price.clamp(0, PRICE_MAX), ..extras })
    }

    fn thought(&self, view: &BuyerView, act: &BuyerMove, draws: &mut Draws) -> Thought {
        let concern = match act {
            BuyerMove::Challenge(_) | BuyerMove::Ask(Question::Fact(_)) => Concern::Truth,
            BuyerMove::Ask(Question::Delivery | Question::Warranty) => Concern::Extras,
            BuyerMove::Counter(_) | BuyerMove::Accept | BuyerMove::Walk => {
                if view.public.round >= view.public.rounds_max { Concern::Time } else { Concern::Price }
            }
        };
        let recall = view.heard.map(|claim| {
            let know = view.known[claim.fact.index()].map_or(Know::Unknown, Know::Is);
            Recall { fact: claim.fact, heard: claim.value, know }
        });
        let mind = self.felt(view.mind, draws);
        let intent = self.intent(view, act, draws);
        let worth = view.public.offer().map(|offer| Worth::of(self.surplus(view, offer)));
        Thought { recall, intent, concern, worth, plan: Plan::of(act), mind, tone: mind.tone() }
    }

    fn intent(&self, view: &BuyerView, act: &BuyerMove, draws: &mut Draws) -> Intent {
        let Some(claim) = view.heard else {
            return Intent::Offer;
        };
        let family: Family = claim.fact.family();
        let doubted = matches!(act, BuyerMove::Challenge(fact) if *fact == claim.fact);
        let contradicted = view.known[claim.fact.index()].is_some_and(|known| known != claim.value);
        if (doubted || contradicted) && draws.chance(self.names) {
            Intent::Trap(family)
        } else if claim.pressing {
            Intent::Fair(family)
        } else {
            Intent::Inform
        }
    }

    fn felt(&self, mind: Mind, draws: &mut Draws) -> Mind {
        if !draws.chance(self.misfeels) {
            return mind;
        }
        let mut values = mind.values();
        let wrong = draws.range(0, 3) as usize;
        values[wrong] = (values[wrong] + if draws.chance(0.5) { 1 } else { -1 }).clamp(0, MIND_MAX);
        Mind::from_values(values).expect("clamped values are in range")
    }
}

fn random(view: &BuyerView, draws: &mut Draws) -> BuyerMove {
    let open: Vec<Fact> = Fact::ALL
        .into_iter()
        .filter(|f| view.public.last_said(*f).is_some_and(|said| said.checked.is_none()))
        .collect();
    let terms = Terms { price: draws.range(0, PRICE_MAX), delivery: draws.chance(0.5), warranty: draws.chance(0.5) };
    match draws.range(0, 9) {
        0 => BuyerMove::Walk,
        1 if !view.public.offers.is_empty() => BuyerMove::Accept,
        2 | 3 if !open.is_empty() => BuyerMove::Challenge(*draws.pick(&open)),
        4 => BuyerMove::Ask(*draws.pick(&[Question::Delivery, Question::Warranty])),
        5 => BuyerMove::Ask(Question::Fact(*draws.pick(&Fact::ALL))),
        _ => BuyerMove::Counter(terms),
    }
}
