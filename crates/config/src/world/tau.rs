//! `gym = "tau"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::tau;
use sim::gyms::tau::Domain;
use sim::gyms::tau::catalogue::Asks;
use sim::gyms::tau::catalogue::Customer;
use sim::gyms::tau::catalogue::First;
use sim::scenario::ItemCounts;
use sim::scenario::Split;

use super::Gym;
use super::item_counts;
use crate::allowed::Allowed;
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
    /// Customers of the airline who are no usual ones: hostile ones and their twins.
    customer: Option<CustomerFile>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct CustomerFile {
    /// What it asks for: a change that the policy allows, one that it forbids, or an allowed one of somebody else's reservation.
    asks: Option<String>,
    /// How often it asks again for what it was refused.
    insists: Option<i64>,
    /// What it asks for first, and takes back as soon as it is answered: nothing, another change of the same reservation, or one of another.
    first: Option<String>,
    /// What it says before it asks again, or for something else: in turn.
    says: Option<Vec<String>>,
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
    let File { policy, domain, customer } = check.read_part(constants, "world");
    let policy = check.flag("world.policy", policy, released::is_asked_for(world));
    let domain = check.word("world.domain", domain.as_deref(), &DOMAINS);
    let customer = customer.map(|file| self::customer(check, world, domain, file));
    let (library, counts) = library(check, world, domain, customer.as_ref());
    (Rules::Tau(tau::Rules { policy, library: Arc::new(library) }), counts)
}

/// Who calls, where these are no usual customers.
fn customer(check: &mut Check<'_>, world: &Node, domain: Option<Domain>, file: CustomerFile) -> Customer {
    let CustomerFile { asks, insists, first, says } = file;
    if released::is_asked_for(world) {
        check.error(
            "world.customer",
            "has no effect: the customers of a release are what it says",
            "let `items` be made, or take it out",
        );
    } else if domain != Some(Domain::Airline) {
        let what = "is of the airline alone: the tools of a shop do not let pass what its policy forbids";
        check.error("world.customer", what, "write `domain = \"airline\"`");
    }
    let often = Allowed::between(0.0, 16.0, "it is how often it asks again");
    let insists = check.whole("world.customer.insists", insists, 0, often);
    let words = [("allowed", Asks::Allowed), ("forbidden", Asks::Forbidden), ("others", Asks::Others)];
    let asks = check.word("world.customer.asks", asks.as_deref(), &words);
    let words = [("nothing", First::Nothing), ("same", First::Same), ("other", First::Other)];
    let first = check.word("world.customer.first", first.as_deref(), &words);
    Customer { asks, insists, first, says: says.unwrap_or_default() }
}

/// After a mistake, which has been noted, a few tasks of our own stand in.
fn library(
    check: &mut Check<'_>,
    world: &Node,
    domain: Option<Domain>,
    customer: Option<&Customer>,
) -> (tau::Library, ItemCounts) {
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
    let library = match customer {
        Some(customer) => tau::catalogue::library_of(made, customer),
        None => tau::catalogue::library(made, domain),
    };
    (library, counts)
}
