//! All parameters of a decoder in one flat tensor, with a view for each matrix product.
//!
//! The optimiser then takes about ten steps over one tensor instead of ten over each of forty, and products that share an
//! input (query, key, value; gate, up) are one product. Hugging Face's names are rows of these views, used in files alone.
//!
//! ```text
//! flat  [ embed | layer 0: qkv, o, gate_up, down | layer 1: … | (head) ‖ norms: input, (qk), post; (biases) | … | norm ]
//!         `------------------- matrices: decayed --------------------'   `---------- vectors: not decayed ----------'
//! ```
//!
//! What is in brackets depends on the family.

use std::ops::Deref;
use std::ops::DerefMut;

use rl::LearnError;
use sim::Address;
use sim::Draws;
use sim::Phase;
use sim::Seat;
use sim::draws::Stream;
use tch::Device;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

use crate::Config;
use crate::lora::Product;
use crate::shards::Shards;

/// Views start at multiples of this many numbers, so that the math library always meets the same alignment (64 bytes) and so the
/// same order of summation.
const ALIGN: i64 = 16;

/// Where one view lies in the flat tensor, and which of Hugging Face's tensors are its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// First number of the view.
    pub offset: i64,
    /// Shape of the view.
    pub shape: Vec<i64>,
    /// Parts stacked along the first dimension.
    pub parts: Vec<Part>,
}

/// One tensor by Hugging Face's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// E.g. `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// Its own shape.
    pub shape: Vec<i64>,
    /// How fresh weights are drawn.
    pub init: Init,
}

/// How a fresh tensor is filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Normal with this standard deviation.
    Normal(f64),
    /// Normal with this standard deviation; rows of ordered tokens are half a sinusoid of their number.
    Embedding(f64),
    /// Evenly between minus and plus this.
    Uniform(f64),
    /// Ones.
    One,
    /// Zeros.
    Zero,
}

/// Views in the order the decoder uses them.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// All views: matrices first, then vectors.
    pub leaves: Vec<Leaf>,
    /// Numbers in the flat tensor, alignment gaps included.
    pub len: i64,
    /// How many of them, from the start, belong to matrices.
    pub matrices_len: i64,
}

/// Matrices of one layer in [`Layout::leaves`]: qkv, o, gate_up, down.
const LAYER_MATRICES: usize = 4;

impl Layout {
    /// The views of a decoder with this shape.
    #[must_use]
    pub fn new(config: &Config) -> Layout {
        let mut shelf = Shelf::default();
        let d = config.hidden_size;
        // Embeddings of .1 at width 128 give a tied head logits of about unit size; wider models keep that size.
        let embedding = 0.1 * (128.0 / d as f64).sqrt().min(1.0);
        shelf.put(vec![part("model.embed_tokens.weight".into(), &[config.vocab_size, d], Init::Embedding(embedding))]);
        for layer in 0..config.layers {
            shelf.put_layer_matrices(config, layer);
        }
        if !config.tied {
            let init = Init::Normal(inverse_root(d));
            shelf.put(vec![part("lm_head.weight".into(), &[config.vocab_size, d], init)]);
        }
        let matrices_len = shelf.len;
        for layer in 0..config.layers {
            shelf.put_layer_vectors(config, layer);
        }
        shelf.put(vec![part("model.norm.weight".into(), &[d], Init::One)]);
        Layout { leaves: shelf.leaves, len: shelf.len, matrices_len }
    }

    /// Numbers that are learnt, alignment gaps not included.
    #[must_use]
    pub fn parameters(&self) -> i64 {
        self.leaves.iter().map(|leaf| leaf.shape.iter().product::<i64>()).sum()
    }

