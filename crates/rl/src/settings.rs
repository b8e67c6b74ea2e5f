//! A checked run: what `configs/*.toml` means once every key has been read. `config` fills these in; everybody else only reads them.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sim::Seat;

/// Everything `duologue train` needs besides the scenario itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Name of the run; its folder is `runs/NAME` unless `--out` says otherwise.
    pub name: String,
    /// Seed of every address of randomness in the run.
    pub seed: u64,
    /// Bounds and machine.
    pub limits: Limits,
    /// Shape of each seat's model; both seats have models of the same shape and their own weights.
    pub model: ModelShape,
    /// The cold start.
    pub sft: SftSettings,
    /// Group-relative policy optimisation.
    pub grpo: GrpoSettings,
    /// Evaluations against fixed opponents.
    pub eval: EvalSettings,
    /// What is kept on disk.
    pub checkpoints: CheckpointSettings,
}

/// Everything is bounded, and each bound has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Episodes alive at once.
    pub episodes_live_max: usize,
    /// Rows in one batch of a policy.
    pub batch_max: usize,
    /// Threads of the tensor library for each model.
    pub threads: usize,
    /// Where the models live.
    pub device: Device,
}

/// Where the models live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The GPU if libtorch has one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The first GPU; an error if there is none.
    Cuda,
}

/// Which numbers a model is held and computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Single precision: everything can learn.
    #[default]
    F32,
    /// The upper half of it: half the memory, and weights that do not learn. Adapters over them do, in single precision.
    Bf16,
}

/// Shape of a decoder of the Qwen3 kind, built from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelShape {
    /// Width of the residual stream.
    pub hidden_size: i64,
    /// Layers.
    pub num_hidden_layers: i64,
    /// Query heads.
    pub num_attention_heads: i64,
    /// Key and value heads; divides the query heads.
    pub num_key_value_heads: i64,
    /// Width of one head; even.
    pub head_dim: i64,
    /// Width of the gated feed-forward layer.
    pub intermediate_size: i64,
    /// Longest stream.
    pub max_position_embeddings: i64,
    /// Whether the output layer is the embedding.
    pub tie_word_embeddings: bool,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// Epsilon of RMSNorm.
    pub rms_norm_eps: f64,
    /// Most entries of the tokenizer that is trained for it.
    pub vocab_max: usize,
}

impl ModelShape {
    /// How many numbers a model of this shape learns, with `vocab_len` entries in its tokenizer. The decoder of `model` has as many.
    #[must_use]
    pub fn parameters(&self, vocab_len: usize) -> u64 {
        let size = |n: i64| u64::try_from(n).unwrap_or(0);
        let (width, head) = (size(self.hidden_size), size(self.head_dim));
        let (queries, keys) = (size(self.num_attention_heads), size(self.num_key_value_heads));
        let attention = width * head * (2 * queries + 2 * keys);
        let feed_forward = 3 * width * size(self.intermediate_size);
        let norms = 2 * width + 2 * head;
        let embeddings = vocab_len as u64 * width * if self.tie_word_embeddings { 1 } else { 2 };
        embeddings + size(self.num_hidden_layers) * (attention + feed_forward + norms) + width
    }

    /// Keys and values kept of one token, as numbers.
    #[must_use]
    pub fn cached_per_token(&self) -> u64 {
        let size = |n: i64| u64::try_from(n).unwrap_or(0);
        2 * size(self.num_hidden_layers) * size(self.num_key_value_heads) * size(self.head_dim)
    }
}

/// A folder of recorded episodes, known by what is in it: where it lies makes no difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFolder {
    /// Where it lies.
    #[serde(skip)]
    pub path: PathBuf,
    /// SHA-256 of its log, in hex.
    pub log: String,
}

/// The cold start: imitation of scripts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SftSettings {
    /// Folders of recorded episodes to learn from; empty: from `dialogues` of `teacher`, which count only then.
    pub records: Vec<RecordedFolder>,
    /// Dialogues of `teacher` with itself to learn from.
    pub dialogues: u32,
    /// Script of both seats, e.g. `scripted:noisy`.
    pub teacher: String,
    /// How many of each scenario's dialogues each seat imitates, those in which it scored most; `None`: all.
    pub top: Option<u32>,
    /// Optimiser updates per seat.
    pub updates: u64,
    /// Target of tokens per update.
    pub tokens_per_update: usize,
    /// Highest learning rate; cosine to `lr_floor` of it over `updates`.
    pub lr: f64,
    /// Updates of linear warm-up.
    pub warmup: u64,
    /// Last learning rate as a share of `lr`.
    pub lr_floor: f64,
    /// Loss weight of the partner's tokens; own tokens have 1.
    pub partner_weight: f32,
    /// Share of drill rows (look up a fact, tell a trap from a fair claim) among the samples.
    pub drill_share: f64,
    /// The gate: least share of held-out drills answered right after the cold start, in [0, 1].
    pub probe_min: f64,
}

/// Which seats are updated, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateMode {
    /// Only this seat learns; the other is its fixed opponent everywhere.
    Only(Seat),
    /// Both learn at every step.
    Simultaneous,
    /// `agent_steps` steps for the agent, then one for the user, and so on.
    Alternating {
        /// Agent steps per user step.
        agent_steps: u64,
    },
}

