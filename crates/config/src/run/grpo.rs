//! `[grpo]`: group-relative policy optimisation.

use rl::settings::Aggregation;
use rl::settings::Baseline;
use rl::settings::ForkSettings;
use rl::settings::GroupCounts;
use rl::settings::GrpoSettings;
use rl::settings::LossRule;
use rl::settings::OptimizerSettings;
use rl::settings::Overlong;
use rl::settings::OverlongPenalty;
use rl::settings::Ratio;
use rl::settings::ReplaySettings;
use rl::settings::RewardsOf;
use rl::settings::StdOver;
use rl::settings::TrajectoryScore;
use rl::settings::TurnCredit;
use rl::settings::UpdateMode;
use schemars::JsonSchema;
use serde::Deserialize;
use sim::Seat;

use super::RATE;
use super::SHARE;
use super::WARMUP;
use super::cotraining::CotrainingKeys;
use super::cotraining::CurriculumFile;
use super::cotraining::IsolationFile;
use super::cotraining::PoolFile;
use super::cotraining::cotraining;
use super::loss;
use super::loss::LossKeys;
use super::monitors::MonitorsFile;
use super::monitors::monitors;
use super::preset::Preset;
use crate::allowed::Allowed;
use crate::check::Check;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct GrpoFile {
    /// Steps: each plays groups once and updates each seat that learns. 0 stops after the cold start.
    steps: Option<i64>,
    /// Episodes of a group: one item, one world, one opponent; only sampling differs.
    group_size: Option<i64>,
    /// Scored episodes below which a group is skipped; at most `group_size`, and that by default where it is lower.
    group_valid_min: Option<i64>,
    /// Groups of a step.
    groups: Option<GroupsFile>,
    /// Groups of turns: alternatives to one turn of a talk that was played.
    forks: Option<ForksFile>,
    /// Which seats learn: both at each step, one alone, or both in turns.
    mode: Option<String>,
    /// Steps of the agent to one of the user; only with `mode = "alternating"`.
    agent_steps: Option<i64>,
    /// Highest learning rate; it falls along a cosine.
    lr: Option<f64>,
    /// Steps of linear warm-up.
    warmup: Option<i64>,
    /// Last learning rate as a share of the highest; 1 keeps it constant.
    lr_floor: Option<f64>,
    /// Optimiser steps of each batch; at most as many as it has episodes.
    minibatches: Option<i64>,
    /// Sampling temperature in training.
    temperature: Option<f64>,
    /// How a trajectory's advantage is shared among its turns.
    turn_credit: Option<String>,
    /// How a trajectory is scored.
    trajectory_score: Option<String>,
    /// Discount; only where `turn_credit` or `trajectory_score` is `r2g`.
    gamma: Option<f64>,
    /// The constant k of `turn_credit = "em"`, and only there.
    em_k: Option<f64>,
    /// Added to the standard deviation; only with `normalize_std`.
    std_eps: Option<f64>,
    /// Whether advantages are divided by a standard deviation.
    normalize_std: Option<bool>,
    /// By which: that of the group, that of all groups of its scenario in the step, or that of all scores of the step; only with `normalize_std`.
    std_over: Option<String>,
    /// What a score is measured against: the mean of its group, that of the others of its group, that of all scores of the step, or a moving mean of the
    /// seat's scores in the scenario (SPIRAL), with which nothing is divided unless `normalize_std` says so.
    baseline: Option<String>,
    /// How several terms of a reward become one advantage: added up and then normalised, or each normalised within its group, then added, then
    /// normalised over the step (GDPO), in place of `baseline`, `normalize_std` and `std_over`.
    aggregation: Option<String>,
    /// With it, what both seats earn together is normalised apart from a seat's own rewards, and counts by this much beside them (MADPL); left out, it is
    /// added to them. Only where a scenario has terms of kind `shared`.
    shared_weight: Option<f64>,
    /// Whose rewards train a seat: its own and what both earn together, or all that either earns, the same sum for both (without roles, to compare with).
    rewards_of: Option<String>,
    /// Whether the tokens of turns that were cut train nobody.
    overlong_filter: Option<bool>,
    /// Taken off a turn's reward in training if it is too long, in proportion as it comes close; 0 is off.
    overlong_penalty: Option<f64>,
    /// Tokens of a turn from which all of `overlong_penalty` is taken off: a seat's `tokens_max` in the scenario.
    overlong_tokens: Option<i64>,
    /// Tokens before those over which it grows; by default a fifth of them.
    overlong_cache: Option<i64>,
    /// Which ratio of probabilities, now over then: each token's own, their mean over the trajectory (GSPO), or their product (RLOO).
    ratio: Option<String>,
    /// What its bounds hold: the objective (PPO), or the weight of a token's score (CISPO).
    clip: Option<String>,
    /// Taken off a turn's reward in training if it brought no legal act.
    malformed_penalty: Option<f64>,
    /// Taken off an agent's turn in training that the user had to answer.
    user_burden: Option<f64>,
    /// With it, a talk that the user spoiled teaches the agent nothing and is a bad example of the user's: its score becomes the least of its group, less
    /// this. Left out, such a talk trains as others do.
    spoiled_penalty: Option<f64>,
    /// How often a step plays new groups in place of those whose members all scored the same.
    refills_max: Option<i64>,
    /// Whom a seat meets in its fixed groups, if not only its fixed opponent: its partner as it is, as it was at earlier steps, or the fixed opponent.
    pool: Option<PoolFile>,
    /// With it, scenarios of a mix are played more or less often by how often they succeed (SEAD).
    curriculum: Option<CurriculumFile>,
    /// With it, a share of the groups plays items again at which a group failed (RL-ADA).
    isolation: Option<IsolationFile>,
    /// With it, samples of the cold start are learned from once more beside each update (Self-RedTeam).
    replay: Option<ReplayFile>,
    /// Weight of a term of training that pays the user for groups in which the agent succeeds half the time, where a script can solve the item; 0 is off.
    difficulty_weight: Option<f64>,
    /// What the run is watched for; each bound that is passed is an alarm.
    monitors: Option<MonitorsFile>,
    /// How many updates the weights that play a step may be behind those that learn from it: above 0, a step is played while the one so many before it
    /// is learned from. 0 plays and learns in turns.
    staleness_max: Option<i64>,
    /// The ratio of probabilities is kept above 1 less this.
    clip_low: Option<f64>,
    /// The ratio of probabilities is kept below 1 plus this.
    clip_high: Option<f64>,
    /// Bound of the loss for negative advantages, as a multiple of the advantage; 0 is off, and it is off with `clip = "weight"`.
    dual_clip: Option<f64>,
    /// What the sum over tokens is divided by: their number, first each trajectory's own and then the number of trajectories, or a constant.
    normalizer: Option<String>,
    /// The constant of `normalizer = "fixed"`, and only there: tokens that a trajectory may have, about.
    normalizer_tokens: Option<i64>,
    /// Weight of a penalty for leaving the cold-start model; 0 is off.
    kl_weight: Option<f64>,
    /// Which estimate of the divergence it weighs: k3 or k2 in the loss, k1 off the advantage; only with `kl_weight`.
    kl: Option<String>,
    /// Correction of the difference between the sampler's probabilities and the learner's: of each token or of the trajectory, cut to its bounds or, out
    /// of them, left out.
    importance: Option<String>,
    /// Least correction; only with `importance`. 0 is no bound.
    importance_min: Option<f64>,
    /// Greatest correction; only with `importance`.
    importance_max: Option<f64>,
    /// Weight of a bonus for entropy; 0 is off.
    entropy_weight: Option<f64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct GroupsFile {
    /// Groups in which the two models meet; each serves both seats. None where one seat learns alone.
    mutual: Option<i64>,
    /// Groups of each learning seat against its fixed opponent.
    fixed: Option<i64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct ForksFile {
    /// Talks of a step that are forked, for each seat that learns; 0: none.
    talks: Option<i64>,
    /// Alternatives to the forked turn; only with `talks`. By default as many as a group has episodes.
    alternatives: Option<i64>,
    /// How often the talk is played on behind each of them; 0: an alternative is worth what its turn earns by itself. Only with `talks`.
    futures: Option<i64>,
    /// Most turns of a future, of both seats together; 0: to the end. Only with `futures`.
    future_turns: Option<i64>,
    /// Whether the step's talks train as well, and not only their forks; only with `talks`.
    talks_train: Option<bool>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct ReplayFile {
    /// Share of an update's loss tokens that are the cold start's: at 0.5 as many of them as were sampled.
    share: Option<f64>,
    /// Weight of their mean loss beside the policy's.
    weight: Option<f64>,
}

/// The words for [`UpdateMode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Only(Seat),
    Simultaneous,
    Alternating,
}

const MODES: [(&str, Mode); 4] = [
    ("simultaneous", Mode::Simultaneous),
    ("agent", Mode::Only(Seat::Agent)),
    ("user", Mode::Only(Seat::User)),
    ("alternating", Mode::Alternating),
];
const CREDITS: [(&str, TurnCredit); 4] = [
    ("equalized", TurnCredit::Equalized),
    ("naive", TurnCredit::Naive),
    ("r2g", TurnCredit::R2g),
    ("em", TurnCredit::Em),
];
const SCORES: [(&str, TrajectoryScore); 3] =
    [("sum", TrajectoryScore::Sum), ("mean", TrajectoryScore::Mean), ("r2g", TrajectoryScore::R2g)];

const STDS: [(&str, StdOver); 3] =
    [("group", StdOver::Group), ("scenario", StdOver::Scenario), ("batch", StdOver::Batch)];
const BASELINES: [(&str, Baseline); 4] = [
    ("group", Baseline::Group),
    ("leave_one_out", Baseline::LeaveOneOut),
    ("batch", Baseline::Batch),
    ("moving", Baseline::Moving),
];
const AGGREGATIONS: [(&str, Aggregation); 2] =
    [("sum_then_normalize", Aggregation::SumThenNormalize), ("normalize_then_sum", Aggregation::NormalizeThenSum)];

const REWARDS_OF: [(&str, RewardsOf); 2] = [("seat", RewardsOf::Seat), ("both", RewardsOf::Both)];

/// Episodes of a group.
const GROUP_SIZE_MAX: f64 = 1024.0;

const STEPS: Allowed = Allowed::between(0.0, 1e6, "it is a number of steps; 0 stops after the cold start");
/// Temperatures.
const HEAT: Allowed = Allowed::above(0.0, 10.0, "logits are divided by it");
/// Discounts.
const DISCOUNT: Allowed =
    Allowed::above(0.0, 1.0, "rewards further away may not count more, nor may all but the first be dropped");
/// Divisors.
const DIVISOR: Allowed = Allowed::above(0.0, 100.0, "it is a divisor");
const SHARED: Allowed = Allowed::between(0.0, 100.0, "it is a weight beside 1, that of a seat's own rewards");
/// What is taken off a turn's reward.
const OFF: Allowed = Allowed::between(0.0, 1e3, "it is taken off a turn's reward; 0 is off");
/// What is taken off the least score of a group.
const SPOILED: Allowed =
    Allowed::between(0.0, 1e3, "it is taken off the least score of the group; 0 makes it no worse than that");
const REFILLS: Allowed = Allowed::between(0.0, 100.0, "it is how often groups are played anew in a step; 0 is off");
const STALENESS: Allowed =
    Allowed::between(0.0, 100.0, "it is a number of updates, and as many steps wait in memory to be learned from");
const TURN: Allowed = Allowed::between(1.0, 1e9, "it is a number of a turn's tokens");

/// The keys of `[grpo]`, by what they are about.
struct GrpoKeys {
    size: (Option<i64>, Option<i64>),
    groups: GroupsFile,
    forks: ForksFile,
    mode: (Option<String>, Option<i64>),
    steps: StepKeys,
    credit: CreditKeys,
    advantage: AdvantageKeys,
    overlong: OverlongKeys,
    taken_off: [Option<f64>; 2],
    spoiled_penalty: Option<f64>,
    refills_max: Option<i64>,
    staleness_max: Option<i64>,
    cotraining: CotrainingKeys,
    replay: Option<ReplayFile>,
    monitors: MonitorsFile,
    loss: LossKeys,
}

/// How many steps, and how large.
struct StepKeys {
    steps: Option<i64>,
    lr: Option<f64>,
    warmup: Option<i64>,
    lr_floor: Option<f64>,
    minibatches: Option<i64>,
    temperature: Option<f64>,
}

/// Whose advantage a trajectory's is.
struct CreditKeys {
    turn_credit: Option<String>,
    trajectory_score: Option<String>,
    gamma: Option<f64>,
    em_k: Option<f64>,
    std_eps: Option<f64>,
}

/// What a score is measured against, and in which unit.
struct AdvantageKeys {
    baseline: Option<String>,
    aggregation: Option<String>,
    normalize_std: Option<bool>,
    std_over: Option<String>,
    shared_weight: Option<f64>,
    rewards_of: Option<String>,
}

/// What becomes of turns that were cut, or nearly.
struct OverlongKeys {
    filter: Option<bool>,
    penalty: Option<f64>,
    tokens: Option<i64>,
    cache: Option<i64>,
}

/// Takes the section apart. Every key has its place here, or this does not compile.
#[rustfmt::skip]
fn sorted(file: GrpoFile) -> GrpoKeys {
    let GrpoFile {
        steps, group_size, group_valid_min, groups, forks, mode, agent_steps, lr, warmup, lr_floor, minibatches, temperature,
        turn_credit, trajectory_score, gamma, em_k, std_eps, normalize_std, std_over, baseline, aggregation,
        shared_weight, rewards_of, overlong_filter, overlong_penalty, overlong_tokens, overlong_cache, malformed_penalty, user_burden,
        spoiled_penalty, refills_max, pool, curriculum, isolation, replay, difficulty_weight, monitors, staleness_max, ratio, clip, clip_low, clip_high, dual_clip, normalizer, normalizer_tokens, kl_weight, kl,
        importance, importance_min, importance_max, entropy_weight,
    } = file;
    GrpoKeys {
        size: (group_size, group_valid_min),
        groups: groups.unwrap_or_default(),
        forks: forks.unwrap_or_default(),
        mode: (mode, agent_steps),
        steps: StepKeys { steps, lr, warmup, lr_floor, minibatches, temperature },
        credit: CreditKeys { turn_credit, trajectory_score, gamma, em_k, std_eps },
        advantage: AdvantageKeys { baseline, aggregation, normalize_std, std_over, shared_weight, rewards_of },
        overlong: OverlongKeys {
            filter: overlong_filter, penalty: overlong_penalty, tokens: overlong_tokens, cache: overlong_cache,
        },
        taken_off: [malformed_penalty, user_burden],
        spoiled_penalty,
        refills_max,
        staleness_max,
        cotraining: CotrainingKeys { pool, curriculum, isolation, difficulty_weight },
        replay,
        monitors: monitors.unwrap_or_default(),
        loss: LossKeys {
            ratio, clip, clip_low, clip_high, dual_clip, normalizer, normalizer_tokens, kl_weight, kl,
            importance, importance_min, importance_max, entropy_weight,
        },
    }
}

/// Checks `[grpo]`. `optimizer` has been read from its own section, since the cold start shares it.
pub(super) fn grpo_settings(
    check: &mut Check<'_>,
    file: GrpoFile,
    optimizer: OptimizerSettings,
    preset: &Preset,
) -> GrpoSettings {
    let keys = sorted(file);
    let (mode, agent_steps) = keys.mode;
    let (group_size, group_valid_min) = group_sizes(check, keys.size.0, keys.size.1);
    let mode = check.word("grpo.mode", mode.as_deref().or(Some(preset.mode)), &MODES);
    let groups = group_counts(check, mode, keys.groups, preset);
    let forks = forks(check, keys.forks, group_size);
    let CreditKeys { turn_credit, trajectory_score, gamma, em_k, std_eps } = keys.credit;
    let turn_credit = check.word("grpo.turn_credit", turn_credit.as_deref(), &CREDITS);
    let trajectory_score = trajectory_score_of(check, trajectory_score, preset);
    let advantage = advantage(check, keys.advantage, preset);
    effects(check, turn_credit, trajectory_score, &advantage, [gamma, em_k, std_eps]);
    let [malformed_penalty, user_burden] = keys.taken_off;
    let surrogate = loss::surrogate(check, keys.loss, preset);
    let StepKeys { steps, lr, warmup, lr_floor, minibatches, temperature } = keys.steps;
    let parts = parts(group_size, &groups);
    let mode = update_mode(check, mode, agent_steps);
    let is_beyond_group =
        advantage.baseline.is_beyond_group() && advantage.aggregation == Aggregation::SumThenNormalize;
    beside_forks(check, forks, advantage.rewards_of, keys.cotraining.difficulty_weight);
    let cotraining = cotraining(check, keys.cotraining, mode, &groups, is_beyond_group);
    let spoiled_penalty = spoiled(check, keys.spoiled_penalty, &advantage, forks);
    GrpoSettings {
        steps: check.whole("grpo.steps", steps, preset.steps, STEPS),
        group_size,
        group_valid_min,
        groups,
        forks,
        mode,
        cotraining,
        replay: replay(check, keys.replay),
        lr: check.number("grpo.lr", lr, preset.lr, RATE),
        warmup: check.whole("grpo.warmup", warmup, preset.warmup, WARMUP),
        lr_floor: check.number("grpo.lr_floor", lr_floor, preset.lr_floor, SHARE),
        minibatches: check.whole("grpo.minibatches", minibatches, preset.minibatches, parts),
        temperature: check.number("grpo.temperature", temperature, 1.0, HEAT) as f32,
        turn_credit,
        trajectory_score,
        gamma: check.number("grpo.gamma", gamma, 0.8, DISCOUNT),
        em_k: check.number("grpo.em_k", em_k, 2.0, DIVISOR),
        std_eps: check.number("grpo.std_eps", std_eps, preset.std_eps, DIVISOR),
        refills_max: refills(check, keys.refills_max, &advantage, preset),
        staleness_max: staleness(check, keys.staleness_max, &surrogate.rule),
        normalize_std: advantage.normalize_std,
        std_over: advantage.std_over,
        baseline: advantage.baseline,
        aggregation: advantage.aggregation,
        shared_weight: advantage.shared_weight,
        rewards_of: advantage.rewards_of,
        overlong: overlong(check, keys.overlong, preset),
        malformed_penalty: check.number("grpo.malformed_penalty", malformed_penalty, 0.0, OFF),
        user_burden: check.number("grpo.user_burden", user_burden, 0.0, OFF),
        spoiled_penalty,
        monitors: monitors(check, keys.monitors),
        clip_low: surrogate.bounds.low,
        clip_high: surrogate.bounds.high,
        dual_clip: surrogate.bounds.dual,
        kl_weight: surrogate.kl_weight,
        loss: surrogate.rule,
        optimizer,
    }
}

/// What becomes of talks that the user spoiled; `None`: they train as others do.
fn spoiled(
    check: &mut Check<'_>,
    written: Option<f64>,
    advantage: &AdvantageRule,
    forks: Option<ForkSettings>,
) -> Option<f64> {
    const KEY: &str = "grpo.spoiled_penalty";
    let penalty = check.number_optional(KEY, written, SPOILED, "a talk that the user spoiled trains as others do")?;
    let beside = match advantage {
        AdvantageRule { rewards_of: RewardsOf::Both, .. } => {
            Some("`rewards_of = \"both\"`, which pays both seats the same sum")
        }
        _ if forks.is_some_and(|forks| forks.futures > 0) => {
            Some("`forks.futures`, by which a turn is worth what may come of it, spoiled or not")
        }
        _ => None,
    };
    if let Some(beside) = beside {
        check.error(KEY, format!("cannot be used with {beside}"), "take one of the two out");
    }
    if penalty > 0.0 && advantage.aggregation == Aggregation::NormalizeThenSum {
        let what = format!(
            "cannot be {penalty} with `aggregation = \"normalize_then_sum\"`: a talk that was spoiled stands below the others in a term of its own there"
        );
        check.error(KEY, what, "write 0, or take it out");
    }
    Some(penalty)
}

fn group_sizes(check: &mut Check<'_>, size: Option<i64>, valid_min: Option<i64>) -> (u32, u32) {
    let sizes = Allowed::between(2.0, GROUP_SIZE_MAX, "a group of one has no baseline to be better than");
    let size: u32 = check.whole("grpo.group_size", size, 8, sizes);
    let why = "a baseline needs two scored episodes, and a group has `group_size` of them";
    let valid = Allowed::between(2.0, GROUP_SIZE_MAX, why).here_at_most(f64::from(size));
    // A smaller group must not fail over a default that was made for groups of 8.
    let valid_min = check.whole("grpo.group_valid_min", valid_min, u32::min(4, size), valid);
    (size, valid_min)
}

/// How many optimiser steps a step's episodes can be dealt out to.
fn parts(group_size: u32, groups: &GroupCounts) -> Allowed {
    let episodes = f64::from(group_size) * (f64::from(groups.mutual) + f64::from(groups.fixed));
    Allowed::between(1.0, 1e9, "each needs an episode, and a step plays so many per seat")
        .here_at_most(f64::max(episodes, 1.0))
}

/// The first axis of the learning rule.
struct AdvantageRule {
    baseline: Baseline,
    aggregation: Aggregation,
    normalize_std: bool,
    std_over: StdOver,
    shared_weight: Option<f64>,
    rewards_of: RewardsOf,
}

fn advantage(check: &mut Check<'_>, keys: AdvantageKeys, preset: &Preset) -> AdvantageRule {
    let AdvantageKeys { baseline, aggregation, normalize_std, std_over, shared_weight, rewards_of } = keys;
    let aggregation = check.word("grpo.aggregation", aggregation.as_deref(), &AGGREGATIONS);
    if aggregation == Aggregation::NormalizeThenSum {
        let because = "with `aggregation = \"normalize_then_sum\"` each term is normalised within its group, and their sum over the step";
        check.without_effect("grpo.baseline", baseline.as_ref(), because);
        check.without_effect("grpo.normalize_std", normalize_std, because);
        check.without_effect("grpo.std_over", std_over.as_ref(), because);
    }
    let baseline = check.word_of("grpo.baseline", baseline.as_deref(), &BASELINES, preset.baseline);
    // As published, what is measured against a moving mean is not divided.
    let divides = preset.normalize_std && baseline != Baseline::Moving;
    let normalize_std = check.flag("grpo.normalize_std", normalize_std, divides);
    if !normalize_std {
        let because = "with `normalize_std = false` nothing is divided by it";
        check.without_effect("grpo.std_over", std_over.as_ref(), because);
    }
    // A group whose members scored alike has no deviation to divide by, and against the step it counts all the same.
    let whole_step = baseline.is_beyond_group();
    let default = if whole_step { StdOver::Batch } else { preset.std_over };
    let std_over = check.word_of("grpo.std_over", std_over.as_deref(), &STDS, default);
    if whole_step && normalize_std && std_over == StdOver::Group && aggregation == Aggregation::SumThenNormalize {
        let word = baseline_word(baseline);
        let what =
            format!("cannot be `group` with `baseline = \"{word}\"`: a group whose members scored alike has none");
        check.error("grpo.std_over", what, "write \"batch\", or leave it out");
    }
    let added = "what is shared is added to what is a seat's own";
    let shared_weight = check.number_optional("grpo.shared_weight", shared_weight, SHARED, added);
    let in_group = !whole_step && (std_over == StdOver::Group || !normalize_std);
    if shared_weight.is_some() && !(in_group && aggregation == Aggregation::SumThenNormalize) {
        let what = "needs advantages that are made within a group: `aggregation = \"sum_then_normalize\"`, a `baseline` of the group and `std_over = \"group\"`";
        check.error("grpo.shared_weight", what, "take it out, or set these three");
    }
    let rewards_of = whose_rewards(check, rewards_of, aggregation, shared_weight);
    let shared_weight = shared_weight.filter(|_| rewards_of == RewardsOf::Seat);
    AdvantageRule { baseline, aggregation, normalize_std, std_over, shared_weight, rewards_of }
}

/// One sum for both seats leaves nothing to be told apart by role or by term.
fn whose_rewards(
    check: &mut Check<'_>,
    written: Option<String>,
    aggregation: Aggregation,
    shared_weight: Option<f64>,
) -> RewardsOf {
    let rewards_of = check.word("grpo.rewards_of", written.as_deref(), &REWARDS_OF);
    if rewards_of == RewardsOf::Both {
        let because = "with `rewards_of = \"both\"` what is shared is part of the one sum";
        check.without_effect("grpo.shared_weight", shared_weight, because);
        if aggregation == Aggregation::NormalizeThenSum {
            let what =
                "cannot be `both` with `aggregation = \"normalize_then_sum\"`, which tells a seat's own terms apart";
            check.error("grpo.rewards_of", what, "write \"seat\", or leave it out");
        }
    }
    rewards_of
}

fn baseline_word(baseline: Baseline) -> &'static str {
    BASELINES.iter().find(|(_, meaning)| *meaning == baseline).map_or("group", |(word, _)| word)
}

fn refills(check: &mut Check<'_>, written: Option<i64>, advantage: &AdvantageRule, preset: &Preset) -> u32 {
    let beyond = advantage.baseline.is_beyond_group() && advantage.aggregation == Aggregation::SumThenNormalize;
    if beyond {
        let word = baseline_word(advantage.baseline);
        let because = format!("with `baseline = \"{word}\"` a group whose members all scored the same teaches too");
        check.without_effect("grpo.refills_max", written.filter(|times| *times > 0), &because);
    }
    check.whole("grpo.refills_max", written, preset.refills_max, REFILLS)
}

/// Every loss holds π against what sampled, so older weights are accounted for wherever that ratio is the weight of importance sampling: a token's own
/// (PPO), or the whole trajectory's. A mean over the trajectory is neither, and its bounds are made for the few steps of one update.
fn staleness(check: &mut Check<'_>, written: Option<i64>, rule: &LossRule) -> u32 {
    let staleness_max = check.whole("grpo.staleness_max", written, 0, STALENESS);
    if staleness_max > 0 && rule.ratio == Ratio::Sequence && rule.importance.is_none() {
        let what = format!(
            "cannot be {staleness_max} with `ratio = \"sequence\"` alone: the mean ratio of a trajectory does not make up for the older weights that sampled it"
        );
        check.error("grpo.staleness_max", what, "add `importance = \"token_truncate\"`, or leave it at 0");
    }
    staleness_max
}

fn overlong(check: &mut Check<'_>, keys: OverlongKeys, preset: &Preset) -> Overlong {
    let OverlongKeys { filter, penalty, tokens, cache } = keys;
    let filter = check.flag("grpo.overlong_filter", filter, preset.overlong_filter);
    let amount = check.number("grpo.overlong_penalty", penalty, 0.0, OFF);
    if amount == 0.0 {
        let because = "`overlong_penalty` is 0";
        check.without_effect("grpo.overlong_tokens", tokens, because);
        check.without_effect("grpo.overlong_cache", cache, because);
    }
    let tokens_max: u32 = check.whole("grpo.overlong_tokens", tokens, 48, TURN);
    let cache_range = TURN.here_at_most(f64::from(tokens_max));
    // As in the paper: 4096 of 20480.
    let cache = check.whole("grpo.overlong_cache", cache, u32::max(tokens_max / 5, 1), cache_range);
    Overlong { filter, penalty: (amount > 0.0).then_some(OverlongPenalty { amount, tokens_max, cache }) }
}

/// A score by name; where none is written, the preset's.
fn trajectory_score_of(check: &mut Check<'_>, written: Option<String>, preset: &Preset) -> TrajectoryScore {
    check.word("grpo.trajectory_score", written.as_deref().or(Some(preset.trajectory_score)), &SCORES)
}

fn group_counts(check: &mut Check<'_>, mode: Mode, file: GroupsFile, preset: &Preset) -> GroupCounts {
    let GroupsFile { mutual, fixed } = file;
    let count = Allowed::between(0.0, 1e5, "it is a number of groups per step");
    let (mutual_default, fixed_default) = match mode {
        Mode::Only(_) => (0, preset.groups_mutual + preset.groups_fixed),
        Mode::Simultaneous | Mode::Alternating => (preset.groups_mutual, preset.groups_fixed),
    };
    let counts = GroupCounts {
        mutual: check.whole("grpo.groups.mutual", mutual, mutual_default, count),
        fixed: check.whole("grpo.groups.fixed", fixed, fixed_default, count),
    };
    if let Mode::Only(seat) = mode {
        let because = format!("only the {seat} learns, and it always meets its fixed opponent");
        check.without_effect("grpo.groups.mutual", mutual.filter(|count| *count > 0), &because);
    }
    if counts.mutual == 0 && counts.fixed == 0 {
        check.error(
            "grpo.groups",
            "holds no group, so no step would learn anything",
            "e.g. `groups = { mutual = 6, fixed = 6 }`",
        );
    }
    counts
}

/// What cannot be, or has no effect, beside groups of turns.
fn beside_forks(check: &mut Check<'_>, forks: Option<ForkSettings>, rewards_of: RewardsOf, difficulty: Option<f64>) {
    let Some(forks) = forks else { return };
    if rewards_of == RewardsOf::Both {
        let what = "cannot be used with `rewards_of = \"both\"`: what the partner earns behind one turn of a seat is not told apart";
        check.error("grpo.forks.talks", what, "take `rewards_of` out, or set `talks = 0`");
    }
    if !forks.talks_train {
        let because = "with `forks.talks_train = false` the talks that it is paid for train nobody";
        check.without_effect("grpo.difficulty_weight", difficulty.filter(|weight| *weight != 0.0), because);
        let scores = if forks.futures == 0 { &["grpo.trajectory_score"][..] } else { &[] };
        let because = "with `forks.talks_train = false` no talk trains, and it says how talks do";
        for key in OF_TALKS.iter().chain(scores) {
            check.without_effect(key, check.has(key).then_some(()), because);
        }
    }
}

/// Keys that say what groups of talks teach, and nothing of groups of turns.
const OF_TALKS: [&str; 9] = [
    "grpo.group_valid_min",
    "grpo.turn_credit",
    "grpo.em_k",
    "grpo.baseline",
    "grpo.std_over",
    "grpo.aggregation",
    "grpo.shared_weight",
    "grpo.refills_max",
    "grpo.spoiled_penalty",
];

/// What of the cold start is learned once more; `None`: nothing. It is read whether it is there or not, so that a schema knows what it may say.
fn replay(check: &mut Check<'_>, file: Option<ReplayFile>) -> Option<ReplaySettings> {
    let is_there = file.is_some();
    let ReplayFile { share, weight } = file.unwrap_or_default();
    let part = Allowed::inside(0.0, 1.0, "it is a share of an update's loss tokens, beside what was sampled");
    let beside = Allowed::above(0.0, 1e3, "it is a weight beside 1, that of the policy's loss");
    let settings = ReplaySettings {
        share: check.number("grpo.replay.share", share, 0.5, part),
        weight: check.number("grpo.replay.weight", weight, 0.05, beside),
    };
    is_there.then_some(settings)
}

/// Groups of turns; `None` where no talk is forked.
fn forks(check: &mut Check<'_>, file: ForksFile, group_size: u32) -> Option<ForkSettings> {
    let ForksFile { talks, alternatives, futures, future_turns, talks_train } = file;
    let count = Allowed::between(0.0, 1e5, "it is a number of talks per step; 0 is off");
    let compared = Allowed::between(2.0, GROUP_SIZE_MAX, "an alternative is judged against others");
    let behind = Allowed::between(0.0, 1e3, "it is how often a talk is played on; 0 is off");
    let length = Allowed::between(0.0, 1e4, "it is a number of turns; 0 is to the end");
    let settings = ForkSettings {
        talks: check.whole("grpo.forks.talks", talks, 0, count),
        alternatives: check.whole("grpo.forks.alternatives", alternatives, group_size, compared),
        futures: check.whole("grpo.forks.futures", futures, 0, behind),
        future_turns: Some(check.whole("grpo.forks.future_turns", future_turns, 0, length)).filter(|most| *most > 0),
        talks_train: check.flag("grpo.forks.talks_train", talks_train, true),
    };
    if settings.talks == 0 {
        let because = "with `talks = 0` no talk is forked";
        for (key, written) in [
            ("grpo.forks.alternatives", alternatives),
            ("grpo.forks.futures", futures),
            ("grpo.forks.future_turns", future_turns),
        ] {
            check.without_effect(key, written, because);
        }
        check.without_effect("grpo.forks.talks_train", talks_train, because);
        return None;
    }
    if settings.futures == 0 {
        check.without_effect("grpo.forks.future_turns", future_turns, "with `futures = 0` no talk is played on");
    }
    Some(settings)
}

fn update_mode(check: &mut Check<'_>, mode: Mode, agent_steps: Option<i64>) -> UpdateMode {
    let in_a_row = Allowed::between(1.0, 1e6, "it is the number of agent steps to one of the user");
    match mode {
        Mode::Alternating => {
            UpdateMode::Alternating { agent_steps: check.whole("grpo.agent_steps", agent_steps, 1, in_a_row) }
        }
        Mode::Simultaneous | Mode::Only(_) => {
            check.without_effect(
                "grpo.agent_steps",
                agent_steps,
                "only `mode = \"alternating\"` takes turns between the seats",
            );
            match mode {
                Mode::Only(seat) => UpdateMode::Only(seat),
                Mode::Simultaneous | Mode::Alternating => UpdateMode::Simultaneous,
            }
        }
    }
}

/// Keys that the chosen credit, score and normalisation leave without effect.
fn effects(
    check: &mut Check<'_>,
    credit: TurnCredit,
    score: TrajectoryScore,
    advantage: &AdvantageRule,
    [gamma, em_k, std_eps]: [Option<f64>; 3],
) {
    if credit != TurnCredit::R2g && score != TrajectoryScore::R2g {
        check.without_effect("grpo.gamma", gamma, "neither `turn_credit` nor `trajectory_score` is `r2g`");
    }
    if credit != TurnCredit::Em {
        check.without_effect("grpo.em_k", em_k, "`turn_credit` is not `em`");
    }
    if !advantage.normalize_std && advantage.aggregation == Aggregation::SumThenNormalize {
        check.without_effect("grpo.std_eps", std_eps, "with `normalize_std = false` nothing is divided by it");
    }
}
