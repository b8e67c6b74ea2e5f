//! Batches into better weights.

use std::collections::BTreeMap;
use std::path::Path;

use rl::Batch;
use rl::LearnError;
use rl::Learner;
use rl::Objective;
use rl::Sample;
use rl::TextFiles;
use rl::UpdateReport;
use rl::Weights;
use rl::loss::Divisor;
use rl::loss::Surrogate;
use rl::settings::Dtype;
use rl::settings::GrpoSettings;
use rl::settings::Normalizer;
use tch::Kind;
use tch::Tensor;

use crate::folder;
use crate::folder::Contents;
use crate::folder::Kept;
use crate::folder::Moments;
use crate::gradient::Gradient;
use crate::guard::caught;
use crate::loss::Learning;
use crate::loss::MicroBatch;
use crate::loss::loss_places;
use crate::metrics::Tally;
use crate::optimizer::AdamW;
use crate::optimizer::clip;
use crate::packing::cut;
use crate::peft;
use crate::policy::TchWeights;
use crate::transformer::Decoder;

/// Bytes of layers' numbers that a micro-batch keeps for the way back. Layers that do not fit are computed a second time there, a third more work
/// for a fraction of the memory: at 40 M parameters this is met at 4000 positions or so, far beyond what a CPU's caches like.
const KEPT_BYTES_MAX: usize = 1 << 30;

/// Updates the weights it is lent, and keeps the optimiser's moments and the reference in between.
#[derive(Debug)]
pub struct TchLearner {
    name: String,
    text: TextFiles,
    kept: Kept,
    /// `None` where nothing learns.
    settings: Option<GrpoSettings>,
    optimizer: AdamW,
    /// Of the KL penalty; `None` if the run has none, or before [`Learner::anchor`].
    reference: Option<Decoder>,
}

impl TchLearner {
    /// A learner for these weights. Without `settings` it only saves.
    #[must_use]
    pub fn new(
        name: String,
        text: TextFiles,
        settings: Option<GrpoSettings>,
        optimizer: AdamW,
        reference: Option<Decoder>,
    ) -> TchLearner {
        TchLearner { name, text, kept: Kept::default(), settings, optimizer, reference }
    }

    /// The same, and what came with the model's folder goes into the next.
    #[must_use]
    pub fn keeping(self, kept: Kept) -> TchLearner {
        TchLearner { kept, ..self }
    }

    /// What it knows of earlier gradients.
    #[must_use]
    pub fn optimizer(&self) -> &AdamW {
        &self.optimizer
    }

    /// All optimiser steps of a batch.
    fn steps(&mut self, weights: &mut TchWeights, batch: &Batch) -> Result<UpdateReport, LearnError> {
        let Some(settings) = self.settings.clone() else {
            return Err(LearnError::Model("it was opened without settings to learn by".to_owned()));
        };
        check(batch, &weights.decoder)?;
        let minibatches = match batch.objective {
            Objective::Sft => 1,
            Objective::Grpo => settings.minibatches.max(1),
        };
        let mut tally = Tally::new(batch.objective, &settings);
        let dealt = |number| batch.dealt(number, minibatches);
        // The first minibatch is learned from with the very weights that its old log-probabilities would be computed with.
        let later: Vec<&Sample> = (1..minibatches).flat_map(dealt).collect();
        let old = match batch.objective {
            Objective::Grpo if settings.loss.importance.is_some() => old_logprobs(&settings, &weights.decoder, &later),
            Objective::Grpo | Objective::Sft => OldLogprobs::new(),
        };
        for first in 0..minibatches {
            let samples = dealt(first);
            if samples.iter().any(|sample| sample.loss_tokens() > 0) {
                let replayed: Vec<&Sample> = batch.replay.iter().flat_map(|r| r.dealt(first, minibatches)).collect();
                self.step(&settings, weights, batch, (&samples, &old), &replayed, &mut tally)?;
            }
        }
        Ok(UpdateReport { version: weights.version, metrics: tally.metrics(batch.lr) })
    }

