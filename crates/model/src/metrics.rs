//! What an update says about itself; formulas in docs/METRICS.md.

use rl::Objective;
use rl::Sample;
use rl::loss::Bound;
use rl::loss::Surrogate;
use rl::loss::corrections;
use rl::loss::k1;
use rl::loss::k3;
use rl::loss::policy_loss;
use rl::loss::ratios;
use rl::settings::Clip;
use rl::settings::GrpoSettings;
use rl::settings::Kl;

use crate::loss::Terms;
use crate::loss::loss_places;

/// Sums over the loss tokens of all optimiser steps of a batch, in f64 and in a fixed order.
#[derive(Debug)]
pub(crate) struct Tally {
    objective: Objective,
    surrogate: Surrogate,
    steps: u64,
    losses: f64,
    norms: f64,
    tokens: u64,
    weights: f64,
    entropies: f64,
    /// Tokens held by the lower bound, the upper one and the dual clip.
    held: [u64; 3],
    kl_old: f64,
    /// Tokens whose correction is out of bounds.
    capped: u64,
    mismatch: Mean,
    kl_ref: Option<f64>,
    difference_max: f64,
    thought: Mean,
    reply: Mean,
    /// Mean losses of what was imitated beside steps, and its loss tokens.
    replay: (Mean, usize),
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
            surrogate: Surrogate::from(settings),
            steps: 0,
            losses: 0.0,
            norms: 0.0,
            tokens: 0,
            weights: 0.0,
            entropies: 0.0,
            held: [0; 3],
            kl_old: 0.0,
            capped: 0,
            mismatch: Mean::default(),
            kl_ref: None,
            difference_max: 0.0,
            thought: Mean::default(),
            reply: Mean::default(),
            replay: (Mean::default(), 0),
        }
    }

    /// Adds a micro-batch; its terms are in the order of the samples' loss tokens.
    pub(crate) fn tokens(&mut self, samples: &[&Sample], terms: &Terms) {
        if self.objective == Objective::Grpo {
            let mut first = 0;
            for sample in samples {
                self.trajectory(sample, terms, first);
                first += loss_places(sample).count();
            }
        }
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
            if let Some(reference) = &terms.reference {
                *self.kl_ref.get_or_insert(0.0) += k3(logprob, f64::from(reference[index]));
            }
        }
    }

    /// Adds one trajectory's own tokens: which of the micro-batch's they are, and their log-probabilities as they were sampled.
    fn trajectory(&mut self, sample: &Sample, terms: &Terms, first: usize) {
        let sampled: Vec<f64> = loss_places(sample).map(|place| f64::from(sample.logprobs[place])).collect();
        let own = |all: &[f32]| -> Vec<f64> { all[first..][..sampled.len()].iter().copied().map(f64::from).collect() };
        let now = own(&terms.logprobs);
        let old = terms.old.as_deref().map_or_else(|| sampled.clone(), own);
        let reference = terms.reference.as_deref().map(own);
        let Surrogate { rule, bounds, kl_weight } = self.surrogate;
        let difference = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let ratios = ratios(rule.ratio, &difference(&now, &old));
        for (index, place) in loss_places(sample).enumerate() {
            let off = match &reference {
                Some(reference) if rule.kl == Kl::K1 => kl_weight * k1(old[index], reference[index]),
                Some(_) | None => 0.0,
            };
            let advantage = f64::from(sample.advantages[place]) - off;
            let held = policy_loss(rule.clip, bounds, ratios[index], advantage, now[index]).bound;
            held.into_iter().for_each(|bound| self.held[place_of(bound)] += 1);
            self.kl_old += k3(old[index], now[index]);
            // Before the first step the weights are those that sampled: any difference here is drift between sampler and learner.
            if self.steps == 0 {
                self.difference_max = self.difference_max.max((now[index] - sampled[index]).abs());
            }
            // What the learner would have given the token: known of all where the correction is on, else of those of the first step.
            if rule.importance.is_some() {
                self.mismatch.add(k3(sampled[index], old[index]));
            } else if self.steps == 0 {
                self.mismatch.add(k3(sampled[index], now[index]));
            }
        }
        if let Some(importance) = rule.importance {
            let found = corrections(importance, &difference(&old, &sampled));
            self.capped += found.iter().filter(|correction| correction.capped).count() as u64;
        }
    }

    /// Adds what was imitated beside an optimiser step: its mean loss, over so many loss tokens.
    pub(crate) fn replayed(&mut self, loss: f64, tokens: usize) {
        self.replay.0.add(loss);
        self.replay.1 += tokens;
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
            let Surrogate { rule, bounds, .. } = self.surrogate;
            let [low, high, dual] = self.held.map(|held| held as f64 / tokens);
            let has_dual = rule.clip == Clip::Objective && bounds.dual.is_some();
            let bonus = rule.entropy_weight * self.entropies / self.weights;
            metrics.extend([
                ("clip_fraction", Some(self.held.iter().sum::<u64>() as f64 / tokens)),
                ("clip_fraction/low", Some(low)),
                ("clip_fraction/high", Some(high)),
                ("clip_fraction/dual", has_dual.then_some(dual)),
                ("kl_old", Some(self.kl_old / tokens)),
                ("kl_ref", self.kl_ref.map(|sum| sum / tokens)),
                ("entropy_bonus", (rule.entropy_weight > 0.0).then_some(bonus)),
                ("importance_capped", rule.importance.map(|_| self.capped as f64 / tokens)),
                ("replay/loss", self.replay.0.value()),
                ("replay/tokens", self.replay.0.value().map(|_| self.replay.1 as f64)),
                ("mismatch_kl", self.mismatch.value()),
                ("logprob_abs_diff_max", Some(self.difference_max)),
            ]);
        }
        metrics.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Where a bound is counted.
fn place_of(bound: Bound) -> usize {
    match bound {
        Bound::Low => 0,
        Bound::High => 1,
        Bound::Dual => 2,
    }
}
