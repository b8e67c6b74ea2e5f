//! How fast a quickstart-sized model learns and speaks here:
//! `cargo run --release -p duologue-model --example speed [learn|speak]`.
//!
//! Times are those this thread spent on a processor, the best of several: other programs only ever add to them.

use std::time::Duration;

use duologue_model::Config;
use duologue_model::Decoder;
use duologue_model::Parameters;
use duologue_model::TchLearner;
use duologue_model::TchPolicy;
use duologue_model::TchWeights;
use duologue_model::optimizer::AdamW;
use rl::Batch;
use rl::Learner;
use rl::Objective;
use rl::Policy;
use rl::Row;
use rl::Sample;
use rl::Session;
use rl::TextFiles;
use rl::Weights;
use rl::settings::*;
use sim::Address;
use sim::EpisodeId;
use sim::Phase;
use sim::Seat;

const VOCAB: u32 = 600;

fn main() {
    tch::set_num_interop_threads(1);
    tch::set_num_threads(1);
    let config = Config::new(&shape(), &text()).expect("the quickstart's shape");
    let parameters = Parameters::fresh(&config, 1, Seat::Agent, &[], tch::Device::Cpu);
    println!("{} parameters, 1 thread", parameters.layout().parameters());
    let part = std::env::args().nth(1);
    if part.as_deref() != Some("speak") {
        for (rows, len) in [(7, 100), (32, 150)] {
            for objective in [Objective::Sft, Objective::Grpo] {
                learn(&config, objective, rows, len);
            }
        }
    }
    if part.as_deref() != Some("learn") {
        for rows in [16, 64, 128] {
            speak(&config, rows, 130, 40);
        }
    }
}

fn weights(config: &Config) -> TchWeights {
    let parameters = Parameters::fresh(config, 1, Seat::Agent, &[], tch::Device::Cpu);
    TchWeights { decoder: Decoder::new(config.clone(), parameters), version: 0 }
}

fn learn(config: &Config, objective: Objective, rows: u32, len: u32) {
    let weights = weights(config);
    let optimizer = AdamW::new(weights.decoder.parameters());
    let mut learner = TchLearner::new("speed".to_owned(), text(), Some(grpo()), optimizer, None);
    let samples = (0..rows)
        .map(|row| Sample {
            episode: None,
            tokens: (0..len).map(|place| (row * 7 + place * 13) % VOCAB).collect(),
            weights: (0..len).map(|place| f32::from(u8::from(place > 40 && place % 30 < 15))).collect(),
            advantages: (0..len).map(|place| if place > 40 && place % 30 < 15 { 0.5 } else { 0.0 }).collect(),
            logprobs: (0..len).map(|place| if place > 40 && place % 30 < 15 { -6.4 } else { 0.0 }).collect(),
            thought: vec![false; len as usize],
            temperature: 1.0,
        })
        .collect();
    let batch = Batch { objective, lr: 1e-5, samples };
    let mut weights: Option<Box<dyn Weights>> = Some(Box::new(weights));
    let best = best(12, || {
        let (back, outcome) = learner.update(weights.take().expect("lent back"), &batch);
        outcome.expect("the batch fits");
        weights = Some(back);
    });
    let speed = f64::from(rows * len) / best.as_secs_f64();
    println!("{objective:?} update of {rows} × {len} tokens: {best:.1?}, {speed:.0} tokens/s");
}

/// A fresh turn of rows with equal prompts in groups of 8, then one more turn of each.
fn speak(config: &Config, rows: u32, prompt: u32, steps: u32) {
    let mut policy = TchPolicy::new(weights(config));
    let rows_of = |turn: u32, streams: &[Vec<u32>]| -> Vec<Row> {
        streams
            .iter()
            .zip(1..)
            .map(|(stream, member)| Row {
                session: Session {
                    episode: EpisodeId { phase: Phase::Grpo, round: 0, group: 0, trial: 0, member },
                    seat: Seat::Agent,
                },
                stream: stream.clone(),
                address: Address { seed: 1, phase: Phase::Grpo, round: 0, group: 0, trial: 0, member },
                turn,
                tokens_max: steps,
                temperature: 1.0,
                greedy: false,
            })
            .collect()
    };
    let mut streams: Vec<Vec<u32>> =
        (0..rows).map(|row| (0..prompt).map(|place| (row / 8 * 5 + place * 13) % (VOCAB - 2) + 2).collect()).collect();
    for turn in 0..2 {
        let mut sampled: Vec<Vec<u32>> = Vec::new();
        let all: Vec<Session> = rows_of(turn, &streams).iter().map(|row| row.session).collect();
        let mut count = 0;
        let best = best(if turn == 0 { 4 } else { 1 }, || {
            if turn == 0 {
                policy.forget(&all);
            }
            let (sender, receiver) = std::sync::mpsc::channel();
            policy.submit(rows_of(turn, &streams), Box::new(move |results| sender.send(results).expect("waiting")));
            let results = receiver.recv().expect("a reply");
            sampled = results.into_iter().map(|result| result.expect("sampled").tokens).collect();
            count = sampled.iter().map(Vec::len).sum();
        });
        let longest = sampled.iter().map(Vec::len).max().expect("a row");
        let per_step = best.as_secs_f64() * 1e3 / longest as f64;
        let from = streams[0].len();
        println!(
            "turn {turn} of {rows} rows from {from} tokens: {best:.1?}, {longest} steps of {per_step:.2} ms all in, {count} tokens"
        );
        for (stream, sampled) in streams.iter_mut().zip(&sampled) {
            stream.extend(sampled);
            stream.extend([5, 6, 7, 8, 9, 10]);
        }
    }
}

fn best(times: u32, mut work: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let start = on_processor();
            work();
            on_processor() - start
        })
        .min()
        .expect("at least once")
}

/// Time this thread has spent on a processor.
fn on_processor() -> Duration {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
    let nanoseconds = line.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first word counts nanoseconds"))
}

fn text() -> TextFiles {
    TextFiles {
        tokenizer: "{}".to_owned(),
        template: String::new(),
        close_id: 1,
        pad_id: 0,
        vocab_len: VOCAB as usize,
        ordered: Vec::new(),
    }
}

fn shape() -> ModelShape {
    ModelShape {
        hidden_size: 128,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 32,
        intermediate_size: 352,
        max_position_embeddings: 512,
        tie_word_embeddings: true,
        rope_theta: 10_000.0,
        rms_norm_eps: 1e-6,
        vocab_max: VOCAB as usize,
    }
}

fn grpo() -> GrpoSettings {
    GrpoSettings {
        steps: 1,
        group_size: 8,
        group_valid_min: 2,
        groups: GroupCounts { mutual: 6, fixed: 6 },
        mode: UpdateMode::Simultaneous,
        lr: 6e-4,
        warmup: 5,
        lr_floor: 1.0,
        minibatches: 1,
        temperature: 1.0,
        turn_credit: TurnCredit::Equalized,
        trajectory_score: TrajectoryScore::Sum,
        gamma: 1.0,
        em_k: 1.0,
        std_eps: 0.05,
        normalize_std: true,
        clip_low: 0.2,
        clip_high: 0.28,
        dual_clip: Some(3.0),
        kl_weight: 0.0,
        optimizer: OptimizerSettings {
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.01,
            grad_norm_max: 1.0,
            micro_tokens_max: 8192,
        },
    }
}
