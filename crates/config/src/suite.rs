//! A suite file, from raw keys to a [`Suite`]: families of hostile users with their twins, traps, evaluation sets, and what a tested policy has to keep to.
//!
//! A family is one scenario read twice, with the overrides of its hostile and of its benign side, so that what the two differ in is written in one place.

mod family;
mod set;
mod stock;
mod trap;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use stress::Suite;
use stress::Thresholds;

use self::family::FamilyFile;
use self::set::SetFile;
use self::stock::Stock;
use self::trap::TrapFile;
use crate::ConfigError;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::shelf::Shelf;
use crate::world::ITEMS_MAX;

/// What is done to whom, and what has to come of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct SuiteFile {
    /// Name of the suite. Left out: this file's name without .toml.
    name: Option<String>,
    /// Seed of every draw.
    seed: Option<i64>,
    /// The first so many held-out items of each scenario are played.
    items: Option<i64>,
    /// Sessions of each item.
    trials: Option<i64>,
    /// How often a session is played again that says nothing, because the attacker left its role or goal or something failed.
    reruns_max: Option<i64>,
    /// What a tested policy has to keep to; whatever is crossed ends the command with exit code 1.
    thresholds: Option<ThresholdsFile>,
    /// Families of hostile users, against agents.
    family: Option<Vec<FamilyFile>>,
    /// Agents that press, against users.
    trap: Option<Vec<TrapFile>>,
    /// Evaluation sets of users.
    set: Option<Vec<SetFile>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct ThresholdsFile {
    /// Most share of hostile sessions of a family that may be breached.
    asr_max: Option<f64>,
    /// Least share of hostile sessions of a family that are solved without a breach.
    robust_min: Option<f64>,
    /// Most that pass^k may lose under attack in a family, at k = all trials.
    degradation_max: Option<f64>,
    /// Most share of a family's benign sessions in which the user is sent away.
    over_refusal_max: Option<f64>,
    /// Least stress score of an agent.
    score_min: Option<f64>,
    /// Least share of a test's traps that a user names and counters.
    recall_min: Option<f64>,
    /// Most share of a test's traps that a user gives in to.
    fell_max: Option<f64>,
    /// Most share of a test's truthful twins that a user counters.
    over_suspicion_max: Option<f64>,
    /// Least by which the yardsticks of a family or a test differ.
    apart_min: Option<f64>,
}

/// A good suite of `scenario.toml`, which may be of any gym, in which every key of a family is looked at.
pub(crate) const LEAST: &str = r#"
items = 1
[[family]]
name = "least"
code = "A1"
goal = "It."
scenario = "scenario.toml"
hostile = []
benign = []
breach = "agent.score < 0"
solved = "agent.score > 0"
refused = "agent.score <= 0"
falls = "random"
resists = "rule"
"#;

/// The same with traps, which are a talk's.
pub(crate) const LEAST_TRAP: &str = r#"
items = 1
[[trap]]
name = "least"
scenario = "scenario.toml"
set = ["world.sample.traps=1"]
falls = "scripted:gullible"
resists = "rule"
"#;

/// The same with an evaluation set, which is of talks.
pub(crate) const LEAST_SET: &str = r#"
[[set]]
name = "least"
kind = "sessions"
scenarios = ["scenario.toml"]
tasks = 1
falls = "scripted:gullible"
resists = "rule"
"#;

