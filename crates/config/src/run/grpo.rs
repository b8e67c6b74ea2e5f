//! `[grpo]`: group-relative policy optimisation.

use rl::settings::GroupCounts;
use rl::settings::GrpoSettings;
use rl::settings::OptimizerSettings;
use rl::settings::TrajectoryScore;
use rl::settings::TurnCredit;
use rl::settings::UpdateMode;
use serde::Deserialize;
use sim::Seat;

use super::RATE;
use super::SHARE;
use super::WARMUP;
use crate::allowed::Allowed;
use crate::check::Check;

#[derive(Debug, Default, Deserialize)]
pub(super) struct GrpoFile {
    steps: Option<i64>,
    group_size: Option<i64>,
    group_valid_min: Option<i64>,
    groups: Option<GroupsFile>,
    mode: Option<String>,
    agent_steps: Option<i64>,
    lr: Option<f64>,
    warmup: Option<i64>,
    lr_floor: Option<f64>,
    minibatches: Option<i64>,
    temperature: Option<f64>,
    turn_credit: Option<String>,
    trajectory_score: Option<String>,
    gamma: Option<f64>,
    em_k: Option<f64>,
    std_eps: Option<f64>,
    normalize_std: Option<bool>,
    clip_low: Option<f64>,
    clip_high: Option<f64>,
    dual_clip: Option<f64>,
    kl_weight: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
struct GroupsFile {
    mutual: Option<i64>,
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

/// Checks `[grpo]`. `optimizer` has been read from its own section, since the cold start shares it.
pub(super) fn grpo_settings(check: &mut Check<'_>, file: GrpoFile, optimizer: OptimizerSettings) -> GrpoSettings {
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
        clip_low,
        clip_high,
        dual_clip,
        kl_weight,
    } = file;
    let (group_size, group_valid_min) = group_sizes(check, group_size, group_valid_min);
    let mode = check.word("grpo.mode", mode.as_deref(), &MODES);
    let groups = group_counts(check, mode, groups.unwrap_or_default());
    let turn_credit = check.word("grpo.turn_credit", turn_credit.as_deref(), &CREDITS);
    let trajectory_score = check.word("grpo.trajectory_score", trajectory_score.as_deref(), &SCORES);
    let normalize_std = normalize_std.unwrap_or(true);
    effects(check, turn_credit, trajectory_score, normalize_std, [gamma, em_k, std_eps]);
    let any = Allowed::between(0.0, 1e6, "it is a number of steps; 0 stops after the cold start");
    let episodes = f64::from(group_size) * (f64::from(groups.mutual) + f64::from(groups.fixed));
    let parts =
        Allowed::between(1.0, f64::max(episodes, 1.0), "each needs an episode, and a step plays this many per seat");
    let heat = Allowed::above(0.0, 10.0, "logits are divided by it");
    let discount =
        Allowed::above(0.0, 1.0, "rewards further away may not count more, nor may all but the first be dropped");
    let positive = Allowed::above(0.0, 100.0, "it is a divisor");
    let below = Allowed::above(0.0, 1.0, "the ratio is kept above 1 less this, and a ratio is never below 0");
    let above = Allowed::above(0.0, 10.0, "the ratio is kept below 1 plus this");
    let kl = Allowed::between(0.0, 100.0, "it is the weight of a penalty; 0 is off");
    GrpoSettings {
        steps: check.whole("grpo.steps", steps, 40, any),
        group_size,
        group_valid_min,
        groups,
        mode: update_mode(check, mode, agent_steps),
        lr: check.number("grpo.lr", lr, 6e-4, RATE),
        warmup: check.whole("grpo.warmup", warmup, 5, WARMUP),
        lr_floor: check.number("grpo.lr_floor", lr_floor, 0.1, SHARE),
        minibatches: check.whole("grpo.minibatches", minibatches, 2, parts),
        temperature: check.number("grpo.temperature", temperature, 1.0, heat) as f32,
        turn_credit,
        trajectory_score,
        gamma: check.number("grpo.gamma", gamma, 0.8, discount),
        em_k: check.number("grpo.em_k", em_k, 2.0, positive),
        std_eps: check.number("grpo.std_eps", std_eps, 0.05, positive),
        normalize_std,
        clip_low: check.number("grpo.clip_low", clip_low, 0.2, below),
        clip_high: check.number("grpo.clip_high", clip_high, 0.28, above),
        dual_clip: dual_clip_bound(check, dual_clip),
        kl_weight: check.number("grpo.kl_weight", kl_weight, 0.0, kl),
        optimizer,
    }
}

fn group_sizes(check: &mut Check<'_>, size: Option<i64>, valid_min: Option<i64>) -> (u32, u32) {
    let sizes = Allowed::between(2.0, 1024.0, "a group of one has no baseline to be better than");
    let size: u32 = check.whole("grpo.group_size", size, 8, sizes);
    let valid = Allowed::between(
        2.0,
        f64::from(size),
        "a baseline needs two scored episodes, and a group has `group_size` of them",
    );
    // A smaller group must not fail over a default that was made for groups of 8.
    let valid_min = check.whole("grpo.group_valid_min", valid_min, u32::min(4, size), valid);
    (size, valid_min)
}

fn group_counts(check: &mut Check<'_>, mode: Mode, file: GroupsFile) -> GroupCounts {
    let GroupsFile { mutual, fixed } = file;
    let count = Allowed::between(0.0, 1e5, "it is a number of groups per step");
    let (mutual_default, fixed_default) = match mode {
        Mode::Only(_) => (0, 12),
        Mode::Simultaneous | Mode::Alternating => (6, 6),
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

/// 0 in the file is off; the checked value has no such sentinel.
fn dual_clip_bound(check: &mut Check<'_>, given: Option<f64>) -> Option<f64> {
    if given == Some(0.0) {
        return None;
    }
    let bound = Allowed::above(1.0, 1e3, "it bounds the loss of a negative advantage as a multiple of it; 0 is off");
    Some(check.number("grpo.dual_clip", given, 3.0, bound))
}
