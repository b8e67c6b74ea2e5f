//! A micro-batch's way through the decoder and back.
//!
//! [`Decoder::hidden`] is the same arithmetic with a graph of the library's over all of it. Here the products, the norms and the rotation have
//! their gradients written out, and only attention has a graph. So the gradient of each weight is added into the step's [`Gradient`] by the
//! product that makes it, without a list of tensors beside; a layer's numbers can be thrown away and computed again when its turn on the way
//! back comes; and common beginnings are computed once:
//!
//! ```text
//! positions    [prefixes · prefix | rows · suffix], one after the other, for all that looks at a position alone
//! attention    prefixes: causal;   rows: their own prefix's keys, joined with their own
//! last layer   behind attention only the places where loss tokens are predicted
//! ```
//!
//! Names: `d…` is the gradient of `…`.

use tch::Kind;
use tch::Tensor;
use tch::with_grad;

use crate::Config;
use crate::Decoder;
use crate::gradient::Gradient;
use crate::gradient::add_product;
use crate::gradient::add_rows;
use crate::gradient::add_sum;
use crate::lora::Product;
use crate::packing::Outline;
use crate::parameters::Layer;

/// What of a micro-batch the decoder sees. Positions are numbered as [`Outline`] lays them out.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) outline: Outline,
    /// `[positions]`
    pub(crate) tokens: Tensor,
    /// `[positions]`: how many tokens stand before each in its stream.
    pub(crate) depths: Tensor,
    /// `[n]`: positions where the n loss tokens are predicted.
    pub(crate) places: Tensor,
    /// With prefixes: `[rows]`, which is each row's, and `[rows or 1, 1, suffix, prefix + suffix]`, 0 where a token sees a key and −∞ elsewhere.
    pub(crate) shared: Option<(Tensor, Tensor)>,
}

/// A micro-batch on its way.
pub(crate) struct Pass<'a> {
    decoder: &'a Decoder,
    seen: &'a Seen,
    /// `[positions, heads + kv_heads, head_dim]`, of the rotation.
    cos: Tensor,
    /// The same, negated in the first half.
    sin: Tensor,
}

/// What the way back needs.
pub(crate) struct Trail {
    layers: Vec<Passed>,
    last: Normed,
    /// `[n, d]`, before the last norm.
    end: Tensor,
}

/// A layer that was passed.
struct Passed {
    /// `[positions, d]`: its input.
    x: Tensor,
    /// `None`: to be computed again.
    kept: Option<Kept>,
}

/// A layer's numbers.
struct Kept {
    input: Normed,
    /// `[positions, heads + 2 kv_heads, head_dim]`, before norm and rotation.
    qkv: Tensor,
    /// `[positions, heads + kv_heads, 1]`; `None` if queries and keys have no norm.
    qk_scale: Option<Tensor>,
    attention: Attention,
    /// `[m, heads head_dim]`: what attention says; m is positions, or n in the last layer.
    attended: Tensor,
    /// `[m, d]`
    residual: Tensor,
    post: Normed,
    /// `[m, 2 intermediate]`
    gate_up: Tensor,
}

impl Kept {
    fn bytes(&self) -> usize {
        let Kept { input, qkv, qk_scale: _, attention, attended, residual, post, gate_up } = self;
        let [q, k, v] = &attention.inputs;
        let own = [&input.y, qkv, q, k, v, &attention.output, attended, residual, &post.y, gate_up];
        own.into_iter().map(|tensor| tensor.numel() * tensor.kind().elt_size_in_bytes()).sum()
    }
}

/// A norm's output and what it was multiplied by before the weight.
struct Normed {
    y: Tensor,
    /// `[…, 1]`
    scale: Tensor,
}

