//! The decoder on a processor, in f32, over rows of any length laid end to end: what is new of each, with keys and values in blocks.
//!
//! The matrix products, and adapters beside them, are the tensor library's; what lies between them is a pass of `kernels` over plain slices, so that
//! a small model is not mostly the calling of small operations. Nothing is padded: a row of one token and one of a hundred go through together.

use std::ops::Range;

use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::blocks::BLOCK;
use crate::blocks::Pool;
use crate::blocks::Shape;
use crate::blocks::Table;
use crate::floats::floats;
use crate::floats::floats_mut;
use crate::kernels;
use crate::kernels::Asked;
use crate::kernels::QUERIES;
use crate::kernels::Scratch;
use crate::lora::Adapter;
use crate::lora::Product;
use crate::lora::Worn;
use crate::transformer::Decoder;
use crate::transformer::Worked;

/// What is new of one stream: the last tokens of its table.
#[derive(Debug)]
pub struct Span<'a> {
    /// At least one; they have a place in the table.
    pub tokens: &'a [u32],
    /// Where keys and values of the stream lie, and those of the new tokens go.
    pub table: &'a Table,
}

impl Span<'_> {
    /// Position of its first token.
    fn first(&self) -> usize {
        self.table.len() - self.tokens.len()
    }
}

/// Whether this pass can compute a decoder: in f32, on the processor.
#[must_use]
pub fn computes(decoder: &Decoder) -> bool {
    decoder.device() == Device::Cpu && decoder.kind() == Kind::Float
}

/// What a token of this decoder has in a block.
#[must_use]
pub fn shape(decoder: &Decoder) -> Shape {
    let config = decoder.config();
    let [layers, kv_heads, head_dim] = [config.layers, config.kv_heads, config.head_dim].map(|size| size as usize);
    Shape { layers, kv_heads, head_dim }
}

/// Normed hidden states `[spans, d]` of each span's last token. Keys and values of all new tokens are then in their blocks. Rows of `worn` are spans.
/// Call under `no_grad`.
pub fn pass(decoder: &Decoder, worn: Worn<'_>, pool: &mut Pool, spans: &[Span<'_>]) -> Tensor {
    let ids: Vec<i64> = spans.iter().flat_map(|span| span.tokens).map(|id| i64::from(*id)).collect();
    let by_token = by_token(worn, spans);
    let all = match worn {
        Worn::InRows(_) => Worn::InRows(&by_token),
        same => same,
    };
    let mut pass = Pass { decoder, pool, spans, answers: Answers::default() };
    let mut stream = decoder.embed(&Tensor::from_slice(&ids));
    let mut normed = pass.norm(&stream, decoder.layer(0, all).views.input_norm);
    let last = decoder.config().layers - 1;
    for index in 0..last {
        let layer = decoder.layer(index, all);
        let attended = pass.attention(&layer, &normed, false);
        let next = decoder.layer(index + 1, all).views.input_norm;
        normed = pass.feed_forward(&layer, &mut stream, &attended, next);
    }
    // Nobody asks for more of the last layer than where sampling starts.
    let attended = pass.attention(&decoder.layer(last, all), &normed, true);
    let mut stream = stream.index_select(0, &Tensor::from_slice(&ends(spans)));
    pass.feed_forward(&decoder.layer(last, worn), &mut stream, &attended, decoder.parameters().norm())
}

/// Logits `[rows, vocab]` of normed hidden states `[rows, d]`.
pub fn logits(decoder: &Decoder, hidden: &Tensor) -> Tensor {
    linear(hidden, decoder.parameters().head(), None)
}

/// Rows `[n, in]` times weights `[out, in]`, by whoever is faster: the library for many rows, or where all threads are needed.
fn linear(rows: &Tensor, weights: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (count, width) = rows.size2().expect("each token has a row");
    if count as usize > kernels::FEW_ROWS || tch::get_num_threads() > 1 || !kernels::has_product() {
        return rows.linear(weights, bias);
    }
    let mut across = Vec::new();
    kernels::lay_across(floats(rows), width as usize, &mut across);
    let mut out = Tensor::empty([count, weights.size()[0]], (Kind::Float, Device::Cpu));
    kernels::product(&across, floats(weights), count as usize, floats_mut(&mut out));
    match bias {
        None => out,
        Some(bias) => out + bias,
    }
}

/// Rows of the spans' last tokens.
fn ends(spans: &[Span<'_>]) -> Vec<i64> {
    let ends = spans.iter().scan(0, |end, span| {
        *end += span.tokens.len() as i64;
        Some(*end - 1)
    });
    ends.collect()
}

/// What is worn in which rows, if each new token has a row.
fn by_token<'a>(worn: Worn<'a>, spans: &[Span<'_>]) -> Vec<(&'a Adapter, Tensor)> {
    let Worn::InRows(several) = worn else { return Vec::new() };
    let ends = ends(spans);
    let rows = |of_spans: &Tensor| -> Vec<i64> {
        let of_spans = Vec::<i64>::try_from(of_spans).expect("rows are whole numbers");
        let of_span = |span: i64| {
            let end = ends[span as usize] + 1;
            end - spans[span as usize].tokens.len() as i64..end
        };
        of_spans.into_iter().flat_map(of_span).collect()
    };
    several.iter().map(|(adapter, of_spans)| (*adapter, Tensor::from_slice(&rows(of_spans)))).collect()
}

struct Pass<'a> {
    decoder: &'a Decoder,
    pool: &'a mut Pool,
    spans: &'a [Span<'a>],
    answers: Answers,
}

