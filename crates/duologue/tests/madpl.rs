//! MADPL (arXiv:2004.03809) as a regression test, with libtorch: two small transformers learn to book from each other alone. What roles are worth is
//! asked by `configs/studies/madpl.toml`, over five seeds; this is one seed of it, cut short.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Less of everything: less than a minute of one core.
const SHORT: [&str; 9] = [
    "limits.device=cpu",
    "seed=12",
    "sft.dialogues=1500",
    "sft.updates=500",
    "grpo.steps=30",
    "eval.every=30",
    "eval.items=2",
    "checkpoints.sft_every=500",
    "checkpoints.grpo_every=30",
];

/// Runs the engine at the root of the checkout; gives what it said on stdout.
fn duologue(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package lies below the root");
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue-engine"));
    let output = command.current_dir(root).args(arguments).output().expect("the binary was built with the tests");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("all output is text")
}

/// A seat's mean score on 300 held-out items against its fixed opponent after the cold start and after the last step, each with its interval.
fn before_and_after(run: &Path, seat: &str) -> [(f64, [f64; 2]); 2] {
    let policies = ["step-000000", "step-000030"].map(|id| {
        let folder = run.join("checkpoints").join(id).join(seat);
        format!("model:{}", folder.display())
    });
    let flag = format!("--{seat}");
    let mut arguments = vec!["eval", "scenarios/booking.toml", "--limit", "300", "--json"];
    arguments.extend(policies.iter().flat_map(|policy| [flag.as_str(), policy]));
    arguments.extend(if seat == "agent" { ["--user", "rule"] } else { ["--agent", "rule"] });
    let said: Value = serde_json::from_str(&duologue(&arguments)).expect("stdout is one JSON value");
    [0, 1].map(|at| {
        let score = &said["runs"][at]["metrics"][format!("{seat}/score")];
        let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("no number in {score}"));
        (number(&score["mean"]), [0, 1].map(|end| number(&score["ci95"][end])))
    })
}

#[test]
fn madpl_both_seats_learn_from_each_other_on_a_cpu() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    let run = scratch.path().join("run");
    let mut train = vec!["train", "configs/madpl.toml", "--out", run.to_str().expect("we named it")];
    train.extend(SHORT.iter().flat_map(|set| ["--set", set]));
    duologue(&train);
    for seat in ["agent", "user"] {
        let [(before, [_, high]), (after, [low, _])] = before_and_after(&run, seat);
        // Intervals that do not touch: stricter than chance.
        assert!(low > high, "{seat}: {before}, at most {high}, and then {after}, at least {low}");
    }
}
