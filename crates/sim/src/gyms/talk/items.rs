//! Items: who is called, what is true, and which pressing lines the agent has. Drawn from the lists of the file by address.
//!
//! What belongs together is *who × what is true*: such a pair is in one split, decided by a draw at an address that is the pair itself, so it
//! depends on neither the order nor the number of items. Held-out families are on held-out items alone: every second of these has lines of held-out
//! families, the others of those that training shows, so both can be measured apart.

use serde::Deserialize;
use serde::Serialize;

use super::book::Book;
use super::book::Value;
use super::people::Person;
use super::people::weighted;
use super::sight::Reader;
use super::sight::Sight;
use super::table::Table;
use crate::Address;
use crate::Draws;
use crate::Pair;
use crate::Phase;
use crate::draws::Stream;
use crate::gyms::Splits;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// How often an item is drawn again before the file is said to leave no room for it.
const TRIES: u32 = 2000;
/// How often facts are drawn again for the sake of fair and unfair pressing lines.
const TRIES_FOR_TWINS: u32 = 40;

/// One item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Who is called.
    pub person: Person,
    /// What is true, by thing; `None` for slots.
    pub truth: Vec<Option<Value>>,
    /// The pressing lines that the agent has.
    pub plants: Vec<Plant>,
}

/// A pressing line of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plant {
    /// Which of the file's.
    pub trap: usize,
    /// From which of its turns on the trapper says it, counted from 0.
    pub turn: u32,
}

/// Why no items could be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemsError {
    /// No combination of facts is possible.
    #[error("no combination of the facts' values fulfils `possible`")]
    Impossible,
    /// There are too few different ones to keep the splits apart.
    #[error("the people and facts make too few different items for two splits that share none")]
    TooFew,
}

/// All items of a book.
///
/// # Errors
/// [`ItemsError`] if the lists do not make them.
pub fn items(book: &Book, counts: ItemCounts) -> Result<Splits<Item>, ItemsError> {
    let of = |split: Split| (0..counts.of(split)).map(|index| item(book, counts, split, index)).collect();
    let (train, held_out): (Result<Vec<Item>, ItemsError>, Result<Vec<Item>, ItemsError>) =
        (of(Split::Train), of(Split::HeldOut));
    Splits::new(train?, held_out?).map_err(|_| ItemsError::TooFew)
}

fn item(book: &Book, counts: ItemCounts, split: Split, index: u32) -> Result<Item, ItemsError> {
    let place =
        Address { seed: counts.seed, phase: Phase::Rollout, round: split as u64, group: index, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::Item);
    let mut is_possible = false;
    for _ in 0..TRIES {
        let person = book.people.draw(&book.sampling, &mut draws);
        let traps = traps(book, split, index, &mut draws);
        let Some(truth) = truth(book, &traps, &mut draws) else { continue };
        is_possible = true;
        if split_of(book, counts, person, &truth) == split {
            let plants = (0u32..).zip(traps).map(|(at, trap)| {
                let turn = 1 + 2 * at + draws.range(0, 1) as u32;
                Plant { trap, turn }
            });
            return Ok(Item { person, truth: given(book, truth), plants: plants.collect() });
        }
    }
    Err(if is_possible { ItemsError::TooFew } else { ItemsError::Impossible })
}

/// What was drawn, but for the facts that every item has. They decide neither the split nor what else is drawn, so that files that differ in
/// them alone have the same items otherwise.
fn given(book: &Book, mut truth: Vec<Option<Value>>) -> Vec<Option<Value>> {
    book.sampling.given.iter().for_each(|(thing, value)| truth[*thing] = Some(*value));
    truth
}

/// The split of whoever is called where this is true.
fn split_of(book: &Book, counts: ItemCounts, person: Person, truth: &[Option<Value>]) -> Split {
    let fold = |sum: u64, (thing, value): (&super::book::Thing, &Option<Value>)| match value {
        Some(value) => sum.wrapping_mul(thing.values.len() as u64).wrapping_add(u64::from(*value)),
        None => sum,
    };
    let facts = book.common.things.iter().zip(truth).fold(0, fold);
    let who = (person.objective * book.people.kinds.len() + person.subjective) as u32;
    let place = Address { seed: counts.seed, phase: Phase::Sft, round: facts, group: who, trial: 0, member: 0 };
    let (train, held_out) = (f64::from(counts.train), f64::from(counts.held_out));
    // Neither split may take so much that the other one is a handful of pairs.
    let share = (held_out / (train + held_out)).clamp(0.1, 0.5);
    if place.draws(Stream::Item).chance(share) { Split::HeldOut } else { Split::Train }
}

