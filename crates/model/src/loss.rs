//! The two losses over micro-batches, as tensors.
//!
//! Both are sums over tokens of `weight · term`, divided by the weight of *all* loss tokens of the optimiser step, not of the micro-batch.
//! So the gradients of the micro-batches add up to that of the step however it is cut.
//!
//! ```text
//! SFT    term = −log π(token)
//! GRPO   term = max(−A r, −A clip(r, 1 − clip_low, 1 + clip_high))      r = π / π_old           PPO, arXiv:1707.06347
//!        A < 0: term = min(term, −A dual_clip)                                                  dual clip, arXiv:1912.09729
//!        term += kl_weight (e^(log ρ) − log ρ − 1)                     ρ = π_ref / π            k3, http://joschu.net/blog/kl-approx.html
//! ```

use rl::Sample;
use rl::settings::GrpoSettings;
use tch::Device;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

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
    /// `[n]`: weights divided by the step's total.
    weights: Tensor,
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
    /// Lays out samples that were checked; `weight` is the total of the optimiser step.
    #[must_use]
    pub fn new(samples: &[&Sample], weight: f64, pad_id: u32, device: Device) -> MicroBatch {
        let time = samples.iter().map(|sample| seen_len(sample)).max().unwrap_or(0);
        let mut tokens = vec![i64::from(pad_id); samples.len() * time];
        let (mut places, mut targets) = (Vec::new(), Vec::new());
        let (mut weights, mut advantages, mut logprobs, mut temperatures) = (vec![], vec![], vec![], vec![]);
        for (row, sample) in samples.iter().enumerate() {
            for (slot, id) in tokens[row * time..].iter_mut().zip(&sample.tokens[..seen_len(sample)]) {
                *slot = i64::from(*id);
            }
            for place in loss_places(sample) {
                places.push((row * time + place - 1) as i64);
                targets.push(i64::from(sample.tokens[place]));
                weights.push((f64::from(sample.weights[place]) / weight) as f32);
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

    /// Clipped policy gradient.
    #[must_use]
    pub fn grpo(&self, decoder: &Decoder, reference: Option<&Decoder>, settings: &GrpoSettings) -> Terms {
        let all = self.tempered(decoder);
        let logprobs = self.chosen(&all);
        let ratio = (&logprobs - &self.logprobs).exp();
        let clipped = ratio.clamp(1.0 - settings.clip_low, 1.0 + settings.clip_high);
        let against = -&self.advantages;
        let free = (&ratio * &against).maximum(&(clipped * &against));
        let policy = match settings.dual_clip {
            None => free,
            Some(bound) => {
                let bounded = free.minimum(&(&against * bound));
                bounded.where_self(&self.advantages.lt(0.0), &free)
            }
        };
        let reference = reference.map(|reference| no_grad(|| self.chosen(&self.tempered(reference))));
        let term = match &reference {
            None => policy,
            Some(reference) => {
                let log_rho = reference - &logprobs;
                policy + (log_rho.exp() - log_rho - 1.0) * settings.kl_weight
            }
        };
        let loss = (term * &self.weights).sum(Kind::Float);
        self.terms(loss, &all, &logprobs, reference)
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
        let entropies = no_grad(|| -(all.exp() * all).sum_dim_intlist(-1, false, Kind::Float));
        Terms {
            loss,
            logprobs: host(&logprobs.detach()),
            entropies: host(&entropies),
            reference: reference.as_ref().map(host),
        }
    }
}

fn host(numbers: &Tensor) -> Vec<f32> {
    Vec::<f32>::try_from(numbers).expect("one row of f32 numbers")
}

#[cfg(test)]
mod tests {
    use rl::loss::Clip;
    use rl::loss::Token;
    use rl::loss::grpo_loss;
    use rl::loss::policy_loss;
    use rl::loss::sft_loss;
    use sim::Seat;

    use super::*;
    use crate::Parameters;
    use crate::fixtures::config;
    use crate::fixtures::grpo;
    use crate::fixtures::samples;

    fn decoder(seed: u64) -> Decoder {
        Decoder::new(config(), Parameters::fresh(&config(), seed, Seat::Agent, &[], Device::Cpu))
    }

    fn micro(samples: &[Sample]) -> MicroBatch {
        let samples: Vec<&Sample> = samples.iter().collect();
        let weight = samples.iter().flat_map(|sample| &sample.weights).map(|weight| f64::from(*weight)).sum();
        MicroBatch::new(&samples, weight, 0, Device::Cpu)
    }

    /// Sample and place of each loss token.
    fn places(samples: &[Sample]) -> impl Iterator<Item = (&Sample, usize)> {
        samples.iter().flat_map(|sample| loss_places(sample).map(move |place| (sample, place)))
    }

    /// Log-probabilities of each loss token by plain f64 arithmetic on the logits of a single, unpadded stream.
    fn expected(decoder: &Decoder, samples: &[Sample], tempered: bool) -> Vec<f64> {
        let of = |(sample, place): (&Sample, usize)| {
            let ids: Vec<i64> = sample.tokens[..place].iter().map(|id| i64::from(*id)).collect();
            let hidden = no_grad(|| decoder.hidden(&Tensor::from_slice(&ids).unsqueeze(0)));
            let logits = no_grad(|| decoder.logits(&hidden)).select(1, place as i64 - 1).squeeze_dim(0);
            let logits: Vec<f32> = Vec::try_from(logits.detach()).expect("f32 numbers");
            let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
            let temperature = if tempered { f64::from(sample.temperature) } else { 1.0 };
            rl::loss::log_softmax(&logits, temperature)[sample.tokens[place] as usize]
        };
        places(samples).map(of).collect()
    }

    fn assert_close(found: f64, expected: f64, bound: f64) {
        assert!((found - expected).abs() < bound, "{found} is not {expected}");
    }

    #[test]
    fn the_sft_loss_is_the_reference_s_number() {
        let (decoder, mut samples) = (decoder(1), samples());
        samples[2].weights[4] = 0.2;
        let terms = micro(&samples).sft(&decoder);
        let logprobs = expected(&decoder, &samples, false);
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
        for (dual_clip, kl_weight) in [(None, 0.0), (Some(3.0), 0.0), (Some(1.5), 0.3)] {
            let mut settings = grpo();
            (settings.dual_clip, settings.kl_weight) = (dual_clip, kl_weight);
            let terms = micro(&samples).grpo(&decoder, Some(&reference), &settings);
            let logprobs = expected(&decoder, &samples, true).into_iter().zip(expected(&reference, &samples, true));
            let tokens: Vec<Token> = places(&samples)
                .zip(logprobs)
                .map(|((sample, place), (logprob, logprob_ref))| Token {
                    logprob,
                    logprob_old: f64::from(sample.logprobs[place]),
                    logprob_ref: Some(logprob_ref),
                    advantage: f64::from(sample.advantages[place]),
                    weight: 1.0,
                })
                .collect();
            let clip = Clip::from(&settings);
            let clipped = tokens.iter().filter(|token| policy_loss(token, clip).clipped).count();
            assert!(clipped > 20 && clipped + 20 < tokens.len(), "{clipped} of {}", tokens.len());
            let expected = grpo_loss(&tokens, clip, kl_weight).expect("there are loss tokens");
            assert_close(terms.loss.double_value(&[]), expected, 1e-5 * (1.0 + expected.abs()));
        }
    }

    #[test]
    fn entropies_are_those_of_the_tempered_distribution() {
        let decoder = decoder(1);
        let mut hot = samples();
        hot.iter_mut().for_each(|sample| sample.temperature = 1e6);
        let terms = micro(&hot).grpo(&decoder, None, &grpo());
        // At a boundless temperature every token is as likely.
        for entropy in terms.entropies {
            assert_close(f64::from(entropy), 30f64.ln(), 1e-4);
        }
    }
}
