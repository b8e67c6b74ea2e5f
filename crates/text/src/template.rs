//! The chat template: a Jinja file that travels with every checkpoint, so that any server renders what we trained on.
//!
//! Templates of other families are written for Python's Jinja as `transformers` sets it up; `template/python.rs` makes up the difference.

mod python;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::iter::once;
use std::sync::Arc;

use minijinja::Environment;
use minijinja::Value;
use serde::Serialize;

use crate::ChatMessage;
use crate::Json;
use crate::TextError;
pub(crate) use python::is_space;

/// The template of models that start from nothing; written into checkpoints as `chat_template.jinja`.
pub const SOURCE: &str = include_str!("../chat_template.jinja");

/// Names under which the two sources stand in the environment.
const DEFAULT: &str = "default";
const TOOL_USE: &str = "tool_use";
/// Names of a message's reasoning, the one that templates read first.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// What a rendering is told beside the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Tools as JSON Schemas, in the form that the template expects: mostly `{"type": "function", "function": {…}}`. `None` and an empty
    /// list are not the same to every template.
    pub tools: Option<Vec<Json>>,
    /// Documents with `title` and `text`, for templates that quote some.
    pub documents: Option<Vec<Json>>,
    /// Keyword arguments such as `enable_thinking` and `date_string`. They win over the template's own variables.
    pub variables: BTreeMap<String, Json>,
}

/// A chat template in the form Hugging Face folders use: Jinja over `messages` and `add_generation_prompt`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Arc<Parts>,
    environment: Arc<Environment<'static>>,
}

/// What a template is made of.
#[derive(Clone, Debug)]
struct Parts {
    source: String,
    /// Takes the place of `source` where there are tools.
    tool_use: Option<String>,
    /// Such as `bos_token`.
    variables: BTreeMap<String, Json>,
    /// Seconds since 1970; `None`: the template is told that there is no clock.
    now: Option<i64>,
}

impl Default for Template {
    fn default() -> Template {
        Template::new(SOURCE).expect("a test renders it")
    }
}

impl Template {
    /// A template from its source. Whether it is fit for streams is checked by [`Dialect::new`](crate::Dialect::new).
    ///
    /// # Errors
    /// [`TextError::Template`] if it does not compile.
    pub fn new(source: &str) -> Result<Template, TextError> {
        Template::made(Parts { source: source.to_owned(), tool_use: None, variables: BTreeMap::new(), now: None })
    }

    /// The same template with another source for conversations with tools.
    ///
    /// # Errors
    /// [`TextError::Template`] if it does not compile.
    pub fn with_tool_use(&self, source: &str) -> Result<Template, TextError> {
        Template::made(Parts { tool_use: Some(source.to_owned()), ..(*self.parts).clone() })
    }

    /// The same template with these variables of the tokenizer, such as `bos_token`.
    #[must_use]
    pub fn with_variables(&self, variables: BTreeMap<String, Json>) -> Template {
        let parts = Parts { variables, ..(*self.parts).clone() };
        Template { parts: Arc::new(parts), environment: Arc::clone(&self.environment) }
    }

    /// The same template at a moment, in seconds since 1970 (UTC), that `strftime_now` tells. No clock is read here: a stream has one date
    /// from its beginning to its end, and the same in every run. Without a moment `strftime_now` is not defined, and templates that ask
    /// for it fall back to a date of their own.
    ///
    /// # Panics
    /// Never: the source compiled before.
    #[must_use]
    pub fn at(&self, seconds: i64) -> Template {
        let parts = Parts { now: Some(seconds), ..(*self.parts).clone() };
        Template::made(parts).expect("it compiled before")
    }

    fn made(parts: Parts) -> Result<Template, TextError> {
        let mut environment = python::environment(parts.now);
        let mut add = |name, source: &str| environment.add_template_owned(name, python::without_generation(source));
        add(DEFAULT, &parts.source).map_err(broken)?;
        if let Some(source) = &parts.tool_use {
            add(TOOL_USE, source).map_err(broken)?;
        }
        Ok(Template { parts: Arc::new(parts), environment: Arc::new(environment) })
    }

    /// Its source, byte for byte; where there are two, the one for conversations without tools.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.parts.source
    }

    /// The conversation as text; with `ask`, up to where the assistant begins to write.
    ///
    /// # Errors
    /// [`TextError::Refused`] if the template refuses the conversation, [`TextError::Template`] if it fails.
    pub fn render(&self, messages: &[ChatMessage], ask: bool) -> Result<String, TextError> {
        self.render_with(messages, ask, &Extras::default())
    }

    /// The same with tools, documents and keyword arguments, over [`ChatMessage`]s or over [`Json`] as a client sent it. As in
    /// `transformers`, keys whose value is null are dropped, and reasoning under an older name is told under all of them.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_with<M: Serialize>(&self, messages: &[M], ask: bool, extras: &Extras) -> Result<String, TextError> {
        let messages: Vec<Value> = messages.iter().map(|message| told(&Value::from_serialize(message))).collect();
        let list = |list: &Option<Vec<Json>>| list.as_ref().map_or(Value::from(()), Value::from_serialize);
        let variables = self.parts.variables.iter().chain(&extras.variables);
        let context: BTreeMap<String, Value> = variables
            .map(|(name, value)| (name.clone(), value.value().clone()))
            .chain([
                ("messages".to_owned(), Value::from(messages)),
                ("tools".to_owned(), list(&extras.tools)),
                ("documents".to_owned(), list(&extras.documents)),
                ("add_generation_prompt".to_owned(), Value::from(ask)),
            ])
            .collect();
        let name = if extras.tools.is_some() && self.parts.tool_use.is_some() { TOOL_USE } else { DEFAULT };
        self.environment.get_template(name).and_then(|template| template.render(context)).map_err(broken)
    }
}

