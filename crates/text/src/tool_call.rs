//! UserRL's one tool, as models call it (spec userrl §1.1 to §1.3): `<tool_call>{json}</tool_call>` in Hermes form.

use serde_json::Value;
use serde_json::json;
use sim::Act;
use sim::Choice;
use sim::Toolkit;

use crate::FunctionCall;
use crate::Json;
use crate::Reply;
use crate::reply::CallForm;

/// Opens a call.
pub const OPEN: &str = "<tool_call>";
/// Closes it.
pub const CLOSE: &str = "</tool_call>";
/// The tool's name.
pub const TOOL: &str = "interact_with_env";

/// Whether a reply tries to call a tool.
#[must_use]
pub fn is_call(reply: &str) -> bool {
    reply.contains(OPEN)
}

/// Reads the one call in a reply. Tolerated: text around it, no closing tag at the end, arguments as a string of JSON, a prefix such as
/// `[answer]` that repeats the choice, or that stands in for an unknown one.
///
/// # Errors
/// What is wrong with it, in words that quote nothing.
pub fn parse(reply: &str) -> Result<Act, &'static str> {
    let (_, rest) = reply.split_once(OPEN).ok_or("no tool call")?;
    if rest.contains(OPEN) {
        return Err(MANY);
    }
    let body = rest.split_once(CLOSE).map_or(rest, |(body, _)| body);
    let call: Value = serde_json::from_str(body.trim()).map_err(|_| "the tool call is not JSON")?;
    if call.get("name").and_then(Value::as_str) != Some(TOOL) {
        return Err(OTHER);
    }
    let arguments = match call.get("arguments") {
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|_| "the tool call's arguments are not JSON")?
        }
        Some(arguments) => arguments.clone(),
        None => return Err("the tool call has no arguments"),
    };
    let field = |name: &str| arguments.get(name).and_then(Value::as_str);
    act(field("choice"), field("content"))
}

/// Reads a reply as a family writes it, one call or plain talk. Tolerated as by [`parse`], besides an opening tag that another one follows.
///
/// # Errors
/// What is wrong with it, in words that quote nothing.
pub fn read(reply: &str, form: CallForm) -> Result<Act, String> {
    let mut calls = Reply::read(reply, form).calls;
    let Some(call) = calls.pop() else { return Ok(Act::Say(reply.trim().to_owned())) };
    if !calls.is_empty() {
        return Err(MANY.to_owned());
    }
    let FunctionCall { name, arguments } = call.map_err(|bad| bad.why.to_string())?;
    if name != TOOL {
        return Err(OTHER.to_owned());
    }
    let [choice, content] = ["choice", "content"].map(|name| arguments.get(name));
    act(choice.as_ref().and_then(Json::as_str), content.as_ref().and_then(Json::as_str)).map_err(str::to_owned)
}

const MANY: &str = "more than one tool call in a turn";
const OTHER: &str = "the only tool is interact_with_env";

/// What a call's arguments ask for.
fn act(choice: Option<&str>, content: Option<&str>) -> Result<Act, &'static str> {
    let has_content = content.is_some();
    let content = content.unwrap_or_default().trim();
    match choice.and_then(choice_named) {
        Some(Choice::Finish) => Ok(Act::Tool { choice: Choice::Finish, content: content.to_owned() }),
        Some(choice) if has_content => {
            let own_prefix = format!("[{}]", choice_name(choice));
            let content = content.strip_prefix(&own_prefix).unwrap_or(content).trim();
            Ok(Act::Tool { choice, content: content.to_owned() })
        }
        Some(_) => Err("the tool call has no content"),
        None => prefixed(content).ok_or("the choice is action, search, answer or finish"),
    }
}

/// The call as text; the inverse of [`parse`].
#[must_use]
pub fn write(choice: Choice, content: &str) -> String {
    format!("{OPEN}{}{CLOSE}", call(choice, content))
}

/// The call as a value: the tool's name and its arguments.
#[must_use]
pub fn call(choice: Choice, content: &str) -> Value {
    json!({ "name": TOOL, "arguments": { "choice": choice_name(choice), "content": content } })
}

/// The tool as models are told of it: name, description, and its arguments as a JSON Schema.
#[must_use]
pub fn definition() -> Value {
    json!({
        "name": TOOL,
        "description": "Acts on the environment. Which choices it takes, and what content they need, is in the system prompt.",
        "parameters": {
            "type": "object",
            "properties": {
                "choice": { "type": "string", "enum": ALL.map(choice_name), "description": "What kind of act it is." },
                "content": { "type": "string", "description": "What is said, looked up or answered; empty for finish." },
            },
            "required": ["choice", "content"],
        },
    })
}

