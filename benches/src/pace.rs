//! Our half of `benches/compare/compare.py`: one model, asked again and again to do one thing, with the time it took.
//!
//! ```text
//! pace MODEL_DIR TASK.json THREADS KIND      KIND is decode, episodes, episodes-as-they-come, step, learn or memory
//! ```
//!
//! Then a line on stdin for each time, answered by one on stdout: `{"seconds": …, "tokens": …, "turns": …}`, where tokens are those sampled, or those
//! learned from by `learn`, and `turns` says for each turn and row how many tokens were kept from before, shown and sampled: what
//! `work.py` counts the work by. `memory` adds `"level"` and `"peak"` in bytes. The line `ceilings` is answered by what the machine can
//! do at best ([`ceiling::Ceilings`]). Also good for a profiler: `yes | head -50 | perf record pace … decode`.

mod ceiling;
mod footprint;

use std::error::Error;
use std::fs::File;
use std::io::BufRead;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::time::Instant;

use model::TchLoader;
use model::TchWeights;
use rl::Batch;
use rl::Model;
use rl::ModelLoader;
use rl::Objective;
use rl::Row;
use rl::Sample;
use rl::Sampled;
use rl::Session;
use rl::settings::Device;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use sim::EpisodeId;
use sim::Fault;
use sim::Phase;
use sim::Seat;

use crate::ceiling::Ceilings;
use crate::footprint::Footprint;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What is to be done each time, the same for both halves; `tasks.py` makes it, and leaves out what its kind has no use for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Task {
    /// Token ids of the prompts: one for each row, and in `step` one for each group.
    prompts: Vec<Vec<u32>>,
    /// Rows of a group.
    group_size: usize,
    /// Most tokens that a row samples in a turn.
    new_tokens: u32,
    /// Ids that close a turn; none: no row ends early.
    closing: Vec<u32>,
    /// Of each row and each of its turns, what is shown before it: `episodes`.
    shown: Vec<Vec<Vec<u32>>>,
    /// Whole streams, of which every token but the first is learned: `learn`.
    lessons: Vec<Vec<u32>>,
    /// What was sampled for each prompt: `memory`.
    completions: Vec<Vec<u32>>,
    /// Learning rate, small enough to leave the model what it is.
    lr: f64,
}

/// Of a row in a turn, the tokens that were kept from before, shown and sampled.
type Lengths = [usize; 3];

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, task, threads, kind] = words.as_slice() else {
        return Err("say `pace MODEL_DIR TASK.json THREADS KIND`".into());
    };
    let task: Task = serde_json::from_reader(File::open(task)?)?;
    let mut model = open(Path::new(folder), threads, matches!(kind.as_str(), "step" | "learn" | "memory"))?;
    model.policy.close_with(&task.closing);
    let mut pace = Pace { model, task, times: 0 };
    for line in std::io::stdin().lock().lines() {
        let answer = if line? == "ceilings" { pace.ceilings()? } else { pace.once(kind)? };
        writeln!(std::io::stdout(), "{answer}")?;
    }
    Ok(())
}

