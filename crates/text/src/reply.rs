//! What a model of another family wrote: thought, text, and calls of tools, however badly they are written.
//!
//! ```text
//!  Qwen     <think>…</think> text <tool_call>{"name": …, "arguments": {…}}</tool_call> …
//!  Llama 3  {"name": …, "parameters": {…}}      alone in the turn, or behind <|python_tag|>; several with `;` between them
//! ```
//!
//! Nothing here fails. A thought that never closes is all thought; a tag that closes what never opened ends a thought that the prompt had
//! opened; what should be a call and is none is kept as it was written, with the reason. For a seat of a scenario, which has to write one act or
//! none, [`reasoning::read`](crate::reasoning::read) is stricter.

use serde::de::IgnoredAny;

use crate::FunctionCall;
use crate::Json;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;
use crate::tool_call::CLOSE;
use crate::tool_call::OPEN;

/// What Llama writes before a call, if it writes anything.
pub const PYTHON_TAG: &str = "<|python_tag|>";

/// How a family writes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallForm {
    /// In tags, as the Qwen family and Hermes do.
    Tags,
    /// As a bare object, as Llama 3 does.
    Bare,
}

/// A turn as read. The pieces are the turn's own text; nothing is in two of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// What was thought; `None` if there is no tag of a thought at the beginning.
    pub reasoning: Option<Thought>,
    /// What was said: the text without thought and calls, white space around it trimmed. Empty if there is none.
    pub content: String,
    /// The calls, in order.
    pub calls: Vec<Result<FunctionCall, BadCall>>,
}

/// A thought, and how it was tagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thought {
    /// Its text, without tags and the white space around it.
    pub text: String,
    /// Whether its tags are whole.
    pub tags: Tags,
}

/// Which tags a thought has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// Both.
    Both,
    /// It never closes: all that follows is thought.
    Unclosed,
    /// It never opens: the prompt opened it, or the tag was forgotten.
    Unopened,
}

/// A call that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCall {
    /// As it was written, without tags and the white space around it.
    pub text: String,
    /// What is wrong with it.
    pub why: CallError,
}

/// What can be wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The text is no JSON, or more follows it.
    #[error("the tool call is not JSON")]
    NotJson,
    /// The JSON ends too early.
    #[error("the tool call is cut off")]
    Cut,
    /// It is no object with the name of a function.
    #[error("the tool call names no function")]
    NoName,
    /// Its arguments are missing.
    #[error("the tool call has no arguments")]
    NoArguments,
    /// Its arguments are neither an object nor the text of one.
    #[error("the tool call's arguments are no object")]
    BadArguments,
}

impl Reply {
    /// Reads a turn, closing token removed.
    #[must_use]
    pub fn read(turn: &str, form: CallForm) -> Reply {
        let (reasoning, rest) = thought(turn);
        let (content, calls) = match form {
            CallForm::Tags => tagged(rest),
            CallForm::Bare => bare(rest),
        };
        Reply { reasoning, content: content.trim().to_owned(), calls }
    }
}

/// Where arguments may stand, a family's own key first.
const ARGUMENTS: [&str; 2] = ["arguments", "parameters"];
const PARAMETERS: [&str; 2] = ["parameters", "arguments"];

/// The thought at the beginning, and the rest.
fn thought(turn: &str) -> (Option<Thought>, &str) {
    let told = |text: &str, tags| Some(Thought { text: text.trim().to_owned(), tags });
    if let Some(inside) = turn.trim_start().strip_prefix(THINK_OPEN) {
        return match inside.split_once(THINK_CLOSE) {
            Some((text, rest)) => (told(text, Tags::Both), rest),
            None => (told(inside, Tags::Unclosed), ""),
        };
    }
    match turn.split_once(THINK_CLOSE) {
        // A thought that opens in the middle is part of what was said.
        Some((text, rest)) if !text.contains(THINK_OPEN) => (told(text, Tags::Unopened), rest),
        Some(_) | None => (None, turn),
    }
}

