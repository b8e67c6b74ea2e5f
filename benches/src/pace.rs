//! Our half of `benches/compare/compare.py`: one model, asked again and again to do one thing, with the time it took.
//!
//! ```text
//! pace MODEL_DIR TASK.json THREADS      then a line on stdin for each time: `decode`, `learn` or `step`
//! ```
//!
//! Each line is answered by one on stdout: `{"seconds": …, "tokens": …}`, where tokens are those sampled by `decode` and `step` and those
//! learned from by `learn`. `step` is a whole step of GRPO: sample, reward, advantages, one update. Also good for a profiler:
//! `yes decode | head -50 | perf record pace …`.

use std::error::Error;
use std::fs::File;
use std::io::BufRead;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use model::TchLoader;
use rl::Batch;
use rl::LearnError;
use rl::Model;
use rl::ModelLoader;
use rl::Objective;
use rl::Row;
use rl::Sample;
use rl::Sampled;
use rl::Session;
use rl::settings::Device;
use serde::Deserialize;
use serde_json::json;
use sim::EpisodeId;
use sim::Phase;
use sim::Seat;

/// What is to be done each time, the same for both halves.
#[derive(Deserialize)]
struct Task {
    /// Token ids of the prompts of `decode` and `learn`, one for each row.
    prompts: Vec<Vec<u32>>,
    /// Token ids of the prompts of `step`, one for each group.
    group_prompts: Vec<Vec<u32>>,
    /// Rows of a group.
    group_size: usize,
    /// Tokens that each row samples; in `learn`, tokens after each prompt.
    new_tokens: u32,
    /// Learning rate, small enough to leave the model what it is.
    lr: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, task, threads] = words.as_slice() else { return Err("say `pace MODEL_DIR TASK.json THREADS`".into()) };
    let task: Task = serde_json::from_reader(File::open(task)?)?;
    let mut pace = Pace { model: open(Path::new(folder), threads)?, task, times: 0 };
    for line in std::io::stdin().lock().lines() {
        pace.times += 1;
        let start = Instant::now();
        let tokens = match line?.as_str() {
            "decode" => pace.decode()?,
            "learn" => pace.learn()?,
            "step" => pace.step()?,
            other => return Err(format!("`{other}` is none of decode, learn, step").into()),
        };
        let answer = json!({ "seconds": start.elapsed().as_secs_f64(), "tokens": tokens });
        writeln!(std::io::stdout(), "{answer}")?;
    }
    Ok(())
}

/// The model with the quickstart's settings, but one update a step, as the other half has it.
fn open(folder: &Path, threads: &str) -> Result<Model, Box<dyn Error>> {
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/quickstart.toml");
    let overrides = [format!("limits.threads={threads}"), "grpo.minibatches=1".to_owned()];
    let (mut settings, _, _) = config::load_run(&quickstart, &overrides)?;
    settings.limits.device = Device::Cpu;
    Ok(TchLoader::default().open(folder, Some(&settings), Seat::Agent)?)
}

struct Pace {
    model: Model,
    task: Task,
    /// How often it was asked: where the tokens are drawn.
    times: u64,
}

impl Pace {
    fn decode(&mut self) -> Result<usize, Box<dyn Error>> {
        let prompts = self.task.prompts.clone();
        Ok(self.sample(&prompts)?.iter().map(|sampled| sampled.tokens.len()).sum())
    }

    /// An update on whole streams, every token but the first a loss token: what a plain training loop does.
    fn learn(&mut self) -> Result<usize, Box<dyn Error>> {
        let samples: Vec<Sample> = self.task.prompts.iter().map(|prompt| self.lesson(prompt)).collect();
        let tokens = samples.iter().map(|sample| sample.tokens.len()).sum();
        self.update(Objective::Sft, samples)?;
        Ok(tokens)
    }

