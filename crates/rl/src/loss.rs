//! The losses as numbers, in f64 and one token at a time: what the tensor code is tested against, and what is compared with `trl`.
//!
//! A step of the policy gradient has three parts that are chosen apart: the advantages A (`group`, `terms`, `advantage`, `credit`), the ratio and what its
//! bounds hold, and what the sum over tokens is divided by. With `d = log π − log π_old` of each own token, |o| own tokens in a trajectory, N of them in
//! the optimiser step:
//!
//! ```text
//!  ratio       token      r = e^d                                                  PPO, arXiv:1707.06347
//!              sequence   r = e^(mean of d over the trajectory)                    GSPO, arXiv:2507.18071 eq. 7
//!              product    r = e^(sum of d over the trajectory)                     RLOO, arXiv:2402.14740
//!  clip        objective  L = max(−A·r, −A·clamp(r, 1 − clip_low, 1 + clip_high))  PPO
//!                         A < 0 and dual_clip on:  L = min(L, −A·dual_clip)        Ye et al. 2020, arXiv:1912.09729
//!              weight     L = −A·[clamp(r, 1 − clip_low, 1 + clip_high)]·log π     CISPO, arXiv:2506.13585; [·] has no gradient
//!  importance  L · [c],   c = π_old / π_sampled of the token or of the trajectory, cut to its bounds or left out beyond them
//!  kl          k1         A − kl_weight·(log π_old − log π_ref) in place of A
//!              k2         L + kl_weight·(log π − log π_ref)² / 2
//!              k3         L + kl_weight·(ρ − 1 − log ρ), ρ = π_ref / π             Schulman 2020, "Approximating KL divergence"
//!  normalizer  tokens     Σ L / N                                                  DAPO, arXiv:2503.14476
//!              sequences  Σ (Σ L / |o|) / number of trajectories                   GRPO, arXiv:2402.03300
//!              fixed      Σ L / (constant · number of trajectories)                Dr. GRPO, arXiv:2503.20783
//!  entropy     − entropy_weight · mean H over the N tokens, whatever the normaliser
//!  sft         Σ w (−log π) / Σ w
//! ```
//!
//! π_old is π_sampled, as it was recorded, unless `importance` is on: then it is what the learner computes before its first optimiser step.
//! Divisors are those of the whole optimiser step, so cutting it into micro-batches changes nothing.
//!
//! A trajectory whose turns are samples of their own (`model.thinking = "strip"`) stays one where trajectories are counted: |o| are the own tokens of
//! all its turns, and it is one of those that are divided by, however many turns it has. A ratio or a correction over a trajectory is then over the
//! turn: a probability is one of tokens given what was read before them, and no two turns have read the same.

use std::collections::BTreeMap;

use sim::EpisodeId;
use sim::Seat;

use crate::Sample;
use crate::settings::Beyond;
use crate::settings::Clip;
use crate::settings::GrpoSettings;
use crate::settings::Importance;
use crate::settings::Kl;
use crate::settings::Level;
use crate::settings::LossRule;
use crate::settings::Normalizer;
use crate::settings::Ratio;

/// Bounds of the ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The ratio is kept above `1 − low`.
    pub low: f64,
    /// The ratio is kept below `1 + high`.
    pub high: f64,
    /// For advantages below 0: the loss stays under this multiple of their size; above 1. `None`: off.
    pub dual: Option<f64>,
}

/// All that a policy loss depends on, besides its tokens: what stands in place of the objective itself, in the word of Schulman et al. 2017.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surrogate {
    /// Which ratio, which clip, which divisor, which corrections.
    pub rule: LossRule,
    /// Bounds of the ratio.
    pub bounds: Bounds,
    /// Weight of the divergence; 0 is off.
    pub kl_weight: f64,
}

impl From<&GrpoSettings> for Surrogate {
    fn from(settings: &GrpoSettings) -> Surrogate {
        let bounds = Bounds { low: settings.clip_low, high: settings.clip_high, dual: settings.dual_clip };
        Surrogate { rule: settings.loss, bounds, kl_weight: settings.kl_weight }
    }
}

