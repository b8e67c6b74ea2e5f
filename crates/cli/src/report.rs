//! What a finished run says: before and after for both seats, and one conversation of each.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Context;
use runs::Log;
use runs::Metrics;
use runs::MetricsLine;
use runs::RunFolder;
use sim::EpisodeRecord;
use sim::Phase;
use sim::Seat;

use crate::plan::schedules::words;
use crate::setup::Setup;
use crate::stdout::say;
use crate::transcript::transcript;

/// The company of evaluation episodes in which the two models meet; that of a seat with its fixed opponent is 1 or 2.
pub const EXCERPT: u32 = 3;

/// The member number of evaluation episodes of a scenario and a company.
#[must_use]
pub fn member(scenario: u32, company: u32) -> u32 {
    scenario * (EXCERPT + 1) + company
}

/// Rows of the table: metric, heading. Shown where the metric exists.
const ROWS: [(&str, &str); 18] = [
    ("SEAT/score/mean", "score"),
    ("SEAT/success", "success"),
    ("deal_with_zone", "deals where a zone exists"),
    ("walk_away_without_zone", "no deal where none exists"),
    ("agent/false_claims_per_claim", "false claims per claim"),
    ("agent/true_claims", "true claims per episode"),
    ("agent/loss_deals", "deals below own cost"),
    ("user/loss_deals", "deals above own value"),
    ("user/trap_recall", "traps named and challenged"),
    ("user/over_suspicion", "truthful twins challenged"),
    ("user/state_valid", "declared state valid"),
    ("warranty_where_wanted", "warranty where wanted"),
    ("rounds", "rounds"),
    ("covered", "details asked about"),
    ("all_covered", "all details asked about"),
    ("agent/empty", "questions that hit nothing"),
    ("agent/unfocused", "questions turned away"),
    ("SEAT/malformed", "malformed turns"),
];

/// Prints the table and the excerpts of a run on stdout.
///
/// # Errors
/// If the run's files cannot be read.
pub fn print(setup: &Setup, folder: &RunFolder) -> anyhow::Result<()> {
    let lines = Metrics::read(&folder.paths().metrics())?;
    say(format_args!("\n{}{}", table(setup, &lines), schedules(setup, &lines)))?;
    let log = folder.paths().log();
    let (log, _) = Log::open(&log).context("the episode log")?;
    let last = setup.settings.grpo.steps;
    for (number, scenario) in setup.mix.numbered() {
        let place = if setup.mix.is_mixed() { format!("{}, ", scenario.name) } else { String::new() };
        match excerpts(&log, last, member(number, excerpt_company(setup)))? {
            Some([before, after]) => {
                say(format_args!(
                    "BEFORE ({}), {place}item {}\n{}",
                    if setup.settings.sft.updates > 0 { "after the cold start" } else { "as the models came" },
                    before.item,
                    transcript(&before)
                ))?;
                say(format_args!("AFTER ({last} steps), the same item\n{}", transcript(&after)))?;
            }
            None => {
                say(format_args!("{place}No talk to show: no item was played to its end both before and after.\n"))?
            }
        }
    }
    Ok(say(format_args!("The run lies in {}", setup.out.display()))?)
}

/// Before and after, one column pair a seat, for each scenario.
#[must_use]
pub fn table(setup: &Setup, lines: &[MetricsLine]) -> String {
    let mut text = String::new();
    let seats = setup.mix.numbered().flat_map(|(number, scenario)| Seat::ALL.map(|seat| (number, scenario, seat)));
    for (number, scenario, seat) in seats {
        let opponent = &setup.mix.opponents(number)[seat.partner()];
        let mine = |line: &&MetricsLine| {
            line.text("phase") == Some("eval")
                && line.text("scenario").is_none_or(|name| name == scenario.name)
                && line.number(&format!("{seat}/score/mean")).is_some()
        };
        let evals: Vec<&MetricsLine> = lines.iter().filter(mine).collect();
        let (Some(before), Some(after)) = (evals.first(), evals.last()) else { continue };
        let step = after.number("step").unwrap_or(0.0);
        let place = if setup.mix.is_mixed() { format!("{}: ", scenario.name) } else { String::new() };
        let heading = format!("{place}{seat} against {opponent}");
        let start = if setup.settings.sft.updates > 0 { "cold start" } else { "start" };
        let _ = writeln!(text, "{heading:34} {start:>11} {:>11}", format!("{step} steps"));
        for (name, heading) in ROWS {
            let name = name.replace("SEAT", seat.name());
            if let (Some(x), Some(y)) = (before.number(&name), after.number(&name)) {
                let _ = writeln!(text, "  {heading:32} {x:>11.3} {y:>11.3}");
            }
        }
        text.push('\n');
    }
    text
}