    /// The prompt, and then as much of it again as would be sampled.
    fn lesson(&self, prompt: &[u32]) -> Sample {
        let len = prompt.len() + self.task.new_tokens as usize;
        let mut weights = vec![1.0; len];
        weights[0] = 0.0;
        Sample {
            tokens: prompt.iter().copied().cycle().take(len).collect(),
            weights,
            temperature: 1.0,
            ..Sample::default()
        }
    }

    fn step(&mut self) -> Result<usize, Box<dyn Error>> {
        let size = self.task.group_size;
        let prompts: Vec<Vec<u32>> =
            self.task.group_prompts.iter().flat_map(|prompt| std::iter::repeat_n(prompt.clone(), size)).collect();
        let sampled = self.sample(&prompts)?;
        let rewards: Vec<f64> = sampled.iter().map(|sampled| reward(&sampled.tokens)).collect();
        let advantages = rewards.chunks(size).flat_map(advantages);
        let samples = prompts.iter().zip(&sampled).zip(advantages).map(|((p, s), a)| sample(p, s, a)).collect();
        self.update(Objective::Grpo, samples)?;
        Ok(sampled.iter().map(|sampled| sampled.tokens.len()).sum())
    }

    fn sample(&mut self, prompts: &[Vec<u32>]) -> Result<Vec<Sampled>, Box<dyn Error>> {
        let rows: Vec<Row> = prompts.iter().zip(1..).map(|(prompt, member)| self.row(prompt, member)).collect();
        let sessions: Vec<Session> = rows.iter().map(|row| row.session).collect();
        let (reply, answer) = std::sync::mpsc::channel();
        self.model.policy.submit(rows, Box::new(move |sampled| drop(reply.send(sampled))));
        let sampled = answer.recv()?.into_iter().collect::<Result<_, _>>()?;
        self.model.policy.forget(&sessions);
        Ok(sampled)
    }

    fn row(&self, prompt: &[u32], member: u32) -> Row {
        let episode = EpisodeId { phase: Phase::Grpo, round: self.times, group: 0, trial: 0, member };
        Row {
            session: Session { episode, seat: Seat::Agent },
            stream: prompt.to_vec(),
            address: episode.address(1).member(member),
            turn: 0,
            tokens_max: self.task.new_tokens,
            temperature: 1.0,
            filter: rl::Filter::default(),
            greedy: false,
        }
    }

    fn update(&mut self, objective: Objective, samples: Vec<Sample>) -> Result<(), LearnError> {
        let weights = self.model.policy.lend().expect("a local policy has weights, and they are home");
        let batch = Batch { objective, lr: self.task.lr, samples };
        let (weights, outcome) = self.model.learner.update(weights, &batch);
        self.model.policy.load(weights);
        outcome.map(drop)
    }
}

/// The share of even ids: any reward will do that differs between the rows of a group.
fn reward(tokens: &[u32]) -> f64 {
    tokens.iter().filter(|id| **id % 2 == 0).count() as f64 / tokens.len() as f64
}

/// Rewards of a group, centred and divided by their deviation.
fn advantages(rewards: &[f64]) -> Vec<f64> {
    let count = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / count;
    let deviation = (rewards.iter().map(|reward| (reward - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    rewards.iter().map(|reward| (reward - mean) / (deviation + 1e-4)).collect()
}

/// A prompt that is shown and tokens that are learned from.
fn sample(prompt: &[u32], sampled: &Sampled, advantage: f64) -> Sample {
    let own = sampled.tokens.len();
    let behind = |own: Vec<f32>| [vec![0.0; prompt.len()], own].concat();
    Sample {
        episode: None,
        tokens: [prompt, &sampled.tokens].concat(),
        weights: behind(vec![1.0; own]),
        advantages: behind(vec![advantage as f32; own]),
        logprobs: behind(sampled.logprobs.clone()),
        versions: [vec![0; prompt.len()], vec![sampled.version; own]].concat(),
        thought: vec![false; prompt.len() + own],
        temperature: 1.0,
    }
}
