//! `duologue selftest`: whether this machine computes what the recording machine computed, how fast it is, and whether it trains.
//!
//! ```text
//!  recorded.json, or --batch FILE ─> check ─> table      --pace ─> ceilings, pace ─> table      --train ─> `duologue train`
//!  --record FILE: the recording made anew, on the CPU
//! ```

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::anyhow;
use rl::LearnError;
use rl::ModelLoader;
use rl::Objective;
use rl::Selftest;
use rl::selftest::Ceilings;
use rl::selftest::Finding;
use rl::selftest::Load;
use rl::selftest::Machine;
use rl::selftest::Pace;
use rl::selftest::Recording;
use rl::selftest::Rule;
use rl::settings::Dtype;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::flags::RemoteFlags;
use crate::flags::SelftestFlags;
use crate::flags::TrainFlags;
use crate::stdout::say;
use crate::train;

/// What `selftest --record` wrote, on a CPU.
const RECORDED: &str = include_str!("selftest/recorded.json");

/// Presets that a batch is recorded under, and whether their bounds are narrower than what bf16 rounds to.
const PRESETS: [(&str, bool); 6] =
    [("quickstart", false), ("grpo", false), ("gspo", true), ("cispo", false), ("rloo", true), ("reinforce++", false)];

/// Imitation, whatever the preset.
const SFT: &str = "sft";

/// Columns of the table of checks, in order: what the recording has, and what the device is asked to agree with itself about.
const CHECKS: [&str; 6] = ["loss", "gradient", "greedy, recorded", "greedy", "sampled", "kept"];

/// Does what the flags say.
///
/// # Errors
/// [`Failure::Input`] if there is no such device, the recording cannot be read or this program has no tensors; [`Failure::Work`] if a check is out of
/// bounds, something asked for did not fit or training failed.
pub fn selftest(flags: SelftestFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let Some(tester) = loader.selftest() else {
        let hint = "use the `duologue` that `cargo build --release -p duologue` builds";
        return Err(Failure::input("selftest: this program computes without a tensor library", Some(hint)));
    };
    if let Some(file) = &flags.record {
        return record(file, tester);
    }
    let recording = recording(flags.batch.as_deref())?;
    let run = flags.train.as_deref().map(run_file).transpose()?;
    let threads = flags.threads as usize;
    let machine = tester.machine(flags.device.into(), threads).map_err(no_device)?;
    if !flags.json {
        say(headline(&machine, &recording))?;
    }
    let findings = tester.check(&machine, &recording, &rules()).map_err(|error| anyhow!(error))?;
    if !flags.json {
        table(&findings)?;
    }
    let (ceilings, paces, unfit) = if flags.pace { pace(&flags, tester, &machine)? } else { (None, vec![], vec![]) };
    if flags.json {
        let passed = findings.iter().all(Finding::passed);
        let checks: Vec<Value> = findings.iter().map(told).collect();
        let (made_with, unfit) = (recording.made_with.iter().cloned(), &unfit);
        say(json!({
            "machine": machine, "recorded_with": made_with.collect::<std::collections::BTreeMap<_, _>>(), "passed": passed,
            "checks": checks, "ceilings": ceilings, "pace": paces, "unfit": unfit,
        }))?;
    }
    verdict(&findings, &unfit)?;
    if !flags.json {
        say(format_args!("{} checks are within their bounds", findings.len()))?;
    }
    match run {
        None => Ok(()),
        Some(run) => train_there(&flags, run, loader),
    }
}

/// A recording made here, on the CPU, into a new or old file.
fn record(file: &Path, tester: &dyn Selftest) -> Result<(), Failure> {
    let recording = tester.record(&rules()).map_err(|error| anyhow!(error))?;
    let mut text = serde_json::to_string(&recording)?;
    // A line for each thing that can change by itself.
    for begin in ["{\"family\"", "{\"episode\"", "{\"rule\"", "{\"prompt\""] {
        text = text.replace(begin, &format!("\n{begin}"));
    }
    fs::write(file, text + "\n").map_err(|error| Failure::input(format!("{}: {error}", file.display()), None))?;
    let steps: usize = recording.models.iter().map(|model| model.steps.len()).sum();
    Ok(say(format_args!("{}: {steps} gradients of {} models", file.display(), recording.models.len()))?)
}

fn recording(given: Option<&Path>) -> Result<Recording, Failure> {
    let Some(path) = given else {
        return Ok(serde_json::from_str(RECORDED).expect("the recording was written by this program"));
    };
    let wrong = |what: String| {
        Failure::input(format!("{}: {what}", path.display()), Some("`duologue selftest --record FILE` writes one"))
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("it is no recording: {error}")))
}

