//! All trips of a scenario: immutable, made once, shared by all episodes.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Component;
use super::Item;
use super::topic::TOPICS;
use super::topic::VALUES;
use crate::scenario::Split;

/// The trips of both splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Lists", into = "Lists")]
pub struct Library {
    items: [Vec<Arc<Item>>; 2],
}

/// What a library is made from, and written as.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lists {
    train: Vec<Item>,
    held_out: Vec<Item>,
}

/// Why trips do not make a library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// A split without trips.
    #[error("there are no {0} trips")]
    Empty(&'static str),
    /// A trip that cannot be played.
    #[error("trip `{id}`: {why}")]
    Item {
        /// The item.
        id: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl TryFrom<Lists> for Library {
    type Error = LibraryError;

    fn try_from(lists: Lists) -> Result<Library, LibraryError> {
        Library::new(lists.train, lists.held_out)
    }
}

impl From<Library> for Lists {
    fn from(library: Library) -> Lists {
        let items = |split| library.of(split).iter().map(|item| Item::clone(item)).collect();
        Lists { train: items(Split::Train), held_out: items(Split::HeldOut) }
    }
}

impl Library {
    /// Makes a library of trips to learn from and trips to measure on.
    ///
    /// # Errors
    /// [`LibraryError`] if a split is empty, or a trip cannot be played.
    pub fn new(train: Vec<Item>, held_out: Vec<Item>) -> Result<Library, LibraryError> {
        Ok(Library { items: [checked("train", train)?, checked("held-out", held_out)?] })
    }

    /// A trip of a split.
    ///
    /// # Panics
    /// If there is none with this number.
    #[must_use]
    pub fn item(&self, split: Split, index: u32) -> &Arc<Item> {
        &self.of(split)[index as usize]
    }

    /// All trips of a split.
    #[must_use]
    pub fn of(&self, split: Split) -> &[Arc<Item>] {
        match split {
            Split::Train => &self.items[0],
            Split::HeldOut => &self.items[1],
        }
    }
}

fn checked(split: &'static str, items: Vec<Item>) -> Result<Vec<Arc<Item>>, LibraryError> {
    if items.is_empty() {
        return Err(LibraryError::Empty(split));
    }
    for item in &items {
        if let Some(why) = mistake(item) {
            return Err(LibraryError::Item { id: item.id.clone(), why });
        }
    }
    Ok(items.into_iter().map(Arc::new).collect())
}

/// What is wrong with a trip; `None` if it can be played.
fn mistake(item: &Item) -> Option<&'static str> {
    let order = item.components.windows(2).all(|pair| pair[0].aspect < pair[1].aspect);
    let named = |component: &Component| {
        let number = |number: &u8| component.offers.iter().any(|offer| offer.number == *number);
        !component.correct.is_empty() && component.correct.iter().all(number)
    };
    let known = |component: &Component| {
        let wish = |wish: &super::Wish| {
            usize::from(wish.topic) < TOPICS
                && usize::from(wish.value) < VALUES
                && wish.hint < 3
                && wish.aspect == component.aspect
        };
        let offer = |offer: &super::Offer| offer.values.iter().all(|value| usize::from(*value) < VALUES);
        component.wishes.iter().all(wish) && component.offers.iter().all(offer)
    };
    if item.components.is_empty() || !order {
        Some("its aspects are none, twice the same, or out of order")
    } else if !item.components.iter().all(named) {
        Some("an aspect has no correct option among its options")
    } else if !item.components.iter().all(known) {
        Some("a wish or an option has a topic or a value that there is not")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue;
    use super::*;
    use crate::scenario::ItemCounts;

    #[test]
    fn a_trip_that_cannot_be_played_says_why() {
        let library = catalogue::library(ItemCounts { train: 1, held_out: 1, seed: 3 });
        let good = Item::clone(library.item(Split::Train, 0));
        let refused = |item: Item| Library::new(vec![item], vec![good.clone()]).unwrap_err().to_string();
        assert_eq!(Library::new(vec![], vec![good.clone()]), Err(LibraryError::Empty("train")));
        assert!(refused(Item { components: vec![], ..good.clone() }).contains("its aspects are none"));
        let mut bad = good.clone();
        bad.components[0].correct = vec![200];
        assert!(refused(bad).contains("no correct option"));
        let mut bad = good.clone();
        bad.components[0].wishes[0].value = 9;
        assert!(refused(bad).contains("a value that there is not"));
        let mut bad = good.clone();
        bad.components.reverse();
        assert!(refused(bad).starts_with("trip `train-000000`"));
        let text = serde_json::to_string(&library).unwrap();
        assert_eq!(serde_json::from_str::<Library>(&text).unwrap(), library);
    }
}
