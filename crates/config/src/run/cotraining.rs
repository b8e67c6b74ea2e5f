//! `[grpo.pool]`, `[grpo.curriculum]`, `[grpo.isolation]` and `grpo.difficulty_weight`: whom and what a step plays by what came of the steps before it, and
//! what a user is paid for.

use rl::curriculum::CurriculumSettings;
use rl::isolation::IsolationSettings;
use rl::pool::PoolSettings;
use rl::pool::Priority;
use rl::settings::Cotraining;
use rl::settings::GroupCounts;
use rl::settings::UpdateMode;
use schemars::JsonSchema;
use serde::Deserialize;
use sim::Seat;

use super::COUNT;
use crate::allowed::Allowed;
use crate::check::Check;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct PoolFile {
    /// Share of the partner's present model, as a multiple of the others'.
    latest: Option<f64>,
    /// Share of the partner's snapshots, as a multiple of the others'.
    history: Option<f64>,
    /// Share of the fixed opponent, as a multiple of the others'.
    fixed: Option<f64>,
    /// Steps between snapshots; the first is of the models that GRPO begins with.
    every: Option<i64>,
    /// Snapshots of each seat that can be met, the newest; their commits are kept.
    keep: Option<i64>,
    /// Which snapshots are met more often: those that are hard to beat, those that are about as good, or all alike.
    priority: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct CurriculumFile {
    /// Share of successes that is aimed at.
    target: Option<f64>,
    /// Steps between weights, which are made of what was played since the last ones.
    every: Option<i64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct IsolationFile {
    /// Share of groups that play an item again at which a group failed.
    share: Option<f64>,
    /// Most items that are remembered.
    keep: Option<i64>,
}

/// The three sections, and the weight.
pub(super) struct CotrainingKeys {
    pub(super) pool: Option<PoolFile>,
    pub(super) curriculum: Option<CurriculumFile>,
    pub(super) isolation: Option<IsolationFile>,
    pub(super) difficulty_weight: Option<f64>,
}

const PRIORITIES: [(&str, Priority); 3] =
    [("hard", Priority::Hard), ("even", Priority::Even), ("uniform", Priority::Uniform)];

const POOL_SHARE: Allowed = Allowed::between(0.0, 1e6, "it is a multiple of the other shares of the pool");
const SNAPSHOTS: Allowed =
    Allowed::between(1.0, 1e4, "it is a number of commits that are kept, and a pool without one has no history");
const TARGET: Allowed = Allowed::inside(0.0, 1.0, "it is a share of successes that there is something to learn from");
const AGAIN: Allowed = Allowed::above(0.0, 1.0, "it is a share of the groups; take the section out for none");
const DIFFICULTY: Allowed = Allowed::between(0.0, 100.0, "it is the weight of a term in [0, 1]; 0 is off");
const REMEMBERED: Allowed = Allowed::between(1.0, 1e6, "it is a number of items");

/// Checks them. Each section is read whether it is there or not, so that a schema knows what it may say. `is_beyond_group` says that scores are measured
/// against more than their group.
pub(super) fn cotraining(
    check: &mut Check<'_>,
    keys: CotrainingKeys,
    mode: UpdateMode,
    groups: &GroupCounts,
    is_beyond_group: bool,
) -> Cotraining {
    let CotrainingKeys { pool, curriculum, isolation, difficulty_weight } = keys;
    let (has_pool, has_curriculum, has_isolation) = (pool.is_some(), curriculum.is_some(), isolation.is_some());
    let pool = pool_settings(check, pool.unwrap_or_default());
    if has_pool {
        pool_has_effect(check, &pool, mode, groups);
    }
    let CurriculumFile { target, every } = curriculum.unwrap_or_default();
    let curriculum = CurriculumSettings {
        target: check.number("grpo.curriculum.target", target, 0.5, TARGET),
        every: check.whole("grpo.curriculum.every", every, 10, COUNT),
    };
    let IsolationFile { share, keep } = isolation.unwrap_or_default();
    let isolation = IsolationSettings {
        share: check.number("grpo.isolation.share", share, 0.2, AGAIN),
        keep: check.whole("grpo.isolation.keep", keep, 64, REMEMBERED),
    };
    Cotraining {
        pool: has_pool.then_some(pool),
        curriculum: has_curriculum.then_some(curriculum),
        isolation: has_isolation.then_some(isolation),
        difficulty_weight: difficulty(check, difficulty_weight, mode, is_beyond_group),
    }
}

fn difficulty(check: &mut Check<'_>, written: Option<f64>, mode: UpdateMode, is_beyond_group: bool) -> f64 {
    let on = written.filter(|weight| *weight != 0.0);
    if mode == UpdateMode::Only(Seat::Agent) {
        check.without_effect("grpo.difficulty_weight", on, "it pays the user, which does not learn");
    } else if !is_beyond_group {
        let because =
            "it is the same for all members of a group, and cancels out unless `baseline` is `batch` or `moving`";
        check.without_effect("grpo.difficulty_weight", on, because);
    }
    check.number("grpo.difficulty_weight", written, 0.0, DIFFICULTY)
}

fn pool_settings(check: &mut Check<'_>, file: PoolFile) -> PoolSettings {
    let PoolFile { latest, history, fixed, every, keep, priority } = file;
    PoolSettings {
        latest: check.number("grpo.pool.latest", latest, 0.5, POOL_SHARE),
        history: check.number("grpo.pool.history", history, 0.3, POOL_SHARE),
        fixed: check.number("grpo.pool.fixed", fixed, 0.2, POOL_SHARE),
        every: check.whole("grpo.pool.every", every, 10, COUNT),
        keep: check.whole("grpo.pool.keep", keep, 8, SNAPSHOTS),
        priority: check.word("grpo.pool.priority", priority.as_deref(), &PRIORITIES),
    }
}

fn pool_has_effect(check: &mut Check<'_>, pool: &PoolSettings, mode: UpdateMode, groups: &GroupCounts) {
    let without = match mode {
        UpdateMode::Only(seat) => {
            Some(format!("only the {seat} learns, and the {} has no model to take snapshots of", seat.partner()))
        }
        UpdateMode::Simultaneous | UpdateMode::Alternating { .. } if groups.fixed == 0 => Some(
            "`groups` has none that serve one seat alone (`fixed`), in which it draws whom the seat meets".to_owned(),
        ),
        UpdateMode::Simultaneous | UpdateMode::Alternating { .. } => None,
    };
    if let Some(because) = without {
        check.without_effect("grpo.pool", Some(()), &because);
    } else if pool.latest + pool.history + pool.fixed == 0.0 {
        check.error(
            "grpo.pool",
            "leaves nobody to be met: all of its shares are 0",
            "e.g. `pool = { latest = 0.5, history = 0.3, fixed = 0.2 }`",
        );
    }
}
