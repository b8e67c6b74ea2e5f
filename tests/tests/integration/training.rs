//! A small run: everything the quickstart does, in miniature; and what a folder holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use runs::Records;
use runs::RunPaths;
use serde_json::Value;
use sim::EpisodeRecord;
use sim::Seat;
use tempfile::TempDir;
use text::Dialect;

use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;

/// What makes the quickstart small.
pub const SMALL: [&str; 14] = [
    "sft.dialogues=60",
    "sft.updates=12",
    "sft.tokens_per_update=400",
    "sft.warmup=2",
    "sft.probe_min=0",
    "checkpoints.sft_every=5",
    "grpo.steps=3",
    "grpo.group_size=3",
    "grpo.group_valid_min=2",
    "grpo.groups.mutual=1",
    "grpo.groups.fixed=1",
    "grpo.minibatches=1",
    "eval.items=4",
    "eval.every=2",
];

/// Steps of a small run.
pub const STEPS: u64 = 3;

/// A small run that was trained to its end, once for all tests that only look at it.
pub static TRAINED: LazyLock<PathBuf> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trained-{profile}"));
    // Left by the last time; nothing ends with a process.
    let _ = fs::remove_dir_all(&out);
    duologue(&arguments(&out, &[])).done();
    out
});

/// A place to work in.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one")
}

/// Arguments of a small run into `out`.
pub fn arguments(out: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments = vec!["train", "configs/quickstart.toml", "--out", out.to_str().expect("we named it")];
    arguments.extend(SMALL.iter().flat_map(|set| ["--set", set]));
    arguments.extend(more);
    arguments.into_iter().map(str::to_owned).collect()
}

/// A small run, to be started.
pub fn train_command(out: &Path, more: &[&str]) -> Command {
    command(&arguments(out, more))
}

/// A small run.
pub fn train(out: &Path, more: &[&str]) -> Said {
    finish(train_command(out, more))
}

/// A copy of the trained run, to be spoilt.
pub fn copy_of_trained() -> (TempDir, PathBuf) {
    let scratch = scratch();
    let out = scratch.path().join("run");
    for (path, bytes) in contents(&TRAINED) {
        let to = out.join(path);
        fs::create_dir_all(to.parent().expect("a file lies in a folder")).expect("the place is ours");
        fs::write(to, bytes).expect("the place is ours");
    }
    (scratch, out)
}

/// Every file below a folder, by its path in it; empty if there is no folder.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        let Ok(entries) = fs::read_dir(&inner) else { continue };
        for entry in entries {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("we started there").to_owned();
                files.insert(name, fs::read(&path).expect("the file can be read"));
            }
        }
    }
    files
}

/// What two runs with one seed must agree on, to the byte: numbers, episodes, weights, and the account; not what comes from a clock.
pub fn outcome(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = contents(run);
    files.retain(|path, _| path.file_name().is_none_or(|name| name != "timings.jsonl" && name != ".lock"));
    for (path, bytes) in &mut files {
        if path.ends_with("state.json") {
            let mut state: Value = serde_json::from_slice(bytes).expect("a state is JSON");
            state["state"]["offsets"]["timings"] = Value::Null;
            *bytes = state.to_string().into_bytes();
        }
    }
    files
}

/// Asserts that two runs came to the same end.
#[track_caller]
pub fn same_outcome(one: &Path, other: &Path) {
    let (one, other) = (outcome(one), outcome(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(other[path] == *bytes, "{} differs", path.display());
    }
}

/// The lines of a `.jsonl` file.
pub fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("the run wrote it");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
}

/// All records of a run.
pub fn records(run: &Path) -> Vec<EpisodeRecord> {
    let records = Records::open(&RunPaths::new(run).log()).expect("the run has a log");
    records.collect::<Result<_, _>>().expect("the log is whole")
}

/// Where a seat's model lies after the last step of a small run.
pub fn last_model(run: &Path, seat: Seat) -> PathBuf {
    run.join(format!("checkpoints/step-{STEPS:06}/{seat}"))
}

/// How a run's models read and write.
pub fn dialect(run: &Path) -> Dialect {
    let scenario: sim::Scenario =
        serde_json::from_slice(&fs::read(run.join("scenario.json")).expect("a run has its scenario"))
            .expect("as it was written");
    let reasons = sim::Pair::from_fn(|seat| scenario.seats[seat].reasons);
    Dialect::open(&last_model(run, Seat::Agent), reasons).expect("the folder is whole")
}
