//! The card that goes with an exported model: what it is, where it comes from, how to use it. No clock and no path of this machine in it,
//! so that equal exports are equal to the byte.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Context;
use runs::Checkpoint;
use runs::CheckpointId;
use runs::Hash;
use runs::Manifest;
use runs::Metrics;
use runs::RunPaths;
use runs::TrainPhase;
use serde_json::Value;
use sim::Seat;
use sim::seat::BOTH;

use crate::failure::Failure;
use crate::scenario_file;

/// Where a model comes from; `None` is not known.
#[derive(Debug, Default)]
pub(super) struct Origin {
    seat: Option<Seat>,
    /// Whether it speaks for the other seat too.
    is_of_both: bool,
    checkpoint: Option<CheckpointId>,
    /// Optimiser updates since the cold start began.
    updates: Option<u64>,
    /// Name of the run.
    run: Option<String>,
    scenario: Option<String>,
    /// Whether the seat writes a private thought before it speaks.
    reasons: Option<bool>,
    manifest: Option<Manifest>,
    /// Its last evaluation: the opponent, and the mean score.
    score: Option<(String, f64)>,
}

impl Origin {
    /// What the checkpoint and the run around it say. A checkpoint that was taken out of its run says less.
    ///
    /// # Errors
    /// [`Failure::Input`] if the run's manifest or metrics are damaged.
    pub(super) fn of(checkpoint: &Checkpoint, seat: Seat) -> Result<Origin, Failure> {
        let mut origin = Origin {
            seat: Some(seat),
            is_of_both: checkpoint.is_of_both(),
            checkpoint: Some(checkpoint.id),
            updates: Some(checkpoint.state.versions[seat]),
            run: field(&checkpoint.seat_folder(seat).join("duologue.json"), "name"),
            ..Origin::default()
        };
        let run = checkpoint.folder.ancestors().nth(2).map(RunPaths::new);
        let Some(run) = run.filter(|run| run.manifest().exists()) else {
            return Ok(origin);
        };
        let damaged = |error: anyhow::Error| Failure::input(format!("{error:#}"), Some("the run's folder is damaged"));
        origin.manifest = Some(Manifest::read(&run.manifest()).map_err(|error| damaged(error.into()))?);
        // A model of both has two scores, and they stand in the run's metrics.
        if !origin.is_of_both {
            origin.score = score(&run.metrics(), checkpoint.id, seat).map_err(damaged)?;
        }
        let scenarios = scenario_file::read(run.dir()).unwrap_or_default();
        let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        origin.scenario = (!names.is_empty()).then(|| names.join(", "));
        let reasons = scenarios.first().map(|scenario| Seat::ALL.map(|seat| scenario.seats[seat].reasons));
        let reasons = reasons.filter(|[agent, user]| !origin.is_of_both || agent == user);
        origin.reasons = reasons.map(|of| of[seat as usize]);
        Ok(origin)
    }
}

/// The seat's last evaluation at or before the checkpoint's step.
fn score(metrics: &Path, id: CheckpointId, seat: Seat) -> anyhow::Result<Option<(String, f64)>> {
    if id.phase == TrainPhase::Sft || !metrics.exists() {
        return Ok(None);
    }
    let name = format!("{seat}/score/mean");
    let lines = Metrics::read(metrics).context("metrics.jsonl")?;
    let at_step = lines.iter().filter(|line| line.text("phase") == Some("eval"));
    let at_step = at_step.filter(|line| line.number("step").is_some_and(|step| step == id.step as f64));
    let mut found = at_step.filter_map(|line| Some((line.text("opponent")?.to_owned(), line.number(&name)?)));
    Ok(found.next_back())
}

