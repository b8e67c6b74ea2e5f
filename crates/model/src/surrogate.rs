//! The policy loss as tensors, from log-probabilities to one number. The formula, and the same as plain numbers, stands in [`rl::loss`].

use rl::loss::Surrogate;
use rl::settings::Beyond;
use rl::settings::Clip;
use rl::settings::Importance;
use rl::settings::Kl;
use rl::settings::Level;
use rl::settings::Ratio;
use tch::Tensor;
use tch::no_grad;

/// The own tokens of some trajectories. Only `logprobs` and `entropies` may have a graph.
#[derive(Debug)]
pub struct OwnTokens<'a> {
    /// `[n]`: log-probabilities now.
    pub logprobs: &'a Tensor,
    /// `[n]`: as they were sampled.
    pub sampled: &'a Tensor,
    /// `[n]`: what the ratio is taken to; the same as `sampled` unless sampler and learner are told apart.
    pub old: &'a Tensor,
    /// `[n]`: under the frozen reference; `None` if there is none.
    pub reference: Option<&'a Tensor>,
    /// `[n]`: entropies now and their shares of the mean; `None` if entropy has no weight.
    pub entropies: Option<(&'a Tensor, &'a Tensor)>,
    /// `[n]`
    pub advantages: &'a Tensor,
    /// `[n]`: one over what each token's term is divided by.
    pub weights: &'a Tensor,
    /// `[n]`, whole numbers: the trajectory of each token.
    pub trajectories: &'a Tensor,
    /// `[trajectories]`: own tokens of each.
    pub lengths: &'a Tensor,
}

