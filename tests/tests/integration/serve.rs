//! A model behind OpenAI's protocol: a process with an n-gram in it, asked over sockets.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use serde_json::Value;
use serde_json::json;
use sim::Address;
use sim::Draws;
use sim::Phase;
use sim::draws::Stream;
use text::Dialect;

use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::training::TRAINED;
use crate::training::scratch;

const CHAT: &str = "/v1/chat/completions";

/// Of the trained run.
fn agent() -> PathBuf {
    TRAINED.join("checkpoints/step-000003/agent")
}

/// A server of the trained agent, killed when it is dropped.
pub struct Serving {
    child: Child,
    pub address: String,
}

impl Serving {
    fn start(more: &[&str]) -> Serving {
        Serving::of(&agent(), more)
    }

    /// A server of the model in this folder, under the folder's name.
    pub fn of(folder: &Path, more: &[&str]) -> Serving {
        let mut arguments = vec!["serve", folder.to_str().expect("we named it"), "--port", "0", "--json"];
        arguments.extend(more);
        let mut command = command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary was built");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it is");
        let said: Value = serde_json::from_str(&line).expect("a line of JSON");
        assert_eq!(said["model"].as_str(), folder.file_name().and_then(|name| name.to_str()));
        let address = said["address"].as_str().and_then(|address| address.strip_prefix("http://"));
        Serving { child, address: address.expect("it is an address").to_owned() }
    }

    /// Sends a request whose reply ends with the connection.
    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it reads");
        stream
    }

    /// Status and JSON.
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut reply = String::new();
        self.send(method, path, &body).read_to_string(&mut reply).expect("it answers");
        let (head, body) = reply.split_once("\r\n\r\n").expect("a reply has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {reply}")))
    }

    #[track_caller]
    fn chat(&self, path: &str, body: &Value) -> Value {
        let (status, reply) = self.ask("POST", path, body);
        assert_eq!(status, 200, "{reply}");
        reply
    }

    fn health(&self) -> Value {
        self.ask("GET", "/health", &Value::Null).1
    }

    /// Tells it to end, as a service manager would.
    fn end(mut self) -> Said {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("there is a kill").success());
        let status = self.child.wait().expect("it ends");
        let mut stderr = String::new();
        self.child.stderr.take().expect("it is piped").read_to_string(&mut stderr).expect("all output is text");
        Said { code: status.code(), stdout: String::new(), stderr }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Of no effect on one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn draws(who: u32) -> Draws {
    Address { seed: 23, phase: Phase::Rollout, round: 0, group: who, trial: 0, member: 0 }.draws(Stream::World)
}

fn request(who: u32) -> Value {
    let price = who % 25;
    json!({
        "model": "agent",
        "messages": [{ "role": "system", "content": "You sell a lamp." }, { "role": "user", "content": format!("I offer ${price}.") }],
        "seed": who, "max_tokens": draws(who).range(4, 40), "return_token_ids": true, "logprobs": true,
    })
}

/// What is the same in each reply to a request.
fn heard(reply: &Value) -> Value {
    json!([reply["choices"], reply["usage"], reply["prompt_token_ids"]])
}

#[test]
fn what_may_be_drawn_is_what_the_request_says() {
    let serving = Serving::start(&[]);
    let say = |more: Value| {
        let mut body = json!({
            "model": "agent", "messages": [{ "role": "user", "content": "hi" }], "max_tokens": 24,
            "seed": 4, "logprobs": true, "return_token_ids": true,
        });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let reply = serving.chat(CHAT, &body);
        let choice = &reply["choices"][0];
        let logprobs = choice["logprobs"]["content"].as_array().expect("one each").clone();
        (choice["token_ids"].clone(), logprobs)
    };
    let (likeliest, _) = say(json!({ "temperature": 0 }));
    let (only, logprobs) = say(json!({ "top_k": 1 }));
    assert_eq!(only, likeliest);
    assert!(logprobs.iter().all(|token| token["logprob"] == 0.0), "{logprobs:?}");
    // The likeliest token alone reaches so little, and nothing else is as likely.
    assert_eq!(say(json!({ "top_p": 1e-6 })).0, likeliest);
    assert_eq!(say(json!({ "min_p": 1.0 })).0, likeliest);
    assert_eq!(say(json!({ "top_k": -1, "top_p": 1, "min_p": 0 })), say(json!({})));
    assert_ne!(say(json!({})).0, likeliest, "the whole distribution has more to draw");
}