    /// A flat vector drawn by address: one stream for each tensor of a file, counted from `first`.
    pub(crate) fn draw(&self, seed: u64, seat: Seat, first: u32, ordered: &[(u32, f32)]) -> Vec<f32> {
        let address = Address { seed, phase: Phase::Sft, round: 0, group: 0, trial: 0, member: 0 };
        let mut numbers = vec![0f32; self.len as usize];
        for (index, (part, offset)) in self.parts().enumerate() {
            let len = part.shape.iter().product::<i64>() as usize;
            let slice = &mut numbers[offset as usize..offset as usize + len];
            let mut draws = address.draws(Stream::Weights(seat, first + index as u32));
            match part.init {
                Init::Normal(std) => fill_normal(slice, std, &mut draws),
                Init::Uniform(bound) => {
                    slice.iter_mut().for_each(|number| *number = (bound * (2.0 * draws.uniform() - 1.0)) as f32);
                }
                Init::One => slice.fill(1.0),
                Init::Zero => {}
                Init::Embedding(std) => {
                    fill_normal(slice, std, &mut draws);
                    let width = part.shape[1] as usize;
                    for (id, value) in ordered {
                        let start = *id as usize * width;
                        fill_sinusoid(&mut slice[start..start + width / 2], *value, std);
                    }
                }
            }
        }
        numbers
    }

    /// Name, shape and place in the flat tensor of every tensor in a file, in the order of the views.
    pub fn parts(&self) -> impl Iterator<Item = (&Part, i64)> {
        self.leaves.iter().flat_map(|leaf| {
            leaf.parts.iter().scan(leaf.offset, |offset, part| {
                let start = *offset;
                *offset += part.shape.iter().product::<i64>();
                Some((part, start))
            })
        })
    }
}

/// A layout as it grows.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) len: i64,
}

impl Shelf {
    /// Parts stacked as rows.
    pub(crate) fn put(&mut self, parts: Vec<Part>) {
        let rows = parts.iter().map(|part| part.shape[0]).sum();
        let first = &parts[0].shape;
        let shape = match first.len() {
            1 if parts.len() > 1 => vec![parts.len() as i64, first[0]],
            1 => vec![rows],
            _ => vec![rows, first[1]],
        };
        self.place(shape, parts);
    }

    /// Vectors end to end, as one.
    fn put_end_to_end(&mut self, parts: Vec<Part>) {
        let shape = vec![parts.iter().map(|part| part.shape[0]).sum()];
        self.place(shape, parts);
    }

    fn place(&mut self, shape: Vec<i64>, parts: Vec<Part>) {
        let numbers: i64 = shape.iter().product();
        self.leaves.push(Leaf { offset: self.len, shape, parts });
        self.len += (numbers + ALIGN - 1) / ALIGN * ALIGN;
    }

    fn put_layer_vectors(&mut self, config: &Config, layer: i64) {
        let name = |what: &str| format!("model.layers.{layer}.{what}");
        let (d, ff) = (config.hidden_size, config.intermediate_size);
        let norm = |what: &str, size: i64| part(name(&format!("{what}.weight")), &[size], Init::One);
        self.put(vec![norm("input_layernorm", d)]);
        if config.qk_norm() {
            let head = config.head_dim;
            self.put(vec![norm("self_attn.q_norm", head), norm("self_attn.k_norm", head)]);
        }
        self.put(vec![norm("post_attention_layernorm", d)]);
        let bias = |what: &str, size: i64| part(name(&format!("{what}_proj.bias")), &[size], Init::Zero);
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        if config.qkv_bias() {
            self.put_end_to_end(vec![
                bias("self_attn.q", queries),
                bias("self_attn.k", keys),
                bias("self_attn.v", keys),
            ]);
        }
        if config.o_bias() {
            self.put(vec![bias("self_attn.o", d)]);
        }
        if config.mlp_bias {
            self.put_end_to_end(vec![bias("mlp.gate", ff), bias("mlp.up", ff)]);
            self.put(vec![bias("mlp.down", d)]);
        }
    }

