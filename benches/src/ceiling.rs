//! What the machine can do at best in this process, with the threads that the tensor library has here: the two ceilings of a model's work.
//!
//! `other_side.py` measures the same with the same shapes. The tensors are made from the model's, so that `tch` stays in one manifest.

use std::time::Duration;
use std::time::Instant;

use model::TchWeights;
use serde::Serialize;

/// Rows and columns of the matrices: large enough for the library's best rate, small enough to be asked for often.
const SIDE: i64 = 2048;
/// Numbers of four bytes that are copied: 256 MiB, more than any cache holds.
const COPIED: i64 = 1 << 26;
/// The best of so many counts: what disturbs only slows.
const TIMES: usize = 5;

/// The two ceilings.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ceilings {
    /// Additions and multiplications a second of an f32 matrix product `[2048, 2048]` by `[2048, 2048]`.
    pub flops: f64,
    /// Bytes a second that a large copy reads and writes.
    pub bytes: f64,
}

impl Ceilings {
    /// Takes about two seconds on one core.
    pub fn measure(weights: &TchWeights) -> Ceilings {
        Ceilings { flops: matrix_rate(weights), bytes: copy_rate(weights) }
    }
}

fn matrix_rate(weights: &TchWeights) -> f64 {
    let (decoder, like) = (&weights.decoder, weights.decoder.parameters().embedding());
    let matrix = like.new_ones([SIDE, SIDE], (decoder.kind(), decoder.device()));
    2.0 * (SIDE as f64).powi(3) / best(|| drop(matrix.matmul(&matrix))).as_secs_f64()
}

fn copy_rate(weights: &TchWeights) -> f64 {
    let (decoder, like) = (&weights.decoder, weights.decoder.parameters().embedding());
    let from = like.new_ones([COPIED], (decoder.kind(), decoder.device()));
    let mut into = from.new_ones([COPIED], (decoder.kind(), decoder.device()));
    2.0 * 4.0 * COPIED as f64 / best(|| into.copy_(&from)).as_secs_f64()
}

/// The shortest time that it took.
fn best(mut work: impl FnMut()) -> Duration {
    let mut once = || {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..TIMES).map(|_| once()).min().expect("it was done more than 0 times")
}
