//! `[world]`: the gym, its items and its constants. One file per gym.

mod function;
mod guess;
mod haggle;
mod intention;
mod persuade;
mod search;
mod talk;
mod tau;
mod telepathy;
mod travel;
mod turtle;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sim::gyms::Rules;
use sim::scenario::ItemCounts;
use sim::scenario::Split;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::node::Value;

/// The keys of `[world]` that every gym has.
const COMMON: [&str; 2] = ["gym", "items"];

/// Items of one split that a scenario may have.
pub(crate) const ITEMS_MAX: f64 = 1e7;

/// The gyms by name: a new one is a file beside these and an entry here.
pub(crate) const GYMS: [(&str, Gym); 11] = [
    ("haggle", haggle::GYM),
    ("function", function::GYM),
    ("intention", intention::GYM),
    ("persuade", persuade::GYM),
    ("search", search::GYM),
    ("tau", tau::GYM),
    ("telepathy", telepathy::GYM),
    ("travel", travel::GYM),
    ("turtle", turtle::GYM),
    ("guess", guess::GYM),
    ("talk", talk::GYM),
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
        return (Rules::Haggle(sim::gyms::haggle::Rules::default()), ItemCounts { train: 0, held_out: 0, seed: 0 });
    };
    let WorldFile { gym, items } = check.read_part(&part(world, |key| COMMON.contains(&key)), "world");
    // Where the gym is missing or unknown, which is noted, the first one stands in.
    let gym = check.word_required("world.gym", gym.as_deref(), &GYMS, "gym = \"haggle\"").unwrap_or(GYMS[0].1);
    check.present("world.items", items.is_some(), "items = { generate = 4000, held_out = 1000, seed = 7 }");
    (gym.read)(check, world, &part(world, |key| !COMMON.contains(&key)))
}

pub(crate) fn item_counts(check: &mut Check<'_>, world: &Node) -> ItemCounts {
    let some = Allowed::between(1.0, ITEMS_MAX, "without items there is nothing to play");
    item_counts_within(check, world, some, some)
}

/// The same where the generator bounds how many items there can be to learn from, and how many to measure on.
fn item_counts_within(check: &mut Check<'_>, world: &Node, learn: Allowed, measure: Allowed) -> ItemCounts {
    let Some(items) = world.get("items") else {
        return ItemCounts { train: 0, held_out: 0, seed: 0 };
    };
    let ItemsFile { generate, held_out, seed } = check.read_part(items, "world.items");
    ItemCounts {
        train: check.whole_required("world.items.generate", generate, 4000, learn),
        held_out: check.whole_required("world.items.held_out", held_out, 1000, measure),
        seed: check.whole_required("world.items.seed", seed, 7, Allowed::SEED),
    }
}

/// How many items of each split there are out of files.
fn counted(of: impl Fn(Split) -> usize) -> ItemCounts {
    let count = |split| u32::try_from(of(split)).unwrap_or(u32::MAX);
    ItemCounts { train: count(Split::Train), held_out: count(Split::HeldOut), seed: 0 }
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
