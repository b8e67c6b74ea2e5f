//! What a request asks for, checked. Parameters that have no effect here are refused, unless they stand there with the value that
//! changes nothing; the page docs/SERVE.md lists them.

use rl::Filter;
use serde_json::Value;
use serde_json::json;

use crate::Fields;
use crate::Limits;
use crate::Problem;
use crate::turn;
use crate::turn::Turn;

/// Answers to one request.
pub const CHOICES_MAX: i64 = 16;
/// Stop strings of one request.
const STOPS_MAX: usize = 16;
/// The least temperature above 0: below it a distribution cannot be told from its likeliest token.
const TEMPERATURE_MIN: f64 = 0.01;

/// How an answer is sampled and sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Manner {
    /// Most tokens of an answer; `None`: as many as there may be.
    pub tokens_max: Option<u32>,
    /// Above 0; of no effect if `greedy`.
    pub temperature: f32,
    /// Which tokens may be drawn at all.
    pub filter: Filter,
    /// The likeliest token each time.
    pub greedy: bool,
    /// What ends an answer, and is not part of its text.
    pub stop: Vec<String>,
    /// Where to draw; `None`: where nobody else does.
    pub seed: Option<i64>,
    /// Answers to each prompt.
    pub choices: u32,
    /// Whether each token comes with its log-probability.
    pub logprobs: bool,
    /// Whether token ids come too.
    pub token_ids: bool,
    /// Whether the answer comes in pieces.
    pub stream: bool,
    /// Whether the last piece of a stream counts tokens.
    pub usage: bool,
}

/// `POST /v1/chat/completions`
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// Whom it asks.
    pub model: String,
    /// The conversation.
    pub turns: Vec<Turn>,
    /// As it was sent.
    pub messages: Vec<Value>,
    /// What the template is told beside them.
    pub setting: Setting,
    /// How.
    pub manner: Manner,
}

/// What a template is told beside the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Functions that may be called, as they were sent; empty if none may.
    pub tools: Vec<Value>,
    /// Whether the assistant is to think; only templates that know `enable_thinking` take it.
    pub thinks: bool,
    /// Whether it drops the thoughts of earlier turns: no request says so, but whoever is asked.
    pub strips: bool,
}

/// What `POST /v1/completions` continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A text in which markers count.
    Text(String),
    /// Ids.
    Tokens(Vec<u32>),
}

/// `POST /v1/completions`
#[derive(Clone, Debug, PartialEq)]
pub struct TextRequest {
    /// Whom it asks.
    pub model: String,
    /// What is to be continued.
    pub prompts: Vec<Prompt>,
    /// How.
    pub manner: Manner,
}

impl ChatRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Problem`] 400 that names the parameter.
    pub fn read(body: &[u8], limits: &Limits) -> Result<ChatRequest, Problem> {
        let mut fields = Fields::read(body)?;
        let model = model(&mut fields)?;
        let messages = fields.list("messages")?.ok_or_else(|| missing("messages"))?;
        let turns = turn::read(&messages)?;
        let setting = Setting { tools: tools(&mut fields)?, thinks: thinks(&mut fields)?, strips: false };
        let logprobs = fields.flag("logprobs")?;
        fields.neutral("top_logprobs", |value| value == 0)?;
        let of_chats = fields.integer("max_completion_tokens", 1..=i64::from(u32::MAX))?;
        let mut manner = Manner { logprobs, ..manner(&mut fields, limits)? };
        if let Some(most) = of_chats {
            manner.tokens_max = Some(checked_tokens("max_completion_tokens", most, limits)?);
        }
        fields.neutral("parallel_tool_calls", |value| value == true)?;
        fields.neutral("modalities", |value| *value == json!(["text"]))?;
        fields.neutral("response_format", |value| *value == json!({ "type": "text" }))?;
        fields.finish()?;
        Ok(ChatRequest { model, turns, messages, setting, manner })
    }
}

impl TextRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Problem`] 400 that names the parameter.
    pub fn read(body: &[u8], limits: &Limits) -> Result<TextRequest, Problem> {
        let mut fields = Fields::read(body)?;
        let model = model(&mut fields)?;
        let prompts = prompts(fields.take("prompt").ok_or_else(|| missing("prompt"))?)?;
        // A number here: of the likeliest tokens, beside the sampled one.
        let logprobs = match fields.take("logprobs") {
            None => false,
            Some(value) if value == 0 => true,
            Some(_) => return Err(Problem::invalid("logprobs", "`logprobs` is 0 here: of the sampled tokens alone")),
        };
        let manner = Manner { logprobs, ..manner(&mut fields, limits)? };
        fields.neutral("chat_template_kwargs", |value| *value == json!({}))?;
        fields.neutral("best_of", |value| value == 1)?;
        fields.neutral("echo", |value| value == false)?;
        fields.neutral("suffix", |value| value == "")?;
        fields.finish()?;
        if prompts.len() * manner.choices as usize > CHOICES_MAX as usize {
            let what = format!("`prompt` times `n` asks for more than {CHOICES_MAX} answers");
            return Err(Problem::invalid("prompt", what));
        }
        Ok(TextRequest { model, prompts, manner })
    }
}

