//! A search engine in memory that misbehaves on purpose, and a clock that only moves when everybody waits.

use std::fs;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use duologue_remote::Cache;
use duologue_remote::Engine;
use duologue_remote::Header;
use duologue_remote::Librarian;
use duologue_remote::Limits;
use duologue_remote::Means;
use duologue_remote::Problem;
use duologue_remote::Recorder;
use duologue_remote::Recording;
use duologue_remote::Shelf;
use duologue_remote::budget::Spent;
use reqwest::Request;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;
use sim::Answer;
use sim::Fault;
use sim::FaultKind;
use sim::Message;
use sim::Party;
use sim::Query;
use sim::Source;
use sim::View;
use sim::gyms::search;
use sim::gyms::search::view::Lookup;
use tokio::time::Instant;
use tower::Service;

const HEADER: &str = "X-API-KEY: canary-0123456789";
const URL: &str = "http://engine.example/search?q={query}&format=json";

/// What the engine does with a request.
#[derive(Clone, Debug)]
enum Does {
    Answer { status: u16, headers: &'static [(&'static str, &'static str)], body: String },
    Hang,
}

/// What it does with a request of this number.
type Manners = dyn Fn(usize) -> Does + Send + Sync;

/// The engine.
#[derive(Clone)]
struct Fake {
    does: Arc<Manners>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Does these things in order, and then finds a heron.
    fn script(does: Vec<Does>) -> Fake {
        let does = move |number: usize| does.get(number).cloned().unwrap_or_else(heron);
        Fake { does: Arc::new(does), asked: Arc::default() }
    }

    fn always(does: Does) -> Fake {
        Fake { does: Arc::new(move |_| does.clone()), asked: Arc::default() }
    }

    fn engine(&self, means: Means) -> Arc<Engine> {
        let place = sim::gyms::Engine::new(URL, None).expect("it is an address");
        let header = Some(Header::new(HEADER).expect("it is one"));
        Arc::new(Engine::over(|_| self.clone(), &place, header, means).expect("http needs no certificates"))
    }

    /// The words of all requests, as they were sent.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics").clone()
    }
}

impl Service<Request> for Fake {
    type Response = Response;
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, reqwest::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), reqwest::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert_eq!(request.method(), "GET");
        assert_eq!(request.headers()["x-api-key"], "canary-0123456789");
        assert_eq!(request.headers()["accept"], "application/json");
        assert!(request.headers()["user-agent"].to_str().is_ok_and(|who| who.starts_with("duologue/")));
        assert!(request.body().is_none());
        let url = request.url().as_str();
        let words =
            url.strip_prefix("http://engine.example/search?q=").and_then(|rest| rest.strip_suffix("&format=json"));
        let number = {
            let mut asked = self.asked.lock().expect("nobody panics");
            asked.push(words.expect(url).to_owned());
            asked.len() - 1
        };
        let does = (self.does)(number);
        Box::pin(async move {
            let Does::Answer { status, headers, body } = does else { return std::future::pending().await };
            let mut response = http::Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            Ok(response.body(body).expect("its headers are good").into())
        })
    }
}

fn answer(status: u16, headers: &'static [(&'static str, &'static str)], body: impl Into<String>) -> Does {
    Does::Answer { status, headers, body: body.into() }
}

fn results(results: &Value) -> Does {
    answer(200, &[], json!({ "results": results }).to_string())
}

fn heron() -> Does {
    results(&json!([{ "title": "Heron", "content": "A bird." }, { "title": "Otter", "content": "It swims." }]))
}

const HERON: &str = r#"[{"title":"Heron","text":"A bird."},{"title":"Otter","text":"It swims."}]"#;

fn lookup(query: &str) -> Lookup {
    Lookup { query: query.to_owned(), results_max: 5 }
}

fn query(words: &str) -> Query {
    let messages = vec![Message { from: Source::World, text: words.to_owned() }];
    Query { messages, view: View::Search(search::View::Environment(lookup(words))), spoken: false }
}

fn means(limits: Limits) -> Means {
    Means::new(limits, Cache::default())
}

/// Looks up once; what came of it, how many requests that took, and how long.
async fn ask(fake: &Fake, limits: Limits) -> (Result<String, Problem>, usize, Duration) {
    let start = Instant::now();
    let reply = fake.engine(means(limits)).ask(&lookup("heron & <b>")).await;
    assert!(fake.asked().iter().all(|words| words == "heron%20%26%20%3Cb%3E"), "{:?}", fake.asked());
    (reply.map(|reply| reply.text), fake.asked().len(), start.elapsed())
}

