//! What a seat is shown when it is asked to act.

use serde::Deserialize;
use serde::Serialize;

use crate::Seat;
pub use crate::gyms::View;

/// Where a message comes from, as the seat that reads it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The seat's own part: its role, its goal, what it knows. Private, and always the first message.
    Brief,
    /// What the partner said, without its thought.
    Partner,
    /// What the world shows or answers.
    World,
}

/// One message as one seat reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Where it comes from.
    pub from: Source,
    /// Its text.
    pub text: String,
}

/// Everything a seat may know at its turn, twice: as text for models and people, and as a value for rules. Both hold the same
/// information; neither holds anything private to another seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Who is asked.
    pub seat: Seat,
    /// The seat's own turn, counted from 0.
    pub turn: u32,
    /// What is new since this seat was last asked, oldest first. At turn 0 it starts with the brief.
    pub messages: Vec<Message>,
    /// The same knowledge, whole, as a value.
    pub view: View,
}
