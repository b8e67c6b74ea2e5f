//! The client library against our own server, over a socket: a conversation with tools, and a stream.

use std::path::Path;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::ChatCompletionMessageToolCalls;
use async_openai::types::chat::CreateChatCompletionRequest;
use async_openai::types::chat::FinishReason;
use futures_util::StreamExt;
use rustls::crypto::ring;
use serde_json::Value;
use serde_json::json;
use serve::Limits;
use serve::Served;
use tokio::sync::oneshot;

// The policy of the server's own tests: it writes what it is asked to.
#[path = "../../serve/tests/served/parrot.rs"]
mod parrot;

use parrot::Parrot;

/// A client of a server that lives as long as the test, at this path of it.
async fn client(path: &str, capture: Option<&Path>) -> Client<OpenAIConfig> {
    let dialect = parrot::dialect();
    let (policy, _) = Parrot::new(&dialect, None);
    let served = Served {
        name: "parrot".to_owned(),
        adapters: Vec::new(),
        policy: Box::new(policy),
        dialect,
        context: parrot::CONTEXT,
    };
    let server = serve::Server::bind(served, "127.0.0.1:0", Limits::default(), capture).await.expect("there are ports");
    let base = format!("http://{}{path}", server.address());
    // Dropped with the test's runtime, which ends the server too.
    let (stop, never) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let _stop = stop;
        server.run(async { drop(never.await) }, std::future::pending()).await
    });
    let _ = ring::default_provider().install_default();
    let http = reqwest::Client::builder().tls_certs_only([]).build().expect("nothing is encrypted");
    let config = OpenAIConfig::new().with_api_base(base).with_api_key("none");
    Client::build(http, config)
}

fn request(messages: &Value) -> CreateChatCompletionRequest {
    let look = json!({ "name": "look", "description": "Looks.", "parameters": { "type": "object", "properties": { "n": { "type": "integer" } } } });
    let request = json!({
        "model": "parrot", "messages": messages, "tools": [{ "type": "function", "function": look }], "tool_choice": "auto", "seed": 1,
    });
    serde_json::from_value(request).expect("it is a request of the library's own type")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_tools() {
    let folder = tempfile::tempdir().expect("there is room");
    let client = client("/episodes/one/v1", Some(folder.path())).await;
    let call = "say <tool_call>{\"name\": \"look\", \"arguments\": {\"n\": 2}}</tool_call>";
    let mut messages = json!([{ "role": "user", "content": call }]);
    let reply = client.chat().create(request(&messages)).await.expect("it is answered");
    let choice = &reply.choices[0];
    assert_eq!(choice.finish_reason, Some(FinishReason::ToolCalls));
    let calls = choice.message.tool_calls.as_ref().expect("it calls");
    let ChatCompletionMessageToolCalls::Function(called) = &calls[0] else { panic!("it is a function") };
    assert_eq!((called.function.name.as_str(), called.function.arguments.as_str()), ("look", "{\"n\":2}"));
    let answered = serde_json::to_value(&choice.message).expect("a message is JSON");
    let list = messages.as_array_mut().expect("a list");
    list.extend([answered, json!({ "role": "tool", "tool_call_id": called.id, "content": "say Two things." })]);
    let reply = client.chat().create(request(&messages)).await.expect("it is answered");
    assert_eq!(reply.choices[0].message.content.as_deref(), Some("Two things."));
    let usage = reply.usage.expect("tokens are counted");
    assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    let recorded = std::fs::read_to_string(folder.path().join("one.jsonl")).expect("it was recorded");
    let second: Value = serde_json::from_str(recorded.lines().nth(1).expect("two calls")).expect("JSON");
    assert!(
        second["continues"].is_object() && second["branch"].is_null(),
        "what the library sends back continues the stream"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream() {
    let client = client("/v1", None).await;
    let messages = json!([{ "role": "user", "content": "say One word after another, and then some more." }]);
    let mut request = request(&messages);
    request.stream = Some(true);
    let mut stream = client.chat().create_stream(request).await.expect("it is answered");
    let (mut text, mut pieces, mut finish) = (String::new(), 0, None);
    while let Some(piece) = stream.next().await {
        let piece = piece.expect("each piece is one");
        pieces += 1;
        for choice in piece.choices {
            text.push_str(choice.delta.content.as_deref().unwrap_or_default());
            finish = choice.finish_reason.or(finish);
        }
    }
    assert_eq!((text.as_str(), finish), ("One word after another, and then some more.", Some(FinishReason::Stop)));
    assert!(pieces > 2, "it came in {pieces} pieces");
}
