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
//!
//! Claims about a method (not about a trained policy) rest on at least 5 seeds and [`t_interval`]. `None` is not 0: a rate over nothing has no
//! value and supports no claim. Resampling is addressed, so the same rows always give the same interval.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::iter;

use serde::Deserialize;
use serde::Serialize;
use sim::Address;
use sim::Phase;
use sim::Ratio;
use sim::draws::Stream;

/// How often items are resampled.
pub const RESAMPLES: usize = 10_000;
/// Share of the resamples left out at each end of the interval.
const TAIL: f64 = 0.025;
/// The least distance between `random` and `scripted:good` that a normalised score may be stretched over.
pub const SCORE_SPAN_MIN: f64 = 0.05;

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

    /// Sums over all seeds of one item; (0, 0) if it was not played.
    fn of_item(&self, item: u32) -> Ratio {
        pooled(self.cells.range((item, u64::MIN)..=(item, u64::MAX)).map(|(_, cell)| *cell))
    }
}

/// The bounds of an interval; in JSON `[low, high]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "[f64; 2]", from = "[f64; 2]")]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> [f64; 2] {
        [interval.low, interval.high]
    }
}

impl From<[f64; 2]> for Interval {
    fn from([low, high]: [f64; 2]) -> Interval {
        Interval { low, high }
    }
}

/// A mean with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over scored episodes, or the ratio of sums.
    pub mean: f64,
    /// Its 95 % interval; `None` with fewer than two items, or where too many resamples had nothing to count.
    pub ci95: Option<Interval>,
}

/// How far two arms lie apart.
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

    /// The t-interval over the seeds' own differences; `None` with fewer than two, or if one has no value.
    #[must_use]
    pub fn over_seeds(&self) -> Option<Estimate> {
        let differences: Option<Vec<f64>> = self.per_seed.values().copied().collect();
        t_interval(&differences?)
    }
}

/// Means (or ratios of sums) of several arms that were played on the same items, resampled together; `None` for an arm that counted nothing.
#[must_use]
pub fn estimates(arms: &[&Arm]) -> Vec<Option<Estimate>> {
    let items: BTreeSet<u32> = arms.iter().flat_map(|arm| arm.cells.keys().map(|(item, _)| *item)).collect();
    let by_item = |arm: &Arm| items.iter().map(|item| arm.of_item(*item)).collect::<Vec<Ratio>>();
    let columns: Vec<Vec<f64>> = arms.iter().flat_map(|arm| split(&by_item(arm))).collect();
    let sums = resampled_sums(&columns);
    let of_arm = |(arm, sums): (&&Arm, &[Vec<f64>])| {
        let mean = pooled(arm.cells.values().copied()).rate()?;
        let resampled = iter::zip(&sums[0], &sums[1]).map(|(num, den)| Ratio::new(*num, *den).rate());
        Some(Estimate { mean, ci95: interval(resampled) })
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
    let pairs = pairs(x, y);
    let mean = gap(pairs.both.values())?;
    let mut by_item: BTreeMap<u32, [Ratio; 2]> = BTreeMap::new();
    let mut by_seed: BTreeMap<u64, Vec<[Ratio; 2]>> = BTreeMap::new();
    for ((item, seed), cells) in &pairs.both {
        let sums = by_item.entry(*item).or_default();
        iter::zip(sums, cells).for_each(|(sum, cell)| *sum += *cell);
        by_seed.entry(*seed).or_default().push(*cells);
    }
    let columns: Vec<Vec<f64>> =
        (0..2).flat_map(|side| split(&by_item.values().map(|sums| sums[side]).collect::<Vec<Ratio>>())).collect();
    let sums = resampled_sums(&columns);
    let rate = |side: usize, at: usize| Ratio::new(sums[2 * side][at], sums[2 * side + 1][at]).rate();
    Some(Comparison {
        mean,
        ci95: interval((0..sums[0].len()).map(|at| Some(rate(0, at)? - rate(1, at)?))),
        per_seed: by_seed.into_iter().map(|(seed, cells)| (seed, gap(cells.iter()))).collect(),
        items: by_item.len(),
        unpaired: pairs.unpaired,
    })
}

/// A mean over seeds with its 95 % interval by Student's t; `None` with fewer than two values.
#[must_use]
pub fn t_interval(values: &[f64]) -> Option<Estimate> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let half = t_quantile_975(n - 1) * crate::credit::std_unbiased(values) / (n as f64).sqrt();
    Some(Estimate { mean, ci95: Some(Interval { low: mean - half, high: mean + half }) })
}

