//! The two losses over micro-batches, and their gradients.
//!
//! Both are sums over loss tokens of a term over its divisor. The divisor is that of *all* loss tokens of the optimiser step, not of the micro-batch, so the
//! gradients of the micro-batches add up to that of the step however it is cut: a sample is never cut.
//!
//! ```text
//! SFT    Σ w (−log π) / Σ w
//! GRPO   `surrogate`, by the formula of `rl::loss`
//! ```
//!
//! The way back begins at the log-probabilities and entropies of the loss tokens, a few numbers each: the loss over them has a graph of the library's,
//! the rest is `head`'s and `pass`'s.

use rl::Sample;
use rl::loss::Divisor;
use rl::loss::Surrogate;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;
use tch::with_grad;

use crate::gradient::Gradient;
use crate::head::Head;
use crate::head::Scores;
use crate::head::Tiles;
use crate::packing::Micro;
use crate::packing::Outline;
use crate::packing::seen_len;
use crate::pass::Pass;
use crate::pass::Seen;
use crate::surrogate::OwnTokens;
use crate::transformer::Decoder;

/// Some samples of an optimiser step, laid out, with their loss tokens listed.
#[derive(Debug)]
pub struct MicroBatch {
    seen: Seen,
    /// `[n]`: ids of the n loss tokens.
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
    /// `[n, 1]`: one over each one's temperature.
    sharpness: Tensor,
}

/// What a micro-batch gave: its share of the step's loss, and numbers per loss token in the order of the samples.
#[derive(Debug)]
pub struct Terms {
    /// Its share of the step's loss.
    pub loss: f64,
    /// Log-probability of each loss token under the current weights, after temperature.
    pub logprobs: Vec<f32>,
    /// Entropy of the distribution each loss token was predicted with, in nats.
    pub entropies: Vec<f32>,
    /// Log-probability of each loss token under the reference; `None` without a reference.
    pub reference: Option<Vec<f32>>,
    /// Log-probability of each loss token before the batch's first optimiser step; `None` where sampler and learner are not told apart.
    pub old: Option<Vec<f32>>,
}

/// Where a gradient is added, and at what cost in memory.
#[derive(Clone, Copy, Debug)]
pub struct Learning<'a> {
    /// The sum.
    pub gradient: &'a Gradient,
    /// Bytes of layers' numbers that are kept for the way back; what is beyond is computed again there.
    pub kept_bytes_max: usize,
}

/// Loss tokens of a sample: their places in the stream, in order.
pub fn loss_places(sample: &Sample) -> impl Iterator<Item = usize> + '_ {
    (1..sample.tokens.len()).filter(|place| sample.weights[*place] > 0.0)
}

/// A number for each loss token of a micro-batch, as they are listed.
#[derive(Default)]
struct Listed {
    targets: Vec<i64>,
    weights: Vec<f32>,
    shares: Vec<f32>,
    rows: Vec<i64>,
    lengths: Vec<f32>,
    advantages: Vec<f32>,
    logprobs: Vec<f32>,
    sharpness: Vec<f32>,
}

impl Listed {
    fn add(&mut self, row: usize, sample: &Sample, divisor: &Divisor) {
        let share = divisor.for_sample(sample);
        self.lengths.push(loss_places(sample).count() as f32);
        for place in loss_places(sample) {
            let weight = f64::from(sample.weights[place]);
            self.rows.push(row as i64);
            self.shares.push((weight / divisor.tokens()) as f32);
            self.targets.push(i64::from(sample.tokens[place]));
            self.weights.push((weight / share) as f32);
            self.advantages.push(sample.advantages.get(place).copied().unwrap_or(0.0));
            self.logprobs.push(sample.logprobs.get(place).copied().unwrap_or(0.0));
            self.sharpness.push(1.0 / sample.temperature);
        }
    }
}

impl MicroBatch {
    /// Lays out samples that were checked; the divisor is that of the optimiser step.
    #[must_use]
    pub fn new(micro: &Micro<'_>, divisor: &Divisor, decoder: &Decoder) -> MicroBatch {
        let device = decoder.device();
        let mut listed = Listed::default();
        for (row, sample) in micro.samples().enumerate() {
            listed.add(row, sample, divisor);
        }
        let numbers = |values: &[f32]| Tensor::from_slice(values).to_device(device);
        MicroBatch {
            seen: seen(micro, decoder),
            targets: Tensor::from_slice(&listed.targets).to_device(device),
            weights: numbers(&listed.weights),
            shares: numbers(&listed.shares),
            rows: Tensor::from_slice(&listed.rows).to_device(device),
            lengths: numbers(&listed.lengths),
            advantages: numbers(&listed.advantages),
            logprobs: numbers(&listed.logprobs),
            sharpness: numbers(&listed.sharpness).unsqueeze(1),
        }
    }

