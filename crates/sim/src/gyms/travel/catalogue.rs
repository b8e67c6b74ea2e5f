//! Trips of our own making. UserRL's release names its trips but lacks their wishes and options, so these follow its schema and statistics:
//! eight compositions in its shares, and for each aspect 3 options that meet all wishes, 10 that miss some and 5 that meet none.
//!
//! Splits are clean by component: for each aspect, every set of wishes is for one split alone. Cities and roundabout sentences are, too.
//!
//! Each wish is one that somebody would regret not to know: options that miss just that one are cheaper than the best. And a topic of
//! which nothing is wished looks like one that matters: one of its values is as frequent as a wished one is.

use std::sync::Arc;

use super::Aspect;
use super::Component;
use super::Composition;
use super::Item;
use super::Library;
use super::Offer;
use super::Trip;
use super::Wish;
use super::items::CORRECT;
use super::items::NAMES;
use super::items::NOISE;
use super::items::NUMBER_MAX;
use super::items::OFFERS;
use super::items::WRONG;
use super::topic::TOPICS;
use super::topic::VALUES;
use crate::Address;
use crate::Draws;
use crate::Phase;
use crate::draws::Stream;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// The share of the sets of wishes that are held out.
const HELD_OUT_SHARE: f64 = 0.25;

/// The address round of the draws that decide of which split a set of wishes is.
const SPLIT_ROUND: u64 = 2;

const ORIGINS: [&str; 4] = ["New York", "Chicago", "Boston", "Denver"];
const CITIES: [&str; 12] = [
    "San Francisco",
    "Los Angeles",
    "Seattle",
    "Miami",
    "Austin",
    "Lisbon",
    "Rome",
    "Tokyo",
    "Oslo",
    "Dublin",
    "Lima",
    "Cairo",
];
const HELD_OUT_CITIES: [&str; 6] = ["New Orleans", "Barcelona", "Sydney", "Vienna", "Hanoi", "Quito"];

/// A library of so many trips, always the same for the same item seed.
#[must_use]
pub fn library(items: ItemCounts) -> Library {
    let of = |split| (0..items.of(split)).map(|index| item(items.seed, split, index)).collect();
    Library::new(of(Split::Train), of(Split::HeldOut)).expect("the generator's trips can be played")
}

fn item(seed: u64, split: Split, index: u32) -> Item {
    let round = match split {
        Split::Train => 0,
        Split::HeldOut => 1,
    };
    let place = Address { seed, phase: Phase::Rollout, round, group: index, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::World);
    let composition = composition(&mut draws);
    let mut wishes = composition.wishes();
    draws.shuffle(&mut wishes);
    let aspects = aspects(wishes.len(), &mut draws);
    let trip = trip(split, &mut draws);
    let component = |(aspect, count): (Aspect, usize)| {
        let wishes = wishes_of(seed, split, aspect, count, &mut draws);
        offers(aspect, wishes, &mut draws)
    };
    let components = aspects.into_iter().zip(wishes).map(component).collect();
    Item { id: format!("{}-{index:06}", split.name()), composition, trip, components }
}

fn composition(draws: &mut Draws) -> Composition {
    let total: u32 = Composition::ALL.iter().map(|(_, count)| count).sum();
    let mut left = draws.range(0, i64::from(total) - 1);
    for (composition, count) in Composition::ALL {
        left -= i64::from(count);
        if left < 0 {
            return composition;
        }
    }
    unreachable!("what was drawn is below the sum of the counts")
}

/// So many aspects in their order; nobody stays in a hotel and an apartment.
fn aspects(count: usize, draws: &mut Draws) -> Vec<Aspect> {
    let stay = *draws.pick(&[Aspect::Hotel, Aspect::Apartment]);
    let mut aspects = vec![Aspect::Flight, stay, Aspect::RentalCar, Aspect::Restaurant];
    draws.shuffle(&mut aspects);
    aspects.truncate(count);
    aspects.sort_unstable();
    aspects
}

