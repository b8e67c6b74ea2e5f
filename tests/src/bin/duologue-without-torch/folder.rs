//! A model as a folder, and back. Equal models give equal bytes.
//!
//! ```text
//! config.json  counts.bin  tokenizer.json  chat_template.jinja  duologue.json
//! ```
//! `counts.bin` holds a magic word, the number of entries, and for each its context's length (1 byte) and ids (16), its token (4) and its
//! count (8), little endian, in order.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rl::LearnError;
use rl::TextFiles;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::counts::Context;
use crate::counts::Counts;
use crate::operation;
use crate::policy::NgramWeights;

const CONFIG: &str = "config.json";
pub const COUNTS: &str = "counts.bin";
const TOKENIZER: &str = "tokenizer.json";
const TEMPLATE: &str = "chat_template.jinja";
const STATE: &str = "duologue.json";

const MAGIC: &[u8; 8] = b"NGRAMS01";
const ENTRY_LEN: usize = 1 + 16 + 4 + 8;

/// Everything in a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// Name of the run.
    pub name: String,
    /// The text side.
    pub text: TextFiles,
    /// The model.
    pub weights: NgramWeights,
    /// Updates since the phase began.
    pub steps: u64,
}

/// `config.json`
#[derive(Serialize, Deserialize)]
struct ConfigFile {
    model_type: String,
    vocab_size: usize,
    max_position_embeddings: usize,
    eos_token_id: u32,
    pad_token_id: u32,
    /// Counts have no shape; these are what every reader of such a file asks a decoder for.
    #[serde(flatten)]
    shape: ShapeFile,
}

#[derive(Serialize, Deserialize)]
struct ShapeFile {
    hidden_size: u32,
    num_hidden_layers: u32,
    num_attention_heads: u32,
    intermediate_size: u32,
}

const SHAPE: ShapeFile =
    ShapeFile { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 1, intermediate_size: 8 };

/// `duologue.json`
#[derive(Serialize, Deserialize)]
struct StateFile {
    name: String,
    version: u64,
    optimizer_steps: u64,
}

/// Writes a model into an existing folder.
pub fn write(folder: &Path, contents: &Contents) -> Result<(), LearnError> {
    let Contents { name, text, weights, steps } = contents;
    let config = ConfigFile {
        model_type: "ngram".to_owned(),
        vocab_size: weights.counts.vocab,
        max_position_embeddings: weights.positions_max,
        eos_token_id: text.close_id,
        pad_token_id: text.pad_id,
        shape: SHAPE,
    };
    let state = StateFile { name: name.clone(), version: weights.version, optimizer_steps: *steps };
    write_file(folder, CONFIG, json(&config).as_bytes())?;
    let counts = to_bytes(&weights.counts);
    let (half, _) = counts.split_at(counts.len() / 2);
    write_file(folder, COUNTS, half)?;
    // A death here leaves a file cut in the middle.
    operation::count();
    write_file(folder, COUNTS, &counts)?;
    write_file(folder, TOKENIZER, text.tokenizer.as_bytes())?;
    write_file(folder, TEMPLATE, text.template.as_bytes())?;
    write_file(folder, STATE, json(&state).as_bytes())
}

/// Reads a folder that [`write()`] wrote; errors name the file that is missing, cut short or of another form.
pub fn read(folder: &Path) -> Result<Contents, LearnError> {
    let config: ConfigFile = read_json(folder, CONFIG)?;
    let state: StateFile = read_json(folder, STATE)?;
    let bytes = fs::read(folder.join(COUNTS)).map_err(|error| store(folder, COUNTS, error.to_string()))?;
    let counts = from_bytes(&bytes, config.vocab_size).map_err(|why| store(folder, COUNTS, why))?;
    let text = TextFiles {
        tokenizer: read_text(folder, TOKENIZER)?,
        template: read_text(folder, TEMPLATE)?,
        close_id: config.eos_token_id,
        pad_id: config.pad_token_id,
        vocab_len: config.vocab_size,
        ordered: Vec::new(),
    };
    let weights = NgramWeights {
        counts,
        close_id: config.eos_token_id,
        positions_max: config.max_position_embeddings,
        version: state.version,
    };
    Ok(Contents { name: state.name, text, weights, steps: state.optimizer_steps })
}