    /// Weighted negative log-likelihood; temperature plays no part.
    #[must_use]
    pub fn sft(&self, decoder: &Decoder, learning: Option<Learning<'_>>) -> Terms {
        no_grad(|| {
            let mut terms = None;
            self.learn(decoder, None, learning, |scores| {
                let loss = -(&scores.logprobs * &self.weights).sum(Kind::Float);
                terms = Some(Terms::of(&loss, scores));
                (-&self.weights, None)
            });
            terms.expect("the scores were seen")
        })
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
        learning: Option<Learning<'_>>,
    ) -> Terms {
        no_grad(|| {
            let reference = reference.map(|reference| self.tempered_logprobs(reference));
            let mut terms = None;
            self.learn(decoder, Some(&self.sharpness), learning, |scores| {
                let old = surrogate.rule.importance.is_some().then(|| match old {
                    Some(old) => Tensor::from_slice(old).to_device(decoder.device()),
                    None => scores.logprobs.shallow_clone(),
                });
                let (loss, slopes) = self.surrogate(surrogate, scores, reference.as_ref(), old.as_ref());
                let (reference, old) = (reference.as_ref().map(host), old.as_ref().map(host));
                terms = Some(Terms { reference, old, ..Terms::of(&loss, scores) });
                slopes
            });
            terms.expect("the scores were seen")
        })
    }

    /// Log-probability of each loss token, after temperature, in the order of the samples.
    #[must_use]
    pub fn logprobs(&self, decoder: &Decoder) -> Vec<f32> {
        no_grad(|| host(&self.tempered_logprobs(decoder)))
    }

    fn tempered_logprobs(&self, decoder: &Decoder) -> Tensor {
        let hidden = Pass::new(decoder, &self.seen).hidden();
        self.head(decoder, &(hidden * &self.sharpness.to_kind(decoder.kind()))).scores(false).logprobs
    }

    /// There, to the scores; and back, if it is to learn, with the slopes of the loss by log-probabilities and, if they count, entropies.
    fn learn(
        &self,
        decoder: &Decoder,
        sharpness: Option<&Tensor>,
        learning: Option<Learning<'_>>,
        slopes: impl FnOnce(&Scores) -> (Tensor, Option<Tensor>),
    ) {
        let pass = Pass::new(decoder, &self.seen);
        let (hidden, trail) = match learning {
            None => (pass.hidden(), None),
            Some(Learning { kept_bytes_max, .. }) => {
                let (hidden, trail) = pass.hidden_and_trail(kept_bytes_max);
                (hidden, Some(trail))
            }
        };
        let sharpened = |rows: Tensor| match sharpness {
            None => rows,
            Some(sharpness) => rows * sharpness.to_kind(decoder.kind()),
        };
        let hidden = sharpened(hidden);
        let head = self.head(decoder, &hidden);
        let scores = head.scores(learning.is_some());
        let (by_logprob, by_entropy) = slopes(&scores);
        if let Some((Learning { gradient, .. }, trail)) = learning.zip(trail) {
            let sum = gradient.parameters().map(|parameters| parameters.head());
            let dhidden = head.back(scores, &by_logprob, by_entropy.as_ref(), sum);
            pass.back(trail, &sharpened(dhidden), gradient);
        }
    }

    fn head<'a>(&'a self, decoder: &'a Decoder, hidden: &'a Tensor) -> Head<'a> {
        let (weight, tiles) = (decoder.parameters().head(), Tiles::on(decoder.device()));
        Head { weight, hidden, targets: &self.targets, tiles }
    }

    /// Share of the step's loss, and its slopes by log-probabilities and by entropies, if these have a weight.
    fn surrogate(
        &self,
        surrogate: &Surrogate,
        scores: &Scores,
        reference: Option<&Tensor>,
        old: Option<&Tensor>,
    ) -> (Tensor, (Tensor, Option<Tensor>)) {
        let logprobs = scores.logprobs.detach().set_requires_grad(true);
        let by_entropy = (surrogate.rule.entropy_weight > 0.0).then(|| &self.shares * -surrogate.rule.entropy_weight);
        let tokens = OwnTokens {
            logprobs: &logprobs,
            sampled: &self.logprobs,
            old: old.unwrap_or(&self.logprobs),
            reference,
            entropies: by_entropy.as_ref().map(|_| (&scores.entropies, &self.shares)),
            advantages: &self.advantages,
            weights: &self.weights,
            trajectories: &self.rows,
            lengths: &self.lengths,
        };
        let loss = with_grad(|| tokens.loss(surrogate));
        let by_logprob = Tensor::run_backward(&[&loss], &[&logprobs], false, false).remove(0);
        (loss.detach(), (by_logprob, by_entropy))
    }
}

impl Terms {
    fn of(loss: &Tensor, scores: &Scores) -> Terms {
        Terms {
            loss: loss.double_value(&[]),
            logprobs: host(&scores.logprobs),
            entropies: host(&scores.entropies),
            reference: None,
            old: None,
        }
    }
}

