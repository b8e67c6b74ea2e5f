//! LoRA (arXiv:2106.09685): small matrices beside the linear layers of a frozen base, which learn in its stead.
//!
//! ```text
//! y = W x + s · B (A x)        A [r, in] drawn, B [out, r] zero at first       s = alpha / r, or alpha / √r (rsLoRA, arXiv:2312.03732)
//! ```
//!
//! An adapter is a flat tensor of its own, laid out like a model's, so that the optimiser, the files and the gradient know no difference.
//! The A's that share an input lie stacked in one view: one product for all of them.

pub use rl::lora::LINEARS;
use rl::lora::LoraShape;
pub use rl::lora::Targets;
use rl::lora::ends_in;
use sim::Seat;
use tch::Device;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;

use crate::Config;
use crate::Parameters;
use crate::gradient::add_product;
use crate::parameters::Init;
use crate::parameters::Layout;
use crate::parameters::Shelf;
use crate::parameters::Views;
use crate::parameters::part;

/// Streams of fresh adapters begin here: a base of the same seed has drawn from those before.
const FIRST_STREAM: u32 = 1 << 31;

/// How an adapter is shaped and scaled: what `adapter_config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Lora {
    /// r, at least 1.
    pub rank: i64,
    /// Numerator of the scale.
    pub alpha: f64,
    /// Whether the scale is alpha / √r instead of alpha / r.
    pub rank_stabilized: bool,
    /// Which linear layers it sits beside.
    pub targets: Targets,
    /// Share of inputs that other tools drop while they train it, in [0, 1]; here it is carried, and nothing is dropped.
    pub dropout: f64,
    /// Name or path of the base; `None` if nobody said.
    pub base: Option<String>,
}

/// Which product of a layer: those with one input are one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Queries, keys, values.
    Qkv,
    /// Behind attention.
    O,
    /// Gate and up.
    GateUp,
    /// Down.
    Down,
}

impl Product {
    /// In the order of a layer.
    pub const ALL: [Product; 4] = [Product::Qkv, Product::O, Product::GateUp, Product::Down];

    /// The names of its linear layers, and how wide each one's output is.
    fn linears(self, config: &Config) -> Vec<(&'static str, i64)> {
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        match self {
            Product::Qkv => vec![("self_attn.q_proj", queries), ("self_attn.k_proj", keys), ("self_attn.v_proj", keys)],
            Product::O => vec![("self_attn.o_proj", config.hidden_size)],
            Product::GateUp => {
                vec![("mlp.gate_proj", config.intermediate_size), ("mlp.up_proj", config.intermediate_size)]
            }
            Product::Down => vec![("mlp.down_proj", config.hidden_size)],
        }
    }

    fn input(self, config: &Config) -> i64 {
        match self {
            Product::Qkv | Product::GateUp => config.hidden_size,
            Product::O => config.heads * config.head_dim,
            Product::Down => config.intermediate_size,
        }
    }
}

impl Lora {
    /// An adapter beside all linear layers with scale alpha / r.
    #[must_use]
    pub fn new(rank: i64, alpha: f64) -> Lora {
        Lora { rank, alpha, rank_stabilized: false, targets: Targets::AllLinear, dropout: 0.0, base: None }
    }

    /// An adapter as a run asks for it.
    #[must_use]
    pub fn of_run(shape: &LoraShape) -> Lora {
        let LoraShape { rank, alpha, rank_stabilized, targets } = shape.clone();
        Lora { rank_stabilized, targets, ..Lora::new(rank, alpha) }
    }

    /// s.
    #[must_use]
    pub fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        self.alpha / if self.rank_stabilized { rank.sqrt() } else { rank }
    }

    /// Whether an adapter of this shape can sit on this base.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, config: &Config) -> Result<(), String> {
        if self.rank < 1 {
            return Err(format!("r is {}; it must be at least 1", self.rank));
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(format!("lora_alpha is {}; it must be above 0", self.alpha));
        }
        let Targets::Named(names) = &self.targets else { return Ok(()) };
        let paths: Vec<String> = (0..config.layers)
            .flat_map(|layer| Product::ALL.map(|product| (layer, product)))
            .flat_map(|(layer, product)| product.linears(config).into_iter().map(move |(name, _)| path(layer, name)))
            .collect();
        match names.iter().find(|name| !paths.iter().any(|path| ends_in(path, name))) {
            Some(name) => Err(format!("target_modules names `{name}`, which is no linear layer of the base's layers")),
            None if names.is_empty() => Err("target_modules is empty".to_owned()),
            None => Ok(()),
        }
    }
}

