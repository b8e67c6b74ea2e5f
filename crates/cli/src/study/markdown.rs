//! A study's table as a person reads it.

use std::collections::BTreeMap;
use std::fmt::Write;

use rl::Comparison;
use rl::Demand;
use rl::Interval;

use super::table::AverageTable;
use super::table::Cell;
use super::table::ClaimRow;
use super::table::CompareTable;
use super::table::Counts;
use super::table::CrossTable;
use super::table::Table;

/// From so many seeds on, a claim about a method may rest on them.
const SEEDS_OF_A_METHOD: usize = 5;

/// The whole of it.
#[must_use]
pub fn markdown(table: &Table) -> String {
    let mut text = format!("# {}\n\n{}\n", table.study, seeds(&table.seeds));
    if !table.failed.is_empty() {
        text.push_str("\n**Failed**, so these seeds are missing below, and no claim is decided without them:\n\n");
    }
    for failed in &table.failed {
        let _ = writeln!(text, "- {}, seed {}: {}", failed.what, failed.seed, failed.error);
    }
    table.compare.iter().for_each(|compare| write_compare(&mut text, compare));
    table.cross.iter().for_each(|cross| write_cross(&mut text, cross));
    table.average.iter().for_each(|average| write_average(&mut text, average));
    text
}

fn write_compare(text: &mut String, table: &CompareTable) {
    let CompareTable { scenario, seat, opponent, items, trials, columns, rows, claims } = table;
    let _ = writeln!(
        text,
        "\n## The {seat} against `{opponent}`: {items} held-out items of `{scenario}`, {}\n",
        counted(*trials, "trial")
    );
    let headings: Vec<String> = columns.iter().map(|column| heading(&column.policy, &column.counts)).collect();
    let _ =
        writeln!(text, "| | {} | items with a case |\n|---|{}", headings.join(" | "), "---|".repeat(columns.len() + 1));
    for row in rows {
        let cells: Vec<Option<&Cell>> = columns.iter().map(|column| row.policies[&column.policy].as_ref()).collect();
        let shown: Vec<String> = cells.iter().map(|cell| estimate(*cell)).collect();
        let _ = writeln!(text, "| {} | {} | {} |", row.metric, shown.join(" | "), items_of(&cells));
    }
    columns.iter().for_each(|column| write_losses(text, &column.policy, &column.counts));
    if !claims.is_empty() {
        text.push('\n');
    }
    claims.iter().for_each(|claim| write_claim(text, claim));
}

fn write_cross(text: &mut String, table: &CrossTable) {
    let CrossTable { scenario, items, trials, metrics, cells } = table;
    let _ = writeln!(
        text,
        "\n## Cross-play: {items} held-out items of `{scenario}`, {}; all seeds (each seed)\n",
        counted(*trials, "trial")
    );
    let _ = writeln!(text, "| agent | user | {} |\n|---|---|{}", metrics.join(" | "), "---|".repeat(metrics.len()));
    for cell in cells {
        let shown: Vec<String> = metrics.iter().map(|name| with_seeds(cell.metrics[name].as_ref())).collect();
        let _ = writeln!(text, "| {} | {} | {} |", heading(&cell.agent, &cell.counts), cell.user, shown.join(" | "));
    }
    for cell in cells {
        write_losses(text, &format!("{} x {}", cell.agent, cell.user), &cell.counts);
    }
}

fn write_average(text: &mut String, table: &AverageTable) {
    let AverageTable { seat, random, good, trials, columns, scenarios, macro_average, claims } = table;
    let _ = writeln!(
        text,
        "\n## The {seat} over {}, {}: `score_norm`, on which {random} has 0 and {good} has 1\n",
        counted(scenarios.len() as u32, "scenario"),
        counted(*trials, "trial")
    );
    let headings: Vec<String> = columns.iter().map(|column| heading(&column.policy, &column.counts)).collect();
    let _ =
        writeln!(text, "| | {} | held-out items |\n|---|{}", headings.join(" | "), "---|".repeat(columns.len() + 1));
    let mut row = |name: &str, cells: &BTreeMap<String, Option<Cell>>, items: u32| {
        let shown: Vec<String> = columns.iter().map(|column| estimate(cells[&column.policy].as_ref())).collect();
        let _ = writeln!(text, "| {name} | {} | {items} |", shown.join(" | "));
    };
    scenarios.iter().for_each(|of| row(&of.scenario, &of.policies, of.items));
    row("**macro average**", macro_average, scenarios.iter().map(|of| of.items).sum());
    columns.iter().for_each(|column| write_losses(text, &column.policy, &column.counts));
    if !claims.is_empty() {
        text.push('\n');
    }
    claims.iter().for_each(|claim| write_claim(text, claim));
}