/// The tool as a chat template is told of it, with what it does for a seat of one gym; keys in the order in which models know them.
#[must_use]
pub fn tool(kit: &Toolkit) -> Json {
    let quoted = |text: &str| Json::from(text).dumps();
    let names: Vec<String> = kit.choices.iter().map(|(choice, _)| quoted(choice_name(*choice))).collect();
    let meanings: Vec<String> =
        kit.choices.iter().map(|(choice, meaning)| format!("{} {meaning}.", choice_name(*choice))).collect();
    let text = format!(
        r#"{{"type": "function", "function": {{"name": {name}, "description": {description}, "parameters": {{"type": "object", "properties": {{
            "choice": {{"type": "string", "enum": [{names}], "description": {meanings}}},
            "content": {{"type": "string", "description": {content}}}}}, "required": ["choice", "content"]}}}}}}"#,
        name = quoted(TOOL),
        description = quoted("Acts in the conversation: one call in each turn."),
        names = names.join(", "),
        meanings = quoted(&meanings.join(" ")),
        content = quoted("What goes with the choice."),
    );
    text.parse().expect("its texts are quoted and its brackets close")
}

const ALL: [Choice; 4] = [Choice::Action, Choice::Search, Choice::Answer, Choice::Finish];

/// Upstream lets content with a prefix through where the choice is none of its own.
fn prefixed(content: &str) -> Option<Act> {
    let (name, rest) = content.strip_prefix('[')?.split_once(']')?;
    Some(Act::Tool { choice: choice_named(name)?, content: rest.trim().to_owned() })
}

fn choice_named(name: &str) -> Option<Choice> {
    ALL.into_iter().find(|choice| choice_name(*choice) == name)
}

/// The word for a choice.
pub(crate) fn choice_name(choice: Choice) -> &'static str {
    match choice {
        Choice::Action => "action",
        Choice::Search => "search",
        Choice::Answer => "answer",
        Choice::Finish => "finish",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(reply: &str, choice: Choice, content: &str) {
        assert_eq!(parse(reply), Ok(Act::Tool { choice, content: content.to_owned() }));
    }

    #[track_caller]
    fn refused(reply: &str) {
        assert!(parse(reply).is_err(), "{:?}", parse(reply));
    }

    fn call(arguments: &str) -> String {
        format!(r#"<tool_call>{{"name":"interact_with_env","arguments":{arguments}}}</tool_call>"#)
    }

    #[test]
    fn a_call_is_read_with_text_around_it_or_without_its_closing_tag() {
        check(&call(r#"{"choice":"action","content":"Where to?"}"#), Choice::Action, "Where to?");
        check(&format!("Well.\n{}\n", call(r#"{"choice":"answer","content":"H1"}"#)), Choice::Answer, "H1");
        let open = call(r#"{"choice":"search","content":"{\"a\":1}"}"#).replace(CLOSE, "\n");
        check(&open, Choice::Search, r#"{"a":1}"#);
    }

    #[test]
    fn arguments_may_be_a_string_of_json() {
        check(&call(r#""{\"choice\":\"action\",\"content\":\"hi\"}""#), Choice::Action, "hi");
    }

    #[test]
    fn a_prefix_repeats_the_choice_or_stands_in_for_an_unknown_one_but_never_overrides_it() {
        check(&call(r#"{"choice":"action","content":"[action] hi"}"#), Choice::Action, "hi");
        check(&call(r#"{"choice":"action","content":"[answer] H1"}"#), Choice::Action, "[answer] H1");
        check(&call(r#"{"choice":"respond","content":"[answer] H1"}"#), Choice::Answer, "H1");
        check(&call(r#"{"choice":"respond","content":"[finish]"}"#), Choice::Finish, "");
        check(&call(r#"{"choice":"finish"}"#), Choice::Finish, "");
    }

    #[test]
    fn what_is_no_call_is_refused() {
        refused("hello");
        refused("<tool_call>");
        refused("<tool_call>{</tool_call>");
        refused(r#"<tool_call>{"name":"rm","arguments":{"choice":"action","content":"x"}}</tool_call>"#);
        refused(&call(r#"{"choice":"action"}"#));
        refused(&call(r#"{"choice":"dance","content":"x"}"#));
        refused(&call("[]"));
        refused(&call("7"));
        refused(&call(r#"{"choice":"action","content":"x"}"#).repeat(2));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = parse(&text);
            let _ = parse(&format!("<tool_call>{text}"));
            let _ = parse(&call(&text));
        }

        #[test]
        fn what_is_written_is_read_back(content in "[^<\\[]*") {
            check(&write(Choice::Answer, content.trim()), Choice::Answer, content.trim());
        }
    }
}
