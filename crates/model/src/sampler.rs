//! Batched sampling: rows of different lengths, resumed where their sessions stopped, each token drawn by inverting the
//! distribution at an addressed uniform.
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

use rl::Filter;
use rl::Row;
use rl::Sampled;
use sim::Draws;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::draws::Stream;
use tch::Device;
use tch::IndexOp;
use tch::Kind;
use tch::Tensor;

use crate::cache::Sessions;
use crate::filter::Filters;
use crate::lora::Outfit;
use crate::transformer::Decoder;
use crate::transformer::Window;

/// Most tokens computed at once before sampling starts: more would only leave the processor's caches.
const PREFILL_TOKENS_MAX: usize = 2048;

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

/// A row on its way.
struct Turn<'a> {
    /// Its place among the rows that were asked for.
    index: usize,
    row: &'a Row,
    draws: Draws,
    /// Tokens at the start of the stream that need not be computed.
    kept: usize,
    /// Most tokens it may sample.
    limit: usize,
    /// First column of its stream.
    start: i64,
    sampled: Sampled,
    done: bool,
}

impl Turn<'_> {
    fn new_tokens(&self) -> usize {
        self.row.stream.len() - self.kept
    }
}

/// What rows may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds<'a> {
    /// Columns of the working cache in all: rows that would need more wait for the others, but for one that needs so many alone.
    pub columns_max: usize,
    /// Tokens of one stream; at most the model's positions.
    pub stream_max: usize,
    /// Ids that close a turn.
    pub closing: &'a [u32],
}

/// Samples one turn for each row, in their order, and keeps in `sessions` what was computed. Call under `no_grad`.
pub fn sample(
    decoder: &Decoder,
    sessions: &mut Sessions,
    workspace: &mut Workspace,
    version: u64,
    bounds: Bounds<'_>,
    rows: &[Row],
) -> Vec<Result<Sampled, Fault>> {
    let mut results: Vec<Option<Result<Sampled, Fault>>> = vec![None; rows.len()];
    let mut turns = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        match admit(decoder, sessions, (version, bounds.stream_max), index, row) {
            Ok(turn) => turns.push(turn),
            Err(fault) => results[index] = Some(Err(fault)),
        }
    }
    for mut turns in admitted(turns, bounds.columns_max) {
        // Those that waited may find less kept than when they came.
        for turn in &mut turns {
            turn.kept = sessions.reusable(&turn.row.session, &turn.row.stream);
        }
        for turn in Speaking::start(decoder, sessions, workspace, bounds.closing, turns).finish(sessions) {
            results[turn.index] = Some(Ok(turn.sampled));
        }
    }
    results.into_iter().map(|result| result.expect("each row was admitted and finished, or has its fault")).collect()
}

/// Checks a row against the model's shape.
fn admit<'a>(
    decoder: &Decoder,
    sessions: &Sessions,
    (version, stream_max): (u64, usize),
    index: usize,
    row: &'a Row,
) -> Result<Turn<'a>, Fault> {
    let config = decoder.config();
    let refuse = |detail: String| Fault::new(Party::Infrastructure, FaultKind::Refused, detail);
    let room = stream_max.saturating_sub(row.stream.len());
    if row.stream.is_empty() || room == 0 {
        let (len, context) = (row.stream.len(), stream_max);
        return Err(refuse(format!("a stream of {len} tokens cannot be continued in a context of {context}")));
    }
    if let Some(id) = row.stream.iter().find(|id| i64::from(**id) >= config.vocab_size) {
        return Err(refuse(format!("token {id} is outside the vocabulary of {}", config.vocab_size)));
    }
    if let Some(adapter) = row.session.adapter.filter(|number| decoder.wardrobe_len() <= *number as usize) {
        return Err(refuse(format!("there is no adapter {adapter} among {}", decoder.wardrobe_len())));
    }
    if !(row.greedy || row.temperature > 0.0 && row.temperature.is_finite()) {
        return Err(refuse(format!("temperature {} is not above 0", row.temperature)));
    }
    let Filter { top_k, top_p, min_p } = row.filter;
    let is_share = |share: Option<f32>| share.is_none_or(|share| share > 0.0 && share <= 1.0);
    if top_k == Some(0) || !is_share(top_p) || !is_share(min_p) {
        return Err(refuse(format!("{:?} leaves nothing to draw", row.filter)));
    }
    if row.tokens_max == 0 {
        return Err(refuse("a turn of at most 0 tokens".to_owned()));
    }
    Ok(Turn {
        index,
        row,
        draws: row.address.draws(Stream::Tokens(row.session.seat, row.turn)),
        kept: sessions.reusable(&row.session, &row.stream),
        limit: room.min(row.tokens_max as usize),
        start: 0,
        sampled: Sampled { tokens: Vec::new(), logprobs: Vec::new(), closed: false, version },
        done: false,
    })
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
    turns: Vec<Turn<'a>>,
    /// The adapters that they go by.
    outfit: Outfit<'a>,
    finished: Vec<Turn<'a>>,
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
        turns: Vec<Turn<'a>>,
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
        let filter = |turn: &Turn<'_>| if turn.row.greedy { Filter::default() } else { turn.row.filter };
        let filters: Vec<Filter> = turns.iter().map(filter).collect();
        let greedy: Vec<bool> = turns.iter().map(|turn| turn.row.greedy).collect();
        Speaking {
            decoder,
            closing,
            finished: Vec::with_capacity(turns.len()),
            outfit: outfit(decoder, &turns),
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
    fn finish(mut self, sessions: &mut Sessions) -> Vec<Turn<'a>> {
        loop {
            let tokens = self.draw();
            self.keep_finished(sessions);
            let speaking = self.turns.iter().filter(|turn| !turn.done).count();
            if speaking == 0 {
                self.finished.append(&mut self.turns);
                return self.finished;
            }
            let tokens = if speaking < self.turns.len() { self.compact(&tokens) } else { tokens };
            self.step(&tokens);
        }
    }

    /// Draws a token for each row that still speaks, `[rows]`.
    fn draw(&mut self) -> Tensor {
        let uniforms: Vec<f64> = self.turns.iter_mut().map(|turn| turn.draws.uniform()).collect();
        let uniforms = Tensor::from_slice(&uniforms).unsqueeze(1).to_device(self.decoder.device());
        let (tokens, logprobs) =
            invert(&self.logits, &self.temperatures, self.filters.as_ref(), self.greedy.as_ref(), &uniforms);
        let ids = Vec::<i64>::try_from(&tokens).expect("token ids are one row of integers");
        let logprobs = Vec::<f32>::try_from(&logprobs).expect("log-probabilities are one row of numbers");
        for ((turn, id), logprob) in self.turns.iter_mut().zip(ids).zip(logprobs) {
            turn.sampled.tokens.push(id as u32);
            turn.sampled.logprobs.push(logprob);
            turn.sampled.closed = self.closing.contains(&(id as u32));
            turn.done = turn.sampled.closed || turn.sampled.tokens.len() == turn.limit;
        }
        tokens
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
        let places = Tensor::from_slice(&places).to_device(self.decoder.device());
        self.cache = self.cache.narrow(1, 0, count as i64);
        self.starts = self.starts.index_select(0, &places);
        self.mask = self.mask.index_select(0, &places);
        self.temperatures = self.temperatures.index_select(0, &places);
        self.filters = self.filters.as_ref().map(|filters| filters.select(&places));
        self.greedy = self.greedy.as_ref().map(|greedy| greedy.index_select(0, &places));
        self.turns = speaking.into_iter().map(|(_, turn)| turn).collect();
        self.outfit = outfit(self.decoder, &self.turns);
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
        let hidden = self.decoder.extend_wearing(&tokens.unsqueeze(1), &window, self.outfit.worn());
        self.logits = self.decoder.logits(&hidden.squeeze_dim(1));
        self.column += 1;
    }
}

