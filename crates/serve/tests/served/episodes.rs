//! The capture gateway: what is on record is what was read and written, to the id.

use std::fs;
use std::path::Path;

use duologue_serve::Limits;
use serde_json::Value;
use serde_json::json;

use crate::stage::MODEL;
use crate::stage::Stage;
use crate::stage::user;
use crate::stage::with;

const EPISODE: &str = "/episodes/e-1/v1/chat/completions";

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("they are ids")
}

fn record(folder: &Path, episode: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(format!("{episode}.jsonl"))).expect("it was recorded");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

async fn stage(folder: &Path) -> Stage {
    Stage::with(Limits::default(), Some(folder), None).await
}

fn tools() -> Value {
    json!([{ "type": "function", "function": { "name": "look", "parameters": { "type": "object" } } }])
}

fn request(messages: &[Value]) -> Value {
    json!({ "model": MODEL, "messages": messages, "tools": tools(), "return_token_ids": true })
}

/// Asks, and takes the answer into the conversation as clients do: what is none of a request's keys is left out.
async fn turn(stage: &Stage, messages: &mut Vec<Value>, next: Vec<Value>) -> Value {
    messages.extend(next);
    let reply = stage.ask(EPISODE, request(messages)).await;
    let mut message = reply["choices"][0]["message"].clone();
    message.as_object_mut().expect("a message").remove("reasoning_content");
    messages.push(message);
    reply
}

/// What a model read and wrote in one call.
fn whole(line: &Value) -> Vec<u32> {
    [ids(&line["prompt_token_ids"]), ids(&line["choices"][0]["token_ids"])].concat()
}