#[test]
fn a_crowd_of_whom_some_hang_up_leaves_nothing_behind_and_hears_what_each_hears_alone() {
    let server = Serving::start(&[]);
    let crowd = 200;
    let alone: Vec<Value> = (0..crowd).map(|who| heard(&server.chat(CHAT, &request(who)))).collect();
    let leaves = |who: u32| draws(who + crowd).chance(0.2);
    thread::scope(|scope| {
        for who in 0..crowd {
            let (server, alone) = (&server, &alone);
            scope.spawn(move || {
                if !leaves(who) {
                    return assert_eq!(heard(&server.chat(CHAT, &request(who))), alone[who as usize], "number {who}");
                }
                let mut long = request(who);
                long["max_tokens"] = json!(200);
                long["stream"] = json!(draws(who + 2 * crowd).chance(0.7));
                let mut stream = server.send("POST", CHAT, &long.to_string());
                let mut some = vec![0; draws(who + 3 * crowd).range(0, 900) as usize];
                // The whole of it may be less.
                let _ = stream.read(&mut some);
            });
        }
    });
    // Whoever has hung up is noticed with the next tokens; each question here takes some.
    let is_empty = |health: &Value| health["requests"]["live"] == 0 && health["sessions"]["live"] == 0;
    let health = (0..100_000).map(|_| server.health()).find(is_empty).expect("everybody is forgotten in the end");
    assert_eq!(health["sessions"]["opened"], health["sessions"]["forgotten"]);
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn what_is_told_is_what_the_models_own_files_say() {
    let server = Serving::start(&["--tokens-max", "30"]);
    let dialect = Dialect::open(&agent(), sim::Pair::default()).expect("the folder is whole");
    let reply = server.chat(CHAT, &request(7));
    let ids = |value: &Value| serde_json::from_value::<Vec<u32>>(value.clone()).expect("they are ids");
    let prompt = dialect.tokenizer().decode(&ids(&reply["prompt_token_ids"]));
    assert_eq!(prompt, "<|system|>You sell a lamp.<|end|><|user|>I offer $7.<|end|><|assistant|>");
    let choice = &reply["choices"][0];
    let tokens = ids(&choice["token_ids"]);
    assert_eq!(reply["usage"]["completion_tokens"], tokens.len());
    let logprobs = choice["logprobs"]["content"].as_array().expect("they were asked for");
    assert!(logprobs.iter().all(|token| token["logprob"].as_f64().is_some_and(|logprob| logprob <= 0.0)));
    let closed = tokens.last() == Some(&dialect.close_id());
    assert_eq!(choice["finish_reason"], if closed { "stop" } else { "length" });
    let (status, refused) = server.ask("POST", CHAT, &json!({ "model": "agent", "messages": [], "max_tokens": 31 }));
    assert_eq!(status, 400, "{refused}");
}

#[test]
fn a_recorded_conversation_is_one_stream() {
    let scratch = scratch();
    let server = Serving::start(&["--capture", scratch.path().to_str().expect("we named it")]);
    let mut messages = vec![json!({ "role": "system", "content": "You sell a lamp." })];
    for turn in 0..4 {
        messages.push(json!({ "role": "user", "content": format!("I offer ${turn}.") }));
        let body = json!({ "model": "agent", "messages": messages, "seed": turn, "max_tokens": 24 });
        let mut message = server.chat("/episodes/talk/v1/chat/completions", &body)["choices"][0]["message"].clone();
        message.as_object_mut().expect("a message").remove("reasoning_content");
        messages.push(message);
    }
    let text = std::fs::read_to_string(scratch.path().join("talk.jsonl")).expect("it was recorded");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 4);
    for pair in lines.windows(2) {
        let ids = |value: &Value| value.as_array().expect("a list").clone();
        let before = [ids(&pair[0]["prompt_token_ids"]), ids(&pair[0]["choices"][0]["token_ids"])].concat();
        assert_eq!(ids(&pair[1]["prompt_token_ids"])[..before.len()], before);
        assert_eq!((&pair[1]["branch"], &pair[1]["prompt_kept"]), (&Value::Null, &json!(before.len())));
    }
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn our_own_client_of_other_peoples_models_plays_against_it() {
    let server = Serving::start(&[]);
    let arguments = "rollout scenarios/haggle.toml --episodes 4 --agent openai:agent --user rule --json";
    let mut rollout = command(&arguments.split(' ').collect::<Vec<_>>());
    rollout.env("OPENAI_BASE_URL", format!("http://{}/v1", server.address)).env("NO_PROXY", "127.0.0.1");
    let said = finish(rollout).done();
    let faults = said.lines().map(|line| serde_json::from_str::<sim::EpisodeRecord>(line).expect("a record"));
    let faults: BTreeMap<_, _> = faults.filter_map(|record| Some((record.casting.id, record.fault?))).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn what_cannot_be_served_is_an_error_with_a_hint() {
    let missing = duologue(&["serve", "no/such/folder"]).refused();
    assert!(missing.contains("no/such/folder"), "{missing}");
    let run = TRAINED.to_str().expect("we named it").to_owned();
    duologue(&["serve", &run]).refused();
    let server = Serving::start(&[]);
    let port = server.address.rsplit(':').next().expect("an address has a port").to_owned();
    let folder = agent();
    let taken = duologue(&["serve", folder.to_str().expect("we named it"), "--port", &port]).refused();
    assert!(taken.contains(&port) && taken.contains("--port 0"), "{taken}");
    let file = folder.join("config.json");
    let capture =
        ["serve", folder.to_str().expect("we named it"), "--port", "0", "--capture", file.to_str().expect("ours")];
    assert!(duologue(&capture).refused().contains("config.json"));
    assert!(Path::new(&file).is_file());
}
