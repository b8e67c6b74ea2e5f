//! What is refused, and how.

use std::time::Duration;

use duologue_serve::Limits;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::stage::Stage;
use crate::stage::saying;
use crate::stage::user;
use crate::stage::with;

const CHAT: &str = "/v1/chat/completions";

/// Keys added to a good chat, the parameter that is then wrong, and words of the message.
fn wrong_chats() -> Vec<(Value, &'static str, &'static str)> {
    let call = |arguments: &str| {
        json!([user("hi"), { "role": "assistant", "tool_calls": [
        { "id": "c", "type": "function", "function": { "name": "f", "arguments": arguments } }] }])
    };
    vec![
        (json!({ "model": null }), "model", "missing"),
        (json!({ "model": 3 }), "model", "not a text"),
        (json!({ "messages": null }), "messages", "missing"),
        (json!({ "messages": [] }), "messages", "empty"),
        (json!({ "messages": "hi" }), "messages", "not a list"),
        (json!({ "messages": [{ "role": "wizard", "content": "hi" }] }), "messages", "messages[0]: its role"),
        (json!({ "messages": [user("hi"), { "role": "user" }] }), "messages", "messages[1]: it has no content"),
        (json!({ "messages": [{ "role": "user", "content": 3 }] }), "messages", "neither a text nor a list"),
        (json!({ "messages": [{ "role": "user", "content": [{ "type": "image_url" }] }] }), "messages", "image_url"),
        (json!({ "messages": [{ "role": "user", "content": "hi", "colour": 1 }] }), "messages", "`colour` is no key"),
        (
            json!({ "messages": [{ "role": "user", "content": "hi", "tool_calls": [] , "reasoning_content": "x" }] }),
            "messages",
            "only the assistant",
        ),
        (json!({ "messages": [user("hi"), { "role": "tool", "content": "x" }] }), "messages", "has a tool_call_id"),
        (
            json!({ "messages": [user("hi"), { "role": "tool", "content": "x", "tool_call_id": "c" }] }),
            "messages",
            "no call before it",
        ),
        (json!({ "messages": call("{") }), "messages", "JSON"),
        (json!({ "messages": call("3") }), "messages", "JSON object"),
        (json!({ "messages": [user(&"long ".repeat(4000))] }), "messages", "context of 4096"),
        (json!({ "temperature": -1 }), "temperature", "from 0 to 2"),
        (json!({ "temperature": "hot" }), "temperature", "not a number"),
        (json!({ "temperature": 0.001 }), "temperature", "0.01"),
        (json!({ "max_tokens": 0 }), "max_tokens", "whole number from 1"),
        (json!({ "max_tokens": 2.5 }), "max_tokens", "whole number"),
        (json!({ "max_completion_tokens": 501 }), "max_completion_tokens", "at most 500"),
        (json!({ "top_p": 0 }), "top_p", "above 0"),
        (json!({ "top_k": 2.5 }), "top_k", "not a whole number"),
        (json!({ "min_p": 1.5 }), "min_p", "from 0 to 1"),
        (json!({ "frequency_penalty": 1 }), "frequency_penalty", "changes nothing"),
        (json!({ "logit_bias": { "3": 1 } }), "logit_bias", "changes nothing"),
        (json!({ "top_logprobs": 5, "logprobs": true }), "top_logprobs", "changes nothing"),
        (json!({ "logprobs": 5 }), "logprobs", "neither true nor false"),
        (json!({ "stop": [""] }), "stop", "none of them empty"),
        (json!({ "stop": vec!["x"; 17] }), "stop", "at most 16"),
        (json!({ "n": 0 }), "n", "from 1 to 16"),
        (json!({ "n": 9 }), "n", "9 answers are more than the 8"),
        (json!({ "seed": "x" }), "seed", "not a whole number"),
        (json!({ "stream": "yes" }), "stream", "neither true nor false"),
        (json!({ "stream_options": { "include_usage": true } }), "stream_options", "needs `stream`"),
        (json!({ "stream": true, "stream_options": { "colour": 1 } }), "stream_options", "nothing else"),
        (json!({ "response_format": { "type": "json_object" } }), "response_format", "changes nothing"),
        (json!({ "tools": [{ "type": "retrieval" }] }), "tools", "tools[0]"),
        (json!({ "tool_choice": "required" }), "tool_choice", "auto or none"),
        (json!({ "tool_choice": { "type": "function", "function": { "name": "f" } } }), "tool_choice", "auto or none"),
        (json!({ "chat_template_kwargs": { "enable_thinking": 1 } }), "chat_template_kwargs", "nothing else"),
        (json!({ "chat_template_kwargs": { "enable_thinking": true } }), "chat_template_kwargs", "does not know"),
        (json!({ "metadata": 3 }), "metadata", "not an object"),
        (json!({ "colour": "red" }), "colour", "not a parameter"),
    ]
}

