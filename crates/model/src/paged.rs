//! Continuous batching over blocks: rows join as soon as there are blocks for them and leave when they are done, and in between each pass computes
//! whatever is new of anybody, a turn's prompt or one token.
//!
//! ```text
//! waiting ──> speaking ──> done ──> kept until its next turn
//!    ^            │ no block left: first, what is kept of others is dropped, longest unused first;
//!    └────────────┘ then the row that came last steps back. Its tokens stay, only their keys and values are computed again
//! ```
//!
//! A row whose beginning another row is just computing waits for that pass: it then shares the blocks, and a group's prompt is computed once.

use std::collections::VecDeque;

use rl::Session;
use tch::Kind;
use tch::Tensor;

use crate::blocks::BLOCK;
use crate::blocks::Pool;
use crate::blocks::Shape;
use crate::blocks::Span;
use crate::blocks::Table;
use crate::blocks::Tables;
use crate::few;
use crate::few::Crew;
use crate::filter::Filters;
use crate::floats::floats;
use crate::fused;
use crate::kernels;
use crate::sampler::Turn;
use crate::sampler::invert;
use crate::transformer::Decoder;

/// Most tokens of one pass, but for rows that have one each: more would only leave the processor's caches.
const PASS_TOKENS_MAX: usize = 2048;
/// Where streams begin that go by a policy's own weights; those of its adapters begin behind it, by their numbers.
const ROOT: u32 = 0;

/// What is kept between calls.
#[derive(Debug)]
pub struct Pages {
    pool: Pool,
    tables: Tables,
    crew: Crew,
}

impl Pages {
    /// Blocks for so many tokens, but at least for one stream of `stream_max`.
    #[must_use]
    pub fn new(shape: Shape, tokens_max: usize, stream_max: usize) -> Pages {
        let blocks_max = (tokens_max / BLOCK).max(stream_max.div_ceil(BLOCK));
        Pages { pool: Pool::new(shape, blocks_max), tables: Tables::default(), crew: Crew::default() }
    }

    /// All blocks.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Sessions kept.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.tables.len()
    }

    /// Drops what is kept for these sessions.
    pub fn forget(&mut self, sessions: &[Session]) {
        sessions.iter().for_each(|session| self.tables.forget(&mut self.pool, *session));
    }

    /// Drops all.
    pub fn clear(&mut self) {
        self.tables.clear(&mut self.pool);
    }

    /// Samples each of these turns to its end, and keeps what was computed. Call under `no_grad`.
    pub(crate) fn sample<'a>(
        &mut self,
        decoder: &'a Decoder,
        closing: &'a [u32],
        turns: Vec<Turn<'a>>,
    ) -> Vec<Turn<'a>> {
        let waiting = turns.into_iter().map(Speaker::new).collect();
        let Pages { pool, tables, crew } = self;
        let (speaking, finished) = (Vec::new(), Vec::new());
        let mut room = Room { decoder, closing, pool, tables, crew, waiting, speaking, finished };
        while !(room.waiting.is_empty() && room.speaking.is_empty()) {
            room.pass();
        }
        room.finished
    }
}

/// A turn with its stream as it grows.
struct Speaker<'a> {
    turn: Turn<'a>,
    stream: Vec<u32>,
    table: Table,
    /// Tokens of the pass that is being prepared.
    new: usize,
}

impl<'a> Speaker<'a> {
    fn new(turn: Turn<'a>) -> Speaker<'a> {
        let stream = turn.row.stream.clone();
        Speaker { table: Table::new(root(&turn)), turn, stream, new: 0 }
    }

    /// Tokens without keys and values.
    fn pending(&self) -> usize {
        self.stream.len() - self.table.len()
    }

    fn span(&self) -> Span<'_> {
        let len = self.table.len();
        Span { tokens: &self.stream[len - self.new..len], table: &self.table }
    }
}

/// By another adapter, an equal stream has other keys and values.
fn root(turn: &Turn<'_>) -> u32 {
    turn.row.session.adapter.map_or(ROOT, |number| ROOT + 1 + number)
}

/// Those who wait and those who speak.
struct Room<'a, 'p> {
    decoder: &'a Decoder,
    /// Ids that close a turn.
    closing: &'a [u32],
    pool: &'p mut Pool,
    tables: &'p mut Tables,
    crew: &'p mut Crew,
    waiting: VecDeque<Speaker<'a>>,
    /// In the order in which they came in.
    speaking: Vec<Speaker<'a>>,
    finished: Vec<Turn<'a>>,
}

impl Room<'_, '_> {
    /// Computes what is new, and draws a token for everybody whose stream is computed to its end.
    fn pass(&mut self) {
        let left = self.go_on(PASS_TOKENS_MAX);
        self.let_in(left);
        let computing: Vec<&Speaker<'_>> = self.speaking.iter().filter(|speaker| speaker.new > 0).collect();
        let spans: Vec<Span<'_>> = computing.iter().map(|speaker| speaker.span()).collect();
        let outfit = self.decoder.outfit(computing.iter().map(|one| one.turn.row.session.adapter));
        let logits = match few::groups(self.decoder, outfit.worn(), &spans) {
            Some(groups) => few::logits(self.decoder, self.crew, self.pool, &groups),
            None => fused::logits(self.decoder, outfit.worn(), self.pool, &spans),
        };
        computing.iter().for_each(|speaker| self.pool.wrote(&speaker.table));
        self.draw(&logits);
        self.let_out();
    }

