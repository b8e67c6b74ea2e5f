//! Other people's models in a seat: a thousand episodes against a server that misbehaves in every way, budgets, recordings, and the key.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use serde_json::json;
use sim::EpisodeRecord;
use sim::FaultKind;
use sim::Party;
use sim::replay::redrive;

use crate::program::Said;
use crate::program::command;
use crate::program::finish;
use crate::program::root;
use crate::server::Does;
use crate::server::Server;
use crate::training::scratch;

const KEY: &str = "sk-canary-0123456789";
const SCENARIO: &str = "scenarios/userrl/intention.toml";

/// The program with a server of models; `arguments` are separated by spaces.
pub fn with_server(server: &Server, arguments: &str) -> Command {
    with_base(server.address(), arguments)
}

/// The same with a server at this address.
pub fn with_base(base: &str, arguments: &str) -> Command {
    let mut command = command(&arguments.split(' ').collect::<Vec<_>>());
    command.env("OPENAI_BASE_URL", base).env("OPENAI_API_KEY", KEY).env("NO_PROXY", "127.0.0.1");
    command
}

fn run(server: &Server, arguments: &str) -> Said {
    finish(with_server(server, arguments))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

/// What a user that answers honestly says: the first detail of the list, and that anything will do.
pub fn honest(messages: &Value) -> String {
    let asked = messages[1]["content"].as_str().expect("the question follows the part");
    match asked.find("What you have not been asked about yet:\n") {
        None => "As you like.".to_owned(),
        Some(at) => {
            let listed = asked[at..].lines().nth(1).expect("there is one left");
            let number: u32 = listed.split(':').next().and_then(|number| number.parse().ok()).expect("it is numbered");
            json!({ "is_task_related": true, "covered_detail_indices": [number] }).to_string()
        }
    }
}

/// FNV-1a: of the question alone.
pub fn number_of(messages: &Value) -> u64 {
    messages
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn send(status: &'static str, headers: &'static str, body: impl Into<String>) -> Does {
    Does::Send { status, headers, body: body.into() }
}

/// One way of misbehaving.
pub fn bad(way: u64, honest: &str) -> Does {
    let good = crate::server::completion(honest).to_string();
    match way % 10 {
        0 => send("429 Too Many Requests", "retry-after: 0\r\n", "slow down"),
        1 => send("429 Too Many Requests", "retry-after-ms: 3\r\n", "slow down"),
        2 => send("500 Internal Server Error", "", "oops"),
        3 => Does::Hang,
        4 => Does::Cut,
        5 => send("200 OK", "", &good[..good.len() / 2]),
        6 => send("200 OK", "", r#"{"choices":[{"message":{"content":["BAD"]}}]}"#),
        7 => send("200 OK", "", r#"{"choices":[]}"#),
        8 => send("200 OK", "", crate::server::completion(&"BAD ".repeat(2_500_000)).to_string()),
        _ => Does::Say("BAD is all I say".repeat(usize::from(honest.starts_with('{')))),
    }
}

/// Some questions are never answered well, some not at once; some answers are wrapped.
fn misbehaving() -> Server {
    Server::start(|messages, number, _| {
        let (honest, hash) = (honest(messages), number_of(messages));
        match (hash % 1000, number) {
            (0..30, _) => bad(hash / 1000, &honest),
            (30..300, 0) => bad(hash / 1000, &honest),
            (300..400, _) => Does::Say(format!("<think>BAD</think>\n```json\n{honest}\n```")),
            _ => Does::Say(honest),
        }
    })
}

fn records(stdout: &str) -> Vec<EpisodeRecord> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a record a line")).collect()
}

/// Nothing but what an honest user says has reached the world.
#[track_caller]
fn is_honest(record: &EpisodeRecord) {
    for answered in record.turns.iter().flat_map(|turn| &turn.answers) {
        let reply = &answered.answer.reply;
        assert!(!reply.contains("BAD"), "{}: {reply}", record.casting.id);
        assert!(answered.spoken == (reply == "As you like."), "{}: {reply}", record.casting.id);
    }
}

#[test]
fn a_thousand_episodes_with_a_server_that_misbehaves_are_scored_or_faulted_and_replay_alike() {
    let (server, scratch) = (misbehaving(), scratch());
    let recording = scratch.path().join("run.jsonl");
    let limits = "--remote-deadline-ms 600 --remote-attempts 3 --remote-backoff-ms 2 --remote-concurrency 64 --remote-calls 60000";
    let rollout = format!("rollout {SCENARIO} --episodes 1000 --json --agent random --user");
    let said = run(&server, &format!("{rollout} openai:judge {limits} --remote-record {}", path(&recording)));
    let (requests, stderr) = (server.requests(), said.stderr.clone());
    let first = records(&said.done());
    assert_eq!(first.len(), 1000);
    let scenario = std::sync::Arc::new(config::load_scenario(&root().join(SCENARIO)).expect("it is ours"));
    for record in &first {
        redrive(record, &scenario).expect("the record is whole");
        match &record.fault {
            None => {
                is_honest(record);
                assert!(record.stop.is_some() && record.scores.agent.is_some(), "{}", record.casting.id);
            }
            Some(fault) => {
                assert!([Party::User, Party::Infrastructure].contains(&fault.party), "{fault}");
                assert_eq!((record.stop, record.scores.agent, record.scores.user), (None, None, None));
                assert_eq!(record.verdict, None, "a fault is never scored, not even 0");
            }
        }
    }
    let kinds =
        |kind| first.iter().filter(|record| record.fault.as_ref().is_some_and(|fault| fault.kind == kind)).count();
    for kind in [FaultKind::Refused, FaultKind::Deadline, FaultKind::BadReply] {
        assert!(kinds(kind) > 0, "{kind:?} is not among them");
    }
    let scored = first.iter().filter(|record| record.scores.agent.is_some_and(|score| score > 0.0)).count();
    assert!((500..990).contains(&scored), "{scored} are scored");
    let calls = stderr.split_once("openai:judge: ").and_then(|(_, rest)| rest.split_once(" calls"));
    let calls: usize = calls.and_then(|(calls, _)| calls.parse().ok()).expect("the tally is told");
    assert!(requests <= calls && calls <= 60_000, "{requests} came of {calls} that were sent");

    let mut replay = command(&format!("{rollout} replay:{}", path(&recording)).split(' ').collect::<Vec<_>>());
    replay.env_remove("OPENAI_BASE_URL").env_remove("OPENAI_API_KEY");
    let mut again = records(&finish(replay).done());
    assert_eq!(server.requests(), requests, "nobody was asked");
    for (one, other) in first.iter().zip(&mut again) {
        other.casting.policies = one.casting.policies.clone();
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), again.len());
}

#[test]
fn a_budget_of_calls_holds_and_what_it_cuts_off_is_no_score() {
    let eval = format!("eval {SCENARIO} --limit 100 --user openai:judge --json");
    let whole = Server::start(|messages, _, _| Does::Say(honest(messages)));
    run(&whole, &eval).done();
    // All episodes play at once, so most of them end late: with a quarter less, some do not.
    let budget = whole.requests() * 3 / 4;
    let server = Server::start(|messages, _, _| Does::Say(honest(messages)));
    let said = run(&server, &format!("{eval} --remote-calls {budget}")).done();
    let result: Value = serde_json::from_str(&said).expect("it is JSON");
    assert_eq!((server.requests(), &result["remote"]["judge"]["calls"]), (budget, &json!(budget)));
    let (row, faults) = (&result["runs"][0], &result["runs"][0]["faults"]);
    let (scored, infra) = (row["scored"].as_u64().expect("a count"), faults["infra"].as_u64().expect("a count"));
    assert!(scored > 0 && infra > 0 && scored + infra == 100, "{scored} + {infra}");
    assert_eq!((&faults["user"], &faults["agent"]), (&json!(0), &json!(0)));
    assert!(row["metrics"]["score"]["mean"].as_f64().expect("some are scored") > 0.5, "zeros were mixed in");
}

#[test]
fn a_cache_answers_in_place_of_the_server() {
    let (server, scratch) = (Server::start(|messages, _, _| Does::Say(honest(messages))), scratch());
    let cache = scratch.path().join("cache.jsonl");
    let eval = format!("eval {SCENARIO} --limit 30 --user openai:judge --json --remote-cache {}", path(&cache));
    let first: Value = serde_json::from_str(&run(&server, &eval).done()).expect("it is JSON");
    let requests = server.requests();
    let again: Value = serde_json::from_str(&run(&server, &eval).done()).expect("it is JSON");
    assert_eq!(server.requests(), requests);
    assert_eq!(first["runs"], again["runs"]);
    assert_eq!(again["remote"]["judge"]["calls"], json!(0));
}

/// The flags by which a rollout writes every file it can.
pub fn all_that_is_written(folder: &Path) -> String {
    let [out, recording, cache] = ["out", "run.jsonl", "cache.jsonl"].map(|name| folder.join(name));
    format!("--out {} --remote-record {} --remote-cache {}", path(&out), path(&recording), path(&cache))
}

/// Runs such a rollout, which is told everything, to its end: the key is in nothing that it says or writes. What it says on stdout.
#[track_caller]
pub fn without_the_canary(mut rollout: Command, folder: &Path) -> String {
    rollout.env("RUST_LOG", "trace");
    let Said { stdout, stderr, code } = finish(rollout);
    assert_eq!(code, Some(0), "{stderr}");
    for (what, text) in [("stdout", &stdout), ("stderr", &stderr)] {
        assert!(!text.contains("canary"), "{what}");
    }
    for file in ["run.jsonl", "cache.jsonl", "out/scenario.json", "out/episodes/log.bin"] {
        let bytes = fs::read(folder.join(file)).expect("it was written");
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{file}");
    }
    stdout
}

#[test]
fn the_key_is_never_written_whatever_the_server_says() {
    let scratch = scratch();
    let server = Server::start(|messages, _, head| {
        let sent = head.lines().find_map(|line| line.to_ascii_lowercase().contains("bearer").then(|| line.to_owned()));
        let sent = sent.expect("the key was sent");
        assert!(sent.contains(KEY));
        match number_of(messages) % 3 {
            0 => send("401 Unauthorized", "", format!(r#"{{"error":{{"message":"wrong key: {sent}"}}}}"#)),
            _ if honest(messages).starts_with('{') => Does::Say(honest(messages)),
            _ => Does::Say(format!("<think>{sent}</think>As you like. {sent}")),
        }
    });
    let everything = all_that_is_written(scratch.path());
    let arguments = format!("rollout {SCENARIO} --episodes 20 --json -vv --user openai:judge {everything}");
    let stdout = without_the_canary(with_server(&server, &arguments), scratch.path());
    assert!(stdout.contains("[key]") && stdout.contains("wrong key"), "{stdout}");
}

#[test]
fn a_model_elsewhere_can_be_the_agent_and_its_words_are_its_own() {
    let server = Server::start(|messages, _, _| {
        let last = messages.as_array().and_then(|messages| messages.last()).expect("it was shown something");
        assert_eq!(last["role"], "user");
        match messages.as_array().map_or(0, Vec::len) {
            2 => Does::Say("<think>servings?</think>[action] The budget?".to_owned()),
            4 => Does::Say(String::new()),
            _ => Does::Say("[finish]".to_owned()),
        }
    });
    let said = run(&server, &format!("rollout {SCENARIO} --agent openai:helper --json")).done();
    let record = &records(&said)[0];
    assert_eq!(record.turns[0].decision.thought.as_deref(), Some("servings?"));
    assert!(record.turns[1].effect.as_ref().is_some_and(|effect| effect.malformed.is_some()), "silence is a bad act");
    assert_eq!((record.turns.len(), record.stop), (3, Some(sim::Stop::Terminated)));
    assert_eq!(record.fault, None);
}
