//! The part of an advantage that takes all groups of a step: baselines and standard deviations that a group alone does not know.
//!
//! ```text
//!  S                score of a trajectory               z_g   what its group made of it: `group`
//!  aggregation      sum_then_normalize                                          normalize_then_sum (GDPO)
//!  baseline         group, leave_one_out: z_g    batch: S − mean of all S       (z_g − mean of all z_g) / (std of all z_g + std_eps)
//!                   moving: S − b of the seat and scenario, in the order of ids
//!  std_over         group: is in z_g    scenario: / (pooled std + std_eps)    batch: / (std of all S + std_eps)
//! ```
//!
//! "All" are those of the seat in this step that count, groups without a difference included. Each seat has its own.

use std::collections::BTreeMap;

use sim::Ratio;

use crate::credit;
use crate::group::Member;
use crate::group::is_flat;
use crate::moving::MovingBaseline;
use crate::settings::Aggregation;
use crate::settings::Baseline;
use crate::settings::GrpoSettings;
use crate::settings::StdOver;

/// Members of a group of which nothing is learned, because nothing tells them apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flat {
    /// How many.
    pub counted: usize,
    /// Their score.
    pub score: f64,
}

/// Finishes the members' `z`. `flat` are the groups beside those that are learned from. False if, measured against the step, all scores of the
/// step are equal: then nothing tells anybody apart. `moving` is the seat's, and takes note of the members' scores if scores are measured against it.
#[must_use]
pub fn over_step(
    learned: &mut [Vec<Member<'_>>],
    flat: &[Flat],
    settings: &GrpoSettings,
    moving: &mut MovingBaseline,
) -> bool {
    match settings.aggregation {
        Aggregation::NormalizeThenSum => {
            let zs = all(learned, flat, |member| member.z, |_| 0.0);
            if zs.len() >= 2 {
                let (mean, scale) = (mean(&zs), credit::std_unbiased(&zs) + settings.std_eps);
                learned.iter_mut().flatten().for_each(|member| member.z = (member.z - mean) / scale);
            }
            true
        }
        Aggregation::SumThenNormalize => {
            let scores = all(learned, flat, |member| member.score, |flat| flat.score);
            if settings.baseline == Baseline::Batch {
                if is_flat(&scores) {
                    return false;
                }
                let mean = mean(&scores);
                learned.iter_mut().flatten().for_each(|member| member.z = member.score - mean);
            }
            if settings.baseline == Baseline::Moving {
                let members = learned.iter_mut().flatten();
                members.for_each(|m| m.z = moving.advantage(m.record.casting.scenario, m.score));
            }
            match settings.std_over {
                _ if !settings.normalize_std => {}
                StdOver::Group => {}
                StdOver::Scenario => scale_by_scenario(learned, settings.std_eps),
                StdOver::Batch if scores.len() >= 2 => {
                    let scale = credit::std_unbiased(&scores) + settings.std_eps;
                    learned.iter_mut().flatten().for_each(|member| member.z /= scale);
                }
                StdOver::Batch => {}
            }
            true
        }
    }
}

/// One number of each member that counts, and of each that is not learned from.
fn all(
    learned: &[Vec<Member<'_>>],
    flat: &[Flat],
    of_member: impl Fn(&Member<'_>) -> f64,
    of_flat: impl Fn(&Flat) -> f64,
) -> Vec<f64> {
    let members = learned.iter().flatten().map(of_member);
    let flat = flat.iter().flat_map(|group| std::iter::repeat_n(of_flat(group), group.counted));
    members.chain(flat).collect()
}

/// Divides by the standard deviation that the scores have together in their scenario: the root of the mean of the groups' own (unbiased)
/// variances, weighted by their degrees of freedom.
fn scale_by_scenario(learned: &mut [Vec<Member<'_>>], std_eps: f64) {
    let mut spread: BTreeMap<u32, Ratio> = BTreeMap::new();
    for members in learned.iter() {
        let scores: Vec<f64> = members.iter().map(|member| member.score).collect();
        let mean = mean(&scores);
        let squares: f64 = scores.iter().map(|score| (score - mean) * (score - mean)).sum();
        *spread.entry(members[0].record.casting.scenario).or_default() +=
            Ratio::new(squares, members.len() as f64 - 1.0);
    }
    for member in learned.iter_mut().flatten() {
        let variance = spread[&member.record.casting.scenario].rate().unwrap_or(0.0);
        member.z /= variance.sqrt() + std_eps;
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use sim::EpisodeRecord;
    use sim::Seat;

    use super::*;
    use crate::fixtures;
    use crate::group::GroupOutcome;

    /// Groups of two with these scores of the agent; what becomes of them, and whether anything does.
    fn zs(groups: &[[f64; 2]], settings: &GrpoSettings) -> (Vec<f64>, bool) {
        let record = |group, member, score: f64| fixtures::record(group, member, &[score], &[0.0]);
        let records: Vec<[EpisodeRecord; 2]> =
            (0..).zip(groups).map(|(group, [a, b])| [record(group, 1, *a), record(group, 2, *b)]).collect();
        let (mut learned, mut flat) = (Vec::new(), Vec::new());
        for group in &records {
            match GroupOutcome::of(&group.iter().collect::<Vec<_>>(), Seat::Agent, settings) {
                GroupOutcome::Learned { members, .. } => learned.push(members),
                GroupOutcome::NoVariance { counted, score } => flat.push(Flat { counted, score }),
                GroupOutcome::TooFew { counted } => panic!("{counted} are enough"),
            }
        }
        let learns = over_step(&mut learned, &flat, settings, &mut MovingBaseline::default());
        (learned.iter().flatten().map(|member| member.z).collect(), learns)
    }

    #[track_caller]
    fn check(groups: &[[f64; 2]], settings: &GrpoSettings, want: &[f64]) {
        let (got, learns) = zs(groups, settings);
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6;
        assert!(got.len() == want.len() && got.iter().zip(want).all(near), "{got:?} against {want:?}");
        assert!(learns);
    }

    fn settings() -> GrpoSettings {
        GrpoSettings { std_eps: 1e-9, ..fixtures::settings() }
    }

    #[test]
    fn over_the_step_all_scores_share_one_deviation_and_flat_groups_count_in_it() {
        // Scores 1, 0, .5, .5, of which two are learned from: mean .5, std √(.5 / 3).
        let settings = GrpoSettings { std_over: StdOver::Batch, ..settings() };
        let far = 0.5 / (0.5f64 / 3.0).sqrt();
        check(&[[1.0, 0.0], [0.5, 0.5]], &settings, &[far, -far]);
    }

    #[test]
    fn against_the_step_an_even_group_learns_that_it_did_better_than_others() {
        let settings = GrpoSettings { baseline: Baseline::Batch, std_over: StdOver::Batch, ..settings() };
        // Mean .5, squares 4 · .25, std √(1 / 3).
        let far = 0.5 * 3f64.sqrt();
        check(&[[1.0, 1.0], [0.0, 0.0]], &settings, &[far, far, -far, -far]);
        let bare = GrpoSettings { normalize_std: false, ..settings };
        check(&[[1.0, 1.0], [0.0, 0.0]], &bare, &[0.5, 0.5, -0.5, -0.5]);
        assert_eq!(zs(&[[0.2, 0.2], [0.2, 0.2]], &bare), (vec![0.2; 4], false));
    }

    #[test]
    fn a_left_out_baseline_takes_the_deviation_of_the_scores_and_not_its_own() {
        let settings = GrpoSettings { baseline: Baseline::LeaveOneOut, std_over: StdOver::Scenario, ..settings() };
        // Distances 1 and −1; the scores' std is √.5.
        let far = 2f64.sqrt();
        check(&[[1.0, 0.0]], &settings, &[far, -far]);
    }

    #[test]
    fn sums_of_normalised_terms_are_normalised_once_more_over_the_step() {
        let settings = GrpoSettings { aggregation: Aggregation::NormalizeThenSum, ..settings() };
        // One term: ±√.5 in the groups that differ, whatever their spread, 0 in the flat one. Squares 4 · .5 over 5.
        let far = 0.5f64.sqrt() / (2.0f64 / 5.0).sqrt();
        check(&[[1.0, 0.0], [0.1, 0.2], [0.5, 0.5]], &settings, &[far, -far, -far, far]);
    }
}
