//! When do we say "better"? The one implementation of the statistical rule.
//!
//! Comparisons are paired by item and seed. The statistic is the mean over items and seeds of the per-item difference, trials averaged; or,
//! for rates, the difference of two ratios of sums. The interval is the bootstrap's: 10 000 resamples of *items*, so that all seeds and trials
//! of an item move together, and the middle 95 % of what comes out.
//!
//! ```text
//!  rows ─> Arm: (item, seed) -> Ratio ─> columns of per-item sums ─> 10 000 × sums of drawn items ─> statistic ─> interval
//! ```
//!
//! - *X beats Y by d*: the mean difference is at least d, the interval's lower bound is above 0, and every seed's own difference is positive.
//! - *X is not worse than Y by m*: the mean harm is at most m, and the interval of the harm does not lie wholly above 0.
//! - *X cuts Y by a share s*: X's mean is at most 1 − s of Y's, the quotient's interval lies below 1, and so does every seed's own.
//! - *X keeps a share s of Y*: X's mean is at least s of Y's. The interval of the quotient is for the reader; it decides nothing.
//!
//! [`crate::claim`] puts these as questions about named metrics.
//!
//! Claims about a method (not about a trained policy) rest on at least 5 seeds and [`interval::by_student`]. `None` is not 0: a rate over nothing has no
//! value and supports no claim. Resampling is addressed, so the same rows always give the same interval.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::iter;

use serde::Deserialize;
use serde::Serialize;
use sim::Ratio;

use crate::interval;
use crate::interval::Estimate;
use crate::interval::Interval;

/// What was observed under one condition: one pooled [`Ratio`] for each item and seed. For a plain mean the ratio is (value, 1) per episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    cells: BTreeMap<(u32, u64), Ratio>,
}

impl Arm {
    /// Adds one episode's observation. A ratio of nothing, (0, 0), records that the item was played and had none.
    pub fn add(&mut self, item: u32, seed: u64, observed: Ratio) {
        *self.cells.entry((item, seed)).or_default() += observed;
    }

    /// Adds one episode's value; `None`, an episode that was not scored, records that the item was played.
    pub fn add_score(&mut self, item: u32, seed: u64, score: Option<f64>) {
        self.add(item, seed, score.map_or(Ratio::default(), |score| Ratio::new(score, 1.0)));
    }

    /// What was observed at each item and seed, in their order.
    pub fn cells(&self) -> impl Iterator<Item = ((u32, u64), Ratio)> {
        self.cells.iter().map(|(at, cell)| (*at, *cell))
    }

    /// What was observed at one item and seed; `None` if it was not played.
    #[must_use]
    pub fn cell(&self, item: u32, seed: u64) -> Option<Ratio> {
        self.cells.get(&(item, seed)).copied()
    }

    /// Over everything; `None` if nothing was counted.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        pooled(self.cells.values().copied()).rate()
    }

    /// Under one seed; `None` if nothing was counted there.
    #[must_use]
    pub fn rate_of_seed(&self, seed: u64) -> Option<f64> {
        pooled(self.cells.iter().filter(|((_, of), _)| *of == seed).map(|(_, cell)| *cell)).rate()
    }

    /// Items that had a case under any seed: what a rate really rests on.
    #[must_use]
    pub fn items_with_a_case(&self) -> usize {
        distinct_items(self.cells.iter().filter(|(_, cell)| cell.den > 0.0).map(|(at, _)| at))
    }

    /// Sums over all seeds of one item; (0, 0) if it was not played.
    fn of_item(&self, item: u32) -> Ratio {
        pooled(self.cells.range((item, u64::MIN)..=(item, u64::MAX)).map(|(_, cell)| *cell))
    }
}

/// How far two arms lie apart. Where [`share`] made it, what is called a difference here is a quotient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Mean difference, first arm minus second.
    pub mean: f64,
    /// Its 95 % interval; `None` with fewer than two items, or where too many resamples had nothing to count.
    pub ci95: Option<Interval>,
    /// Each seed's own difference; `None` if one of its arms counted nothing.
    pub per_seed: BTreeMap<u64, Option<f64>>,
    /// Items compared.
    pub items: usize,
    /// Pairs of item and seed left out because one arm lacks them.
    pub unpaired: usize,
}

