//! A tiny shape, settings and samples for this crate's own tests.

use rl::Sample;
use rl::settings::Aggregation;
use rl::settings::Baseline;
use rl::settings::Cotraining;
use rl::settings::GroupCounts;
use rl::settings::GrpoSettings;
use rl::settings::LossRule;
use rl::settings::OptimizerSettings;
use rl::settings::Overlong;
use rl::settings::RewardsOf;
use rl::settings::StdOver;
use rl::settings::TrajectoryScore;
use rl::settings::TurnCredit;
use rl::settings::UpdateMode;
use sim::Address;
use sim::Phase;
use sim::draws::Stream;

use crate::Config;
use crate::config::Family;
use crate::rope::RopeScaling;

/// Two layers, shared key heads, a vocabulary of 30; widths that leave alignment gaps.
pub(crate) fn config() -> Config {
    Config {
        family: Family::Qwen3,
        vocab_size: 30,
        hidden_size: 20,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 6,
        intermediate_size: 22,
        positions_max: 64,
        tied: true,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::Default,
        rms_norm_eps: 1e-6,
        attention_bias: false,
        mlp_bias: false,
        close_id: 1,
        eos_ids: vec![1],
        pad_id: 0,
        bos_id: None,
    }
}

/// Everything on: both clips and the penalty.
pub(crate) fn grpo() -> GrpoSettings {
    GrpoSettings {
        steps: 1,
        group_size: 2,
        group_valid_min: 2,
        groups: GroupCounts { mutual: 1, fixed: 0 },
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
        kl_weight: 0.3,
        loss: LossRule::default(),
        optimizer: OptimizerSettings {
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            grad_norm_max: 1.0,
            micro_tokens_max: 256,
        },
    }
}

/// Nine samples of 6 to 38 tokens and different temperatures. Their old log-probabilities are around those of a fresh model, far enough for
/// every bound to be met somewhere.
pub(crate) fn samples() -> Vec<Sample> {
    let address = Address { seed: 1, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 };
    let mut draws = address.draws(Stream::World);
    (0..9)
        .map(|index| {
            let len = 6 + 4 * index;
            let own: Vec<bool> = (0..len).map(|place| place > 2 && place % 5 != 0).collect();
            let mut on_own = |value: fn(f64) -> f64| -> Vec<f32> {
                own.iter().map(|own| if *own { value(draws.uniform()) as f32 } else { 0.0 }).collect()
            };
            let (advantages, logprobs) = (on_own(|u| 4.0 * u - 2.0), on_own(|u| -1.5 - 4.0 * u));
            Sample {
                episode: None,
                seat: None,
                tokens: (0..len).map(|_| draws.range(2, 29) as u32).collect(),
                weights: own.iter().map(|own| f32::from(u8::from(*own))).collect(),
                advantages,
                logprobs,
                versions: own.iter().map(|own| u64::from(*own)).collect(),
                thought: own.iter().zip(0..).map(|(own, place)| *own && place % 2 == 0).collect(),
                temperature: [1.0, 0.7, 1.3][index % 3],
            }
        })
        .collect()
}

/// Three groups of three to five samples that begin alike, and go on and end differently. In the last group the beginning has loss tokens too, with
/// temperatures and advantages of their own in each sample.
pub(crate) fn groups() -> Vec<Sample> {
    let drawn = samples();
    let mut groups = Vec::new();
    for (group, len) in [(0usize, 20usize), (1, 14), (2, 28)] {
        for member in 0..3 + group {
            let own = &drawn[(3 * group + 2 * member) % drawn.len()];
            let first = &drawn[8 - group];
            let join = |beginning: &[f32], rest: &[f32]| [beginning, rest].concat();
            // Of the third group the beginning has loss tokens, for the others it is a prompt.
            let shown = vec![0.0; len];
            let said = group == 2;
            let begin = |numbers: &Vec<f32>| if said { numbers[..len].to_vec() } else { shown.clone() };
            groups.push(Sample {
                versions: Vec::new(),
                episode: None,
                seat: None,
                tokens: [&first.tokens[..len], &own.tokens[3..]].concat(),
                weights: join(&begin(&first.weights), &own.weights[3..]),
                advantages: join(&begin(&first.advantages), &own.advantages[3..]),
                logprobs: join(&begin(&first.logprobs), &own.logprobs[3..]),
                thought: vec![false; len + own.tokens.len() - 3],
                temperature: own.temperature,
            });
        }
    }
    groups
}
