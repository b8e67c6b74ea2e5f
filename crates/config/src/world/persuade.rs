//! `gym = "persuade"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::persuade;
use sim::gyms::persuade::catalogue;
use sim::scenario::ItemCounts;

use super::Gym;
use crate::check::Check;
use crate::node::Node;
use crate::released::division;
use crate::released::persuade::FORM;

/// How it stands in scenario files.
pub(super) const GYM: Gym =
    Gym { read: rules, constants: File::json_schema, files: Some(division::schema), least: LEAST };

/// Changing a mind has no constants.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {}

const LEAST: &str = r#"
name = "least"
turns_max = 8
world = { gym = "persuade", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "moved", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "kept", kind = "outcome", weight = 1.0 },
]
"#;

/// Claims to argue against: of a release's files, or of our own making.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File {} = check.read_part(constants, "world");
    let (library, counts) = division::items(check, world, &FORM, u32::MAX, catalogue::library);
    (Rules::Persuade(persuade::Rules { library: Arc::new(library) }), counts)
}
