//! Whose weights speak for whom: each seat's own, or one set for both (SPIRAL, arXiv:2506.24119; Self-RedTeam, arXiv:2506.07468).
//!
//! ```text
//!                apart                        one
//!  models        agent        user            both
//!  learners      agent's      user's          the agent's place has it
//!  one step      one batch a seat             one batch, the agent's samples and then the user's
//! ```
//!
//! What tells the seats of one model apart is what each is told: the brief that a stream begins with. Baselines, advantages and opponents stay a seat's own.

use serde::Deserialize;
use serde::Serialize;
use sim::Pair;
use sim::Seat;
use sim::seat::BOTH;

use crate::Batch;

/// Whether each seat has weights of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seats {
    /// Each its own.
    #[default]
    Apart,
    /// One model speaks for both, and one update of it learns from both.
    One,
}

impl Seats {
    /// Name of the model by which a seat speaks, wherever models have names: in a troupe, in metrics, as a checkpoint's folder.
    #[must_use]
    pub fn model(self, seat: Seat) -> &'static str {
        match self {
            Seats::Apart => seat.name(),
            Seats::One => BOTH,
        }
    }

    /// The seats in whose places the models lie, where there is a place for each seat's: of one model, the agent's.
    #[must_use]
    pub fn places(self, learning: Pair<bool>) -> Pair<bool> {
        match self {
            Seats::Apart => learning,
            Seats::One => Pair { agent: learning.agent || learning.user, user: false },
        }
    }

    /// Each model's batch, in its place.
    #[must_use]
    pub fn batches(self, batches: Pair<Option<Batch>>) -> Pair<Option<Batch>> {
        match self {
            Seats::Apart => batches,
            Seats::One => Pair { agent: Batch::joined(batches), user: None },
        }
    }
}
