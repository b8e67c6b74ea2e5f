//! `duologue study`: runs under several seeds, what is measured of them, and one table by the statistical rule.
//!
//! ```text
//!  config::Study ─> training   each run under each seed, as a process of its own   studies/NAME/runs/RUN-SEED/
//!                   roster     who sits where under which seed
//!                   pairing    each pairing under each seed, played once           studies/NAME/evaluations/KEY.json
//!                   table      estimates and claims ─> markdown, JSON              studies/NAME/table.{md,json}
//! ```
//!
//! What is there is not done again, be it after a kill or after a change of the study file: a run is finished if its folder says so and is of the
//! config that is asked for, and an evaluation is found by the hash of all that decides it. A run that fails stops nobody else; its
//! seed is missing in the table, which says so, and no claim is decided without it.

mod markdown;
mod pairing;
mod roster;
mod table;
mod training;

use std::path::Path;
use std::path::PathBuf;

use anyhow::anyhow;
use config::Source;
use config::Study;
use rl::ModelLoader;
use runs::StudyError;
use runs::StudyFolder;
use runs::StudyManifest;

use crate::failure::Failure;
use crate::flags::StudyFlags;
use crate::manifest;
use crate::stdout::say;
use roster::Roster;
use table::Failed;
use table::Table;
use training::Training;

/// Makes what is missing and prints the table.
///
/// # Errors
/// [`Failure::Input`] for wrong files or folders; [`Failure::Work`] if a run or an evaluation failed, after the table has been written.
pub fn study(flags: &StudyFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let study = config::load_study(&flags.study)?;
    let source = Source::read(&flags.study)?;
    let out = flags.out.clone().unwrap_or_else(|| PathBuf::from("studies").join(&study.name));
    let trainings = training::trainings(&study, &out);
    // Before anything is written: no folder may hold a run of another config.
    for training in &trainings {
        training.state()?;
    }
    let folder = open_folder(flags.resume, &out, &study, &source, &trainings)?;
    let mut failed = training::train(&trainings, flags.jobs);
    let roster = Roster::of(&study, &trainings).map_err(anyhow::Error::from)?;
    let (found, unplayed) = pairing::evaluate(&study, &roster, &folder, flags.jobs, loader)?;
    failed.extend(unplayed);
    let table = Table::of(&study, &roster, &found, failed);
    let (text, json) = (markdown::markdown(&table), format!("{}\n", serde_json::to_string_pretty(&table)?));
    folder.write_table(&text, &json).map_err(anyhow::Error::from)?;
    say(if flags.json { &json } else { &text }.trim_end())?;
    eprintln!("The study lies in {}", out.display());
    verdict(&table.failed, &out)
}

fn verdict(failed: &[Failed], out: &Path) -> Result<(), Failure> {
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = failed.iter().map(|failed| format!("{}, seed {}", failed.what, failed.seed)).collect();
    let hint = format!("the table in {} is without them; once the cause is mended, go on with --resume", out.display());
    Err(Failure::work(anyhow!("not everything could be done: {}", names.join("; ")), hint))
}

fn open_folder(
    resume: bool,
    out: &Path,
    study: &Study,
    source: &Source,
    trainings: &[Training<'_>],
) -> Result<StudyFolder, Failure> {
    let runs = trainings.iter().map(|training| (training.folder_name(), training.hash())).collect();
    let wanted = StudyManifest::new(manifest::hash_of(study), runs, manifest::binary());
    if !resume {
        return StudyFolder::create(out, &source.text, &wanted).map_err(not_usable);
    }
    let (folder, was) = StudyFolder::open(out).map_err(not_usable)?;
    if was.study != wanted.study {
        tracing::warn!(
            "{}: the study has changed since: what is still asked for stays, the rest is done now",
            out.display()
        );
    }
    if was.binary != wanted.binary {
        tracing::warn!(
            "{}: the program has changed since: what it would do now may differ in the last bits",
            out.display()
        );
    }
    folder.describe(&source.text, &wanted).map_err(anyhow::Error::from)?;
    Ok(folder)
}

fn not_usable(error: StudyError) -> Failure {
    let hint = match &error {
        StudyError::IsAStudy { .. } => "go on with --resume, or choose another folder with --out",
        StudyError::NotEmpty { .. } => "choose another folder with --out",
        StudyError::Missing { .. } => "without --resume a new study is begun",
        StudyError::Held { .. } => "wait for it, or stop it first",
        StudyError::Damaged { .. } => {
            "remove that file and begin without --resume: finished runs and evaluations are kept"
        }
        StudyError::Disk(_) => "mend the folder or its disk, or choose another one with --out",
    };
    Failure::input(error, Some(hint))
}
