//! `[grpo]`: group-relative policy optimisation.

use rl::settings::GroupCounts;
use rl::settings::GrpoSettings;
use rl::settings::OptimizerSettings;
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
    /// By which: that of the group, or that of all groups of its scenario in the step; only with `normalize_std`.
    std_over: Option<String>,
    /// Taken off a turn's reward in training if it brought no legal act.
    malformed_penalty: Option<f64>,
    /// Taken off an agent's turn in training that the user had to answer.
    user_burden: Option<f64>,
    /// How often a step plays new groups in place of those whose members all scored the same.
    refills_max: Option<i64>,
    /// The ratio of probabilities is kept above 1 less this.
    clip_low: Option<f64>,
    /// The ratio of probabilities is kept below 1 plus this.
    clip_high: Option<f64>,
    /// Bound of the loss for negative advantages, as a multiple of the advantage; 0 is off.
    dual_clip: Option<f64>,
    /// Weight of a penalty for leaving the cold-start model; 0 is off.
    kl_weight: Option<f64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct GroupsFile {
    /// Groups in which the two models meet; each serves both seats. None where one seat learns alone.
    mutual: Option<i64>,
    /// Groups of each learning seat against its fixed opponent.
    fixed: Option<i64>,
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

const STDS: [(&str, StdOver); 2] = [("group", StdOver::Group), ("scenario", StdOver::Scenario)];

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
const BELOW: Allowed = Allowed::above(0.0, 1.0, "the ratio is kept above 1 less this, and a ratio is never below 0");
const ABOVE: Allowed = Allowed::above(0.0, 10.0, "the ratio is kept below 1 plus this");
const DUAL: Allowed =
    Allowed::above(1.0, 1e3, "it bounds the loss of a negative advantage as a multiple of it; 0 is off");
/// What is taken off a turn's reward.
const OFF: Allowed = Allowed::between(0.0, 1e3, "it is taken off a turn's reward; 0 is off");
const REFILLS: Allowed = Allowed::between(0.0, 100.0, "it is how often groups are played anew in a step; 0 is off");
const KL: Allowed = Allowed::between(0.0, 100.0, "it is the weight of a penalty; 0 is off");

/// Checks `[grpo]`. `optimizer` has been read from its own section, since the cold start shares it.
pub(super) fn grpo_settings(
    check: &mut Check<'_>,
    file: GrpoFile,
    optimizer: OptimizerSettings,
    preset: &Preset,
) -> GrpoSettings {
    let GrpoFile {
        steps,
        group_size,
        group_valid_min,
        groups,
        mode,
        agent_steps,
        lr,
        warmup,
        lr_floor,
        minibatches,
        temperature,
        turn_credit,
        trajectory_score,
        gamma,
        em_k,
        std_eps,
        normalize_std,
        std_over,
        malformed_penalty,
        user_burden,
        refills_max,
        clip_low,
        clip_high,
        dual_clip,
        kl_weight,
    } = file;
    let (group_size, group_valid_min) = group_sizes(check, group_size, group_valid_min);
    let mode = check.word("grpo.mode", mode.as_deref().or(Some(preset.mode)), &MODES);
    let groups = group_counts(check, mode, groups.unwrap_or_default(), preset);
    let turn_credit = check.word("grpo.turn_credit", turn_credit.as_deref(), &CREDITS);
    let trajectory_score = trajectory_score_of(check, trajectory_score, preset);
    let normalize_std = check.flag("grpo.normalize_std", normalize_std, true);
    effects(check, turn_credit, trajectory_score, normalize_std, [gamma, em_k, std_eps]);
    let parts = parts(group_size, &groups);
    GrpoSettings {
        steps: check.whole("grpo.steps", steps, preset.steps, STEPS),
        group_size,
        group_valid_min,
        groups,
        mode: update_mode(check, mode, agent_steps),
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
        normalize_std,
        std_over: std_over_of(check, std_over, normalize_std),
        malformed_penalty: check.number("grpo.malformed_penalty", malformed_penalty, 0.0, OFF),
        user_burden: check.number("grpo.user_burden", user_burden, 0.0, OFF),
        refills_max: check.whole("grpo.refills_max", refills_max, 0, REFILLS),
        clip_low: check.number("grpo.clip_low", clip_low, 0.2, BELOW),
        clip_high: check.number("grpo.clip_high", clip_high, preset.clip_high, ABOVE),
        dual_clip: check.number_or_off("grpo.dual_clip", dual_clip, 3.0, DUAL),
        kl_weight: check.number("grpo.kl_weight", kl_weight, 0.0, KL),
        optimizer,
    }
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

fn std_over_of(check: &mut Check<'_>, written: Option<String>, normalize_std: bool) -> StdOver {
    if !normalize_std {
        let because = "with `normalize_std = false` nothing is divided by it";
        check.without_effect("grpo.std_over", written.as_ref(), because);
    }
    check.word("grpo.std_over", written.as_deref(), &STDS)
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
    normalize_std: bool,
    [gamma, em_k, std_eps]: [Option<f64>; 3],
) {
    if credit != TurnCredit::R2g && score != TrajectoryScore::R2g {
        check.without_effect("grpo.gamma", gamma, "neither `turn_credit` nor `trajectory_score` is `r2g`");
    }
    if credit != TurnCredit::Em {
        check.without_effect("grpo.em_k", em_k, "`turn_credit` is not `em`");
    }
    if !normalize_std {
        check.without_effect("grpo.std_eps", std_eps, "with `normalize_std = false` nothing is divided by it");
    }
}
