//! `function` here and in the release, on the same functions with the same acts, in turns: ours, theirs, ours, theirs.

use std::error::Error;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use sim::Scenario;
use sim::gyms::Rules;
use sim::gyms::function;
use sim::gyms::function::Item;
use sim::scenario::Split;

use crate::gauge::on_processors;
use crate::play;

/// Pairs that count; two before them warm up.
const PAIRS: usize = 7;
const WARM: usize = 2;
/// How often our half plays all functions for once of theirs: it would be over before it could be measured.
const OURS_TIMES: usize = 50;

/// An episode: the function's id, and what the agent says.
#[derive(Serialize)]
struct Plan {
    id: String,
    acts: Vec<String>,
}

/// What one half did.
#[derive(Deserialize)]
struct Lap {
    seconds: f64,
    /// Seconds of processor.
    spent: f64,
    steps: usize,
    /// The sum of all rewards: both must earn the same.
    reward: f64,
}

/// The same episodes in both; "not run" in place of theirs where there is no checkout of it.
pub fn compare() -> Result<Value, Box<dyn Error>> {
    let checkout = std::env::var_os("USERRL_DIR").map(PathBuf::from);
    let scenario = match &checkout {
        Some(folder) => published(folder)?,
        None => play::Gym::open("function")?.scenario,
    };
    let plans = plans(&scenario);
    let Some(folder) = checkout else {
        let laps = (0..WARM + PAIRS).map(|_| ours(&scenario, &plans)).skip(WARM).collect::<Vec<_>>();
        let why = "not run: USERRL_DIR names no checkout of UserRL";
        return Ok(json!({ "functions": plans.len(), "ours": pace(&laps), "theirs": why }));
    };
    let mut other = Theirs::open(&folder, &plans)?;
    let mut pairs = Vec::new();
    for _ in 0..WARM + PAIRS {
        pairs.push((ours(&scenario, &plans), other.lap()?));
    }
    let (ours, theirs): (Vec<Lap>, Vec<Lap>) = pairs.into_iter().skip(WARM).unzip();
    let mut ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| per(ours) / per(theirs)).collect();
    let ratio = crate::median(&mut ratios);
    if ours.iter().zip(&theirs).any(|(o, t)| (o.reward / OURS_TIMES as f64 - t.reward).abs() > 1e-6) {
        return Err("both halves were to earn the same and did not".into());
    }
    Ok(json!({
        "functions": plans.len(),
        "ours": pace(&ours),
        "theirs": pace(&theirs),
        "ratio": ratio,
        "ratio_range": [ratios.first(), ratios.last()],
    }))
}

/// Steps a second of processor.
fn per(lap: &Lap) -> f64 {
    lap.steps as f64 / lap.spent
}

fn pace(laps: &[Lap]) -> Value {
    let of = |pace: &dyn Fn(&Lap) -> f64| {
        let mut paces: Vec<f64> = laps.iter().map(pace).collect();
        crate::median(&mut paces).map(f64::round)
    };
    json!({ "steps_per_second": of(&|lap| lap.steps as f64 / lap.seconds), "steps_per_cpu_second": of(&per) })
}

/// Our gym with the release's functions.
fn published(folder: &Path) -> Result<Arc<Scenario>, Box<dyn Error>> {
    let file = find(&folder.join("gyms/FunctionGym"), "functions.json").ok_or("the checkout has no functions.json")?;
    let items: Vec<Item> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let mut scenario = function::example();
    scenario.items.train = items.len() as u32;
    scenario.items.held_out = items.len() as u32;
    let library = Arc::new(function::Library::new(items.clone(), items)?);
    scenario.rules = Rules::Function(function::Rules { tolerance: function::TOLERANCE, library });
    Ok(Arc::new(scenario))
}

/// A file of this name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let here = paths.iter().find(|path| path.file_name().is_some_and(|found| found == name)).cloned();
    here.or_else(|| paths.iter().filter(|path| path.is_dir()).find_map(|path| find(path, name)))
}

/// Looks the test up, tries five points, errs once and then is right: eight steps.
fn plans(scenario: &Scenario) -> Vec<Plan> {
    let Rules::Function(rules) = &scenario.rules else { unreachable!("it is this gym's scenario") };
    let plan = |entry: &Arc<function::Entry>| {
        let probes = (1..=5).map(|n| format!("[action] {} {} {} {}", n + 10, n + 1, 2 * n + 1, n + 2));
        let mut acts = vec!["[search] test".to_owned()];
        acts.extend(probes);
        acts.extend(["[answer] 123456.5".to_owned(), format!("[answer] {}", entry.item.expected_result)]);
        Plan { id: entry.item.id.clone(), acts }
    };
    rules.library.of(Split::HeldOut).iter().map(plan).collect()
}

fn ours(scenario: &Arc<Scenario>, plans: &[Plan]) -> Lap {
    let (clock, before) = (Instant::now(), on_processors());
    let (mut steps, mut reward) = (0, 0.0);
    for (item, plan) in std::iter::repeat_n(plans, OURS_TIMES).flat_map(|plans| (0..).zip(plans)) {
        let record = play::say(scenario, item, &plan.acts);
        steps += record.turns.len();
        reward += record.scores.agent.unwrap_or(0.0);
    }
    let seconds = clock.elapsed().as_secs_f64();
    let spent = before.zip(on_processors()).map_or(seconds, |(before, after)| (after - before).as_secs_f64());
    Lap { seconds, spent, steps, reward }
}

/// The release's half: a process that plays all functions once for each line it is sent.
struct Theirs {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
    _plans: tempfile::NamedTempFile,
}

impl Theirs {
    fn open(folder: &Path, plans: &[Plan]) -> Result<Theirs, Box<dyn Error>> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(serde_json::to_string(plans)?.as_bytes())?;
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("compare/function_gym.py");
        let mut command = Command::new(python);
        command.arg(script).arg(folder.join("gyms/FunctionGym")).arg(file.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("it has no stdout")?);
        Ok(Theirs { child, answers, _plans: file })
    }

    fn lap(&mut self) -> Result<Lap, Box<dyn Error>> {
        let stdin = self.child.stdin.as_mut().ok_or("it has no stdin")?;
        stdin.write_all(b"again\n")?;
        stdin.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            return Err(
                "UserRL's half ended; what it said is above (PYTHON names the interpreter that has its packages)"
                    .into(),
            );
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // Without its stdin it ends by itself.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
