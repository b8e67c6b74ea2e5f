//! Adapters over one base.

use std::fs;
use std::path::Path;

use duologue_model::Adapter;
use duologue_model::Decoder;
use duologue_model::Lora;
use duologue_model::Parameters;
use duologue_model::TchLoader;
use duologue_model::loader::Base;
use duologue_model::lora::Targets;
use duologue_model::lora::Worn;
use duologue_model::optimizer::AdamW;
use duologue_model::sampler::Bounds;
use duologue_model::sampler::Memory;
use duologue_model::sampler::sample;
use duologue_model::transformer::Window;
use duologue_model::windows::Windows;
use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::Objective;
use rl::Row;
use rl::Sampled;
use rl::Session;
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

/// These numbers as weights that learn.
fn free(of: &Decoder, parameters: &Parameters) -> Decoder {
    let numbers: Vec<f32> = Vec::try_from(parameters.flat()).expect("f32 numbers");
    Decoder::new(of.config().clone(), Parameters::new(of.config(), &numbers, Device::Cpu))
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
    let full = free(base.decoder(), &adapter.merged(&config, base.decoder().parameters()));
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
    let full = free(base.decoder(), base.decoder().parameters());
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

/// A folder with an adapter of this base that changes something.
fn worn_out(base: &Base, lora: Lora, seed: u64) -> TempDir {
    let folder = TempDir::new().expect("the test made it");
    let mut model = base.fresh(lora, &settings(), Seat::Agent).expect("it fits");
    for round in 0..3 {
        learn(&mut model, seed + round);
    }
    save(&mut model, folder.path());
    folder
}

/// Rows of this adapter with a stream of their own, some of them twice; their turns are different lengths.
fn rows_of(adapter: Option<u32>, members: std::ops::Range<u32>) -> Vec<Row> {
    let wearing = |mut row: Row| {
        row.session.adapter = adapter;
        row
    };
    let row_of = |member: u32| Row { tokens_max: 6 + member % 9, ..row(member, vec![3, 4 + member % 3, 7], 0) };
    members.map(|member| wearing(row_of(member))).collect()
}

#[track_caller]
fn same(mixed: &[Sampled], apart: &[Sampled]) {
    for (mixed, apart) in mixed.iter().zip(apart) {
        assert_eq!((&mixed.tokens, mixed.closed, mixed.version), (&apart.tokens, apart.closed, apart.version));
        for (mixed, apart) in mixed.logprobs.iter().zip(&apart.logprobs) {
            assert!((mixed - apart).abs() < 1e-5, "{mixed} and {apart}");
        }
    }
}

#[test]
fn rows_of_two_adapters_and_of_none_are_sampled_together_as_they_are_apart() {
    let (home, base) = base();
    let (first, second) = (worn_out(&base, Lora::new(4, 32.0), 1), worn_out(&base, some_linears(), 20));
    let folders = [&first, &second].map(|folder| folder.path().to_owned());
    let loader = TchLoader::default();
    let mut together = loader.dressed(home.path(), &folders).expect("they fit");
    let each = [rows_of(Some(0), 0..9), rows_of(Some(1), 9..20), rows_of(None, 20..26)];
    // The rows of one adapter do not lie side by side.
    let mut all: Vec<Row> = each.iter().flatten().cloned().collect();
    all.sort_by_key(|row| row.session.episode.member % 5);
    let place = |row: &Row| all.iter().position(|other| other.session == row.session).expect("it is one of them");
    let sample = |policy: &mut dyn rl::Policy, rows: &[Row]| -> Vec<Sampled> {
        submit(policy, rows.to_vec()).into_iter().map(|sampled| sampled.expect("a sound row")).collect()
    };
    let turns: Vec<Vec<Sampled>> = (0..2)
        .map(|turn| {
            let next: Vec<Row> = all.iter().map(|row| go_on(row, turn)).collect();
            sample(&mut *together, &next)
        })
        .collect();
    let alone =
        |folder: Option<&Path>| loader.open(folder.unwrap_or(home.path()), None, Seat::Agent).expect("a folder");
    for (rows, folder) in each.iter().zip([Some(first.path()), Some(second.path()), None]) {
        let mut alone = alone(folder).policy;
        for (turn, mixed) in (0..).zip(&turns) {
            let plain = |row: &Row| {
                let mut row = go_on(row, turn);
                row.session.adapter = None;
                row
            };
            let apart = sample(&mut *alone, &rows.iter().map(plain).collect::<Vec<Row>>());
            same(&rows.iter().map(|row| mixed[place(row)].clone()).collect::<Vec<Sampled>>(), &apart);
        }
    }
    let versions: Vec<u64> = [&each[0], &each[2]].map(|rows| turns[0][place(&rows[0])].version).to_vec();
    assert_eq!(versions, [3, 0], "an adapter's updates are its own");
}

#[test]
fn side_by_side_rows_of_several_adapters_say_what_they_say_in_blocks() {
    let (_home, base) = base();
    let adapter = |lora, seed| {
        let folder = worn_out(&base, lora, seed);
        let mut model = base.open(folder.path(), None).expect("what we wrote");
        with_decoder(&mut model, |decoder| decoder.adapter().expect("it has one").copy())
    };
    let decoder = base.decoder().dressed(vec![adapter(Lora::new(4, 32.0), 1), adapter(some_linears(), 20)]);
    let mut rows = [rows_of(Some(0), 0..9), rows_of(Some(1), 9..20), rows_of(None, 20..26)].concat();
    rows.sort_by_key(|row| row.session.episode.member % 5);
    let stream_max = decoder.config().positions_max as usize;
    let bounds = Bounds { stream_max, closing: &[] };
    let mut memories = [
        Memory::new(&decoder, 1 << 22, stream_max),
        Memory::Windows(Windows::new(4096, 1)),
        Memory::Windows(Windows::new(4096, 16)),
    ];
    for turn in 0..2 {
        let rows: Vec<Row> = rows.iter().map(|row| go_on(row, turn)).collect();
        let sampled = |memory: &mut Memory| -> Vec<Sampled> {
            let all = no_grad(|| sample(&decoder, memory, 0, bounds, &rows));
            all.into_iter().map(|sampled| sampled.expect("a sound row")).collect()
        };
        let [pages, seen, unseen] = memories.each_mut().map(sampled);
        same(&seen, &pages);
        same(&unseen, &pages);
    }
}

/// The second turn goes on from a stream that grew by a fixed answer, so that most of it is kept.
fn go_on(row: &Row, turn: u32) -> Row {
    let mut row = Row { turn, ..row.clone() };
    (0..turn).for_each(|_| row.stream.extend([9, 10, 11]));
    row
}

#[test]
fn a_session_s_keys_and_values_are_never_another_adapter_s() {
    let (home, base) = base();
    let (first, second) = (worn_out(&base, Lora::new(4, 32.0), 1), worn_out(&base, some_linears(), 20));
    let folders = [first.path().to_owned(), second.path().to_owned()];
    let mut policy = TchLoader::default().dressed(home.path(), &folders).expect("they fit");
    let of = |adapter| rows_of(Some(adapter), 4..5).remove(0);
    let sample = |policy: &mut dyn rl::Policy, row: Row| submit(policy, vec![row]).remove(0).expect("a sound row");
    let fresh = sample(&mut *policy, of(1));
    policy.forget(&[of(1).session]);
    sample(&mut *policy, of(0));
    // The same episode, seat and stream by the other adapter: as if the first had never been asked.
    assert_eq!(sample(&mut *policy, of(1)), fresh);
    let stranger = Row { session: Session { adapter: Some(2), ..of(0).session }, ..of(0) };
    let refused = submit(&mut *policy, vec![stranger]).remove(0).expect_err("there is none");
    assert!(refused.detail.contains("no adapter 2 among 2"), "{}", refused.detail);
}

#[test]
fn two_adapters_on_one_base_share_its_numbers_in_memory_however_its_folder_is_written() {
    let (home, base) = base();
    let folders = [worn_out(&base, Lora::new(4, 8.0), 1), worn_out(&base, some_linears(), 20)];
    let loader = TchLoader::default();
    let mut models: Vec<Model> =
        folders.iter().map(|folder| loader.open(folder.path(), None, Seat::User).expect("a folder")).collect();
    let detour = home.path().join("..").join(home.path().file_name().expect("it has one"));
    let mut places: Vec<usize> = models
        .iter_mut()
        .map(|model| with_decoder(model, |decoder| decoder.parameters().flat().data_ptr() as usize))
        .collect();
    places.push(loader.base(&detour, None).expect("the same").decoder().parameters().flat().data_ptr() as usize);
    assert!(places.windows(2).all(|two| two[0] == two[1]), "{places:?}");
}

#[test]
fn an_adapter_s_folder_finds_its_base_beside_it_and_says_where_it_looked() {
    let (home, base) = base();
    let adapter = worn_out(&base, Lora::new(2, 4.0), 5);
    let file = adapter.path().join("adapter_config.json");
    let rename = |to: &str| {
        let text = fs::read_to_string(&file).expect("a file");
        let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        config["base_model_name_or_path"] = to.into();
        fs::write(&file, config.to_string()).expect("the test made it");
    };
    rename(&format!("../{}", home.path().file_name().expect("it has one").display()));
    TchLoader::default().open(adapter.path(), None, Seat::Agent).expect("it is beside it");
    rename("Qwen/Qwen3-0.6B");
    let Err(LearnError::Store { file, why }) = TchLoader::default().open(adapter.path(), None, Seat::Agent) else {
        panic!("there is no such folder")
    };
    assert!(file.ends_with("adapter_config.json") && why.contains("`Qwen/Qwen3-0.6B`"), "{file}: {why}");
}

#[test]
fn merged_into_a_folder_an_adapter_says_the_same_and_needs_no_base() {
    let (home, base) = base();
    let adapter = worn_out(&base, some_linears(), 8);
    let (loader, merged) = (TchLoader::default(), TempDir::new().expect("the test made it"));
    loader.merge(adapter.path(), home.path(), merged.path()).expect("they fit");
    let ids = tokens(3, 12);
    let hidden = |folder: &Path| {
        let mut model = loader.open(folder, None, Seat::Agent).expect("a folder");
        with_decoder(&mut model, |decoder| no_grad(|| decoder.hidden(&ids)))
    };
    let apart = difference(&hidden(merged.path()), &hidden(adapter.path()));
    assert!(apart < 2e-5, "{apart}");
    assert!(difference(&hidden(merged.path()), &hidden(home.path())) > 1e-3, "the adapter does something");
}

#[test]
fn an_adapter_s_parameters_are_as_many_as_a_plan_counts() {
    let (_folder, base) = base();
    for targets in [Targets::AllLinear, some_linears().targets, Targets::Named(vec!["layers.1.mlp.up_proj".to_owned()])]
    {
        let shape = rl::LoraShape { rank: 3, alpha: 6.0, rank_stabilized: false, targets };
        let layout = Adapter::layout(base.decoder().config(), &Lora::of_run(&shape)).expect("it fits");
        assert_eq!(shape.parameters(&settings().model), layout.parameters() as u64);
    }
}
