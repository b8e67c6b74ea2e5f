//! What each side knows: the same knowledge its text holds, as a value for scripts.

use serde::Deserialize;
use serde::Serialize;

use super::Document;

/// A seat's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// The agent's, at its turn.
    Agent(AgentView),
    /// The user's, when the world asks it something.
    User(Asked),
    /// That of whoever looks something up for the world.
    Environment(Lookup),
}

/// The agent's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// What is asked.
    pub question: String,
    /// Every search so far with what it showed, oldest first.
    pub searches: Vec<Searched>,
    /// Answers that were wrong, oldest first.
    pub wrong: Vec<String>,
    /// Searches that are left.
    pub searches_left: u32,
}

/// A search and what it showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// The agent's words.
    pub query: String,
    /// The best first, cut as they were shown.
    pub found: Vec<Document>,
}

/// What the world asks of an engine outside: the agent's words, and nothing that it does not know itself. The reply is a JSON list of
/// `{title, text}`, the best first; an empty one is an answer, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// The agent's words.
    pub query: String,
    /// So many documents are shown at most; whatever follows is of no use.
    pub results_max: u32,
}

/// What the world asks of the user's seat: does an answer mean the same as the right one? Only the world hears the reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What the agent was asked.
    pub question: String,
    /// The right answer and other ways to say it.
    pub right: Vec<String>,
    /// The agent's answer.
    pub given: String,
}