/// The model on its own, as an evaluation opens it; where it learns, with the quickstart's settings, but one update a step, as the other half has it.
fn open(folder: &Path, threads: &str, learns: bool) -> Outcome<Model> {
    if !learns {
        return Ok(TchLoader::new(Device::Cpu, threads.parse()?).open(folder, None, Seat::Agent)?);
    }
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
    fn once(&mut self, kind: &str) -> Outcome<Value> {
        self.times += 1;
        let start = Instant::now();
        let mut answer = match kind {
            "decode" => self.decode()?,
            "episodes" => self.episodes()?,
            "episodes-as-they-come" => self.episodes_as_they_come()?,
            "step" => self.step()?,
            "learn" => self.learn()?,
            "memory" => self.memory()?,
            other => return Err(format!("`{other}` is no kind").into()),
        };
        answer["seconds"] = start.elapsed().as_secs_f64().into();
        Ok(answer)
    }

    fn ceilings(&mut self) -> Outcome<Value> {
        let weights = self.model.policy.lend().expect("a local policy has weights, and they are home");
        let weights: Box<TchWeights> = weights.into_any().downcast().expect("the loader is the one with tch behind it");
        let ceilings = Ceilings::measure(&weights);
        self.model.policy.load(weights);
        Ok(serde_json::to_value(ceilings)?)
    }

    fn decode(&mut self) -> Outcome<Value> {
        let streams = self.task.prompts.clone();
        let sampled = self.sample(&streams, 0)?;
        self.forget(streams.len());
        let turn = streams.iter().zip(&sampled).map(|(stream, sampled)| [0, stream.len(), sampled.tokens.len()]);
        Ok(spoken(&[turn.collect()]))
    }

    /// All rows together, turn by turn: the policy keeps what it computed in the turns before.
    fn episodes(&mut self) -> Outcome<Value> {
        let shown = self.task.shown.clone();
        let mut streams = vec![Vec::new(); shown.len()];
        let mut turns: Vec<Vec<Lengths>> = Vec::new();
        for turn in 0..shown[0].len() {
            let kept: Vec<usize> = streams.iter().map(Vec::len).collect();
            streams.iter_mut().zip(&shown).for_each(|(stream, shown)| stream.extend(&shown[turn]));
            let sampled = self.sample(&streams, turn)?;
            let lengths = (0..streams.len()).map(|row| [kept[row], shown[row][turn].len(), sampled[row].tokens.len()]);
            turns.push(lengths.collect());
            streams.iter_mut().zip(sampled).for_each(|(stream, sampled)| stream.extend(sampled.tokens));
        }
        self.forget(streams.len());
        Ok(spoken(&turns))
    }

    /// Each row goes on with its next turn as soon as it has ended the last, whatever the others do: only for a policy that takes rows
    /// while it samples others. One that answers within `submit` samples them one by one.
    fn episodes_as_they_come(&mut self) -> Outcome<Value> {
        let shown = self.task.shown.clone();
        let mut streams: Vec<Vec<u32>> = shown.iter().map(|shown| shown[0].clone()).collect();
        let mut turns: Vec<Vec<Lengths>> = vec![Vec::new(); shown[0].len()];
        let mut turn_of = vec![0; shown.len()];
        let (reply, answers) = channel();
        (0..shown.len()).for_each(|row| self.ask(row, &streams[row], 0, &reply));
        for _ in 0..shown.len() * shown[0].len() {
            let (row, sampled): (usize, Result<Sampled, Fault>) = answers.recv()?;
            let (sampled, turn, new) = (sampled?.tokens, turn_of[row], shown[row][turn_of[row]].len());
            turns[turn].push([streams[row].len() - new, new, sampled.len()]);
            streams[row].extend(sampled);
            turn_of[row] += 1;
            if let Some(shown) = shown[row].get(turn_of[row]) {
                streams[row].extend(shown);
                self.ask(row, &streams[row], turn_of[row], &reply);
            }
        }
        self.forget(streams.len());
        Ok(spoken(&turns))
    }

    /// An update on whole streams, every token but the first a loss token: what a plain training loop does.
    fn learn(&mut self) -> Outcome<Value> {
        let samples: Vec<Sample> = self.task.lessons.iter().map(|lesson| imitated(lesson)).collect();
        let tokens: usize = samples.iter().map(|sample| sample.tokens.len()).sum();
        self.update(Objective::Sft, samples)?;
        Ok(json!({ "tokens": tokens }))
    }

    /// A whole step of GRPO: sample, reward, advantages, one update.
    fn step(&mut self) -> Outcome<Value> {
        let size = self.task.group_size;
        let rows = self.task.prompts.iter().flat_map(|prompt| std::iter::repeat_n(prompt.clone(), size));
        let prompts: Vec<Vec<u32>> = rows.collect();
        let sampled = self.sample(&prompts, 0)?;
        self.forget(prompts.len());
        let completions: Vec<Vec<u32>> = sampled.iter().map(|sampled| sampled.tokens.clone()).collect();
        let logprobs: Vec<Vec<f32>> = sampled.into_iter().map(|sampled| sampled.logprobs).collect();
        self.update(Objective::Grpo, samples(&prompts, &completions, &logprobs, size))?;
        // A prompt is shown once to its group.
        let length = |(row, tokens): (usize, &Vec<u32>)| match (row % size, prompts[row].len()) {
            (0, shown) => [0, shown, tokens.len()],
            (_, kept) => [kept, 0, tokens.len()],
        };
        Ok(spoken(&[completions.iter().enumerate().map(length).collect()]))
    }

    /// One update on what was sampled elsewhere, with what the process held before it and the most it ever held.
    fn memory(&mut self) -> Outcome<Value> {
        let held = || Footprint::measure().ok_or("/proc does not tell what this process holds");
        let Task { prompts, completions, group_size, .. } = &self.task;
        // As if drawn from equally likely tokens: what a fresh model is near.
        let logprobs: Vec<Vec<f32>> = completions.iter().map(|tokens| vec![-10.0; tokens.len()]).collect();
        let samples = samples(prompts, completions, &logprobs, *group_size);
        let tokens: usize = samples.iter().map(|sample| sample.tokens.len()).sum();
        let before = held()?;
        self.update(Objective::Grpo, samples)?;
        Ok(json!({ "tokens": tokens, "level": before.now, "peak": held()?.peak }))
    }

    /// One turn of all rows, which the policy has at once.
    fn sample(&mut self, streams: &[Vec<u32>], turn: usize) -> Outcome<Vec<Sampled>> {
        let rows = streams.iter().enumerate().map(|(row, stream)| self.row(row, stream, turn)).collect();
        let (reply, answer) = channel();
        self.model.policy.submit(rows, Box::new(move |sampled| drop(reply.send(sampled))));
        Ok(answer.recv()?.into_iter().collect::<Result<_, _>>()?)
    }

    /// One turn of one row; the answer says whose it is.
    fn ask(&mut self, row: usize, stream: &[u32], turn: usize, reply: &Sender<(usize, Result<Sampled, Fault>)>) {
        let (asked, reply) = (self.row(row, stream, turn), reply.clone());
        let answer = move |sampled: Vec<_>| sampled.into_iter().for_each(|sampled| drop(reply.send((row, sampled))));
        self.model.policy.submit(vec![asked], Box::new(answer));
    }

    fn session(&self, row: usize) -> Session {
        let member = u32::try_from(row + 1).expect("rows are few");
        let episode = EpisodeId { phase: Phase::Grpo, round: self.times, group: 0, trial: 0, member };
        Session { episode, seat: Seat::Agent, adapter: None }
    }

    fn row(&self, row: usize, stream: &[u32], turn: usize) -> Row {
        let session = self.session(row);
        Row {
            session,
            stream: stream.to_vec(),
            address: session.episode.address(1).member(session.episode.member),
            turn: u32::try_from(turn).expect("turns are few"),
            tokens_max: self.task.new_tokens,
            temperature: 1.0,
            filter: rl::Filter::default(),
            greedy: false,
        }
    }

    fn forget(&mut self, rows: usize) {
        let sessions: Vec<Session> = (0..rows).map(|row| self.session(row)).collect();
        self.model.policy.forget(&sessions);
    }

    fn update(&mut self, objective: Objective, samples: Vec<Sample>) -> Outcome<()> {
        let weights = self.model.policy.lend().expect("a local policy has weights, and they are home");
        let batch = Batch::new(objective, self.task.lr, samples);
        let (weights, outcome) = self.model.learner.update(weights, &batch);
        self.model.policy.load(weights);
        Ok(outcome.map(drop)?)
    }
}

