//! Judges by a rubric, through the whole program: asked of a server, recorded, replayed; who judges training, and who its evaluation.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::program::root;
use crate::remote::with_server;
use crate::server::Does;
use crate::server::Server;
use crate::training::scratch;

/// Bargaining with two judges and one gold case, of which `judge.consistency` has five levels and trains, `judge.strategy` four and does not.
const FILE: &str = "crates/config/tests/judged.toml";

/// Judges everything alike: level 4 and level 4, with the first words that were said.
pub fn opinion(messages: &Value) -> String {
    let case = messages.as_array().and_then(|all| all.last()).expect("there is a question");
    let text = case["content"].as_str().expect("it is text");
    let quote = text.lines().find_map(|line| line.strip_prefix("Said 0: ")).expect("somebody spoke");
    let of = |level| json!({ "level": level, "quote": quote });
    json!({ "consistency": of(4), "strategy": of(4) }).to_string()
}

fn metric(result: &Value, name: &str) -> Option<f64> {
    result["runs"][0]["metrics"][name]["mean"].as_f64()
}

#[test]
fn what_judges_say_is_measured_recorded_and_no_score() {
    let server = Server::start(|messages, _, _| Does::Say(opinion(messages)));
    let scratch = scratch();
    let recording = scratch.path().join("run.jsonl");
    let eval = format!("eval {FILE} --limit 6 --user rule --json");
    let said = finish(with_server(&server, &format!("{eval} --remote-record {}", recording.display()))).done();
    let result: Value = serde_json::from_str(&said).expect("it is JSON");
    // Level 4 of 5 is ¾, level 4 of 4 is 1; both judges say so, and the gold case is just so.
    assert_eq!(metric(&result, "user/judge.consistency"), Some(0.75));
    assert_eq!(metric(&result, "user/judge.strategy"), Some(1.0));
    assert_eq!(metric(&result, "user/judge.disagreement"), Some(0.0));
    assert_eq!(result["judges"]["judged"]["judge/drift"], json!(0.0));
    assert_eq!(result["judges"]["judged"]["judge/drift_alarm"], json!(0.0));
    let requests = server.requests();
    // Two judges, six talks that may be alike, and the gold case for those who play and for those who measure.
    assert!(requests > 2 && requests <= 2 * 6 + 4, "{requests}");
    let mut again = command(&format!("{eval} --remote-replay {}", recording.display()).split(' ').collect::<Vec<_>>());
    again.env_remove("OPENAI_BASE_URL").env_remove("OPENAI_API_KEY");
    let again: Value = serde_json::from_str(&finish(again).done()).expect("it is JSON");
    assert_eq!((&again["runs"], &again["judges"]), (&result["runs"], &result["judges"]));
    assert_eq!(server.requests(), requests, "nobody was asked");
}

#[test]
fn a_judge_that_cannot_be_read_scores_nobody() {
    let server = Server::start(|_, _, _| Does::Say("Splendid, ten of ten.".to_owned()));
    let eval = format!("eval {FILE} --limit 4 --user rule --json --remote-attempts 2 --remote-backoff-ms 1");
    let result: Value = serde_json::from_str(&finish(with_server(&server, &eval)).done()).expect("it is JSON");
    let row = &result["runs"][0];
    assert_eq!(
        (&row["scored"], &row["faults"]["judge"], &row["metrics"]["score"]),
        (&json!(0), &json!(4), &Value::Null)
    );
    assert_eq!(result["judges"]["judged"]["judge/drift"], Value::Null);
}

/// A run that trains the user alone under the file's panel, with these lines for its evaluation.
fn run_file(folder: &Path, eval: &str) -> String {
    let scenario = root().join(FILE);
    let text = format!(
        "scenario = \"{}\"\n[eval]\nitems = 2\nevery = 2\n{eval}[sft]\ndialogues = 40\nupdates = 6\ntokens_per_update = 400\nwarmup = 2\nprobe_min = 0.0\n\
         [grpo]\nmode = \"user\"\nsteps = 2\ngroup_size = 3\ngroup_valid_min = 2\nminibatches = 1\ngroups = {{ fixed = 1 }}\n",
        scenario.display()
    );
    let file = folder.join("small.toml");
    fs::write(&file, text).expect("the place is ours");
    file.display().to_string()
}

#[test]
fn one_judge_trains_another_measures_and_both_are_watched() {
    let server = Server::start(|messages, _, _| Does::Say(opinion(messages)));
    let scratch = scratch();
    let file = run_file(scratch.path(), "judge = \"openai:third\"\njudge_family = \"gamma\"\n");
    let out = scratch.path().join("out");
    let plan = duologue(&["plan", &file]).done();
    assert!(
        plan.contains("reward = well_formed x (score + 0.1 x judge.consistency) where that sum is above 0"),
        "{plan}"
    );
    finish(with_server(&server, &format!("train {file} --out {}", out.display()))).done();
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("it was written");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let evals: Vec<&Value> = lines.iter().filter(|line| line["phase"] == "eval").collect();
    assert!(!evals.is_empty());
    for line in evals {
        for name in ["judge/drift", "judge/drift_alarm", "judge/eval_drift", "judge/eval_drift_alarm"] {
            assert_eq!(line[name], json!(0.0), "{name}");
        }
    }
    let alone = run_file(scratch.path(), "");
    let out = scratch.path().join("alone");
    finish(with_server(&server, &format!("train {alone} --out {}", out.display()))).done();
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("it was written");
    for line in text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")) {
        if line["phase"] == "eval" {
            assert_eq!(line["user/judge.consistency"], Value::Null, "who judges training measures nothing");
        }
    }
}
