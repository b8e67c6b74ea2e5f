//! `duologue replay`: re-drives recorded episodes and compares, or forks one of them.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use runs::Records;
use runs::RunPaths;
use sim::Addressee;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Forked;
use sim::Observation;
use sim::Query;
use sim::Scenario;
use sim::Seat;
use sim::drive;
use sim::gyms::Script;
use sim::record::Reach;
use sim::replay;
use sim::replay::ForkError;

use crate::failure::Failure;
use crate::flags::ReplayFlags;
use crate::progress::Progress;
use crate::scenario_file;
use crate::scenario_file::SCENARIO_FILE;
use crate::stdout::say;
use crate::transcript::transcript;

/// How many differing episodes are described; the rest is counted.
const SHOWN_MAX: usize = 10;

/// Re-drives every episode of a folder, or one; with `--fork`, plays one on from a turn.
///
/// # Errors
/// [`Failure::Input`] if the folder holds no episodes or not this one, [`Failure::Work`] if an episode differs from its record.
pub fn replay(flags: &ReplayFlags) -> Result<(), Failure> {
    let scenarios = scenarios(&flags.folder)?;
    let records = records(&flags.folder)?;
    match (flags.episode, flags.fork) {
        (None, _) => all(records, &scenarios),
        (Some(id), fork) => {
            let record = find(records, id, &flags.folder)?;
            let scenario = of(&scenarios, &record)?;
            match fork {
                None => one(&record, scenario),
                Some(turn) => forked(&record, scenario, turn),
            }
        }
    }
}

fn all(records: Records, scenarios: &[Arc<Scenario>]) -> Result<(), Failure> {
    let mut progress = Progress::start("replay", 0, 0);
    let (mut count, mut differing) = (0, 0);
    for record in records {
        let record = record.map_err(damaged)?;
        count += 1;
        if let Err(difference) = replay::redrive(&record, of(scenarios, &record)?) {
            differing += 1;
            if differing <= SHOWN_MAX {
                eprintln!("{}: {difference}", record.casting.id);
            }
        }
        if count % 1000 == 0 {
            progress.at(count, "episodes");
        }
    }
    progress.end();
    say(format_args!("{count} episodes re-driven, {differing} differ"))?;
    if differing > 0 {
        let error = anyhow!("{differing} of {count} episodes differ from their records");
        return Err(Failure::work(error, "was the folder's scenario.json changed, or the program's rules?"));
    }
    Ok(())
}

fn one(record: &EpisodeRecord, scenario: &Arc<Scenario>) -> Result<(), Failure> {
    say(format_args!("{}  item {}\n{}", record.casting.id, record.item, transcript(record)))?;
    replay::redrive(record, scenario).map_err(|difference| anyhow!("{}: {difference}", record.casting.id))?;
    Ok(say("re-driven without a difference")?)
}

/// Plays on from before `turn`, each seat by its fixed script.
fn forked(record: &EpisodeRecord, scenario: &Arc<Scenario>, turn: usize) -> Result<(), Failure> {
    let reach = Reach::Rest(None);
    let casting = replay::forked_casting(record, record.casting.id, turn as u32, reach);
    let address = casting.rule_address(record.seed);
    let Forked { episode, outputs, .. } = replay::fork(record, casting, scenario).map_err(|error| match &error {
        ForkError::NoTurn { turns, .. } => {
            Failure::input(format!("--fork: {error}"), Some(&format!("choose a turn from 0 to {}", turns - 1)))
        }
        ForkError::Differs(_) | ForkError::Stranger => error.into(),
    })?;
    let script = |seat: Seat| {
        let name = scenario.rules.fixed_opponent(seat);
        Script::named(&scenario.rules, seat, name).expect("a gym's fixed opponents are among its scripts")
    };
    let decide = |seat: Seat, observation: &Observation| script(seat).decide(observation, address);
    let answer = |asked: Addressee, query: &Query| match asked.seat() {
        Some(seat) => script(seat).answer(asked, query, address),
        // What an engine would say now is no part of what was recorded.
        None => Err(Query::unheard()),
    };
    let forked = drive::go_on(episode, outputs, decide, answer);
    let [agent, user] = Seat::ALL.map(|seat| scenario.rules.fixed_opponent(seat));
    say(format_args!("forked before turn {turn}; agent {agent} and user {user} play on"))?;
    Ok(say(transcript(&forked))?)
}

fn damaged(error: runs::LogError) -> Failure {
    Failure::input(error, Some("episodes before the damage can still be replayed one by one, with --episode"))
}

fn find(records: Records, id: EpisodeId, folder: &Path) -> Result<EpisodeRecord, Failure> {
    let found = records.find_id(id).map_err(damaged)?;
    let hint =
        "a step's are grpo-STEP-GROUP-0-MEMBER, an evaluation's eval-STEP-ITEM-TRIAL-MEMBER; `rollout` prints its own";
    let missing = || Failure::input(format!("{}: --episode: there is no {id}", folder.display()), Some(hint));
    found.ok_or_else(missing)
}

fn records(folder: &Path) -> Result<Records, Failure> {
    let hint = "give a run folder, or one written by `rollout --out`";
    Records::open(&RunPaths::new(folder).log()).map_err(|error| Failure::input(error, Some(hint)))
}

fn scenarios(folder: &Path) -> Result<Vec<Arc<Scenario>>, Failure> {
    let hint = "give a run folder, or one written by `rollout --out`";
    let path = folder.join(SCENARIO_FILE);
    scenario_file::read(folder).map_err(|why| Failure::input(format!("{}: {why}", path.display()), Some(hint)))
}

/// What a record plays.
fn of<'s>(scenarios: &'s [Arc<Scenario>], record: &EpisodeRecord) -> Result<&'s Arc<Scenario>, Failure> {
    let number = record.casting.scenario as usize;
    scenarios.get(number).ok_or_else(|| {
        let what =
            format!("{}: plays scenario {number}, and {SCENARIO_FILE} has {}", record.casting.id, scenarios.len());
        Failure::input(what, Some("was the file changed?"))
    })
}
