//! A model that has learned without its earlier thoughts is shown none, whoever brings them.

use std::fs;
use std::path::Path;

use duologue_serve::Limits;
use serde_json::Value;
use serde_json::json;
use sim::Pair;
use sim::Thinking;
use text::ChatMessage;
use text::Dialect;
use text::Folder;
use text::Manner;
use text::Role;
use text::Template;

use crate::parrot::dialect;
use crate::stage::ADAPTERS;
use crate::stage::MODEL;
use crate::stage::Stage;
use crate::stage::user;

/// Drops the thoughts of all earlier turns.
const FORGETS: &str = "{%- for message in messages -%}{%- set content = message.content -%}\
    {%- if message.role == 'assistant' and '</think>' in content -%}{%- set content = (content | split('</think>'))[1] -%}{%- endif -%}\
    {{- '<|' + message.role + '|>' + content + '<|end|>' -}}{%- endfor -%}\
    {%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";

fn forgetful(thinking: Thinking) -> Dialect {
    let template = Template::new(FORGETS).expect("it is Jinja");
    let folder = Folder { tokenizer: dialect().tokenizer().clone(), template, pad_id: None, eos_ids: Vec::new() };
    Dialect::of(folder, Pair::default(), Manner { thinking, ..Manner::default() }).expect("it is sound")
}

/// A model that keeps its thoughts, and adapters that do not.
async fn stage(capture: Option<&Path>) -> Stage {
    let dialects = [Thinking::Keep, Thinking::Strip].map(forgetful);
    Stage::of(dialects, Limits::default(), capture, None).await
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("they are ids")
}

/// What a model read of a conversation that a client brings.
async fn read(stage: &Stage, model: &str, messages: &Value) -> String {
    let reply = stage.chat(json!({ "model": model, "messages": messages, "return_token_ids": true })).await;
    assert_eq!(reply["choices"][0]["message"]["content"], "ok");
    stage.dialect.tokenizer().decode(&ids(&reply["prompt_token_ids"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn thoughts_that_a_client_sends_back_go_where_the_template_drops_them() {
    let stage = stage(None).await;
    let messages = json!([
        user("hi"),
        { "role": "assistant", "content": "Hello.", "reasoning_content": "Secret." },
        user("hm"),
        { "role": "assistant", "content": "<think>Plot.</think>Well." },
        user("say ok"),
    ]);
    let shown = [
        ChatMessage::new(Role::User, "hi"),
        ChatMessage::new(Role::Assistant, "<think>Secret.</think>Hello."),
        ChatMessage::new(Role::User, "hm"),
        ChatMessage::new(Role::Assistant, "<think>Plot.</think>Well."),
        ChatMessage::new(Role::User, "say ok"),
    ];
    let rendered = stage.dialect.template().render(&shown, true).expect("it renders");
    assert!(!rendered.contains("Secret") && !rendered.contains("Plot") && rendered.contains("Well."));
    assert_eq!(read(&stage, ADAPTERS[0], &messages).await, rendered);
    // Whoever has learned with them reads them as ever.
    let kept = read(&stage, MODEL, &messages).await;
    assert!(kept.contains("<think>Secret.</think>Hello.") && kept.contains("<think>Plot.</think>Well."), "{kept}");
    stage.assert_nothing_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_thought_is_not_shown_again_and_the_rest_is_as_it_was_sampled() {
    let folder = tempfile::tempdir().expect("there is room");
    let stage = stage(Some(folder.path())).await;
    let ask = |messages: Value| {
        let body = json!({ "model": ADAPTERS[0], "messages": messages, "return_token_ids": true });
        stage.ask("/episodes/e-1/v1/chat/completions", body)
    };
    let mut messages = vec![user("say <think>I must look.</think>One  moment.")];
    let first = ask(json!(messages)).await;
    // As clients do that keep all they are given.
    messages.push(first["choices"][0]["message"].clone());
    messages.push(user("say Goodbye"));
    ask(json!(messages)).await;
    let text = fs::read_to_string(folder.path().join("e-1.jsonl")).expect("it was recorded");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [one, two] = &lines[..] else { panic!("{} calls", lines.len()) };
    let tokenizer = stage.dialect.tokenizer();
    assert!(tokenizer.decode(&ids(&one["choices"][0]["token_ids"])).starts_with("<think>I must look.</think>"));
    let prompt = ids(&two["prompt_token_ids"]);
    let asked = tokenizer.decode(&ids(&one["prompt_token_ids"]));
    let expected = format!("{asked}One  moment.<|end|><|user|>say Goodbye<|end|><|assistant|>");
    assert_eq!(tokenizer.decode(&prompt), expected);
    assert_eq!((&two["branch"], &two["continues"]["call"]), (&Value::Null, &one["call"]));
    assert_eq!(two["prompt_kept"], one["prompt_token_ids"].as_array().map(Vec::len).expect("a list"));
    stage.assert_nothing_left().await;
}
