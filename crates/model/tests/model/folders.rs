//! Models on disk.

use std::fs;
use std::path::Path;

use duologue_model::TchLoader;
use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::Objective;
use sim::Seat;
use tempfile::TempDir;

use crate::fixtures::*;
use crate::hf_model;

fn save(model: &mut Model, folder: &Path) {
    let weights = model.policy.lend().expect("a loan");
    let (weights, outcome) = model.learner.save(weights, folder);
    model.policy.load(weights);
    outcome.expect("the folder can be written");
}

fn learnt() -> Model {
    let mut settings = settings();
    settings.grpo.kl_weight = 0.1;
    let mut model = fresh(&settings);
    step(&mut model, 21);
    let weights = model.policy.lend().expect("a loan");
    let weights = model.learner.anchor(weights);
    model.policy.load(weights);
    step(&mut model, 22);
    model
}

fn step(model: &mut Model, seed: u64) {
    let mut draws = draws(seed);
    let samples = (0..4).map(|_| sft_sample(ids(&mut draws, 12), 4)).collect();
    update(model, &batch(Objective::Sft, samples)).expect("an update");
}

fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            (
                path.file_name().expect("the test made it").to_string_lossy().into_owned(),
                fs::read(&path).expect("a file"),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_model_opened_again_goes_on_as_if_it_had_never_been_away() {
    let (first, second) = (TempDir::new().expect("the test made it"), TempDir::new().unwrap());
    let mut model = learnt();
    save(&mut model, first.path());
    let mut opened = TchLoader::default().open(first.path(), Some(&settings()), Seat::Agent).expect("a sound folder");
    assert_eq!(with_weights(&mut opened, |weights| weights.version), 2);
    save(&mut opened, second.path());
    assert_eq!(bytes(first.path()), bytes(second.path()), "saved again, each file is the same");
    let names: Vec<String> = bytes(first.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "chat_template.jinja",
            "config.json",
            "duologue.json",
            "generation_config.json",
            "model.safetensors",
            "optimizer.safetensors",
            "reference.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
    );
    for model in [&mut model, &mut opened] {
        step(model, 23);
    }
    assert_eq!(flat(&mut model), flat(&mut opened), "the optimiser's moments came back too");
}

#[test]
fn without_settings_a_model_samples_and_does_not_learn() {
    let folder = TempDir::new().expect("the test made it");
    save(&mut learnt(), folder.path());
    let mut opened = TchLoader::default().open(folder.path(), None, Seat::Agent).expect("a sound folder");
    assert!(submit(&mut *opened.policy, vec![row(1, vec![5, 6], 0)])[0].is_ok());
    let refused = update(&mut opened, &batch(Objective::Sft, vec![sft_sample(vec![5, 6], 1)]));
    assert!(matches!(refused, Err(LearnError::Model(_))), "{refused:?}");
}

/// Breaks one file of a sound folder; what opening it says.
fn broken(change: impl FnOnce(&Path)) -> String {
    let folder = TempDir::new().expect("the test made it");
    save(&mut learnt(), folder.path());
    change(folder.path());
    match TchLoader::default().open(folder.path(), None, Seat::Agent) {
        Err(LearnError::Store { file, why }) => {
            let name = Path::new(&file).file_name().expect("the test made it").to_string_lossy().into_owned();
            format!("{name}: {why}")
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a broken folder was opened"),
    }
}

#[test]
fn a_broken_folder_is_refused_with_the_file_and_what_is_wrong() {
    let missing = broken(|folder| fs::remove_file(folder.join("model.safetensors")).expect("the test made it"));
    assert!(missing.starts_with("model.safetensors: No such file"), "{missing}");
    let cut = broken(|folder| {
        let bytes = fs::read(folder.join("model.safetensors")).expect("the test made it");
        fs::write(folder.join("model.safetensors"), &bytes[..bytes.len() / 2]).expect("the test made it");
    });
    assert!(cut.starts_with("model.safetensors: cut short"), "{cut}");
    let cut = broken(|folder| fs::write(folder.join("optimizer.safetensors"), [1, 2, 3]).expect("the test made it"));
    assert!(cut.starts_with("optimizer.safetensors: cut short"), "{cut}");
    let shape = broken(|folder| {
        let config = fs::read_to_string(folder.join("config.json")).expect("the test made it");
        fs::write(folder.join("config.json"), config.replace("\"intermediate_size\": 48", "\"intermediate_size\": 50"))
            .expect("the test made it");
    });
    assert!(shape.contains("model.safetensors: model.layers.0.mlp.gate_proj.weight has shape [48, 32]"), "{shape}");
    let kind = broken(|folder| {
        let config = fs::read_to_string(folder.join("config.json")).expect("the test made it");
        fs::write(folder.join("config.json"), config.replace("qwen3", "mistral")).expect("the test made it");
    });
    assert!(kind.starts_with("config.json: model_type is `mistral`"), "{kind}");
    let format = broken(|folder| {
        let state = fs::read_to_string(folder.join("duologue.json")).expect("the test made it");
        fs::write(folder.join("duologue.json"), state.replace("\"format\": 1", "\"format\": 9"))
            .expect("the test made it");
    });
    assert!(format.starts_with("duologue.json: format 9"), "{format}");
}

#[test]
fn a_folder_that_is_not_there_cannot_be_written() {
    let mut model = learnt();
    let weights = model.policy.lend().expect("a loan");
    let (_, outcome) = model.learner.save(weights, Path::new("no/such/folder"));
    assert!(matches!(outcome, Err(LearnError::Store { file, .. }) if file.ends_with("config.json")));
}

#[test]
fn impossible_shapes_are_refused_in_words() {
    let refused = |change: fn(&mut rl::settings::ModelShape)| {
        let mut settings = settings();
        change(&mut settings.model);
        match TchLoader::default().fresh(&settings, &text(), Seat::Agent) {
            Err(LearnError::Model(words)) => words,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("an impossible model was made"),
        }
    };
    assert!(refused(|shape| shape.num_key_value_heads = 3).contains("4 query heads"));
    assert!(refused(|shape| shape.head_dim = 7).contains("even"));
    assert!(refused(|shape| shape.num_hidden_layers = 0).contains("num_hidden_layers is 0"));
}

#[test]
fn logits_are_those_of_transformers() {
    // Written by `tests/python/check_hf.py --golden`: the last position of both streams.
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("transformers_logits.json")).expect("a JSON file");
    for (name, tied) in [("tied", true), ("untied", false)] {
        let ours = hf_model::logits(&hf_model::contents(tied));
        let vocab = ours.len() / 80;
        let last = ours[39 * vocab..40 * vocab].iter().chain(&ours[79 * vocab..]);
        let theirs = golden[name].as_array().expect("a list of logits");
        assert_eq!(theirs.len(), 2 * vocab);
        for (ours, theirs) in last.zip(theirs) {
            let theirs = theirs.as_f64().expect("a number");
            assert!((f64::from(*ours) - theirs).abs() < 1e-4, "{name}: {ours} is not {theirs}");
        }
    }
}
