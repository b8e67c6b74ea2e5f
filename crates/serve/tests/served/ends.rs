//! Saturation, weights that are out, shutdown, death.

use std::sync::mpsc;
use std::time::Duration;

use duologue_serve::Limits;
use duologue_serve::ServeError;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::stage::Stage;
use crate::stage::saying;
use crate::stage::until;
use crate::stage::with;

const CHAT: &str = "/v1/chat/completions";

/// A server whose batches wait for a word each.
async fn gated(requests_max: u32, grace: Duration) -> (Stage, mpsc::Sender<()>) {
    let (gate, held) = mpsc::channel();
    let limits = Limits { requests_max, grace, ..Limits::default() };
    (Stage::with(limits, None, Some(held)).await, gate)
}

/// Asks, in the background.
fn asked(stage: &Stage, body: &Value) -> JoinHandle<Response> {
    let request = stage.client.post(format!("{}{CHAT}", stage.base)).body(body.to_string());
    tokio::spawn(async move { request.send().await.expect("it is answered") })
}

async fn assert_refused(response: Response, code: &str) {
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    let reply = response.text().await.expect("it is whole");
    assert!(reply.contains(code) && reply.contains("overloaded_error"), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_is_told_to_come_again() {
    let (stage, gate) = gated(2, Duration::from_secs(60)).await;
    let two = with(saying("say hi"), &json!({ "n": 2 }));
    let first = asked(&stage, &two);
    until("both to be let in", || stage.host.health()["requests"]["live"] == 2).await;
    assert_refused(stage.send(CHAT, &saying("say hi")).await, "saturated").await;
    // The word that all later batches wait for too.
    drop(gate);
    let first = first.await.expect("it did not panic");
    assert_eq!(first.status(), 200);
    assert_eq!(stage.send(CHAT, &saying("say hi")).await.status(), 200);
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_held_while_somebody_is_sampled_and_given_back_when_he_hangs_up() {
    let (stage, gate) = gated(8, Duration::from_secs(60)).await;
    let streamed = with(saying("say as much as fits a few chunks"), &json!({ "stream": true }));
    let response = stage.send(CHAT, &streamed).await;
    // One chunk.
    gate.send(()).expect("the policy waits");
    until("the first chunk", || stage.host.health()["blocks"]["held"] == 1).await;
    drop((response, gate));
    stage.assert_nothing_left().await;
    assert_eq!(stage.host.health()["blocks"]["held"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_served_while_the_weights_are_out_and_whoever_was_there_is_finished_first() {
    let (stage, gate) = gated(8, Duration::from_secs(60)).await;
    let first = asked(&stage, &saying("say as much as fits a few chunks"));
    until("it to be sampled", || stage.host.engine.live() == 1).await;
    let host = std::sync::Arc::clone(&stage.host);
    let lending = tokio::spawn(async move { host.engine.lend().await });
    until("the door to be closed", || stage.host.health()["status"] == "updating").await;
    assert_refused(stage.send(CHAT, &saying("say hi")).await, "updating").await;
    assert_eq!(stage.get("/health").await.0, 503);
    drop(gate);
    let first = first.await.expect("it did not panic");
    assert!(first.text().await.expect("it is whole").contains("as much as fits a few chunks"));
    let weights = lending.await.expect("it did not panic").expect("the model lives").expect("it has weights");
    assert_refused(stage.send(CHAT, &saying("say hi")).await, "updating").await;
    assert_eq!(weights.version(), 7);
    stage.host.engine.load(Box::new(crate::parrot::Feathers(8))).await.expect("the model lives");
    let reply = stage.chat(saying("say hi")).await;
    assert_eq!(reply["system_fingerprint"], "weights-8");
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_finishes_what_is_on_its_way_and_refuses_what_comes() {
    let (stage, gate) = gated(8, Duration::from_secs(60)).await;
    let first = asked(&stage, &saying("say goodbye"));
    until("it to be sampled", || stage.host.engine.live() == 1).await;
    stage.stop.send(()).expect("it runs");
    until("the door to be closed", || stage.host.health()["status"] == "shutting_down").await;
    let late = stage.client.post(format!("{}{CHAT}", stage.base)).body(saying("say hi").to_string());
    assert_refused(late.send().await.expect("somebody is still there"), "shutting_down").await;
    drop(gate);
    let first = first.await.expect("it did not panic");
    assert!(first.text().await.expect("it is whole").contains("goodbye"));
    stage.end.await.expect("it did not panic").expect("it ended well");
    let gone = stage.client.get(format!("{}/health", stage.base)).send().await;
    assert!(gone.is_err(), "nobody listens any more");
}

/// Stops a server in the middle of an answer, which is cut off.
async fn cut_off(grace: Duration, hurried: bool) {
    let (stage, gate) = gated(8, grace).await;
    let first = asked(&stage, &saying("say a very long goodbye indeed"));
    until("it to be sampled", || stage.host.engine.live() == 1).await;
    stage.stop.send(()).expect("it runs");
    if hurried {
        until("the door to be closed", || stage.host.health()["status"] == "shutting_down").await;
        stage.hurry.send(()).expect("it runs");
    }
    until("the end of patience", || stage.host.health()["status"] == "aborting").await;
    // One batch, after which it is cut off.
    gate.send(()).expect("the policy waits");
    assert_refused(first.await.expect("it did not panic"), "shutting_down").await;
    stage.end.await.expect("it did not panic").expect("it ended well");
    assert!(stage.book.lock().expect("the policy is alive").kept.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_no_longer_than_its_grace() {
    cut_off(Duration::ZERO, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_that_is_hurried_does_not_wait() {
    cut_off(Duration::from_secs(60), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_refuses_is_a_failure_that_nobody_else_feels() {
    let (stage, gate) = gated(8, Duration::from_secs(60)).await;
    let (good, bad) = (asked(&stage, &saying("say hi")), asked(&stage, &saying("say refuse")));
    until("both to be there", || stage.host.health()["requests"]["live"] == 2).await;
    drop(gate);
    let (good, bad) = (good.await.expect("it did not panic"), bad.await.expect("it did not panic"));
    assert_eq!((good.status().as_u16(), bad.status().as_u16()), (200, 500));
    let words = bad.text().await.expect("it is whole");
    assert!(words.contains("server_error") && words.contains("as asked"), "{words}");
    // In a stream the status is out already.
    let streamed = stage.send(CHAT, &with(saying("say refuse"), &json!({ "stream": true }))).await;
    let text = streamed.text().await.expect("it ends");
    assert!(text.contains("as asked") && !text.contains("[DONE]"), "{text}");
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_model_dies_everybody_hears_of_it_and_the_server_ends() {
    let stage = Stage::open().await;
    let response = stage.send(CHAT, &saying("say panic")).await;
    assert_eq!(response.status(), 500);
    assert!(response.text().await.expect("it is whole").contains("the model has died"));
    let end = stage.end.await.expect("it did not panic");
    assert!(matches!(end, Err(ServeError::Dead)), "{end:?}");
}
