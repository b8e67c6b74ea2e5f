use std::env;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;

use sim::Seat;
use tempfile::TempDir;

use super::*;
use crate::Closed;
use crate::Metrics;
use crate::MetricsLine;
use crate::Offsets;
use crate::Records;
use crate::TrainPhase;
use crate::testing::id;
use crate::testing::manifest;
use crate::testing::small_record;

fn created() -> (TempDir, RunFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run"), "seed = 1\n", &manifest()).unwrap();
    (dir, folder)
}

/// Commits one step of GRPO with one episode and one line.
fn step(resumed: &mut Resumed, step: u64) {
    let Resumed { state, log, sheets, .. } = resumed;
    let record = small_record(id(step, 0, 1), 3);
    state.ledger.open(record.casting.id).unwrap();
    log.append(&record).unwrap();
    state.ledger.close(record.casting.id, Closed::with(&record)).unwrap();
    sheets.append_metrics(&MetricsLine::new().with("step", step).with("phase", "grpo")).unwrap();
    sheets.append_timings(&MetricsLine::new().with("step", step).with("update_ms", 7)).unwrap();
    state.ledger.settle().unwrap();
    let (metrics, timings) = sheets.sync().unwrap();
    state.offsets = Offsets { log: log.sync().unwrap(), metrics, timings };
    (state.phase, state.step) = (TrainPhase::Grpo, step);
    let commit = resumed.checkpoints.begin(state.checkpoint()).unwrap();
    for seat in Seat::ALL {
        fs::write(commit.seat_folder(seat).join("weights"), format!("{step}")).unwrap();
    }
    resumed.checkpoint = Some(commit.finish(state, 2).unwrap());
}

#[test]
fn a_created_run_has_its_run_file_byte_for_byte_and_a_fresh_state() {
    let (_dir, folder) = created();
    assert_eq!(fs::read_to_string(folder.paths().run_toml()).unwrap(), "seed = 1\n");
    let resumed = folder.resume().unwrap();
    assert_eq!((resumed.state, resumed.checkpoint), (RunState::fresh(), None));
    assert_eq!(resumed.cut, CutBytes::default());
}

#[test]
fn a_folder_that_is_a_run_is_not_created_again() {
    let (_dir, folder) = created();
    let dir = folder.paths().dir().to_owned();
    let again = || RunFolder::create(&dir, "seed = 2\n", &manifest());
    assert!(matches!(RunFolder::expect_vacant(&dir), Err(FolderError::IsARun { dir: named }) if named == dir));
    assert!(RunFolder::expect_run(&dir).is_ok());
    assert!(matches!(again(), Err(FolderError::IsARun { dir: named }) if named == dir));
    drop(folder);
    assert!(matches!(again(), Err(FolderError::IsARun { .. })));
    assert_eq!(fs::read_to_string(dir.join("run.toml")).unwrap(), "seed = 1\n");
}

#[test]
fn a_folder_with_somebody_elses_files_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "").unwrap();
    let refused = RunFolder::create(dir.path(), "", &manifest());
    assert!(matches!(refused, Err(FolderError::NotEmpty { name, .. }) if name == "thesis.tex"));
    let looked = RunFolder::expect_vacant(dir.path());
    assert!(matches!(looked, Err(FolderError::NotEmpty { name, .. }) if name == "thesis.tex"));
    assert!(matches!(RunFolder::expect_run(dir.path()), Err(FolderError::Manifest(_))));
    assert!(RunFolder::expect_vacant(&dir.path().join("not there")).is_ok());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_an_interrupted_creation_leaves_may_be_created_anew() {
    let dir = tempfile::tempdir().unwrap();
    for name in [".lock", "run.toml", ".manifest.json.tmp"] {
        fs::write(dir.path().join(name), "half").unwrap();
        assert!(matches!(RunFolder::open(dir.path()), Err(FolderError::Manifest(ManifestError::Missing { .. }))));
        drop(RunFolder::create(dir.path(), "seed = 1\n", &manifest()).unwrap());
        fs::remove_file(dir.path().join("manifest.json")).unwrap();
    }
}

#[test]
fn a_folder_that_is_no_run_is_not_opened_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let opened = RunFolder::open(dir.path());
    assert!(matches!(opened, Err(FolderError::Manifest(ManifestError::Missing { .. }))));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn resuming_cuts_everything_back_to_the_last_commit() {
    let (_dir, folder) = created();
    let mut resumed = folder.resume().unwrap();
    step(&mut resumed, 1);
    step(&mut resumed, 2);
    let committed = resumed.state.clone();
    resumed.log.append(&small_record(id(3, 0, 1), 50)).unwrap();
    resumed.sheets.append_metrics(&MetricsLine::new().with("step", 3)).unwrap();
    resumed.sheets.append_timings(&MetricsLine::new().with("step", 3)).unwrap();
    let event_file = fs::read_dir(folder.paths().tensorboard()).unwrap().next().unwrap().unwrap().path();
    let events = fs::metadata(&event_file).unwrap().len();
    drop(resumed);

    let resumed = folder.resume().unwrap();
    assert_eq!(resumed.state, committed);
    assert_eq!(resumed.checkpoint.unwrap().id, committed.checkpoint());
    assert!(0 < resumed.cut.log);
    assert_eq!((resumed.cut.metrics, resumed.cut.timings), (11, 11));
    let records: Vec<_> = Records::open(&folder.paths().log()).unwrap().map(|r| r.unwrap().casting.id).collect();
    assert_eq!(records, [id(1, 0, 1), id(2, 0, 1)]);
    let steps: Vec<_> = Metrics::read(&folder.paths().metrics()).unwrap().iter().map(|l| l.number("step")).collect();
    assert_eq!(steps, [Some(1.0), Some(2.0)]);
    assert!(fs::metadata(&event_file).unwrap().len() <= events);
}

