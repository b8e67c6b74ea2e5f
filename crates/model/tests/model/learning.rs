//! Updates through the learner.

use rl::LearnError;
use rl::Objective;
use rl::Row;
use rl::Sample;
use rl::settings::Normalizer;

use crate::fixtures::*;

/// A prompt that states four facts in random order and asks for one: `key value key value … QUESTION key → value CLOSE`.
fn copy_task(draws: &mut sim::Draws) -> Sample {
    const QUESTION: u32 = 2;
    let mut keys = [20, 21, 22, 23];
    draws.shuffle(&mut keys);
    let values: Vec<u32> = keys.iter().map(|_| draws.range(30, 37) as u32).collect();
    let asked = draws.range(0, 3) as usize;
    let mut tokens: Vec<u32> = keys.iter().zip(&values).flat_map(|(key, value)| [*key, *value]).collect();
    tokens.extend([QUESTION, keys[asked], values[asked], CLOSE]);
    let own_from = tokens.len() - 2;
    sft_sample(tokens, own_from)
}

#[test]
fn a_tiny_model_learns_to_look_up_a_fact_in_its_prompt() {
    let mut settings = settings();
    settings.model.hidden_size = 64;
    settings.model.head_dim = 16;
    settings.model.intermediate_size = 128;
    settings.grpo.optimizer.micro_tokens_max = 4096;
    let mut model = fresh(&settings);
    let mut draws = draws(11);
    for step in 0..600u32 {
        let samples = (0..48).map(|_| copy_task(&mut draws)).collect();
        let lr = 3e-3 * (f64::from(step + 1) / 20.0).min(1.0) * (1.0 - f64::from(step) / 640.0);
        update(&mut model, &rl::Batch { lr, ..batch(Objective::Sft, samples) }).expect("an update");
    }
    let held_out: Vec<Sample> = (0..200).map(|_| copy_task(&mut draws)).collect();
    let rows: Vec<Row> = held_out
        .iter()
        .zip(0..)
        .map(|(task, member)| Row { greedy: true, tokens_max: 1, ..row(member, task.tokens[..10].to_vec(), 0) })
        .collect();
    let answers = submit(&mut *model.policy, rows);
    let mut p_correct = 0.0;
    for (task, answer) in held_out.iter().zip(answers) {
        let answer = answer.expect("sampled");
        if answer.tokens[0] == task.tokens[10] {
            p_correct += f64::from(answer.logprobs[0]).exp() / held_out.len() as f64;
        }
    }
    assert!(p_correct > 0.9, "p(correct) = {p_correct} after 600 updates");
}

#[test]
fn equal_batches_give_equal_weights_to_the_last_bit() {
    let run = || {
        let mut model = fresh(&settings());
        let mut draws = draws(12);
        for _ in 0..5 {
            let samples = (0..6).map(|_| copy_task(&mut draws)).collect();
            update(&mut model, &batch(Objective::Sft, samples)).expect("an update");
        }
        flat(&mut model).into_iter().map(f32::to_bits).collect::<Vec<u32>>()
    };
    assert_eq!(run(), run());
}

/// Samples with the log-probabilities they really have, so that the first ratio is 1.
fn grpo_samples(model: &mut rl::Model, advantage: f32) -> Vec<Sample> {
    let mut draws = draws(13);
    (0..8)
        .map(|member| {
            let prompt = ids(&mut draws, 5 + member as usize);
            let sampled = submit(&mut *model.policy, vec![row(member, prompt.clone(), 0)]).remove(0).expect("sampled");
            let mut sample = sft_sample([prompt.clone(), sampled.tokens].concat(), prompt.len());
            sample.logprobs[prompt.len()..].copy_from_slice(&sampled.logprobs);
            sample.advantages[prompt.len()..].fill(if member % 2 == 0 { advantage } else { -advantage });
            sample
        })
        .collect()
}

/// Mean log-probability of the own tokens of every other sample, from `first` on, under the model as it is.
fn mean_logprob(model: &mut rl::Model, samples: &[Sample], first: usize) -> f64 {
    let half = samples.iter().skip(first).step_by(2).cloned().collect();
    // A learning rate of 0 reads without learning.
    let report = update(model, &rl::Batch { lr: 0.0, ..batch(Objective::Grpo, half) }).expect("an update");
    metric(&report, "logprob/reply")
}