    /// One optimiser step, with what is imitated beside it.
    fn step(
        &mut self,
        settings: &GrpoSettings,
        weights: &mut TchWeights,
        batch: &Batch,
        samples: (&[&Sample], &OldLogprobs),
        replayed: &[&Sample],
        tally: &mut Tally,
    ) -> Result<(), LearnError> {
        let not_finite = |what| LearnError::NotFinite { what, step: weights.version + 1 };
        let (gradient, loss) = self.gradient(settings, &weights.decoder, batch.objective, samples, tally);
        let weight = batch.replay.as_ref().map_or(0.0, |replay| replay.weight);
        let imitated = imitate(settings, &weights.decoder, replayed, weight, &gradient, tally);
        if !(loss + imitated).is_finite() {
            return Err(not_finite("loss"));
        }
        let norm = clip(gradient.flat(), settings.optimizer.grad_norm_max);
        if !norm.is_finite() {
            return Err(not_finite("gradient norm"));
        }
        self.optimizer.step(&settings.optimizer, weights.decoder.learnt(), gradient.flat(), batch.lr);
        weights.version += 1;
        tally.step(loss, norm);
        Ok(())
    }

    /// Gradient and loss of one optimiser step, micro-batch by micro-batch.
    fn gradient(
        &self,
        settings: &GrpoSettings,
        decoder: &Decoder,
        objective: Objective,
        (samples, old): (&[&Sample], &OldLogprobs),
        tally: &mut Tally,
    ) -> (Gradient, f64) {
        let (divisor, surrogate) = (divisor(objective, settings, samples), Surrogate::from(settings));
        let gradient = Gradient::zeros(decoder);
        let learning = Some(Learning { gradient: &gradient, kept_bytes_max: KEPT_BYTES_MAX });
        let mut loss = 0.0;
        for micro in cut(samples, settings.optimizer.micro_tokens_max) {
            let laid_out = MicroBatch::new(&micro, &divisor, decoder);
            let samples: Vec<&Sample> = micro.samples().collect();
            let terms = match objective {
                Objective::Sft => laid_out.sft(decoder, learning),
                Objective::Grpo => {
                    let old = old_of(&samples, old);
                    laid_out.grpo(decoder, self.reference.as_ref(), &surrogate, old.as_deref(), learning)
                }
            };
            loss += terms.loss;
            tally.tokens(&samples, &terms);
        }
        (gradient, loss)
    }

    fn write(&self, weights: &TchWeights, folder: &Path) -> Result<(), LearnError> {
        let (config, version) = (weights.decoder.config(), weights.version);
        let learnt = weights.decoder.learnt().flat();
        let moments = (self.optimizer.first.size() == learnt.size()).then(|| Moments {
            first: numbers(&self.optimizer.first),
            second: numbers(&self.optimizer.second),
            steps: self.optimizer.steps,
            masters: self.optimizer.masters.as_ref().map(numbers),
        });
        let reference = self.reference.as_ref().map(|reference| numbers(reference.learnt().flat()));
        let weights_now = numbers(learnt);
        let (name, text) = (self.name.clone(), &self.text);
        if let Some(adapter) = weights.decoder.adapter() {
            let lora = adapter.lora().clone();
            let contents = peft::Contents { name, lora, weights: weights_now, version, moments, reference };
            return peft::write(folder, config, text, &self.kept, &contents);
        }
        // What has learnt needs all its digits, unless it has them in its masters.
        let dtype = match self.settings.is_some() {
            true if weights.decoder.kind() == Kind::BFloat16 => Dtype::Bf16,
            true => Dtype::F32,
            false => self.kept.dtype,
        };
        let kept = Kept { dtype, ..self.kept.clone() };
        let (config, text) = (config.clone(), text.clone());
        folder::write(folder, &Contents { name, config, weights: weights_now, version, text, kept, moments, reference })
    }
}

impl Learner for TchLearner {
    fn update(
        &mut self,
        weights: Box<dyn Weights>,
        batch: &Batch,
    ) -> (Box<dyn Weights>, Result<UpdateReport, LearnError>) {
        let mut weights = own(weights);
        // A step checks its numbers before it changes any, so only an earlier step of the same batch could need undoing.
        let several = batch.objective == Objective::Grpo && self.settings.as_ref().is_some_and(|s| s.minibatches > 1);
        let before = several.then(|| (weights.decoder.learnt().flat().copy(), self.optimizer.copy()));
        let version = weights.version;
        let outcome = caught(|| self.steps(&mut weights, batch));
        let outcome = outcome.unwrap_or_else(|panic| Err(LearnError::Tensor(panic)));
        if let (Err(_), Some((flat, optimizer))) = (&outcome, before) {
            tch::no_grad(|| weights.decoder.learnt_mut().flat_mut().copy_(&flat));
            self.optimizer = optimizer;
            weights.version = version;
        }
        (weights, outcome)
    }

