//! Tiny models, rows and samples.

use std::sync::mpsc::channel;

use duologue_model::TchLoader;
use duologue_model::TchWeights;
use rl::Batch;
use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::Objective;
use rl::Policy;
use rl::Row;
use rl::RunSettings;
use rl::Sample;
use rl::Sampled;
use rl::Session;
use rl::TextFiles;
use rl::UpdateReport;
use rl::settings::*;
use sim::Address;
use sim::Draws;
use sim::EpisodeId;
use sim::Fault;
use sim::Phase;
use sim::Seat;
use sim::draws::Stream;

pub const VOCAB: u32 = 40;
pub const CLOSE: u32 = 1;
pub const PAD: u32 = 0;

pub fn settings() -> RunSettings {
    RunSettings {
        name: "tiny".to_owned(),
        seed: 5,
        limits: Limits {
            episodes_live_max: 64,
            batch_max: 64,
            cache_mib_max: 64,
            threads: 1,
            device: Device::Cpu,
            reruns_max: 0,
        },
        dtype: Dtype::F32,
        seats: rl::Seats::Apart,
        base: None,
        model: ModelShape {
            hidden_size: 32,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 8,
            intermediate_size: 48,
            max_position_embeddings: 96,
            tie_word_embeddings: true,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-6,
            vocab_max: VOCAB as usize,
        },
        sft: SftSettings {
            thoughts: rl::settings::Thoughts::Own,
            records: Vec::new(),
            top: None,
            dialogues: 1,
            teacher: "scripted:noisy".to_owned(),
            updates: 1,
            tokens_per_update: 700,
            lr: 1e-3,
            warmup: 1,
            lr_floor: 0.05,
            partner_weight: 0.2,
            drill_share: 0.3,
            probe_min: 0.5,
        },
        grpo: grpo(),
        eval: EvalSettings { every: 1, items: 1, trials: 1, judge: None },
        checkpoints: CheckpointSettings { sft_every: 1, grpo_every: 1, keep: 1 },
    }
}

fn grpo() -> GrpoSettings {
    GrpoSettings {
        steps: 1,
        group_size: 4,
        group_valid_min: 2,
        groups: GroupCounts { mutual: 1, fixed: 1 },
        forks: None,
        mode: UpdateMode::Simultaneous,
        lr: 1e-3,
        warmup: 1,
        lr_floor: 1.0,
        minibatches: 1,
        temperature: 1.0,
        turn_credit: TurnCredit::Equalized,
        trajectory_score: TrajectoryScore::Sum,
        gamma: 1.0,
        em_k: 1.0,
        std_eps: 0.05,
        normalize_std: true,
        std_over: StdOver::Group,
        baseline: Baseline::Group,
        aggregation: Aggregation::SumThenNormalize,
        shared_weight: None,
        rewards_of: RewardsOf::Seat,
        overlong: Overlong::default(),
        malformed_penalty: 0.0,
        user_burden: 0.0,
        spoiled_penalty: None,
        refills_max: 0,
        staleness_max: 0,
        cotraining: Cotraining::default(),
        replay: None,
        monitors: None,
        clip_low: 0.2,
        clip_high: 0.28,
        dual_clip: Some(3.0),
        kl_weight: 0.0,
        loss: LossRule::default(),
        optimizer: OptimizerSettings {
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.01,
            grad_norm_max: 1.0,
            micro_tokens_max: 256,
        },
    }
}

pub fn text() -> TextFiles {
    TextFiles {
        tokenizer: r#"{"added_tokens":[{"id":0,"content":"<pad>"},{"id":1,"content":"<end>"}]}"#.to_owned(),
        template: "{{ messages }}".to_owned(),
        close_id: CLOSE,
        pad_id: PAD,
        vocab_len: VOCAB as usize,
        ordered: vec![(10, 0.0), (11, 0.5), (12, 1.0)],
    }
}

pub fn fresh(settings: &RunSettings) -> Model {
    TchLoader::default().fresh(settings, &text(), Seat::Agent).expect("the tiny shape is possible")
}

pub fn draws(seed: u64) -> Draws {
    Address { seed, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 }.draws(Stream::World)
}

/// Ids that are neither padding nor closing.
pub fn ids(draws: &mut Draws, len: usize) -> Vec<u32> {
    (0..len).map(|_| draws.range(2, i64::from(VOCAB) - 1) as u32).collect()
}

pub fn row(member: u32, stream: Vec<u32>, turn: u32) -> Row {
    let address = Address { seed: 9, phase: Phase::Grpo, round: 0, group: 0, trial: 0, member };
    let episode = EpisodeId { phase: Phase::Grpo, round: 0, group: 0, trial: 0, member };
    Row {
        session: Session { episode, seat: Seat::Agent, adapter: None },
        stream,
        address,
        turn,
        tokens_max: 12,
        temperature: 1.0,
        filter: rl::Filter::default(),
        greedy: false,
    }
}

pub fn submit(policy: &mut dyn Policy, rows: Vec<Row>) -> Vec<Result<Sampled, Fault>> {
    let (sender, receiver) = channel();
    policy.submit(rows, Box::new(move |results| sender.send(results).expect("the test waits")));
    receiver.recv().expect("a policy replies once")
}

pub fn update(model: &mut Model, batch: &Batch) -> Result<UpdateReport, LearnError> {
    let weights = model.policy.lend().expect("the policy holds its weights");
    let (weights, outcome) = model.learner.update(weights, batch);
    model.policy.load(weights);
    outcome
}

/// Lets `look` read the weights.
pub fn with_weights<T>(model: &mut Model, look: impl FnOnce(&TchWeights) -> T) -> T {
    let weights = model.policy.lend().expect("the policy holds its weights");
    let weights: Box<TchWeights> = weights.into_any().downcast().expect("tch weights");
    let result = look(&weights);
    model.policy.load(weights);
    result
}

pub fn flat(model: &mut Model) -> Vec<f32> {
    with_weights(model, |weights| Vec::try_from(weights.decoder.parameters().flat()).expect("f32 numbers"))
}

pub fn metric(report: &UpdateReport, name: &str) -> f64 {
    let found = report.metrics.iter().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no metric {name} in {:?}", report.metrics)).1
}

pub fn batch(objective: Objective, samples: Vec<Sample>) -> Batch {
    Batch::new(objective, 1e-3, samples)
}

/// A sample whose tokens from `own_from` on are its own.
pub fn sft_sample(tokens: Vec<u32>, own_from: usize) -> Sample {
    let len = tokens.len();
    Sample {
        episode: None,
        seat: None,
        weights: (0..len).map(|place| if place >= own_from { 1.0 } else { 0.0 }).collect(),
        advantages: vec![0.0; len],
        logprobs: vec![0.0; len],
        versions: vec![0; len],
        thought: vec![false; len],
        temperature: 1.0,
        tokens,
    }
}
