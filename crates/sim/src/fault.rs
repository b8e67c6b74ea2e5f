//! Failures that are nobody's merit: data with an address, never a reward of 0.

use serde::Deserialize;
use serde::Serialize;

use crate::Party;

/// What went wrong outside the rules of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The party's code panicked, or its actor died.
    Panicked,
    /// No answer came before its deadline.
    Deadline,
    /// The party answered with an error: a remote model refused, an item could not be read.
    Refused,
    /// The answer came, but not in the agreed form.
    BadReply,
}

/// One fault and who is answerable. A fault gives `None` to both seats and is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {kind:?}: {detail}", party.name())]
pub struct Fault {
    /// Who is answerable.
    pub party: Party,
    /// What happened.
    pub kind: FaultKind,
    /// In words, for the log; free of secrets.
    pub detail: String,
}

impl Fault {
    /// A fault with its words.
    #[must_use]
    pub fn new(party: Party, kind: FaultKind, detail: impl Into<String>) -> Fault {
        Fault { party, kind, detail: detail.into() }
    }
}
