//! Why a call to the troupe has no answer.

use sim::EpisodeId;
use sim::Seat;

/// A service has died, and with it the run: nothing is played, updated or recorded any more. What was committed can be resumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {who} died, and the run with it: {why}")]
pub struct Ended {
    /// Which actor: `supervisor`, `recorder`, `policy server NAME`, `agent's learner`.
    pub who: String,
    /// Its last words: the panic's message or the error it stopped on.
    pub why: String,
}

/// Why a call to the troupe was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TroupeError {
    /// The run is over. Every later call says the same.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// A casting names a policy that is neither a loaded model, nor a guest, nor a script of the scenario's gym. Nothing was played.
    #[error("{seat}: there is no policy `{policy}`; there are {}", known.join(", "))]
    UnknownPolicy {
        /// The seat it was meant for.
        seat: Seat,
        /// The name.
        policy: String,
        /// The names that exist for this seat.
        known: Vec<String>,
    },
    /// The scenario names a judge that nobody has brought. Nothing was played.
    #[error("there is no judge `{0}`")]
    UnknownJudge(String),
    /// A casting counts further than the terms have scenarios. Nothing was played.
    #[error("there is no scenario with number {0}")]
    UnknownScenario(u32),
    /// The same episode is cast twice in one play. Nothing was played.
    #[error("episode {0} is cast twice in one play")]
    CastTwice(EpisodeId),
    /// An episode is to go on from one that the terms do not have. Nothing was played.
    #[error("episode {episode} is to go on from {from}, which is not there")]
    NoPast {
        /// The episode.
        episode: EpisodeId,
        /// What it is to go on from.
        from: EpisodeId,
    },
    /// The seat has no learner.
    #[error("{0}: this seat has no learner")]
    NoLearner(Seat),
    /// No model of this name is loaded, or one already is.
    #[error("model `{name}` {problem}")]
    Model {
        /// Its name.
        name: String,
        /// `is not loaded`, `is already loaded` or `belongs to a learner`.
        problem: &'static str,
    },
}
