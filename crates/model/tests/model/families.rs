//! Checkpoints of each family, as `transformers` wrote them and as we write them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use duologue_model::TchLoader;
use duologue_model::folder;
use rl::LearnError;
use rl::ModelLoader;
use rl::settings::Device;
use rl::settings::Dtype;
use serde_json::Value;
use serde_json::json;
use sim::Seat;
use tempfile::TempDir;

use crate::checkpoint::Distance;
use crate::checkpoint::Expected;
use crate::checkpoint::distance;
use crate::checkpoint::expected;
use crate::checkpoint::open;
use crate::checkpoint::save;

const GOLDEN: [&str; 4] = ["qwen3-tied", "qwen2-tied", "llama3-rope", "llama3-adapter-all"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/checkpoints").join(name)
}

/// A copy of a golden model's folder, to be changed.
fn copied(name: &str) -> TempDir {
    let copy = TempDir::new().expect("the test made it");
    for entry in fs::read_dir(golden(name).join("base")).expect("it is checked in") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, copy.path().join(path.file_name().expect("a file"))).expect("a copy");
    }
    copy
}

fn edit(folder: &Path, file: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join(file);
    let mut json: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a file")).expect("JSON");
    change(&mut json);
    fs::write(&path, json.to_string()).expect("the test made it");
}

