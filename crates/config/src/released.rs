//! Items out of files of a published release, named by `items` in `[world]`.

pub(crate) mod tau;

use std::env;
use std::path::Path;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::intention::Item;
use sim::gyms::intention::Library;
use sim::gyms::intention::precedent::is_same_task;

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
    /// Whether held-out items are kept whose task is also one to learn from; false by default.
    keep_known: Option<bool>,
}

/// Whether `items` names files.
pub(crate) fn is_asked_for(world: &Node) -> bool {
    world.get("items.train").is_some()
}

/// The requests of two files in the form of UserRL's `all_intentions_*.json`, without the held-out ones whose task is among those to
/// learn from, unless `keep_known` says to keep them. `None` if `items` names no files, or after a mistake, which has been noted.
pub(crate) fn intentions(check: &mut Check<'_>, world: &Node) -> Option<Library> {
    let items = world.get("items").filter(|_| is_asked_for(world))?;
    let FilesFile { train, held_out, keep_known } = check.read_part(items, "world.items");
    check.present("world.items.held_out", held_out.is_some(), "held_out = \"userrl/intentions_test.json\"");
    let train = read(check, "world.items.train", &train?)?;
    let mut held_out = read(check, "world.items.held_out", &held_out?)?;
    if !keep_known.unwrap_or(false) {
        held_out.retain(|item| !train.iter().any(|known| is_same_task(&known.task, &item.task)));
    }
    match Library::new(train, held_out) {
        Ok(library) => Some(library),
        Err(error) => {
            check.error(
                "world.items",
                format!("cannot be played: {error}"),
                "mend the file, or leave the item out of it",
            );
            None
        }
    }
}

fn read(check: &mut Check<'_>, key: &str, written: &str) -> Option<Vec<Item>> {
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
            let form =
                "it is a list of {id, category, task, missing_details: [{description, importance, inquiry, options}]}";
            check.error(key, format!("`{written}` holds no requests: {error}"), form);
            None
        }
    }
}

/// Beside the scenario, or else among the releases.
fn place(folder: &Path, written: &str) -> PathBuf {
    let beside = folder.join(written);
    match env::var_os(DATA) {
        Some(data) if !beside.exists() => Path::new(&data).join(written),
        _ => beside,
    }
}
