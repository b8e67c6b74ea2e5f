//! Scores of different gyms on one scale, and their average.
//!
//! ```text
//!  score_norm = (score − random) / (scripted:good − random)          random has 0, scripted:good has 1; more than 1 is possible
//! ```
//!
//! All three are means over the same items and seeds, with the same opponents and as many trials; a cell that one of them lacks is left out of all.
//! A gym whose references lie less than [`SCORE_SPAN_MIN`] apart has no scale, and so no value: a small difference there would be made a
//! large one. An interval is resampled with the references of the same resample, so that what makes an item easy for everybody
//! cancels, and what the references owe to chance does not pass for certain.
//!
//! Only for averages over several gyms. Within one gym the raw score says what was reached.

use std::collections::BTreeMap;

use crate::average;
use crate::average::Average;
use crate::average::Stratum;
use crate::compare::Arm;
use crate::compare::Comparison;
use crate::userrl;

/// The least distance between `random` and `scripted:good` that a score may be stretched over.
pub const SCORE_SPAN_MIN: f64 = 0.05;

/// What a policy scored in each gym: raw scores of one seat, by the gym's (or scenario's) name. All seeds of the policy are in one arm.
pub type ByGym = BTreeMap<String, Arm>;

/// What the references scored in each gym.
#[derive(Clone, Copy, Debug)]
pub struct Scale<'a> {
    /// The policy `random`, that has 0.
    pub random: &'a ByGym,
    /// The policy `scripted:good`, that has 1.
    pub good: &'a ByGym,
}

impl Scale<'_> {
    /// The policy's `score_norm` in each gym it played; `None` where the gym has no scale, or nothing was counted that both references
    /// have too.
    #[must_use]
    pub fn by_gym(&self, score: &ByGym) -> BTreeMap<String, Option<Average>> {
        let of = |gym: &String| average::average(&[self.stratum(gym, &[score])?], of_one, alone);
        score.keys().map(|gym| (gym.clone(), of(gym))).collect()
    }

    /// The mean of the policy's `score_norm` over its gyms, each counting once. `None` if any of them has none: leave such a gym out by name,
    /// and from everybody.
    #[must_use]
    pub fn macro_average(&self, score: &ByGym) -> Option<Average> {
        average::average(&self.strata(&[score])?, of_one, userrl::macro_average)
    }

    /// How much higher `x` lies than `y` in that mean, paired by gym, item and seed: ask [`Comparison::beats`] of it. Under a seed the
    /// references are those of the same seed. `None` if one of them has no mean, or the two did not play the same gyms.
    #[must_use]
    pub fn macro_difference(&self, x: &ByGym, y: &ByGym) -> Option<Comparison> {
        if !x.keys().eq(y.keys()) {
            return None;
        }
        let of_two = |means: &[f64]| {
            let [x, y, random, good] = *means else { return None };
            Some(score_norm(x, random, good)? - score_norm(y, random, good)?)
        };
        let Average { mean, ci95, per_seed, items, unpaired } =
            average::average(&self.strata(&[x, y])?, of_two, userrl::macro_average)?;
        Some(Comparison { mean, ci95, per_seed, items, unpaired })
    }

    /// One stratum for each gym of the first policy; `None` if another, or a reference, did not play it.
    fn strata(&self, policies: &[&ByGym]) -> Option<Vec<Stratum>> {
        policies.first()?.keys().map(|gym| self.stratum(gym, policies)).collect()
    }

    fn stratum(&self, gym: &str, policies: &[&ByGym]) -> Option<Stratum> {
        let references = [self.random, self.good];
        let arms: Option<Vec<&Arm>> = policies.iter().copied().chain(references).map(|arms| arms.get(gym)).collect();
        arms.map(|arms| Stratum::of(&arms))
    }
}

/// A score on the scale on which `random` has 0 and `scripted:good` has 1; may exceed 1. `None` if those two lie less than
/// [`SCORE_SPAN_MIN`] apart.
#[must_use]
pub fn score_norm(score: f64, random: f64, good: f64) -> Option<f64> {
    let span = good - random;
    (span >= SCORE_SPAN_MIN).then(|| (score - random) / span)
}

/// Of the means of a policy and both references.
fn of_one(means: &[f64]) -> Option<f64> {
    let [score, random, good] = *means else { return None };
    score_norm(score, random, good)
}

/// The value of the only gym.
fn alone(values: &[f64]) -> Option<f64> {
    values.first().copied()
}

#[cfg(test)]
mod tests {
    use sim::Ratio;

    use super::*;
    use crate::interval::Interval;

    /// So many items under seeds 1 and 2, of one trial each.
    fn arm(items: u32, value: impl Fn(u32, u64) -> f64) -> Arm {
        let mut arm = Arm::default();
        for item in 0..items {
            for seed in [1, 2] {
                arm.add_score(item, seed, Some(value(item, seed)));
            }
        }
        arm
    }

    fn by_gym<const N: usize>(arms: [(&str, Arm); N]) -> ByGym {
        arms.into_iter().map(|(gym, arm)| (gym.to_owned(), arm)).collect()
    }

