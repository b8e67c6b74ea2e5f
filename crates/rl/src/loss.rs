//! The losses as numbers, in f64 and one token at a time: what the tensor code is tested against.
//!
//! With `r = exp(logp − logp_old)`, advantage A and loss weight w of each token, over all tokens of one optimiser step:
//!
//! ```text
//!  clip    L = max(−A·r, −A·clamp(r, 1 − clip_low, 1 + clip_high))            Schulman et al. 2017
//!  dual    A < 0:  L = min(L, −A·dual_clip)                                   Ye et al. 2020
//!  k3      K = e^(logp_ref − logp) − (logp_ref − logp) − 1   ≥ 0              Schulman 2020, "Approximating KL divergence"
//!  grpo    Σ w (L + kl_weight·K) / Σ w                                        Σ w = number of own tokens
//!  sft     Σ w (−logp) / Σ w
//! ```
//!
//! Σ w is that of the whole optimiser step, so cutting it into micro-batches changes nothing.

use crate::settings::GrpoSettings;

/// Bounds of the ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// The ratio is kept above `1 − low`.
    pub low: f64,
    /// The ratio is kept below `1 + high`.
    pub high: f64,
    /// For advantages below 0: the loss stays under this multiple of their size; above 1. `None`: off.
    pub dual: Option<f64>,
}

impl From<&GrpoSettings> for Clip {
    fn from(settings: &GrpoSettings) -> Clip {
        Clip { low: settings.clip_low, high: settings.clip_high, dual: settings.dual_clip }
    }
}

/// One token's part in the policy loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenLoss {
    /// New probability over old.
    pub ratio: f64,
    /// The loss L.
    pub loss: f64,
    /// Whether a bound holds, so that the token has no gradient.
    pub clipped: bool,
}

/// One token as the policy loss sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// Natural logarithm of its probability now.
    pub logprob: f64,
    /// The same when it was sampled.
    pub logprob_old: f64,
    /// The same under the frozen reference; `None` if there is none.
    pub logprob_ref: Option<f64>,
    /// Its advantage.
    pub advantage: f64,
    /// Its loss weight; 0 for tokens that are not the seat's own.
    pub weight: f64,
}

/// The clipped policy loss of one token, with the dual clip if there is one.
#[must_use]
pub fn policy_loss(token: &Token, clip: Clip) -> TokenLoss {
    let ratio = (token.logprob - token.logprob_old).exp();
    let free = -token.advantage * ratio;
    let bound = -token.advantage * ratio.clamp(1.0 - clip.low, 1.0 + clip.high);
    let ceiling = match clip.dual {
        Some(dual) if token.advantage < 0.0 => -token.advantage * dual,
        Some(_) | None => f64::INFINITY,
    };
    let loss = free.max(bound).min(ceiling);
    TokenLoss { ratio, loss, clipped: loss != free }
}

/// The k3 estimate of the divergence from a reference, in nats; never below 0, and 0 only where both agree.
#[must_use]
pub fn k3(logprob: f64, logprob_ref: f64) -> f64 {
    let log_ratio = logprob_ref - logprob;
    log_ratio.exp_m1() - log_ratio
}

/// The loss of one optimiser step; `None` if no token has a weight.
#[must_use]
pub fn grpo_loss(tokens: &[Token], clip: Clip, kl_weight: f64) -> Option<f64> {
    let of_token = |token: &Token| {
        let kl = token.logprob_ref.map_or(0.0, |logprob_ref| k3(token.logprob, logprob_ref));
        (token.weight, policy_loss(token, clip).loss + kl_weight * kl)
    };
    weighted_mean(tokens.iter().map(of_token))
}

/// The loss of one optimiser step of imitation; `None` if no token has a weight. Each pair is a weight and a log-probability.
#[must_use]
pub fn sft_loss(tokens: &[(f64, f64)]) -> Option<f64> {
    weighted_mean(tokens.iter().map(|(weight, logprob)| (*weight, -logprob)))
}

/// The natural logarithms of the probabilities that logits stand for at a temperature above 0.
#[must_use]
pub fn log_softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = logits.iter().map(|logit| logit / temperature).collect();
    let high = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = high + scaled.iter().map(|logit| (logit - high).exp()).sum::<f64>().ln();
    scaled.iter().map(|logit| logit - log_sum).collect()
}

/// The entropy, in nats, of the distribution that logits stand for at a temperature above 0.
#[must_use]
pub fn entropy(logits: &[f64], temperature: f64) -> f64 {
    // A logit of −∞ has probability 0 and adds nothing; 0 · −∞ would be no number.
    let terms = log_softmax(logits, temperature).into_iter().filter(|logprob| logprob.is_finite());
    -terms.map(|logprob| logprob * logprob.exp()).sum::<f64>()
}

