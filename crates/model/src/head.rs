//! Log-probabilities and entropies under the head, tile by tile, and their gradients.
//!
//! The logits of a micro-batch may be the largest thing in an update, tokens times vocabulary. They exist for one tile of both at a time:
//!
//! ```text
//! there   tile: z = h Wᵀ, p = softmax z, L = ln Σ e^z, E = Σ p z;   over the tiles of a row: L = ln Σ e^L, E = Σ e^(L_tile − L) E_tile
//!         ln π = z[target] − L,   H = L − E
//! back    dz = a (1[target] − p) − b p (ln p + H),   dh = dz W,   dW = dzᵀ h          a, b: gradients of ln π and H
//! ```
//!
//! Where all tiles together are small, their probabilities are kept for the way back; otherwise they are computed again.

use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::gradient::add_product;

/// How the head's work is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    /// Rows of a tile.
    pub(crate) rows: i64,
    /// Ids of a tile.
    pub(crate) ids: i64,
    /// Kept for the way back if there are at most so many numbers in all of them.
    pub(crate) kept_max: i64,
}

impl Tiles {
    /// On a CPU a tile stays in its second cache, and is yet wide enough for the products to run at full speed; a GPU likes it large.
    pub(crate) fn on(device: Device) -> Tiles {
        match device {
            Device::Cpu => Tiles { rows: 256, ids: 1024, kept_max: 1 << 25 },
            _ => Tiles { rows: 2048, ids: 16_384, kept_max: 1 << 28 },
        }
    }
}

/// The head over the hidden states that predict loss tokens.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// `[vocab, d]`
    pub(crate) weight: &'a Tensor,
    /// `[n, d]`, over the temperature.
    pub(crate) hidden: &'a Tensor,
    /// `[n]`
    pub(crate) targets: &'a Tensor,
    pub(crate) tiles: Tiles,
}

/// What the head says of the n loss tokens, in f32.
#[derive(Debug)]
pub(crate) struct Scores {
    /// `[n]`
    pub(crate) logprobs: Tensor,
    /// `[n]`, in nats.
    pub(crate) entropies: Tensor,
    /// `[n]`: logarithm of each row's sum of exponentials.
    sums: Tensor,
    /// In the order of the tiles; `None` if they are too many.
    kept: Option<Vec<Tile>>,
}

/// One tile of probabilities.
#[derive(Debug)]
struct Tile {
    /// `[rows, ids]`: the softmax of the tile alone.
    probabilities: Tensor,
    /// `[rows]`: logarithm of the tile's sum of exponentials.
    sums: Tensor,
}

/// What of a tile goes into its rows.
struct Share {
    sums: Tensor,
    /// `[rows]`: the expected logit under the tile's softmax.
    expected: Tensor,
    /// `[rows]`: the target's logit, where it is in the tile.
    chosen: Tensor,
}

