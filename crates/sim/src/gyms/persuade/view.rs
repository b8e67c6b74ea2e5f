//! What each side knows: the same knowledge its text holds, as a value for scripts.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Library;
use super::stance::Stance;

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
    /// What anybody may have learned from: scripts use the claims to learn from, and nothing else.
    pub library: Arc<Library>,
    /// What the user believes.
    pub claim: String,
    /// What was argued and replied so far.
    pub exchanges: Vec<Exchange>,
}

/// An argument that counted, and the reply to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The agent's words.
    pub argument: String,
    /// The user's.
    pub reply: String,
}

/// What the world asks of the user's seat: what do you say to this argument, and where do you stand now?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The claim, and why it is believed.
    pub item: Arc<Item>,
    /// Where the user stood before.
    pub stance: Stance,
    /// The arguments before this one, oldest first.
    pub earlier: Vec<String>,
    /// The agent's words.
    pub argument: String,
}