/// Checks the whole file, and every scenario that it names. `default_name` is the suite's name where the file gives none. The suite is good only if `check`
/// has found nothing, and nothing is wrong with the other files, whose mistakes are the second value.
pub(crate) fn suite(check: &mut Check<'_>, default_name: &str, shelf: Shelf<'_>) -> (Suite, Vec<ConfigError>) {
    let SuiteFile { name, seed, items, trials, reruns_max, thresholds, family, trap, set } = check.read("");
    let name = name.unwrap_or_else(|| default_name.to_owned());
    check.name("name", Some(&name));
    let some = Allowed::between(1.0, ITEMS_MAX, "without items there is nothing to play");
    let often = Allowed::between(1.0, 64.0, "each item is played so often, and 4 is what the literature reports");
    let again = Allowed::between(0.0, 16.0, "a session that says nothing so often will say nothing");
    let seed = check.whole("seed", seed, 1, Allowed::SEED);
    if family.is_none() && trap.is_none() && set.is_some() {
        check.without_effect("items", items, "the suite has nothing but sets, and each says how many `tasks` it has");
    }
    let items = check.whole("items", items, 50, some);
    let trials = check.whole("trials", trials, 4, often);
    let reruns_max = check.whole("reruns_max", reruns_max, 3, again);
    let thresholds = self::thresholds(check, thresholds.unwrap_or_default());
    let mut stock =
        Stock { shelf, folder: check.folder().to_owned(), items, elsewhere: Vec::new(), reasons: BTreeMap::new() };
    let (family, trap, set) = (family.unwrap_or_default(), trap.unwrap_or_default(), set.unwrap_or_default());
    check.demand("", crate::demand::Says::SomeOf(&["family", "trap", "set"]));
    let is_empty = family.is_empty() && trap.is_empty() && set.is_empty();
    check.present_here("family", !is_empty, "[[family]]`, `[[trap]]` or `[[set]]");
    let named =
        family.iter().map(|file| &file.name).enumerate().map(|(at, name)| (format!("family[{at}].name"), name.clone()));
    let traps =
        trap.iter().map(|file| &file.name).enumerate().map(|(at, name)| (format!("trap[{at}].name"), name.clone()));
    let sets =
        set.iter().map(|file| &file.name).enumerate().map(|(at, name)| (format!("set[{at}].name"), name.clone()));
    distinct(check, named.chain(traps).chain(sets).collect());
    let families = family.into_iter().enumerate().filter_map(|(at, file)| stock.family(check, at, file)).collect();
    let traps = trap.into_iter().enumerate().filter_map(|(at, file)| stock.trap(check, at, file)).collect();
    let sets = set.into_iter().enumerate().filter_map(|(at, file)| stock.set(check, at, file)).collect();
    (Suite { name, seed, items, trials, reruns_max, thresholds, families, traps, sets }, stock.elsewhere)
}

/// Results are told apart by names.
fn distinct(check: &mut Check<'_>, names: Vec<(String, Option<String>)>) {
    for (at, (key, name)) in names.iter().enumerate() {
        let Some(name) = name else { continue };
        if names[..at].iter().any(|(_, other)| other.as_ref() == Some(name)) {
            let what = format!("`{name}` is the name of another one too: their results could not be told apart");
            check.error(key, what, "give one of the two another name");
        }
    }
}

fn thresholds(check: &mut Check<'_>, file: ThresholdsFile) -> Thresholds {
    let ThresholdsFile {
        asr_max,
        robust_min,
        degradation_max,
        over_refusal_max,
        score_min,
        recall_min,
        fell_max,
        over_suspicion_max,
        apart_min,
    } = file;
    let share = Allowed::between(0.0, 1.0, "it is a share");
    let mut share_of = |name: &str, given: Option<f64>| {
        check.number_optional(&format!("thresholds.{name}"), given, share, "nothing is asked")
    };
    Thresholds {
        asr_max: share_of("asr_max", asr_max),
        robust_min: share_of("robust_min", robust_min),
        degradation_max: share_of("degradation_max", degradation_max),
        over_refusal_max: share_of("over_refusal_max", over_refusal_max),
        score_min: share_of("score_min", score_min),
        recall_min: share_of("recall_min", recall_min),
        fell_max: share_of("fell_max", fell_max),
        over_suspicion_max: share_of("over_suspicion_max", over_suspicion_max),
        apart_min: share_of("apart_min", apart_min),
    }
}
