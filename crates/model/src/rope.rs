//! Rotary frequencies, stretched for contexts longer than a model was first trained on. The arithmetic is that of `transformers`
//! (`modeling_rope_utils.py`, version 5), in f64 where it has f32.
//!
//! ```text
//! linear    every frequency divided by the factor                                    kaiokendev's position interpolation
//! dynamic   nothing within max_position_embeddings, and no stream of ours is longer  NTK-aware scaling
//! llama3    long waves divided by the factor, short ones kept, a ramp between        Llama 3.1
//! yarn      the same idea by rotations, and attention sharpened                      YaRN, arXiv:2309.00071
//! ```

use std::f64::consts::TAU;

use serde::Deserialize;
use serde::Serialize;

/// How the frequencies `theta^(-2i / head_dim)` are stretched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum RopeScaling {
    /// Not at all.
    #[default]
    Default,
    /// Each divided by the factor.
    Linear {
        /// At least 1 as a rule.
        factor: f64,
    },
    /// Grows with streams beyond `max_position_embeddings`; ours end there, so it changes nothing, and is kept for other tools.
    Dynamic {
        /// At least 1 as a rule.
        factor: f64,
    },
    /// By wavelength.
    Llama3 {
        /// What waves longer than `original / low_freq_factor` are divided by.
        factor: f64,
        /// Divides the original context into the longest wave of the ramp.
        low_freq_factor: f64,
        /// Divides the original context into the shortest wave of the ramp; above `low_freq_factor`.
        high_freq_factor: f64,
        /// Tokens of the context it was first trained on.
        #[serde(rename = "original_max_position_embeddings")]
        original: i64,
    },
    /// By rotations within the original context.
    Yarn {
        /// What slow frequencies are divided by.
        factor: f64,
        /// Factor of cosines and sines; `None`: from `factor` and the two below.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attention_factor: Option<f64>,
        /// Rotations from which a frequency is kept; `None` and 0 are 32.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beta_fast: Option<f64>,
        /// Rotations up to which a frequency is divided; `None` and 0 are 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beta_slow: Option<f64>,
        /// Numerator of the attention factor; counts only beside `mscale_all_dim`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mscale: Option<f64>,
        /// Its denominator.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mscale_all_dim: Option<f64>,
        /// Whether the ramp's ends are rounded to whole channels; `None` is true.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        truncate: Option<bool>,
        /// Tokens of the context it was first trained on.
        #[serde(rename = "original_max_position_embeddings")]
        original: i64,
    },
}

impl RopeScaling {
    /// Stretches frequencies `theta^(-2i / head_dim)`, i = 0, 1, …; gives the factor of cosines and sines.
    pub fn stretch(&self, theta: f64, frequencies: &mut [f64]) -> f64 {
        match *self {
            RopeScaling::Default | RopeScaling::Dynamic { .. } => 1.0,
            RopeScaling::Linear { factor } => {
                frequencies.iter_mut().for_each(|frequency| *frequency /= factor);
                1.0
            }
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original } => {
                for frequency in frequencies {
                    // How many such waves the original context holds.
                    let waves = original as f64 * *frequency / TAU;
                    let kept = ((waves - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                    *frequency *= (1.0 - kept) / factor + kept;
                }
                1.0
            }
            RopeScaling::Yarn { factor, attention_factor, mscale, mscale_all_dim, .. } => {
                self.ramp(theta, frequencies);
                attention_factor.unwrap_or_else(|| match (mscale, mscale_all_dim) {
                    (Some(above), Some(below)) if above != 0.0 && below != 0.0 => {
                        sharpness(factor, above) / sharpness(factor, below)
                    }
                    _ => sharpness(factor, 1.0),
                })
            }
        }
    }

    /// Yarn's ramp over the channels: kept before it, divided behind it.
    fn ramp(&self, theta: f64, frequencies: &mut [f64]) {
        let RopeScaling::Yarn { factor, beta_fast, beta_slow, truncate, original, .. } = *self else { return };
        let dim = 2.0 * frequencies.len() as f64;
        let given = |value: Option<f64>, otherwise: f64| value.filter(|value| *value != 0.0).unwrap_or(otherwise);
        let channel = |rotations: f64| dim * (original as f64 / (rotations * TAU)).ln() / (2.0 * theta.ln());
        let (mut low, mut high) = (channel(given(beta_fast, 32.0)), channel(given(beta_slow, 1.0)));
        if truncate.unwrap_or(true) {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min(dim - 1.0));
        if low == high {
            high += 0.001;
        }
        for (index, frequency) in frequencies.iter_mut().enumerate() {
            let divided = ((index as f64 - low) / (high - low)).clamp(0.0, 1.0);
            *frequency *= divided / factor + (1.0 - divided);
        }
    }

    /// What is wrong with its numbers, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let positive = |name: &str, value: f64| match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(format!("rope scaling: {name} is {value}; it must be above 0")),
        };
        match *self {
            RopeScaling::Default => Ok(()),
            RopeScaling::Linear { factor } | RopeScaling::Dynamic { factor } => positive("factor", factor),
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original } => {
                positive("factor", factor)?;
                positive("low_freq_factor", low_freq_factor)?;
                positive("original_max_position_embeddings", original as f64)?;
                match low_freq_factor < high_freq_factor {
                    true => Ok(()),
                    false => Err(format!(
                        "rope scaling: high_freq_factor is {high_freq_factor}; it must be above low_freq_factor, {low_freq_factor}"
                    )),
                }
            }
            RopeScaling::Yarn { factor, attention_factor, original, .. } => {
                positive("factor", factor)?;
                positive("attention_factor", attention_factor.unwrap_or(1.0))?;
                positive("original_max_position_embeddings", original as f64)
            }
        }
    }
}

