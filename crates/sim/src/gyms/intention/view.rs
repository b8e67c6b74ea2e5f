//! What each side knows: the same knowledge its text holds, as a value for scripts.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Detail;
use super::Library;
use crate::scenario::Split;

/// A seat's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// The agent's, at its turn.
    Agent(AgentView),
    /// The user's, when the world asks it something.
    User(Asked),
}

/// The agent's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// What anybody may have learned from: scripts use the items to learn from, and nothing else.
    pub library: Arc<Library>,
    /// The request's category.
    pub category: String,
    /// The request.
    pub task: String,
    /// What was asked and answered so far.
    pub exchanges: Vec<Exchange>,
}

/// A question that counted, and the reply to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The agent's words.
    pub question: String,
    /// The user's.
    pub reply: String,
}

/// What the world asks of the user's seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// Which of the remaining details does the question ask about? Only the world hears the answer.
    Coverage {
        /// The words.
        library: Arc<Library>,
        /// Whose details.
        split: Split,
        /// See `split`.
        item: u32,
        /// Numbers of the details nobody has asked about yet, from 0.
        remaining: Vec<u32>,
        /// The agent's words.
        question: String,
    },
    /// What do you say to it?
    Reply {
        /// The agent's words.
        question: String,
        /// Whether it was about anything in the task.
        related: bool,
        /// The details it asks about, each with its number; the others stay out of sight.
        hit: Vec<(u32, Detail)>,
    },
}
