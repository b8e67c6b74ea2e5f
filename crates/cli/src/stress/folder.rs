//! The folder of a suite that is played: its sessions as they are recorded, and what they are sessions of, so that a killed suite can go on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use actors::Journal;
use runs::Log;
use runs::RunPaths;
use serde_json::Value;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Scenario;

use crate::failure::Failure;
use crate::flags::StressFlags;
use crate::rollout;

/// What says of which command the sessions are.
const IDENTITY: &str = "suite.json";

/// Where sessions go, and those that are there.
pub(super) struct Stored {
    /// What writes them down.
    pub(super) journal: Box<dyn Journal>,
    /// By their names.
    pub(super) before: BTreeMap<EpisodeId, EpisodeRecord>,
}

/// Makes the folder of `--out`, or with `--resume` opens the one that a killed command left. `identity` tells all that decides what is played.
///
/// # Errors
/// [`Failure::Input`] if there are episodes already, or with `--resume` none; if they are another command's; if the folder cannot be written or read.
pub(super) fn open(
    flags: &StressFlags,
    identity: impl FnOnce() -> Result<Value, Failure>,
    scenarios: &[Arc<Scenario>],
) -> Result<Stored, Failure> {
    let Some(out) = flags.out.as_deref().filter(|_| flags.resume) else {
        // Before the first session, so that a suite that is killed at any moment can go on; where episodes lie, theirs stays, and the journal refuses.
        if let Some(out) = flags.out.as_ref().filter(|out| !RunPaths::new(out).log().exists()) {
            note(out, &identity()?).map_err(|error| unusable(out, &error.to_string()))?;
        }
        let journal = rollout::journal(flags.out.as_deref(), scenarios)?;
        return Ok(Stored { journal, before: BTreeMap::new() });
    };
    let text = std::fs::read_to_string(out.join(IDENTITY)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let what = format!("--resume: {}: no suite was played into this folder", out.display());
            Failure::input(what, Some("leave --resume out to begin"))
        }
        _ => unusable(out, &error.to_string()),
    })?;
    let found: Value = serde_json::from_str(&text).map_err(|error| unusable(out, &error.to_string()))?;
    if let Some(key) = differs(&found, &identity()?) {
        let what = format!("--resume: {}: another `{key}` was played into this folder", out.display());
        return Err(Failure::input(what, Some("give the command as it was, or begin in another folder")));
    }
    // What a write was killed in is cut off here.
    let (log, _) = Log::open(&RunPaths::new(out).log())?;
    let mut before = BTreeMap::new();
    for record in log.records()? {
        let record = record?;
        before.insert(record.casting.id, record);
    }
    Ok(Stored { journal: Box::new(log), before })
}

/// Writes the identity in one piece.
fn note(out: &Path, identity: &Value) -> std::io::Result<()> {
    let part = out.join(format!("{IDENTITY}.part"));
    std::fs::create_dir_all(out)?;
    std::fs::write(&part, serde_json::to_string_pretty(identity)?)?;
    std::fs::rename(part, out.join(IDENTITY))
}

/// The first key of which two identities say something else.
fn differs(found: &Value, asked: &Value) -> Option<String> {
    let asked = asked.as_object()?;
    asked.iter().find(|(key, value)| found.get(key.as_str()) != Some(value)).map(|(key, _)| key.clone())
}

fn unusable(out: &Path, error: &str) -> Failure {
    let what = format!("--out: {}: {IDENTITY}: {error}", out.display());
    Failure::input(what, Some("choose another folder with --out"))
}
