//! What each side knows: the same knowledge its text holds, as a value for scripts.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Domain;
use super::library::Entry;

/// A seat's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// The agent's, at its turn.
    Agent(AgentView),
    /// The customer's, when something is said to it.
    User(Box<Heard>),
}

/// The agent's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// Whose agent it is.
    pub domain: Domain,
    /// What the customer said first.
    pub opening: Arc<str>,
    /// What the agent did so far that counted, and what came back.
    pub log: Vec<Exchange>,
}

/// What the agent did, and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What kind of thing it was.
    pub what: What,
    /// What it said or called.
    pub content: Arc<str>,
    /// What the customer replied, or the tool answered.
    pub reply: Arc<str>,
}

/// What an agent can do that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It spoke to the customer.
    Said,
    /// It called a tool.
    Called,
    /// It looked something up.
    Searched,
}

/// What the customer knows when something is said to it. The talk it has heard; and what a customer by rule needs to be honest, which is in
/// no text: how far its task is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// The task.
    pub entry: Arc<Entry>,
    /// What it has said and heard so far, oldest first.
    pub dialogue: Vec<Exchange>,
    /// What the agent says now.
    pub said: Arc<str>,
    /// Which gold actions were carried out, just so.
    pub done: Vec<bool>,
    /// Which outputs were said, this time included.
    pub told: Vec<bool>,
    /// Whether the database is now as the gold actions leave it.
    pub matches: bool,
}