/// Which pressing lines an item has: different ones, in the order in which they are to be said.
fn traps(book: &Book, split: Split, index: u32, draws: &mut Draws) -> Vec<usize> {
    let is_held_out = |trap: usize| book.sampling.held_out.contains(&book.agent.traps[trap].family);
    let (new, seen): (Vec<usize>, Vec<usize>) = (0..book.agent.traps.len()).partition(|trap| is_held_out(*trap));
    let mut pool = if split == Split::HeldOut && index % 2 == 1 && !new.is_empty() { new } else { seen };
    draws.shuffle(&mut pool);
    pool.truncate(book.sampling.traps as usize);
    pool
}

/// Facts that can be together, and of which as many pressing lines are fair as was drawn; `None` if what was drawn cannot be.
fn truth(book: &Book, traps: &[usize], draws: &mut Draws) -> Option<Vec<Option<Value>>> {
    let decided = traps.iter().filter(|trap| book.agent.traps[**trap].is_of_facts(&book.common));
    let wanted: Vec<(usize, bool)> = decided.map(|trap| (*trap, draws.chance(book.sampling.twins))).collect();
    let mut last = None;
    for _ in 0..TRIES_FOR_TWINS {
        let truth: Vec<Option<Value>> = book.common.things.iter().map(|thing| drawn(thing, draws)).collect();
        let holds = |predicate: &super::Predicate| predicate.holds(&ground(book, &truth, &nothing_said(book)));
        if !holds(&book.sampling.possible) {
            continue;
        }
        if wanted.iter().all(|(trap, fair)| holds(&book.agent.traps[*trap].fair) == *fair) {
            return Some(truth);
        }
        last = Some(truth);
    }
    last
}

fn drawn(thing: &super::book::Thing, draws: &mut Draws) -> Option<Value> {
    thing.fact.as_ref().map(|fact| weighted(&fact.odds, draws) as Value)
}

fn nothing_said(book: &Book) -> Table {
    Table::new(book.common.things.len(), Pair::from_fn(|seat| book.common.acts[seat].len()), 0)
}

/// The same item with one pressing line, said from the first turn on, that is fair or a trap: no fact differs but those that the line states. `None`
/// where it cannot be so, by `possible` or by the line's own condition.
#[must_use]
pub fn pressed(book: &Book, item: &Item, trap: usize, fair: bool) -> Option<Item> {
    let line = &book.agent.traps[trap];
    let holds = |truth: &[Option<Value>]| {
        let table = nothing_said(book);
        let sight = ground(book, truth, &table);
        line.fair.truth(&sight) == Some(fair) && book.sampling.possible.holds(&sight)
    };
    let mut stated = item.truth.clone();
    line.claims.iter().for_each(|(thing, value)| stated[*thing] = Some(*value));
    // As it was drawn, or as the line has it, or with one of what it states otherwise.
    let otherwise = line.claims.iter().flat_map(|(thing, value)| {
        let others = (0..book.common.things[*thing].values.len() as Value).filter(move |other| other != value);
        let stated = &stated;
        others.map(move |other| {
            let mut truth = stated.clone();
            truth[*thing] = Some(other);
            truth
        })
    });
    let truth = [item.truth.clone(), stated.clone()].into_iter().chain(otherwise).find(|truth| holds(truth))?;
    Some(Item { truth, plants: vec![Plant { trap, turn: 0 }], ..item.clone() })
}

/// What is true before anybody has spoken.
fn ground<'a>(book: &'a Book, truth: &'a [Option<Value>], table: &'a Table) -> Sight<'a> {
    Sight { common: &book.common, reader: Reader::World, table, known: truth, inner: None, fair: None, tally: None }
}
