//! Sampling by operations on whole tensors, on any device and in any kind of numbers: rows of different lengths side by side, resumed where
//! their sessions stopped.
//!
//! All rows of a batch end at the same column of one working cache, so that a step writes one column for everybody and a row differs
//! from the next only in where it *starts*:
//!
//! ```text
//! column      0 . . . . . . . . . . . . . T0          T0 + steps
//! row 0           [ kept from last turn | new ] sampled →
//! row 1       [ kept from last turn     | new ] sampled →
//! row 2                   [       new         ] sampled →
//! ```
//!
//! Positions count from each row's start, and a mask hides the columns before it. New tokens are computed in buckets of rows with about
//! equally many of them; where a row of a bucket has fewer than the longest, its last kept tokens are computed again, which changes
//! nothing. Rows that are equal and fresh (the members of a group at their first turn) are computed once and copied.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::ops::DerefMut;

use rl::Filter;
use tch::Device;
use tch::IndexOp;
use tch::Kind;
use tch::Tensor;

use crate::cache::Sessions;
use crate::filter::Filters;
use crate::sampler::Turn;
use crate::sampler::invert;
use crate::transformer::Decoder;
use crate::transformer::Window;

/// Most tokens computed at once before sampling starts: more would only leave the processor's caches.
const PREFILL_TOKENS_MAX: usize = 2048;

/// Steps between two looks at what was sampled where a look makes the device wait.
pub const UNSEEN_STEPS: usize = 16;

/// Memory for working caches, used again from batch to batch: as large as the largest so far.
#[derive(Debug, Default)]
pub struct Workspace {
    numbers: Option<Tensor>,
}

impl Workspace {
    /// A tensor of this shape with any finite numbers in it. Finite they must be: a hidden column has weight 0, and 0 times a NaN is a NaN.
    fn of(&mut self, shape: [i64; 5], kind: Kind, device: Device) -> Tensor {
        let len: i64 = shape.iter().product();
        let fits = |numbers: &Tensor| numbers.size()[0] >= len && numbers.kind() == kind && numbers.device() == device;
        let kept = self.numbers.take().filter(fits);
        let numbers = kept.unwrap_or_else(|| Tensor::zeros([len], (kind, device)));
        let made = numbers.narrow(0, 0, len).view(shape);
        self.numbers = Some(numbers);
        made
    }
}

/// What is kept between calls.
#[derive(Debug)]
pub struct Windows {
    sessions: Sessions,
    workspace: Workspace,
    /// Columns of the working cache in all: rows that would need more wait for the others, but for one that needs so many alone.
    columns_max: usize,
    /// Steps between two looks at what was sampled.
    look_every: usize,
}

impl Windows {
    /// Half of these tokens for what is kept between turns, half for what is being worked on, of which one row is worked on in any case. What was
    /// sampled is looked at every `look_every` steps, at least 1.
    #[must_use]
    pub fn new(tokens_max: usize, look_every: usize) -> Windows {
        let columns_max = tokens_max / 2;
        Windows { sessions: Sessions::new(columns_max), workspace: Workspace::default(), columns_max, look_every }
    }

    /// What is kept between turns.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// What is kept between turns, to be dropped.
    pub fn sessions_mut(&mut self) -> &mut Sessions {
        &mut self.sessions
    }

    /// Samples each of these turns to its end, and keeps what was computed. Call under `no_grad`.
    pub(crate) fn sample<'a>(
        &mut self,
        decoder: &'a Decoder,
        closing: &'a [u32],
        turns: Vec<Turn<'a>>,
    ) -> Vec<Turn<'a>> {
        let mut finished = Vec::with_capacity(turns.len());
        for turns in admitted(turns, self.columns_max) {
            // Those that waited may find less kept than when they came.
            let kept = |turn: &Turn<'_>| self.sessions.reusable(&turn.row.session, &turn.row.stream);
            let rows = turns.into_iter().map(|turn| Placed { kept: kept(&turn), start: 0, turn }).collect();
            let speaking = Speaking::start(decoder, &self.sessions, &mut self.workspace, closing, rows);
            finished.extend(speaking.finish(&mut self.sessions, self.look_every));
        }
        finished
    }
}

