//! `gym = "guess"`.

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::guess;
use sim::scenario::ItemCounts;

use super::Gym;
use super::item_counts;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;

/// How it stands in scenario files.
pub(super) const GYM: Gym = Gym { read: rules, constants: File::json_schema, files: None, least: LEAST };

/// The constants of higher or lower.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// The user thinks of a number from 1 to this one.
    number_max: Option<i64>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 5
world = { gym = "guess", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 8 }
user = { policy = "rule", tokens_max = 8 }
reward = [
    { seat = "agent", name = "found", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "found", kind = "outcome", weight = 1.0 },
]
"#;

fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File { number_max } = check.read_part(constants, "world");
    let allowed = Allowed::between(2.0, 1000.0, "it is the largest number, and one number needs no guessing");
    let rules = guess::Rules { number_max: check.whole("world.number_max", number_max, 31, allowed) };
    (Rules::Guess(rules), item_counts(check, world))
}
