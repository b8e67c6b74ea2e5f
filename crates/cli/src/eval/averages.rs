//! Scenarios that were evaluated together, as one table for each pairing that met in all of them.

use std::fmt::Write;

use rl::Scale;
use rl::Scoreboard;
use rl::Scores;
use rl::interval::Estimate;
use rl::scoreboard::Column;
use serde_json::Value;
use serde_json::json;
use sim::Pair;

use super::Run;

/// The agents between which scores are stretched.
pub(super) const REFERENCES: [&str; 2] = ["random", "scripted:good"];

/// A pairing and its numbers over all scenarios.
pub(super) struct Averages {
    pub(super) policies: Pair<String>,
    pub(super) board: Scoreboard,
}

/// Of every pairing that met in all scenarios, in the order of the first; with `score_norm` where both references met the same user.
pub(super) fn averages(runs: &[Vec<Run>]) -> Vec<Averages> {
    let first = runs.first().into_iter().flatten().map(|run| &run.policies);
    let mut met: Vec<(&Pair<String>, Scores)> = Vec::new();
    for policies in first {
        if met.iter().all(|(other, _)| *other != policies) {
            met.extend(over_all(runs, policies).map(|scores| (policies, scores)));
        }
    }
    let reference = |agent: &str, user: &str| {
        let found = met.iter().find(|(policies, _)| policies.agent == agent && policies.user == user);
        found.map(|(_, scores)| &scores.raw)
    };
    let of = |(policies, scores): &(&Pair<String>, Scores)| {
        let [random, good] = REFERENCES.map(|agent| reference(agent, &policies.user));
        let scale = random.zip(good).map(|(random, good)| Scale { random, good });
        Averages { policies: (*policies).clone(), board: Scoreboard::of(scores, scale) }
    };
    met.iter().map(of).collect()
}

/// What the pairing scored everywhere; `None` if it did not meet in some scenario.
fn over_all(runs: &[Vec<Run>], policies: &Pair<String>) -> Option<Scores> {
    let mut scores = Scores::default();
    for runs in runs {
        scores.extend(runs.iter().find(|run| run.policies == *policies)?.scores.clone());
    }
    Some(scores)
}

impl Averages {
    pub(super) fn to_json(&self) -> Value {
        let mut value = json!(self.board);
        value["agent"] = json!(self.policies.agent);
        value["user"] = json!(self.policies.user);
        value
    }

    /// A row for each scenario, and one for each average.
    pub(super) fn table(&self) -> String {
        let Averages { policies, board } = self;
        let Scoreboard { items, score, effective_turns, time_weighted, score_norm } = board;
        let names = items.keys().map(String::as_str);
        let mut columns = vec![
            lines("items", items.values().map(usize::to_string), items.values().sum::<usize>(), items.len()),
            of_column("score", score, names.clone()),
        ];
        if let Some(norm) = score_norm {
            let cells = norm.scenarios.values().map(|cell| shown(cell.as_ref()));
            columns.push(lines("score_norm", cells, "", shown(norm.macro_average.as_ref())));
        }
        columns.push(of_column("effective turns", effective_turns, names.clone()));
        columns.push(of_column("time-weighted", time_weighted, names.clone()));
        columns.insert(0, ["scenario"].into_iter().chain(names).chain(["micro", "macro"]).map(str::to_owned).collect());
        let mut text = format!("{} x {}, {} scenarios together\n", policies.agent, policies.user, items.len());
        write_columns(&mut text, &columns);
        text.push_str("  micro: over items; macro: over scenarios. The score of travel is by aspect\n");
        let left_out = score_norm.iter().flat_map(|norm| &norm.left_out).cloned().collect::<Vec<String>>();
        if !left_out.is_empty() {
            let [random, good] = REFERENCES;
            let why = format!("{random} and {good} lie too close together, or nothing was counted");
            let _ = writeln!(text, "  without score_norm, and not in its average: {} ({why})", left_out.join(", "));
        }
        text
    }
}

/// A heading, the cells of the scenarios, and those of both averages.
fn lines(
    heading: &str,
    scenarios: impl Iterator<Item = String>,
    micro: impl ToString,
    macro_average: impl ToString,
) -> Vec<String> {
    [heading.to_owned()].into_iter().chain(scenarios).chain([micro.to_string(), macro_average.to_string()]).collect()
}

fn of_column<'n>(heading: &str, column: &Column, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let cells = names.map(|name| shown(column.scenarios.get(name).and_then(Option::as_ref)));
    lines(heading, cells, shown(column.micro.as_ref()), shown(column.macro_average.as_ref()))
}

/// Its interval too; `-` where nothing can be said.
fn shown(estimate: Option<&Estimate>) -> String {
    let Some(Estimate { mean, ci95 }) = estimate else {
        return "-".to_owned();
    };
    let interval = ci95.map_or(String::new(), |i| format!(" [{:+.3}, {:+.3}]", i.low, i.high));
    format!("{mean:+.3}{interval}")
}

/// Columns of equal length side by side, each as wide as its widest cell.
pub(super) fn write_columns(text: &mut String, columns: &[Vec<String>]) {
    let width = |column: &Vec<String>| column.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = columns.iter().map(width).collect();
    for line in 0..columns.first().map_or(0, Vec::len) {
        let cells = columns.iter().zip(&widths).map(|(column, width)| format!("{:width$}", column[line]));
        let _ = writeln!(text, "  {}", cells.collect::<Vec<String>>().join("  ").trim_end());
    }
}
