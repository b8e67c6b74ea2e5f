//! What is sent, and the form of what comes back: the part of OpenAI's chat completions that every compatible server has.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use sim::Message;
use sim::Source;
use text::tool_call;

use crate::Problem;
use crate::thought;

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// The model.
    pub model: String,
    /// The talk so far; user and assistant alternate.
    pub messages: Vec<ChatMessage>,
    /// At least 0.
    pub temperature: f32,
    /// Tokens of the reply.
    pub max_tokens: u32,
    /// Where the reply is drawn, if the server cares; `None` where nothing is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// One message as the server takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Whose.
    pub role: Role,
    /// Its text.
    pub content: String,
}

/// Who speaks, as the model at the other end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model's part.
    System,
    /// Everybody else.
    User,
    /// The model itself.
    Assistant,
}

impl Request {
    /// What a server at `base` would be sent, as a number: equal questions to the same model have the same.
    #[must_use]
    pub fn key(&self, base: &str) -> String {
        hash(&(base, self))
    }

    /// The most tokens that the request can cost: no tokenizer makes more tokens of a text than it has bytes, and templates add a few.
    #[must_use]
    pub fn bound(&self) -> Usage {
        let texts: usize = self.messages.iter().map(|message| message.content.len() + TEMPLATE_MESSAGE).sum();
        Usage { prompt_tokens: (texts + TEMPLATE) as u64, completion_tokens: self.max_tokens.into() }
    }
}

/// What a chat template may add to a message, and to a talk, in tokens.
const TEMPLATE_MESSAGE: usize = 16;
const TEMPLATE: usize = 256;

/// Adds what a seat is shown to its talk. What follows in the same role becomes one message: many templates refuse two.
pub fn show(talk: &mut Vec<ChatMessage>, messages: &[Message]) {
    for message in messages {
        let role = match message.from {
            Source::Brief => Role::System,
            Source::Partner | Source::World => Role::User,
        };
        add(talk, role, &message.text);
    }
}

/// Adds a text to a talk.
pub fn add(talk: &mut Vec<ChatMessage>, role: Role, text: &str) {
    match talk.last_mut().filter(|last| last.role == role) {
        Some(last) => {
            last.content.push_str("\n\n");
            last.content.push_str(text);
        }
        None => talk.push(ChatMessage { role, content: text.to_owned() }),
    }
}

/// The SHA-256 of a value's JSON, in hexadecimal.
#[must_use]
pub fn hash(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("numbers, texts and lists are always JSON");
    Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What is meant for others, without space around it; a tool call stands in it as `<tool_call>` text. May be empty.
    pub text: String,
    /// What is not; `None` if it thought nothing that we were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<String>,
    /// Whether the model ended it, or the limit of tokens.
    pub closed: bool,
}

/// Tokens of a request and its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// Written.
    #[serde(default)]
    pub completion_tokens: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

#[derive(Deserialize)]
struct Envelope {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    /// Where servers put a thought that they have cut out themselves.
    #[serde(default, alias = "reasoning")]
    reasoning_content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: String,
}

/// Reads a chat completion; the tokens are `None` where the server does not say.
///
/// # Errors
/// [`Problem::Unreadable`], [`Problem::Empty`] or [`Problem::Refusal`].
pub fn read(completion: Value) -> Result<(Reply, Option<Usage>), Problem> {
    let Envelope { choices, usage } = serde_json::from_value(completion)
        .map_err(|error| Problem::Unreadable(format!("no chat completion: {error}")))?;
    let usage = usage.is_object().then(|| serde_json::from_value(usage).ok()).flatten();
    let Some(Choice { message, finish_reason }) = choices.into_iter().next() else {
        return Err(Problem::Empty);
    };
    let Said { content, reasoning_content, refusal, tool_calls } = message;
    if let Some(refusal) = refusal.filter(|refusal| !refusal.is_empty()) {
        return Err(Problem::Refusal(refusal));
    }
    let calls: Vec<String> = tool_calls.iter().flatten().map(call).collect();
    if content.is_none() && calls.is_empty() {
        return Err(Problem::Empty);
    }
    let (thought, mut text) = thought::split(&content.unwrap_or_default());
    calls.iter().for_each(|call| text.push_str(call));
    // A model that thinks by itself and was told how to think besides has both.
    let thoughts: Vec<String> =
        reasoning_content.filter(|thought| !thought.is_empty()).into_iter().chain(thought).collect();
    let thought = (!thoughts.is_empty()).then(|| thoughts.join("\n"));
    Ok((Reply { text, thought, closed: finish_reason.as_deref() != Some("length") }, usage))
}

