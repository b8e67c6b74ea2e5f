//! A checked run: what `configs/*.toml` means once every key has been read. `config` fills these in; everybody else only reads them.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sim::Pair;
use sim::Seat;
use sim::Thinking;
use sim::Tools;
use sim::rubric::Juror;

use crate::curriculum::CurriculumSettings;
use crate::isolation::IsolationSettings;
use crate::lora::AdapterSettings;
use crate::monitors::MonitorSettings;
use crate::pool::PoolSettings;
use crate::seats::Seats;

/// Everything `duologue train` needs besides the scenario itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Name of the run; its folder is `runs/NAME` unless `--out` says otherwise.
    pub name: String,
    /// Seed of every address of randomness in the run.
    pub seed: u64,
    /// Bounds and machine.
    pub limits: Limits,
    /// Shape of each seat's model; both seats have models of the same shape. Of a model from a folder, as the folder says, but for its longest stream.
    pub model: ModelShape,
    /// Whether each seat has weights of its own. Left out where it has, so that runs begun before there was a choice go on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub seats: Seats,
    /// What the weights that learn are held and computed in. Adapters are f32 whatever stands under them, and that is [`AdapterSettings::dtype`]'s.
    #[serde(default, skip_serializing_if = "is_f32")]
    pub dtype: Dtype,
    /// The folder that the models start from; `None`: from nothing.
    pub base: Option<BaseFolder>,
    /// The cold start.
    pub sft: SftSettings,
    /// Group-relative policy optimisation.
    pub grpo: GrpoSettings,
    /// Evaluations against fixed opponents.
    pub eval: EvalSettings,
    /// What is kept on disk.
    pub checkpoints: CheckpointSettings,
}

/// Bytes of keys and values of a model that no run file speaks of.
pub const CACHE_BYTES_MAX: usize = 4 << 30;

/// Everything is bounded, and each bound has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Episodes alive at once.
    pub episodes_live_max: usize,
    /// Rows in one batch of a policy.
    pub batch_max: usize,
    /// Mebibytes of keys and values of each model.
    pub cache_mib_max: usize,
    /// Threads of the tensor library for each model; where a step is played beside an update, for each of the two sides.
    pub threads: usize,
    /// Where the models live.
    pub device: Device,
    /// How often an episode is played again that a fault of the infrastructure ended. Left out where it is 0, so that runs begun before there was such a
    /// key go on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reruns_max: u32,
}

impl Limits {
    /// Bytes of keys and values of each model.
    #[must_use]
    pub fn cache_bytes_max(&self) -> usize {
        self.cache_mib_max << 20
    }
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
    /// Single precision.
    #[default]
    F32,
    /// The upper half of it: half the memory. A step of an update is smaller than its spacing, so whatever learns in it has masters in single precision
    /// that take the steps, and is these rounded.
    Bf16,
}

impl Dtype {
    /// Bytes of a number.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Dtype::F32 => 4,
            Dtype::Bf16 => 2,
        }
    }
}

