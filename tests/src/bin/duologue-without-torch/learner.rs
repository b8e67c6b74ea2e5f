//! An [`rl::Learner`] over counts: imitation counts the batch, reinforcement shifts the counts of what was sampled by its advantage.

use std::path::Path;

use rl::Batch;
use rl::LearnError;
use rl::Learner;
use rl::Objective;
use rl::Replay;
use rl::Sample;
use rl::TextFiles;
use rl::UpdateReport;
use rl::Weights;

use crate::folder;
use crate::folder::Contents;
use crate::operation;
use crate::policy::NgramWeights;
use crate::policy::own;

/// Counts per unit of learning rate and advantage.
const GAIN: f64 = 10_000.0;

/// Updates after which the shifts of reinforcement are half as large: a state of the optimiser, so that a run which forgets it shows.
const HALF_AFTER: f64 = 20.0;

/// Updates counts, and knows how to save them.
pub struct NgramLearner {
    /// The run's name.
    pub name: String,
    /// The text side of the folder.
    pub text: TextFiles,
    /// Updates since the phase began.
    pub steps: u64,
}

impl NgramLearner {
    fn learn(&mut self, weights: &mut NgramWeights, batch: &Batch) -> Result<UpdateReport, LearnError> {
        let vocab = weights.counts.vocab;
        if let Some(id) = batch.samples.iter().flat_map(|sample| &sample.tokens).find(|id| vocab <= **id as usize) {
            return Err(LearnError::Batch(format!("token {id} is outside the vocabulary of {vocab}")));
        }
        let mut report = measure(weights, batch);
        let pace = GAIN * batch.lr / (1.0 + self.steps as f64 / HALF_AFTER);
        for sample in &batch.samples {
            for (at, token) in own_tokens(sample) {
                let amount = match batch.objective {
                    Objective::Sft => f64::from(sample.weights[at]),
                    Objective::Grpo => pace * f64::from(sample.advantages[at]),
                };
                weights.counts.shift(&sample.tokens[..at], token, amount);
            }
        }
        if let Some(replay) = &batch.replay {
            report.extend(imitate(weights, replay, pace));
        }
        weights.version += 1;
        self.steps += 1;
        Ok(UpdateReport { version: weights.version, metrics: report })
    }
}

/// Counts what the cold start taught once more, by its weight, and says what it was before.
fn imitate(weights: &mut NgramWeights, replay: &Replay, pace: f64) -> Vec<(String, f64)> {
    let measured = measure(weights, &Batch::new(Objective::Sft, 0.0, replay.samples.clone()));
    for sample in &replay.samples {
        for (at, token) in own_tokens(sample) {
            let amount = pace * replay.weight * f64::from(sample.weights[at]);
            weights.counts.shift(&sample.tokens[..at], token, amount);
        }
    }
    let told = [("loss", "replay/loss"), ("loss_tokens", "replay/tokens")];
    let named = |(name, value): (String, f64)| {
        told.iter().find(|(of, _)| *of == name).map(|(_, name)| ((*name).to_owned(), value))
    };
    measured.into_iter().filter_map(named).collect()
}

/// Places and ids of the tokens with a loss weight.
fn own_tokens(sample: &Sample) -> impl Iterator<Item = (usize, u32)> {
    sample.tokens.iter().copied().enumerate().filter(|(at, _)| sample.weights[*at] > 0.0)
}

