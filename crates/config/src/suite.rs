//! A suite file, from raw keys to a [`Suite`]: families of hostile users with their twins, traps, and what a tested policy has to keep to.
//!
//! A family is one scenario read twice, with the overrides of its hostile and of its benign side, so that what the two differ in is written in one place.

mod trap;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Scenario;
use sim::Seat;
use sim::scenario::Condition;
use sim::scenario::Split;
use stress::Family;
use stress::Severity;
use stress::Suite;
use stress::Thresholds;
use stress::Yardsticks;

use self::trap::TrapFile;
use crate::ConfigError;
use crate::FileKind;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::load;
use crate::node::Node;
use crate::policy;
use crate::scenario;
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

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct FamilyFile {
    /// Its name in tables.
    name: Option<String>,
    /// Its code in the list of families, such as A4.
    code: Option<String>,
    /// What the hostile user is after, in a sentence.
    goal: Option<String>,
    /// How bad a breach is.
    severity: Option<String>,
    /// The scenario file; a path that starts at this file's folder.
    scenario: Option<String>,
    /// Turns that the agent has, instead of the scenario's.
    turns_max: Option<i64>,
    /// Who sits in the user's seat, on both sides. Left out: the scenario's user.
    attacker: Option<String>,
    /// Overrides of the scenario with which the user attacks, each `KEY=VALUE`.
    hostile: Option<Vec<String>>,
    /// Overrides of the scenario with which the user is entitled to what it asks for.
    benign: Option<Vec<String>>,
    /// When the attack has succeeded: a condition on the world's measures, as in `[success]`.
    breach: Option<String>,
    /// When the agent has done its task, on either side.
    solved: Option<String>,
    /// When the benign user was sent away.
    refused: Option<String>,
    /// When the attacker has left its role or goal, and the session says nothing. Left out: never, as far as is known.
    strayed: Option<String>,
    /// A scripted agent that falls for it.
    falls: Option<String>,
    /// A scripted agent that does not, and serves the benign user.
    resists: Option<String>,
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

/// Where a suite's scenarios come from.
struct Stock<'s> {
    shelf: Shelf<'s>,
    folder: PathBuf,
    /// Items of each scenario that are played.
    items: u32,
    /// Mistakes in other files, each once.
    elsewhere: Vec<ConfigError>,
    /// Of the first family and of the first test of traps, its name and whether its seats reason.
    reasons: BTreeMap<&'static str, (String, [bool; 2])>,
}

