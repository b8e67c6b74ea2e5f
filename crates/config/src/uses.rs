//! Who uses which key of a run file, and what each comes to in a run. The one source of `duologue plan`; a test holds it against the raw types
//! that read the file, so a key that is added there and not here is noticed.

use rl::LoraShape;
use rl::Mix;
use rl::RunSettings;
use rl::Seats;
use rl::lora::Targets;
use rl::monitors::OnAlarm;
use rl::pool::PoolSettings;
use rl::settings::Aggregation;
use rl::settings::Baseline;
use rl::settings::Beyond;
use rl::settings::Clip;
use rl::settings::Device;
use rl::settings::Dtype;
use rl::settings::GrpoSettings;
use rl::settings::Importance;
use rl::settings::Kl;
use rl::settings::Level;
use rl::settings::Normalizer;
use rl::settings::Ratio;
use rl::settings::RecordedFolder;
use rl::settings::RewardsOf;
use rl::settings::StdOver;
use rl::settings::TrajectoryScore;
use rl::settings::TurnCredit;
use rl::settings::UpdateMode;
use serde_json::Value;
use serde_json::json;
use sim::Seat;

use crate::ConfigErrors;
use crate::Source;
use crate::load::Sources;
use crate::node::Node;
use crate::node::Origin;
use crate::node::Value as NodeValue;

/// Where an effective value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// On this line of the run file, from 1.
    Line(usize),
    /// In a `--set`, or another flag that stands for one.
    Set,
    /// Nowhere: it is the default.
    Default,
}

/// One key of a run file in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyUse {
    /// Its path, e.g. `grpo.lr`.
    pub key: &'static str,
    /// Its effective value; `None` if the key has no effect in this run, so that nobody uses it.
    pub value: Option<Value>,
    /// Where it comes from.
    pub written: Written,
    /// Who uses it.
    pub used_by: &'static str,
    /// What for.
    pub purpose: &'static str,
}

/// Every key of a run file, in the order of [`RunSettings`], with what it comes to in this run.
///
/// # Errors
/// If the sources are not the ones that `settings` was read from.
pub fn key_uses(settings: &RunSettings, mix: &Mix, sources: &Sources) -> Result<Vec<KeyUse>, ConfigErrors> {
    let mut root = Node::parse(&sources.run)?;
    for assignment in &sources.overrides {
        root.set(assignment)?;
    }
    let used = |row: &Row| KeyUse {
        key: row.key,
        value: match row.key {
            "scenario" | "mix" => root.get(row.key).and_then(|_| played(row.key, mix, sources)),
            "opponents.agent" => across(Seat::Agent, settings, mix),
            "opponents.user" => across(Seat::User, settings, mix),
            "preset" => some(preset(&root)),
            key if is_of_cold_start(key) && settings.sft.updates == 0 => None,
            _ => (row.value)(settings),
        },
        written: match root.get(row.key).map(|node| node.origin) {
            Some(Origin::Line(line)) => Written::Line(line),
            Some(Origin::Set) => Written::Set,
            None => Written::Default,
        },
        used_by: row.used_by,
        purpose: row.purpose,
    };
    Ok(ROWS.iter().map(used).collect())
}

/// The value of `scenario` or `mix`: a run has one of the two.
fn played(key: &str, mix: &Mix, sources: &Sources) -> Option<Value> {
    let path = |source: &Source| json!(source.path.display().to_string());
    match (key, &sources.scenarios[..]) {
        ("scenario", [alone]) => Some(path(alone)),
        ("mix", parts) => {
            let parts = parts.iter().zip(mix.parts());
            Some(parts.map(|(source, part)| json!({ "scenario": path(source), "weight": part.weight })).collect())
        }
        _ => None,
    }
}

/// Who sits across from the models at `seat`, in each scenario unless it is the same in all; `None` if that seat always learns.
fn across(seat: Seat, settings: &RunSettings, mix: &Mix) -> Option<Value> {
    let mut policies: Vec<&str> = mix.parts().iter().map(|part| part.opponents[seat].policy.as_str()).collect();
    policies.dedup();
    match policies[..] {
        _ if settings.grpo.mode == UpdateMode::Only(seat) => None,
        [everywhere] => Some(json!(everywhere)),
        _ => Some(json!(policies)),
    }
}

