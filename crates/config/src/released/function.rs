//! UserRL's functions: `functions.json`, which holds both splits.

use sim::gyms::function::Item;
use sim::gyms::function::Library;

use super::items;
use super::playable;
use crate::check::Check;
use crate::node::Node;

const FORM: &str = "it is a list of {id, rule, test_case: [a, b, c, d], expected_result}";

/// The numbers of the 78 functions that the release measures on: its list of tests is a table of another format, and this is what it says.
const TESTS: [u32; 78] = [
    14, 21, 22, 35, 49, 50, 51, 53, 55, 59, 72, 81, 88, 89, 92, 100, 103, 107, 122, 131, 135, 161, 167, 170, 175, 188,
    190, 192, 206, 215, 236, 242, 244, 253, 264, 265, 271, 274, 277, 307, 309, 314, 316, 320, 329, 331, 340, 344, 345,
    346, 360, 364, 367, 373, 386, 388, 414, 420, 428, 431, 436, 444, 446, 455, 459, 460, 464, 467, 475, 476, 484, 485,
    492, 500, 519, 524, 533, 536,
];

/// The functions of two files, or of one file that both keys name: then as the release splits it. Without the held-out ones that are, up
/// to algebra, also to be learned from (28 of the release's 78), unless `keep_known` says to keep them. `None` if `items` names no files,
/// or after a mistake, which has been noted.
pub(crate) fn library(check: &mut Check<'_>, world: &Node) -> Option<Library> {
    let (files, mut train, mut held_out) = items::<Item>(check, world, "userrl/functions.json", FORM)?;
    if files.train == files.held_out {
        train.retain(|item| !is_test(&item.id));
        held_out.retain(|item| is_test(&item.id));
    }
    let library = Library::new(train, held_out);
    let keep = files.keep_known.unwrap_or(false);
    playable(check, library.and_then(|library| if keep { Ok(library) } else { library.without_known() }))
}

fn is_test(id: &str) -> bool {
    id.strip_prefix("func-").and_then(|number| number.parse().ok()).is_some_and(|number| TESTS.contains(&number))
}
