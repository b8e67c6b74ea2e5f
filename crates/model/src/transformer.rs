//! The decoder: RMSNorm, grouped-query attention, rotary positions, SwiGLU. The arithmetic is Hugging Face's Qwen3, Qwen2 and Llama, which
//! differ in the norm of queries and keys and in biases alone, so that a folder of ours opens there with the same logits.
//!
//! Two ways through it. [`Decoder::hidden`] sees whole padded streams and keeps a graph for the learner. [`Decoder::extend`] sees
//! only what is new, reads and writes a cache of keys and values, and is for sampling. Both go by the decoder's own adapter, if it has one;
//! with `_wearing` they go by others, row by row.

use tch::Device;
use tch::IndexOp;
use tch::Kind;
use tch::Tensor;

use crate::Config;
use crate::lora::Adapter;
use crate::lora::Outfit;
use crate::lora::Product;
use crate::lora::Worn;
use crate::parameters::Layer;
use crate::parameters::Parameters;
use crate::parameters::Views;

/// Shape, parameters, adapter and rotary tables.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    parameters: Parameters,
    /// What learns in place of the parameters, which are then frozen; `None`: they learn themselves.
    adapter: Option<Adapter>,
    /// What rows may go by in place of its own adapter, by number; see [`rl::Session::adapter`].
    wardrobe: Vec<Adapter>,
    /// `[positions, 1, head_dim]`
    cos: Tensor,
    /// `[positions, 1, head_dim]`, negated in the first half: what the rolled half is multiplied by.
    sin: Tensor,
}

/// What [`Decoder::extend`] is given besides tokens: where they stand and what they see.
#[derive(Debug)]
pub struct Window<'a> {
    /// Keys and values `[2 layers, batch, kv_heads, columns, head_dim]`: keys of layer `l` at `2 l`, values at `2 l + 1`. Written in place.
    pub cache: &'a Tensor,
    /// Columns that the new tokens are written to: `columns.0 .. columns.0 + new`.
    pub first_column: i64,
    /// `[batch, new]`: position of each token in its stream.
    pub positions: &'a Tensor,
    /// `[batch, 1, new, first_column + new]`: true (or 0) where a token sees a column, false (or −∞) elsewhere.
    pub mask: &'a Tensor,
}

impl Decoder {
    /// A decoder over these parameters, on their device.
    #[must_use]
    pub fn new(config: Config, parameters: Parameters) -> Decoder {
        let (cos, sin) = rotary_tables(&config, parameters.flat().device(), parameters.flat().kind());
        Decoder { config, parameters, adapter: None, wardrobe: Vec::new(), cos, sin }
    }

    /// Another decoder over this one's parameters, the very same numbers, with an adapter of its own. They stay frozen there; whoever
    /// changes them here changes them for both.
    #[must_use]
    pub fn adapted(&self, adapter: Adapter) -> Decoder {
        Decoder { adapter: Some(adapter), ..self.share() }
    }

    /// Another decoder over this one's parameters, whose rows may each go by one of these adapters. None of them learns there.
    #[must_use]
    pub fn dressed(&self, wardrobe: Vec<Adapter>) -> Decoder {
        Decoder { wardrobe, ..self.share() }
    }

    /// Another decoder over this one's parameters, the very same numbers.
    pub(crate) fn share(&self) -> Decoder {
        Decoder {
            config: self.config.clone(),
            parameters: self.parameters.share(&self.config),
            adapter: None,
            wardrobe: Vec::new(),
            cos: self.cos.shallow_clone(),
            sin: self.sin.shallow_clone(),
        }
    }

    /// Its shape.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Bytes of the keys and values of one token.
    #[must_use]
    pub fn cached_bytes_per_token(&self) -> usize {
        let Config { layers, kv_heads, head_dim, .. } = self.config;
        (2 * layers * kv_heads * head_dim) as usize * self.kind().elt_size_in_bytes()
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Its parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// Its adapter; `None` if its parameters learn themselves.
    #[must_use]
    pub fn adapter(&self) -> Option<&Adapter> {
        self.adapter.as_ref()
    }

    /// How many adapters its rows may choose from.
    #[must_use]
    pub fn wardrobe_len(&self) -> usize {
        self.wardrobe.len()
    }

    /// What rows go by that name one of its adapters each, or none.
    ///
    /// # Panics
    /// If there is no adapter of that number.
    pub fn outfit(&self, rows: impl Iterator<Item = Option<u32>>) -> Outfit<'_> {
        Outfit::of(&self.wardrobe, self.worn(), rows, self.device())
    }