fn path(layer: i64, name: &str) -> String {
    format!("model.layers.{layer}.{name}")
}

/// The views of one product's matrices.
#[derive(Clone, Debug, PartialEq)]
struct Beside {
    /// Leaf `[n r, in]`: the A's of those that have one, stacked.
    a: usize,
    /// For each linear layer of the product: the width of its output, and leaf `[out, r]`, if it has one.
    b: Vec<(i64, Option<usize>)>,
}

/// Small matrices beside a base.
#[derive(Debug)]
pub struct Adapter {
    lora: Lora,
    views: Views,
    /// For each layer and product in order; `None` where it has nothing to say.
    beside: Vec<Option<Beside>>,
}

impl Adapter {
    /// Where an adapter's numbers lie: matrices only. Names are those of PEFT's files.
    ///
    /// # Errors
    /// What is wrong with the shape, in words.
    pub fn layout(config: &Config, lora: &Lora) -> Result<Layout, String> {
        Adapter::lay_out(config, lora).map(|(layout, _)| layout)
    }

    fn lay_out(config: &Config, lora: &Lora) -> Result<(Layout, Vec<Option<Beside>>), String> {
        lora.check(config)?;
        let mut shelf = Shelf::default();
        let places = (0..config.layers).flat_map(|layer| Product::ALL.map(|product| (layer, product)));
        let beside = places.map(|(layer, product)| put(&mut shelf, config, lora, layer, product)).collect();
        Ok((Layout { leaves: shelf.leaves, matrices_len: shelf.len, len: shelf.len }, beside))
    }

    /// An adapter that changes nothing yet, its A's drawn from the run's seed.
    ///
    /// # Errors
    /// What is wrong with the shape, in words.
    pub fn fresh(config: &Config, lora: Lora, seed: u64, seat: Seat, device: Device) -> Result<Adapter, String> {
        let numbers = Adapter::layout(config, &lora)?.draw(seed, seat, FIRST_STREAM, &[]);
        Adapter::new(config, lora, &numbers, device)
    }

    /// An adapter with these numbers.
    ///
    /// # Errors
    /// What is wrong with the shape, in words.
    ///
    /// # Panics
    /// If `numbers` does not have the layout's length.
    pub fn new(config: &Config, lora: Lora, numbers: &[f32], device: Device) -> Result<Adapter, String> {
        let (layout, beside) = Adapter::lay_out(config, &lora)?;
        assert!(numbers.len() as i64 == layout.len, "as many numbers as the layout has");
        let views = Views::of_flat(layout, Tensor::from_slice(numbers).to_device(device), true);
        Ok(Adapter { lora, views, beside })
    }

    /// Shape and scale.
    #[must_use]
    pub fn lora(&self) -> &Lora {
        &self.lora
    }

    /// Its numbers.
    #[must_use]
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Its numbers, for the optimiser.
    pub fn views_mut(&mut self) -> &mut Views {
        &mut self.views
    }

    /// A copy with its own numbers.
    #[must_use]
    pub fn copy(&self) -> Adapter {
        Adapter { lora: self.lora.clone(), views: self.views.copy(), beside: self.beside.clone() }
    }

