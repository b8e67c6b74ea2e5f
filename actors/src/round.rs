//! One round of the lockstep barrier: which rows each policy server samples together.

use std::sync::Arc;

use rl::Session;
use sim::EpisodeId;

/// One admission of an episode: unique over the troupe's life, so that mail from a dead episode is never taken for that of a later one
/// with the same id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// The ticket `count` places after this one.
    #[must_use]
    pub fn plus(self, count: usize) -> Ticket {
        Ticket(self.0 + count as u64)
    }
}

/// What is sampled between two moments at which nothing moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Counted from 1 within the play.
    pub number: u64,
    /// The servers that have rows, in the fixed order of their names.
    pub servers: Vec<ServerRows>,
}

/// One server's part of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRows {
    /// The model's name.
    pub server: Arc<str>,
    /// By (group, episode, seat): the order in which they are cut into batches. Tickets are in casting order, so they too are the same in
    /// two runs.
    pub rows: Vec<(Ticket, Session)>,
}

/// Where a row stands in its round.
#[must_use]
pub fn row_order(session: &Session) -> (u32, EpisodeId, sim::Seat) {
    (session.episode.group, session.episode, session.seat)
}