#[test]
fn a_run_without_a_commit_starts_from_nothing_again() {
    let (_dir, folder) = created();
    let mut resumed = folder.resume().unwrap();
    resumed.log.append(&small_record(id(1, 0, 1), 50)).unwrap();
    resumed.sheets.append_metrics(&MetricsLine::new().with("step", 1)).unwrap();
    drop(resumed);
    let resumed = folder.resume().unwrap();
    assert_eq!(resumed.state, RunState::fresh());
    assert_eq!(Records::open(&folder.paths().log()).unwrap().count(), 0);
    assert_eq!(fs::read(folder.paths().metrics()).unwrap(), b"");
}

#[test]
fn a_newest_checkpoint_removed_by_hand_means_going_on_from_the_one_before_it() {
    let (_dir, folder) = created();
    let mut resumed = folder.resume().unwrap();
    step(&mut resumed, 1);
    let first = resumed.state.clone();
    step(&mut resumed, 2);
    fs::remove_dir_all(&resumed.checkpoint.unwrap().folder).unwrap();
    let mut resumed = folder.resume().unwrap();
    assert_eq!(resumed.state, first);
    step(&mut resumed, 2);
    assert_eq!(Records::open(&folder.paths().log()).unwrap().count(), 2);
}

#[test]
fn a_checkpoint_with_cut_weights_is_not_resumed_from() {
    let (_dir, folder) = created();
    let mut resumed = folder.resume().unwrap();
    step(&mut resumed, 1);
    let weights = resumed.checkpoint.unwrap().seat_folder(Seat::User).join("weights");
    fs::write(&weights, "").unwrap();
    let error = folder.resume().unwrap_err();
    assert!(matches!(&error, FolderError::Checkpoint(CheckpointError::File { file, .. }) if *file == weights));
}

#[test]
fn what_becomes_known_later_is_added_to_the_manifest() {
    let (_dir, mut folder) = created();
    let known = Manifest { tokenizer: Some(crate::Hash::of_bytes(b"trained")), ..manifest() };
    folder.set_manifest(known.clone()).unwrap();
    let dir = folder.paths().dir().to_owned();
    drop(folder);
    let folder = RunFolder::open(&dir).unwrap();
    assert_eq!(folder.manifest(), &known);
    assert_eq!(folder.manifest().matches(&manifest()), Ok(()));
}

#[test]
fn a_run_has_one_writer_at_a_time() {
    let (_dir, folder) = created();
    let dir = folder.paths().dir().to_owned();
    let second = RunFolder::open(&dir);
    assert!(matches!(second, Err(FolderError::Lock(LockError::Held { file })) if file == dir.join(".lock")));
    drop(folder);
    RunFolder::open(&dir).unwrap();
}

/// Set for the process that is to be killed: the run folder it trains in.
const VICTIM: &str = "DUOLOGUE_RUNS_TEST_VICTIM";

#[test]
fn a_killed_process_leaves_no_lock_and_every_step_it_had_reported() {
    if let Some(dir) = env::var_os(VICTIM) {
        train_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("run");
    let mut reported = 0;
    for _ in 0..3 {
        let mut victim = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "folder::tests::a_killed_process_leaves_no_lock_and_every_step_it_had_reported",
                "--nocapture",
            ])
            .env(VICTIM, &dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        // It stays open until the end of this round: without a reader the victim would die by itself, before it is killed.
        let mut steps = lines.filter_map(|line| line.unwrap().strip_prefix("committed ")?.parse::<u64>().ok());
        reported = steps.by_ref().take(4).last().unwrap();
        assert!(matches!(RunFolder::open(&dir), Err(FolderError::Lock(LockError::Held { .. }))));
        victim.kill().unwrap();
        victim.wait().unwrap();

        let state = RunFolder::open(&dir).unwrap().resume().unwrap().state;
        assert!(reported <= state.step);
        assert_eq!(state.ledger.totals().recorded, state.step);
        let ids: Vec<_> = Records::open(&RunPaths::new(&dir).log()).unwrap().map(|r| r.unwrap().casting.id).collect();
        assert_eq!(ids, (1..=state.step).map(|step| id(step, 0, 1)).collect::<Vec<_>>());
    }
    assert!(12 <= reported, "each of the three processes went on where the one before was killed");
}

/// Never returns.
fn train_until_killed(dir: &Path) -> ! {
    let folder = RunFolder::open(dir).or_else(|_| RunFolder::create(dir, "", &manifest())).unwrap();
    let mut resumed = folder.resume().unwrap();
    loop {
        let next = resumed.state.step + 1;
        step(&mut resumed, next);
        println!("committed {next}");
    }
}
