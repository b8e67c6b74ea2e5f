//! Means with their 95 % intervals: by resampling, and by Student's t.
//!
//! Both are deterministic: the bootstrap's draws have a fixed address, so the same rows always give the same interval.

use std::iter;

use serde::Deserialize;
use serde::Serialize;
use sim::Address;
use sim::Phase;
use sim::draws::Stream;

use crate::credit;

/// How often items are resampled.
pub const RESAMPLES: usize = 10_000;
/// Share of the resamples, and of Student's distribution, left out at each end of an interval.
const TAIL: f64 = 0.025;

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

/// A mean over seeds with its 95 % interval by Student's t; `None` with fewer than two values.
#[must_use]
pub fn by_student(values: &[f64]) -> Option<Estimate> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let half = t_quantile_975(n - 1) * credit::std_unbiased(values) / (n as f64).sqrt();
    Some(Estimate { mean, ci95: Some(Interval { low: mean - half, high: mean + half }) })
}

/// For each column (one value per item) its sums over [`RESAMPLES`] draws of as many items, with replacement. All columns share the draws.
pub(crate) fn resampled_sums(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    resampled_sums_of(0, columns)
}

/// The same for one of several lists of items that have nothing to do with each other: each `stratum` has draws of its own, else two gyms with
/// as many items would always be drawn alike.
pub(crate) fn resampled_sums_of(stratum: u32, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let items = columns.first().map_or(0, Vec::len);
    if items < 2 {
        // One item has nothing to vary with: no resample, no interval.
        return vec![Vec::new(); columns.len()];
    }
    let place = Address { seed: 0, phase: Phase::Eval, round: 0, group: stratum, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::Resample);
    // Row by row, so that the additions of all columns to one drawn item are independent and run side by side.
    let rows: Vec<f64> = (0..items).flat_map(|item| columns.iter().map(move |column| column[item])).collect();
    let mut sums = vec![Vec::with_capacity(RESAMPLES); columns.len()];
    let mut sum = vec![0.0; columns.len()];
    for _ in 0..RESAMPLES {
        sum.fill(0.0);
        for _ in 0..items {
            let at = draws.range(0, items as i64 - 1) as usize * columns.len();
            iter::zip(&mut sum, &rows[at..]).for_each(|(sum, value)| *sum += value);
        }
        iter::zip(&mut sums, &sum).for_each(|(sums, sum)| sums.push(*sum));
    }
    sums
}

/// The middle 95 % of the resamples. Resamples without a value could lie anywhere, so they count as lowest and as highest of all; if they
/// fill a tail, there is no interval.
pub(crate) fn middle(resampled: impl Iterator<Item = Option<f64>>) -> Option<Interval> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_points_are_those_of_the_printed_tables() {
        let table = [
            (1, 12.706_204_736),
            (2, 4.302_652_730),
            (3, 3.182_446_305),
            (4, 2.776_445_105),
            (5, 2.570_581_837),
            (10, 2.228_138_852),
            (29, 2.045_229_642),
            (30, 2.042_272_456),
            (120, 1.979_930_405),
        ];
        for (df, want) in table {
            assert!((t_quantile_975(df) - want).abs() < 1e-8, "{df}: {} against {want}", t_quantile_975(df));
        }
    }

    #[test]
    fn an_interval_over_seeds_is_the_textbooks() {
        // Mean 3, s = √2.5, n = 5: half-width 2.776445 · 1.581139 / 2.236068.
        let got = by_student(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five values");
        let ci95 = got.ci95.expect("five values");
        assert!((got.mean - 3.0).abs() < 1e-12);
        assert!((ci95.low - 1.036_757).abs() < 1e-6 && (ci95.high - 4.963_243).abs() < 1e-6, "{ci95:?}");
        assert_eq!(by_student(&[1.0]), None);
    }

    #[test]
    fn the_middle_leaves_a_fortieth_at_each_end() {
        let interval = middle((0..1000).rev().map(|i| Some(f64::from(i)))).expect("a thousand values");
        assert_eq!(interval, Interval { low: 25.0, high: 974.0 });
    }

    #[test]
    fn resamples_without_a_value_widen_the_interval_and_then_undo_it() {
        let with_gaps = |gaps: usize| middle((0..1000).map(|i| (i >= gaps).then_some(i as f64)));
        // Ten may lie at either end: 15 defined values are left out below (10 … 24) and 15 above.
        assert_eq!(with_gaps(10), Some(Interval { low: 25.0, high: 984.0 }));
        assert_eq!(with_gaps(25), Some(Interval { low: 25.0, high: 999.0 }));
        assert_eq!(with_gaps(26), None);
        assert_eq!(middle(std::iter::empty()), None);
    }

    #[test]
    fn an_interval_is_written_as_two_numbers() {
        let ends: [f64; 2] = Interval { low: -0.5, high: 0.25 }.into();
        assert_eq!(ends, [-0.5, 0.25]);
    }
}
