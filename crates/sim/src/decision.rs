//! What a seat answers when it is asked to act.

mod wire;

use serde::Deserialize;
use serde::Serialize;

use crate::thinking;
use crate::thinking::Cut;

/// What a seat does in public. The world reads it; the partner hears of it only through the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Plain talk.
    Say(String),
    /// A call of UserRL's one tool, `interact_with_env` (spec userrl §1.1).
    Tool {
        /// Which of the tool's functions.
        choice: Choice,
        /// Its argument, as text.
        content: String,
    },
}

impl Act {
    /// Its words: what is said, or the argument of the call.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Act::Say(text) | Act::Tool { content: text, .. } => text,
        }
    }
}

/// The functions of UserRL's tool (spec userrl §1.1), and `finish`, which ends the talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Talk to the user, or act on the world.
    Action,
    /// Look something up.
    Search,
    /// Give an answer to be scored.
    Answer,
    /// End the talk.
    Finish,
}

/// Why a seat's answer holds no act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoAct {
    /// Something was written, but no act can be read from it; the text says what is wrong with it.
    Malformed(String),
    /// `tokens_max` were spent before an act was complete.
    OutOfTokens,
}

/// A seat's whole answer: the public act, the private thought, and where a model gave it, its tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The act, or why there is none.
    pub act: Result<Act, NoAct>,
    /// The private reasoning, without its tags; `None` if the seat wrote none. It never reaches another seat.
    pub thought: Option<String>,
    /// What a model sampled; `None` for rules, scripts and people.
    pub generation: Option<Generation>,
}

impl Decision {
    /// What stands in a turn whose seat has been asked and has not decided: it stays there only if a fault comes first.
    pub(crate) fn pending() -> Decision {
        Decision { act: Err(NoAct::OutOfTokens), thought: None, generation: None }
    }

    /// What a script answers that is shown the other seat's view: a mistake of whoever put it there.
    pub(crate) fn in_the_other_seat() -> Decision {
        let act = Err(NoAct::Malformed("a script sits in the other seat".to_owned()));
        Decision { act, thought: None, generation: None }
    }

    /// A decision without reasoning or tokens.
    #[must_use]
    pub fn say(text: impl Into<String>) -> Decision {
        Decision { act: Ok(Act::Say(text.into())), thought: None, generation: None }
    }
}

/// What a model read and wrote for one turn, token by token. A seat's generations, laid end to end, are its token stream:
/// `prompt₁ tokens₁ prompt₂ tokens₂ …`. Nothing in it is ever re-encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// Name of the model that sampled: the seat's name, or that of a pool member.
    pub policy: String,
    /// Version of its weights: optimiser updates since the cold start began.
    pub version: u64,
    /// Ids put into the stream since the seat's last generation: template, brief, partner, world.
    pub prompt: Vec<u32>,
    /// Ids sampled for this turn, the closing token included.
    pub tokens: Vec<u32>,
    /// One natural logarithm for each of `tokens`, under the distribution it was really sampled from.
    pub logprobs: Vec<f32>,
    /// How many of `tokens`, from the first, belong to the private thought, its tags included.
    pub thought_len: u32,
    /// Sampling temperature; above 0.
    pub temperature: f32,
    /// Whether the model closed its turn itself, or `tokens_max` cut it.
    pub closed: bool,
    /// What the model did not read of the stream before this turn, in order ([`Thinking::Strip`](crate::Thinking::Strip)). `None`: it read
    /// all of it, and the turn goes on with the sample of the turn before.
    pub cuts: Option<Vec<Cut>>,
}

impl Generation {
    /// What the model read before it sampled this turn, where `stream` is the seat's stream up to and with this turn's prompt. `None` if the
    /// cuts are not of that stream.
    #[must_use]
    pub fn read(&self, stream: &[u32]) -> Option<Vec<u32>> {
        thinking::without(stream, self.cuts.as_deref().unwrap_or_default())
    }
}
