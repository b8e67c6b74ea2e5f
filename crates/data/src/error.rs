//! What is wrong with a release, where, and what would be right.

use std::fmt;

/// One mistake. Prints as `FILE: PLACE: KEY: what and why`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DataError {
    /// The file, as its path was given.
    pub file: String,
    /// Which item by its id, which row, or which line; `None` if it concerns the whole file.
    pub place: Option<String>,
    /// Path of the key in the item, e.g. `test_case[2]`; `None` if it concerns the whole item.
    pub key: Option<String>,
    /// What is wrong, and why it matters.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

impl DataError {
    /// A mistake that concerns a whole file or folder.
    pub(crate) fn of_file(file: impl fmt::Display, what: impl Into<String>, hint: impl Into<String>) -> DataError {
        DataError { file: file.to_string(), place: None, key: None, what: what.into(), hint: hint.into() }
    }

    /// The same mistake, at a place in the file.
    pub(crate) fn at(mut self, place: impl Into<String>) -> DataError {
        self.place = Some(place.into());
        self
    }

    /// The same mistake, at a key.
    pub(crate) fn key(mut self, key: impl Into<String>) -> DataError {
        let key = key.into();
        self.key = (!key.is_empty()).then_some(key);
        self
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        for part in [&self.place, &self.key].into_iter().flatten() {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.what)
    }
}