fn found() -> Result<String, Problem> {
    Ok(HERON.to_owned())
}

#[tokio::test(start_paused = true)]
async fn an_engine_is_waited_for_and_asked_again_as_a_model_is() {
    let fake = Fake::script(vec![answer(429, &[("retry-after", "7")], "slow down")]);
    assert_eq!(ask(&fake, Limits::default()).await, (found(), 2, Duration::from_secs(7)));
    let fake = Fake::script(vec![answer(500, &[], "oops"), answer(502, &[], "<html>")]);
    let (result, calls, time) = ask(&fake, Limits::default()).await;
    assert_eq!((result, calls), (found(), 3));
    assert!(time >= Duration::from_millis(750) && time < Duration::from_millis(1500), "{time:?}");
    let limits = Limits { attempts_max: 2, deadline: Duration::from_secs(9), ..Limits::default() };
    let (result, calls, time) = ask(&Fake::always(Does::Hang), limits.clone()).await;
    assert_eq!((result, calls), (Err(Problem::Deadline(limits.deadline)), 2));
    assert!(time > 2 * limits.deadline && time < 2 * limits.deadline + limits.backoff, "{time:?}");
    let (result, ..) = ask(&Fake::always(answer(503, &[("retry-after", "3600")], "")), Limits::default()).await;
    assert!(matches!(result, Err(Problem::Patience { status: 503, .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn what_lasts_is_not_asked_again_and_a_redirect_is_not_followed() {
    let elsewhere: &[(&str, &str)] = &[("location", "http://elsewhere.example/")];
    for (status, headers) in [(401, &[][..]), (403, &[]), (404, &[]), (302, elsewhere)] {
        let (result, calls, time) = ask(&Fake::always(answer(status, headers, "no")), Limits::default()).await;
        let told = result.expect_err("it refuses").fault(Party::Environment);
        assert_eq!((told.party, told.kind), (Party::Environment, FaultKind::Refused), "{told}");
        assert_eq!((calls, time), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_result_is_asked_for_again_and_then_told_by_what_it_is() {
    let good = json!({ "results": [{ "title": "Heron", "content": "A bird." }] }).to_string();
    for (body, told) in [
        (good[..good.len() / 2].to_owned(), "the reply is no JSON: EOF"),
        ("<html>".to_owned(), "the reply is no JSON: expected value"),
        (String::new(), "the reply is no JSON: EOF"),
        (
            r#"{"code":7,"error":"busy"}"#.to_owned(),
            "the reply is no search results: an object with the keys `code`, `error`",
        ),
        (
            r#"{"results":[{"name":"x"}]}"#.to_owned(),
            "the reply is no search results: a list of an object with the keys",
        ),
        (format!("[\"{}\"]", "x".repeat(10 << 20)), "the reply is longer than 1048576 bytes"),
    ] {
        let fake = Fake::script(vec![answer(200, &[], body.clone())]);
        assert_eq!(ask(&fake, Limits::default()).await, (found(), 2, Duration::ZERO), "{told}");
        let (result, calls, _) = ask(&Fake::always(answer(200, &[], body)), Limits::default()).await;
        let fault = result.expect_err(told).fault(Party::Environment);
        assert!(fault.detail.starts_with(told), "{}", fault.detail);
        assert_eq!((fault.party, fault.kind, calls), (Party::Environment, FaultKind::BadReply, 5));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_found_is_an_answer_and_no_more_is_kept_than_is_shown() {
    let (result, calls, _) = ask(&Fake::always(results(&json!([]))), Limits::default()).await;
    assert_eq!((result, calls), (Ok("[]".to_owned()), 1));
    let one = Lookup { results_max: 1, ..lookup("heron") };
    let reply = Fake::script(Vec::new()).engine(means(Limits::default())).ask(&one).await.unwrap();
    assert_eq!(reply.text, r#"[{"title":"Heron","text":"A bird."}]"#);
}

#[tokio::test(start_paused = true)]
async fn calls_are_bounded_together_with_those_of_others_and_the_same_is_asked_once() {
    let (fake, other) = (Fake::script(Vec::new()), Fake::script(Vec::new()));
    let means = means(Limits { calls_max: 3, ..Limits::default() });
    let (one, two) = (fake.engine(means.clone()), other.engine(means));
    let (a, b) = (lookup("a"), lookup("a"));
    let both = tokio::join!(one.ask(&a), one.ask(&b));
    assert!(both.0.is_ok() && both.0 == both.1);
    // What one has answered is remembered for the other, which is the same engine to everybody.
    assert_eq!(two.ask(&a).await, both.0);
    assert_eq!((fake.asked().len(), other.asked().len()), (1, 0));
    for words in ["b", "c"] {
        two.ask(&lookup(words)).await.unwrap();
    }
    assert_eq!(one.ask(&lookup("d")).await, Err(Problem::Spent(Spent::Calls(3))));
    let (tally, of_two) = (one.tally(), two.tally());
    assert_eq!((tally.calls, tally.cached, tally.faults), (1, 1, 1));
    assert_eq!((of_two.calls, of_two.cached, of_two.prompt_tokens), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_recording_gives_the_same_again_without_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let fake = Fake::script(vec![heron(), answer(403, &[], "no"), results(&json!([]))]);
    let recorder = Arc::new(Recorder::new(&path).unwrap());
    let engine = fake.engine(means(Limits::default()));
    let mut live =
        Librarian::new(Shelf::Engine { engine, recorder: Some(Arc::clone(&recorder)) }, "s/eval-000000-0000-0-1");
    let words = ["heron", "otter", "owl"];
    let mut first: Vec<Result<Answer, Fault>> = Vec::new();
    for words in words {
        first.push(live.answer(&query(words)).await);
    }
    recorder.end().unwrap();
    assert_eq!(first[0].as_ref().unwrap().reply, HERON);
    assert_eq!(first[1].as_ref().unwrap_err().party, Party::Environment);
    assert_eq!(first[2].as_ref().unwrap().reply, "[]");
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains(r#""place":"s/eval-000000-0000-0-1/environment/0""#), "{written}");
    assert!(!written.contains("canary") && !written.contains("otter"), "{written}");

    let recording = Arc::new(Recording::open(&path).unwrap());
    let mut again = Librarian::new(Shelf::Recorded(Arc::clone(&recording)), "s/eval-000000-0000-0-1");
    for (words, first) in words.into_iter().zip(first) {
        assert_eq!(again.answer(&query(words)).await, first);
    }
    let unasked = again.answer(&query("egret")).await.unwrap_err();
    assert_eq!((unasked.party, unasked.kind), (Party::Infrastructure, FaultKind::Refused));
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_nobody_waits_for_any_more_is_recorded_as_late() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let recorder = Arc::new(Recorder::new(&path).unwrap());
    let engine = Fake::always(Does::Hang).engine(means(Limits::default()));
    let mut live = Librarian::new(Shelf::Engine { engine, recorder: Some(recorder) }, "s/a");
    let late = tokio::time::timeout(Duration::from_secs(1), live.answer(&query("heron"))).await;
    assert!(late.is_err());
    let mut again = Librarian::new(Shelf::Recorded(Arc::new(Recording::open(&path).unwrap())), "s/a");
    let fault = again.answer(&query("heron")).await.unwrap_err();
    assert_eq!(fault, Fault::new(Party::Environment, FaultKind::Deadline, "no answer before the deadline"));
}

#[tokio::test(start_paused = true)]
async fn the_headers_value_is_in_no_reply_no_fault_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.jsonl");
    let told = json!([{ "title": "canary-0123456789", "content": "your key is canary-0123456789" }]);
    let key = "wrong key: canary-0123456789";
    let other = json!({ "canary-0123456789": 1 }).to_string();
    let fake = Fake::script(vec![results(&told), answer(401, &[], key), answer(200, &[], other)]);
    let limits = Limits { attempts_max: 1, ..Limits::default() };
    let engine = fake.engine(Means::new(limits, Cache::open(&path).unwrap()));
    let good = engine.ask(&lookup("a")).await.unwrap();
    let (refused, strange) = (engine.ask(&lookup("b")).await.unwrap_err(), engine.ask(&lookup("c")).await.unwrap_err());
    let faults = [&refused, &strange].map(|problem| problem.fault(Party::Environment).to_string());
    let written = fs::read_to_string(&path).unwrap();
    let shown = format!("{good:?} {refused:?} {strange:?} {faults:?} {engine:?} {} {written}", engine.name());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(good.text.contains("your key is [key]") && faults[0].contains("wrong key: [key]"), "{shown}");
    assert!(faults[1].contains("the keys `[key]`"), "{shown}");
}

#[tokio::test]
async fn only_a_search_is_looked_up() {
    let mut live = Librarian::new(
        Shelf::Engine { engine: Fake::script(Vec::new()).engine(means(Limits::default())), recorder: None },
        "s/a",
    );
    let asked = search::view::Asked { question: String::new(), right: Vec::new(), given: String::new() };
    let other = Query { view: View::Search(search::View::User(asked)), ..query("heron") };
    assert_eq!(live.answer(&other).await.unwrap_err().kind, FaultKind::Refused);
}