#[test]
fn a_policy_gradient_makes_good_tokens_likelier_and_bad_ones_unlikelier() {
    let mut settings = settings();
    let mut before = fresh(&settings);
    let samples = grpo_samples(&mut before, 1.0);
    settings.grpo.minibatches = 2;
    let mut after = fresh(&settings);
    for step in 1..=5 {
        let report = update(&mut after, &batch(Objective::Grpo, samples.clone())).expect("an update");
        assert_eq!(report.version, 2 * step, "two minibatches are two versions");
    }
    // Even samples have advantage 1, odd ones −1.
    let changes =
        [0, 1].map(|first| mean_logprob(&mut after, &samples, first) - mean_logprob(&mut before, &samples, first));
    assert!(changes[0] > 0.01, "good tokens changed by {}", changes[0]);
    assert!(changes[1] < -0.01, "bad tokens changed by {}", changes[1]);
}

/// Trajectories of two turns: as streams, and as samples a turn with all that came before it.
fn trajectories() -> [Vec<Sample>; 2] {
    let mut draws = draws(17);
    let (mut whole, mut turns) = (Vec::new(), Vec::new());
    for member in 1..=6u32 {
        let episode = Some(row(member, Vec::new(), 0).session.episode);
        let lens = [4, 1 + member as usize, 3, 5];
        let tokens = ids(&mut draws, lens.iter().sum());
        let mut sample = Sample { episode, ..sft_sample(tokens, 0) };
        let mut start = 0;
        for (part, len) in lens.into_iter().enumerate() {
            let (own, places) = (part % 2 == 1, start..start + len);
            sample.weights[places.clone()].fill(if own { 1.0 } else { 0.0 });
            sample.advantages[places.clone()].fill(if own { member as f32 / 3.0 - 1.0 } else { 0.0 });
            sample.logprobs[places].fill(if own { -3.0 } else { 0.0 });
            start += len;
        }
        let first_len = lens[0] + lens[1];
        let first = |numbers: &[f32]| numbers[..first_len].to_vec();
        turns.push(Sample {
            tokens: sample.tokens[..first_len].to_vec(),
            weights: first(&sample.weights),
            advantages: first(&sample.advantages),
            logprobs: first(&sample.logprobs),
            thought: sample.thought[..first_len].to_vec(),
            versions: sample.versions[..first_len].to_vec(),
            ..sample.clone()
        });
        let mut second = sample.clone();
        for numbers in [&mut second.weights, &mut second.advantages, &mut second.logprobs] {
            numbers[..first_len].fill(0.0);
        }
        turns.push(second);
        whole.push(sample);
    }
    [whole, turns]
}

/// Nothing is missing of what the turns read here, so splitting a trajectory may change nothing but the places of its tokens.
#[test]
fn a_trajectory_in_turns_teaches_what_it_teaches_whole() {
    let [whole, turns] = trajectories();
    for normalizer in [Normalizer::Tokens, Normalizer::Sequences, Normalizer::Fixed { tokens: 9 }] {
        for minibatches in [1, 2] {
            let mut settings = settings();
            settings.grpo.loss.normalizer = normalizer;
            settings.grpo.minibatches = minibatches;
            let [one, other] = [&whole, &turns].map(|samples| {
                let mut model = fresh(&settings);
                let report = update(&mut model, &batch(Objective::Grpo, samples.clone())).expect("an update");
                (metric(&report, "loss"), flat(&mut model))
            });
            assert!((one.0 - other.0).abs() < 1e-6, "{normalizer:?}: a loss of {} and {}", one.0, other.0);
            let far = one.1.iter().zip(&other.1).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(far < 1e-4, "{normalizer:?}, {minibatches} minibatches: weights differ by {far}");
        }
    }
}