/// Whether a key has no effect without a cold start.
fn is_of_cold_start(key: &str) -> bool {
    key.starts_with("sft.") && key != "sft.updates"
}

/// The preset's name as it is written. What it comes to, the other keys say.
fn preset(root: &Node) -> String {
    match root.get("preset").map(|node| &node.value) {
        Some(NodeValue::Text(name)) => name.clone(),
        _ => "quickstart".to_owned(),
    }
}

struct Row {
    key: &'static str,
    used_by: &'static str,
    purpose: &'static str,
    value: fn(&RunSettings) -> Option<Value>,
}

const fn row(
    key: &'static str,
    used_by: &'static str,
    purpose: &'static str,
    value: fn(&RunSettings) -> Option<Value>,
) -> Row {
    Row { key, used_by, purpose, value }
}

/// Who samples and who updates, one of each for each model.
const MODELS: &str = "policy servers, learners";
/// No actor, but who gives the actors their work: castings, batches, commits.
const LOOP: &str = "training loop";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Its value is a path, which is no setting: see `key_uses`.
    row("scenario", "everybody", "what is played", |_| None),
    row("mix", "everybody", "what is played, by shares", |_| None),
    row("opponents.agent", "agent seats", "whom the user meets where it learns alone or is measured", |_| None),
    row("opponents.user", "user seats", "whom the agent meets where it learns alone or is measured", |_| None),
    row("name", "run folder, learners", "the folder runs/NAME, and the name in model folders", |s| some(s.name.as_str())),
    row("preset", "whoever reads the file", "whose defaults the keys of `grpo` and `optimizer` have", |_| None),
    row("seed", "everybody who draws", "every address of randomness", |s| some(s.seed)),
    row("limits.episodes_live_max", "supervisor", "episodes alive at once", |s| some(s.limits.episodes_live_max)),
    row("limits.batch_max", "policy servers", "rows sampled at once", |s| some(s.limits.batch_max)),
    row("limits.cache_mib_max", "policy servers", "mebibytes of keys and values, of each model", |s| some(s.limits.cache_mib_max)),
    row("limits.threads", MODELS, "threads of the tensor library, for each model", |s| some(s.limits.threads)),
    row("limits.device", MODELS, "where the models live", |s| some(device(s.limits.device))),
    row("limits.reruns_max", "supervisor", "how often an episode is played again after a fault of the infrastructure", |s| some(s.limits.reruns_max)),
    row("model.from", MODELS, "the folder that the models start from", |s| s.base.as_ref().map(|base| json!(base.path.display().to_string()))),
    row("model.lora.rank", MODELS, "width of the adapters' matrices", |s| lora(s, |shape| json!(shape.rank))),
    row("model.lora.alpha", MODELS, "scale of what adapters add, times the rank", |s| lora(s, |shape| json!(shape.alpha))),
    row("model.lora.targets", MODELS, "linear layers that have adapters", |s| lora(s, |shape| match &shape.targets {
        Targets::AllLinear => json!("all-linear"),
        Targets::Named(names) => json!(names),
    })),
    row("model.lora.rank_stabilized", MODELS, "whether the scale falls with the rank's root", |s| lora(s, |shape| json!(shape.rank_stabilized))),
    row("model.dtype", MODELS, "what weights are held and computed in", |s| some(dtype(s.adapters().map_or(s.dtype, |adapters| adapters.dtype)))),
    row("model.seats", MODELS, "whether each seat has weights of its own, or one model speaks for both", |s| some(match s.seats {
        Seats::Apart => "apart",
        Seats::One => "one",
    })),
    row("model.thinking", "seats, training loop", "whether earlier thoughts stay in what a model reads", |s| s.base.as_ref().map(|base| json!(base.thinking))),
    row("model.tools", "seats, cold start", "whether acts are written, or calls of a tool that the template announces", |s| s.base.as_ref().map(|base| json!(base.tools))),
    row("model.hidden_size", MODELS, "width of the residual stream", |s| shape(s, s.model.hidden_size)),
    row("model.num_hidden_layers", MODELS, "layers", |s| shape(s, s.model.num_hidden_layers)),
    row("model.num_attention_heads", MODELS, "query heads", |s| shape(s, s.model.num_attention_heads)),
    row("model.num_key_value_heads", MODELS, "key and value heads", |s| shape(s, s.model.num_key_value_heads)),
    row("model.head_dim", MODELS, "width of one head", |s| shape(s, s.model.head_dim)),
    row("model.intermediate_size", MODELS, "width of the feed-forward layer", |s| shape(s, s.model.intermediate_size)),
    row("model.max_position_embeddings", MODELS, "longest stream, in tokens", |s| some(s.model.max_position_embeddings)),
    row("model.tie_word_embeddings", MODELS, "whether the output layer is the embedding", |s| shape(s, s.model.tie_word_embeddings)),
    row("model.rope_theta", MODELS, "base of the rotary embedding", |s| shape(s, s.model.rope_theta)),
    row("model.rms_norm_eps", MODELS, "epsilon of RMSNorm", |s| shape(s, s.model.rms_norm_eps)),
    row("model.vocab_max", "cold start", "most entries of the tokenizer it trains", |s| shape(s, s.model.vocab_max)),
    row("sft.records", "cold start", "folders of episodes that are imitated", |s| {
        let folder = |folder: &RecordedFolder| json!(folder.path.display().to_string());
        Some(s.sft.records.iter().map(folder).collect())
    }),
    row("sft.top", "cold start", "the best so many of each scenario, for each seat", |s| Some(s.sft.top.map_or(json!("all"), |top| json!(top)))),
    row("sft.dialogues", "cold start", "talks of the teacher with itself", |s| s.sft.records.is_empty().then(|| json!(s.sft.dialogues))),
    row("sft.teacher", "cold start", "the script that is imitated", |s| s.sft.records.is_empty().then(|| json!(s.sft.teacher))),
    row("sft.thoughts", "cold start", "what becomes of the teacher's thoughts", |s| s.sft.records.is_empty().then(|| json!(s.sft.thoughts))),
    row("sft.updates", "cold start", "updates of the cold start, for each seat", |s| some(s.sft.updates)),
    row("sft.tokens_per_update", "cold start", "tokens of one batch", |s| some(s.sft.tokens_per_update)),
    row("sft.lr", "cold start", "highest learning rate of the cold start", |s| some(s.sft.lr)),
    row("sft.warmup", "cold start", "updates of warm-up", |s| some(s.sft.warmup)),
    row("sft.lr_floor", "cold start", "last learning rate, as a share of the highest", |s| some(s.sft.lr_floor)),
    row("sft.partner_weight", "cold start, learners", "loss weight of the partner's words", |s| some(short(s.sft.partner_weight))),
    row("sft.drill_share", "cold start", "share of drills among the samples", |s| some(s.sft.drill_share)),
    row("sft.probe_min", "gate", "held-out drills to be answered right", |s| some(s.sft.probe_min)),
    row("grpo.steps", LOOP, "steps: groups played, then one update a seat", |s| some(s.grpo.steps)),
    row("grpo.group_size", LOOP, "episodes of a group", |s| some(s.grpo.group_size)),
    row("grpo.group_valid_min", LOOP, "least scored episodes for a group to count", |s| some(s.grpo.group_valid_min)),
    row("grpo.groups.mutual", LOOP, "groups a step in which the models meet", |s| some(s.grpo.groups.mutual)),
    row("grpo.groups.fixed", LOOP, "groups a step of each learning seat against its fixed opponent", |s| some(s.grpo.groups.fixed)),
    row("grpo.forks.talks", LOOP, "talks a step forked at one turn, for each learning seat", |s| some(s.grpo.forks.map_or(0, |forks| forks.talks))),
    row("grpo.forks.alternatives", LOOP, "alternatives to the forked turn", |s| s.grpo.forks.map(|forks| json!(forks.alternatives))),
    row("grpo.forks.futures", LOOP, "how often the talk is played on behind each", |s| s.grpo.forks.map(|forks| json!(forks.futures))),
    row("grpo.forks.future_turns", LOOP, "most turns of a future; 0: to its end", |s| {
        s.grpo.forks.filter(|forks| forks.futures > 0).map(|forks| json!(forks.future_turns.unwrap_or(0)))
    }),
    row("grpo.forks.talks_train", LOOP, "whether the talks train beside their forks", |s| s.grpo.forks.map(|forks| json!(forks.talks_train))),
    row("grpo.mode", LOOP, "which seats learn when", |s| some(mode(s.grpo.mode))),
    row("grpo.agent_steps", LOOP, "steps of the agent to one of the user", |s| match s.grpo.mode {
        UpdateMode::Alternating { agent_steps } => some(agent_steps),
        UpdateMode::Only(_) | UpdateMode::Simultaneous => None,
    }),
    row("grpo.lr", LOOP, "highest learning rate", |s| some(s.grpo.lr)),
    row("grpo.warmup", LOOP, "steps of warm-up", |s| some(s.grpo.warmup)),
    row("grpo.lr_floor", LOOP, "last learning rate, as a share of the highest", |s| some(s.grpo.lr_floor)),
    row("grpo.minibatches", "learners", "optimiser steps of one update", |s| some(s.grpo.minibatches)),
    row("grpo.temperature", MODELS, "sampling in training, and the loss of what was sampled", |s| some(short(s.grpo.temperature))),
    row("grpo.turn_credit", LOOP, "a turn's share of its trajectory's advantage", |s| some(credit(s.grpo.turn_credit))),
    row("grpo.trajectory_score", LOOP, "a trajectory's score within its group", |s| some(score(s.grpo.trajectory_score))),
    row("grpo.gamma", LOOP, "discount of r2g", |s| {
        let used = s.grpo.turn_credit == TurnCredit::R2g || s.grpo.trajectory_score == TrajectoryScore::R2g;
        used.then(|| json!(s.grpo.gamma))
    }),
    row("grpo.em_k", LOOP, "steepness of em", |s| (s.grpo.turn_credit == TurnCredit::Em).then(|| json!(s.grpo.em_k))),
    row("grpo.std_eps", LOOP, "added to the standard deviation", |s| (s.grpo.normalize_std || !sums_first(&s.grpo)).then(|| json!(s.grpo.std_eps))),
    row("grpo.normalize_std", LOOP, "whether advantages are divided by it", |s| sums_first(&s.grpo).then(|| json!(s.grpo.normalize_std))),
    row("grpo.std_over", LOOP, "by which: the group's, its scenario's or the step's", |s| {
        (s.grpo.normalize_std && sums_first(&s.grpo)).then(|| json!(std_over(s.grpo.std_over)))
    }),
    row("grpo.baseline", LOOP, "what a score is measured against", |s| sums_first(&s.grpo).then(|| json!(baseline(s.grpo.baseline)))),
    row("grpo.aggregation", LOOP, "how terms of a reward become one advantage", |s| some(if sums_first(&s.grpo) { "sum_then_normalize" } else { "normalize_then_sum" })),
    row("grpo.shared_weight", LOOP, "weight of what both seats earn together, normalised apart", |s| s.grpo.shared_weight.map(|weight| json!(weight))),
    row("grpo.rewards_of", LOOP, "whose rewards train a seat", |s| some(match s.grpo.rewards_of {
        RewardsOf::Seat => "seat",
        RewardsOf::Both => "both",
    })),
    row("grpo.overlong_filter", LOOP, "whether turns that were cut train nobody", |s| some(s.grpo.overlong.filter)),
    row("grpo.overlong_penalty", LOOP, "off the reward of a turn that is too long; 0 is off", |s| some(s.grpo.overlong.penalty.map_or(0.0, |penalty| penalty.amount))),
    row("grpo.overlong_tokens", LOOP, "tokens from which all of it is taken", |s| s.grpo.overlong.penalty.map(|penalty| json!(penalty.tokens_max))),
    row("grpo.overlong_cache", LOOP, "tokens before that over which it grows", |s| s.grpo.overlong.penalty.map(|penalty| json!(penalty.cache))),
    row("grpo.malformed_penalty", LOOP, "off the reward of a turn without a legal act", |s| some(s.grpo.malformed_penalty)),
    row("grpo.user_burden", LOOP, "off an agent's turn that the user had to answer", |s| some(s.grpo.user_burden)),
    row("grpo.spoiled_penalty", LOOP, "off the least score of its group, for the user of a talk that it spoiled, which then teaches the agent nothing", |s| s.grpo.spoiled_penalty.map(|penalty| json!(penalty))),
    row("grpo.refills_max", LOOP, "how often a step replaces groups without a difference", |s| {
        (!s.grpo.baseline.is_beyond_group() || !sums_first(&s.grpo)).then(|| json!(s.grpo.refills_max))
    }),
    row("grpo.pool.latest", LOOP, "share of the partner as it is, in groups that serve one seat", |s| pool(s, |pool| json!(pool.latest))),
    row("grpo.pool.history", LOOP, "share of its snapshots there", |s| pool(s, |pool| json!(pool.history))),
    row("grpo.pool.fixed", LOOP, "share of the fixed opponent there", |s| pool(s, |pool| json!(pool.fixed))),
    row("grpo.pool.every", LOOP, "steps between snapshots", |s| pool(s, |pool| json!(pool.every))),
    row("grpo.pool.keep", LOOP, "snapshots of each seat that can be met", |s| pool(s, |pool| json!(pool.keep))),
    row("grpo.pool.priority", LOOP, "which of them are met more often", |s| pool(s, |pool| json!(pool.priority))),
    row("grpo.curriculum.target", LOOP, "share of successes that is aimed at", |s| s.grpo.cotraining.curriculum.map(|curriculum| json!(curriculum.target))),
    row("grpo.curriculum.every", LOOP, "steps between weights of scenarios", |s| s.grpo.cotraining.curriculum.map(|curriculum| json!(curriculum.every))),
    row("grpo.isolation.share", LOOP, "share of groups that play items again that failed", |s| s.grpo.cotraining.isolation.map(|isolation| json!(isolation.share))),
    row("grpo.isolation.keep", LOOP, "items that failed and are remembered", |s| s.grpo.cotraining.isolation.map(|isolation| json!(isolation.keep))),
    row("grpo.replay.share", "training loop, learners", "share of an update's loss tokens that are the cold start's", |s| s.grpo.replay.map(|replay| json!(replay.share))),
    row("grpo.replay.weight", "learners", "weight of their loss beside the policy's", |s| s.grpo.replay.map(|replay| json!(replay.weight))),
    row("grpo.difficulty_weight", LOOP, "weight of what pays the user for groups of which the agent wins half", |s| {
        let effective = s.grpo.baseline.is_beyond_group() && sums_first(&s.grpo) && s.grpo.mode != UpdateMode::Only(Seat::Agent);
        effective.then(|| json!(s.grpo.cotraining.difficulty_weight))
    }),
    row("grpo.monitors.on_alarm", LOOP, "what an alarm does", |s| s.grpo.monitors.as_ref().map(|monitors| match monitors.on_alarm {
        OnAlarm::Stop => json!("stop"),
        OnAlarm::Warn => json!("warn"),
    })),
    row("grpo.monitors.start", LOOP, "steps whose mean is the run's own start", |s| s.grpo.monitors.as_ref().map(|monitors| json!(monitors.start))),
    row("grpo.monitors.patience", LOOP, "steps whose mean is held against the bounds", |s| s.grpo.monitors.as_ref().map(|monitors| json!(monitors.patience))),
    row("grpo.monitors.entropy_min", LOOP, "least entropy, as a share of its start", |s| bound(s, "entropy_min")),
    row("grpo.monitors.thought_min", LOOP, "least length of thoughts, as a share of its start", |s| bound(s, "thought_min")),
    row("grpo.monitors.thought_max", LOOP, "greatest length of thoughts, as a multiple of its start", |s| bound(s, "thought_max")),
    row("grpo.monitors.repetition_max", LOOP, "greatest share of turns that repeat an earlier one", |s| bound(s, "repetition_max")),
    row("grpo.monitors.distinct_min", LOOP, "least share of turns that differ, as a share of its start", |s| bound(s, "distinct_min")),
    row("grpo.monitors.correlation_min", LOOP, "least correlation of a score with what else is paid", |s| bound(s, "correlation_min")),
    row("grpo.monitors.balance_max", LOOP, "greatest distance of the seats' shares of successes", |s| bound(s, "balance_max")),
    row("grpo.monitors.manipulation_max", LOOP, "greatest share of the agent's turns that set a trap", |s| bound(s, "manipulation_max")),
    row("grpo.monitors.suspicion_max", LOOP, "greatest share of fair lines that the user counters", |s| bound(s, "suspicion_max")),
    row("grpo.monitors.fault_rise_max", LOOP, "how far the share of talks that the user spoils may rise", |s| bound(s, "fault_rise_max")),
    row("grpo.staleness_max", "training loop, policy servers", "updates by which the weights that play may be behind; 0: play and learn in turns", |s| some(s.grpo.staleness_max)),
    row("grpo.ratio", "learners", "which ratio of probabilities: a token's, or its trajectory's", |s| some(ratio(s.grpo.loss.ratio))),
    row("grpo.clip", "learners", "what its bounds hold", |s| some(clip(s.grpo.loss.clip))),
    row("grpo.clip_low", "learners", "the ratio is kept above 1 less this", |s| some(s.grpo.clip_low)),
    row("grpo.clip_high", "learners", "the ratio is kept below 1 plus this", |s| some(s.grpo.clip_high)),
    row("grpo.dual_clip", "learners", "bound of the loss of a negative advantage; 0 is off", |s| {
        (s.grpo.loss.clip == Clip::Objective).then(|| json!(s.grpo.dual_clip.unwrap_or(0.0)))
    }),
    row("grpo.normalizer", "learners", "what the sum over tokens is divided by", |s| some(normalizer(s.grpo.loss.normalizer))),
    row("grpo.normalizer_tokens", "learners", "the constant of fixed", |s| match s.grpo.loss.normalizer {
        Normalizer::Fixed { tokens } => some(tokens),
        Normalizer::Tokens | Normalizer::Sequences => None,
    }),
    row("grpo.kl_weight", "learners", "penalty for leaving the cold-start model; 0 is off", |s| some(s.grpo.kl_weight)),
    row("grpo.kl", "learners", "which estimate of the divergence", |s| (s.grpo.kl_weight > 0.0).then(|| json!(kl(s.grpo.loss.kl)))),
    row("grpo.importance", "learners", "correction between sampler and learner", |s| some(importance(s.grpo.loss.importance))),
    row("grpo.importance_min", "learners", "least correction", |s| s.grpo.loss.importance.map(|importance| json!(importance.min))),
    row("grpo.importance_max", "learners", "greatest correction", |s| s.grpo.loss.importance.map(|importance| json!(importance.max))),
    row("grpo.entropy_weight", "learners", "bonus for entropy; 0 is off", |s| some(s.grpo.loss.entropy_weight)),
    row("optimizer.beta1", "learners", "how much of the first moment is kept", |s| some(s.grpo.optimizer.beta1)),
    row("optimizer.beta2", "learners", "how much of the second moment is kept", |s| some(s.grpo.optimizer.beta2)),
    row("optimizer.eps", "learners", "added to the root of the second moment", |s| some(s.grpo.optimizer.eps)),
    row("optimizer.weight_decay", "learners", "decay of matrices, times the learning rate", |s| some(s.grpo.optimizer.weight_decay)),
    row("optimizer.grad_norm_max", "learners", "gradients are scaled down to this norm", |s| some(s.grpo.optimizer.grad_norm_max)),
    row("optimizer.micro_tokens_max", "learners", "tokens computed at once; bounds memory", |s| some(s.grpo.optimizer.micro_tokens_max)),
    row("eval.every", LOOP, "steps between evaluations", |s| some(s.eval.every)),
    row("eval.items", LOOP, "held-out items of an evaluation", |s| some(s.eval.items)),
    row("eval.trials", LOOP, "trials of each item", |s| some(s.eval.trials)),
    row("eval.judge", "judges", "who judges evaluations by a rubric", |s| s.eval.judge.as_ref().map(|judge| json!(judge.policy))),
    row("eval.judge_family", "judges", "the family it is of: none that judges training", |s| s.eval.judge.as_ref().map(|judge| json!(judge.family))),
    row("checkpoints.sft_every", "training loop, recorder, learners", "updates between commits in the cold start", |s| some(s.checkpoints.sft_every)),
    row("checkpoints.grpo_every", "training loop, recorder, learners", "steps between commits", |s| some(s.checkpoints.grpo_every)),
    row("checkpoints.keep", LOOP, "newest checkpoints kept, besides the one after the cold start", |s| some(s.checkpoints.keep)),
];

