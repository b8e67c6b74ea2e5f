//! Recorded episodes as a cold start's dialogues: somebody played them before, a script or somebody else's model.

use std::path::Path;
use std::sync::Arc;

use runs::Records;
use runs::RunPaths;
use sim::Difference;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Scenario;
use sim::scenario::Split;

use crate::failure::Failure;
use crate::scenario_file;
use crate::scenario_file::SCENARIO_FILE;
use crate::setup::Setup;

/// The episodes of all folders on items to learn from, without those that faulted, each counted as what it is in this run's mix.
///
/// # Errors
/// [`Failure::Input`] if a folder cannot be read, plays what this run does not, or holds nothing to learn from.
pub(super) fn recorded(setup: &Setup) -> Result<Vec<EpisodeRecord>, Failure> {
    let mut dialogues = Vec::new();
    for (index, folder) in setup.settings.sft.records.iter().enumerate() {
        let key = format!("sft.records[{index}]");
        let wrong = |what: String, hint: &str| -> Failure {
            let what = format!("`{}` {what}", folder.path.display());
            setup.sources.mistake(&key, what, hint.to_owned()).into()
        };
        let before = dialogues.len();
        read(setup, &folder.path, &mut dialogues, &wrong)?;
        if dialogues.len() == before {
            let hint = "play some with `duologue rollout SCENARIO --items train --out DIR`";
            return Err(wrong("holds no whole episode on an item to learn from".to_owned(), hint));
        }
    }
    Ok(dialogues)
}

fn read(
    setup: &Setup,
    folder: &Path,
    dialogues: &mut Vec<EpisodeRecord>,
    wrong: &dyn Fn(String, &str) -> Failure,
) -> Result<(), Failure> {
    let played = played(setup, folder, wrong)?;
    let hint = "name a folder of `rollout --out`, or a run's";
    let unreadable = |error: runs::LogError| wrong(format!("cannot be read: {error}"), hint);
    for record in Records::open(&RunPaths::new(folder).log()).map_err(unreadable)? {
        let mut record = record.map_err(unreadable)?;
        let Some((number, scenario)) = played.get(record.casting.scenario as usize) else {
            return Err(wrong(
                format!("cannot be read: {} plays what {SCENARIO_FILE} has not", record.casting.id),
                hint,
            ));
        };
        // What is measured on is never learned from, a talk that broke off teaches nothing, and a fork repeats its talk.
        if record.casting.split == Split::Train && record.fault.is_none() && record.casting.fork.is_none() {
            let tools = Pair::from_fn(|seat| setup.tools(scenario, seat));
            if record.casting.tools != tools {
                let unlike = |difference: Difference| {
                    let what =
                        format!("cannot be told again as this run tells it: {}: {difference}", record.casting.id);
                    wrong(what, "collect anew with this version")
                };
                record = sim::replay::retold(&record, scenario, tools).map_err(unlike)?;
            }
            record.casting.scenario = *number;
            dialogues.push(record);
        }
    }
    Ok(())
}

/// The scenarios of the folder, each with what it is in this run's mix. It has to have the same items and rewards: with others, what was an item to learn from
/// may be one to measure on, and scores mean something else.
fn played(
    setup: &Setup,
    folder: &Path,
    wrong: &dyn Fn(String, &str) -> Failure,
) -> Result<Vec<(u32, Arc<Scenario>)>, Failure> {
    let played = scenario_file::read(folder).map_err(|why| {
        wrong(format!("cannot be read: {SCENARIO_FILE}: {why}"), "name a folder of `rollout --out`, or a run's")
    })?;
    let number = |was: &Arc<Scenario>| {
        let same = setup.mix.numbered().find(|(_, scenario)| scenario.name == was.name);
        let Some((number, now)) = same else {
            let names: Vec<String> = setup.mix.scenarios().map(|scenario| format!("`{}`", scenario.name)).collect();
            let what = format!("plays `{}`, and this run does not", was.name);
            return Err(wrong(what, &format!("it plays {}", names.join(", "))));
        };
        if (&was.rules, was.items, &was.rewards) != (&now.rules, now.items, &now.rewards) {
            let what = format!("played `{}` with another world, other items or other rewards", was.name);
            return Err(wrong(what, "collect anew with the scenario file of this run"));
        }
        Ok((number, Arc::clone(was)))
    };
    played.iter().map(number).collect()
}
