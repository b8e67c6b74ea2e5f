//! Recorded episodes in the ShareGPT form that LLaMA-Factory reads; see `text::sharegpt`.

use super::episodes;
use crate::failure::Failure;
use crate::flags::ExportFlags;

/// Exports a line for each side whose seat wrote anything.
///
/// # Errors
/// As [`episodes::export`].
pub(super) fn export(flags: &ExportFlags) -> Result<(), Failure> {
    episodes::export(flags, text::sharegpt)
}
