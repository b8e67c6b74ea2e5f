//! `[world]`: the gym, its items and its constants. One function per gym.

use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::haggle;
use sim::scenario::ItemCounts;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::node::Value;

/// The keys of `[world]` that every gym has.
const COMMON: [&str; 2] = ["gym", "items"];

#[derive(Debug, Default, Deserialize)]
struct WorldFile {
    gym: Option<String>,
    items: Option<ItemsFile>,
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
    let WorldFile { gym, items } = check.read_part(&part(world, |key| COMMON.contains(&key)), "world");
    let gyms: [(&str, Gym); 1] = [("haggle", haggle_rules)];
    check.present("world.gym", gym.is_some(), "gym = \"haggle\"");
    let read = check.word("world.gym", gym.as_deref(), &gyms);
    let rules = read(check, &part(world, |key| !COMMON.contains(&key)));
    (rules, item_counts(check, items))
}

/// Reads one gym's constants from what `[world]` holds besides the common keys.
type Gym = fn(&mut Check<'_>, &Node) -> Rules;

/// The bargaining world. A new constant of `haggle::Rules` is one line in the list below; the compiler asks for it.
fn haggle_rules(check: &mut Check<'_>, constants: &Node) -> Rules {
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
    Rules::Haggle(rules)
}

fn item_counts(check: &mut Check<'_>, items: Option<ItemsFile>) -> ItemCounts {
    if items.is_none() {
        check.present("world.items", false, "items = { generate = 4000, held_out = 1000, seed = 7 }");
        return ItemCounts { train: 0, held_out: 0, seed: 0 };
    }
    let ItemsFile { generate, held_out, seed } = items.unwrap_or_default();
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
