//! Skills asked one by one: can a seat look up a fact, tell a trap from a fair claim, weigh an offer? Part of the cold start, and its gate.

use super::Fact;
use super::PRICE_MAX;
use super::Rules;
use super::Terms;
use super::View;
use super::World;
use super::scripts::buyer;
use super::scripts::seller;
use super::talk;
use super::thought::Know;
use super::thought::Recall;
use crate::Address;
use crate::Draws;
use crate::Message;
use crate::Observation;
use crate::Pair;
use crate::Phase;
use crate::Scenario;
use crate::Seat;
use crate::Source;
use crate::draws::Stream;
use crate::gyms::Drill;
use crate::gyms::GymWorld;
use crate::gyms::Skill;
use crate::record::Casting;
use crate::record::EpisodeId;
use crate::scenario::Split;

/// The drill with this number for a seat. The seller is asked for a fact of its brief; the buyer is shown a claim, recalls what
/// it knows, and says whether the claim is fair or a trap where that can be told. Either is asked what terms would leave it.
#[must_use]
pub fn drill(rules: &Rules, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Drill {
    let id = EpisodeId { phase: Phase::Sft, round: u64::MAX, group: index, trial: 0, member: 0 };
    let item = index % scenario.items.of(split);
    let casting = Casting::new(id, split, item, Pair::default());
    let address = Address { trial: seat as u32, ..id.address(scenario.items.seed) };
    let world_draws = address.draws(Stream::World);
    let mut draws = address.draws(Stream::Judge);
    let item = rules.item(scenario.items, casting.split, casting.item);
    let mut world = World::new(rules.clone(), item, scenario, world_draws);
    let Observation { mut messages, view, .. } = world.observe(seat);
    let crate::View::Haggle(view) = view else { unreachable!("this gym shows its own view") };
    let (skill, (question, answer)) = match seat {
        _ if draws.chance(0.4) => (Skill::Weigh, weigh(&view, &mut draws)),
        Seat::Agent => (Skill::LookUp, look_up(&world, &mut draws)),
        Seat::User => (Skill::Judge, judge(&world, &mut draws)),
    };
    messages.push(Message { from: Source::World, text: question });
    Drill::one(seat, skill, messages, answer)
}

/// The seller looks a fact up.
fn look_up(world: &World, draws: &mut Draws) -> (String, String) {
    let fact = *draws.pick(&Fact::ALL);
    let truth = world.item.facts[fact.index()];
    (format!("Look up the {}.", fact.name()), format!("The {}.", talk::fact_words(fact, truth)))
}

/// The buyer recalls what it knows of a fact and judges a claim by it.
fn judge(world: &World, draws: &mut Draws) -> (String, String) {
    let fact = *draws.pick(&Fact::ALL);
    let known = world.known(fact);
    // As at the table: who lies claims what favours him, and who is candid says what is so.
    let claimed = match known {
        Some(known) if draws.chance(0.25) => known,
        _ => 0,
    };
    let recall = Recall { fact, heard: claimed, know: known.map_or(Know::Unknown, Know::Is) };
    let verdict = match known {
        None => "",
        Some(known) if known == claimed => " intent fair",
        Some(_) => " intent trap",
    };
    let answer = recall.words() + verdict;
    (format!("Judge this, the {}.", talk::fact_words(fact, claimed)), answer)
}

/// Either side says what terms near its own limit would leave it.
fn weigh(view: &View, draws: &mut Draws) -> (String, String) {
    let limit = match view {
        View::Seller(view) => view.cost,
        View::Buyer(view) => view.value,
    };
    let price = (limit + draws.range(-6, 6)).clamp(0, PRICE_MAX);
    let terms = Terms { price, delivery: draws.chance(0.5), warranty: draws.chance(0.5) };
    let worth = match view {
        View::Seller(view) => seller::worth(view, terms),
        View::Buyer(view) => buyer::worth(view, terms),
    };
    (format!("Weigh this,{}.", talk::terms_words(terms)), format!("worth {}", worth.name()))
}