#[test]
fn a_number_that_is_not_finite_leaves_the_weights_alone() {
    let mut settings = settings();
    settings.grpo.minibatches = 2;
    // Without the dual clip a bad token's loss grows with its ratio.
    settings.grpo.dual_clip = None;
    let mut model = fresh(&settings);
    let before = flat(&mut model);
    let mut samples = grpo_samples(&mut model, 1.0);
    // The second minibatch overflows: e^(log π − log π_old) is infinite in f32, and so is its loss.
    let last = samples[1].tokens.len() - 1;
    samples[1].logprobs[last] = -1e4;
    samples[1].advantages[last] = -1.0;
    let error = update(&mut model, &batch(Objective::Grpo, samples)).expect_err("an infinite loss");
    assert_eq!(error, LearnError::NotFinite { what: "loss", step: 2 });
    assert_eq!(flat(&mut model), before, "the first minibatch was undone as well");
    assert_eq!(with_weights(&mut model, |weights| weights.version), 0);
}

#[test]
fn batches_that_do_not_fit_are_refused_with_the_sample_named() {
    let mut model = fresh(&settings());
    let refused = |model: &mut rl::Model, objective, sample: Sample| {
        let good = sft_sample(vec![5, 6, 7], 1);
        match update(model, &batch(objective, vec![good, sample])) {
            Err(LearnError::Batch(words)) => words,
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(&mut model, Objective::Sft, sft_sample(vec![5, VOCAB], 1)).contains("sample 1: token 40"));
    assert!(refused(&mut model, Objective::Sft, sft_sample(vec![5; 97], 1)).contains("97 tokens"));
    assert!(refused(&mut model, Objective::Sft, sft_sample(vec![5, 6], 0)).contains("first token"));
    let cold = Sample { temperature: 0.0, ..sft_sample(vec![5, 6], 1) };
    assert!(refused(&mut model, Objective::Grpo, cold).contains("temperature"));
    let nothing = batch(Objective::Sft, vec![sft_sample(vec![5, 6], 2)]);
    assert!(matches!(update(&mut model, &nothing), Err(LearnError::Batch(words)) if words.contains("no token")));
}

#[test]
fn an_anchored_reference_holds_the_policy_back() {
    let after = |kl_weight: f64| {
        let mut settings = settings();
        settings.grpo.kl_weight = kl_weight;
        let mut model = fresh(&settings);
        let weights = model.policy.lend().expect("a loan");
        let weights = model.learner.anchor(weights);
        model.policy.load(weights);
        let samples = grpo_samples(&mut model, 1.0);
        let first = update(&mut model, &batch(Objective::Grpo, samples.clone())).expect("an update");
        let kl_first = first.metrics.iter().find(|(name, _)| name == "kl_ref").map(|(_, value)| *value);
        for _ in 0..10 {
            update(&mut model, &batch(Objective::Grpo, samples.clone())).expect("an update");
        }
        let last = update(&mut model, &batch(Objective::Grpo, samples)).expect("an update");
        // At the start policy, sampler and reference are one, so kl_old is the distance walked.
        (kl_first, metric(&last, "kl_old"))
    };
    let (free, held) = (after(0.0), after(5.0));
    assert_eq!(free.0, None, "without a penalty there is no reference");
    assert!(held.0.is_some_and(|kl| kl.abs() < 1e-8), "the reference is the policy itself at first: {held:?}");
    assert!(held.1 < 0.5 * free.1, "walked {} with the penalty, {} without", held.1, free.1);
}

#[test]
fn two_models_learning_side_by_side_do_what_each_does_alone() {
    // The quickstart trains both seats at once, on a thread each, inside one process.
    let learn = |seed: u64| {
        let mut model = fresh(&rl::RunSettings { seed, ..settings() });
        let mut draws = draws(seed);
        for _ in 0..40 {
            let samples = (0..12).map(|_| copy_task(&mut draws)).collect();
            update(&mut model, &batch(Objective::Sft, samples)).expect("an update");
            submit(&mut *model.policy, (0..4).map(|member| row(member, vec![5, 6, 7], 0)).collect());
        }
        assert_eq!(tch::get_num_threads(), 1, "a thread of its own keeps to the thread count of the process");
        flat(&mut model).into_iter().map(f32::to_bits).collect::<Vec<u32>>()
    };
    let alone = (learn(31), learn(32));
    let other = std::thread::spawn(move || learn(32));
    let together = (learn(31), other.join().expect("the other thread learns"));
    assert!(alone == together, "the weights differ");
}
