//! Few rows laid side by side: what a token has at one place lies beside what the others have there, so that every operation is one on whole
//! registers, and what one gives is what the next one takes.
//!
//! ```text
//! rows [n, width]     a0 a1 a2 …         across [width, 32]     a0 b0 …
//!                     b0 b1 b2 …                                a1 b1 …
//! ```
//!
//! A row's sums are added in the order in which the kernels for rows add them: it does not show in a number which way was gone.

use super::Fma;
use super::LANES;
use super::Lanes;
use super::Plain;
#[cfg(target_arch = "x86_64")]
use super::Wide;
#[cfg(target_arch = "x86_64")]
use super::Widest;
use super::versions;

/// Most rows.
pub(crate) const ROWS: usize = 2 * LANES;

/// What the rows have at one place; 0 where there is no row.
pub(crate) type Column = [Lanes; 2];

/// A place at which no row has anything.
pub(crate) const NOTHING: Column = [[0.0; LANES]; 2];

versions! {
    /// Rows `[n, width]`, at most 32, laid side by side.
    pub(crate) fn lay_across(rows: &[f32], out: &mut [Column]) = lay_across_tiles;

    /// The first rows of what lies side by side, one behind the other again: `[n, width]`.
    pub(crate) fn lay_down(across: &[Column], out: &mut [f32]) = lay_down_tiles;

    /// Sums over `width` of so many rows times weights `[n, width]`.
    pub(crate) fn product(across: &[Column], weights: &[f32], rows: usize, out: &mut [Column]) = product_columns;

    /// Rows over their root mean square, times a weight `[width]`.
    pub(crate) fn norm(across: &[Column], weight: &[f32], eps: f32, out: &mut [Column]) = norm_columns;

    /// Adds to the residual stream, and then as [`norm`].
    pub(crate) fn add_norm(stream: &mut [Column], more: &[Column], weight: &[f32], eps: f32, out: &mut [Column]) = add_norm_columns;
}

/// Whether [`product`] is faster than a library's product, which first copies the weights into an order of its own: for few rows that is a good part of
/// all its time. It takes a processor whose registers hold all sums at once.
pub(crate) fn is_fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    let fast = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw");
    #[cfg(not(target_arch = "x86_64"))]
    let fast = false;
    fast
}

/// Adds a bias `[width]` to each row.
pub(crate) fn add_bias(across: &mut [Column], bias: &[f32]) {
    for (column, bias) in across.iter_mut().zip(bias) {
        column.as_flattened_mut().iter_mut().for_each(|number| *number += bias);
    }
}

#[inline(always)]
fn lay_across_tiles<F: Fma>(rows: &[f32], out: &mut [Column]) {
    let width = out.len();
    let (tiles, rest) = out.as_chunks_mut::<LANES>();
    for (half, rows) in [0, 1].into_iter().zip(halves(rows, width)) {
        let mut tile = [[0.0; LANES]; LANES];
        for (number, out) in tiles.iter_mut().enumerate() {
            for (slot, row) in tile.iter_mut().zip(rows.chunks_exact(width)) {
                slot.copy_from_slice(&row[number * LANES..][..LANES]);
            }
            for (out, column) in out.iter_mut().zip(F::transpose(&tile)) {
                out[half] = column;
            }
        }
        let first = width - rest.len();
        for (place, out) in (first..).zip(rest.iter_mut()) {
            out[half] = [0.0; LANES];
            out[half].iter_mut().zip(rows.chunks_exact(width)).for_each(|(slot, row)| *slot = row[place]);
        }
    }
}

/// The first sixteen of some rows, and the others.
fn halves(rows: &[f32], width: usize) -> [&[f32]; 2] {
    let (first, second) = rows.split_at(rows.len().min(LANES * width));
    [first, second]
}

#[inline(always)]
fn lay_down_tiles<F: Fma>(across: &[Column], out: &mut [f32]) {
    let width = across.len();
    let (tiles, rest) = across.as_chunks::<LANES>();
    let first = width - rest.len();
    for (half, rows) in out.chunks_mut(LANES * width).enumerate() {
        for (number, columns) in tiles.iter().enumerate() {
            let mut tile = [[0.0; LANES]; LANES];
            for (slot, column) in tile.iter_mut().zip(columns) {
                *slot = column[half];
            }
            let tile = F::transpose(&tile);
            for (row, numbers) in rows.chunks_exact_mut(width).zip(&tile) {
                row[number * LANES..][..LANES].copy_from_slice(numbers);
            }
        }
        for (place, column) in (first..).zip(rest) {
            rows.chunks_exact_mut(width).zip(column[half]).for_each(|(row, number)| row[place] = number);
        }
    }
}

#[inline(always)]
fn product_columns<F: Fma>(across: &[Column], weights: &[f32], rows: usize, out: &mut [Column]) {
    /// Weight rows at once: 24 sums, which leave registers for what they are summed from.
    const SIDE: usize = 12;
    /// Of what is left over: a sum waits four steps for itself.
    const SMALL_SIDE: usize = 4;
    assert_eq!(weights.len(), across.len() * out.len(), "a weight for each pair of places");
    let mut first = 0;
    while first < out.len() {
        let (weights, out) = (&weights[first * across.len()..], &mut out[first..]);
        first += match out.len() {
            SIDE.. if rows <= LANES => product_tile::<F, SIDE, 1>(across, weights, out),
            SIDE.. => product_tile::<F, SIDE, 2>(across, weights, out),
            SMALL_SIDE.. => product_tile::<F, SMALL_SIDE, 2>(across, weights, out),
            _ => product_tile::<F, 1, 2>(across, weights, out),
        };
    }
}

