//! `duologue export`: hands results to other tools.
//!
//! ```text
//!  hf.rs        a seat's model as a folder that `transformers` opens     card.rs     its README.md: where it comes from
//!  messages.rs  recorded episodes as JSONL of chat messages              weights.rs  what the head of a file of weights says
//! ```
//! No tensor library is needed: files are checked and copied. What is handed out appears whole or not at all (`runs::Parcel`).

mod card;
mod hf;
mod messages;
mod weights;

use std::path::Path;

use runs::Parcel;
use runs::ParcelError;

use crate::failure::Failure;
use crate::flags::ExportFlags;
use crate::flags::Format;

/// Writes what was asked for to `--out`.
///
/// # Errors
/// [`Failure::Input`] if the folder holds nothing of the kind, something of it is damaged, or `--out` exists; [`Failure::Work`] if it
/// cannot be written.
pub fn export(flags: &ExportFlags) -> Result<(), Failure> {
    let ExportFlags { folder, format, out: _, seat: _, checkpoint, phase, scored_only } = flags;
    let (without_effect, other) = match format {
        Format::Hf => ([("--phase", phase.is_some()), ("--scored-only", *scored_only)], "messages"),
        Format::Messages => ([("--checkpoint", checkpoint.is_some()), ("", false)], "hf"),
    };
    if let Some((flag, _)) = without_effect.into_iter().find(|(_, is_given)| *is_given) {
        let hint = format!("leave it out; it belongs to --format {other}");
        return Err(Failure::input(format!("{flag}: has no effect with --format {}", format.name()), Some(&hint)));
    }
    if !folder.is_dir() {
        let why = if folder.exists() { "is no folder" } else { "there is no such folder" };
        return Err(Failure::input(format!("{}: {why}", folder.display()), Some("give a run folder, e.g. runs/NAME")));
    }
    match format {
        Format::Hf => hf::export(flags),
        Format::Messages => messages::export(flags),
    }
}

fn begin(out: &Path) -> Result<Parcel, Failure> {
    let hint = "choose a new path: nothing is written over";
    Parcel::begin(out).map_err(|error| Failure::input(format!("--out: {error}"), Some(hint)))
}

fn undelivered(error: ParcelError) -> Failure {
    Failure::work(error.into(), "nothing was handed out; choose another --out, or mend the disk")
}