fn missing(name: &str) -> Problem {
    Problem::invalid(name, format!("`{name}` is missing"))
}

fn model(fields: &mut Fields) -> Result<String, Problem> {
    fields.text("model")?.ok_or_else(|| missing("model"))
}

/// What both kinds of requests may say.
fn manner(fields: &mut Fields, limits: &Limits) -> Result<Manner, Problem> {
    let tokens_max = fields.integer("max_tokens", 1..=i64::from(u32::MAX))?;
    let temperature = fields.number("temperature", 0.0..=2.0)?.unwrap_or(1.0);
    if temperature > 0.0 && temperature < TEMPERATURE_MIN {
        let what = format!("`temperature` is 0, for the likeliest tokens, or from {TEMPERATURE_MIN} to 2");
        return Err(Problem::invalid("temperature", what));
    }
    let stream = fields.flag("stream")?;
    let manner = Manner {
        tokens_max: tokens_max.map(|most| checked_tokens("max_tokens", most, limits)).transpose()?,
        temperature: if temperature == 0.0 { 1.0 } else { temperature as f32 },
        filter: filter(fields)?,
        greedy: temperature == 0.0,
        stop: stop(fields.take("stop"))?,
        seed: fields.integer("seed", i64::MIN..=i64::MAX)?,
        choices: fields.integer("n", 1..=CHOICES_MAX)?.unwrap_or(1) as u32,
        logprobs: false,
        token_ids: fields.flag("return_token_ids")?,
        stream,
        usage: include_usage(fields.take("stream_options"), stream)?,
    };
    without_effect(fields)?;
    Ok(manner)
}

/// Which tokens may be drawn; the values that other servers take for "all of them" are that here too.
fn filter(fields: &mut Fields) -> Result<Filter, Problem> {
    let top_k = fields.integer("top_k", -1..=i64::from(u32::MAX))?.filter(|count| *count > 0);
    let top_p = fields.number("top_p", 0.0..=1.0)?;
    if top_p == Some(0.0) {
        return Err(Problem::invalid("top_p", "`top_p` is above 0: of probability 0 there is no token"));
    }
    let min_p = fields.number("min_p", 0.0..=1.0)?.filter(|share| *share > 0.0);
    let top_p = top_p.filter(|share| *share < 1.0);
    Ok(Filter {
        top_k: top_k.map(|count| count as u32),
        top_p: top_p.map(|share| share as f32),
        min_p: min_p.map(|share| share as f32),
    })
}

/// What the sampler has no option for, and what says nothing to it.
fn without_effect(fields: &mut Fields) -> Result<(), Problem> {
    for name in ["repetition_penalty", "length_penalty"] {
        fields.neutral(name, |value| value.as_f64() == Some(1.0))?;
    }
    for name in ["frequency_penalty", "presence_penalty", "min_tokens"] {
        fields.neutral(name, |value| value.as_f64() == Some(0.0))?;
    }
    fields.neutral("logit_bias", |value| *value == json!({}))?;
    for name in ["store", "ignore_eos", "use_beam_search"] {
        fields.neutral(name, |value| value == false)?;
    }
    fields.neutral("skip_special_tokens", |value| value == true)?;
    fields.neutral("service_tier", |value| value == "auto" || value == "default")?;
    for name in ["user", "safety_identifier", "prompt_cache_key"] {
        fields.text(name)?;
    }
    match fields.take("metadata") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err(Problem::invalid("metadata", "`metadata` is not an object")),
    }
}

fn checked_tokens(name: &str, most: i64, limits: &Limits) -> Result<u32, Problem> {
    match limits.tokens_max {
        Some(bound) if most > i64::from(bound) => {
            Err(Problem::invalid(name, format!("`{name}` is {most}, and this server writes at most {bound} tokens")))
        }
        _ => Ok(most as u32),
    }
}

