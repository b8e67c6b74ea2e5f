//! Batches into better weights.

use std::path::Path;

use rl::Batch;
use rl::LearnError;
use rl::Learner;
use rl::Objective;
use rl::Sample;
use rl::TextFiles;
use rl::UpdateReport;
use rl::Weights;
use rl::settings::GrpoSettings;
use tch::Tensor;

use crate::folder;
use crate::folder::Contents;
use crate::folder::Moments;
use crate::guard::caught;
use crate::loss::MicroBatch;
use crate::loss::Terms;
use crate::loss::loss_places;
use crate::loss::seen_len;
use crate::metrics::Tally;
use crate::optimizer::AdamW;
use crate::optimizer::clip;
use crate::policy::TchWeights;
use crate::transformer::Decoder;

/// Updates the weights it is lent, and keeps the optimiser's moments and the reference in between.
#[derive(Debug)]
pub struct TchLearner {
    name: String,
    text: TextFiles,
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
        TchLearner { name, text, settings, optimizer, reference }
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
        for first in 0..minibatches {
            // Every k-th sample: the episodes of a group lie side by side in a batch, so each minibatch sees every group.
            let samples: Vec<&Sample> = batch.samples.iter().skip(first).step_by(minibatches).collect();
            if samples.iter().any(|sample| sample.loss_tokens() > 0) {
                self.step(&settings, weights, batch, &samples, &mut tally)?;
            }
        }
        Ok(UpdateReport { version: weights.version, metrics: tally.metrics(batch.lr) })
    }

    /// One optimiser step.
    fn step(
        &mut self,
        settings: &GrpoSettings,
        weights: &mut TchWeights,
        batch: &Batch,
        samples: &[&Sample],
        tally: &mut Tally,
    ) -> Result<(), LearnError> {
        let decoder = &weights.decoder;
        let weight = samples.iter().flat_map(|sample| &sample.weights).map(|weight| f64::from(*weight)).sum();
        let not_finite = |what| LearnError::NotFinite { what, step: weights.version + 1 };
        let mut gradient: Option<Tensor> = None;
        let mut loss = 0.0;
        for micro in cut(samples, settings.optimizer.micro_tokens_max) {
            let laid_out = MicroBatch::new(&micro, weight, decoder.config().pad_id, decoder.device());
            let terms = match batch.objective {
                Objective::Sft => laid_out.sft(decoder),
                Objective::Grpo => laid_out.grpo(decoder, self.reference.as_ref(), settings),
            };
            loss += terms.loss.double_value(&[]);
            if !loss.is_finite() {
                return Err(not_finite("loss"));
            }
            let part = backward(decoder, &terms);
            gradient = Some(match gradient {
                None => part,
                Some(mut sum) => sum.g_add_(&part),
            });
            tally.tokens(&micro, &terms);
        }
        let mut gradient = gradient.expect("a step has a sample");
        let norm = clip(&mut gradient, settings.optimizer.grad_norm_max);
        if !norm.is_finite() {
            return Err(not_finite("gradient norm"));
        }
        self.optimizer.step(&settings.optimizer, weights.decoder.parameters_mut(), &gradient, batch.lr);
        weights.version += 1;
        tally.step(loss, norm);
        Ok(())
    }

    fn contents(&self, weights: &TchWeights) -> Contents {
        let numbers = |tensor: &Tensor| Vec::<f32>::try_from(tensor).expect("a flat tensor of f32");
        Contents {
            name: self.name.clone(),
            config: weights.decoder.config().clone(),
            weights: numbers(weights.decoder.parameters().flat()),
            version: weights.version,
            text: self.text.clone(),
            moments: Some(Moments {
                first: numbers(&self.optimizer.first),
                second: numbers(&self.optimizer.second),
                steps: self.optimizer.steps,
            }),
            reference: self.reference.as_ref().map(|reference| numbers(reference.parameters().flat())),
        }
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
        let before = several.then(|| (weights.decoder.parameters().flat().copy(), self.optimizer.copy()));
        let version = weights.version;
        let outcome = caught(|| self.steps(&mut weights, batch));
        let outcome = outcome.unwrap_or_else(|panic| Err(LearnError::Tensor(panic)));
        if let (Err(_), Some((flat, optimizer))) = (&outcome, before) {
            tch::no_grad(|| weights.decoder.parameters_mut().flat_mut().copy_(&flat));
            self.optimizer = optimizer;
            weights.version = version;
        }
        (weights, outcome)
    }

    fn anchor(&mut self, weights: Box<dyn Weights>) -> Box<dyn Weights> {
        let weights = own(weights);
        self.optimizer = AdamW::new(weights.decoder.parameters());
        let penalised = self.settings.as_ref().is_some_and(|settings| settings.kl_weight > 0.0);
        self.reference = penalised.then(|| weights.decoder.copy());
        weights
    }

    fn save(&mut self, weights: Box<dyn Weights>, folder: &Path) -> (Box<dyn Weights>, Result<(), LearnError>) {
        let weights = own(weights);
        let contents = caught(|| self.contents(&weights)).map_err(LearnError::Tensor);
        let outcome = contents.and_then(|contents| folder::write(folder, &contents));
        (weights, outcome)
    }
}

fn own(weights: Box<dyn Weights>) -> Box<TchWeights> {
    weights.into_any().downcast().expect("a learner is lent the weights of its own policy")
}

/// Gradient of the loss, `[layout.len]`.
fn backward(decoder: &Decoder, terms: &Terms) -> Tensor {
    let gradients = Tensor::run_backward(&[&terms.loss], decoder.parameters().leaves(), false, false);
    decoder.parameters().gather(&gradients)
}

/// Cuts samples into micro-batches of at most `tokens_max` tokens, padding included, samples of about one length together. A
/// sample longer than that stands alone.
fn cut<'a>(samples: &[&'a Sample], tokens_max: usize) -> Vec<Vec<&'a Sample>> {
    let mut sorted: Vec<&Sample> = samples.iter().copied().filter(|sample| sample.loss_tokens() > 0).collect();
    sorted.sort_by_key(|sample| std::cmp::Reverse(seen_len(sample)));
    let mut micros: Vec<Vec<&Sample>> = Vec::new();
    for sample in sorted {
        match micros.last_mut() {
            Some(micro) if seen_len(micro[0]) * (micro.len() + 1) <= tokens_max => micro.push(sample),
            Some(_) | None => micros.push(vec![sample]),
        }
    }
    micros
}

/// Whether the batch fits the model.
fn check(batch: &Batch, decoder: &Decoder) -> Result<(), LearnError> {
    let config = decoder.config();
    let refuse = |index: usize, why: String| Err(LearnError::Batch(format!("sample {index}: {why}")));
    for (index, sample) in batch.samples.iter().enumerate() {
        match batch.objective {
            Objective::Sft if sample.weights.len() != sample.tokens.len() => {
                let (weights, tokens) = (sample.weights.len(), sample.tokens.len());
                return refuse(index, format!("{weights} weights for {tokens} tokens"));
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
