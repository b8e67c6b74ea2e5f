//! The two losses over micro-batches, as tensors.
//!
//! Both are sums over loss tokens of a term over its divisor. The divisor is that of *all* loss tokens of the optimiser step, not of the micro-batch, so the
//! gradients of the micro-batches add up to that of the step however it is cut: a sample is never cut.
//!
//! ```text
//! SFT    Σ w (−log π) / Σ w
//! GRPO   `surrogate`, by the formula of `rl::loss`
//! ```

use rl::Sample;
use rl::loss::Divisor;
use rl::loss::Surrogate;
use tch::Device;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

use crate::surrogate::OwnTokens;
use crate::transformer::Decoder;

/// Some samples of an optimiser step, padded on the right, with their loss tokens listed.
#[derive(Debug)]
pub struct MicroBatch {
    /// `[batch, time]`: ids, up to each sample's last loss token exclusively.
    tokens: Tensor,
    /// `[n]`: where in `batch · time` the n loss tokens are predicted.
    places: Tensor,
    /// `[n, 1]`: which ids they are.
    targets: Tensor,
    /// `[n]`: weights over what the step divides them by.
    weights: Tensor,
    /// `[n]`: weights over the step's total.
    shares: Tensor,
    /// `[n]`, whole numbers: the sample of each loss token.
    rows: Tensor,
    /// `[batch]`: loss tokens of each sample.
    lengths: Tensor,
    /// `[n]`
    advantages: Tensor,
    /// `[n]`: log-probabilities they were sampled with.
    logprobs: Tensor,
    /// `[n, 1]`
    temperatures: Tensor,
}

/// What a micro-batch gave: its share of the step's loss with its graph, and numbers per loss token in the order of the samples.
#[derive(Debug)]
pub struct Terms {
    /// A number with a graph.
    pub loss: Tensor,
    /// Log-probability of each loss token under the current weights, after temperature.
    pub logprobs: Vec<f32>,
    /// Entropy of the distribution each loss token was predicted with, in nats.
    pub entropies: Vec<f32>,
    /// Log-probability of each loss token under the reference; `None` without a reference.
    pub reference: Option<Vec<f32>>,
    /// Log-probability of each loss token before the batch's first optimiser step; `None` where sampler and learner are not told apart.
    pub old: Option<Vec<f32>>,
}

/// How many tokens of a sample the model must see: those before its last loss token.
#[must_use]
pub fn seen_len(sample: &Sample) -> usize {
    sample.weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
}

/// Loss tokens of a sample: their places in the stream, in order.
pub fn loss_places(sample: &Sample) -> impl Iterator<Item = usize> + '_ {
    (1..sample.tokens.len()).filter(|place| sample.weights[*place] > 0.0)
}

impl MicroBatch {
    /// Lays out samples that were checked; the divisor is that of the optimiser step.
    #[must_use]
    pub fn new(samples: &[&Sample], divisor: &Divisor, pad_id: u32, device: Device) -> MicroBatch {
        let time = samples.iter().map(|sample| seen_len(sample)).max().unwrap_or(0);
        let mut tokens = vec![i64::from(pad_id); samples.len() * time];
        let (mut places, mut targets) = (Vec::new(), Vec::new());
        let (mut weights, mut advantages, mut logprobs, mut temperatures) = (vec![], vec![], vec![], vec![]);
        let (mut shares, mut rows, mut lengths) = (vec![], vec![], vec![]);
        for (row, sample) in samples.iter().enumerate() {
            for (slot, id) in tokens[row * time..].iter_mut().zip(&sample.tokens[..seen_len(sample)]) {
                *slot = i64::from(*id);
            }
            let share = divisor.for_sample(sample);
            lengths.push(loss_places(sample).count() as f32);
            for place in loss_places(sample) {
                let weight = f64::from(sample.weights[place]);
                rows.push(row as i64);
                shares.push((weight / divisor.tokens()) as f32);
                places.push((row * time + place - 1) as i64);
                targets.push(i64::from(sample.tokens[place]));
                weights.push((weight / share) as f32);
                advantages.push(sample.advantages.get(place).copied().unwrap_or(0.0));
                logprobs.push(sample.logprobs.get(place).copied().unwrap_or(0.0));
                temperatures.push(sample.temperature);
            }
        }
        let numbers = |values: &[f32]| Tensor::from_slice(values).to_device(device);
        MicroBatch {
            tokens: Tensor::from_slice(&tokens).view([samples.len() as i64, time as i64]).to_device(device),
            places: Tensor::from_slice(&places).to_device(device),
            targets: Tensor::from_slice(&targets).unsqueeze(1).to_device(device),
            weights: numbers(&weights),
            shares: numbers(&shares),
            rows: Tensor::from_slice(&rows).to_device(device),
            lengths: numbers(&lengths),
            advantages: numbers(&advantages),
            logprobs: numbers(&logprobs),
            temperatures: numbers(&temperatures).unsqueeze(1),
        }
    }

