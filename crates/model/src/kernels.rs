//! The arithmetic between two matrix products, for one processor: norms, rotation, attention over blocks, the gate, and drawing a token.
//!
//! Each is compiled three times (for AVX-512, for AVX2 with FMA, for any processor) and the best that this processor has is called. Sums run over 16
//! lanes side by side and are added up in a fixed order, so that one processor always computes the same.

pub(crate) mod across;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64;

use crate::blocks::BLOCK;

/// Numbers that are worked on side by side.
const LANES: usize = BLOCK;

type Lanes = [f32; LANES];

/// What one kind of processor has for sums of products. Generic code is compiled once for each; compilers see that loops over 16 lanes are single
/// instructions almost everywhere, but not where several sums run side by side, so those are spelled out.
trait Fma {
    /// Sixteen sums.
    type Sum: Copy;

    /// a b + c
    fn fma(a: f32, b: f32, c: f32) -> f32;

    /// Sums of nothing.
    fn zero() -> Self::Sum;

    /// sum + number · column
    fn add(sum: Self::Sum, number: f32, column: &Lanes) -> Self::Sum;

    /// sum + a · b, lane by lane
    fn add_lanes(sum: Self::Sum, a: &Lanes, b: &Lanes) -> Self::Sum;

    /// The sums.
    fn lanes(sum: Self::Sum) -> Lanes;

    /// Rows for columns.
    #[inline(always)]
    fn transpose(tile: &[Lanes; LANES]) -> [Lanes; LANES] {
        let mut turned = [[0.0; LANES]; LANES];
        for (row, numbers) in tile.iter().enumerate() {
            for (turned, number) in turned.iter_mut().zip(numbers) {
                turned[row] = *number;
            }
        }
        turned
    }
}

/// AVX-512: all lanes in one register.
#[cfg(target_arch = "x86_64")]
struct Widest;

#[cfg(target_arch = "x86_64")]
impl Fma for Widest {
    type Sum = x86_64::__m512;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn zero() -> Self::Sum {
        // SAFETY: `versions` calls this only where the processor has AVX-512; so below.
        unsafe { x86_64::_mm512_setzero_ps() }
    }

    #[inline(always)]
    fn add(sum: Self::Sum, number: f32, column: &Lanes) -> Self::Sum {
        // SAFETY: sixteen numbers are read where sixteen numbers are.
        unsafe {
            x86_64::_mm512_fmadd_ps(x86_64::_mm512_set1_ps(number), x86_64::_mm512_loadu_ps(column.as_ptr()), sum)
        }
    }

    #[inline(always)]
    fn add_lanes(sum: Self::Sum, a: &Lanes, b: &Lanes) -> Self::Sum {
        // SAFETY: as above.
        unsafe {
            x86_64::_mm512_fmadd_ps(x86_64::_mm512_loadu_ps(a.as_ptr()), x86_64::_mm512_loadu_ps(b.as_ptr()), sum)
        }
    }

    #[inline(always)]
    fn lanes(sum: Self::Sum) -> Lanes {
        let mut lanes = [0.0; LANES];
        // SAFETY: sixteen numbers are written where there is room for them.
        unsafe { x86_64::_mm512_storeu_ps(lanes.as_mut_ptr(), sum) };
        lanes
    }

    /// By pairs, by fours, and then by quarters of registers.
    #[inline(always)]
    fn transpose(tile: &[Lanes; LANES]) -> [Lanes; LANES] {
        use x86_64::*;
        // SAFETY: `versions` calls this only where the processor has AVX-512; what is read and written has sixteen numbers each.
        unsafe {
            // No closures here: they would not be compiled for this processor, and each instruction would become a call.
            let (mut rows, mut pairs) = ([_mm512_setzero_ps(); LANES], [_mm512_setzero_pd(); LANES]);
            for at in (0..LANES).step_by(2) {
                let (row, next) = (_mm512_loadu_ps(tile[at].as_ptr()), _mm512_loadu_ps(tile[at + 1].as_ptr()));
                pairs[at] = _mm512_castps_pd(_mm512_unpacklo_ps(row, next));
                pairs[at + 1] = _mm512_castps_pd(_mm512_unpackhi_ps(row, next));
            }
            for at in (0..LANES).step_by(4) {
                rows[at] = _mm512_castpd_ps(_mm512_unpacklo_pd(pairs[at], pairs[at + 2]));
                rows[at + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(pairs[at], pairs[at + 2]));
                rows[at + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(pairs[at + 1], pairs[at + 3]));
                rows[at + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(pairs[at + 1], pairs[at + 3]));
            }
            let mut turned = [[0.0; LANES]; LANES];
            for at in 0..4 {
                let [a, b, c, d] = [rows[at], rows[at + 4], rows[at + 8], rows[at + 12]];
                let evens = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
                let odds = (_mm512_shuffle_f32x4::<0xdd>(a, b), _mm512_shuffle_f32x4::<0xdd>(c, d));
                let columns = [
                    _mm512_shuffle_f32x4::<0x88>(evens.0, evens.1),
                    _mm512_shuffle_f32x4::<0x88>(odds.0, odds.1),
                    _mm512_shuffle_f32x4::<0xdd>(evens.0, evens.1),
                    _mm512_shuffle_f32x4::<0xdd>(odds.0, odds.1),
                ];
                for (quarter, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(turned[at + 4 * quarter].as_mut_ptr(), column);
                }
            }
            turned
        }
    }
}