impl Comparison {
    /// Whether the first arm beats the second by at least `margin`.
    #[must_use]
    pub fn beats(&self, margin: f64) -> bool {
        self.mean >= margin
            && self.ci95.is_some_and(|interval| interval.low > 0.0)
            && self.per_seed.values().all(|difference| difference.is_some_and(|difference| difference > 0.0))
    }

    /// Whether a harm, which is what this comparison must then be of, stays within `margin`: for what should be low the first arm is the one
    /// under suspicion, for what should be high the second. Print the interval's upper bound beside the answer.
    #[must_use]
    pub fn not_worse(&self, margin: f64) -> bool {
        self.mean <= margin && self.ci95.is_some_and(|interval| interval.low <= 0.0)
    }

    /// Whether a quotient, which is what this comparison must then be, is 1 − `share` at most, and below 1 whatever items are drawn and under each seed.
    #[must_use]
    pub fn cuts(&self, share: f64) -> bool {
        self.mean <= 1.0 - share
            && self.ci95.is_some_and(|interval| interval.high < 1.0)
            && self.per_seed.values().all(|quotient| quotient.is_some_and(|quotient| quotient < 1.0))
    }

    /// The t-interval over the seeds' own differences; `None` with fewer than two, or if one has no value.
    #[must_use]
    pub fn over_seeds(&self) -> Option<Estimate> {
        let differences: Option<Vec<f64>> = self.per_seed.values().copied().collect();
        interval::by_student(&differences?)
    }
}

/// Means (or ratios of sums) of several arms that were played on the same items, resampled together; `None` for an arm that counted nothing.
#[must_use]
pub fn estimates(arms: &[&Arm]) -> Vec<Option<Estimate>> {
    let items: BTreeSet<u32> = arms.iter().flat_map(|arm| arm.cells.keys().map(|(item, _)| *item)).collect();
    let by_item = |arm: &Arm| items.iter().map(|item| arm.of_item(*item)).collect::<Vec<Ratio>>();
    let columns: Vec<Vec<f64>> = arms.iter().flat_map(|arm| split(&by_item(arm))).collect();
    let sums = interval::resampled_sums(&columns);
    let of_arm = |(arm, sums): (&&Arm, &[Vec<f64>])| {
        let mean = pooled(arm.cells.values().copied()).rate()?;
        let resampled = iter::zip(&sums[0], &sums[1]).map(|(num, den)| Ratio::new(*num, *den).rate());
        Some(Estimate { mean, ci95: interval::middle(resampled) })
    };
    arms.iter().zip(sums.chunks_exact(2)).map(of_arm).collect()
}

/// Mean (or ratio of sums) of one arm; `None` if it counted nothing.
#[must_use]
pub fn estimate(arm: &Arm) -> Option<Estimate> {
    estimates(&[arm]).into_iter().next().flatten()
}

/// The mean of the per-item differences `x − y`, paired by item and seed, each side averaged over its own scored trials. `None` without a pair.
#[must_use]
pub fn difference(x: &Arm, y: &Arm) -> Option<Comparison> {
    let pairs = pairs(x, y);
    let differences: BTreeMap<(u32, u64), f64> =
        pairs.both.iter().filter_map(|(at, [x, y])| Some((*at, x.rate()? - y.rate()?))).collect();
    let arm = Arm { cells: differences.iter().map(|(at, value)| (*at, Ratio::new(*value, 1.0))).collect() };
    let Estimate { mean, ci95 } = estimate(&arm)?;
    let mut per_seed: BTreeMap<u64, Ratio> = pairs.both.keys().map(|(_, seed)| (*seed, Ratio::default())).collect();
    for ((_, seed), value) in &differences {
        *per_seed.entry(*seed).or_default() += Ratio::new(*value, 1.0);
    }
    Some(Comparison {
        mean,
        ci95,
        per_seed: per_seed.into_iter().map(|(seed, pooled)| (seed, pooled.rate())).collect(),
        items: distinct_items(differences.keys()),
        unpaired: pairs.unpaired + pairs.both.len() - differences.len(),
    })
}

/// The difference `x − y` of two ratios of sums, over the pairs of item and seed that both arms played. `None` if either arm counted nothing.
#[must_use]
pub fn rate_difference(x: &Arm, y: &Arm) -> Option<Comparison> {
    of_rates(x, y, |x, y| Some(x - y))
}

