//! One set of weights for both seats, and samples of the cold start beside GRPO.

use std::fs;
use std::path::Path;

use runs::Checkpoint;
use runs::Checkpoints;
use runs::RunPaths;
use serde_json::Value;
use sim::Phase;
use sim::Seat;
use sim::seat::BOTH;

use crate::cotrain::grpo_lines;
use crate::cotrain::whole_and_resumed;
use crate::program::duologue;
use crate::training::STEPS;
use crate::training::contents;
use crate::training::lines;
use crate::training::records;
use crate::training::scratch;

fn latest(run: &Path) -> Checkpoint {
    let latest = Checkpoints::at(&RunPaths::new(run).checkpoints()).latest().expect("it can be read");
    latest.expect("the run has committed")
}

/// Names of metrics that only a learner tells.
const OF_LEARNERS: [&str; 2] = ["loss", "lr"];

#[test]
fn one_model_speaks_and_learns_for_both_seats_and_a_death_changes_nothing() {
    let scratch = scratch();
    let run = whole_and_resumed(scratch.path(), &["model.seats=one", "grpo.replay.share=0.5"]);
    let checkpoint = latest(&run);
    assert!(checkpoint.is_of_both());
    assert_eq!(checkpoint.seat_folder(Seat::Agent), checkpoint.seat_folder(Seat::User));
    assert_eq!(checkpoint.state.versions.agent, checkpoint.state.versions.user);
    // One update each of the cold start and of GRPO, not two.
    assert_eq!(checkpoint.state.versions.agent, 12 + STEPS);
    for record in records(&run) {
        let id = record.casting.id;
        for turn in &record.turns {
            let Some(said) = &turn.decision.generation else { continue };
            assert_eq!(said.policy, BOTH);
            if id.phase == Phase::Grpo {
                assert_eq!(said.version, 12 + id.round - 1, "{id}: both seats speak by the same weights");
            }
        }
    }
    for line in grpo_lines(&run) {
        for name in OF_LEARNERS {
            assert!(line[format!("{BOTH}/{name}")].is_number(), "{name}: {line}");
            assert!(Seat::ALL.iter().all(|seat| line.get(format!("{seat}/{name}")).is_none()), "{name}: {line}");
        }
        let own = Seat::ALL.map(|seat| {
            line[format!("{seat}/loss_tokens/thought")].as_f64().unwrap_or(0.0)
                + line[format!("{seat}/loss_tokens/reply")].as_f64().unwrap_or(0.0)
        });
        assert_eq!(line[format!("{BOTH}/loss_tokens")].as_f64(), Some(own[0] + own[1]), "{line}");
        assert!(Seat::ALL.iter().all(|seat| line[format!("{seat}/reward/mean")].is_number()), "{line}");
    }
    let manifest: Value = serde_json::from_slice(&fs::read(run.join("manifest.json")).expect("a run has one")).unwrap();
    assert_eq!(manifest["cold_start"]["agent"], manifest["cold_start"]["user"]);
    assert!(manifest["cold_start"]["user"].is_string());

    // The one folder plays at either seat, whether the checkpoint is named or it.
    let folder = format!("model:{}", checkpoint.folder.display());
    let inner = format!("model:{}", checkpoint.folder.join(BOTH).display());
    let play = |policy: &str, out: &str| {
        let out = scratch.path().join(out);
        let out = out.to_str().expect("we named it");
        duologue(&[
            "rollout",
            "scenarios/haggle.toml",
            "--episodes",
            "2",
            "--agent",
            policy,
            "--user",
            policy,
            "--out",
            out,
        ])
        .done();
        let turns = records(Path::new(out)).into_iter().flat_map(|record| record.turns);
        turns.map(|turn| turn.decision.generation.map(|said| said.tokens)).collect::<Vec<_>>()
    };
    let played = play(&folder, "by-checkpoint");
    assert!(!played.is_empty() && played.iter().all(Option::is_some));
    assert_eq!(played, play(&inner, "by-folder"));
}

#[test]
fn a_run_of_one_model_begins_with_one_and_hands_one_out() {
    let scratch = scratch();
    let run = scratch.path().join("run");
    crate::training::train(&run, &["--set", "model.seats=one", "--set", "grpo.steps=1"]).done();
    let checkpoint = latest(&run);
    let out = scratch.path().join("out");
    // Counts are no model in Hugging Face's form; which one it is about is what is asked here.
    let [run, out] = [&run, &out].map(|path| path.to_str().expect("we named it"));
    let said = duologue(&["export", run, "--format", "hf", "--out", out]).refused();
    assert!(said.contains("/both: there is no model.safetensors"), "{said}");
    let text = |from: &Path| {
        let from = from.display();
        let shape = ["hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"];
        let rest = ["intermediate_size", "tie_word_embeddings", "rope_theta", "rms_norm_eps", "vocab_max"];
        let unset = shape.into_iter().chain(rest).map(|key| format!("--set model.{key}="));
        let sets = unset.chain([format!("--set model.from={from}")]).collect::<Vec<_>>().join(" ");
        sets.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let plan = |from: &Path, more: &[&str]| {
        let mut arguments = vec!["plan".to_owned(), "configs/quickstart.toml".to_owned()];
        arguments.extend(text(from));
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        duologue(&arguments)
    };
    // Both modes may begin with it.
    let said = plan(&checkpoint.folder, &["--set", "model.seats=one"]).done();
    assert!(said.contains("  1 (both), "), "{said}");
    assert!(plan(&checkpoint.folder, &[]).done().contains("  2 (agent, user), "));
    // A checkpoint of two models is not one.
    let two = &*crate::training::TRAINED;
    let said = plan(&two.join("checkpoints/step-000003"), &["--set", "model.seats=one"]).refused();
    assert!(said.contains("model.seats: cannot be `one` here"), "{said}");
    plan(&two.join("checkpoints/step-000003/user"), &["--set", "model.seats=one"]).done();
}

#[test]
fn what_was_taught_is_learned_once_more_beside_grpo_and_a_death_changes_nothing() {
    let scratch = scratch();
    let run = whole_and_resumed(scratch.path(), &["grpo.replay.share=0.75", "grpo.replay.weight=0.5"]);
    for line in grpo_lines(&run) {
        for seat in Seat::ALL {
            let number = |name: &str| line[format!("{seat}/{name}")].as_f64();
            let Some(own) = number("loss_tokens") else { continue };
            // Three of four tokens are the cold start's; the partner's words count a fifth there.
            assert!(number("replay/tokens").expect("some were drawn") >= 3.0 * own, "{line}");
            assert!(number("replay/loss").expect("they have one") > 0.0, "{line}");
        }
    }
    assert!(
        lines(&run.join("metrics.jsonl"))
            .iter()
            .all(|line| line["phase"] != "sft" || line.get("agent/replay/loss").is_none())
    );
    let less = whole_and_resumed(&scratch.path().join("less"), &["grpo.replay.share=0.75", "grpo.replay.weight=0.1"]);
    let weights = |run: &Path, step: u64| contents(&run.join(format!("checkpoints/step-{step:06}/agent")));
    assert_eq!(weights(&run, 0), weights(&less, 0));
    assert_ne!(weights(&run, STEPS), weights(&less, STEPS), "the weight counts");
}
