//! What a turn has to have read under a template that drops thoughts, by Jinja alone.
//!
//! ```text
//!  told        <think>⟨thought 0⟩</think>\n\n⟨reply 0⟩        each ⟨…⟩ is a word that occurs nowhere else
//!  rendered    …assistant\n⟨reply 0⟩<|im_end|>…              which of them the template leaves, and where
//!  filled in   …assistant\nIt costs $14.<|im_end|>…          against the text of the recorded ids without the recorded cuts
//! ```
//! White space and thoughts of nothing are left out of this comparison: at a thought's tags they are the template's to lay out, and a stream has
//! what was sampled there. That of the prompts between the turns is compared elsewhere, to the letter.

use sim::Generation;
use sim::Turn;

use super::Kind;
use crate::ChatMessage;
use crate::Dialect;
use crate::Role;
use crate::SeatStream;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;

/// A seat's side so far.
pub(super) struct Stripped {
    mark: char,
    /// The messages, with words in place of the seat's own thoughts and replies.
    history: Vec<ChatMessage>,
    /// What the seat was shown, in order.
    shown: Vec<(Role, String)>,
    own: Vec<Own>,
    /// The recorded stream.
    stream: Vec<u32>,
}

/// What the words of one of the seat's turns stand for.
struct Own {
    /// Without its tags; `None` if there is no whole one.
    thought: Option<String>,
    reply: String,
    /// What closed the turn; empty if it did not close itself.
    close: String,
}

impl Stripped {
    /// Nothing was said yet; `mark` is in no message.
    pub(super) fn new(mark: char) -> Stripped {
        Stripped { mark, history: Vec::new(), shown: Vec::new(), own: Vec::new(), stream: Vec::new() }
    }

    /// Shows the turn's messages.
    pub(super) fn observe(&mut self, turn: &Turn) {
        for message in &turn.observed {
            self.history.push(ChatMessage::new(message.from.into(), message.text.as_str()));
            self.shown.push((message.from.into(), message.text.clone()));
        }
    }

    /// Begins with an empty brief, as a stream does that was shown nothing.
    pub(super) fn brief(&mut self) {
        self.history.push(ChatMessage::new(Role::System, ""));
    }

    /// Appends a turn of the seat's own, of which so many bytes are a whole thought.
    pub(super) fn append(
        &mut self,
        dialect: &Dialect,
        reasons: bool,
        generation: &Generation,
        closed: bool,
        thought_bytes: usize,
    ) {
        let tokenizer = dialect.tokenizer();
        let (written, close) = generation.tokens.split_at(generation.tokens.len() - usize::from(closed));
        let bytes = tokenizer.decode_bytes(written);
        let (private, public) = bytes.split_at(thought_bytes);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (private, public) = (text(private), text(public));
        let turn = self.own.len();
        let word = |what: &str| format!("{0}{what}{turn}{0}", self.mark);
        let frames = dialect.frames(reasons);
        let (told, thought, reply) = if thought_bytes == 0 {
            // A thought that the prompt has opened and nobody closed stands in the stream as it was opened.
            let block =
                if frames.opened { generation.prompt.len() - frames.ask_block_len } else { generation.prompt.len() };
            (word("reply"), None, tokenizer.decode(&generation.prompt[block..]) + &public)
        } else {
            // A prompt that opens the thought itself leaves nothing to open.
            let thought = private.strip_prefix(THINK_OPEN).unwrap_or(&private);
            let thought = thought.strip_suffix(THINK_CLOSE).unwrap_or(thought).to_owned();
            let reply = public.trim_start_matches(|c: char| c.is_ascii_whitespace());
            let gap = &public[..public.len() - reply.len()];
            (
                format!("{THINK_OPEN}{}{THINK_CLOSE}{gap}{}", word("thought"), word("reply")),
                Some(thought),
                reply.to_owned(),
            )
        };
        self.history.push(ChatMessage::new(Role::Assistant, told));
        self.own.push(Own { thought, reply, close: tokenizer.decode(close) });
        self.stream.extend(&generation.prompt);
        self.stream.extend(&generation.tokens);
    }

    /// What is wrong with what a turn read; `retold` is the stream as it should be, asking for that turn.
    pub(super) fn kind(&self, dialect: &Dialect, reasons: bool, generation: &Generation, retold: &SeatStream) -> Kind {
        let tokenizer = dialect.tokenizer();
        let stream = [&self.stream[..], &generation.prompt].concat();
        let Some(read) = generation.read(&stream) else { return Kind::HistoryEdited };
        let text = tokenizer.decode(&read);
        let rendered = dialect.template().render_with(&self.history, true, &dialect.extras(reasons));
        let close = tokenizer.decode(&[dialect.close_id()]);
        let same = rendered.is_ok_and(|rendered| {
            let expected = self.filled_in(&rendered, &close);
            // A tag that is followed by half a letter would no longer be one, once they were put together.
            tokenizer.normal(&bare(&expected)) == tokenizer.normal(&bare(&text))
        });
        let meant = retold.context();
        if same && read == *meant {
            return Kind::None;
        }
        if text == tokenizer.decode(&meant) && read != *meant {
            return Kind::Retokenised;
        }
        let mut rest = text.as_str();
        for (role, content) in &self.shown {
            let shown = dialect.frames(reasons).shown(*role, content);
            match rest.split_once(tokenizer.normal(&shown).as_str()) {
                Some((_, after)) => rest = after,
                None => return Kind::HistoryEdited,
            }
        }
        Kind::Retemplated
    }

    /// A rendering with what its words stand for; a turn ends as it was sampled.
    fn filled_in(&self, rendered: &str, close: &str) -> String {
        let mut text = String::new();
        let mut rest = rendered;
        for (turn, Own { thought, reply, close: own_close }) in self.own.iter().enumerate() {
            let word = |what: &str| format!("{0}{what}{turn}{0}", self.mark);
            if let Some(thought) = thought
                && let Some((before, after)) = rest.split_once(word("thought").as_str())
            {
                text.extend([before, thought]);
                rest = after;
            }
            let Some((before, after)) = rest.split_once(word("reply").as_str()) else { continue };
            text.extend([before, reply]);
            rest = after;
            if !own_close.is_empty() {
                text.push_str(own_close);
                rest = rest.strip_prefix(close).unwrap_or(rest);
            }
        }
        text + rest
    }
}

/// A text without white space and without thoughts of nothing.
fn bare(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    text.replace(&[THINK_OPEN, THINK_CLOSE].concat(), "")
}
