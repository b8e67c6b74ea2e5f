//! AdamW over the flat tensor, in f32, with moments that can be saved.
//!
//! Weights that are computed with in shorter numbers learn too: a step is smaller than their spacing, so it is taken by f32 masters, which are
//! kept here, and they are the masters rounded.
//!
//! The arithmetic is PyTorch's `AdamW` (Loshchilov & Hutter, arXiv:1711.05101), except that only matrices decay.

use rl::settings::OptimizerSettings;
use tch::Device;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

use crate::parameters::Views;

/// Numbers that are updated at once: what is in between stays in the cache, and nothing of the model's size is made.
const SPAN: i64 = 1 << 17;

/// Both moments and how often they were updated; and masters, where they are needed.
#[derive(Debug)]
pub struct AdamW {
    /// `[layout.len]`: running mean of the gradient.
    pub first: Tensor,
    /// `[layout.len]`: running mean of its square.
    pub second: Tensor,
    /// Steps since the moments were 0.
    pub steps: u64,
    /// `[layout.len]`, in f32: what learns; `None` where the weights themselves are f32.
    pub masters: Option<Tensor>,
}

impl AdamW {
    /// Moments of 0 for these parameters.
    #[must_use]
    pub fn new(parameters: &Views) -> AdamW {
        let flat = parameters.flat();
        let zeros = || Tensor::zeros([flat.numel() as i64], (Kind::Float, flat.device()));
        let masters = (flat.kind() != Kind::Float).then(|| no_grad(|| flat.to_kind(Kind::Float)));
        AdamW { first: zeros(), second: zeros(), steps: 0, masters }
    }

    /// The same masters, with moments of 0 again.
    #[must_use]
    pub fn anew(self, parameters: &Views) -> AdamW {
        let masters = self.masters;
        let fresh = AdamW::new(parameters);
        AdamW { masters: masters.or(fresh.masters), ..fresh }
    }

    /// Moments of nothing, for weights that do not learn.
    #[must_use]
    pub fn none() -> AdamW {
        let nothing = || Tensor::zeros([0], (Kind::Float, Device::Cpu));
        AdamW { first: nothing(), second: nothing(), steps: 0, masters: None }
    }

    /// One step along the gradient `[layout.len]`, which must be finite.
    pub fn step(&mut self, settings: &OptimizerSettings, parameters: &Views, gradient: &Tensor, lr: f64) {
        let OptimizerSettings { beta1, beta2, eps, weight_decay, .. } = *settings;
        self.steps += 1;
        let correction1 = 1.0 - beta1.powf(self.steps as f64);
        let correction2 = 1.0 - beta2.powf(self.steps as f64);
        let (len, matrices_len) = (parameters.layout().len, parameters.layout().matrices_len);
        no_grad(|| {
            let learns = self.masters.as_ref().unwrap_or(parameters.flat());
            if weight_decay > 0.0 {
                let _ = learns.narrow(0, 0, matrices_len).g_mul_scalar_(1.0 - lr * weight_decay);
            }
            for first in (0..len).step_by(SPAN as usize) {
                let of = |numbers: &Tensor| numbers.narrow(0, first, SPAN.min(len - first));
                let (gradient, mut mean, mut square) = (of(gradient), of(&self.first), of(&self.second));
                let _ = mean.lerp_(&gradient, 1.0 - beta1);
                let _ = square.lerp_(&(&gradient * &gradient), 1.0 - beta2);
                let scale = (square.sqrt() / correction2.sqrt()).g_add_scalar_(eps);
                let change = (mean / scale).g_mul_scalar_(-lr / correction1);
                let _ = of(learns).g_add_(&change);
                if self.masters.is_some() {
                    of(parameters.flat()).copy_(&of(learns));
                }
            }
        });
    }

    /// A copy, to go back to.
    #[must_use]
    pub fn copy(&self) -> AdamW {
        no_grad(|| AdamW {
            first: self.first.copy(),
            second: self.second.copy(),
            steps: self.steps,
            masters: self.masters.as_ref().map(Tensor::copy),
        })
    }
}

/// Scales a gradient down to the norm `norm_max`; gives its norm before. Not finite if any number in it is not.
pub fn clip(gradient: &Tensor, norm_max: f64) -> f64 {
    let norm = gradient.norm().double_value(&[]);
    if norm.is_finite() && norm > norm_max {
        let _ = gradient.shallow_clone().g_mul_scalar_(norm_max / norm);
    }
    norm
}

#[cfg(test)]
mod tests {
    use sim::Seat;

    use super::*;
    use crate::Parameters;
    use crate::fixtures::config;
    use crate::fixtures::grpo;

    fn host(tensor: &Tensor) -> Vec<f64> {
        let numbers: Vec<f32> = Vec::try_from(tensor).expect("f32 numbers");
        numbers.into_iter().map(f64::from).collect()
    }

