//! `duologue study`: its numbers against `eval` and against plain play, what a kill leaves, what is done again and what is not.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::LazyLock;

use rl::plan;
use serde_json::Value;
use sim::Address;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Ratio;
use sim::draws::Stream;
use sim::drive::play_by_rule;
use sim::scenario::Split;

use crate::program::HALT_AT;
use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::program::root;
use crate::training::SMALL;
use crate::training::contents;
use crate::training::same_outcome;
use crate::training::scratch;
use crate::training::train;

const SEEDS: [u64; 2] = [1, 2];
const ITEMS: u32 = 6;
const TRIALS: u32 = 2;

/// A study that was made in one go, once for all tests that only look at it.
struct Studied {
    out: PathBuf,
    /// What its models do in the longest of its runs, and in all of its evaluations.
    operations: [u64; 2],
}

static STUDIED: LazyLock<Studied> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("studied-{profile}"));
    // Left by the last time; nothing ends with a process.
    let _ = fs::remove_dir_all(&place);
    let out = place.join("out");
    let mut command = study_command(&write_study(&place, &[]), &out, &[]);
    command.env(HALT_AT, "0");
    let said = finish(command);
    let counted = said.stderr.lines().filter_map(|line| line.rsplit_once("operations: "));
    let counts: Vec<(bool, u64)> =
        counted.map(|(place, count)| (place.is_empty(), count.parse().expect("it is a number"))).collect();
    said.done();
    let most = |own: bool| counts.iter().filter(|(is_own, _)| *is_own == own).map(|(_, count)| *count).max();
    Studied { out, operations: [false, true].map(|own| most(own).expect("everybody counts")) }
});

/// Writes the study's file, with edits, and gives its path.
fn write_study(place: &Path, edits: &[(&str, &str)]) -> PathBuf {
    let run = root().join("configs/quickstart.toml");
    let small: Vec<String> = SMALL.iter().map(|set| format!("\"{set}\"")).collect();
    let small = small.join(", ");
    let mut text = format!(
        r#"seeds = [1, 2]

[runs.base]
run = {run:?}
set = [{small}]

[runs.long]
run = {run:?}
set = [{small}, "sft.updates=16", "grpo.steps=0"]

[policies]
SFT = {{ run = "base", checkpoint = "step-000000" }}
RL = {{ run = "base" }}
long = {{ run = "long" }}
noisy = {{ policy = "scripted:noisy" }}
good = {{ policy = "scripted:good" }}
rule = {{ policy = "rule" }}

[[compare]]
seat = "agent"
items = {ITEMS}
trials = {TRIALS}
policies = ["SFT", "RL", "long", "noisy", "good"]
claims = [
    {{ policy = "RL", metric = "agent/score/mean", beats = "SFT", by = 0.2 }},
    {{ policy = "RL", metric = "agent/malformed", not_worse_than = "long", by = 0.01 }},
    {{ policy = "good", metric = "agent/score/mean", beats = "noisy" }},
    {{ policy = "noisy", metric = "agent/false_claims_per_claim", not_worse_than = "good", by = 0.02, better = "less" }},
    {{ policy = "noisy", metric = "agent/true_claims", keeps_of = "good", share = 0.9, better = "more" }},
]
rows = ["rounds", "user/score/mean", "agent/success", "agent/pass^2", "user/trap_recall"]

[[cross]]
items = 4
agents = ["rule", "RL"]
users = ["rule", "RL"]
metrics = ["agent/score/mean", "joint_surplus"]
"#
    );
    for (from, to) in edits {
        assert!(text.contains(from), "`{from}` stands in the file");
        text = text.replacen(from, to, 1);
    }
    fs::create_dir_all(place).expect("the place is ours");
    let file = place.join("small.toml");
    fs::write(&file, text).expect("the place is ours");
    file
}

fn study_command(file: &Path, out: &Path, more: &[&str]) -> Command {
    let path = |path: &Path| path.to_str().expect("we named it").to_owned();
    let mut arguments = vec!["study".to_owned(), path(file), "--out".to_owned(), path(out)];
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    command(&arguments)
}

fn study(file: &Path, out: &Path, more: &[&str]) -> Said {
    finish(study_command(file, out, more))
}

