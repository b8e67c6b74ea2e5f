//! Recorded episodes as a cold start's dialogues: somebody played them before, a script or somebody else's model.

use std::path::Path;

use runs::Records;
use runs::RunPaths;
use sim::EpisodeRecord;
use sim::scenario::Split;

use crate::failure::Failure;
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
            let what = format!("`{}` {what}", folder.display());
            setup.sources.mistake(&key, what, hint.to_owned()).into()
        };
        let before = dialogues.len();
        read(setup, folder, &mut dialogues, &wrong)?;
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
    let unreadable = |error: runs::LogError| {
        wrong(format!("cannot be read: {error}"), "name a folder of `rollout --out`, or a run's")
    };
    for record in Records::open(&RunPaths::new(folder).log()).map_err(unreadable)? {
        let mut record = record.map_err(unreadable)?;
        let number =
            setup.mix.numbered().find(|(_, scenario)| scenario.name == record.scenario).map(|(number, _)| number);
        let Some(number) = number else {
            let names: Vec<String> = setup.mix.scenarios().map(|scenario| format!("`{}`", scenario.name)).collect();
            let what = format!("plays `{}`, and this run does not", record.scenario);
            return Err(wrong(what, &format!("it plays {}", names.join(", "))));
        };
        record.casting.scenario = number;
        // What is measured on is never learned from, and a talk that broke off teaches nothing.
        if record.casting.split == Split::Train && record.fault.is_none() {
            dialogues.push(record);
        }
    }
    Ok(())
}