/// What a batch is recorded under.
fn rules() -> Vec<Rule> {
    let settings = |name: &str| config::preset(name).expect("there is such a preset");
    let played = |(name, sharp): (&str, bool)| {
        let objective = Objective::Grpo;
        Rule { name: name.to_owned(), objective, settings: settings(name), sharp }
    };
    let imitated =
        Rule { name: SFT.to_owned(), objective: Objective::Sft, settings: settings("quickstart"), sharp: false };
    std::iter::once(imitated).chain(PRESETS.map(played)).collect()
}

fn no_device(error: LearnError) -> Failure {
    let hint = "test the CPU with `--device cpu`, or set LIBTORCH to a libtorch 2.11 with CUDA where there is a GPU";
    match error {
        LearnError::Model(why) => Failure::input(why, Some(hint)),
        other => Failure::input(other, Some(hint)),
    }
}

fn headline(machine: &Machine, recording: &Recording) -> String {
    let name = machine.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let by: Vec<String> = recording.made_with.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("on {}{name}, {} threads; recorded with {}\n", machine.device, machine.threads, by.join(", "))
}

fn told(finding: &Finding) -> Value {
    let mut told = json!(finding);
    told["passed"] = finding.passed().into();
    told
}

/// The largest distance of each model in each check, over all rules; what is out of bounds is marked.
fn table(findings: &[Finding]) -> std::io::Result<()> {
    let mut models: Vec<&str> = findings.iter().map(|finding| finding.model.as_str()).collect();
    models.sort_by_key(|model| findings.iter().position(|finding| finding.model == **model));
    models.dedup();
    let heads: Vec<String> = CHECKS.iter().map(|check| format!("{check:>17}")).collect();
    say(format_args!("{:<26}{}", "largest distance", heads.concat()))?;
    for model in models {
        let cell = |check: &&str| {
            let own: Vec<&Finding> =
                findings.iter().filter(|finding| finding.model == model && finding.check == *check).collect();
            let failed = own.iter().find(|finding| !finding.passed());
            let worst = own.iter().max_by(|a, b| a.distance.total_cmp(&b.distance));
            let mark = if failed.is_some() { "!" } else { " " };
            let text = failed.or(worst).map_or("-".to_owned(), |finding| format!("{:.1e}", finding.distance));
            format!("{text:>16}{mark}")
        };
        let cells: Vec<String> = CHECKS.iter().map(cell).collect();
        say(format_args!("{model:<26}{}", cells.concat().trim_end()))?;
    }
    let bounds = [rl::selftest::BOUND_F32, rl::selftest::BOUND_BF16, rl::selftest::TIE];
    say(format_args!(
        "bounds: {:.0e} in f32, {:.0e} over bf16, {:.0e} for greedy tokens in f32\n",
        bounds[0], bounds[1], bounds[2]
    ))
}

/// Error if a check is out of bounds or a load did not fit.
fn verdict(findings: &[Finding], unfit: &[Value]) -> Result<(), Failure> {
    let out: Vec<&Finding> = findings.iter().filter(|finding| !finding.passed()).collect();
    for Finding { check, model, rule, distance, bound } in &out {
        let rule = if rule.is_empty() { String::new() } else { format!(", {rule}") };
        eprintln!("out of bounds: {model}{rule}: {check}: {distance:.2e} is not within {bound:.0e}");
    }
    if !out.is_empty() {
        let hint = "numbers differ by more than rounding: docs/GPU.md says what each check compares";
        return Err(Failure::work(anyhow!("{} of {} checks are out of bounds", out.len(), findings.len()), hint));
    }
    if findings.is_empty() {
        return Err(Failure::input("the recording has nothing to compare", Some("record one with --record FILE")));
    }
    if let Some(first) = unfit.first() {
        let hint = "take a smaller --shape, fewer --rows or a shorter --prompt";
        let what = format!("{} {} was not measured: {}", first["shape"], first["dtype"], first["why"]);
        return Err(Failure::work(anyhow!(what.replace('"', "")), hint));
    }
    Ok(())
}

/// Ceilings, what was measured, and what was not, with its reason.
type Measured = (Option<Ceilings>, Vec<Pace>, Vec<Value>);

fn pace(flags: &SelftestFlags, tester: &dyn Selftest, machine: &Machine) -> Result<Measured, Failure> {
    let ceilings = tester.ceilings(machine).map_err(|error| anyhow!(error))?;
    if !flags.json {
        say(format_args!(
            "ceilings: {} in f32, {} in bf16, {} of memory\n",
            tera(ceilings.matrix_f32, "FLOP/s"),
            tera(ceilings.matrix_bf16, "FLOP/s"),
            tera(ceilings.memory, "B/s")
        ))?;
        say(format_args!(
            "{:<12}{:>9}  {:<6}{:<15}{:>12}{:>14}{:>12}",
            "shape", "numbers", "in", "what", "tokens/s", "of matrices", "of memory"
        ))?;
    }
    let (mut paces, mut unfit) = (Vec::new(), Vec::new());
    for load in loads(flags, machine) {
        match tester.pace(machine, &load, &ceilings) {
            Ok(measured) => {
                if !flags.json {
                    measured.iter().try_for_each(|pace| say(line(pace)))?;
                }
                paces.extend(measured);
            }
            Err(error) => unfit.push(json!({ "shape": load.name, "dtype": load.dtype, "why": error.to_string() })),
        }
    }
    if !flags.json {
        say("")?;
    }
    Ok((Some(ceilings), paces, unfit))
}

