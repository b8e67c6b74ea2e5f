//! All that was found: for programs as JSON whose first level is the command line's contract, for a person as markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rl::compare::Comparison;
use rl::interval::Estimate;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use sim::gyms::talk::Family as Trap;

use crate::Column;
use crate::Crossing;
use crate::FamilyResult;
use crate::SetResult;
use crate::Suite;
use crate::TrapResult;
use crate::trapped::TrapNumbers;

/// What came of a suite.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The suite's name.
    pub suite: String,
    /// The fingerprint of all that decides it: scenarios, people, predicates, thresholds. Two reports are comparable if it is the same.
    pub hash: String,
    /// How many items each family has.
    pub items: u32,
    /// How often each is played.
    pub trials: u32,
    /// Agents before hostile users.
    pub agents: Vec<AgentReport>,
    /// Users before pressing agents.
    pub users: Vec<UserReport>,
    /// How far the yardsticks lie apart, by family or test, where they were played.
    pub apart: BTreeMap<String, Option<Comparison>>,
    /// Every threshold that was crossed.
    pub crossed: Vec<Crossing>,
}

/// One agent in all families.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentReport {
    /// As it was typed; `resists` and `falls` are the yardsticks.
    pub agent: String,
    /// The stress score; `None` where a family has nothing scored.
    pub score: Option<f64>,
    /// In the order of the file.
    pub families: Vec<FamilyResult>,
}

/// One user in all tests of traps and all sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UserReport {
    /// As it was typed; `resists` and `falls` are the yardsticks.
    pub user: String,
    /// In the order of the file.
    pub traps: Vec<TrapResult>,
    /// Evaluation sets, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<SetResult>,
}

impl Report {
    /// Whether no threshold is crossed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.crossed.is_empty()
    }

    /// The shape that checks outside the project read: keys may be added, these stay. Its first level is the first agent's.
    #[must_use]
    pub fn to_json(&self, suite: &Suite) -> Value {
        let (agent, user) = (self.agents.first(), self.users.first());
        let attacker = suite.families.first().map(|family| family.attacker.as_str());
        json!({
            "suite": self.suite,
            "hash": self.hash,
            "items": self.items,
            "trials": self.trials,
            "agent": agent.map(|agent| &agent.agent),
            "user": user.map(|user| user.user.as_str()).or(attacker),
            "passed": self.passed(),
            "score": agent.and_then(|agent| agent.score),
            "families": agent.map(|agent| families(agent, self.trials)).unwrap_or_default(),
            "traps": user.map(|user| json!(user.traps)).unwrap_or_else(|| json!([])),
            "sets": user.map(|user| json!(user.sets)).unwrap_or_else(|| json!([])),
            "agents": self.agents.iter().map(|agent| json!({
                "agent": agent.agent, "score": agent.score, "families": families(agent, self.trials),
            })).collect::<Vec<_>>(),
            "users": self.users,
            "apart": self.apart,
            "crossed": self.crossed,
        })
    }

    /// For a person.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Stress suite `{}`\n\n{} items, {} trials each; hash `{}`\n",
            self.suite, self.items, self.trials, self.hash
        );
        for agent in &self.agents {
            text.push_str(&agent_table(agent, self.trials));
        }
        for user in &self.users {
            if !user.traps.is_empty() {
                text.push_str(&user_table(user));
            }
            user.sets.iter().for_each(|set| text.push_str(&set_tables(&user.user, set)));
        }
        if !self.apart.is_empty() {
            text.push_str("\n## Yardsticks\n\nHow much more often the one that falls is breached, or misses a trap.\n\n| | apart |\n|---|---|\n");
            for (place, apart) in &self.apart {
                let _ = writeln!(text, "| {place} | {} |", compared(apart.as_ref()));
            }
        }
        text.push_str(&verdict(self));
        text
    }
}

/// A family as the contract has it: pass^k at all trials under its own keys, everything else beside them.
fn families(agent: &AgentReport, trials: u32) -> Value {
    let family = |result: &FamilyResult| {
        let mut family = json!(result);
        let entries = [
            ("asr", of_means(&result.asr)),
            ("asr_ci95", of_intervals(&result.asr)),
            ("over_refusal", json!(result.over_refusal.map(|estimate| estimate.mean))),
            ("over_refusal_ci95", json!(result.over_refusal.and_then(|estimate| estimate.ci95))),
        ];
        entries.into_iter().for_each(|(key, value)| family[key] = value);
        for (name, pass) in [("clean_pass", &result.clean), ("attacked_pass", &result.attacked)] {
            family[format!("{name}^{trials}")] =
                json!(pass.get(&trials).and_then(|estimate| estimate.map(|estimate| estimate.mean)));
        }
        family
    };
    agent.families.iter().map(family).collect()
}

fn of_means(estimates: &BTreeMap<u32, Option<Estimate>>) -> Value {
    estimates.iter().map(|(k, estimate)| (k.to_string(), json!(estimate.map(|estimate| estimate.mean)))).collect()
}

fn of_intervals(estimates: &BTreeMap<u32, Option<Estimate>>) -> Value {
    estimates.iter().map(|(k, estimate)| (k.to_string(), json!(estimate.and_then(|estimate| estimate.ci95)))).collect()
}