/// AVX2 and FMA: the lanes in two registers.
#[cfg(target_arch = "x86_64")]
struct Wide;

#[cfg(target_arch = "x86_64")]
impl Fma for Wide {
    type Sum = [x86_64::__m256; 2];

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn zero() -> Self::Sum {
        // SAFETY: `versions` calls this only where the processor has AVX2 and FMA; so below.
        unsafe { [x86_64::_mm256_setzero_ps(); 2] }
    }

    #[inline(always)]
    fn add([low, high]: Self::Sum, number: f32, column: &Lanes) -> Self::Sum {
        let (first, second) = column.split_at(LANES / 2);
        // SAFETY: twice eight numbers are read where sixteen numbers are.
        unsafe {
            let number = x86_64::_mm256_set1_ps(number);
            [
                x86_64::_mm256_fmadd_ps(number, x86_64::_mm256_loadu_ps(first.as_ptr()), low),
                x86_64::_mm256_fmadd_ps(number, x86_64::_mm256_loadu_ps(second.as_ptr()), high),
            ]
        }
    }

    #[inline(always)]
    fn add_lanes(sum: Self::Sum, a: &Lanes, b: &Lanes) -> Self::Sum {
        let mut lanes = Wide::lanes(sum);
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum = Wide::fma(a[lane], b[lane], *sum);
        }
        let (first, second) = lanes.split_at(LANES / 2);
        // SAFETY: twice eight numbers are read where sixteen numbers are.
        unsafe { [x86_64::_mm256_loadu_ps(first.as_ptr()), x86_64::_mm256_loadu_ps(second.as_ptr())] }
    }

    #[inline(always)]
    fn lanes([low, high]: Self::Sum) -> Lanes {
        let mut lanes = [0.0; LANES];
        let (first, second) = lanes.split_at_mut(LANES / 2);
        // SAFETY: twice eight numbers are written where there is room for them.
        unsafe {
            x86_64::_mm256_storeu_ps(first.as_mut_ptr(), low);
            x86_64::_mm256_storeu_ps(second.as_mut_ptr(), high);
        }
        lanes
    }
}

/// Any processor. Products are added in two steps: without the instruction, one step would be a call.
struct Plain;

impl Fma for Plain {
    type Sum = Lanes;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
    }

    #[inline(always)]
    fn zero() -> Lanes {
        [0.0; LANES]
    }

    #[inline(always)]
    fn add(mut sum: Lanes, number: f32, column: &Lanes) -> Lanes {
        for (sum, column) in sum.iter_mut().zip(column) {
            *sum = Plain::fma(number, *column, *sum);
        }
        sum
    }

    #[inline(always)]
    fn add_lanes(mut sum: Lanes, a: &Lanes, b: &Lanes) -> Lanes {
        for (sum, (a, b)) in sum.iter_mut().zip(a.iter().zip(b)) {
            *sum = Plain::fma(*a, *b, *sum);
        }
        sum
    }

    #[inline(always)]
    fn lanes(sum: Lanes) -> Lanes {
        sum
    }
}

