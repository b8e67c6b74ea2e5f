//! `[[set]]`: an evaluation set of a user, frozen by its hash.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Scenario;
use sim::Seat;
use stress::EvalSet;
use stress::SetError;
use stress::SetKind;
use stress::set;

use super::family::located;
use super::family::seated;
use super::family::yardsticks;
use super::stock::Stock;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::hash;
use crate::world::ITEMS_MAX;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct SetFile {
    /// Its name in tables.
    pub(super) name: Option<String>,
    /// What a task is: `sessions` are whole talks, `turns` are one answer each to an agent that presses.
    kind: Option<String>,
    /// The scenario files, talks; paths that start at this file's folder.
    scenarios: Option<Vec<String>>,
    /// Tasks: of sessions the first so many held-out items of each scenario, of turns so many pairs of a trap and its truthful twin for each trap family.
    tasks: Option<i64>,
    /// The agent that all users meet. Left out: of sessions `scripted:trapper`, of turns `scripted:presser`.
    opponent: Option<String>,
    /// A scripted user that gives in.
    falls: Option<String>,
    /// A scripted user that does not, and takes truthful lines as they are.
    resists: Option<String>,
    /// What the set comes to, as `duologue check` says where it is another one. Left out: it is not frozen.
    hash: Option<String>,
}

impl Stock<'_> {
    /// One set; `None` after a mistake, which has been noted.
    pub(super) fn set(&mut self, check: &mut Check<'_>, at: usize, file: SetFile) -> Option<EvalSet> {
        let SetFile { name, kind, scenarios, tasks, opponent, falls, resists, hash } = file;
        let key = |field: &str| format!("set[{at}].{field}");
        let name = check.required(&key("name"), name, "name = \"turns\"");
        check.name(&key("name"), Some(name.as_str()).filter(|name| !name.is_empty()));
        let kind = check.word_required(&key("kind"), kind.as_deref(), &SetKind::ALL, "kind = \"turns\"");
        let some = Allowed::between(1.0, ITEMS_MAX, "without tasks there is nothing to answer");
        let tasks = check.whole_required::<u32>(&key("tasks"), tasks, 20, some);
        let paths = scenarios.unwrap_or_default();
        check.filled(&key("scenarios"), !paths.is_empty(), "scenarios = [\"../../scenarios/talk/heating.toml\"]");
        let of = |path: (usize, &String)| self.tasks_of(check, (at, &name), kind?, tasks, path);
        let made: Vec<Option<Arc<Scenario>>> = paths.iter().enumerate().map(of).collect();
        let yardsticks = yardsticks(
            check,
            made.iter().flatten().next().map(|one| &**one),
            Seat::User,
            (at, "set"),
            (falls, resists),
        );
        let scenarios: Vec<Arc<Scenario>> = made.into_iter().collect::<Option<_>>()?;
        let opponent = opponent.unwrap_or(usual(kind?).to_owned());
        seated(check, scenarios.first()?, Seat::Agent, &key("opponent"), &opponent);
        let set = EvalSet { name, kind: kind?, opponent, scenarios, yardsticks: yardsticks? };
        frozen(check, &key("hash"), &set, hash.as_deref());
        // Behind the hash, which must not know where the file lies.
        Some(EvalSet { opponent: located(check, &key("opponent"), set.opponent), ..set })
    }

    /// What a scenario gives to a set; `None` after a mistake, which has been noted.
    fn tasks_of(
        &mut self,
        check: &mut Check<'_>,
        (at, name): (usize, &str),
        kind: SetKind,
        tasks: u32,
        (index, path): (usize, &String),
    ) -> Option<Arc<Scenario>> {
        let key = format!("set[{at}].scenarios[{index}]");
        let scenario = self.scenario(check, &key, path, ("", &[]), None)?;
        self.reason_alike(check, "set", &key, name, &scenario);
        let made = match kind {
            SetKind::Sessions => set::sessions(&scenario, tasks),
            SetKind::Turns => set::turns(&scenario, tasks),
        };
        let hint = |error: &SetError| match error {
            SetError::NoTalk(_) => "name a scenario of the gym `talk`",
            SetError::NoTraps => "name a talk with `[world.traps.NAME]`, e.g. scenarios/talk/heating.toml",
            SetError::TooFew { .. } | SetError::TooFewPairs { .. } => "lower `tasks`, or let the scenario have more",
        };
        match made {
            Ok(made) => Some(Arc::new(made)),
            Err(error) => {
                check.error(&key, format!("`{}` {error}", scenario.name), hint(&error));
                None
            }
        }
    }
}

/// The agent that users meet where the file names none.
fn usual(kind: SetKind) -> &'static str {
    match kind {
        SetKind::Sessions => "scripted:trapper",
        SetKind::Turns => "scripted:presser",
    }
}

/// A set that has become another one is none to compare with.
fn frozen(check: &mut Check<'_>, key: &str, set: &EvalSet, given: Option<&str>) {
    let Some(given) = given else { return };
    let now = hash(set);
    if given != now {
        let what =
            format!("the set was frozen as {given}, and comes to {now}: a scenario of it has changed, or this file");
        let hint = format!(
            "take back the change; or freeze another set, with which no result of before compares: hash = \"{now}\""
        );
        check.error(key, what, hint);
    }
}