    /// Weighted negative log-likelihood; temperature plays no part.
    #[must_use]
    pub fn sft(&self, decoder: &Decoder) -> Terms {
        let all = self.logits(decoder).log_softmax(-1, Kind::Float);
        let logprobs = self.chosen(&all);
        let loss = -(&logprobs * &self.weights).sum(Kind::Float);
        self.terms(loss, &all, &logprobs, None)
    }

    /// Policy gradient. Where sampler and learner are told apart, `old` has the log-probability of each loss token before the batch's first optimiser
    /// step; `None` if that step is this one, so that they are those of now.
    #[must_use]
    pub fn grpo(
        &self,
        decoder: &Decoder,
        reference: Option<&Decoder>,
        surrogate: &Surrogate,
        old: Option<&[f32]>,
    ) -> Terms {
        let all = self.tempered(decoder);
        let logprobs = self.chosen(&all);
        let old = surrogate.rule.importance.is_some().then(|| match old {
            Some(old) => Tensor::from_slice(old).to_device(logprobs.device()),
            None => logprobs.detach(),
        });
        let reference = reference.map(|reference| no_grad(|| self.chosen(&self.tempered(reference))));
        let entropies = (surrogate.rule.entropy_weight > 0.0).then(|| entropies(&all));
        let tokens = OwnTokens {
            logprobs: &logprobs,
            sampled: &self.logprobs,
            old: old.as_ref().unwrap_or(&self.logprobs),
            reference: reference.as_ref(),
            entropies: entropies.as_ref().map(|entropies| (entropies, &self.shares)),
            advantages: &self.advantages,
            weights: &self.weights,
            trajectories: &self.rows,
            lengths: &self.lengths,
        };
        let loss = tokens.loss(surrogate);
        Terms { old: old.as_ref().map(host), ..self.terms(loss, &all, &logprobs, reference) }
    }

    /// Log-probability of each loss token, after temperature, in the order of the samples.
    #[must_use]
    pub fn logprobs(&self, decoder: &Decoder) -> Vec<f32> {
        no_grad(|| host(&self.chosen(&self.tempered(decoder))))
    }

    /// Logits `[n, vocab]` where loss tokens are predicted; the head is not computed elsewhere.
    fn logits(&self, decoder: &Decoder) -> Tensor {
        let hidden = decoder.hidden(&self.tokens);
        decoder.logits(&hidden.flatten(0, 1).index_select(0, &self.places))
    }

    fn tempered(&self, decoder: &Decoder) -> Tensor {
        (self.logits(decoder) / &self.temperatures).log_softmax(-1, Kind::Float)
    }

    /// `[n]` of `[n, vocab]`.
    fn chosen(&self, all: &Tensor) -> Tensor {
        all.gather(1, &self.targets, false).squeeze_dim(1)
    }

    fn terms(&self, loss: Tensor, all: &Tensor, logprobs: &Tensor, reference: Option<Tensor>) -> Terms {
        let entropies = no_grad(|| entropies(all));
        Terms {
            loss,
            logprobs: host(&logprobs.detach()),
            entropies: host(&entropies),
            reference: reference.as_ref().map(host),
            old: None,
        }
    }
}

