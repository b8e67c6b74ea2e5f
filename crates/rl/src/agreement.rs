//! How far raters agree beyond chance: Krippendorff's alpha (Computing Krippendorff's Alpha-Reliability, 2011) for numbers whose differences count, with any
//! number of raters, and ratings missing.
//!
//! ```text
//!  α = 1 − D_o / D_e        D_o = 1/n Σ_units 1/(m_u − 1) Σ_{i≠j in u} (v_i − v_j)²        D_e = 1/(n(n − 1)) Σ_{i≠j of all} (v_i − v_j)²
//! ```
//!
//! over units that at least two rated, m_u ratings each, n in all. 1: they agree in everything; 0: no more than by chance; below 0: less than that.

/// Agreement over units, each with its ratings. `None` where no unit has two ratings, or all ratings are the same: then there is nothing by which chance could
/// be told from agreement.
#[must_use]
pub fn alpha(units: &[Vec<f64>]) -> Option<f64> {
    let paired: Vec<&Vec<f64>> = units.iter().filter(|unit| unit.len() >= 2).collect();
    let all: Vec<f64> = paired.iter().flat_map(|unit| unit.iter().copied()).collect();
    let n = all.len() as f64;
    let observed = paired.iter().map(|unit| apart(unit) / (unit.len() as f64 - 1.0)).sum::<f64>() / n;
    let expected = apart(&all) / (n * (n - 1.0));
    (!paired.is_empty() && expected > 0.0).then(|| 1.0 - observed / expected)
}

/// The sum of the squared differences of all ordered pairs.
fn apart(values: &[f64]) -> f64 {
    // About their mean, so that equal values differ by nothing.
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    2.0 * count * values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(units: &[Vec<f64>], expected: f64) {
        let found = alpha(units).expect("there is something to agree on");
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    /// Six ratings, two raters of three units: 1 1, 2 3, 3 3. D_o = 2/6. All pairs: 2·6·33 − 2·13² = 58, so D_e = 58/30, and α = 1 − 10/58 = 24/29.
    #[test]
    fn six_rows_by_hand() {
        is(&[vec![1.0, 1.0], vec![2.0, 3.0], vec![3.0, 3.0]], 24.0 / 29.0);
    }

    /// The example of Krippendorff's paper (section C and E): four raters, twelve units, ratings missing; interval data give 0.849.
    #[test]
    fn the_papers_own_example_with_missing_ratings() {
        let rows: [[u32; 12]; 4] = [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ];
        let unit = |at: usize| rows.iter().map(|row| row[at]).filter(|value| *value > 0).map(f64::from).collect();
        let units: Vec<Vec<f64>> = (0..12).map(unit).collect();
        let found = alpha(&units).expect("they differ");
        assert!((found - 0.849).abs() < 5e-4, "{found}");
    }

    #[test]
    fn agreement_is_one_and_where_nothing_differs_there_is_nothing_to_say() {
        is(&[vec![1.0, 1.0, 1.0], vec![4.0, 4.0]], 1.0);
        assert_eq!(alpha(&[vec![3.0, 3.0], vec![3.0, 3.0]]), None);
        assert_eq!(alpha(&[vec![1.0], vec![2.0]]), None);
        assert_eq!(alpha(&[]), None);
    }

    /// Opposite ratings of two units: D_o = 1 of D_e = 2/3 (four of six pairs differ by 1), so 1 − 3/2.
    #[test]
    fn to_disagree_is_worse_than_chance() {
        is(&[vec![0.0, 1.0], vec![1.0, 0.0]], -0.5);
    }
}