    fn put_layer_matrices(&mut self, config: &Config, layer: i64) {
        let name = |what: &str| format!("model.layers.{layer}.{what}_proj.weight");
        let (d, ff) = (config.hidden_size, config.intermediate_size);
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        // What is added to the residual stream is scaled down, so that 2 L additions leave it at about its size.
        let residual = inverse_root(2 * config.layers);
        let linear = Init::Normal(inverse_root(d));
        self.put(vec![
            part(name("self_attn.q"), &[queries, d], linear),
            part(name("self_attn.k"), &[keys, d], linear),
            part(name("self_attn.v"), &[keys, d], linear),
        ]);
        self.put(vec![part(name("self_attn.o"), &[d, queries], Init::Normal(inverse_root(queries) * residual))]);
        self.put(vec![part(name("mlp.gate"), &[ff, d], linear), part(name("mlp.up"), &[ff, d], linear)]);
        self.put(vec![part(name("mlp.down"), &[d, ff], Init::Normal(inverse_root(ff) * residual))]);
    }
}

pub(crate) fn part(name: String, shape: &[i64], init: Init) -> Part {
    Part { name, shape: shape.to_vec(), init }
}

fn inverse_root(n: i64) -> f64 {
    1.0 / (n as f64).sqrt()
}

/// A flat tensor and its views. Clones of a tensor share its numbers: [`Views::copy`] copies, [`Views::share`] does not.
#[derive(Debug)]
pub struct Views {
    layout: Layout,
    /// `[layout.len]`, without a graph; f32 if it is to learn.
    flat: Tensor,
    /// In the layout's order; with `requires_grad` if they are to learn.
    leaves: Vec<Tensor>,
}

impl Views {
    /// Views that learn, or are frozen.
    pub(crate) fn of_flat(layout: Layout, flat: Tensor, learns: bool) -> Views {
        let leaves = layout
            .leaves
            .iter()
            .map(|leaf| {
                let numbers: i64 = leaf.shape.iter().product();
                let view = flat.narrow(0, leaf.offset, numbers).view(leaf.shape.as_slice()).detach();
                view.set_requires_grad(learns)
            })
            .collect();
        Views { layout, flat, leaves }
    }

    /// A copy with its own numbers.
    #[must_use]
    pub fn copy(&self) -> Views {
        let learns = self.leaves.first().is_some_and(Tensor::requires_grad);
        Views::of_flat(self.layout.clone(), no_grad(|| self.flat.copy()), learns)
    }

    /// Frozen views of the same numbers.
    #[must_use]
    pub fn share(&self) -> Views {
        Views::of_flat(self.layout.clone(), self.flat.shallow_clone(), false)
    }

    /// Where everything lies.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All numbers, `[layout.len]`.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// All numbers, to be changed under `no_grad`.
    pub fn flat_mut(&mut self) -> &mut Tensor {
        &mut self.flat
    }

    /// The views a gradient is asked for.
    pub fn leaves(&self) -> &[Tensor] {
        &self.leaves
    }

    /// Gradients of the views as one flat tensor `[layout.len]`, zeros in the gaps.
    pub fn gather(&self, gradients: &[Tensor]) -> Tensor {
        let mut pieces = Vec::with_capacity(gradients.len());
        for (leaf, gradient) in self.layout.leaves.iter().zip(gradients) {
            let numbers: i64 = leaf.shape.iter().product();
            pieces.push(gradient.reshape([numbers]));
            let gap = (ALIGN - numbers % ALIGN) % ALIGN;
            if gap > 0 {
                pieces.push(Tensor::zeros([gap], (gradient.kind(), gradient.device())));
            }
        }
        Tensor::cat(&pieces, 0)
    }

    /// Frozen views, laid out like these, of other numbers.
    pub(crate) fn with_flat(&self, flat: Tensor) -> Views {
        Views::of_flat(self.layout.clone(), flat, false)
    }
}

/// The parameters of a decoder: views that know their parts in it.
#[derive(Debug)]
pub struct Parameters {
    views: Views,
    layers: usize,
    tied: bool,
    qk_norm: bool,
    qkv_bias: bool,
    o_bias: bool,
    mlp_bias: bool,
}

impl Deref for Parameters {
    type Target = Views;

    fn deref(&self) -> &Views {
        &self.views
    }
}

impl DerefMut for Parameters {
    fn deref_mut(&mut self) -> &mut Views {
        &mut self.views
    }
}