/// `[n]`, in nats, of log-probabilities `[n, vocab]`.
fn entropies(all: &Tensor) -> Tensor {
    -(all.exp() * all).sum_dim_intlist(-1, false, Kind::Float)
}

fn host(numbers: &Tensor) -> Vec<f32> {
    Vec::<f32>::try_from(numbers).expect("one row of f32 numbers")
}

#[cfg(test)]
mod tests {
    use rl::loss::Token;
    use rl::loss::entropy;
    use rl::loss::policy_loss;
    use rl::loss::sft_loss;
    use rl::loss::step_loss;
    use rl::settings::Beyond;
    use rl::settings::Clip;
    use rl::settings::GrpoSettings;
    use rl::settings::Importance;
    use rl::settings::Level;
    use rl::settings::LossRule;
    use rl::settings::Normalizer;
    use rl::settings::Ratio;
    use sim::Seat;

    use super::*;
    use crate::Parameters;
    use crate::fixtures::config;
    use crate::fixtures::grpo;
    use crate::fixtures::samples;

    fn decoder(seed: u64) -> Decoder {
        Decoder::new(config(), Parameters::fresh(&config(), seed, Seat::Agent, &[], Device::Cpu))
    }

    fn micro(samples: &[Sample], normalizer: Normalizer) -> MicroBatch {
        let samples: Vec<&Sample> = samples.iter().collect();
        let weights = samples.iter().map(|sample| sample.weights.iter().map(|weight| f64::from(*weight)).sum());
        MicroBatch::new(&samples, &Divisor::of(normalizer, weights), 0, Device::Cpu)
    }

    /// Sample and place of each loss token.
    fn places(samples: &[Sample]) -> impl Iterator<Item = (&Sample, usize)> {
        samples.iter().flat_map(|sample| loss_places(sample).map(move |place| (sample, place)))
    }

    /// Log-probability of each loss token, and the entropy it was predicted with, by plain f64 arithmetic on the logits of a single, unpadded stream.
    fn expected(decoder: &Decoder, samples: &[Sample], tempered: bool) -> Vec<(f64, f64)> {
        let of = |(sample, place): (&Sample, usize)| {
            let ids: Vec<i64> = sample.tokens[..place].iter().map(|id| i64::from(*id)).collect();
            let hidden = no_grad(|| decoder.hidden(&Tensor::from_slice(&ids).unsqueeze(0)));
            let logits = no_grad(|| decoder.logits(&hidden)).select(1, place as i64 - 1).squeeze_dim(0);
            let logits: Vec<f32> = Vec::try_from(logits.detach()).expect("f32 numbers");
            let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
            let temperature = if tempered { f64::from(sample.temperature) } else { 1.0 };
            let logprob = rl::loss::log_softmax(&logits, temperature)[sample.tokens[place] as usize];
            (logprob, entropy(&logits, temperature))
        };
        places(samples).map(of).collect()
    }

    /// The loss tokens of each sample as the reference sees them.
    fn tokens(decoder: &Decoder, reference: &Decoder, samples: &[Sample]) -> Vec<Vec<Token>> {
        let of = |sample: &Sample| {
            let alone = std::slice::from_ref(sample);
            let now = expected(decoder, alone, true).into_iter().zip(expected(reference, alone, true));
            let mut tokens = Vec::new();
            for (place, ((logprob, entropy), (logprob_ref, _))) in loss_places(sample).zip(now) {
                tokens.push(Token {
                    logprob,
                    logprob_sampled: f64::from(sample.logprobs[place]),
                    logprob_old: logprob - 0.1,
                    logprob_ref: Some(logprob_ref),
                    entropy,
                    advantage: f64::from(sample.advantages[place]),
                });
            }
            tokens
        };
        samples.iter().map(of).collect()
    }

    fn assert_close(found: f64, expected: f64, bound: f64) {
        assert!((found - expected).abs() < bound, "{found} is not {expected}");
    }

