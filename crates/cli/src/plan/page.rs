//! The plan as a person reads it: keys first, so that what it all comes to is last on the screen.

use std::fmt::Write;

use serde_json::Value;
use sim::Pair;
use sim::Seat;

use crate::plan::Plan;
use crate::plan::budget::Budget;
use crate::plan::budget::PhaseBudget;
use crate::plan::budget::Tokens;
use crate::plan::groups::Groups;
use crate::plan::groups::Table;
use crate::plan::models::Base;
use crate::plan::models::Models;
use crate::plan::overlap::Overlap;
use crate::plan::words::Objectives;

/// The whole page.
#[must_use]
pub fn page(plan: &Plan) -> String {
    let parts = [
        format!("{}: the run `{}` of {}, into {}\n", plan.file, plan.run, played(&plan.scenarios), plan.folder),
        keys(plan),
        seats(plan),
        models(&plan.models),
        objectives(&plan.objectives),
        steps(&plan.steps, &plan.schedules, plan.scenarios.len() > 1) + &watched(&plan.monitors),
        overlap(&plan.overlap),
        budget(&plan.budget),
        time(plan),
    ];
    parts.join("\n").trim_end().to_owned()
}

fn played(scenarios: &[String]) -> String {
    let noun = if scenarios.len() == 1 { "scenario" } else { "scenarios" };
    format!("{noun} {}", each(scenarios.iter().map(|name| format!("`{name}`"))))
}