/// A message as templates are told of it.
fn told(message: &Value) -> Value {
    let pairs: Vec<(Value, Value)> = message
        .try_iter()
        .map(|keys| keys.filter_map(|key| message.get_item(&key).ok().map(|value| (key, value))).collect())
        .unwrap_or_default();
    let kept = pairs.into_iter().filter(|(_, value)| !value.is_none() && !value.is_undefined());
    let reasoning = REASONING.iter().filter_map(|name| message.get_attr(name).ok());
    match reasoning.into_iter().find(|value| !value.is_none() && !value.is_undefined()) {
        Some(reasoning) => once((Value::from("thinking"), reasoning.clone()))
            .chain(kept)
            .chain([(Value::from("reasoning_content"), reasoning)])
            .collect(),
        None => kept.collect(),
    }
}

fn broken(error: minijinja::Error) -> TextError {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(python::Raised(why)) = cause.downcast_ref() {
            return TextError::Refused(why.clone());
        }
        source = cause.source();
    }
    TextError::Template(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

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

    fn extras(json: &str) -> Extras {
        Extras { variables: serde_json::from_str(json).unwrap(), ..Extras::default() }
    }

    fn json(text: &str) -> Json {
        text.parse().unwrap()
    }

    #[test]
    fn a_refusal_is_told_from_a_failure() {
        let refuses =
            Template::new("{% if ask_me %}{{ raise_exception('not ' ~ messages|length) }}{% endif %}").unwrap();
        assert_eq!(refuses.render(&[], false), Ok(String::new()));
        let asked = refuses.render_with::<Json>(&[], false, &extras(r#"{"ask_me": true}"#));
        assert_eq!(asked, Err(TextError::Refused("not 0".to_owned())));
        let fails = Template::new("{{ messages[0].role }}").unwrap();
        assert!(matches!(fails.render(&[], false), Err(TextError::Template(_))));
    }

    #[test]
    fn arguments_win_over_variables_and_tools_choose_the_source() {
        let template =
            Template::new("{{ bos_token }}{{ tools is none }}").unwrap().with_tool_use("{{ tools | tojson }}").unwrap();
        let template = template.with_variables([("bos_token".to_owned(), Json::from("<s>"))].into());
        assert_eq!(template.render(&[], false).unwrap(), "<s>True");
        assert_eq!(template.render_with::<Json>(&[], false, &extras(r#"{"bos_token": "B"}"#)).unwrap(), "BTrue");
        let tools = Extras { tools: Some(vec![json(r#"{"b":1,"a":2}"#)]), ..Extras::default() };
        assert_eq!(template.render_with::<Json>(&[], false, &tools).unwrap(), r#"[{"b": 1, "a": 2}]"#);
    }

    #[test]
    fn documents_are_told() {
        let template =
            Template::new("{% for d in documents or [] %}{{ d.title }}: {{ d['text'] }}{% endfor %}").unwrap();
        let documents = Some(vec![json(r#"{"title": "Lamps", "text": "They shine."}"#)]);
        let extras = Extras { documents, ..Extras::default() };
        assert_eq!(template.render_with::<Json>(&[], false, &extras).unwrap(), "Lamps: They shine.");
        assert_eq!(template.render(&[], false).unwrap(), "");
    }

    #[test]
    fn nulls_are_dropped_and_reasoning_has_all_its_names() {
        let template = Template::new("{{ messages[0] | tojson }}").unwrap();
        let check = |message: &str, expected: &str| {
            assert_eq!(template.render_with(&[json(message)], false, &Extras::default()).unwrap(), expected);
        };
        check(r#"{"role":"user","content":null,"x":1}"#, r#"{"role": "user", "x": 1}"#);
        check(
            r#"{"role":"a","reasoning":"r"}"#,
            r#"{"thinking": "r", "role": "a", "reasoning": "r", "reasoning_content": "r"}"#,
        );
        check(r#"{"thinking":"t","role":"a"}"#, r#"{"thinking": "t", "role": "a", "reasoning_content": "t"}"#);
        let message = ChatMessage::new(Role::Tool, "x");
        assert_eq!(template.render(&[message], false).unwrap(), r#"{"role": "tool", "content": "x"}"#);
    }

    #[test]
    fn the_moment_is_told_only_where_it_was_given() {
        let template = Template::new("{{ strftime_now('%Y') if strftime_now is defined else 'never' }}").unwrap();
        assert_eq!(template.render(&[], false).unwrap(), "never");
        assert_eq!(template.at(1_722_000_000).render(&[], false).unwrap(), "2024");
    }
}
