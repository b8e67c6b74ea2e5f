//! `metrics.jsonl` and `timings.jsonl`: the contract; and the gate between cold start and reinforcement.

use std::fs;

use serde_json::Value;

use crate::training::STEPS;
use crate::training::TRAINED;
use crate::training::lines;
use crate::training::scratch;
use crate::training::train;

fn phase<'a>(lines: &'a [Value], phase: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["phase"] == phase).collect()
}

#[test]
fn each_step_is_one_flat_line() {
    let lines = lines(&TRAINED.join("metrics.jsonl"));
    for line in &lines {
        let line = line.as_object().expect("an object");
        assert!(line["step"].is_u64() && line["phase"].is_string());
        assert!(line.values().all(|value| !value.is_object() && !value.is_array()), "a flat object");
    }
    let steps: Vec<u64> = phase(&lines, "grpo").iter().filter_map(|line| line["step"].as_u64()).collect();
    assert_eq!(steps, (1..=STEPS).collect::<Vec<u64>>());
    for line in phase(&lines, "grpo") {
        for name in [
            "agent/reward/mean",
            "user/reward/mean",
            "agent/loss",
            "user/loss",
            "agent/malformed",
            "faults/infra",
            "lost",
        ] {
            assert!(line[name].is_number(), "{name} in {line}");
        }
    }
    assert!(!phase(&lines, "sft").is_empty());
    assert_eq!(lines.len(), phase(&lines, "sft").len() + phase(&lines, "grpo").len() + phase(&lines, "eval").len());
}

#[test]
fn both_seats_are_evaluated_against_fixed_opponents_before_the_first_step_on_the_way_and_at_the_end() {
    let lines = lines(&TRAINED.join("metrics.jsonl"));
    let row = |line: &&Value| {
        (
            line["step"].as_u64(),
            line["opponent"].as_str().map(str::to_owned),
            line["agent/score/mean"].is_number(),
            line["user/score/mean"].is_number(),
        )
    };
    let rows: Vec<_> = phase(&lines, "eval").iter().map(row).collect();
    let opponent = |name: &str| Some(name.to_owned());
    let both = [0, 2, 3].map(|step| {
        [(Some(step), opponent("rule"), true, false), (Some(step), opponent("scripted:trapper"), false, true)]
    });
    assert_eq!(rows, both.concat());
}

/// That no clock is in the metrics is held by the test that two runs write the same bytes; here, that the clock's readings are where they belong.
#[test]
fn what_comes_from_a_clock_has_its_own_file() {
    let timings = lines(&TRAINED.join("timings.jsonl"));
    for phase in ["sft", "grpo", "eval"] {
        let line =
            timings.iter().find(|line| line["phase"] == phase).unwrap_or_else(|| panic!("no timings of {phase}"));
        assert!(
            line.as_object().expect("an object").iter().any(|(key, value)| key.ends_with("_s") && value.is_number())
        );
    }
    let metrics = lines(&TRAINED.join("metrics.jsonl"));
    for key in metrics.iter().flat_map(|line| line.as_object().expect("an object").keys()) {
        assert!(
            !key.ends_with("_s") && !key.ends_with("_ms") && !key.contains("time") && !key.contains("second"),
            "{key}"
        );
    }
}

#[test]
fn a_cold_start_that_has_not_learned_enough_fails_with_one_and_says_what_to_do() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    let said = train(&out, &["--set", "sft.probe_min=1.0", "--set", "sft.updates=2"]).failed(1);
    let error = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{said}"));
    assert!(error.starts_with("error: the cold start has not learned enough: the agent answers "), "{error}");
    assert!(error.contains("sft.probe_min asks for 1"), "{error}");
    assert!(said.contains("\nhint: raise sft.updates and begin anew"), "{said}");
    let lines = fs::read_to_string(out.join("metrics.jsonl")).expect("what was measured is written down");
    assert!(lines.contains("agent/probe/look_up") && !lines.contains("\"grpo\""), "{lines}");
}

#[test]
fn one_seat_may_learn_alone() {
    for (mode, other) in [("agent", "user"), ("user", "agent")] {
        let scratch = scratch();
        let out = scratch.path().join("run");
        let few = ["--set", "sft.updates=4", "--set", "grpo.steps=1", "--set", "grpo.groups.mutual="];
        train(&out, &[&few[..], &["--set", &format!("grpo.mode={mode}")]].concat()).done();
        let checkpoint = out.join("checkpoints/step-000001");
        assert!(checkpoint.join(mode).join("counts.bin").exists());
        assert!(!checkpoint.join(other).join("counts.bin").exists());
        let lines = lines(&out.join("metrics.jsonl"));
        assert!(
            phase(&lines, "grpo")
                .iter()
                .all(|line| line[format!("{mode}/loss")].is_number() && line.get(format!("{other}/loss")).is_none())
        );
    }
}

#[test]
fn seats_may_take_turns() {
    let scratch = scratch();
    let out = scratch.path().join("run");
    let few = ["--set", "sft.updates=4", "--set", "grpo.mode=alternating", "--set", "grpo.agent_steps=2"];
    train(&out, &few).done();
    let lines = lines(&out.join("metrics.jsonl"));
    let learned = |line: &&Value| ["agent/loss", "user/loss"].map(|name| line.get(name).is_some());
    let learned: Vec<[bool; 2]> = phase(&lines, "grpo").iter().map(learned).collect();
    assert_eq!(learned, [[true, false], [true, false], [false, true]]);
}