/// Episodes that count nowhere are told, if there are any.
fn write_losses(text: &mut String, name: &str, counts: &Counts) {
    let Counts { episodes, lost, faulted, .. } = counts;
    if lost + faulted > 0 {
        let _ = writeln!(
            text,
            "\n{name}: of {episodes} episodes {lost} were lost and {faulted} faulted; they count nowhere."
        );
    }
}

fn write_claim(text: &mut String, row: &ClaimRow) {
    let ClaimRow { policy, than, claim, finding, over_seeds } = row;
    let metric = &claim.metric;
    let _ = match claim.demand {
        Demand::Beats { by } => write!(text, "- {policy} beats {than} by {by} in {metric}"),
        Demand::NotWorse { by } => write!(text, "- {policy} is not worse than {than} by {by} in {metric}"),
        Demand::Keeps { share } => write!(text, "- {policy} keeps {} of {than}'s {metric}", percent(share)),
        Demand::Cuts { share } => write!(text, "- {policy} cuts {than}'s {metric} by {}", percent(share)),
    };
    let holds = match finding.holds {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "undecided",
    };
    let _ = write!(text, ": **{holds}** ");
    let Some(comparison) = &finding.comparison else {
        text.push_str("nothing was counted\n");
        return;
    };
    let show: fn(f64) -> String = match claim.demand {
        Demand::Beats { .. } | Demand::NotWorse { .. } => signed,
        Demand::Keeps { .. } | Demand::Cuts { .. } => percent,
    };
    if matches!(claim.demand, Demand::NotWorse { .. }) {
        text.push_str("harm ");
    }
    let Comparison { mean, ci95, per_seed, unpaired, .. } = comparison;
    let each: Vec<String> =
        per_seed.iter().map(|(seed, value)| format!("{seed}: {}", value.map_or("–".to_owned(), show))).collect();
    let _ = write!(text, "{}{}, seeds {}", show(*mean), bounds(*ci95, show), each.join(", "));
    if let Some(over) = over_seeds.filter(|_| per_seed.len() >= SEEDS_OF_A_METHOD) {
        let _ = write!(text, "; over seeds by Student's t{}", bounds(over.ci95, show));
    }
    if *unpaired > 0 {
        let _ = write!(text, "; {unpaired} pairs of item and seed are missing on one side");
    }
    text.push('\n');
}

fn seeds(seeds: &[u64]) -> String {
    let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
    format!("{} {}.", if seeds.len() == 1 { "Seed" } else { "Seeds" }, list.join(", "))
}

fn counted(count: u32, what: &str) -> String {
    if count == 1 { format!("{count} {what}") } else { format!("{count} {what}s") }
}

fn heading(name: &str, counts: &Counts) -> String {
    match counts.missing[..] {
        [] => name.to_owned(),
        _ => {
            let missing: Vec<String> = counts.missing.iter().map(u64::to_string).collect();
            format!("{name} (without seed {})", missing.join(", "))
        }
    }
}

fn estimate(cell: Option<&Cell>) -> String {
    let plain = |value: f64| format!("{value:.3}");
    cell.map_or("–".to_owned(), |cell| format!("{:.3}{}", cell.mean, bounds(cell.ci95, plain)))
}

fn with_seeds(cell: Option<&Cell>) -> String {
    let Some(Cell { mean, per_seed, .. }) = cell else {
        return "–".to_owned();
    };
    let each: Vec<String> =
        per_seed.values().map(|value| value.map_or("–".to_owned(), |value| format!("{value:.3}"))).collect();
    format!("{mean:.3} ({})", each.join(" "))
}

/// How many items the row rests on: one number if all policies agree, else the least and the most.
fn items_of(cells: &[Option<&Cell>]) -> String {
    let counts = cells.iter().flatten().map(|cell| cell.items);
    match (counts.clone().min(), counts.max()) {
        (Some(least), Some(most)) if least == most => most.to_string(),
        (Some(least), Some(most)) => format!("{least}–{most}"),
        _ => "0".to_owned(),
    }
}

fn bounds(interval: Option<Interval>, show: impl Fn(f64) -> String) -> String {
    interval.map_or(String::new(), |interval| format!(" [{}, {}]", show(interval.low), show(interval.high)))
}

fn signed(value: f64) -> String {
    format!("{value:+.3}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