fn trip(split: Split, draws: &mut Draws) -> Trip {
    let cities: &[&str] = match split {
        Split::Train => &CITIES,
        Split::HeldOut => &HELD_OUT_CITIES,
    };
    let first = draws.range(1, 18) as u8;
    Trip {
        origin: (*draws.pick(&ORIGINS)).to_owned(),
        city: (*draws.pick(cities)).to_owned(),
        month: draws.range(0, 11) as u8,
        first,
        last: first + draws.range(3, 10) as u8,
    }
}

/// So many wishes about different topics, as a set that is of this split.
fn wishes_of(seed: u64, split: Split, aspect: Aspect, count: usize, draws: &mut Draws) -> Vec<Wish> {
    loop {
        let mut order: Vec<u8> = (0..TOPICS as u8).collect();
        draws.shuffle(&mut order);
        order.truncate(count);
        order.sort_unstable();
        let wish = |topic| {
            let hint = match split {
                Split::Train => draws.range(0, 1) as u8,
                Split::HeldOut => 2,
            };
            Wish { aspect, topic, value: draws.range(0, VALUES as i64 - 1) as u8, hint }
        };
        let wishes: Vec<Wish> = order.into_iter().map(wish).collect();
        if split_of(seed, aspect, &wishes) == split {
            return wishes;
        }
    }
}

/// Of which split a set of wishes of an aspect is, however they are told.
#[must_use]
pub fn split_of(seed: u64, aspect: Aspect, wishes: &[Wish]) -> Split {
    // A digit a topic: 0 for no wish, else the value from 1. Different sets are different numbers.
    let digit =
        |topic: usize| wishes.iter().find(|wish| usize::from(wish.topic) == topic).map_or(0, |wish| wish.value + 1);
    let set = (0..TOPICS).fold(aspect as u32, |number, topic| number * (VALUES as u32 + 1) + u32::from(digit(topic)));
    let place = Address { seed, phase: Phase::Rollout, round: SPLIT_ROUND, group: set, trial: 0, member: 0 };
    if place.draws(Stream::World).chance(HELD_OUT_SHARE) { Split::HeldOut } else { Split::Train }
}

/// What an option does about the wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meets {
    All,
    /// All but the wish with this number, and maybe another.
    AllBut(usize),
    None,
}

/// What there is to choose from, given what is wished.
fn offers(aspect: Aspect, wishes: Vec<Wish>, draws: &mut Draws) -> Component {
    let mut kinds = vec![Meets::All; CORRECT];
    kinds.extend((0..WRONG).map(|number| Meets::AllBut(number % wishes.len())));
    kinds.extend([Meets::None; NOISE]);
    let mut numbers: Vec<u8> = (1..=NUMBER_MAX).collect();
    draws.shuffle(&mut numbers);
    let decoys: [u8; TOPICS] = std::array::from_fn(|_| draws.range(0, VALUES as i64 - 1) as u8);
    let costs = costs(aspect, wishes.len(), draws);
    let mut offers = Vec::with_capacity(OFFERS);
    for (at, kind) in kinds.into_iter().enumerate() {
        let values = values(kind, &wishes, &decoys, draws);
        let (name, rating) = (draws.range(0, NAMES as i64 - 1) as u8, draws.range(31, 49) as u8);
        offers.push(Offer { number: numbers[at], cost: costs[at], values, name, rating });
    }
    let correct = offers[..CORRECT].iter().map(|offer| offer.number).collect();
    offers.sort_by_key(|offer| offer.number);
    Component { aspect, wishes, offers: Arc::new(offers), correct }
}

