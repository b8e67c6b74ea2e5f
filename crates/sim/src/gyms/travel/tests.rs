mod degenerate;
mod documented;
mod queries;
mod scripts;
mod talk;

use std::sync::Arc;
use std::sync::LazyLock;

use super::Aspect;
use super::Component;
use super::Composition;
use super::Item;
use super::Library;
use super::Offer;
use super::Rules;
use super::Trip;
use super::Wish;
use crate::Act;
use crate::Choice;
use crate::Decision;
use crate::EpisodeRecord;
use crate::Scenario;
use crate::Seat;
use crate::drive::drive;
use crate::gyms::Script;
use crate::scenario::ItemCounts;
use crate::testing::SEED;
use crate::testing::casting;

/// Made once: its trips take a while without optimisation.
static EXAMPLE: LazyLock<Arc<Scenario>> = LazyLock::new(|| Arc::new(super::example()));

const WISHES: [Wish; 4] = [
    Wish { aspect: Aspect::Flight, topic: 2, value: 0, hint: 2 },
    Wish { aspect: Aspect::Flight, topic: 4, value: 1, hint: 2 },
    Wish { aspect: Aspect::RentalCar, topic: 1, value: 0, hint: 2 },
    Wish { aspect: Aspect::RentalCar, topic: 2, value: 2, hint: 2 },
];

/// One held-out trip: a flight from New York to Oslo on March 3rd with a vegetarian meal and a window seat, and a car there until March
/// 9th, an automatic diesel. The best are F4 and C7, also good are F5 and C8; F6 and C9 miss a wish, and there are no others.
fn scenario_by(change: impl FnOnce(&mut Rules)) -> Arc<Scenario> {
    let offer = |number, cost, values| Offer { number, cost, values, name: 0, rating: 40 };
    let component = |aspect, wishes: &[Wish], offers: Vec<Offer>| {
        let correct = offers[..2].iter().map(|offer| offer.number).collect();
        Component { aspect, wishes: wishes.to_vec(), offers: Arc::new(offers), correct }
    };
    let flights = vec![offer(4, 300, [0, 0, 0, 0, 1]), offer(5, 400, [1, 1, 0, 1, 1]), offer(6, 200, [1, 1, 0, 1, 0])];
    let cars = vec![offer(7, 50, [0, 0, 2, 0, 0]), offer(8, 60, [1, 0, 2, 0, 0]), offer(9, 40, [1, 1, 2, 0, 0])];
    let components =
        vec![component(Aspect::Flight, &WISHES[..2], flights), component(Aspect::RentalCar, &WISHES[2..], cars)];
    let trip = Trip { origin: "New York".to_owned(), city: "Oslo".to_owned(), month: 2, first: 3, last: 9 };
    let item = Item { id: "canary".to_owned(), composition: Composition::C22, trip, components };
    let library = Arc::new(Library::new(vec![item.clone()], vec![item]).unwrap());
    let mut rules = Rules::of(library);
    change(&mut rules);
    let items = ItemCounts { train: 1, held_out: 1, seed: 0 };
    Arc::new(Scenario { rules: super::super::Rules::Travel(rules), items, ..Scenario::clone(&EXAMPLE) })
}

fn scenario() -> Arc<Scenario> {
    scenario_by(|_| ())
}

/// Plays the acts in order against the rule user; after the last one, the agent ends the talk.
fn played_in(scenario: &Arc<Scenario>, acts: Vec<Act>) -> EpisodeRecord {
    let casting = casting("person", "rule", 0);
    let address = casting.id.address(SEED);
    let user = Script::named(&scenario.rules, Seat::User, "rule").unwrap();
    let mut acts = acts.into_iter();
    let decide = |_, _: &_| {
        let act = acts.next().unwrap_or_else(|| say("[finish]"));
        Decision { act: Ok(act), thought: None, generation: None }
    };
    drive(casting, scenario, SEED, decide, |seat, query| user.answer(seat, query, address))
}

fn played(texts: &[&str]) -> EpisodeRecord {
    played_in(&scenario(), texts.iter().map(|text| say(text)).collect())
}

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

fn tool(choice: Choice, content: &str) -> Act {
    Act::Tool { choice, content: content.to_owned() }
}

/// What the agent was told after its turn with this number.
fn told(record: &EpisodeRecord, turn: usize) -> &str {
    &record.turns[turn + 1].observed[0].text
}

/// Whether that turn did not count.
fn malformed(record: &EpisodeRecord, turn: usize) -> bool {
    record.turns[turn].effect.as_ref().unwrap().malformed.is_some()
}

/// What each of the agent's turns earned.
fn earned(record: &EpisodeRecord) -> Vec<f64> {
    let of_turn = |turn: &crate::Turn| turn.effect.as_ref().unwrap().rewards.iter().map(|reward| reward.value).sum();
    record.turns.iter().map(of_turn).collect()
}

const FLIGHT: &str = "[search] flight from New York to Oslo on March 3rd";
const CAR: &str = "[search] rental car in Oslo from March 3rd until March 9th";
