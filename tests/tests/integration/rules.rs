//! Learning rules from the command line: what `plan` says of each, what a run of one logs, and what counts cannot learn by.

use std::fs;

use serde_json::Value;

use crate::program::duologue;
use crate::training::scratch;
use crate::training::train;

/// The quickstart's keys that stand in the way of another rule.
const BARE: [&str; 11] = [
    "grpo.normalize_std=",
    "grpo.std_over=",
    "grpo.std_eps=",
    "grpo.refills_max=",
    "grpo.clip_low=",
    "grpo.clip_high=",
    "grpo.dual_clip=",
    "grpo.kl_weight=",
    "grpo.minibatches=",
    "sft.dialogues=60",
    "name=rule",
];

/// What `plan` says of credit and loss.
fn words(more: &[&str]) -> String {
    let sets = BARE.iter().chain(more).flat_map(|set| ["--set", set]);
    let said = duologue(&["plan", "configs/quickstart.toml", "--json"].into_iter().chain(sets).collect::<Vec<_>>());
    let plan: Value = serde_json::from_str(&said.done()).expect("stdout is one JSON value");
    let lines = ["credit", "loss"].map(|part| plan["objectives"][part].as_array().expect("a list").clone());
    lines.concat().iter().map(|line| format!("{}\n", line.as_str().expect("words"))).collect()
}

#[test]
fn each_learning_rule_is_told_in_words() {
    let told = |preset: &str, wanted: &[&str]| {
        let words = words(&[&format!("preset={preset}")]);
        wanted.iter().for_each(|wanted| assert!(words.contains(wanted), "{preset}: {wanted}\n{words}"));
    };
    told("grpo", &["mean over trajectories of the mean over own tokens of L", "L + 0.04 (e^d - d - 1)"]);
    told("dr_grpo", &["z = (S - mean), over", "sum over own tokens of L / 256"]);
    told("dapo", &["clamp(q, 0.8, 1.28)", "up to 9 times a step", "tokens of a turn that was cut train nobody"]);
    told("gspo", &["q = geometric mean of p now / p when it was sampled", "clamp(q, 0.9997, 1.0004)"]);
    told("cispo", &["L = -A clamp(q, 0, 5) log p now, where the clamp has no gradient"]);
    told("rloo", &["the mean is that of the others of its group", "q = product of", "A - 0.03 (log p then"]);
    told("reinforce++", &["/ (std of the step + 0.0001)", "the mean is that of the step", "else it is skipped"]);
    told("ppo", &["/ (std of the step + 0.0001)", "the mean is that of its group", "clamp(q, 0.8, 1.2)"]);
    let words = words(&[
        "grpo.aggregation=normalize_then_sum",
        "grpo.overlong_penalty=0.5",
        "grpo.importance=sequence_mask",
        "grpo.entropy_weight=0.01",
    ]);
    for wanted in [
        "S by each term alone; z = sum of weight (S - mean) / (std + 0.05) over the terms",
        "a turn of more than 39 tokens loses up to 0.5, all of it from 48 on",
        "0 outside of [0, 2]",
        "q = p now / p before the update, as the learner computes it",
        "less 0.01 times the mean entropy of own tokens",
    ] {
        assert!(words.contains(wanted), "{wanted}\n{words}");
    }
}

/// The lines of GRPO of a small run with these settings.
fn lines(more: &[&str]) -> Vec<Value> {
    let place = scratch();
    let out = place.path().join("run");
    let sets: Vec<&str> = BARE[..4].iter().chain(more).flat_map(|set| ["--set", set]).collect();
    train(&out, &sets).done();
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("a run has metrics");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    lines.filter(|line| line["phase"] == "grpo").collect()
}

#[test]
fn against_the_step_no_group_is_lost_for_want_of_a_difference() {
    for line in lines(&["grpo.baseline=batch"]) {
        for seat in ["agent", "user"] {
            let count = |name: &str| line[format!("{seat}/{name}")].as_f64().expect(name);
            assert!(count("groups/no_variance") == 0.0 && count("samples") > 0.0, "{line}");
        }
    }
}

#[test]
fn terms_apart_and_filtered_turns_are_learned_from_and_counted() {
    for line in lines(&["grpo.aggregation=normalize_then_sum", "grpo.overlong_filter=true"]) {
        assert!(line["agent/turns_filtered"].as_f64().expect("it is on") >= 0.0, "{line}");
        assert!(line["agent/samples"].as_f64().expect("a count") > 0.0, "{line}");
    }
}

#[test]
fn what_counts_cannot_learn_by_is_refused_before_anything_is_played() {
    let place = scratch();
    for (set, key) in [("grpo.ratio=sequence", "grpo.ratio"), ("grpo.entropy_weight=0.1", "grpo.entropy_weight")] {
        let said = train(&place.path().join(key), &["--set", set]).failed(2);
        assert!(said.contains(&format!("counts cannot learn by this `{key}`")), "{said}");
    }
}