fn table(out: &Path) -> Value {
    serde_json::from_slice(&fs::read(out.join("table.json")).expect("there is a table")).expect("it is JSON")
}

/// Both forms of the table, byte for byte.
fn tables(out: &Path) -> [String; 2] {
    ["table.md", "table.json"].map(|name| fs::read_to_string(out.join(name)).expect("there is a table"))
}

/// What tells whether anybody has written a file since: inode, time of the last change, length.
type Marks = BTreeMap<PathBuf, (u64, i64, i64, u64)>;

/// The marks of every file below a folder.
fn marks(folder: &Path) -> Marks {
    let mark = |path: PathBuf| {
        let file = fs::metadata(folder.join(&path)).expect("it was listed");
        (path, (file.ino(), file.mtime(), file.mtime_nsec(), file.len()))
    };
    contents(folder).into_keys().map(mark).collect()
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in contents(from) {
        let to = to.join(path);
        fs::create_dir_all(to.parent().expect("a file lies in a folder")).expect("the place is ours");
        fs::write(to, bytes).expect("the place is ours");
    }
}

#[track_caller]
fn near(found: &Value, expected: f64) {
    let found = found.as_f64().expect("there were cases");
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

fn row<'t>(table: &'t Value, metric: &str) -> &'t Value {
    let rows = table["compare"][0]["rows"].as_array().expect("rows are a list");
    &rows.iter().find(|row| row["metric"] == metric).expect(metric)["policies"]
}

fn claim<'t>(table: &'t Value, metric: &str, than: &str) -> &'t Value {
    let claims = table["compare"][0]["claims"].as_array().expect("claims are a list");
    claims.iter().find(|claim| claim["metric"] == metric && claim["than"] == than).expect(metric)
}

#[test]
fn each_seeds_numbers_are_those_of_eval() {
    let table = table(&STUDIED.out);
    let checkpoints = |run: &str, seed: u64| STUDIED.out.join(format!("runs/{run}-{seed}/checkpoints"));
    for seed in SEEDS {
        let model = |run: &str, step: &str| format!("model:{}", checkpoints(run, seed).join(step).display());
        let policies = [
            ("SFT", model("base", "step-000000")),
            ("RL", model("base", "step-000003")),
            ("long", model("long", "step-000000")),
            ("good", "scripted:good".to_owned()),
        ];
        let seed = seed.to_string();
        for (name, policy) in policies {
            let [items, trials] = [ITEMS, TRIALS].map(|count| count.to_string());
            let limits = ["--limit", &items, "--trials", &trials, "--seed", &seed, "--user", "rule", "--json"];
            let said = duologue(&[&["eval", "scenarios/haggle.toml", "--agent", &policy], &limits[..]].concat()).done();
            let said: Value = serde_json::from_str(&said).expect("stdout is one JSON value");
            let metrics = said["runs"][0]["metrics"].as_object().expect("an object");
            let names = [
                ("agent/score/mean", "agent/score"),
                ("user/score/mean", "user/score"),
                ("agent/malformed", "agent/malformed"),
                ("agent/success", "agent/success"),
                ("agent/pass^2", "pass^2"),
                ("rounds", "rounds"),
                ("user/trap_recall", "user/trap_recall"),
            ];
            for (ours, theirs) in names {
                let cell = &row(&table, ours)[name];
                match metrics[theirs]["mean"].as_f64() {
                    Some(mean) => near(&cell["per_seed"][&seed], mean),
                    None => assert!(cell.is_null() || cell["per_seed"][&seed].is_null(), "{ours} of {name}: {cell}"),
                }
            }
        }
        // A model meets the partner of its own seed.
        let arguments = ["eval", "scenarios/haggle.toml", "--limit", "4", "--seed", &seed, "--json", "--agent"];
        let model = model("base", "step-000003");
        let said = duologue(&[&arguments[..], &[&model, "--user", &model]].concat()).done();
        let said: Value = serde_json::from_str(&said).expect("stdout is one JSON value");
        let cells = table["cross"][0]["cells"].as_array().expect("cells are a list");
        let both = cells.iter().find(|cell| cell["agent"] == "RL" && cell["user"] == "RL").expect("they met");
        let mean = said["runs"][0]["metrics"]["agent/score"]["mean"].as_f64().expect("they were scored");
        near(&both["metrics"]["agent/score/mean"]["per_seed"][&seed], mean);
    }
}

