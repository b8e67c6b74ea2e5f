//! Recorded episodes as chat messages: the form that trl and `transformers` read.

use serde::Serialize;
use text::ChatMessage;
use text::conversation;

use super::episodes;
use crate::failure::Failure;
use crate::flags::ExportFlags;

/// A side as its model reads it.
#[derive(Serialize)]
struct Messages {
    messages: Vec<ChatMessage>,
}

/// Exports a line for each side.
///
/// # Errors
/// As [`episodes::export`].
pub(super) fn export(flags: &ExportFlags) -> Result<(), Failure> {
    episodes::export(flags, |record, seat, tokenizer| {
        Some(Messages { messages: conversation(record, seat, tokenizer) })
    })
}
