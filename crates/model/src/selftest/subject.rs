//! Small models of fixed shape: large enough that the kernels of real ones serve them, drawn by address, so that every machine has the same.

use rl::LearnError;
use rl::TextFiles;
use rl::selftest::Held;
use sim::Address;
use sim::Draws;
use sim::Phase;
use sim::Seat;
use sim::draws::Stream;
use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::Adapter;
use crate::Config;
use crate::Decoder;
use crate::Lora;
use crate::Parameters;
use crate::config::Family;
use crate::parameters::Init;
use crate::parameters::Layout;
use crate::parameters::Views;
use crate::rope::RopeScaling;

/// Seeds of the model and of its reference.
const SEEDS: [u64; 2] = [11, 12];

/// How much an adapter's second matrices move: little, so that what was sampled by the base alone is not far off.
const ADAPTER_SPREAD: f64 = 0.02;

/// Ids of the vocabulary.
pub(super) const VOCAB: u32 = 320;

/// Longest stream.
pub(super) const CONTEXT: usize = 160;

/// A model, and what its divergence is measured from.
pub(super) struct Subject {
    pub(super) decoder: Decoder,
    pub(super) reference: Decoder,
}

impl Subject {
    pub(super) fn new(family: Family, held: Held, device: Device) -> Result<Subject, LearnError> {
        let [decoder, reference] = SEEDS.map(|seed| match held {
            Held::Weights => Ok(Decoder::new(config(family), whole(family, seed, device))),
            Held::Adapter => adapted(&Decoder::new(config(family), whole(family, SEEDS[0], device)), seed),
            Held::AdapterOverBf16 => adapted(&Decoder::new(config(family), rounded(family, SEEDS[0], device)), seed),
        });
        Ok(Subject { decoder: decoder?, reference: reference? })
    }
}

/// Heads of 64, shared keys; what the families differ in besides their own, differs: biases, a head of its own, stretched positions.
pub(super) fn config(family: Family) -> Config {
    let llama3 = RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original: 64 };
    Config {
        family,
        vocab_size: i64::from(VOCAB),
        hidden_size: 128,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 64,
        intermediate_size: 192,
        positions_max: CONTEXT as i64,
        tied: family != Family::Llama,
        rope_theta: 10_000.0,
        rope_scaling: if family == Family::Llama { llama3 } else { RopeScaling::Default },
        rms_norm_eps: 1e-6,
        attention_bias: false,
        mlp_bias: false,
        close_id: 1,
        eos_ids: vec![1],
        pad_id: 0,
        bos_id: None,
    }
}

/// What a learner keeps for the folders that nobody writes here.
pub(super) fn text(vocab_len: usize) -> TextFiles {
    let (tokenizer, template, ordered) = (String::new(), String::new(), Vec::new());
    TextFiles { tokenizer, template, close_id: 1, pad_id: 0, vocab_len, ordered }
}

/// A stream of numbers of this test's own.
pub(super) fn draws(seed: u64, stream: Stream) -> Draws {
    Address { seed, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 }.draws(stream)
}

/// Fresh weights, norms and biases moved off ones and zeros, so that each of them shows.
fn numbers(family: Family, seed: u64) -> Vec<f32> {
    let layout = Layout::new(&config(family));
    let mut numbers = layout.draw(seed, Seat::Agent, 0, &[]);
    let mut draws = draws(seed, Stream::World);
    for (part, offset) in layout.parts() {
        let len = part.shape.iter().product::<i64>() as usize;
        if matches!(part.init, Init::One | Init::Zero) {
            let slice = &mut numbers[offset as usize..offset as usize + len];
            slice.iter_mut().for_each(|number| *number += 0.2 * (draws.uniform() as f32 - 0.5));
        }
    }
    numbers
}

fn whole(family: Family, seed: u64, device: Device) -> Parameters {
    Parameters::new(&config(family), &numbers(family, seed), device)
}

fn rounded(family: Family, seed: u64, device: Device) -> Parameters {
    let flat = Tensor::from_slice(&numbers(family, seed)).to_kind(Kind::BFloat16).to_device(device);
    let config = config(family);
    Parameters::of_views(&config, Views::of_flat(Layout::new(&config), flat, false))
}

fn adapted(base: &Decoder, seed: u64) -> Result<Decoder, LearnError> {
    let lora = Lora::new(4, 8.0);
    let layout = Adapter::layout(base.config(), &lora).map_err(LearnError::Model)?;
    let mut numbers = layout.draw(seed, Seat::User, 0, &[]);
    let mut draws = draws(seed, Stream::Judge);
    for (part, offset) in layout.parts().filter(|(part, _)| part.init == Init::Zero) {
        let len = part.shape.iter().product::<i64>() as usize;
        let slice = &mut numbers[offset as usize..offset as usize + len];
        slice.iter_mut().for_each(|number| *number = (ADAPTER_SPREAD * (2.0 * draws.uniform() - 1.0)) as f32);
    }
    let adapter = Adapter::new(base.config(), lora, &numbers, base.device()).map_err(LearnError::Model)?;
    Ok(base.adapted(adapter))
}