fn read(file: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn field(file: &Path, key: &str) -> Option<String> {
    read(file)?[key].as_str().map(str::to_owned)
}

/// The text of `README.md`. `numbers`: of the weights. `hashes`: of the files handed out, by name.
pub(super) fn card(origin: &Origin, numbers: u64, hashes: &[(&str, Hash)]) -> String {
    let head = "library_name: transformers\npipeline_tag: text-generation";
    page(origin, "hf", head, facts(origin, numbers), hashes) + &usage(origin)
}

/// The same of an adapter with so many numbers on `base`.
pub(super) fn adapter_card(origin: &Origin, base: &str, numbers: u64, hashes: &[(&str, Hash)]) -> String {
    let head = format!("library_name: peft\npipeline_tag: text-generation\nbase_model: {base}");
    let base = ("base".to_owned(), format!("`{base}`"));
    let facts = [facts(origin, numbers), vec![base]].concat();
    page(origin, "peft", &head, facts, hashes) + ADAPTER_USAGE
}

const ADAPTER_USAGE: &str = "\n## Use\n\n\
    ```python\n\
    from peft import AutoPeftModelForCausalLM\n\
    from transformers import AutoTokenizer\n\n\
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)\n\
    model = AutoPeftModelForCausalLM.from_pretrained(FOLDER)\n\
    ```\n\n\
    `adapter_config.json` says where the base lies: change `base_model_name_or_path` there if it moves.\n";

/// Everything above how it is used.
fn page(origin: &Origin, format: &str, head: &str, facts: Vec<(String, String)>, hashes: &[(&str, Hash)]) -> String {
    let title = match (origin.seat, &origin.run) {
        (Some(_), Some(run)) if origin.is_of_both => format!("{run}: both seats"),
        (Some(_), None) if origin.is_of_both => "Both seats".to_owned(),
        (Some(seat), Some(run)) => format!("{run}: the {seat}"),
        (Some(seat), None) => format!("The {seat}"),
        (None, _) => "A model".to_owned(),
    };
    let mut text = format!(
        "---\n{head}\ntags:\n- duologue\n---\n\n# {title}\n\n\
         Trained with Duologue, which co-trains an agent and a simulated user, and exported by `duologue export --format {format}`.\n\n\
         | | |\n|---|---|\n"
    );
    for (what, value) in facts {
        let _ = writeln!(text, "| {what} | {value} |");
    }
    for (name, hash) in hashes {
        let _ = writeln!(text, "| SHA-256 of `{name}` | `{hash}` |");
    }
    text
}

/// What is known, in words.
fn facts(origin: &Origin, numbers: u64) -> Vec<(String, String)> {
    let Origin { seat, is_of_both, checkpoint, updates, run, scenario, reasons: _, manifest, score } = origin;
    let fact = |what: &str, value: Option<String>| value.map(|value| (what.to_owned(), value));
    let of_manifest = |value: &dyn Fn(&Manifest) -> String| manifest.as_ref().map(value);
    let base = manifest.as_ref().zip(*seat).and_then(|(manifest, seat)| manifest.base[seat].as_ref());
    let cold_start = manifest.as_ref().zip(*seat).and_then(|(manifest, seat)| manifest.cold_start[seat].as_ref());
    let score = score.as_ref().map(|(opponent, mean)| format!("{mean:+.3} on held-out items against `{opponent}`"));
    let known = [
        fact("run", run.clone()),
        fact("scenario", scenario.clone()),
        fact("seat", seat.map(|seat| if *is_of_both { BOTH.to_owned() } else { seat.to_string() })),
        fact("checkpoint", checkpoint.map(|id| id.to_string())),
        fact("optimiser updates", updates.map(|updates| updates.to_string())),
        fact("mean score at that step", score),
        fact("parameters", Some(numbers.to_string())),
        fact("seed", of_manifest(&|manifest| manifest.seed.to_string())),
        fact("SHA-256 of the config", of_manifest(&|manifest| format!("`{}`", manifest.config))),
        fact("SHA-256 of the scenario", of_manifest(&|manifest| format!("`{}`", manifest.scenario))),
        fact("SHA-256 of the program that began the run", of_manifest(&|manifest| format!("`{}`", manifest.binary))),
        fact("SHA-256 of the folder that it began with", base.map(|hash| format!("`{hash}`"))),
        fact("SHA-256 of the cold start's weights", cold_start.map(|hash| format!("`{hash}`"))),
    ];
    known.into_iter().flatten().collect()
}

/// How to open it, and who speaks in which role.
fn usage(origin: &Origin) -> String {
    let thought = match origin.reasons {
        Some(true) => "It writes `<think>…</think>` first, which nobody else should be shown, then what it says.",
        Some(false) => "It writes what it says, and nothing before.",
        None => "It writes what it says, after `<think>…</think>` if its seat reasons.",
    };
    format!(
        "\n## Use\n\n\
         ```python\n\
         from transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
         tokenizer = AutoTokenizer.from_pretrained(FOLDER)\n\
         model = AutoModelForCausalLM.from_pretrained(FOLDER)\n\
         inputs = tokenizer.apply_chat_template(\n    \
             messages, add_generation_prompt=True, return_tensors=\"pt\", return_dict=True\n\
         )\n\
         print(tokenizer.decode(model.generate(**inputs, max_new_tokens=96)[0][inputs[\"input_ids\"].shape[1]:]))\n\
         ```\n\n\
         Roles are those it was trained with: `system` is its brief, `user` its partner in the talk, whichever seat that is, `tool` the \
         world, `assistant` itself. {thought}\n"
    )
}
