//! How long a run takes, as an earlier run of the same config took: nothing is measured here, and nothing guessed.

use runs::Hash;
use runs::Manifest;
use runs::Metrics;
use runs::MetricsLine;
use runs::RunPaths;
use serde::Serialize;

use crate::manifest::hash_of_mix;
use crate::plan::budget::Budget;
use crate::setup::Setup;

/// Expected time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clock {
    /// Seconds; `None`: unknown. Setting up and committing are not counted.
    pub seconds: Option<f64>,
    /// The same by phase.
    pub phases: Vec<(&'static str, f64)>,
    /// Where the numbers come from, or why there are none.
    pub basis: String,
}

impl Clock {
    /// The time of a run, by the timings in the folder where it would lie.
    #[must_use]
    pub fn of(setup: &Setup, budget: &Budget) -> Clock {
        let unknown = |why: String| Clock {
            seconds: None,
            phases: Vec::new(),
            basis: format!("unknown: {why}; `duologue train` prints an ETA after the first steps"),
        };
        let paths = RunPaths::new(&setup.out);
        let folder = setup.out.display();
        let Ok(manifest) = Manifest::read(&paths.manifest()) else {
            return unknown(format!("no earlier run lies in {folder}"));
        };
        if !is_same(setup, &manifest) {
            return unknown(format!("the run in {folder} is of another config"));
        }
        let Ok(lines) = Metrics::read(&paths.timings()) else {
            return unknown(format!("{} cannot be read", paths.timings().display()));
        };
        let (sft, grpo) = (&setup.settings.sft, &setup.settings.grpo);
        let counts = [
            ("sft", "cold start", sft.updates),
            ("grpo", "grpo", grpo.steps),
            ("eval", "evaluation", budget.evaluations),
        ];
        let phase = |(phase, name, count): (&str, &'static str, u64)| {
            let each = mean_seconds(&lines, phase).or((count == 0).then_some(0.0));
            each.map(|each| (name, each * count as f64))
        };
        match counts.map(phase) {
            [Some(sft), Some(grpo), Some(eval)] => Clock {
                seconds: Some(sft.1 + grpo.1 + eval.1),
                phases: vec![sft, grpo, eval],
                basis: format!("by the run in {folder}, on {}", manifest.device),
            },
            _ => unknown(format!("the run in {folder} has not come to every phase")),
        }
    }
}

/// Whether a run is of this config and scenario, whatever its seed: another seed takes as long.
fn is_same(setup: &Setup, manifest: &Manifest) -> bool {
    let mut settings = setup.settings.clone();
    settings.seed = manifest.seed;
    let of = |hash: String| Hash::of_bytes(hash.as_bytes());
    manifest.config == of(config::hash(&settings)) && manifest.scenario == hash_of_mix(&setup.mix)
}

/// What a line of this phase took on the mean; `None` if there is none.
fn mean_seconds(lines: &[MetricsLine], phase: &str) -> Option<f64> {
    let of_phase = lines.iter().filter(|line| line.text("phase") == Some(phase));
    let seconds = |line: &MetricsLine| ["play_s", "update_s"].iter().filter_map(|name| line.number(name)).sum::<f64>();
    let taken: Vec<f64> = of_phase.map(seconds).collect();
    (!taken.is_empty()).then(|| taken.iter().sum::<f64>() / taken.len() as f64)
}
