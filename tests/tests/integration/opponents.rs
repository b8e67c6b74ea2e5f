//! Whom a model meets, if not its gym's own fixed opponent: somebody elsewhere, a recording, a model that was trained before.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::Said;
use crate::program::duologue;
use crate::program::finish;
use crate::program::root;
use crate::remote::honest;
use crate::remote::with_server;
use crate::server::Does;
use crate::server::Server;
use crate::training::TRAINED;
use crate::training::contents;
use crate::training::copy_of_trained;
use crate::training::scratch;

/// A small run that trains the agent alone on UserRL's requests, with these lines on top.
fn run_file(folder: &Path, opponents: &str) -> PathBuf {
    let file = folder.join("small.toml");
    let scenario = root().join("scenarios/userrl/intention.toml");
    let text = format!(
        "scenario = \"{}\"\n{opponents}\nmodel.max_position_embeddings = 4096\neval = {{ items = 4, every = 2 }}\n\
         [sft]\nteacher = \"scripted:noisy\"\ndialogues = 40\nupdates = 8\ntokens_per_update = 400\nwarmup = 2\nprobe_min = 0.0\n\
         [grpo]\nmode = \"agent\"\nsteps = 3\ngroup_size = 3\ngroup_valid_min = 2\nminibatches = 1\ngroups = {{ fixed = 2 }}\n",
        scenario.display()
    );
    fs::write(&file, text).expect("the place is ours");
    file
}

fn honest_server() -> Server {
    Server::start(|messages, _, _| Does::Say(honest(messages)))
}

fn trained(server: &Server, file: &Path, out: &Path, more: &str) -> Said {
    finish(with_server(server, format!("train {} --out {} {more}", file.display(), out.display()).trim()))
}

/// The lines of `metrics.jsonl`, without the opponent's name.
fn metrics(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("it was written");
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).expect("a JSON object a line");
        line.as_object_mut().expect("an object").remove("opponent");
        line
    };
    text.lines().map(line).collect()
}

/// All files of the last checkpoint's models.
fn models(out: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    contents(&out.join("checkpoints/step-000003/agent")).into_iter().collect()
}

#[test]
fn an_agent_learns_from_a_user_elsewhere_and_the_same_from_its_recording() {
    let (server, scratch) = (honest_server(), scratch());
    let place = scratch.path();
    let [live, again, recording] = ["live", "again", "run.jsonl"].map(|name| place.join(name));
    let file = run_file(place, "opponents = { user = \"openai:judge\" }");
    let said = trained(&server, &file, &live, &format!("--remote-record {}", recording.display()));
    let requests = server.requests();
    assert!(said.stderr.contains("openai:judge: ") && requests > 50, "{requests}: {}", said.stderr);
    said.done();
    let lines = metrics(&live);
    assert!(lines.iter().any(|line| line["phase"] == "grpo" && line["agent/score/fixed"].is_number()));
    assert!(lines.iter().all(|line| line["drift"].as_f64().is_none_or(|drift| drift == 0.0)));

    let file = run_file(place, "opponents = { user = \"replay:run.jsonl\" }");
    trained(&server, &file, &again, "").done();
    assert_eq!(server.requests(), requests, "nobody was asked");
    assert_eq!(metrics(&live), metrics(&again));
    assert_eq!(models(&live), models(&again));
}

#[test]
fn a_plan_says_how_often_somebody_elsewhere_plays() {
    let scratch = scratch();
    let file = run_file(scratch.path(), "opponents = { user = \"openai:judge\" }");
    let said = duologue(&["plan", file.to_str().expect("we named it"), "--json"]).done();
    let plan: Value = serde_json::from_str(&said).expect("it is JSON");
    // Three steps of two groups of three; evaluations of 4 items after steps 0, 2 and 3.
    assert_eq!(plan["budget"]["elsewhere"], serde_json::json!({ "openai:judge": 3 * 2 * 3 + 3 * 4 }));
    let key = |name: &str| plan["keys"].as_array().expect("keys").iter().find(|key| key["key"] == name).cloned();
    assert_eq!(key("opponents.user").expect("it is one")["value"], "openai:judge");
    assert_eq!(key("opponents.agent").expect("it is one")["value"], Value::Null);
}

#[test]
fn a_run_whose_budget_is_spent_stops_and_goes_on_with_more() {
    let (server, scratch) = (honest_server(), scratch());
    let [whole, cut] = ["whole", "cut"].map(|name| scratch.path().join(name));
    let file = run_file(scratch.path(), "opponents = { user = \"openai:judge\" }");
    trained(&server, &file, &whole, "").done();
    // The evaluation before the first step has its answers, and the first step has none.
    let before = with_budget(&server, &file, &scratch.path().join("count"));
    let said = trained(&server, &file, &cut, &format!("--remote-calls {before}"));
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    for part in ["came to an end within the rules; the first: ", "calls is spent", "go on with --resume"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    trained(&server, &file, &cut, "--resume").done();
    assert_eq!(metrics(&whole), metrics(&cut));
    assert_eq!(models(&whole), models(&cut));
}

/// How many questions are asked before the first step.
fn with_budget(server: &Server, file: &Path, out: &Path) -> usize {
    let before = server.requests();
    trained(server, file, out, "--set grpo.steps=0").done();
    server.requests() - before
}

#[test]
fn a_model_that_was_trained_before_can_be_met_and_must_stay_what_it_was() {
    let scratch = scratch();
    let (_copy, user) = copy_of_trained();
    let out = scratch.path().join("out");
    let opponent = format!("opponents.user=model:{}", user.join("checkpoints/step-000003").display());
    let mut arguments = crate::training::arguments(&out, &["--set", &opponent]);
    let refs = |arguments: &[String]| duologue(arguments);
    refs(&arguments).done();
    let text = fs::read_to_string(out.join("metrics.jsonl")).expect("it was written");
    let met = text.lines().filter(|line| line.contains("model:user:") && line.contains("step-000003/user")).count();
    assert!(met >= 2, "{text}");
    // The frozen user's own weights are as they were.
    let of_user = |run: &Path| contents(&run.join("checkpoints/step-000003/user"));
    assert_eq!(of_user(&user), of_user(&TRAINED));

    arguments.push("--resume".to_owned());
    fs::write(user.join("checkpoints/step-000003/user/config.json"), "{}").expect("the place is ours");
    refs(&arguments).refused();
}
