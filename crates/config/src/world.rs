//! `[world]`: the gym, its items and its constants. One function per gym.

use std::sync::Arc;

use serde::Deserialize;
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

/// The keys of `[world]` that every gym has.
const COMMON: [&str; 2] = ["gym", "items"];

#[derive(Debug, Default, Deserialize)]
struct WorldFile {
    gym: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ItemsFile {
    generate: Option<i64>,
    held_out: Option<i64>,
    seed: Option<i64>,
}

/// Reads `[world]` out of the file `root`; placeholders if there is none, which has been noted.
pub(crate) fn world(check: &mut Check<'_>, root: &Node) -> (Rules, ItemCounts) {
    let Some(world) = root.get("world") else {
        return (Rules::Haggle(haggle::Rules::default()), ItemCounts { train: 0, held_out: 0, seed: 0 });
    };
    let WorldFile { gym } = check.read_part(&part(world, |key| key == "gym"), "world");
    let gyms: [(&str, Gym); 2] = [("haggle", haggle_rules), ("intention", intention_rules)];
    check.present("world.gym", gym.is_some(), "gym = \"haggle\"");
    let read = check.word("world.gym", gym.as_deref(), &gyms);
    check.present(
        "world.items",
        world.get("items").is_some(),
        "items = { generate = 4000, held_out = 1000, seed = 7 }",
    );
    read(check, world, &part(world, |key| !COMMON.contains(&key)))
}

/// Reads one gym from `[world]`: its items, and its constants, which are the keys besides the common ones.
type Gym = fn(&mut Check<'_>, &Node, &Node) -> (Rules, ItemCounts);

/// The bargaining world. A new constant of `haggle::Rules` is one line in the list below; the compiler asks for it.
fn haggle_rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let rules: haggle::Rules = check.read_part(constants, "world");
    let haggle::Rules {
        scale_min,
        false_claim_penalty,
        sees,
        no_zone,
        favourable,
        warranty_cost,
        warranty_worth,
        deadline_cost,
        deadline_round,
    } = &rules;
    let given = haggle::Rules::default();
    let share = Allowed::between(0.0, 1.0, "it is a share");
    let dollars =
        Allowed::between(0.0, haggle::PRICE_MAX as f64, "it is an amount in dollars, and this is the highest price");
    let rounds = Allowed::between(0.0, 1000.0, "it is a round of the talk");
    let scale = Allowed::above(0.0, 1e3, "scores are divided by it");
    check.number("world.scale_min", Some(*scale_min), given.scale_min, scale);
    check.number("world.false_claim_penalty", Some(*false_claim_penalty), given.false_claim_penalty, share);
    check.number("world.sees", Some(*sees), given.sees, share);
    check.number("world.no_zone", Some(*no_zone), given.no_zone, share);
    check.number("world.favourable", Some(*favourable), given.favourable, share);
    check.whole("world.warranty_cost", Some(*warranty_cost), given.warranty_cost, dollars);
    check.whole("world.warranty_worth", Some(*warranty_worth), given.warranty_worth, dollars);
    check.whole("world.deadline_cost", Some(*deadline_cost), given.deadline_cost, dollars);
    check.whole("world.deadline_round", Some(i64::from(*deadline_round)), given.deadline_round, rounds);
    (Rules::Haggle(rules), item_counts(check, world))
}

#[derive(Debug, Default, Deserialize)]
struct IntentionFile {
    multi_detail_penalty: Option<f64>,
}

/// Requests with details left out: of a release's files, or of our own making.
fn intention_rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let IntentionFile { multi_detail_penalty } = check.read_part(constants, "world");
    let share = Allowed::between(0.0, 1.0, "it is a share");
    let penalty = intention::MULTI_DETAIL_PENALTY;
    let multi_detail_penalty = check.number("world.multi_detail_penalty", multi_detail_penalty, penalty, share);
    let read = released::intentions(check, world);
    // After a mistake, which has been noted, a few items of our own stand in.
    let few = ItemCounts { train: 1, held_out: 1, seed: 0 };
    let (library, counts) = match read {
        Some(library) => {
            let count = |split| u32::try_from(library.of(split).len()).unwrap_or(u32::MAX);
            let counts = ItemCounts { train: count(Split::Train), held_out: count(Split::HeldOut), seed: 0 };
            (library, counts)
        }
        None if released::is_asked_for(world) => (intention::catalogue::library(few), few),
        None => {
            let counts = item_counts(check, world);
            let made = if counts.train > 0 && counts.held_out > 0 { counts } else { few };
            (intention::catalogue::library(made), counts)
        }
    };
    (Rules::Intention(intention::Rules { multi_detail_penalty, library: Arc::new(library) }), counts)
}

fn item_counts(check: &mut Check<'_>, world: &Node) -> ItemCounts {
    let Some(items) = world.get("items") else {
        return ItemCounts { train: 0, held_out: 0, seed: 0 };
    };
    let ItemsFile { generate, held_out, seed } = check.read_part(items, "world.items");
    let some = Allowed::between(1.0, 1e7, "without items there is nothing to play");
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