/// The same episodes of two scripts, played by one loop over the machine, and compared by hand.
#[test]
fn claims_are_paired_by_item_and_seed() {
    let scenario = Arc::new(config::load_scenario(&root().join("scenarios/haggle.toml")).expect("it is good"));
    let play = |agent: &str, seed: u64| -> Vec<EpisodeRecord> {
        let names = Pair { agent: agent.to_owned(), user: "rule".to_owned() };
        let castings = plan::eval_castings(Split::HeldOut, ITEMS, TRIALS, &names, 0);
        castings.into_iter().map(|casting| play_by_rule(casting, &scenario, seed).expect("both are scripts")).collect()
    };
    let score = |record: &EpisodeRecord| record.scores.agent.expect("scripts are scored");
    let pooled = |records: &[EpisodeRecord], name: &str| {
        let mut sum = Ratio::default();
        records.iter().for_each(|record| sum += record.verdict.as_ref().expect("scripts are judged").measures[name]);
        sum.rate().expect("there were cases")
    };
    let (mut all_good, mut all_noisy, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    let table = table(&STUDIED.out);
    let beats = claim(&table, "agent/score/mean", "noisy");
    for seed in SEEDS {
        let (good, noisy) = (play("scripted:good", seed), play("scripted:noisy", seed));
        // Trials of an item lie side by side.
        let by_item = good.chunks(2).zip(noisy.chunks(2));
        let own: Vec<f64> = by_item
            .map(|(good, noisy)| good.iter().map(score).sum::<f64>() / 2.0 - noisy.iter().map(score).sum::<f64>() / 2.0)
            .collect();
        near(&beats["comparison"]["per_seed"][&seed.to_string()], own.iter().sum::<f64>() / own.len() as f64);
        differences.extend(own);
        all_good.extend(good);
        all_noisy.extend(noisy);
    }
    near(&beats["comparison"]["mean"], differences.iter().sum::<f64>() / differences.len() as f64);
    let kept = claim(&table, "agent/false_claims_per_claim", "good");
    let name = "agent/false_claims_per_claim";
    near(&kept["comparison"]["mean"], pooled(&all_noisy, name) - pooled(&all_good, name));
    let share = claim(&table, "agent/true_claims", "good");
    let name = "agent/true_claims";
    near(&share["comparison"]["mean"], pooled(&all_noisy, name) / pooled(&all_good, name));
    for claim in [beats, kept, share] {
        let mean = claim["comparison"]["mean"].as_f64().expect("it was counted");
        let bounds = [0, 1].map(|end| claim["comparison"]["ci95"][end].as_f64().expect("six items have an interval"));
        assert!(bounds[0] <= mean && mean <= bounds[1], "{claim}");
        assert_eq!(claim["comparison"]["items"], ITEMS);
    }
    // A script that lies is worse by more than .02, and surely so.
    assert_eq!(kept["holds"], false);
    assert_eq!(share["holds"], share["comparison"]["mean"].as_f64() >= Some(0.9));
}

#[test]
fn the_table_is_printed_as_it_is_kept() {
    let [markdown, json] = tables(&STUDIED.out);
    let file = STUDIED.out.with_file_name("small.toml");
    // Nothing is left to do, so this only prints.
    let before = marks(&STUDIED.out.join("runs"));
    let printed = study(&file, &STUDIED.out, &["--resume"]);
    assert_eq!(printed.stderr.matches(": is finished\n").count(), 4, "{}", printed.stderr);
    assert!(printed.stderr.contains("0 to be played"), "{}", printed.stderr);
    assert_eq!(printed.done(), markdown);
    assert_eq!(study(&file, &STUDIED.out, &["--resume", "--json"]).done(), json);
    assert_eq!(marks(&STUDIED.out.join("runs")), before);
    assert!(
        markdown.starts_with("# small\n\nSeeds 1, 2.\n\n## The agent against `rule`: 6 held-out items of `haggle`")
    );
    for part in [
        "| | SFT | RL | long | noisy | good | items with a case |\n",
        "- good beats noisy by 0 in agent/score/mean: **",
        "- noisy is not worse than good by 0.02 in agent/false_claims_per_claim: **NO** harm +",
        "- noisy keeps 90 % of good's agent/true_claims: **",
        "## Cross-play: 4 held-out items of `haggle`, 1 trial; all seeds (each seed)\n",
        "| RL | rule | ",
    ] {
        assert!(markdown.contains(part), "{part} is missing in\n{markdown}");
    }
    let path = STUDIED.out.to_str().expect("we named it");
    assert!(!json.contains(path) && !markdown.contains(path), "a table says the same wherever it lies");
}

/// Starts a study and kills it, -9, as soon as it says a line of that kind; whether it did before it was done.
fn kill_at(mut command: Command, is_it: impl Fn(&str) -> bool) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary was built");
    let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let said = stderr.lines().map_while(Result::ok).any(|line| is_it(&line));
    if said {
        child.kill().expect("it is ours");
    }
    let ended = child.wait().expect("it is ours");
    assert!(said || ended.success(), "a study that is not killed does its work");
    said
}

