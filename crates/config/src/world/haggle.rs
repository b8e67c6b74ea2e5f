//! `gym = "haggle"`.

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::haggle;
use sim::scenario::ItemCounts;

use super::Gym;
use super::item_counts;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;

/// How it stands in scenario files.
pub(super) const GYM: Gym = Gym { read: rules, constants: File::json_schema, files: None, least: LEAST };

/// The constants of the bargaining world, each as in [`haggle::Rules`].
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// Least joint surplus, in dollars, that scores are divided by.
    scale_min: Option<f64>,
    /// What each false claim takes off the agent's score.
    false_claim_penalty: Option<f64>,
    /// Chance that the buyer knows a fact from the start.
    sees: Option<f64>,
    /// Share of items on which no deal is good for both.
    no_zone: Option<f64>,
    /// Chance that a fact favours the seller; the other two values share the rest.
    favourable: Option<f64>,
    /// What the warranty costs the seller, in dollars.
    warranty_cost: Option<i64>,
    /// What the warranty is worth to a buyer who wants it, in dollars.
    warranty_worth: Option<i64>,
    /// What a deal too late costs the buyer where the deadline is real, in dollars.
    deadline_cost: Option<i64>,
    /// The last round in which such a deal is in time.
    deadline_round: Option<i64>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 6
world = { gym = "haggle", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "surplus", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "surplus", kind = "outcome", weight = 1.0 },
]
"#;

/// The bargaining world. A new constant of `haggle::Rules` is a field above and a line below; the compiler asks for it.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File {
        scale_min,
        false_claim_penalty,
        sees,
        no_zone,
        favourable,
        warranty_cost,
        warranty_worth,
        deadline_cost,
        deadline_round,
    } = check.read_part(constants, "world");
    let own = haggle::Rules::default();
    let share = Allowed::between(0.0, 1.0, "it is a share");
    let dollars =
        Allowed::between(0.0, haggle::PRICE_MAX as f64, "it is an amount in dollars, and this is the highest price");
    let rounds = Allowed::between(0.0, 1000.0, "it is a round of the talk");
    let scale = Allowed::above(0.0, 1e3, "scores are divided by it");
    let penalty = false_claim_penalty;
    let rules = haggle::Rules {
        scale_min: check.number("world.scale_min", scale_min, own.scale_min, scale),
        false_claim_penalty: check.number("world.false_claim_penalty", penalty, own.false_claim_penalty, share),
        sees: check.number("world.sees", sees, own.sees, share),
        no_zone: check.number("world.no_zone", no_zone, own.no_zone, share),
        favourable: check.number("world.favourable", favourable, own.favourable, share),
        warranty_cost: check.whole("world.warranty_cost", warranty_cost, own.warranty_cost, dollars),
        warranty_worth: check.whole("world.warranty_worth", warranty_worth, own.warranty_worth, dollars),
        deadline_cost: check.whole("world.deadline_cost", deadline_cost, own.deadline_cost, dollars),
        deadline_round: check.whole("world.deadline_round", deadline_round, own.deadline_round, rounds),
    };
    (Rules::Haggle(rules), item_counts(check, world))
}
