//! Bytes to ids and back: byte-level BPE, our own small one or that of a Qwen or Llama folder, without loss (up to Unicode's composition,
//! where the file asks for it).
//!
//! Two ways in. [`Tokenizer::encode`] is for whatever somebody wrote: a role marker or thought tag spelled in it becomes ordinary
//! bytes, so nobody can speak out of turn or close another's thought. [`Tokenizer::encode_markup`] is for the template's own text,
//! where markers count.

mod training;

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use sha2::Digest;
use sha2::Sha256;
use tokenizers::AddedToken;
use tokenizers::NormalizedString;
use tokenizers::Normalizer;

use crate::TextError;

/// Fills batches; never part of a stream.
pub const PAD: &str = "<|pad|>";
/// Closes every message; the last id of a turn a model closed itself.
pub const END: &str = "<|end|>";
/// Role markers and the two above, in the order of their ids. They are special: no text that is encoded gives them.
pub const MARKERS: [&str; 6] = [PAD, "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", END];
/// Opens a private thought.
pub const THINK_OPEN: &str = "<think>";
/// Closes it.
pub const THINK_CLOSE: &str = "</think>";

/// Tokens that give a conversation its shape, where a vocabulary has them, though its file does not call them special.
const SHAPING: [&str; 6] =
    [THINK_OPEN, THINK_CLOSE, "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"];

/// Texts whose ids are remembered; beyond it the memory starts anew.
const CACHE_TEXTS_MAX: usize = 8192;
/// Longer texts are not remembered.
const CACHE_TEXT_BYTES_MAX: usize = 4096;

/// Words a gym wants as one token each, leading space included: `" $14"`. Where several match, the longest wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    words: Vec<String>,
}

impl Added {
    /// These words, in the order of their ids. Whether they are possible is checked by [`Tokenizer::train`].
    #[must_use]
    pub fn new(words: Vec<String>) -> Added {
        Added { words }
    }
}

/// A tokenizer; a clone shares everything.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    codec: tokenizers::Tokenizer,
    json: String,
    hash: String,
    /// The bytes of each id.
    pieces: Vec<Box<[u8]>>,
    /// What nobody's text may produce: markers, thought tags, tags of tools.
    protected: Vec<String>,
    /// The special ones: in a turn, they are somebody else's part.
    special: Vec<String>,
    /// All tokens that are found in a text before it is divided into words.
    added: Vec<String>,
    /// Ids of whole texts: within a group every member reads the same brief, and talk is made of few sentences.
    remembered: Mutex<HashMap<Box<str>, Arc<[u32]>>>,
}

