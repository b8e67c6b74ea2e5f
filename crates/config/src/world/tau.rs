//! `gym = "tau"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::tau;
use sim::gyms::tau::Domain;
use sim::scenario::ItemCounts;
use sim::scenario::Split;

use super::Gym;
use super::item_counts;
use crate::check::Check;
use crate::node::Node;
use crate::released;
use crate::released::tau::FilesFile;

/// How it stands in scenario files.
pub(super) const GYM: Gym =
    Gym { read: rules, constants: File::json_schema, files: Some(FilesFile::json_schema), least: LEAST };

/// The constants of the customers who are served with tools.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// Whether the policy is part of the agent's brief, and not only to be looked up. Where the items are published ones, it is unless
    /// this says otherwise.
    policy: Option<bool>,
    /// Whose customers.
    domain: Option<String>,
}

const DOMAINS: [(&str, Option<Domain>); 3] =
    [("both", None), ("retail", Some(Domain::Retail)), ("airline", Some(Domain::Airline))];

const LEAST: &str = r#"
name = "least"
turns_max = 30
world = { gym = "tau", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "solved", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "served", kind = "outcome", weight = 1.0 },
]
"#;

/// Customers of a shop and an airline: of a release's files, or of our own making.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File { policy, domain } = check.read_part(constants, "world");
    let policy = check.flag("world.policy", policy, released::is_asked_for(world));
    let domain = check.word("world.domain", domain.as_deref(), &DOMAINS);
    let (library, counts) = library(check, world, domain);
    (Rules::Tau(tau::Rules { policy, library: Arc::new(library) }), counts)
}

/// After a mistake, which has been noted, a few tasks of our own stand in.
fn library(check: &mut Check<'_>, world: &Node, domain: Option<Domain>) -> (tau::Library, ItemCounts) {
    let few = ItemCounts { train: 1, held_out: 1, seed: 0 };
    if released::is_asked_for(world) {
        let Some(library) = released::tau::library(check, world, domain) else {
            return (tau::catalogue::library(few, domain), few);
        };
        let count = |split| u32::try_from(library.of(split).len()).unwrap_or(u32::MAX);
        let counts = ItemCounts { train: count(Split::Train), held_out: count(Split::HeldOut), seed: 0 };
        return (library, counts);
    }
    let counts = item_counts(check, world);
    let made = if counts.train > 0 && counts.held_out > 0 { counts } else { few };
    (tau::catalogue::library(made, domain), counts)
}
