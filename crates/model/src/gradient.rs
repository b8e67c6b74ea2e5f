//! The gradient of an optimiser step: one flat tensor in f32, laid out like what learns, into which every product of every micro-batch adds.

use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::Adapter;
use crate::Decoder;
use crate::Parameters;

/// Sums of gradients.
#[derive(Debug)]
pub struct Gradient {
    of: Of,
}

/// Of whom: the views are named like theirs.
#[derive(Debug)]
enum Of {
    Parameters(Parameters),
    Adapter(Adapter),
}

impl Gradient {
    /// Zeros for what learns in this decoder.
    #[must_use]
    pub fn zeros(decoder: &Decoder) -> Gradient {
        let flat = |len| Tensor::zeros([len], (Kind::Float, decoder.device()));
        let of = match decoder.adapter() {
            Some(adapter) => Of::Adapter(adapter.with_flat(flat(adapter.views().layout().len))),
            None => {
                let flat = flat(decoder.parameters().layout().len);
                Of::Parameters(decoder.parameters().with_flat(decoder.config(), flat))
            }
        };
        Gradient { of }
    }

    /// `[layout.len]`, zeros in the gaps.
    pub fn flat(&self) -> &Tensor {
        match &self.of {
            Of::Parameters(parameters) => parameters.flat(),
            Of::Adapter(adapter) => adapter.views().flat(),
        }
    }

    /// Those of the parameters; `None` if they are frozen.
    #[must_use]
    pub fn parameters(&self) -> Option<&Parameters> {
        match &self.of {
            Of::Parameters(parameters) => Some(parameters),
            Of::Adapter(_) => None,
        }
    }

    /// Those of the adapter; `None` if there is none.
    #[must_use]
    pub fn adapter(&self) -> Option<&Adapter> {
        match &self.of {
            Of::Parameters(_) => None,
            Of::Adapter(adapter) => Some(adapter),
        }
    }
}

/// Adds the gradient of a weight `[out, in]` whose inputs were `[n, in]` and whose outputs have gradients `[n, out]`.
pub(crate) fn add_product(sum: &Tensor, outputs: &Tensor, inputs: &Tensor) {
    let mut sum = sum.shallow_clone();
    let _ = match outputs.kind() {
        Kind::Float => sum.addmm_(&outputs.tr(), inputs),
        _ => sum.g_add_(&outputs.tr().matmul(inputs)),
    };
}

/// Adds rows `[n, width]`, summed over n, to `[width]`.
pub(crate) fn add_sum(sum: &Tensor, rows: &Tensor) {
    let ones = Tensor::ones([rows.size()[0]], (Kind::Float, rows.device()));
    let _ = sum.shallow_clone().addmv_(&rows.to_kind(Kind::Float).tr(), &ones);
}

/// Adds rows `[n, width]` to those of `[m, width]` that `places` `[n]` names, always in the same order.
pub(crate) fn add_rows(sum: &Tensor, places: &Tensor, rows: &Tensor) {
    let mut sum = sum.shallow_clone();
    let rows = rows.to_kind(sum.kind());
    let _ = match sum.device() {
        Device::Cpu => sum.index_add_(0, places, &rows),
        // There the other adds in whatever order its threads come; this one sorts first.
        _ => sum.index_put_(&[Some(places)], &rows, true),
    };
}