/// The runs whose last step is committed, with their marks.
fn finished(out: &Path) -> BTreeMap<PathBuf, Marks> {
    let runs = [("base", "step-000003"), ("long", "step-000000")];
    let folders = SEEDS.iter().flat_map(|seed| runs.map(|(run, last)| (out.join(format!("runs/{run}-{seed}")), last)));
    let done = folders.filter(|(folder, last)| folder.join("checkpoints").join(last).exists());
    done.map(|(folder, _)| (folder.clone(), marks(&folder))).collect()
}

#[test]
fn a_study_that_is_killed_again_and_again_repeats_no_finished_run_and_comes_to_the_same_table() {
    let scratch = scratch();
    let (file, out) = (write_study(scratch.path(), &[]), scratch.path().join("out"));
    let resume = || if out.join("study.json").exists() { &["--resume"][..] } else { &[] };
    let [of_runs, of_evaluations] = STUDIED.operations;
    let address = Address { seed: 1, phase: Phase::Grpo, round: 0, group: 7, trial: 0, member: 0 };
    let mut draws = address.draws(Stream::Item);
    let mut untouched: BTreeMap<PathBuf, Marks> = BTreeMap::new();
    let mut kills = 0;
    let mut kill = |operation: u64, wanted: &dyn Fn(&str) -> bool| {
        // What was finished at one kill is still as it was at the next.
        for (run, marks) in &untouched {
            assert_eq!(finished(&out).get(run), Some(marks), "{} was touched", run.display());
        }
        let mut command = study_command(&file, &out, resume());
        command.env(HALT_AT, operation.to_string());
        kills += u32::from(kill_at(command, wanted));
        untouched = finished(&out);
    };
    let halted = |line: &str| line == "halted" || line.ends_with(": halted");
    for _ in 0..3 {
        kill(draws.range(1, of_runs as i64) as u64, &halted);
    }
    // Between two runs, in the moment in which the second begins; and after the last.
    kill(u64::MAX, &|line| line.ends_with(": begins") && !line.starts_with("run 1 "));
    kill(u64::MAX, &|line| line.starts_with("evaluations: "));
    let runs = finished(&out);
    assert_eq!(runs.len(), 4, "all runs were finished before anything was evaluated");
    for _ in 0..3 {
        kill(draws.range(1, of_evaluations as i64) as u64, &halted);
    }
    assert!(kills >= 6, "{kills} kills");
    let evaluations = marks(&out.join("evaluations"));
    study(&file, &out, &["--resume"]).done();
    assert_eq!(finished(&out), runs, "no finished run was touched");
    let now = marks(&out.join("evaluations"));
    assert!(evaluations.iter().all(|(name, mark)| now[name] == *mark), "no finished evaluation was repeated");
    assert_eq!(tables(&out), tables(&STUDIED.out));
    for run in runs.keys() {
        same_outcome(run, &STUDIED.out.join("runs").join(run.file_name().expect("it has a name")));
    }
}

#[test]
fn several_at_a_time_come_to_the_same_table() {
    let scratch = scratch();
    let (file, out) = (write_study(scratch.path(), &[]), scratch.path().join("out"));
    study(&file, &out, &["--jobs", "3"]).done();
    assert_eq!(tables(&out), tables(&STUDIED.out));
}