/// One own token as the policy loss sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// Natural logarithm of its probability now.
    pub logprob: f64,
    /// The same when it was sampled, as the sampler recorded it.
    pub logprob_sampled: f64,
    /// The same as the learner computes it before its first optimiser step; read only where the correction is on.
    pub logprob_old: f64,
    /// The same under the frozen reference; `None` if there is none.
    pub logprob_ref: Option<f64>,
    /// Entropy of the distribution it was predicted with, now, in nats; read only where entropy has a weight.
    pub entropy: f64,
    /// Its advantage.
    pub advantage: f64,
}

/// Which bound holds a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The ratio's lower one.
    Low,
    /// The ratio's upper one.
    High,
    /// The dual clip.
    Dual,
}

/// One token's part in the policy loss, before corrections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenLoss {
    /// The loss L.
    pub loss: f64,
    /// Which bound holds, if one does: under `Clip::Objective` the token then has no gradient, under `Clip::Weight` a smaller or larger one than free.
    pub bound: Option<Bound>,
}

/// The ratios of one trajectory's own tokens, from their log-ratios.
#[must_use]
pub fn ratios(level: Ratio, log_ratios: &[f64]) -> Vec<f64> {
    let sum: f64 = log_ratios.iter().sum();
    match level {
        Ratio::Token => log_ratios.iter().map(|log_ratio| log_ratio.exp()).collect(),
        Ratio::Sequence => vec![(sum / log_ratios.len() as f64).exp(); log_ratios.len()],
        Ratio::Product => vec![sum.exp(); log_ratios.len()],
    }
}

/// The policy loss of one token with this ratio.
#[must_use]
pub fn policy_loss(clip: Clip, bounds: Bounds, ratio: f64, advantage: f64, logprob: f64) -> TokenLoss {
    let kept = ratio.clamp(1.0 - bounds.low, 1.0 + bounds.high);
    let side = if kept > ratio { Bound::Low } else { Bound::High };
    if clip == Clip::Weight {
        return TokenLoss { loss: -advantage * kept * logprob, bound: (kept != ratio).then_some(side) };
    }
    let free = -advantage * ratio;
    let single = free.max(-advantage * kept);
    match bounds.dual {
        Some(dual) if advantage < 0.0 && single > -advantage * dual => {
            TokenLoss { loss: -advantage * dual, bound: Some(Bound::Dual) }
        }
        Some(_) | None => TokenLoss { loss: single, bound: (single != free).then_some(side) },
    }
}

/// The k1 estimate of the divergence from a reference, in nats; of either sign.
#[must_use]
pub fn k1(logprob: f64, logprob_ref: f64) -> f64 {
    logprob - logprob_ref
}

/// The k2 estimate; never below 0.
#[must_use]
pub fn k2(logprob: f64, logprob_ref: f64) -> f64 {
    (logprob - logprob_ref).powi(2) / 2.0
}

/// The k3 estimate; never below 0, and 0 only where both agree.
#[must_use]
pub fn k3(logprob: f64, logprob_ref: f64) -> f64 {
    let log_ratio = logprob_ref - logprob;
    log_ratio.exp_m1() - log_ratio
}

/// What a token's loss is multiplied by, because it was sampled from another distribution than it is learned under.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// The factor.
    pub factor: f64,
    /// Whether it was cut or left out.
    pub capped: bool,
}

/// The corrections of one trajectory's own tokens, from `log π_old − log π_sampled` of each.
#[must_use]
pub fn corrections(importance: Importance, log_ratios: &[f64]) -> Vec<Correction> {
    let level = match importance.level {
        Level::Token => Ratio::Token,
        Level::Sequence => Ratio::Product,
    };
    let correction = |ratio: f64| {
        let capped = ratio < importance.min || importance.max < ratio;
        let factor = match importance.beyond {
            Beyond::Truncate => ratio.clamp(importance.min, importance.max),
            Beyond::Mask if capped => 0.0,
            Beyond::Mask => ratio,
        };
        Correction { factor, capped }
    };
    ratios(level, log_ratios).into_iter().map(correction).collect()
}

