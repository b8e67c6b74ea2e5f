//! How fast a device samples and learns with random weights, beside what it can do at most.
//!
//! ```text
//! operations   forward: 2 for each weight that a token meets, and 4 · layers · heads · head_dim for each token that it looks back at
//!              backward: twice that through weights that learn, once that past weights that do not
//! bytes        decode alone: each weight once a step, and each kept key and value of each row
//! ```
//!
//! A share is one of these a second over the ceiling; work beside the products (norms, draws, the optimiser, what is recomputed) is in the time alone.

use std::time::Instant;

use rl::Batch;
use rl::LearnError;
use rl::Learner;
use rl::Objective;
use rl::Policy;
use rl::Row;
use rl::Sample;
use rl::Session;
use rl::selftest::Ceilings;
use rl::selftest::Load;
use rl::selftest::Pace;
use rl::settings::Dtype;
use rl::settings::ModelShape;
use sim::Address;
use sim::Draws;
use sim::EpisodeId;
use sim::Phase;
use sim::Seat;
use sim::draws::Stream;
use tch::Device;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

use super::subject;
use super::turns::sampled;
use crate::Adapter;
use crate::Config;
use crate::Decoder;
use crate::Lora;
use crate::Parameters;
use crate::TchLearner;
use crate::TchPolicy;
use crate::TchWeights;
use crate::optimizer::AdamW;
use crate::parameters::Layout;
use crate::parameters::Views;

/// Times that each thing is measured, after once for nothing.
const TIMES: usize = 3;

/// Rank of the adapter that learns over a base in bf16.
const RANK: i64 = 16;

/// Numbers that random weights repeat: drawing billions would take longer than what is measured.
const BLOCK: usize = 1 << 16;

/// Tokens of a micro-batch on a GPU; on a CPU what the settings say fits its caches.
const MICRO_TOKENS_GPU: usize = 16_384;

/// Side of the square matrices, and numbers of a copy, on a CPU and on a GPU.
const SIDE: [i64; 2] = [1024, 8192];
const COPIED: [i64; 2] = [1 << 26, 1 << 29];

/// Seconds that a ceiling is looked for, and goes of it at least.
const CEILING_S: f64 = 0.3;
const GOES_MIN: usize = 3;

fn at_once(device: Device, [cpu, gpu]: [i64; 2]) -> i64 {
    if device == Device::Cpu { cpu } else { gpu }
}

/// Seconds that work takes until the device has done it.
fn seconds(device: Device, work: impl FnOnce()) -> f64 {
    wait(device);
    let start = Instant::now();
    work();
    wait(device);
    start.elapsed().as_secs_f64()
}

fn wait(device: Device) {
    if let Device::Cuda(index) = device {
        tch::Cuda::synchronize(index as i64);
    }
}

/// Small numbers, alike on every machine.
fn block() -> Vec<f32> {
    let mut draws = subject::draws(5, Stream::World);
    (0..BLOCK).map(|_| 0.07 * (draws.uniform() as f32 - 0.5)).collect()
}

/// So many numbers, the block again and again.
fn numbers(len: i64, kind: Kind, device: Device) -> Tensor {
    let block = Tensor::from_slice(&block()).to_kind(kind).to_device(device);
    block.repeat([(len + BLOCK as i64 - 1) / BLOCK as i64]).narrow(0, 0, len)
}

/// The fastest of several goes.
fn least(device: Device, mut work: impl FnMut()) -> f64 {
    work();
    let (mut best, mut spent, mut goes) = (f64::INFINITY, 0.0, 0);
    while spent < CEILING_S || goes < GOES_MIN {
        let took = seconds(device, &mut work);
        (best, spent, goes) = (best.min(took), spent + took, goes + 1);
    }
    best
}

