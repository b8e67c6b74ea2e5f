//! Chat messages as requests hold them, checked.

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use text::Role;

use crate::Problem;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// From whom; `developer` is the system.
    pub role: Role,
    /// What is said; parts of text are laid end to end. Empty where a message only calls.
    pub text: String,
    /// The thought before it, of the assistant; `None` if there is none.
    pub reasoning: Option<String>,
    /// The functions that the assistant calls.
    pub calls: Vec<Call>,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// What the tool's message refers to.
    pub id: String,
    /// The function.
    pub name: String,
    /// Its arguments, as a text of JSON.
    pub arguments: String,
}

impl Call {
    /// In OpenAI's form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "type": "function",
            "function": { "name": self.name, "arguments": self.arguments },
        })
    }
}

impl Turn {
    /// The assistant's turn that answers with this.
    #[must_use]
    pub fn assistant(text: String, reasoning: Option<String>, calls: Vec<Call>) -> Turn {
        Turn { role: Role::Assistant, text, reasoning, calls }
    }

    /// In OpenAI's form. A message of calls alone has no content.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let content = if self.text.is_empty() && !self.calls.is_empty() { Value::Null } else { json!(self.text) };
        let mut message = json!({ "role": self.role.name(), "content": content });
        if let Some(reasoning) = &self.reasoning {
            message["reasoning_content"] = json!(reasoning);
        }
        if !self.calls.is_empty() {
            message["tool_calls"] = self.calls.iter().map(Call::to_json).collect();
        }
        message
    }
}

/// Checks a conversation.
///
/// # Errors
/// [`Problem`] 400 that names the message.
pub fn read(messages: &[Value]) -> Result<Vec<Turn>, Problem> {
    if messages.is_empty() {
        return Err(Problem::invalid("messages", "`messages` is empty"));
    }
    let mut turns: Vec<Turn> = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let at = |why: &str| Problem::invalid("messages", format!("messages[{index}]: {why}"));
        let Value::Object(message) = message else { return Err(at("it is not an object")) };
        let turn = turn(message).map_err(|why| at(&why))?;
        if turn.role == Role::Tool {
            let id = message.get("tool_call_id").and_then(Value::as_str);
            let id = id.ok_or_else(|| at("a tool's message has a tool_call_id"))?;
            if !turns.iter().flat_map(|turn| &turn.calls).any(|call| call.id == id) {
                return Err(at(&format!("no call before it has the id `{id}`")));
            }
        }
        turns.push(turn);
    }
    Ok(turns)
}

/// Keys that a message may have: those of requests, and those that answers have and clients send back.
const KEYS: [&str; 11] = [
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "reasoning_content",
    "refusal",
    "annotations",
    "audio",
    "function_call",
    "reasoning",
];

fn turn(message: &Map<String, Value>) -> Result<Turn, String> {
    if let Some(key) = message.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("`{key}` is no key of a message"));
    }
    // Of all models' answers: there, and without content.
    for key in ["refusal", "audio", "function_call", "reasoning"] {
        if message.get(key).is_some_and(|value| !value.is_null()) {
            return Err(format!("`{key}` is not supported"));
        }
    }
    let role = match message.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        _ => return Err("its role is not system, developer, user, assistant or tool".to_owned()),
    };
    let reasoning = optional_text(message, "reasoning_content")?;
    optional_text(message, "name")?;
    let calls = match message.get("tool_calls") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(calls)) => calls.iter().map(call).collect::<Result<_, _>>()?,
        Some(_) => return Err("its tool_calls are not a list".to_owned()),
    };
    if role != Role::Assistant && (reasoning.is_some() || !calls.is_empty()) {
        return Err("only the assistant's messages have tool_calls or reasoning_content".to_owned());
    }
    let text = match content(message.get("content"))? {
        Some(text) => text,
        None if calls.is_empty() && reasoning.is_none() => return Err("it has no content".to_owned()),
        None => String::new(),
    };
    Ok(Turn { role, text, reasoning, calls })
}

/// A text, or a list of parts of text.
fn content(content: Option<&Value>) -> Result<Option<String>, String> {
    match content {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(parts)) => parts.iter().map(part).collect::<Result<String, _>>().map(Some),
        Some(_) => Err("its content is neither a text nor a list of parts".to_owned()),
    }
}

fn part(part: &Value) -> Result<&str, String> {
    match (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str)) {
        (Some("text"), Some(text)) => Ok(text),
        (Some("text"), None) => Err("a part of its content has no text".to_owned()),
        (kind, _) => Err(format!("a part of its content is not text but {}", kind.unwrap_or("nothing known"))),
    }
}

fn call(call: &Value) -> Result<Call, String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if call.get("type").is_some_and(|kind| kind != "function") {
        return Err("one of its tool_calls is not of type function".to_owned());
    }
    let function = call.get("function");
    let id = text(call.get("id")).ok_or("one of its tool_calls has no id")?;
    let name = text(function.and_then(|function| function.get("name"))).ok_or("one of its tool_calls has no name")?;
    let arguments = text(function.and_then(|function| function.get("arguments")));
    let arguments = arguments.ok_or("the arguments of one of its tool_calls are not a text of JSON")?;
    if !serde_json::from_str::<Value>(&arguments).is_ok_and(|arguments| arguments.is_object()) {
        return Err("the arguments of one of its tool_calls are not a text of a JSON object".to_owned());
    }
    Ok(Call { id, name, arguments })
}

fn optional_text(message: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match message.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("its {key} is not a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(messages: Value) -> String {
        let messages = messages.as_array().cloned().unwrap_or_default();
        read(&messages).expect_err("it is refused").message
    }

    #[test]
    fn a_conversation_with_tools_is_read_and_written_back() {
        let messages = [
            json!({ "role": "developer", "content": "Be brief." }),
            json!({ "role": "user", "content": [{ "type": "text", "text": "Wea" }, { "type": "text", "text": "ther?" }] }),
            json!({ "role": "assistant", "content": null, "reasoning_content": "Look.", "tool_calls": [
                { "id": "call_1", "type": "function", "function": { "name": "look", "arguments": "{}" } },
            ] }),
            json!({ "role": "tool", "tool_call_id": "call_1", "content": "rain" }),
        ];
        let turns = read(&messages).unwrap();
        assert_eq!(
            turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
            [Role::System, Role::User, Role::Assistant, Role::Tool]
        );
        assert_eq!((turns[1].text.as_str(), turns[3].text.as_str()), ("Weather?", "rain"));
        assert_eq!(turns[2].to_json(), messages[2]);
    }

    #[test]
    fn a_message_that_is_wrong_is_named() {
        assert_eq!(refusal(json!([])), "`messages` is empty");
        let user = json!({ "role": "user", "content": "hi" });
        assert_eq!(refusal(json!([user, 3])), "messages[1]: it is not an object");
        assert_eq!(refusal(json!([user, { "role": "user" }])), "messages[1]: it has no content");
        let tool = json!({ "role": "tool", "content": "x", "tool_call_id": "call_9" });
        assert_eq!(refusal(json!([user, tool])), "messages[1]: no call before it has the id `call_9`");
        let image = json!({ "role": "user", "content": [{ "type": "image_url", "image_url": {} }] });
        assert_eq!(refusal(json!([image])), "messages[0]: a part of its content is not text but image_url");
    }
}
