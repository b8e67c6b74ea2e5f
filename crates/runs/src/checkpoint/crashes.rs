//! A whole run, killed everywhere: between any two changes of the disk, once or again and again. However often it dies, its folder ends
//! byte for byte as that of a run that never did.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sim::Pair;

use super::*;
use crate::Closed;
use crate::FolderError;
use crate::Hash;
use crate::MetricsLine;
use crate::Offsets;
use crate::RunFolder;
use crate::TrainPhase;
use crate::testing::full_record;
use crate::testing::id;
use crate::testing::manifest;
use crate::testing::small_record;

/// What is committed in the order of time, and how many checkpoints are kept.
const STEPS: [CheckpointId; 4] = [
    CheckpointId { phase: TrainPhase::Sft, step: 200 },
    CheckpointId::COLD_START,
    CheckpointId { phase: TrainPhase::Grpo, step: 1 },
    CheckpointId { phase: TrainPhase::Grpo, step: 2 },
];
const KEEP: usize = 1;

/// The process dies when it runs out.
struct Fuel(u64);

#[derive(Debug)]
struct Died;

impl Fuel {
    fn burn(&mut self) -> Result<(), Died> {
        self.0 = self.0.checked_sub(1).ok_or(Died)?;
        Ok(())
    }
}

/// A trainer in miniature: each step plays three episodes, and its weights depend on those of the step before.
fn train(dir: &Path, fuel: &mut Fuel) -> Result<(), Died> {
    let folder = match RunFolder::open(dir) {
        Ok(folder) => folder,
        Err(FolderError::Manifest(_)) => RunFolder::create(dir, "seed = 1\n", &manifest()).unwrap(),
        Err(error) => panic!("{error}"),
    };
    fuel.burn()?;
    let resumed = folder.resume().unwrap();
    thin_out(&resumed.checkpoints, fuel)?;
    let (mut state, mut log, mut sheets) = (resumed.state, resumed.log, resumed.sheets);
    let mut weights = match &resumed.checkpoint {
        Some(checkpoint) => fs::read_to_string(checkpoint.seat_folder(Seat::Agent).join("weights")).unwrap(),
        None => "at random".to_owned(),
    };
    let done = resumed.checkpoint.map(|checkpoint| checkpoint.id);
    for (at, next) in STEPS.into_iter().enumerate().filter(|(_, step)| Some(*step) > done) {
        for member in 1..=3 {
            let episode = id(at as u64, 0, member);
            state.ledger.open(episode).unwrap();
            if member == 2 {
                state.ledger.close(episode, Closed::Lost).unwrap();
                continue;
            }
            let record = if member == 1 { full_record(episode) } else { small_record(episode, weights.len()) };
            log.append(&record).unwrap();
            fuel.burn()?;
            state.ledger.close(episode, Closed::with(&record)).unwrap();
        }
        weights = Hash::of_bytes(format!("{weights} {next}").as_bytes()).to_string();
        let line = MetricsLine::new().with("step", next.step).with("phase", next.phase.name());
        sheets.append_metrics(&line.with("loss", 1.0 / (at as f64 + 3.0)).with("weights", weights.as_str())).unwrap();
        fuel.burn()?;
        sheets.append_timings(&MetricsLine::new().with("step", next.step).with("update_ms", 5)).unwrap();
        fuel.burn()?;
        let (metrics, timings) = sheets.sync().unwrap();
        fuel.burn()?;
        state.offsets = Offsets { log: log.sync().unwrap(), metrics, timings };
        fuel.burn()?;
        state.ledger.settle().unwrap();
        (state.phase, state.step, state.versions) = (next.phase, next.step, Pair { agent: at as u64, user: 0 });
        commit(&resumed.checkpoints, &state, &weights, fuel)?;
    }
    Ok(())
}

/// [`Commit::finish`], with a death between any two of its changes.
fn commit(checkpoints: &Checkpoints, state: &RunState, weights: &str, fuel: &mut Fuel) -> Result<(), Died> {
    let commit = checkpoints.begin(state.checkpoint()).unwrap();
    fuel.burn()?;
    for seat in Seat::ALL {
        fs::write(commit.seat_folder(seat).join("weights"), weights).unwrap();
        fuel.burn()?;
    }
    for io in commit.plan(state).unwrap() {
        io.run().unwrap();
        fuel.burn()?;
    }
    thin_out(checkpoints, fuel)
}

/// [`Checkpoints::thin_out`], with a death before, between and after its changes.
fn thin_out(checkpoints: &Checkpoints, fuel: &mut Fuel) -> Result<(), Died> {
    fuel.burn()?;
    for old in checkpoints.surplus(&KEEP.into()).unwrap() {
        for io in checkpoints.removal(old) {
            io.run().unwrap();
            fuel.burn()?;
        }
    }
    Ok(())
}

/// Every file of a run, by its path, with its bytes.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = Tree::walk(dir).unwrap().files;
    files
        .into_iter()
        .map(|file| (file.strip_prefix(dir).unwrap().display().to_string(), fs::read(&file).unwrap()))
        .collect()
}

fn never_killed() -> (BTreeMap<String, Vec<u8>>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut fuel = Fuel(u64::MAX);
    train(dir.path(), &mut fuel).unwrap();
    (contents(dir.path()), u64::MAX - fuel.0)
}

#[test]
fn the_run_that_is_never_killed_leaves_what_it_should() {
    let (contents, _) = never_killed();
    let folders = ["step-000000", "step-000002"];
    let names: Vec<_> = contents.keys().filter(|name| name.ends_with(STATE)).cloned().collect();
    assert_eq!(names, folders.map(|folder| format!("checkpoints/{folder}/{STATE}")));
    let file: StateFile = serde_json::from_slice(&contents[&names[1]]).unwrap();
    let totals = file.state.ledger.totals();
    assert_eq!((totals.opened, totals.recorded, totals.faulted, totals.lost), (12, 8, 4, 4));
    assert_eq!(file.state.offsets.log.bytes(), contents["episodes/log.bin"].len() as u64);
}

#[test]
fn killed_once_anywhere_and_resumed_the_run_ends_the_same() {
    let (expected, fuel_all) = never_killed();
    for fuel in 0..fuel_all {
        let dir = tempfile::tempdir().unwrap();
        train(dir.path(), &mut Fuel(fuel)).expect_err("the fuel is too little");
        train(dir.path(), &mut Fuel(u64::MAX)).unwrap();
        assert!(contents(dir.path()) == expected, "killed after {fuel} of {fuel_all} changes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn killed_again_and_again_the_run_ends_the_same(kills in prop::collection::vec(0..40u64, 1..10)) {
        let (expected, _) = never_killed();
        let dir = tempfile::tempdir().unwrap();
        for fuel in kills {
            // Enough fuel may finish it, which is fine too.
            let _ = train(dir.path(), &mut Fuel(fuel));
        }
        train(dir.path(), &mut Fuel(u64::MAX)).unwrap();
        prop_assert!(contents(dir.path()) == expected);
    }
}