/// A turn with its place in the working cache.
struct Placed<'a> {
    turn: Turn<'a>,
    /// Tokens at the start of the stream that need not be computed.
    kept: usize,
    /// First column of its stream.
    start: i64,
}

impl Placed<'_> {
    fn new_tokens(&self) -> usize {
        self.row.stream.len() - self.kept
    }
}

impl<'a> Deref for Placed<'a> {
    type Target = Turn<'a>;

    fn deref(&self) -> &Turn<'a> {
        &self.turn
    }
}

impl<'a> DerefMut for Placed<'a> {
    fn deref_mut(&mut self) -> &mut Turn<'a> {
        &mut self.turn
    }
}

/// Cuts rows into those that are sampled side by side, in their order.
fn admitted(turns: Vec<Turn<'_>>, columns_max: usize) -> Vec<Vec<Turn<'_>>> {
    let mut companies: Vec<Vec<Turn<'_>>> = Vec::new();
    let (mut stream, mut limit) = (0, 0);
    for turn in turns {
        let (longest, most) = (turn.row.stream.len().max(stream), turn.limit.max(limit));
        match companies.last_mut().filter(|company| (company.len() + 1) * (longest + most) <= columns_max) {
            Some(company) => {
                company.push(turn);
                (stream, limit) = (longest, most);
            }
            None => {
                (stream, limit) = (turn.row.stream.len(), turn.limit);
                companies.push(vec![turn]);
            }
        }
    }
    companies
}

/// Rows that are being sampled, side by side in one working cache.
struct Speaking<'a> {
    decoder: &'a Decoder,
    /// Ids that close a turn.
    closing: &'a [u32],
    /// In the order of the cache's rows.
    turns: Vec<Placed<'a>>,
    finished: Vec<Placed<'a>>,
    /// `[2 layers, rows, kv_heads, columns, head_dim]`
    cache: Tensor,
    /// `[rows, 1]`: first column of each row.
    starts: Tensor,
    /// `[rows, 1, 1, columns]`: 0 from a row's start on, −∞ before.
    mask: Tensor,
    /// `[rows, 1]`: what logits are divided by.
    temperatures: Tensor,
    /// What each row may draw; `None` if everything.
    filters: Option<Filters>,
    /// `[rows]`: who takes the likeliest token; `None` if nobody does.
    greedy: Option<Tensor>,
    /// `[rows, vocab]`
    logits: Tensor,
    /// First free column.
    column: i64,
}