/// What turns came to.
fn spoken(turns: &[Vec<Lengths>]) -> Value {
    let tokens: usize = turns.iter().flatten().map(|[_, _, sampled]| sampled).sum();
    json!({ "tokens": tokens, "turns": turns })
}

/// A stream of which every token but the first is a loss token.
fn imitated(tokens: &[u32]) -> Sample {
    let weights = (0..tokens.len()).map(|place| if place == 0 { 0.0 } else { 1.0 });
    Sample { tokens: tokens.to_vec(), weights: weights.collect(), temperature: 1.0, ..Sample::default() }
}

/// Rows of groups of this size, with advantages of their rewards.
fn samples(prompts: &[Vec<u32>], completions: &[Vec<u32>], logprobs: &[Vec<f32>], size: usize) -> Vec<Sample> {
    let rewards: Vec<f64> = completions.iter().map(|tokens| reward(tokens)).collect();
    let advantages: Vec<f64> = rewards.chunks(size).flat_map(advantages).collect();
    (0..prompts.len()).map(|row| sample(&prompts[row], &completions[row], &logprobs[row], advantages[row])).collect()
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
fn sample(prompt: &[u32], own: &[u32], logprobs: &[f32], advantage: f64) -> Sample {
    let behind = |own: Vec<f32>| [vec![0.0; prompt.len()], own].concat();
    Sample {
        episode: None,
        seat: None,
        tokens: [prompt, own].concat(),
        weights: behind(vec![1.0; own.len()]),
        advantages: behind(vec![advantage as f32; own.len()]),
        logprobs: behind(logprobs.to_vec()),
        versions: vec![0; prompt.len() + own.len()],
        thought: vec![false; prompt.len() + own.len()],
        temperature: 1.0,
    }
}
