//! The program looking at itself on this machine: see [`rl::selftest`] for what is compared and how.
//!
//! ```text
//!  subject   a small model of each family, drawn by address      samples   batches around what it says
//!  step      loss and gradient, through the learner              turns     sampled, greedy, gone on with
//!  speed     prefill, decode, train, beside the ceilings
//! ```

mod samples;
mod speed;
mod step;
mod subject;
mod turns;

use rl::LearnError;
use rl::ModelLoader;
use rl::selftest::Ceilings;
use rl::selftest::Finding;
use rl::selftest::Held;
use rl::selftest::Load;
use rl::selftest::Machine;
use rl::selftest::Pace;
use rl::selftest::RecordedModel;
use rl::selftest::RecordedStep;
use rl::selftest::Recording;
use rl::selftest::Rule;
use rl::selftest::Selftest;

use crate::TchLoader;
use crate::config::Family;
use crate::device::prepare;
use crate::guard::caught;
use subject::Subject;

impl Selftest for TchLoader {
    fn record(&self, rules: &[Rule]) -> Result<Recording, LearnError> {
        let device = caught(|| prepare(rl::settings::Device::Cpu, 1)).map_err(LearnError::Tensor)??;
        let models = Family::ALL.map(|family| caught(|| record(family, rules, device)).map_err(LearnError::Tensor)?);
        let known = |(name, _): &(String, String)| name == "libtorch" || name == "tch";
        let mut made_with: Vec<(String, String)> = self.describe().into_iter().filter(known).collect();
        made_with.push(("on".to_owned(), cpu_name().unwrap_or_else(|| std::env::consts::ARCH.to_owned())));
        Ok(Recording { made_with, models: models.into_iter().collect::<Result<_, _>>()? })
    }

    fn machine(&self, device: rl::settings::Device, threads: usize) -> Result<Machine, LearnError> {
        let device = caught(|| prepare(device, threads)).map_err(LearnError::Tensor)??;
        let (device, name) = match device {
            tch::Device::Cuda(index) => (format!("cuda:{index}"), gpu_name()),
            _ => ("cpu".to_owned(), cpu_name()),
        };
        Ok(Machine { device, name, threads })
    }

    fn check(&self, machine: &Machine, recording: &Recording, rules: &[Rule]) -> Result<Vec<Finding>, LearnError> {
        let device = device(machine);
        let mut findings = Vec::new();
        for recorded in &recording.models {
            let family = family(&recorded.family)?;
            for step in &recorded.steps {
                let known = rules.iter().find(|rule| rule.name == step.rule);
                let rule = known.ok_or_else(|| LearnError::Model(format!("there is no rule `{}`", step.rule)))?;
                let compared = caught(|| compare(family, recorded, step, rule, device));
                findings.extend(compared.map_err(LearnError::Tensor)??);
            }
            findings.extend(caught(|| turns::check(family, recorded, device)).map_err(LearnError::Tensor)??);
        }
        Ok(findings)
    }

    fn ceilings(&self, machine: &Machine) -> Result<Ceilings, LearnError> {
        caught(|| speed::ceilings(device(machine))).map_err(LearnError::Tensor)
    }

    fn pace(&self, machine: &Machine, load: &Load, ceilings: &Ceilings) -> Result<Vec<Pace>, LearnError> {
        caught(|| speed::pace(device(machine), load, ceilings)).map_err(LearnError::Tensor).flatten()
    }
}

/// Everything about one family.
fn record(family: Family, rules: &[Rule], device: tch::Device) -> Result<RecordedModel, LearnError> {
    let whole = Subject::new(family, Held::Weights, device)?;
    let adapted = Subject::new(family, Held::Adapter, device)?;
    let (sft, grpo) = samples::around(&[&whole.decoder, &adapted.decoder]);
    let greedy = turns::greedy(whole.decoder)?;
    let name = family.model_type().to_owned();
    let mut recorded = RecordedModel { family: name, sft, grpo, steps: Vec::new(), greedy };
    for (held, rule) in Held::ALL.into_iter().flat_map(|held| rules.iter().map(move |rule| (held, rule))) {
        if held == Held::AdapterOverBf16 && rule.sharp {
            continue;
        }
        let subject = Subject::new(family, held, device)?;
        let step::Step { loss, norm, gradient } = step::step(subject, rule, &recorded.batch(rule.objective))?.0;
        let gradient = gradient.into_iter().map(short).collect();
        recorded.steps.push(RecordedStep { rule: rule.name.clone(), held, loss, norm, gradient });
    }
    Ok(recorded)
}

/// Six digits are enough beside the bounds, and files stay small.
fn short(number: f32) -> f32 {
    format!("{number:.5e}").parse().expect("it was written from a number")
}

/// Loss and gradient beside those that were recorded.
fn compare(
    family: Family,
    recorded: &RecordedModel,
    step: &RecordedStep,
    rule: &Rule,
    device: tch::Device,
) -> Result<[Finding; 2], LearnError> {
    let subject = Subject::new(family, step.held, device)?;
    let (loss, gradient) = match step::step(subject, rule, &recorded.batch(rule.objective)) {
        Ok((now, shares)) => {
            let relative = (now.norm - step.norm).abs() / step.norm;
            let loss = (now.loss - step.loss).abs() / (1.0 + step.loss.abs());
            (loss, step::distance(&now.gradient, &step.gradient, &shares).max(relative))
        }
        Err(LearnError::NotFinite { .. }) => (f64::NAN, f64::NAN),
        Err(other) => return Err(other),
    };
    let model = format!("{}, {}", recorded.family, step.held.name());
    let finding = |check, distance| {
        let (model, rule) = (model.clone(), step.rule.clone());
        Finding { check, model, rule, distance, bound: step.held.bound() }
    };
    Ok([finding("loss", loss), finding("gradient", gradient)])
}

fn family(name: &str) -> Result<Family, LearnError> {
    let known = Family::ALL.into_iter().find(|family| family.model_type() == name);
    known.ok_or_else(|| LearnError::Model(format!("there is no family `{name}`")))
}

fn device(machine: &Machine) -> tch::Device {
    if machine.device == "cpu" { tch::Device::Cpu } else { tch::Device::Cuda(0) }
}

/// As NVIDIA's driver calls the first card.
fn gpu_name() -> Option<String> {
    let card = std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?.flatten().map(|entry| entry.path()).min()?;
    value(&std::fs::read_to_string(card.join("information")).ok()?, "Model")
}

/// As the kernel calls the first processor.
fn cpu_name() -> Option<String> {
    value(&std::fs::read_to_string("/proc/cpuinfo").ok()?, "model name")
}

/// What stands behind a name and a colon.
fn value(text: &str, name: &str) -> Option<String> {
    let pair = |line: &str| line.split_once(':').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    text.lines().filter_map(pair).find(|(key, _)| key == name).map(|(_, value)| value)
}