/// What is usual is not written, so that runs begun before there was a choice are still the same runs.
fn is_f32(dtype: &Dtype) -> bool {
    *dtype == Dtype::F32
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

impl RunSettings {
    /// What learns in place of the weights that the models start from; `None`: they learn themselves.
    #[must_use]
    pub fn adapters(&self) -> Option<&AdapterSettings> {
        self.base.as_ref()?.adapters.as_ref()
    }
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

/// A folder of models to start from, known by what is in it: where it lies makes no difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseFolder {
    /// Where it lies: one model's folder, or a checkpoint's with one for each seat.
    #[serde(skip)]
    pub path: PathBuf,
    /// SHA-256 of each seat's model, in hex; `None` where a checkpoint has none, because that seat did not learn.
    pub models: Pair<Option<String>>,
    /// What learns in place of its weights; `None`: they learn themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapters: Option<AdapterSettings>,
    /// What becomes of a seat's earlier thoughts. Only a folder's template may drop any.
    #[serde(default, skip_serializing_if = "keeps")]
    pub thinking: Thinking,
    /// How a seat is told what it may do, where its gym has a tool for it.
    #[serde(default, skip_serializing_if = "Tools::is_prose")]
    pub tools: Tools,
}

/// What is usual is not written, so that runs begun before there was a choice are still the same runs.
fn keeps(thinking: &Thinking) -> bool {
    *thinking == Thinking::Keep
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

/// What is made of the thoughts of a cold start's teacher, in seats that reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thoughts {
    /// They stay as the script writes them, in the form that its gym's rules check.
    #[default]
    Own,
    /// The gym tells them freely, without that form.
    Free,
    /// They are empty: the seat is taught to speak at once.
    None,
}

impl Thoughts {
    /// Whether it is what is usual, and so not written: runs begun before there was a choice are still the same runs.
    #[must_use]
    pub fn are_own(&self) -> bool {
        *self == Thoughts::Own
    }
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
    /// What becomes of the teacher's thoughts.
    #[serde(default, skip_serializing_if = "Thoughts::are_own")]
    pub thoughts: Thoughts,
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

impl UpdateMode {
    /// Which seats are ever updated.
    #[must_use]
    pub fn learning(self) -> Pair<bool> {
        match self {
            UpdateMode::Only(only) => Pair::from_fn(|seat| seat == only),
            UpdateMode::Simultaneous | UpdateMode::Alternating { .. } => Pair { agent: true, user: true },
        }
    }
}

/// How many groups a step plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCounts {
    /// Both seats are models; the group serves both, each baselined apart.
    pub mutual: u32,
    /// Groups of each learning seat against its fixed opponent.
    pub fixed: u32,
}

/// Groups of turns beside those of talks: when a step's talks have been played, some are forked at one turn of a seat that learns, and the alternatives
/// to that turn are judged against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkSettings {
    /// Talks of a step that are forked, for each seat that learns; at least 1.
    pub talks: u32,
    /// Alternatives to the forked turn: the group's members; at least 2.
    pub alternatives: u32,
    /// How often the talk is played on behind each; 0: an alternative is worth what its turn earns by itself.
    pub futures: u32,
    /// Most turns of a future, of both seats together; `None`: to its end.
    pub future_turns: Option<u32>,
    /// Whether the step's talks train as well, and not only their forks.
    pub talks_train: bool,
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
    /// Over all scores of the step around their common mean (Lite PPO, arXiv:2508.08221; REINFORCE++, arXiv:2501.03262). Groups without a
    /// difference count in it.
    Batch,
}

/// What a trajectory's score is measured against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// The mean of its group (GRPO, arXiv:2402.03300).
    #[default]
    Group,
    /// The mean of the others of its group (RLOO, arXiv:2402.14740): n / (n − 1) times the distance from the group's mean.
    LeaveOneOut,
    /// The mean of all the seat's scores in the step (REINFORCE++, arXiv:2501.03262). A group whose members scored alike teaches too.
    Batch,
    /// A moving mean of the seat's scores in the scenario, as it was before each ([`crate::moving`]; SPIRAL, arXiv:2506.24119). A group whose members
    /// scored alike teaches too.
    Moving,
}

impl Baseline {
    /// Whether a score is measured against more than its group, so that a group without a difference teaches too.
    #[must_use]
    pub fn is_beyond_group(self) -> bool {
        match self {
            Baseline::Group | Baseline::LeaveOneOut => false,
            Baseline::Batch | Baseline::Moving => true,
        }
    }
}

/// How the terms of a seat's reward become one advantage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Their weighted sum is scored and normalised.
    #[default]
    SumThenNormalize,
    /// Each term is scored and normalised within its group, the results are added by weight, and the sums normalised over the step (GDPO,
    /// arXiv:2601.05242): a term of small spread is not drowned by one of large spread.
    NormalizeThenSum,
}

/// Whose rewards train a seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardsOf {
    /// Its own, and what both earn together.
    #[default]
    Seat,
    /// All that either seat earns, in one sum that is the same for both: without roles, as in the ablation of MADPL (arXiv:2004.03809).
    Both,
}

/// What is done about turns that the seat's `tokens_max` cut, or that came close to it (DAPO, arXiv:2503.14476 §3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overlong {
    /// Whether the tokens of turns that were cut train nobody: whether such a turn was bad is not known.
    pub filter: bool,
    /// What is taken off turns that come close; `None`: nothing.
    pub penalty: Option<OverlongPenalty>,
}

/// Soft overlong punishment: nothing up to `tokens_max − cache` tokens, then in proportion, all of `amount` from `tokens_max` on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverlongPenalty {
    /// Taken off the turn's reward at most; above 0.
    pub amount: f64,
    /// Tokens of a turn from which all of it is taken; the L_max of the paper.
    pub tokens_max: u32,
    /// Tokens before that over which it grows; at least 1, at most `tokens_max`. The L_cache of the paper.
    pub cache: u32,
}