    #[test]
    fn steps_are_those_of_the_formula_in_f64() {
        let settings = grpo().optimizer;
        let parameters = Parameters::fresh(&config(), 1, Seat::Agent, &[], Device::Cpu);
        let matrices_len = parameters.layout().matrices_len as usize;
        let mut expected = host(parameters.flat());
        let (mut m, mut v) = (vec![0.0; expected.len()], vec![0.0; expected.len()]);
        let mut adam = AdamW::new(&parameters);
        for step in 1..=6 {
            let lr = 0.01 / f64::from(step);
            let gradient: Vec<f32> =
                (0..expected.len()).map(|index| ((index * 31 + step as usize * 7) % 101) as f32 / 50.0 - 1.0).collect();
            adam.step(&settings, &parameters, &Tensor::from_slice(&gradient), lr);
            for (index, g) in gradient.iter().map(|g| f64::from(*g)).enumerate() {
                // torch.optim.AdamW, as its documentation writes it.
                if index < matrices_len {
                    expected[index] -= lr * settings.weight_decay * expected[index];
                }
                m[index] = settings.beta1 * m[index] + (1.0 - settings.beta1) * g;
                v[index] = settings.beta2 * v[index] + (1.0 - settings.beta2) * g * g;
                let m_hat = m[index] / (1.0 - settings.beta1.powi(step));
                let v_hat: f64 = v[index] / (1.0 - settings.beta2.powi(step));
                expected[index] -= lr * m_hat / (v_hat.sqrt() + settings.eps);
            }
        }
        for (found, expected) in host(parameters.flat()).into_iter().zip(expected) {
            assert!((found - expected).abs() < 2e-6, "{found} is not {expected}");
        }
        assert_eq!(adam.steps, 6);
    }

    #[test]
    fn steps_smaller_than_the_spacing_of_short_weights_add_up_in_their_masters() {
        let fresh = Parameters::fresh(&config(), 1, Seat::Agent, &[], Device::Cpu);
        let rounded = no_grad(|| fresh.flat().to_kind(Kind::BFloat16));
        let long = fresh.with_flat(&config(), rounded.to_kind(Kind::Float));
        let short = fresh.with_flat(&config(), rounded.copy());
        let (mut by_long, mut by_short) = (AdamW::new(&long), AdamW::new(&short));
        let gradient = Tensor::ones([long.layout().len], (Kind::Float, Device::Cpu));
        let settings = grpo().optimizer;
        for _ in 0..100 {
            by_long.step(&settings, &long, &gradient, 1e-4);
            by_short.step(&settings, &short, &gradient, 1e-4);
        }
        let masters = by_short.masters.as_ref().expect("short weights have masters");
        assert!(masters.equal(long.flat()) && short.flat().equal(&masters.to_kind(Kind::BFloat16)));
        // A norm of 1 went down by a hundred steps of a tenth of a thousandth, each far below its spacing of four thousandths.
        let norm = short.norm().to_kind(Kind::Float).mean(Kind::Float).double_value(&[]);
        assert!((norm - 0.99).abs() < 0.003, "{norm}");
        assert!(by_long.masters.is_none());
    }

    #[test]
    fn masters_go_where_long_weights_go_under_any_gradient() {
        let fresh = Parameters::fresh(&config(), 1, Seat::Agent, &[], Device::Cpu);
        let long = fresh.with_flat(&config(), no_grad(|| fresh.flat().copy()));
        let short = fresh.with_flat(&config(), no_grad(|| fresh.flat().to_kind(Kind::BFloat16)));
        let masters = Some(no_grad(|| fresh.flat().copy()));
        let (mut by_long, mut by_short) = (AdamW::new(&long), AdamW { masters, ..AdamW::new(&short) });
        for step in 1..=20 {
            let waves = Tensor::arange(long.layout().len, (Kind::Float, Device::Cpu)) * f64::from(step) * 0.37;
            for (adam, parameters) in [(&mut by_long, &long), (&mut by_short, &short)] {
                let gradient = waves.sin() * 1e-3;
                clip(&gradient, 0.01);
                adam.step(&grpo().optimizer, parameters, &gradient, 1e-3);
            }
        }
        let masters = by_short.masters.as_ref().expect("they were given");
        assert!(masters.equal(long.flat()) && by_short.second.equal(&by_long.second));
        assert!(short.flat().equal(&masters.to_kind(Kind::BFloat16)));
        let again = by_short.anew(&short);
        assert!(again.masters.expect("they stay").equal(long.flat()) && again.steps == 0);
        assert_eq!(again.first.abs().max().double_value(&[]), 0.0);
    }

    #[test]
    fn the_views_the_decoder_uses_follow_the_flat_tensor() {
        let parameters = Parameters::fresh(&config(), 1, Seat::Agent, &[], Device::Cpu);
        let before = parameters.embedding().copy();
        let gradient = parameters.flat().ones_like();
        AdamW::new(&parameters).step(&grpo().optimizer, &parameters, &gradient, 0.5);
        let moved = (before - parameters.embedding()).abs().min().double_value(&[]);
        assert!(moved > 0.4, "each number moved by about the learning rate, the least by {moved}");
    }

    #[test]
    fn a_long_gradient_is_scaled_to_the_bound_and_a_short_one_is_left() {
        let long = Tensor::from_slice(&[3.0f32, 4.0]);
        assert!((clip(&long, 1.0) - 5.0).abs() < 1e-6);
        assert!((host(&long)[0] - 0.6).abs() < 1e-6 && (host(&long)[1] - 0.8).abs() < 1e-6);
        let short = Tensor::from_slice(&[0.3f32, 0.4]);
        assert!((clip(&short, 1.0) - 0.5).abs() < 1e-6);
        assert_eq!(host(&short), [f64::from(0.3f32), f64::from(0.4f32)]);
        assert!(!clip(&Tensor::from_slice(&[f32::NAN, 1.0]), 1.0).is_finite());
    }
}