fn values(kind: Meets, wishes: &[Wish], decoys: &[u8; TOPICS], draws: &mut Draws) -> [u8; TOPICS] {
    let count = wishes.len();
    // How often a wished value is among the options: so often is a decoy of a topic that nobody wished anything about.
    let share = (CORRECT as f64 + WRONG as f64 * (1.0 - 1.0 / count as f64)) / OFFERS as f64;
    let also = draws.range(0, count as i64 - 1) as usize;
    let misses_two = draws.chance(0.15);
    let mut values = [0; TOPICS];
    for (topic, value) in values.iter_mut().enumerate() {
        let wish = wishes.iter().position(|wish| usize::from(wish.topic) == topic);
        let (wanted, is_met) = match wish {
            None => (decoys[topic], draws.chance(share)),
            Some(number) => {
                let is_met = match kind {
                    Meets::All => true,
                    Meets::AllBut(missed) => number != missed && !(misses_two && number == also),
                    Meets::None => false,
                };
                (wishes[number].value, is_met)
            }
        };
        let other = (wanted + draws.range(1, VALUES as i64 - 1) as u8) % VALUES as u8;
        *value = if is_met { wanted } else { other };
    }
    values
}

/// What the options cost, the best first: the other good ones more, and for each wish an option that misses it less.
fn costs(aspect: Aspect, wishes: usize, draws: &mut Draws) -> Vec<u32> {
    let (low, high) = match aspect {
        Aspect::Flight => (240, 900),
        Aspect::Hotel => (90, 400),
        Aspect::Apartment => (80, 350),
        Aspect::RentalCar => (40, 160),
        Aspect::Restaurant => (20, 90),
    };
    let best = draws.range(low, high);
    let mut part = |low: f64, high: f64| {
        let share = low + draws.uniform() * (high - low);
        ((best as f64 * share).round() as u32).max(1)
    };
    let mut costs = vec![best as u32];
    costs.extend((1..CORRECT).map(|_| part(1.06, 1.5)));
    costs.extend((0..WRONG).map(|number| if number < wishes { part(0.6, 0.95) } else { part(0.7, 1.5) }));
    costs.extend((0..NOISE).map(|_| part(0.5, 1.2)));
    costs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::topic::topics;
    use super::*;

    const ITEMS: ItemCounts = ItemCounts { train: 1500, held_out: 500, seed: 7 };

    fn all(library: &Library) -> impl Iterator<Item = &Arc<Item>> {
        library.of(Split::Train).iter().chain(library.of(Split::HeldOut))
    }

    fn components(library: &Library) -> impl Iterator<Item = &Component> {
        all(library).flat_map(|item| &item.components)
    }

    /// Spec userrl §2.7: 3 correct, 10 wrong, 5 noise, ids from 1 to 22; the best is the cheapest of the correct.
    #[test]
    fn options_are_as_many_and_as_good_as_in_the_release() {
        let mut missed_two = 0;
        for component in components(&library(ITEMS)) {
            let met = |offer: &Offer| component.wishes.iter().filter(|wish| wish.is_met(offer)).count();
            let all = component.wishes.len();
            let of = |such: &dyn Fn(&&Offer) -> bool| component.offers.iter().filter(such).collect::<Vec<&Offer>>();
            let correct = of(&|offer| met(offer) == all);
            let noise = of(&|offer| met(offer) == 0);
            assert_eq!((component.offers.len(), correct.len()), (OFFERS, CORRECT));
            assert!(noise.len() >= NOISE);
            missed_two += of(&|offer| met(offer) + 1 < all && met(offer) > 0).len();
            let best = component.offers.iter().find(|offer| offer.number == component.correct[0]).unwrap();
            assert!(correct.iter().all(|offer| component.correct.contains(&offer.number)));
            assert!(correct.iter().all(|offer| offer.cost > best.cost || offer.number == best.number));
            let numbers: BTreeSet<u8> = component.offers.iter().map(|offer| offer.number).collect();
            assert!(numbers.len() == OFFERS && numbers.iter().all(|number| (1..=NUMBER_MAX).contains(number)));
        }
        assert!(missed_two > 100, "{missed_two}");
    }

    #[test]
    fn who_does_not_know_a_wish_is_led_to_a_cheaper_option_that_misses_it() {
        let library = library(ITEMS);
        let (mut led, mut wishes) = (0, 0);
        for component in components(&library) {
            for unknown in 0..component.wishes.len() {
                let knows = |offer: &&Offer| {
                    (0..component.wishes.len()).all(|n| n == unknown || component.wishes[n].is_met(offer))
                };
                let cheapest = component.offers.iter().filter(knows).min_by_key(|offer| offer.cost).unwrap();
                led += u32::from(!component.correct.contains(&cheapest.number));
                wishes += 1;
            }
        }
        assert!(f64::from(led) > 0.85 * f64::from(wishes), "{led} of {wishes}");
    }

    #[test]
    fn a_topic_that_matters_looks_like_one_that_does_not() {
        let library = library(ITEMS);
        // The share of the most frequent value, over topics with a wish and without.
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for component in components(&library) {
            for topic in 0..TOPICS {
                let count =
                    |value| component.offers.iter().filter(|offer| usize::from(offer.values[topic]) == value).count();
                let most = (0..VALUES).map(count).max().unwrap() as f64 / OFFERS as f64;
                let wished = component.wishes.iter().any(|wish| usize::from(wish.topic) == topic);
                if wished { with.push(most) } else { without.push(most) }
            }
        }
        let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
        assert!((mean(&with) - mean(&without)).abs() < 0.06, "{} and {}", mean(&with), mean(&without));
    }

    #[test]
    fn compositions_come_in_the_shares_of_the_release() {
        let library = library(ITEMS);
        for (composition, count) in Composition::ALL {
            let share = f64::from(count) / 3122.0;
            let found = all(&library).filter(|item| item.composition == composition).count() as f64 / 2000.0;
            // 4 standard errors of a share in 2000 items.
            assert!((found - share).abs() < 4.0 * (share * (1.0 - share) / 2000.0).sqrt(), "{composition:?}: {found}");
        }
        for item in all(&library) {
            let mut wishes: Vec<usize> = item.components.iter().map(|component| component.wishes.len()).collect();
            wishes.sort_unstable();
            assert_eq!(wishes, item.composition.wishes());
            assert!(item.components.windows(2).all(|pair| pair[0].aspect < pair[1].aspect));
        }
    }

    /// Spec userrl §6.1, fault 17: 346 of 471 test trips are put together of components that are all to be learned from.
    #[test]
    fn no_component_city_or_sentence_of_one_split_is_in_the_other() {
        let library = library(ITEMS);
        let of = |split: Split| {
            let (mut sets, mut cities, mut hints) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            for item in library.of(split) {
                cities.insert(item.trip.city.clone());
                for component in &item.components {
                    sets.insert(
                        component.wishes.iter().map(|wish| (wish.aspect, wish.topic, wish.value)).collect::<Vec<_>>(),
                    );
                    hints.extend(component.wishes.iter().map(|wish| wish.hint()));
                }
            }
            (sets, cities, hints)
        };
        let (train, held_out) = (of(Split::Train), of(Split::HeldOut));
        assert!(
            train.0.is_disjoint(&held_out.0) && train.1.is_disjoint(&held_out.1) && train.2.is_disjoint(&held_out.2)
        );
        assert!(train.0.len() > 1000 && held_out.0.len() > 300, "{} and {}", train.0.len(), held_out.0.len());
    }

    #[test]
    fn more_items_do_not_change_those_there_were() {
        let small = library(ItemCounts { train: 5, held_out: 5, seed: 7 });
        let large = library(ItemCounts { train: 9, held_out: 9, seed: 7 });
        assert_eq!(small.of(Split::HeldOut), &large.of(Split::HeldOut)[..5]);
        assert_ne!(small, library(ItemCounts { train: 5, held_out: 5, seed: 8 }));
    }

    #[test]
    fn every_topic_is_wished_about_and_every_value_wished() {
        let library = library(ITEMS);
        let mut wished = BTreeSet::new();
        wished.extend(components(&library).flat_map(|component| &component.wishes).map(|wish| wish.value().wish));
        let all: BTreeSet<&str> =
            Aspect::ALL.into_iter().flat_map(topics).flat_map(|topic| &topic.values).map(|value| value.wish).collect();
        assert_eq!(wished, all);
    }
}
