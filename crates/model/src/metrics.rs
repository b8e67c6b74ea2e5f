//! What an update says about itself; formulas in docs/METRICS.md.

use rl::Objective;
use rl::Sample;
use rl::loss::Clip;
use rl::loss::Token;
use rl::loss::k3;
use rl::loss::policy_loss;
use rl::settings::GrpoSettings;

use crate::loss::Terms;
use crate::loss::loss_places;

/// Sums over the loss tokens of all optimiser steps of a batch, in f64 and in a fixed order.
#[derive(Debug)]
pub(crate) struct Tally {
    objective: Objective,
    clip: Clip,
    steps: u64,
    losses: f64,
    norms: f64,
    tokens: u64,
    weights: f64,
    entropies: f64,
    clipped: u64,
    kl_old: f64,
    kl_ref: Option<f64>,
    difference_max: f64,
    thought: Mean,
    reply: Mean,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    /// `None` of nothing.
    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Tally {
    pub(crate) fn new(objective: Objective, settings: &GrpoSettings) -> Tally {
        Tally {
            objective,
            clip: Clip::from(settings),
            steps: 0,
            losses: 0.0,
            norms: 0.0,
            tokens: 0,
            weights: 0.0,
            entropies: 0.0,
            clipped: 0,
            kl_old: 0.0,
            kl_ref: None,
            difference_max: 0.0,
            thought: Mean::default(),
            reply: Mean::default(),
        }
    }

    /// Adds a micro-batch; its terms are in the order of the samples' loss tokens.
    pub(crate) fn tokens(&mut self, samples: &[&Sample], terms: &Terms) {
        let places = samples.iter().flat_map(|sample| loss_places(sample).map(move |place| (*sample, place)));
        for (index, (sample, place)) in places.enumerate() {
            let logprob = f64::from(terms.logprobs[index]);
            let weight = f64::from(sample.weights[place]);
            self.tokens += 1;
            self.weights += weight;
            self.entropies += weight * f64::from(terms.entropies[index]);
            // In SFT the partner's tokens have a small weight; they are not what the seat says.
            if sample.weights[place] >= 1.0 {
                match sample.thought.get(place).copied().unwrap_or(false) {
                    true => self.thought.add(logprob),
                    false => self.reply.add(logprob),
                }
            }
            if self.objective == Objective::Grpo {
                self.ratio(logprob, f64::from(sample.logprobs[place]), f64::from(sample.advantages[place]));
            }
            if let Some(reference) = &terms.reference {
                *self.kl_ref.get_or_insert(0.0) += k3(logprob, f64::from(reference[index]));
            }
        }
    }

    fn ratio(&mut self, logprob: f64, logprob_old: f64, advantage: f64) {
        let token = Token { logprob, logprob_old, logprob_ref: None, advantage, weight: 1.0 };
        self.clipped += u64::from(policy_loss(&token, self.clip).clipped);
        self.kl_old += k3(logprob_old, logprob);
        // Before the first step the weights are those that sampled: any difference here is drift between sampler and learner.
        if self.steps == 0 {
            self.difference_max = self.difference_max.max((logprob - logprob_old).abs());
        }
    }

    /// Closes an optimiser step.
    pub(crate) fn step(&mut self, loss: f64, grad_norm: f64) {
        self.steps += 1;
        self.losses += loss;
        self.norms += grad_norm;
    }

    /// Means over steps (loss, norm) and over loss tokens (the others). What did not happen is left out.
    pub(crate) fn metrics(&self, lr: f64) -> Vec<(String, f64)> {
        let (steps, tokens) = (self.steps as f64, self.tokens as f64);
        let mut metrics = vec![
            ("loss", Some(self.losses / steps)),
            ("grad_norm", Some(self.norms / steps)),
            ("lr", Some(lr)),
            ("loss_tokens", Some(tokens)),
            ("entropy", Some(self.entropies / self.weights)),
            ("logprob/thought", self.thought.value()),
            ("logprob/reply", self.reply.value()),
        ];
        if self.objective == Objective::Grpo {
            metrics.extend([
                ("clip_fraction", Some(self.clipped as f64 / tokens)),
                ("kl_old", Some(self.kl_old / tokens)),
                ("kl_ref", self.kl_ref.map(|sum| sum / tokens)),
                ("logprob_abs_diff_max", Some(self.difference_max)),
            ]);
        }
        metrics.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