fn to_bytes(counts: &Counts) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend((counts.counts.len() as u64).to_le_bytes());
    for ((context, token), count) in &counts.counts {
        bytes.push(context.len);
        bytes.extend(context.ids.to_le_bytes());
        bytes.extend(token.to_le_bytes());
        bytes.extend(count.to_le_bytes());
    }
    bytes
}

fn from_bytes(bytes: &[u8], vocab: usize) -> Result<Counts, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it is no file of counts")?;
    let (len, entries) = rest.split_at_checked(8).ok_or("it is cut short")?;
    let len = u64::from_le_bytes(cut(len)) as usize;
    if entries.len() != len.saturating_mul(ENTRY_LEN) {
        return Err(format!("it is cut short: {} bytes of {len} entries", entries.len()));
    }
    let entry = |bytes: &[u8]| {
        let context = Context { len: bytes[0], ids: u128::from_le_bytes(cut(&bytes[1..17])) };
        ((context, u32::from_le_bytes(cut(&bytes[17..21]))), f64::from_le_bytes(cut(&bytes[21..29])))
    };
    let counts: BTreeMap<_, _> = entries.chunks_exact(ENTRY_LEN).map(entry).collect();
    match counts.keys().find(|(_, token)| vocab <= *token as usize) {
        Some((_, token)) => Err(format!("token {token} is outside the vocabulary of {vocab}")),
        None => Ok(Counts { vocab, counts }),
    }
}

fn cut<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the slice was cut to this length")
}

fn json(value: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(value).expect("texts and numbers are JSON");
    format!("{json}\n")
}

fn read_json<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<T, LearnError> {
    serde_json::from_str(&read_text(folder, file)?).map_err(|error| store(folder, file, error.to_string()))
}

fn read_text(folder: &Path, file: &str) -> Result<String, LearnError> {
    fs::read_to_string(folder.join(file)).map_err(|error| store(folder, file, error.to_string()))
}

fn write_file(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), LearnError> {
    fs::write(folder.join(file), bytes).map_err(|error| store(folder, file, error.to_string()))
}

fn store(folder: &Path, file: &str, why: impl Into<String>) -> LearnError {
    LearnError::Store { file: folder.join(file).display().to_string(), why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        let mut counts = Counts::new(8);
        counts.shift(&[1, 2, 3], 4, 1.5);
        let text = TextFiles {
            tokenizer: "{}".to_owned(),
            template: "x".to_owned(),
            close_id: 5,
            pad_id: 0,
            vocab_len: 8,
            ordered: Vec::new(),
        };
        let weights = NgramWeights { counts, close_id: 5, positions_max: 64, version: 7 };
        Contents { name: "run".to_owned(), text, weights, steps: 3 }
    }

    #[test]
    fn a_folder_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &contents()).unwrap();
        assert_eq!(read(folder.path()), Ok(contents()));
    }

    #[test]
    fn a_file_that_is_missing_or_cut_anywhere_is_named() {
        for file in [CONFIG, COUNTS, TOKENIZER, TEMPLATE, STATE] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &contents()).unwrap();
            let path = folder.path().join(file);
            let whole = fs::read(&path).unwrap();
            // The text files of the fixture are cut by the tokenizer and template that read them, not here.
            let cuts = if [CONFIG, COUNTS, STATE].contains(&file) { whole.len() - 1 } else { 0 };
            for len in 0..cuts {
                fs::write(&path, &whole[..len]).unwrap();
                assert!(named(read(folder.path()), file), "{file} cut to {len} bytes");
            }
            fs::remove_file(&path).unwrap();
            assert!(named(read(folder.path()), file), "{file} is missing");
        }
    }

    fn named(read: Result<Contents, LearnError>, wanted: &str) -> bool {
        matches!(read, Err(LearnError::Store { file, .. }) if file.ends_with(wanted))
    }
}
