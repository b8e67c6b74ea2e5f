//! A checkpoint that `transformers` made, with what it computed for it: read, computed by us, compared. Made by
//! `tests/python/make_checkpoints.py`.
//!
//! ```text
//! DIR/NAME/base/            the model's folder
//! DIR/NAME/adapter/         PEFT's folder, if it has one
//! DIR/NAME/expected.json    prompts, greedy answers, gaps between the two best logits at each step, dtype
//! DIR/NAME/logits.f32       logits of all positions of all prompts (or of each prompt's last), little endian
//! ```

use std::fs;
use std::path::Path;

use duologue_model::Decoder;
use duologue_model::TchLoader;
use duologue_model::TchWeights;
use rl::Model;
use rl::ModelLoader;
use rl::Row;
use rl::Session;
use rl::settings::Device;
use rl::settings::Dtype;
use serde::Deserialize;
use sim::Address;
use sim::EpisodeId;
use sim::Phase;
use sim::Seat;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

/// `expected.json`
#[derive(Deserialize)]
pub struct Expected {
    pub prompts: Vec<Vec<u32>>,
    /// Each cut behind the first end of text.
    pub greedy: Vec<Vec<u32>>,
    pub gaps: Vec<Vec<f64>>,
    pub dtype: Dtype,
    pub adapter: bool,
    /// Whether `logits.f32` has only each prompt's last position.
    pub last_only: bool,
}

/// How far we are from it.
#[derive(Debug)]
pub struct Distance {
    /// Largest difference of a logit.
    pub logits: f64,
    /// Logits compared.
    pub compared: usize,
    /// Answers that leave the expected one where its two best logits were less than 1e-4 apart.
    pub excused: usize,
    /// Answers that leave it anywhere else.
    pub inexcusable: usize,
}

pub fn expected(folder: &Path) -> Expected {
    let json = fs::read_to_string(folder.join("expected.json")).expect("the script wrote it");
    serde_json::from_str(&json).expect("the script writes this form")
}

/// The model as any command would open it.
pub fn open(folder: &Path, expected: &Expected) -> Model {
    let loader = TchLoader::new(Device::Cpu, 1).with_dtype(expected.dtype);
    let base = folder.join("base");
    match expected.adapter {
        false => loader.open(&base, None, Seat::Agent).expect("a sound folder"),
        true => {
            let base = loader.base(&base, None).expect("a sound base");
            base.open(&folder.join("adapter"), None).expect("a sound adapter")
        }
    }
}

pub fn distance(folder: &Path, expected: &Expected, model: &mut Model) -> Distance {
    let theirs = fs::read(folder.join("logits.f32")).expect("the script wrote it");
    let theirs: Vec<f32> =
        theirs.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().expect("4 bytes"))).collect();
    let ours = with_decoder(model, |decoder| {
        expected.prompts.iter().flat_map(|prompt| logits(decoder, prompt, expected.last_only)).collect::<Vec<f32>>()
    });
    assert_eq!(ours.len(), theirs.len(), "as many logits");
    let logits = ours.iter().zip(&theirs).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    let (mut excused, mut inexcusable) = (0, 0);
    for ((ours, theirs), gaps) in greedy(model, expected).iter().zip(&expected.greedy).zip(&expected.gaps) {
        let split = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs);
        match split.or_else(|| (ours.len() != theirs.len()).then(|| ours.len().min(theirs.len()))) {
            None => {}
            Some(place) if gaps.get(place).is_some_and(|gap| *gap < 1e-4) => excused += 1,
            Some(_) => inexcusable += 1,
        }
    }
    Distance { logits, compared: ours.len(), excused, inexcusable }
}

/// `[positions, vocab]` laid flat.
pub fn logits(decoder: &Decoder, prompt: &[u32], last_only: bool) -> Vec<f32> {
    let ids: Vec<i64> = prompt.iter().map(|id| i64::from(*id)).collect();
    let all = no_grad(|| decoder.logits(&decoder.hidden(&Tensor::from_slice(&ids).unsqueeze(0))));
    let all = all.squeeze_dim(0).to_kind(Kind::Float);
    let wanted = if last_only { all.narrow(0, ids.len() as i64 - 1, 1) } else { all };
    Vec::try_from(wanted.flatten(0, 1)).expect("f32 numbers")
}

/// Greedy answers to all prompts in one batch.
fn greedy(model: &mut Model, expected: &Expected) -> Vec<Vec<u32>> {
    let longest = expected.greedy.iter().map(Vec::len).max().expect("there are answers");
    let rows = expected.prompts.iter().zip(0..).map(|(prompt, member)| Row {
        session: Session {
            episode: EpisodeId { phase: Phase::Eval, round: 0, group: 0, trial: 0, member },
            seat: Seat::Agent,
            adapter: None,
        },
        stream: prompt.clone(),
        address: Address { seed: 1, phase: Phase::Eval, round: 0, group: 0, trial: 0, member },
        turn: 0,
        tokens_max: longest as u32,
        temperature: 1.0,
        filter: rl::Filter::default(),
        greedy: true,
    });
    let (sender, receiver) = std::sync::mpsc::channel();
    model.policy.submit(rows.collect(), Box::new(move |results| sender.send(results).expect("we wait")));
    let results = receiver.recv().expect("a policy replies once");
    results.into_iter().map(|result| result.expect("a row that fits").tokens).collect()
}

pub fn with_decoder<T>(model: &mut Model, look: impl FnOnce(&Decoder) -> T) -> T {
    let weights = model.policy.lend().expect("the policy holds its weights");
    let weights: Box<TchWeights> = weights.into_any().downcast().expect("tch weights");
    let result = look(&weights.decoder);
    model.policy.load(weights);
    result
}

/// Saved as after any training step.
pub fn save(model: &mut Model, folder: &Path) {
    fs::create_dir_all(folder).expect("the folder can be made");
    let weights = model.policy.lend().expect("the policy holds its weights");
    let (weights, outcome) = model.learner.save(weights, folder);
    model.policy.load(weights);
    outcome.expect("the folder can be written");
}