/// Attention with its graph.
struct Attention {
    /// `[positions, …heads, head_dim]` of queries, keys, values.
    inputs: [Tensor; 3],
    /// `[positions, heads head_dim]`
    output: Tensor,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(decoder: &'a Decoder, seen: &'a Seen) -> Pass<'a> {
        let Config { heads, kv_heads, head_dim, .. } = *decoder.config();
        let table = |table: &Tensor| {
            let rows = table.index_select(0, &seen.depths);
            // One row for each head: what is multiplied with it then lies as it does, number by number.
            rows.expand([-1, heads + kv_heads, head_dim], false).contiguous()
        };
        let (cos, sin) = decoder.rotary();
        Pass { decoder, seen, cos: table(cos), sin: table(sin) }
    }

    /// Normed last hidden states `[n, d]` where loss tokens are predicted.
    pub(crate) fn hidden(&self) -> Tensor {
        let mut x = self.embed();
        for index in 0..self.decoder.config().layers {
            x = self.layer(index, &x, false).0;
        }
        self.norm(&x, self.decoder.parameters().norm()).y
    }

    /// The same, and what the way back needs: the numbers of as many layers as `bytes_max` holds, and of the others their inputs.
    pub(crate) fn hidden_and_trail(&self, bytes_max: usize) -> (Tensor, Trail) {
        let mut x = self.embed();
        let mut layers = Vec::new();
        let mut left = Some(bytes_max);
        for index in 0..self.decoder.config().layers {
            // The last layer is the first on the way back, so what it has is kept in any case.
            let (next, kept) = self.layer(index, &x, left.is_some() || self.is_last(index));
            left = left.zip(kept.as_ref()).and_then(|(left, kept)| left.checked_sub(kept.bytes()));
            let kept = kept.filter(|_| left.is_some() || self.is_last(index));
            layers.push(Passed { x: std::mem::replace(&mut x, next), kept });
        }
        let last = self.norm(&x, self.decoder.parameters().norm());
        (last.y.shallow_clone(), Trail { layers, last, end: x })
    }

    /// Adds the gradients of everything that learns before the head, given that of the hidden states `[n, d]`.
    pub(crate) fn back(&self, trail: Trail, dhidden: &Tensor, gradient: &Gradient) {
        let Trail { layers, last, end } = trail;
        let dnorm = gradient.parameters().map(|parameters| parameters.norm());
        let mut dx = norm_back(dhidden, &end, &last.scale, self.decoder.parameters().norm(), dnorm);
        drop((last, end));
        for (index, Passed { x, kept }) in layers.into_iter().enumerate().rev() {
            let index = index as i64;
            let kept = kept.unwrap_or_else(|| self.layer(index, &x, true).1.expect("it was asked to keep them"));
            dx = self.layer_back(index, &x, kept, dx, gradient);
        }
        if let Some(parameters) = gradient.parameters() {
            add_rows(parameters.embedding(), &self.seen.tokens, &dx);
        }
    }

    fn embed(&self) -> Tensor {
        Tensor::embedding(self.decoder.parameters().embedding(), &self.seen.tokens, -1, false, false)
    }

    fn is_last(&self, index: i64) -> bool {
        index + 1 == self.decoder.config().layers
    }

    /// Output `[m, d]` of a layer with input `[positions, d]`.
    fn layer(&self, index: i64, x: &Tensor, keep: bool) -> (Tensor, Option<Kept>) {
        let Config { heads, kv_heads, head_dim, .. } = *self.decoder.config();
        let views = self.decoder.parameters().layer(index as usize);
        let input = self.norm(x, views.input_norm);
        let qkv = self.product(index, Product::Qkv, &input.y).view([-1, heads + 2 * kv_heads, head_dim]);
        let (qk, qk_scale) = self.queries_keys(&views, &qkv.narrow(1, 0, heads + kv_heads));
        let inputs = [qk.narrow(1, 0, heads), qk.narrow(1, heads, kv_heads), qkv.narrow(1, heads + kv_heads, kv_heads)];
        let attention = self.attend(inputs, keep);
        let (attended, residual) = match self.is_last(index) {
            true => {
                (attention.output.detach().index_select(0, &self.seen.places), x.index_select(0, &self.seen.places))
            }
            false => (attention.output.detach(), x.shallow_clone()),
        };
        let mut o = self.product(index, Product::O, &attended);
        let residual = o.g_add_(&residual);
        let post = self.norm(&residual, views.post_norm);
        let gate_up = self.product(index, Product::GateUp, &post.y);
        let [gate, up] = halves(&gate_up);
        let output = self.product(index, Product::Down, &gate.silu().g_mul_(&up)).g_add_(&residual);
        let kept = keep.then(|| Kept { input, qkv, qk_scale, attention, attended, residual, post, gate_up });
        (output, kept)
    }

    /// Gradient `[positions, d]` of a layer's input, given that of its output.
    fn layer_back(&self, index: i64, x: &Tensor, kept: Kept, doutput: Tensor, gradient: &Gradient) -> Tensor {
        let views = self.decoder.parameters().layer(index as usize);
        let dviews = gradient.parameters().map(|parameters| parameters.layer(index as usize));
        let Kept { input, qkv, qk_scale, attention, attended, residual, post, gate_up } = kept;
        let dgate_up = self.swiglu_back(index, &gate_up, &doutput, gradient);
        drop(gate_up);
        let dpost = self.product_back(index, Product::GateUp, &post.y, &dgate_up, gradient);
        drop(dgate_up);
        let dpost_norm = dviews.map(|views| views.post_norm);
        let dresidual = norm_back(&dpost, &residual, &post.scale, views.post_norm, dpost_norm).g_add_(&doutput);
        drop((doutput, dpost, residual, post));
        let dattended = self.product_back(index, Product::O, &attended, &dresidual, gradient);
        drop(attended);
        let everywhere = |rows: Tensor| match self.is_last(index) {
            true => {
                let all = Tensor::zeros([x.size()[0], rows.size()[1]], (rows.kind(), rows.device()));
                add_rows(&all, &self.seen.places, &rows);
                all
            }
            false => rows,
        };
        let dinputs = attention.back(&everywhere(dattended));
        let dqkv = self.queries_keys_back(&views, dviews.as_ref(), &qkv, qk_scale, dinputs);
        drop(qkv);
        let dinput = self.product_back(index, Product::Qkv, &input.y, &dqkv.flatten(1, 2), gradient);
        let dinput_norm = dviews.map(|views| views.input_norm);
        norm_back(&dinput, x, &input.scale, views.input_norm, dinput_norm).g_add_(&everywhere(dresidual))
    }

    /// Gradient of gates and ups, given that of the layer's output.
    fn swiglu_back(&self, index: i64, gate_up: &Tensor, doutput: &Tensor, gradient: &Gradient) -> Tensor {
        let [gate, up] = halves(gate_up);
        let opened = gate.silu();
        let dinner = self.product_back(index, Product::Down, &(&opened * &up), doutput, gradient);
        let dgate_up = gate_up.empty_like();
        let [dgate, dup] = halves(&dgate_up);
        let _ = dinner.mul_out(&dup, &opened);
        let _ = gate.silu_backward_grad_input(&dgate, &(dinner * up));
        dgate_up
    }

    /// Queries and keys `[positions, heads + kv_heads, head_dim]`, normed if they have a norm, and turned.
    fn queries_keys(&self, views: &Layer<'_>, qk: &Tensor) -> (Tensor, Option<Tensor>) {
        let (qk, scale) = match views.qk_norm {
            None => (qk.shallow_clone(), None),
            Some(norm) => {
                let scale = self.scale(qk);
                (scaled(qk, &scale).g_mul_(&self.of_heads(norm)), Some(scale))
            }
        };
        (self.turned(&qk, &self.sin), scale)
    }

    /// Gradient `[positions, heads + 2 kv_heads, head_dim]` of what queries, keys and values were before norm and rotation.
    fn queries_keys_back(
        &self,
        views: &Layer<'_>,
        dviews: Option<&Layer<'_>>,
        qkv: &Tensor,
        scale: Option<Tensor>,
        [dq, dk, dv]: [Tensor; 3],
    ) -> Tensor {
        let Config { heads, kv_heads, .. } = *self.decoder.config();
        // Turned back: the sines have the other sign.
        let dqk = self.turned(&Tensor::cat(&[dq, dk], 1), &-&self.sin);
        let Some((norm, scale)) = views.qk_norm.zip(scale) else { return Tensor::cat(&[dqk, dv], 1) };
        let dnorm = dviews.and_then(|views| views.qk_norm);
        let weight = self.of_heads(norm);
        let sums = dnorm.map(|_| Tensor::zeros_like(&weight.to_kind(Kind::Float)));
        let dqk = norm_back(&dqk, &qkv.narrow(1, 0, heads + kv_heads), &scale, &weight, sums.as_ref());
        if let Some((dnorm, sums)) = dnorm.zip(sums) {
            for (row, first, count) in [(0, 0, heads), (1, heads, kv_heads)] {
                let sum = sums.narrow(0, first, count).sum_dim_intlist(0, false, Kind::Float);
                let _ = dnorm.get(row).g_add_(&sum);
            }
        }
        Tensor::cat(&[dqk, dv], 1)
    }

    /// Each pair of channels turned by its position's angle.
    fn turned(&self, qk: &Tensor, sin: &Tensor) -> Tensor {
        let half = self.decoder.config().head_dim / 2;
        (qk * &self.cos).addcmul_(&qk.roll([half], [-1]), sin)
    }

    /// `[heads + kv_heads, head_dim]` of the norms `[2, head_dim]` of queries and keys.
    fn of_heads(&self, norm: &Tensor) -> Tensor {
        let Config { heads, kv_heads, head_dim, .. } = *self.decoder.config();
        let of = |row, count| norm.narrow(0, row, 1).expand([count, head_dim], false);
        Tensor::cat(&[of(0, heads), of(1, kv_heads)], 0)
    }

    /// Attention, with a graph to its inputs if it is to be gone back.
    fn attend(&self, inputs: [Tensor; 3], keep: bool) -> Attention {
        if !keep {
            let output = self.attended(&inputs);
            return Attention { inputs, output };
        }
        let inputs = inputs.map(|input| input.detach().set_requires_grad(true));
        let output = with_grad(|| self.attended(&inputs));
        Attention { inputs, output }
    }

    fn attended(&self, [q, k, v]: &[Tensor; 3]) -> Tensor {
        let Outline { prefixes, prefix, rows, suffix } = self.seen.outline;
        // [batch, heads, time, head_dim]
        let part = |x: &Tensor, first: usize, batch: usize, time: usize| {
            let (heads, head_dim) = (x.size()[1], x.size()[2]);
            let rows = x.narrow(0, first as i64, (batch * time) as i64);
            rows.view([batch as i64, time as i64, heads, head_dim]).transpose(1, 2)
        };
        let flat = |attended: &Tensor| {
            let (batch, heads, time, head_dim) = attended.size4().expect("attention is [batch, heads, time, head_dim]");
            attended.transpose(1, 2).reshape([batch * time, heads * head_dim])
        };
        let begin = prefixes * prefix;
        let [own_q, own_k, own_v] = [q, k, v].map(|x| part(x, begin, rows, suffix));
        let Some((which, mask)) = &self.seen.shared else {
            return flat(&self.attention(&own_q, &own_k, &own_v, None));
        };
        let [q, k, v] = [q, k, v].map(|x| part(x, 0, prefixes, prefix));
        let joined = |prefix: &Tensor, own: &Tensor| Tensor::cat(&[&prefix.index_select(0, which), own], 2);
        let of_prefixes = self.attention(&q, &k, &v, None);
        let of_rows = self.attention(&own_q, &joined(&k, &own_k), &joined(&v, &own_v), Some(mask));
        Tensor::cat(&[flat(&of_prefixes), flat(&of_rows)], 0)
    }

    /// Causal without a mask.
    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Tensor {
        let (k, v) = (self.decoder.repeat(k), self.decoder.repeat(v));
        Tensor::scaled_dot_product_attention(q, &k, &v, mask, 0.0, mask.is_none(), None, false)
    }

    /// `[m, out]` of `[m, in]`.
    fn product(&self, index: i64, product: Product, x: &Tensor) -> Tensor {
        let views = self.decoder.parameters().layer(index as usize);
        let (weight, bias) = views.of(product);
        let y = x.linear(weight, bias);
        match self.decoder.adapter().and_then(|adapter| adapter.delta(index, product, x)) {
            None => y,
            Some(delta) => (&y + delta).to_kind(y.kind()),
        }
    }

    /// Gradient of a product's input, given that of its output.
    fn product_back(&self, index: i64, product: Product, x: &Tensor, dy: &Tensor, gradient: &Gradient) -> Tensor {
        let views = self.decoder.parameters().layer(index as usize);
        let mut dx = dy.matmul(views.of(product).0);
        if let Some(parameters) = gradient.parameters() {
            let dviews = parameters.layer(index as usize);
            let (weight, bias) = dviews.of(product);
            add_product(weight, dy, x);
            if let Some(bias) = bias {
                add_sum(bias, dy);
            }
        }
        let adapter = self.decoder.adapter().zip(gradient.adapter());
        match adapter.and_then(|(adapter, sums)| adapter.delta_back(index, product, x, dy, sums)) {
            None => dx,
            Some(through) => dx.g_add_(&through),
        }
    }

    fn norm(&self, x: &Tensor, weight: &Tensor) -> Normed {
        let scale = self.scale(x);
        Normed { y: scaled(x, &scale).g_mul_(weight), scale }
    }

    /// `[…, 1]`, in f32: one over the root of the mean square of each row `[…, width]`.
    fn scale(&self, x: &Tensor) -> Tensor {
        let x = x.to_kind(Kind::Float);
        row_means(&(&x * &x)).g_add_scalar_(self.decoder.config().rms_norm_eps).rsqrt_()
    }
}