impl Pass<'_> {
    fn eps(&self) -> f32 {
        self.decoder.config().rms_norm_eps as f32
    }

    fn norm(&self, rows: &Tensor, weight: &Tensor) -> Tensor {
        let mut out = Tensor::empty_like(rows);
        kernels::norm(floats(rows), floats(weight), self.eps(), floats_mut(&mut out));
        out
    }

    /// Writes keys and values of all new tokens, and gives what is attended to, `[rows, heads head_dim]`: by all of them, or by the last of each
    /// span.
    fn attention(&mut self, layer: &Worked<'_>, normed: &Tensor, only_ends: bool) -> Tensor {
        let mut qkv = layer.product_by(Product::Qkv, normed, linear);
        let (new, width) = qkv.size2().expect("each token has a row");
        self.turn(floats_mut(&mut qkv), layer.views.qk_norm.map(floats));
        self.write(layer.index as usize, floats(&qkv), width as usize);
        let rows = if only_ends { self.spans.len() as i64 } else { new };
        let config = self.decoder.config();
        let mut out = Tensor::empty([rows, config.heads * config.head_dim], (Kind::Float, Device::Cpu));
        self.attend(layer.index as usize, floats(&qkv), only_ends, floats_mut(&mut out));
        out
    }

    /// Norms and rotates queries and keys, each by its position.
    fn turn(&self, qkv: &mut [f32], norm: Option<&[f32]>) {
        let Shape { kv_heads, head_dim, .. } = self.pool.shape();
        let heads = self.decoder.config().heads as usize;
        let (cos, sin) = self.decoder.rotary();
        let (cos, sin) = (floats(cos), floats(sin));
        let norms = norm.map(|norm| norm.split_at(head_dim));
        let positions = self.spans.iter().flat_map(|span| span.first()..span.table.len());
        for (row, position) in qkv.chunks_exact_mut((heads + 2 * kv_heads) * head_dim).zip(positions) {
            let at = position * head_dim..(position + 1) * head_dim;
            let (queries, rest) = row.split_at_mut(heads * head_dim);
            let keys = &mut rest[..kv_heads * head_dim];
            kernels::turn(queries, norms.map(|norms| norms.0), self.eps(), &cos[at.clone()], &sin[at.clone()]);
            kernels::turn(keys, norms.map(|norms| norms.1), self.eps(), &cos[at.clone()], &sin[at]);
        }
    }

    fn write(&mut self, layer: usize, qkv: &[f32], width: usize) {
        let keys_len = self.pool.shape().kv_heads * self.pool.shape().head_dim;
        let places = self.spans.iter().flat_map(|span| {
            let blocks = span.table.blocks();
            (span.first()..span.table.len()).map(move |position| (blocks[position / BLOCK], position % BLOCK))
        });
        for (row, (block, slot)) in qkv.chunks_exact(width).zip(places) {
            let (keys, values) = row[width - 2 * keys_len..].split_at(keys_len);
            self.pool.write(block, layer, slot, keys, values);
        }
    }

    fn attend(&mut self, layer: usize, qkv: &[f32], only_ends: bool, out: &mut [f32]) {
        let Shape { kv_heads, head_dim, .. } = self.pool.shape();
        let heads = self.decoder.config().heads as usize;
        let shared = heads / kv_heads;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut qkv, mut out) = (qkv, out);
        for span in self.spans {
            let new = span.tokens.len();
            let (rows, later_rows) = qkv.split_at(new * (heads + 2 * kv_heads) * head_dim);
            let asking = if only_ends { new - 1..new } else { 0..new };
            let (own, later) = std::mem::take(&mut out).split_at_mut(asking.len() * heads * head_dim);
            (qkv, out) = (later_rows, later);
            for kv_head in 0..kv_heads {
                keys.clear();
                values.clear();
                for id in span.table.blocks() {
                    let (own_keys, own_values) = self.pool.head(*id, layer, kv_head);
                    keys.push(own_keys);
                    values.push(own_values);
                }
                let heads = kv_head * shared..(kv_head + 1) * shared;
                let questions = Questions { rows, first: span.first(), asking: asking.clone(), heads, head_dim };
                questions.answer(&keys, &values, own, &mut self.answers);
            }
        }
    }

    /// Adds attention and the feed-forward layer to the residual stream, and gives it normed for what comes next.
    fn feed_forward(&self, layer: &Worked<'_>, stream: &mut Tensor, attended: &Tensor, next: &Tensor) -> Tensor {
        let mut normed = Tensor::empty_like(stream);
        let mixed = layer.product_by(Product::O, attended, linear);
        let (post_norm, eps) = (floats(layer.views.post_norm), self.eps());
        kernels::add_norm(floats_mut(stream), floats(&mixed), post_norm, eps, floats_mut(&mut normed));
        let gate_up = layer.product_by(Product::GateUp, &normed, linear);
        let ff = self.decoder.config().intermediate_size;
        let mut gated = Tensor::empty([gate_up.size()[0], ff], (Kind::Float, Device::Cpu));
        kernels::gate(floats(&gate_up), ff as usize, floats_mut(&mut gated));
        let down = layer.product_by(Product::Down, &gated, linear);
        kernels::add_norm(floats_mut(stream), floats(&down), floats(next), eps, floats_mut(&mut normed));
        normed
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
