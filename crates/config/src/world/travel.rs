//! `gym = "travel"`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::Rules;
use sim::gyms::travel;
use sim::scenario::ItemCounts;

use super::Gym;
use super::item_counts_within;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;

/// How it stands in scenario files.
pub(super) const GYM: Gym = Gym { read: rules, constants: File::json_schema, files: None, least: LEAST };

/// Most trips of a split: each holds its options.
const ITEMS_MAX: f64 = 100_000.0;

/// The constants of the trips, each as in [`travel::Rules`].
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct File {
    /// For the first listing of an aspect.
    search_correct_reward: Option<f64>,
    /// For a wish that was told because it was asked for.
    preference_correct_reward: Option<f64>,
    /// For the cheapest option that meets all wishes; most that one answer earns.
    choice_best_reward: Option<f64>,
    /// For another option that meets all wishes.
    choice_correct_reward: Option<f64>,
    /// What a choice that misses a wish takes off others in the same answer.
    wrong_choice_penalty: Option<f64>,
    /// Whether the first choice for an aspect is the only one.
    one_choice_per_aspect: Option<bool>,
    /// Each search whose number this divides fails by a simulated error; 0: none does.
    search_failure_interval: Option<i64>,
    /// After so many things said that were about no wish, the next such one makes the user bring up a wish by itself; 0: it never does.
    elicitation_interval: Option<i64>,
}

const LEAST: &str = r#"
name = "least"
turns_max = 16
world = { gym = "travel", items = { generate = 1, held_out = 1, seed = 1 } }
agent = { policy = "rule", tokens_max = 48 }
user = { policy = "rule", tokens_max = 48 }
reward = [
    { seat = "agent", name = "chosen", kind = "outcome", weight = 1.0 },
    { seat = "user", name = "served", kind = "outcome", weight = 1.0 },
]
"#;

/// Trips of our own making: the release lacks the options and wishes of its own.
fn rules(check: &mut Check<'_>, world: &Node, constants: &Node) -> (Rules, ItemCounts) {
    let File {
        search_correct_reward,
        preference_correct_reward,
        choice_best_reward,
        choice_correct_reward,
        wrong_choice_penalty,
        one_choice_per_aspect,
        search_failure_interval,
        elicitation_interval,
    } = check.read_part(constants, "world");
    let counts = counts(check, world);
    let few = ItemCounts { train: 1, held_out: 1, seed: 0 };
    let is_made = [counts.train, counts.held_out].iter().all(|count| (1.0..=ITEMS_MAX).contains(&f64::from(*count)));
    let own = travel::Rules::of(Arc::new(travel::catalogue::library(if is_made { counts } else { few })));
    let share = Allowed::between(0.0, 1.0, "it is a share of what a best choice may earn");
    let often = Allowed::between(0.0, 1000.0, "it is a count of turns, and a talk has no more");
    let mut number = |key: &str, given, default| check.number(&format!("world.{key}"), given, default, share);
    let search_correct_reward = number("search_correct_reward", search_correct_reward, own.search_correct_reward);
    let preference_correct_reward =
        number("preference_correct_reward", preference_correct_reward, own.preference_correct_reward);
    let choice_best_reward = number("choice_best_reward", choice_best_reward, own.choice_best_reward);
    let choice_correct_reward = number("choice_correct_reward", choice_correct_reward, own.choice_correct_reward);
    let wrong_choice_penalty = number("wrong_choice_penalty", wrong_choice_penalty, own.wrong_choice_penalty);
    let mut interval = |key: &str, given, default| check.whole(&format!("world.{key}"), given, default, often);
    let search_failure_interval =
        interval("search_failure_interval", search_failure_interval, own.search_failure_interval);
    let elicitation_interval = interval("elicitation_interval", elicitation_interval, own.elicitation_interval);
    let one = check.flag("world.one_choice_per_aspect", one_choice_per_aspect, own.one_choice_per_aspect);
    let rules = travel::Rules {
        search_correct_reward,
        preference_correct_reward,
        choice_best_reward,
        choice_correct_reward,
        wrong_choice_penalty,
        one_choice_per_aspect: one,
        search_failure_interval,
        elicitation_interval,
        library: own.library,
    };
    (Rules::Travel(rules), counts)
}

fn counts(check: &mut Check<'_>, world: &Node) -> ItemCounts {
    let some =
        Allowed::between(1.0, ITEMS_MAX, "without items there is nothing to play, and each holds dozens of options");
    item_counts_within(check, world, some, some)
}