impl Parameters {
    /// Parameters with these numbers, in f32.
    ///
    /// # Panics
    /// If `numbers` does not have the layout's length.
    #[must_use]
    pub fn new(config: &Config, numbers: &[f32], device: Device) -> Parameters {
        let layout = Layout::new(config);
        assert!(numbers.len() as i64 == layout.len, "as many numbers as the layout has");
        Parameters::of_views(config, Views::of_flat(layout, Tensor::from_slice(numbers).to_device(device), true))
    }

    /// Fresh parameters of a seat, drawn from the run's seed.
    #[must_use]
    pub fn fresh(config: &Config, seed: u64, seat: Seat, ordered: &[(u32, f32)], device: Device) -> Parameters {
        let numbers = Layout::new(config).draw(seed, seat, 0, ordered);
        Parameters::new(config, &numbers, device)
    }

    /// Parameters from files, tensor by tensor: besides the flat tensor there is never more than one of them in memory. In another
    /// kind than f32 nothing asks for their gradient as operations go: they learn by [`crate::optimizer::AdamW::masters`] or not at all.
    ///
    /// # Errors
    /// [`LearnError::Store`] with everything that is missing, of another shape or too much.
    pub fn of_shards(config: &Config, shards: &Shards, device: Device, kind: Kind) -> Result<Parameters, LearnError> {
        let layout = Layout::new(config);
        let flat = Tensor::zeros([layout.len], (kind, device));
        for (part, offset) in layout.parts() {
            let numbers = shards.numbers(&part.name)?;
            let slot = flat.narrow(0, offset, numbers.len() as i64);
            no_grad(|| slot.shallow_clone().copy_(&Tensor::from_slice(&numbers)));
        }
        Ok(Parameters::of_views(config, Views::of_flat(layout, flat, kind == Kind::Float)))
    }

    /// Parameters over a flat tensor in the layout of this shape.
    pub(crate) fn of_views(config: &Config, views: Views) -> Parameters {
        Parameters {
            views,
            layers: config.layers as usize,
            tied: config.tied,
            qk_norm: config.qk_norm(),
            qkv_bias: config.qkv_bias(),
            o_bias: config.o_bias(),
            mlp_bias: config.mlp_bias,
        }
    }

    /// A copy with its own numbers.
    #[must_use]
    pub fn copy(&self, config: &Config) -> Parameters {
        Parameters::of_views(config, self.views.copy())
    }

    /// A frozen handle on the same numbers: what adapters on one base have in common.
    #[must_use]
    pub fn share(&self, config: &Config) -> Parameters {
        Parameters::of_views(config, self.views.share())
    }

    /// Frozen parameters, named like these, with other numbers.
    pub(crate) fn with_flat(&self, config: &Config, flat: Tensor) -> Parameters {
        Parameters::of_views(config, self.views.with_flat(flat))
    }

    /// `[vocab, d]`
    pub fn embedding(&self) -> &Tensor {
        &self.leaves()[0]
    }

    /// `[vocab, d]`; the embedding if tied.
    pub fn head(&self) -> &Tensor {
        if self.tied { &self.leaves()[0] } else { &self.leaves()[1 + self.layers * LAYER_MATRICES] }
    }

    /// `[d]`: the norm before the head.
    pub fn norm(&self) -> &Tensor {
        self.leaves().last().expect("the layout ends with this norm")
    }

    /// The views of a layer.
    #[must_use]
    pub fn layer(&self, layer: usize) -> Layer<'_> {
        let matrices = &self.leaves()[1 + layer * LAYER_MATRICES..];
        let there = [true, self.qk_norm, true, self.qkv_bias, self.o_bias, self.mlp_bias, self.mlp_bias];
        let in_each = there.iter().filter(|there| **there).count();
        let first_vector = 1 + self.layers * LAYER_MATRICES + usize::from(!self.tied);
        let mut vectors = self.leaves()[first_vector + layer * in_each..].iter();
        let mut next = || vectors.next().expect("the layout has as many vectors in each layer");
        // In the order in which the layout puts them.
        let input_norm = next();
        let qk_norm = self.qk_norm.then(&mut next);
        let post_norm = next();
        let qkv_bias = self.qkv_bias.then(&mut next);
        let o_bias = self.o_bias.then(&mut next);
        let gate_up_bias = self.mlp_bias.then(&mut next);
        let down_bias = self.mlp_bias.then(&mut next);
        Layer {
            qkv: &matrices[0],
            o: &matrices[1],
            gate_up: &matrices[2],
            down: &matrices[3],
            input_norm,
            qk_norm,
            post_norm,
            qkv_bias,
            o_bias,
            gate_up_bias,
            down_bias,
        }
    }
}