/// Chance that at least one of `k` trials succeeds, unbiased, from `successes` in `trials`: `1 − C(n−c, k) / C(n, k)` (Chen et al. 2021).
/// `None` if there are fewer than `k` trials.
#[must_use]
pub fn pass_at_k(trials: u32, successes: u32, k: u32) -> Option<f64> {
    all_of_k(trials, trials.checked_sub(successes)?, k).map(|none| 1.0 - none)
}

/// Chance that all of `k` trials succeed, unbiased: `C(c, k) / C(n, k)` (Yao et al. 2024). `None` if there are fewer than `k` trials.
#[must_use]
pub fn pass_hat_k(trials: u32, successes: u32, k: u32) -> Option<f64> {
    all_of_k(trials, successes, k)
}

/// A score on the scale on which `random` has 0 and `scripted:good` has 1; may exceed 1. `None` if those two lie less than
/// [`SCORE_SPAN_MIN`] apart. Only for averages over several gyms.
#[must_use]
pub fn score_norm(score: f64, random: f64, good: f64) -> Option<f64> {
    let span = good - random;
    (span >= SCORE_SPAN_MIN).then(|| (score - random) / span)
}

/// `C(marked, k) / C(n, k)`: that k drawn without replacement are all marked.
fn all_of_k(n: u32, marked: u32, k: u32) -> Option<f64> {
    let drawn = 0..k;
    (k <= n && marked <= n).then(|| drawn.map(|i| f64::from(marked.saturating_sub(i)) / f64::from(n - i)).product())
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

/// The difference of two ratios of sums.
fn gap<'a>(cells: impl Iterator<Item = &'a [Ratio; 2]> + Clone) -> Option<f64> {
    let side = |side: usize| pooled(cells.clone().map(|cell| cell[side])).rate();
    Some(side(0)? - side(1)?)
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

/// For each column (one value per item) its sums over [`RESAMPLES`] draws of as many items, with replacement. All columns share the draws.
fn resampled_sums(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let items = columns.first().map_or(0, Vec::len);
    if items < 2 {
        // One item has nothing to vary with: no resample, no interval.
        return vec![Vec::new(); columns.len()];
    }
    let place = Address { seed: 0, phase: Phase::Eval, round: 0, group: 0, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::Resample);
    let mut drawn = vec![0usize; items];
    let mut sums = vec![Vec::with_capacity(RESAMPLES); columns.len()];
    for _ in 0..RESAMPLES {
        drawn.fill_with(|| draws.range(0, items as i64 - 1) as usize);
        for (column, sums) in columns.iter().zip(&mut sums) {
            sums.push(drawn.iter().map(|at| column[*at]).sum());
        }
    }
    sums
}

/// The middle 95 % of the resamples. Resamples without a value could lie anywhere, so they count as lowest and as highest of all; if they
/// fill a tail, there is no interval.
fn interval(resampled: impl Iterator<Item = Option<f64>>) -> Option<Interval> {
    let (mut count, mut values) = (0, Vec::with_capacity(RESAMPLES));
    for value in resampled {
        count += 1;
        values.extend(value);
    }
    let undefined = count - values.len();
    let tail = (TAIL * count as f64) as usize;
    if count == 0 || undefined > tail {
        return None;
    }
    let at = tail - undefined;
    let top = values.len() - 1 - at;
    let low = *values.select_nth_unstable_by(at, f64::total_cmp).1;
    let high = *values.select_nth_unstable_by(top, f64::total_cmp).1;
    Some(Interval { low, high })
}

/// The 97.5 % point of Student's t with `df ≥ 1` degrees of freedom, to 1e-12, by halving.
fn t_quantile_975(df: usize) -> f64 {
    // With one degree of freedom, the widest, it is 12.7.
    let (mut low, mut high) = (0.0, 13.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if t_central(middle, df) < 1.0 - 2.0 * TAIL { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The chance that |t| stays below `t`: the finite series of Abramowitz and Stegun, 26.7.3 (odd) and 26.7.4 (even).
fn t_central(t: f64, df: usize) -> f64 {
    let angle = (t / (df as f64).sqrt()).atan();
    let cos_squared = angle.cos().powi(2);
    let first = if df.is_multiple_of(2) { 1.0 } else { angle.cos() };
    // Terms of 1 + ½cos² + (1·3)/(2·4)cos⁴ + … (even), cos + ⅔cos³ + (2·4)/(3·5)cos⁵ + … (odd); the last power is df − 2.
    let series = |terms: usize, parity: f64| {
        let (mut term, mut sum) = (first, 0.0);
        for i in 0..terms {
            sum += term;
            let k = 2.0 * i as f64 + 1.0 + parity;
            term *= cos_squared * k / (k + 1.0);
        }
        sum
    };
    if df.is_multiple_of(2) {
        angle.sin() * series(df / 2, 0.0)
    } else {
        (angle + angle.sin() * series(df / 2, 1.0)) * std::f64::consts::FRAC_2_PI
    }
}
