//! The runs of a study: each is a `duologue train` of its own, so that none can harm another, and each resumes as if it had been typed.

use std::collections::VecDeque;
use std::env;
use std::io::BufRead;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use anyhow::anyhow;
use config::Study;
use config::StudyRun;
use runs::Checkpoint;
use runs::CheckpointId;
use runs::Checkpoints;
use runs::Hash;
use runs::Manifest;
use runs::RunPaths;
use runs::StudyPaths;
use runs::TrainPhase;
use runs::lock::RunLock;
use sim::Seat;

use super::table::Failed;
use crate::cold_start;
use crate::failure::Failure;
use crate::leash;
use crate::manifest;
use crate::workers;

/// How long to wait for the run of a study that was killed a moment ago: it ends by itself, but not in the same instant.
const PATIENCE: Duration = Duration::from_secs(10);
/// Last lines of a failed run's stderr that are searched for its reason.
const LINES_KEPT: usize = 50;

/// One run under one seed.
pub struct Training<'s> {
    /// The run's name in the study.
    pub name: &'s str,
    /// The seed.
    pub seed: u64,
    /// Where it lies.
    pub paths: RunPaths,
    run: &'s StudyRun,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is no run in its folder.
    Absent,
    /// It can be resumed.
    Begun,
    /// Its last step is committed.
    Finished,
}

/// Every run under every seed, seed by seed.
#[must_use]
pub fn trainings<'s>(study: &'s Study, out: &Path) -> Vec<Training<'s>> {
    let paths = StudyPaths::new(out);
    let under = |seed: u64| {
        let paths = paths.clone();
        study.runs.iter().map(move |(name, run)| {
            let paths = RunPaths::new(paths.run(name, seed));
            Training { name, seed, paths, run }
        })
    };
    study.seeds.iter().flat_map(|seed| under(*seed)).collect()
}

