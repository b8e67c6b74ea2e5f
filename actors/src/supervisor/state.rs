//! Who plays, who waits and what is settled: one `play` call as a state machine without actors.
//!
//! ```text
//!               admit                      queued(server)
//!   waiting ────────────> live: moving <───────────────────> live: queued
//!   (by id)               │                     flush          │
//!                         └──────────> settled <───────────────┘      record, or lost
//!                                        │
//!                                        └─> written, in casting order
//! ```
//!
//! An episode that a fault of the infrastructure ended waits once more, as often as `reruns_max` says, and is open until its last time is settled.
//!
//! The barrier: *moving* episodes have an input in flight to a rule, an environment, a judge, or a batch that is being sampled; *queued*
//! ones have a row at a policy server that nobody has been told to sample. When nothing moves, new episodes are admitted; when there is
//! nobody to admit either, each server is told exactly which rows make up the round. A flush carries those names, so that a row which an
//! earlier server's answer brings about while a later server has not yet read its mail belongs to the next round, on every machine.
//!
//! An episode that dies or finishes leaves the count at once; what a server still holds for it is forgotten at the next flush.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

use runs::Closed;
use runs::Ledger;
use runs::LedgerError;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::Party;
use sim::Seat;
use sim::record::Casting;

use crate::round::Round;
use crate::round::ServerRows;
use crate::round::Ticket;
use crate::round::row_order;

/// What became of one casting.
#[derive(Clone, Debug, PartialEq)]
pub enum Played {
    /// It ended, perhaps with a fault: a record either way.
    Record(Box<EpisodeRecord>),
    /// Its actor died; there is no record. In words, why.
    Lost(EpisodeId, String),
}

impl Played {
    /// Which episode.
    #[must_use]
    pub fn id(&self) -> EpisodeId {
        match self {
            Played::Record(record) => record.casting.id,
            Played::Lost(id, _) => *id,
        }
    }

    /// How its account closes.
    #[must_use]
    pub fn closed(&self) -> Closed {
        match self {
            Played::Record(record) => Closed::with(record),
            Played::Lost(..) => Closed::Lost,
        }
    }

    /// The record; `None` if the episode was lost.
    #[must_use]
    pub fn record(&self) -> Option<&EpisodeRecord> {
        match self {
            Played::Record(record) => Some(record),
            Played::Lost(..) => None,
        }
    }
}

/// What the supervisor has to carry out.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Bring this episode to life.
    Admit(Ticket, Casting),
    /// This fault ended the episode, which waits to be played again.
    Again(EpisodeId, Fault),
    /// Tell the servers, in this order, to sample these rows.
    Flush(Round),
    /// Hand this to the recorder: the next in casting order.
    Write(Played),
    /// All are settled and written.
    Finish,
}

/// Where a live episode is.
#[derive(Clone, Debug, PartialEq)]
enum At {
    Moving,
    Queued { server: Arc<str>, seat: Seat },
}

/// An episode that nobody has admitted yet.
#[derive(Clone, Debug)]
struct Waiting {
    ticket: Ticket,
    /// Its casting's place.
    slot: usize,
    casting: Casting,
}

/// A live episode.
#[derive(Clone, Debug)]
struct Live {
    id: EpisodeId,
    slot: usize,
    at: At,
}

/// What is known of a casting's outcome.
#[derive(Clone, Debug)]
enum Slot {
    Open,
    Settled(Played),
    Written,
}

/// How many of a play's episodes are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Episodes of the play.
    pub total: usize,
    /// Alive now.
    pub live: usize,
    /// Settled, the lost ones included.
    pub settled: usize,
    /// Settled without a record.
    pub lost: usize,
    /// Rounds of the barrier so far.
    pub rounds: u64,
}