impl OwnTokens<'_> {
    /// Their share of the step's loss: a number with a graph.
    pub fn loss(&self, surrogate: &Surrogate) -> Tensor {
        let Surrogate { rule, kl_weight, .. } = surrogate;
        let policy = match rule.importance {
            None => self.policy(surrogate),
            Some(importance) => self.policy(surrogate) * no_grad(|| self.corrections(importance)),
        };
        let term = match (self.reference, rule.kl) {
            // That one is in the advantages.
            (None, _) | (Some(_), Kl::K1) => policy,
            (Some(reference), Kl::K2) => policy + (self.logprobs - reference).square() * (kl_weight / 2.0),
            (Some(reference), Kl::K3) => {
                let log_rho = reference - self.logprobs;
                policy + (log_rho.exp() - log_rho - 1.0) * *kl_weight
            }
        };
        let loss = (term * self.weights).sum(self.weights.kind());
        match self.entropies {
            None => loss,
            Some((entropies, shares)) => loss - (entropies * shares).sum(shares.kind()) * rule.entropy_weight,
        }
    }

    /// `[n]`: L of each token.
    fn policy(&self, surrogate: &Surrogate) -> Tensor {
        let Surrogate { rule, bounds, kl_weight } = surrogate;
        let advantages = match (self.reference, rule.kl) {
            (Some(reference), Kl::K1) => self.advantages - (self.old - reference) * *kl_weight,
            (None, _) | (Some(_), Kl::K2 | Kl::K3) => self.advantages.shallow_clone(),
        };
        let ratio = self.of_level(&(self.logprobs - self.old), rule.ratio).exp();
        let kept = ratio.clamp(1.0 - bounds.low, 1.0 + bounds.high);
        let against = -&advantages;
        if rule.clip == Clip::Weight {
            return kept.detach() * against * self.logprobs;
        }
        let free = (&ratio * &against).maximum(&(kept * &against));
        match bounds.dual {
            None => free,
            Some(dual) => {
                let bounded = free.minimum(&(&against * dual));
                bounded.where_self(&advantages.lt(0.0), &free)
            }
        }
    }

    /// `[n]`: log-ratios of tokens as they are, or each trajectory's mean or sum in the place of its tokens.
    fn of_level(&self, log_ratios: &Tensor, level: Ratio) -> Tensor {
        let sums = || self.lengths.zeros_like().index_add(0, self.trajectories, log_ratios);
        match level {
            Ratio::Token => log_ratios.shallow_clone(),
            Ratio::Sequence => (sums() / self.lengths).index_select(0, self.trajectories),
            Ratio::Product => sums().index_select(0, self.trajectories),
        }
    }

    /// `[n]`: what each token's loss is multiplied by.
    fn corrections(&self, importance: Importance) -> Tensor {
        let level = match importance.level {
            Level::Token => Ratio::Token,
            Level::Sequence => Ratio::Product,
        };
        let ratio = self.of_level(&(self.old - self.sampled), level).exp();
        let kept = ratio.clamp(importance.min, importance.max);
        match importance.beyond {
            Beyond::Truncate => kept,
            Beyond::Mask => ratio.where_self(&ratio.eq_tensor(&kept), &ratio.zeros_like()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rl::loss::Bounds;
    use rl::loss::Divisor;
    use rl::loss::Token;
    use rl::loss::step_loss;
    use rl::settings::LossRule;
    use rl::settings::Normalizer;
    use serde_json::Value;
    use serde_json::from_value;
    use tch::Kind;

    use super::*;

    /// `trl`'s losses and their slopes for recorded numbers, written by `tests/python/check_losses.py`.
    fn golden() -> Value {
        serde_json::from_str(include_str!("../../rl/tests/trl.json")).expect("the file is JSON")
    }

    fn read<T: for<'a> serde::Deserialize<'a>>(value: &Value) -> T {
        from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
    }

    /// Trajectories of own tokens, each token with an advantage of its own unless `alike`.
    fn sequences(own: &[Vec<u8>], alike: bool) -> Vec<Vec<Token>> {
        let golden = golden();
        let table = |name: &str| -> Vec<Vec<f64>> { read(&golden["tokens"][name]) };
        let [now, old, sampled, reference, entropy] = ["now", "old", "sampled", "reference", "entropy"].map(table);
        let advantages: Vec<f64> = read(&golden["token_advantages"]);
        let token = |row: usize, at: usize| Token {
            logprob: now[row][at],
            logprob_sampled: sampled[row][at],
            logprob_old: old[row][at],
            logprob_ref: Some(reference[row][at]),
            entropy: entropy[row][at],
            advantage: advantages[row] + if alike { 0.0 } else { 0.31 * (at as f64 - 2.0) },
        };
        let of_row = |(row, own): (usize, &Vec<u8>)| {
            (0..own.len()).filter(|at| own[*at] == 1).map(|at| token(row, at)).collect::<Vec<_>>()
        };
        own.iter().enumerate().map(of_row).collect()
    }

    fn recorded() -> Vec<Vec<Token>> {
        let own: Vec<Vec<u8>> = read(&golden()["losses"][0]["own"]);
        sequences(&own, false)
    }

    fn surrogate(rule: &Value) -> Surrogate {
        let bounds = Bounds { low: read(&rule["low"]), high: read(&rule["high"]), dual: read(&rule["dual"]) };
        Surrogate { rule: read(rule), bounds, kl_weight: read(&rule["kl_weight"]) }
    }

    /// Loss, and its slopes in log-probabilities and entropies, in f64; the divisor is that of the whole step.
    fn tensors(sequences: &[Vec<Token>], divisor: &Divisor, surrogate: &Surrogate) -> (f64, Vec<f64>, Vec<f64>) {
        let numbers =
            |of: &dyn Fn(&Token) -> f64| Tensor::from_slice(&sequences.iter().flatten().map(of).collect::<Vec<f64>>());
        let logprobs = numbers(&|token| token.logprob).set_requires_grad(true);
        let entropies = numbers(&|token| token.entropy).set_requires_grad(true);
        let sampled = numbers(&|token| token.logprob_sampled);
        let learner = numbers(&|token| token.logprob_old);
        let weights = sequences.iter().flat_map(|tokens| {
            let length = tokens.len();
            std::iter::repeat_n(1.0 / divisor.for_sequence(length as f64), length)
        });
        let trajectories = (0..).zip(sequences).flat_map(|(row, tokens)| vec![row; tokens.len()]);
        let lengths: Vec<f64> = sequences.iter().map(|tokens| tokens.len() as f64).collect();
        let tokens = OwnTokens {
            logprobs: &logprobs,
            old: if surrogate.rule.importance.is_some() { &learner } else { &sampled },
            sampled: &sampled,
            reference: Some(&numbers(&|token| token.logprob_ref.expect("each has one"))),
            entropies: Some((&entropies, &numbers(&|_| 1.0 / divisor.tokens()))),
            advantages: &numbers(&|token| token.advantage),
            weights: &Tensor::from_slice(&weights.collect::<Vec<f64>>()),
            trajectories: &Tensor::from_slice(&trajectories.collect::<Vec<i64>>()),
            lengths: &Tensor::from_slice(&lengths),
        };
        let loss = tokens.loss(surrogate);
        assert_eq!(loss.kind(), Kind::Double);
        let slopes = Tensor::run_backward(&[&loss], &[&logprobs, &entropies], false, false);
        let host = |slope: &Tensor| Vec::<f64>::try_from(slope).expect("f64 numbers");
        (loss.double_value(&[]), host(&slopes[0]), host(&slopes[1]))
    }

    fn divisor(sequences: &[Vec<Token>], surrogate: &Surrogate) -> Divisor {
        Divisor::of(surrogate.rule.normalizer, sequences.iter().map(|tokens| tokens.len() as f64))
    }

    /// Every point of the axes, with narrow and with wide bounds, with and without a dual clip.
    fn points() -> Vec<Surrogate> {
        let importances = [Level::Token, Level::Sequence].into_iter().flat_map(|level| {
            [Beyond::Truncate, Beyond::Mask].map(|beyond| Some(Importance { level, beyond, min: 0.5, max: 1.6 }))
        });
        let importances: Vec<Option<Importance>> = importances.chain([None]).collect();
        let mut points = Vec::new();
        for ratio in [Ratio::Token, Ratio::Sequence, Ratio::Product] {
            for clip in [Clip::Objective, Clip::Weight] {
                for normalizer in [Normalizer::Tokens, Normalizer::Sequences, Normalizer::Fixed { tokens: 7 }] {
                    for kl in [Kl::K1, Kl::K2, Kl::K3] {
                        for importance in &importances {
                            for (low, dual) in [(0.05, Some(1.5)), (0.9, None)] {
                                let (importance, entropy_weight) = (*importance, 0.02);
                                let rule = LossRule { ratio, clip, normalizer, kl, importance, entropy_weight };
                                let bounds = Bounds { low, high: low, dual };
                                points.push(Surrogate { rule, bounds, kl_weight: 0.1 });
                            }
                        }
                    }
                }
            }
        }
        points
    }

    #[track_caller]
    fn assert_near(found: f64, wanted: f64, bound: f64, what: &dyn std::fmt::Debug) {
        assert!((found - wanted).abs() < bound, "{what:?}: {found} is not {wanted}");
    }

    #[test]
    fn every_point_of_the_axes_is_the_reference_s_number() {
        let sequences = recorded();
        for surrogate in points() {
            let (loss, ..) = tensors(&sequences, &divisor(&sequences, &surrogate), &surrogate);
            assert_near(loss, step_loss(&sequences, &surrogate).expect("there are tokens"), 1e-9, &surrogate);
        }
    }

    #[test]
    fn cutting_a_step_into_micro_batches_changes_neither_loss_nor_slope() {
        let sequences = recorded();
        for surrogate in points() {
            let divisor = divisor(&sequences, &surrogate);
            let (loss, slopes, _) = tensors(&sequences, &divisor, &surrogate);
            for size in [1, 2, 4] {
                let parts: Vec<_> = sequences.chunks(size).map(|part| tensors(part, &divisor, &surrogate)).collect();
                assert_near(parts.iter().map(|(loss, ..)| loss).sum(), loss, 1e-12, &surrogate);
                let cut = parts.iter().flat_map(|(_, slopes, _)| slopes);
                cut.zip(&slopes).for_each(|(a, b)| assert_near(*a, *b, 1e-12, &surrogate));
            }
        }
    }

    #[test]
    fn each_slope_is_that_of_the_reference_s_loss() {
        let sequences = recorded();
        // A weight that is clipped has no slope of its own: see the test below.
        for surrogate in points().into_iter().filter(|surrogate| surrogate.rule.clip == Clip::Objective) {
            let (_, slopes, by_entropy) = tensors(&sequences, &divisor(&sequences, &surrogate), &surrogate);
            let places =
                sequences.iter().enumerate().flat_map(|(row, tokens)| (0..tokens.len()).map(move |at| (row, at)));
            for ((row, at), (slope, by_entropy)) in places.zip(slopes.iter().zip(&by_entropy)) {
                let moved = |by: f64, change: fn(&mut Token, f64)| {
                    let mut moved = sequences.clone();
                    change(&mut moved[row][at], by);
                    step_loss(&moved, &surrogate).expect("there are tokens")
                };
                let rise = |change| (moved(1e-6, change) - moved(-1e-6, change)) / 2e-6;
                assert_near(*slope, rise(|token, by| token.logprob += by), 1e-7, &surrogate);
                assert_near(*by_entropy, rise(|token, by| token.entropy += by), 1e-7, &surrogate);
            }
        }
    }

    #[test]
    fn a_clipped_weight_leaves_each_token_the_slope_of_its_score() {
        let sequences = recorded();
        for surrogate in points().into_iter().filter(|surrogate| surrogate.rule.clip == Clip::Weight) {
            // Without the penalties the loss is linear in the log-probabilities, so it is the sum of slope times log-probability.
            let rule = LossRule { entropy_weight: 0.0, ..surrogate.rule };
            let surrogate = Surrogate { rule, kl_weight: 0.0, ..surrogate };
            let (loss, slopes, _) = tensors(&sequences, &divisor(&sequences, &surrogate), &surrogate);
            let tokens = sequences.iter().flatten();
            let sum = tokens.zip(&slopes).map(|(token, slope)| token.logprob * slope).sum();
            assert_near(loss, sum, 1e-12, &surrogate);
            let still = slopes.iter().filter(|slope| **slope == 0.0).count();
            let masks = surrogate.rule.importance.is_some_and(|importance| importance.beyond == Beyond::Mask);
            assert_eq!(still > 0, masks, "{surrogate:?}");
        }
    }

    #[test]
    fn losses_and_slopes_are_those_of_trl() {
        let golden = golden();
        for case in golden["losses"].as_array().expect("a list") {
            let own: Vec<Vec<u8>> = read(&case["own"]);
            let (sequences, surrogate) = (sequences(&own, true), surrogate(&case["rule"]));
            let (loss, slopes, _) = tensors(&sequences, &divisor(&sequences, &surrogate), &surrogate);
            assert_near(loss, read(&case["loss"]), 1e-5, &case["name"]);
            let theirs: Vec<Vec<f64>> = read(&case["slope"]);
            let theirs = theirs.iter().zip(&own).flat_map(|(slopes, own)| slopes.iter().zip(own));
            let theirs = theirs.filter(|(_, own)| **own == 1).map(|(slope, _)| slope);
            slopes.iter().zip(theirs).for_each(|(ours, theirs)| assert_near(*ours, *theirs, 1e-5, &case["name"]));
        }
    }
}