impl<'a> Speaking<'a> {
    /// Computes what is new in each row.
    fn start(
        decoder: &'a Decoder,
        sessions: &Sessions,
        workspace: &mut Workspace,
        closing: &'a [u32],
        turns: Vec<Placed<'a>>,
    ) -> Speaking<'a> {
        let config = decoder.config();
        let device = decoder.device();
        let Order { mut turns, unique, copied_from } = order(turns);
        let column = turns.iter().map(|turn| turn.row.stream.len()).max().expect("there is a row") as i64;
        let steps = turns.iter().map(|turn| turn.limit).max().expect("there is a row") as i64;
        for turn in &mut turns {
            turn.start = column - turn.row.stream.len() as i64;
        }
        let shape = [2 * config.layers, turns.len() as i64, config.kv_heads, column + steps, config.head_dim];
        let cache = workspace.of(shape, decoder.kind(), device);
        let hidden = prefill(decoder, sessions, &cache, &turns[..unique], column);
        let hidden = if copied_from.is_empty() {
            hidden
        } else {
            let sources = Tensor::from_slice(&copied_from).to_device(device);
            let computed = cache.narrow(3, 0, column);
            computed.narrow(1, unique as i64, copied_from.len() as i64).copy_(&computed.index_select(1, &sources));
            Tensor::cat(&[&hidden, &hidden.index_select(0, &sources)], 0)
        };
        let starts: Vec<i64> = turns.iter().map(|turn| turn.start).collect();
        let starts = Tensor::from_slice(&starts).unsqueeze(1).to_device(device);
        let mask = Tensor::arange(column + steps, (Kind::Int64, device)).unsqueeze(0).lt_tensor(&starts);
        let mask = mask.to_kind(decoder.kind()).masked_fill(&mask, f64::NEG_INFINITY).unsqueeze(1).unsqueeze(1);
        let temperatures: Vec<f32> =
            turns.iter().map(|turn| if turn.row.greedy { 1.0 } else { turn.row.temperature }).collect();
        // The likeliest token stays in any case.
        let filter = |turn: &Placed<'_>| if turn.row.greedy { Filter::default() } else { turn.row.filter };
        let filters: Vec<Filter> = turns.iter().map(filter).collect();
        let greedy: Vec<bool> = turns.iter().map(|turn| turn.row.greedy).collect();
        Speaking {
            decoder,
            closing,
            finished: Vec::with_capacity(turns.len()),
            turns,
            cache,
            starts,
            mask,
            temperatures: Tensor::from_slice(&temperatures).unsqueeze(1).to_device(device),
            filters: Filters::of(&filters, device),
            greedy: greedy.contains(&true).then(|| Tensor::from_slice(&greedy).to_device(device)),
            logits: decoder.logits(&hidden),
            column,
        }
    }

    /// Samples until every row is done.
    fn finish(mut self, sessions: &mut Sessions, look_every: usize) -> Vec<Turn<'a>> {
        loop {
            let tokens = self.speak(look_every);
            self.keep_finished(sessions);
            let speaking = self.turns.iter().filter(|turn| !turn.done).count();
            if speaking == 0 {
                self.finished.append(&mut self.turns);
                return self.finished.into_iter().map(|placed| placed.turn).collect();
            }
            let tokens = if speaking < self.turns.len() { self.compact(&tokens) } else { tokens };
            self.step(&tokens);
        }
    }

    /// Draws the next tokens of each row, at most `steps_max`; the last, `[rows]`. A row that is done on the way draws on, and nobody hears it.
    fn speak(&mut self, steps_max: usize) -> Tensor {
        let left = self.turns.iter().map(|turn| turn.limit - turn.sampled.tokens.len()).max();
        let steps = left.expect("somebody speaks").min(steps_max);
        let uniforms: Vec<f64> = self.turns.iter_mut().flat_map(|turn| turn.uniforms(steps)).collect();
        let uniforms = Tensor::from_slice(&uniforms).view([-1, steps as i64]).to_device(self.device());
        let mut drawn: Vec<(Tensor, Tensor)> = Vec::with_capacity(steps);
        for step in 0..steps {
            if let Some((tokens, _)) = drawn.last() {
                self.step(&tokens.shallow_clone());
            }
            let uniforms = uniforms.narrow(1, step as i64, 1);
            let (temperatures, filters) = (&self.temperatures, self.filters.as_ref());
            drawn.push(invert(&self.logits, temperatures, filters, self.greedy.as_ref(), &uniforms));
        }
        let (tokens, logprobs): (Vec<Tensor>, Vec<Tensor>) = drawn.into_iter().unzip();
        self.hear(&Tensor::stack(&tokens, 1), &Tensor::stack(&logprobs, 1), steps);
        tokens.into_iter().next_back().expect("at least one step")
    }

    /// Takes tokens and log-probabilities `[rows, steps]`, each row up to its end.
    fn hear(&mut self, tokens: &Tensor, logprobs: &Tensor, steps: usize) {
        let ids = Vec::<i64>::try_from(tokens.flatten(0, 1)).expect("token ids are integers");
        let logprobs = Vec::<f32>::try_from(logprobs.flatten(0, 1)).expect("log-probabilities are numbers");
        let rows = ids.chunks_exact(steps).zip(logprobs.chunks_exact(steps));
        for (turn, (ids, logprobs)) in self.turns.iter_mut().zip(rows) {
            for (id, logprob) in ids.iter().zip(logprobs) {
                if !turn.done {
                    turn.says(*id as u32, *logprob, self.closing);
                }
            }
        }
    }

    fn device(&self) -> Device {
        self.decoder.device()
    }

    /// Keeps the keys and values of rows that are done. The last token was never shown to the model, so it has none yet.
    fn keep_finished(&self, sessions: &mut Sessions) {
        for (place, turn) in self.turns.iter().enumerate().filter(|(_, turn)| turn.done) {
            let mut tokens = turn.row.stream.clone();
            tokens.extend(&turn.sampled.tokens[..turn.sampled.tokens.len() - 1]);
            let planes = self.cache.select(1, place as i64).narrow(2, turn.start, tokens.len() as i64).copy();
            sessions.keep(turn.row.session, tokens, planes);
        }
    }

    /// Drops the rows that are done, and gives the tokens of the others. Rows from the end move into the holes, so that no more is copied
    /// than the rows that have just ended.
    fn compact(&mut self, tokens: &Tensor) -> Tensor {
        let turns = std::mem::take(&mut self.turns);
        let (done, mut speaking): (Vec<_>, Vec<_>) = (0i64..).zip(turns).partition(|(_, turn)| turn.done);
        let count = speaking.len();
        for hole in done.iter().map(|(place, _)| *place).filter(|place| (*place as usize) < count) {
            let (last, turn) = speaking.pop().expect("as many rows speak behind the line as are done before it");
            let row = |place: i64| self.cache.select(1, place).narrow(2, turn.start, self.column - turn.start);
            row(hole).copy_(&row(last));
            speaking.insert(hole as usize, (last, turn));
        }
        let places: Vec<i64> = speaking.iter().map(|(place, _)| *place).collect();
        let places = Tensor::from_slice(&places).to_device(self.device());
        self.cache = self.cache.narrow(1, 0, count as i64);
        self.starts = self.starts.index_select(0, &places);
        self.mask = self.mask.index_select(0, &places);
        self.temperatures = self.temperatures.index_select(0, &places);
        self.filters = self.filters.as_ref().map(|filters| filters.select(&places));
        self.greedy = self.greedy.as_ref().map(|greedy| greedy.index_select(0, &places));
        self.turns = speaking.into_iter().map(|(_, turn)| turn).collect();
        self.finished.extend(done.into_iter().map(|(_, turn)| turn));
        tokens.index_select(0, &places)
    }

    /// Shows the model one token of each row, `[rows]`.
    fn step(&mut self, tokens: &Tensor) {
        let positions = self.column - &self.starts;
        let window = Window {
            cache: &self.cache,
            first_column: self.column,
            positions: &positions,
            mask: &self.mask.narrow(3, 0, self.column + 1),
        };
        let hidden = self.decoder.extend(&tokens.unsqueeze(1), &window);
        self.logits = self.decoder.logits(&hidden.squeeze_dim(1));
        self.column += 1;
    }
}

