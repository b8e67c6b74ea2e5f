//! Learning rates as functions of the update's number, counted from 1: never of a clock.

use std::f64::consts::PI;

use crate::settings::GrpoSettings;
use crate::settings::SftSettings;

/// The cold start's learning rate at `update`: up to `lr` in `warmup` equal steps, then down a half cosine to `lr · lr_floor` at the last update.
#[must_use]
pub fn sft_lr(settings: &SftSettings, update: u64) -> f64 {
    settings.lr * share(settings.warmup, settings.updates, settings.lr_floor, update)
}

/// GRPO's learning rate at `step`, likewise: a `lr_floor` of 1 keeps it constant after the warm-up.
#[must_use]
pub fn grpo_lr(settings: &GrpoSettings, step: u64) -> f64 {
    settings.lr * share(settings.warmup, settings.steps, settings.lr_floor, step)
}

/// Whether what is done every so many steps is done after `step`: also after the last one, and at step 0, the end of the cold start.
#[must_use]
pub fn is_due(every: u64, last: u64, step: u64) -> bool {
    step == last || step.is_multiple_of(every.max(1))
}

/// Whether the cold start commits after `update`; its last commit is step 0 of GRPO.
#[must_use]
pub fn cold_start_commits(every: u64, updates: u64, update: u64) -> bool {
    update < updates && update.is_multiple_of(every.max(1))
}

/// Of the highest rate, in (0, 1].
fn share(warmup: u64, last: u64, floor: f64, at: u64) -> f64 {
    if at < warmup {
        return at as f64 / warmup as f64;
    }
    let falling = last.saturating_sub(warmup).max(1) as f64;
    let progress = ((at - warmup) as f64 / falling).min(1.0);
    floor + (1.0 - floor) * 0.5 * (1.0 + (PI * progress).cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn sft() -> SftSettings {
        SftSettings {
            records: Vec::new(),
            top: None,
            dialogues: 8000,
            thoughts: crate::settings::Thoughts::Own,
            teacher: "scripted:noisy".to_owned(),
            updates: 100,
            tokens_per_update: 700,
            lr: 2e-3,
            warmup: 20,
            lr_floor: 0.05,
            partner_weight: 0.2,
            drill_share: 0.3,
            probe_min: 0.6,
        }
    }

    #[track_caller]
    fn check(lr: f64, want: f64) {
        assert!((lr - want).abs() < 1e-12, "{lr} against {want}");
    }

    #[test]
    fn the_cold_start_warms_up_and_cools_down_to_its_floor() {
        check(sft_lr(&sft(), 1), 1e-4);
        check(sft_lr(&sft(), 20), 2e-3);
        // Half-way down: the mean of both ends.
        check(sft_lr(&sft(), 60), 2e-3 * (1.0 + 0.05) / 2.0);
        check(sft_lr(&sft(), 100), 1e-4);
        check(sft_lr(&sft(), 150), 1e-4);
    }

    #[test]
    fn a_cold_start_shorter_than_its_warm_up_only_warms_up() {
        let short = SftSettings { updates: 10, ..sft() };
        check(sft_lr(&short, 10), 1e-3);
    }

    #[test]
    fn policy_optimisation_warms_up_and_cools_down_too() {
        let settings = GrpoSettings { steps: 45, lr_floor: 0.1, ..fixtures::settings() };
        check(grpo_lr(&settings, 1), 6e-4 / 5.0);
        check(grpo_lr(&settings, 5), 6e-4);
        check(grpo_lr(&settings, 25), 6e-4 * (1.0 + 0.1) / 2.0);
        check(grpo_lr(&settings, 45), 6e-5);
    }

    #[test]
    fn what_is_due_now_and_then_is_due_at_both_ends_too() {
        let due: Vec<u64> = (0..=10).filter(|step| is_due(4, 10, *step)).collect();
        assert_eq!(due, [0, 4, 8, 10]);
        let commits: Vec<u64> = (1..=12).filter(|update| cold_start_commits(5, 10, *update)).collect();
        assert_eq!(commits, [5]);
    }

    #[test]
    fn with_a_floor_of_one_it_stays() {
        let settings = GrpoSettings { lr_floor: 1.0, ..fixtures::settings() };
        check(grpo_lr(&settings, 5), 6e-4);
        check(grpo_lr(&settings, 500), 6e-4);
        check(grpo_lr(&GrpoSettings { warmup: 0, ..settings }, 1), 6e-4);
    }
}
