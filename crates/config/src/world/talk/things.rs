//! `[world.slots]` and `[world.facts]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Pair;
use sim::gyms::talk::book::Common;
use sim::gyms::talk::book::Fact;
use sim::gyms::talk::book::Thing;

use super::desk;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::suggest;

/// Values that one thing may have.
const VALUES_MAX: usize = 64;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct SlotFile {
    /// What it can be: single words, in which `_` is said as a space.
    values: Option<Vec<String>>,
    /// How it is called in a sentence; left out: by its name.
    words: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct FactFile {
    /// What it can be: single words, in which `_` is said as a space.
    values: Option<Vec<String>>,
    /// How likely each value is, relative to the others; left out: all alike.
    odds: Option<Vec<f64>>,
    /// How it is called in a sentence; left out: by its name.
    words: Option<String>,
    /// Chance that the agent knows it from the start.
    agent_knows: Option<f64>,
    /// Chance that the user knows it from the start.
    user_knows: Option<f64>,
}

/// All things, in the order of their names.
pub(super) fn things(
    check: &mut Check<'_>,
    slots: BTreeMap<String, SlotFile>,
    facts: BTreeMap<String, FactFile>,
) -> Vec<Thing> {
    let mut things = Vec::new();
    for (name, SlotFile { values, words }) in slots {
        let key = format!("world.slots.{name}");
        desk::name(check, "world.slots", &key, &name);
        if facts.contains_key(&name) {
            let what = format!("`{name}` is a fact too: a name means one thing");
            check.error(&key, what, "call one of them otherwise");
        }
        things.push(Thing { words: words_of(&name, words), values: values_of(check, &key, values), name, fact: None });
    }
    let share = Allowed::between(0.0, 1.0, "it is a chance");
    for (name, FactFile { values, odds, words, agent_knows, user_knows }) in facts {
        let key = format!("world.facts.{name}");
        desk::name(check, "world.facts", &key, &name);
        let values = values_of(check, &key, values);
        let odds = odds_of(check, &format!("{key}.odds"), odds, values.len());
        let known = Pair {
            agent: check.number(&format!("{key}.agent_knows"), agent_knows, 0.0, share),
            user: check.number(&format!("{key}.user_knows"), user_knows, 0.0, share),
        };
        things.push(Thing { words: words_of(&name, words), values, name, fact: Some(Fact { odds, known }) });
    }
    things.sort_by(|one, other| one.name.cmp(&other.name));
    things
}

/// Facts that every item has, with their values.
pub(super) fn given(check: &mut Check<'_>, common: &Common, given: BTreeMap<String, String>) -> Vec<(usize, u8)> {
    let facts: Vec<&str> =
        common.things.iter().filter(|thing| thing.fact.is_some()).map(|thing| thing.name.as_str()).collect();
    let mut read = Vec::new();
    for (name, value) in given {
        let key = format!("world.given.{name}");
        let Some(thing) = common.thing(&name).filter(|thing| common.things[*thing].fact.is_some()) else {
            let hint = suggest::hint(&name, facts.iter().copied(), "facts are");
            check.error(&key, format!("there is no fact `{name}`: only what is true can be given"), hint);
            continue;
        };
        let values = &common.things[thing];
        match values.read(&value) {
            Some(value) => read.push((thing, value)),
            None => {
                let hint = suggest::hint(&value, values.values.iter().map(String::as_str), "it is one of");
                check.error(&key, format!("`{name}` is never `{value}`"), hint);
            }
        }
    }
    read
}

fn words_of(name: &str, words: Option<String>) -> String {
    words.unwrap_or_else(|| name.replace('_', " "))
}

/// At least one value each.
fn values_of(check: &mut Check<'_>, key: &str, given: Option<Vec<String>>) -> Vec<String> {
    let key = format!("{key}.values");
    check.filled(&key, given.is_some(), "values = [\"yes\", \"no\"]");
    let values = given.unwrap_or_else(|| vec!["yes".to_owned()]);
    if values.is_empty() {
        check.error(
            &key,
            "holds nothing: a thing that can be nothing cannot be spoken of",
            "e.g. `values = [\"yes\", \"no\"]`",
        );
        return vec!["yes".to_owned()];
    }
    if values.len() > VALUES_MAX {
        check.error(
            &key,
            format!("has {} values; {VALUES_MAX} can be told apart in a talk", values.len()),
            "group some of them",
        );
    }
    for (index, value) in values.iter().enumerate() {
        let key = format!("{key}[{index}]");
        if value.is_empty() || value.chars().any(|c| c.is_whitespace() || "[](),;=<>!$\"'{}".contains(c)) {
            let what = format!("cannot be \"{value}\": a value is one word, which acts and conditions can hold");
            check.error(&key, what, "write `_` for a space: \"early_morning\" is said as \"early morning\"");
        }
        let number = |text: &String| text.parse::<f64>().ok();
        if number(value).is_some_and(|number| !number.is_finite()) {
            let what = format!("cannot be \"{value}\": conditions would take it for a number that is none");
            check.error(&key, what, "call it otherwise");
        }
        let is_same = |other: &String| {
            other.eq_ignore_ascii_case(value) || number(other).is_some_and(|other| number(value) == Some(other))
        };
        if values[..index].iter().any(is_same) {
            check.error(&key, format!("`{value}` stands here twice"), "take one of them out");
        }
    }
    values
}

fn odds_of(check: &mut Check<'_>, key: &str, given: Option<Vec<f64>>, count: usize) -> Vec<f64> {
    let Some(odds) = given else { return vec![1.0; count] };
    let is_good =
        odds.len() == count && odds.iter().all(|odd| odd.is_finite() && *odd >= 0.0) && odds.iter().sum::<f64>() > 0.0;
    if !is_good {
        let what = format!("must hold {count} numbers of at least 0, one for each value, and not all of them 0");
        check.error(key, what, "e.g. `odds = [3, 1]`: the first value is three times as likely as the second");
        return vec![1.0; count];
    }
    odds
}
