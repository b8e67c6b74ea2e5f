//! A model as a folder that Hugging Face's tools open, and back. No tensors here: numbers and bytes.
//!
//! ```text
//! config.json  generation_config.json  model.safetensors (or shards)              what `transformers` needs to compute
//! tokenizer.json  tokenizer_config.json  chat_template.jinja                      and to read and write text
//! duologue.json  optimizer.safetensors  [reference.safetensors]                   what a run needs to go on
//! ```
//!
//! Weights that learn in bf16 are in their file as they play; their f32 masters are part of the optimiser's state.
//!
//! Equal models give equal bytes. Every file is written under another name and renamed.

use std::fs;
use std::path::Path;

use rl::LearnError;
use rl::TextFiles;
use rl::settings::Dtype;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::Config;
use crate::config_file;
use crate::parameters::Layout;
use crate::shards;
use crate::shards::Shards;
use crate::shards::replace;
use crate::shards::slices;
use crate::shards::store;

/// Changes when a folder written before could no longer be read.
const FORMAT: u32 = 1;
/// Most bytes of one file of weights, as in `transformers` 5.
pub const SHARD_BYTES_MAX: usize = 50_000_000_000;

const CONFIG: &str = "config.json";
const GENERATION: &str = "generation_config.json";
const WEIGHTS_STEM: &str = "model";
pub(crate) const WEIGHTS: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const TEMPLATE: &str = "chat_template.jinja";
const STATE: &str = "duologue.json";
const OPTIMIZER: &str = "optimizer.safetensors";
const REFERENCE: &str = "reference.safetensors";
/// What names in the optimiser's file begin with.
const FIRST: &str = "exp_avg.";
const SECOND: &str = "exp_avg_sq.";
const MASTERS: &str = "master.";

/// Everything in a folder; its weights as numbers, or as the files they are in.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents<W = Vec<f32>> {
    /// Name of the run that made it, or of the folder if nobody wrote one.
    pub name: String,
    /// Shape.
    pub config: Config,
    /// The flat tensor of [`Layout`].
    pub weights: W,
    /// Optimiser updates since the cold start began.
    pub version: u64,
    /// The text side.
    pub text: TextFiles,
    /// What is carried from folder to folder.
    pub kept: Kept,
    /// AdamW's state; `None` in folders made by others.
    pub moments: Option<Moments>,
    /// The flat tensor of the KL penalty's reference; `None` if the run has none.
    pub reference: Option<Vec<f32>>,
}

/// What has no meaning here, and goes into the next folder as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Contents of `tokenizer_config.json`; `None`: one is made.
    pub tokenizer_config: Option<String>,
    /// The type that the weights have in their file and, if they do not learn, will have again.
    pub dtype: Dtype,
}

/// AdamW's state, each vector in the shape of the flat tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Vec<f32>,
    /// Running mean of its square.
    pub second: Vec<f32>,
    /// Steps since the moments were 0.
    pub steps: u64,
    /// What takes the steps, in f32; `None` where the weights do.
    pub masters: Option<Vec<f32>>,
}

/// `duologue.json`
#[derive(Serialize, Deserialize)]
struct StateFile {
    format: u32,
    name: String,
    version: u64,
    optimizer_steps: u64,
    close_id: u32,
    pad_id: u32,
}

/// Writes a model into an existing folder.
///
/// # Errors
/// [`LearnError::Store`] with the file that could not be written.
pub fn write(folder: &Path, contents: &Contents) -> Result<(), LearnError> {
    write_sharded(folder, contents, SHARD_BYTES_MAX)
}

/// Writes a model into an existing folder, its weights in files of at most `bytes_max` bytes.
///
/// # Errors
/// [`LearnError::Store`] with the file that could not be written.
pub fn write_sharded(folder: &Path, contents: &Contents, bytes_max: usize) -> Result<(), LearnError> {
    let Contents { name, config, weights, version, text, kept, moments, reference } = contents;
    let layout = Layout::new(config);
    write_text(folder, CONFIG, &config.to_json(torch_name(kept.dtype)))?;
    write_text(folder, GENERATION, &pretty(&generation_config(config)))?;
    shards::write(folder, WEIGHTS_STEM, slices(&layout, weights, "", kept.dtype), bytes_max)?;
    write_text_files(folder, config, text, kept)?;
    write_state(folder, config, name, *version, moments.as_ref())?;
    write_learning(folder, &layout, moments.as_ref(), reference.as_deref().map(|numbers| (numbers, kept.dtype)))
}

/// Writes `duologue.json`.
pub(crate) fn write_state(
    folder: &Path,
    config: &Config,
    name: &str,
    version: u64,
    moments: Option<&Moments>,
) -> Result<(), LearnError> {
    let state = StateFile {
        format: FORMAT,
        name: name.to_owned(),
        version,
        optimizer_steps: moments.map_or(0, |moments| moments.steps),
        close_id: config.close_id,
        pad_id: config.pad_id,
    };
    write_text(folder, STATE, &pretty(&serde_json::to_value(state).expect("numbers and a name are JSON")))
}

