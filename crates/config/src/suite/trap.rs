//! `[[trap]]`: a talk whose agent presses, against a user.

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Seat;
use sim::gyms::Rules;
use stress::TrapTest;

use super::family::located;
use super::family::seated;
use super::family::yardsticks;
use super::stock::Stock;
use crate::check::Check;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct TrapFile {
    /// Its name in tables.
    pub(super) name: Option<String>,
    /// The scenario file, a talk; a path that starts at this file's folder.
    scenario: Option<String>,
    /// Overrides of the scenario, each `KEY=VALUE`; `world.sample.traps=1` gives each item one pressing line.
    set: Option<Vec<String>>,
    /// The agent that presses. A path starts at this file's folder.
    attacker: Option<String>,
    /// A scripted user that gives in.
    falls: Option<String>,
    /// A scripted user that does not, and takes truthful lines as they are.
    resists: Option<String>,
}

impl Stock<'_> {
    /// One test of traps; `None` after a mistake, which has been noted.
    pub(super) fn trap(&mut self, check: &mut Check<'_>, at: usize, file: TrapFile) -> Option<TrapTest> {
        let TrapFile { name, scenario, set, attacker, falls, resists } = file;
        let key = |field: &str| format!("trap[{at}].{field}");
        let name = check.required(&key("name"), name, "name = \"traps\"");
        check.name(&key("name"), Some(name.as_str()).filter(|name| !name.is_empty()));
        let path = check.required(&key("scenario"), scenario, "scenario = \"../../scenarios/talk/broadband.toml\"");
        let attacker = check.text(&key("attacker"), attacker, "scripted:trapper");
        let sets = set.unwrap_or_default();
        let scenario = (!path.is_empty())
            .then(|| self.scenario(check, &key("scenario"), &path, (&key("set"), &sets), None))
            .flatten();
        let yardsticks = yardsticks(check, scenario.as_deref(), Seat::User, (at, "trap"), (falls, resists));
        let scenario = scenario?;
        seated(check, &scenario, Seat::Agent, &key("attacker"), &attacker);
        let attacker = located(check, &key("attacker"), attacker);
        match &scenario.rules {
            Rules::Talk(rules) if rules.book.sampling.traps == 1 => {}
            Rules::Talk(rules) => {
                let what = format!(
                    "its items have {} pressing lines: what a talk comes to must be of one family",
                    rules.book.sampling.traps
                );
                check.error(&key("set"), what, "add \"world.sample.traps=1\"");
            }
            other => {
                let what = format!("is of the gym `{}`, and pressing lines by family are a talk's", other.name());
                check.error(&key("scenario"), what, "name a scenario of the gym `talk`");
            }
        }
        self.enough_items(check, &key("scenario"), &scenario);
        self.reason_alike(check, "trap", &key("scenario"), &name, &scenario);
        Some(TrapTest { name, attacker, scenario, yardsticks: yardsticks? })
    }
}
