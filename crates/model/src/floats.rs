//! A tensor's numbers as a plain slice, where they lie on the processor.

use tch::Device;
use tch::Kind;
use tch::Tensor;

/// The numbers of an f32 tensor on the processor, in order.
///
/// # Panics
/// If it is of another kind, elsewhere, or has gaps.
pub(crate) fn floats(tensor: &Tensor) -> &[f32] {
    check(tensor);
    // SAFETY: `check` has found that as many f32 numbers lie there side by side, and whoever changes them through this tensor needs it mutable.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// The same, to be changed. The tensor must share its numbers with nobody: pass one that was just made.
///
/// # Panics
/// As [`floats`].
pub(crate) fn floats_mut(tensor: &mut Tensor) -> &mut [f32] {
    check(tensor);
    // SAFETY: as above; nobody else has a handle on a tensor that was just made.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

fn check(tensor: &Tensor) {
    assert!(tensor.kind() == Kind::Float && tensor.device() == Device::Cpu, "f32 numbers on the processor");
    assert!(tensor.is_contiguous(), "numbers without gaps");
}
