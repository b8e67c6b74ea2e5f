//! A run that starts from other people's folders: a model of each family, as small as may be and with random weights, learns for a step, and what is
//! left is a folder of its own family again.

use std::fs;
use std::path::Path;

use serde_json::Value;

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
