//! All items of a scenario with what is derived from them: immutable, made once, shared by all episodes.

use std::sync::Arc;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Key;
use super::Lexicon;
use super::fixed;
use super::items::DETAILS_MAX;
use super::precedent::Precedents;
use crate::scenario::Split;

/// The items and what all seats may have learned from: the words and the habits of the items to learn from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Lists", into = "Lists")]
pub struct Library {
    lists: Lists,
    entries: [Vec<Arc<Entry>>; 2],
    lexicon: Lexicon,
    precedents: Precedents,
    /// The best list of questions for all tasks, once somebody asks for it.
    fixed: OnceLock<Vec<Vec<String>>>,
}

/// What a library is made from, and written as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lists {
    train: Vec<Item>,
    held_out: Vec<Item>,
}

/// An item with what each of its details answers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The item.
    pub item: Item,
    /// One key a detail, in their order.
    pub keys: Vec<Key>,
}

/// Why items do not make a library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// A split without items.
    #[error("there are no {0} items")]
    Empty(&'static str),
    /// An item without details, or with too many.
    #[error("item `{id}` has {count} missing details; it may have from 1 to {DETAILS_MAX}")]
    Details {
        /// The item.
        id: String,
        /// How many it has.
        count: usize,
    },
    /// A detail that no question could hit.
    #[error(
        "item `{id}`, detail {number}: every word of its description and inquiry is in more than 2 % of all details, so no question could ask for it"
    )]
    Untold {
        /// The item.
        id: String,
        /// Which of its details, from 1.
        number: usize,
    },
}

impl PartialEq for Library {
    fn eq(&self, other: &Library) -> bool {
        self.lists == other.lists
    }
}

impl TryFrom<Lists> for Library {
    type Error = LibraryError;

    fn try_from(lists: Lists) -> Result<Library, LibraryError> {
        let lexicon = Lexicon::of(lists.train.iter().flat_map(|item| &item.missing_details));
        let entries = [entries("train", &lists.train, &lexicon)?, entries("held-out", &lists.held_out, &lexicon)?];
        let precedents = Precedents::of(&entries[0], &lexicon);
        Ok(Library { lists, entries, lexicon, precedents, fixed: OnceLock::new() })
    }
}

impl From<Library> for Lists {
    fn from(library: Library) -> Lists {
        library.lists
    }
}

impl Library {
    /// Makes a library of items to learn from and items to measure on.
    ///
    /// # Errors
    /// [`LibraryError`] if a split is empty, or an item could not be played.
    pub fn new(train: Vec<Item>, held_out: Vec<Item>) -> Result<Library, LibraryError> {
        Library::try_from(Lists { train, held_out })
    }

    /// An item of a split.
    ///
    /// # Panics
    /// If there is none with this number.
    #[must_use]
    pub fn entry(&self, split: Split, index: u32) -> &Arc<Entry> {
        &self.of(split)[index as usize]
    }

    /// All items of a split.
    #[must_use]
    pub fn of(&self, split: Split) -> &[Arc<Entry>] {
        match split {
            Split::Train => &self.entries[0],
            Split::HeldOut => &self.entries[1],
        }
    }

    /// What words are worth.
    #[must_use]
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// What tasks used to leave out.
    #[must_use]
    pub fn precedents(&self) -> &Precedents {
        &self.precedents
    }

    /// The best list of questions for all tasks, as telling words, found on the items to learn from.
    #[must_use]
    pub fn fixed(&self) -> &[Vec<String>] {
        self.fixed.get_or_init(|| fixed::search(&self.entries[0], &self.lexicon))
    }
}

fn entries(split: &'static str, items: &[Item], lexicon: &Lexicon) -> Result<Vec<Arc<Entry>>, LibraryError> {
    if items.is_empty() {
        return Err(LibraryError::Empty(split));
    }
    items.iter().map(|item| entry(item, lexicon).map(Arc::new)).collect()
}

fn entry(item: &Item, lexicon: &Lexicon) -> Result<Entry, LibraryError> {
    let (id, count) = (item.id.clone(), item.missing_details.len());
    if !(1..=DETAILS_MAX).contains(&count) {
        return Err(LibraryError::Details { id, count });
    }
    let key = |(number, detail)| Key::of(detail, lexicon).ok_or(LibraryError::Untold { id: id.clone(), number });
    let keys = (1..).zip(&item.missing_details).map(key).collect::<Result<Vec<Key>, LibraryError>>()?;
    Ok(Entry { item: item.clone(), keys })
}
