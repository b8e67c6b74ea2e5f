//! How large the models are, in memory and on disk.

use rl::plan;
use serde::Serialize;
use sim::Seat;
use text::Dialect;

use crate::setup::Setup;
use crate::train;

/// Bytes of a number: everything is float32.
const BYTES: u64 = 4;

/// The models of a run: one shape, one set of weights for each seat that learns.
#[derive(Clone, Debug, Serialize)]
pub struct Models {
    /// Which seats have one.
    pub seats: Vec<Seat>,
    /// Entries of the tokenizer that the cold start trains.
    pub vocabulary: usize,
    /// Numbers each model learns.
    pub parameters: u64,
    /// What each keeps in memory, besides activations.
    pub memory: Memory,
    /// What one commit writes, all seats together. The tokenizer is counted, `state.json` and headers (a few kB) are not.
    pub checkpoint_bytes: u64,
    /// The same before the first step of GRPO, when there is no reference yet.
    pub cold_start_checkpoint_bytes: u64,
}

/// Bytes of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// The weights.
    pub weights: u64,
    /// AdamW's two moments.
    pub moments: u64,
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
        let Memory { weights, moments, gradient, undo, playing, reference, cache_max } = self;
        weights + moments + gradient + undo + playing + reference + cache_max
    }
}

impl Models {
    /// The models of a run whose lessons gave this dialect.
    #[must_use]
    pub fn of(setup: &Setup, dialect: &Dialect) -> Models {
        let grpo = &setup.settings.grpo;
        let learning = setup.learning();
        let seats: Vec<Seat> = Seat::ALL.into_iter().filter(|seat| learning[*seat]).collect();
        let vocabulary = dialect.tokenizer().len();
        let parameters = setup.settings.model.parameters(vocabulary);
        let numbers = parameters * BYTES;
        let memory = Memory {
            weights: numbers,
            moments: 2 * numbers,
            gradient: numbers,
            undo: if grpo.minibatches > 1 { 3 * numbers } else { 0 },
            playing: if grpo.staleness_max > 0 { numbers } else { 0 },
            reference: if grpo.kl_weight > 0.0 { numbers } else { 0 },
            cache_max: cache_max(setup),
        };
        let text = (dialect.tokenizer().to_json().len() + dialect.template().source().len()) as u64;
        let without_reference = memory.weights + memory.moments + text;
        let all = |one: u64| one * seats.len() as u64;
        Models {
            vocabulary,
            parameters,
            memory,
            checkpoint_bytes: all(without_reference + memory.reference),
            cold_start_checkpoint_bytes: all(without_reference),
            seats,
        }
    }
}

/// Sessions are dropped when their episode ends, so no more are kept than episodes are alive.
fn cache_max(setup: &Setup) -> u64 {
    let settings = &setup.settings;
    let steps = plan::step_castings(&settings.grpo, &setup.mix, settings.seed, 1).len();
    let most = usize::max(steps, train::eval_castings(setup, 0).len());
    let live = most.min(settings.limits.episodes_live_max) as u64;
    let context = u64::try_from(settings.model.max_position_embeddings).unwrap_or(0);
    let all = live * context * settings.model.cached_per_token() * BYTES;
    all.min(settings.limits.cache_bytes_max() as u64)
}
