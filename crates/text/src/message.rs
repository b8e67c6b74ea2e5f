//! Chat messages as the templates of the Qwen and Llama families read them.

use serde::Deserialize;
use serde::Serialize;
use sim::Source;

use crate::Json;

/// Who a message is from, as templates name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The seat's brief.
    System,
    /// The partner.
    User,
    /// The seat itself.
    Assistant,
    /// The world.
    Tool,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 4] = [Role::System, Role::User, Role::Assistant, Role::Tool];

    /// The word in the template.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

impl From<Source> for Role {
    fn from(source: Source) -> Role {
        match source {
            Source::Brief => Role::System,
            Source::Partner => Role::User,
            Source::World => Role::Tool,
        }
    }
}

/// One message as the template sees it. What is `None` or empty is not there for the template, as `transformers` drops it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who.
    pub role: Role,
    /// What, whole: of the assistant with its thought and tags, unless that is in `reasoning_content`. Empty where a message only calls tools.
    pub content: String,
    /// What the assistant thought, without tags, for templates that write thoughts themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The tools that the assistant calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Who of several participants, or which tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which call a tool's message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message of text alone.
    pub fn new(role: Role, content: impl Into<String>) -> ChatMessage {
        ChatMessage {
            role,
            content: content.into(),
            reasoning_content: None,
            tool_calls: Vec::new(),
            name: None,
            tool_call_id: None,
        }
    }
}

/// A call in an assistant's message, in OpenAI's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names the call; `None` if nothing refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Always `function`.
    #[serde(rename = "type", default)]
    pub kind: ToolKind,
    /// What is called.
    pub function: FunctionCall,
}

/// The one kind of tool there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolKind {
    /// A function described by a JSON Schema.
    #[default]
    Function,
}

/// A function and what it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Its name.
    pub name: String,
    /// Its arguments: an object, keys in order; or a text of JSON, as OpenAI's clients send them.
    pub arguments: Json,
}

impl From<FunctionCall> for ToolCall {
    fn from(function: FunctionCall) -> ToolCall {
        ToolCall { id: None, kind: ToolKind::Function, function }
    }
}