const CALLS: &str = "say <think>I must look.</think>One moment.  <tool_call>{\"name\":  \"look\",  \"arguments\": {\"b\": 1, \"a\": 2}}</tool_call>";

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_tools_is_one_stream_of_the_ids_that_were_sampled() {
    let folder = tempfile::tempdir().expect("there is room");
    let stage = stage(folder.path()).await;
    let mut messages = vec![json!({ "role": "system", "content": "You help." })];
    let first = turn(&stage, &mut messages, vec![user(CALLS)]).await;
    let call = first["choices"][0]["message"]["tool_calls"][0]["id"].clone();
    let answer = json!({ "role": "tool", "tool_call_id": call, "content": "say Two  things.\n" });
    let second = turn(&stage, &mut messages, vec![answer]).await;
    assert_eq!(second["choices"][0]["message"]["content"], "Two  things.\n");
    turn(&stage, &mut messages, vec![user("say Goodbye")]).await;

    let lines = record(folder.path(), "e-1");
    assert_eq!(lines.len(), 3);
    for (line, reply) in lines.iter().zip([&first, &second]) {
        assert_eq!(line["prompt_token_ids"], reply["prompt_token_ids"], "what is on record is what was told");
        assert_eq!(line["choices"][0]["token_ids"], reply["choices"][0]["token_ids"]);
        assert_eq!(line["call"], reply["id"]);
    }
    for pair in lines.windows(2) {
        let (before, after) = (whole(&pair[0]), ids(&pair[1]["prompt_token_ids"]));
        assert_eq!(after[..before.len()], before, "the stream only grows");
        assert_eq!(pair[1]["prompt_kept"], before.len());
        assert_eq!(pair[1]["continues"], json!({ "call": pair[0]["call"], "choice": 0 }));
    }
    assert!(lines.iter().all(|line| line["branch"].is_null() && line["lost"].is_null()));
    let tokenizer = stage.dialect.tokenizer();
    // As it was sampled: its own order of keys, its own spaces, and the thought that the client dropped.
    let sampled = CALLS.strip_prefix("say ").expect("it begins so");
    let expected = format!(
        "<|end|><|assistant|>{sampled}<|end|><|tool|>say Two  things.\n<|end|><|assistant|>Two  things.\n<|end|><|user|>say Goodbye<|end|>\
         <|assistant|>Goodbye<|end|>"
    );
    let text = tokenizer.decode(&whole(&lines[2]));
    assert!(text.ends_with(&expected), "{text}");
    let choice = &lines[0]["choices"][0];
    assert_eq!(choice["logprobs"].as_array().map(Vec::len), choice["token_ids"].as_array().map(Vec::len));
    assert_eq!((&choice["weight_version"], &choice["finish_reason"]), (&json!(7), &json!("tool_calls")));
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_conversations_record_equal_ids_streamed_or_not() {
    let folder = tempfile::tempdir().expect("there is room");
    let stage = stage(folder.path()).await;
    let request = with(request(&[user("Chatter.")]), &json!({ "seed": 4, "max_tokens": 50 }));
    stage.ask("/episodes/a/v1/chat/completions", request.clone()).await;
    stage.events("/episodes/b/v1/chat/completions", &with(request, &json!({ "stream": true }))).await;
    let [one, other] = ["a", "b"].map(|episode| record(folder.path(), episode).remove(0));
    assert_eq!(one["choices"], other["choices"]);
    assert_eq!(one["prompt_token_ids"], other["prompt_token_ids"]);
}

/// After two turns, what the third line says of a request whose messages (or tools) were changed.
async fn branch(change: impl FnOnce(&mut Value)) -> Value {
    let folder = tempfile::tempdir().expect("there is room");
    let stage = stage(folder.path()).await;
    let mut messages = Vec::new();
    turn(&stage, &mut messages, vec![user("say first answer")]).await;
    turn(&stage, &mut messages, vec![user("say second answer")]).await;
    messages.push(user("say third"));
    let mut request = request(&messages);
    change(&mut request);
    let reply = stage.ask(EPISODE, request).await;
    assert_eq!(reply["choices"][0]["message"]["content"], "third");
    let lines = record(folder.path(), "e-1");
    let kept = lines[2]["prompt_kept"].as_u64().expect("it is a count") as usize;
    // Whatever it goes on from, it goes on from those very ids.
    let from = lines.iter().find(|line| line["call"] == lines[2]["continues"]["call"]);
    assert_eq!(from.map(whole).unwrap_or_default(), ids(&lines[2]["prompt_token_ids"])[..kept]);
    json!([lines[2]["branch"], from.and_then(|from| lines.iter().position(|line| line == from))])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_continuation_is_a_branch_that_says_why() {
    assert_eq!(branch(|_| ()).await, json!([null, 1]));
    let edited = |request: &mut Value| request["messages"][3]["content"] = json!("another answer");
    assert_eq!(branch(edited).await, json!(["history_edited", 0]));
    let first = |request: &mut Value| request["messages"][1]["content"] = json!("another answer");
    assert_eq!(branch(first).await, json!(["history_edited", null]));
    let spaced = |request: &mut Value| request["messages"][3]["content"] = json!("second  answer ");
    assert_eq!(branch(spaced).await, json!(["retokenised", 0]));
    let other_tools = |request: &mut Value| request["tools"] = json!([]);
    assert_eq!(branch(other_tools).await, json!(["retemplated", null]));
    let shorter = |request: &mut Value| {
        let messages = request["messages"].as_array_mut().expect("a list");
        messages.drain(..2);
    };
    assert_eq!(branch(shorter).await, json!(["new_conversation", null]));
    // Another question after the first answer: a fork of the very ids, and no drift.
    let forked = |request: &mut Value| {
        let messages = request["messages"].as_array_mut().expect("a list");
        messages.drain(2..4);
    };
    assert_eq!(branch(forked).await, json!([null, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_is_on_record_as_far_as_the_answer_came() {
    let folder = tempfile::tempdir().expect("there is room");
    let stage = stage(folder.path()).await;
    let request = with(request(&[user("Chatter.")]), &json!({ "stream": true, "seed": 1, "max_tokens": 3000 }));
    let mut response = stage.send("/episodes/gone/v1/chat/completions", &request).await;
    assert!(response.chunk().await.expect("the server is there").is_some());
    drop(response);
    stage.assert_nothing_left().await;
    crate::stage::until("the record", || folder.path().join("gone.jsonl").exists()).await;
    stage.host.capture.as_ref().expect("it records").flush().await;
    let lines = record(folder.path(), "gone");
    let whole = lines[0]["choices"][0]["finish_reason"].is_string();
    assert!(whole || lines[0]["lost"] == "the client has gone", "{}", lines[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_recorded_is_not_given() {
    let folder = tempfile::tempdir().expect("there is room");
    let stage = stage(folder.path()).await;
    fs::remove_dir_all(folder.path()).expect("it is ours");
    let (status, reply) = stage.post(EPISODE, &request(&[user("say a")])).await;
    assert_eq!(status, 500);
    assert!(reply["error"]["message"].as_str().is_some_and(|words| words.contains("could not be recorded")), "{reply}");
    // Nor can it be continued.
    fs::create_dir(folder.path()).expect("it is ours");
    assert_eq!(stage.host.health()["episodes"], 0);
    stage.ask(EPISODE, request(&[user("say a")])).await;
    assert_eq!(record(folder.path(), "e-1")[0]["continues"], Value::Null);
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_has_the_name_of_a_file_and_can_be_closed() {
    let folder = tempfile::tempdir().expect("there is room");
    let stage = stage(folder.path()).await;
    for name in ["a%2F..%2Fb", ".hidden", "a%2Fb", "a%00b", "-x", &"n".repeat(129)] {
        let (status, reply) =
            stage.post(&format!("/episodes/{name}/v1/chat/completions"), &request(&[user("say a")])).await;
        assert!(status == 400 && reply["error"]["param"] == "episode" || status == 404, "{name}: {reply}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("it is a folder").count(), 0, "nothing was written");
    stage.ask(EPISODE, request(&[user("say a")])).await;
    assert_eq!(stage.host.health()["episodes"], 1);
    let delete = || stage.client.delete(format!("{}/episodes/e-1", stage.base)).send();
    assert_eq!(delete().await.expect("it answers").status(), 200);
    assert_eq!(delete().await.expect("it answers").status(), 404);
    assert_eq!(stage.host.health()["episodes"], 0);
    assert_eq!(record(folder.path(), "e-1").len(), 1);
}