#[test]
fn runs_that_begin_alike_make_their_cold_start_once() {
    let scratch = scratch();
    let alike = [("\"sft.updates=16\", \"grpo.steps=0\"", "\"grpo.group_size=4\"")];
    let (file, out) = (write_study(scratch.path(), &alike), scratch.path().join("out"));
    let said = study(&file, &out, &[]);
    for (run, makes_it) in [("run 1 of 4", true), ("run 2 of 4", false), ("run 3 of 4", true), ("run 4 of 4", false)] {
        let made = said.stderr.lines().any(|line| line.starts_with(run) && line.contains(": cold start 12/12"));
        assert_eq!(made, makes_it, "{run}: {}", said.stderr);
    }
    said.done();
    let alone = scratch.path().join("alone");
    train(&alone, &["--seed", "2", "--set", "grpo.group_size=4"]).done();
    same_outcome(&alone, &out.join("runs/long-2"));
}

#[test]
fn runs_of_the_same_config_are_adopted_and_others_are_refused() {
    let scratch = scratch();
    let (file, out) = (write_study(scratch.path(), &[]), scratch.path().join("out"));
    copy(&STUDIED.out.join("runs"), &out.join("runs"));
    let before = marks(&out.join("runs"));
    let said = study(&file, &out, &[]);
    assert_eq!(said.stderr.matches(": is finished\n").count(), 4, "{}", said.stderr);
    said.done();
    assert_eq!(marks(&out.join("runs")), before);
    assert_eq!(tables(&out), tables(&STUDIED.out));

    let other = scratch.path().join("other");
    copy(&STUDIED.out.join("runs/base-1"), &other.join("runs/long-1"));
    let before = contents(&other);
    let said = study(&file, &other, &[]).refused();
    let run = other.join("runs/long-1");
    let wanted =
        format!("error: {}: this is a run of another config than the study's: `config` differs\n", run.display());
    assert!(said.starts_with(&wanted), "{said}");
    assert_eq!(contents(&other), before);
    fs::rename(run, other.join("runs/base-2")).expect("the place is ours");
    assert!(study(&file, &other, &[]).refused().contains("`seed` differs\n"));
}

#[test]
fn after_a_change_of_the_file_only_what_it_concerns_is_done() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    copy(&STUDIED.out, &out);
    let (runs, evaluations) = (marks(&out.join("runs")), marks(&out.join("evaluations")));
    // Another row and another margin need nothing but another table.
    let file = write_study(
        scratch.path(),
        &[("rows = [\"rounds\"", "rows = [\"rounds\", \"deal\""), ("by = 0.2", "by = 0.1")],
    );
    let said = study(&file, &out, &["--resume"]);
    assert!(
        said.stderr.contains("the study has changed since") && said.stderr.contains(" 0 to be played"),
        "{}",
        said.stderr
    );
    said.done();
    assert_eq!(marks(&out.join("evaluations")), evaluations);
    assert!(row(&table(&out), "deal")["RL"]["mean"].is_number());
    // Other items are other evaluations: four pairings under two seeds.
    let file = write_study(scratch.path(), &[("items = 4\n", "items = 3\n")]);
    let said = study(&file, &out, &["--resume"]);
    assert!(said.stderr.contains(" 8 to be played"), "{}", said.stderr);
    said.done();
    assert_eq!(marks(&out.join("runs")), runs);
    // Another run is never put in the place of the one that is there.
    let before = contents(&out);
    let file = write_study(scratch.path(), &[("\"sft.updates=16\"", "\"sft.updates=15\"")]);
    let said = study(&file, &out, &["--resume"]).refused();
    assert!(said.contains("runs/long-1: this is a run of another config than the study's: `config` differs"), "{said}");
    assert_eq!(contents(&out), before);
}

