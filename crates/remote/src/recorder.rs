//! Writes down what every question came to, by its place in the run, so that the run can be played again without a request.

use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use sim::Fault;
use sim::FaultKind;
use sim::Party;

use crate::LinesError;
use crate::chat::Reply;
use crate::lines::Lines;

/// What the file says it is.
pub const KIND: &str = "recording";

/// One question, answered or not. Of the question only a hash is kept: it holds what others must not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Scenario, episode, seat, and which of the seat's questions.
    pub place: String,
    /// The hash of what was asked, whoever was asked.
    pub prompt: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was answered.
    Reply(Reply),
    /// It was not.
    Fault(Fault),
}

impl From<Result<Reply, Fault>> for Outcome {
    fn from(result: Result<Reply, Fault>) -> Outcome {
        result.map_or_else(Outcome::Fault, Outcome::Reply)
    }
}

impl From<Outcome> for Result<Reply, Fault> {
    fn from(outcome: Outcome) -> Result<Reply, Fault> {
        match outcome {
            Outcome::Reply(reply) => Ok(reply),
            Outcome::Fault(fault) => Err(fault),
        }
    }
}

/// The file, while it grows.
#[derive(Debug)]
pub struct Recorder {
    lines: Lines,
}

impl Recorder {
    /// A recorder into a file that is not there yet.
    ///
    /// # Errors
    /// [`LinesError::Exists`], [`LinesError::Unwritten`].
    pub fn new(path: &Path) -> Result<Recorder, LinesError> {
        Ok(Recorder { lines: Lines::fresh(path, KIND)? })
    }

    /// Begins to record a question.
    #[must_use]
    pub fn asked(&self, seat: impl Into<Party>, place: String, prompt: String) -> Asked<'_> {
        // What stands if nobody waits for the answer any more: the words of a seat that is late.
        let late = Fault::new(seat.into(), FaultKind::Deadline, "no answer before the deadline");
        Asked { recorder: self, line: Line { place, prompt, outcome: Outcome::Fault(late) } }
    }

    /// Whether all of it could be written.
    ///
    /// # Errors
    /// [`LinesError::Unwritten`].
    pub fn end(&self) -> Result<(), LinesError> {
        self.lines.end()
    }
}

/// A question on its way. Dropped before it is answered, it was not answered in time.
#[derive(Debug)]
pub struct Asked<'r> {
    recorder: &'r Recorder,
    line: Line,
}

impl Asked<'_> {
    /// Records what came of it.
    pub fn came_to(mut self, result: &Result<Reply, Fault>) {
        self.line.outcome = result.clone().into();
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.recorder.lines.add(&self.line);
    }
}
