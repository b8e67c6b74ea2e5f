//! The decoder on a processor, in f32, over few new tokens: a step of those who speak. All lies side by side in registers from layer to layer, nothing is
//! the tensor library's, and if the weights fit in its caches, each thread takes some of the streams through all layers on its own.
//!
//! A row's numbers are the same, to the last bit, with any number of threads and whoever else is there; `fused` computes the same for one thread.

use rayon::ThreadPool;
use rayon::ThreadPoolBuilder;
use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::attention::Attention;
use crate::attention::Frame;
use crate::blocks::BLOCK;
use crate::blocks::Part;
use crate::blocks::Pool;
use crate::blocks::Span;
use crate::blocks::ends;
use crate::blocks::tokens_of;
use crate::floats::floats;
use crate::floats::floats_mut;
use crate::kernels;
use crate::kernels::across;
use crate::kernels::across::Column;
use crate::kernels::across::NOTHING;
use crate::lora::Product;
use crate::lora::Worn;
use crate::transformer::Decoder;

/// Bytes of weights up to which threads are better off with streams of their own. Each then reads all weights, which is free only as long as they are in
/// caches; beyond, the library's products, which read them once for all, are faster.
const CACHED_BYTES_MAX: usize = 16 << 20;

/// Those who help the thread that samples.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    helpers: Option<ThreadPool>,
}

impl Crew {
    /// One for each thread but the first, hired when they are first needed.
    fn helpers(&mut self) -> &ThreadPool {
        let count = (tch::get_num_threads() - 1).max(1) as usize;
        if self.helpers.as_ref().is_none_or(|helpers| helpers.current_num_threads() != count) {
            let builder = ThreadPoolBuilder::new().num_threads(count).thread_name(|_| "sampler".to_owned());
            self.helpers = Some(builder.build().expect("the system has a thread left"));
        }
        self.helpers.as_ref().expect("it was just made")
    }
}

/// These spans in as many groups as there are threads for, each of few enough tokens; `None` if they are for `fused`.
pub(crate) fn groups<'a>(decoder: &Decoder, worn: Worn<'_>, spans: &'a [Span<'a>]) -> Option<Vec<&'a [Span<'a>]>> {
    if !matches!(worn, Worn::Nothing) || !across::is_fast() {
        return None;
    }
    let threads = tch::get_num_threads().max(1) as usize;
    let cached = decoder.parameters().flat().numel() * size_of::<f32>() <= CACHED_BYTES_MAX;
    if threads > 1 && !cached {
        return None;
    }
    // A thread's product takes as long for one row as for a register of them.
    let groups = divided(spans, tokens_of(spans).div_ceil(BLOCK).min(threads));
    groups.iter().all(|group| tokens_of(group) <= across::ROWS).then_some(groups)
}

