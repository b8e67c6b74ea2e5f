//! Playing beside learning: which weights play is settled by the step's number, so a run comes to the same end whoever is faster, and wherever it is
//! killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use runs::CheckpointId;
use runs::Checkpoints;
use runs::RunPaths;
use runs::TrainPhase;
use serde_json::Value;
use sim::Address;
use sim::Phase;
use sim::Seat;
use sim::draws::Stream;

use crate::killed::operations;
use crate::killed::start_and_halt;
use crate::program::duologue;
use crate::training::TRAINED;
use crate::training::arguments;
use crate::training::lines;
use crate::training::outcome;
use crate::training::records;
use crate::training::same_outcome;
use crate::training::scratch;
use crate::training::train;
use crate::training::train_command;

/// Steps of the runs here.
const STEPS: u64 = 4;

/// What makes a small run play ahead. Groups of two are often without a difference, and are replaced, so that what waits is more than what was planned.
fn ahead(staleness_max: u32) -> Vec<String> {
    let sets = [format!("grpo.staleness_max={staleness_max}"), format!("grpo.steps={STEPS}")];
    let small = ["grpo.group_size=2", "grpo.groups.fixed=3", "grpo.refills_max=2"].map(str::to_owned);
    let sets = sets.into_iter().chain(small);
    sets.flat_map(|set| ["--set".to_owned(), set]).collect()
}

fn with<'a>(ahead: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    ahead.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

/// A run that plays one step ahead, trained to its end once.
static ONE_AHEAD: LazyLock<PathBuf> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ahead-{profile}"));
    let _ = fs::remove_dir_all(&out);
    duologue(&arguments(&out, &with(&ahead(1), &[]))).done();
    out
});

fn grpo_lines(run: &Path) -> Vec<Value> {
    lines(&run.join("metrics.jsonl")).into_iter().filter(|line| line["phase"] == "grpo").collect()
}

/// The versions that sampled a seat's turns in each step, from 1.
fn versions(run: &Path, seat: Seat) -> BTreeMap<u64, Vec<u64>> {
    let mut versions: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for record in records(run).iter().filter(|record| record.casting.id.phase == Phase::Grpo) {
        let sampled = record.turns_of(seat).filter_map(|turn| turn.decision.generation.as_ref());
        versions.entry(record.casting.id.round).or_default().extend(sampled.map(|generation| generation.version));
    }
    for of_step in versions.values_mut() {
        of_step.sort_unstable();
        of_step.dedup();
    }
    versions
}

/// The version of a seat's weights after each step, 0 being the end of the cold start.
fn after(run: &Path, seat: Seat) -> Vec<u64> {
    let checkpoints = Checkpoints::at(&RunPaths::new(run).checkpoints());
    let state = |step| checkpoints.load(CheckpointId { phase: TrainPhase::Grpo, step }).map(|found| found.state);
    (0..=STEPS).map(|step| state(step).expect("all of them are kept").versions[seat]).collect()
}

#[test]
fn without_a_lag_a_run_is_what_it_is_without_the_key() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    train(&out, &["--set", "grpo.staleness_max=0"]).done();
    let (mut one, mut other) = (outcome(&TRAINED), outcome(&out));
    // What was asked is written down as it was asked.
    assert!(one.remove(Path::new("run.toml")) != other.remove(Path::new("run.toml")));
    assert!(one == other, "the key alone has changed what the run came to");
    assert!(grpo_lines(&out).iter().all(|line| line.get("agent/staleness/mean").is_none()));
}

#[test]
fn two_runs_that_play_ahead_leave_the_same_bytes() {
    let scratch = scratch();
    let again = scratch.path().join("again");
    train(&again, &with(&ahead(1), &[])).done();
    same_outcome(&ONE_AHEAD, &again);
    assert!(outcome(&ONE_AHEAD)[Path::new("metrics.jsonl")] != outcome(&TRAINED)[Path::new("metrics.jsonl")]);
}

#[test]
fn what_is_played_lacks_the_last_updates_and_the_numbers_say_so() {
    let scratch = scratch();
    let three = scratch.path().join("three");
    train(&three, &with(&ahead(3), &["--set", "checkpoints.keep=9"])).done();
    let one = scratch.path().join("one");
    train(&one, &with(&ahead(1), &["--set", "checkpoints.keep=9"])).done();
    for (run, staleness_max) in [(&one, 1), (&three, 3)] {
        for seat in Seat::ALL {
            let (after, sampled) = (after(run, seat), versions(run, seat));
            for step in 1..=STEPS {
                let lacks = (step - 1).min(staleness_max);
                let with = after[(step - 1 - lacks) as usize];
                assert_eq!(sampled[&step], [with], "{seat}, step {step} of a lag of {staleness_max}");
                let line = &grpo_lines(run)[step as usize - 1];
                let behind = (after[step as usize - 1] - with) as f64;
                for name in ["staleness/mean", "staleness/max"] {
                    let of_nothing = line[format!("{seat}/loss_tokens/reply")] == 0.0;
                    let wanted = if of_nothing { Value::Null } else { behind.into() };
                    assert_eq!(line[format!("{seat}/{name}")], wanted, "{line}");
                }
                assert_eq!(line[format!("{seat}/stale")], 0.0);
            }
            assert!(after[STEPS as usize] > after[0] + 1, "the {seat} has learned more than once: {after:?}");
        }
    }
    // The learner computes each probability anew, and the weights have moved on; but for the first step, where there is nothing to lack.
    let distances: Vec<f64> =
        grpo_lines(&one).iter().filter_map(|line| line["agent/logprob_abs_diff_max"].as_f64()).collect();
    assert!(distances[0] == 0.0 && distances[1..].iter().all(|distance| *distance > 0.0), "{distances:?}");
    // Evaluations are of the newest.
    for record in records(&one).iter().filter(|record| record.casting.id.phase == Phase::Eval) {
        for turn in &record.turns {
            let newest = after(&one, turn.seat)[record.casting.id.round as usize];
            assert!(turn.decision.generation.as_ref().is_none_or(|sampled| sampled.version == newest));
        }
    }
}