/// Makes a function of a body that is generic over [`Fma`]: one version for each kind of processor, chosen when it is called.
macro_rules! versions {
    ($($(#[$doc:meta])* pub(crate) fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name($($arg: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn widest($($arg: $type),*) $(-> $result)? {
                    $body::<Widest>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) $(-> $result)? {
                    $body::<Wide>($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                {
                    // SAFETY: the processor has just said that it has these instructions.
                    return unsafe { widest($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: as above.
                    return unsafe { wide($($arg),*) };
                }
            }
            $body::<Plain>($($arg),*)
        }
    )*};
}

use versions;

versions! {
    /// Rows `[n, d]` over their root mean square, times a weight `[d]`.
    pub(crate) fn norm(rows: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) = norm_rows;

    /// Adds rows `[n, d]` to the residual stream `[n, d]`, and then as [`norm`].
    pub(crate) fn add_norm(stream: &mut [f32], rows: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) = add_norm_rows;

    /// silu(gate) · up of rows `[n, 2 ff]`, gate first, into `[n, ff]`.
    pub(crate) fn gate(rows: &[f32], ff: usize, out: &mut [f32]) = gate_rows;

    /// Norms, if there is a weight, and rotates the heads `[heads, head_dim]` of one token.
    pub(crate) fn turn(heads: &mut [f32], weight: Option<&[f32]>, eps: f32, cos: &[f32], sin: &[f32]) = turn_heads;

    /// Attention of one to four queries over the same blocks.
    pub(crate) fn attend(asked: Asked<'_>, scratch: &mut Scratch) = attend_blocks;

    /// Inverts a row's distribution at a uniform; `None` takes the likeliest. The id, and its log-probability.
    pub(crate) fn draw(logits: &[f32], temperature: f32, uniform: Option<f64>) -> (u32, f32) = draw_row;
}

/// Some queries of one key head.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Keys `[head_dim, 16]` of each block.
    pub(crate) keys: &'a [&'a [f32]],
    /// Values `[16, value_dim]` of each block.
    pub(crate) values: &'a [&'a [f32]],
    /// Queries `[q, head_dim]`, at most 4, scaled.
    pub(crate) queries: &'a [f32],
    /// How many columns each sees, at least 1.
    pub(crate) columns: &'a [usize],
    /// `[q, head_dim]`
    pub(crate) out: &'a mut [f32],
}

/// Memory for scores, used again from call to call.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    scores: [Vec<f32>; 4],
}

/// Most queries that [`attend`] takes at once.
pub(crate) const QUERIES: usize = 4;

/// The sum over all lanes, by halves.
#[inline(always)]
fn total(mut sum: Lanes) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sum[lane] += sum[lane + half];
        }
        half /= 2;
    }
    sum[0]
}

/// Σ a b
#[inline(always)]
fn dot<F: Fma>(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = [0.0; LANES];
    let (a_rest, b_rest) = (a.chunks_exact(LANES).remainder(), b.chunks_exact(LANES).remainder());
    for (a, b) in whole(a).iter().zip(whole(b)) {
        for lane in 0..LANES {
            sum[lane] = F::fma(a[lane], b[lane], sum[lane]);
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sum[lane] = F::fma(*a, *b, sum[lane]);
    }
    total(sum)
}

/// What a row is multiplied by for its root mean square to be 1.
#[inline(always)]
fn inverse_size<F: Fma>(row: &[f32], eps: f32) -> f32 {
    1.0 / (dot::<F>(row, row) / row.len() as f32 + eps).sqrt()
}

#[inline(always)]
fn norm_rows<F: Fma>(rows: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let width = weight.len();
    for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let scale = inverse_size::<F>(row, eps);
        for ((out, number), weight) in out.iter_mut().zip(row).zip(weight) {
            *out = number * scale * weight;
        }
    }
}

#[inline(always)]
fn add_norm_rows<F: Fma>(stream: &mut [f32], rows: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    stream.iter_mut().zip(rows).for_each(|(number, more)| *number += more);
    norm_rows::<F>(stream, weight, eps, out);
}

