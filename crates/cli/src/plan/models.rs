//! How large the models are, in memory and on disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rl::AdapterSettings;
use rl::Outlook;
use rl::plan;
use rl::settings::Dtype;
use serde::Serialize;
use sim::Seat;
use text::Dialect;

use crate::export::weights;
use crate::setup::Setup;
use crate::train;

/// Bytes of a number of the optimiser's: all of these are float32.
const BYTES: u64 = 4;

/// The models of a run: one shape, and one set of weights for each seat that learns or one for both.
#[derive(Clone, Debug, Serialize)]
pub struct Models {
    /// Which seats have one.
    pub seats: Vec<Seat>,
    /// What they are called: by their seats, or `both`.
    pub names: Vec<&'static str>,
    /// Entries of the tokenizer that the cold start trains.
    pub vocabulary: usize,
    /// Numbers each model learns: all of it, or its adapter's.
    pub parameters: u64,
    /// What they are held in, by PyTorch's name.
    pub dtype: &'static str,
    /// What lies under adapters and never changes; `None`: the models learn themselves.
    pub base: Option<Base>,
    /// What each keeps in memory, besides activations.
    pub memory: Memory,
    /// What one commit writes, all seats together. The tokenizer is counted, `state.json` and headers (a few kB) are not.
    pub checkpoint_bytes: u64,
    /// The same before the first step of GRPO, when there is no reference yet.
    pub cold_start_checkpoint_bytes: u64,
}

/// The weights under adapters, in memory once for all seats that share them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Base {
    /// How many there are: one, unless the seats start from models of their own.
    pub count: usize,
    /// Numbers of each.
    pub parameters: u64,
    /// What they are held in, by PyTorch's name.
    pub dtype: &'static str,
    /// Bytes of all of them together.
    pub bytes: u64,
}

/// Bytes of one model, but for a base that it shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// The weights that learn.
    pub weights: u64,
    /// AdamW's two moments.
    pub moments: u64,
    /// What takes its steps in place of shorter weights; 0 if these are float32.
    pub masters: u64,
    /// The gradient of an update.
    pub gradient: u64,
    /// The copy an update of several minibatches is undone from; 0 if it has one.
    pub undo: u64,
    /// The copy that plays while the weights are updated; 0 if playing and learning take turns.
    pub playing: u64,
    /// The frozen cold-start model of the KL penalty; 0 if there is none.
    pub reference: u64,
    /// Keys and values of the most episodes that can be alive, each as long as the context, or as many as may be kept: seldom reached.
    pub cache_max: u64,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub fn sum(&self) -> u64 {
        let Memory { weights, moments, masters, gradient, undo, playing, reference, cache_max } = self;
        weights + moments + masters + gradient + undo + playing + reference + cache_max
    }
}

impl Models {
    /// The models of a run whose lessons gave this dialect.
    #[must_use]
    pub fn of(setup: &Setup, dialect: &Dialect) -> Models {
        let learning = setup.learning();
        let seats: Vec<Seat> = Seat::ALL.into_iter().filter(|seat| learning[*seat]).collect();
        let vocabulary = dialect.tokenizer().len();
        let shape = &setup.settings.model;
        let adapters = setup.settings.adapters();
        let parameters = match adapters {
            Some(adapters) => adapters.shape.parameters(shape),
            None => shape.parameters(vocabulary),
        };
        let memory = memory(setup, parameters);
        let text = (dialect.tokenizer().to_json().len() + dialect.template().source().len()) as u64;
        let without_reference = memory.weights + memory.moments + memory.masters + text;
        let mut names: Vec<&'static str> = seats.iter().map(|seat| setup.settings.seats.model(*seat)).collect();
        names.dedup();
        let all = |one: u64| one * names.len() as u64;
        Models {
            vocabulary,
            parameters,
            dtype: torch_name(setup.settings.dtype),
            base: adapters.map(|adapters| base(setup, adapters, &seats)),
            memory,
            checkpoint_bytes: all(without_reference + memory.reference),
            cold_start_checkpoint_bytes: all(without_reference),
            seats,
            names,
        }
    }
}

fn memory(setup: &Setup, parameters: u64) -> Memory {
    let grpo = &setup.settings.grpo;
    let (weights, long) = (parameters * setup.settings.dtype.bytes(), parameters * BYTES);
    let masters = if setup.settings.dtype == Dtype::F32 { 0 } else { long };
    Memory {
        weights,
        moments: 2 * long,
        masters,
        gradient: long,
        undo: if grpo.minibatches > 1 { weights + 2 * long + masters } else { 0 },
        playing: if grpo.staleness_max > 0 { weights } else { 0 },
        reference: if grpo.kl_weight > 0.0 { weights } else { 0 },
        cache_max: cache_max(setup),
    }
}

/// PyTorch's name.
fn torch_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "float32",
        Dtype::Bf16 => "bfloat16",
    }
}

fn base(setup: &Setup, adapters: &AdapterSettings, seats: &[Seat]) -> Base {
    let place =
        |seat: &Seat| fs::canonicalize(&adapters.bases[*seat]).unwrap_or_else(|_| adapters.bases[*seat].clone());
    let folders: BTreeSet<_> = seats.iter().map(place).collect();
    let shape = &setup.settings.model;
    let counted = folders.first().and_then(|folder| counted(folder, shape.tie_word_embeddings));
    let parameters = counted.unwrap_or_else(|| shape.parameters(shape.vocab_max));
    let (dtype, width) = (torch_name(adapters.dtype), adapters.dtype.bytes());
    Base { count: folders.len(), parameters, dtype, bytes: parameters * width * folders.len() as u64 }
}

/// Numbers in a folder's files of weights, as their heads say; `None` if there are none, or one cannot be read. What is computed is not counted.
fn counted(folder: &Path, tied: bool) -> Option<u64> {
    let counts = |name: &str| !(tied && name == "lm_head.weight" || name.ends_with("rotary_emb.inv_freq"));
    let mut sum = None;
    for entry in fs::read_dir(folder).ok()? {
        let name = entry.ok()?.file_name().to_string_lossy().into_owned();
        if name == "model.safetensors" || name.starts_with("model-") && name.ends_with(".safetensors") {
            sum = Some(sum.unwrap_or(0) + weights::count_of(&folder.join(&name), counts).ok()?);
        }
    }
    sum
}

/// Sessions are dropped when their episode ends, so no more are kept than episodes are alive.
fn cache_max(setup: &Setup) -> u64 {
    let settings = &setup.settings;
    let steps = plan::step_castings(&settings.grpo, &setup.mix, settings.seed, 1, &Outlook::default()).len();
    let most = usize::max(steps, train::eval_castings(setup, 0).len());
    let live = most.min(settings.limits.episodes_live_max) as u64;
    let context = u64::try_from(settings.model.max_position_embeddings).unwrap_or(0);
    let width = settings.adapters().map_or(settings.dtype, |adapters| adapters.dtype).bytes();
    let all = live * context * settings.model.cached_per_token() * width;
    all.min(settings.limits.cache_bytes_max() as u64)
}
