//! A run that starts from other people's folders: a model of each family, as small as may be and with random weights, learns for a step, and what is
//! left is a folder of its own family again.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::made::duologue;
use crate::made::folder;
use crate::made::root;

#[test]
fn each_family_learns_for_a_step_and_stays_what_it_is() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    for (family, kind) in [("qwen3", "qwen3"), ("qwen2", "qwen2.5"), ("llama", "llama3")] {
        let base = folder(scratch.path(), family, kind);
        let (file, out) = (scratch.path().join(format!("{kind}.toml")), scratch.path().join(format!("{kind}-run")));
        let scenario = root().join("scenarios/haggle.toml");
        let text = format!(
            "scenario = \"{}\"\nmodel = {{ from = \"{kind}\", max_position_embeddings = 3000 }}\nlimits.device = \"cpu\"\n\
             sft = {{ updates = 2, dialogues = 10, tokens_per_update = 600, warmup = 1, probe_min = 0.0 }}\n\
             grpo = {{ steps = 1, group_size = 2, group_valid_min = 2, minibatches = 1, groups = {{ mutual = 2, fixed = 2 }} }}\n\
             eval = {{ items = 2, every = 1 }}\n",
            scenario.display()
        );
        fs::write(&file, text).expect("the place is ours");
        let [file, out] = [&file, &out].map(|path| path.to_str().expect("we named it"));
        duologue(&["train", file, "--out", out]);
        let lines = fs::read_to_string(Path::new(out).join("metrics.jsonl")).expect("it was written");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let grpo = lines.iter().find(|line| line["phase"] == "grpo").expect("there was a step");
        assert_eq!(grpo["drift"], 0.0, "{kind}: {grpo}");

        let left = Path::new(out).join("checkpoints/step-000001/agent");
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
