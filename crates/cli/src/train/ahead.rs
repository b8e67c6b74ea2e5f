//! Steps that were played and wait to be learned from.
//!
//! ```text
//!  staleness_max = 0     play 1   learn 1   play 2   learn 2   play 3   learn 3
//!
//!  staleness_max = 1     play 1 ┬ learn 1 ┬ learn 2 ┬ learn 3 ┬ …        a bar waits for both sides; evaluations and commits stand on bars
//!                               └ play 2  ┴ play 3  ┴ play 4  ┴ …
//! ```
//!
//! When a step is committed those that wait are in the log, and nobody is playing: the newest weights are all that the next step is played with. So a
//! checkpoint holds no older ones, and whoever resumes reads the episodes back.

use std::borrow::Cow;
use std::collections::VecDeque;

use rl::Outlook;
use rl::forks::is_talk;
use rl::harvest::dead_groups;
use rl::plan;
use runs::Records;
use runs::TrainPhase;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::Phase;
use sim::record::Casting;

use crate::setup::Setup;
use crate::stage::Stage;
use crate::train::forks::Forks;

/// A step's episodes.
pub struct PlayedStep {
    /// Which step, from 1.
    pub step: u64,
    /// Who was to play, groups in place of others included.
    pub castings: Vec<Casting>,
    /// What came of it, in the same order; the lost ones are missing.
    pub records: Vec<EpisodeRecord>,
    /// Groups that were played in place of others.
    pub refilled: u32,
    /// How many episodes were played again after a fault of the infrastructure; `None` of a step that was read back, which does not tell.
    pub reruns: Option<u32>,
    /// What was played of some of the talks in another way.
    pub forks: Forks,
}

impl PlayedStep {
    /// All that the step can be learned from: its talks, and their forks if there are any.
    #[must_use]
    pub fn lessons(&self) -> (Cow<'_, [Casting]>, Cow<'_, [EpisodeRecord]>) {
        let Forks { castings, records } = &self.forks;
        match castings.is_empty() {
            true => (Cow::Borrowed(&self.castings), Cow::Borrowed(&self.records)),
            false => ([&self.castings[..], castings].concat().into(), [&self.records[..], records].concat().into()),
        }
    }
}

/// Nobody learns from a step in which nothing could be played: who plays elsewhere is out of reach, or its budget is spent.
#[derive(Debug, thiserror::Error)]
#[error("none of the {episodes} episodes of step {step} came to an end within the rules; the first: {fault}")]
struct Unplayed {
    episodes: usize,
    step: u64,
    fault: Fault,
}

/// The steps that wait, in order. Its size is bounded by `grpo.staleness_max`.
#[derive(Default)]
pub struct Ahead {
    waiting: VecDeque<PlayedStep>,
}