    /// What learns: its adapter's numbers, or else its parameters.
    #[must_use]
    pub fn learnt(&self) -> &Views {
        match &self.adapter {
            Some(adapter) => adapter.views(),
            None => &self.parameters,
        }
    }

    /// What learns, for the optimiser.
    pub fn learnt_mut(&mut self) -> &mut Views {
        match &mut self.adapter {
            Some(adapter) => adapter.views_mut(),
            None => &mut self.parameters,
        }
    }

    /// What its numbers are computed in.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.parameters.flat().kind()
    }

    /// Where it lives.
    #[must_use]
    pub fn device(&self) -> Device {
        self.parameters.flat().device()
    }

    /// A copy of what learns, over the same base if that is an adapter.
    #[must_use]
    pub fn copy(&self) -> Decoder {
        match &self.adapter {
            Some(adapter) => self.adapted(adapter.copy()),
            None => Decoder { parameters: self.parameters.copy(&self.config), ..self.share() },
        }
    }

    pub(crate) fn worn(&self) -> Worn<'_> {
        self.adapter.as_ref().map_or(Worn::Nothing, Worn::Everywhere)
    }

    /// Normed last hidden states `[batch, time, d]` of token ids `[batch, time]` padded on the right. Padding needs no mask: causal attention
    /// never looks to the right.
    pub fn hidden(&self, tokens: &Tensor) -> Tensor {
        self.hidden_wearing(tokens, self.worn())
    }

    /// [`Decoder::hidden`] by other adapters than its own.
    pub fn hidden_wearing(&self, tokens: &Tensor, worn: Worn<'_>) -> Tensor {
        let (batch, time) = tokens.size2().expect("token ids are [batch, time]");
        let cos = self.cos.narrow(0, 0, time);
        let sin = self.sin.narrow(0, 0, time);
        let mut x = self.embed(tokens);
        for index in 0..self.config.layers {
            let layer = self.layer(index, worn);
            let (q, k, v) = self.queries_keys_values(&layer, &x, &cos, &sin);
            let (q, k, v) = (q.transpose(1, 2), self.repeat(&k.transpose(1, 2)), self.repeat(&v.transpose(1, 2)));
            let attended = Tensor::scaled_dot_product_attention(&q, &k, &v, None::<&Tensor>, 0.0, true, None, false);
            // Not in place: the norm above keeps its input for the way back.
            let residual = x + layer.product(Product::O, &attended.transpose(1, 2).reshape([batch, time, -1]));
            x = self.feed_forward(&layer, residual);
        }
        self.norm(&x, self.parameters.norm())
    }

    /// Normed last hidden states `[batch, new, d]` of new tokens `[batch, new]`, whose keys and values are written into the cache.
    pub fn extend(&self, tokens: &Tensor, window: &Window<'_>) -> Tensor {
        self.extend_wearing(tokens, window, self.worn())
    }

    /// [`Decoder::extend`] by other adapters than its own.
    pub fn extend_wearing(&self, tokens: &Tensor, window: &Window<'_>, worn: Worn<'_>) -> Tensor {
        let (batch, new) = tokens.size2().expect("token ids are [batch, new]");
        let flat_positions = window.positions.reshape([-1]);
        let shape = [batch, new, 1, self.config.head_dim];
        let cos = self.cos.index_select(0, &flat_positions).view(shape);
        let sin = self.sin.index_select(0, &flat_positions).view(shape);
        let mut x = self.embed(tokens);
        for index in 0..self.config.layers {
            let layer = self.layer(index, worn);
            let (q, k, v) = self.queries_keys_values(&layer, &x, &cos, &sin);
            // [batch, kv_heads, first_column + new, head_dim], the new columns just written.
            let keep = |plane: i64, new_values: &Tensor| {
                let columns = window.cache.i(plane);
                columns.narrow(2, window.first_column, new).copy_(&new_values.transpose(1, 2));
                columns.narrow(2, 0, window.first_column + new)
            };
            let (keys, values) = (keep(2 * index, &k), keep(2 * index + 1, &v));
            let attended = self.attend_cached(&q, &keys, &values, window.mask);
            x += layer.product(Product::O, &attended);
            x = self.feed_forward(&layer, x);
        }
        self.norm(&x, self.parameters.norm())
    }

    /// Logits `[…, vocab]` of normed hidden states `[…, d]`.
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        hidden.linear(self.parameters.head(), None::<&Tensor>)
    }

    /// A layer with what is worn in it.
    pub(crate) fn layer<'a>(&'a self, index: i64, worn: Worn<'a>) -> Worked<'a> {
        Worked { index, worn, views: self.parameters.layer(index as usize) }
    }

    /// Cosines and signed sines, each `[positions, 1, head_dim]`.
    pub(crate) fn rotary(&self) -> (&Tensor, &Tensor) {
        (&self.cos, &self.sin)
    }

    /// `[…, d]` of ids `[…]`.
    pub(crate) fn embed(&self, tokens: &Tensor) -> Tensor {
        Tensor::embedding(self.parameters.embedding(), tokens, -1, false, false)
    }

    fn norm(&self, x: &Tensor, weight: &Tensor) -> Tensor {
        let (shape, eps) = ([x.size()[x.dim() - 1]], self.config.rms_norm_eps);
        match x.kind() {
            Kind::Float => x.rms_norm(shape, Some(weight), eps),
            // Rounded before the weight and behind it, as there: short numbers agree only if they are rounded at the same places.
            _ => x.rms_norm(shape, None::<&Tensor>, eps) * weight,
        }
    }

    /// Queries `[batch, time, heads, head_dim]`, keys and values `[batch, time, kv_heads, head_dim]`. Queries and keys lie side by side, so
    /// one norm, if there is one, and one rotation serve both.
    fn queries_keys_values(
        &self,
        layer: &Worked<'_>,
        x: &Tensor,
        cos: &Tensor,
        sin: &Tensor,
    ) -> (Tensor, Tensor, Tensor) {
        let Config { heads, kv_heads, head_dim, .. } = self.config;
        let normed = self.norm(x, layer.views.input_norm);
        let (batch, time, _) = normed.size3().expect("the residual stream is [batch, time, d]");
        let qkv = layer.product(Product::Qkv, &normed).view([batch, time, heads + 2 * kv_heads, head_dim]);
        // Split and not narrowed: the way back then joins the gradients instead of adding tensors that are mostly zeros.
        let [qk, v] = split(&qkv, [heads + kv_heads, kv_heads], 2);
        let qk = match layer.views.qk_norm {
            None => qk,
            Some(norm) => {
                let weight = Tensor::cat(
                    &[
                        norm.narrow(0, 0, 1).expand([heads, head_dim], false),
                        norm.narrow(0, 1, 1).expand([kv_heads, head_dim], false),
                    ],
                    0,
                );
                qk.rms_norm([head_dim], None::<&Tensor>, self.config.rms_norm_eps) * weight
            }
        };
        let rolled = qk.roll([head_dim / 2], [-1]);
        let rotated = match qk.kind() {
            Kind::Float => (&qk * cos).addcmul(&rolled, sin),
            // Two products, each rounded, and their rounded sum: as there.
            _ => &qk * cos + rolled * sin,
        };
        let [q, k] = split(&rotated, [heads, kv_heads], 2);
        (q, k, v)
    }

    /// Keys or values `[batch, kv_heads, time, head_dim]`, each repeated for the query heads that share it.
    pub(crate) fn repeat(&self, x: &Tensor) -> Tensor {
        let Config { heads, kv_heads, head_dim, .. } = self.config;
        if heads == kv_heads {
            return x.shallow_clone();
        }
        let (batch, time) = (x.size()[0], x.size()[2]);
        x.unsqueeze(2)
            .expand([batch, kv_heads, heads / kv_heads, time, head_dim], false)
            .reshape([batch, heads, time, head_dim])
    }

    /// Attention of queries `[batch, new, heads, head_dim]` over cached columns, `[batch, new, heads head_dim]`. Query heads that share a key head are
    /// laid along the time axis, so that the cache is never repeated.
    fn attend_cached(&self, q: &Tensor, keys: &Tensor, values: &Tensor, mask: &Tensor) -> Tensor {
        let Config { heads, kv_heads, head_dim, .. } = self.config;
        let (batch, new) = (q.size()[0], q.size()[1]);
        let shared = heads / kv_heads;
        let q = q.reshape([batch, new, kv_heads, shared, head_dim]).permute([0, 2, 3, 1, 4]).reshape([
            batch,
            kv_heads,
            shared * new,
            head_dim,
        ]);
        // One new token: the mask broadcasts over the heads. More: it is laid out like the queries.
        let mask = if new == 1 || shared == 1 { mask.shallow_clone() } else { mask.repeat([1, 1, shared, 1]) };
        let attended = Tensor::scaled_dot_product_attention(&q, keys, values, Some(&mask), 0.0, false, None, false);
        attended.view([batch, kv_heads, shared, new, head_dim]).permute([0, 3, 1, 2, 4]).reshape([
            batch,
            new,
            heads * head_dim,
        ])
    }

    fn feed_forward(&self, layer: &Worked<'_>, x: Tensor) -> Tensor {
        let gate_up = layer.product(Product::GateUp, &self.norm(&x, layer.views.post_norm));
        let [gate, up] = split(&gate_up, [self.config.intermediate_size; 2], -1);
        x + layer.product(Product::Down, &(gate.silu() * up))
    }
}

