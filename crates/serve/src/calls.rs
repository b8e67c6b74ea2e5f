//! Calls of functions in what a model writes: Hermes' form, `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, which the Qwen family
//! and our own gyms use.

use serde_json::Value;
use serde_json::json;
use text::tool_call::CLOSE;
use text::tool_call::OPEN;

/// What models are told of the functions that they may call, in the words that Qwen's templates use.
#[must_use]
pub fn announcement(tools: &[Value]) -> String {
    let tools: String = tools.iter().map(|tool| format!("{tool}\n")).collect();
    format!(
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures within \
         <tools></tools> XML tags:\n<tools>\n{tools}</tools>\n\nFor each function call, return a json object with function name and \
         arguments within {OPEN}{CLOSE} XML tags:\n{OPEN}{{\"name\": <function-name>, \"arguments\": <args-json-object>}}{CLOSE}"
    )
}

/// A call as a model would write it, without its tags. Arguments that are no JSON stay a text.
#[must_use]
pub fn write(name: &str, arguments: &str) -> String {
    let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| json!(arguments));
    json!({ "name": name, "arguments": arguments }).to_string()
}

/// Reads what stands between the tags: the function's name, and its arguments as a text of JSON. `None` if it is no call. Tolerated:
/// arguments as a string of JSON, under the name `parameters`, or none at all.
#[must_use]
pub fn parse(inside: &str) -> Option<(String, String)> {
    let call: Value = serde_json::from_str(inside.trim()).ok()?;
    let name = call.get("name")?.as_str().filter(|name| !name.is_empty())?;
    let arguments = match call.get("arguments").or_else(|| call.get("parameters")) {
        None | Some(Value::Null) => json!({}),
        Some(Value::String(text)) => serde_json::from_str(text).ok()?,
        Some(arguments) => arguments.clone(),
    };
    arguments.is_object().then(|| (name.to_owned(), arguments.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let written = write("look", r#"{"place": "a</b>", "n": 2}"#);
        let (name, arguments) = parse(&written).unwrap();
        assert_eq!(name, "look");
        assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!({ "place": "a</b>", "n": 2 }));
    }

    #[test]
    fn what_is_no_call_is_none() {
        for inside in [
            "",
            "look",
            "{}",
            r#"{"name": ""}"#,
            r#"{"name": "a", "arguments": 3}"#,
            r#"{"name": "a", "arguments": "b"}"#,
        ] {
            assert_eq!(parse(inside), None, "{inside}");
        }
        assert_eq!(parse(r#"{"name": "a"}"#), Some(("a".to_owned(), "{}".to_owned())));
    }
}
