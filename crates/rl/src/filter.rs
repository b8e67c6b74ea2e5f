//! Which tokens may be drawn at all.
//!
//! In the order in which Hugging Face's `transformers` applies them, after the temperature; each sees the distribution that the one before has left,
//! scaled to sum to 1:
//!
//! ```text
//!  top_k   the so many likeliest
//!  top_p   the fewest of the likeliest whose probabilities reach this sum     Holtzman et al. 2020
//!  min_p   those at least this share as likely as the likeliest               Nguyen et al. 2024
//! ```
//!
//! Of equally likely tokens, those with lower ids count as likelier. The likeliest token always stays. Training samples from the whole distribution:
//! a filtered one is not the one whose gradient is taken.

use crate::loss::log_softmax;

/// Bounds on what may be drawn; by default everything may.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Filter {
    /// At least 1; `None`: off.
    pub top_k: Option<u32>,
    /// In (0, 1); `None`: off.
    pub top_p: Option<f32>,
    /// In (0, 1]; `None`: off.
    pub min_p: Option<f32>,
}

impl Filter {
    /// Whether everything may be drawn.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Filter::default()
    }

    /// The logarithms of the probabilities that are drawn from, for logits at a temperature above 0; −∞ for what may not be drawn. The reference
    /// that tensor code is tested against.
    #[must_use]
    pub fn logprobs(&self, logits: &[f64], temperature: f64) -> Vec<f64> {
        let mut logprobs = log_softmax(logits, temperature);
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|a, b| logprobs[*b].total_cmp(&logprobs[*a]));
        if let Some(top_k) = self.top_k {
            cut(&mut logprobs, &order[(top_k.max(1) as usize).min(order.len())..]);
        }
        if let Some(top_p) = self.top_p {
            let mut sum = 0.0;
            let reached = order.iter().position(|token| {
                sum += logprobs[*token].exp();
                sum >= f64::from(top_p)
            });
            cut(&mut logprobs, &order[reached.map_or(order.len(), |last| last + 1)..]);
        }
        if let Some(min_p) = self.min_p {
            let least = logprobs[order[0]] + f64::from(min_p).ln();
            let unlikely: Vec<usize> = order.iter().copied().filter(|token| logprobs[*token] < least).collect();
            cut(&mut logprobs, &unlikely);
        }
        logprobs
    }
}

/// Takes tokens out, and scales the rest to sum to 1.
fn cut(logprobs: &mut Vec<f64>, tokens: &[usize]) {
    for token in tokens {
        logprobs[*token] = f64::NEG_INFINITY;
    }
    *logprobs = log_softmax(logprobs, 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities that are left of .5, .25, .125, .125.
    #[track_caller]
    fn check(filter: Filter, want: [f64; 4]) {
        let logits = [0.125_f64, 0.5, 0.125, 0.25].map(f64::ln);
        let got: Vec<f64> = filter.logprobs(&logits, 1.0).iter().map(|logprob| logprob.exp()).collect();
        let [a, b, c, d] = want;
        for (got, want) in got.iter().zip([a, b, c, d]) {
            assert!((got - want).abs() < 1e-12, "{filter:?}: {got} against {want}");
        }
    }

    #[test]
    fn each_bound_leaves_what_it_says() {
        let off = Filter::default();
        check(off, [0.125, 0.5, 0.125, 0.25]);
        check(Filter { top_k: Some(1), ..off }, [0.0, 1.0, 0.0, 0.0]);
        check(Filter { top_k: Some(3), ..off }, [1.0 / 7.0, 4.0 / 7.0, 0.0, 2.0 / 7.0]);
        check(Filter { top_k: Some(9), ..off }, [0.125, 0.5, 0.125, 0.25]);
        check(Filter { top_p: Some(0.1), ..off }, [0.0, 1.0, 0.0, 0.0]);
        check(Filter { top_p: Some(0.75), ..off }, [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0]);
        check(Filter { top_p: Some(0.76), ..off }, [1.0 / 7.0, 4.0 / 7.0, 0.0, 2.0 / 7.0]);
        check(Filter { min_p: Some(0.25), ..off }, [0.125, 0.5, 0.125, 0.25]);
        check(Filter { min_p: Some(0.3), ..off }, [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0]);
    }

    #[test]
    fn each_bound_sees_what_the_one_before_has_left() {
        // Of the three that top_k leaves, the first two have 6/7 of the probability.
        check(Filter { top_k: Some(3), top_p: Some(0.85), min_p: None }, [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0]);
        check(Filter { top_k: Some(3), top_p: Some(0.87), min_p: Some(0.6) }, [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn the_temperature_comes_first() {
        let logits = [0.0, 2.0];
        let hot = Filter { min_p: Some(0.3), ..Filter::default() }.logprobs(&logits, 2.0);
        assert!(hot[0].is_finite(), "e^-1 is above .3");
        let cold = Filter { min_p: Some(0.3), ..Filter::default() }.logprobs(&logits, 1.0);
        assert_eq!(cold, [f64::NEG_INFINITY, 0.0]);
    }
}