    /// Gives those who speak already places for their next tokens; how many more tokens the pass can take.
    fn go_on(&mut self, tokens_max: usize) -> usize {
        let mut left = tokens_max;
        let mut index = 0;
        while index < self.speaking.len() {
            let speaker = &mut self.speaking[index];
            let pending = speaker.pending();
            // Whoever needs but one token never waits.
            speaker.new = if pending == 1 { 1 } else { pending.min(left) };
            let from = speaker.table.len();
            if self.pool.grow(&mut speaker.table, &speaker.stream[from..from + speaker.new]) {
                left = left.saturating_sub(speaker.new);
                index += 1;
            } else if !self.tables.forget_oldest(self.pool) {
                self.step_back();
            }
        }
        left
    }

    /// Whoever came last waits again.
    fn step_back(&mut self) {
        let mut last = self.speaking.pop().expect("somebody needs a block");
        let table = std::mem::replace(&mut last.table, Table::new(root(&last.turn)));
        self.pool.release(table);
        self.waiting.push_front(last);
    }

    /// Lets in those who wait, in their order, while there is room; but nobody whose beginning is being computed in this very pass.
    fn let_in(&mut self, tokens_max: usize) {
        let mut left = tokens_max;
        let mut later = VecDeque::new();
        while left > 0 {
            let Some(mut speaker) = self.waiting.pop_front() else { break };
            if !self.begin(&mut speaker) {
                later.push_back(speaker);
                continue;
            }
            speaker.new = speaker.pending().min(left);
            if !self.has_room(&speaker) {
                self.put_aside(&mut speaker);
                later.push_back(speaker);
                break;
            }
            let from = speaker.table.len();
            let grown = self.pool.grow(&mut speaker.table, &speaker.stream[from..from + speaker.new]);
            assert!(grown, "there was room for all of the stream");
            left -= speaker.new;
            self.speaking.push(speaker);
        }
        later.append(&mut self.waiting);
        self.waiting = later;
    }

    /// Finds what is computed of a stream already; `false` if more of it is on its way.
    fn begin(&mut self, speaker: &mut Speaker<'_>) -> bool {
        let (session, root) = (speaker.turn.row.session, root(&speaker.turn));
        if let Some(table) = self.tables.take(self.pool, session, root, &speaker.stream) {
            speaker.table = table;
            return true;
        }
        let found = self.pool.find(root, &speaker.stream[..speaker.stream.len() - 1]);
        if found.written {
            speaker.table = self.pool.adopt(found);
            return true;
        }
        false
    }

    /// Whether there are blocks for a whole stream and its first steps, beside a step of everybody else; what is kept of others makes room.
    fn has_room(&mut self, speaker: &Speaker<'_>) -> bool {
        let beside = if self.speaking.is_empty() { 0 } else { self.speaking.len() + 1 };
        let wanted = self.pool.wanted(&speaker.table, speaker.pending()) + beside;
        while wanted > self.pool.available() {
            if !self.tables.forget_oldest(self.pool) {
                // Alone, it is as long as a stream may be at most, and for that there are blocks.
                return self.speaking.is_empty()
                    && self.pool.wanted(&speaker.table, speaker.pending()) <= self.pool.available();
            }
        }
        true
    }

    /// Keeps what was found for somebody who has to wait, until others need it.
    fn put_aside(&mut self, speaker: &mut Speaker<'_>) {
        let table = std::mem::replace(&mut speaker.table, Table::new(root(&speaker.turn)));
        if table.is_empty() {
            return;
        }
        let tokens = speaker.stream[..table.len()].to_vec();
        self.tables.keep(self.pool, speaker.turn.row.session, tokens, table);
    }

    /// Draws a token for those whose stream is computed to its end, by the logits `[computed, vocab]`.
    fn draw(&mut self, logits: &Tensor) {
        let vocab = logits.size()[1] as usize;
        let computed = self.speaking.iter_mut().filter(|speaker| speaker.new > 0);
        for (speaker, logits) in computed.zip(floats(logits).chunks_exact(vocab)) {
            if speaker.pending() == 0 {
                let (id, logprob) = drawn(&mut speaker.turn, logits);
                speaker.turn.says(id, logprob, self.closing);
                speaker.stream.push(id);
            }
        }
    }

    /// Lets out those who are done, and keeps their keys and values. The last token was never shown to the model, so it has none yet.
    fn let_out(&mut self) {
        for speaker in self.speaking.extract_if(.., |speaker| speaker.turn.done) {
            let Speaker { turn, mut stream, table, .. } = speaker;
            stream.truncate(table.len());
            self.tables.keep(self.pool, turn.row.session, stream, table);
            self.finished.push(turn);
        }
    }
}

/// The next token of a turn by its logits `[vocab]`, and its log-probability.
fn drawn(turn: &mut Turn<'_>, logits: &[f32]) -> (u32, f32) {
    let uniform = turn.uniforms(1)[0];
    if turn.row.greedy {
        return kernels::draw(logits, 1.0, None);
    }
    let Some(filters) = Filters::of(&[turn.row.filter], tch::Device::Cpu) else {
        return kernels::draw(logits, turn.row.temperature, Some(uniform));
    };
    let column = |number: f64| Tensor::from_slice(&[number]).unsqueeze(1);
    let temperature = column(f64::from(turn.row.temperature)).to_kind(Kind::Float);
    let logits = Tensor::from_slice(logits).unsqueeze(0);
    let (id, logprob) = invert(&logits, &temperature, Some(&filters), None, &column(uniform));
    (id.int64_value(&[0]) as u32, logprob.double_value(&[0]) as f32)
}
