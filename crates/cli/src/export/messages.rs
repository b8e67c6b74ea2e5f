//! Recorded episodes as chat messages: the form that trl and `transformers` read.

use serde::Serialize;
use text::ChatMessage;
use text::Json;
use text::conversation;

use super::announced::Announced;
use super::episodes;
use crate::failure::Failure;
use crate::flags::ExportFlags;

/// A side as its model reads it.
#[derive(Serialize)]
struct Messages {
    messages: Vec<ChatMessage>,
    /// What its template was told besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Json; 1]>,
}

/// Exports a line for each side.
///
/// # Errors
/// As [`episodes::export`].
pub(super) fn export(flags: &ExportFlags) -> Result<(), Failure> {
    let announced = Announced::of(&flags.folder);
    episodes::export(flags, |record, seat, tokenizer| {
        let tools = announced.tool(record, seat).map(|tool| [tool]);
        Some(Messages { messages: conversation(record, seat, tokenizer), tools })
    })
}
