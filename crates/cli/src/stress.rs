//! `duologue stress`: hostile users against agents, pressing agents against users, and whether what came of it is good enough.
//!
//! ```text
//!  stress::Suite ─> castings ─> cast::play ─> records ─> sessions      an invalid one is played again, at most reruns_max times
//!                      │                         └─────> stress::Report ─> table, JSON, --out, exit code
//!                      └──── --resume: records of --out that are there already are not played again
//! ```

mod contest;
mod folder;

use std::path::Path;

use anyhow::anyhow;
use rl::ModelLoader;
use sim::rubric::Juror;
use stress::Contender;
use stress::Crossing;
use stress::Report;
use stress::Suite;

use crate::failure::Failure;
use crate::flags::StressFlags;
use crate::remotes::RECORDED;
use crate::remotes::Remotes;
use crate::remotes::is_elsewhere;
use crate::stdout::say;
use contest::Contest;
use folder::Stored;

/// Plays a suite and judges it.
///
/// # Errors
/// [`Failure::Input`] for wrong files, policies or folders; [`Failure::Work`] if a threshold is crossed, after the report has been written, or a service died.
pub async fn stress(flags: StressFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let suite = suite(&flags)?;
    // Of all of it, whoever is tested: reports of one suite can be told by it.
    let hash = config::hash(&suite);
    let mut suite = asked_for(suite, &flags)?;
    // What a session came to is a predicate over its world, never a judge's word: whatever rubric a scenario has, nobody is asked, and nobody needs a key.
    suite.judge_by_rule();
    let panel = panel(&flags, &suite)?;
    if !panel.is_empty() {
        suite.sets.iter_mut().for_each(|set| set.judged_by(&panel));
    }
    let scenarios = suite.scenarios();
    let played: Vec<&sim::Scenario> = scenarios.iter().map(|scenario| &**scenario).collect();
    let everybody = policies(&flags, &suite);
    let mut remotes = Remotes::new(&flags.remote, suite.seed, &everybody, &played)?;
    let contest = Contest::prepare(&flags, &suite, &hash, loader, &mut remotes)?;
    let Stored { journal, before } = folder::open(&flags, || contest.identity(&flags), &scenarios)?;
    let report = contest.play(journal, before).await?;
    let (json, markdown) = (report.to_json(&suite), report.to_markdown());
    if let Some(out) = &flags.out {
        write(out, &format!("{}\n", serde_json::to_string_pretty(&json)?), &markdown)?;
    }
    if flags.json {
        say(&json)?;
    } else {
        say(markdown.trim_end())?;
    }
    remotes.end()?;
    verdict(&report)
}

/// The file's suite, with what flags make smaller or larger of it.
fn suite(flags: &StressFlags) -> Result<Suite, Failure> {
    let mut suite = config::load_suite(&flags.suite)?;
    suite.trials = flags.trials.unwrap_or(suite.trials);
    if let Some(items) = flags.items {
        let of_families = suite.families.iter().flat_map(|family| [&family.hostile, &family.benign]);
        let of_traps = suite.traps.iter().map(|test| &test.scenario);
        let most = of_families.chain(of_traps).map(|scenario| scenario.items.held_out).min().unwrap_or(0);
        if items > most {
            let what = format!("--items: {items} are more than the {most} held-out items of a scenario of this suite");
            return Err(Failure::input(what, Some("ask for fewer, or let its scenarios have more")));
        }
        suite.items = items;
    }
    Ok(suite)
}

/// What of it is played: the families where an agent is tested, the tests of traps where a user is, and everything by the yardsticks.
fn asked_for(mut suite: Suite, flags: &StressFlags) -> Result<Suite, Failure> {
    if flags.agent.is_empty() && !flags.user.is_empty() {
        suite.families.clear();
    }
    if flags.user.is_empty() && !flags.agent.is_empty() {
        suite.traps.clear();
        suite.sets.clear();
    }
    for (seat, asked, kind, is_empty) in [
        ("agent", &flags.agent, "[[family]]", suite.families.is_empty()),
        ("user", &flags.user, "[[trap]]", suite.traps.is_empty() && suite.sets.is_empty()),
    ] {
        if !asked.is_empty() && is_empty {
            let what = format!("--{seat}: has no effect: this suite has no `{kind}`, which tests the {seat}");
            return Err(Failure::input(what, Some("test the other seat, or take another suite")));
        }
    }
    Ok(suite)
}

/// Who marks what rules cannot, each of a family of its own: what is measured here trains nobody.
fn panel(flags: &StressFlags, suite: &Suite) -> Result<Vec<Juror>, Failure> {
    if !flags.judge.is_empty() && suite.sets.is_empty() {
        let what = "--judge: has no effect: nothing that is played here has a column for a judge";
        return Err(Failure::input(what, Some("test a user in a suite with a `[[set]]`, or leave it out")));
    }
    let is_asked = |policy: &str| is_elsewhere(policy) || policy.starts_with(RECORDED);
    if let Some(policy) = flags.judge.iter().find(|policy| !is_asked(policy)) {
        let what = format!("--judge: `{policy}` cannot judge by a rubric");
        return Err(Failure::input(what, Some("write openai:MODEL, or replay:FILE for a run that was recorded")));
    }
    Ok(flags.judge.iter().map(|policy| Juror { policy: policy.clone(), family: policy.clone() }).collect())
}

/// Everybody who may play, for the bounds of remote models.
fn policies(flags: &StressFlags, suite: &Suite) -> Vec<String> {
    let tested = flags.agent.iter().chain(&flags.user).cloned();
    let attackers = suite.families.iter().map(|family| family.attacker.clone());
    let opponents = suite.sets.iter().map(|set| set.opponent.clone());
    tested.chain(attackers).chain(suite.traps.iter().map(|test| test.attacker.clone())).chain(opponents).collect()
}

/// Who is tested: those that flags name, or else the yardsticks.
fn contenders(asked: &[String]) -> Vec<Contender> {
    if asked.is_empty() {
        return vec![Contender::Resists, Contender::Falls];
    }
    let folder = |typed: &String| typed.contains('/') && !typed.contains(':') && Path::new(typed).is_dir();
    let of = |typed: &String| {
        let cast = if folder(typed) { format!("model:{typed}") } else { typed.clone() };
        Contender::Policy { typed: typed.clone(), cast }
    };
    asked.iter().map(of).collect()
}

fn write(out: &Path, json: &str, markdown: &str) -> Result<(), Failure> {
    let put = |name: &str, text: &str| {
        let unwritable = |error| anyhow!("{} cannot be written: {error}", out.join(name).display());
        std::fs::write(out.join(name), text).map_err(unwritable)
    };
    put("stress.json", json)?;
    put("stress.md", markdown)?;
    eprintln!("The report and every session lie in {}", out.display());
    Ok(())
}

fn verdict(report: &Report) -> Result<(), Failure> {
    if report.passed() {
        return Ok(());
    }
    let place = |crossing: &Crossing| format!("{} ({}, {})", crossing.place, crossing.threshold, crossing.who);
    let places: Vec<String> = report.crossed.iter().map(place).collect();
    let error = anyhow!("not passed: {}", places.join("; "));
    Err(Failure::work(
        error,
        "the table says by how much; `duologue replay DIR --episode ID` shows a session of --out DIR",
    ))
}
