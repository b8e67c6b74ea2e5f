//! How often trials of one item succeed: any of k, all of k. Both are unbiased from n ≥ k trials.

/// pass@k: the chance that at least one of `k` trials succeeds, unbiased, from `successes` in `trials`: `1 − C(n−c, k) / C(n, k)` (Chen et al. 2021).
/// `None` if there are fewer than `k` trials, or more successes than trials.
#[must_use]
pub fn any_of_k(trials: u32, successes: u32, k: u32) -> Option<f64> {
    all_of_k(trials, trials.checked_sub(successes)?, k).map(|none| 1.0 - none)
}

/// pass^k: the chance that all of `k` trials succeed, unbiased: `C(c, k) / C(n, k)` (Yao et al. 2024). `None` if there are fewer than `k` trials, or more successes than trials.
#[must_use]
pub fn all_of_k(trials: u32, successes: u32, k: u32) -> Option<f64> {
    let possible = k <= trials && successes <= trials;
    let nth = |i| f64::from(successes.saturating_sub(i)) / f64::from(trials - i);
    possible.then(|| (0..k).map(nth).product())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts, among all subsets of `k` of the `trials` (the first `successes` succeed), those with any success and those with only such.
    fn by_enumeration(trials: u32, successes: u32, k: u32) -> (f64, f64) {
        let succeeded = (1u32 << successes) - 1;
        let subsets: Vec<u32> = (0..1u32 << trials).filter(|subset| subset.count_ones() == k).collect();
        let share = |count: usize| count as f64 / subsets.len() as f64;
        let any = subsets.iter().filter(|subset| *subset & succeeded != 0).count();
        let all = subsets.iter().filter(|subset| *subset & !succeeded == 0).count();
        (share(any), share(all))
    }

    #[test]
    fn r13_pass_k_is_the_combinatorial_estimator() {
        for trials in 1..=8 {
            for successes in 0..=trials {
                for k in 1..=trials {
                    let (any, all) = by_enumeration(trials, successes, k);
                    let got_any = any_of_k(trials, successes, k).expect("there are k trials");
                    let got_all = all_of_k(trials, successes, k).expect("there are k trials");
                    assert!((got_any - any).abs() < 1e-12 && (got_all - all).abs() < 1e-12, "{trials} {successes} {k}");
                }
            }
        }
    }

    #[test]
    fn too_few_trials_say_nothing() {
        assert_eq!((any_of_k(3, 3, 4), all_of_k(3, 3, 4)), (None, None));
        assert_eq!((any_of_k(3, 4, 1), all_of_k(3, 4, 1)), (None, None));
    }
}
