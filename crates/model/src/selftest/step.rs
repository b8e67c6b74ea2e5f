//! Loss and gradient of a batch, as the learner has them: one update at a rate of 0, whose gradient is read off the optimiser's first moment.

use rl::Batch;
use rl::LearnError;
use rl::Learner;
use rl::selftest::NUMBERS;
use rl::selftest::Rule;
use rl::settings::GrpoSettings;
use rl::settings::OptimizerSettings;
use tch::Kind;
use tch::Tensor;

use super::subject;
use super::subject::Subject;
use crate::TchLearner;
use crate::TchWeights;
use crate::optimizer::AdamW;
use crate::parameters::Layout;

/// Small enough that a batch is cut.
const MICRO_TOKENS: usize = 256;

/// 1/φ: its multiples, wrapped around, lie evenly wherever one stops.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// What an update saw.
pub(super) struct Step {
    pub(super) loss: f64,
    /// Of the whole gradient.
    pub(super) norm: f64,
    /// [`NUMBERS`] of each of its tensors.
    pub(super) gradient: Vec<f32>,
}

/// The step, and how many numbers of the gradient each of its numbers stands for.
pub(super) fn step(subject: Subject, rule: &Rule, batch: &Batch) -> Result<(Step, Vec<f64>), LearnError> {
    let Subject { decoder, reference } = subject;
    let optimizer = OptimizerSettings {
        grad_norm_max: f64::MAX,
        micro_tokens_max: MICRO_TOKENS,
        weight_decay: 0.0,
        ..rule.settings.optimizer
    };
    let beta1 = optimizer.beta1;
    let settings = GrpoSettings { minibatches: 1, optimizer, ..rule.settings.clone() };
    let (places, shares) = places(decoder.learnt().layout());
    let reference = (settings.kl_weight > 0.0).then_some(reference);
    let text = subject::text(decoder.config().vocab_size as usize);
    let moments = AdamW::new(decoder.learnt());
    let mut learner = TchLearner::new("selftest".to_owned(), text, Some(settings), moments, reference);
    let (_, report) = learner.update(Box::new(TchWeights { decoder, version: 0 }), batch);
    let report = report?;
    let metric = |name: &str| report.metrics.iter().find(|(key, _)| key == name).map_or(f64::NAN, |(_, value)| *value);
    // (1 − β₁) g, since the moment was 0.
    let gradient = &learner.optimizer().first / (1.0 - beta1);
    let kept = gradient.index_select(0, &Tensor::from_slice(&places).to_device(gradient.device()));
    let gradient = Vec::try_from(kept.to_kind(Kind::Float)).expect("one row of f32 numbers");
    Ok((Step { loss: metric("loss"), norm: metric("grad_norm"), gradient }, shares))
}

/// Places in the flat gradient of those that are kept, and how many each stands for.
fn places(layout: &Layout) -> (Vec<i64>, Vec<f64>) {
    let (mut places, mut shares) = (Vec::new(), Vec::new());
    for leaf in &layout.leaves {
        let len = leaf.shape.iter().product::<i64>();
        let kept = NUMBERS.min(len as usize);
        let place = |index: usize| match kept < NUMBERS {
            true => index as i64,
            false => (((index + 1) as f64 * GOLDEN).fract() * len as f64) as i64,
        };
        places.extend((0..kept).map(|index| leaf.offset + place(index)));
        shares.extend(std::iter::repeat_n(len as f64 / kept as f64, kept));
    }
    (places, shares)
}

/// The distance of two gradients that [`rl::selftest`] speaks of; infinite if they have not as many numbers.
pub(super) fn distance(now: &[f32], recorded: &[f32], shares: &[f64]) -> f64 {
    if now.len() != recorded.len() || now.len() != shares.len() {
        return f64::INFINITY;
    }
    let (mut apart, mut size) = (0.0, 0.0);
    for ((now, recorded), share) in now.iter().zip(recorded).zip(shares) {
        let (now, recorded) = (f64::from(*now), f64::from(*recorded));
        apart += share * (now - recorded).powi(2);
        size += share * recorded.powi(2);
    }
    (apart / size).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::config;

    #[test]
    fn a_distance_counts_each_number_for_as_many_as_it_stands_for() {
        assert_eq!(distance(&[1.0, 2.0], &[1.0, 2.0], &[1.0, 3.0]), 0.0);
        // √(3 · 0.5²) / √(1 + 3 · 4)
        assert!((distance(&[1.0, 2.5], &[1.0, 2.0], &[1.0, 3.0]) - (0.75f64 / 13.0).sqrt()).abs() < 1e-12);
        assert!(distance(&[f32::NAN], &[1.0], &[1.0]).is_nan());
        assert_eq!(distance(&[1.0], &[1.0, 2.0], &[1.0]), f64::INFINITY);
    }

    #[test]
    fn what_is_kept_lies_in_every_tensor_and_stands_for_all_of_it() {
        let layout = Layout::new(&config());
        let (places, shares) = places(&layout);
        assert!((shares.iter().sum::<f64>() - layout.parameters() as f64).abs() < 1e-6);
        for leaf in &layout.leaves {
            let len = leaf.shape.iter().product::<i64>();
            let inside: Vec<&i64> =
                places.iter().filter(|place| (leaf.offset..leaf.offset + len).contains(*place)).collect();
            assert_eq!(inside.len(), NUMBERS.min(len as usize), "{:?}", leaf.parts);
        }
    }
}