#[test]
fn kills_while_one_side_works_or_both_leave_no_trace() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    let ahead = ahead(1);
    let reach = operations(&with(&ahead, &[])) as i64 / 3;
    let address = Address { seed: 2, phase: Phase::Grpo, round: 0, group: 7, trial: 0, member: 0 };
    let mut draws = address.draws(Stream::Item);
    let mut kills = 0;
    while kills < 8 {
        let resume: &[&str] = if out.join("manifest.json").exists() { &["--resume"] } else { &[] };
        let mut command = train_command(&out, &with(&ahead, resume));
        let Some(mut child) = start_and_halt(&mut command, draws.range(1, reach) as u64) else {
            same_outcome(&out, &ONE_AHEAD);
            fs::remove_dir_all(&out).expect("the place is ours");
            continue;
        };
        child.kill().expect("it waits to be killed");
        child.wait().expect("it was killed");
        kills += 1;
    }
    train(&out, &with(&ahead, &["--resume"])).done();
    same_outcome(&out, &ONE_AHEAD);
}

/// From every commit: what waited there is read back, replaced groups included, and so is each number said of it.
#[test]
fn a_run_goes_on_from_each_of_its_commits_to_the_same_end() {
    let scratch = scratch();
    for staleness_max in [1, 3] {
        let ahead = ahead(staleness_max);
        let more = with(&ahead, &["--set", "checkpoints.keep=9"]);
        let whole = scratch.path().join(format!("whole-{staleness_max}"));
        train(&whole, &more).done();
        for last in 0..STEPS {
            let out = scratch.path().join(format!("cut-{staleness_max}-{last}"));
            copy(&whole, &out);
            for step in last + 1..=STEPS {
                fs::remove_dir_all(out.join(format!("checkpoints/step-{step:06}"))).expect("it is ours");
            }
            train(&out, &[&more[..], &["--resume"]].concat()).done();
            same_outcome(&whole, &out);
        }
    }
}

/// Weights that are said to be newer than they are: what waits was sampled by older ones than a run may learn from.
#[test]
fn what_is_too_stale_trains_nobody_and_is_counted_and_said() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    let ahead = ahead(1);
    train(&out, &with(&ahead, &["--set", "checkpoints.keep=9"])).done();
    for step in 3..=STEPS {
        fs::remove_dir_all(out.join(format!("checkpoints/step-{step:06}"))).expect("it is ours");
    }
    let file = out.join("checkpoints/step-000002/state.json");
    let mut state: Value = serde_json::from_slice(&fs::read(&file).expect("it was committed")).expect("it is JSON");
    let version = &mut state["state"]["versions"]["agent"];
    *version = (version.as_u64().expect("a count") + 5).into();
    fs::write(&file, state.to_string()).expect("the place is ours");
    let said = train(&out, &with(&ahead, &["--set", "checkpoints.keep=9", "--resume"]));
    assert!(said.stderr.contains("talks do not train the agent"), "{}", said.stderr);
    said.done();
    let line = &grpo_lines(&out)[2];
    assert!(line["agent/stale"].as_f64().is_some_and(|talks| talks > 0.0), "{line}");
    assert_eq!((&line["agent/samples"], &line["agent/staleness/max"]), (&0.0.into(), &Value::Null));
    assert_eq!((&line["user/stale"], &line["user/staleness/max"]), (&0.0.into(), &1.0.into()));
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in crate::training::contents(from) {
        let to = to.join(path);
        fs::create_dir_all(to.parent().expect("a file lies in a folder")).expect("the place is ours");
        fs::write(to, bytes).expect("the place is ours");
    }
}

#[test]
fn groups_were_replaced_in_steps_that_waited_or_the_tests_above_show_less_than_they_say() {
    let refilled: f64 = grpo_lines(&ONE_AHEAD)[1..].iter().filter_map(|line| line["groups_refilled"].as_f64()).sum();
    assert!(refilled > 0.0, "another seed may be needed");
}

#[test]
fn a_plan_says_how_both_sides_share_the_machine() {
    let said = |more: &[&str]| {
        let sets = [&["--set", "sft.dialogues=60"], more].concat();
        let json = duologue(&[&["plan", "configs/quickstart.toml", "--json"], &sets[..]].concat()).done();
        serde_json::from_str::<Value>(&json).expect("stdout is one JSON value")
    };
    let (turns, beside) = (said(&[]), said(&["--set", "grpo.staleness_max=1", "--set", "limits.threads=3"]));
    assert_eq!((&turns["overlap"]["threads"], &beside["overlap"]["threads"]), (&2.into(), &12.into()));
    let copies = |plan: &Value| plan["models"]["memory"]["playing"].as_u64().expect("a count");
    assert_eq!(
        (copies(&turns), copies(&beside)),
        (0, beside["models"]["memory"]["weights"].as_u64().expect("a count"))
    );
    let page = duologue(&["plan", "configs/quickstart.toml", "--set", "sft.dialogues=60"]).done();
    assert!(page.contains("\nPLAYING AND LEARNING\n  in turns: a step is played, then it is learned from\n"), "{page}");
}
