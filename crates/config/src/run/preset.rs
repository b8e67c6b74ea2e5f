//! Defaults of a run by name: ours, and those with which UserRL was published.

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
    pub(super) clip_high: f64,
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
    clip_high: 0.28,
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
};

/// What the released training script does: the same with trajectories by what it calls their sum, and is their mean (§3.2).
const UPSTREAM_DEFAULT: Preset = Preset { trajectory_score: "mean", ..PAPER_BEST };

/// All of them by name, our own first.
pub(super) const PRESETS: [(&str, Preset); 3] =
    [("quickstart", QUICKSTART), ("paper-best", PAPER_BEST), ("upstream-default", UPSTREAM_DEFAULT)];