/// Before the update: the mean loss and entropy, and how far the log-probabilities are from those that were sampled with.
fn measure(weights: &NgramWeights, batch: &Batch) -> Vec<(String, f64)> {
    let (mut loss, mut entropy, mut weight, mut tokens, mut difference_max) = (0.0, 0.0, 0.0, 0.0, 0f64);
    for sample in &batch.samples {
        for (at, token) in own_tokens(sample) {
            let logprobs = weights.logprobs(&sample.tokens[..at], f64::from(sample.temperature));
            let logprob = logprobs[token as usize];
            loss -= f64::from(logprob * sample.weights[at]);
            entropy += f64::from(sample.weights[at]) * entropy_of(&logprobs);
            weight += f64::from(sample.weights[at]);
            tokens += 1.0;
            difference_max = difference_max.max(f64::from((logprob - sample.logprobs[at]).abs()));
        }
    }
    let mut metrics =
        vec![("loss", loss / weight), ("entropy", entropy / weight), ("lr", batch.lr), ("loss_tokens", tokens)];
    match batch.objective {
        Objective::Sft => {}
        Objective::Grpo => metrics.push(("logprob_abs_diff_max", difference_max)),
    }
    metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// In nats.
fn entropy_of(logprobs: &[f32]) -> f64 {
    -logprobs.iter().map(|logprob| f64::from(*logprob)).map(|logprob| logprob.exp() * logprob).sum::<f64>()
}

impl Learner for NgramLearner {
    fn update(
        &mut self,
        weights: Box<dyn Weights>,
        batch: &Batch,
    ) -> (Box<dyn Weights>, Result<UpdateReport, LearnError>) {
        operation::count();
        let mut weights = own(weights);
        let report = self.learn(&mut weights, batch);
        (weights, report)
    }

    fn anchor(&mut self, weights: Box<dyn Weights>) -> Box<dyn Weights> {
        operation::count();
        self.steps = 0;
        weights
    }

    fn save(&mut self, weights: Box<dyn Weights>, folder: &Path) -> (Box<dyn Weights>, Result<(), LearnError>) {
        operation::count();
        let weights = own(weights);
        let (name, text) = (self.name.clone(), self.text.clone());
        let contents = Contents { name, text, weights: (*weights).clone(), steps: self.steps };
        let written = folder::write(folder, &contents);
        (weights, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Counts;

    fn learner() -> NgramLearner {
        let text = TextFiles {
            tokenizer: String::new(),
            template: String::new(),
            close_id: 0,
            pad_id: 0,
            vocab_len: 4,
            ordered: Vec::new(),
        };
        NgramLearner { name: "test".to_owned(), text, steps: 0 }
    }

    fn weights() -> Box<dyn Weights> {
        Box::new(NgramWeights { counts: Counts::new(4), close_id: 0, positions_max: 64, version: 0 })
    }

    fn batch(objective: Objective, advantage: f32) -> Batch {
        let sample = Sample {
            episode: None,
            seat: None,
            tokens: vec![3, 1, 2],
            weights: vec![0.0, 1.0, 1.0],
            advantages: vec![0.0, advantage, advantage],
            logprobs: vec![0.0; 3],
            versions: vec![0; 3],
            thought: vec![false; 3],
            temperature: 1.0,
        };
        Batch::new(objective, 1e-4, vec![sample])
    }

    fn update(learner: &mut NgramLearner, weights: Box<dyn Weights>, batch: &Batch) -> Box<dyn Weights> {
        let (weights, report) = learner.update(weights, batch);
        assert_eq!(report.expect("the batch fits").version, weights.version());
        weights
    }

    #[test]
    fn imitation_makes_what_was_taught_likely_and_leaves_what_was_shown_alone() {
        let weights = own(update(&mut learner(), weights(), &batch(Objective::Sft, 0.0)));
        assert!(weights.counts.probabilities(&[3])[1] > 0.9);
        assert!(weights.counts.probabilities(&[3, 1])[2] > 0.9);
        let unseen = weights.counts.probabilities(&[]);
        assert!(unseen[3] < unseen[1] && unseen[3] < unseen[2], "{unseen:?}");
    }

    #[test]
    fn reinforcement_follows_the_sign_of_the_advantage_and_slows_down() {
        let mut learner = learner();
        let taught = own(update(&mut learner, weights(), &batch(Objective::Sft, 0.0)));
        let other = Batch {
            samples: vec![Sample { tokens: vec![3, 2, 2], ..batch(Objective::Sft, 0.0).samples[0].clone() }],
            ..batch(Objective::Sft, 0.0)
        };
        let taught = own(update(&mut learner, taught, &other));
        let start = taught.counts.probabilities(&[3])[1];
        for (advantage, rises) in [(0.5, true), (-0.5, false)] {
            let moved = |steps: u64| {
                let mut learner = NgramLearner { steps, ..self::learner() };
                let moved = own(update(&mut learner, taught.clone(), &batch(Objective::Grpo, advantage)));
                moved.counts.probabilities(&[3])[1] - start
            };
            assert_eq!(moved(0) > 0.0, rises);
            assert!(moved(0).abs() > moved(20).abs());
        }
    }

    #[test]
    fn a_token_outside_the_vocabulary_is_no_batch() {
        let mut wrong = batch(Objective::Sft, 0.0);
        wrong.samples[0].tokens[0] = 4;
        let (weights, report) = learner().update(weights(), &wrong);
        assert_eq!((weights.version(), report.is_err()), (0, true));
    }
}
