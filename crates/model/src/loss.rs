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
        let mut term = (&ratio * &against).maximum(&(clipped * &against));
        if let Some(bound) = settings.dual_clip {
            let bounded = term.minimum(&(&against * bound));
            term = bounded.where_self(&self.advantages.lt(0.0), &term);
        }
        let reference = reference.map(|reference| no_grad(|| self.chosen(&self.tempered(reference))));
        if let Some(reference) = &reference {
            let log_rho = reference - &logprobs;
            term = term + (log_rho.exp() - log_rho - 1.0) * settings.kl_weight;
        }
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