/// Rows in the order of the working cache.
struct Order<'a> {
    turns: Vec<Placed<'a>>,
    /// The first so many are computed, by rising number of new tokens.
    unique: usize,
    /// For each of the others: which of the first it equals.
    copied_from: Vec<i64>,
}

fn order(turns: Vec<Placed<'_>>) -> Order<'_> {
    let mut first_of: BTreeMap<&[u32], usize> = BTreeMap::new();
    let mut copies = Vec::new();
    let mut unique = Vec::new();
    for turn in turns {
        let original = (turn.kept == 0).then(|| first_of.get(turn.row.stream.as_slice()).copied()).flatten();
        match original {
            Some(original) => copies.push((original, turn)),
            None => {
                if turn.kept == 0 {
                    first_of.insert(&turn.row.stream, turn.index);
                }
                unique.push(turn);
            }
        }
    }
    unique.sort_by_key(Placed::new_tokens);
    let place_of: BTreeMap<usize, i64> =
        unique.iter().enumerate().map(|(place, turn)| (turn.index, place as i64)).collect();
    let copied_from = copies.iter().map(|(original, _)| place_of[original]).collect();
    let count = unique.len();
    unique.extend(copies.into_iter().map(|(_, turn)| turn));
    Order { turns: unique, unique: count, copied_from }
}

/// Computes the new tokens of rows sorted by their number, bucket by bucket; last hidden states `[rows, d]`.
fn prefill(decoder: &Decoder, sessions: &Sessions, cache: &Tensor, turns: &[Placed<'_>], column: i64) -> Tensor {
    let mut hidden = Vec::new();
    let mut first = 0;
    while first < turns.len() {
        let least = turns[first].new_tokens();
        let fits = |end: usize| {
            let most = turns[end].new_tokens();
            most <= least + least / 2 + 8 && most * (end + 1 - first) <= PREFILL_TOKENS_MAX
        };
        let mut end = first + 1;
        while end < turns.len() && fits(end) {
            end += 1;
        }
        let rows = cache.narrow(1, first as i64, (end - first) as i64);
        hidden.push(prefill_bucket(decoder, sessions, &rows, &turns[first..end], column));
        first = end;
    }
    Tensor::cat(&hidden, 0)
}

/// One bucket over its rows of the cache. Last hidden states `[rows, d]`.
fn prefill_bucket(decoder: &Decoder, sessions: &Sessions, rows: &Tensor, turns: &[Placed<'_>], column: i64) -> Tensor {
    let device = decoder.device();
    let new = turns.iter().map(Placed::new_tokens).max().expect("a bucket has a row") as i64;
    let first_start = turns.iter().map(|turn| turn.start).min().expect("a bucket has a row");
    let mut ids: Vec<i64> = Vec::with_capacity(turns.len() * new as usize);
    for (place, turn) in turns.iter().enumerate() {
        if let Some(planes) = sessions.planes(&turn.row.session, turn.kept) {
            rows.select(1, place as i64).narrow(2, turn.start, turn.kept as i64).copy_(&planes);
        }
        let stream = &turn.row.stream;
        let padding = (new as usize).saturating_sub(stream.len());
        ids.extend(std::iter::repeat_n(i64::from(decoder.config().pad_id), padding));
        ids.extend(stream[stream.len() + padding - new as usize..].iter().map(|id| i64::from(*id)));
    }
    let tokens = Tensor::from_slice(&ids).view([turns.len() as i64, new]).to_device(device);
    // Columns are counted from the first that any row of the bucket uses.
    let starts: Vec<i64> = turns.iter().map(|turn| turn.start - first_start).collect();
    let starts = Tensor::from_slice(&starts).view([-1, 1, 1, 1]).to_device(device);
    let columns = Tensor::arange(column - first_start, (Kind::Int64, device));
    let own = columns.narrow(0, column - first_start - new, new).unsqueeze(1);
    // A token of the padding sees itself, so that no softmax is over nothing.
    let mask = columns.ge_tensor(&starts).logical_and(&columns.le_tensor(&own)).logical_or(&columns.eq_tensor(&own));
    let positions = (own.view([1, new]) - starts.view([-1, 1])).clamp_min(0);
    let window = Window {
        cache: &rows.narrow(3, first_start, column - first_start),
        first_column: column - first_start - new,
        positions: &positions,
        mask: &mask,
    };
    decoder.extend(&tokens, &window).i((.., new - 1))
}
