//! UserRL's requests: `all_intentions_train.json` and `all_intentions_test.json`.

use sim::gyms::intention::Item;
use sim::gyms::intention::Library;
use sim::gyms::intention::precedent::is_same_task;

use super::items;
use super::playable;
use crate::check::Check;
use crate::node::Node;

const FORM: &str =
    "it is a list of {id, category, task, missing_details: [{description, importance, inquiry, options}]}";

/// The requests of two files, without the held-out ones whose task is among those to learn from, unless `keep_known` says to keep them.
/// `None` if `items` names no files, or after a mistake, which has been noted.
pub(crate) fn library(check: &mut Check<'_>, world: &Node) -> Option<Library> {
    let (files, train, mut held_out) = items::<Item>(check, world, "userrl/intentions_test.json", FORM)?;
    if !files.keep_known.unwrap_or(false) {
        held_out.retain(|item| !train.iter().any(|known| is_same_task(&known.task, &item.task)));
    }
    playable(check, Library::new(train, held_out))
}