impl Head<'_> {
    /// Scores of all loss tokens; with `keep` for the way back, if it is not too much.
    pub(crate) fn scores(&self, keep: bool) -> Scores {
        let (n, vocab) = (self.hidden.size()[0], self.weight.size()[0]);
        let mut kept = (keep && n * vocab <= self.tiles.kept_max).then(Vec::new);
        let (mut sums, mut entropies, mut chosen) = (Vec::new(), Vec::new(), Vec::new());
        for rows in spans(n, self.tiles.rows) {
            let mut shares = Vec::new();
            for ids in spans(vocab, self.tiles.ids) {
                let (tile, share) = self.tile(rows, ids);
                shares.push(share);
                if let Some(kept) = &mut kept {
                    kept.push(tile);
                }
            }
            let (sum, entropy, logit) = joined(shares);
            sums.push(sum);
            entropies.push(entropy);
            chosen.push(logit);
        }
        let [sums, entropies, chosen] = [sums, entropies, chosen].map(|pieces| Tensor::cat(&pieces, 0));
        Scores { logprobs: chosen - &sums, entropies, sums, kept }
    }

    /// Gradient `[n, d]` of the hidden states, given those of log-probabilities and, if they count, of entropies, all `[n]`; the head's is added to
    /// `sum`, if it learns.
    pub(crate) fn back(
        &self,
        scores: Scores,
        by_logprob: &Tensor,
        by_entropy: Option<&Tensor>,
        sum: Option<&Tensor>,
    ) -> Tensor {
        let (n, vocab) = (self.hidden.size()[0], self.weight.size()[0]);
        let dhidden = Tensor::zeros(self.hidden.size(), (Kind::Float, self.hidden.device()));
        let mut kept = scores.kept.map(Vec::into_iter);
        for rows in spans(n, self.tiles.rows) {
            let of = |numbers: &Tensor| numbers.narrow(0, rows.0, rows.1);
            let [by_logprob, sums, entropies] = [by_logprob, &scores.sums, &scores.entropies].map(of);
            let by_entropy = by_entropy.map(|slope| (of(slope), &entropies));
            for ids in spans(vocab, self.tiles.ids) {
                let tile = kept.as_mut().and_then(Iterator::next).unwrap_or_else(|| self.tile(rows, ids).0);
                let dlogits = self.slopes(tile, rows, ids, &sums, &by_logprob, by_entropy.as_ref());
                let dlogits = dlogits.to_kind(self.hidden.kind());
                add_product(&of(&dhidden), &dlogits.tr(), &self.weight.narrow(0, ids.0, ids.1));
                if let Some(sum) = sum {
                    add_product(&sum.narrow(0, ids.0, ids.1), &dlogits, &of(self.hidden));
                }
            }
        }
        dhidden.to_kind(self.hidden.kind())
    }

    fn tile(&self, rows: (i64, i64), ids: (i64, i64)) -> (Tile, Share) {
        let hidden = self.hidden.narrow(0, rows.0, rows.1);
        let mut logits = hidden.matmul(&self.weight.narrow(0, ids.0, ids.1).tr()).to_kind(Kind::Float);
        let probabilities = logits.softmax(-1, Kind::Float);
        // The largest probability is no smaller than one over their number: its logarithm is exact where a fixed one's would not be.
        let sums = logits.amax([-1].as_slice(), false) - probabilities.amax([-1].as_slice(), false).log_();
        let (at, outside) = self.targets_in(rows, ids);
        let chosen = logits.gather(1, &at, false).squeeze_dim(1).masked_fill_(&outside, 0.0);
        let expected = logits.g_mul_(&probabilities).sum_dim_intlist(-1, false, Kind::Float);
        (Tile { probabilities, sums: sums.shallow_clone() }, Share { sums, expected, chosen })
    }

    /// `[rows, 1]`: where in the tile the targets are; and `[rows]`: who has none there, and counts 0.
    fn targets_in(&self, rows: (i64, i64), ids: (i64, i64)) -> (Tensor, Tensor) {
        let at = self.targets.narrow(0, rows.0, rows.1) - ids.0;
        let outside = at.lt(0).logical_or_(&at.ge(ids.1));
        (at.clamp(0, ids.1 - 1).unsqueeze(1), outside)
    }

    /// Gradient of a tile's logits.
    fn slopes(
        &self,
        tile: Tile,
        rows: (i64, i64),
        ids: (i64, i64),
        sums: &Tensor,
        by_logprob: &Tensor,
        by_entropy: Option<&(Tensor, &Tensor)>,
    ) -> Tensor {
        let mut probabilities = tile.probabilities;
        // From the tile's softmax to the row's.
        let share = (tile.sums - sums).exp_();
        let mut slopes = match by_entropy {
            None => probabilities.g_mul_(&(-by_logprob * share).unsqueeze(1)),
            Some((by_entropy, entropies)) => {
                let probabilities = probabilities.g_mul_(&share.unsqueeze(1));
                // p ln p is 0 where p is.
                let surprise = probabilities.xlogy(&probabilities).g_mul_(&by_entropy.unsqueeze(1));
                (probabilities * -(by_logprob + by_entropy * *entropies).unsqueeze(1)) - surprise
            }
        };
        let (at, outside) = self.targets_in(rows, ids);
        slopes.scatter_add_(1, &at, &by_logprob.masked_fill(&outside, 0.0).unsqueeze(1))
    }
}

/// Sum, entropy and the target's logit of rows from those of their tiles.
fn joined(mut shares: Vec<Share>) -> (Tensor, Tensor, Tensor) {
    if shares.len() == 1 {
        let Share { sums, expected, chosen } = shares.remove(0);
        return (sums.shallow_clone(), sums - expected, chosen);
    }
    let stacked = |of: fn(&Share) -> &Tensor| Tensor::stack(&shares.iter().map(of).collect::<Vec<_>>(), 0);
    let [sums, expected, chosen] =
        [stacked(|share| &share.sums), stacked(|share| &share.expected), stacked(|share| &share.chosen)];
    let whole = sums.logsumexp([0].as_slice(), false);
    let expected = (expected * (sums - &whole).exp_()).sum_dim_intlist(0, false, Kind::Float);
    let entropies = &whole - expected;
    (whole, entropies, chosen.sum_dim_intlist(0, false, Kind::Float))
}

/// First and length of each span.
fn spans(len: i64, most: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..len).step_by(most as usize).map(move |first| (first, most.min(len - first)))
}

#[cfg(test)]
mod tests {
    use tch::no_grad;

    use super::*;

    const N: i64 = 23;
    const VOCAB: i64 = 101;

    /// Numbers between −1 and 1 without a pattern that a tile could follow.
    fn numbers(rows: i64, width: i64, turn: f64) -> Tensor {
        let at = Tensor::arange(rows * width, (Kind::Double, Device::Cpu)) * turn;
        (at.sin() * 1000.0).sin().to_kind(Kind::Float).view([rows, width])
    }