/// What the terms of an optimiser step are divided by.
#[derive(Clone, Debug, PartialEq)]
pub struct Divisor {
    normalizer: Normalizer,
    tokens: f64,
    sequences: f64,
    /// Total weight of each trajectory that is known by its episode and seat.
    trajectories: BTreeMap<(EpisodeId, Option<Seat>), f64>,
}

impl Divisor {
    /// That of a step whose tokens weigh so much together, in so many trajectories that have any.
    #[must_use]
    pub fn new(normalizer: Normalizer, tokens: f64, sequences: usize) -> Divisor {
        Divisor { normalizer, tokens, sequences: sequences as f64, trajectories: BTreeMap::new() }
    }

    /// That of a step of these samples, of which a seat's of one episode are one trajectory.
    #[must_use]
    pub fn of_samples(normalizer: Normalizer, samples: &[&Sample]) -> Divisor {
        let (mut trajectories, mut alone): (BTreeMap<_, f64>, usize) = (BTreeMap::new(), 0);
        for sample in samples.iter().filter(|sample| sample.loss_tokens() > 0) {
            match sample.trajectory() {
                Some(trajectory) => *trajectories.entry(trajectory).or_default() += weight(sample),
                None => alone += 1,
            }
        }
        let tokens = samples.iter().flat_map(|sample| &sample.weights).map(|weight| f64::from(*weight)).sum();
        let sequences = (trajectories.len() + alone) as f64;
        Divisor { normalizer, tokens, sequences, trajectories }
    }

    /// That of a step of trajectories with these total weights of their tokens: own tokens each, where all have weight 1.
    #[must_use]
    pub fn of(normalizer: Normalizer, weights: impl Iterator<Item = f64> + Clone) -> Divisor {
        Divisor::new(normalizer, weights.clone().sum(), weights.filter(|weight| *weight > 0.0).count())
    }

    /// For the tokens of a trajectory with this total weight.
    #[must_use]
    pub fn for_sequence(&self, weight: f64) -> f64 {
        match self.normalizer {
            Normalizer::Tokens => self.tokens,
            Normalizer::Sequences => weight * self.sequences,
            Normalizer::Fixed { tokens } => f64::from(tokens) * self.sequences,
        }
    }

    /// For the tokens of a sample, by the weight of the trajectory that it is of.
    #[must_use]
    pub fn for_sample(&self, sample: &Sample) -> f64 {
        let trajectory = sample.trajectory().and_then(|trajectory| self.trajectories.get(&trajectory).copied());
        self.for_sequence(trajectory.unwrap_or_else(|| weight(sample)))
    }

    /// Total weight of the step's tokens.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        self.tokens
    }
}

/// Total weight of a sample's tokens.
fn weight(sample: &Sample) -> f64 {
    sample.weights.iter().map(|weight| f64::from(*weight)).sum()
}

/// The loss of one optimiser step over the own tokens of each trajectory; `None` without any.
#[must_use]
pub fn step_loss(sequences: &[Vec<Token>], surrogate: &Surrogate) -> Option<f64> {
    let divisor = Divisor::of(surrogate.rule.normalizer, sequences.iter().map(|tokens| tokens.len() as f64));
    let of_sequence = |tokens: &Vec<Token>| {
        let entropy: f64 = tokens.iter().map(|token| token.entropy).sum();
        let bonus = surrogate.rule.entropy_weight * entropy / divisor.tokens();
        sequence_loss(tokens, surrogate) / divisor.for_sequence(tokens.len() as f64) - bonus
    };
    let spoken = || sequences.iter().filter(|tokens| !tokens.is_empty());
    (spoken().count() > 0).then(|| spoken().map(of_sequence).sum())
}

