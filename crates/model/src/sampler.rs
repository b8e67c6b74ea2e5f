//! Sampling of turns: which rows can be sampled at all, and who samples them. Each token is drawn by inverting the distribution at an addressed
//! uniform, so that what a row says depends on its stream and address, and not on its company.
//!
//! ```text
//! f32 on the processor     paged     blocks ── few, fused ── kernels rows come and go step by step, beginnings in common are computed once
//! anything else            windows   cache ── Decoder::extend        rows side by side in one tensor
//! ```

use rl::Blocks;
use rl::Filter;
use rl::Row;
use rl::Sampled;
use rl::Session;
use sim::Draws;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::draws::Stream;
use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::blocks::BLOCK;
use crate::filter::Filters;
use crate::fused;
use crate::paged::Pages;
use crate::transformer::Decoder;
use crate::windows::UNSEEN_STEPS;
use crate::windows::Windows;

/// A row on its way.
pub(crate) struct Turn<'a> {
    /// Its place among the rows that were asked for.
    pub(crate) index: usize,
    pub(crate) row: &'a Row,
    pub(crate) draws: Draws,
    /// Most tokens it may sample.
    pub(crate) limit: usize,
    pub(crate) sampled: Sampled,
    pub(crate) done: bool,
}

impl Turn<'_> {
    /// Where its next tokens are drawn.
    pub(crate) fn uniforms(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.draws.uniform()).collect()
    }

    /// Takes a sampled token.
    pub(crate) fn says(&mut self, id: u32, logprob: f32, closing: &[u32]) {
        self.sampled.tokens.push(id);
        self.sampled.logprobs.push(logprob);
        self.sampled.closed = closing.contains(&id);
        self.done = self.sampled.closed || self.sampled.tokens.len() == self.limit;
    }
}

/// Keys and values that are kept between turns, and the memory for those that are being worked on.
#[derive(Debug)]
pub enum Memory {
    /// In blocks.
    Pages(Pages),
    /// Side by side.
    Windows(Windows),
}

impl Memory {
    /// As fits a decoder, for at most so many bytes; streams have at most `stream_max` tokens, of which one fits in any case.
    #[must_use]
    pub fn new(decoder: &Decoder, bytes_max: usize, stream_max: usize) -> Memory {
        let tokens_max = bytes_max / decoder.cached_bytes_per_token();
        if fused::computes(decoder) {
            Memory::Pages(Pages::new(fused::shape(decoder), tokens_max, stream_max))
        } else {
            let look_every = if decoder.device() == Device::Cpu { 1 } else { UNSEEN_STEPS };
            Memory::Windows(Windows::new(tokens_max, look_every))
        }
    }

    /// Drops what is kept for these sessions.
    pub fn forget(&mut self, sessions: &[Session]) {
        match self {
            Memory::Pages(pages) => pages.forget(sessions),
            Memory::Windows(windows) => windows.sessions_mut().forget(sessions),
        }
    }

    /// Drops all, because the weights change.
    pub fn clear(&mut self) {
        match self {
            Memory::Pages(pages) => pages.clear(),
            Memory::Windows(windows) => windows.sessions_mut().clear(),
        }
    }

    /// Sessions kept.
    #[must_use]
    pub fn sessions(&self) -> usize {
        match self {
            Memory::Pages(pages) => pages.sessions(),
            Memory::Windows(windows) => windows.sessions().len(),
        }
    }

    /// Blocks that are taken; `None` where keys and values lie side by side.
    #[must_use]
    pub fn blocks(&self) -> Option<Blocks> {
        let Memory::Pages(pages) = self else { return None };
        let held = pages.pool().held();
        Some(Blocks { tokens: BLOCK, max: held + pages.pool().available(), held })
    }
}

/// What a turn must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds<'a> {
    /// Tokens of one stream; at most the model's positions.
    pub stream_max: usize,
    /// Ids that close a turn.
    pub closing: &'a [u32],
}

/// Samples one turn for each row, in their order, and keeps in `memory` what was computed. Call under `no_grad`.
pub fn sample(
    decoder: &Decoder,
    memory: &mut Memory,
    version: u64,
    bounds: Bounds<'_>,
    rows: &[Row],
) -> Vec<Result<Sampled, Fault>> {
    let mut results: Vec<Option<Result<Sampled, Fault>>> = vec![None; rows.len()];
    let mut turns = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        match admit(decoder, (version, bounds.stream_max), index, row) {
            Ok(turn) => turns.push(turn),
            Err(fault) => results[index] = Some(Err(fault)),
        }
    }
    let finished = match memory {
        Memory::Pages(pages) => pages.sample(decoder, bounds.closing, turns),
        Memory::Windows(windows) => windows.sample(decoder, bounds.closing, turns),
    };
    for turn in finished {
        results[turn.index] = Some(Ok(turn.sampled));
    }
    results.into_iter().map(|result| result.expect("each row was admitted and finished, or has its fault")).collect()
}

/// Checks a row against the model's shape.
fn admit<'a>(
    decoder: &Decoder,
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
        limit: room.min(row.tokens_max as usize),
        sampled: Sampled { tokens: Vec::new(), logprobs: Vec::new(), closed: false, version },
        done: false,
    })
}

/// Inverts each row's distribution at its uniform: tokens `[rows]` and the log-probabilities they were drawn with.
pub(crate) fn invert(
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