    /// Deviation √(63/12) over any multiple of eight items, mean 0.
    fn effect(item: u32) -> f64 {
        f64::from(item % 8) - 3.5
    }

    #[test]
    fn scores_are_stretched_between_random_and_good() {
        assert_eq!(score_norm(0.5, 0.25, 0.75), Some(0.5));
        assert_eq!(score_norm(1.0, 0.0, 0.5), Some(2.0));
        assert_eq!(score_norm(0.5, 0.5, 0.54), None);
        assert_eq!(score_norm(0.5, 0.5, 0.2), None);
    }

    #[test]
    fn each_gym_counts_once_however_many_items_it_has_and_however_far_its_scores_reach() {
        let random = by_gym([("a", arm(8, |_, _| 0.0)), ("b", arm(80, |_, _| 1.0))]);
        let good = by_gym([("a", arm(8, |_, _| 0.5)), ("b", arm(80, |_, _| 3.0))]);
        // In a: seeds .1 and .3 of .5. In b: 1.5 and 2.5, of 1 to 3.
        let score = by_gym([
            ("a", arm(8, |_, seed| if seed == 1 { 0.1 } else { 0.3 })),
            ("b", arm(80, |_, seed| seed as f64 + 0.5)),
        ]);
        let scale = Scale { random: &random, good: &good };
        let average = scale.macro_average(&score).expect("both have a scale");
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-12, "{got}, not {want}");
        near(average.mean, f64::midpoint(0.4, 0.5));
        near(average.per_seed[&1].expect("played"), f64::midpoint(0.2, 0.25));
        near(average.per_seed[&2].expect("played"), f64::midpoint(0.6, 0.75));
        assert_eq!((average.items, average.unpaired), (88, 0));
        let by_gym = scale.by_gym(&score);
        near(by_gym["a"].as_ref().expect("a scale").mean, 0.4);
        near(by_gym["b"].as_ref().expect("a scale").mean, 0.5);
    }

    #[test]
    fn the_interval_of_the_average_has_the_width_that_theory_gives_for_gyms_that_vary_apart() {
        // As many items in both and the same effects: draws that were shared would give an interval √2 times as wide.
        let [random, good] = [0.0, 10.0].map(|value| by_gym(["a", "b"].map(|gym| (gym, arm(200, |_, _| value)))));
        let score = by_gym(["a", "b"].map(|gym| (gym, arm(200, |item, _| effect(item)))));
        let average = Scale { random: &random, good: &good }.macro_average(&score).expect("both have a scale");
        let ci95 = average.ci95.expect("200 items");
        let half = 1.95996 * (63.0f64 / 12.0 / 200.0 / 2.0).sqrt() / 10.0;
        assert!((ci95.high - half).abs() < 0.04 * half && (ci95.low + half).abs() < 0.04 * half, "{ci95:?}, {half}");
    }

    #[test]
    fn references_move_with_the_items_that_are_drawn() {
        // What makes an item easy for everybody cancels.
        let random = by_gym([("a", arm(80, |item, _| effect(item)))]);
        let good = by_gym([("a", arm(80, |item, _| effect(item) + 2.0))]);
        let halfway = by_gym([("a", arm(80, |item, _| effect(item) + 1.0))]);
        let scale = Scale { random: &random, good: &good };
        assert_eq!(scale.macro_average(&good).expect("a scale").mean, 1.0);
        assert_eq!(scale.macro_average(&random).expect("a scale").ci95, Some(Interval { low: 0.0, high: 0.0 }));
        let average = scale.macro_average(&halfway).expect("a scale");
        let ci95 = average.ci95.expect("80 items");
        assert!([average.mean, ci95.low, ci95.high].iter().all(|value| (value - 0.5).abs() < 1e-12), "{average:?}");
        // A span that varies is part of the interval: here the score never does.
        let steady = by_gym([("a", arm(80, |_, _| 1.0))]);
        let zero = by_gym([("a", arm(80, |_, _| 0.0))]);
        let varying = by_gym([("a", arm(80, |item, _| effect(item) + 4.0))]);
        let ci95 =
            Scale { random: &zero, good: &varying }.macro_average(&steady).expect("a scale").ci95.expect("items");
        // 1 / (4 + e) for means e within ±1.96 · 2.2913 / √80.
        assert!((ci95.high - 1.0 / 3.498).abs() < 0.01 && (ci95.low - 1.0 / 4.502).abs() < 0.01, "{ci95:?}");
    }

    #[test]
    fn two_policies_are_compared_on_the_same_scale_and_under_every_seed() {
        let random = by_gym([("a", arm(40, |item, _| effect(item))), ("b", arm(16, |_, _| 0.0))]);
        let good = by_gym([("a", arm(40, |item, _| effect(item) + 1.0)), ("b", arm(16, |_, _| 0.5))]);
        let y = by_gym([("a", arm(40, |item, _| effect(item) + 0.2)), ("b", arm(16, |_, _| 0.1))]);
        let x = by_gym([
            ("a", arm(40, |item, seed| effect(item) + 0.2 + 0.1 * seed as f64)),
            ("b", arm(16, |_, seed| if seed == 1 { 0.15 } else { 0.1 })),
        ]);
        let scale = Scale { random: &random, good: &good };
        let comparison = scale.macro_difference(&x, &y).expect("both have a scale");
        // In a: .1 and .2 of 1. In b: .05 and 0 of .5.
        assert!((comparison.mean - f64::midpoint(0.15, 0.05)).abs() < 1e-12, "{comparison:?}");
        let seeds: Vec<f64> = comparison.per_seed.values().map(|value| value.expect("played")).collect();
        assert!((seeds[0] - 0.1).abs() < 1e-12 && (seeds[1] - 0.1).abs() < 1e-12, "{seeds:?}");
        assert!(comparison.beats(0.09) && !comparison.beats(0.11));
        let averages = [&x, &y].map(|policy| scale.macro_average(policy).expect("a scale").mean);
        assert!((averages[0] - averages[1] - comparison.mean).abs() < 1e-12);
        assert_eq!(scale.macro_difference(&y, &y).expect("a scale").ci95, Some(Interval { low: 0.0, high: 0.0 }));
    }

    #[test]
    fn a_seed_that_one_gym_was_not_played_under_is_missing_and_not_one_without_a_value() {
        let under = |seeds: &[u64], value: f64| {
            let mut arm = Arm::default();
            (0..8).for_each(|item| seeds.iter().for_each(|seed| arm.add_score(item, *seed, Some(value))));
            arm
        };
        let random = by_gym([("a", under(&[1, 2], 0.0)), ("b", under(&[1, 2], 0.0))]);
        let good = by_gym([("a", under(&[1, 2], 1.0)), ("b", under(&[1, 2], 1.0))]);
        let x = by_gym([("a", under(&[1, 2], 0.5)), ("b", under(&[1], 0.5))]);
        let y = by_gym([("a", under(&[1, 2], 0.2)), ("b", under(&[1, 2], 0.2))]);
        let comparison = Scale { random: &random, good: &good }.macro_difference(&x, &y).expect("both have a scale");
        assert_eq!(comparison.per_seed.keys().collect::<Vec<_>>(), [&1]);
    }

    #[test]
    fn a_gym_without_a_scale_has_no_value_and_neither_has_the_average() {
        let random = by_gym([("a", arm(8, |_, _| 0.0)), ("b", arm(8, |_, _| 0.5))]);
        let good = by_gym([("a", arm(8, |_, _| 1.0)), ("b", arm(8, |_, _| 0.54))]);
        let score = by_gym([("a", arm(8, |_, _| 0.3)), ("b", arm(8, |_, _| 0.6))]);
        let scale = Scale { random: &random, good: &good };
        let by = scale.by_gym(&score);
        assert!(by["a"].is_some() && by["b"].is_none());
        assert_eq!(scale.macro_average(&score), None);
        let only = by_gym([("a", arm(8, |_, _| 0.3))]);
        assert!((scale.macro_average(&only).expect("a has one").mean - 0.3).abs() < 1e-12);
        assert_eq!(scale.macro_difference(&score, &only), None);
        assert_eq!(scale.macro_average(&by_gym([("c", arm(8, |_, _| 0.3))])), None);
        assert_eq!(scale.macro_average(&ByGym::new()), None);
    }

    #[test]
    fn cells_that_anybody_lacks_are_left_out_of_all() {
        let random = by_gym([("a", arm(4, |_, _| 0.0))]);
        let mut of_good = arm(4, |_, _| 1.0);
        // Item 9 was played by nobody else, and nothing was scored in it.
        of_good.add(9, 1, Ratio::default());
        let good = by_gym([("a", of_good)]);
        let mut of_score = Arm::default();
        // Item 0: one of two trials was scored; item 1: none; items 2 and 3 were not played, under seed 2 nothing was.
        of_score.add_score(0, 1, Some(0.5));
        of_score.add_score(0, 1, None);
        of_score.add_score(1, 1, None);
        of_score.add_score(1, 2, None);
        let average = Scale { random: &random, good: &good }.macro_average(&by_gym([("a", of_score)])).expect("item 0");
        assert_eq!((average.mean, average.items, average.unpaired, average.ci95), (0.5, 1, 8, None));
        assert_eq!(average.per_seed, [(1, Some(0.5)), (2, None)].into());
    }

    #[test]
    fn a_span_that_vanishes_in_many_resamples_leaves_no_interval() {
        // One item of twenty carries the whole span: e⁻¹ of the resamples have none.
        let random = by_gym([("a", arm(20, |_, _| 0.0))]);
        let good = by_gym([("a", arm(20, |item, _| if item == 0 { 2.0 } else { 0.0 }))]);
        let average = Scale { random: &random, good: &good }.macro_average(&good).expect("a span of .1");
        assert_eq!((average.mean, average.ci95), (1.0, None));
    }
}
