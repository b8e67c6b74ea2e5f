//! Answers in the words of OpenAI's protocol, whole or in pieces.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use crate::choice::Answer;
use crate::choice::Choice;
use crate::choice::Delta;
use crate::choice::Finish;
use crate::speech::Speech;
use crate::turn::Call;

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/completions`
    Text,
}

/// What all parts of one reply have in common.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Which protocol.
    pub form: Form,
    /// Names it.
    pub id: String,
    /// The model's name.
    pub model: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The prompts' ids; each has as many answers as the next.
    pub prompts: Vec<Vec<u32>>,
    /// Whether tokens come with log-probabilities.
    pub logprobs: bool,
    /// Whether ids are told.
    pub token_ids: bool,
    /// Reads ids.
    pub speech: Speech,
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Reply {
    /// All of it. `choices` in their order.
    #[must_use]
    pub fn whole(&self, choices: &[Choice]) -> Value {
        let tokens = choices.iter().map(|choice| choice.answer().tokens.len()).sum();
        let per_prompt = choices.len() / self.prompts.len().max(1);
        let each = choices.iter().map(|choice| match self.form {
            Form::Chat => self.chat_choice(choice),
            Form::Text => self.text_choice(choice, &self.prompts[choice.index as usize / per_prompt.max(1)]),
        });
        let mut whole = self.head(choices.last().map(|choice| choice.answer().version));
        whole["object"] = json!(self.object(false));
        whole["choices"] = each.collect();
        whole["usage"] = self.usage(tokens);
        if self.token_ids && self.form == Form::Chat {
            whole["prompt_token_ids"] = json!(self.prompts[0]);
        }
        whole
    }

    /// The first piece of each answer: who speaks. Text has none.
    #[must_use]
    pub fn opening(&self, index: u32) -> Option<Value> {
        let choice = json!({ "index": index, "delta": { "role": "assistant", "content": "" }, "logprobs": null, "finish_reason": null });
        let mut piece = self.piece(choice);
        if self.token_ids && index == 0 {
            piece["prompt_token_ids"] = json!(self.prompts[0]);
        }
        (self.form == Form::Chat).then_some(piece)
    }

    /// A piece; `None` if it would say nothing.
    #[must_use]
    pub fn news(&self, delta: &Delta) -> Option<Value> {
        let Delta { index, tokens, logprobs, thought, talk, calls: (first_call, calls), finish } = delta;
        let says = !thought.is_empty() || !talk.is_empty() || !calls.is_empty() || finish.is_some();
        if !(says || self.logprobs || self.token_ids) {
            return None;
        }
        let finish = finish.map(Finish::name);
        let mut choice = match self.form {
            Form::Chat => json!({
                "index": index,
                "delta": said(thought, talk, *first_call, calls),
                "logprobs": self.logprobs.then(|| self.chat_logprobs(tokens, logprobs)),
                "finish_reason": finish,
            }),
            Form::Text => json!({
                "index": index,
                "text": talk,
                "logprobs": self.logprobs.then(|| self.text_logprobs(tokens, logprobs)),
                "finish_reason": finish,
            }),
        };
        if self.token_ids {
            choice["token_ids"] = json!(tokens);
        }
        Some(self.piece(choice))
    }

    /// The last piece, if tokens are to be counted.
    #[must_use]
    pub fn count(&self, tokens: usize, version: Option<u64>) -> Value {
        let mut piece = self.head(version);
        piece["object"] = json!(self.object(true));
        piece["choices"] = json!([]);
        piece["usage"] = self.usage(tokens);
        piece
    }

    fn head(&self, version: Option<u64>) -> Value {
        let fingerprint = version.map(|version| format!("weights-{version}"));
        json!({ "id": self.id, "created": self.created, "model": self.model, "system_fingerprint": fingerprint })
    }

    fn piece(&self, choice: Value) -> Value {
        let mut piece = self.head(None);
        piece["object"] = json!(self.object(true));
        piece["choices"] = json!([choice]);
        piece
    }

    fn object(&self, in_pieces: bool) -> &'static str {
        match (self.form, in_pieces) {
            (Form::Chat, false) => "chat.completion",
            (Form::Chat, true) => "chat.completion.chunk",
            (Form::Text, _) => "text_completion",
        }
    }

    /// A prompt counts once, however many answers it has.
    fn usage(&self, tokens: usize) -> Value {
        let prompts: usize = self.prompts.iter().map(Vec::len).sum();
        json!({ "prompt_tokens": prompts, "completion_tokens": tokens, "total_tokens": prompts + tokens })
    }

    fn chat_choice(&self, choice: &Choice) -> Value {
        let answer = choice.answer();
        let mut whole = json!({
            "index": choice.index,
            "message": choice.turn().to_json(),
            "logprobs": self.logprobs.then(|| self.chat_logprobs(&answer.tokens, &answer.logprobs)),
            "finish_reason": answer.finish.map(Finish::name),
        });
        whole["message"]["refusal"] = Value::Null;
        if self.token_ids {
            whole["token_ids"] = json!(answer.tokens);
        }
        whole
    }

    fn text_choice(&self, choice: &Choice, prompt: &[u32]) -> Value {
        let Answer { tokens, logprobs, finish, parts, .. } = choice.answer();
        let mut whole = json!({
            "index": choice.index,
            "text": parts.talk,
            "logprobs": self.logprobs.then(|| self.text_logprobs(tokens, logprobs)),
            "finish_reason": finish.map(Finish::name),
        });
        if self.token_ids {
            whole["token_ids"] = json!(tokens);
            whole["prompt_token_ids"] = json!(prompt);
        }
        whole
    }

    fn chat_logprobs(&self, tokens: &[u32], logprobs: &[f32]) -> Value {
        let token = |(id, logprob): (&u32, &f32)| {
            let bytes = self.speech.piece(*id);
            json!({ "token": String::from_utf8_lossy(bytes), "logprob": logprob, "bytes": bytes, "top_logprobs": [] })
        };
        json!({ "content": tokens.iter().zip(logprobs).map(token).collect::<Vec<Value>>(), "refusal": null })
    }

    /// Offsets are left out: a token may begin in the middle of a character.
    fn text_logprobs(&self, tokens: &[u32], logprobs: &[f32]) -> Value {
        let texts: Vec<_> = tokens.iter().map(|id| String::from_utf8_lossy(self.speech.piece(*id))).collect();
        json!({ "tokens": texts, "token_logprobs": logprobs, "top_logprobs": null, "text_offset": [] })
    }
}

fn said(thought: &str, talk: &str, first_call: usize, calls: &[Call]) -> Value {
    let mut delta = json!({});
    if !thought.is_empty() {
        delta["reasoning_content"] = json!(thought);
    }
    if !talk.is_empty() {
        delta["content"] = json!(talk);
    }
    if !calls.is_empty() {
        let call = |(number, call): (usize, &Call)| {
            let mut value = call.to_json();
            value["index"] = json!(first_call + number);
            value
        };
        delta["tool_calls"] = calls.iter().enumerate().map(call).collect();
    }
    delta
}