    /// What is added to a product `[…, out]` of inputs `[…, in]`, in f32; `None` if nothing ever is.
    pub(crate) fn delta(&self, layer: i64, product: Product, x: &Tensor) -> Option<Tensor> {
        let Beside { a, b } = self.beside(layer, product)?;
        let leaves = self.views.leaves();
        let low = x.to_kind(Kind::Float).linear(&leaves[*a], None::<&Tensor>) * self.lora.scale();
        let mut first = 0;
        let mut pieces = Vec::with_capacity(b.len());
        for (out, leaf) in b {
            pieces.push(match leaf {
                Some(leaf) => {
                    let own = low.narrow(-1, first, self.lora.rank);
                    first += self.lora.rank;
                    own.linear(&leaves[*leaf], None::<&Tensor>)
                }
                None => {
                    let mut shape = low.size();
                    *shape.last_mut().expect("a product has a last dimension") = *out;
                    Tensor::zeros(shape, (Kind::Float, low.device()))
                }
            });
        }
        Some(if pieces.len() == 1 { pieces.remove(0) } else { Tensor::cat(&pieces, -1) })
    }

    /// Gradient `[n, in]` of a product's inputs through the adapter, given that of its outputs, `[n, out]`; those of its own matrices are added
    /// into `sums`. `None` if nothing is added there.
    pub(crate) fn delta_back(
        &self,
        layer: i64,
        product: Product,
        x: &Tensor,
        dy: &Tensor,
        sums: &Adapter,
    ) -> Option<Tensor> {
        let Beside { a, b } = self.beside(layer, product)?;
        let (leaves, sums) = (self.views.leaves(), sums.views.leaves());
        let [x32, dy] = [x, dy].map(|x| x.to_kind(Kind::Float));
        let low = x32.linear(&leaves[*a], None::<&Tensor>) * self.lora.scale();
        let dlow = low.empty_like();
        let (mut first, mut column) = (0, 0);
        for (out, leaf) in b {
            if let Some(leaf) = leaf {
                let own = dy.narrow(-1, column, *out);
                add_product(&sums[*leaf], &own, &low.narrow(-1, first, self.lora.rank));
                dlow.narrow(-1, first, self.lora.rank).copy_(&own.matmul(&leaves[*leaf]));
                first += self.lora.rank;
            }
            column += out;
        }
        let dlow = dlow * self.lora.scale();
        add_product(&sums[*a], &dlow, &x32);
        Some(dlow.matmul(&leaves[*a]).to_kind(x.kind()))
    }

    /// An adapter shaped like this one with other numbers, frozen.
    pub(crate) fn with_flat(&self, flat: Tensor) -> Adapter {
        Adapter { lora: self.lora.clone(), views: self.views.with_flat(flat), beside: self.beside.clone() }
    }

    fn beside(&self, layer: i64, product: Product) -> Option<&Beside> {
        self.beside[layer as usize * Product::ALL.len() + product as usize].as_ref()
    }

    /// The base with the adapter added into its weights, as parameters of their own.
    #[must_use]
    pub fn merged(&self, config: &Config, base: &Parameters) -> Parameters {
        let merged = base.copy(config);
        no_grad(|| {
            for (layer, product) in (0..config.layers).flat_map(|layer| Product::ALL.map(|product| (layer, product))) {
                let Some(Beside { a, b }) = self.beside(layer, product) else { continue };
                let views = merged.layer(layer as usize);
                self.add_into(&views.of(product).0.detach(), *a, b);
            }
        });
        merged
    }

    /// Adds s B A to the rows of `[out, in]`.
    fn add_into(&self, weight: &Tensor, a: usize, b: &[(i64, Option<usize>)]) {
        let leaves = self.views.leaves();
        let (mut first, mut row) = (0, 0);
        for (out, leaf) in b {
            if let Some(leaf) = leaf {
                let product = leaves[*leaf].matmul(&leaves[a].narrow(0, first, self.lora.rank)) * self.lora.scale();
                let mut rows = weight.narrow(0, row, *out);
                let sum = rows.to_kind(Kind::Float) + product;
                rows.copy_(&sum);
                first += self.lora.rank;
            }
            row += out;
        }
    }
}