/// One play.
#[derive(Debug)]
pub struct Play {
    live_max: usize,
    /// Whether any seat is a model: then episodes are admitted at barriers only.
    lockstep: bool,
    /// The ticket of whoever is played again next.
    next: Ticket,
    waiting: VecDeque<Waiting>,
    live: BTreeMap<Ticket, Live>,
    moving: usize,
    ledger: Ledger,
    slots: Vec<Slot>,
    written: usize,
    gone: Vec<(Ticket, EpisodeId)>,
    reruns_max: u32,
    /// How often each casting was played again.
    reruns: Vec<u32>,
    progress: Progress,
}

impl Play {
    /// A play of these castings, whose tickets are `first`, `first + 1`, … in their order. `live_max` is at least 1.
    ///
    /// # Errors
    /// [`LedgerError::OpenedTwice`] if an episode is cast twice.
    pub fn new(castings: Vec<Casting>, first: Ticket, live_max: usize, lockstep: bool) -> Result<Play, LedgerError> {
        let mut ledger = Ledger::default();
        castings.iter().try_for_each(|casting| ledger.open(casting.id))?;
        let slots: Vec<Slot> = castings.iter().map(|_| Slot::Open).collect();
        let progress = Progress { total: castings.len(), ..Progress::default() };
        let next = first.plus(castings.len());
        let waits = |(slot, casting)| Waiting { ticket: first.plus(slot), slot, casting };
        let mut waiting: Vec<Waiting> = castings.into_iter().enumerate().map(waits).collect();
        waiting.sort_by_key(|waiting| waiting.casting.id);
        Ok(Play {
            live_max: live_max.max(1),
            lockstep,
            next,
            waiting: waiting.into(),
            live: BTreeMap::new(),
            moving: 0,
            ledger,
            reruns: vec![0; slots.len()],
            slots,
            written: 0,
            gone: Vec::new(),
            reruns_max: 0,
            progress,
        })
    }

    /// The same, with episodes played again so often after a fault of the infrastructure; each time has a ticket after those of [`Play::new`].
    #[must_use]
    pub fn with_reruns(self, reruns_max: u32) -> Play {
        Play { reruns_max, ..self }
    }

    /// The first orders.
    pub fn begin(&mut self) -> Vec<Order> {
        self.proceed()
    }

    /// A server has put this episode's row in its queue. A ticket that is not alive belongs to an episode that died meanwhile.
    pub fn queued(&mut self, ticket: Ticket, server: Arc<str>, seat: Seat) -> Vec<Order> {
        let Some(live) = self.live.get_mut(&ticket) else {
            return Vec::new();
        };
        if live.at == At::Moving {
            self.moving -= 1;
        }
        live.at = At::Queued { server, seat };
        self.proceed()
    }

    /// The episode is over, or dead. Only the first word on a ticket counts.
    pub fn settled(&mut self, ticket: Ticket, played: Played) -> Vec<Order> {
        let Some(live) = self.live.remove(&ticket) else {
            return Vec::new();
        };
        if live.at == At::Moving {
            self.moving -= 1;
        }
        if let Some(fault) = self.once_more(live.slot, &played) {
            self.gone.push((ticket, live.id));
            let mut orders = vec![Order::Again(live.id, fault)];
            orders.extend(self.proceed());
            return orders;
        }
        self.ledger
            .close(live.id, played.closed())
            .expect("a live episode is open, and leaves the living as it closes");
        self.gone.push((ticket, live.id));
        self.progress.settled += 1;
        self.progress.lost += usize::from(played.record().is_none());
        self.slots[live.slot] = Slot::Settled(played);
        let mut orders = self.write();
        orders.extend(self.proceed());
        orders
    }

