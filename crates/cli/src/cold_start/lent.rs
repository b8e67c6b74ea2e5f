//! A cold start that another run has made: taken over where it would be the same, so that runs that differ in what comes after it make it once.

use std::path::Path;

use runs::Checkpoint;
use runs::CheckpointId;
use runs::Checkpoints;
use runs::Manifest;
use runs::Metrics;
use runs::MetricsLine;
use runs::RunPaths;
use runs::TrainPhase;
use sim::Pair;
use sim::Seat;

use crate::failure::Failure;

/// Another run's cold start.
pub struct Lent {
    /// Its models when they had learned, without moments.
    pub checkpoint: Checkpoint,
    /// What that run said of it.
    lines: Vec<MetricsLine>,
}

impl Lent {
    /// The cold start of the run in `folder`, for the `seats` that learn of the run that is `wanted`.
    ///
    /// # Errors
    /// [`Failure::Input`] if there is none, or it is another one than the run would make.
    pub fn of(folder: &Path, wanted: &Manifest, seats: Pair<bool>) -> Result<Lent, Failure> {
        let (paths, place) = (RunPaths::new(folder), folder.display());
        let lender = Manifest::read(&paths.manifest())
            .map_err(|error| Failure::input(error, Some("name the folder of a run in --cold-start")))?;
        lender.lends_to(wanted, seats).map_err(|mismatch| {
            let hint = "what decides it must be the same: seed, device, scenarios, [model], [sft], [optimizer]; or make it, without --cold-start";
            Failure::input(format!("{place}: its cold start is another one: {mismatch}"), Some(hint))
        })?;
        for drift in lender.drift(wanted) {
            tracing::warn!(
                "{place}: {drift}: its cold start may differ in the last bits from what this program would make"
            );
        }
        let checkpoint = Checkpoints::at(&paths.checkpoints())
            .load(CheckpointId::COLD_START)
            .and_then(|checkpoint| checkpoint.verify().map(|()| checkpoint))
            .map_err(|error| Failure::input(error, Some("name a run that has kept its cold start, step-000000")))?;
        let lines = Metrics::read(&paths.metrics())
            .map_err(|error| Failure::input(error, Some("name a run with its metrics")))?
            .into_iter()
            .take_while(|line| line.text("phase") == Some(TrainPhase::Sft.name()))
            .map(|line| of_seats(&line, seats))
            .collect();
        Ok(Lent { checkpoint, lines })
    }

    /// What is to be said of it in the metrics of the run that takes it.
    pub fn lines(&self) -> impl Iterator<Item = &MetricsLine> {
        self.lines.iter()
    }
}

/// The line without what it says of a seat that does not learn.
fn of_seats(line: &MetricsLine, seats: Pair<bool>) -> MetricsLine {
    let others: Vec<Seat> = Seat::ALL.into_iter().filter(|seat| !seats[*seat]).collect();
    let is_of_others = |key: &str| others.iter().any(|seat| key.starts_with(&format!("{seat}/")));
    let kept = line.iter().filter(|(key, _)| !is_of_others(key));
    kept.fold(MetricsLine::new(), |line, (key, value)| line.with(key, value.clone()))
}
