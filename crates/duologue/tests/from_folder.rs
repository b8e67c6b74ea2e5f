//! A run that starts from other people's folders: a model of each family, as small as may be and with random weights, learns for a step, and what is
//! left is a folder of its own family again.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;
use serde_json::json;

const WIDTH: usize = 32;
const WIDE: usize = 48;
const LAYERS: usize = 2;
/// Two query heads of 16 to one of keys and values.
const HEAD: usize = 16;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package lies below the root")
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue-engine"));
    command.current_dir(root()).args(arguments).output().expect("the binary was built with the tests")
}

#[track_caller]
fn duologue(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("all output is text")
}

/// Names and shapes of a family's tensors.
fn tensors(family: &str, vocab: usize) -> Vec<(String, Vec<usize>)> {
    let (queries, keys) = (2 * HEAD, HEAD);
    let mut all = vec![("model.embed_tokens.weight".to_owned(), vec![vocab, WIDTH])];
    for layer in 0..LAYERS {
        let mut put = |name: &str, shape: &[usize]| all.push((format!("model.layers.{layer}.{name}"), shape.to_vec()));
        put("input_layernorm.weight", &[WIDTH]);
        put("post_attention_layernorm.weight", &[WIDTH]);
        for (name, out) in [("q_proj", queries), ("k_proj", keys), ("v_proj", keys)] {
            put(&format!("self_attn.{name}.weight"), &[out, WIDTH]);
            if family == "qwen2" {
                put(&format!("self_attn.{name}.bias"), &[out]);
            }
        }
        if family == "qwen3" {
            put("self_attn.q_norm.weight", &[HEAD]);
            put("self_attn.k_norm.weight", &[HEAD]);
        }
        put("self_attn.o_proj.weight", &[WIDTH, queries]);
        put("mlp.gate_proj.weight", &[WIDE, WIDTH]);
        put("mlp.up_proj.weight", &[WIDE, WIDTH]);
        put("mlp.down_proj.weight", &[WIDTH, WIDE]);
    }
    all.push(("model.norm.weight".to_owned(), vec![WIDTH]));
    all
}

/// Numbers between −.1 and .1, by a linear congruence; norms are 1.
fn numbers(name: &str, len: usize) -> Vec<u8> {
    let mut state = name.bytes().fold(7u32, |state, byte| state.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 * 0.2 - 0.1
    };
    (0..len).flat_map(|_| if name.contains("norm") { 1f32 } else { next() }.to_le_bytes()).collect()
}

/// A folder of `family` with the tokenizer and template of `kind`, as `transformers` would write it.
fn folder(at: &Path, family: &str, kind: &str) -> PathBuf {
    let folder = at.join(kind);
    fs::create_dir(&folder).expect("the place is ours");
    let texts = root().join("crates/text/tests/families").join(kind);
    for entry in fs::read_dir(&texts).expect("the family's files") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), folder.join(entry.file_name())).expect("the place is ours");
    }
    let read = |name: &str| fs::read_to_string(texts.join(name)).expect("it is there");
    let tokenizer: Value = serde_json::from_str(&read("tokenizer.json")).expect("JSON");
    let added = tokenizer["added_tokens"].as_array().expect("a list").iter();
    let vocab = added.filter_map(|token| token["id"].as_u64()).max().expect("there are some") as usize + 1;
    let generation: Value = serde_json::from_str(&read("generation_config.json")).expect("JSON");
    let config = json!({
        "model_type": family, "vocab_size": vocab, "hidden_size": WIDTH, "intermediate_size": WIDE, "num_hidden_layers": LAYERS,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": HEAD, "max_position_embeddings": 8192,
        "tie_word_embeddings": true, "rope_theta": 10000.0, "rms_norm_eps": 1e-6, "hidden_act": "silu",
        "eos_token_id": generation["eos_token_id"], "torch_dtype": "float32",
    });
    fs::write(folder.join("config.json"), config.to_string()).expect("the place is ours");
    let shapes = tensors(family, vocab);
    let data: Vec<Vec<u8>> = shapes.iter().map(|(name, shape)| numbers(name, shape.iter().product())).collect();
    let views = shapes.iter().zip(&data).map(|((name, shape), data)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).expect("it has its shape"))
    });
    let bytes = safetensors::serialize(views, None).expect("they are whole");
    fs::write(folder.join("model.safetensors"), bytes).expect("the place is ours");
    folder
}

/// Trains for a step from the folder that was made of `kind`, with `more` said of its model, and gives the step's metrics.
fn step_from(scratch: &Path, kind: &str, out: &Path, more: &str) -> Value {
    let file = scratch.join(format!("{kind}.toml"));
    let scenario = root().join("scenarios/haggle.toml");
    let text = format!(
        "scenario = \"{}\"\nmodel = {{ from = \"{kind}\", max_position_embeddings = 3000{more} }}\nlimits.device = \"cpu\"\n\
         sft = {{ updates = 2, dialogues = 10, tokens_per_update = 600, warmup = 1, probe_min = 0.0 }}\n\
         grpo = {{ steps = 1, group_size = 2, group_valid_min = 2, minibatches = 1, groups = {{ mutual = 2, fixed = 2 }} }}\n\
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
    let step = step_from(scratch.path(), "qwen3", &out, ", thinking = \"strip\"");
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
