//! Small records for tests, written out in full: no gym stands behind them.

use std::collections::BTreeMap;

use sim::Act;
use sim::Decision;
use sim::Effect;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Generation;
use sim::Next;
use sim::Pair;
use sim::Phase;
use sim::Reward;
use sim::RewardKind;
use sim::Scope;
use sim::Seat;
use sim::Stop;
use sim::Turn;
use sim::Verdict;
use sim::record::Casting;
use sim::scenario::Split;

use crate::settings::Aggregation;
use crate::settings::Baseline;
use crate::settings::Cotraining;
use crate::settings::GroupCounts;
use crate::settings::GrpoSettings;
use crate::settings::LossRule;
use crate::settings::OptimizerSettings;
use crate::settings::Overlong;
use crate::settings::RewardsOf;
use crate::settings::StdOver;
use crate::settings::TrajectoryScore;
use crate::settings::TurnCredit;
use crate::settings::UpdateMode;

pub(crate) fn settings() -> GrpoSettings {
    GrpoSettings {
        steps: 10,
        group_size: 4,
        group_valid_min: 2,
        groups: GroupCounts { mutual: 2, fixed: 1 },
        forks: None,
        mode: UpdateMode::Simultaneous,
        lr: 6e-4,
        warmup: 5,
        lr_floor: 1.0,
        minibatches: 1,
        temperature: 1.0,
        turn_credit: TurnCredit::Equalized,
        trajectory_score: TrajectoryScore::Sum,
        gamma: 0.8,
        em_k: 2.0,
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
        replay: None,
        cotraining: Cotraining::default(),
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
            weight_decay: 0.0,
            grad_norm_max: 1.0,
            micro_tokens_max: 4096,
        },
    }
}

pub(crate) fn casting(group: u32, member: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Grpo, round: 3, group, trial: 0, member };
    let policies = Pair::from_fn(|_| "model".to_owned());
    Casting { learns: Pair { agent: true, user: true }, ..Casting::new(id, Split::Train, 17, policies) }
}

/// A generation with `tokens` sampled ids, the first `thought` of them private, after `prompt` shown ones. Shown ids are below 100,
/// sampled ones from 100 on; log-probabilities are −1, −2, … in order.
pub(crate) fn generation(prompt: usize, tokens: usize, thought: u32) -> Generation {
    Generation {
        policy: "agent".to_owned(),
        version: 4,
        prompt: (0..prompt as u32).collect(),
        tokens: (100..100 + tokens as u32).collect(),
        logprobs: (0..tokens).map(|i| -1.0 - i as f32).collect(),
        thought_len: thought,
        temperature: 1.0,
        closed: true,
        cuts: None,
    }
}

pub(crate) fn turn(seat: Seat, generation: Generation) -> Turn {
    Turn {
        seat,
        observed: Vec::new(),
        decision: Decision { act: Ok(Act::Say("hello".to_owned())), thought: None, generation: Some(generation) },
        answers: Vec::new(),
        effect: Some(Effect {
            malformed: None,
            rewards: Vec::new(),
            journal: Vec::new(),
            next: Next::Ask(seat.partner()),
        }),
    }
}

/// Both seats speak in turn, the agent first; each turn pays its own outcome. The k-th generation of a seat, from 0, has 2 shown and
/// 3 + k sampled tokens, 2 of them thought.
pub(crate) fn record(group: u32, member: u32, agent: &[f64], user: &[f64]) -> EpisodeRecord {
    let paid = Pair { agent, user };
    let mut turns = Vec::new();
    for k in 0..agent.len().max(user.len()) {
        for seat in Seat::ALL {
            if k < paid[seat].len() {
                turns.push(turn(seat, generation(2, 3 + k, 2)));
            }
        }
    }
    let rewards = Seat::ALL.into_iter().flat_map(|seat| {
        paid[seat].iter().enumerate().map(move |(k, value)| Reward {
            seat,
            name: "paid".to_owned(),
            kind: RewardKind::Outcome,
            scope: Scope::Turn(k as u32),
            value: *value,
            weight: 1.0,
            evidence: String::new(),
        })
    });
    EpisodeRecord {
        casting: casting(group, member),
        seed: 7,
        scenario: "test".to_owned(),
        item: "train-000017".to_owned(),
        turns,
        stop: Some(Stop::Terminated),
        fault: None,
        verdict: Some(Verdict { rewards: rewards.collect(), measures: BTreeMap::new() }),
        scores: Pair::from_fn(|seat| Some(paid[seat].iter().sum())),
    }
}
