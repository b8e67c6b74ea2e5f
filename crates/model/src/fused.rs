//! The decoder on a processor, in f32, over rows of any length laid end to end: what is new of each, with keys and values in blocks.
//!
//! The matrix products, and adapters beside them, are the tensor library's; what lies between them is a pass of `kernels` over plain slices, so that
//! a small model is not mostly the calling of small operations. Nothing is padded: a row of one token and one of a hundred go through together.

use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::attention::Attention;
use crate::attention::Frame;
use crate::blocks::Part;
use crate::blocks::Pool;
use crate::blocks::Shape;
use crate::blocks::Span;
use crate::blocks::ends;
use crate::floats::floats;
use crate::floats::floats_mut;
use crate::kernels;
use crate::kernels::across;
use crate::lora::Adapter;
use crate::lora::Product;
use crate::lora::Worn;
use crate::transformer::Decoder;
use crate::transformer::Worked;

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

/// Logits `[spans, vocab]` behind each span's last token. Keys and values of all new tokens are then in their blocks. Rows of `worn` are spans. Call
/// under `no_grad`.
pub(crate) fn logits(decoder: &Decoder, worn: Worn<'_>, pool: &mut Pool, spans: &[Span<'_>]) -> Tensor {
    let part = pool.divide(&[spans]).remove(0);
    linear(&pass(decoder, worn, part), decoder.parameters().head(), None)
}

/// Normed hidden states `[spans, d]` of each span's last token.
pub fn pass(decoder: &Decoder, worn: Worn<'_>, part: Part<'_>) -> Tensor {
    let spans = part.spans();
    let ids: Vec<i64> = spans.iter().flat_map(|span| span.tokens).map(|id| i64::from(*id)).collect();
    let by_token = by_token(worn, spans);
    let all = match worn {
        Worn::InRows(_) => Worn::InRows(&by_token),
        same => same,
    };
    let mut pass = Pass { decoder, spans, attention: Attention::new(Frame::of(decoder), part) };
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
    let mut stream = stream.index_select(0, &Tensor::from_slice(&last_rows(spans)));
    pass.feed_forward(&decoder.layer(last, worn), &mut stream, &attended, decoder.parameters().norm())
}

/// Rows `[n, in]` times weights `[out, in]`, by whoever is faster: the library for many rows, or where all threads are needed.
fn linear(rows: &Tensor, weights: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (count, width) = rows.size2().expect("each token has a row");
    if count as usize > across::ROWS || tch::get_num_threads() > 1 || !across::is_fast() {
        return rows.linear(weights, bias);
    }
    let mut across = vec![across::NOTHING; width as usize];
    across::lay_across(floats(rows), &mut across);
    let mut products = vec![across::NOTHING; weights.size()[0] as usize];
    across::product(&across, floats(weights), count as usize, &mut products);
    let mut out = Tensor::empty([count, weights.size()[0]], (Kind::Float, Device::Cpu));
    across::lay_down(&products, floats_mut(&mut out));
    match bias {
        None => out,
        Some(bias) => out + bias,
    }
}

/// Rows of the spans' last tokens.
fn last_rows(spans: &[Span<'_>]) -> Vec<i64> {
    ends(spans).map(|end| end as i64).collect()
}

/// What is worn in which rows, if each new token has a row.
fn by_token<'a>(worn: Worn<'a>, spans: &[Span<'_>]) -> Vec<(&'a Adapter, Tensor)> {
    let Worn::InRows(several) = worn else { return Vec::new() };
    let ends = last_rows(spans);
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
    spans: &'a [Span<'a>],
    attention: Attention<'a>,
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
        self.attention.write(layer.index as usize, floats_mut(&mut qkv), layer.views.qk_norm.map(floats));
        let rows = if only_ends { self.spans.len() as i64 } else { qkv.size()[0] };
        let config = self.decoder.config();
        let mut out = Tensor::empty([rows, config.heads * config.head_dim], (Kind::Float, Device::Cpu));
        self.attention.attend(layer.index as usize, floats(&qkv), only_ends, floats_mut(&mut out));
        out
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
