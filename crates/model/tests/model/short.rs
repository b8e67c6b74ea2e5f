//! Weights that are held in bf16 and learn by masters in f32.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use duologue_model::TchLoader;
use duologue_model::folder;
use rl::Model;
use rl::ModelLoader;
use rl::Objective;
use rl::RunSettings;
use rl::settings::Dtype;
use sim::Seat;
use tch::Kind;
use tch::Tensor;
use tempfile::TempDir;

use crate::checkpoint::save;
use crate::fixtures::*;

fn short() -> RunSettings {
    let mut settings = RunSettings { dtype: Dtype::Bf16, ..settings() };
    settings.grpo.kl_weight = 0.1;
    settings
}

fn scratch() -> TempDir {
    TempDir::new().expect("there is room")
}

/// As bf16 has them, in f32.
fn rounded(numbers: &[f32]) -> Vec<f32> {
    let short = Tensor::from_slice(numbers).to_kind(Kind::BFloat16);
    Vec::try_from(short.to_kind(Kind::Float)).expect("one row of f32 numbers")
}

/// The weights, and the masters that a checkpoint keeps of them.
fn kept(model: &mut Model) -> (Vec<f32>, Vec<f32>) {
    let folder = scratch();
    save(model, folder.path());
    let contents = folder::read(folder.path()).expect("what was written");
    (contents.weights, contents.moments.and_then(|moments| moments.masters).expect("short weights have masters"))
}

fn step(model: &mut Model, seed: u64, lr: f64) {
    let mut draws = draws(seed);
    let samples = (0..4).map(|_| sft_sample(ids(&mut draws, 12), 4)).collect();
    update(model, &rl::Batch { lr, ..batch(Objective::Sft, samples) }).expect("an update");
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries.map(|path| (name(&path), fs::read(&path).expect("a file"))).collect()
}

#[test]
fn a_model_in_bf16_is_the_f32_one_rounded_and_its_masters_have_all_digits() {
    let (mut long, mut from_nothing) = (fresh(&settings()), fresh(&short()));
    let numbers = flat(&mut long);
    assert_eq!(kept(&mut from_nothing), (rounded(&numbers), numbers.clone()));
    let kind = with_weights(&mut from_nothing, |weights| weights.decoder.kind());
    assert_eq!(kind, Kind::BFloat16);
    let folder = scratch();
    save(&mut long, folder.path());
    let based = TchLoader::default().based(folder.path(), &short(), Seat::Agent);
    assert_eq!(kept(&mut based.expect("what was written")), (rounded(&numbers), numbers));
}

#[test]
fn steps_that_bf16_alone_would_lose_add_up() {
    let mut model = fresh(&short());
    let (weights, before) = kept(&mut model);
    step(&mut model, 23, 1e-6);
    let (after_one, masters) = kept(&mut model);
    // AdamW's first step is as long as the rate, whatever the gradient; a norm's weight of 1 has a spacing of four thousandths.
    assert!(masters != before && after_one.iter().zip(&weights).filter(|(a, b)| a != b).count() < weights.len() / 10);
    assert_eq!(after_one, rounded(&masters));
    for _ in 1..400 {
        step(&mut model, 23, 1e-5);
    }
    let (after_all, masters) = kept(&mut model);
    let moved = after_all.iter().zip(&weights).filter(|(a, b)| a != b).count();
    assert!(moved > weights.len() / 2, "{moved} of {}", weights.len());
    assert_eq!(after_all, rounded(&masters));
}

#[test]
fn a_checkpoint_of_weights_in_bf16_goes_on_to_the_last_bit() {
    let (first, second) = (scratch(), scratch());
    let mut model = fresh(&short());
    step(&mut model, 21, 1e-3);
    let before = kept(&mut model);
    let weights = model.policy.lend().expect("a loan");
    let weights = model.learner.anchor(weights);
    model.policy.load(weights);
    assert_eq!(kept(&mut model), before, "a new phase begins with all digits of the last");
    step(&mut model, 22, 1e-3);
    save(&mut model, first.path());
    let mut opened = TchLoader::default().open(first.path(), Some(&short()), Seat::Agent).expect("what was written");
    save(&mut opened, second.path());
    assert!(files(first.path()) == files(second.path()), "what is opened is what was written");
    let config = String::from_utf8(files(first.path())["config.json"].clone()).expect("text");
    assert!(config.contains("\"torch_dtype\": \"bfloat16\""), "{config}");
    let next = |model: &mut Model, folder: &TempDir| {
        let prompt = ids(&mut draws(5), 7);
        let sampled = submit(&mut *model.policy, vec![row(1, prompt.clone(), 0)]).remove(0).expect("sampled");
        let mut sample = sft_sample([prompt.clone(), sampled.tokens].concat(), prompt.len());
        sample.logprobs[prompt.len()..].copy_from_slice(&sampled.logprobs);
        sample.advantages[prompt.len()..].fill(1.0);
        let report = update(model, &batch(Objective::Grpo, vec![sample])).expect("an update");
        save(model, folder.path());
        report
    };
    assert_eq!(next(&mut model, &first), next(&mut opened, &second), "the reference is held as it was, too");
    assert!(files(first.path()) == files(second.path()), "a step later they are still the same");
}