/// The sum of the terms of a trajectory's own tokens, undivided.
fn sequence_loss(tokens: &[Token], surrogate: &Surrogate) -> f64 {
    let Surrogate { rule, bounds, kl_weight } = *surrogate;
    let old = |token: &Token| if rule.importance.is_some() { token.logprob_old } else { token.logprob_sampled };
    let log_ratios: Vec<f64> = tokens.iter().map(|token| token.logprob - old(token)).collect();
    let mismatches: Vec<f64> = tokens.iter().map(|token| old(token) - token.logprob_sampled).collect();
    let factors: Vec<f64> = match rule.importance {
        None => vec![1.0; tokens.len()],
        Some(importance) => corrections(importance, &mismatches).into_iter().map(|found| found.factor).collect(),
    };
    let ratios = ratios(rule.ratio, &log_ratios);
    let terms = tokens.iter().zip(ratios).zip(factors).map(|((token, ratio), factor)| {
        let (off, added) = match (token.logprob_ref, rule.kl) {
            (None, _) => (0.0, 0.0),
            (Some(reference), Kl::K1) => (k1(old(token), reference), 0.0),
            (Some(reference), Kl::K2) => (0.0, k2(token.logprob, reference)),
            (Some(reference), Kl::K3) => (0.0, k3(token.logprob, reference)),
        };
        let advantage = token.advantage - kl_weight * off;
        let policy = policy_loss(rule.clip, bounds, ratio, advantage, token.logprob);
        policy.loss * factor + kl_weight * added
    });
    terms.sum()
}

/// The loss of one optimiser step of imitation; `None` if no token has a weight. Each pair is a weight and a log-probability.
#[must_use]
pub fn sft_loss(tokens: &[(f64, f64)]) -> Option<f64> {
    // A weight of 0 leaves a token out altogether, even if its loss is no number.
    let (sum, weights) = tokens
        .iter()
        .filter(|(weight, _)| *weight > 0.0)
        .fold((0.0, 0.0), |(sum, weights), (weight, logprob)| (sum - weight * logprob, weights + weight));
    (weights > 0.0).then(|| sum / weights)
}

/// The natural logarithms of the probabilities that logits stand for at a temperature above 0.
#[must_use]
pub fn log_softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = logits.iter().map(|logit| logit / temperature).collect();
    let high = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = high + scaled.iter().map(|logit| (logit - high).exp()).sum::<f64>().ln();
    scaled.iter().map(|logit| logit - log_sum).collect()
}

