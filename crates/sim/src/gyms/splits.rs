//! The items of both splits: immutable, made once, shared by all episodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::Address;
use crate::Phase;
use crate::draws::Stream;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// Items to learn from and items to measure on, at least one of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Splits<T> {
    train: Vec<Arc<T>>,
    held_out: Vec<Arc<T>>,
}

/// A split without items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no {0} items")]
pub struct EmptySplit(&'static str);

impl<T> Splits<T> {
    /// Puts items into their splits.
    ///
    /// # Errors
    /// [`EmptySplit`] if one has none.
    pub fn new(train: Vec<T>, held_out: Vec<T>) -> Result<Splits<T>, EmptySplit> {
        let shared = |split: Split, items: Vec<T>| match items.is_empty() {
            true => Err(EmptySplit(split.name())),
            false => Ok(items.into_iter().map(Arc::new).collect()),
        };
        Ok(Splits { train: shared(Split::Train, train)?, held_out: shared(Split::HeldOut, held_out)? })
    }

    /// Divides items at random, those of one `key` always into the same split: at most `held_out` are held out, fewer if their keys
    /// do not add up to it. The same seed divides the same items the same way; within a split they keep their order.
    ///
    /// # Errors
    /// [`EmptySplit`] if one has none.
    pub fn divided<K: Ord>(
        items: Vec<T>,
        key: impl Fn(&T) -> K,
        held_out: usize,
        seed: u64,
    ) -> Result<Splits<T>, EmptySplit> {
        let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            groups.entry(key(item)).or_default().push(index);
        }
        let mut order: Vec<Vec<usize>> = groups.into_values().collect();
        let place = Address { seed, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 };
        place.draws(Stream::Item).shuffle(&mut order);
        let mut is_held_out = vec![false; items.len()];
        let mut left = held_out;
        for group in order {
            if group.len() <= left {
                left -= group.len();
                group.into_iter().for_each(|index| is_held_out[index] = true);
            }
        }
        let (mut train, mut held) = (Vec::new(), Vec::new());
        for (item, held_out) in items.into_iter().zip(is_held_out) {
            if held_out { held.push(item) } else { train.push(item) }
        }
        Splits::new(train, held)
    }

    /// All items of a split.
    #[must_use]
    pub fn of(&self, split: Split) -> &[Arc<T>] {
        match split {
            Split::Train => &self.train,
            Split::HeldOut => &self.held_out,
        }
    }

    /// An item of a split.
    ///
    /// # Panics
    /// If there is none with this number.
    #[must_use]
    pub fn item(&self, split: Split, index: u32) -> &Arc<T> {
        &self.of(split)[index as usize]
    }

    /// How many there are; such items have no seed, so it is 0.
    #[must_use]
    pub fn counts(&self) -> ItemCounts {
        let count = |split| u32::try_from(self.of(split).len()).unwrap_or(u32::MAX);
        ItemCounts { train: count(Split::Train), held_out: count(Split::HeldOut), seed: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(seed: u64) -> Splits<u32> {
        Splits::divided((0..60).collect(), |item| item / 3, 20, seed).unwrap()
    }

    #[test]
    fn items_of_one_key_are_never_in_both_splits() {
        let splits = divided(1);
        // Groups of three do not add up to twenty.
        assert_eq!((splits.of(Split::Train).len(), splits.of(Split::HeldOut).len()), (42, 18));
        for item in splits.of(Split::HeldOut) {
            assert!(splits.of(Split::Train).iter().all(|other| **other / 3 != **item / 3), "{item}");
        }
    }

    #[test]
    fn a_seed_always_divides_the_same_way_and_another_one_otherwise() {
        assert_eq!(divided(1), divided(1));
        assert_ne!(divided(1), divided(2));
    }

    #[test]
    fn a_split_without_items_is_an_error() {
        assert_eq!(Splits::divided(vec![1], |item| *item, 5, 0), Err(EmptySplit("train")));
        assert_eq!(Splits::divided(vec![1, 1], |item| *item, 1, 0), Err(EmptySplit("held-out")));
    }
}
