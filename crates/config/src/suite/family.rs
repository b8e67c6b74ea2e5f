//! `[[family]]`: a hostile user and its benign twin, against an agent.

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Scenario;
use sim::Seat;
use sim::scenario::Condition;
use stress::Family;
use stress::Severity;
use stress::Yardsticks;

use super::stock::Stock;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::policy;
use crate::scenario;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct FamilyFile {
    /// Its name in tables.
    pub(super) name: Option<String>,
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
    /// Who sits in the user's seat, on both sides. Left out: the scenario's user. A path starts at this file's folder.
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

impl Stock<'_> {
    /// One family; `None` after a mistake, which has been noted.
    pub(super) fn family(&mut self, check: &mut Check<'_>, at: usize, file: FamilyFile) -> Option<Family> {
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
        let attacker = located(check, &key("attacker"), attacker);
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
}

/// Pairs are pairs of items.
fn twins(check: &mut Check<'_>, key: &str, hostile: &Scenario, benign: &Scenario) {
    if hostile.rules.name() != benign.rules.name() || hostile.items != benign.items {
        let what = "its items are not those of the hostile side: there are no pairs to compare";
        check.error(key, what, "let the two sides differ in what the user is entitled to alone");
    }
}

/// Who sits where in a family or a test.
pub(super) fn seated(check: &mut Check<'_>, scenario: &Scenario, seat: Seat, key: &str, policy: &str) {
    if let Some((what, hint)) = policy::mistake(&scenario.rules, seat, policy) {
        check.error(key, what, hint);
    }
}

/// The same policy, with the path that it has starting where the file says.
pub(super) fn located(check: &Check<'_>, key: &str, policy: String) -> String {
    match policy.split_once(':') {
        Some((kind @ ("model" | "replay"), path)) if check.has(key) => {
            format!("{kind}:{}", check.folder_of(key).join(path).display())
        }
        _ => policy,
    }
}

/// The two scripts that show what a family or a test is worth.
pub(super) fn yardsticks(
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