/// A layer with what is worn in it.
pub(crate) struct Worked<'a> {
    pub(crate) index: i64,
    worn: Worn<'a>,
    pub(crate) views: Layer<'a>,
}

impl Worked<'_> {
    /// One of its products of `[…, in]`.
    pub(crate) fn product(&self, product: Product, x: &Tensor) -> Tensor {
        self.product_by(product, x, |x, weight, bias| x.linear(weight, bias))
    }

    /// The same, where whoever calls knows how to multiply `[…, in]` by `[out, in]` and add a bias `[out]`.
    pub(crate) fn product_by(
        &self,
        product: Product,
        x: &Tensor,
        linear: impl FnOnce(&Tensor, &Tensor, Option<&Tensor>) -> Tensor,
    ) -> Tensor {
        let (weight, bias) = self.views.of(product);
        self.worn.add(linear(x, weight, bias), self.index, product, x)
    }
}

fn split(x: &Tensor, sizes: [i64; 2], dim: i64) -> [Tensor; 2] {
    x.split_with_sizes(sizes, dim).try_into().expect("two sizes give two parts")
}

/// Cosines and signed sines. Hugging Face turns channel `i` with channel `i + head_dim / 2`.
fn rotary_tables(config: &Config, device: Device, kind: Kind) -> (Tensor, Tensor) {
    let half = config.head_dim / 2;
    let exponents = Tensor::arange(half, (Kind::Double, Device::Cpu)) * (2.0 / config.head_dim as f64);
    let frequencies = (exponents * -config.rope_theta.ln()).exp();
    let mut frequencies: Vec<f64> = Vec::try_from(frequencies).expect("one row of f64 numbers");
    let factor = config.rope_scaling.stretch(config.rope_theta, &mut frequencies);
    // Shorter numbers are compared with those of others: they begin at the angles that others round.
    let angle_kind = if kind == Kind::Float { Kind::Double } else { Kind::Float };
    let positions = Tensor::arange(config.positions_max, (angle_kind, Device::Cpu));
    let angles = positions.outer(&Tensor::from_slice(&frequencies).to_kind(angle_kind));
    let finish = |table: Tensor| table.unsqueeze(1).to_kind(kind).to_device(device);
    let (cos, sin) = (angles.cos() * factor, angles.sin() * factor);
    (finish(Tensor::cat(&[&cos, &cos], 1)), finish(Tensor::cat(&[-&sin, sin], 1)))
}
