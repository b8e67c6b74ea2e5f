//! What a seat knows, as a value for scripts: the same that its messages say, and nothing else.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::book::AgentPart;
use super::book::Common;
use super::book::UserPart;
use super::book::Value;
use super::items::Plant;
use super::person::Inner;
use super::sight::Reader;
use super::sight::Sight;
use super::table::Table;
use super::utterance::Tongue;
use crate::Seat;

/// A seat's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// What can be spoken of.
    pub common: Arc<Common>,
    /// What both have seen.
    pub table: Box<Table>,
    /// The facts that the seat knows.
    pub known: Vec<Option<Value>>,
    /// Whether the last pressing was fair, as far as the seat can tell.
    pub fair: Option<bool>,
    /// The seat's own.
    pub own: Own,
}

/// What only one seat has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Own {
    /// The agent's.
    Agent {
        /// Its half of the file.
        part: Arc<AgentPart>,
        /// The pressing lines it has here.
        plants: Vec<Plant>,
        /// The same as places among the file's.
        traps: Vec<usize>,
        /// Those it has said.
        spent: Vec<usize>,
    },
    /// The user's.
    User {
        /// Its half of the file.
        part: Arc<UserPart>,
        /// Its state, targets, and what it noticed.
        inner: Inner,
    },
}

impl View {
    /// Whose it is.
    #[must_use]
    pub fn seat(&self) -> Seat {
        match self.own {
            Own::Agent { .. } => Seat::Agent,
            Own::User { .. } => Seat::User,
        }
    }

    /// The same for predicates.
    #[must_use]
    pub fn sight(&self) -> Sight<'_> {
        let inner = match &self.own {
            Own::Agent { .. } => None,
            Own::User { inner, .. } => Some(inner),
        };
        Sight {
            common: &self.common,
            reader: Reader::Seat(self.seat()),
            table: &self.table,
            known: &self.known,
            inner,
            fair: self.fair,
            tally: None,
        }
    }

    /// How the seat speaks here.
    #[must_use]
    pub fn tongue(&self) -> Tongue<'_> {
        let (plants, traps, ends) = match &self.own {
            Own::Agent { part, traps, .. } => (traps.as_slice(), part.traps.as_slice(), part.ends.as_slice()),
            Own::User { part, .. } => ([].as_slice(), [].as_slice(), part.ends.as_slice()),
        };
        Tongue { seat: self.seat(), common: &self.common, plants, traps, ends }
    }
}
