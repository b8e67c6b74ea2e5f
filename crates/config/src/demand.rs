//! What the check of a file demands of a key, noted as it is checked: the schema is made of these, so that it cannot say anything else.

use serde_json::Value;

use crate::allowed::Allowed;

/// One demand of one key.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// Path of the key, as in errors; empty for the whole file.
    pub(crate) key: String,
    pub(crate) says: Says,
}

/// What is demanded.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// The key must be there.
    Needed,
    /// What it is where it is not there; for a file in which only what is needed is written.
    Default(Value),
    /// A number in this range.
    Within(Allowed),
    /// The number 0, which means off, or one in this range.
    OffOrWithin(Allowed),
    /// A multiple of this number.
    Multiple(i64),
    /// One of these words.
    OneOf(Vec<String>),
    /// One of these words, or one of these prefixes with something after it.
    Words { words: Vec<String>, prefixes: Vec<String> },
    /// Text of this form; a regular expression.
    Form(&'static str),
    /// A section whose entries have names of this form; a regular expression.
    Names(&'static str),
    /// A list that is not empty.
    Filled,
    /// A list in which nothing stands twice.
    Distinct,
    /// A section with at least one of these lists, and something in it.
    SomeOf(&'static [&'static str]),
    /// A section with exactly one of these keys.
    JustOneOf(&'static [&'static str]),
}
