//! Adapters over one base.

use std::fs;
use std::path::Path;

use duologue_model::Adapter;
use duologue_model::Decoder;
use duologue_model::Lora;
use duologue_model::TchLoader;
use duologue_model::loader::Base;
use duologue_model::lora::Targets;
use duologue_model::lora::Worn;
use duologue_model::optimizer::AdamW;
use duologue_model::transformer::Window;
use rl::LearnError;
use rl::Model;
use rl::Objective;
use sim::Seat;
use tch::Device;
use tch::Kind;
use tch::Tensor;
use tch::no_grad;
use tempfile::TempDir;

use crate::checkpoint::save;
use crate::checkpoint::with_decoder;
use crate::fixtures::*;

/// A base in a folder of its own.
fn base() -> (TempDir, Base) {
    let folder = TempDir::new().expect("the test made it");
    save(&mut fresh(&settings()), folder.path());
    let base = TchLoader::default().base(folder.path(), Some(&settings())).expect("what we wrote");
    (folder, base)
}

fn some_linears() -> Lora {
    let names = ["q_proj", "v_proj", "up_proj", "down_proj"].map(str::to_owned).to_vec();
    Lora { targets: Targets::Named(names), ..Lora::new(3, 6.0) }
}

/// An adapter that changes something.
fn shaken(decoder: &Decoder, lora: Lora, seed: u64) -> Adapter {
    let mut adapter = Adapter::fresh(decoder.config(), lora, seed, Seat::User, Device::Cpu).expect("it fits");
    let mut draws = draws(seed);
    let size = adapter.views().layout().len as usize;
    let numbers: Vec<f32> = (0..size).map(|_| draws.uniform() as f32 - 0.5).collect();
    no_grad(|| adapter.views_mut().flat_mut().copy_(&Tensor::from_slice(&numbers)));
    adapter
}

fn learn(model: &mut Model, seed: u64) -> f64 {
    let mut draws = draws(seed);
    let samples = (0..16).map(|_| sft_sample(ids(&mut draws, 10), 2)).collect();
    let report = update(model, &rl::Batch { lr: 1e-2, ..batch(Objective::Sft, samples) }).expect("an update");
    metric(&report, "loss")
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let numbers: Vec<f32> = Vec::try_from(tensor).expect("f32 numbers");
    numbers.into_iter().map(f32::to_bits).collect()
}

fn learnt_bits(model: &mut Model) -> Vec<u32> {
    with_decoder(model, |decoder| bits(decoder.learnt().flat()))
}

fn difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

fn tokens(rows: i64, time: i64) -> Tensor {
    let mut draws = draws(77);
    let ids: Vec<i64> = ids(&mut draws, (rows * time) as usize).into_iter().map(i64::from).collect();
    Tensor::from_slice(&ids).view([rows, time])
}

#[test]
fn a_fresh_adapter_changes_nothing_and_an_adapter_that_learns_changes_nobody_else() {
    let (_folder, base) = base();
    let before = bits(base.decoder().parameters().flat());
    let mut agent = base.fresh(Lora::new(4, 8.0), &settings(), Seat::Agent).expect("it fits");
    let mut user = base.fresh(some_linears(), &settings(), Seat::User).expect("it fits");
    let ids = tokens(2, 9);
    let plain = no_grad(|| base.decoder().hidden(&ids));
    assert_eq!(with_decoder(&mut agent, |decoder| no_grad(|| difference(&decoder.hidden(&ids), &plain))), 0.0);
    let (agent_before, user_before) = (learnt_bits(&mut agent), learnt_bits(&mut user));
    for seed in 0..3 {
        learn(&mut agent, seed);
    }
    assert_ne!(learnt_bits(&mut agent), agent_before);
    assert_eq!(learnt_bits(&mut user), user_before, "the other adapter");
    let agent_after = learnt_bits(&mut agent);
    learn(&mut user, 9);
    assert_ne!(learnt_bits(&mut user), user_before);
    assert_eq!(learnt_bits(&mut agent), agent_after, "the first adapter");
    assert_eq!(bits(base.decoder().parameters().flat()), before, "the base");
    for model in [&mut agent, &mut user] {
        assert!(with_decoder(model, |decoder| no_grad(|| difference(&decoder.hidden(&ids), &plain))) > 1e-3);
    }
}

