//! Many ask one model at once, and some hang up: no block of keys and values stays behind, and nobody hears another answer than alone.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::thread;

use serde_json::Value;
use serde_json::json;
use sim::Address;
use sim::Draws;
use sim::Phase;
use sim::draws::Stream;

use crate::made::folder;
use crate::serving::Serving;

const CROWD: u32 = 200;
const CHAT: &str = "/v1/chat/completions";

fn draws(who: u32, of: u64) -> Draws {
    Address { seed: 31, phase: Phase::Rollout, round: of, group: who, trial: 0, member: 0 }.draws(Stream::World)
}

/// Whether one hangs up.
fn leaves(who: u32) -> bool {
    draws(who, 1).chance(0.2)
}

/// Some begin alike, for several blocks or for less than one; some say nothing that another says.
fn request(who: u32) -> Value {
    let mut draws = draws(who, 0);
    let brief = match draws.range(0, 2) {
        0 => "You sell a lamp, and whoever asks for it is told what it can do. ".repeat(5),
        1 => "You sell a lamp.".to_owned(),
        _ => format!("Number {who} sells {}", "one thing after another, ".repeat(who as usize % 7)),
    };
    let temperature = [0.7, 1.0, 1.3][who as usize % 3];
    json!({
        "model": "crowded", "seed": who, "max_tokens": draws.range(4, 56), "stream": draws.chance(0.5),
        "temperature": temperature, "return_token_ids": true, "logprobs": true,
        "messages": [{ "role": "system", "content": brief }, { "role": "user", "content": format!("I offer ${}.", who % 9) }],
    })
}

/// Ids, each with its log-probability.
type Answer = Vec<(u64, f64)>;

fn tokens(choice: &Value) -> Answer {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (ids, logprobs) = (list(&choice["token_ids"]), list(&choice["logprobs"]["content"]));
    assert_eq!(ids.len(), logprobs.len(), "{choice}");
    let each = ids.iter().zip(&logprobs);
    each.map(|(id, logprob)| (id.as_u64().expect("an id"), logprob["logprob"].as_f64().expect("a number"))).collect()
}

/// Asks and listens to the end.
fn answer(server: &Serving, request: &Value) -> Answer {
    if request["stream"] == false {
        let (status, reply) = server.ask(CHAT, request);
        assert_eq!(status, 200, "{reply}");
        return tokens(&reply["choices"][0]);
    }
    let mut text = String::new();
    server.send("POST", CHAT, &request.to_string()).read_to_string(&mut text).expect("it answers");
    let mut events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.pop(), Some("[DONE]"), "{text}");
    let events = events.into_iter().map(|event| serde_json::from_str::<Value>(event).expect("each event is JSON"));
    events.flat_map(|event| tokens(&event["choices"][0])).collect()
}

/// Asks for a long answer, and goes after some events of its stream, or before it has begun.
fn hang_up(server: &Serving, who: u32) {
    let (mut request, mut draws) = (request(who), draws(who, 2));
    request["max_tokens"] = json!(400);
    let events = draws.range(0, 12) as usize;
    request["stream"] = json!(events > 0);
    let stream = BufReader::new(server.send("POST", CHAT, &request.to_string()));
    if events > 0 {
        let lines = stream.lines().map_while(Result::ok).filter(|line| line.starts_with("data: "));
        // The answer may have ended before.
        let _ = lines.take(events).count();
    }
}

/// Whether an answer is the same; if not, it parts where two tokens border within the rounding of a matrix product, which has other sums in other
/// company: neighbours in the order in which a distribution is inverted are neighbours by their ids.
fn is_same(who: u32, together: &Answer, alone: &Answer) -> bool {
    let common = together.iter().zip(alone).take_while(|(a, b)| a.0 == b.0).count();
    for ((_, together), (_, alone)) in together.iter().zip(alone).take(common) {
        assert!((together - alone).abs() < 1e-4, "number {who}: {together}, not {alone}");
    }
    if common == alone.len() && common == together.len() {
        return true;
    }
    let at = |answer: &Answer| answer.get(common).map(|(id, _)| *id);
    let borders = at(together).zip(at(alone)).is_some_and(|(a, b)| a.abs_diff(b) == 1);
    assert!(borders, "number {who} parts at {common}: {together:?}, not {alone:?}");
    false
}

#[test]
fn a_crowd_of_whom_some_hang_up_leaves_no_block_behind_and_hears_what_each_hears_alone() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    let model = folder(scratch.path(), "qwen3", "qwen3");
    let model = model.to_str().expect("we named it");
    let quiet = Serving::start(&[model, "--name", "crowded"]);
    let stayers: Vec<u32> = (0..CROWD).filter(|who| !leaves(*who)).collect();
    assert!((140..180).contains(&stayers.len()), "{} of {CROWD} stay", stayers.len());
    let alone: Vec<Answer> = stayers.iter().map(|who| answer(&quiet, &request(*who))).collect();
    assert!(alone.iter().map(Vec::len).sum::<usize>() > 3000, "there is something to be told");
    let server = Serving::start(&[model, "--name", "crowded"]);
    let mut held_max = 0;
    let together: Vec<Answer> = thread::scope(|scope| {
        let server = &server;
        let staying: Vec<_> = stayers.iter().map(|who| scope.spawn(|| answer(server, &request(*who)))).collect();
        let leaving = (0..CROWD).filter(|who| leaves(*who)).map(|who| scope.spawn(move || hang_up(server, who)));
        let leaving: Vec<_> = leaving.collect();
        while !staying.iter().all(thread::ScopedJoinHandle::is_finished) {
            held_max = held_max.max(server.health()["blocks"]["held"].as_u64().expect("it counts blocks"));
        }
        leaving.into_iter().for_each(|leaving| leaving.join().expect("it has gone"));
        staying.into_iter().map(|staying| staying.join().expect("it answers")).collect()
    });
    let compared = stayers.iter().zip(together.iter().zip(&alone));
    let departed = compared.filter(|(who, (together, alone))| !is_same(**who, together, alone)).count();
    assert!(departed <= 1, "{departed} of {} answers are others in company", stayers.len());
    // Whoever has hung up is noticed with the next tokens; each question here takes some.
    let is_empty = |health: &Value| health["requests"]["live"] == 0 && health["sessions"]["live"] == 0;
    let health = (0..100_000).map(|_| server.health()).find(is_empty).expect("everybody is forgotten in the end");
    assert_eq!(health["blocks"]["held"], 0, "{health}");
    assert!(held_max > 0 && held_max <= health["blocks"]["max"].as_u64().expect("a number"), "{held_max}: {health}");
    assert_eq!(
        (&health["sessions"]["opened"], &health["blocks"]["tokens"]),
        (&health["sessions"]["forgotten"], &json!(16))
    );
}
