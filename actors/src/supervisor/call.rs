//! What the troupe asks of the supervisor, and what it gets.

use std::collections::BTreeMap;
use std::sync::Arc;

use rl::Row;
use rl::Sampled;
use runs::Offset;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::Pair;
use sim::Scenario;
use sim::record::Casting;
use text::Dialect;
use tokio::sync::oneshot;

use crate::ended::Ended;
use crate::learner::Job;
use crate::learner::Outcome;
use crate::round::Round;
use crate::seats::Sampling;
use crate::supervisor::Played;

/// A model that speaks: its policy, and how it reads and writes conversations.
pub struct Voice {
    /// Samples.
    pub policy: Box<dyn rl::Policy>,
    /// Reads and writes.
    pub dialect: Dialect,
}

/// The terms of one play.
#[derive(Clone)]
pub struct Terms {
    /// What is played: a casting says which of them.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The seed of every address of randomness.
    pub seed: u64,
    /// How each seat's model draws its tokens.
    pub sampling: Pair<Sampling>,
    /// Whether the records go into the journal.
    pub record: bool,
    /// What forks go on from, by id; empty where nothing is forked.
    pub past: Arc<BTreeMap<EpisodeId, EpisodeRecord>>,
}

impl Terms {
    /// What a casting plays; `None` if it counts further than there are scenarios.
    #[must_use]
    pub fn scenario(&self, casting: &Casting) -> Option<&Arc<Scenario>> {
        self.scenarios.get(casting.scenario as usize)
    }

    /// What a casting goes on from; `None` if it begins at the beginning.
    ///
    /// # Errors
    /// The id of what it is to go on from, if that is not here.
    pub fn past(&self, casting: &Casting) -> Result<Option<&EpisodeRecord>, EpisodeId> {
        casting.fork.map(|fork| self.past.get(&fork.from).ok_or(fork.from)).transpose()
    }
}

/// What a play gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Performance {
    /// One for each casting, in their order.
    pub played: Vec<Played>,
    /// What each policy server sampled together; empty if no seat is a model.
    pub rounds: Vec<Round>,
    /// What was played again, once for each time, and the fault that ended it before; by id.
    pub reruns: Vec<(EpisodeId, Fault)>,
}

/// What a model sampled, in the rows' order.
pub type Samples = Vec<Result<Sampled, Fault>>;

/// Where an answer to a call goes.
pub type Reply<T> = oneshot::Sender<Result<T, Ended>>;

/// What the troupe asks for. One call is carried out at a time, and one piece of work beside it; others wait, unless whoever made the current one has
/// gone.
pub enum Call {
    /// Play these castings, whose names have been checked.
    Play(Vec<Casting>, Terms, Reply<Performance>),
    /// Lend each seat's weights for these jobs, both at the same time.
    Work(Pair<Option<Job>>, Reply<Pair<Option<Outcome>>>),
    /// The same, but the policies keep a copy each and other calls go on beside it, as far as they leave the weights where they are.
    WorkBeside(Pair<Option<Job>>, Reply<Pair<Option<Outcome>>>),
    /// Let the policies go on with the newest weights.
    Renew(Reply<()>),
    /// Let this model sample rows that belong to no episode.
    Sample(String, Vec<Row>, Reply<Samples>),
    /// Sync the journal.
    Sync(Reply<Offset>),
    /// Add a model.
    Seat(String, Voice, Reply<()>),
    /// Remove a model.
    Dismiss(String, Reply<()>),
}

impl Call {
    /// Whether it moves weights, and so has to wait until those that are out are back.
    pub(super) fn moves_weights(&self) -> bool {
        match self {
            Call::Work(..) | Call::WorkBeside(..) | Call::Renew(_) => true,
            Call::Play(..) | Call::Sample(..) | Call::Sync(_) | Call::Seat(..) | Call::Dismiss(..) => false,
        }
    }

    /// Answers that the run is over.
    pub(super) fn refuse(self, ended: &Ended) {
        match self {
            Call::Play(_, _, reply) => refuse(reply, ended),
            Call::Work(_, reply) | Call::WorkBeside(_, reply) => refuse(reply, ended),
            Call::Sample(_, _, reply) => refuse(reply, ended),
            Call::Sync(reply) => refuse(reply, ended),
            Call::Renew(reply) | Call::Seat(_, _, reply) | Call::Dismiss(_, reply) => refuse(reply, ended),
        }
    }
}

/// Answers that the run is over. A caller that is gone need not be told.
pub(super) fn refuse<T>(reply: Reply<T>, ended: &Ended) {
    let _ = reply.send(Err(ended.clone()));
}
