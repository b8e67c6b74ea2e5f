//! `gym = "turtle"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::turtle;
use sim::gyms::turtle::catalogue;
use sim::scenario::ItemCounts;

use super::Gym;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::released::division;
use crate::released::turtle::FORM;

/// How it stands in scenario files.
pub(super) const GYM: Gym =
    Gym { read: rules, constants: File::json_schema, files: Some(division::schema), least: LEAST };

/// The constants of the stories.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// An answer worth this much ends the talk; UserRL trains and measures with 1.
    success_threshold: Option<f64>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 12
world = { gym = "turtle", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "told", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "told", kind = "outcome", weight = 1.0 },
]
"#;

/// Stories to find out: of a release's files, or of our own making.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File { success_threshold } = check.read_part(constants, "world");
    let worth = Allowed::above(0.0, 1.0, "it is what an answer may be worth");
    let threshold = turtle::SUCCESS_THRESHOLD;
    let success_threshold = check.number("world.success_threshold", success_threshold, threshold, worth);
    let (library, counts) = division::items(check, world, &FORM, catalogue::STORIES, catalogue::library);
    (Rules::Turtle(turtle::Rules { success_threshold, library: Arc::new(library) }), counts)
}
