//! A run that starts from other people's folders: a model of each family, as small as may be and with random weights, learns for a step, and what is
//! left is a folder of its own family again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::Dtype;
use safetensors::SafeTensors;
use serde_json::Value;
use serde_json::json;

use crate::made::duologue;
use crate::made::folder;
use crate::made::root;

/// Trains for a step from the folder that was made of `kind`, with `more` said of its model, and gives the step's metrics.
fn step_from(scratch: &Path, kind: &str, out: &Path, more: &str) -> Value {
    step_after(scratch, kind, out, (more, 2))
}

fn step_after(scratch: &Path, kind: &str, out: &Path, (more, updates): (&str, usize)) -> Value {
    let file = scratch.join(format!("{kind}.toml"));
    let scenario = root().join("scenarios/haggle.toml");
    let text = format!(
        "scenario = \"{}\"\nmodel = {{ from = \"{kind}\", max_position_embeddings = 3000{more} }}\nlimits.device = \"cpu\"\n\
         sft = {{ updates = {updates}, dialogues = 10, tokens_per_update = 600, lr = 6e-3, warmup = 1, probe_min = 0.0 }}\n\
         grpo = {{ steps = 1, group_size = 4, group_valid_min = 2, minibatches = 1, groups = {{ mutual = 2, fixed = 2 }} }}\n\
         eval = {{ items = 2, every = 1 }}\n",
        scenario.display()
    );
    fs::write(&file, text).expect("the place is ours");
    let [file, to] = [&file, out].map(|path| path.to_str().expect("we named it"));
    duologue(&["train", file, "--out", to]);
    let lines = fs::read_to_string(out.join("metrics.jsonl")).expect("it was written");
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.find(|line| line["phase"] == "grpo").expect("there was a step")
}

/// Keys and values of a turn are used again up to the first thought that is missing, and the learner reads the turn as a sample of its own: both must
/// come to the same probabilities.
#[test]
fn a_model_whose_thoughts_are_stripped_learns_what_it_sampled() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    folder(scratch.path(), "qwen3", "qwen3");
    let out = scratch.path().join("run");
    // Long enough a cold start for members of a group to end differently.
    let step = step_after(scratch.path(), "qwen3", &out, (", thinking = \"strip\"", 900));
    assert_eq!(step["drift"], 0.0, "{step}");
    for seat in ["agent", "user"] {
        let far = step[format!("{seat}/logprob_abs_diff_max")].as_f64();
        assert!(far.is_none_or(|far| far < 1e-3), "{seat}: {step}");
        assert!(out.join(format!("checkpoints/step-000001/{seat}/manner.json")).exists());
    }
    assert!(["agent", "user"].iter().any(|seat| step[format!("{seat}/samples")].as_f64() > Some(0.0)), "{step}");
}

#[test]
fn each_family_learns_for_a_step_and_stays_what_it_is() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    for (family, kind) in [("qwen3", "qwen3"), ("qwen2", "qwen2.5"), ("llama", "llama3")] {
        let base = folder(scratch.path(), family, kind);
        let out = scratch.path().join(format!("{kind}-run"));
        let grpo = step_from(scratch.path(), kind, &out, "");
        assert_eq!(grpo["drift"], 0.0, "{kind}: {grpo}");

        let left = out.join("checkpoints/step-000001/agent");
        let config = |folder: &Path| -> Value {
            serde_json::from_str(&fs::read_to_string(folder.join("config.json")).expect("it is there")).expect("JSON")
        };
        for key in ["model_type", "vocab_size", "head_dim", "max_position_embeddings"] {
            assert_eq!(config(&left)[key], config(&base)[key], "{kind}: {key}");
        }
        let read = |folder: &Path| fs::read(folder.join("tokenizer.json")).expect("it is there");
        assert_eq!(read(&left), read(&base), "{kind}");
        assert_ne!(
            fs::read(left.join("model.safetensors")).unwrap(),
            fs::read(base.join("model.safetensors")).unwrap()
        );
        let model = format!("model:{}", left.display());
        duologue(&["rollout", "scenarios/haggle.toml", "--episodes", "2", "--agent", &model]);
    }
}

/// Every tensor's type in a folder's weights.
fn kinds(folder: &Path) -> Vec<Dtype> {
    let bytes = fs::read(folder.join("model.safetensors")).expect("it is there");
    let tensors = SafeTensors::deserialize(&bytes).expect("a whole file");
    let mut kinds: Vec<Dtype> = tensors.iter().map(|(_, tensor)| tensor.dtype()).collect();
    kinds.dedup();
    kinds
}

#[test]
fn weights_that_learn_in_bf16_resume_to_the_last_bit_and_are_handed_out_in_bf16() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    folder(scratch.path(), "qwen3", "qwen3");
    let run = scratch.path().join("run");
    let more = ", dtype = \"bf16\"";
    let step = step_from(scratch.path(), "qwen3", &run, more);
    assert_eq!(step["drift"], 0.0, "{step}");
    let left = |run: &Path| -> BTreeMap<String, Vec<u8>> {
        let folders = ["agent", "user"].map(|seat| (seat, run.join("checkpoints/step-000001").join(seat)));
        let files = folders.iter().flat_map(|(seat, folder)| {
            let names = ["model.safetensors", "optimizer.safetensors", "config.json", "duologue.json"];
            names.map(|name| (format!("{seat}/{name}"), fs::read(folder.join(name)).expect("it is there")))
        });
        files.collect()
    };
    let first = left(&run);
    fs::remove_dir_all(run.join("checkpoints/step-000001")).expect("it was committed");
    let file = scratch.path().join("qwen3.toml");
    let [file, out] = [&file, &run].map(|path| path.to_str().expect("we named it"));
    duologue(&["train", file, "--out", out, "--resume"]);
    assert!(left(&run) == first, "the step was taken again, from the masters");
    let handed = scratch.path().join("handed-out");
    duologue(&["export", out, "--format", "hf", "--out", handed.to_str().expect("we named it")]);
    for folder in [run.join("checkpoints/step-000001/agent"), handed.join("agent")] {
        assert_eq!(kinds(&folder), [Dtype::BF16]);
        let config = fs::read_to_string(folder.join("config.json")).expect("it is there");
        assert!(config.contains("\"torch_dtype\": \"bfloat16\""), "{config}");
    }
    let model = format!("model:{}", handed.join("agent").display());
    duologue(&["rollout", "scenarios/haggle.toml", "--episodes", "2", "--agent", &model]);
    let plan = |set: &str| -> Value {
        serde_json::from_str(&duologue(&["plan", file, "--json", "--set", set])).expect("JSON")
    };
    let [long, short] = ["model.dtype=f32", "model.dtype=bf16"].map(|set| plan(set)["models"].clone());
    let numbers = long["parameters"].as_u64().expect("a number");
    let parts = ["weights", "masters", "moments", "gradient"];
    assert_eq!(parts.map(|part| long["memory"][part].clone()), [4, 0, 8, 4].map(|bytes| json!(bytes * numbers)));
    assert_eq!(parts.map(|part| short["memory"][part].clone()), [2, 4, 8, 4].map(|bytes| json!(bytes * numbers)));
}
