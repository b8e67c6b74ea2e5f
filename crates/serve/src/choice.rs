//! One of a request's answers, as it comes.

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::engine::End;
use crate::engine::Lost;
use crate::engine::Piece;
use crate::turn::Call;
use crate::turn::Turn;
use crate::writer::Parts;
use crate::writer::Writer;

/// An answer in the making.
#[derive(Debug)]
pub struct Choice {
    /// Its number in the request.
    pub index: u32,
    pieces: UnboundedReceiver<Result<Piece, Lost>>,
    writer: Writer,
    /// What the ids of its calls begin with.
    name: String,
    answer: Answer,
    told: Parts,
}

/// An answer, as far as it is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Sampled ids, as they were sampled.
    pub tokens: Vec<u32>,
    /// Their log-probabilities.
    pub logprobs: Vec<f32>,
    /// Of the weights.
    pub version: u64,
    /// Why it ended; `None` if it has not.
    pub finish: Option<Finish>,
    /// What was thought, said and called; empty until it has ended.
    pub parts: Parts,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// By the model, or by a stop string.
    Stop,
    /// By the most tokens it may have.
    Length,
    /// By the model, which waits for what it called.
    ToolCalls,
}

impl Finish {
    /// The word of OpenAI's protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::ToolCalls => "tool_calls",
        }
    }
}

/// What is new.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// Which of the request's answers.
    pub index: u32,
    /// New sampled ids.
    pub tokens: Vec<u32>,
    /// Their log-probabilities.
    pub logprobs: Vec<f32>,
    /// More of the thought.
    pub thought: String,
    /// More of the talk.
    pub talk: String,
    /// Calls that are now whole, and the number of the first.
    pub calls: (usize, Vec<Call>),
    /// Why it ended; `None` if there is more.
    pub finish: Option<Finish>,
}

impl Choice {
    /// An answer of which nothing is there yet.
    #[must_use]
    pub fn new(index: u32, pieces: UnboundedReceiver<Result<Piece, Lost>>, writer: Writer, name: String) -> Choice {
        Choice { index, pieces, writer, name, answer: Answer::default(), told: Parts::default() }
    }

    /// Waits for more.
    ///
    /// # Errors
    /// [`Lost`]; there is no more then.
    pub async fn next(&mut self) -> Result<Delta, Lost> {
        let piece = self.pieces.recv().await.unwrap_or(Err(Lost::Dead))?;
        let mine = self.writer.push(&piece.tokens);
        self.answer.tokens.extend_from_slice(&piece.tokens[..mine]);
        self.answer.logprobs.extend_from_slice(&piece.logprobs[..mine]);
        self.answer.version = piece.version;
        let ended = if self.writer.is_stopped() { Some(End::Closed) } else { piece.end };
        if let Some(end) = ended {
            // Whoever samples it need not go on.
            self.pieces.close();
            self.answer.parts = self.writer.whole(end == End::Closed);
            self.answer.finish = Some(match end {
                End::Full => Finish::Length,
                End::Closed if self.answer.parts.calls.is_empty() => Finish::Stop,
                End::Closed => Finish::ToolCalls,
            });
        }
        let now = if ended.is_some() { self.answer.parts.clone() } else { self.writer.told() };
        let delta = self.delta(&now, &piece.tokens[..mine], &piece.logprobs[..mine]);
        self.told = now;
        Ok(delta)
    }

    /// What is there.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The assistant's turn that it is.
    #[must_use]
    pub fn turn(&self) -> Turn {
        let Parts { thought, talk, calls } = self.answer.parts.clone();
        Turn::assistant(talk, thought, self.calls(&calls, 0))
    }

    fn calls(&self, calls: &[(String, String)], from: usize) -> Vec<Call> {
        let call = |(number, (name, arguments)): (usize, &(String, String))| Call {
            id: format!("call_{}_{}_{number}", self.name, self.index),
            name: name.clone(),
            arguments: arguments.clone(),
        };
        calls.iter().enumerate().skip(from).map(call).collect()
    }

    fn delta(&self, now: &Parts, tokens: &[u32], logprobs: &[f32]) -> Delta {
        let thought = now.thought.as_deref().unwrap_or_default();
        let thought_before = self.told.thought.as_deref().unwrap_or_default();
        let calls_before = self.told.calls.len();
        Delta {
            index: self.index,
            tokens: tokens.to_vec(),
            logprobs: logprobs.to_vec(),
            thought: more(thought_before, thought),
            talk: more(&self.told.talk, &now.talk),
            calls: (calls_before, self.calls(&now.calls, calls_before)),
            finish: self.answer.finish,
        }
    }
}

/// What was told is a beginning of what is there.
fn more(before: &str, now: &str) -> String {
    now.strip_prefix(before).expect("what was told stays").to_owned()
}

/// The deltas of several answers, as they come, each one's end with the whole answer; ends after the last one's end, or an error.
pub fn deltas(choices: Vec<Choice>) -> impl Stream<Item = (Result<Delta, Lost>, Option<Choice>)> {
    stream::select_all(choices.into_iter().map(|choice| {
        Box::pin(stream::unfold(Some(choice), |choice| async move {
            let mut choice = choice?;
            let delta = choice.next().await;
            let goes_on = delta.as_ref().is_ok_and(|delta| delta.finish.is_none());
            let (ended, next) = if goes_on { (None, Some(choice)) } else { (Some(choice), None) };
            Some(((delta, ended), next))
        }))
    }))
}