/// Of pairs of a weight and a loss.
fn weighted_mean(weighted: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    // A weight of 0 leaves a token out altogether, even if its loss is no number.
    let (sum, weights) = weighted
        .filter(|(weight, _)| *weight > 0.0)
        .fold((0.0, 0.0), |(sum, weights), (weight, loss)| (sum + weight * loss, weights + weight));
    (weights > 0.0).then(|| sum / weights)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLIP: Clip = Clip { low: 0.2, high: 0.28, dual: Some(3.0) };

    fn token(ratio: f64, advantage: f64) -> Token {
        Token { logprob: ratio.ln() - 1.0, logprob_old: -1.0, logprob_ref: None, advantage, weight: 1.0 }
    }

    #[track_caller]
    fn check(ratio: f64, advantage: f64, want: f64, clipped: bool) {
        let got = policy_loss(&token(ratio, advantage), CLIP);
        assert!((got.loss - want).abs() < 1e-12 && (got.ratio - ratio).abs() < 1e-12, "{got:?} against {want}");
        assert_eq!(got.clipped, clipped);
    }

    #[test]
    fn on_policy_the_loss_is_the_negative_advantage() {
        check(1.0, 2.0, -2.0, false);
        check(1.0, -2.0, 2.0, false);
    }

    #[test]
    fn a_good_token_is_not_pushed_further_up_than_the_bound() {
        check(1.2, 1.0, -1.2, false);
        check(1.5, 1.0, -1.28, true);
        // It fell instead: the way back is free.
        check(0.5, 1.0, -0.5, false);
    }

    #[test]
    fn a_bad_token_is_not_pushed_further_down_than_the_bound() {
        check(0.9, -1.0, 0.9, false);
        check(0.5, -1.0, 0.8, true);
        check(2.0, -1.0, 2.0, false);
    }

    #[test]
    fn the_dual_clip_bounds_what_one_bad_token_can_cost() {
        check(5.0, -1.0, 3.0, true);
        check(5.0, -0.5, 1.5, true);
        let off = policy_loss(&token(5.0, -1.0), Clip { dual: None, ..CLIP });
        assert!((off.loss - 5.0).abs() < 1e-12 && !off.clipped);
    }

    #[test]
    fn divergence_is_that_of_the_formula() {
        // log-ratio ln 2: 2 − ln 2 − 1.
        assert!((k3(-2.0, -2.0 + 2f64.ln()) - (1.0 - 2f64.ln())).abs() < 1e-12);
        assert_eq!(k3(-1.0, -1.0), 0.0);
    }

    #[test]
    fn entropy_of_known_distributions_is_known() {
        assert!((entropy(&[0.3; 8], 1.0) - 8f64.ln()).abs() < 1e-12);
        assert!(entropy(&[0.0, f64::NEG_INFINITY], 1.0).abs() < 1e-12);
        // Probabilities ¾ and ¼ at temperature 1: logits ln 3 and 0; at temperature ½ 9/10 and 1/10.
        let binary = |p: f64| -(p * p.ln() + (1.0 - p) * (1.0 - p).ln());
        assert!((entropy(&[3f64.ln(), 0.0], 1.0) - binary(0.75)).abs() < 1e-12);
        assert!((entropy(&[3f64.ln(), 0.0], 0.5) - binary(0.9)).abs() < 1e-12);
        assert!(log_softmax(&[1e4, 0.0], 1.0)[0].abs() < 1e-12);
    }

    #[test]
    fn the_step_is_divided_by_the_weight_of_its_tokens() {
        let mut shown = token(1.0, 0.0);
        shown.weight = 0.0;
        let mut far = token(1.0, -4.0);
        far.logprob_ref = Some(far.logprob + 2f64.ln());
        // Own tokens: loss −2, and 4 with a divergence of 1 − ln 2.
        let got = grpo_loss(&[shown, token(1.0, 2.0), far, shown], CLIP, 0.5).expect("two tokens have a weight");
        assert!((got - (-2.0 + 4.0 + 0.5 * (1.0 - 2f64.ln())) / 2.0).abs() < 1e-12);
        assert_eq!(grpo_loss(&[shown], CLIP, 0.5), None);
        assert_eq!(sft_loss(&[(1.0, -2.0), (0.5, -1.0), (0.0, -9.0)]), Some(2.5 / 1.5));
    }

    proptest! {
        #[test]
        fn clipping_never_makes_a_loss_smaller_unless_dual(ratio in 0.01..10.0f64, advantage in -3.0..3.0f64) {
            let free = -advantage * ratio;
            let single = policy_loss(&token(ratio, advantage), Clip { dual: None, ..CLIP }).loss;
            prop_assert!(single >= free - 1e-12);
            let dual = policy_loss(&token(ratio, advantage), CLIP).loss;
            prop_assert!(dual <= single && dual <= 3.0 * advantage.abs() + 1e-12);
        }

        #[test]
        fn divergence_is_never_negative(logprob in -20.0..0.0f64, logprob_ref in -20.0..0.0f64) {
            prop_assert!(k3(logprob, logprob_ref) >= 0.0);
        }

        #[test]
        fn probabilities_add_up_to_one(logits in prop::collection::vec(-30.0..30.0f64, 1..20), temperature in 0.1..3.0f64) {
            let sum: f64 = log_softmax(&logits, temperature).into_iter().map(f64::exp).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
