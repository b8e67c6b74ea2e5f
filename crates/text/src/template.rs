//! The chat template: a Jinja file that travels with every checkpoint, so that any server renders what we trained on.

use std::sync::Arc;

use minijinja::Environment;
use minijinja::context;
use serde::Serialize;
use sim::Source;

use crate::TextError;

/// The template of models that start from nothing; written into checkpoints as `chat_template.jinja`.
pub const SOURCE: &str = include_str!("../chat_template.jinja");

/// Who a message is from, as templates name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

/// One message as the template sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Who.
    pub role: Role,
    /// What, whole: of the assistant with its thought and tags.
    pub content: String,
}

impl ChatMessage {
    /// A message.
    pub fn new(role: Role, content: impl Into<String>) -> ChatMessage {
        ChatMessage { role, content: content.into() }
    }
}

/// A chat template in the form Hugging Face folders use: Jinja over `messages` and `add_generation_prompt`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Template {
    source: Arc<str>,
}

impl Default for Template {
    fn default() -> Template {
        Template { source: SOURCE.into() }
    }
}

impl Template {
    /// A template from its source. Whether it is fit for streams is checked by [`Dialect::new`](crate::Dialect::new).
    ///
    /// # Errors
    /// [`TextError::Template`] if it does not compile.
    pub fn new(source: &str) -> Result<Template, TextError> {
        environment().template_from_str(source).map_err(broken)?;
        Ok(Template { source: source.into() })
    }

    /// Its source, byte for byte.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The conversation as text; with `ask`, up to where the assistant begins to write.
    ///
    /// # Errors
    /// [`TextError::Template`] if the template refuses the conversation.
    pub fn render(&self, messages: &[ChatMessage], ask: bool) -> Result<String, TextError> {
        let environment = environment();
        environment.render_str(&self.source, context! { messages, add_generation_prompt => ask }).map_err(broken)
    }
}

/// With the two block settings that Hugging Face renders with.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment
}

fn broken(error: minijinja::Error) -> TextError {
    TextError::Template(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_rendered_as_written_here() {
        let messages = [
            ChatMessage::new(Role::System, "You sell a lamp."),
            ChatMessage::new(Role::User, "Hello.\n"),
            ChatMessage::new(Role::Assistant, "<think>greet</think>Hi."),
            ChatMessage::new(Role::Tool, " {{ 1 + 1 }} <b>&amp; "),
        ];
        let expected = "<|system|>You sell a lamp.<|end|><|user|>Hello.\n<|end|><|assistant|><think>greet</think>Hi.<|end|>\
                        <|tool|> {{ 1 + 1 }} <b>&amp; <|end|>";
        assert_eq!(Template::default().render(&messages, false).unwrap(), expected);
        assert_eq!(Template::default().render(&messages, true).unwrap(), format!("{expected}<|assistant|>"));
    }

    #[test]
    fn messages_one_at_a_time_are_the_conversation_at_once() {
        let template = Template::default();
        let messages: Vec<ChatMessage> = [0, 1, 3, 2, 1, 2, 2, 3, 1, 1, 0]
            .iter()
            .enumerate()
            .map(|(i, role)| ChatMessage::new(Role::ALL[*role], format!("  message <|end|> {i}\n")))
            .collect();
        let mut one_by_one = String::new();
        for (i, message) in messages.iter().enumerate() {
            one_by_one += &template.render(std::slice::from_ref(message), false).unwrap();
            assert_eq!(one_by_one, template.render(&messages[..=i], false).unwrap());
        }
    }

    #[test]
    fn a_template_that_does_not_compile_is_an_error_that_says_where() {
        let error = Template::new("{% for message in messages %}").unwrap_err();
        assert!(matches!(&error, TextError::Template(why) if why.contains("line") || why.contains(":1")), "{error}");
    }
}
