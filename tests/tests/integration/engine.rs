//! Searches in an engine outside: hundreds of episodes against one that misbehaves in every way, played again without it, and its key.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;
use sim::Addressee;
use sim::EpisodeRecord;
use sim::FaultKind;
use sim::Party;
use sim::replay::redrive;

use crate::program::Said;
use crate::program::command;
use crate::program::finish;
use crate::remote::all_that_is_written;
use crate::remote::without_the_canary;
use crate::server::Does;
use crate::server::Server;
use crate::training::scratch;

const HEADER: &str = "Authorization: Bearer canary-0123456789";
/// The answer to every question; it stands in what the engine finds, and in no question.
const ANSWER: &str = "Canaryton";
const QUESTIONS: usize = 60;
const LIMITS: &str =
    "--remote-deadline-ms 600 --remote-attempts 3 --remote-backoff-ms 2 --remote-concurrency 64 --remote-calls 20000";

/// A scenario in which this engine is searched, with questions that each have a word of their own.
fn scenario(folder: &Path, server: &Server) -> PathBuf {
    let question =
        |n| json!({ "id": format!("q{n}"), "question": format!("Where was Heron{n} born?"), "answer": ANSWER });
    let questions = Value::Array((0..QUESTIONS).map(question).collect());
    fs::write(folder.join("questions.json"), questions.to_string()).expect("the place is ours");
    let path = folder.join("mine.toml");
    let text = format!(
        r#"
name = "mine"
turns_max = 8
agent = {{ policy = "random", tokens_max = 48 }}
user = {{ policy = "rule", tokens_max = 48 }}
reward = [
    {{ seat = "agent", name = "correct", kind = "outcome", weight = 1.0 }},
    {{ seat = "user", name = "answered", kind = "outcome", weight = 1.0 }},
]

[world]
gym = "search"
items = {{ train = "questions.json", held_out = "questions.json", keep_known = true }}
engine = "{}/search?q={{query}}&format=json"
"#,
        server.address()
    );
    fs::write(&path, text).expect("the place is ours");
    path
}

/// The program with a key for the engine; `arguments` are separated by spaces.
fn program(arguments: &str) -> Command {
    let mut command = command(&arguments.split(' ').collect::<Vec<_>>());
    command.env("NO_PROXY", "127.0.0.1").env("SEARCH_HEADER", HEADER);
    command.env_remove("OPENAI_BASE_URL").env_remove("OPENAI_API_KEY");
    command
}

