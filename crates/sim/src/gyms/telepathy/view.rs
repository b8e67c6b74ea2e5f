//! What each side knows: the same knowledge its text holds, as a value for scripts.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Library;
use crate::gyms::YesNo;

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
    /// What anybody may have learned from: scripts use the things to learn from, and nothing else.
    pub library: Arc<Library>,
    /// What the user said first.
    pub description: String,
    /// What was asked and answered so far.
    pub exchanges: Vec<Exchange>,
    /// Guesses that were wrong.
    pub guesses: Vec<String>,
    /// How many turns are left, this one included.
    pub turns_left: u32,
}

/// A question that counted, and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The agent's words.
    pub question: String,
    /// The user's.
    pub answer: YesNo,
}

/// What the world asks of the user's seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// What do you say to this question?
    Question {
        /// What is thought of.
        item: Arc<Item>,
        /// The agent's words.
        question: String,
    },
    /// Does this guess name it? Only the world hears the answer.
    Guess {
        /// What is thought of.
        item: Arc<Item>,
        /// The agent's words.
        guess: String,
    },
}