fn limits() -> Limits {
    Limits { requests_max: 8, tokens_max: Some(500), body_bytes_max: 50_000, grace: Duration::from_secs(10) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_parameter_is_named() {
    let stage = Stage::with(limits(), None, None).await;
    let table = wrong_chats();
    assert!(table.len() >= 30);
    for (more, param, words) in table {
        let (status, reply) = stage.post(CHAT, &with(saying("say hi"), &more)).await;
        let error = &reply["error"];
        assert_eq!((status, error["param"].as_str()), (400, Some(param)), "{more}: {reply}");
        assert_eq!(error["type"], "invalid_request_error", "{more}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(words)), "{more}: {reply}");
    }
    // Nobody was let in, and nothing is broken.
    assert_eq!(stage.host.health()["sessions"]["opened"], 0);
    stage.chat(saying("say hi")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_prompts_are_named() {
    let stage = Stage::with(limits(), None, None).await;
    let wrong = [
        (json!({}), "missing"),
        (json!({ "prompt": "" }), "empty"),
        (json!({ "prompt": [] }), "list of texts"),
        (json!({ "prompt": [1, "a"] }), "list of texts"),
        (json!({ "prompt": [1.5] }), "list of texts"),
        (json!({ "prompt": [100_000] }), "token 100000 is outside the vocabulary"),
        (json!({ "prompt": [[1], []] }), "empty"),
        (json!({ "prompt": ["a", "b", "c"], "n": 6 }), "more than 16"),
        (json!({ "prompt": vec![1; 4096] }), "4096 tokens"),
    ];
    for (more, words) in wrong {
        let (status, reply) = stage.post("/v1/completions", &with(json!({ "model": "parrot" }), &more)).await;
        assert_eq!((status, reply["error"]["param"].as_str()), (400, Some("prompt")), "{more}: {reply}");
        assert!(reply["error"]["message"].as_str().is_some_and(|message| message.contains(words)), "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_change_nothing_may_stand_there() {
    let stage = Stage::open().await;
    let neutral = json!({
        "top_p": 1, "top_k": -1, "min_p": 0, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "store": false, "n": 1,
        "tool_choice": "none", "response_format": { "type": "text" }, "seed": null, "parallel_tool_calls": true, "metadata": { "a": "b" },
    });
    let reply = stage.chat(with(saying("say hi"), &neutral)).await;
    assert_eq!(reply["choices"][0]["message"]["content"], "hi");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_mistakes_have_their_own_status() {
    let stage = Stage::with(limits(), None, None).await;
    let url = |path: &str| format!("{}{path}", stage.base);
    let (other, huge) = (with(saying("hi"), &json!({ "model": "gpt" })).to_string(), "x".repeat(60_000));
    let cases = [
        (Method::POST, CHAT, "{ not json", 400),
        (Method::POST, CHAT, "[1, 2]", 400),
        (Method::POST, CHAT, "", 400),
        (Method::POST, CHAT, other.as_str(), 404),
        (Method::POST, CHAT, huge.as_str(), 413),
        (Method::GET, CHAT, "", 405),
        (Method::POST, "/v1/models", "{}", 405),
        (Method::GET, "/v1/models/gpt", "", 404),
        (Method::GET, "/v1/nothing", "", 404),
        (Method::POST, "/episodes/e/v1/chat/completions", "{}", 404),
    ];
    for (method, path, body, status) in cases {
        let request = stage.client.request(method.clone(), url(path)).body(body.to_owned());
        let response = request.send().await.expect("it answers");
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        let reply: Value =
            serde_json::from_str(&response.text().await.expect("it is whole")).expect("an error is JSON");
        let words = reply["error"]["message"].as_str().expect("an error has words");
        assert!(!words.is_empty() && reply["error"]["type"].is_string());
    }
    let deep = "[".repeat(20_000);
    let response = stage.client.post(url(CHAT)).body(deep).send().await.expect("it answers");
    assert_eq!(response.status().as_u16(), 400);
}