fn run(arguments: &str) -> Said {
    finish(program(arguments))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

/// The words that a request looks up; they are sent escaped.
fn words(target: &Value) -> String {
    let target = target.as_str().expect("it has no body");
    let sent = target.strip_prefix("/v1/search?q=").and_then(|rest| rest.strip_suffix("&format=json"));
    sent.expect(target).to_owned()
}

/// What a good engine finds, in the form of one that there is.
fn found(words: &str) -> Value {
    if words == "was" {
        return json!({ "query": words, "results": [], "unresponsive_engines": [] });
    }
    let text = format!("{ANSWER} is where it was born.");
    let result = json!({ "title": format!("about {words}"), "content": text, "url": "http://a.example" });
    json!({ "query": words, "results": [result], "unresponsive_engines": [] })
}

fn send(status: &'static str, headers: &'static str, body: impl Into<String>) -> Does {
    Does::Send { status, headers, body: body.into() }
}

/// One way of misbehaving.
fn bad(way: usize, words: &str) -> Does {
    let good = found(words).to_string();
    match way % 10 {
        0 => send("429 Too Many Requests", "retry-after: 0\r\n", "slow down"),
        1 => send("429 Too Many Requests", "retry-after-ms: 3\r\n", "slow down"),
        2 => send("500 Internal Server Error", "", "oops"),
        3 => Does::Hang,
        4 => Does::Cut,
        5 => send("200 OK", "", &good[..good.len() / 2]),
        6 => send("200 OK", "", r#"{"error":"BAD"}"#),
        7 => send("200 OK", "", r#"{"results":["BAD"]}"#),
        8 => send("200 OK", "", json!([{ "title": "BAD ".repeat(2_500_000), "text": "" }]).to_string()),
        _ => send("302 Found", "location: http://127.0.0.1:9/\r\n", ""),
    }
}

/// The word of a question's own is badly answered: of every third question always, of the others at first. The rest is fine.
fn misbehaving() -> Server {
    Server::start(|target, number, _| {
        let words = words(target);
        let own = words.split_once("Heron").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
        let own: Option<usize> = own.flatten().and_then(|digits| digits.parse().ok());
        match own {
            Some(own) if own % 3 == 0 => bad(own / 3, &words),
            Some(own) if number == 0 && own / 3 % 10 != 9 => bad(own / 3, &words),
            _ => send("200 OK", "", found(&words).to_string()),
        }
    })
}

fn records(stdout: &str) -> Vec<EpisodeRecord> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a record a line")).collect()
}

#[test]
fn episodes_with_an_engine_that_misbehaves_are_scored_or_faulted_and_replay_alike() {
    let (server, scratch) = (misbehaving(), scratch());
    let (mine, recording) = (scenario(scratch.path(), &server), scratch.path().join("run.jsonl"));
    let rollout = format!("rollout {} --episodes 600 --items held-out --json", path(&mine));
    let said = run(&format!("{rollout} {LIMITS} --remote-record {}", path(&recording)));
    let (requests, stderr) = (server.requests(), said.stderr.clone());
    let stdout = said.done();
    let first = records(&stdout);
    assert_eq!(first.len(), 600);
    let scenario = Arc::new(config::load_scenario(&mine).expect("it is good"));
    for record in &first {
        redrive(record, &scenario).expect("nobody has to be asked again");
        match &record.fault {
            None => assert!(record.stop.is_some() && record.scores.agent.is_some(), "{}", record.casting.id),
            Some(fault) => {
                assert!([Party::Environment, Party::Infrastructure].contains(&fault.party), "{fault}");
                assert_eq!((record.stop, record.scores.agent, record.scores.user), (None, None, None));
                assert_eq!(record.verdict, None, "a fault is never scored, not even 0");
            }
        }
        for answered in record.turns.iter().flat_map(|turn| &turn.answers) {
            assert!(answered.seat == Addressee::Environment && !answered.answer.reply.contains("BAD"));
        }
    }
    let kinds: BTreeSet<FaultKind> = first.iter().filter_map(|record| Some(record.fault.as_ref()?.kind)).collect();
    assert_eq!(kinds, [FaultKind::Deadline, FaultKind::Refused, FaultKind::BadReply].into());
    let scored =
        |least: f64| first.iter().filter(|record| record.scores.agent.is_some_and(|score| score > least)).count();
    assert!(scored(0.0) > 100 && scored(-1.0) < 590, "{} of {} are right", scored(0.0), scored(-1.0));
    let told = stderr.split_once("/v1/search: ").and_then(|(_, rest)| rest.split_once(" calls"));
    let calls: usize = told.and_then(|(calls, _)| calls.parse().ok()).expect(&stderr);
    assert!(requests <= calls && calls <= 20_000, "{requests} came of {calls} that were sent");

    let again = run(&format!("{rollout} --remote-replay {}", path(&recording))).done();
    assert_eq!(server.requests(), requests, "nobody was asked");
    assert_eq!(again, stdout);
}

#[test]
fn no_more_than_the_agents_words_is_sent() {
    let (asked, scratch) = (Arc::new(Mutex::new(BTreeSet::new())), scratch());
    let all = Arc::clone(&asked);
    let server = Server::start(move |target, _, head| {
        all.lock().expect("no thread panics").insert(head.to_owned());
        send("200 OK", "", found(&words(target)).to_string())
    });
    let mine = scenario(scratch.path(), &server);
    let eval = format!("eval {} --agent random --agent scripted:good --json", path(&mine));
    let result: Value = serde_json::from_str(&run(&eval).done()).expect("it is JSON");
    let asked = asked.lock().expect("no thread panics").clone();
    assert!(asked.iter().all(|head| !head.contains("Canary") && head.starts_with("GET ")), "{asked:?}");
    assert!(asked.iter().any(|head| head.contains("q=Where%20was%20Heron7%20born%3F&")), "{asked:?}");
    let tally = &result["remote"][format!("{}/search", server.address())];
    assert_eq!(tally["calls"], json!(server.requests()), "{result}");
    assert_eq!(result["runs"][0]["faults"]["env"], json!(0));
    // A talk that was kept is played again without the engine.
    let out = scratch.path().join("out");
    run(&format!("rollout {} --agent scripted:good --episodes 3 --out {}", path(&mine), path(&out))).done();
    let requests = server.requests();
    assert_eq!(run(&format!("replay {}", path(&out))).done(), "3 episodes re-driven, 0 differ\n");
    assert_eq!(server.requests(), requests);
}

#[test]
fn the_headers_value_is_never_written_whatever_the_engine_says() {
    let scratch = scratch();
    let server = Server::start(|target, _, head| {
        let sent = head.lines().find_map(|line| line.split_once("canary-")).expect("the key was sent").1;
        let sent = format!("canary-{sent}");
        match words(target).as_str() {
            "born%3F" => send("401 Unauthorized", "", format!("wrong key: {sent}")),
            "Where" => send("200 OK", "", json!({ sent: 1 }).to_string()),
            _ => send("200 OK", "", json!([{ "title": sent, "text": format!("{ANSWER} Bearer {sent}") }]).to_string()),
        }
    });
    let (mine, everything) = (scenario(scratch.path(), &server), all_that_is_written(scratch.path()));
    let arguments = format!("rollout {} --episodes 40 --json -vv {everything} --remote-attempts 1", path(&mine));
    let stdout = without_the_canary(program(&arguments), scratch.path());
    assert!(stdout.contains("[key]") && stdout.contains("wrong key") && stdout.contains("the keys"), "{stdout}");
}

#[test]
fn a_guest_at_the_table_searches_in_the_engine_too() {
    let (server, scratch) = (misbehaving(), scratch());
    let acts = scratch.path().join("acts.jsonl");
    fs::write(
        &acts,
        format!("{{\"say\":\"[search] was\"}}\n{{\"say\":\"[search] it\"}}\n{{\"say\":\"[answer] {ANSWER}\"}}\n"),
    )
    .expect("the place is ours");
    let mine = scenario(scratch.path(), &server);
    let played = run(&format!("play {} --script {} --json", path(&mine), path(&acts))).done();
    let lines: Vec<Value> = played.lines().map(|line| serde_json::from_str(line).expect("JSON a line")).collect();
    let feedback = |step: usize| lines[step]["feedback"].to_string();
    assert!(feedback(0).contains("Nothing was found.") && feedback(1).contains("1. about it: Canaryton"), "{played}");
    assert_eq!(lines[3]["score"], json!(1.0), "{played}");
    assert_eq!(server.requests(), 2);
}