    fn anchor(&mut self, weights: Box<dyn Weights>) -> Box<dyn Weights> {
        let weights = own(weights);
        let before = std::mem::replace(&mut self.optimizer, AdamW::none());
        self.optimizer = before.anew(weights.decoder.learnt());
        let penalised = self.settings.as_ref().is_some_and(|settings| settings.kl_weight > 0.0);
        self.reference = penalised.then(|| weights.decoder.copy());
        weights
    }

    fn save(&mut self, weights: Box<dyn Weights>, folder: &Path) -> (Box<dyn Weights>, Result<(), LearnError>) {
        let weights = own(weights);
        let outcome = caught(|| self.write(&weights, folder)).map_err(LearnError::Tensor).flatten();
        (weights, outcome)
    }
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.to_kind(Kind::Float)).expect("one row of f32 numbers")
}

fn own(weights: Box<dyn Weights>) -> Box<TchWeights> {
    weights.into_any().downcast().expect("a learner is lent the weights of its own policy")
}

/// Log-probabilities of samples' loss tokens before a batch's first optimiser step. A sample is known by where it lies: a batch is not moved while it is
/// learned from.
type OldLogprobs = BTreeMap<*const Sample, Vec<f32>>;

fn old_logprobs(settings: &GrpoSettings, decoder: &Decoder, samples: &[&Sample]) -> OldLogprobs {
    let mut old = OldLogprobs::new();
    for micro in cut(samples, settings.optimizer.micro_tokens_max) {
        let divisor = divisor(Objective::Grpo, settings, samples);
        let mut logprobs = MicroBatch::new(&micro, &divisor, decoder).logprobs(decoder).into_iter();
        for sample in micro.samples() {
            let own = logprobs.by_ref().take(loss_places(sample).count()).collect();
            old.insert(std::ptr::from_ref(sample), own);
        }
    }
    old
}

/// Those of a micro-batch, in its order; `None` if they were not computed beforehand.
fn old_of(micro: &[&Sample], old: &OldLogprobs) -> Option<Vec<f32>> {
    let known = micro.iter().map(|sample| old.get(&std::ptr::from_ref(*sample)));
    known.collect::<Option<Vec<&Vec<f32>>>>().map(|known| known.into_iter().flatten().copied().collect())
}

/// Adds the gradient of `weight` times the mean loss of samples of the cold start. That much of the step's loss it is.
fn imitate(
    settings: &GrpoSettings,
    decoder: &Decoder,
    samples: &[&Sample],
    weight: f64,
    gradient: &Gradient,
    tally: &mut Tally,
) -> f64 {
    let tokens = divisor(Objective::Sft, settings, samples).tokens();
    if tokens == 0.0 {
        return 0.0;
    }
    // A mean that counts so much is a sum that is divided by so much less.
    let divisor = Divisor::new(Normalizer::Tokens, tokens / weight, samples.len());
    let learning = Some(Learning { gradient, kept_bytes_max: KEPT_BYTES_MAX });
    let mut loss = 0.0;
    for micro in cut(samples, settings.optimizer.micro_tokens_max) {
        loss += MicroBatch::new(&micro, &divisor, decoder).sft(decoder, learning).loss;
    }
    tally.replayed(loss / weight, samples.iter().map(|sample| loss_places(sample).count()).sum());
    loss
}

/// What the terms of an optimiser step over these samples are divided by.
fn divisor(objective: Objective, settings: &GrpoSettings, samples: &[&Sample]) -> Divisor {
    let normalizer = match objective {
        Objective::Sft => Normalizer::Tokens,
        Objective::Grpo => settings.loss.normalizer,
    };
    Divisor::of_samples(normalizer, samples)
}