/// The views of one layer. Linear weights are `[out, in]`. What its family does not have is `None`.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// `[(heads + 2 kv_heads) head_dim, d]`
    pub qkv: &'a Tensor,
    /// `[d, heads head_dim]`
    pub o: &'a Tensor,
    /// `[2 intermediate, d]`
    pub gate_up: &'a Tensor,
    /// `[d, intermediate]`
    pub down: &'a Tensor,
    /// `[d]`
    pub input_norm: &'a Tensor,
    /// `[2, head_dim]`: of queries, of keys.
    pub qk_norm: Option<&'a Tensor>,
    /// `[d]`
    pub post_norm: &'a Tensor,
    /// `[(heads + 2 kv_heads) head_dim]`
    pub qkv_bias: Option<&'a Tensor>,
    /// `[d]`
    pub o_bias: Option<&'a Tensor>,
    /// `[2 intermediate]`
    pub gate_up_bias: Option<&'a Tensor>,
    /// `[d]`
    pub down_bias: Option<&'a Tensor>,
}

impl<'a> Layer<'a> {
    /// Weight `[out, in]` and bias `[out]` of a product.
    pub fn of(&self, product: Product) -> (&'a Tensor, Option<&'a Tensor>) {
        match product {
            Product::Qkv => (self.qkv, self.qkv_bias),
            Product::O => (self.o, self.o_bias),
            Product::GateUp => (self.gate_up, self.gate_up_bias),
            Product::Down => (self.down, self.down_bias),
        }
    }
}

/// Normal numbers by Box and Muller: two from two uniforms.
fn fill_normal(slice: &mut [f32], std: f64, draws: &mut Draws) {
    for pair in slice.chunks_mut(2) {
        // 1 − u lies in (0, 1], where the logarithm is finite.
        let radius = (-2.0 * (1.0 - draws.uniform()).ln()).sqrt();
        let angle = std::f64::consts::TAU * draws.uniform();
        pair[0] = (std * radius * angle.cos()) as f32;
        if let Some(second) = pair.get_mut(1) {
            *second = (std * radius * angle.sin()) as f32;
        }
    }
}