/// The entropy, in nats, of the distribution that logits stand for at a temperature above 0.
#[must_use]
pub fn entropy(logits: &[f64], temperature: f64) -> f64 {
    // A logit of −∞ has probability 0 and adds nothing; 0 · −∞ would be no number.
    let terms = log_softmax(logits, temperature).into_iter().filter(|logprob| logprob.is_finite());
    -terms.map(|logprob| logprob * logprob.exp()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { low: 0.2, high: 0.28, dual: Some(3.0) };

    fn surrogate() -> Surrogate {
        Surrogate { rule: LossRule::default(), bounds: BOUNDS, kl_weight: 0.0 }
    }

    /// A token that was sampled with log-probability −1 and has this ratio now.
    fn token(ratio: f64, advantage: f64) -> Token {
        Token {
            logprob: ratio.ln() - 1.0,
            logprob_sampled: -1.0,
            logprob_old: -1.0,
            logprob_ref: None,
            entropy: 0.0,
            advantage,
        }
    }

    #[track_caller]
    fn check(ratio: f64, advantage: f64, want: f64, bound: Option<Bound>) {
        let got = policy_loss(Clip::Objective, BOUNDS, ratio, advantage, -1.0);
        assert!((got.loss - want).abs() < 1e-12, "{got:?} against {want:?}");
        assert_eq!(got.bound, bound);
    }

    #[track_caller]
    fn check_step(sequences: &[Vec<Token>], surrogate: &Surrogate, want: f64) {
        let got = step_loss(sequences, surrogate).expect("there are tokens");
        assert!((got - want).abs() < 1e-12, "{got} against {want}");
    }

    #[test]
    fn on_policy_the_loss_is_the_negative_advantage() {
        check(1.0, 2.0, -2.0, None);
        check(1.0, -2.0, 2.0, None);
    }

    #[test]
    fn a_good_token_is_not_pushed_further_up_than_the_bound() {
        check(1.2, 1.0, -1.2, None);
        check(1.5, 1.0, -1.28, Some(Bound::High));
        // It fell instead: the way back is free.
        check(0.5, 1.0, -0.5, None);
    }

    #[test]
    fn a_bad_token_is_not_pushed_further_down_than_the_bound() {
        check(0.9, -1.0, 0.9, None);
        check(0.5, -1.0, 0.8, Some(Bound::Low));
        check(2.0, -1.0, 2.0, None);
    }

    #[test]
    fn the_dual_clip_bounds_what_one_bad_token_can_cost() {
        check(5.0, -1.0, 3.0, Some(Bound::Dual));
        check(5.0, -0.5, 1.5, Some(Bound::Dual));
        let off = policy_loss(Clip::Objective, Bounds { dual: None, ..BOUNDS }, 5.0, -1.0, -1.0);
        assert_eq!(off, TokenLoss { loss: 5.0, bound: None });
    }

    #[test]
    fn a_clipped_weight_bounds_both_signs_and_leaves_each_token_its_score() {
        let loss = |ratio, advantage| policy_loss(Clip::Weight, BOUNDS, ratio, advantage, -0.5);
        assert_eq!(loss(1.1, 2.0), TokenLoss { loss: 1.1, bound: None });
        assert_eq!(loss(2.0, 2.0), TokenLoss { loss: 1.28, bound: Some(Bound::High) });
        assert_eq!(loss(0.5, -2.0), TokenLoss { loss: -0.8, bound: Some(Bound::Low) });
    }

    #[test]
    fn a_trajectory_has_one_ratio_by_its_mean_or_by_its_product() {
        let log_ratios = [2f64.ln(), 8f64.ln()];
        let near = |got: Vec<f64>, want: [f64; 2]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(ratios(Ratio::Token, &log_ratios), [2.0, 8.0]));
        assert!(near(ratios(Ratio::Sequence, &log_ratios), [4.0, 4.0]));
        assert!(near(ratios(Ratio::Product, &log_ratios), [16.0, 16.0]));
    }

    #[test]
    fn estimates_of_the_divergence_are_those_of_their_formulas() {
        // log-ratio ln 2: −ln 2, ln² 2 / 2, and 2 − ln 2 − 1.
        let (here, there) = (-2.0, -2.0 + 2f64.ln());
        assert!((k1(here, there) + 2f64.ln()).abs() < 1e-12);
        assert!((k2(here, there) - 2f64.ln().powi(2) / 2.0).abs() < 1e-12);
        assert!((k3(here, there) - (1.0 - 2f64.ln())).abs() < 1e-12);
        assert_eq!([k1(-1.0, -1.0), k2(-1.0, -1.0), k3(-1.0, -1.0)], [0.0; 3]);
    }

    #[test]
    fn corrections_beyond_their_bounds_are_cut_or_left_out() {
        let log_ratios = [0.25f64.ln(), 1f64.ln(), 6f64.ln()];
        let found = |level, beyond| {
            let found = corrections(Importance { level, beyond, min: 0.5, max: 2.0 }, &log_ratios);
            found.iter().map(|c| ((c.factor * 1e9).round() / 1e9, c.capped)).collect::<Vec<_>>()
        };
        assert_eq!(found(Level::Token, Beyond::Truncate), [(0.5, true), (1.0, false), (2.0, true)]);
        assert_eq!(found(Level::Token, Beyond::Mask), [(0.0, true), (1.0, false), (0.0, true)]);
        assert_eq!(found(Level::Sequence, Beyond::Truncate), [(1.5, false); 3]);
    }

    #[test]
    fn a_step_is_divided_by_its_tokens_its_trajectories_or_a_constant() {
        // Losses −2, and 4, 4, 4.
        let sequences = [vec![token(1.0, 2.0)], vec![token(1.0, -4.0); 3], vec![]];
        let by = |normalizer| Surrogate { rule: LossRule { normalizer, ..LossRule::default() }, ..surrogate() };
        check_step(&sequences, &by(Normalizer::Tokens), 10.0 / 4.0);
        check_step(&sequences, &by(Normalizer::Sequences), (-2.0 + 4.0) / 2.0);
        check_step(&sequences, &by(Normalizer::Fixed { tokens: 5 }), 10.0 / (2.0 * 5.0));
        assert_eq!(step_loss(&[vec![]], &surrogate()), None);
    }

    #[test]
    fn the_turns_of_a_trajectory_count_as_one_where_trajectories_are_counted() {
        let of = |member: u32, own: usize| {
            let id = EpisodeId { phase: sim::Phase::Grpo, round: 1, group: 0, trial: 0, member };
            let weights = [[0.0].repeat(3), [1.0].repeat(own)].concat();
            Sample { episode: Some(id), weights, ..Sample::default() }
        };
        // Turns of 1 and 3 tokens, one of 2, and one that trains nobody.
        let samples = [of(1, 1), of(1, 3), of(2, 2), of(3, 0)];
        let samples: Vec<&Sample> = samples.iter().collect();
        let by = |normalizer| {
            let divisor = Divisor::of_samples(normalizer, &samples);
            [0, 1, 2].map(|number| divisor.for_sample(samples[number]))
        };
        assert_eq!(by(Normalizer::Tokens), [6.0; 3]);
        assert_eq!(by(Normalizer::Sequences), [4.0 * 2.0, 4.0 * 2.0, 2.0 * 2.0]);
        assert_eq!(by(Normalizer::Fixed { tokens: 5 }), [10.0; 3]);
        // The other side of a talk is a trajectory of its own.
        let users = Sample { seat: Some(Seat::User), ..samples[0].clone() };
        let divisor = Divisor::of_samples(Normalizer::Sequences, &[samples[0], samples[1], &users]);
        assert_eq!([divisor.for_sample(samples[1]), divisor.for_sample(&users)], [4.0 * 2.0, 1.0 * 2.0]);
        // Whoever has no episode is a trajectory of its own.
        let alone = Sample { episode: None, ..samples[1].clone() };
        let divisor = Divisor::of_samples(Normalizer::Sequences, &[&alone, &alone, samples[2]]);
        assert_eq!([divisor.for_sample(&alone), divisor.for_sample(samples[2])], [3.0 * 3.0, 2.0 * 3.0]);
    }

    #[test]
    fn divergence_and_entropy_are_weighed_in() {
        let mut far = token(1.0, -4.0);
        far.logprob_ref = Some(far.logprob + 2f64.ln());
        far.entropy = 1.5;
        let sequences = [vec![token(1.0, 2.0)], vec![far]];
        let with = |kl, entropy_weight| Surrogate {
            rule: LossRule { kl, entropy_weight, ..LossRule::default() },
            kl_weight: 0.5,
            ..surrogate()
        };
        check_step(&sequences, &with(Kl::K3, 0.0), (-2.0 + 4.0 + 0.5 * (1.0 - 2f64.ln())) / 2.0);
        check_step(&sequences, &with(Kl::K2, 0.0), (-2.0 + 4.0 + 0.25 * 2f64.ln().powi(2)) / 2.0);
        // The reference finds the token likelier: it gains half of ln 2.
        check_step(&sequences, &with(Kl::K1, 0.0), (-2.0 + 4.0 - 0.5 * 2f64.ln()) / 2.0);
        check_step(&sequences, &with(Kl::K3, 0.1), (2.0 + 0.5 * (1.0 - 2f64.ln()) - 0.1 * 1.5) / 2.0);
    }

    #[test]
    fn with_the_correction_on_the_ratio_is_to_what_the_learner_knew() {
        let importance = Importance { level: Level::Token, beyond: Beyond::Truncate, min: 0.0, max: 2.0 };
        let rule = LossRule { importance: Some(importance), ..LossRule::default() };
        // Now 1.2 times as likely as before the step, and then 1.5 and 3 times as likely as when it was sampled.
        let of = |mismatch: f64| {
            let mut token = token(1.2, 2.0);
            token.logprob_sampled = token.logprob_old - mismatch.ln();
            token
        };
        check_step(&[vec![of(1.5)]], &Surrogate { rule, ..surrogate() }, -2.0 * 1.2 * 1.5);
        check_step(&[vec![of(3.0)]], &Surrogate { rule, ..surrogate() }, -2.0 * 1.2 * 2.0);
        check_step(&[vec![of(3.0)]], &surrogate(), -2.0 * 1.28);
    }

    #[test]
    fn entropy_of_known_distributions_is_known() {
        assert!((entropy(&[0.3; 8], 1.0) - 8f64.ln()).abs() < 1e-12);
        assert!(entropy(&[0.0, f64::NEG_INFINITY], 1.0).abs() < 1e-12);
        // Probabilities ¾ and ¼ at temperature 1: logits ln 3 and 0; at temperature ½ 9/10 and 1/10.
        let binary = |p: f64| -(p * p.ln() + (1.0 - p) * (1.0 - p).ln());
        assert!((entropy(&[3f64.ln(), 0.0], 1.0) - binary(0.75)).abs() < 1e-12);
        assert!((entropy(&[3f64.ln(), 0.0], 0.5) - binary(0.9)).abs() < 1e-12);
        assert!(log_softmax(&[1e4, 0.0], 1.0)[0].abs() < 1e-12);
    }

    #[test]
    fn imitation_is_divided_by_the_weight_of_its_tokens() {
        assert_eq!(sft_loss(&[(1.0, -2.0), (0.5, -1.0), (0.0, f64::NEG_INFINITY)]), Some(2.5 / 1.5));
        assert_eq!(sft_loss(&[(0.0, -1.0)]), None);
    }

    proptest! {
        #[test]
        fn clipping_never_makes_a_loss_smaller_unless_dual(ratio in 0.01..10.0f64, advantage in -3.0..3.0f64) {
            let free = -advantage * ratio;
            let loss = |bounds| policy_loss(Clip::Objective, bounds, ratio, advantage, -1.0).loss;
            let single = loss(Bounds { dual: None, ..BOUNDS });
            prop_assert!(single >= free - 1e-12);
            let dual = loss(BOUNDS);
            prop_assert!(dual <= single && dual <= 3.0 * advantage.abs() + 1e-12);
        }

        #[test]
        fn divergence_is_never_negative(logprob in -20.0..0.0f64, logprob_ref in -20.0..0.0f64) {
            prop_assert!(k3(logprob, logprob_ref) >= 0.0 && k2(logprob, logprob_ref) >= 0.0);
        }

        #[test]
        fn divisors_share_one_step_out(
            lengths in prop::collection::vec(1..40u32, 1..9),
            normalizer in prop::sample::select(vec![Normalizer::Tokens, Normalizer::Sequences]),
        ) {
            let lengths: Vec<f64> = lengths.into_iter().map(f64::from).collect();
            let divisor = Divisor::of(normalizer, lengths.iter().copied());
            let shares: f64 = lengths.iter().map(|length| length / divisor.for_sequence(*length)).sum();
            prop_assert!((shares - 1.0).abs() < 1e-12);
        }

        #[test]
        fn probabilities_add_up_to_one(logits in prop::collection::vec(-30.0..30.0f64, 1..20), temperature in 0.1..3.0f64) {
            let sum: f64 = log_softmax(&logits, temperature).into_iter().map(f64::exp).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