/// Last hidden states by way of the cache: all but the last token at once, then the last.
fn cached(decoder: &Decoder, ids: &Tensor, worn: Worn<'_>) -> Tensor {
    let (rows, time) = ids.size2().expect("[rows, time]");
    let config = decoder.config();
    let shape = [2 * config.layers, rows, config.kv_heads, time, config.head_dim];
    let cache = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    let all = Tensor::ones([time, time], (Kind::Bool, Device::Cpu)).tril(0);
    let mut last = None;
    for (first, new) in [(0, time - 1), (time - 1, 1)] {
        let positions = Tensor::arange_start(first, first + new, (Kind::Int64, Device::Cpu)).repeat([rows, 1]);
        let mask = all.narrow(0, first, new).narrow(1, 0, first + new).repeat([rows, 1, 1]).unsqueeze(1);
        let window = Window { cache: &cache, first_column: first, positions: &positions, mask: &mask };
        last = Some(no_grad(|| decoder.extend_wearing(&ids.narrow(1, first, new), &window, worn)));
    }
    last.expect("two passes").squeeze_dim(1)
}

#[test]
fn a_mixed_batch_computes_what_separate_batches_compute() {
    let (_folder, base) = base();
    let decoder = base.decoder();
    let (agent, user) = (shaken(decoder, Lora::new(4, 8.0), 1), shaken(decoder, some_linears(), 2));
    let ids = tokens(6, 8);
    // Row 3 goes by the base.
    let (agents, users, nobody) = ([0i64, 2, 5], [1i64, 4], [3i64]);
    let rows = |rows: &[i64]| Tensor::from_slice(rows);
    let worn = [(&agent, rows(&agents)), (&user, rows(&users))];
    let mixed = no_grad(|| decoder.logits(&decoder.hidden_wearing(&ids, Worn::InRows(&worn))));
    let mixed_cached = decoder.logits(&cached(decoder, &ids, Worn::InRows(&worn)));
    let alone: [(&[i64], Worn<'_>); 3] =
        [(&agents, Worn::Everywhere(&agent)), (&users, Worn::Everywhere(&user)), (&nobody, Worn::Nothing)];
    for (own, worn) in alone {
        let own = rows(own);
        let ids = ids.index_select(0, &own);
        let separate = no_grad(|| decoder.logits(&decoder.hidden_wearing(&ids, worn)));
        assert!(difference(&mixed.index_select(0, &own), &separate) < 1e-5);
        let last = separate.select(1, 7);
        assert!(difference(&mixed_cached.index_select(0, &own), &last) < 1e-5);
    }
    let base_alone = no_grad(|| decoder.logits(&decoder.hidden(&ids)));
    assert!(difference(&mixed.get(0), &base_alone.get(0)) > 1e-2, "the adapters do something");
    assert!(difference(&mixed.get(3), &base_alone.get(3)) < 1e-5);
}

#[test]
fn merged_into_the_base_an_adapter_says_the_same() {
    let (_folder, base) = base();
    let decoder = base.decoder();
    let before = bits(decoder.parameters().flat());
    for lora in [Lora::new(4, 8.0), some_linears(), Lora { rank_stabilized: true, ..Lora::new(4, 2.0) }] {
        let adapter = shaken(decoder, lora, 3);
        let merged = Decoder::new(decoder.config().clone(), adapter.merged(decoder.config(), decoder.parameters()));
        let ids = tokens(3, 12);
        let beside = no_grad(|| decoder.hidden_wearing(&ids, Worn::Everywhere(&adapter)));
        let apart = difference(&no_grad(|| merged.hidden(&ids)), &beside);
        assert!(apart < 2e-5, "{apart}");
    }
    assert_eq!(bits(decoder.parameters().flat()), before, "merging leaves the base alone");
}

#[test]
fn an_adapter_s_gradients_are_those_of_the_weights_through_the_chain_rule() {
    let (_folder, base) = base();
    let config = base.decoder().config().clone();
    let adapter = shaken(base.decoder(), Lora::new(3, 6.0), 4);
    let scale = adapter.lora().scale();
    let ids = tokens(2, 9);
    let slope = |decoder: &Decoder| {
        let hidden = decoder.hidden(&ids);
        let loss = (&hidden * hidden.detach().sin()).sum(Kind::Float);
        let gradients = Tensor::run_backward(&[&loss], decoder.learnt().leaves(), false, false);
        decoder.learnt().gather(&gradients)
    };
    // Full weights at the very same function: the base with the adapter merged in.
    let full = Decoder::new(config.clone(), adapter.merged(&config, base.decoder().parameters()));
    let full_slope = slope(&full);
    let worn = base.decoder().adapted(adapter);
    let slope = slope(&worn);
    let read = |of: &Decoder, flat: &Tensor, name: &str| {
        let (part, offset) = of.learnt().layout().parts().find(|(part, _)| part.name == name).expect(name);
        let numbers = part.shape.iter().product::<i64>();
        flat.narrow(0, offset, numbers).view(part.shape.as_slice()).detach()
    };
    for layer in 0..config.layers {
        for linear in ["self_attn.k_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"] {
            let weight = read(&full, &full_slope, &format!("model.layers.{layer}.{linear}.weight"));
            let name = |which: &str| format!("base_model.model.model.layers.{layer}.{linear}.lora_{which}.weight");
            let of = |flat: &Tensor, which: &str| read(&worn, flat, &name(which));
            let flat = worn.learnt().flat();
            // W = W0 + s B A, so dB = s dW A' and dA = s B' dW.
            let by_b = weight.matmul(&of(flat, "A").transpose(0, 1)) * scale;
            let by_a = of(flat, "B").transpose(0, 1).matmul(&weight) * scale;
            for (found, expected) in [(of(&slope, "B"), by_b), (of(&slope, "A"), by_a)] {
                let size = expected.abs().max().double_value(&[]);
                assert!(size > 1e-2, "{linear}: a slope of {size} says nothing");
                assert!(difference(&found, &expected) < 1e-4 * size, "{linear} in layer {layer}");
            }
        }
    }
}

/// Losses of AdamW steps on sixteen random sentences, only what is not 0 in `mask` learning.
fn curve(decoder: Decoder, mask: &Tensor, steps: usize) -> Vec<f64> {
    let settings = rl::settings::OptimizerSettings { weight_decay: 0.0, ..settings().grpo.optimizer };
    let mut optimizer = AdamW::new(decoder.learnt());
    let ids = tokens(16, 10);
    let (shown, asked) = (ids.narrow(1, 0, 9), ids.narrow(1, 1, 9).reshape([-1]));
    let step = |_| {
        let logits = decoder.logits(&decoder.hidden(&shown)).flatten(0, 1);
        let loss = logits.cross_entropy_for_logits(&asked);
        let gradients = Tensor::run_backward(&[&loss], decoder.learnt().leaves(), false, false);
        let gradient = decoder.learnt().gather(&gradients) * mask;
        optimizer.step(&settings, decoder.learnt(), &gradient, 3e-3);
        loss.double_value(&[])
    };
    (0..steps).map(step).collect()
}

#[test]
fn of_full_rank_an_adapter_learns_as_full_weights_do() {
    let (_folder, base) = base();
    let config = base.decoder().config().clone();
    let width = config.hidden_size;
    // The drawn A's make a step of B's shorter by about √3.
    let lora = Lora::new(width, 3f64.sqrt() * width as f64);
    let adapter = Adapter::fresh(&config, lora, 1, Seat::User, Device::Cpu).expect("it fits");
    let everything = Tensor::ones([adapter.views().layout().len], (Kind::Float, Device::Cpu));
    let beside = curve(base.decoder().adapted(adapter), &everything, 121);
    // The very weights that the adapter sits beside, and no others: not the embedding, not the norms.
    let full = base.decoder().copy();
    let linear = Tensor::zeros([full.learnt().layout().len], (Kind::Float, Device::Cpu));
    for (part, offset) in full.learnt().layout().parts().filter(|(part, _)| part.name.contains("_proj.")) {
        let _ = linear.narrow(0, offset, part.shape.iter().product::<i64>()).fill_(1.0);
    }
    let full = curve(full, &linear, 121);
    assert!((full[0] - beside[0]).abs() < 1e-5, "they begin as one: {} and {}", full[0], beside[0]);
    for step in [10, 20, 40, 60, 80, 120] {
        println!("step {step}: {:.3} with full weights, {:.3} with the adapter", full[step], beside[step]);
    }
    for step in [20, 40, 80, 120] {
        assert!((full[step] - beside[step]).abs() < 0.03 * full[0], "step {step}: {} and {}", full[step], beside[step]);
    }
    assert!(beside[120] < 0.35 * beside[0], "{}", beside[120]);
}

#[test]
fn an_adapter_opened_again_goes_on_as_if_it_had_never_been_away() {
    let (folder, base) = base();
    let (first, second) = (TempDir::new().expect("the test made it"), TempDir::new().expect("the test made it"));
    let mut settings = settings();
    settings.grpo.kl_weight = 0.1;
    let mut model = base.fresh(some_linears(), &settings, Seat::User).expect("it fits");
    let weights = model.policy.lend().expect("a loan");
    let weights = model.learner.anchor(weights);
    model.policy.load(weights);
    learn(&mut model, 1);
    save(&mut model, first.path());
    let mut opened = base.open(first.path(), Some(&settings)).expect("what we wrote");
    save(&mut opened, second.path());
    let files = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> =
            entries.map(|path| (path.file_name().map(ToOwned::to_owned), fs::read(&path).ok())).collect();
        files.sort();
        files
    };
    assert_eq!(files(first.path()), files(second.path()));
    for name in ["adapter_config.json", "adapter_model.safetensors", "optimizer.safetensors", "reference.safetensors"] {
        assert!(first.path().join(name).exists(), "{name}");
    }
    for model in [&mut model, &mut opened] {
        learn(model, 2);
    }
    assert_eq!(learnt_bits(&mut model), learnt_bits(&mut opened));
    let config = fs::read_to_string(first.path().join("adapter_config.json")).expect("a file");
    assert!(config.contains(&format!("{}", folder.path().display())), "the base is named: {config}");
}

#[test]
fn an_adapter_that_does_not_fit_its_base_is_refused_by_name() {
    let (_folder, base) = base();
    let refused = |lora: Lora| match base.fresh(lora, &settings(), Seat::Agent) {
        Err(LearnError::Model(words)) => words,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it cannot fit"),
    };
    assert!(refused(Lora::new(0, 1.0)).contains("r is 0"));
    assert!(refused(Lora::new(2, f64::NAN)).contains("lora_alpha"));
    let named = |name: &str| Lora { targets: Targets::Named(vec![name.to_owned()]), ..Lora::new(2, 2.0) };
    assert!(refused(named("lm_head")).contains("`lm_head`"));
    assert!(refused(named("proj")).contains("`proj`"), "a name matches from a dot on");

    let made = TempDir::new().expect("the test made it");
    save(&mut base.fresh(named("layers.1.mlp.up_proj"), &settings(), Seat::Agent).expect("one layer"), made.path());
    let path = made.path().join("adapter_config.json");
    let config = fs::read_to_string(&path).expect("a file");
    fs::write(&path, config.replace("layers.1.mlp.up_proj", "mlp.up_proj").replace("\"r\": 2", "\"r\": 3"))
        .expect("the test made it");
    let Err(LearnError::Store { file, why }) = base.open(made.path(), None) else { panic!("it cannot fit") };
    assert!(file.ends_with("adapter_model.safetensors"), "{file}");
    for words in [
        "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight is missing",
        "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight has shape [48, 2]; adapter_config.json asks for [48, 3]",
    ] {
        assert!(why.contains(words), "{why} does not say {words}");
    }
}
