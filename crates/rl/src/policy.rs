//! The seams between the simulation and whatever holds weights. `actors` knows models only through these.
//!
//! One value of [`Weights`] exists per model. The policy server lends it to the learner and gets it back by message, so nothing
//! samples from weights that are being updated, and no lock is needed. Where a run plays beside its updates, the server lends the one and samples
//! with a copy, which has a version of its own and never changes.

use std::any::Any;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sim::Address;
use sim::EpisodeId;
use sim::Fault;
use sim::Seat;

use crate::AdapterSettings;
use crate::Batch;
use crate::Filter;
use crate::RunSettings;
use crate::Selftest;

/// Which conversation a row continues, and by which adapter: a policy may keep what it computed for it (its KV cache) until [`Policy::forget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Session {
    /// The episode.
    pub episode: EpisodeId,
    /// The seat in it.
    pub seat: Seat,
    /// Number of the adapter that it goes by, in the order of [`ModelLoader::dressed`]; `None`: the model itself. Another adapter is another
    /// session: what one computed is of no use to the next.
    pub adapter: Option<u32>,
}

/// One request: go on with this token stream until the turn is closed.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose stream it is.
    pub session: Session,
    /// What the model reads, ending where sampling starts: mostly the seat's whole stream, of which what a session's earlier row held is a prefix.
    /// Where earlier thoughts are stripped it is so up to the first thought that is missing, so a policy compares ids before it relies on what it kept.
    pub stream: Vec<u32>,
    /// Where the sampling uniforms of this turn are drawn: `address.draws(Stream::Tokens(seat, turn))`, one uniform a token.
    pub address: Address,
    /// The seat's own turn, from 0.
    pub turn: u32,
    /// At most this many tokens; at least 1.
    pub tokens_max: u32,
    /// Above 0. Ignored if `greedy`.
    pub temperature: f32,
    /// Which tokens may be drawn at all. Ignored if `greedy`.
    pub filter: Filter,
    /// Take the likeliest token instead of drawing; log-probabilities are then those of temperature 1.
    pub greedy: bool,
}

/// What was sampled for a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// Sampled ids, the closing token included if there is one.
    pub tokens: Vec<u32>,
    /// Natural logarithm of each token's probability under the distribution it was drawn from (after temperature and filter).
    pub logprobs: Vec<f32>,
    /// Whether a closing token was sampled; otherwise `tokens_max` or the context length cut the turn.
    pub closed: bool,
    /// Version of the weights.
    pub version: u64,
}

/// Memory for the keys and values of streams, where a policy takes it in blocks of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Tokens of one block.
    pub tokens: usize,
    /// Blocks there may be at once.
    pub max: usize,
    /// Those that hold something: of streams that are sampled, and of sessions that were not forgotten. What several have in common counts once.
    pub held: usize,
}

/// Called once with one result per row, in the rows' order.
pub type Reply = Box<dyn FnOnce(Vec<Result<Sampled, Fault>>) + Send>;

/// Whoever turns token streams into tokens. Callback-shaped, so that a blocking batched model and an asynchronous remote serve alike:
/// an implementation may call `reply` before `submit` returns, or later from another thread.
pub trait Policy: Send {
    /// Samples one turn for each row. Rows come sorted by (group, episode, seat) and at most `batch_max` at once.
    fn submit(&mut self, rows: Vec<Row>, reply: Reply);

    /// From now on a turn is closed by any of these ids and by no other: those by which whoever reads its streams knows an end
    /// ([`TextFiles::close_id`] is the first). A policy that is not told goes by its own files.
    fn close_with(&mut self, _ids: &[u32]) {}

    /// Drops what is kept for these sessions. Unknown ones are ignored.
    fn forget(&mut self, sessions: &[Session]);

    /// How much of its memory for keys and values is taken now; `None` where it is not kept in blocks.
    fn blocks(&self) -> Option<Blocks> {
        None
    }

    /// Gives the weights away until [`Policy::load`]; `None` if this policy has none of its own (a remote), or they are out already.
    /// Everything kept for sessions is dropped, since it was computed with these weights.
    fn lend(&mut self) -> Option<Box<dyn Weights>>;

    /// Takes weights back, as a new version or the old one.
    fn load(&mut self, weights: Box<dyn Weights>);
}

/// A model's parameters, opaque to whoever only passes them on. Implementations downcast through [`Weights::into_any`].
pub trait Weights: Send {
    /// Optimiser updates since the cold start began.
    fn version(&self) -> u64;
    /// The same numbers and version once more: whatever becomes of one of the two, the other stays as it is. It takes their memory a second time.
    fn copy(&self) -> Box<dyn Weights>;
    /// For the owner of the concrete type.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// Whoever turns batches into better weights.
pub trait Learner: Send {
    /// One optimiser step over the whole batch (several if the run asks for minibatches). The version grows by one for each.
    ///
    /// # Errors
    /// [`LearnError`]; the weights are then as before the call.
    fn update(
        &mut self,
        weights: Box<dyn Weights>,
        batch: &Batch,
    ) -> (Box<dyn Weights>, Result<UpdateReport, LearnError>);

    /// Begins a new phase: remembers a frozen copy of these weights as the reference of the KL penalty (only if the run uses one) and
    /// sets the optimiser's moments to 0.
    fn anchor(&mut self, weights: Box<dyn Weights>) -> Box<dyn Weights>;

