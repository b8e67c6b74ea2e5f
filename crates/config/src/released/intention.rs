//! Requests in the form of UserRL's `all_intentions_*.json`.

use sim::gyms::intention::Item;
use sim::gyms::intention::Library;
use sim::gyms::intention::precedent::is_same_task;

use super::FilesFile;
use super::is_asked_for;
use super::read;
use crate::check::Check;
use crate::node::Node;

/// What a file holds.
const FORM: &str =
    "it is a list of {id, category, task, missing_details: [{description, importance, inquiry, options}]}";

/// The requests of two files in the form of UserRL's `all_intentions_*.json`, without the held-out ones whose task is among those to
/// learn from, unless `keep_known` says to keep them. `None` if `items` names no files, or after a mistake, which has been noted.
pub(crate) fn intentions(check: &mut Check<'_>, world: &Node) -> Option<Library> {
    let items = world.get("items").filter(|_| is_asked_for(world))?;
    let FilesFile { train, held_out, keep_known } = check.read_part(items, "world.items");
    check.present("world.items.held_out", held_out.is_some(), "held_out = \"userrl/intentions_test.json\"");
    let train: Vec<Item> = read(check, "world.items.train", &train?, FORM)?;
    let mut held_out: Vec<Item> = read(check, "world.items.held_out", &held_out?, FORM)?;
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
