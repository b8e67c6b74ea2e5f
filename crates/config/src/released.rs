//! Items out of files of a published release, named by `items` in `[world]`. One file per form that a release has.

pub(crate) mod division;
pub(crate) mod function;
pub(crate) mod intention;
pub(crate) mod persuade;
pub(crate) mod search;
pub(crate) mod tau;
pub(crate) mod telepathy;
pub(crate) mod turtle;

use std::env;
use std::path::Path;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Source;
use crate::check::Check;
use crate::node::Node;

/// Where releases lie whose files are not found beside the scenario.
const DATA: &str = "DUOLOGUE_DATA";

/// Items out of the files of a release. A path starts at this file's folder, or at $DUOLOGUE_DATA.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct FilesFile {
    /// The items to learn from.
    train: Option<String>,
    /// The items to measure on.
    held_out: Option<String>,
    /// Whether held-out items are kept that are also to be learned from, by the gym's own measure; false by default.
    keep_known: Option<bool>,
}

/// Whether `items` names a file to learn from and one to measure on.
pub(crate) fn is_asked_for(world: &Node) -> bool {
    world.get("items.train").is_some()
}

/// The items of both files and `keep_known`; `None` if `items` names no files, or after a mistake, which has been noted. `example` names a
/// file to measure on, `form` says what a file holds.
fn items<T: DeserializeOwned>(
    check: &mut Check<'_>,
    world: &Node,
    example: &str,
    form: &str,
) -> Option<(FilesFile, Vec<T>, Vec<T>)> {
    let items = world.get("items").filter(|_| is_asked_for(world))?;
    let files: FilesFile = check.read_part(items, "world.items");
    check.present("world.items.held_out", files.held_out.is_some(), &format!("held_out = \"{example}\""));
    let train = read::<Vec<T>>(check, "world.items.train", files.train.as_deref()?, form)?;
    let held_out = read::<Vec<T>>(check, "world.items.held_out", files.held_out.as_deref()?, form)?;
    Some((files, train, held_out))
}

/// Reads what `written` names as JSON; `form` says what it should be. `None` after a mistake, which has been noted at `key`.
fn read<T: DeserializeOwned>(check: &mut Check<'_>, key: &str, written: &str, form: &str) -> Option<T> {
    let path = place(check.folder(), written);
    let hint = format!("the path starts at this file's folder, or at ${DATA} if that is set");
    let source = match Source::read(&path) {
        Ok(source) => source,
        Err(error) => {
            check.error(key, format!("`{written}` {}", error.what), hint);
            return None;
        }
    };
    match serde_json::from_str(&source.text) {
        Ok(items) => Some(items),
        Err(error) => {
            check.error(key, format!("`{written}` cannot be played: {error}"), form);
            None
        }
    }
}

/// The library, or a note that its items cannot be played.
fn playable<T, E: std::fmt::Display>(check: &mut Check<'_>, library: Result<T, E>) -> Option<T> {
    library
        .map_err(|error| {
            let what = format!("cannot be played: {error}");
            check.error("world.items", what, "mend the file, or leave the item out of it");
        })
        .ok()
}

/// Beside the scenario, or else among the releases.
fn place(folder: &Path, written: &str) -> PathBuf {
    let beside = folder.join(written);
    match env::var_os(DATA) {
        Some(data) if !beside.exists() => Path::new(&data).join(written),
        _ => beside,
    }
}