/// Whether the batch fits the model.
fn check(batch: &Batch, decoder: &Decoder) -> Result<(), LearnError> {
    let config = decoder.config();
    let refuse = |index: usize, why: String| Err(LearnError::Batch(format!("sample {index}: {why}")));
    let replayed = batch.replay.iter().flat_map(|replay| &replay.samples).map(|sample| (Objective::Sft, sample));
    let samples = batch.samples.iter().map(|sample| (batch.objective, sample)).chain(replayed);
    for (index, (objective, sample)) in samples.enumerate() {
        match objective {
            Objective::Sft if sample.weights.len() != sample.tokens.len() => {
                let (weights, tokens) = (sample.weights.len(), sample.tokens.len());
                return refuse(index, format!("{weights} weights for {tokens} tokens"));
            }
            Objective::Sft if !sample.weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0) => {
                return refuse(index, "a loss weight is below 0 or not a number".to_owned());
            }
            Objective::Sft => {}
            Objective::Grpo => {
                if let Err(why) = sample.check() {
                    return refuse(index, why.to_string());
                }
            }
        }
        if let Some(id) = sample.tokens.iter().find(|id| i64::from(**id) >= config.vocab_size) {
            return refuse(index, format!("token {id} is outside the vocabulary of {}", config.vocab_size));
        }
        if sample.tokens.len() as i64 > config.positions_max {
            let (len, context) = (sample.tokens.len(), config.positions_max);
            return refuse(index, format!("{len} tokens are longer than the context of {context}"));
        }
        if sample.weights.first().is_some_and(|weight| *weight > 0.0) {
            return refuse(index, "the first token has a loss weight, but nothing stands before it".to_owned());
        }
    }
    match batch.samples.iter().any(|sample| loss_places(sample).next().is_some()) {
        true => Ok(()),
        false => Err(LearnError::Batch("no token has a loss weight".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use rl::settings::Beyond;
    use rl::settings::Clip;
    use rl::settings::Importance;
    use rl::settings::Kl;
    use rl::settings::Level;
    use rl::settings::LossRule;
    use rl::settings::Ratio;
    use sim::Seat;
    use tch::Device;
    use tch::no_grad;

    use super::*;
    use crate::Parameters;
    use crate::fixtures::config;
    use crate::fixtures::groups;
    use crate::fixtures::grpo;
    use crate::fixtures::samples;
    use crate::packing::Micro;

    fn learner(reference: Option<Decoder>) -> (TchLearner, TchWeights) {
        let parameters = Parameters::fresh(&config(), 3, Seat::User, &[], Device::Cpu);
        let text = TextFiles {
            tokenizer: String::new(),
            template: String::new(),
            close_id: 1,
            pad_id: 0,
            vocab_len: 30,
            ordered: Vec::new(),
        };
        let learner = TchLearner::new("test".to_owned(), text, Some(grpo()), AdamW::new(&parameters), reference);
        (learner, TchWeights { decoder: Decoder::new(config(), parameters), version: 0 })
    }

    fn reference() -> Decoder {
        Decoder::new(config(), Parameters::fresh(&config(), 4, Seat::User, &[], Device::Cpu))
    }

    fn gradient(objective: Objective, samples: &[Sample], micro_tokens_max: usize, loss: LossRule) -> Vec<f32> {
        let (learner, weights) = learner(Some(reference()));
        let mut settings = GrpoSettings { loss, ..grpo() };
        settings.optimizer.micro_tokens_max = micro_tokens_max;
        let samples: Vec<&Sample> = samples.iter().collect();
        let mut tally = Tally::new(objective, &settings);
        let samples = (&samples[..], &OldLogprobs::new());
        let (gradient, _) = learner.gradient(&settings, &weights.decoder, objective, samples, &mut tally);
        Vec::try_from(gradient.flat()).expect("f32 numbers")
    }

    #[test]
    fn what_is_imitated_beside_adds_its_weight_of_imitations_gradient_however_it_is_cut() {
        let (own, taught) = (samples(), groups());
        let rule = LossRule::default();
        let alone = [(Objective::Grpo, &own), (Objective::Sft, &taught)];
        let [policy, imitation] = alone.map(|(objective, samples)| gradient(objective, samples, 100_000, rule));
        let (learner, weights) = learner(Some(reference()));
        for micro_tokens_max in [60, 100_000] {
            let mut settings = grpo();
            settings.optimizer.micro_tokens_max = micro_tokens_max;
            let [own, taught] = [&own, &taught].map(|all| all.iter().collect::<Vec<&Sample>>());
            let mut tally = Tally::new(Objective::Grpo, &settings);
            let samples = (&own[..], &OldLogprobs::new());
            let (sum, _) = learner.gradient(&settings, &weights.decoder, Objective::Grpo, samples, &mut tally);
            imitate(&settings, &weights.decoder, &taught, 0.3, &sum, &mut tally);
            let sum: Vec<f32> = Vec::try_from(sum.flat()).expect("f32 numbers");
            let wanted = policy.iter().zip(&imitation).map(|(policy, imitation)| policy + 0.3 * imitation);
            let worst = sum.iter().zip(wanted).map(|(got, wanted)| (got - wanted).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4, "in micro-batches of {micro_tokens_max}: differs by {worst}");
        }
    }

    /// The quickstart's rule, and others that have a word of their own on every axis.
    fn rules() -> [LossRule; 4] {
        let rule = LossRule::default();
        let importance = Importance { level: Level::Sequence, beyond: Beyond::Truncate, min: 0.0, max: 2.0 };
        [
            rule,
            LossRule { ratio: Ratio::Sequence, normalizer: Normalizer::Sequences, kl: Kl::K1, ..rule },
            LossRule { clip: Clip::Weight, importance: Some(importance), entropy_weight: 0.1, ..rule },
            LossRule { ratio: Ratio::Product, normalizer: Normalizer::Fixed { tokens: 20 }, kl: Kl::K2, ..rule },
        ]
    }

    #[test]
    fn the_size_of_micro_batches_does_not_change_the_gradient() {
        let rules = rules().map(|rule| (Objective::Grpo, rule));
        // Whole groups have beginnings in common, which are learned from once; a sample alone is laid out whole.
        for samples in [samples(), groups()] {
            for (objective, rule) in rules.into_iter().chain([(Objective::Sft, LossRule::default())]) {
                let whole = gradient(objective, &samples, 100_000, rule);
                let size = whole.iter().map(|g| g * g).sum::<f32>().sqrt();
                assert!(size > 0.1, "a gradient of {size} says nothing");
                for micro_tokens_max in [1, 40, 90, 300] {
                    let cut = gradient(objective, &samples, micro_tokens_max, rule);
                    let worst = whole.iter().zip(&cut).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    let bound = 1e-6 * size.max(1.0);
                    assert!(worst < bound, "{objective:?} in micro-batches of {micro_tokens_max}: differs by {worst}");
                }
            }
        }
    }

    /// What a batch says of itself, learned from in so many optimiser steps.
    fn update(loss: LossRule, minibatches: usize, lr: f64) -> BTreeMap<String, f64> {
        let (mut learner, mut weights) = learner(Some(reference()));
        learner.settings = Some(GrpoSettings { loss, minibatches, ..grpo() });
        let batch = Batch::new(Objective::Grpo, lr, samples());
        let report = learner.steps(&mut weights, &batch).expect("the batch fits");
        report.metrics.into_iter().collect()
    }

    #[test]
    fn what_the_learner_knew_before_the_first_step_is_what_later_steps_are_held_against() {
        let importance = Importance { level: Level::Token, beyond: Beyond::Truncate, min: 0.0, max: 1.5 };
        let rule = LossRule { importance: Some(importance), ..LossRule::default() };
        // Without moving, every step is the first: no ratio but 1, and the same mismatch however the batch is dealt out.
        let still = [1, 3].map(|minibatches| update(rule, minibatches, 0.0));
        for metrics in &still {
            assert!(metrics["kl_old"] < 1e-9 && metrics["clip_fraction"] == 0.0, "{metrics:?}");
            assert!(metrics["mismatch_kl"] > 0.1 && (0.1..0.9).contains(&metrics["importance_capped"]), "{metrics:?}");
            assert!((metrics["mismatch_kl"] - still[0]["mismatch_kl"]).abs() < 1e-5);
        }
        // Moving, the later steps see how far it went, and the mismatch stays what it was.
        let moved = update(rule, 3, 0.03);
        assert!(moved["kl_old"] > 1e-3, "{moved:?}");
        assert!((moved["mismatch_kl"] - still[1]["mismatch_kl"]).abs() < 1e-5, "{moved:?}");
        assert_eq!(moved["importance_capped"], still[1]["importance_capped"]);
        // Off, no token is corrected.
        let off = update(LossRule::default(), 3, 0.03);
        assert!(!off.contains_key("importance_capped") && off["kl_old"] > 0.1, "{off:?}");
    }

    #[test]
    fn a_bonus_for_entropy_raises_it() {
        let with_weight = |entropy_weight| update(LossRule { entropy_weight, ..LossRule::default() }, 9, 0.02);
        let (with, without) = (with_weight(1.0), with_weight(0.0));
        assert!(with["entropy"] > without["entropy"], "{} and {}", with["entropy"], without["entropy"]);
        assert!((with["entropy_bonus"] - with["entropy"]).abs() < 1e-6 && !without.contains_key("entropy_bonus"));
    }

    #[test]
    fn weights_in_short_numbers_learn_as_long_ones_do() {
        let curve = |kind: Kind| -> Vec<f64> {
            let (mut learner, mut weights) = learner(None);
            let parameters = weights.decoder.parameters();
            let flat = no_grad(|| parameters.flat().to_kind(kind));
            weights.decoder = Decoder::new(config(), parameters.with_flat(&config(), flat));
            learner.optimizer = AdamW::new(weights.decoder.learnt());
            let batch = Batch::new(Objective::Sft, 3e-3, groups());
            let mut loss = || {
                let report = learner.steps(&mut weights, &batch).expect("the batch fits");
                report.metrics.into_iter().find(|(name, _)| name == "loss").expect("it has a loss").1
            };
            (0..40).map(|_| loss()).collect()
        };
        let (long, short) = (curve(Kind::Float), curve(Kind::BFloat16));
        assert!(long[39] < 0.8 * long[0], "{long:?}");
        for (long, short) in long.iter().zip(&short) {
            assert!((long - short).abs() < 0.02 * long, "{short} and not {long}");
        }
    }

    /// Samples whose ratios are all 1.05: far from the kinks of the clips, where a difference quotient says nothing.
    fn samples_near(decoder: &Decoder) -> Vec<Sample> {
        let mut samples = samples();
        for sample in &mut samples {
            let divisor = Divisor::new(Normalizer::Tokens, 1.0, 1);
            let logprobs = MicroBatch::new(&Micro::plain(vec![sample]), &divisor, decoder).logprobs(decoder);
            let places: Vec<usize> = loss_places(sample).collect();
            for (place, logprob) in places.into_iter().zip(logprobs) {
                sample.logprobs[place] = logprob - 1.05f32.ln();
            }
        }
        samples
    }

    #[test]
    fn each_gradient_is_the_slope_of_the_loss_in_its_own_parameter() {
        let [quickstart, _, _, product] = rules();
        // Products over trajectories would lie beyond every bound; what has parts without a slope is checked in `surrogate`.
        let sequence = LossRule { ratio: Ratio::Sequence, entropy_weight: 0.1, ..product };
        let cases = [(Objective::Sft, quickstart), (Objective::Grpo, quickstart), (Objective::Grpo, sequence)];
        for (objective, loss) in cases {
            let (learner, mut weights) = learner(Some(reference()));
            let settings = GrpoSettings { loss, ..grpo() };
            let samples = samples_near(&weights.decoder);
            let slope = gradient(objective, &samples, 100_000, loss);
            let samples: Vec<&Sample> = samples.iter().collect();
            let mut loss = |at: &[f32]| {
                no_grad(|| weights.decoder.parameters_mut().flat_mut().copy_(&Tensor::from_slice(at)));
                let mut tally = Tally::new(objective, &settings);
                learner.gradient(&settings, &weights.decoder, objective, (&samples, &OldLogprobs::new()), &mut tally).1
            };
            let fresh = Parameters::fresh(&config(), 3, Seat::User, &[], Device::Cpu);
            let here: Vec<f32> = Vec::try_from(fresh.flat()).expect("f32 numbers");
            for (part, offset) in crate::parameters::Layout::new(&config()).parts() {
                let span = offset as usize..(offset + part.shape.iter().product::<i64>()) as usize;
                let size = slope[span.clone()].iter().map(|g| g * g).sum::<f32>().sqrt();
                // Along the gradient itself, with a step that is small and yet far above the rounding of the loss.
                let reach = 0.005;
                let moved = |sign: f32| {
                    let mut there = here.clone();
                    for (number, g) in there[span.clone()].iter_mut().zip(&slope[span.clone()]) {
                        *number += sign * reach * g / size;
                    }
                    there
                };
                let rise = (loss(&moved(1.0)) - loss(&moved(-1.0))) / (2.0 * f64::from(reach));
                let size = f64::from(size);
                assert!((rise - size).abs() < 0.03 * size + 3e-4, "{objective:?} {}: {rise}, {size}", part.name);
            }
        }
    }
}