fn refused(folder: &Path) -> String {
    match folder::read(folder) {
        Err(LearnError::Store { file, why }) => {
            format!("{}: {why}", Path::new(&file).file_name().expect("a file").to_string_lossy())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_family_computes_and_speaks_as_in_transformers() {
    for name in GOLDEN {
        let expected = expected(&golden(name));
        let mut model = open(&golden(name), &expected);
        let found = distance(&golden(name), &expected, &mut model);
        let Distance { logits, compared, excused, inexcusable } = found;
        println!("{name}: {compared} logits differ by at most {logits:.1e}, {excused} answers leave theirs at a tie");
        assert!(logits < 1e-4 && inexcusable == 0, "{name}: {logits}, {inexcusable} answers");
        assert!(compared >= 8 * 96 && expected.greedy.iter().map(Vec::len).sum::<usize>() > 60, "{name}");
    }
}

#[test]
fn each_family_is_written_back_with_equal_numbers() {
    for name in &GOLDEN[..3] {
        let given = folder::read(&golden(name).join("base")).expect("a sound folder");
        let written = TempDir::new().expect("the test made it");
        save(&mut open(&golden(name), &expected(&golden(name))), written.path());
        let mut again = folder::read(written.path()).expect("what we wrote");
        // Its template lay in tokenizer_config.json, and now is a file too; its name is the folder's.
        again.name.clone_from(&given.name);
        assert_eq!(again, given, "{name}");
        let config = fs::read_to_string(written.path().join("config.json")).expect("a file");
        assert!(config.contains(&format!("\"{}\"", given.config.family.architecture())), "{config}");
    }
}

#[test]
fn shards_hold_what_one_file_holds_and_say_how_much() {
    let given = folder::read(&golden("qwen2-tied").join("base")).expect("a sound folder");
    let written = TempDir::new().expect("the test made it");
    folder::write_sharded(written.path(), &given, 30_000).expect("the folder can be written");
    assert!(!written.path().join("model.safetensors").exists());
    let index = fs::read_to_string(written.path().join("model.safetensors.index.json")).expect("an index");
    let index: Value = serde_json::from_str(&index).expect("JSON");
    let files: std::collections::BTreeSet<&str> =
        index["weight_map"].as_object().expect("a map").values().filter_map(Value::as_str).collect();
    assert!(files.len() > 2 && files.contains(format!("model-00001-of-{:05}.safetensors", files.len()).as_str()));
    // The largest tensor has 4 · 56 · 32 bytes, or 4 · 96 · 32; none is cut, so every file keeps the bound.
    for file in &files {
        let bytes = fs::metadata(written.path().join(file)).expect("a shard").len();
        assert!(bytes < 32_000, "{file} has {bytes} bytes, header included");
    }
    let numbers = given.weights.len() as u64;
    let total = index["metadata"]["total_size"].as_u64().expect("a number");
    assert!(total <= 4 * numbers && 4 * numbers < total + 4 * 16 * 40, "{total} bytes of {numbers} numbers with gaps");
    let again = folder::read(written.path()).expect("what we wrote");
    assert_eq!(again.weights, given.weights);
    fs::remove_file(written.path().join("model-00002-of-00004.safetensors")).expect("there are four");
    let missing = refused(written.path());
    assert!(missing.starts_with("model-00002-of-00004.safetensors: No such file"), "{missing}");
}

#[test]
fn an_index_may_not_lead_out_of_its_folder() {
    let copy = copied("qwen2-tied");
    fs::remove_file(copy.path().join("model.safetensors")).expect("it was copied");
    let index = json!({ "weight_map": { "model.norm.weight": "../model.safetensors" } });
    fs::write(copy.path().join("model.safetensors.index.json"), index.to_string()).expect("the test made it");
    assert!(refused(copy.path()).contains("weight_map names `../model.safetensors`"));
}

#[test]
fn everything_that_is_missing_extra_or_misshapen_is_named_at_once() {
    let copy = copied("qwen2-tied");
    // A Qwen3 norms queries and keys and has no biases.
    edit(copy.path(), "config.json", |config| {
        config["model_type"] = "qwen3".into();
        config["head_dim"] = 8.into();
        config["intermediate_size"] = 55.into();
    });
    let found = refused(copy.path());
    for layer in 0..2 {
        for words in [
            format!("model.layers.{layer}.self_attn.q_norm.weight is missing"),
            format!("model.layers.{layer}.self_attn.v_proj.bias is not a tensor of this model"),
            format!("model.layers.{layer}.mlp.up_proj.weight has shape [56, 32]; config.json asks for [55, 32]"),
        ] {
            assert!(found.contains(&words), "{found} does not say {words}");
        }
    }
    assert!(found.starts_with("model.safetensors: "), "{found}");
}

#[test]
fn a_turn_is_closed_by_any_end_of_its_files_or_by_those_that_its_reader_knows() {
    let copy = copied("qwen2-tied");
    edit(copy.path(), "config.json", |config| config["eos_token_id"] = 7.into());
    edit(copy.path(), "generation_config.json", |config| config["eos_token_id"] = json!([9, 1, 400]));
    let config = folder::read(copy.path()).expect("a sound folder").config;
    // 1 is <end>, the tokenizer's eos_token; 400 is outside the vocabulary.
    assert_eq!((config.close_id, config.eos_ids), (1, vec![1, 7, 9]));
    edit(copy.path(), "tokenizer_config.json", |config| config["eos_token"] = Value::Null);
    let config = folder::read(copy.path()).expect("a sound folder").config;
    assert_eq!((config.close_id, config.eos_ids), (9, vec![9, 1, 7]));

    // Whatever its second word was becomes an end of text, which closes an answer, unless whoever reads it knows of others alone.
    let told = expected(&golden("qwen2-tied"));
    let second = told.greedy[0][1];
    edit(copy.path(), "config.json", |config| config["eos_token_id"] = json!([second]));
    let mut model = TchLoader::default().open(copy.path(), None, Seat::Agent).expect("a sound folder");
    let mut row = crate::fixtures::row(0, told.prompts[0].clone(), 0);
    row.greedy = true;
    let sampled = crate::fixtures::submit(&mut *model.policy, vec![row.clone()]).remove(0).expect("a row that fits");
    let end = told.greedy[0].iter().position(|id| *id == second).expect("it is the second") + 1;
    assert_eq!(sampled.tokens, told.greedy[0][..end]);
    assert!(sampled.closed);
    model.policy.close_with(&[95]);
    row.session.episode.member += 1;
    let sampled = crate::fixtures::submit(&mut *model.policy, vec![row]).remove(0).expect("a row that fits");
    let longer = sampled.tokens.len().min(told.greedy[0].len());
    assert!(longer > end && sampled.tokens[..longer] == told.greedy[0][..longer], "{sampled:?}");
}

#[test]
fn a_chat_template_is_a_file_or_a_string_or_one_of_a_list() {
    let copy = copied("llama3-rope");
    let template = || folder::read(copy.path()).map(|contents| contents.text.template);
    assert!(template().expect("a string").contains("message.content"));
    edit(copy.path(), "tokenizer_config.json", |config| {
        config["chat_template"] =
            json!([{ "name": "tool_use", "template": "tools" }, { "name": "default", "template": "talk" }]);
    });
    assert_eq!(template().expect("one of a list"), "talk");
    fs::write(copy.path().join("chat_template.jinja"), "a file").expect("the test made it");
    assert_eq!(template().expect("a file"), "a file");
    fs::remove_file(copy.path().join("chat_template.jinja")).expect("it was just made");
    edit(copy.path(), "tokenizer_config.json", |config| config["chat_template"] = Value::Null);
    assert!(refused(copy.path()).starts_with("chat_template.jinja: no such file"));
}

#[test]
fn held_in_bf16_a_model_computes_nearly_the_same_and_is_written_as_it_came() {
    let folder = golden("qwen3-tied");
    let half = Expected { dtype: Dtype::Bf16, ..expected(&folder) };
    let mut model = open(&folder, &half);
    let found = distance(&folder, &half, &mut model);
    assert!(found.logits < 5e-2 && found.logits > 1e-4, "{found:?}: rounded, and not by more than that");

    // In a file of bf16 they are again what they were, to the last bit; after learning they are f32.
    let (first, second) = (TempDir::new().expect("the test made it"), TempDir::new().expect("the test made it"));
    let mut contents = folder::read(&folder.join("base")).expect("a sound folder");
    contents.kept.dtype = Dtype::Bf16;
    folder::write(first.path(), &contents).expect("the folder can be written");
    let loader = TchLoader::new(Device::Cpu, 1).with_dtype(Dtype::Bf16);
    save(&mut loader.open(first.path(), None, Seat::Agent).expect("what we wrote"), second.path());
    let bytes = |folder: &TempDir| fs::read(folder.path().join("model.safetensors")).expect("a file");
    assert_eq!(bytes(&first), bytes(&second));
    let config = fs::read_to_string(second.path().join("config.json")).expect("a file");
    assert!(config.contains("\"torch_dtype\": \"bfloat16\""), "{config}");
    let mut learning =
        loader.open(first.path(), Some(&crate::fixtures::settings()), Seat::Agent).expect("what we wrote");
    save(&mut learning, second.path());
    assert!(bytes(&second).len() > 3 * bytes(&first).len() / 2);
}
