//! What a program can say about the machine it runs on: whether its numbers are those that another machine recorded, and how fast it is there.
//!
//! ```text
//! distance of a loss l from the recorded r         |l − r| / (1 + |r|)
//! distance of a gradient g from the recorded r     ‖g − r‖₂ / ‖r‖₂, estimated from NUMBERS of each of its tensors (all, of a small one):
//!                                                  a tensor of n numbers of which m are kept counts n/m times
//! distance of a log-probability l from r           |l − r| / (1 + |r|)
//! ```
//!
//! Whoever holds tensors implements [`Selftest`]; a program without any has none.

use serde::Deserialize;
use serde::Serialize;

use crate::Batch;
use crate::LearnError;
use crate::Objective;
use crate::Sample;
use crate::settings::Device;
use crate::settings::Dtype;
use crate::settings::GrpoSettings;
use crate::settings::ModelShape;

/// Numbers kept of each tensor of a gradient.
pub const NUMBERS: usize = 16;

/// Bound of a distance where a model is held in f32.
pub const BOUND_F32: f64 = 1e-3;

/// Bound of a distance where the base of an adapter is held in bf16.
pub const BOUND_BF16: f64 = 2e-2;

/// How much less likely than the likeliest a greedy token of an f32 model may be, in logits: those two may change places by rounding.
pub const TIE: f64 = 1e-4;

/// What learns, and how it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// All weights, in f32.
    Weights,
    /// An adapter over weights in f32.
    Adapter,
    /// An adapter over weights in bf16.
    AdapterOverBf16,
}

impl Held {
    /// All of them.
    pub const ALL: [Held; 3] = [Held::Weights, Held::Adapter, Held::AdapterOverBf16];

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Held::Weights => "weights in f32",
            Held::Adapter => "adapter over f32",
            Held::AdapterOverBf16 => "adapter over bf16",
        }
    }

    /// Bound of its distances.
    #[must_use]
    pub fn bound(self) -> f64 {
        match self {
            Held::Weights | Held::Adapter => BOUND_F32,
            Held::AdapterOverBf16 => BOUND_BF16,
        }
    }
}

/// A rule of learning that a batch is recorded under.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What the recording calls it: `sft`, or a preset's name.
    pub name: String,
    /// What the loss is.
    pub objective: Objective,
    /// Settings of the learner; how a batch is cut into steps has no say.
    pub settings: GrpoSettings,
    /// Whether a last digit may decide on which side of a bound a token falls: such a rule is left out where a base is in bf16.
    pub sharp: bool,
}

/// Batches with the numbers that one machine computed from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Who recorded it: library and versions, by name.
    pub made_with: Vec<(String, String)>,
    /// For each family of decoders.
    pub models: Vec<RecordedModel>,
}

/// A small model of fixed shape, drawn by address, so that no weights need to be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedModel {
    /// `qwen3`, `qwen2` or `llama`.
    pub family: String,
    /// Imitated.
    pub sft: Vec<Sample>,
    /// Learned from by advantage.
    pub grpo: Vec<Sample>,
    /// What each rule came to.
    pub steps: Vec<RecordedStep>,
    /// Turns of the likeliest tokens.
    pub greedy: Vec<RecordedTurn>,
}

impl RecordedModel {
    /// The batch of a rule, to be learned from at a rate of 0: what is compared is the gradient.
    #[must_use]
    pub fn batch(&self, objective: Objective) -> Batch {
        let samples = match objective {
            Objective::Sft => &self.sft,
            Objective::Grpo => &self.grpo,
        };
        Batch::new(objective, 0.0, samples.clone())
    }
}

/// Loss and gradient of a batch under a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedStep {
    /// Name of the rule.
    pub rule: String,
    /// What learned.
    pub held: Held,
    /// The loss.
    pub loss: f64,
    /// Norm of the whole gradient.
    pub norm: f64,
    /// [`NUMBERS`] of each of its tensors.
    pub gradient: Vec<f32>,
}

/// A turn without chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedTurn {
    /// What it goes on from.
    pub prompt: Vec<u32>,
    /// The likeliest tokens.
    pub tokens: Vec<u32>,
    /// Logits between each of them and the second likeliest.
    pub gaps: Vec<f32>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was compared: `loss`, `gradient`, `sampled`, `greedy`, `kept`.
    pub check: &'static str,
    /// Of which model.
    pub model: String,
    /// Under which rule; empty where none has a say.
    pub rule: String,
    /// How far apart, as the check defines it. Not finite if the numbers were not.
    pub distance: f64,
    /// The most it may be.
    pub bound: f64,
}

impl Finding {
    /// Whether it is within its bound; what is not a number is not.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.distance <= self.bound
    }
}

/// The machine as the tensor library sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// What the system calls it; `None` if it does not say.
    pub name: Option<String>,
    /// Threads of the tensor library.
    pub threads: usize,
}