/// The adapters that these rows go by.
fn outfit<'a>(decoder: &'a Decoder, turns: &[Turn<'_>]) -> Outfit<'a> {
    decoder.outfit(turns.iter().map(|turn| turn.row.session.adapter))
}

/// Rows in the order of the working cache.
struct Order<'a> {
    turns: Vec<Turn<'a>>,
    /// The first so many are computed, by rising number of new tokens.
    unique: usize,
    /// For each of the others: which of the first it equals.
    copied_from: Vec<i64>,
}

fn order(turns: Vec<Turn<'_>>) -> Order<'_> {
    // By another adapter, an equal stream has other keys and values.
    let mut first_of: BTreeMap<(Option<u32>, &[u32]), usize> = BTreeMap::new();
    let mut copies = Vec::new();
    let mut unique = Vec::new();
    for turn in turns {
        let key = (turn.row.session.adapter, turn.row.stream.as_slice());
        let original = (turn.kept == 0).then(|| first_of.get(&key).copied()).flatten();
        match original {
            Some(original) => copies.push((original, turn)),
            None => {
                if turn.kept == 0 {
                    first_of.insert(key, turn.index);
                }
                unique.push(turn);
            }
        }
    }
    unique.sort_by_key(Turn::new_tokens);
    let place_of: BTreeMap<usize, i64> =
        unique.iter().enumerate().map(|(place, turn)| (turn.index, place as i64)).collect();
    let copied_from = copies.iter().map(|(original, _)| place_of[original]).collect();
    let count = unique.len();
    unique.extend(copies.into_iter().map(|(_, turn)| turn));
    Order { turns: unique, unique: count, copied_from }
}

/// Computes the new tokens of rows sorted by their number, bucket by bucket; last hidden states `[rows, d]`.
fn prefill(decoder: &Decoder, sessions: &Sessions, cache: &Tensor, turns: &[Turn<'_>], column: i64) -> Tensor {
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
fn prefill_bucket(decoder: &Decoder, sessions: &Sessions, rows: &Tensor, turns: &[Turn<'_>], column: i64) -> Tensor {
    let device = decoder.device();
    let new = turns.iter().map(Turn::new_tokens).max().expect("a bucket has a row") as i64;
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
    decoder.extend_wearing(&tokens, &window, outfit(decoder, turns).worn()).i((.., new - 1))
}

/// Inverts each row's distribution at its uniform: tokens `[rows]` and the log-probabilities they were drawn with.
fn invert(
    logits: &Tensor,
    temperatures: &Tensor,
    filters: Option<&Filters>,
    greedy: Option<&Tensor>,
    uniforms: &Tensor,
) -> (Tensor, Tensor) {
    let logits = logits / temperatures;
    let logits = filters.map_or_else(|| logits.shallow_clone(), |filters| filters.apply(&logits));
    let logprobs = logits.log_softmax(-1, Kind::Float);
    let cumulated = logprobs.exp().cumsum(-1, Kind::Double);
    let vocab = cumulated.size()[1];
    // Scaled to the sum as it is, not as it should be; then only rounding could leave the range.
    let targets = uniforms * cumulated.narrow(1, vocab - 1, 1);
    let tokens = cumulated.le_tensor(&targets).sum_dim_intlist(1, false, Kind::Int64).clamp_max(vocab - 1);
    let tokens = match greedy {
        None => tokens,
        Some(greedy) => logprobs.argmax(-1, false).where_self(greedy, &tokens),
    };
    let chosen = logprobs.gather(1, &tokens.unsqueeze(1), false).squeeze_dim(1);
    (tokens, chosen)
}