/// Each shape in each type; where no type is given, f32, and on a GPU bf16 too.
fn loads(flags: &SelftestFlags, machine: &Machine) -> Vec<Load> {
    let given: Vec<Dtype> = flags.dtypes.iter().map(|dtype| (*dtype).into()).collect();
    let dtypes = match (given.is_empty(), machine.device.as_str()) {
        (false, _) => given,
        (true, "cpu") => vec![Dtype::F32],
        (true, _) => vec![Dtype::F32, Dtype::Bf16],
    };
    let shapes = if flags.shapes.is_empty() { vec!["quickstart".to_owned()] } else { flags.shapes.clone() };
    let load = |name: &String, dtype: Dtype| Load {
        name: name.clone(),
        shape: rl::selftest::shape(name).expect("clap lets no other name through"),
        dtype,
        rows: flags.rows as usize,
        prompt: flags.prompt as usize,
        tokens: flags.tokens as usize,
        settings: config::preset("quickstart").expect("there is such a preset"),
    };
    shapes.iter().flat_map(|name| dtypes.iter().map(move |dtype| load(name, *dtype))).collect()
}

fn line(pace: &Pace) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let dtype = match pace.dtype {
        Dtype::F32 => "f32",
        Dtype::Bf16 => "bf16",
    };
    format!(
        "{:<12}{:>7.1} M  {dtype:<6}{:<15}{:>12.0}{:>14}{:>12}",
        pace.shape,
        pace.parameters as f64 / 1e6,
        pace.what,
        pace.tokens_per_s,
        percent(pace.matrix_share),
        pace.memory_share.map_or("-".to_owned(), percent)
    )
}

fn tera(per_second: f64, unit: &str) -> String {
    format!("{:.3} T{unit}", per_second / 1e12)
}

/// A run file as it was named; or else beside the program, where a bundle has its own.
fn run_file(given: &Path) -> Result<PathBuf, Failure> {
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(given)));
    let found = [Some(given.to_owned()), beside].into_iter().flatten().find(|path| path.is_file());
    let hint = "name a run file: `--train configs/quickstart.toml`";
    found.ok_or_else(|| Failure::input(format!("{}: there is no such file", given.display()), Some(hint)))
}

/// The ordinary way.
fn train_there(flags: &SelftestFlags, run: PathBuf, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let device: rl::settings::Device = flags.device.into();
    let set = vec![format!("limits.device={}", json!(device))];
    let (out, remote) = (flags.out.clone(), RemoteFlags::default());
    let train = TrainFlags { run, resume: false, out, seed: None, set, cold_start: None, leashed: false, remote };
    crate::runtime()?.block_on(train::train(train, loader))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_of_the_recording_is_known_here() {
        let (recording, rules) = (recording(None).expect("it is built in"), rules());
        assert_eq!(recording.models.len(), 3);
        for model in &recording.models {
            assert!(model.steps.len() > 15 && !model.greedy.is_empty());
            for step in &model.steps {
                assert!(rules.iter().any(|rule| rule.name == step.rule), "{}", step.rule);
                assert!(step.norm > 1e-3, "a gradient of {} says nothing", step.norm);
            }
            for sample in &model.grpo {
                assert_eq!(sample.check(), Ok(()));
            }
        }
    }

    #[test]
    fn one_number_out_of_bounds_is_a_failure_of_the_work() {
        let finding = |distance| {
            let (model, rule) = ("qwen3, weights in f32".to_owned(), "gspo".to_owned());
            Finding { check: "loss", model, rule, distance, bound: 1e-3 }
        };
        assert!(verdict(&[finding(1e-4)], &[]).is_ok());
        let out = verdict(&[finding(1e-4), finding(f64::NAN)], &[]).expect_err("one is no number");
        assert!(out.to_string().starts_with("error: 1 of 2 checks are out of bounds\nhint: "), "{out}");
        assert!(matches!(out, Failure::Work { .. }));
        let unfit = json!({ "shape": "4b", "dtype": "f32", "why": "out of memory" });
        let out = verdict(&[finding(0.0)], &[unfit]).expect_err("something was not measured");
        assert!(out.to_string().starts_with("error: 4b f32 was not measured: out of memory\n"), "{out}");
        assert!(matches!(verdict(&[], &[]), Err(Failure::Input { .. })));
    }
}
