//! `duologue schema`: what a kind of file may hold, for editors.

use crate::failure::Failure;
use crate::flags::SchemaFlags;
use crate::stdout::say;

/// Prints the JSON Schema (draft 2020-12) of a kind of file.
///
/// # Errors
/// If nobody reads stdout.
pub fn schema(flags: &SchemaFlags) -> Result<(), Failure> {
    Ok(say(serde_json::to_string_pretty(&config::schema(flags.kind))?)?)
}