/// The quotient `x / y` of two ratios of sums, over the pairs of item and seed that both arms played. `None` if either arm counted nothing, or
/// y's ratio is not above 0: there is no share of nothing.
#[must_use]
pub fn share(x: &Arm, y: &Arm) -> Option<Comparison> {
    of_rates(x, y, |x, y| (y > 0.0).then(|| x / y))
}

/// What `statistic` makes of two ratios of sums: over all, resampled, and under each seed.
fn of_rates(x: &Arm, y: &Arm, statistic: impl Fn(f64, f64) -> Option<f64>) -> Option<Comparison> {
    let pairs = pairs(x, y);
    let mean = of_cells(pairs.both.values(), &statistic)?;
    let mut by_item: BTreeMap<u32, [Ratio; 2]> = BTreeMap::new();
    let mut by_seed: BTreeMap<u64, Vec<[Ratio; 2]>> = BTreeMap::new();
    for ((item, seed), cells) in &pairs.both {
        let sums = by_item.entry(*item).or_default();
        iter::zip(sums, cells).for_each(|(sum, cell)| *sum += *cell);
        by_seed.entry(*seed).or_default().push(*cells);
    }
    let columns: Vec<Vec<f64>> =
        (0..2).flat_map(|side| split(&by_item.values().map(|sums| sums[side]).collect::<Vec<Ratio>>())).collect();
    let sums = interval::resampled_sums(&columns);
    let rate = |side: usize, at: usize| Ratio::new(sums[2 * side][at], sums[2 * side + 1][at]).rate();
    Some(Comparison {
        mean,
        ci95: interval::middle((0..sums[0].len()).map(|at| statistic(rate(0, at)?, rate(1, at)?))),
        per_seed: by_seed.into_iter().map(|(seed, cells)| (seed, of_cells(cells.iter(), &statistic))).collect(),
        items: by_item.len(),
        unpaired: pairs.unpaired,
    })
}

/// The cells that both arms have, side by side.
struct Pairs {
    both: BTreeMap<(u32, u64), [Ratio; 2]>,
    unpaired: usize,
}

fn pairs(x: &Arm, y: &Arm) -> Pairs {
    let both: BTreeMap<(u32, u64), [Ratio; 2]> =
        x.cells.iter().filter_map(|(at, cell)| Some((*at, [*cell, *y.cells.get(at)?]))).collect();
    let unpaired = x.cells.len() + y.cells.len() - 2 * both.len();
    Pairs { both, unpaired }
}

fn distinct_items<'a>(cells: impl Iterator<Item = &'a (u32, u64)>) -> usize {
    cells.map(|(item, _)| item).collect::<BTreeSet<_>>().len()
}

/// The statistic of the two ratios of sums.
fn of_cells<'a>(
    cells: impl Iterator<Item = &'a [Ratio; 2]> + Clone,
    statistic: impl Fn(f64, f64) -> Option<f64>,
) -> Option<f64> {
    let side = |side: usize| pooled(cells.clone().map(|cell| cell[side])).rate();
    statistic(side(0)?, side(1)?)
}

fn pooled(ratios: impl Iterator<Item = Ratio>) -> Ratio {
    ratios.fold(Ratio::default(), |mut sum, ratio| {
        sum += ratio;
        sum
    })
}

