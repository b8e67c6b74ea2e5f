//! Who in a trajectory earned its advantage: trajectory score, turn credit, and what a turn's tokens get of it.
//!
//! The released code of UserRL, restated (spec userrl §3). A turn is one *generation* of the seat. With rewards `r₁ … r_T`:
//!
//! ```text
//!  S   score of the trajectory       sum Σr   mean round₄(Σr / T)   r2g Σγ^(t−1) r_t
//!  z   within the group              (S − mean) / (std + std_eps), std unbiased
//!  c_t credit of a turn              naive r_t   equalized 1   r2g Σ_{j≥t} γ^(j−t) r_j   em ½ + ½(1−e^(−k r_t))/(1−e^(−k))
//!  A   of each token of turn t       c_t · z · N / Σa,  a = credits token by token, N = how many of them are not 0
//! ```
//!
//! So a trajectory's advantages add up to `z·N` whatever the credit: credit only moves them between turns. That division blows up
//! where credits of both signs nearly cancel; then all turns share alike (the flag [`Spread::fell_back`] counts it).

use crate::settings::TrajectoryScore;
use crate::settings::TurnCredit;

/// Credits of both signs cancel if their sum is smaller than this share of the sum of their sizes.
pub const CANCEL_SHARE: f64 = 0.1;

/// What a trajectory's turns get.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// One advantage per turn: that of each of its tokens.
    pub advantages: Vec<f64>,
    /// Whether the credits nearly cancelled, so that all turns got `z` instead.
    pub fell_back: bool,
}

/// The credit of each turn. `gamma`, in (0, 1], is read by `r2g` alone; `em_k`, above 0, by `em` alone.
#[must_use]
pub fn turn_credits(rule: TurnCredit, rewards: &[f64], gamma: f64, em_k: f64) -> Vec<f64> {
    match rule {
        TurnCredit::Naive => rewards.to_vec(),
        TurnCredit::Equalized => vec![1.0; rewards.len()],
        TurnCredit::R2g => rewards_to_go(rewards, gamma),
        TurnCredit::Em => rewards.iter().map(|reward| exponential_map(*reward, em_k)).collect(),
    }
}

/// The score of a trajectory; 0 if it has no turn. `gamma`, in (0, 1], is read by `r2g` alone.
#[must_use]
pub fn trajectory_score(rule: TrajectoryScore, rewards: &[f64], gamma: f64) -> f64 {
    match rule {
        TrajectoryScore::Sum => rewards.iter().sum(),
        TrajectoryScore::Mean if rewards.is_empty() => 0.0,
        TrajectoryScore::Mean => round_4(rewards.iter().sum::<f64>() / rewards.len() as f64),
        TrajectoryScore::R2g => rewards_to_go(rewards, gamma).first().copied().unwrap_or(0.0),
    }
}

/// Each score's distance from the group's mean, in units of its unbiased standard deviation plus `std_eps`; without `normalize_std`,
/// the bare distance. The results add up to 0.
///
/// # Panics
/// If there are fewer than two scores: one has nothing to be compared with.
#[must_use]
pub fn standardize(scores: &[f64], std_eps: f64, normalize_std: bool) -> Vec<f64> {
    assert!(scores.len() >= 2, "a group of one has no baseline");
    let mean = mean(scores);
    let scale = if normalize_std { std_unbiased(scores) + std_eps } else { 1.0 };
    scores.iter().map(|score| (score - mean) / scale).collect()
}