/// Calls in tags; the last one may miss its closing tag.
fn tagged(text: &str) -> (String, Vec<Result<FunctionCall, BadCall>>) {
    let (mut content, mut calls, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once(OPEN) {
        content.push_str(before);
        let (inside, behind) = split_call(after);
        calls.push(call(inside, &ARGUMENTS));
        rest = behind;
    }
    content.push_str(rest);
    (content, calls)
}

/// What stands behind an opening tag: the call, and what follows it. A whole object is a call whatever tags its texts spell.
fn split_call(after: &str) -> (&str, &str) {
    let mut values = serde_json::Deserializer::from_str(after).into_iter::<IgnoredAny>();
    let whole = if let Some(Ok(_)) = values.next() { values.byte_offset() } else { 0 };
    let rest = &after[whole..];
    // Where another call opens first, this one was never closed.
    let close = rest.find(CLOSE).unwrap_or(rest.len());
    let end = whole + close.min(rest.find(OPEN).unwrap_or(rest.len()));
    let (inside, behind) = after.split_at(end);
    (inside, behind.strip_prefix(CLOSE).unwrap_or(behind))
}

/// Calls as bare objects: behind the tag whatever stands there is meant as calls; without it only a turn that begins with an object that
/// has a name.
fn bare(text: &str) -> (String, Vec<Result<FunctionCall, BadCall>>) {
    if let Some((before, meant)) = text.split_once(PYTHON_TAG) {
        let (mut calls, rest) = objects(meant);
        if calls.is_empty() || !rest.trim().is_empty() {
            calls.push(call(rest, &PARAMETERS));
        }
        return (before.to_owned(), calls);
    }
    let (calls, rest) = objects(text);
    let unnamed = |call: &Result<FunctionCall, BadCall>| call.as_ref().is_err_and(|bad| bad.why == CallError::NoName);
    if !calls.is_empty() && !calls.iter().any(unnamed) {
        return (rest.to_owned(), calls);
    }
    let start = text.trim_start();
    // An object that was cut while it named a function is a call, not something to say.
    if calls.is_empty() && start.starts_with('{') && start.contains("\"name\"") && is_cut(start) {
        return (String::new(), vec![call(start, &PARAMETERS)]);
    }
    (text.to_owned(), Vec::new())
}

/// Whole objects at the beginning of a text, with `;` or white space between them, and what follows.
fn objects(text: &str) -> (Vec<Result<FunctionCall, BadCall>>, &str) {
    let (mut calls, mut rest) = (Vec::new(), text);
    loop {
        let between = |c: char| c.is_whitespace() || (c == ';' && !calls.is_empty());
        let start = rest.trim_start_matches(between);
        let mut values = serde_json::Deserializer::from_str(start).into_iter::<IgnoredAny>();
        let whole = start.starts_with('{') && matches!(values.next(), Some(Ok(_)));
        if !whole {
            return (calls, rest);
        }
        let (object, after) = start.split_at(values.byte_offset());
        calls.push(call(object, &PARAMETERS));
        rest = after;
    }
}

fn is_cut(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

/// One call, its arguments under the first of these keys that it has.
fn call(text: &str, keys: &[&str]) -> Result<FunctionCall, BadCall> {
    let text = text.trim();
    read_call(text, keys).map_err(|why| BadCall { text: text.to_owned(), why })
}

fn read_call(text: &str, keys: &[&str]) -> Result<FunctionCall, CallError> {
    let object: Json = text.parse().map_err(|error| json_error(&error))?;
    let name = object.get("name").and_then(|name| name.as_str().map(str::to_owned)).filter(|name| !name.is_empty());
    let name = name.ok_or(CallError::NoName)?;
    let arguments = keys.iter().find_map(|key| object.get(key)).ok_or(CallError::NoArguments)?;
    let arguments = match arguments.as_str() {
        Some(text) => text.parse().map_err(|_| CallError::BadArguments)?,
        None => arguments,
    };
    if arguments.is_object() { Ok(FunctionCall { name, arguments }) } else { Err(CallError::BadArguments) }
}

fn json_error(error: &serde_json::Error) -> CallError {
    if error.is_eof() { CallError::Cut } else { CallError::NotJson }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(name: &str, arguments: &str) -> Result<FunctionCall, BadCall> {
        Ok(FunctionCall { name: name.to_owned(), arguments: arguments.parse().unwrap() })
    }

    fn bad(text: &str, why: CallError) -> Result<FunctionCall, BadCall> {
        Err(BadCall { text: text.to_owned(), why })
    }

    #[track_caller]
    fn check(turn: &str, form: CallForm, content: &str, calls: &[Result<FunctionCall, BadCall>]) {
        let reply = Reply::read(turn, form);
        assert_eq!((reply.content.as_str(), reply.calls.as_slice()), (content, calls), "{turn}");
    }

    #[track_caller]
    fn thinks(turn: &str, thought: Option<(&str, Tags)>, content: &str) {
        let thought = thought.map(|(text, tags)| Thought { text: text.to_owned(), tags });
        let expected = Reply { reasoning: thought, content: content.to_owned(), calls: Vec::new() };
        assert_eq!(Reply::read(turn, CallForm::Tags), expected, "{turn}");
        assert_eq!(Reply::read(turn, CallForm::Bare), expected, "{turn}");
    }

    #[test]
    fn a_thought_may_miss_either_tag() {
        thinks("<think>\na\n</think>\n\nb", Some(("a", Tags::Both)), "b");
        thinks("\n<think></think>b", Some(("", Tags::Both)), "b");
        thinks("<think>a b", Some(("a b", Tags::Unclosed)), "");
        thinks("a</think>b", Some(("a", Tags::Unopened)), "b");
        thinks("</think>b", Some(("", Tags::Unopened)), "b");
        thinks("a <think>b</think> c", None, "a <think>b</think> c");
        thinks("<think>a</think>b</think>c", Some(("a", Tags::Both)), "b</think>c");
        thinks("", None, "");
    }

    #[test]
    fn calls_in_tags_stand_anywhere_and_may_be_several() {
        let one = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"b\": 1, \"a\": \"x\"}}\n</tool_call>";
        let f = || made("f", r#"{"b": 1, "a": "x"}"#);
        check(one, CallForm::Tags, "", &[f()]);
        check(&format!("on {one} between {one} off"), CallForm::Tags, "on  between  off", &[f(), f()]);
        check(&format!("<think>{one}</think>x"), CallForm::Tags, "x", &[]);
        check(&one.replace("</tool_call>", ""), CallForm::Tags, "", &[f()]);
        check(&one.replace("</tool_call>", one), CallForm::Tags, "", &[f(), f()]);
        let text = r#"<tool_call>{"name":"f","arguments":"{\"a\":1}"}</tool_call>"#;
        check(text, CallForm::Tags, "", &[made("f", r#"{"a":1}"#)]);
        let tags = r#"<tool_call>{"name":"f","arguments":{"a":"</tool_call><tool_call>"}}</tool_call>"#;
        check(tags, CallForm::Tags, "", &[made("f", r#"{"a":"</tool_call><tool_call>"}"#)]);
    }

    #[test]
    fn a_bad_call_says_what_is_wrong_and_loses_nothing() {
        for (inside, why) in [
            ("", CallError::Cut),
            ("{", CallError::Cut),
            (r#"{"name":"f","arguments":{"a"#, CallError::Cut),
            ("f(1)", CallError::NotJson),
            ("7", CallError::NoName),
            ("[]", CallError::NoName),
            (r#"{"name":""}"#, CallError::NoName),
            (r#"{"name":3,"arguments":{}}"#, CallError::NoName),
            (r#"{"name":"f"}"#, CallError::NoArguments),
            (r#"{"name":"f","arguments":7}"#, CallError::BadArguments),
            (r#"{"name":"f","arguments":null}"#, CallError::BadArguments),
            (r#"{"name":"f","arguments":"x"}"#, CallError::BadArguments),
        ] {
            check(&format!("a <tool_call>{inside}</tool_call> b"), CallForm::Tags, "a  b", &[bad(inside, why)]);
            check(&format!("a {PYTHON_TAG} {inside}"), CallForm::Bare, "a", &[bad(inside, why)]);
        }
        check("<tool_call>{}{}</tool_call>", CallForm::Tags, "", &[bad("{}{}", CallError::NotJson)]);
    }

    #[test]
    fn a_bare_object_with_a_name_is_a_call() {
        let one = r#"{"name": "f", "parameters": {"a": 1}}"#;
        let f = || made("f", r#"{"a": 1}"#);
        check(one, CallForm::Bare, "", &[f()]);
        check(&format!("{PYTHON_TAG}{one}"), CallForm::Bare, "", &[f()]);
        check(&format!("Let me see.{PYTHON_TAG}{one}"), CallForm::Bare, "Let me see.", &[f()]);
        check(&format!("{one}; {one}"), CallForm::Bare, "", &[f(), f()]);
        check(&format!(" {one}\nI called it."), CallForm::Bare, "I called it.", &[f()]);
        check(&one.replace("parameters", "arguments"), CallForm::Bare, "", &[f()]);
        check(one, CallForm::Tags, one, &[]);
        check(&one[..20], CallForm::Bare, "", &[bad(&one[..20], CallError::Cut)]);
        check(r#"{"a": 1}"#, CallForm::Bare, r#"{"a": 1}"#, &[]);
        check("{curly} words", CallForm::Bare, "{curly} words", &[]);
        check(&format!("Try {one}"), CallForm::Bare, &format!("Try {one}"), &[]);
        check(&format!("{PYTHON_TAG}print(1)"), CallForm::Bare, "", &[bad("print(1)", CallError::NotJson)]);
        check(&format!("{PYTHON_TAG}{one} and so"), CallForm::Bare, "", &[f(), bad("and so", CallError::NotJson)]);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in any::<String>()) {
            for form in [CallForm::Tags, CallForm::Bare] {
                let _ = Reply::read(&text, form);
                let _ = Reply::read(&format!("<tool_call>{{{text}"), form);
            }
        }

        /// Each word is thought, said, or in a call that is none; none is lost or told twice.
        #[test]
        fn pieces_of_markup_in_any_order_are_read(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<think>", "</think>", "<tool_call>", "</tool_call>", PYTHON_TAG, r#"{"name":"f","arguments":{}}"#, r#"{"name":"f","#,
                r#""parameters":{"x":[1,{"#, "}]}}", ";", " ", "word", "é", "{", "}", "\"", "\\",
            ]), 0..14),
        ) {
            let turn = parts.concat();
            for form in [CallForm::Tags, CallForm::Bare] {
                let Reply { reasoning, content, calls } = Reply::read(&turn, form);
                let bad = calls.iter().filter_map(|call| call.as_ref().err()).map(|bad| bad.text.clone());
                let good = calls.iter().filter_map(|call| call.as_ref().ok()).map(|call| call.name.clone() + &call.arguments.dumps());
                let kept: Vec<String> = bad.chain(good).chain(reasoning.map(|thought| thought.text)).chain([content]).collect();
                let words: usize = kept.iter().map(|text| text.matches("word").count()).sum();
                prop_assert_eq!(words, turn.matches("word").count(), "{}", turn);
            }
        }

        #[test]
        fn calls_that_templates_write_are_read_back(name in "[a-z_]{1,8}", text in any::<String>(), number in any::<i64>()) {
            let arguments: Json = serde_json::json!({ "text": text, "n": number }).into();
            let (quoted, written) = (Json::from(name.as_str()).dumps(), arguments.dumps());
            let call = FunctionCall { name, arguments };
            let tagged = format!("<tool_call>\n{{\"name\": {quoted}, \"arguments\": {written}}}\n</tool_call>");
            prop_assert_eq!(Reply::read(&tagged, CallForm::Tags).calls, vec![Ok(call.clone())]);
            let bare = format!("{{\"name\": {quoted}, \"parameters\": {written}}}");
            prop_assert_eq!(Reply::read(&bare, CallForm::Bare).calls, vec![Ok(call)]);
        }
    }
}