impl Ahead {
    /// What waited when the run was committed: read back, as it was.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn recalled(stage: &Stage<'_>) -> anyhow::Result<Ahead> {
        let (setup, state) = (&stage.setup, &stage.state);
        // Before the first step nothing has been played.
        if setup.settings.grpo.staleness_max == 0 || state.phase == TrainPhase::Sft || state.step == 0 {
            return Ok(Ahead::default());
        }
        let records = Records::open_at(&stage.folder.paths().log(), state.offsets.log)?;
        let later = records.select(|id| id.phase == Phase::Grpo && state.step < id.round)?;
        let steps = plan::played_before(&setup.settings.grpo, state.step + 1);
        let waiting = steps.filter(|step| *step <= setup.settings.grpo.steps);
        let outlook = |step| stage.steering.outlooks.of_step(&setup.settings.grpo, step);
        Ok(Ahead { waiting: waiting.map(|step| recall(setup, step, &outlook(step), &later)).collect() })
    }

    /// The episodes of `step`, which are played now, and all others that must have been, unless they wait here.
    ///
    /// # Errors
    /// As [`Ahead::play`].
    pub async fn take(&mut self, stage: &mut Stage<'_>, step: u64) -> anyhow::Result<PlayedStep> {
        for due in plan::played_before(&stage.setup.settings.grpo, step) {
            if self.waiting.back().is_none_or(|last| last.step < due) {
                self.play(stage, due).await?;
            }
        }
        Ok(self.waiting.pop_front().expect("the first that must have been played is this one"))
    }

    /// Plays a step, and lays it by.
    ///
    /// # Errors
    /// If a service died, or no episode came to an end within the rules.
    pub async fn play(&mut self, stage: &mut Stage<'_>, step: u64) -> anyhow::Result<()> {
        let grpo = stage.setup.settings.grpo.clone();
        let outlook = stage.steering.outlooks.of_step(&grpo, step);
        let mut castings = plan::step_castings(&grpo, &stage.setup.mix, stage.setup.settings.seed, step, &outlook);
        stage.invite(&castings).await?;
        // Those of an evaluation are told where they happen.
        stage.take_reruns();
        let mut records = stage.play(&castings, grpo.temperature).await?;
        played_at_all(&records, step)?;
        let (mut refilled, mut latest) = (0, castings.clone());
        for _ in 0..grpo.refills() {
            let Some((groups, refill)) = refill(&stage.setup, &outlook, &castings, &latest, &records) else { break };
            records.extend(stage.play(&refill, grpo.temperature).await?);
            castings.extend(refill.iter().cloned());
            refilled += groups;
            latest = refill;
        }
        let forks = Forks::play(stage, &castings, &records, step).await?;
        let reruns = Some(stage.take_reruns());
        self.waiting.push_back(PlayedStep { step, castings, records, refilled, reruns, forks });
        Ok(())
    }
}

/// A step as it was played, by the records that it left.
fn recall(setup: &Setup, step: u64, outlook: &Outlook, later: &[EpisodeRecord]) -> PlayedStep {
    let grpo = &setup.settings.grpo;
    let is_of_step = |id: EpisodeId| id.round == step;
    let of_step: Vec<EpisodeRecord> = later.iter().filter(|record| is_of_step(record.casting.id)).cloned().collect();
    let records: Vec<EpisodeRecord> = of_step.iter().filter(|record| is_talk(&record.casting)).cloned().collect();
    let mut castings = plan::step_castings(grpo, &setup.mix, setup.settings.seed, step, outlook);
    let (mut refilled, mut latest) = (0, castings.clone());
    for _ in 0..grpo.refills() {
        let Some((groups, refill)) = refill(setup, outlook, &castings, &latest, &records) else { break };
        castings.extend(refill.iter().cloned());
        refilled += groups;
        latest = refill;
    }
    let forks = Forks::recall(setup, &castings, &of_step, step);
    PlayedStep { step, castings, records, refilled, reruns: None, forks }
}

/// How many of the groups played last have members that all scored the same, which would teach nothing, and new ones in their place; `None` if all are
/// good.
fn refill(
    setup: &Setup,
    outlook: &Outlook,
    castings: &[Casting],
    latest: &[Casting],
    records: &[EpisodeRecord],
) -> Option<(u32, Vec<Casting>)> {
    let grpo = &setup.settings.grpo;
    let dead = dead_groups(latest, records, grpo);
    let refill = || plan::refill_castings(grpo, &setup.mix, setup.settings.seed, castings, &dead, outlook);
    (!dead.is_empty()).then(|| (dead.len() as u32, refill()))
}

fn played_at_all(records: &[EpisodeRecord], step: u64) -> Result<(), Unplayed> {
    let faults: Vec<&Fault> = records.iter().map_while(|record| record.fault.as_ref()).collect();
    match faults.first() {
        Some(fault) if faults.len() == records.len() => {
            Err(Unplayed { episodes: records.len(), step, fault: (*fault).clone() })
        }
        Some(_) | None => Ok(()),
    }
}
