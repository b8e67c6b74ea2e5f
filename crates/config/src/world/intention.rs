//! `gym = "intention"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::intention;
use sim::scenario::ItemCounts;

use super::Gym;
use super::counted;
use super::item_counts;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::released;
use crate::released::FilesFile;

/// How it stands in scenario files.
pub(super) const GYM: Gym =
    Gym { read: rules, constants: File::json_schema, files: Some(FilesFile::json_schema), least: LEAST };

/// The constants of the requests that leave details out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// What each further detail takes off the reward of a question that covers several.
    multi_detail_penalty: Option<f64>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 8
world = { gym = "intention", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "covered", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "understood", kind = "outcome", weight = 1.0 },
]
"#;

/// Requests with details left out: of a release's files, or of our own making.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File { multi_detail_penalty } = check.read_part(constants, "world");
    let share = Allowed::between(0.0, 1.0, "it is a share");
    let penalty = intention::MULTI_DETAIL_PENALTY;
    let multi_detail_penalty = check.number("world.multi_detail_penalty", multi_detail_penalty, penalty, share);
    let (library, counts) = library(check, world);
    (Rules::Intention(intention::Rules { multi_detail_penalty, library: Arc::new(library) }), counts)
}

/// After a mistake, which has been noted, a few items of our own stand in.
fn library(check: &mut Check<'_>, world: &Node) -> (intention::Library, ItemCounts) {
    let few = ItemCounts { train: 1, held_out: 1, seed: 0 };
    if released::is_asked_for(world) {
        let Some(library) = released::intention::library(check, world) else {
            return (intention::catalogue::library(few), few);
        };
        let counts = counted(|split| library.of(split).len());
        return (library, counts);
    }
    let counts = item_counts(check, world);
    let made = if counts.train > 0 && counts.held_out > 0 { counts } else { few };
    (intention::catalogue::library(made), counts)
}
