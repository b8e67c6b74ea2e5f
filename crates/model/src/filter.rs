//! [`rl::Filter`] over a batch of rows, each with its own.

use rl::Filter;
use tch::Device;
use tch::Kind;
use tch::Tensor;

/// The bounds of all rows, as columns `[rows, 1]`; a bound that is off is one that nothing exceeds.
#[derive(Debug)]
pub struct Filters {
    top_k: Tensor,
    top_p: Tensor,
    min_p: Tensor,
}

impl Filters {
    /// `None` if every row may draw everything, so that the usual case costs nothing.
    #[must_use]
    pub fn of(filters: &[Filter], device: Device) -> Option<Filters> {
        if filters.iter().all(Filter::is_off) {
            return None;
        }
        let column = |numbers: Vec<f64>| Tensor::from_slice(&numbers).unsqueeze(1).to_device(device);
        let bound = |off: f64, of: &dyn Fn(&Filter) -> Option<f64>| {
            column(filters.iter().map(|filter| of(filter).unwrap_or(off)).collect())
        };
        Some(Filters {
            top_k: bound(f64::INFINITY, &|filter| filter.top_k.map(f64::from)),
            top_p: bound(f64::INFINITY, &|filter| filter.top_p.map(f64::from)),
            min_p: bound(0.0, &|filter| filter.min_p.map(f64::from)),
        })
    }

    /// The bounds of these rows alone, `[places]`.
    #[must_use]
    pub fn select(&self, places: &Tensor) -> Filters {
        let rows = |column: &Tensor| column.index_select(0, places);
        Filters { top_k: rows(&self.top_k), top_p: rows(&self.top_p), min_p: rows(&self.min_p) }
    }

    /// Logits `[rows, vocab]` that have been divided by the temperature, −∞ where a token may not be drawn.
    pub fn apply(&self, logits: &Tensor) -> Tensor {
        // Stable: of equals, the lower id is the likelier.
        let (sorted, order) = logits.sort_stable(true, -1, true);
        let rank = Tensor::arange(sorted.size()[1], (Kind::Double, sorted.device())).unsqueeze(0);
        let kept = rank.lt_tensor(&self.top_k);
        let probabilities =
            sorted.to_kind(Kind::Double).masked_fill(&kept.logical_not(), f64::NEG_INFINITY).softmax(-1, Kind::Double);
        // What is likelier than a token has not yet reached the sum.
        let before = probabilities.cumsum(-1, Kind::Double) - &probabilities;
        let kept = kept.logical_and(&before.lt_tensor(&self.top_p));
        let least = probabilities.narrow(1, 0, 1) * &self.min_p;
        let kept = kept.logical_and(&probabilities.ge_tensor(&least));
        let dropped = Tensor::zeros_like(&kept).scatter(1, &order, &kept.logical_not());
        logits.masked_fill(&dropped, f64::NEG_INFINITY)
    }
}