#[test]
fn a_run_that_fails_stops_nobody_and_is_missed_in_the_table() {
    let scratch = scratch();
    let (file, out) = (write_study(scratch.path(), &[]), scratch.path().join("out"));
    // Somebody's notes lie where one of the runs should.
    fs::create_dir_all(out.join("runs/base-2")).expect("the place is ours");
    fs::write(out.join("runs/base-2/notes"), "").expect("the place is ours");
    let said = study(&file, &out, &[]);
    let printed = said.stdout.clone();
    let error = said.failed(1);
    assert!(error.contains("error: not everything could be done: run base, seed 2\nhint: "), "{error}");
    let found = table(&out);
    assert_eq!(found["failed"].as_array().map(Vec::len), Some(1));
    let why = found["failed"][0]["error"].as_str().expect("it says why");
    assert!(why.ends_with("is not empty and no run: it holds `notes`"), "{why}");
    // The others were made and measured; the failed run's policies have the other seed.
    assert!(
        printed
            .contains("| | SFT (without seed 2) | RL (without seed 2) | long | noisy | good | items with a case |\n"),
        "{printed}"
    );
    assert_eq!(found["compare"][0]["columns"][1]["missing"], serde_json::json!([2]));
    assert!(row(&found, "rounds")["RL"]["per_seed"]["1"].is_number());
    assert!(row(&found, "rounds")["RL"]["per_seed"]["2"].is_null());
    // Nothing is claimed of a policy that lacks a seed; the others are as decided as ever.
    let whole = table(&STUDIED.out);
    assert!(claim(&found, "agent/score/mean", "SFT")["holds"].is_null());
    assert!(claim(&found, "agent/malformed", "long")["holds"].is_null());
    assert_eq!(claim(&found, "agent/score/mean", "noisy"), claim(&whole, "agent/score/mean", "noisy"));
    // Once the cause is mended, the rest is made up for.
    fs::remove_dir_all(out.join("runs/base-2")).expect("the place is ours");
    study(&file, &out, &["--resume"]).done();
    assert_eq!(tables(&out), tables(&STUDIED.out));
}

#[test]
fn a_run_that_does_not_pass_the_gate_fails_under_each_seed_with_its_own_reason() {
    let scratch = scratch();
    let file = write_study(scratch.path(), &[("\"sft.updates=16\"", "\"sft.probe_min=1\"")]);
    let out = scratch.path().join("out");
    copy(&STUDIED.out.join("runs/base-1"), &out.join("runs/base-1"));
    copy(&STUDIED.out.join("runs/base-2"), &out.join("runs/base-2"));
    let said = study(&file, &out, &[]);
    assert_eq!(said.stderr.matches(": failed: the cold start has not learned enough: ").count(), 2, "{}", said.stderr);
    said.failed(1);
    let table = table(&out);
    let failed: Vec<(&Value, &Value)> =
        table["failed"].as_array().expect("a list").iter().map(|failed| (&failed["what"], &failed["seed"])).collect();
    let run = Value::from("run long");
    assert_eq!(failed, [(&run, &Value::from(1)), (&run, &Value::from(2))]);
    assert!(row(&table, "rounds")["long"].is_null() && row(&table, "rounds")["RL"]["mean"].is_number());
}

#[test]
fn a_folder_is_begun_once_and_resumed_only_if_it_was_begun() {
    let scratch = scratch();
    let (file, out) = (STUDIED.out.with_file_name("small.toml"), scratch.path().join("out"));
    let said = study(&file, &STUDIED.out, &[]).refused();
    assert!(said.contains("holds a study already\nhint: go on with --resume"), "{said}");
    let said = study(&file, &out, &["--resume"]).refused();
    assert!(said.contains("holds no study\nhint: without --resume a new study is begun"), "{said}");
    assert!(!out.exists());
    fs::create_dir_all(&out).expect("the place is ours");
    fs::write(out.join("notes"), "").expect("the place is ours");
    assert!(study(&file, &out, &[]).refused().contains("is no study, and holds `notes`"));
}

#[test]
fn a_study_file_is_checked_like_any_other() {
    let scratch = scratch();
    let file = write_study(scratch.path(), &[]);
    let path = file.to_str().expect("we named it");
    let said = duologue(&["check", path]).done();
    assert_eq!(said, format!("{path}: study `small` of 4 runs and 6 policies: good\n"));
    let file = write_study(scratch.path(), &[("beats = \"SFT\"", "beets = \"SFT\"")]);
    let out = scratch.path().join("out");
    let said = study(&file, &out, &[]).refused();
    assert!(
        said.contains("compare[0].claims[0].beets: unknown key") && said.contains("did you mean `beats`?"),
        "{said}"
    );
    assert_eq!(said, duologue(&["check", path]).refused());
    assert!(!out.exists());
}
