//! `gym = "function"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::function;
use sim::gyms::function::catalogue::HELD_OUT_MAX;
use sim::scenario::ItemCounts;

use super::Gym;
use super::counted;
use super::item_counts_within;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::released;
use crate::released::FilesFile;

/// How it stands in scenario files.
pub(super) const GYM: Gym =
    Gym { read: rules, constants: File::json_schema, files: Some(FilesFile::json_schema), least: LEAST };

/// The constants of the hidden formulas.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// How far an answer may lie from the value.
    tolerance: Option<f64>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 16
world = { gym = "function", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "solved", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "solved", kind = "outcome", weight = 1.0 },
]
"#;

/// Hidden formulas: of a release's file, or of our own making.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File { tolerance } = check.read_part(constants, "world");
    let near = Allowed::between(0.0, 1.0, "results are whole numbers mostly, and 1 off is another result");
    let tolerance = check.number("world.tolerance", tolerance, function::TOLERANCE, near);
    let (library, counts) = library(check, world);
    (Rules::Function(function::Rules { tolerance, library: Arc::new(library) }), counts)
}

/// After a mistake, which has been noted, a few functions of our own stand in.
fn library(check: &mut Check<'_>, world: &Node) -> (function::Library, ItemCounts) {
    let few = ItemCounts { train: 1, held_out: 1, seed: 0 };
    if released::is_asked_for(world) {
        let Some(library) = released::function::library(check, world) else {
            return (function::catalogue::library(few), few);
        };
        let counts = counted(|split| library.of(split).len());
        return (library, counts);
    }
    let learn = Allowed::between(1.0, 1e6, "there are 58 987 functions, and each point of one is an item");
    let measure = Allowed::between(1.0, f64::from(HELD_OUT_MAX), "most of the 58 987 functions are to learn from");
    let counts = item_counts_within(check, world, learn, measure);
    let made = if (1..=1_000_000).contains(&counts.train) && (1..=HELD_OUT_MAX).contains(&counts.held_out) {
        counts
    } else {
        few
    };
    (function::catalogue::library(made), counts)
}