    /// Writes weights as an HF folder (`config.json`, `model.safetensors`, `tokenizer.json`, …) and beside it the optimiser's state, into an existing
    /// empty folder. Files are synced by the caller.
    ///
    /// # Errors
    /// [`LearnError::Store`] with the file's name.
    fn save(&mut self, weights: Box<dyn Weights>, folder: &Path) -> (Box<dyn Weights>, Result<(), LearnError>);
}

/// Numbers about one update, by metric name without the seat: `loss`, `grad_norm`, `entropy`, `clip_fraction`, `kl_old`, … (see docs/METRICS.md).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateReport {
    /// Version of the weights after it.
    pub version: u64,
    /// Metric name and value, in the order in which they are logged.
    pub metrics: Vec<(String, f64)>,
}

/// Why there was no update.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LearnError {
    /// The loss or a gradient is not a finite number: the run stops here rather than spoil its weights.
    #[error("{what} is not finite at step {step}: the update was not applied")]
    NotFinite {
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// Optimiser step.
        step: u64,
    },
    /// A batch that does not fit the model: a token id outside the vocabulary, a stream longer than the context.
    #[error("batch does not fit the model: {0}")]
    Batch(String),
    /// A shape no model can have, or a device that is not there.
    #[error("cannot make the model: {0}")]
    Model(String),
    /// A file of a model folder could not be written, or read back.
    #[error("{file}: {why}")]
    Store {
        /// Which.
        file: String,
        /// Why.
        why: String,
    },
    /// The tensor library reported an error.
    #[error("tensor library: {0}")]
    Tensor(String),
}

/// What a model is made of: the policy holds the weights first.
pub struct Model {
    /// Samples.
    pub policy: Box<dyn Policy>,
    /// Updates.
    pub learner: Box<dyn Learner>,
}

/// The text side of a model folder, byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct TextFiles {
    /// Contents of `tokenizer.json`.
    pub tokenizer: String,
    /// Contents of `chat_template.jinja`.
    pub template: String,
    /// Id of the token that closes a turn.
    pub close_id: u32,
    /// Id that pads batches; never a loss token.
    pub pad_id: u32,
    /// Size of the vocabulary.
    pub vocab_len: usize,
    /// Ids whose embeddings start on a line, with their number in [0, 1]: prices and digits, so that order is there to be found.
    pub ordered: Vec<(u32, f32)>,
}

/// Makes models. The binary passes one with tch behind it; tests pass dummies.
pub trait ModelLoader: Send + Sync {
    /// A model with weights drawn from `seed`, for `seat`. `name` is written into its folder.
    ///
    /// # Errors
    /// [`LearnError`] if the shape is impossible or the device is missing.
    fn fresh(&self, settings: &RunSettings, text: &TextFiles, seat: Seat) -> Result<Model, LearnError>;

    /// A model with the weights and, where there is one, the optimiser state of an HF folder, or of an adapter's, whose base is found by what the
    /// folder says or, in a run, by its settings. `settings` is `None` where nothing learns: `eval`, `rollout`.
    ///
    /// # Errors
    /// [`LearnError::Store`] naming the file that is missing, cut short or of the wrong shape.
    fn open(&self, folder: &Path, settings: Option<&RunSettings>, seat: Seat) -> Result<Model, LearnError>;

    /// A model with the weights of an HF folder and nothing else that was learned with them: version 0, no optimiser state, no reference.
    ///
    /// # Errors
    /// As [`ModelLoader::open`].
    fn based(&self, folder: &Path, settings: &RunSettings, seat: Seat) -> Result<Model, LearnError>;

    /// A model whose weights are those of `seat`'s base, frozen, with a fresh adapter that learns in their stead, drawn from the run's seed. Whoever
    /// has the same base shares its numbers in memory.
    ///
    /// # Errors
    /// As [`ModelLoader::open`]; [`LearnError::Model`] if no adapter of this shape fits, or this loader's models take none.
    fn adapted(&self, adapters: &AdapterSettings, settings: &RunSettings, seat: Seat) -> Result<Model, LearnError>;

    /// A policy of the model in `base` and of adapters on it: rows say by [`Session::adapter`] which they go by, and are sampled together.
    ///
    /// # Errors
    /// As [`ModelLoader::adapted`].
    fn dressed(&self, base: &Path, adapters: &[PathBuf]) -> Result<Box<dyn Policy>, LearnError>;

    /// Writes the model that an adapter's folder makes of its base into an existing folder, as one model that needs neither.
    ///
    /// # Errors
    /// As [`ModelLoader::adapted`].
    fn merge(&self, adapter: &Path, base: &Path, to: &Path) -> Result<(), LearnError>;

    /// Name of the file in a model's folder that holds what a run with these settings learned and nothing else: what the manifest hashes.
    fn weights_file(&self, settings: &RunSettings) -> &'static str;

    /// What the numbers depend on besides the seed, for the manifest: library version, device, threads.
    fn describe(&self) -> Vec<(String, String)>;

    /// How the program behind it looks at itself; `None` if it computes with nothing that could differ between machines.
    fn selftest(&self) -> Option<&dyn Selftest> {
        None
    }
}