/// Writes what only goes on with learning, as far as there is any; the reference in the type it is computed in.
pub(crate) fn write_learning(
    folder: &Path,
    layout: &Layout,
    moments: Option<&Moments>,
    reference: Option<(&[f32], Dtype)>,
) -> Result<(), LearnError> {
    if let Some(Moments { first, second, masters, .. }) = moments {
        let mut all = slices(layout, first, FIRST, Dtype::F32);
        all.extend(slices(layout, second, SECOND, Dtype::F32));
        all.extend(masters.iter().flat_map(|masters| slices(layout, masters, MASTERS, Dtype::F32)));
        shards::write_file(folder, OPTIMIZER, all)?;
    }
    if let Some((reference, dtype)) = reference {
        shards::write_file(folder, REFERENCE, slices(layout, reference, "", dtype))?;
    }
    Ok(())
}

/// Reads a folder that [`write()`] wrote, or one of a family we know by others.
///
/// # Errors
/// [`LearnError::Store`] with the file that is missing, cut short or of the wrong shape.
pub fn read(folder: &Path) -> Result<Contents, LearnError> {
    let Contents { name, config, weights, version, text, kept, moments, reference } = open(folder)?;
    let weights = weights.flat(&Layout::new(&config), "")?;
    Ok(Contents { name, config, weights, version, text, kept, moments, reference })
}

/// Reads a folder but for its weights, which are checked and stay where they are until they are asked for.
///
/// # Errors
/// As [`read`].
pub fn open(folder: &Path) -> Result<Contents<Shards>, LearnError> {
    let state = read_state(folder)?;
    let (config, kept) = read_config(folder, state.as_ref())?;
    let layout = Layout::new(&config);
    let weights = Shards::of_model(folder, WEIGHTS_STEM)?;
    // A tied model may come with its head written out; files of old have the rotary frequencies, which are computed.
    let computed = |name: &str| name.ends_with("rotary_emb.inv_freq");
    weights.check(&layout, &[""], CONFIG, |name| computed(name) || config.tied && name == "lm_head.weight")?;
    let (name, version, moments, reference) = read_learning(folder, &layout, CONFIG)?;
    let text = TextFiles {
        tokenizer: read_text(folder, TOKENIZER)?,
        template: read_template(folder, kept.tokenizer_config.as_deref())?,
        close_id: config.close_id,
        pad_id: config.pad_id,
        vocab_len: config.vocab_size as usize,
        ordered: Vec::new(),
    };
    let kept = Kept { dtype: weights.dtype(), ..kept };
    Ok(Contents { name, config, weights, version, text, kept, moments, reference })
}

/// Name, version, moments and reference, in a layout that `by` asked for; a folder by others has none of them but its own name.
#[expect(clippy::type_complexity, reason = "the four are taken apart at once")]
pub(crate) fn read_learning(
    folder: &Path,
    layout: &Layout,
    by: &str,
) -> Result<(String, u64, Option<Moments>, Option<Vec<f32>>), LearnError> {
    let state = read_state(folder)?;
    let moments = match &state {
        Some(state) if folder.join(OPTIMIZER).exists() => {
            let all = Shards::of_file(folder, OPTIMIZER)?;
            let masters = all.begins_any(MASTERS);
            let prefixes: &[&str] = if masters { &[FIRST, SECOND, MASTERS] } else { &[FIRST, SECOND] };
            all.check(layout, prefixes, by, |_| false)?;
            let (first, second) = (all.flat(layout, FIRST)?, all.flat(layout, SECOND)?);
            let masters = masters.then(|| all.flat(layout, MASTERS)).transpose()?;
            Some(Moments { first, second, steps: state.optimizer_steps, masters })
        }
        Some(_) | None => None,
    };
    let reference = match folder.join(REFERENCE).exists() {
        true => {
            let numbers = Shards::of_file(folder, REFERENCE)?;
            numbers.check(layout, &[""], by, |_| false)?;
            Some(numbers.flat(layout, "")?)
        }
        false => None,
    };
    let (name, version) = match state {
        Some(state) => (state.name, state.version),
        None => (folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(), 0),
    };
    Ok((name, version, moments, reference))
}

/// `config.json`, with the ends of text that other files name besides.
fn read_config(folder: &Path, state: Option<&StateFile>) -> Result<(Config, Kept), LearnError> {
    let mut config = Config::from_json(&read_text(folder, CONFIG)?).map_err(|why| store(folder, CONFIG, why))?;
    let generation = match read_optional(folder, GENERATION)? {
        Some(json) => config_file::generation_eos_ids(&json).map_err(|why| store(folder, GENERATION, why))?,
        None => Vec::new(),
    };
    let tokenizer_config = read_optional(folder, TOKENIZER_CONFIG)?;
    let known = |id: &u32| i64::from(*id) < config.vocab_size;
    let generation: Vec<u32> = generation.into_iter().filter(known).collect();
    let close_id = match state {
        Some(state) => state.close_id,
        None => {
            let all: Vec<u32> = config.eos_ids.iter().chain(&generation).copied().collect();
            let spoken = spoken_end(folder, tokenizer_config.as_deref())?.filter(|id| all.contains(id));
            spoken.or(generation.first().copied()).unwrap_or(config.close_id)
        }
    };
    config.close_with(close_id, &generation);
    if let Some(state) = state {
        config.pad_id = state.pad_id;
    }
    Ok((config, Kept { tokenizer_config, dtype: Dtype::F32 }))
}