fn agent_table(agent: &AgentReport, trials: u32) -> String {
    let mut text = format!("\n## Agent `{}`\n\n", agent.agent);
    let last = if trials > 1 { format!(" ASR@{trials} |") } else { String::new() };
    let _ = writeln!(
        text,
        "| family | code | severity | policy | ASR@1 |{last} robust | clean pass^{trials} | attacked pass^{trials} | lost under attack | over-refusal | stealth | turns to breach | reruns | invalid |"
    );
    let columns = if trials > 1 { 14 } else { 13 };
    let _ = writeln!(text, "|{}", "---|".repeat(columns));
    for family in &agent.families {
        let at = |estimates: &BTreeMap<u32, Option<Estimate>>| estimates.get(&trials).copied().flatten();
        let last = if trials > 1 { format!(" {} |", plain(at(&family.asr))) } else { String::new() };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |{last} {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            family.family,
            family.code,
            family.severity.name(),
            family.agent,
            estimated(family.asr.get(&1).copied().flatten()),
            estimated(family.robust),
            plain(at(&family.clean)),
            plain(at(&family.attacked)),
            compared(family.degradation.get(&trials).and_then(Option::as_ref)),
            estimated(family.over_refusal),
            plain(family.stealth),
            family.turns_to_breach.map_or_else(nothing, |turns| format!("{:.1}", turns.mean)),
            family.reruns,
            family.undetermined,
        );
    }
    let _ = writeln!(text, "\nStress score: {}", agent.score.map_or_else(nothing, |score| format!("{score:.3}")));
    text
}

fn user_table(user: &UserReport) -> String {
    let mut text = format!("\n## User `{}`\n\n", user.user);
    text.push_str("| test | policy | family | traps named and countered | given in to | truthful twins countered | reruns | invalid |\n|---|---|---|---|---|---|---|---|\n");
    for test in &user.traps {
        let mut row = |family: &str, numbers: &TrapNumbers| {
            let _ = writeln!(
                text,
                "| {} | {} | {family} | {} | {} | {} | {} | {} |",
                test.test,
                test.user,
                estimated(numbers.recall),
                estimated(numbers.fell),
                estimated(numbers.over_suspicion),
                test.reruns,
                test.undetermined,
            );
        };
        row("all", &test.overall);
        let mut families: Vec<(&String, &TrapNumbers)> = test.families.iter().collect();
        families.sort_by_key(|(code, _)| (code.len(), code.as_str()));
        families.into_iter().for_each(|(code, numbers)| row(&format!("{code} {}", numbers.word), numbers));
    }
    text
}

/// A set: what rules say, what judges say, and by family what became of pressing lines.
fn set_tables(user: &str, set: &SetResult) -> String {
    let SetResult { set: name, kind, tasks, by_rule, by_judge, traps } = set;
    let TrapResult { user: policy, episodes, undetermined, reruns, overall, families, .. } = traps;
    let kind = kind.name();
    let mut text = format!(
        "\n## User `{user}` in the set `{name}`\n\n{tasks} {kind} as `{policy}`: {episodes} played, {reruns} played again, {undetermined} invalid\n"
    );
    for (who, columns) in [("by rule", by_rule), ("by a judge", by_judge)] {
        let _ = writeln!(text, "\n| {who} | measure | share |\n|---|---|---|");
        for Column { column, measure, value } in columns {
            let _ = writeln!(text, "| {column} | `{measure}` | {} |", estimated(*value));
        }
    }
    text.push_str(
        "\n| family | | traps named and countered | given in to | truthful twins countered |\n|---|---|---|---|---|\n",
    );
    let mut row = |family: &str, about: &str, numbers: &TrapNumbers| {
        let TrapNumbers { recall, fell, over_suspicion, .. } = numbers;
        let [recall, fell, over_suspicion] = [recall, fell, over_suspicion].map(|value| estimated(*value));
        let _ = writeln!(text, "| {family} | {about} | {recall} | {fell} | {over_suspicion} |");
    };
    row("all", "", overall);
    let named = Trap::all().filter_map(|family| Some((family, families.get(family.code())?)));
    for (family, numbers) in named {
        let marks = [
            family.is_named_by_the_paper().then_some("named by the paper"),
            (numbers.held_out == Some(true)).then_some("held out"),
        ];
        let about: Vec<&str> = marks.into_iter().flatten().collect();
        row(&format!("{} {}", family.code(), family.word()), &about.join(", "), numbers);
    }
    text
}

fn verdict(report: &Report) -> String {
    if report.passed() {
        return "\nPassed: no threshold is crossed.\n".to_owned();
    }
    let mut text = "\nNot passed:\n\n".to_owned();
    for Crossing { place, who, threshold, bound, found } in &report.crossed {
        let found = found.map_or_else(|| "nothing was scored that shows it".to_owned(), |found| format!("{found:.3}"));
        let _ = writeln!(text, "- {place}, {who}: {threshold} is {bound}, found {found}");
    }
    text
}

fn nothing() -> String {
    "n/a".to_owned()
}

fn plain(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(nothing, |estimate| format!("{:.3}", estimate.mean))
}

fn estimated(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(nothing, |estimate| match estimate.ci95 {
        Some(interval) => format!("{:.3} [{:.3}, {:.3}]", estimate.mean, interval.low, interval.high),
        None => format!("{:.3}", estimate.mean),
    })
}

fn compared(comparison: Option<&Comparison>) -> String {
    comparison
        .map_or_else(nothing, |comparison| estimated(Some(Estimate { mean: comparison.mean, ci95: comparison.ci95 })))
}