/// Measures a product of square matrices in both types, and a copy.
pub(super) fn ceilings(device: Device) -> Ceilings {
    let side = at_once(device, SIDE);
    let product = |kind: Kind| {
        let [a, b] = [0, 1].map(|_| numbers(side * side, kind, device).view([side, side]));
        let out = a.zeros_like();
        let took = no_grad(|| least(device, || drop(a.matmul_out(&out, &b))));
        2.0 * (side as f64).powi(3) / took
    };
    let (matrix_f32, matrix_bf16) = (product(Kind::Float), product(Kind::BFloat16));
    let from = numbers(at_once(device, COPIED), Kind::Float, device);
    let mut to = from.zeros_like();
    let took = no_grad(|| least(device, || to.copy_(&from)));
    Ceilings { matrix_f32, matrix_bf16, memory: 2.0 * 4.0 * from.numel() as f64 / took }
}

/// What a shape costs a token.
struct Cost {
    /// Weights of the layers.
    layers: f64,
    /// Weights of the head, and of the embedding that is looked up in.
    head: f64,
    /// Numbers that a token's query meets in each token that it looks back at, over all layers, keys and values.
    queried: f64,
    /// Numbers kept of a token.
    kept: f64,
    bytes_per_number: f64,
}

impl Cost {
    fn new(shape: &ModelShape, dtype: Dtype) -> Cost {
        let head = (shape.vocab_max as i64 * shape.hidden_size) as f64;
        let embeddings = if shape.tie_word_embeddings { head } else { 2.0 * head };
        Cost {
            layers: shape.parameters(shape.vocab_max) as f64 - embeddings,
            head,
            queried: (2 * shape.num_hidden_layers * shape.num_attention_heads * shape.head_dim) as f64,
            kept: shape.cached_per_token() as f64,
            bytes_per_number: if dtype == Dtype::F32 { 4.0 } else { 2.0 },
        }
    }

    /// Operations forward of `tokens` tokens that look back at `back` others each, on the average, `predicted` of them with a head.
    fn forward(&self, tokens: f64, back: f64, predicted: f64) -> f64 {
        2.0 * (self.layers * tokens + self.head * predicted + self.queried * back * tokens)
    }

    /// Bytes of a decoding step of rows that look back at `back` tokens each.
    fn step_bytes(&self, rows: f64, back: f64) -> f64 {
        (self.layers + self.head + rows * back * self.kept) * self.bytes_per_number
    }
}

/// A model of random weights: in f32 all of them learn.
fn decoder(load: &Load, device: Device) -> Result<Decoder, LearnError> {
    let positions = (load.prompt + load.tokens + 8) as i64;
    let shape = ModelShape { max_position_embeddings: positions, ..load.shape.clone() };
    let config = Config::new(&shape, &subject::text(shape.vocab_max))?;
    let (kind, learns) = match load.dtype {
        Dtype::F32 => (Kind::Float, true),
        Dtype::Bf16 => (Kind::BFloat16, false),
    };
    let layout = Layout::new(&config);
    let flat = numbers(layout.len, kind, device).copy();
    // Behind the matrices are norms alone.
    let _ = flat.narrow(0, layout.matrices_len, layout.len - layout.matrices_len).fill_(1.0);
    let parameters = Parameters::of_views(&config, Views::of_flat(layout, flat, learns));
    Ok(Decoder::new(config, parameters))
}

/// Prefill, decode, train.
pub(super) fn pace(device: Device, load: &Load, ceilings: &Ceilings) -> Result<Vec<Pace>, LearnError> {
    let decoder = decoder(load, device)?;
    let streams = 4 * load.rows * (load.prompt + load.tokens + 8);
    let cache_bytes = streams * decoder.cached_bytes_per_token();
    let mut policy = super::turns::policy(decoder, cache_bytes);
    let mut paces = sampling(device, load, &mut policy, ceilings)?;
    let weights = policy.lend().expect("nobody else has its weights").into_any();
    drop(policy);
    let weights: Box<TchWeights> = weights.downcast().expect("these are its weights");
    paces.push(training(device, load, weights.decoder, ceilings)?);
    Ok(paces)
}

