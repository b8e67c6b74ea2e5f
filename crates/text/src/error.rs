//! What can be wrong with a tokenizer or a template. Text that a model or a person wrote is never an error here: it is data.

use std::path::PathBuf;

use sim::Seat;

/// Why there is no tokenizer, template or dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A file could not be read.
    #[error("cannot read {}: {why}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The tokenizer library refused: the JSON is not a tokenizer, or training failed.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The vocabulary has no room for the bytes and the added tokens.
    #[error("a vocabulary of {vocab_max} is too small: bytes and added tokens alone need {vocab_min}")]
    VocabTooSmall {
        /// What was asked for.
        vocab_max: usize,
        /// What is needed at least.
        vocab_min: usize,
    },
    /// An added token is empty, named twice, or holds a role marker or thought tag.
    #[error("`{0}` cannot be an added token: it is empty, named twice, or holds a marker")]
    Added(String),
    /// A token that the template or the parsers need is missing from the vocabulary.
    #[error("the vocabulary has no token `{0}`")]
    MissingToken(String),
    /// Decoding an encoded text does not give the text back.
    #[error("the tokenizer is not lossless: `{text}` comes back as `{back}`")]
    Lossy {
        /// What went in.
        text: String,
        /// What came back.
        back: String,
    },
    /// The template does not compile or render.
    #[error("chat template: {0}")]
    Template(String),
    /// The template writes otherwise about one message than its neighbours explain, so streams could not be append-only.
    #[error("chat template is not prefix-stable: {roles} rendered at once differs from message by message")]
    NotPrefixStable {
        /// The roles of the conversation that shows it.
        roles: String,
    },
    /// The template shows a message's content neither as it is nor trimmed nor as JSON, or not at all.
    #[error("chat template does not show the {role}'s content as it is, trimmed, or as JSON")]
    ContentChanged {
        /// Whose.
        role: &'static str,
    },
    /// The assistant's turn does not end with a special token, so there is nothing to close a turn with.
    #[error("chat template does not end the assistant's turn with a special token")]
    NoCloseToken,
    /// The template refuses a conversation by `raise_exception`.
    #[error("chat template refuses the conversation: {0}")]
    Refused(String),
    /// The template cannot be taken apart, because it refuses or fails at a conversation that streams may hold.
    #[error("chat template cannot be taken apart: {roles}: {why}")]
    Unanswered {
        /// The roles of that conversation.
        roles: String,
        /// What it said.
        why: String,
    },
    /// The template does with the thoughts of earlier turns what none of our declared treatments is.
    #[error("chat template changes the thoughts of {roles} in a way that is neither keeping nor dropping them")]
    ThoughtsChanged {
        /// The roles of the conversation that shows it.
        roles: String,
    },
    /// Ids laid end to end are not those of the conversation encoded at once.
    #[error("the ids of {roles} laid end to end differ from the conversation encoded at once")]
    OtherIds {
        /// The roles of the conversation that shows it.
        roles: String,
    },
    /// The template cannot be told of a tool, or writes calls that cannot be read.
    #[error("chat template does not do tools: {0}")]
    NoTools(String),
    /// A seat may not write enough for a call.
    #[error("a call alone takes {len} tokens, and `{seat}.tokens_max` of `{scenario}` is {tokens_max}")]
    NoRoom {
        /// Of the scenario, by name.
        scenario: String,
        /// Whose call.
        seat: Seat,
        /// Of a call without any content, closing id included.
        len: usize,
        /// What the scenario lets the seat write in one turn.
        tokens_max: u32,
    },
    /// A file beside the tokenizer says something that cannot be.
    #[error("{}: {key}: {why}", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
}
