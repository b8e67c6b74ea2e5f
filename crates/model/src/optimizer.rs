//! AdamW over the flat tensor, in f32, with moments that can be saved.
//!
//! The arithmetic is PyTorch's `AdamW` (Loshchilov & Hutter, arXiv:1711.05101), except that only matrices decay.

use rl::settings::OptimizerSettings;
use tch::Tensor;
use tch::no_grad;

use crate::Parameters;

/// Both moments and how often they were updated.
#[derive(Debug)]
pub struct AdamW {
    /// `[layout.len]`: running mean of the gradient.
    pub first: Tensor,
    /// `[layout.len]`: running mean of its square.
    pub second: Tensor,
    /// Steps since the moments were 0.
    pub steps: u64,
}

impl AdamW {
    /// Moments of 0 for these parameters.
    #[must_use]
    pub fn new(parameters: &Parameters) -> AdamW {
        AdamW { first: parameters.flat().zeros_like(), second: parameters.flat().zeros_like(), steps: 0 }
    }

    /// One step along the gradient `[layout.len]`, which must be finite.
    pub fn step(&mut self, settings: &OptimizerSettings, parameters: &mut Parameters, gradient: &Tensor, lr: f64) {
        let OptimizerSettings { beta1, beta2, eps, weight_decay, .. } = *settings;
        self.steps += 1;
        let correction1 = 1.0 - beta1.powf(self.steps as f64);
        let correction2 = 1.0 - beta2.powf(self.steps as f64);
        let matrices_len = parameters.layout().matrices_len;
        no_grad(|| {
            if weight_decay > 0.0 {
                let _ = parameters.flat().narrow(0, 0, matrices_len).g_mul_scalar_(1.0 - lr * weight_decay);
            }
            let _ = self.first.lerp_(gradient, 1.0 - beta1);
            let _ = self.second.lerp_(&(gradient * gradient), 1.0 - beta2);
            let scale = (self.second.sqrt() / correction2.sqrt()).g_add_scalar_(eps);
            let change = (&self.first / scale).g_mul_scalar_(-lr / correction1);
            let _ = parameters.flat_mut().g_add_(&change);
        });
    }

    /// A copy, to go back to.
    #[must_use]
    pub fn copy(&self) -> AdamW {
        no_grad(|| AdamW { first: self.first.copy(), second: self.second.copy(), steps: self.steps })
    }
}

/// Scales a gradient down to the norm `norm_max`; gives its norm before. Not finite if any number in it is not.
pub fn clip(gradient: &mut Tensor, norm_max: f64) -> f64 {
    let norm = gradient.norm().double_value(&[]);
    if norm.is_finite() && norm > norm_max {
        let _ = gradient.g_mul_scalar_(norm_max / norm);
    }
    norm
}