/// How the ratio of a token's probabilities, now over then, is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ratio {
    /// Of the token alone (PPO, arXiv:1707.06347).
    #[default]
    Token,
    /// Of all own tokens of the trajectory, their geometric mean: one ratio for all of them (GSPO, arXiv:2507.18071 eq. 7).
    Sequence,
    /// Of all own tokens of the trajectory, their product: the trajectory as one action (RLOO, arXiv:2402.14740).
    Product,
}

/// What the bounds of the ratio hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// The objective: beyond a bound that the advantage pushes against, a token has no gradient (PPO).
    #[default]
    Objective,
    /// The weight of the token's score, which has no gradient of its own: every token keeps its gradient, and none a large one (CISPO,
    /// arXiv:2506.13585 eq. 4).
    Weight,
}

/// What the sum over tokens is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalizer {
    /// The own tokens of the optimiser step: every token weighs alike (DAPO, arXiv:2503.14476 eq. 8).
    #[default]
    Tokens,
    /// First the trajectory's own tokens, then the number of trajectories: every trajectory weighs alike (GRPO, arXiv:2402.03300 eq. 3).
    Sequences,
    /// The number of trajectories times a constant: length weighs nothing in and nothing out (Dr. GRPO, arXiv:2503.20783).
    Fixed {
        /// The constant; at least 1.
        tokens: u32,
    },
}

/// The estimate of the divergence from the reference, of one token (Schulman 2020, "Approximating KL divergence"), and where it is taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kl {
    /// log π_old − log π_ref, off the token's advantage: as a loss its gradient would be 0 on the average (REINFORCE++).
    K1,
    /// (log π − log π_ref)² / 2, in the loss.
    K2,
    /// ρ − 1 − log ρ with ρ = π_ref / π, in the loss (GRPO).
    #[default]
    K3,
}

/// How far the correction between sampler and learner reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Each token by its own ratio.
    Token,
    /// All own tokens of a trajectory by the product of their ratios.
    Sequence,
}

/// What becomes of a correction out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// It is cut to the bound (TIS, <https://fengyao.notion.site/off-policy-rl>).
    Truncate,
    /// The tokens train nobody (MIS and IcePop, <https://ringtech.notion.site/icepop>).
    Mask,
}

/// Correction of what the sampler's arithmetic, or its older weights, make of a probability. The policy loss of a token is multiplied by π_old / π_sampled:
/// π_old is computed by the learner before its first optimiser step, π_sampled was recorded. The ratio of the loss is then π / π_old.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Of tokens or of trajectories.
    pub level: Level,
    /// What happens out of bounds.
    pub beyond: Beyond,
    /// Least correction; at least 0, which is no bound.
    pub min: f64,
    /// Greatest correction; above `min`.
    pub max: f64,
}

/// The part of the learning rule that works token by token: ratio and clip, normaliser, divergence, correction, entropy. The defaults are those of
/// the quickstart; the formula stands in [`crate::loss`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossRule {
    /// Which ratio.
    pub ratio: Ratio,
    /// What its bounds hold.
    pub clip: Clip,
    /// What the sum is divided by.
    pub normalizer: Normalizer,
    /// Which estimate `kl_weight` weighs.
    pub kl: Kl,
    /// Correction between sampler and learner; `None`: off, and the ratio is π / π_sampled.
    pub importance: Option<Importance>,
    /// Weight of the mean entropy of own tokens, which is taken off the loss; 0 is off.
    pub entropy_weight: f64,
}

/// Schedules of co-training: whom and what a step plays, by what came of the steps before it ([`crate::outlook`]). `None`: as the shares and weights say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cotraining {
    /// Whom a seat meets in its fixed groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolSettings>,
    /// Which scenarios are played more often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curriculum: Option<CurriculumSettings>,
    /// Which items are played again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<IsolationSettings>,
    /// Weight of the term that pays the user for groups in which the agent succeeds half the time ([`crate::difficulty`]); 0 is off.
    #[serde(skip_serializing_if = "is_off")]
    pub difficulty_weight: f64,
}

fn is_off(weight: &f64) -> bool {
    *weight == 0.0
}

impl Cotraining {
    /// Whether there is none of it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Cotraining::default()
    }

    /// Whether a step is planned by what came of those before it.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        self.pool.is_some() || self.curriculum.is_some() || self.isolation.is_some()
    }
}