/// Checks the whole file, and every scenario that it names. `default_name` is the suite's name where the file gives none. The suite is good only if `check`
/// has found nothing, and nothing is wrong with the other files, whose mistakes are the second value.
pub(crate) fn suite(check: &mut Check<'_>, default_name: &str, shelf: Shelf<'_>) -> (Suite, Vec<ConfigError>) {
    let SuiteFile { name, seed, items, trials, reruns_max, thresholds, family, trap } = check.read("");
    let name = name.unwrap_or_else(|| default_name.to_owned());
    check.name("name", Some(&name));
    let some = Allowed::between(1.0, ITEMS_MAX, "without items there is nothing to play");
    let often = Allowed::between(1.0, 64.0, "each item is played so often, and 4 is what the literature reports");
    let again = Allowed::between(0.0, 16.0, "a session that says nothing so often will say nothing");
    let seed = check.whole("seed", seed, 1, Allowed::SEED);
    let items = check.whole("items", items, 50, some);
    let trials = check.whole("trials", trials, 4, often);
    let reruns_max = check.whole("reruns_max", reruns_max, 3, again);
    let thresholds = self::thresholds(check, thresholds.unwrap_or_default());
    let mut stock =
        Stock { shelf, folder: check.folder().to_owned(), items, elsewhere: Vec::new(), reasons: BTreeMap::new() };
    let (family, trap) = (family.unwrap_or_default(), trap.unwrap_or_default());
    check.demand("", crate::demand::Says::SomeOf(&["family", "trap"]));
    check.present_here("family", !(family.is_empty() && trap.is_empty()), "[[family]]` or `[[trap]]");
    let named =
        family.iter().map(|file| &file.name).enumerate().map(|(at, name)| (format!("family[{at}].name"), name.clone()));
    let traps =
        trap.iter().map(|file| &file.name).enumerate().map(|(at, name)| (format!("trap[{at}].name"), name.clone()));
    distinct(check, named.chain(traps).collect());
    let families = family.into_iter().enumerate().filter_map(|(at, file)| stock.family(check, at, file)).collect();
    let traps = trap.into_iter().enumerate().filter_map(|(at, file)| stock.trap(check, at, file)).collect();
    (Suite { name, seed, items, trials, reruns_max, thresholds, families, traps }, stock.elsewhere)
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

impl Stock<'_> {
    /// One family; `None` after a mistake, which has been noted.
    fn family(&mut self, check: &mut Check<'_>, at: usize, file: FamilyFile) -> Option<Family> {
        let key = |field: &str| format!("family[{at}].{field}");
        let name = check.required(&key("name"), file.name, "name = \"persistence\"");
        check.name(&key("name"), Some(&name).filter(|name| !name.is_empty()).map(String::as_str));
        let code = check.required(&key("code"), file.code, "code = \"A4\"");
        let goal = check.required(&key("goal"), file.goal, "goal = \"a discount that is not due\"");
        let severity = check.word(&key("severity"), file.severity.as_deref(), &Severity::ALL);
        let turns = Allowed::between(1.0, 1000.0, "without a turn nobody speaks, and every talk has a bound");
        let turns_max =
            check.whole_optional::<u32>(&key("turns_max"), file.turns_max, turns, "the scenario's own count");
        check.present(&key("hostile"), file.hostile.is_some(), "hostile = [\"world.given.owner=no\"]");
        check.present(&key("benign"), file.benign.is_some(), "benign = [\"world.given.owner=yes\"]");
        let path =
            check.required(&key("scenario"), file.scenario, "scenario = \"../../scenarios/stress/persistence.toml\"");
        let mut side = |side: &str, sets: Option<Vec<String>>| {
            let turns = turns_max.map(|turns| format!("turns_max={turns}"));
            let sets = sets.unwrap_or_default();
            (!path.is_empty())
                .then(|| self.scenario(check, &key("scenario"), &path, (&key(side), &sets), turns))
                .flatten()
        };
        let (hostile, benign) = (side("hostile", file.hostile), side("benign", file.benign));
        let mut condition = |field: &str, text: Option<String>, example: &str| {
            check.present(&key(field), text.is_some(), example);
            self::condition(check, hostile.as_deref(), &key(field), text)
        };
        let breach = condition("breach", file.breach, "breach = \"own.breach\"");
        let solved = condition("solved", file.solved, "solved = \"own.solved\"");
        let refused = condition("refused", file.refused, "refused = \"own.refused\"");
        let has_strayed = file.strayed.is_some();
        let strayed = self::condition(check, hostile.as_deref(), &key("strayed"), file.strayed);
        let yardsticks = yardsticks(check, hostile.as_deref(), Seat::Agent, (at, "family"), (file.falls, file.resists));
        let (hostile, benign) = (hostile?, benign?);
        let attacker = file.attacker.unwrap_or_else(|| hostile.seats.user.policy.clone());
        seated(check, &hostile, Seat::User, &key("attacker"), &attacker);
        self.enough_items(check, &key("scenario"), &hostile);
        twins(check, &key("benign"), &hostile, &benign);
        self.reason_alike(check, "family", &key("scenario"), &name, &hostile);
        if has_strayed && strayed.is_none() {
            return None;
        }
        let (breach, solved, refused) = (breach?, solved?, refused?);
        let yardsticks = yardsticks?;
        Some(Family {
            name,
            code,
            goal,
            severity,
            attacker,
            hostile,
            benign,
            breach,
            solved,
            refused,
            strayed,
            yardsticks,
        })
    }

    /// A scenario with overrides, each a mistake of its own line if it is one.
    fn scenario(
        &mut self,
        check: &mut Check<'_>,
        key: &str,
        written: &str,
        (list, sets): (&str, &[String]),
        turns_max: Option<String>,
    ) -> Option<Arc<Scenario>> {
        let path = self.shelf.beside(&self.folder, written);
        let source = load::named(self.shelf, FileKind::Scenario, &path, (key, written), check)?;
        let mut root = match Node::parse(&source) {
            Ok(root) => root,
            Err(errors) => return self.note(errors.0),
        };
        let mut is_good = true;
        for (at, set) in sets.iter().chain(&turns_max).enumerate() {
            if let Err(error) = root.set(set) {
                check.error(
                    &format!("{list}[{at}]"),
                    format!("`{set}` {}", error.what),
                    "write `KEY=VALUE`, e.g. `turns_max=6`",
                );
                is_good = false;
            }
        }
        let mut inner = Check::new(source.name(), &root);
        let scenario = scenario::scenario(&mut inner, &root);
        match inner.finish(scenario) {
            Ok(scenario) if is_good => Some(Arc::new(scenario)),
            Ok(_) => None,
            Err(errors) => {
                let (of_sets, of_file): (Vec<ConfigError>, Vec<ConfigError>) =
                    errors.0.into_iter().partition(|error| error.line.is_none() && error.file == "--set");
                for error in of_sets {
                    check.error(list, format!("{}: {}", error.key, error.what), error.hint.unwrap_or_default());
                }
                self.note(of_file)
            }
        }
    }

    /// Mistakes of another file, which both sides of a family have alike.
    fn note<T>(&mut self, errors: Vec<ConfigError>) -> Option<T> {
        for error in errors {
            if !self.elsewhere.contains(&error) {
                self.elsewhere.push(error);
            }
        }
        None
    }

    fn enough_items(&self, check: &mut Check<'_>, key: &str, scenario: &Scenario) {
        let has = scenario.items.of(Split::HeldOut);
        if has < self.items {
            let what = format!("`{}` has {has} held-out items, and {} are to be played", scenario.name, self.items);
            check.error(key, what, "lower `items`, or let the scenario have more");
        }
    }

    /// One model is tested in all families, or in all tests of traps, so it thinks in all of them or in none.
    fn reason_alike(&mut self, check: &mut Check<'_>, list: &'static str, key: &str, name: &str, scenario: &Scenario) {
        let reasons = Seat::ALL.map(|seat| scenario.seats[seat].reasons);
        let (first, as_there) = self.reasons.entry(list).or_insert_with(|| (name.to_owned(), reasons));
        if *as_there != reasons {
            let what =
                format!("its seats reason otherwise than those of `{first}`: one model could not be tested in both");
            check.error(key, what, "give their scenarios the same `agent.reasons` and `user.reasons`");
        }
    }
}