    /// Scores, and gradients of hidden states and head.
    type Found = (Tensor, Tensor, Tensor, Tensor);

    fn slopes() -> (Tensor, Tensor) {
        (numbers(1, N, 0.7).squeeze(), numbers(1, N, 0.3).squeeze() * 0.2)
    }

    fn targets() -> Tensor {
        (Tensor::arange(N, (Kind::Int64, Device::Cpu)) * 37).remainder(VOCAB)
    }

    fn found(tiles: Tiles, with_entropies: bool) -> Found {
        let (weight, hidden) = (numbers(VOCAB, 8, 1.1), numbers(N, 8, 1.7));
        let (by_logprob, by_entropy) = slopes();
        let sum = weight.zeros_like();
        let targets = targets();
        let head = Head { weight: &weight, hidden: &hidden, targets: &targets, tiles };
        no_grad(|| {
            let scores = head.scores(true);
            let (logprobs, entropies) = (scores.logprobs.shallow_clone(), scores.entropies.shallow_clone());
            let by_entropy = with_entropies.then_some(&by_entropy);
            (logprobs, entropies, head.back(scores, &by_logprob, by_entropy, Some(&sum)), sum)
        })
    }

    /// The same by the library's graph over all logits at once, in f64.
    fn expected(with_entropies: bool) -> Found {
        let leaf = |tensor: Tensor| tensor.to_kind(Kind::Double).set_requires_grad(true);
        let (weight, hidden) = (leaf(numbers(VOCAB, 8, 1.1)), leaf(numbers(N, 8, 1.7)));
        let (by_logprob, by_entropy) = slopes();
        let all = hidden.matmul(&weight.tr()).log_softmax(-1, Kind::Double);
        let logprobs = all.gather(1, &targets().unsqueeze(1), false).squeeze_dim(1);
        let entropies = -(all.exp() * &all).sum_dim_intlist(-1, false, Kind::Double);
        let loss = (&logprobs * by_logprob).sum(Kind::Double);
        let loss = if with_entropies { loss + (&entropies * by_entropy).sum(Kind::Double) } else { loss };
        let mut gradients = Tensor::run_backward(&[&loss], &[&hidden, &weight], false, false);
        let dweight = gradients.remove(1);
        (logprobs.detach(), entropies.detach(), gradients.remove(0), dweight)
    }

    #[track_caller]
    fn assert_near(found: &Tensor, expected: &Tensor, bound: f64) {
        let worst = (found.to_kind(Kind::Double) - expected).abs().max().double_value(&[]);
        assert!(worst < bound, "{worst} apart");
    }

    #[test]
    fn tiles_that_do_not_divide_the_work_are_as_good_as_one() {
        for with_entropies in [false, true] {
            let expected = expected(with_entropies);
            for (rows, ids, kept_max) in
                [(64, 256, 1 << 20), (64, 256, 0), (5, 256, 0), (64, 17, 1 << 20), (7, 13, 0), (1, 1, 0)]
            {
                let found = found(Tiles { rows, ids, kept_max }, with_entropies);
                // Log-probabilities of about −5 and entropies of about 4 have a spacing of 5e-7.
                assert_near(&found.0, &expected.0, 2e-6);
                assert_near(&found.1, &expected.1, 2e-6);
                assert_near(&found.2, &expected.2, 1e-5);
                assert_near(&found.3, &expected.3, 1e-5);
            }
        }
    }

    #[test]
    fn tiles_agree_with_the_whole_to_a_millionth() {
        let whole = found(Tiles { rows: 64, ids: 256, kept_max: 0 }, true);
        for (rows, ids) in [(5, 256), (64, 17), (7, 13)] {
            let tiled = found(Tiles { rows, ids, kept_max: 0 }, true);
            for (tiled, whole) in
                [(&tiled.0, &whole.0), (&tiled.1, &whole.1), (&tiled.2, &whole.2), (&tiled.3, &whole.3)]
            {
                let size = whole.abs().max().double_value(&[]).max(1.0);
                assert_near(tiled, &whole.to_kind(Kind::Double), 1e-6 * size);
            }
        }
    }

    #[test]
    fn a_logit_that_is_far_above_all_others_leaves_no_number_undefined() {
        let (weight, hidden, targets) = (numbers(VOCAB, 8, 1.1) * 500.0, numbers(N, 8, 1.7), targets());
        let head = Head {
            weight: &weight,
            hidden: &hidden,
            targets: &targets,
            tiles: Tiles { rows: 7, ids: 13, kept_max: 0 },
        };
        let (by_logprob, by_entropy) = slopes();
        let scores = no_grad(|| head.scores(false));
        assert!(scores.logprobs.isfinite().all().int64_value(&[]) == 1);
        assert!(scores.entropies.abs().max().double_value(&[]) < 5.0);
        let dhidden = no_grad(|| head.back(scores, &by_logprob, Some(&by_entropy), None));
        assert!(dhidden.isfinite().all().int64_value(&[]) == 1);
    }
}