/// Rows of their own sessions and prompts, so that nothing is shared or kept.
fn rows(load: &Load, draws: &mut Draws, round: u64, tokens: usize) -> Vec<Row> {
    let row = |member: usize| {
        let member = member as u32 + 1;
        let address = Address { seed: 6, phase: Phase::Rollout, round, group: 0, trial: 0, member };
        let episode = EpisodeId { phase: Phase::Rollout, round, group: 0, trial: 0, member };
        Row {
            session: Session { episode, seat: Seat::Agent, adapter: None },
            stream: ids(load, draws, load.prompt),
            address,
            turn: 0,
            tokens_max: tokens as u32,
            temperature: 1.0,
            filter: rl::Filter::default(),
            greedy: false,
        }
    };
    (0..load.rows).map(row).collect()
}

fn ids(load: &Load, draws: &mut Draws, len: usize) -> Vec<u32> {
    (0..len).map(|_| draws.range(2, load.shape.vocab_max as i64 - 1) as u32).collect()
}

/// Seconds of one turn of all rows: the median.
fn turn(device: Device, load: &Load, policy: &mut TchPolicy, round: u64, tokens: usize) -> Result<f64, LearnError> {
    let mut draws = subject::draws(round, Stream::Item);
    let mut took = Vec::with_capacity(TIMES);
    for time in 0..=TIMES {
        let rows = rows(load, &mut draws, round + time as u64, tokens);
        let sessions: Vec<Session> = rows.iter().map(|row| row.session).collect();
        let mut outcome = Ok(Vec::new());
        let spent = seconds(device, || outcome = sampled(policy, rows));
        let turns = outcome?;
        assert!(turns.iter().all(|turn| turn.tokens.len() == tokens), "nothing closes a turn");
        policy.forget(&sessions);
        took.extend((time > 0).then_some(spent));
    }
    Ok(median(took))
}