impl Attention {
    /// Gradients of queries, keys and values, given that of what they gave.
    fn back(self, doutput: &Tensor) -> [Tensor; 3] {
        let Attention { inputs, output } = self;
        // The library starts from ones: under this product that is the gradient we have.
        let start = with_grad(|| &output * doutput);
        let gradients = Tensor::run_backward(&[&start], &[&inputs[0], &inputs[1], &inputs[2]], false, false);
        gradients.try_into().expect("three inputs have three gradients")
    }
}

/// Gradient of what was normed, `[…, width]`, given that of the norm's output; the weight's, summed over rows, is added to `sum`.
///
/// ```text
/// u = x · scale     y = u · w     dx = scale · (w dy − u · mean(u · w dy))
/// ```
fn norm_back(dy: &Tensor, x: &Tensor, scale: &Tensor, weight: &Tensor, sum: Option<&Tensor>) -> Tensor {
    let [dy32, x32, weight] = [dy, x, weight].map(|x| x.to_kind(Kind::Float));
    let u = x32 * scale;
    let mut along = &u * &dy32;
    if let Some(sum) = sum {
        add_sum(&sum.flatten(0, -1), &along.view([-1, weight.numel() as i64]));
    }
    let mean = row_means(&along.g_mul_(&weight));
    let dx = (dy32 * weight).addcmul_(&u, &mean.neg()).g_mul_(scale);
    dx.to_kind(x.kind())
}

