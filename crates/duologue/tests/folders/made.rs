//! Small models in folders as `transformers` writes them, and the engine that is run on them.

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

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package lies below the root")
}

pub fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue-engine"));
    command.current_dir(root()).args(arguments).output().expect("the binary was built with the tests")
}

#[track_caller]
pub fn duologue(arguments: &[&str]) -> String {
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
pub fn folder(at: &Path, family: &str, kind: &str) -> PathBuf {
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