    /// Lets the episode wait once more, if a fault of the infrastructure ended it and it was not played too often: that fault. It has its place by its id
    /// among those that wait, draws what it drew, and has a ticket of its own.
    fn once_more(&mut self, slot: usize, played: &Played) -> Option<Fault> {
        let record = played.record()?;
        let fault = record.fault.as_ref().filter(|fault| fault.party == Party::Infrastructure)?;
        let times = self.reruns.get_mut(slot).filter(|times| **times < self.reruns_max)?;
        *times += 1;
        let again = Waiting { ticket: self.next, slot, casting: record.casting.clone() };
        self.next = self.next.plus(1);
        let place = self.waiting.partition_point(|other| other.casting.id < again.casting.id);
        self.waiting.insert(place, again);
        Some(fault.clone())
    }

    /// Whether this episode is alive.
    #[must_use]
    pub fn is_live(&self, ticket: Ticket) -> bool {
        self.live.contains_key(&ticket)
    }

    /// The ticket of a live episode; `None` if it is not alive.
    #[must_use]
    pub fn ticket(&self, id: EpisodeId) -> Option<Ticket> {
        self.live.iter().find(|(_, live)| live.id == id).map(|(ticket, _)| *ticket)
    }

    /// Whether every casting is settled.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.progress.settled == self.progress.total
    }

    /// Episodes that are over and that the servers have not been told of; the list is empty afterwards.
    pub fn take_gone(&mut self) -> Vec<(Ticket, EpisodeId)> {
        let mut gone = std::mem::take(&mut self.gone);
        gone.sort_unstable();
        gone
    }

    /// Breaks the play off: all live episodes leave at once and nobody is admitted. Returns who was alive.
    pub fn strike(&mut self) -> Vec<Ticket> {
        self.waiting.clear();
        self.moving = 0;
        let live = std::mem::take(&mut self.live);
        self.gone.extend(live.iter().map(|(ticket, live)| (*ticket, live.id)));
        live.into_keys().collect()
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress { live: self.live.len(), ..self.progress }
    }

    /// Admits, flushes or finishes, whichever comes next; nothing while there is something to wait for.
    fn proceed(&mut self) -> Vec<Order> {
        if self.lockstep && self.moving > 0 {
            return Vec::new();
        }
        let admitted = self.admit();
        if !admitted.is_empty() || self.moving > 0 {
            return admitted;
        }
        if self.live.is_empty() {
            return vec![Order::Finish];
        }
        vec![Order::Flush(self.flush())]
    }

    fn admit(&mut self) -> Vec<Order> {
        let room = self.live_max - self.live.len();
        let mut orders = Vec::new();
        for Waiting { ticket, slot, casting } in self.waiting.drain(..room.min(self.waiting.len())) {
            self.live.insert(ticket, Live { id: casting.id, slot, at: At::Moving });
            self.moving += 1;
            orders.push(Order::Admit(ticket, casting));
        }
        orders
    }

    /// Everybody who is queued moves: their rows are the next round.
    fn flush(&mut self) -> Round {
        let mut servers: BTreeMap<Arc<str>, Vec<(Ticket, rl::Session)>> = BTreeMap::new();
        for (ticket, live) in &mut self.live {
            if let At::Queued { server, seat } = std::mem::replace(&mut live.at, At::Moving) {
                servers
                    .entry(server)
                    .or_default()
                    .push((*ticket, rl::Session { episode: live.id, seat, adapter: None }));
                self.moving += 1;
            }
        }
        self.progress.rounds += 1;
        let rows = |(server, mut rows): (Arc<str>, Vec<(Ticket, rl::Session)>)| {
            rows.sort_unstable_by_key(|(_, session)| row_order(session));
            ServerRows { server, rows }
        };
        Round { number: self.progress.rounds, servers: servers.into_iter().map(rows).collect() }
    }

    /// What has become writable: the settled castings that follow the last written one without a gap.
    fn write(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        while let Some(slot) = self.slots.get_mut(self.written) {
            match std::mem::replace(slot, Slot::Written) {
                Slot::Settled(played) => orders.push(Order::Write(played)),
                other => {
                    *slot = other;
                    break;
                }
            }
            self.written += 1;
        }
        orders
    }
}

#[cfg(test)]
mod tests;