/// `[…, 1]` of `[…, width]`: as a product with a vector, which the math library does faster than a sum over short rows.
fn row_means(x: &Tensor) -> Tensor {
    let mut size = x.size();
    let width = size.pop().expect("rows have a width");
    let weights = Tensor::full([width], 1.0 / width as f64, (x.kind(), x.device()));
    size.push(1);
    x.reshape([-1, width]).mv(&weights).view(size.as_slice())
}

/// `x · scale`, in the kind of `x`.
fn scaled(x: &Tensor, scale: &Tensor) -> Tensor {
    (x * scale).to_kind(x.kind())
}

fn halves(x: &Tensor) -> [Tensor; 2] {
    let width = x.size()[1] / 2;
    [x.narrow(1, 0, width), x.narrow(1, width, width)]
}

#[cfg(test)]
mod tests {
    use rl::Sample;
    use rl::loss::Divisor;
    use rl::settings::Normalizer;
    use sim::Seat;
    use tch::Device;
    use tch::no_grad;

    use super::*;
    use crate::Adapter;
    use crate::Lora;
    use crate::Parameters;
    use crate::config::Family;
    use crate::fixtures::config;
    use crate::fixtures::groups;
    use crate::lora::Targets;
    use crate::loss::Learning;
    use crate::loss::MicroBatch;
    use crate::loss::loss_places;
    use crate::packing::Micro;
    use crate::packing::cut;
    use crate::packing::seen_len;