fn median(mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

fn sampling(device: Device, load: &Load, policy: &mut TchPolicy, ceilings: &Ceilings) -> Result<Vec<Pace>, LearnError> {
    let first = turn(device, load, policy, 0, 1)?;
    let whole = turn(device, load, policy, 100, load.tokens)?;
    let (rows, prompt, tokens) = (load.rows as f64, load.prompt as f64, load.tokens as f64);
    let cost = Cost::new(&load.shape, load.dtype);
    let matrix = ceilings.matrix(load.dtype);
    let prefill = cost.forward(rows * prompt, prompt / 2.0, rows);
    // Of the first token nothing is left but the prompt's own work.
    let (steps, decoding) = (tokens - 1.0, (whole - first).max(f64::MIN_POSITIVE));
    let back = prompt + tokens / 2.0;
    let decode = cost.forward(rows * steps, back, rows * steps);
    let bytes = steps * cost.step_bytes(rows, back);
    let pace = |what, tokens_per_s, matrix_share, memory_share| Pace {
        shape: load.name.clone(),
        parameters: load.shape.parameters(load.shape.vocab_max),
        what,
        dtype: load.dtype,
        tokens_per_s,
        matrix_share,
        memory_share,
    };
    Ok(vec![
        pace("prefill", rows * prompt / first, prefill / first / matrix, None),
        pace("decode", rows * steps / decoding, decode / decoding / matrix, Some(bytes / decoding / ceilings.memory)),
    ])
}

/// An update of as many streams, of which the tokens behind the prompt are learned from.
fn training(device: Device, load: &Load, decoder: Decoder, ceilings: &Ceilings) -> Result<Pace, LearnError> {
    let (what, decoder, factor) = match load.dtype {
        Dtype::F32 => ("train weights", decoder, 3.0),
        Dtype::Bf16 => {
            let lora = Lora::new(RANK, 2.0 * RANK as f64);
            let adapter = Adapter::fresh(decoder.config(), lora, 7, Seat::Agent, device).map_err(LearnError::Model)?;
            ("train adapter", decoder.adapted(adapter), 2.0)
        }
    };
    let mut settings = load.settings.clone();
    settings.minibatches = 1;
    settings.kl_weight = 0.0;
    if device != Device::Cpu {
        settings.optimizer.micro_tokens_max = MICRO_TOKENS_GPU;
    }
    let moments = AdamW::new(decoder.learnt());
    let text = subject::text(load.shape.vocab_max);
    let mut learner = TchLearner::new("selftest".to_owned(), text, Some(settings), moments, None);
    let batch = batch(load);
    let mut weights: Box<dyn rl::Weights> = Box::new(TchWeights { decoder, version: 0 });
    let mut took = Vec::with_capacity(TIMES);
    for time in 0..=TIMES {
        let mut outcome = None;
        let spent = seconds(device, || outcome = Some(learner.update(weights, &batch)));
        let (back, report) = outcome.expect("the update has returned");
        weights = back;
        report?;
        took.extend((time > 0).then_some(spent));
    }
    let spent = median(took);
    let (rows, prompt, tokens) = (load.rows as f64, load.prompt as f64, load.tokens as f64);
    let seen = prompt + tokens;
    let cost = Cost::new(&load.shape, load.dtype);
    let operations = factor * cost.forward(rows * seen, seen / 2.0, rows * tokens);
    Ok(Pace {
        shape: load.name.clone(),
        parameters: load.shape.parameters(load.shape.vocab_max),
        what,
        dtype: load.dtype,
        tokens_per_s: rows * seen / spent,
        matrix_share: operations / spent / ceilings.matrix(load.dtype),
        memory_share: None,
    })
}

fn batch(load: &Load) -> Batch {
    let mut draws = subject::draws(8, Stream::Item);
    let len = load.prompt + load.tokens;
    let likely = -(load.shape.vocab_max as f32).ln();
    let sample = |index: usize| {
        let own = |value: f32| -> Vec<f32> { (0..len).map(|at| if at < load.prompt { 0.0 } else { value }).collect() };
        Sample {
            episode: None,
            seat: None,
            tokens: ids(load, &mut draws, len),
            weights: own(1.0),
            advantages: own(if index.is_multiple_of(2) { 1.0 } else { -1.0 }),
            logprobs: own(likely),
            versions: Vec::new(),
            thought: vec![false; len],
            temperature: 1.0,
        }
    };
    // At a rate of 0 every time is the first.
    Batch::new(Objective::Grpo, 0.0, (0..load.rows).map(sample).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a shape whose numbers can be added up by hand.
    fn cost(dtype: Dtype) -> Cost {
        let shape = ModelShape {
            hidden_size: 8,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            num_key_value_heads: 1,
            head_dim: 4,
            intermediate_size: 16,
            vocab_max: 10,
            ..rl::selftest::shape("quickstart").expect("it is one of the names")
        };
        Cost::new(&shape, dtype)
    }

    #[test]
    fn what_a_token_costs_is_added_up_from_the_shape() {
        let cost = cost(Dtype::Bf16);
        // qkv 8·(8+4+4), o 8·8, feed-forward 3·8·16, norms 2·8 + 2·4; twice; and the last norm.
        assert_eq!(cost.layers, 2.0 * (128.0 + 64.0 + 384.0 + 24.0) + 8.0);
        assert_eq!(cost.head, 80.0);
        // Scores and sums: 2 layers · 2 heads · 4 each; keys and values: 2 layers · 1 head · 4 each.
        assert_eq!((cost.queried, cost.kept), (32.0, 16.0));
        assert_eq!(cost.forward(3.0, 5.0, 1.0), 2.0 * (3.0 * cost.layers + 80.0 + 32.0 * 5.0 * 3.0));
        assert_eq!(cost.step_bytes(2.0, 5.0), 2.0 * (cost.layers + 80.0 + 2.0 * 5.0 * 16.0));
    }

    #[test]
    fn the_middle_one_of_three_counts() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
