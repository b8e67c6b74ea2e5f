//! Recorded episodes in the ShareGPT form that LLaMA-Factory reads; see `text::sharegpt`.

use super::announced::Announced;
use super::episodes;
use crate::failure::Failure;
use crate::flags::ExportFlags;

/// Exports a line for each side whose seat wrote anything.
///
/// # Errors
/// As [`episodes::export`].
pub(super) fn export(flags: &ExportFlags) -> Result<(), Failure> {
    let announced = Announced::of(&flags.folder);
    episodes::export(flags, |record, seat, tokenizer| {
        let mut side = text::sharegpt(record, seat, tokenizer)?;
        if let Some(tool) = announced.tool(record, seat).and_then(|tool| tool.get("function")) {
            side.tools = format!("[{}]", tool.dumps());
        }
        Some(side)
    })
}