/// Sines and cosines of a number in [0, 1] at frequencies from half a turn to sixteen turns, with root mean square `std`: near numbers start
/// alike, far ones apart.
fn fill_sinusoid(slice: &mut [f32], value: f32, std: f64) {
    let pairs = (slice.len() / 2).max(1);
    for (index, pair) in slice.chunks_mut(2).enumerate() {
        let turns = 0.5 * 32f64.powf(index as f64 / (pairs - 1).max(1) as f64);
        let angle = std::f64::consts::TAU * turns * f64::from(value);
        let height = std::f64::consts::SQRT_2 * std;
        pair[0] = (height * angle.sin()) as f32;
        if let Some(second) = pair.get_mut(1) {
            *second = (height * angle.cos()) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::config;

    #[test]
    fn views_are_aligned_and_neither_overlap_nor_leave_more_than_a_gap() {
        for tied in [true, false] {
            let layout = Layout::new(&Config { tied, ..config() });
            let mut end = 0;
            for leaf in &layout.leaves {
                assert_eq!(leaf.offset % ALIGN, 0);
                assert!(leaf.offset >= end && leaf.offset < end + ALIGN, "{leaf:?} after {end}");
                let of_parts: i64 = leaf.parts.iter().map(|part| part.shape.iter().product::<i64>()).sum();
                assert_eq!(of_parts, leaf.shape.iter().product::<i64>());
                end = leaf.offset + of_parts;
                assert_eq!(leaf.shape.len() > 1 && leaf.parts[0].shape.len() > 1, leaf.offset < layout.matrices_len);
            }
        }
    }

    #[test]
    fn a_plan_counts_the_numbers_that_are_there() {
        for tied in [true, false] {
            let config = Config { tied, ..config() };
            let shape = rl::settings::ModelShape {
                hidden_size: config.hidden_size,
                num_hidden_layers: config.layers,
                num_attention_heads: config.heads,
                num_key_value_heads: config.kv_heads,
                head_dim: config.head_dim,
                intermediate_size: config.intermediate_size,
                max_position_embeddings: config.positions_max,
                tie_word_embeddings: tied,
                rope_theta: config.rope_theta,
                rms_norm_eps: config.rms_norm_eps,
                vocab_max: 64,
            };
            let counted = shape.parameters(config.vocab_size as usize);
            assert_eq!(counted as i64, Layout::new(&config).parameters());
        }
    }

    #[test]
    fn fresh_weights_have_the_spread_they_should() {
        let shape = Config { hidden_size: 128, vocab_size: 500, intermediate_size: 352, layers: 3, ..config() };
        let parameters = Parameters::fresh(&shape, 1, Seat::Agent, &[], Device::Cpu);
        let numbers: Vec<f32> = Vec::try_from(parameters.flat()).expect("f32 numbers");
        let std = |wanted: &str| {
            let (part, offset) = parameters.layout().parts().find(|(part, _)| part.name == wanted).expect(wanted);
            let slice = &numbers[offset as usize..(offset + part.shape.iter().product::<i64>()) as usize];
            let n = slice.len() as f64;
            let mean = slice.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
            (slice.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n).sqrt()
        };
        for (name, expected) in [
            ("model.embed_tokens.weight", 0.1),
            ("model.layers.1.self_attn.q_proj.weight", 0.0884),
            ("model.layers.2.mlp.up_proj.weight", 0.0884),
            // 1/√352/√6
            ("model.layers.0.mlp.down_proj.weight", 0.021_76),
            ("model.norm.weight", 0.0),
        ] {
            let found = std(name);
            assert!((found - expected).abs() <= 0.04 * expected, "{name}: {found}, not {expected}");
        }
    }

    #[test]
    fn seats_and_seeds_have_weights_of_their_own() {
        let embedding = |seed, seat| -> Vec<f32> {
            let parameters = Parameters::fresh(&config(), seed, seat, &[], Device::Cpu);
            Vec::try_from(parameters.flat()).expect("f32 numbers")
        };
        assert_eq!(embedding(1, Seat::Agent), embedding(1, Seat::Agent));
        assert_ne!(embedding(1, Seat::Agent), embedding(1, Seat::User));
        assert_ne!(embedding(1, Seat::Agent), embedding(2, Seat::Agent));
    }

    #[test]
    fn ordered_tokens_start_near_their_neighbours_in_value() {
        let ordered: Vec<(u32, f32)> = (0..20).map(|n| (n + 5, n as f32 / 19.0)).collect();
        let shape = Config { hidden_size: 128, ..config() };
        let parameters = Parameters::fresh(&shape, 1, Seat::Agent, &ordered, Device::Cpu);
        let rows = parameters.embedding().detach().narrow(1, 0, 64);
        let distance = |a: i64, b: i64| (rows.get(a) - rows.get(b)).norm().double_value(&[]);
        assert!(distance(5, 6) < 0.9 * distance(5, 15), "{} and {}", distance(5, 6), distance(5, 15));
        assert!(distance(5, 6) > 0.1, "neighbours are still apart");
        let rms = rows.get(12).pow_tensor_scalar(2).mean(Kind::Float).sqrt().double_value(&[]);
        assert!((rms - 0.1).abs() < 0.02, "the pattern has the size of the rest, not {rms}");
    }
}