/// Numerators and denominators as two columns.
fn split(ratios: &[Ratio]) -> [Vec<f64>; 2] {
    [ratios.iter().map(|ratio| ratio.num).collect(), ratios.iter().map(|ratio| ratio.den).collect()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::RESAMPLES;

    const SEEDS: [u64; 3] = [1, 2, 3];

    /// An arm of one trial for each of 200 items and three seeds.
    fn arm(value: impl Fn(u32, u64) -> f64) -> Arm {
        let mut arm = Arm::default();
        for item in 0..200 {
            for seed in SEEDS {
                arm.add_score(item, seed, Some(value(item, seed)));
            }
        }
        arm
    }

    /// Item effects that are far larger than any difference under test, with mean 0 over 200 items.
    fn effect(item: u32) -> f64 {
        f64::from(item % 8) - 3.5
    }

    #[test]
    fn pairing_removes_what_items_have_in_common() {
        let x = arm(|item, _| effect(item) + 0.25);
        let y = arm(|item, _| effect(item));
        let comparison = difference(&x, &y).expect("paired");
        assert_eq!((comparison.items, comparison.unpaired, comparison.mean), (200, 0, 0.25));
        assert_eq!(comparison.ci95, Some(Interval { low: 0.25, high: 0.25 }));
        assert_eq!(comparison.per_seed.into_values().collect::<Vec<_>>(), [Some(0.25); 3]);
        assert!(difference(&x, &y).expect("paired").beats(0.25));
        assert!(!difference(&x, &y).expect("paired").beats(0.26));
    }

    #[test]
    fn the_interval_has_the_width_that_theory_gives() {
        // Differences uniform on eight levels: deviation √(63/12) = 2.2913; standard error over 200 items .16202.
        let comparison = difference(&arm(|item, _| effect(item)), &arm(|_, _| 0.0)).expect("paired");
        let ci95 = comparison.ci95.expect("200 items");
        let half = 1.95996 * (63.0f64 / 12.0 / 200.0).sqrt();
        assert!((ci95.high - half).abs() < 0.03 * half && (ci95.low + half).abs() < 0.03 * half, "{ci95:?}, {half}");
    }

    #[test]
    fn seeds_that_repeat_each_other_do_not_narrow_the_interval() {
        let mut once = Arm::default();
        (0..200).for_each(|item| once.add_score(item, 1, Some(effect(item))));
        let thrice = estimate(&arm(|item, _| effect(item))).expect("scored");
        let (narrow, wide) =
            (thrice.ci95.expect("200 items"), estimate(&once).expect("scored").ci95.expect("200 items"));
        assert!((narrow.low - wide.low).abs() < 1e-12 && (narrow.high - wide.high).abs() < 1e-12);
    }

    #[test]
    fn one_seed_that_lost_spoils_a_win() {
        let y = arm(|_, _| 0.0);
        let mixed = arm(|_, seed| if seed == 3 { -0.01 } else { 0.5 });
        let comparison = difference(&mixed, &y).expect("paired");
        assert!(comparison.ci95.expect("200 items").low > 0.0);
        assert!(comparison.mean > 0.3);
        assert!(!comparison.beats(0.2));
    }

    #[test]
    fn a_difference_within_the_noise_is_no_win() {
        let comparison = difference(&arm(|item, _| effect(item) + 0.1), &arm(|_, _| 0.0)).expect("paired");
        assert!(comparison.mean > 0.05 && !comparison.beats(0.05));
    }

    #[test]
    fn not_worse_needs_a_small_harm_that_may_be_none() {
        let nothing = arm(|_, _| 0.0);
        let harm = |harm: &Arm| difference(harm, &nothing).expect("paired");
        assert!(harm(&arm(|_, _| -0.3)).not_worse(0.02));
        assert!(harm(&arm(|item, _| 0.01 + effect(item))).not_worse(0.02));
        // Small, but surely there.
        assert!(!harm(&arm(|_, _| 0.01)).not_worse(0.02));
        // Perhaps none, but too large.
        assert!(!harm(&arm(|item, _| 0.03 + effect(item))).not_worse(0.02));
    }

    #[test]
    fn rates_are_ratios_of_sums_with_items_resampled() {
        let mut x = Arm::default();
        let mut y = Arm::default();
        for item in 0..100 {
            // One item in ten has nine cases, the others one; a mean of rates would be .55.
            let cases = if item % 10 == 0 { 9.0 } else { 1.0 };
            x.add(item, 1, Ratio::new(if cases > 1.0 { 9.0 } else { 0.5 }, cases));
            y.add(item, 1, Ratio::new(0.0, 1.0));
        }
        let comparison = rate_difference(&x, &y).expect("both counted");
        assert!((comparison.mean - (90.0 + 45.0) / (90.0 + 90.0)).abs() < 1e-12);
        let ci95 = comparison.ci95.expect("100 items");
        // Delta method: residuals .25·9 for ten items and −.25 for ninety over 1.8 cases an item: se = √(10·2.25² + 90·.25²) / 180.
        let half = 1.95996 * (10.0 * 2.25f64.powi(2) + 90.0 * 0.25f64.powi(2)).sqrt() / 180.0;
        assert!(((ci95.high - ci95.low) / 2.0 - half).abs() < 0.1 * half, "{ci95:?}, {half}");
    }

    #[test]
    fn a_share_is_the_quotient_of_two_ratios_of_sums() {
        let x = arm(|item, seed| f64::from(item % 2) * seed as f64);
        let y = arm(|item, _| f64::from(item % 2));
        let quotient = share(&x, &y).expect("y is above 0");
        assert_eq!((quotient.mean, quotient.items, quotient.unpaired), (2.0, 200, 0));
        assert_eq!(quotient.per_seed, [(1, Some(1.0)), (2, Some(2.0)), (3, Some(3.0))].into());
        // Both sides move together, so however items are drawn, the quotient is the same.
        assert_eq!(quotient.ci95, Some(Interval { low: 2.0, high: 2.0 }));
        assert_eq!(share(&x, &arm(|_, _| 0.0)), None);
        assert_eq!(share(&x, &arm(|_, _| -1.0)), None);
    }

    #[test]
    fn a_rate_over_nothing_supports_no_claim() {
        let mut some = Arm::default();
        let mut none = Arm::default();
        for item in 0..50 {
            some.add(item, 1, Ratio::new(1.0, 1.0));
            some.add(item, 2, Ratio::new(1.0, 1.0));
            none.add(item, 1, Ratio::new(0.0, 1.0));
            none.add(item, 2, Ratio::default());
        }
        let comparison = rate_difference(&some, &none).expect("seed 1 counted");
        assert_eq!(comparison.per_seed[&2], None);
        assert!(!comparison.beats(0.0));
        assert_eq!(comparison.over_seeds(), None);
        let mut empty = Arm::default();
        (0..50).for_each(|item| empty.add(item, 1, Ratio::default()));
        assert_eq!(rate_difference(&some, &empty), None);
        assert_eq!(difference(&some, &empty), None);
        assert_eq!(estimate(&empty), None);
    }

    #[test]
    fn cases_in_too_few_items_give_a_rate_without_an_interval() {
        let mut rare = Arm::default();
        (0..100).for_each(|item| rare.add(item, 1, Ratio::new(0.0, if item < 2 { 1.0 } else { 0.0 })));
        // Both cases are missed by e⁻² = 13 % of the resamples.
        assert_eq!(estimate(&rare), Some(Estimate { mean: 0.0, ci95: None }));
    }

    #[test]
    fn cells_that_one_arm_lacks_are_counted_and_left_out() {
        let mut x = arm(|_, _| 1.0);
        let y = arm(|_, _| 0.5);
        x.cells.remove(&(0, 1));
        x.cells.insert((1, 1), Ratio::default());
        x.add_score(999, 1, Some(50.0));
        let comparison = difference(&x, &y).expect("paired");
        assert_eq!((comparison.unpaired, comparison.items, comparison.mean), (3, 200, 0.5));
    }

    #[test]
    fn trials_of_an_item_are_averaged_before_items_are() {
        let mut x = Arm::default();
        let mut y = Arm::default();
        // Item 0: x lost one of its two trials; its mean still weighs as much as item 1's.
        x.add_score(0, 1, Some(1.0));
        x.add_score(0, 1, None);
        x.add_score(1, 1, Some(0.0));
        x.add_score(1, 1, Some(0.0));
        [0, 0, 1, 1].into_iter().for_each(|item| y.add_score(item, 1, Some(0.0)));
        assert_eq!(difference(&x, &y).expect("paired").mean, 0.5);
    }

    #[test]
    fn one_item_has_no_interval() {
        let mut lonely = Arm::default();
        lonely.add_score(0, 1, Some(0.7));
        assert_eq!(estimate(&lonely), Some(Estimate { mean: 0.7, ci95: None }));
    }

    #[test]
    fn the_same_rows_give_the_same_interval_whatever_else_is_estimated() {
        let (x, y) = (arm(|item, seed| effect(item) + seed as f64), arm(|item, _| effect(item)));
        let together = estimates(&[&x, &y]);
        assert_eq!(together, [estimate(&x), estimate(&y)]);
        assert_eq!(interval::resampled_sums(&[vec![1.0; 3]]), [vec![3.0; RESAMPLES]]);
    }
}