/// How many groups a step plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCounts {
    /// Both seats are models; the group serves both, each baselined apart.
    pub mutual: u32,
    /// Groups of each learning seat against its fixed opponent.
    pub fixed: u32,
}

/// Where a turn's share of the trajectory's advantage comes from (spec userrl §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnCredit {
    /// The turn's own reward.
    Naive,
    /// 1 for each turn.
    Equalized,
    /// Discounted reward to go.
    R2g,
    /// Exponential map of the turn's reward.
    Em,
}

/// How a trajectory is scored (spec userrl §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrajectoryScore {
    /// Sum of the turns' rewards (the paper's "Sum").
    Sum,
    /// Their mean, rounded to 4 decimals (the released code's "Sum").
    Mean,
    /// Discounted sum.
    R2g,
}

/// Over which episodes the standard deviation is taken that advantages are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StdOver {
    /// Over the episode's group: a group whose members hardly differ weighs as much as one whose members differ by far.
    Group,
    /// Over all groups of its scenario in the step, each around its own mean: scenarios weigh alike, and within one the wide groups weigh more.
    Scenario,
}

/// Group-relative policy optimisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrpoSettings {
    /// Steps: each plays groups once and updates each learning seat.
    pub steps: u64,
    /// Episodes per group; at least 2.
    pub group_size: u32,
    /// Least scored episodes for a group to count; at least 2.
    pub group_valid_min: u32,
    /// Groups per step.
    pub groups: GroupCounts,
    /// Who learns when.
    pub mode: UpdateMode,
    /// Highest learning rate; cosine to `lr_floor` of it over `steps`.
    pub lr: f64,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// Last learning rate as a share of `lr`; 1 keeps it constant.
    pub lr_floor: f64,
    /// Optimiser steps per batch.
    pub minibatches: usize,
    /// Sampling temperature in training; above 0. Training samples from the whole distribution (top_p = 1).
    pub temperature: f32,
    /// Turn credit.
    pub turn_credit: TurnCredit,
    /// Trajectory score.
    pub trajectory_score: TrajectoryScore,
    /// Discount of `r2g`, in (0, 1].
    pub gamma: f64,
    /// The constant k of `em`; above 0.
    pub em_k: f64,
    /// Added to the standard deviation; above 0.
    pub std_eps: f64,
    /// Whether advantages are divided by a standard deviation.
    pub normalize_std: bool,
    /// By which.
    pub std_over: StdOver,
    /// Taken off a turn's reward in training if it brought no legal act; at least 0.
    pub malformed_penalty: f64,
    /// Taken off an agent's turn in training that the user had to answer; at least 0.
    pub user_burden: f64,
    /// How often a step plays new groups in place of those whose members all scored the same; 0: they are only counted.
    pub refills_max: u32,
    /// PPO clip below: the ratio is kept above `1 − clip_low`.
    pub clip_low: f64,
    /// PPO clip above: the ratio is kept below `1 + clip_high`.
    pub clip_high: f64,
    /// Dual clip: bound of the loss for negative advantages, as a multiple of the advantage; above 1. `None`: off.
    pub dual_clip: Option<f64>,
    /// Weight of the KL penalty (k3) to the cold-start model; 0 is off.
    pub kl_weight: f64,
    /// AdamW's moments, epsilon and decay, and the largest gradient norm; the cold start uses the same.
    pub optimizer: OptimizerSettings,
}

/// AdamW.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSettings {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay; on matrices only.
    pub weight_decay: f64,
    /// Gradients are scaled down to this norm.
    pub grad_norm_max: f64,
    /// Most tokens in one micro-batch, padding included; cutting differently does not change the gradient.
    pub micro_tokens_max: usize,
}

/// Evaluations inside a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalSettings {
    /// Steps between evaluations; step 0 and the last are always evaluated.
    pub every: u64,
    /// Held-out items.
    pub items: u32,
    /// Trials per item.
    pub trials: u32,
}

/// What is kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointSettings {
    /// Updates between commits during the cold start.
    pub sft_every: u64,
    /// Steps between commits during GRPO.
    pub grpo_every: u64,
    /// Checkpoints kept, newest first; the one after the cold start is always kept. At least 1.
    pub keep: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_the_quickstart_add_up_by_hand() {
        let shape = ModelShape {
            hidden_size: 128,
            num_hidden_layers: 3,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 32,
            intermediate_size: 352,
            max_position_embeddings: 512,
            tie_word_embeddings: true,
            rope_theta: 1e4,
            rms_norm_eps: 1e-6,
            vocab_max: 2048,
        };
        // Query and output 128 x 128 each, key and value 128 x 64 each, three matrices of 128 x 352, four norms; the last norm.
        let layer = 2 * 128 * 128 + 2 * 128 * 64 + 3 * 128 * 352 + 128 + 128 + 32 + 32;
        assert_eq!(shape.parameters(500), 500 * 128 + 3 * layer + 128);
        let untied = ModelShape { tie_word_embeddings: false, ..shape.clone() };
        assert_eq!(untied.parameters(500) - shape.parameters(500), 500 * 128);
        // A key and a value of 2 heads of 32, in each of 3 layers.
        assert_eq!(shape.cached_per_token(), 3 * 2 * 2 * 32);
    }
}
