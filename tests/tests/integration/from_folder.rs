//! Models that start from a folder.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::duologue;
use crate::program::root;
use crate::training::TRAINED;
use crate::training::contents;
use crate::training::copy_of_trained;
use crate::training::scratch;

/// A run file of one step whose models start from `from`, with these lines on top.
fn run_file(folder: &Path, from: &Path, lines: &str) -> PathBuf {
    let file = folder.join("based.toml");
    let scenario = root().join("scenarios/haggle.toml");
    let text = format!(
        "scenario = \"{}\"\nseed = 1\n{lines}\neval = {{ items = 4, every = 1 }}\n\
         grpo = {{ steps = 1, group_size = 3, group_valid_min = 2, minibatches = 1, groups = {{ mutual = 1, fixed = 1 }} }}\n\
         model.from = \"{}\"\n",
        scenario.display(),
        from.display()
    );
    fs::write(&file, text).expect("the place is ours");
    file
}

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

/// The evaluations of a run after a step, one for each seat.
fn evaluations(out: &Path, step: u64) -> Vec<Value> {
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("it was written");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON object a line"));
    let mut found: Vec<Value> = lines.filter(|line| line["phase"] == "eval" && line["step"] == step).collect();
    found.iter_mut().for_each(|line| drop(line.as_object_mut().expect("an object").remove("step")));
    found
}

#[test]
fn a_run_goes_on_from_another_runs_models_and_leaves_them_as_they_are() {
    let scratch = scratch();
    let last = TRAINED.join("checkpoints/step-000003");
    let (before, out) = (contents(&last), scratch.path().join("out"));
    let file = run_file(scratch.path(), &last, "");
    duologue(&["train", path(&file), "--out", path(&out)]).done();
    let (theirs, ours) = (evaluations(&TRAINED, 3), evaluations(&out, 0));
    assert!(ours.len() == 2 && ours == theirs, "{ours:?} against {theirs:?}");
    assert_eq!(contents(&last), before);
    let text = |file: &str| fs::read(out.join("checkpoints/step-000001/user").join(file)).expect("it was saved");
    for file in ["tokenizer.json", "chat_template.jinja"] {
        assert_eq!(text(file), fs::read(last.join("user").join(file)).expect("it is there"), "{file}");
    }
    let lines = fs::read_to_string(out.join("metrics.jsonl")).expect("it was written");
    assert!(!lines.contains("\"phase\":\"sft\""), "there was no cold start");

    let plan = duologue(&["plan", path(&file), "--json"]).done();
    let plan: Value = serde_json::from_str(&plan).expect("it is JSON");
    let value = |name: &str| {
        let keys = plan["keys"].as_array().expect("keys");
        keys.iter().find(|key| key["key"] == name).expect("it is one")["value"].clone()
    };
    assert_eq!(
        (value("sft.updates"), value("sft.lr"), value("model.hidden_size")),
        (0.into(), Value::Null, Value::Null)
    );
    assert!(value("model.from").as_str().is_some_and(|from| from.ends_with("step-000003")));
}

#[test]
fn a_cold_start_can_begin_from_a_folder_too() {
    let scratch = scratch();
    let (last, out) = (TRAINED.join("checkpoints/step-000003"), scratch.path().join("out"));
    let lines = "sft = { updates = 4, dialogues = 20, warmup = 1, probe_min = 0.0 }";
    duologue(&["train", path(&run_file(scratch.path(), &last, lines)), "--out", path(&out)]).done();
    assert_ne!(evaluations(&TRAINED, 3), evaluations(&out, 0));
}

#[test]
fn one_seat_starts_from_a_checkpoint_that_has_no_other() {
    let scratch = scratch();
    let (_copy, run) = copy_of_trained();
    let (base, out) = (run.join("checkpoints/step-000003"), scratch.path().join("out"));
    fs::remove_dir_all(base.join("agent")).expect("it was there");
    let file = run_file(scratch.path(), &base, "");
    let alone = ["--set", "grpo.mode=user", "--set", "grpo.groups.mutual="];
    duologue(&[&["train", path(&file), "--out", path(&out)][..], &alone].concat()).done();
    let said = duologue(&["train", path(&file), "--out", path(&scratch.path().join("both"))]).refused();
    assert!(said.contains("model.from: "), "{said}");
}

#[test]
fn a_folder_that_changes_is_another_run_and_a_broken_one_is_refused() {
    let scratch = scratch();
    let (_copy, run) = copy_of_trained();
    let (base, out) = (run.join("checkpoints/step-000003"), scratch.path().join("out"));
    let file = run_file(scratch.path(), &base, "");
    duologue(&["train", path(&file), "--out", path(&out), "--set", "grpo.steps=0"]).done();
    let settings = base.join("agent/config.json");
    let text = fs::read_to_string(&settings).expect("it is there");
    fs::write(&settings, format!("{text}\n")).expect("the place is ours");
    let said = duologue(&["train", path(&file), "--out", path(&out), "--set", "grpo.steps=0", "--resume"]).refused();
    assert!(said.contains("`config` differs"), "{said}");

    fs::remove_file(base.join("agent/tokenizer.json")).expect("it was there");
    let other = scratch.path().join("other");
    let said = duologue(&["train", path(&file), "--out", path(&other)]).refused();
    assert!(said.contains("based.toml:") && said.contains("model.from: ") && said.contains("tokenizer.json"), "{said}");
    assert!(!other.exists(), "nothing was begun");
}

#[test]
fn adapters_are_refused_by_models_that_take_none_and_nothing_is_begun() {
    let scratch = scratch();
    let (file, out) =
        (run_file(scratch.path(), &TRAINED.join("checkpoints/step-000003"), ""), scratch.path().join("out"));
    let adapted = ["--set", "model.lora.rank=4", "--set", "model.lora.alpha=8"];
    let said = duologue(&[&["train", path(&file), "--out", path(&out)][..], &adapted].concat()).refused();
    assert!(said.contains("counts take no adapters") && said.contains("hint: name a whole folder"), "{said}");
    assert!(!out.exists(), "nothing was begun");
    // What is planned needs no model: seven layers of these are 8 wide, and the file has no weights to count.
    let plan = duologue(&[&["plan", path(&file), "--json"][..], &adapted].concat()).done();
    let models = serde_json::from_str::<Value>(&plan).expect("it is JSON")["models"].clone();
    assert_eq!((&models["parameters"], &models["base"]["count"]), (&(4 * 7 * 16).into(), &2.into()));
}