/// YaRN's 0.1 ln(factor) + 1, with a weight.
fn sharpness(factor: f64, weight: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretched(scaling: RopeScaling, theta: f64, head_dim: usize) -> (Vec<f64>, f64) {
        let mut frequencies: Vec<f64> =
            (0..head_dim / 2).map(|index| theta.powf(-2.0 * index as f64 / head_dim as f64)).collect();
        let factor = scaling.stretch(theta, &mut frequencies);
        (frequencies, factor)
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-6 * expected, "{found} is not {expected}");
        }
    }

    #[test]
    fn stretched_frequencies_are_those_of_transformers() {
        // ROPE_INIT_FUNCTIONS of transformers 5.23.0 for a LlamaConfig of head_dim 16, theta 10 000 and a context of 1024.
        for (scaling, expected, attention) in cases() {
            let (found, factor) = stretched(scaling, 10_000.0, 16);
            assert_close(&found, &expected);
            assert!((factor - attention).abs() < 1e-9, "{factor} is not {attention}");
        }
    }

    fn cases() -> Vec<(RopeScaling, [f64; 8], f64)> {
        let yarn = RopeScaling::Yarn {
            factor: 4.0,
            attention_factor: None,
            beta_fast: None,
            beta_slow: None,
            mscale: None,
            mscale_all_dim: None,
            truncate: None,
            original: 256,
        };
        let told = RopeScaling::Yarn {
            factor: 4.0,
            attention_factor: None,
            beta_fast: Some(16.0),
            beta_slow: Some(2.0),
            mscale: Some(0.7),
            mscale_all_dim: Some(1.2),
            truncate: Some(false),
            original: 256,
        };
        let llama3 = RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original: 64 };
        let plain = [1.0, 0.316_227_764, 0.1, 0.031_622_778_6, 0.01, 0.003_162_277_86, 0.001, 0.000_316_227_786];
        vec![
            (RopeScaling::Default, plain, 1.0),
            (RopeScaling::Dynamic { factor: 4.0 }, plain, 1.0),
            (RopeScaling::Linear { factor: 4.0 }, plain.map(|frequency| frequency / 4.0), 1.0),
            (
                llama3,
                [
                    1.0,
                    0.244_384_587,
                    0.013_042_256_2,
                    0.003_952_847_33,
                    0.001_25,
                    0.000_395_284_733,
                    0.000_125,
                    3.952_847_33e-5,
                ],
                1.0,
            ),
            (
                yarn,
                [1.0, 0.256_935_06, 0.0625, 0.013_834_965_4, 0.0025, 0.000_790_569_466, 0.000_25, 7.905_694_66e-5],
                1.138_629_436_111_989,
            ),
            (
                told,
                [
                    1.0,
                    0.291_525_632,
                    0.050_664_395_1,
                    0.007_905_694_66,
                    0.0025,
                    0.000_790_569_466,
                    0.000_25,
                    7.905_694_66e-5,
                ],
                0.940_571_525_101_084_1,
            ),
        ]
    }

    #[test]
    fn numbers_that_no_frequency_can_be_stretched_by_are_refused() {
        let refused = |scaling: RopeScaling| scaling.check().expect_err("a bad number");
        assert!(refused(RopeScaling::Linear { factor: 0.0 }).contains("factor is 0"));
        let crossed = RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 4.0, high_freq_factor: 4.0, original: 64 };
        assert!(refused(crossed).contains("above low_freq_factor"));
    }
}