/// What a folder decides, if the models start from one.
fn shape(settings: &RunSettings, value: impl Into<Value>) -> Option<Value> {
    settings.base.is_none().then(|| value.into())
}

/// What is said of adapters, if there are any.
fn lora(settings: &RunSettings, value: fn(&LoraShape) -> Value) -> Option<Value> {
    settings.adapters().map(|adapters| value(&adapters.shape))
}

/// What is said of a pool, if there is one.
fn pool(settings: &RunSettings, value: fn(&PoolSettings) -> Value) -> Option<Value> {
    settings.grpo.cotraining.pool.as_ref().map(value)
}

/// How far something that is watched may go.
fn bound(settings: &RunSettings, key: &str) -> Option<Value> {
    let bounds = &settings.grpo.monitors.as_ref()?.bounds;
    bounds.iter().find(|bound| bound.watch.key == key).map(|bound| json!(bound.value))
}

fn some(value: impl Into<Value>) -> Option<Value> {
    Some(value.into())
}

/// As it was written: 0.2, and not the 0.20000000298 that f32 makes of it.
fn short(value: f32) -> f64 {
    value.to_string().parse().expect("a number that was printed can be read")
}

fn device(device: Device) -> &'static str {
    match device {
        Device::Auto => "auto",
        Device::Cpu => "cpu",
        Device::Cuda => "cuda",
    }
}