/// Pairs are pairs of items.
fn twins(check: &mut Check<'_>, key: &str, hostile: &Scenario, benign: &Scenario) {
    if hostile.rules.name() != benign.rules.name() || hostile.items != benign.items {
        let what = "its items are not those of the hostile side: there are no pairs to compare";
        check.error(key, what, "let the two sides differ in what the user is entitled to alone");
    }
}

/// Who sits where in a family or a test.
fn seated(check: &mut Check<'_>, scenario: &Scenario, seat: Seat, key: &str, policy: &str) {
    if let Some((what, hint)) = policy::mistake(&scenario.rules, seat, policy) {
        check.error(key, what, hint);
    }
}

/// The two scripts that show what a family or a test is worth.
fn yardsticks(
    check: &mut Check<'_>,
    scenario: Option<&Scenario>,
    seat: Seat,
    (at, list): (usize, &str),
    (falls, resists): (Option<String>, Option<String>),
) -> Option<Yardsticks> {
    let mut one = |field: &str, given: Option<String>, example: &str| {
        let key = format!("{list}[{at}].{field}");
        check.present(&key, given.is_some(), example);
        let policy = given?;
        if let Some(scenario) = scenario {
            seated(check, scenario, seat, &key, &policy);
            if !policy::is_script(&policy) {
                let what = format!("`{policy}` is no script: nobody would know what it shows");
                check.error(&key, what, "name a script of the gym");
            }
        }
        Some(policy)
    };
    let falls = one("falls", falls, "falls = \"scripted:gullible\"");
    let resists = one("resists", resists, "resists = \"scripted:good\"");
    Some(Yardsticks { falls: falls?, resists: resists? })
}

/// A condition on the measures of a scenario; `None` if there is none, or after a mistake, which has been noted.
fn condition(check: &mut Check<'_>, scenario: Option<&Scenario>, key: &str, text: Option<String>) -> Option<Condition> {
    scenario::condition(check, &scenario?.rules, key, text)
}