/// What is measured, and how much of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Name of the shape.
    pub name: String,
    /// Of a decoder with random weights.
    pub shape: ModelShape,
    /// What it is held in where nothing learns. In f32 all weights learn, in bf16 an adapter over them.
    pub dtype: Dtype,
    /// Streams side by side.
    pub rows: usize,
    /// Tokens each stream begins with.
    pub prompt: usize,
    /// Tokens sampled of each, and learned from.
    pub tokens: usize,
    /// How it learns.
    pub settings: GrpoSettings,
}

/// What the device can do at most, as measured: of large square matrices, and of copies that fit no cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ceilings {
    /// Floating-point operations a second in f32, without shortened products.
    pub matrix_f32: f64,
    /// The same in bf16.
    pub matrix_bf16: f64,
    /// Bytes read and written a second.
    pub memory: f64,
}

impl Ceilings {
    /// Floating-point operations a second.
    #[must_use]
    pub fn matrix(&self, dtype: Dtype) -> f64 {
        match dtype {
            Dtype::F32 => self.matrix_f32,
            Dtype::Bf16 => self.matrix_bf16,
        }
    }
}

/// How fast one thing went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pace {
    /// Name of the shape.
    pub shape: String,
    /// Numbers of the model.
    pub parameters: u64,
    /// `prefill`, `decode`, `train weights` or `train adapter`.
    pub what: &'static str,
    /// What the model is held in.
    pub dtype: Dtype,
    /// Tokens a second: the median of three.
    pub tokens_per_s: f64,
    /// Share of the matrix rate in this type.
    pub matrix_share: f64,
    /// Share of the memory bandwidth that reading each weight once a step, and each kept key and value, comes to; `None` where that says nothing.
    pub memory_share: Option<f64>,
}

/// A program with tensors, looking at itself.
pub trait Selftest {
    /// Computes a recording on the CPU.
    ///
    /// # Errors
    /// [`LearnError`] if the tensor library fails.
    fn record(&self, rules: &[Rule]) -> Result<Recording, LearnError>;

    /// Settles on a device for all that follows.
    ///
    /// # Errors
    /// [`LearnError::Model`] if it is asked for a GPU and there is none.
    fn machine(&self, device: Device, threads: usize) -> Result<Machine, LearnError>;

    /// Computes the recording's numbers again on that device, and samples there.
    ///
    /// # Errors
    /// [`LearnError::Model`] if the recording knows no such family, [`LearnError::Batch`] if its batches fit none, [`LearnError::Tensor`] if the library fails.
    fn check(&self, machine: &Machine, recording: &Recording, rules: &[Rule]) -> Result<Vec<Finding>, LearnError>;

    /// Measures what the device can do at most.
    ///
    /// # Errors
    /// [`LearnError::Tensor`] if it runs out of memory.
    fn ceilings(&self, machine: &Machine) -> Result<Ceilings, LearnError>;

    /// Measures prefill, decoding and training.
    ///
    /// # Errors
    /// [`LearnError::Tensor`] if it runs out of memory.
    fn pace(&self, machine: &Machine, load: &Load, ceilings: &Ceilings) -> Result<Vec<Pace>, LearnError>;
}

/// Shapes by name, from the quickstart's to those of Qwen3.
pub const SHAPES: [&str; 5] = ["quickstart", "40m", "0.6b", "1.7b", "4b"];

/// The shape of a name; `None` if it is none of [`SHAPES`].
#[must_use]
pub fn shape(name: &str) -> Option<ModelShape> {
    // Width, layers, query heads, key heads, head, feed-forward, vocabulary.
    let (hidden_size, layers, heads, keys, head_dim, intermediate_size, vocab_max) = match name {
        "quickstart" => (128, 3, 4, 4, 32, 352, 600),
        "40m" => (512, 8, 8, 4, 64, 1536, 32_768),
        "0.6b" => (1024, 28, 16, 8, 128, 3072, 151_936),
        "1.7b" => (2048, 28, 16, 8, 128, 6144, 151_936),
        "4b" => (2560, 36, 32, 8, 128, 9728, 151_936),
        _ => return None,
    };
    Some(ModelShape {
        hidden_size,
        num_hidden_layers: layers,
        num_attention_heads: heads,
        num_key_value_heads: keys,
        head_dim,
        intermediate_size,
        max_position_embeddings: 40_960,
        tie_word_embeddings: true,
        rope_theta: 1_000_000.0,
        rms_norm_eps: 1e-6,
        vocab_max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_a_shape_of_about_its_size() {
        let millions = SHAPES.map(|name| {
            let shape = shape(name).expect("it is one of the names");
            shape.parameters(shape.vocab_max) as f64 / 1e6
        });
        // Of Qwen3: 596, 1721 and 4022 millions.
        for (found, expected) in millions.into_iter().zip([0.68, 42.0, 596.0, 1721.0, 4022.0]) {
            assert!((found / expected - 1.0).abs() < 0.02, "{found} and not {expected}");
        }
        assert_eq!(shape("5b"), None);
    }

    #[test]
    fn what_is_not_a_number_is_within_no_bound() {
        let finding =
            |distance| Finding { check: "loss", model: String::new(), rule: String::new(), distance, bound: 1.0 };
        assert!(finding(1.0).passed() && !finding(1.1).passed() && !finding(f64::NAN).passed());
    }
}