    #[test]
    fn the_sft_loss_is_the_reference_s_number() {
        let (decoder, mut samples) = (decoder(1), samples());
        samples[2].weights[4] = 0.2;
        let terms = micro(&samples, Normalizer::Tokens).sft(&decoder);
        let logprobs: Vec<f64> = expected(&decoder, &samples, false).into_iter().map(|(logprob, _)| logprob).collect();
        let tokens: Vec<(f64, f64)> = places(&samples)
            .zip(&logprobs)
            .map(|((sample, place), logprob)| (f64::from(sample.weights[place]), *logprob))
            .collect();
        let expected = sft_loss(&tokens).expect("there are loss tokens");
        assert_close(terms.loss.double_value(&[]), expected, 2e-6);
        for (found, expected) in terms.logprobs.iter().zip(&logprobs) {
            assert_close(f64::from(*found), *expected, 1e-5);
        }
    }

    #[test]
    fn the_grpo_loss_is_the_reference_s_number_with_every_bound_met() {
        let (decoder, reference, samples) = (decoder(1), decoder(2), samples());
        let sequences = tokens(&decoder, &reference, &samples);
        for (dual_clip, kl_weight) in [(None, 0.0), (Some(3.0), 0.0), (Some(1.5), 0.3)] {
            let surrogate = Surrogate::from(&GrpoSettings { dual_clip, kl_weight, ..grpo() });
            let terms = micro(&samples, Normalizer::Tokens).grpo(&decoder, Some(&reference), &surrogate, None);
            let bound = |token: &Token| {
                let ratio = (token.logprob - token.logprob_sampled).exp();
                policy_loss(Clip::Objective, surrogate.bounds, ratio, token.advantage, token.logprob).bound
            };
            let all = sequences.iter().map(Vec::len).sum::<usize>();
            let clipped = sequences.iter().flatten().filter_map(bound).count();
            assert!(clipped > 20 && clipped + 20 < all, "{clipped} of {all}");
            let expected = step_loss(&sequences, &surrogate).expect("there are loss tokens");
            assert_close(terms.loss.double_value(&[]), expected, 1e-5 * (1.0 + expected.abs()));
        }
    }

    #[test]
    fn samples_of_different_lengths_are_laid_out_for_every_rule() {
        let (decoder, reference, samples) = (decoder(1), decoder(2), samples());
        let sequences = tokens(&decoder, &reference, &samples);
        let old: Vec<f32> = sequences.iter().flatten().map(|token| token.logprob_old as f32).collect();
        let importance = Importance { level: Level::Sequence, beyond: Beyond::Truncate, min: 0.0, max: 2.0 };
        let rules = [
            LossRule { ratio: Ratio::Sequence, normalizer: Normalizer::Sequences, ..LossRule::default() },
            LossRule { clip: Clip::Weight, entropy_weight: 0.05, ..LossRule::default() },
            LossRule {
                normalizer: Normalizer::Fixed { tokens: 9 },
                importance: Some(importance),
                ..LossRule::default()
            },
        ];
        for rule in rules {
            let surrogate = Surrogate::from(&GrpoSettings { loss: rule, ..grpo() });
            let micro = micro(&samples, rule.normalizer);
            let terms = micro.grpo(&decoder, Some(&reference), &surrogate, Some(&old));
            let expected = step_loss(&sequences, &surrogate).expect("there are loss tokens");
            assert_close(terms.loss.double_value(&[]), expected, 1e-5 * (1.0 + expected.abs()));
            assert_eq!(terms.old, rule.importance.map(|_| old.clone()));
        }
    }

    #[test]
    fn entropies_are_those_of_the_tempered_distribution() {
        let decoder = decoder(1);
        let mut hot = samples();
        hot.iter_mut().for_each(|sample| sample.temperature = 1e6);
        let terms = micro(&hot, Normalizer::Tokens).grpo(&decoder, None, &Surrogate::from(&grpo()), None);
        // At a boundless temperature every token is as likely.
        for entropy in terms.entropies {
            assert_close(f64::from(entropy), 30f64.ln(), 1e-4);
        }
    }
}
