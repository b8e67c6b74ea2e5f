//! Several scenarios in one run: shares, numbers told apart, records that re-drive, the same end after a kill.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::killed::start_and_halt;
use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::root;
use crate::training::lines;
use crate::training::records;
use crate::training::same_outcome;
use crate::training::scratch;

const STEPS: u64 = 4;
/// What a model does in the middle of its steps: ten updates and an evaluation come before.
const HALTED_AT: u64 = 40;

/// Three groups of `telepathy` for one of `intention`, in a run file of our own.
fn run_file(folder: &Path) -> String {
    let scenarios = root().join("scenarios/userrl").display().to_string();
    let text = format!(
        r#"
        mix = [
            {{ scenario = "{scenarios}/telepathy.toml", weight = 3.0 }},
            {{ scenario = "{scenarios}/intention.toml" }},
        ]
        sft = {{ dialogues = 40, updates = 10, tokens_per_update = 400, warmup = 2, probe_min = 0.0 }}
        grpo = {{ mode = "agent", steps = {STEPS}, group_size = 3, group_valid_min = 2, groups = {{ fixed = 4 }}, minibatches = 1 }}
        eval = {{ items = 3, every = 2 }}
        checkpoints = {{ sft_every = 5 }}
        "#
    );
    let file = folder.join("mixed.toml");
    fs::write(&file, text).expect("the place is ours");
    file.display().to_string()
}

fn train(file: &str, out: &Path, more: &[&str]) -> Said {
    let out = out.display().to_string();
    let mut arguments = vec!["train", file, "--out", &out];
    arguments.extend(more);
    duologue(&arguments)
}

#[test]
fn a_mixed_run_keeps_its_shares_tells_its_scenarios_apart_and_re_drives() {
    let folder = scratch();
    let out = folder.path().join("run");
    let said = train(&run_file(folder.path()), &out, &[]).done();
    assert!(said.contains("telepathy: agent against rule") && said.contains("intention: agent against rule"), "{said}");

    let numbers = ["telepathy", "intention"];
    let mut groups: BTreeMap<(u64, u32), u32> = BTreeMap::new();
    for record in records(&out) {
        assert_eq!(record.scenario, numbers[record.casting.scenario as usize]);
        if record.casting.learns.agent && record.casting.id.member == 1 {
            *groups.entry((record.casting.id.round, record.casting.scenario)).or_default() += 1;
        }
    }
    let shares: Vec<u32> = groups.into_values().collect();
    assert_eq!(shares, [3, 1].repeat(STEPS as usize));

    let lines = lines(&out.join("metrics.jsonl"));
    let text = |line: &Value, key: &str| line[key].as_str().map(str::to_owned);
    let evaluated: Vec<(u64, String)> = lines
        .iter()
        .filter(|line| line["phase"] == "eval")
        .map(|line| (line["step"].as_u64().unwrap(), text(line, "scenario").expect("a mix says where")))
        .collect();
    let wanted = [0, 2, 4].iter().flat_map(|step| numbers.map(|name| (*step, name.to_owned())));
    assert_eq!(evaluated, wanted.collect::<Vec<_>>());
    for line in lines.iter().filter(|line| line["phase"] == "grpo") {
        let number = |key: &str| line[key].as_f64().unwrap_or_else(|| panic!("{key} in {line}"));
        assert_eq!((number("telepathy/episodes"), number("intention/episodes"), number("episodes")), (9.0, 3.0, 12.0));
        // What only one gym knows is told of that gym alone, and of all together only what each has.
        assert!(
            line.get("intention/agent/questions").is_some() && line.get("telepathy/agent/questions").is_none(),
            "{line}"
        );
        assert!(line.get("agent/questions").is_none(), "{line}");
        let mean = (9.0 * number("telepathy/agent/score/mean") + 3.0 * number("intention/agent/score/mean")) / 12.0;
        assert!((number("agent/score/mean") - mean).abs() < 1e-9, "{line}");
    }

    let said = duologue(&["replay", &out.display().to_string()]).done();
    assert!(said.contains(" re-driven, 0 differ"), "{said}");
}

#[test]
fn a_mixed_run_that_was_stopped_comes_to_the_same_end() {
    let folder = scratch();
    let file = run_file(folder.path());
    let [whole, resumed] = ["whole", "resumed"].map(|name| folder.path().join(name));
    train(&file, &whole, &[]).done();
    let mut begun = command(&["train", &file, "--out", &resumed.display().to_string()]);
    let mut child = start_and_halt(&mut begun, HALTED_AT).expect("a whole run does more");
    child.kill().expect("it waits to be killed");
    child.wait().expect("it was killed");
    train(&file, &resumed, &["--resume"]).done();
    same_outcome(&whole, &resumed);
}
