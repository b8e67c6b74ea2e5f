//! Defaults of a run by name: ours, those with which UserRL was published, and the learning rules of the literature. Table and sources: docs/LOSSES.md.

use rl::settings::Baseline;
use rl::settings::Clip;
use rl::settings::Kl;
use rl::settings::Ratio;
use rl::settings::StdOver;

/// What the keys of `[grpo]` and `[optimizer]` are where a run file does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Preset {
    pub(super) steps: u64,
    pub(super) groups_mutual: u32,
    /// Where one seat learns alone, it plays the mutual ones too.
    pub(super) groups_fixed: u32,
    /// The word of `grpo.mode`.
    pub(super) mode: &'static str,
    pub(super) lr: f64,
    pub(super) warmup: u64,
    pub(super) lr_floor: f64,
    pub(super) minibatches: usize,
    /// The word of `grpo.trajectory_score`.
    pub(super) trajectory_score: &'static str,
    pub(super) std_eps: f64,
    pub(super) normalize_std: bool,
    pub(super) std_over: StdOver,
    pub(super) baseline: Baseline,
    pub(super) overlong_filter: bool,
    pub(super) refills_max: u32,
    pub(super) ratio: Ratio,
    pub(super) clip: Clip,
    pub(super) clip_low: f64,
    pub(super) clip_high: f64,
    /// 0 is off.
    pub(super) dual_clip: f64,
    /// The word of `grpo.normalizer`.
    pub(super) normalizer: &'static str,
    pub(super) kl: Kl,
    pub(super) kl_weight: f64,
    pub(super) beta2: f64,
    pub(super) weight_decay: f64,
}

/// Our own: those of the quickstart.
pub(super) const QUICKSTART: Preset = Preset {
    steps: 40,
    groups_mutual: 6,
    groups_fixed: 6,
    mode: "simultaneous",
    lr: 6e-4,
    warmup: 5,
    lr_floor: 0.1,
    minibatches: 2,
    trajectory_score: "sum",
    std_eps: 0.05,
    normalize_std: true,
    std_over: StdOver::Group,
    baseline: Baseline::Group,
    overlong_filter: false,
    refills_max: 0,
    ratio: Ratio::Token,
    clip: Clip::Objective,
    clip_low: 0.2,
    clip_high: 0.28,
    dual_clip: 3.0,
    normalizer: "tokens",
    kl: Kl::K3,
    kl_weight: 0.0,
    beta2: 0.95,
    weight_decay: 0.0,
};

/// The paper's best setting (specification userrl §8.2 and §3.6, §3.7): turns alike, trajectories by discounted reward to go, 128 groups of 8 in 8
/// optimiser steps, a constant rate of 1e-6, 15 epochs of 18 steps. `group_size`, `gamma`, `clip_low`, `dual_clip`, `kl_weight` and `temperature` are as
/// our own: 8, .8, .2, 3, 0 and 1.
const PAPER_BEST: Preset = Preset {
    steps: 270,
    groups_mutual: 0,
    groups_fixed: 128,
    mode: "agent",
    lr: 1e-6,
    warmup: 0,
    lr_floor: 1.0,
    minibatches: 8,
    trajectory_score: "r2g",
    std_eps: 1e-6,
    clip_high: 0.2,
    beta2: 0.999,
    weight_decay: 0.01,
    ..QUICKSTART
};

/// What the released training script does: the same with trajectories by what it calls their sum, and is their mean (§3.2).
const UPSTREAM_DEFAULT: Preset = Preset { trajectory_score: "mean", ..PAPER_BEST };

/// GRPO as it was published (arXiv:2402.03300 §4.1 and §4.2): trajectories weigh alike, and a penalty of 0.04. This and the following change what is learned by,
/// and keep our learning rate, steps and groups: theirs are those of models a thousand times as large.
const GRPO: Preset =
    Preset { std_eps: 1e-4, clip_high: 0.2, dual_clip: 0.0, normalizer: "sequences", kl_weight: 0.04, ..QUICKSTART };

/// Dr. GRPO (arXiv:2503.20783 §3.2): no division by the deviation, nor by the length.
const DR_GRPO: Preset = Preset { normalize_std: false, normalizer: "fixed", kl_weight: 0.0, ..GRPO };

/// DAPO (arXiv:2503.14476 §3 and §4.1): clip-higher, dynamic sampling (at most ten rounds, as in its recipe in verl), token mean, overlong filtering. Its soft
/// overlong punishment needs to know the scenario's bound, so it stays off until `overlong_penalty` is set.
const DAPO: Preset =
    Preset { clip_high: 0.28, normalizer: "tokens", kl_weight: 0.0, refills_max: 9, overlong_filter: true, ..GRPO };

/// GSPO (arXiv:2507.18071 §5.1): one ratio a trajectory, narrow bounds, four optimiser steps.
const GSPO: Preset =
    Preset { ratio: Ratio::Sequence, clip_low: 3e-4, clip_high: 4e-4, kl_weight: 0.0, minibatches: 4, ..GRPO };

/// CISPO (arXiv:2506.13585 §3.1), with the bound of ScaleRL (arXiv:2510.13786): weights up to 5, none below.
const CISPO: Preset =
    Preset { clip: Clip::Weight, clip_low: 1.0, clip_high: 4.0, normalizer: "tokens", kl_weight: 0.0, ..GRPO };

/// RLOO (arXiv:2402.14740, its appendix C for the penalty), with the clip of `trl`'s trainer.
const RLOO: Preset = Preset {
    baseline: Baseline::LeaveOneOut,
    normalize_std: false,
    ratio: Ratio::Product,
    kl: Kl::K1,
    kl_weight: 0.03,
    ..GRPO
};

/// REINFORCE++ (arXiv:2501.03262), with the penalty of OpenRLHF, where it comes from.
const REINFORCE_PLUS_PLUS: Preset = Preset {
    baseline: Baseline::Batch,
    std_over: StdOver::Batch,
    normalizer: "tokens",
    kl: Kl::K1,
    kl_weight: 0.01,
    ..GRPO
};

/// PPO's clip (arXiv:1707.06347) without a critic, as Lite PPO has it (arXiv:2508.08221): the group's mean, the step's deviation, token mean.
const PPO: Preset = Preset { std_over: StdOver::Batch, normalizer: "tokens", kl_weight: 0.0, ..GRPO };

/// All of them by name, our own first.
pub(super) const PRESETS: [(&str, Preset); 11] = [
    ("quickstart", QUICKSTART),
    ("paper-best", PAPER_BEST),
    ("upstream-default", UPSTREAM_DEFAULT),
    ("grpo", GRPO),
    ("dr_grpo", DR_GRPO),
    ("dapo", DAPO),
    ("gspo", GSPO),
    ("cispo", CISPO),
    ("rloo", RLOO),
    ("reinforce++", REINFORCE_PLUS_PLUS),
    ("ppo", PPO),
];