/// So many groups, or fewer, of about as many tokens.
fn divided<'a>(spans: &'a [Span<'a>], count: usize) -> Vec<&'a [Span<'a>]> {
    let (mut groups, mut rest) = (Vec::new(), spans);
    for left in (1..=count).rev() {
        let share = tokens_of(rest).div_ceil(left);
        let len = (0..rest.len()).find(|len| tokens_of(&rest[..*len]) >= share).unwrap_or(rest.len());
        let (group, later) = rest.split_at(len);
        groups.extend((!group.is_empty()).then_some(group));
        rest = later;
    }
    groups
}

/// Logits `[spans, vocab]` behind each span's last token, group by group. Keys and values of all new tokens are then in their blocks.
pub(crate) fn logits(decoder: &Decoder, crew: &mut Crew, pool: &mut Pool, groups: &[&[Span<'_>]]) -> Tensor {
    let numbers = Numbers::of(decoder);
    let spans = groups.iter().map(|group| group.len()).sum::<usize>();
    let vocab = numbers.head.len() / numbers.norm.len();
    let mut out = Tensor::empty([spans as i64, vocab as i64], (Kind::Float, Device::Cpu));
    let mut parts = pool.divide(groups);
    let mut outs = Vec::new();
    let mut rest = floats_mut(&mut out);
    for group in groups {
        let (own, later) = rest.split_at_mut(group.len() * vocab);
        outs.push(own);
        rest = later;
    }
    let (own, own_out) = (parts.remove(0), outs.remove(0));
    if parts.is_empty() {
        numbers.logits(own, own_out);
    } else {
        crew.helpers().in_place_scope(|scope| {
            for (part, out) in parts.into_iter().zip(outs) {
                let numbers = &numbers;
                scope.spawn(move |_| numbers.logits(part, out));
            }
            numbers.logits(own, own_out);
        });
    }
    out
}

/// A decoder as plain numbers, which threads may share.
struct Numbers<'a> {
    frame: Frame<'a>,
    /// `[vocab, d]`
    embedding: &'a [f32],
    layers: Vec<LayerNumbers<'a>>,
    /// `[d]`
    norm: &'a [f32],
    /// `[vocab, d]`
    head: &'a [f32],
}

struct LayerNumbers<'a> {
    /// Weights `[out, in]` and biases `[out]`, in the order of [`Product::ALL`].
    products: [(&'a [f32], Option<&'a [f32]>); 4],
    /// `[d]`
    input_norm: &'a [f32],
    /// `[2, head_dim]`
    qk_norm: Option<&'a [f32]>,
    /// `[d]`
    post_norm: &'a [f32],
}

/// What lies between two operations, used again from layer to layer.
#[derive(Default)]
struct Desk {
    /// `[d]`
    normed: Vec<Column>,
    /// `[(heads + 2 kv_heads) head_dim]`, or gate and up.
    wide: Vec<Column>,
    /// What is attended to, or let through the gate.
    inner: Vec<Column>,
    /// `[d]`: what is added to the residual stream.
    more: Vec<Column>,
    /// `[rows, (heads + 2 kv_heads) head_dim]`
    qkv: Vec<f32>,
    /// `[rows, heads head_dim]`
    attended: Vec<f32>,
}

impl<'a> Numbers<'a> {
    fn of(decoder: &'a Decoder) -> Numbers<'a> {
        let parameters = decoder.parameters();
        let layer = |index: i64| {
            let views = parameters.layer(index as usize);
            let product = |product| {
                let (weight, bias) = views.of(product);
                (floats(weight), bias.map(floats))
            };
            LayerNumbers {
                products: Product::ALL.map(product),
                input_norm: floats(views.input_norm),
                qk_norm: views.qk_norm.map(floats),
                post_norm: floats(views.post_norm),
            }
        };
        Numbers {
            frame: Frame::of(decoder),
            embedding: floats(parameters.embedding()),
            layers: (0..decoder.config().layers).map(layer).collect(),
            norm: floats(parameters.norm()),
            head: floats(parameters.head()),
        }
    }

    /// Logits `[spans, vocab]` behind each span's last token.
    fn logits(&self, part: Part<'_>, out: &mut [f32]) {
        let spans = part.spans();
        let mut rows = tokens_of(spans);
        let mut stream = self.embed(spans);
        let mut attention = Attention::new(self.frame, part);
        let mut desk = Desk { normed: vec![NOTHING; stream.len()], ..Desk::default() };
        across::norm(&stream, self.layers[0].input_norm, self.frame.eps, &mut desk.normed);
        let nexts = self.layers[1..].iter().map(|layer| layer.input_norm).chain([self.norm]);
        for ((index, layer), next) in self.layers.iter().enumerate().zip(nexts) {
            // Nobody asks for more of the last layer than where sampling starts.
            let only_ends = index + 1 == self.layers.len();
            layer.attend(index, (rows, only_ends), &mut attention, &mut desk);
            if only_ends {
                keep_ends(&mut stream, spans);
                rows = spans.len();
            }
            across::add_norm(&mut stream, &desk.more, layer.post_norm, self.frame.eps, &mut desk.normed);
            layer.feed_forward(rows, &mut desk);
            across::add_norm(&mut stream, &desk.more, next, self.frame.eps, &mut desk.normed);
        }
        let mut logits = vec![NOTHING; self.head.len() / stream.len()];
        across::product(&desk.normed, self.head, rows, &mut logits);
        across::lay_down(&logits, out);
    }

    /// The residual stream of all new tokens, as it begins.
    fn embed(&self, spans: &[Span<'_>]) -> Vec<Column> {
        let width = self.norm.len();
        let ids = spans.iter().flat_map(|span| span.tokens);
        let rows: Vec<f32> = ids.flat_map(|id| &self.embedding[*id as usize * width..][..width]).copied().collect();
        let mut stream = vec![NOTHING; width];
        across::lay_across(&rows, &mut stream);
        stream
    }
}

impl LayerNumbers<'_> {
    /// One of its products of so many rows.
    fn product(&self, product: Product, rows: usize, input: &[Column], out: &mut Vec<Column>) {
        let (weights, bias) = self.products[product as usize];
        out.resize(weights.len() / input.len(), NOTHING);
        across::product(input, weights, rows, out);
        if let Some(bias) = bias {
            across::add_bias(out, bias);
        }
    }

    /// What all of these rows, or only the last of each span, attend to.
    fn attend(&self, index: usize, rows: (usize, bool), attention: &mut Attention<'_>, desk: &mut Desk) {
        let (rows, only_ends) = rows;
        self.product(Product::Qkv, rows, &desk.normed, &mut desk.wide);
        desk.qkv.resize(rows * desk.wide.len(), 0.0);
        across::lay_down(&desk.wide, &mut desk.qkv);
        attention.write(index, &mut desk.qkv, self.qk_norm);
        let width = self.products[Product::O as usize].0.len() / desk.normed.len();
        let asking = if only_ends { attention.spans() } else { rows };
        desk.attended.resize(asking * width, 0.0);
        attention.attend(index, &desk.qkv, only_ends, &mut desk.attended);
        desk.inner.resize(width, NOTHING);
        across::lay_across(&desk.attended, &mut desk.inner);
        self.product(Product::O, asking, &desk.inner, &mut desk.more);
    }

    fn feed_forward(&self, rows: usize, desk: &mut Desk) {
        self.product(Product::GateUp, rows, &desk.normed, &mut desk.wide);
        desk.inner.resize(desk.wide.len() / 2, NOTHING);
        // Side by side, all gates lie before all that they let through, as in a row.
        let (wide, inner) = (desk.wide.as_flattened().as_flattened(), desk.inner.as_flattened_mut().as_flattened_mut());
        kernels::gate(wide, inner.len(), inner);
        self.product(Product::Down, rows, &desk.inner, &mut desk.more);
    }
}

/// Leaves of all new tokens' columns those of each span's last one.
fn keep_ends(columns: &mut [Column], spans: &[Span<'_>]) {
    if tokens_of(spans) == spans.len() {
        return;
    }
    let ends: Vec<usize> = ends(spans).collect();
    for column in columns {
        let numbers = column.as_flattened_mut();
        for (place, end) in ends.iter().enumerate() {
            numbers[place] = numbers[*end];
        }
    }
}

#[cfg(test)]
mod tests {
    use sim::Address;
    use sim::Phase;
    use sim::Seat;
    use sim::draws::Stream;
    use tch::no_grad;

    use crate::Config;
    use crate::Parameters;
    use crate::blocks::Table;
    use crate::fixtures::config;
    use crate::fused;

    use super::*;

    /// Nineteen streams of 1 to 37 tokens, of which every third begins as the first does.
    fn streams() -> Vec<Vec<u32>> {
        let address = Address { seed: 5, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 };
        let mut draws = address.draws(Stream::World);
        let mut drawn: Vec<Vec<u32>> =
            (0..19).map(|index| (0..1 + 2 * index).map(|_| draws.range(2, 29) as u32).collect()).collect();
        let first = drawn[18].clone();
        drawn
            .iter_mut()
            .step_by(3)
            .for_each(|stream| stream.splice(..stream.len().min(20), first[..20].to_vec()).for_each(drop));
        drawn
    }

    /// Logits of three passes, two of them over one to three new tokens of each stream.
    fn three_passes(decoder: &Decoder, compute: &mut dyn FnMut(&mut Pool, &[Span<'_>]) -> Tensor) -> Vec<Vec<f32>> {
        let mut pool = Pool::new(fused::shape(decoder), 400);
        let mut tables: Vec<Table> = streams().iter().map(|_| Table::new(0)).collect();
        let mut logits = Vec::new();
        for pass in 0..3 {
            let mut given = streams();
            if pass > 0 {
                given
                    .iter_mut()
                    .enumerate()
                    .for_each(|(row, stream)| stream.truncate(1 + usize::from(row % 7 == pass) * 2));
            }
            for (stream, table) in given.iter_mut().zip(&mut tables) {
                if pass == 0 {
                    // What another stream begins with is shared: several threads will read it.
                    *table = pool.adopt(pool.find(0, &stream[..stream.len() - 1]));
                    stream.drain(..table.len());
                }
                assert!(pool.grow(table, stream), "there are blocks");
                if pass == 0 {
                    let spans = [Span { tokens: stream, table }];
                    logits.push(floats(&fused::logits(decoder, Worn::Nothing, &mut pool, &spans)).to_vec());
                    pool.wrote(table);
                }
            }
            if pass == 0 {
                let alone: usize = streams().iter().map(|stream| stream.len().div_ceil(BLOCK)).sum();
                assert!(pool.held() < alone, "beginnings are shared");
                continue;
            }
            let spans: Vec<Span<'_>> =
                given.iter().zip(&tables).map(|(tokens, table)| Span { tokens, table }).collect();
            let out = compute(&mut pool, &spans);
            tables.iter().for_each(|table| pool.wrote(table));
            logits.push(floats(&out).to_vec());
        }
        logits
    }

    #[test]
    fn a_row_is_the_same_for_any_number_of_threads_and_as_in_one_pass_of_all() {
        let family = crate::config::Family::Llama;
        for config in [config(), Config { family, attention_bias: true, mlp_bias: true, ..config() }] {
            crate::device::prepare(rl::settings::Device::Cpu, 1).expect("a processor is there");
            let parameters = Parameters::fresh(&config, 3, Seat::Agent, &[], Device::Cpu);
            let decoder = Decoder::new(config, parameters);
            let whole = no_grad(|| {
                three_passes(&decoder, &mut |pool, spans| fused::logits(&decoder, Worn::Nothing, pool, spans))
            });
            let mut crew = Crew::default();
            let mut by = |count: usize| {
                no_grad(|| {
                    three_passes(&decoder, &mut |pool, spans| logits(&decoder, &mut crew, pool, &divided(spans, count)))
                })
            };
            let alone = by(1);
            for count in [2, 3, 19] {
                assert_eq!(by(count), alone);
            }
            for (one, other) in alone.iter().flatten().zip(whole.iter().flatten()) {
                assert!((one - other).abs() < 1e-5, "{one} and {other}");
            }
            if across::is_fast() {
                assert_eq!(alone, whole, "one thread computes few rows in one way");
            }
        }
    }

    #[test]
    fn groups_are_all_spans_in_their_order_and_about_as_large() {
        let table = Table::new(0);
        for lens in [vec![1; 32], vec![1; 5], vec![9, 1, 1, 1, 1, 1, 1, 1], vec![3, 30, 2]] {
            let tokens = [7; 30];
            let spans: Vec<Span<'_>> = lens.iter().map(|len| Span { tokens: &tokens[..*len], table: &table }).collect();
            for count in 1..4 {
                let groups = divided(&spans, count);
                let found: Vec<usize> = groups.iter().copied().flatten().map(|span| span.tokens.len()).collect();
                assert_eq!(found, lens);
                let (longest, all) = (*lens.iter().max().expect("some"), lens.iter().sum::<usize>());
                assert!(groups.len() <= count && groups.iter().all(|group| !group.is_empty()));
                assert!(groups.iter().all(|group| tokens_of(group) <= all.div_ceil(count) + longest));
            }
        }
    }
}
