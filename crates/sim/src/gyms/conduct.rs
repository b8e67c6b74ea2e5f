//! Rule rewards: how a turn is written, whatever it is about. Deterministic and closed, over plain text, so that any gym's verdict may ask.
//!
//! ```text
//!  tags        the steps of a rationale: all there, once each, in order          tags.rs
//!  length      its words within a window                                        here
//!  fields      what a rationale has to hold is in it                            the gym's to say
//!  repetition  word sequences said before, and sentences with other fillings    repetition.rs
//!  language    letters and small words of the language that was agreed          language.rs
//!  role        a person does not speak as an assistant, nor for the other side  role.rs
//!  leak        nothing is said aloud that only the speaker was told             leak.rs
//! ```
//!
//! [`form`] is UserLM-R1's R_rule (arXiv 2601.09215; specification, section 1.7): a rationale without its tags is worth nothing, whatever else is
//! right. None of these rules knows whether a turn is any good: they are for gates and for small shares of a reward.

pub mod language;
pub mod leak;
pub mod repetition;
pub mod role;
pub mod tags;

pub use language::Language;
pub use leak::Secrets;
use serde::Deserialize;
use serde::Serialize;

use super::words::words;

/// How many words a rationale may have, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The least.
    pub min: u32,
    /// The most.
    pub max: u32,
}

impl Window {
    /// Whether a text has words enough.
    #[must_use]
    pub fn reached(self, text: &str) -> bool {
        words(text).count() >= self.min as usize
    }

    /// Whether a text has not too many words.
    #[must_use]
    pub fn kept(self, text: &str) -> bool {
        words(text).count() <= self.max as usize
    }
}

/// What the rules that make up [`form`] found in one rationale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether its tags are well formed and in order.
    pub tags: bool,
    /// Whether it is long enough.
    pub reached: bool,
    /// Whether it is not too long.
    pub kept: bool,
    /// Required fields that are in it.
    pub fields: u32,
    /// Required fields; 0 if nothing is required.
    pub required: u32,
}

/// R_rule of one turn, in [0, 1]: `1[tags] · (⅓ · 1[long enough] + ⅓ · 1[not too long] + ⅓ · fields / required)`. Where nothing is required all
/// of it is found.
#[must_use]
pub fn form(found: Found) -> f64 {
    let Found { tags, reached, kept, fields, required } = found;
    let share = if required == 0 { 1.0 } else { f64::from(fields) / f64::from(required) };
    let one = |holds: bool| f64::from(u8::from(holds));
    one(tags) * (one(reached) + one(kept) + share) / 3.0
}