/// What of the cold start is learned once more beside each update of GRPO ([`crate::batch::Replay`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplaySettings {
    /// Share of an update's loss tokens that are the cold start's, in (0, 1); at one half there are as many of them as were sampled.
    pub share: f64,
    /// Weight of their mean loss beside the policy's; above 0.
    pub weight: f64,
}

impl ReplaySettings {
    /// How much weight of tokens is imitated beside a batch whose own tokens weigh so much.
    #[must_use]
    pub fn beside(&self, own: f64) -> f64 {
        own * self.share / (1.0 - self.share)
    }
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
    /// Groups of turns; `None`: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forks: Option<ForkSettings>,
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
    /// What a score is measured against.
    pub baseline: Baseline,
    /// How several terms of a reward become one advantage. `NormalizeThenSum` has its own normalisation: `baseline`, `normalize_std` and `std_over` are
    /// not read.
    pub aggregation: Aggregation,
    /// λ: rewards of kind `shared` are normalised apart from the seat's own and added with this weight, z = z(own) + λ z(shared), with a baseline of the
    /// group (MADPL's hybrid value network as GRPO can have it, arXiv:2004.03809). `None`: they are added to the seat's own before. Left out where there is
    /// none, so that runs begun before there was such a key go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_weight: Option<f64>,
    /// Whose rewards train a seat. Left out where it is the seat's own, so that runs begun before there was such a key go on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rewards_of: RewardsOf,
    /// What is done about turns that were cut, or nearly.
    pub overlong: Overlong,
    /// Taken off a turn's reward in training if it brought no legal act; at least 0.
    pub malformed_penalty: f64,
    /// Taken off an agent's turn in training that the user had to answer; at least 0.
    pub user_burden: f64,
    /// With it, a talk that the user spoiled teaches the agent nothing and is a bad example of the user's ([`crate::spoiled`]): at least 0, and taken off the
    /// least score of its group. `None`: such a talk trains as others do. Left out then, so that runs begun before there was such a key go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoiled_penalty: Option<f64>,
    /// How often a step plays new groups in place of those whose members all scored the same; 0: they are only counted.
    pub refills_max: u32,
    /// How many updates the weights that play a step may be behind those that learn from it. 0: a step is played when the last update is done; else it is
    /// played beside the update so many steps before it. It is left out where it is 0, so that runs begun before there was such a key go on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub staleness_max: u32,
    /// What is played by what was played before. It is left out where it is empty, so that runs begun before there was such a key go on.
    #[serde(default, skip_serializing_if = "Cotraining::is_plain")]
    pub cotraining: Cotraining,
    /// Samples of the cold start beside each update; `None`: there are none. It is left out then, so that runs begun before there was such a key go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplaySettings>,
    /// What the run is watched for; `None`: nothing but what is wrong in any run. It changes no number of a run, so a run may go on with another.
    #[serde(skip)]
    pub monitors: Option<MonitorSettings>,
    /// PPO clip below: the ratio is kept above `1 − clip_low`.
    pub clip_low: f64,
    /// PPO clip above: the ratio is kept below `1 + clip_high`.
    pub clip_high: f64,
    /// Dual clip: bound of the loss for negative advantages, as a multiple of the advantage; above 1. `None`: off.
    pub dual_clip: Option<f64>,
    /// Weight of the KL penalty to the cold-start model; 0 is off.
    pub kl_weight: f64,
    /// What the loss is made of besides.
    pub loss: LossRule,
    /// AdamW's moments, epsilon and decay, and the largest gradient norm; the cold start uses the same.
    pub optimizer: OptimizerSettings,
}

impl GrpoSettings {
    /// How often a step plays new groups in place of those whose members all scored the same: never where talks train nobody.
    #[must_use]
    pub fn refills(&self) -> u32 {
        if self.forks.is_none_or(|forks| forks.talks_train) { self.refills_max } else { 0 }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalSettings {
    /// Steps between evaluations; step 0 and the last are always evaluated.
    pub every: u64,
    /// Held-out items.
    pub items: u32,
    /// Trials per item.
    pub trials: u32,
    /// Who judges evaluations by the scenarios' rubrics; `None`: nobody, so what judges give is not measured there.
    pub judge: Option<Juror>,
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
    fn a_share_of_the_loss_tokens_is_so_many_beside_what_was_sampled() {
        let beside = |share| ReplaySettings { share, weight: 1.0 }.beside(120.0);
        assert_eq!([beside(0.5), beside(0.25), beside(0.75)], [120.0, 40.0, 360.0]);
    }

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
