//! A server in memory that misbehaves on purpose, and a clock that only moves when everybody waits.

#[path = "fake/server.rs"]
mod fake;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duologue_remote::Cache;
use duologue_remote::Form;
use duologue_remote::Limits;
use duologue_remote::Price;
use duologue_remote::Problem;
use duologue_remote::budget::Spent;
use duologue_remote::chat;
use duologue_remote::chat::Reply;
use duologue_remote::chat::Request;
use duologue_remote::chat::Role;
use serde_json::json;
use tokio::time::Instant;

use fake::Does;
use fake::Fake;
use fake::KEY;
use fake::said;

/// Whether a problem is the one that is meant.
type Told = fn(&Problem) -> bool;

fn answer(status: u16, headers: &'static [(&'static str, &'static str)], body: &str) -> Does {
    Does::Answer { status, headers, body: body.to_owned() }
}

fn request(text: &str) -> Request {
    let mut messages = Vec::new();
    chat::add(&mut messages, Role::User, text);
    Request { model: "m".to_owned(), messages, temperature: 0.0, max_tokens: 50, seed: None }
}

fn fine() -> Result<Reply, Problem> {
    Ok(Reply { text: "fine".to_owned(), thought: None, closed: true })
}

/// Asks once; what came of it, how many calls that took, and how long.
async fn ask(fake: &Fake, limits: Limits, form: &Form) -> (Result<Reply, Problem>, usize, Duration) {
    let start = Instant::now();
    let result = fake.client(limits).ask(&request("a"), form).await;
    (result, fake.calls(), start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn everybody_waits_as_long_as_one_was_asked_to() {
    let fake = Fake::script(vec![answer(429, &[("retry-after", "7")], "slow down")]);
    let client = fake.client(Limits { concurrency: 1, ..Limits::default() });
    let start = Instant::now();
    let (a, b) = (request("a"), request("b"));
    let both = tokio::join!(client.ask(&a, &Form::Words), client.ask(&b, &Form::Words));
    assert_eq!(both, (fine(), fine()));
    assert_eq!((fake.calls(), start.elapsed()), (3, Duration::from_secs(7)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_an_hour_is_not_waited_for() {
    let fake = Fake::script(vec![answer(503, &[("retry-after", "3600")], "")]);
    let (result, calls, time) = ask(&fake, Limits::default(), &Form::Words).await;
    assert!(matches!(result, Err(Problem::Patience { status: 503, .. })), "{result:?}");
    assert_eq!((calls, time), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn server_errors_are_retried_after_longer_and_longer_waits() {
    let fake = Fake::script(vec![answer(500, &[], "oops"), answer(502, &[], "<html>")]);
    let (result, calls, time) = ask(&fake, Limits::default(), &Form::Words).await;
    assert_eq!((result, calls), (fine(), 3));
    // Between half and all of 0.5 s + 1 s.
    assert!(time >= Duration::from_millis(750) && time < Duration::from_millis(1500), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn what_never_passes_ends_after_the_last_attempt() {
    let fake = Fake::new(|_, _| answer(500, &[], "oops"));
    let (result, calls, _) = ask(&fake, Limits { attempts_max: 3, ..Limits::default() }, &Form::Words).await;
    assert_eq!(result, Err(Problem::Status { status: 500, said: "oops".to_owned(), retry_after: None }));
    assert_eq!(calls, 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_lasts_is_not_asked_again() {
    for (status, body) in [(401, "who are you?"), (404, "no such model"), (429, r#"{"code":"insufficient_quota"}"#)] {
        let fake = Fake::new(move |_, _| answer(status, &[], body));
        let (result, calls, time) = ask(&fake, Limits::default(), &Form::Words).await;
        assert!(matches!(result, Err(Problem::Status { .. })), "{result:?}");
        assert_eq!((calls, time), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_left_at_the_deadline() {
    let limits = Limits { attempts_max: 2, deadline: Duration::from_secs(9), ..Limits::default() };
    let (result, calls, time) = ask(&Fake::new(|_, _| Does::Hang), limits.clone(), &Form::Words).await;
    assert_eq!((result, calls), (Err(Problem::Deadline(limits.deadline)), 2));
    assert!(time > 2 * limits.deadline && time < 2 * limits.deadline + limits.backoff, "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn replies_that_are_none_are_asked_for_again_at_once_and_then_told_apart() {
    let bytes_max = Limits::default().reply_bytes_max;
    let half = said("fine").to_string();
    let cases: [(String, Told); 6] = [
        (half[..half.len() / 2].to_owned(), |p| matches!(p, Problem::Unreadable(_))),
        (r#"{"choices":[{"text":"fine"}]}"#.to_owned(), |p| matches!(p, Problem::Unreadable(_))),
        ("<html>".to_owned(), |p| matches!(p, Problem::Unreadable(_))),
        (String::new(), |p| matches!(p, Problem::Unreadable(_))),
        (r#"{"choices":[]}"#.to_owned(), |p| *p == Problem::Empty),
        (said(&"a".repeat(10 << 20)).to_string(), |p| matches!(p, Problem::TooLong(_))),
    ];
    for (body, told) in cases {
        let shown = body.chars().take(60).collect::<String>();
        let fake = Fake::script(vec![answer(200, &[], &body)]);
        assert_eq!(ask(&fake, Limits::default(), &Form::Words).await, (fine(), 2, Duration::ZERO), "{shown}");
        let fake = Fake::new(move |_, _| answer(200, &[], &body));
        let (result, calls, _) = ask(&fake, Limits::default(), &Form::Words).await;
        assert!(result.as_ref().is_err_and(told), "{shown}: {result:?}");
        assert_eq!(calls, 5);
    }
    assert_eq!(bytes_max, 1 << 20);
}

#[tokio::test(start_paused = true)]
async fn words_in_place_of_json_are_asked_again_and_then_left_to_the_world() {
    let json = Form::Json(Some(json!({ "a": 1 })));
    let fake = Fake::script(vec![Does::Say(said("one, I think")), Does::Say(said("```json\n{\"a\": 1}\n```"))]);
    let (result, calls, _) = ask(&fake, Limits::default(), &json).await;
    assert_eq!((json.content(&result.unwrap().text), calls), (r#"{"a": 1}"#, 2));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.jsonl");
    let fake = Fake::new(|number, _| Does::Say(said(&format!("{number}, I think"))));
    let client = fake.client_with(Limits::default(), Cache::open(&path).unwrap());
    assert_eq!(client.ask(&request("a"), &json).await.unwrap().text, "4, I think");
    client.cache().end().unwrap();
    assert!(!path.exists(), "a reply of the wrong form is not kept");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_on_their_way_than_may_be() {
    let fake = Fake::new(|_, _| Does::TakeItsTime(Duration::from_secs(1), said("fine")));
    let client = fake.client(Limits { concurrency: 4, ..Limits::default() });
    let start = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let client = Arc::clone(&client);
        asking.spawn(async move { client.ask(&request(&number.to_string()), &Form::Words).await });
    }
    assert!(asking.join_all().await.into_iter().all(|result| result == fine()));
    assert_eq!((fake.crowd.load(Ordering::SeqCst), start.elapsed()), (4, Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn who_asks_the_same_waits_for_the_same_answer() {
    let fake = Fake::new(|_, _| Does::TakeItsTime(Duration::from_secs(1), said("fine")));
    let client = fake.client(Limits::default());
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = Arc::clone(&client);
        asking.spawn(async move { client.ask(&request("a"), &Form::Words).await });
    }
    assert!(asking.join_all().await.into_iter().all(|result| result == fine()));
    let tally = &client.tallies()["m"];
    assert_eq!((fake.calls(), tally.calls, tally.cached), (1, 1, 49));
}

#[tokio::test(start_paused = true)]
async fn what_went_wrong_is_shared_by_those_who_waited_and_then_forgotten() {
    let fake = Fake::script(vec![Does::Hang]);
    let client = fake.client(Limits { attempts_max: 1, ..Limits::default() });
    let (a, b) = (request("a"), request("a"));
    let (one, other) = tokio::join!(client.ask(&a, &Form::Words), client.ask(&b, &Form::Words));
    assert!(one.is_err() && one == other, "{one:?} {other:?}");
    assert_eq!((client.ask(&a, &Form::Words).await, fake.calls()), (fine(), 2));
    assert_eq!(client.tallies()["m"].faults, 2);
}

#[tokio::test(start_paused = true)]
async fn budgets_hold_whoever_spends() {
    let fake = Fake::new(|_, _| answer(500, &[], "oops"));
    let (result, calls, _) = ask(&fake, Limits { calls_max: 3, ..Limits::default() }, &Form::Words).await;
    assert_eq!((result, calls), (Err(Problem::Spent(Spent::Calls(3))), 3));

    let fake = Fake::new(|_, _| Does::TakeItsTime(Duration::from_secs(1), said("fine")));
    // A call is charged 110 tokens, and may use some 325: a 17th would begin at 1760.
    let prices = [("m".to_owned(), Price { read: 1000.0, written: 0.0 })].into();
    let limits = Limits { tokens_max: Some(2000), prices, ..Limits::default() };
    let client = fake.client(limits);
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..40 {
        let client = Arc::clone(&client);
        asking.spawn(async move { client.ask(&request(&number.to_string()), &Form::Words).await });
    }
    let results = asking.join_all().await;
    let good = results.iter().filter(|result| result.is_ok()).count();
    assert!(results.iter().all(|result| *result == fine() || *result == Err(Problem::Spent(Spent::Tokens(2000)))));
    let tally = &client.tallies()["m"];
    assert_eq!((good, fake.calls(), tally.calls), (16, 16, 16));
    assert_eq!(tally.prompt_tokens + tally.completion_tokens, 16 * 110);
    assert!((tally.dollars.unwrap() - 1.6).abs() < 1e-9);
}

#[tokio::test]
async fn a_cache_on_disk_answers_for_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.jsonl");
    for calls in [1, 0] {
        let fake = Fake::script(Vec::new());
        let client = fake.client_with(Limits::default(), Cache::open(&path).unwrap());
        assert_eq!(client.ask(&request("a"), &Form::Words).await, fine());
        client.cache().end().unwrap();
        assert_eq!(fake.calls(), calls);
    }
    let fake = Fake::script(Vec::new());
    let client = fake.client_with(Limits::default(), Cache::open(&path).unwrap());
    client.ask(&Request { temperature: 1.0, seed: Some(3), ..request("a") }, &Form::Words).await.unwrap();
    assert_eq!(fake.calls(), 1, "another temperature is another question");
}

#[tokio::test(start_paused = true)]
async fn the_key_is_in_no_reply_no_fault_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.jsonl");
    let fake = Fake::new(|_, asked| {
        if asked["messages"][0]["content"] == "bad" {
            return answer(401, &[], &format!("Incorrect API key provided: {KEY}"));
        }
        Does::Say(said(&format!("<think>{KEY}</think>your key is {KEY}")))
    });
    let client = fake.client_with(Limits::default(), Cache::open(&path).unwrap());
    let reply = client.ask(&request("good"), &Form::Words).await.unwrap();
    let problem = client.ask(&request("bad"), &Form::Words).await.unwrap_err();
    let fault = problem.fault(sim::Seat::User);
    let shown = format!("{reply:?} {problem} {problem:?} {fault} {client:?} {}", read(&path));
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("your key is [key]") && fault.detail.contains("provided: [key]"), "{shown}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("it was written")
}
