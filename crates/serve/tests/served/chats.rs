//! Whole answers and streams.

use serde_json::Value;
use serde_json::json;

use crate::parrot::CONTEXT;
use crate::stage::ADAPTERS;
use crate::stage::MODEL;
use crate::stage::Stage;
use crate::stage::saying;
use crate::stage::user;
use crate::stage::with;

const CHAT: &str = "/v1/chat/completions";

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("they are ids")
}

/// What a stream's pieces come to.
fn joined(events: &[Value], key: &str) -> String {
    let piece = |event: &Value| event["choices"][0]["delta"][key].as_str().unwrap_or_default().to_owned();
    events.iter().map(piece).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_with_its_ids_counts_and_log_probabilities() {
    let stage = Stage::open().await;
    let more = json!({ "return_token_ids": true, "logprobs": true, "user": "me" });
    let reply = stage.chat(with(saying("say Hello, 😀!"), &more)).await;
    let choice = &reply["choices"][0];
    assert_eq!(choice["message"], json!({ "role": "assistant", "content": "Hello, 😀!", "refusal": null }));
    assert_eq!((choice["finish_reason"].as_str(), reply["object"].as_str()), (Some("stop"), Some("chat.completion")));
    let (prompt, tokens) = (ids(&reply["prompt_token_ids"]), ids(&choice["token_ids"]));
    let tokenizer = stage.dialect.tokenizer();
    assert_eq!(tokenizer.decode(&prompt), "<|user|>say Hello, 😀!<|end|><|assistant|>");
    assert_eq!(tokenizer.decode(&tokens), "Hello, 😀!<|end|>");
    let counted = json!({
        "prompt_tokens": prompt.len(), "completion_tokens": tokens.len(), "total_tokens": prompt.len() + tokens.len()
    });
    assert_eq!(reply["usage"], counted);
    let logprobs = choice["logprobs"]["content"].as_array().expect("they were asked for");
    assert_eq!(logprobs.len(), tokens.len());
    let bytes: Vec<u8> = logprobs.iter().flat_map(|token| ids(&token["bytes"])).map(|byte| byte as u8).collect();
    assert_eq!(bytes, "Hello, 😀!<|end|>".as_bytes());
    assert!(logprobs.iter().all(|token| token["logprob"] == -0.5));
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_comes_to_the_whole_answer() {
    let stage = Stage::open().await;
    let mut pieces = 0;
    for seed in 0..10 {
        let more = json!({ "seed": seed, "return_token_ids": true, "max_tokens": 60, "stop": ["qq", "zx"] });
        pieces += compare(&stage, with(saying("Chatter."), &more)).await;
    }
    assert!(pieces > 40, "{pieces} pieces of ten answers");
    stage.assert_nothing_left().await;
}

/// Asks for an answer whole and as a stream; says of how many pieces.
async fn compare(stage: &Stage, request: Value) -> usize {
    let whole = stage.chat(request.clone()).await;
    let streamed = with(request, &json!({ "stream": true, "stream_options": { "include_usage": true } }));
    let mut events = stage.events(CHAT, &streamed).await;
    let count = events.pop().expect("the count comes last");
    assert_eq!((&count["usage"], &count["choices"]), (&whole["usage"], &json!([])));
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(events[0]["prompt_token_ids"], whole["prompt_token_ids"]);
    let choice = &whole["choices"][0];
    assert_eq!(json!(joined(&events, "content")), choice["message"]["content"]);
    let tokens: Vec<u32> = events[1..].iter().flat_map(|event| ids(&event["choices"][0]["token_ids"])).collect();
    assert_eq!(tokens, ids(&choice["token_ids"]));
    assert_eq!(events.last().expect("there are some")["choices"][0]["finish_reason"], choice["finish_reason"]);
    assert!(events.iter().all(|event| event["object"] == "chat.completion.chunk"));
    events.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn thoughts_and_calls_are_told_apart_whole_and_in_pieces() {
    let stage = Stage::open().await;
    let text =
        "say <think>Look first.</think>I look. <tool_call>{\"name\": \"look\", \"arguments\": {\"n\": 2}}</tool_call>";
    // The user's words are text: its tags are not the template's.
    let tools = json!([{ "type": "function", "function": { "name": "look", "parameters": { "type": "object" } } }]);
    let request = with(saying(text), &json!({ "tools": tools, "tool_choice": "auto" }));
    let whole = stage.chat(request.clone()).await;
    let (choice, message) = (&whole["choices"][0], &whole["choices"][0]["message"]);
    assert_eq!(
        (message["reasoning_content"].as_str(), message["content"].as_str()),
        (Some("Look first."), Some("I look."))
    );
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(message["tool_calls"][0]["function"], json!({ "name": "look", "arguments": "{\"n\":2}" }));
    let events = stage.events(CHAT, &with(request, &json!({ "stream": true }))).await;
    assert_eq!(
        (joined(&events, "reasoning_content").as_str(), joined(&events, "content").as_str()),
        ("Look first.", "I look.")
    );
    let called: Vec<&Value> =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["tool_calls"].as_array()).flatten().collect();
    assert_eq!(called.len(), 1);
    assert_eq!((&called[0]["index"], &called[0]["function"]), (&json!(0), &message["tool_calls"][0]["function"]));
    // Nobody may call where nothing is offered.
    let without = stage.chat(saying(text)).await;
    assert_eq!(without["choices"][0]["finish_reason"], "stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_at_a_stop_string_or_where_it_is_full() {
    let stage = Stage::open().await;
    let more = json!({ "stop": "STOP", "return_token_ids": true });
    let stopped = stage.chat(with(saying("say one two STOP three four five six seven eight nine"), &more)).await;
    let choice = &stopped["choices"][0];
    assert_eq!(
        (choice["message"]["content"].as_str(), choice["finish_reason"].as_str()),
        (Some("one two "), Some("stop"))
    );
    let sampled = ids(&choice["token_ids"]);
    assert!(stage.dialect.tokenizer().decode(&sampled).ends_with("STOP"), "ids stay as they were sampled");
    assert_eq!(stopped["usage"]["completion_tokens"], sampled.len());
    for (asked, key) in [(3, "max_tokens"), (17, "max_completion_tokens")] {
        let full =
            stage.chat(with(saying("say a long and very long word, longer than that"), &json!({ key: asked }))).await;
        assert_eq!(
            (&full["choices"][0]["finish_reason"], &full["usage"]["completion_tokens"]),
            (&json!("length"), &json!(asked))
        );
    }
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_drawn_by_their_seed_and_number() {
    let stage = Stage::open().await;
    let texts = |reply: &Value| -> Vec<String> {
        let choices = reply["choices"].as_array().expect("there are some");
        choices.iter().map(|choice| choice["message"]["content"].to_string()).collect()
    };
    let seeded = |seed: i64, n: u32| with(saying("Chatter."), &json!({ "seed": seed, "n": n, "max_tokens": 40 }));
    let three = texts(&stage.chat(seeded(5, 3)).await);
    assert_eq!(three, texts(&stage.chat(seeded(5, 3)).await));
    assert_eq!(three[..1], texts(&stage.chat(seeded(5, 1)).await));
    assert!(three[0] != three[1] && three[1] != three[2]);
    assert_ne!(three, texts(&stage.chat(seeded(-5, 3)).await));
    let unseeded = with(saying("Chatter."), &json!({ "max_tokens": 40 }));
    assert_ne!(texts(&stage.chat(unseeded.clone()).await), texts(&stage.chat(unseeded).await));
    // No two pieces of one answer are drawn from the same numbers.
    let mut lengths = 0;
    for seed in 0..20 {
        let long = texts(&stage.chat(seeded(seed, 1)).await)[0].clone();
        if long.len() > 18 {
            lengths += 1;
            assert_ne!(long[1..9], long[9..17]);
        }
    }
    assert!(lengths > 5, "most are longer than two pieces");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_continued_as_it_is() {
    let stage = Stage::open().await;
    let prompt = "<|user|>say six<|end|><|assistant|>";
    let request =
        |prompt: Value| json!({ "model": "parrot", "prompt": prompt, "logprobs": 0, "return_token_ids": true });
    let by_text = stage.ask("/v1/completions", request(json!(prompt))).await;
    let choice = &by_text["choices"][0];
    assert_eq!((by_text["object"].as_str(), choice["text"].as_str()), (Some("text_completion"), Some("six")));
    assert_eq!(
        choice["logprobs"]["token_logprobs"].as_array().map(Vec::len),
        choice["token_ids"].as_array().map(Vec::len)
    );
    let tokens = stage.dialect.tokenizer().encode_markup(prompt);
    assert_eq!(ids(&choice["prompt_token_ids"]), tokens);
    let several = stage.ask("/v1/completions", request(json!([tokens, tokens]))).await;
    assert_eq!(several["choices"][1]["text"], "six");
    assert_eq!(several["usage"]["prompt_tokens"], 2 * tokens.len());
    let streamed = with(request(json!(prompt)), &json!({ "stream": true }));
    let events = stage.events("/v1/completions", &streamed).await;
    let text: String = events.iter().filter_map(|event| event["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, "six");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_shown_as_the_template_shows_it() {
    let stage = Stage::open().await;
    let messages = json!([
        { "role": "system", "content": "Be brief." },
        user("Weather?"),
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "c", "type": "function", "function": { "name": "look", "arguments": "{ \"n\": 1 }" } }] },
        { "role": "tool", "tool_call_id": "c", "content": "say rain" },
    ]);
    let request = json!({ "model": "parrot", "messages": messages, "return_token_ids": true });
    let reply = stage.chat(request).await;
    assert_eq!(reply["choices"][0]["message"]["content"], "rain");
    let shown = stage.dialect.tokenizer().decode(&ids(&reply["prompt_token_ids"]));
    let call = "<tool_call>{\"arguments\":{\"n\":1},\"name\":\"look\"}</tool_call>";
    let expected = format!(
        "<|system|>Be brief.<|end|><|user|>Weather?<|end|><|assistant|>{call}<|end|><|tool|>say rain<|end|><|assistant|>"
    );
    assert_eq!(shown, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_can_ask_what_there_is() {
    let stage = Stage::open().await;
    let (_, models) = stage.get("/v1/models").await;
    assert_eq!(
        (&models["data"][0]["id"], models["data"].as_array().map(Vec::len)),
        (&json!("parrot"), Some(1 + ADAPTERS.len()))
    );
    assert_eq!(stage.get("/v1/models/parrot").await.1, models["data"][0]);
    let (status, health) = stage.get("/health").await;
    assert_eq!((status, health["status"].as_str()), (200, Some("ok")));
    assert_eq!(health["blocks"], json!({ "held": 0, "max": 256, "tokens": CONTEXT }));
    stage.chat(saying("say a")).await;
    let (_, health) = stage.get("/health").await;
    assert_eq!(health["sessions"], json!({ "live": 0, "opened": 1, "forgotten": 1 }));
    assert_eq!(health["weight_version"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_by_the_adapter_that_it_names_and_by_nobody_it_does_not() {
    let stage = Stage::open().await;
    let (_, listed) = stage.get("/v1/models").await;
    let listed: Vec<(&str, Option<&str>)> = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|model| (model["id"].as_str().expect("a name"), model["parent"].as_str()))
        .collect();
    assert_eq!(listed, [(MODEL, None), (ADAPTERS[0], Some(MODEL)), (ADAPTERS[1], Some(MODEL))]);
    let (status, one) = stage.get(&format!("/v1/models/{}", ADAPTERS[1])).await;
    assert_eq!((status, &one["id"]), (200, &json!(ADAPTERS[1])));
    for (name, version) in [(MODEL, 7), (ADAPTERS[0], 100), (ADAPTERS[1], 101)] {
        let more = json!({ "model": name });
        let chat = stage.chat(with(saying("say who"), &more)).await;
        let text =
            stage.ask("/v1/completions", json!({ "model": name, "prompt": "<|assistant|>", "max_tokens": 3 })).await;
        for reply in [chat, text] {
            assert_eq!(
                (&reply["model"], &reply["system_fingerprint"]),
                (&json!(name), &json!(format!("weights-{version}")))
            );
        }
    }
    for path in [CHAT, "/v1/completions"] {
        let more = json!({ "model": "cockatoo", "prompt": "x" });
        let body = if path == CHAT { with(saying("say who"), &json!({ "model": "cockatoo" })) } else { more };
        let (status, refused) = stage.post(path, &body).await;
        assert_eq!(
            (status, &refused["error"]["code"], &refused["error"]["param"]),
            (404, &json!("model_not_found"), &json!("model"))
        );
        let words = refused["error"]["message"].as_str().expect("words");
        assert!(words.contains("`cockatoo`") && words.contains("`grey`, `macaw`"), "{words}");
    }
    stage.assert_nothing_left().await;
}
