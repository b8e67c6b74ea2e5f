//! The questions of a scenario and the corpus they are asked of: immutable, made once, shared by all episodes.

use serde::Deserialize;
use serde::Serialize;

use super::Corpus;
use super::Document;
use super::Item;
use super::answer;
use super::catalogue;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// Questions and corpus.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Source", into = "Source")]
pub struct Library {
    source: Source,
    items: [Vec<Item>; 2],
    corpus: Corpus,
}

/// What a library is made from, and written as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Source {
    /// Of our own making.
    Made(ItemCounts),
    /// Of other people's.
    Given { train: Vec<Item>, held_out: Vec<Item>, documents: Vec<Document> },
}

/// Why questions do not make a library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// Nothing to measure on.
    #[error("there are no held-out items")]
    Empty,
    /// A question that cannot be asked, or not be answered.
    #[error("item `{0}` has no question or no answer")]
    Blank(String),
}

impl PartialEq for Library {
    fn eq(&self, other: &Library) -> bool {
        self.source == other.source
    }
}

impl TryFrom<Source> for Library {
    type Error = LibraryError;

    fn try_from(source: Source) -> Result<Library, LibraryError> {
        let (items, documents) = match &source {
            Source::Made(counts) => catalogue::world(*counts),
            Source::Given { train, held_out, documents } => ([train.clone(), held_out.clone()], documents.clone()),
        };
        if items[1].is_empty() {
            return Err(LibraryError::Empty);
        }
        let blank = |item: &&Item| item.question.trim().is_empty() || answer::is_empty(&item.answer);
        if let Some(item) = items.iter().flatten().find(blank) {
            return Err(LibraryError::Blank(item.id.clone()));
        }
        Ok(Library { source, items, corpus: Corpus::new(documents) })
    }
}

impl From<Library> for Source {
    fn from(library: Library) -> Source {
        library.source
    }
}

impl Library {
    /// So many questions of our own making, and their corpus: always the same for the same item seed.
    ///
    /// # Errors
    /// [`LibraryError::Empty`] without held-out items.
    pub fn made(counts: ItemCounts) -> Result<Library, LibraryError> {
        Library::try_from(Source::Made(counts))
    }

    /// Other people's questions, and a corpus. Without documents nothing can be looked up.
    ///
    /// # Errors
    /// [`LibraryError`].
    pub fn given(train: Vec<Item>, held_out: Vec<Item>, documents: Vec<Document>) -> Result<Library, LibraryError> {
        Library::try_from(Source::Given { train, held_out, documents })
    }

    /// The seed of the generator; 0 for other people's questions.
    #[must_use]
    pub fn seed(&self) -> u64 {
        match &self.source {
            Source::Made(counts) => counts.seed,
            Source::Given { .. } => 0,
        }
    }

    /// A question of a split.
    ///
    /// # Panics
    /// If there is none with this number.
    #[must_use]
    pub fn item(&self, split: Split, index: u32) -> &Item {
        &self.of(split)[index as usize]
    }

    /// All questions of a split.
    #[must_use]
    pub fn of(&self, split: Split) -> &[Item] {
        match split {
            Split::Train => &self.items[0],
            Split::HeldOut => &self.items[1],
        }
    }

    /// What can be looked up.
    #[must_use]
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }
}
