//! Functions of our own making: each of the four variables once, up to two squares, now and then a power with a variable exponent.
//!
//! The held-out functions are drawn first, then those to learn from, and each class is taken once: no function of one split is, up to
//! algebra, one of the other. There are 58 987 such functions; whoever asks for more to learn from than turn up within a few hundred draws
//! meets some of them again, at another point.

use std::collections::BTreeSet;

use super::Class;
use super::Expression;
use super::Item;
use super::Library;
use super::expression::Operator;
use crate::Address;
use crate::Draws;
use crate::Phase;
use crate::draws::Stream;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// Most functions that can be held out, so that most of all there are remain to learn from.
pub const HELD_OUT_MAX: u32 = 10_000;

/// How many rules are drawn for an item before one that has been taken is taken again.
const TRIES: u32 = 300;
/// How many points are drawn for a rule before another rule is.
const POINTS: u32 = 40;
/// Small results, which one would guess soon, lie within this of 0.
const GUESSED_SOON: f64 = 15.0;
/// Results lie within this of 0, as in the release.
const RESULT_MAX: f64 = 5000.0;

/// A library of so many functions, always the same for the same item seed.
///
/// # Panics
/// If more than [`HELD_OUT_MAX`] are to be held out.
#[must_use]
pub fn library(items: ItemCounts) -> Library {
    assert!(items.held_out <= HELD_OUT_MAX, "functions to learn from must remain");
    let (none, mut held_out, mut known) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let to_measure = (0..items.held_out).map(|index| item(items.seed, Split::HeldOut, index, &none, &mut held_out));
    let to_measure = to_measure.collect();
    let to_learn = (0..items.train).map(|index| item(items.seed, Split::Train, index, &held_out, &mut known));
    Library::new(to_learn.collect(), to_measure).expect("the generator's functions can be played")
}

/// The function with this number, of a class that is not `barred`, and not `taken` as long as others turn up.
fn item(seed: u64, split: Split, index: u32, barred: &BTreeSet<Class>, taken: &mut BTreeSet<Class>) -> Item {
    let round = match split {
        Split::Train => 0,
        Split::HeldOut => 1,
    };
    let place = Address { seed, phase: Phase::Rollout, round, group: index, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::World);
    let mut tries = 0;
    loop {
        let rule = rule(&mut draws);
        let class = Class::of(&rule).expect("each variable stands in it once, and no number but a square's");
        tries += 1;
        if barred.contains(&class) || (tries <= TRIES && taken.contains(&class)) {
            continue;
        }
        if let Some((test_case, expected_result)) = point(&rule, &mut draws) {
            taken.insert(class);
            return Item {
                id: format!("{}-{index:06}", split.name()),
                rule: rule.to_string(),
                test_case,
                expected_result,
            };
        }
    }
}

/// Of ten rules about six have no square, three one, one two; one in ten has a power with a variable exponent, as in the release.
fn rule(draws: &mut Draws) -> Expression {
    let mut variables = [0, 1, 2, 3];
    draws.shuffle(&mut variables);
    let mut parts: Vec<Expression> = variables.into_iter().map(Expression::Variable).collect();
    let mut squares = match draws.uniform() {
        share if share < 0.6 => 0,
        share if share < 0.9 => 1,
        _ => 2,
    };
    if draws.chance(0.1) {
        let height = if draws.chance(0.8) { 2 } else { draws.range(3, 4) as usize };
        let rest = parts.split_off(height);
        let tower = parts.into_iter().rev().reduce(|above, base| Expression::joined(Operator::Power, base, above));
        parts = tower.into_iter().chain(rest).collect();
        draws.shuffle(&mut parts);
    }
    tree(parts, &mut squares, draws)
}

/// The parts in their order, joined by random operators in random groups.
fn tree(mut parts: Vec<Expression>, squares: &mut u32, draws: &mut Draws) -> Expression {
    let joined = if parts.len() == 1 {
        parts.remove(0)
    } else {
        let right = parts.split_off(draws.range(1, parts.len() as i64 - 1) as usize);
        let operator = match draws.uniform() {
            share if share < 0.3 => Operator::Add,
            share if share < 0.55 => Operator::Subtract,
            share if share < 0.85 => Operator::Multiply,
            _ => Operator::Divide,
        };
        let left = tree(parts, squares, draws);
        Expression::joined(operator, left, tree(right, squares, draws))
    };
    if *squares > 0 && draws.chance(0.35) {
        *squares -= 1;
        return joined.squared();
    }
    joined
}

/// A point from 1 to 10 where the rule has a whole value of a size that the release has, too, and that value. Of points with a value that
/// one would guess soon, nine in ten are passed over.
fn point(rule: &Expression, draws: &mut Draws) -> Option<([f64; 4], f64)> {
    (0..POINTS).find_map(|_| {
        let at = std::array::from_fn(|_| draws.range(1, 10) as f64);
        let value = rule.value(&at).ok()?;
        let whole = value.round();
        let is_likely = whole.abs() <= GUESSED_SOON && draws.chance(0.9);
        ((value - whole).abs() < 1e-9 && whole.abs() <= RESULT_MAX && !is_likely).then_some((at, whole))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::*;

    const ITEMS: ItemCounts = ItemCounts { train: 3000, held_out: 600, seed: 7 };

    #[test]
    fn every_function_is_another_one_and_no_split_has_one_of_the_other() {
        let library = library(ITEMS);
        let classes = |split| library.of(split).iter().map(|entry| &entry.class).collect::<BTreeSet<_>>();
        let (train, held_out) = (classes(Split::Train), classes(Split::HeldOut));
        assert_eq!((train.len(), held_out.len()), (3000, 600));
        assert!(train.is_disjoint(&held_out));
    }

    #[test]
    fn more_to_learn_from_does_not_change_what_is_held_out() {
        let small = library(ItemCounts { train: 10, ..ITEMS });
        let large = library(ItemCounts { train: 40, ..ITEMS });
        assert_eq!(small.of(Split::HeldOut), large.of(Split::HeldOut));
        assert_eq!(small.of(Split::Train)[..10], large.of(Split::Train)[..10]);
        assert_ne!(small, library(ItemCounts { train: 10, seed: 8, ..ITEMS }));
    }

    #[test]
    fn functions_have_the_statistics_of_the_release() {
        let library = library(ITEMS);
        let (mut powers, mut squared) = (0, 0);
        for entry in library.of(Split::Train).iter().chain(library.of(Split::HeldOut)) {
            let Item { rule, test_case, expected_result, .. } = &entry.item;
            assert_eq!(entry.rule.occurrences(), [1; 4], "{rule}");
            assert!(test_case.iter().all(|number| (1.0..=10.0).contains(number) && number.fract() == 0.0));
            assert!(expected_result.fract() == 0.0 && expected_result.abs() <= RESULT_MAX);
            let exponents: Vec<&str> = rule.split("** ").skip(1).collect();
            powers += u32::from(exponents.iter().any(|exponent| !exponent.starts_with('2')));
            squared += u32::from(exponents.iter().any(|exponent| exponent.starts_with('2')));
        }
        // 52 and 186 of 538 in the release; there are fewer simple functions than items here, so the rest has more squares.
        assert!((200..900).contains(&powers) && (1200..2700).contains(&squared), "{powers} and {squared} of 3600");
    }

    #[test]
    fn an_item_is_one_that_the_release_might_have_stated() {
        let library = library(ItemCounts { train: 1, held_out: 50, seed: 1 });
        for entry in library.of(Split::HeldOut) {
            assert_eq!(Entry::of(entry.item.clone()).as_ref(), Ok(entry.as_ref()));
        }
    }
}
