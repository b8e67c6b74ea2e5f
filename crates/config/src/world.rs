//! `[world]`: the gym, its items and its constants. One function per gym.

use std::sync::Arc;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sim::gyms::Rules;
use sim::gyms::haggle;
use sim::gyms::intention;
use sim::scenario::ItemCounts;
use sim::scenario::Split;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::node::Value;
use crate::released;
use crate::released::FilesFile;

/// The keys of `[world]` that every gym has.
const COMMON: [&str; 2] = ["gym", "items"];

/// Items of one split that a scenario may have.
pub(crate) const ITEMS_MAX: f64 = 1e7;

/// The gyms by name: a new one is an entry here.
pub(crate) const GYMS: [(&str, Gym); 2] = [
    ("haggle", Gym { read: haggle_rules, constants: HaggleFile::json_schema, files: None, least: HAGGLE }),
    (
        "intention",
        Gym {
            read: intention_rules,
            constants: IntentionFile::json_schema,
            files: Some(FilesFile::json_schema),
            least: INTENTION,
        },
    ),
];

/// How a gym stands in scenario files.
#[derive(Clone, Copy)]
pub(crate) struct Gym {
    /// Reads its items and its constants, which are what `[world]` holds besides the common keys: the whole section, and only those.
    read: fn(&mut Check<'_>, &Node, &Node) -> (Rules, ItemCounts),
    /// The schema of these constants.
    pub(crate) constants: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of `items` that come out of a release's files; `None` if the gym makes all of its items.
    pub(crate) files: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// A good scenario with no more than it needs: what is demanded of it, the schema says.
    pub(crate) least: &'static str,
}

/// What every gym has; each adds its constants.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct WorldFile {
    /// The gym: what is played here, and what the other keys of this section mean.
    gym: Option<String>,
    /// The items. Made ones have a seed of their own, so that all runs share them.
    #[schemars(with = "Option<ItemsFile>")]
    items: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct ItemsFile {
    /// How many items there are to learn from.
    generate: Option<i64>,
    /// How many items there are to measure on; never learned from.
    held_out: Option<i64>,
    /// Seed of the generator; no part of a run's seed.
    seed: Option<i64>,
}

/// Reads `[world]` out of the file `root`; placeholders if there is none, which has been noted.
pub(crate) fn world(check: &mut Check<'_>, root: &Node) -> (Rules, ItemCounts) {
    let Some(world) = root.get("world") else {
        return (Rules::Haggle(haggle::Rules::default()), ItemCounts { train: 0, held_out: 0, seed: 0 });
    };
    let WorldFile { gym, items } = check.read_part(&part(world, |key| COMMON.contains(&key)), "world");
    // Where the gym is missing or unknown, which is noted, the first one stands in.
    let gym = check.word_required("world.gym", gym.as_deref(), &GYMS, "gym = \"haggle\"").unwrap_or(GYMS[0].1);
    check.present("world.items", items.is_some(), "items = { generate = 4000, held_out = 1000, seed = 7 }");
    (gym.read)(check, world, &part(world, |key| !COMMON.contains(&key)))
}

/// The constants of the bargaining world, each as in [`haggle::Rules`].
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct HaggleFile {
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

const HAGGLE: &str = r#"
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
fn haggle_rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let HaggleFile {
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

/// The constants of the requests that leave details out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct IntentionFile {
    /// What each further detail takes off the reward of a question that covers several.
    multi_detail_penalty: Option<f64>,
}

const INTENTION: &str = r#"
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
fn intention_rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let IntentionFile { multi_detail_penalty } = check.read_part(constants, "world");
    let share = Allowed::between(0.0, 1.0, "it is a share");
    let penalty = intention::MULTI_DETAIL_PENALTY;
    let multi_detail_penalty = check.number("world.multi_detail_penalty", multi_detail_penalty, penalty, share);
    let (library, counts) = intentions(check, world);
    (Rules::Intention(intention::Rules { multi_detail_penalty, library: Arc::new(library) }), counts)
}

/// After a mistake, which has been noted, a few items of our own stand in.
fn intentions(check: &mut Check<'_>, world: &Node) -> (intention::Library, ItemCounts) {
    let few = ItemCounts { train: 1, held_out: 1, seed: 0 };
    if released::is_asked_for(world) {
        let Some(library) = released::intentions(check, world) else {
            return (intention::catalogue::library(few), few);
        };
        let count = |split| u32::try_from(library.of(split).len()).unwrap_or(u32::MAX);
        let counts = ItemCounts { train: count(Split::Train), held_out: count(Split::HeldOut), seed: 0 };
        return (library, counts);
    }
    let counts = item_counts(check, world);
    let made = if counts.train > 0 && counts.held_out > 0 { counts } else { few };
    (intention::catalogue::library(made), counts)
}

fn item_counts(check: &mut Check<'_>, world: &Node) -> ItemCounts {
    let Some(items) = world.get("items") else {
        return ItemCounts { train: 0, held_out: 0, seed: 0 };
    };
    let ItemsFile { generate, held_out, seed } = check.read_part(items, "world.items");
    let some = Allowed::between(1.0, ITEMS_MAX, "without items there is nothing to play");
    ItemCounts {
        train: check.whole_required("world.items.generate", generate, 4000, some),
        held_out: check.whole_required("world.items.held_out", held_out, 1000, some),
        seed: check.whole_required("world.items.seed", seed, 7, Allowed::SEED),
    }
}

/// The section `node` with only the keys that are wanted; a value that is no section stays what it is.
fn part(node: &Node, wanted: impl Fn(&str) -> bool) -> Node {
    let value = match &node.value {
        Value::Table(entries) => {
            let kept = entries.iter().filter(|(key, _)| wanted(key.as_str()));
            Value::Table(kept.map(|(key, entry)| (key.clone(), entry.clone())).collect())
        }
        other => other.clone(),
    };
    Node { origin: node.origin, value }
}
