//! What the agent knows: the same knowledge its text holds, as a value for scripts. The user's seat is never asked anything.

use serde::Deserialize;
use serde::Serialize;

use super::expression::Undefined;

/// A seat's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// What was asked and told, oldest first.
    pub probes: Vec<Probe>,
    /// The point at which the value is asked for, once it was looked up.
    pub test: Option<[f64; 4]>,
    /// Answers that were wrong, oldest first.
    pub wrong: Vec<f64>,
}

/// A point, and what the function has there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The four numbers.
    pub at: [f64; 4],
    /// The value, rounded to 4 decimals, or why there is none.
    pub value: Result<f64, Undefined>,
}