/// Values of the scenarios, in their order; one, if they are all alike.
fn each<T: PartialEq + ToString>(values: impl IntoIterator<Item = T>) -> String {
    let mut values: Vec<T> = values.into_iter().collect();
    values.dedup();
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn keys(plan: &Plan) -> String {
    let mut text = "KEYS: value, where it was written, who uses it and what for. Cold start, gate and training loop give the actors their work.\n".to_owned();
    let shown = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    for key in &plan.keys {
        let (used_by, purpose) = match key.value {
            Some(_) => (key.used_by, key.purpose),
            None => ("nobody in this run", key.purpose),
        };
        let _ = writeln!(text, "  {:31} {:16} {:9} {used_by}: {purpose}", key.key, shown(&key.value), key.from);
    }
    text
}

fn seats(plan: &Plan) -> String {
    let mut text = "SEATS\n".to_owned();
    for seat in &plan.seats {
        let who = if seat.learns { "a model that learns" } else { "no model: its fixed policy plays" };
        let thinks = if seat.reasons { ", thought included" } else { "" };
        let _ = writeln!(
            text,
            "  {:5}  {who}; at most {} tokens a turn{thinks}; measured against {}",
            seat.seat.name(),
            each(seat.tokens_max.iter().copied()),
            each(seat.fixed_opponents.iter().map(|name| format!("`{name}`")))
        );
    }
    text
}

fn models(models: &Models) -> String {
    let Models { names, vocabulary, parameters, dtype, base, memory, .. } = models;
    let mut text = "MODELS\n".to_owned();
    let _ = writeln!(
        text,
        "  {} ({}), {} parameters each, {dtype}{}; a vocabulary of {vocabulary}",
        names.len(),
        names.join(", "),
        grouped(*parameters),
        if base.is_some() { ", in an adapter" } else { "" }
    );
    if let Some(Base { count, parameters, dtype, bytes: size }) = base {
        let under = if *count == 1 { "one base under all of them" } else { "a base under each of them" };
        let _ = writeln!(
            text,
            "  {under}, which never changes: {} parameters, {dtype}; {} in memory",
            grouped(*parameters),
            bytes(*size)
        );
    }
    let parts = [
        ("weights", memory.weights),
        ("moments", memory.moments),
        ("masters", memory.masters),
        ("gradient", memory.gradient),
        ("copy to undo an update", memory.undo),
        ("copy that plays beside it", memory.playing),
        ("reference", memory.reference),
        ("keys and values, at most", memory.cache_max),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{what} {}", bytes(*n))).collect();
    let _ = writeln!(text, "  memory of each: {} = {}; activations besides", parts.join(" + "), bytes(memory.sum()));
    if let Some(base) = base {
        let all = base.bytes + memory.sum() * names.len() as u64;
        let _ = writeln!(text, "  memory of all: {} with what lies under them", bytes(all));
    }
    text
}

fn objectives(objectives: &Objectives) -> String {
    let Objectives { scenarios, cold_start, credit, loss, optimizer } = objectives;
    let mut text = "WHAT IS LEARNED\n".to_owned();
    let seats =
        scenarios.iter().flat_map(|of| of.seats.iter().map(move |(seat, objective)| (&of.scenario, seat, objective)));
    for (scenario, seat, objective) in seats {
        if scenarios.len() > 1 && seat == Seat::Agent {
            let _ = writeln!(text, "  in `{scenario}`");
        }
        let _ = writeln!(text, "  {seat}: score = {}", objective.score);
        let _ = writeln!(text, "  {:w$}  reward = {}", "", objective.reward, w = seat.name().len());
        for term in &objective.terms {
            let kind = term.kind.name();
            let (low, high) = term.range;
            let _ = writeln!(text, "    {:24} {kind:8} [{low}, {high}]  {}", term.name, term.meaning);
        }
        if let Some(success) = &objective.success {
            let _ = writeln!(text, "    success, for pass@k: {success}");
        }
    }
    for (what, lines) in
        [("cold start", cold_start), ("who earned it", credit), ("grpo", loss), ("optimiser, of both", optimizer)]
    {
        let _ = writeln!(text, "  {what}");
        for line in lines {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn steps(kinds: &[Groups], schedules: &[String], is_mixed: bool) -> String {
    let mut text = "STEPS OF GRPO: groups x episodes, who plays whom\n".to_owned();
    if kinds.is_empty() {
        text.push_str("  none: the run ends after the cold start\n");
    }
    for kind in kinds {
        let learners: Vec<&str> =
            kind.learns.iter().filter(|(_, learns)| **learns).map(|(seat, _)| seat.name()).collect();
        let who = learners.join(" and ");
        let _ = writeln!(text, "  {} steps, {} episodes each, that update {who}", kind.steps, kind.episodes);
        for table in &kind.played {
            let Table { scenario, groups, group_size, policies, trains } = table;
            let side = |seat: Seat| format!("{seat} {}{}", policies[seat], if trains[seat] { " (learns)" } else { "" });
            let sides = format!("{:32} {}", side(Seat::Agent), side(Seat::User));
            let place = if is_mixed { format!("  in `{scenario}`, give or take one") } else { String::new() };
            let _ = writeln!(text, "    {groups:3} x {group_size:<3} {sides}{place}");
        }
    }
    for line in schedules {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn watched(monitors: &[String]) -> String {
    if monitors.is_empty() {
        return String::new();
    }
    let lines = monitors.iter().map(|line| format!("  {line}\n"));
    std::iter::once("\nWATCHED\n".to_owned()).chain(lines).collect()
}

fn overlap(overlap: &Overlap) -> String {
    let lines = overlap.words.iter().map(|line| format!("  {line}\n"));
    std::iter::once("PLAYING AND LEARNING\n".to_owned()).chain(lines).collect()
}

fn budget(budget: &Budget) -> String {
    let Budget { phases, episodes, evaluations, elsewhere, disk } = budget;
    let mut text = "BUDGET: tokens at least / expected / at most; expected is as the teacher talks\n".to_owned();
    for phase in phases {
        let PhaseBudget { phase: name, updates, episodes, sampled, learned } = phase;
        let _ = writeln!(text, "  {name:12} {} updates, {} episodes", grouped(*updates), grouped(*episodes));
        tokens(&mut text, "writes", sampled);
        tokens(&mut text, "learns from", learned);
    }
    let _ = writeln!(text, "  in all {} episodes, {evaluations} evaluations", grouped(*episodes));
    for (policy, episodes) in elsewhere {
        let _ = writeln!(
            text,
            "  `{policy}` plays in {} episodes: a request for each turn and answer of its own, and for each repeated one; --remote-calls bounds them",
            grouped(*episodes)
        );
    }
    let _ = writeln!(
        text,
        "  disk: {} commits, {} checkpoints kept = {}, at most {} at a time; the log of episodes besides",
        disk.commits,
        disk.checkpoints_kept,
        bytes(disk.kept_bytes),
        bytes(disk.peak_bytes)
    );
    text
}

fn tokens(text: &mut String, what: &str, tokens: &Pair<Tokens>) {
    for (seat, Tokens { min, expected, max }) in tokens.iter().filter(|(_, tokens)| tokens.max > 0) {
        let numbers = [min, expected, max].map(|n| grouped(*n)).join(" / ");
        let _ = writeln!(text, "    {:5} {what:11}  {numbers}", seat.name());
    }
}

fn time(plan: &Plan) -> String {
    let clock = &plan.time;
    let Some(seconds) = clock.seconds else {
        return format!("TIME: {}\n", clock.basis);
    };
    let parts: Vec<String> = clock.phases.iter().map(|(phase, s)| format!("{phase} {s:.0} s")).collect();
    format!("TIME: {:.1} min ({}), {}; set-up and commits besides\n", seconds / 60.0, parts.join(", "), clock.basis)
}

/// With a blank between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let cut = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    let with_blanks = digits.char_indices().flat_map(|(at, digit)| cut(at).then_some(' ').into_iter().chain([digit]));
    with_blanks.collect()
}

fn bytes(count: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    match UNITS.iter().find(|(_, size)| count >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", count as f64 / *size as f64),
        None => format!("{count} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([999, 1000, 2_620_000, 3_000_000_000].map(bytes), ["999 B", "1.0 kB", "2.6 MB", "3.0 GB"]);
    }
}