/// What the run's schedules said, and what they came to; empty without any.
fn schedules(setup: &Setup, lines: &[MetricsLine]) -> String {
    let words = words(&setup.settings.grpo);
    if words.is_empty() {
        return String::new();
    }
    let mut text = words.iter().fold("SCHEDULES\n".to_owned(), |text, line| format!("{text}  {line}\n"));
    let steps: Vec<&MetricsLine> = lines.iter().filter(|line| line.text("phase") == Some("grpo")).collect();
    let sum = |name: &str| steps.iter().filter_map(|line| line.number(name)).sum::<f64>();
    let last = |name: &str| steps.last().and_then(|line| line.number(name)).unwrap_or(0.0);
    let cotraining = &setup.settings.grpo.cotraining;
    for seat in Seat::ALL.into_iter().filter(|_| cotraining.pool.is_some()) {
        let [latest, history, fixed] = ["latest", "history", "fixed"].map(|who| sum(&format!("{seat}/met/{who}")));
        let _ = writeln!(
            text,
            "  the {seat} alone was served by {latest} groups against its partner as it is, {history} as it was, {fixed} against its fixed opponent"
        );
    }
    if cotraining.curriculum.is_some() {
        let shares =
            setup.mix.scenarios().map(|of| format!("{} {:.3}", of.name, last(&format!("{}/curriculum", of.name))));
        let _ = writeln!(text, "  weights at the last step: {}", shares.collect::<Vec<_>>().join(", "));
    }
    if cotraining.isolation.is_some() {
        let (again, failed) = (sum("groups_again"), last("items_failed"));
        let _ = writeln!(
            text,
            "  {again} groups played an item that had failed; {failed} items were on the list at the last step"
        );
    }
    text.push('\n');
    text
}

/// Whose talks are shown: those of the two models, or where one seat learns, its own with its fixed opponent.
fn excerpt_company(setup: &Setup) -> u32 {
    let learning = setup.learning();
    match Seat::ALL.into_iter().filter(|seat| learning[*seat]).collect::<Vec<_>>()[..] {
        [alone] => alone as u32 + 1,
        _ => EXCERPT,
    }
}

/// One item before and after; preferably one on which both talks were ended by an act, after more than a word.
fn excerpts(log: &Log, last: u64, member: u32) -> anyhow::Result<Option<[EpisodeRecord; 2]>> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    for record in log.records()? {
        let record = record?;
        let id = record.casting.id;
        if id.phase == Phase::Eval && id.member == member && id.trial == 0 && record.stop.is_some() {
            match id.round {
                0 => drop(before.insert(record.casting.item, record)),
                round if round == last => drop(after.insert(record.casting.item, record)),
                _ => {}
            }
        }
    }
    let telling = |record: &EpisodeRecord| record.stop == Some(sim::Stop::Terminated) && record.turns.len() > 2;
    let mut pairs: Vec<[EpisodeRecord; 2]> =
        before.into_iter().filter_map(|(item, before)| Some([before, after.remove(&item)?])).collect();
    let best = pairs.iter().position(|pair| pair.iter().all(telling)).unwrap_or(0);
    Ok((best < pairs.len()).then(|| pairs.swap_remove(best)))
}