impl Tokenizer {
    /// Learns a vocabulary of at most `vocab_max` entries from `corpus`. The same corpus gives the same JSON, byte for byte.
    ///
    /// # Errors
    /// [`TextError::Added`] for an impossible word, [`TextError::VocabTooSmall`] if bytes and added tokens do not fit.
    pub fn train(
        corpus: impl Iterator<Item = String>,
        added: &Added,
        vocab_max: usize,
    ) -> Result<Tokenizer, TextError> {
        Tokenizer::from_json(training::train(corpus.collect(), added, vocab_max)?)
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TextError::Read`], or what [`Tokenizer::from_json`] says.
    pub fn load(path: &Path) -> Result<Tokenizer, TextError> {
        let json = fs::read_to_string(path)
            .map_err(|error| TextError::Read { path: path.to_owned(), why: error.to_string() })?;
        Tokenizer::from_json(json)
    }

    /// A tokenizer from the contents of a `tokenizer.json`, which is kept byte for byte.
    ///
    /// # Errors
    /// [`TextError::Tokenizer`] if it is none, [`TextError::Lossy`] if it loses text.
    pub fn from_json(json: impl Into<String>) -> Result<Tokenizer, TextError> {
        let json = json.into();
        let refused = |error: tokenizers::Error| TextError::Tokenizer(error.to_string());
        let mut codec = json.parse::<tokenizers::Tokenizer>().map_err(refused)?;
        // Some files keep the settings of the batch they were last used for.
        codec.with_padding(None).with_truncation(None).map_err(refused)?;
        let tokens = codec.get_added_tokens_decoder();
        let named = |chosen: &dyn Fn(&AddedToken) -> bool| {
            let mut names: Vec<String> =
                tokens.values().filter(|token| chosen(token)).map(|token| token.content.clone()).collect();
            names.sort_unstable();
            names
        };
        let protected = named(&|token| token.special || SHAPING.contains(&token.content.as_str()));
        let special = named(&|token| token.special);
        let added = named(&|_| true);
        let tokenizer = Tokenizer {
            shared: Arc::new(Shared {
                pieces: pieces(&codec),
                hash: Sha256::digest(json.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect(),
                codec,
                json,
                protected,
                special,
                added,
                remembered: Mutex::default(),
            }),
        };
        tokenizer.check_lossless()?;
        Ok(tokenizer)
    }

    /// The `tokenizer.json` it is made of, byte for byte.
    #[must_use]
    pub fn to_json(&self) -> &str {
        &self.shared.json
    }

    /// SHA-256 of [`Tokenizer::to_json`], in hex.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.shared.hash
    }

    /// Size of the vocabulary: ids lie below it.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary always holds the bytes")]
    pub fn len(&self) -> usize {
        self.shared.pieces.len()
    }

    /// The id of a token, by its text for added tokens; `None` if there is no such token.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.shared.codec.token_to_id(token)
    }

    /// The ids of a text somebody wrote. Never a marker or thought tag, whatever the text says; gyms' words are single ids.
    #[must_use]
    pub fn encode(&self, text: &str) -> Arc<[u32]> {
        let remembered = || self.shared.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = remembered().get(text) {
            return Arc::clone(ids);
        }
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.harmless(text, |fragment| self.encode_into(fragment, &mut ids));
        let ids: Arc<[u32]> = ids.into();
        if text.len() <= CACHE_TEXT_BYTES_MAX {
            let mut texts = remembered();
            if texts.len() >= CACHE_TEXTS_MAX {
                texts.clear();
            }
            texts.insert(text.into(), Arc::clone(&ids));
        }
        ids
    }

    /// The ids of a template's own text, where markers and tags are what they seem.
    #[must_use]
    pub fn encode_markup(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_into(text, &mut ids);
        ids
    }

    /// The text of ids. Bytes that are no UTF-8, and ids outside the vocabulary, show as U+FFFD.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes = self.decode_bytes(ids);
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The bytes of ids, markers spelled out. An id outside the vocabulary gives the byte 0xFF, which no text has.
    #[must_use]
    pub fn decode_bytes(&self, ids: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for id in ids {
            bytes.extend_from_slice(self.piece(*id));
        }
        bytes
    }

    /// The bytes of one id, as in [`Tokenizer::decode_bytes`].
    #[must_use]
    pub fn piece(&self, id: u32) -> &[u8] {
        self.shared.pieces.get(id as usize).map_or(&[0xFF], AsRef::as_ref)
    }

    /// What nobody's text may produce: markers, thought tags and tags of tools, sorted.
    #[must_use]
    pub fn protected(&self) -> &[String] {
        &self.shared.protected
    }

    /// Special tokens, sorted: role markers and what ends or pads. A turn that spells one of them is malformed.
    #[must_use]
    pub fn special(&self) -> &[String] {
        &self.shared.special
    }

    /// A text as its ids give it back: itself, or composed (NFC) where the tokenizer composes.
    #[must_use]
    pub fn normal(&self, text: &str) -> String {
        let Some(normalizer) = self.shared.codec.get_normalizer() else {
            return text.to_owned();
        };
        let mut normal = NormalizedString::from(text);
        match normalizer.normalize(&mut normal) {
            Ok(()) => normal.get().to_owned(),
            Err(_) => text.to_owned(),
        }
    }

    /// Where the first added token of a template's text begins and where the last one ends; `None` if there is none in it.
    pub(crate) fn marked(&self, text: &str) -> Option<Range<usize>> {
        let added = || self.shared.added.iter();
        let start = added().filter_map(|token| text.find(token.as_str())).min()?;
        let end = added().filter_map(|token| text.rfind(token.as_str()).map(|at| at + token.len())).max()?;
        Some(start..end)
    }

    fn encode_into(&self, text: &str, ids: &mut Vec<u32>) {
        // Without the tokens that a post-processor would add: the template writes its own beginning.
        let encoding = self.shared.codec.encode_fast(text, false).expect("byte-level BPE has a token for every byte");
        ids.extend_from_slice(encoding.get_ids());
    }

    /// Cuts `text` behind the first character of each marker or tag in it, so that no fragment holds one.
    fn harmless<'a>(&self, text: &'a str, mut each: impl FnMut(&'a str)) {
        let mut rest = text;
        while let Some(start) = self.shared.protected.iter().filter_map(|marker| rest.find(marker.as_str())).min() {
            let first = rest[start..].chars().next().expect("a marker was found here");
            let (fragment, after) = rest.split_at(start + first.len_utf8());
            each(fragment);
            rest = after;
        }
        each(rest);
    }

    /// A normaliser or a prefix space in a foreign file would make text come back changed: better to hear of it here. Composed text
    /// (NFC) is the same text to every reader, and the Qwen family composes.
    fn check_lossless(&self) -> Result<(), TextError> {
        let short = self.shared.protected.iter().find(|marker| marker.chars().count() < 2);
        if let Some(marker) = short {
            return Err(TextError::Tokenizer(format!("the marker `{marker}` is too short to be kept out of text")));
        }
        for (text, composed) in [
            ("a", "a"),
            (" A", " A"),
            ("x  y\n\n z ", "x  y\n\n z "),
            ("e\u{301}\u{FB01}\u{3000}\u{1F600}", "é\u{FB01}\u{3000}\u{1F600}"),
            ("</think> <|end|>", "</think> <|end|>"),
        ] {
            let back = self.decode(&self.encode(text));
            if back != text && back != composed {
                return Err(TextError::Lossy { text: text.to_owned(), back });
            }
        }
        Ok(())
    }
}

/// The bytes of each id: an added token's are its own, any other's are spelled in the byte alphabet. A gap has no bytes.
fn pieces(codec: &tokenizers::Tokenizer) -> Vec<Box<[u8]>> {
    let alphabet: HashMap<char, u8> = byte_alphabet().into_iter().zip(0..=255).collect();
    let added = codec.get_added_tokens_decoder();
    let vocabulary = codec.get_vocab(true);
    let len = vocabulary.values().max().map_or(0, |id| *id as usize + 1);
    let mut pieces = vec![Box::default(); len];
    for (token, id) in vocabulary {
        let spelled = || token.chars().map(|c| alphabet.get(&c).copied()).collect::<Option<Vec<u8>>>();
        let bytes = if added.contains_key(&id) { None } else { spelled() };
        pieces[id as usize] = bytes.unwrap_or_else(|| token.as_bytes().to_vec()).into();
    }
    pieces
}

/// The printable character that stands for each byte in a byte-level vocabulary: GPT-2's `bytes_to_unicode`. Bytes that print stand
/// for themselves, the others for the characters from U+0100 on, in order.
fn byte_alphabet() -> Vec<char> {
    let mut shifted = 0x100;
    (0..=255u8)
        .map(|byte| match byte {
            b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte),
            _ => {
                shifted += 1;
                char::from_u32(shifted - 1).expect("U+0100 to U+0143 are characters")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