/// Standard deviation with divisor n − 1.
///
/// # Panics
/// If there are fewer than two values.
#[must_use]
pub fn std_unbiased(values: &[f64]) -> f64 {
    assert!(values.len() >= 2, "one value has no spread");
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// Spreads a trajectory's `z` over its turns. `tokens` has the number of own tokens of each turn.
///
/// # Panics
/// If `credits` and `tokens` differ in length.
#[must_use]
pub fn spread(credits: &[f64], tokens: &[usize], z: f64) -> Spread {
    assert_eq!(credits.len(), tokens.len(), "one credit per turn");
    let by_token = || credits.iter().zip(tokens).map(|(credit, count)| (*credit, *count as f64));
    let sum: f64 = by_token().map(|(credit, count)| credit * count).sum();
    let size: f64 = by_token().map(|(credit, count)| credit.abs() * count).sum();
    let non_zero: f64 = by_token().filter(|(credit, _)| *credit != 0.0).map(|(_, count)| count).sum();
    if size == 0.0 {
        return Spread { advantages: vec![0.0; credits.len()], fell_back: false };
    }
    if sum.abs() < CANCEL_SHARE * size {
        return Spread { advantages: vec![z; credits.len()], fell_back: true };
    }
    let advantages = credits.iter().map(|credit| credit * z * non_zero / sum).collect();
    Spread { advantages, fell_back: false }
}

/// `Σ_{j≥t} γ^(j−t) r_j` for each turn t, by backward recursion.
fn rewards_to_go(rewards: &[f64], gamma: f64) -> Vec<f64> {
    let mut to_go = rewards.to_vec();
    for turn in (1..to_go.len()).rev() {
        to_go[turn - 1] += gamma * to_go[turn];
    }
    to_go
}

/// Maps 0 to ½ and 1 to 1, steeply at first; rounded like the released code.
fn exponential_map(reward: f64, k: f64) -> f64 {
    round_4(0.5 + 0.5 * (1.0 - (-k * reward).exp()) / (1.0 - (-k).exp()))
}

fn round_4(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GAMMA: f64 = 0.8;
    const EM_K: f64 = 2.0;

    #[track_caller]
    fn assert_near(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len(), "{got:?} against {want:?}");
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-4), "{got:?} against {want:?}");
    }

    /// The worked example of spec userrl §3.4: rewards and token counts of four trajectories.
    fn example() -> [(Vec<f64>, Vec<usize>); 4] {
        [
            (vec![0.0, 0.0, 1.0], vec![100, 50, 30]),
            (vec![0.0; 4], vec![80; 4]),
            (vec![0.0, 1.0], vec![120, 40]),
            (vec![0.0, 0.0, 0.0, 0.0, 1.0], vec![60; 5]),
        ]
    }

    #[track_caller]
    fn check_example(credit: TurnCredit, score: TrajectoryScore, scores: &[f64], advantages: [&[f64]; 4]) {
        let got: Vec<f64> = example().iter().map(|(rewards, _)| trajectory_score(score, rewards, GAMMA)).collect();
        assert_near(&got, scores);
        let zs = standardize(&got, 1e-6, true);
        for (((rewards, tokens), z), want) in example().iter().zip(zs).zip(advantages) {
            let credits = turn_credits(credit, rewards, GAMMA, EM_K);
            assert_near(&spread(&credits, tokens, z).advantages, want);
        }
    }

    #[test]
    fn equalized_credit_with_mean_score_gives_the_worked_example() {
        check_example(
            TurnCredit::Equalized,
            TrajectoryScore::Mean,
            &[0.3333, 0.0, 0.5, 0.2],
            [&[0.3545; 3], &[-1.2215; 4], &[1.1428; 2], &[-0.2758; 5]],
        );
    }

    #[test]
    fn equalized_credit_with_discounted_score_gives_the_worked_example() {
        check_example(
            TurnCredit::Equalized,
            TrajectoryScore::R2g,
            &[0.64, 0.0, 0.8, 0.4096],
            [&[0.5112; 3], &[-1.3309; 4], &[0.9717; 2], &[-0.1520; 5]],
        );
    }

    #[test]
    fn reward_to_go_credit_gives_the_worked_example() {
        check_example(
            TurnCredit::R2g,
            TrajectoryScore::R2g,
            &[0.64, 0.0, 0.8, 0.4096],
            [&[0.4395, 0.5493, 0.6867], &[0.0; 4], &[0.9146, 1.1432], &[-0.0926, -0.1157, -0.1447, -0.1808, -0.2260]],
        );
    }

    #[test]
    fn exponential_credit_gives_the_worked_example() {
        check_example(
            TurnCredit::Em,
            TrajectoryScore::R2g,
            &[0.64, 0.0, 0.8, 0.4096],
            [
                &[0.4382, 0.4382, 0.8763],
                &[-1.3309; 4],
                &[0.7774, 1.5547],
                &[-0.1266, -0.1266, -0.1266, -0.1266, -0.2533],
            ],
        );
    }

    #[test]
    fn exponential_credits_are_those_tabulated_in_the_specification() {
        let rewards = [0.0, 0.1667, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, -0.2];
        let want = [0.5, 0.6639, 0.6906, 0.8184, 0.8655, 0.9041, 0.9357, 0.9615, 1.0, 0.2156];
        assert_eq!(turn_credits(TurnCredit::Em, &rewards, GAMMA, EM_K), want);
        assert!(turn_credits(TurnCredit::Em, &[1.5], GAMMA, EM_K)[0] > 1.0);
    }

    #[test]
    fn sum_and_mean_are_two_scores_and_mean_punishes_length() {
        let scores = |turns: usize| {
            let mut rewards = vec![0.0; turns];
            rewards[turns - 1] = 1.0;
            [TrajectoryScore::Sum, TrajectoryScore::Mean].map(|rule| trajectory_score(rule, &rewards, GAMMA))
        };
        assert_eq!(scores(3), [1.0, 0.3333]);
        assert_eq!(scores(5), [1.0, 0.2]);
    }

    #[test]
    fn a_trajectory_without_turns_scores_zero_and_gets_nothing() {
        for rule in [TrajectoryScore::Sum, TrajectoryScore::Mean, TrajectoryScore::R2g] {
            assert_eq!(trajectory_score(rule, &[], GAMMA), 0.0);
        }
        assert_eq!(spread(&[], &[], 1.0), Spread { advantages: vec![], fell_back: false });
    }

    #[test]
    fn equal_scores_give_zero_advantage_to_everyone() {
        assert_eq!(standardize(&[0.0; 8], 1e-6, true), [0.0; 8]);
        assert_eq!(standardize(&[0.25; 4], 1e-6, true), [0.0; 4]);
    }

    #[test]
    fn a_failure_without_rewards_gets_nothing_by_reward_to_go_and_a_push_down_by_equalized() {
        let rewards = [0.0; 4];
        let by = |rule| spread(&turn_credits(rule, &rewards, GAMMA, EM_K), &[80; 4], -1.3);
        assert_eq!(by(TurnCredit::R2g), Spread { advantages: vec![0.0; 4], fell_back: false });
        assert_eq!(by(TurnCredit::Equalized).advantages, [-1.3; 4]);
    }

    #[test]
    fn credits_that_nearly_cancel_fall_back_to_equal_shares() {
        // Σa = 10·1 − 9·1 = 1 against Σ|a| = 19: 5 %.
        let near = spread(&[1.0, -1.0], &[10, 9], 0.7);
        assert_eq!(near, Spread { advantages: vec![0.7, 0.7], fell_back: true });
        let exact = spread(&[1.0, -1.0], &[5, 5], 0.7);
        assert_eq!(exact, Spread { advantages: vec![0.7, 0.7], fell_back: true });
    }

    #[test]
    fn mixed_credits_that_do_not_cancel_are_spread_by_the_formula() {
        // Σa = 12 − 3 = 9 against Σ|a| = 15: 60 %; N = 15; factor 0.9 · 15 / 9 = 1.5.
        let spread = spread(&[1.0, -1.0], &[12, 3], 0.9);
        assert!(!spread.fell_back);
        assert_near(&spread.advantages, &[1.5, -1.5]);
    }

    #[test]
    fn without_division_by_the_deviation_the_bare_distance_counts() {
        assert_near(&standardize(&[1.0, 0.0, 0.5], 1e-6, false), &[0.5, -0.5, 0.0]);
    }

    proptest! {
        #[test]
        fn standardized_scores_add_up_to_zero(scores in prop::collection::vec(-2.0..2.0f64, 2..12), eps in 1e-6..0.1f64) {
            let zs = standardize(&scores, eps, true);
            prop_assert!(zs.iter().sum::<f64>().abs() < 1e-6);
            // Unbiased: a z-vector's squares add up to at most n − 1.
            prop_assert!(zs.iter().map(|z| z * z).sum::<f64>() <= (scores.len() - 1) as f64 + 1e-9);
        }

        #[test]
        fn spreading_keeps_the_trajectorys_sum(
            turns in prop::collection::vec((-1.0..1.0f64, 1..50usize), 1..8),
            z in -3.0..3.0f64,
        ) {
            let (credits, tokens): (Vec<f64>, Vec<usize>) = turns.into_iter().unzip();
            let spread = spread(&credits, &tokens, z);
            let sum: f64 = spread.advantages.iter().zip(&tokens).map(|(a, n)| a * *n as f64).sum();
            let count = tokens.iter().sum::<usize>() as f64;
            // Random credits are never exactly 0, so N is the number of tokens.
            prop_assert!((sum - z * count).abs() < 1e-6 * count, "{sum} against {}", z * count);
            // No token gets more than 1/CANCEL_SHARE of what equal shares would give the whole trajectory.
            prop_assert!(spread.advantages.iter().all(|a| a.abs() <= z.abs() * count / CANCEL_SHARE + 1e-9));
        }
    }
}