fn dtype(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "f32",
        Dtype::Bf16 => "bf16",
    }
}

fn mode(mode: UpdateMode) -> &'static str {
    match mode {
        UpdateMode::Only(seat) => seat.name(),
        UpdateMode::Simultaneous => "simultaneous",
        UpdateMode::Alternating { .. } => "alternating",
    }
}

fn credit(credit: TurnCredit) -> &'static str {
    match credit {
        TurnCredit::Naive => "naive",
        TurnCredit::Equalized => "equalized",
        TurnCredit::R2g => "r2g",
        TurnCredit::Em => "em",
    }
}

fn std_over(over: StdOver) -> &'static str {
    match over {
        StdOver::Group => "group",
        StdOver::Scenario => "scenario",
        StdOver::Batch => "batch",
    }
}

fn sums_first(grpo: &GrpoSettings) -> bool {
    grpo.aggregation == Aggregation::SumThenNormalize
}

fn baseline(baseline: Baseline) -> &'static str {
    match baseline {
        Baseline::Group => "group",
        Baseline::LeaveOneOut => "leave_one_out",
        Baseline::Batch => "batch",
        Baseline::Moving => "moving",
    }
}

fn ratio(ratio: Ratio) -> &'static str {
    match ratio {
        Ratio::Token => "token",
        Ratio::Sequence => "sequence",
        Ratio::Product => "product",
    }
}

