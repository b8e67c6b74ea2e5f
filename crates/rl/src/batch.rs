//! What a learner is given: token streams, which tokens are the seat's own, and one advantage for each of those.

use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeId;

/// One seat's side of one episode, as tokens. All vectors have the stream's length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which episode; `None` for dialogues of scripts.
    pub episode: Option<EpisodeId>,
    /// The whole stream: what was shown and what was sampled, as it was, never re-encoded.
    pub tokens: Vec<u32>,
    /// Loss weight of each token: 1 on the seat's own sampled tokens, 0 on everything shown to it. In SFT alone, partner tokens may have
    /// a small weight.
    pub weights: Vec<f32>,
    /// Advantage of each token; 0 where the weight is 0. Unused in SFT.
    pub advantages: Vec<f32>,
    /// Log-probability under which each own token was sampled; 0 elsewhere. Unused in SFT.
    pub logprobs: Vec<f32>,
    /// Whether the token belongs to the private thought; for metrics told apart by thought and reply.
    pub thought: Vec<bool>,
    /// Sampling temperature of this stream: the learner divides its logits by the same.
    pub temperature: f32,
}

impl Sample {
    /// Tokens with a loss weight above 0.
    #[must_use]
    pub fn loss_tokens(&self) -> usize {
        self.weights.iter().filter(|w| **w > 0.0).count()
    }
}

/// What the loss is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Weighted negative log-likelihood.
    Sft,
    /// Clipped policy gradient.
    Grpo,
}

/// All samples of one optimiser step (or of the step's minibatches). Its loss is divided by the token count of the optimiser step, so how
/// it is cut into micro-batches does not change the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// What the loss is.
    pub objective: Objective,
    /// Learning rate of this step; schedules are decided outside.
    pub lr: f64,
    /// The samples.
    pub samples: Vec<Sample>,
}
