//! `duologue export`: hands results to other tools.
//!
//! ```text
//!  hf.rs        a seat's model as a folder that `transformers` opens     card.rs     its README.md: where it comes from
//!  peft.rs      a seat's adapter as a folder that PEFT opens, or merged into its base for `transformers`
//!  episodes.rs  recorded episodes as JSONL                               weights.rs  what the head of a file of weights says
//!  messages.rs  … as chat messages
//!  sharegpt.rs  … as LLaMA-Factory reads them
//! ```
//! Files are checked and copied, and the tensor library is asked for one thing alone: to merge an adapter into its base. What is handed out appears whole or not at all (`runs::Parcel`).

mod announced;
mod card;
mod episodes;
mod hf;
mod messages;
mod peft;
mod sharegpt;
pub(crate) mod weights;

use std::path::Path;

use rl::ModelLoader;
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
pub fn export(flags: &ExportFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let ExportFlags { folder, format, out: _, seat: _, checkpoint, phase, scored_only, top } = flags;
    let of_episodes = [("--phase", phase.is_some()), ("--scored-only", *scored_only), ("--top", top.is_some())];
    let of_models = [("--checkpoint", checkpoint.is_some())];
    let (without_effect, others) = match format {
        Format::Hf | Format::Peft => (&of_episodes[..], "messages or sharegpt"),
        Format::Messages | Format::ShareGpt => (&of_models[..], "hf or peft"),
    };
    if let Some((flag, _)) = without_effect.iter().find(|(_, is_given)| *is_given) {
        let hint = format!("leave it out; it belongs to --format {others}");
        return Err(Failure::input(format!("{flag}: has no effect with --format {}", format.name()), Some(&hint)));
    }
    if !folder.is_dir() {
        let why = if folder.exists() { "is no folder" } else { "there is no such folder" };
        return Err(Failure::input(format!("{}: {why}", folder.display()), Some("give a run folder, e.g. runs/NAME")));
    }
    match format {
        Format::Hf | Format::Peft => hf::export(flags, loader),
        Format::Messages => messages::export(flags),
        Format::ShareGpt => sharegpt::export(flags),
    }
}

fn begin(out: &Path) -> Result<Parcel, Failure> {
    let hint = "choose a new path: nothing is written over";
    Parcel::begin(out).map_err(|error| Failure::input(format!("--out: {error}"), Some(hint)))
}

fn undelivered(error: ParcelError) -> Failure {
    Failure::work(error.into(), "nothing was handed out; choose another --out, or mend the disk")
}