/// e to the power of each lane, to about one unit of the last place; of less than −87 it is as good as 0.
#[inline(always)]
fn exp<F: Fma>(x: Lanes) -> Lanes {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    /// 1/2, 1/6, … as a minimax polynomial has them (Cephes).
    const TERMS: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        let x = x[lane].clamp(-87.3, 88.3);
        let shifted = F::fma(x, std::f32::consts::LOG2_E, WHOLE);
        let power = shifted - WHOLE;
        let r = F::fma(power, -LN2_LOW, F::fma(power, -LN2_HIGH, x));
        let mut sum = TERMS[0];
        sum = F::fma(sum, r, TERMS[1]);
        sum = F::fma(sum, r, TERMS[2]);
        sum = F::fma(sum, r, TERMS[3]);
        sum = F::fma(sum, r, TERMS[4]);
        sum = F::fma(sum, r, TERMS[5]);
        let sum = F::fma(sum, r * r, r + 1.0);
        // The whole number's low bits, moved to where an f32 has its exponent.
        let exponent = shifted.to_bits().wrapping_sub(WHOLE.to_bits()) << 23;
        out[lane] = f32::from_bits(sum.to_bits().wrapping_add(exponent));
    }
    out
}

#[inline(always)]
fn gate_rows<F: Fma>(rows: &[f32], ff: usize, out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(2 * ff).zip(out.chunks_exact_mut(ff)) {
        let (gate, up) = row.split_at(ff);
        let ((gate, gate_rest), (up, up_rest)) = (gate.as_chunks(), up.as_chunks());
        let (out, out_rest) = out.as_chunks_mut();
        for ((gate, up), out) in gate.iter().zip(up).zip(out) {
            *out = gate_lanes::<F>(gate, up);
        }
        let (mut gate, mut up) = ([0.0; LANES], [0.0; LANES]);
        gate[..gate_rest.len()].copy_from_slice(gate_rest);
        up[..up_rest.len()].copy_from_slice(up_rest);
        out_rest.copy_from_slice(&gate_lanes::<F>(&gate, &up)[..out_rest.len()]);
    }
}

#[inline(always)]
fn gate_lanes<F: Fma>(gate: &Lanes, up: &Lanes) -> Lanes {
    let mut lanes = [0.0; LANES];
    for lane in 0..LANES {
        lanes[lane] = -gate[lane];
    }
    let shares = exp::<F>(lanes);
    for lane in 0..LANES {
        lanes[lane] = gate[lane] / (1.0 + shares[lane]) * up[lane];
    }
    lanes
}

#[inline(always)]
fn turn_heads<F: Fma>(heads: &mut [f32], weight: Option<&[f32]>, eps: f32, cos: &[f32], sin: &[f32]) {
    let half = cos.len() / 2;
    let ((cos_a, cos_b), (sin_a, sin_b)) = (cos.split_at(half), sin.split_at(half));
    for head in heads.chunks_exact_mut(cos.len()) {
        if let Some(weight) = weight {
            let scale = inverse_size::<F>(head, eps);
            head.iter_mut().zip(weight).for_each(|(number, weight)| *number = *number * scale * weight);
        }
        let (first, second) = head.split_at_mut(half);
        for (place, (a, b)) in first.iter_mut().zip(second).enumerate() {
            (*a, *b) = (F::fma(*b, sin_a[place], *a * cos_a[place]), F::fma(*a, sin_b[place], *b * cos_b[place]));
        }
    }
}

#[inline(always)]
fn attend_blocks<F: Fma>(asked: Asked<'_>, scratch: &mut Scratch) {
    let Asked { keys, values, queries, columns, out } = asked;
    let width = queries.len() / columns.len();
    let most = columns.iter().copied().max().expect("there is a query");
    let blocks = most.div_ceil(BLOCK);
    let rows = &mut scratch.scores[..columns.len()];
    for row in rows.iter_mut() {
        row.resize(row.len().max(blocks * BLOCK), 0.0);
    }
    if columns.len() == 4 {
        score_four::<F>(queries, &keys[..blocks], width, rows);
    } else {
        for (query, row) in queries.chunks_exact(width).zip(rows.iter_mut()) {
            score_one::<F>(query, &keys[..blocks], row);
        }
    }
    let mut sums = [1.0; 4];
    for ((row, columns), sum) in rows.iter_mut().zip(columns).zip(&mut sums) {
        *sum = soften::<F>(&mut row[..blocks * BLOCK], *columns);
    }
    if columns.len() == 4 {
        mix_four::<F>(rows, &values[..blocks], width, &sums, out);
    } else {
        for ((row, out), sum) in rows.iter().zip(out.chunks_exact_mut(width)).zip(sums) {
            mix_one::<F>(&row[..blocks * BLOCK], &values[..blocks], sum, out);
        }
    }
}

