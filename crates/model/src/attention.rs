//! Attention of what is new over keys and values in blocks: norms, rotation, writing, and the answers.

use std::ops::Range;

use crate::blocks::Part;
use crate::blocks::Shape;
use crate::floats::floats;
use crate::kernels;
use crate::kernels::Asked;
use crate::kernels::QUERIES;
use crate::kernels::Scratch;
use crate::transformer::Decoder;

/// What all layers have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    heads: usize,
    /// Added to mean squares before their root is taken.
    pub(crate) eps: f32,
    /// Cosines `[positions, head_dim]`.
    cos: &'a [f32],
    /// Signed sines `[positions, head_dim]`.
    sin: &'a [f32],
}

impl<'a> Frame<'a> {
    pub(crate) fn of(decoder: &'a Decoder) -> Frame<'a> {
        let (cos, sin) = decoder.rotary();
        let config = decoder.config();
        Frame { heads: config.heads as usize, eps: config.rms_norm_eps as f32, cos: floats(cos), sin: floats(sin) }
    }
}

/// Some streams, a layer at a time.
pub(crate) struct Attention<'a> {
    frame: Frame<'a>,
    part: Part<'a>,
    answers: Answers,
}

impl<'a> Attention<'a> {
    pub(crate) fn new(frame: Frame<'a>, part: Part<'a>) -> Attention<'a> {
        Attention { frame, part, answers: Answers::default() }
    }

    /// How many streams.
    pub(crate) fn spans(&self) -> usize {
        self.part.spans().len()
    }

    /// Norms and rotates queries and keys of all new tokens, `[new, (heads + 2 kv_heads) head_dim]`, and writes their keys and values. The norm is
    /// `[2, head_dim]`: of queries, of keys.
    pub(crate) fn write(&mut self, layer: usize, qkv: &mut [f32], norm: Option<&[f32]>) {
        let Shape { kv_heads, head_dim, .. } = self.part.shape();
        let Frame { heads, eps, cos, sin } = self.frame;
        let norms = norm.map(|norm| norm.split_at(head_dim));
        let mut rows = qkv.chunks_exact_mut((heads + 2 * kv_heads) * head_dim);
        for (span, new) in self.part.spans().iter().enumerate() {
            for (token, row) in rows.by_ref().take(new.tokens.len()).enumerate() {
                let position = new.first() + token;
                let at = position * head_dim..(position + 1) * head_dim;
                let (queries, rest) = row.split_at_mut(heads * head_dim);
                let (keys, values) = rest.split_at_mut(kv_heads * head_dim);
                kernels::turn(queries, norms.map(|norms| norms.0), eps, &cos[at.clone()], &sin[at.clone()]);
                kernels::turn(keys, norms.map(|norms| norms.1), eps, &cos[at.clone()], &sin[at]);
                self.part.write(span, token, layer, keys, values);
            }
        }
    }

    /// What is attended to, `[rows, heads head_dim]`: by all new tokens, or by the last of each span.
    pub(crate) fn attend(&mut self, layer: usize, qkv: &[f32], only_ends: bool, out: &mut [f32]) {
        let Shape { kv_heads, head_dim, .. } = self.part.shape();
        let heads = self.frame.heads;
        let shared = heads / kv_heads;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut qkv, mut out) = (qkv, out);
        for (number, span) in self.part.spans().iter().enumerate() {
            let new = span.tokens.len();
            let (rows, later_rows) = qkv.split_at(new * (heads + 2 * kv_heads) * head_dim);
            let asking = if only_ends { new - 1..new } else { 0..new };
            let (own, later) = std::mem::take(&mut out).split_at_mut(asking.len() * heads * head_dim);
            (qkv, out) = (later_rows, later);
            for kv_head in 0..kv_heads {
                keys.clear();
                values.clear();
                for (own_keys, own_values) in self.part.heads(number, layer, kv_head) {
                    keys.push(own_keys);
                    values.push(own_values);
                }
                let heads = kv_head * shared..(kv_head + 1) * shared;
                let questions = Questions { rows, first: span.first(), asking: asking.clone(), heads, head_dim };
                questions.answer(&keys, &values, own, &mut self.answers);
            }
        }
    }
}

/// The queries of one span to one key head.
struct Questions<'a> {
    /// `[new, (heads + 2 kv_heads) head_dim]`
    rows: &'a [f32],
    /// Position of the first row.
    first: usize,
    /// Which rows ask.
    asking: Range<usize>,
    /// Which of their heads.
    heads: Range<usize>,
    head_dim: usize,
}

/// Memory for questions and answers, used again.
#[derive(Default)]
struct Answers {
    /// `[4, head_dim]`
    queries: Vec<f32>,
    /// `[4, head_dim]`
    answers: Vec<f32>,
    scratch: Scratch,
}

impl Questions<'_> {
    /// Some at a time, into rows `[asking, width]`.
    fn answer(&self, keys: &[&[f32]], values: &[&[f32]], out: &mut [f32], memory: &mut Answers) {
        let (width, shared) = (out.len() / self.asking.len(), self.heads.len());
        let count = self.asking.len() * shared;
        for first in (0..count).step_by(QUERIES) {
            let some = first..count.min(first + QUERIES);
            // Row and head of a question.
            let place = |question: usize| (question / shared, self.heads.start + question % shared);
            let mut columns = [0; QUERIES];
            memory.queries.clear();
            for (question, columns) in some.clone().zip(&mut columns) {
                let (row, head) = place(question);
                self.ask(self.asking.start + row, head, &mut memory.queries);
                *columns = self.first + self.asking.start + row + 1;
            }
            memory.answers.resize(memory.queries.len(), 0.0);
            let (queries, columns) = (&memory.queries, &columns[..some.len()]);
            let asked = Asked { keys, values, queries, columns, out: &mut memory.answers };
            kernels::attend(asked, &mut memory.scratch);
            for (question, answer) in some.zip(memory.answers.chunks_exact(self.head_dim)) {
                let (row, head) = place(question);
                out[row * width + head * self.head_dim..][..self.head_dim].copy_from_slice(answer);
            }
        }
    }

    /// Appends a query, scaled.
    fn ask(&self, row: usize, head: usize, queries: &mut Vec<f32>) {
        let scale = 1.0 / (self.head_dim as f32).sqrt();
        let from = row * (self.rows.len() / self.asking.end) + head * self.head_dim;
        queries.extend(self.rows[from..from + self.head_dim].iter().map(|number| number * scale));
    }
}