fn include_usage(options: Option<Value>, stream: bool) -> Result<bool, Problem> {
    let invalid = |what: &str| Err(Problem::invalid("stream_options", what));
    match options {
        None => Ok(false),
        Some(_) if !stream => invalid("`stream_options` needs `stream`"),
        Some(Value::Object(mut options)) => {
            // Padding against eavesdroppers, which clients may turn off; there is none.
            let padding = options.remove("include_obfuscation");
            match (options.remove("include_usage"), options.is_empty() && padding.is_none_or(|value| value == false)) {
                (None, true) => Ok(false),
                (Some(Value::Bool(usage)), true) => Ok(usage),
                _ => invalid("`stream_options` holds include_usage, true or false, and nothing else"),
            }
        }
        Some(_) => invalid("`stream_options` is not an object"),
    }
}

fn stop(stop: Option<Value>) -> Result<Vec<String>, Problem> {
    let texts = match stop {
        None => return Ok(Vec::new()),
        Some(Value::Array(texts)) => texts,
        Some(text) => vec![text],
    };
    let text = |value: Value| match value {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    };
    let texts: Option<Vec<String>> = texts.into_iter().map(text).collect();
    let texts = texts.filter(|texts| texts.len() <= STOPS_MAX);
    texts
        .ok_or_else(|| Problem::invalid("stop", format!("`stop` is a text or at most {STOPS_MAX}, none of them empty")))
}

/// The functions that may be called. Nothing can make a model call one, or keep it from it.
fn tools(fields: &mut Fields) -> Result<Vec<Value>, Problem> {
    let tools = fields.list("tools")?.unwrap_or_default();
    for (index, tool) in tools.iter().enumerate() {
        let name = tool.pointer("/function/name").and_then(Value::as_str);
        if tool.get("type") != Some(&json!("function")) || name.is_none_or(str::is_empty) {
            return Err(Problem::invalid("tools", format!("tools[{index}] is not a function with a name")));
        }
        if tool.pointer("/function/parameters").is_some_and(|parameters| !parameters.is_object()) {
            return Err(Problem::invalid("tools", format!("tools[{index}]: its parameters are not an object")));
        }
    }
    fields.neutral("functions", |_| false)?;
    fields.neutral("function_call", |_| false)?;
    match fields.take("tool_choice") {
        None => Ok(tools),
        Some(choice) if choice == "none" => Ok(Vec::new()),
        Some(choice) if choice == "auto" => Ok(tools),
        Some(choice) if choice == "required" || choice.is_object() => {
            let what = "`tool_choice` is auto or none: a model cannot be made to call a function here";
            Err(Problem::invalid("tool_choice", what).coded("unsupported_parameter"))
        }
        Some(_) => Err(Problem::invalid("tool_choice", "`tool_choice` is auto or none")),
    }
}

/// Whether the template is told to have the assistant think.
fn thinks(fields: &mut Fields) -> Result<bool, Problem> {
    let told = match fields.take("chat_template_kwargs") {
        None => return Ok(false),
        Some(Value::Object(mut told)) => (told.remove("enable_thinking"), told.is_empty()),
        Some(_) => (None, false),
    };
    match told {
        (None, true) => Ok(false),
        (Some(Value::Bool(thinks)), true) => Ok(thinks),
        _ => {
            let what = "`chat_template_kwargs` holds enable_thinking, true or false, and nothing else";
            Err(Problem::invalid("chat_template_kwargs", what))
        }
    }
}

/// A text, several, ids, or several lists of ids.
fn prompts(prompt: Value) -> Result<Vec<Prompt>, Problem> {
    let invalid =
        || Problem::invalid("prompt", "`prompt` is a text, a list of texts, of token ids, or of lists of them");
    let ids = |values: &[Value]| {
        let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        values.iter().map(id).collect::<Option<Vec<u32>>>().map(Prompt::Tokens)
    };
    let prompts: Option<Vec<Prompt>> = match prompt {
        Value::String(text) => Some(vec![Prompt::Text(text)]),
        Value::Array(values) if values.is_empty() => None,
        Value::Array(values) if values.iter().all(Value::is_number) => ids(&values).map(|prompt| vec![prompt]),
        Value::Array(values) => values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => Some(Prompt::Text(text)),
                Value::Array(values) => ids(&values),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    let is_empty = |prompt: &Prompt| match prompt {
        Prompt::Text(text) => text.is_empty(),
        Prompt::Tokens(ids) => ids.is_empty(),
    };
    let prompts = prompts.ok_or_else(invalid)?;
    if prompts.iter().any(is_empty) {
        return Err(Problem::invalid("prompt", "`prompt` is empty"));
    }
    Ok(prompts)
}