    /// No parameter at a value where its gradient could be forgotten unseen: vectors away from 0 and 1.
    fn decoder(config: Config) -> Decoder {
        let parameters = Parameters::fresh(&config, 5, Seat::Agent, &[], Device::Cpu);
        let len = parameters.flat().numel() as i64;
        let waves = (Tensor::arange(len, (Kind::Float, Device::Cpu)) * 0.7).sin() * 0.1;
        let _ = no_grad(|| parameters.flat().shallow_clone().g_add_(&waves));
        Decoder::new(config, parameters)
    }

    fn adapted(targets: Targets) -> Decoder {
        let lora = Lora { rank: 3, alpha: 6.0, rank_stabilized: false, targets, dropout: 0.0, base: None };
        let len = Adapter::layout(&config(), &lora).expect("it fits").len;
        let numbers: Vec<f32> = (0..len).map(|at| (at as f32 * 0.37).sin() * 0.3).collect();
        let adapter = Adapter::new(&config(), lora, &numbers, Device::Cpu).expect("it fits");
        decoder(config()).adapted(adapter)
    }

    /// Every family with every part that only some have.
    fn decoders() -> Vec<Decoder> {
        let named = ["q_proj", "v_proj", "down_proj"].map(str::to_owned).to_vec();
        vec![
            decoder(config()),
            decoder(Config { tied: false, kv_heads: 4, ..config() }),
            decoder(Config { family: Family::Qwen2, kv_heads: 1, ..config() }),
            decoder(Config { family: Family::Llama, attention_bias: true, mlp_bias: true, ..config() }),
            adapted(Targets::AllLinear),
            adapted(Targets::Named(named)),
        ]
    }