/// Lays out the matrices beside one product.
fn put(shelf: &mut Shelf, config: &Config, lora: &Lora, layer: i64, product: Product) -> Option<Beside> {
    let linears = product.linears(config);
    let input = product.input(config);
    let name = |name: &str, which: &str| format!("base_model.model.{}.lora_{which}.weight", path(layer, name));
    // PEFT's start: Kaiming's uniform with a = √5, which comes to 1 / √in.
    let init = Init::Uniform(1.0 / (input as f64).sqrt());
    let adapted: Vec<&str> =
        linears.iter().map(|(name, _)| *name).filter(|name| lora.targets.has(&path(layer, name))).collect();
    if adapted.is_empty() {
        return None;
    }
    let a = shelf.leaves.len();
    shelf.put(adapted.iter().map(|linear| part(name(linear, "A"), &[lora.rank, input], init)).collect());
    let mut b = Vec::with_capacity(linears.len());
    for (linear, out) in &linears {
        let leaf = adapted.contains(linear).then(|| {
            shelf.put(vec![part(name(linear, "B"), &[*out, lora.rank], Init::Zero)]);
            shelf.leaves.len() - 1
        });
        b.push((*out, leaf));
    }
    Some(Beside { a, b })
}

/// Which adapters a pass through a base goes by.
#[derive(Clone, Copy, Debug)]
pub enum Worn<'a> {
    /// None: the base as it is.
    Nothing,
    /// This one in every row.
    Everywhere(&'a Adapter),
    /// Each in its rows, `[n]` of the batch's; rows that nobody names go by the base.
    InRows(&'a [(&'a Adapter, Tensor)]),
}

impl Worn<'_> {
    /// Adds what is worn to a product `[batch, …, out]` of inputs `[batch, …, in]`.
    pub(crate) fn add(self, base: Tensor, layer: i64, product: Product, x: &Tensor) -> Tensor {
        match self {
            Worn::Nothing => base,
            Worn::Everywhere(adapter) => match adapter.delta(layer, product, x) {
                None => base,
                Some(delta) => (&base + delta).to_kind(base.kind()),
            },
            Worn::InRows(several) => {
                let mut sum = base;
                for (adapter, rows) in several {
                    if let Some(delta) = adapter.delta(layer, product, &x.index_select(0, rows)) {
                        let own = (sum.index_select(0, rows) + delta).to_kind(sum.kind());
                        sum = sum.index_copy(0, rows, &own);
                    }
                }
                sum
            }
        }
    }
}

/// What the rows of a batch go by, found out once for as long as they stay together.
#[derive(Debug)]
pub enum Outfit<'a> {
    /// All of them by the same.
    Alike(Worn<'a>),
    /// Each of these adapters in its rows, `[n]`.
    InRows(Vec<(&'a Adapter, Tensor)>),
}

impl<'a> Outfit<'a> {
    /// The outfit of rows that each name one of the adapters by its number, or none: those go by `own`.
    pub(crate) fn of(
        wardrobe: &'a [Adapter],
        own: Worn<'a>,
        rows: impl Iterator<Item = Option<u32>>,
        device: Device,
    ) -> Outfit<'a> {
        let rows: Vec<Option<u32>> = rows.collect();
        let alike = rows.windows(2).all(|two| two[0] == two[1]);
        match rows.first().copied().flatten() {
            Some(number) if alike => Outfit::Alike(Worn::Everywhere(&wardrobe[number as usize])),
            None if alike => Outfit::Alike(own),
            Some(_) | None => {
                let places = |number: usize| -> Vec<i64> {
                    let wears = |row: &Option<u32>| *row == u32::try_from(number).ok();
                    (0i64..).zip(&rows).filter(|(_, row)| wears(row)).map(|(place, _)| place).collect()
                };
                let worn = wardrobe.iter().enumerate().map(|(number, adapter)| (adapter, places(number)));
                let worn = worn.filter(|(_, places)| !places.is_empty());
                Outfit::InRows(worn.map(|(it, places)| (it, Tensor::from_slice(&places).to_device(device))).collect())
            }
        }
    }

    /// As a pass through the base takes it.
    pub(crate) fn worn(&self) -> Worn<'_> {
        match self {
            Outfit::Alike(worn) => *worn,
            Outfit::InRows(several) => Worn::InRows(several),
        }
    }
}