/// Finishes what is not finished, and tells what failed. The others go on. What has its cold start from another run comes after all that make theirs.
#[must_use]
pub fn train(trainings: &[Training<'_>], jobs: NonZeroUsize) -> Vec<Failed> {
    let lender = |place: usize| trainings[..place].iter().find(|other| other.lends_to(&trainings[place]));
    let lenders: Vec<Option<&Training<'_>>> = (0..trainings.len()).map(lender).collect();
    let mut failed: Vec<(usize, Failed)> = Vec::new();
    for borrows in [false, true] {
        let wave: Vec<usize> = (0..trainings.len()).filter(|place| lenders[*place].is_some() == borrows).collect();
        let ended = workers::side_by_side(jobs, &wave, |place| {
            let training = &trainings[*place];
            let said = format!("run {} of {}, {training}", place + 1, trainings.len());
            training.finish(lenders[*place], &said).inspect_err(|error| eprintln!("{said}: failed: {error:#}"))
        });
        failed.extend(wave.into_iter().zip(ended).filter_map(|(place, ended)| {
            let (training, error) = (&trainings[place], format!("{:#}", ended.err()?));
            Some((place, Failed { what: format!("run {}", training.name), seed: training.seed, error }))
        }));
    }
    failed.sort_by_key(|(place, _)| *place);
    failed.into_iter().map(|(_, failed)| failed).collect()
}

impl Training<'_> {
    /// The name of its folder.
    #[must_use]
    pub fn folder_name(&self) -> String {
        self.paths.dir().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Of its settings under this seed.
    #[must_use]
    pub fn hash(&self) -> Hash {
        manifest::hash_of(&self.run.under(self.seed))
    }

    /// How far it has come. A folder that was put there by hand counts like one of the study's own, if it is of the same config.
    ///
    /// # Errors
    /// [`Failure::Input`] if another run lies in its folder: nothing is ever removed for a study's sake.
    pub fn state(&self) -> Result<State, Failure> {
        let file = self.paths.manifest();
        if !file.exists() {
            return Ok(State::Absent);
        }
        let dir = self.paths.dir().display();
        let unread = "remove the folder to train this run anew";
        let found = Manifest::read(&file).map_err(|error| Failure::input(error, Some(unread)))?;
        let differing = [
            ("seed", found.seed != self.seed),
            ("scenario", found.scenario != manifest::hash_of_mix(&self.run.mix)),
            ("config", found.config != self.hash()),
        ];
        if let Some((key, _)) = differing.iter().find(|(_, differs)| *differs) {
            let what = format!("{dir}: this is a run of another config than the study's: `{key}` differs");
            let hint = "remove the folder to train this run anew, or choose another folder for the study with --out";
            return Err(Failure::input(what, Some(hint)));
        }
        let whole = |checkpoint: &Checkpoint| checkpoint.verify().is_ok();
        let last = CheckpointId { phase: TrainPhase::Grpo, step: self.run.settings.grpo.steps };
        let finished = self.checkpoint(last).as_ref().is_some_and(whole);
        Ok(if finished { State::Finished } else { State::Begun })
    }

    /// Where the models are after so many steps; `None` if the run never came so far, or has not kept them.
    #[must_use]
    pub fn models(&self, step: u64) -> Option<PathBuf> {
        self.checkpoint(CheckpointId { phase: TrainPhase::Grpo, step }).map(|checkpoint| checkpoint.folder)
    }

    fn checkpoint(&self, id: CheckpointId) -> Option<Checkpoint> {
        Checkpoints::at(&self.paths.checkpoints()).load(id).ok()
    }

    /// Whether its cold start, once it is made, is also that of the other.
    fn lends_to(&self, other: &Training<'_>) -> bool {
        let basis = |training: &Training<'_>| {
            let settings = training.run.under(training.seed);
            cold_start::lessons_hash(&settings, &training.run.mix)
        };
        let (ours, theirs) = (self.run.settings.grpo.mode.learning(), other.run.settings.grpo.mode.learning());
        let has_all = Seat::ALL.into_iter().all(|seat| ours[seat] || !theirs[seat]);
        has_all && basis(self).is_some() && basis(self) == basis(other)
    }

    fn finish(&self, lender: Option<&Training<'_>>, place: &str) -> anyhow::Result<()> {
        if self.paths.lock().exists() {
            drop(RunLock::take_within(&self.paths.lock(), PATIENCE)?);
        }
        let state = self.state().map_err(|failure| anyhow!("{failure}"))?;
        match state {
            State::Finished => {
                eprintln!("{place}: is finished");
                return Ok(());
            }
            State::Begun => eprintln!("{place}: goes on"),
            State::Absent => eprintln!("{place}: begins"),
        }
        // A lender that failed has none, and one of another version of this program does not say what its own depends on: then this one makes it.
        let can_lend = |lender: &&Training<'_>| {
            let told = Manifest::read(&lender.paths.manifest()).is_ok_and(|manifest| manifest.lessons.is_some());
            told && lender.checkpoint(CheckpointId::COLD_START).is_some()
        };
        let lender = lender.filter(can_lend);
        self.carry_out(state, lender, place)?;
        // Said by its folder, not by its exit code alone.
        match self.state().map_err(|failure| anyhow!("{failure}"))? {
            State::Finished => Ok(()),
            State::Absent | State::Begun => Err(anyhow!("it ended without its last checkpoint")),
        }
    }

    /// Runs the process to its end and passes on what it says.
    fn carry_out(&self, state: State, lender: Option<&Training<'_>>, place: &str) -> anyhow::Result<()> {
        let mut child = self.command(state, lender)?.spawn().context("cannot start another process of this program")?;
        // Held until it has ended; `wait` would let go of it before.
        let _leash = child.stdin.take();
        let said = child.stderr.take().map_or_else(VecDeque::new, |stderr| pass_on(BufReader::new(stderr), place));
        let status = child.wait().context("the process of the run")?;
        if status.success() { Ok(()) } else { Err(anyhow!(reason(&said).unwrap_or_else(|| status.to_string()))) }
    }

    fn command(&self, state: State, lender: Option<&Training<'_>>) -> anyhow::Result<Command> {
        let mut command = Command::new(env::current_exe().context("where this program lies")?);
        command.arg("train").arg(&self.run.file).arg(leash::FLAG).args(["--seed", &self.seed.to_string()]);
        command.arg("--out").arg(self.paths.dir());
        if state == State::Begun {
            command.arg("--resume");
        }
        if let Some(lender) = lender {
            command.arg("--cold-start").arg(lender.paths.dir());
        }
        for set in &self.run.set {
            command.args(["--set", set]);
        }
        // Its report is about one seed; stdout is for the table over all of them.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(command)
    }
}

impl std::fmt::Display for Training<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, seed {}", self.name, self.seed)
    }
}

/// Repeats each line on our own stderr, behind `place`. Gives the last of them.
fn pass_on(lines: impl BufRead, place: &str) -> VecDeque<String> {
    let mut last = VecDeque::new();
    for line in lines.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        eprintln!("{place}: {line}");
        if last.len() == LINES_KEPT {
            last.pop_front();
        }
        last.push_back(line);
    }
    last
}

/// The error it gave for its end, without what the study says in its own way: hints of a flag.
fn reason(said: &VecDeque<String>) -> Option<String> {
    said.iter().rev().find_map(|line| line.strip_prefix("error: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_last_error_that_was_given() {
        let said = "cold start 3/3\nerror: first\nhint: a\nerror: second\nhint: b\n".as_bytes();
        let last = pass_on(said, "run 1 of 1");
        assert_eq!(reason(&last).as_deref(), Some("second"));
        assert_eq!(reason(&pass_on(&b"all is well\n"[..], "run 1 of 1")), None);
    }
}