/// The first columns of `out`; how many.
#[inline(always)]
fn product_tile<F: Fma, const SIDE: usize, const HALVES: usize>(
    across: &[Column],
    weights: &[f32],
    out: &mut [Column],
) -> usize {
    let width = across.len();
    assert!(weights.len() >= SIDE * width, "a row for each column");
    let mut sums = [[F::zero(); HALVES]; SIDE];
    for (place, across) in across.iter().enumerate() {
        for (side, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `place` is below `width` and `side` below `SIDE`; a check here would cost as much as the sum.
            let number = unsafe { *weights.get_unchecked(side * width + place) };
            for (sum, column) in sums.iter_mut().zip(across) {
                *sum = F::add(*sum, number, column);
            }
        }
    }
    for (out, sums) in out.iter_mut().zip(sums) {
        *out = NOTHING;
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = F::lanes(sum);
        }
    }
    SIDE
}

/// What each row of a half is multiplied by for its root mean square to be 1: sums of every sixteenth place, added up by halves.
#[inline(always)]
fn inverse_sizes<F: Fma>(across: &[Column], half: usize, eps: f32) -> Lanes {
    let mut sums = [F::zero(); LANES];
    for columns in across.chunks(LANES) {
        for (sum, column) in sums.iter_mut().zip(columns) {
            *sum = F::add_lanes(*sum, &column[half], &column[half]);
        }
    }
    let mut totals = [[0.0; LANES]; LANES];
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total = F::lanes(sum);
    }
    let mut left = LANES / 2;
    while left > 0 {
        let (totals, more) = totals.split_at_mut(left);
        for (sum, more) in totals.iter_mut().zip(more) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += *more);
        }
        left /= 2;
    }
    for total in &mut totals[0] {
        *total = 1.0 / (*total / across.len() as f32 + eps).sqrt();
    }
    totals[0]
}

#[inline(always)]
fn norm_columns<F: Fma>(across: &[Column], weight: &[f32], eps: f32, out: &mut [Column]) {
    for half in [0, 1] {
        let scales = inverse_sizes::<F>(across, half, eps);
        for ((out, column), weight) in out.iter_mut().zip(across).zip(weight) {
            for (lane, out) in out[half].iter_mut().enumerate() {
                *out = column[half][lane] * scales[lane] * weight;
            }
        }
    }
}

#[inline(always)]
fn add_norm_columns<F: Fma>(stream: &mut [Column], more: &[Column], weight: &[f32], eps: f32, out: &mut [Column]) {
    let sums = stream.as_flattened_mut().as_flattened_mut();
    sums.iter_mut().zip(more.as_flattened().as_flattened()).for_each(|(number, more)| *number += more);
    norm_columns::<F>(stream, weight, eps, out);
}

#[cfg(test)]
mod tests {
    use crate::kernels;
    use crate::kernels::tests::close;
    use crate::kernels::tests::numbers;

    use super::*;

    fn across(rows: &[f32], width: usize) -> Vec<Column> {
        // What was there before must not matter.
        let mut across = vec![[[7.0; LANES]; 2]; width];
        lay_across(rows, &mut across);
        across
    }

    fn down(across: &[Column], rows: usize) -> Vec<f32> {
        let mut out = vec![9.0; rows * across.len()];
        lay_down(across, &mut out);
        out
    }

    #[test]
    fn what_is_laid_across_and_down_is_what_it_was_and_where_it_should_be() {
        for (rows, width) in [(1, 5), (7, 16), (16, 33), (17, 64), (31, 130), (32, 48)] {
            let x = numbers(rows * width, 1);
            let across = across(&x, width);
            for (place, column) in across.iter().enumerate() {
                for (row, number) in column.as_flattened().iter().enumerate() {
                    assert_eq!(*number, if row < rows { x[row * width + place] } else { 0.0 });
                }
            }
            assert_eq!(down(&across, rows), x);
            let mut plain = vec![NOTHING; width];
            lay_across_tiles::<Plain>(&x, &mut plain);
            assert_eq!(plain, across);
        }
    }

    #[test]
    fn a_product_of_few_rows_is_a_product() {
        for (rows, width, columns) in [(1, 5, 12), (7, 33, 25), (16, 16, 1), (17, 64, 30), (32, 128, 48)] {
            let (x, weights) = (numbers(rows * width, 1), numbers(columns * width, 2));
            let dot = |row: &[f32], weight: &[f32]| -> f64 {
                row.iter().zip(weight).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let expected: Vec<f64> =
                x.chunks(width).flat_map(|row| weights.chunks(width).map(move |weight| dot(row, weight))).collect();
            for product in [product, product_columns::<Plain>] {
                let mut out = vec![[[9.0; LANES]; 2]; columns];
                product(&across(&x, width), &weights, rows, &mut out);
                close(&down(&out, rows), &expected, 1e-5);
            }
        }
    }

    #[test]
    fn norms_are_those_of_rows_to_the_last_bit() {
        for (rows, width) in [(1, 5), (16, 32), (19, 37), (32, 130)] {
            let (x, more, weight) = (numbers(rows * width, 1), numbers(rows * width, 2), numbers(width, 3));
            let (mut expected, mut out) = (vec![0.0; x.len()], vec![NOTHING; width]);
            kernels::norm(&x, &weight, 1e-6, &mut expected);
            norm(&across(&x, width), &weight, 1e-6, &mut out);
            assert_eq!(down(&out, rows), expected);
            let (mut stream, mut side_by_side) = (x.clone(), across(&x, width));
            kernels::add_norm(&mut stream, &more, &weight, 1e-6, &mut expected);
            add_norm(&mut side_by_side, &across(&more, width), &weight, 1e-6, &mut out);
            assert_eq!([down(&side_by_side, rows), down(&out, rows)], [stream, expected.clone()]);
        }
    }
}