/// Asks the processor to have at hand what lies so many numbers behind these: of a head the values lie behind the keys, and behind them the next head's keys.
#[inline(always)]
fn fetch(numbers: &Lanes, ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: nothing is read; an address where nothing is has no effect.
    unsafe {
        x86_64::_mm_prefetch::<{ x86_64::_MM_HINT_T0 }>(numbers.as_ptr().wrapping_add(ahead).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (numbers, ahead);
}

/// Numbers as whole registers.
#[inline(always)]
fn whole(numbers: &[f32]) -> &[Lanes] {
    numbers.as_chunks().0
}

/// Scores of one query, four blocks at a time: a sum waits for itself, four do not wait for one another.
#[inline(always)]
fn score_one<F: Fma>(query: &[f32], keys: &[&[f32]], row: &mut [f32]) {
    let row = row.as_chunks_mut::<BLOCK>().0;
    let (fours, rest) = keys.as_chunks::<4>();
    let (row_fours, row_rest) = row.split_at_mut(4 * fours.len());
    for (keys, out) in fours.iter().zip(row_fours.as_chunks_mut::<4>().0) {
        let [a, b, c, d] = keys.map(whole);
        let ahead = keys[0].len();
        let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (F::zero(), F::zero(), F::zero(), F::zero());
        for ((((number, a), b), c), d) in query.iter().zip(a).zip(b).zip(c).zip(d) {
            sum_a = F::add(sum_a, *number, a);
            sum_b = F::add(sum_b, *number, b);
            sum_c = F::add(sum_c, *number, c);
            sum_d = F::add(sum_d, *number, d);
            [a, b, c, d].into_iter().for_each(|column| fetch(column, ahead));
        }
        *out = [sum_a, sum_b, sum_c, sum_d].map(F::lanes);
    }
    for (keys, out) in rest.iter().zip(row_rest) {
        let mut sum = F::zero();
        for (number, column) in query.iter().zip(whole(keys)) {
            sum = F::add(sum, *number, column);
        }
        *out = F::lanes(sum);
    }
}

/// Scores of four queries, a block at a time: a key is read once for all of them.
#[inline(always)]
fn score_four<F: Fma>(queries: &[f32], keys: &[&[f32]], width: usize, rows: &mut [Vec<f32>]) {
    let (a, rest) = queries.split_at(width);
    let (b, rest) = rest.split_at(width);
    let (c, d) = rest.split_at(width);
    for (block, keys) in keys.iter().enumerate() {
        let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (F::zero(), F::zero(), F::zero(), F::zero());
        for ((((column, a), b), c), d) in whole(keys).iter().zip(a).zip(b).zip(c).zip(d) {
            sum_a = F::add(sum_a, *a, column);
            sum_b = F::add(sum_b, *b, column);
            sum_c = F::add(sum_c, *c, column);
            sum_d = F::add(sum_d, *d, column);
        }
        for (row, sum) in rows.iter_mut().zip([sum_a, sum_b, sum_c, sum_d]) {
            row[block * BLOCK..(block + 1) * BLOCK].copy_from_slice(&F::lanes(sum));
        }
    }
}

/// Turns the first scores into shares that are not divided by their sum yet, which it gives, and the others into 0.
#[inline(always)]
fn soften<F: Fma>(row: &mut [f32], columns: usize) -> f32 {
    row[columns..].fill(f32::NEG_INFINITY);
    let mut most = [f32::NEG_INFINITY; LANES];
    for row in whole(row) {
        for lane in 0..LANES {
            most[lane] = if row[lane] > most[lane] { row[lane] } else { most[lane] };
        }
    }
    let most = most.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = [0.0; LANES];
    for row in row.as_chunks_mut::<LANES>().0 {
        for score in row.iter_mut() {
            *score -= most;
        }
        *row = exp::<F>(*row);
        for lane in 0..LANES {
            sum[lane] += row[lane];
        }
    }
    row[columns..].fill(0.0);
    total(sum)
}

/// Values of one query's columns by their shares, two registers of every second column at a time.
#[inline(always)]
fn mix_one<F: Fma>(shares: &[f32], values: &[&[f32]], sum: f32, out: &mut [f32]) {
    let registers = values[0].len() / BLOCK / LANES;
    for (pair, out) in out.chunks_mut(2 * LANES).enumerate() {
        let (first, second) = (2 * pair, (2 * pair + 1).min(registers - 1));
        assert!(first < registers && second < registers, "checked once, and not in the loop");
        let (mut even_a, mut even_b, mut odd_a, mut odd_b) = (F::zero(), F::zero(), F::zero(), F::zero());
        for (values, shares) in values.iter().zip(shares.as_chunks::<BLOCK>().0) {
            let ahead = values.len();
            let values = whole(values).chunks_exact(2 * registers);
            for (value, [even, odd]) in values.zip(shares.as_chunks::<2>().0) {
                let (value, next) = value.split_at(registers);
                even_a = F::add(even_a, *even, &value[first]);
                even_b = F::add(even_b, *even, &value[second]);
                odd_a = F::add(odd_a, *odd, &next[first]);
                odd_b = F::add(odd_b, *odd, &next[second]);
                [&value[first], &value[second], &next[first], &next[second]]
                    .into_iter()
                    .for_each(|value| fetch(value, ahead));
            }
        }
        let mixed = [F::lanes(F::add(even_a, 1.0, &F::lanes(odd_a))), F::lanes(F::add(even_b, 1.0, &F::lanes(odd_b)))];
        for (out, number) in out.iter_mut().zip(mixed.as_flattened()) {
            *out = number / sum;
        }
    }
}

/// Values of four queries' columns by their shares: a value is read once for all of them.
#[inline(always)]
fn mix_four<F: Fma>(rows: &[Vec<f32>], values: &[&[f32]], width: usize, sums: &[f32; 4], out: &mut [f32]) {
    let registers = values[0].len() / BLOCK / LANES;
    let [a, b, c, d] = [0, 1, 2, 3].map(|row| rows[row].as_chunks::<BLOCK>().0);
    for register in 0..registers {
        let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (F::zero(), F::zero(), F::zero(), F::zero());
        for ((((values, a), b), c), d) in values.iter().zip(a).zip(b).zip(c).zip(d) {
            let values = whole(values).chunks_exact(registers);
            for ((((value, a), b), c), d) in values.zip(a).zip(b).zip(c).zip(d) {
                let value = &value[register];
                sum_a = F::add(sum_a, *a, value);
                sum_b = F::add(sum_b, *b, value);
                sum_c = F::add(sum_c, *c, value);
                sum_d = F::add(sum_d, *d, value);
            }
        }
        let first = register * LANES;
        let end = width.min(first + LANES);
        for ((out, mixed), sum) in out.chunks_exact_mut(width).zip([sum_a, sum_b, sum_c, sum_d]).zip(sums) {
            for (out, number) in out[first..end].iter_mut().zip(F::lanes(mixed)) {
                *out = number / sum;
            }
        }
    }
}

/// Ids whose probabilities are added up before they are added to the rest.
const STRIP: usize = 16 * LANES;

#[inline(always)]
fn draw_row<F: Fma>(logits: &[f32], temperature: f32, uniform: Option<f64>) -> (u32, f32) {
    let most = highest(logits) / temperature;
    let mut sums = Vec::with_capacity(logits.len() / STRIP + 1);
    for strip in logits.chunks(STRIP) {
        sums.push(strip_sum::<F>(strip, temperature, most));
    }
    let sum: f64 = sums.iter().sum();
    let id = match uniform {
        // The first of equals.
        None => logits.iter().position(|logit| *logit / temperature >= most).unwrap_or(0),
        Some(uniform) => invert_row::<F>(logits, &sums, temperature, most, uniform * sum),
    };
    (id as u32, logits[id] / temperature - most - sum.ln() as f32)
}

/// The id at which the sum of the shares passes `target`.
#[inline(always)]
fn invert_row<F: Fma>(logits: &[f32], sums: &[f64], temperature: f32, most: f32, target: f64) -> usize {
    let (mut left, mut last) = (target, 0);
    for ((number, strip), own) in logits.chunks(STRIP).enumerate().zip(sums) {
        if *own <= left {
            left -= own;
            continue;
        }
        for (place, logits) in strip.chunks(LANES).enumerate() {
            let shares = shares::<F>(logits, temperature, most);
            for (lane, share) in shares[..logits.len()].iter().enumerate() {
                let id = number * STRIP + place * LANES + lane;
                if *share > 0.0 {
                    last = id;
                }
                if f64::from(*share) > left {
                    return id;
                }
                left -= f64::from(*share);
            }
        }
    }
    // Only rounding leads here: the strip's sum is not quite that of its numbers one by one.
    last
}

/// Probabilities of at most 16 ids, but for what all are divided by.
#[inline(always)]
fn shares<F: Fma>(logits: &[f32], temperature: f32, most: f32) -> Lanes {
    let mut all = [f32::NEG_INFINITY; LANES];
    for (slot, logit) in all.iter_mut().zip(logits) {
        *slot = logit / temperature - most;
    }
    let mut shares = exp::<F>(all);
    for lane in 0..LANES {
        // Below its range, and where nothing may be drawn: `exp` never comes to 0 by itself.
        shares[lane] = if all[lane] < -87.0 { 0.0 } else { shares[lane] };
    }
    shares
}

#[inline(always)]
fn strip_sum<F: Fma>(strip: &[f32], temperature: f32, most: f32) -> f64 {
    let mut sum = [0.0; LANES];
    for logits in strip.chunks(LANES) {
        let shares = shares::<F>(logits, temperature, most);
        for lane in 0..LANES {
            sum[lane] += shares[lane];
        }
    }
    f64::from(total(sum))
}

#[inline(always)]
fn highest(numbers: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let rest = numbers.chunks_exact(LANES).remainder();
    for numbers in whole(numbers) {
        for lane in 0..LANES {
            most[lane] = if numbers[lane] > most[lane] { numbers[lane] } else { most[lane] };
        }
    }
    most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
pub(crate) mod tests {
    use sim::Address;
    use sim::Phase;
    use sim::Seat;
    use sim::draws::Stream;

    use super::*;

    pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let address = Address { seed, phase: Phase::Grpo, round: 0, group: 0, trial: 0, member: 0 };
        let mut draws = address.draws(Stream::Tokens(Seat::Agent, 0));
        (0..count).map(|_| 3.0 * (draws.uniform() as f32) - 1.5).collect()
    }

    pub(crate) fn close(found: &[f32], expected: &[f64], bound: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < bound * (1.0 + expected.abs()), "{found} is not {expected}");
        }
    }

    /// Attention in f64, one query at a time.
    fn attention(queries: &[f32], keys: &[f32], values: &[f32], columns: &[usize], width: usize) -> Vec<f64> {
        let mut out = Vec::new();
        for (query, columns) in queries.chunks(width).zip(columns) {
            let score = |column: usize| -> f64 {
                query.iter().zip(&keys[column * width..]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let shares: Vec<f64> = (0..*columns).map(|column| score(column).exp()).collect();
            let sum: f64 = shares.iter().sum();
            out.extend((0..width).map(|place| {
                let values = shares.iter().zip(values[place..].iter().step_by(width));
                values.map(|(share, value)| share * f64::from(*value)).sum::<f64>() / sum
            }));
        }
        out
    }

    /// Keys and values `[columns, width]` in blocks.
    fn in_blocks(keys: &[f32], values: &[f32], width: usize) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        let value_dim = width.next_multiple_of(BLOCK);
        let mut blocks = (Vec::new(), Vec::new());
        for (keys, values) in keys.chunks(BLOCK * width).zip(values.chunks(BLOCK * width)) {
            let (mut own_keys, mut own_values) = (vec![9.0; width * BLOCK], vec![9.0; value_dim * BLOCK]);
            for (slot, (key, value)) in keys.chunks(width).zip(values.chunks(width)).enumerate() {
                for (place, number) in key.iter().enumerate() {
                    own_keys[place * BLOCK + slot] = *number;
                }
                own_values[slot * value_dim..slot * value_dim + width].copy_from_slice(value);
            }
            blocks.0.push(own_keys);
            blocks.1.push(own_values);
        }
        blocks
    }

    fn slices(blocks: &[Vec<f32>]) -> Vec<&[f32]> {
        blocks.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn attention_over_blocks_is_attention_for_any_width_and_processor() {
        let kinds: [fn(Asked<'_>, &mut Scratch); 2] = [attend, attend_blocks::<Plain>];
        let mut kinds = kinds.to_vec();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            kinds.push(attend_blocks::<Wide>);
        }
        for (width, most, asking) in [(32, 83, 4), (10, 7, 1), (20, 130, 3), (128, 64, 4), (48, 17, 2), (6, 1, 1)] {
            let (keys, values) = (numbers(most * width, 1), numbers(most * width, 2));
            // Scaled as queries are: scores of about unit size.
            let queries: Vec<f32> = numbers(asking * width, 3).iter().map(|x| x / (width as f32).sqrt()).collect();
            let columns: Vec<usize> = (0..asking).map(|query| most - query.min(most - 1)).collect();
            let expected = attention(&queries, &keys, &values, &columns, width);
            let (keys, values) = in_blocks(&keys, &values, width);
            for attend in &kinds {
                let mut out = vec![0.0; asking * width];
                let (keys, values) = (slices(&keys), slices(&values));
                let asked = Asked { keys: &keys, values: &values, queries: &queries, columns: &columns, out: &mut out };
                // What an earlier call has left must not matter.
                let mut scratch = Scratch { scores: [(); 4].map(|()| vec![7.0; 200]) };
                attend(asked, &mut scratch);
                close(&out, &expected, 2e-6);
            }
        }
    }

    #[test]
    fn norms_gates_and_turns_are_those_of_the_formulas() {
        let (rows, weight) = (numbers(3 * 37, 4), numbers(37, 5));
        let mut out = vec![0.0; rows.len()];
        norm(&rows, &weight, 1e-6, &mut out);
        let size = |row: &[f32]| (row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 37.0 + 1e-6).sqrt();
        let normed = |row: &[f32]| -> Vec<f64> {
            row.iter().zip(&weight).map(|(x, w)| f64::from(*x) / size(row) * f64::from(*w)).collect()
        };
        close(&out, &rows.chunks(37).flat_map(normed).collect::<Vec<f64>>(), 1e-6);

        let (rows, mut out) = (numbers(2 * 70, 6).iter().map(|x| 9.0 * x).collect::<Vec<f32>>(), vec![0.0; 70]);
        gate(&rows, 35, &mut out);
        let silu = |x: f64| x / (1.0 + (-x).exp());
        let gated = |row: &[f32]| -> Vec<f64> {
            (0..35).map(|place| silu(f64::from(row[place])) * f64::from(row[35 + place])).collect()
        };
        close(&out, &rows.chunks(70).flat_map(gated).collect::<Vec<f64>>(), 1e-6);

        let (mut heads, cos, sin) = (numbers(2 * 10, 7), numbers(10, 8), numbers(10, 9));
        let turned: Vec<f64> = (0..20)
            .map(|at| {
                let (head, place) = (at / 10 * 10, at % 10);
                f64::from(heads[at] * cos[place]) + f64::from(heads[head + (place + 5) % 10] * sin[place])
            })
            .collect();
        turn(&mut heads, None, 1e-6, &cos, &sin);
        close(&heads, &turned, 1e-6);
    }

    #[test]
    fn a_token_is_where_the_cumulated_probability_passes_the_uniform() {
        for (vocab, temperature, seed) in [(40, 1.0, 1), (1000, 0.7, 2), (517, 1.3, 3)] {
            let mut logits: Vec<f32> = numbers(vocab, seed).iter().map(|x| 4.0 * x).collect();
            logits[3] = f32::NEG_INFINITY;
            let tempered: Vec<f64> = logits.iter().map(|x| f64::from(*x) / f64::from(temperature)).collect();
            let all = rl::loss::log_softmax(&tempered, 1.0);
            for step in 0..200 {
                let uniform = (f64::from(step) + 0.37) / 200.0;
                let (id, logprob) = draw(&logits, temperature, Some(uniform));
                assert!((f64::from(logprob) - all[id as usize]).abs() < 1e-5);
                let below: f64 = all[..id as usize].iter().map(|x| x.exp()).sum();
                let with = below + all[id as usize].exp();
                assert!(below - 1e-6 <= uniform && uniform <= with + 1e-6, "{uniform} is not in {below}..{with}");
                assert_ne!(id, 3, "what has no probability is not drawn");
            }
            let (id, logprob) = draw(&logits, 1.0, None);
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(logits.iter().position(|x| *x == most), Some(id as usize));
            let untempered: Vec<f64> = logits.iter().map(|x| f64::from(*x)).collect();
            assert!((f64::from(logprob) - rl::loss::log_softmax(&untempered, 1.0)[id as usize]).abs() < 1e-5);
        }
    }

    #[test]
    fn powers_of_e_are_good_to_the_last_places() {
        for step in -8700..880 {
            let x = step as f32 / 100.0;
            let found = f64::from(exp::<Plain>([x; LANES])[5]);
            let expected = f64::from(x).exp();
            assert!((found / expected - 1.0).abs() < 3e-7, "e^{x} is {expected}, not {found}");
        }
    }
}