/// Lays out prefixes and rows.
fn seen(micro: &Micro<'_>, decoder: &Decoder) -> Seen {
    let outline = micro.outline();
    let device = decoder.device();
    let mut tokens = vec![i64::from(decoder.config().pad_id); outline.positions()];
    let mut depths = vec![0i64; outline.positions()];
    let mut places = Vec::new();
    let mut put = |first: usize, depth: usize, stream: &[u32]| {
        for (at, id) in stream.iter().enumerate() {
            tokens[first + at] = i64::from(*id);
            depths[first + at] = (depth + at) as i64;
        }
    };
    let begin = outline.prefixes * outline.prefix;
    let mut row = 0;
    for (index, bundle) in micro.bundles.iter().enumerate() {
        put(index * outline.prefix, 0, &bundle.members[0].tokens[..bundle.prefix]);
        for member in &bundle.members {
            let first = begin + row * outline.suffix;
            put(first, bundle.prefix, &member.tokens[bundle.prefix..seen_len(member)]);
            places.extend(loss_places(member).map(|place| match (place - 1).checked_sub(bundle.prefix) {
                None => index * outline.prefix + place - 1,
                Some(behind) => first + behind,
            } as i64));
            row += 1;
        }
    }
    Seen {
        outline,
        tokens: Tensor::from_slice(&tokens).to_device(device),
        depths: Tensor::from_slice(&depths).to_device(device),
        places: Tensor::from_slice(&places).to_device(device),
        shared: (outline.prefixes > 0).then(|| shared(micro, decoder)),
    }
}

/// Which prefix is each row's, and which keys its tokens see: those of the prefix that are no padding, and its own up to themselves.
fn shared(micro: &Micro<'_>, decoder: &Decoder) -> (Tensor, Tensor) {
    let Outline { prefix, suffix, .. } = micro.outline();
    let which: Vec<i64> =
        (0..).zip(&micro.bundles).flat_map(|(index, bundle)| bundle.members.iter().map(move |_| index)).collect();
    let equal = micro.bundles.iter().all(|bundle| bundle.prefix == prefix);
    let masks = if equal { 1 } else { micro.bundles.len() };
    let mut numbers = vec![f32::NEG_INFINITY; masks * suffix * (prefix + suffix)];
    for (line, row) in numbers.chunks_mut(prefix + suffix).enumerate() {
        row[..micro.bundles[line / suffix].prefix].fill(0.0);
        row[prefix..=prefix + line % suffix].fill(0.0);
    }
    let which = Tensor::from_slice(&which).to_device(decoder.device());
    let mask = Tensor::from_slice(&numbers).view([masks as i64, 1, suffix as i64, (prefix + suffix) as i64]);
    let mask = mask.to_device(decoder.device()).to_kind(decoder.kind());
    let mask = if equal { mask } else { mask.index_select(0, &which) };
    (which, mask)
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
    use tch::Device;

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
        let divisor = Divisor::of(normalizer, weights);
        MicroBatch::new(&Micro::plain(samples), &divisor, &decoder(1))
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
        let terms = micro(&samples, Normalizer::Tokens).sft(&decoder, None);
        let logprobs: Vec<f64> = expected(&decoder, &samples, false).into_iter().map(|(logprob, _)| logprob).collect();
        let tokens: Vec<(f64, f64)> = places(&samples)
            .zip(&logprobs)
            .map(|((sample, place), logprob)| (f64::from(sample.weights[place]), *logprob))
            .collect();
        let expected = sft_loss(&tokens).expect("there are loss tokens");
        assert_close(terms.loss, expected, 2e-6);
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
            let terms = micro(&samples, Normalizer::Tokens).grpo(&decoder, Some(&reference), &surrogate, None, None);
            let bound = |token: &Token| {
                let ratio = (token.logprob - token.logprob_sampled).exp();
                policy_loss(Clip::Objective, surrogate.bounds, ratio, token.advantage, token.logprob).bound
            };
            let all = sequences.iter().map(Vec::len).sum::<usize>();
            let clipped = sequences.iter().flatten().filter_map(bound).count();
            assert!(clipped > 20 && clipped + 20 < all, "{clipped} of {all}");
            let expected = step_loss(&sequences, &surrogate).expect("there are loss tokens");
            assert_close(terms.loss, expected, 1e-5 * (1.0 + expected.abs()));
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
            let terms = micro.grpo(&decoder, Some(&reference), &surrogate, Some(&old), None);
            let expected = step_loss(&sequences, &surrogate).expect("there are loss tokens");
            assert_close(terms.loss, expected, 1e-5 * (1.0 + expected.abs()));
            assert_eq!(terms.old, rule.importance.map(|_| old.clone()));
        }
    }

    #[test]
    fn entropies_are_those_of_the_tempered_distribution() {
        let decoder = decoder(1);
        let mut hot = samples();
        hot.iter_mut().for_each(|sample| sample.temperature = 1e6);
        let terms = micro(&hot, Normalizer::Tokens).grpo(&decoder, None, &Surrogate::from(&grpo()), None, None);
        // At a boundless temperature every token is as likely.
        for entropy in terms.entropies {
            assert_close(f64::from(entropy), 30f64.ln(), 1e-4);
        }
    }
}