/// The id of the tokenizer's `eos_token`, which closes a turn in models that talk; the lists of ends say no more than where to stop.
fn spoken_end(folder: &Path, tokenizer_config: Option<&str>) -> Result<Option<u32>, LearnError> {
    let Some(json) = tokenizer_config else { return Ok(None) };
    let file: Value = serde_json::from_str(json).map_err(|error| store(folder, TOKENIZER_CONFIG, error.to_string()))?;
    let end = &file["eos_token"];
    let Some(word) = end.as_str().or(end["content"].as_str()) else { return Ok(None) };
    let tokenizer: Value = serde_json::from_str(&read_text(folder, TOKENIZER)?)
        .map_err(|error| store(folder, TOKENIZER, error.to_string()))?;
    let mut added = tokenizer["added_tokens"].as_array().into_iter().flatten();
    let id = added.find(|token| token["content"] == word).and_then(|token| token["id"].as_u64());
    Ok(id.and_then(|id| u32::try_from(id).ok()))
}

/// The chat template: the file if there is one, else the one in `tokenizer_config.json`, of several the one called `default`.
fn read_template(folder: &Path, tokenizer_config: Option<&str>) -> Result<String, LearnError> {
    if let Some(template) = read_optional(folder, TEMPLATE)? {
        return Ok(template);
    }
    let missing =
        || store(folder, TEMPLATE, format!("no such file, and {TOKENIZER_CONFIG} has no chat_template either"));
    let file: Value = tokenizer_config
        .map_or(Ok(Value::Null), serde_json::from_str)
        .map_err(|error| store(folder, TOKENIZER_CONFIG, error.to_string()))?;
    let named = |template: &&Value| template["name"] == "default";
    let template = match &file["chat_template"] {
        Value::Array(several) => several.iter().find(named).map_or(&Value::Null, |default| &default["template"]),
        one => one,
    };
    template.as_str().map(str::to_owned).ok_or_else(missing)
}

/// Writes what is about text.
pub(crate) fn write_text_files(
    folder: &Path,
    config: &Config,
    text: &TextFiles,
    kept: &Kept,
) -> Result<(), LearnError> {
    let tokenizer_config =
        kept.tokenizer_config.clone().unwrap_or_else(|| pretty(&made_tokenizer_config(config, text)));
    write_text(folder, TOKENIZER, &text.tokenizer)?;
    write_text(folder, TOKENIZER_CONFIG, &tokenizer_config)?;
    write_text(folder, TEMPLATE, &text.template)
}

/// Samples from the whole distribution unless told otherwise, as training does.
fn generation_config(config: &Config) -> Value {
    json!({
        "do_sample": true,
        "eos_token_id": config_file::eos_value(config),
        "pad_token_id": config.pad_id,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
    })
}

fn made_tokenizer_config(config: &Config, text: &TextFiles) -> Value {
    let tokenizer: Value = serde_json::from_str(&text.tokenizer).unwrap_or_default();
    let word = |id: u32| {
        let added = tokenizer["added_tokens"].as_array().into_iter().flatten();
        added.filter(|token| token["id"] == id).find_map(|token| token["content"].as_str())
    };
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": word(config.close_id),
        "pad_token": word(config.pad_id),
        "model_max_length": config.positions_max,
        "clean_up_tokenization_spaces": false,
    })
}

fn torch_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "float32",
        Dtype::Bf16 => "bfloat16",
    }
}

pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn read_state(folder: &Path) -> Result<Option<StateFile>, LearnError> {
    let Some(json) = read_optional(folder, STATE)? else { return Ok(None) };
    let state: StateFile = serde_json::from_str(&json).map_err(|error| store(folder, STATE, error.to_string()))?;
    match state.format {
        FORMAT => Ok(Some(state)),
        other => Err(store(folder, STATE, format!("format {other}; this program reads format {FORMAT}"))),
    }
}

pub(crate) fn read_text(folder: &Path, file: &str) -> Result<String, LearnError> {
    fs::read_to_string(folder.join(file)).map_err(|error| store(folder, file, error.to_string()))
}

/// `None` if there is no such file.
fn read_optional(folder: &Path, file: &str) -> Result<Option<String>, LearnError> {
    match folder.join(file).exists() {
        true => read_text(folder, file).map(Some),
        false => Ok(None),
    }
}

pub(crate) fn write_text(folder: &Path, file: &str, text: &str) -> Result<(), LearnError> {
    replace(folder, file, |path| fs::write(path, text).map_err(|error| error.to_string()))
}
