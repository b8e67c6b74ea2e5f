//! What a model and whoever talks to it must agree on.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use sim::Message;
use sim::Pair;
use sim::Seat;

use crate::Template;
use crate::TextError;
use crate::Tokenizer;
use crate::frame::Frames;
use crate::tokenizer::PAD;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;

/// File of the tokenizer in a model's folder.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// File of the template in a model's folder.
pub const TEMPLATE_FILE: &str = "chat_template.jinja";

/// Tokenizer, template, closing id, and which seats reason. Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub struct Dialect {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tokenizer: Tokenizer,
    template: Template,
    frames: Frames,
    pad_id: u32,
    think_open: u32,
    think_close: u32,
    reasons: Pair<bool>,
}

impl Dialect {
    /// Puts a tokenizer and a template together. `reasons` says which seats write a private thought before they speak.
    ///
    /// # Errors
    /// [`TextError::MissingToken`] without padding or thought tags; [`TextError::NotPrefixStable`], [`TextError::ContentChanged`] or
    /// [`TextError::NoCloseToken`] if streams under this template could not be append-only.
    pub fn new(tokenizer: Tokenizer, template: Template, reasons: Pair<bool>) -> Result<Dialect, TextError> {
        let id = |token: &str| tokenizer.id(token).ok_or_else(|| TextError::MissingToken(token.to_owned()));
        let (pad_id, think_open, think_close) = (id(PAD)?, id(THINK_OPEN)?, id(THINK_CLOSE)?);
        let frames = Frames::new(&tokenizer, &template)?;
        Ok(Dialect {
            shared: Arc::new(Shared { tokenizer, template, frames, pad_id, think_open, think_close, reasons }),
        })
    }

    /// The dialect of a model's folder.
    ///
    /// # Errors
    /// [`TextError::Read`] for a missing file, or what [`Dialect::new`] says.
    pub fn open(folder: &Path, reasons: Pair<bool>) -> Result<Dialect, TextError> {
        let path = folder.join(TEMPLATE_FILE);
        let template = fs::read_to_string(&path).map_err(|error| TextError::Read { path, why: error.to_string() })?;
        Dialect::new(Tokenizer::load(&folder.join(TOKENIZER_FILE))?, Template::new(&template)?, reasons)
    }

    /// Its tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.shared.tokenizer
    }

    /// Its template.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.shared.template
    }

    /// The id that closes a turn.
    #[must_use]
    pub fn close_id(&self) -> u32 {
        self.shared.frames.close[0]
    }

    /// The id that pads batches.
    #[must_use]
    pub fn pad_id(&self) -> u32 {
        self.shared.pad_id
    }

    /// Whether this seat writes a private thought before it speaks.
    #[must_use]
    pub fn reasons(&self, seat: Seat) -> bool {
        self.shared.reasons[seat]
    }

    /// Appends one message as the template shows it; says where its content lies.
    pub(crate) fn show(&self, message: &Message, ids: &mut Vec<u32>) -> Range<usize> {
        let frame = self.shared.frames.of(message.from);
        ids.extend_from_slice(&frame.before);
        let start = ids.len();
        let len = frame.push_content(self.tokenizer(), &message.text, ids);
        ids.extend_from_slice(&frame.after);
        start..start + len
    }

    /// Ids that ask the seat to write.
    pub(crate) fn ask(&self) -> &[u32] {
        &self.shared.frames.ask
    }

    /// What the template writes after a turn: the closing id first.
    pub(crate) fn close(&self) -> &[u32] {
        &self.shared.frames.close
    }

    /// Appends a thought with its tags.
    pub(crate) fn push_thought(&self, thought: &str, ids: &mut Vec<u32>) {
        ids.push(self.shared.think_open);
        ids.extend_from_slice(&self.tokenizer().encode(thought));
        ids.push(self.shared.think_close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::dialect;
    use crate::fixture::dialect_with;

    fn refusal(source: &str) -> TextError {
        dialect_with(Template::new(source).unwrap()).unwrap_err()
    }

    #[test]
    fn a_folder_gives_the_dialect_it_was_written_from() {
        let (ours, folder) = (dialect(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join(TOKENIZER_FILE), ours.tokenizer().to_json()).unwrap();
        fs::write(folder.path().join(TEMPLATE_FILE), ours.template().source()).unwrap();
        let opened = Dialect::open(folder.path(), Pair::default()).unwrap();
        assert_eq!(opened.tokenizer().hash(), ours.tokenizer().hash());
        assert_eq!((opened.close_id(), opened.pad_id()), (ours.close_id(), ours.pad_id()));
        assert_eq!(opened.tokenizer().decode(&[opened.close_id(), opened.pad_id()]), "<|end|><|pad|>");
        fs::remove_file(folder.path().join(TEMPLATE_FILE)).unwrap();
        assert!(matches!(Dialect::open(folder.path(), Pair::default()), Err(TextError::Read { .. })));
    }

    #[test]
    fn a_template_that_drops_the_thoughts_of_earlier_turns_is_refused() {
        let source = "{%- for message in messages -%}{%- set content = message.content -%}\
            {%- if message.role == 'assistant' and not loop.last and '</think>' in content -%}\
            {%- set content = (content | split('</think>'))[1] -%}{%- endif -%}\
            {{- '<|' + message.role + '|>' + content + '<|end|>' -}}{%- endfor -%}\
            {%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";
        assert!(matches!(refusal(source), TextError::NotPrefixStable { .. }));
    }

    #[test]
    fn a_template_that_opens_with_a_system_message_of_its_own_is_refused() {
        let source = crate::template::SOURCE.replace(
            "{%- for",
            "{%- if messages and messages[0].role != 'system' -%}<|system|>Be nice.<|end|>{%- endif -%}{%- for",
        );
        assert!(matches!(refusal(&source), TextError::NotPrefixStable { .. }));
    }

    #[test]
    fn a_template_that_trims_content_is_refused() {
        let source = crate::template::SOURCE.replace("message.content +", "(message.content | trim) +");
        assert_eq!(refusal(&source), TextError::ContentChanged { role: "assistant" });
    }

    #[test]
    fn a_template_whose_turns_end_in_text_is_refused() {
        let source = crate::template::SOURCE.replace("'<|end|>'", "'\\n'");
        assert_eq!(refusal(&source), TextError::NoCloseToken);
    }

    /// The form of Qwen and others: names and line ends between markers and content.
    #[test]
    fn template_text_around_content_is_encoded_with_it_as_a_server_would() {
        let source = "{%- for message in messages -%}{{- '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' -}}{%- endfor -%}\
            {%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}";
        let dialect = dialect_with(Template::new(source).unwrap()).unwrap();
        let mut stream = crate::SeatStream::new(&dialect, false);
        stream.observe(&[crate::fixture::message(sim::Source::Partner, "\nI offer $14.")]);
        let tokens = dialect.tokenizer().encode_markup("Yes.<|end|>");
        stream.sampled(tokens.clone(), vec![0.0; tokens.len()], true, 0, "model", 1.0);
        stream.observe(&[]);
        let text = "<|user|>\n\nI offer $14.<|end|>\n<|assistant|>\nYes.<|end|>\n<|assistant|>\n";
        assert_eq!(stream.tokens(), dialect.tokenizer().encode_markup(text));
    }
}