    /// Gradient of the weighted log-likelihood by the library's graph, a stream at a time.
    fn expected(decoder: &Decoder, samples: &[&Sample], divisor: &Divisor) -> Tensor {
        let leaves = decoder.learnt().leaves();
        let sums: Vec<Tensor> = leaves.iter().map(|leaf| leaf.detach().zeros_like()).collect();
        for sample in samples {
            let ids: Vec<i64> = sample.tokens[..seen_len(sample)].iter().map(|id| i64::from(*id)).collect();
            let logits = decoder.logits(&decoder.hidden(&Tensor::from_slice(&ids).unsqueeze(0))).squeeze_dim(0);
            let all = logits.log_softmax(-1, Kind::Float);
            let mut loss = Tensor::zeros([], (Kind::Float, Device::Cpu));
            for place in loss_places(sample) {
                let logprob = all.get(place as i64 - 1).get(i64::from(sample.tokens[place]));
                loss = logprob * (-f64::from(sample.weights[place]) / divisor.tokens()) + loss;
            }
            let gradients = Tensor::run_backward(&[&loss], leaves, false, false);
            sums.iter().zip(gradients).for_each(|(sum, gradient)| drop(sum.shallow_clone().g_add_(&gradient)));
        }
        decoder.learnt().gather(&sums)
    }

    fn found(decoder: &Decoder, micros: &[Micro<'_>], divisor: &Divisor, kept_bytes_max: usize) -> Tensor {
        let gradient = Gradient::zeros(decoder);
        for micro in micros {
            let learning = Learning { gradient: &gradient, kept_bytes_max };
            let _ = MicroBatch::new(micro, divisor, decoder).sft(decoder, Some(learning));
        }
        gradient.flat().shallow_clone()
    }

    #[test]
    fn there_and_back_is_what_the_library_s_graph_gives_for_every_family() {
        let samples = groups();
        let samples: Vec<&Sample> = samples.iter().collect();
        let weights = samples.iter().map(|sample| sample.weights.iter().map(|weight| f64::from(*weight)).sum());
        let divisor = Divisor::of(Normalizer::Tokens, weights);
        for (index, decoder) in decoders().iter().enumerate() {
            let expected = expected(decoder, &samples, &divisor);
            let size = expected.norm().double_value(&[]);
            assert!(size > 0.05, "a gradient of {size} says nothing");
            let shared = cut(&samples, 300);
            assert!(shared.len() > 1 && shared.iter().any(|micro| micro.outline().prefixes > 1), "{shared:?}");
            for micros in [shared, vec![Micro::plain(samples.clone())]] {
                let found = found(decoder, &micros, &divisor, usize::MAX);
                let apart = (&found - &expected).norm().double_value(&[]);
                assert!(apart < 1e-5 * size, "decoder {index}: {apart} of {size}");
            }
        }
    }

    #[test]
    fn in_short_numbers_the_gradient_is_nearly_the_same() {
        let samples = groups();
        let samples: Vec<&Sample> = samples.iter().collect();
        let (micros, divisor) = (cut(&samples, 300), Divisor::new(Normalizer::Tokens, 100.0, samples.len()));
        let long = decoder(config());
        let flat = no_grad(|| long.parameters().flat().to_kind(Kind::BFloat16));
        let short = Decoder::new(config(), long.parameters().with_flat(&config(), flat));
        let [long, short] = [long, short].map(|decoder| found(&decoder, &micros, &divisor, usize::MAX));
        let apart = (&short - &long).norm().double_value(&[]) / long.norm().double_value(&[]);
        assert!(short.kind() == Kind::Float && (1e-5..0.1).contains(&apart), "{apart} of the gradient");
    }

    #[test]
    fn what_is_computed_again_is_the_same_to_the_last_bit() {
        let samples = groups();
        let samples: Vec<&Sample> = samples.iter().collect();
        let (micros, divisor) = (cut(&samples, 300), Divisor::new(Normalizer::Tokens, 100.0, samples.len()));
        for decoder in decoders() {
            let kept = found(&decoder, &micros, &divisor, usize::MAX);
            for kept_bytes_max in [0, 200_000] {
                assert!(found(&decoder, &micros, &divisor, kept_bytes_max).equal(&kept));
            }
        }
    }
}
