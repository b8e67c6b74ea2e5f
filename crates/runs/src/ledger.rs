//! Exactly once: each opened episode closes once, with a record or as lost.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Phase;

/// How an episode closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// With a record.
    Recorded,
    /// With a record that holds a fault: nobody was scored.
    Faulted,
    /// Without a record: whoever played it died.
    Lost,
}

impl Closed {
    /// How an episode with this record closes.
    #[must_use]
    pub fn with(record: &EpisodeRecord) -> Closed {
        if record.fault.is_some() { Closed::Faulted } else { Closed::Recorded }
    }
}

/// An account that does not balance: a bug in whoever keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It is open, or was opened and closed before.
    #[error("episode {0} was opened twice")]
    OpenedTwice(EpisodeId),
    /// It was closed before.
    #[error("episode {0} was closed twice")]
    ClosedTwice(EpisodeId),
    /// It was never opened.
    #[error("episode {0} was closed but never opened")]
    NeverOpened(EpisodeId),
    /// The books cannot be settled while an episode is open.
    #[error("{count} episodes are still open, {first} among them")]
    StillOpen {
        /// How many.
        count: usize,
        /// The first in order.
        first: EpisodeId,
    },
}

/// Counts since the run began. `opened = recorded + lost + open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Episodes opened.
    pub opened: u64,
    /// Episodes closed with a record, faulted ones included.
    pub recorded: u64,
    /// Of the recorded ones, those whose record holds a fault.
    pub faulted: u64,
    /// Episodes closed without a record.
    pub lost: u64,
}

/// The account of all episodes of a run. Pure; it is saved with every commit.
///
/// It remembers each id until [`Ledger::settle`], and after that only the last id of each phase: episodes are opened in the order of
/// their ids, so an id at or below that one has been there before. So its size is bounded by what is played between two commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    open: BTreeSet<EpisodeId>,
    closed: BTreeSet<EpisodeId>,
    settled: BTreeMap<Phase, EpisodeId>,
    totals: Totals,
}

impl Ledger {
    /// Opens an episode's account.
    ///
    /// # Errors
    /// [`LedgerError::OpenedTwice`]; nothing has changed then.
    pub fn open(&mut self, id: EpisodeId) -> Result<(), LedgerError> {
        if self.is_closed(id) || !self.open.insert(id) {
            return Err(LedgerError::OpenedTwice(id));
        }
        self.totals.opened += 1;
        Ok(())
    }

    /// Closes an episode's account.
    ///
    /// # Errors
    /// [`LedgerError::ClosedTwice`], [`LedgerError::NeverOpened`]; nothing has changed then.
    pub fn close(&mut self, id: EpisodeId, how: Closed) -> Result<(), LedgerError> {
        if !self.open.remove(&id) {
            return Err(if self.is_closed(id) { LedgerError::ClosedTwice(id) } else { LedgerError::NeverOpened(id) });
        }
        self.closed.insert(id);
        match how {
            Closed::Recorded => self.totals.recorded += 1,
            Closed::Faulted => {
                self.totals.recorded += 1;
                self.totals.faulted += 1;
            }
            Closed::Lost => self.totals.lost += 1,
        }
        Ok(())
    }

    /// Forgets closed ids one by one and remembers the last of each phase instead. Call it at a commit, when nothing is open: from then
    /// on only higher ids of the phase may be opened.
    ///
    /// # Errors
    /// [`LedgerError::StillOpen`]; nothing has changed then.
    pub fn settle(&mut self) -> Result<(), LedgerError> {
        if let Some(first) = self.open.first() {
            return Err(LedgerError::StillOpen { count: self.open.len(), first: *first });
        }
        // In order, so the last id of each phase is what stays.
        for id in std::mem::take(&mut self.closed) {
            self.settled.entry(id.phase).and_modify(|last| *last = id.max(*last)).or_insert(id);
        }
        Ok(())
    }

    /// How many episodes are open.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// The open episodes, in order.
    pub fn open_ids(&self) -> impl Iterator<Item = EpisodeId> {
        self.open.iter().copied()
    }

    /// Counts since the run began.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    fn is_closed(&self, id: EpisodeId) -> bool {
        self.closed.contains(&id) || self.settled.get(&id.phase).is_some_and(|last| id <= *last)
    }
}

#[cfg(test)]
mod tests;