/// A call that the server has read already, written as models write it, so that there is one reader for both.
fn call(ToolCall { function: Function { name, arguments } }: &ToolCall) -> String {
    let call = serde_json::json!({ "name": name, "arguments": arguments });
    format!("{}{call}{}", tool_call::OPEN, tool_call::CLOSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(from: Source, text: &str) -> Message {
        Message { from, text: text.to_owned() }
    }

    fn completion(message: Value) -> Value {
        json!({ "choices": [{ "message": message, "finish_reason": "stop" }] })
    }

    #[test]
    fn a_talk_alternates_whoever_spoke_in_it() {
        let mut talk = Vec::new();
        show(&mut talk, &[message(Source::Brief, "a"), message(Source::World, "b"), message(Source::Partner, "c")]);
        add(&mut talk, Role::Assistant, "d");
        show(&mut talk, &[message(Source::World, "e")]);
        let roles: Vec<Role> = talk.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
        assert_eq!(talk[1].content, "b\n\nc");
    }

    #[test]
    fn a_reply_is_read_with_its_thought_wherever_it_stands() {
        for said in [
            json!({ "content": "<think>hm</think> yes " }),
            json!({ "content": "yes", "reasoning_content": "hm" }),
            json!({ "content": "yes", "reasoning": "hm", "refusal": null, "tool_calls": [] }),
        ] {
            let (reply, usage) = read(completion(said)).unwrap();
            assert_eq!(reply, Reply { text: "yes".to_owned(), thought: Some("hm".to_owned()), closed: true });
            assert_eq!(usage, None);
        }
    }

    #[test]
    fn a_call_is_written_as_models_write_it() {
        let arguments = r#"{"choice":"answer","content":"42"}"#;
        let calls = json!([{ "id": "1", "function": { "name": "interact_with_env", "arguments": arguments } }]);
        let (reply, _) = read(completion(json!({ "content": null, "tool_calls": calls }))).unwrap();
        let act = sim::Act::Tool { choice: sim::Choice::Answer, content: "42".to_owned() };
        assert_eq!(tool_call::parse(&reply.text), Ok(act));
    }

    #[test]
    fn what_is_no_completion_is_told_apart() {
        assert!(matches!(read(json!({ "error": "busy" })), Err(Problem::Unreadable(_))));
        assert!(matches!(read(json!([1])), Err(Problem::Unreadable(_))));
        assert!(matches!(read(completion(json!({ "content": 7 }))), Err(Problem::Unreadable(_))));
        assert_eq!(read(json!({ "choices": [] })), Err(Problem::Empty));
        assert_eq!(read(completion(json!({ "content": null }))), Err(Problem::Empty));
        let refused = read(completion(json!({ "content": null, "refusal": "no" })));
        assert_eq!(refused, Err(Problem::Refusal("no".to_owned())));
    }

    #[test]
    fn usage_is_read_if_it_is_one() {
        let mut good = completion(json!({ "content": "a" }));
        good["usage"] = json!({ "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7 });
        assert_eq!(read(good.clone()).unwrap().1.unwrap().total(), 7);
        good["usage"] = json!({ "prompt_tokens": -3 });
        assert_eq!(read(good).unwrap().1, None);
    }

    #[test]
    fn nothing_is_sent_that_nobody_asked_for() {
        let mut talk = Vec::new();
        add(&mut talk, Role::User, "a");
        let request = Request { model: "m".to_owned(), messages: talk, temperature: 0.7, max_tokens: 9, seed: None };
        let sent = serde_json::to_string(&request).unwrap();
        assert_eq!(
            sent,
            r#"{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":0.7,"max_tokens":9}"#
        );
        assert_ne!(request.key("http://a"), request.key("http://b"));
        assert_ne!(request.key("http://a"), Request { seed: Some(1), ..request.clone() }.key("http://a"));
    }
}
