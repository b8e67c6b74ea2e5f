//! All functions of a scenario: immutable, made once, shared by all episodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Class;
use super::Entry;
use super::Item;
use super::items::ItemError;
use crate::scenario::Split;

/// The functions of both splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Lists", into = "Lists")]
pub struct Library {
    entries: [Vec<Arc<Entry>>; 2],
}

/// What a library is made from, and written as.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lists {
    train: Vec<Item>,
    held_out: Vec<Item>,
}

/// Why items do not make a library.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LibraryError {
    /// A split without functions.
    #[error("there are no {0} functions")]
    Empty(&'static str),
    /// A function that cannot be played.
    #[error(transparent)]
    Item(#[from] ItemError),
}

impl TryFrom<Lists> for Library {
    type Error = LibraryError;

    fn try_from(lists: Lists) -> Result<Library, LibraryError> {
        Library::new(lists.train, lists.held_out)
    }
}

impl From<Library> for Lists {
    fn from(library: Library) -> Lists {
        let items = |split| library.of(split).iter().map(|entry| entry.item.clone()).collect();
        Lists { train: items(Split::Train), held_out: items(Split::HeldOut) }
    }
}

impl Library {
    /// Makes a library of functions to learn from and functions to measure on, whatever they have in common.
    ///
    /// # Errors
    /// [`LibraryError`] if a split is empty, or a function cannot be played.
    pub fn new(train: Vec<Item>, held_out: Vec<Item>) -> Result<Library, LibraryError> {
        Ok(Library { entries: [entries("train", train)?, entries("held-out", held_out)?] })
    }

    /// The same without the held-out functions that are, up to algebra, also ones to learn from.
    ///
    /// # Errors
    /// [`LibraryError::Empty`] if none is left.
    pub fn without_known(mut self) -> Result<Library, LibraryError> {
        let known: BTreeSet<&Class> = self.entries[0].iter().map(|entry| &entry.class).collect();
        let fresh = self.entries[1].iter().filter(|entry| !known.contains(&entry.class)).cloned().collect();
        self.entries[1] = fresh;
        if self.entries[1].is_empty() { Err(LibraryError::Empty("held-out")) } else { Ok(self) }
    }

    /// A function of a split.
    ///
    /// # Panics
    /// If there is none with this number.
    #[must_use]
    pub fn entry(&self, split: Split, index: u32) -> &Arc<Entry> {
        &self.of(split)[index as usize]
    }

    /// All functions of a split.
    #[must_use]
    pub fn of(&self, split: Split) -> &[Arc<Entry>] {
        match split {
            Split::Train => &self.entries[0],
            Split::HeldOut => &self.entries[1],
        }
    }
}

fn entries(split: &'static str, items: Vec<Item>) -> Result<Vec<Arc<Entry>>, LibraryError> {
    if items.is_empty() {
        return Err(LibraryError::Empty(split));
    }
    items.into_iter().map(|item| Ok(Arc::new(Entry::of(item)?))).collect()
}