fn clip(clip: Clip) -> &'static str {
    match clip {
        Clip::Objective => "objective",
        Clip::Weight => "weight",
    }
}

fn normalizer(normalizer: Normalizer) -> &'static str {
    match normalizer {
        Normalizer::Tokens => "tokens",
        Normalizer::Sequences => "sequences",
        Normalizer::Fixed { .. } => "fixed",
    }
}

fn kl(kl: Kl) -> &'static str {
    match kl {
        Kl::K1 => "k1",
        Kl::K2 => "k2",
        Kl::K3 => "k3",
    }
}

fn importance(importance: Option<Importance>) -> &'static str {
    match importance.map(|importance| (importance.level, importance.beyond)) {
        None => "off",
        Some((Level::Token, Beyond::Truncate)) => "token_truncate",
        Some((Level::Token, Beyond::Mask)) => "token_mask",
        Some((Level::Sequence, Beyond::Truncate)) => "sequence_truncate",
        Some((Level::Sequence, Beyond::Mask)) => "sequence_mask",
    }
}

fn score(score: TrajectoryScore) -> &'static str {
    match score {
        TrajectoryScore::Sum => "sum",
        TrajectoryScore::Mean => "mean",
        TrajectoryScore::R2g => "r2g",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accepted::accepted;
    use crate::run::RunFile;

    #[test]
    fn each_key_that_a_run_file_may_have_is_used_here_once_and_no_other_is() {
        let mut listed: Vec<&str> = ROWS.iter().map(|row| row.key).collect();
        let mut read = accepted::<RunFile>();
        listed.sort_unstable();
        read.sort_unstable();
        assert_eq!(listed, read);
    }

    #[test]
    fn every_row_says_who_and_what_for() {
        for row in ROWS {
            assert!(!row.used_by.is_empty() && !row.purpose.is_empty(), "{}", row.key);
        }
    }
}
