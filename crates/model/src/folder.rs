//! A model as a folder that Hugging Face's tools open, and back. No tensors here: numbers and bytes.
//!
//! ```text
//! config.json  generation_config.json  model.safetensors                          what `transformers` needs to compute
//! tokenizer.json  tokenizer_config.json  chat_template.jinja                      and to read and write text
//! duologue.json  optimizer.safetensors  [reference.safetensors]                   what a run needs to go on
//! ```
//!
//! Equal models give equal bytes.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use rl::LearnError;
use rl::TextFiles;
use safetensors::Dtype;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::Config;
use crate::parameters::Layout;

/// Changes when a folder written before could no longer be read.
const FORMAT: u32 = 1;

const CONFIG: &str = "config.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";
const TEMPLATE: &str = "chat_template.jinja";
const STATE: &str = "duologue.json";
const OPTIMIZER: &str = "optimizer.safetensors";
const REFERENCE: &str = "reference.safetensors";

/// Everything in a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// Name of the run that made it, or of the folder if nobody wrote one.
    pub name: String,
    /// Shape.
    pub config: Config,
    /// The flat tensor of [`Layout`].
    pub weights: Vec<f32>,
    /// Optimiser updates since the cold start began.
    pub version: u64,
    /// The text side.
    pub text: TextFiles,
    /// AdamW's state; `None` in folders made by others.
    pub moments: Option<Moments>,
    /// The flat tensor of the KL penalty's reference; `None` if the run has none.
    pub reference: Option<Vec<f32>>,
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
    let Contents { name, config, weights, version, text, moments, reference } = contents;
    let layout = Layout::new(config);
    let state = StateFile {
        format: FORMAT,
        name: name.clone(),
        version: *version,
        optimizer_steps: moments.as_ref().map_or(0, |moments| moments.steps),
        close_id: config.close_id,
        pad_id: config.pad_id,
    };
    let state = serde_json::to_value(state).expect("numbers and a name are JSON");
    write_file(folder, CONFIG, config.to_json().as_bytes())?;
    write_file(folder, "generation_config.json", pretty(&generation_config(config)).as_bytes())?;
    write_file(folder, WEIGHTS, &tensors(&layout, &[("", weights)]))?;
    write_file(folder, TOKENIZER, text.tokenizer.as_bytes())?;
    write_file(folder, "tokenizer_config.json", pretty(&tokenizer_config(config, text)).as_bytes())?;
    write_file(folder, TEMPLATE, text.template.as_bytes())?;
    write_file(folder, STATE, pretty(&state).as_bytes())?;
    if let Some(moments) = moments {
        let both = [("exp_avg.", &moments.first), ("exp_avg_sq.", &moments.second)];
        write_file(folder, OPTIMIZER, &tensors(&layout, &both))?;
    }
    if let Some(reference) = reference {
        write_file(folder, REFERENCE, &tensors(&layout, &[("", reference)]))?;
    }
    Ok(())
}

/// Reads a folder that [`write()`] wrote, or a Qwen3 folder by others.
///
/// # Errors
/// [`LearnError::Store`] with the file that is missing, cut short or of the wrong shape.
pub fn read(folder: &Path) -> Result<Contents, LearnError> {
    let mut config = Config::from_json(&read_text(folder, CONFIG)?).map_err(|why| store(folder, CONFIG, why))?;
    let state = read_state(folder)?;
    if let Some(state) = &state {
        (config.close_id, config.pad_id) = (state.close_id, state.pad_id);
    }
    let layout = Layout::new(&config);
    let mut weights = read_tensors(folder, WEIGHTS, &layout, &[""], config.tied)?;
    let moments = match &state {
        Some(state) if folder.join(OPTIMIZER).exists() => {
            let mut both = read_tensors(folder, OPTIMIZER, &layout, &["exp_avg.", "exp_avg_sq."], false)?;
            let second = both.remove(1);
            Some(Moments { first: both.remove(0), second, steps: state.optimizer_steps })
        }
        Some(_) | None => None,
    };
    let reference = match folder.join(REFERENCE).exists() {
        true => Some(read_tensors(folder, REFERENCE, &layout, &[""], false)?.remove(0)),
        false => None,
    };
    let text = TextFiles {
        tokenizer: read_text(folder, TOKENIZER)?,
        template: read_text(folder, TEMPLATE)?,
        close_id: config.close_id,
        pad_id: config.pad_id,
        vocab_len: config.vocab_size as usize,
        ordered: Vec::new(),
    };
    let (name, version) = match state {
        Some(state) => (state.name, state.version),
        None => (folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(), 0),
    };
    Ok(Contents { name, config, weights: weights.remove(0), version, text, moments, reference })
}

/// Samples from the whole distribution unless told otherwise, as training does.
fn generation_config(config: &Config) -> Value {
    json!({
        "do_sample": true,
        "eos_token_id": config.close_id,
        "pad_token_id": config.pad_id,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
    })
}

fn tokenizer_config(config: &Config, text: &TextFiles) -> Value {
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

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The bytes of a safetensors file with one tensor for each part of each flat vector, its name prefixed.
fn tensors(layout: &Layout, vectors: &[(&str, &Vec<f32>)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        vectors.iter().map(|(_, numbers)| numbers.iter().flat_map(|number| number.to_le_bytes()).collect()).collect();
    let mut views = Vec::new();
    for ((prefix, _), bytes) in vectors.iter().zip(&bytes) {
        for (part, offset) in layout.parts() {
            let shape: Vec<usize> = part.shape.iter().map(|size| *size as usize).collect();
            let start = 4 * offset as usize;
            let slice = &bytes[start..start + 4 * shape.iter().product::<usize>()];
            let view = TensorView::new(Dtype::F32, shape, slice).expect("the slice was cut to the shape");
            views.push((format!("{prefix}{}", part.name), view));
        }
    }
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(format)).expect("names are unique and offsets in order")
}

/// Flat vectors from a safetensors file, one for each prefix. A tied model may come with its head written out.
fn read_tensors(
    folder: &Path,
    file: &str,
    layout: &Layout,
    prefixes: &[&str],
    head_allowed: bool,
) -> Result<Vec<Vec<f32>>, LearnError> {
    let bytes = fs::read(folder.join(file)).map_err(|error| store(folder, file, error.to_string()))?;
    let found = SafeTensors::deserialize(&bytes)
        .map_err(|error| store(folder, file, format!("cut short, or not a safetensors file: {error}")))?;
    let mut vectors = Vec::new();
    for prefix in prefixes {
        let mut numbers = vec![0f32; layout.len as usize];
        for (part, offset) in layout.parts() {
            let name = format!("{prefix}{}", part.name);
            let view = found.tensor(&name).map_err(|_| store(folder, file, format!("{name} is missing")))?;
            let shape: Vec<i64> = view.shape().iter().map(|size| *size as i64).collect();
            if shape != part.shape {
                let why = format!("{name} has shape {shape:?}; config.json asks for {:?}", part.shape);
                return Err(store(folder, file, why));
            }
            let slots = &mut numbers[offset as usize..(offset + part.shape.iter().product::<i64>()) as usize];
            fill(slots, &view).map_err(|why| store(folder, file, format!("{name}: {why}")))?;
        }
        vectors.push(numbers);
    }
    let known = |name: &str| {
        let own =
            layout.parts().any(|(part, _)| prefixes.iter().any(|prefix| *name == format!("{prefix}{}", part.name)));
        own || head_allowed && name == "lm_head.weight"
    };
    match found.names().into_iter().find(|name| !known(name)) {
        Some(name) => Err(store(folder, file, format!("{name} is not a tensor of this model"))),
        None => Ok(vectors),
    }
}

/// Copies a tensor's numbers; those of published checkpoints are often bf16, which is the upper half of an f32.
fn fill(slots: &mut [f32], view: &TensorView<'_>) -> Result<(), String> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => {
            for (slot, bytes) in slots.iter_mut().zip(data.chunks_exact(4)) {
                *slot = f32::from_le_bytes(bytes.try_into().expect("chunks of 4 bytes"));
            }
        }
        Dtype::BF16 => {
            for (slot, bytes) in slots.iter_mut().zip(data.chunks_exact(2)) {
                *slot = f32::from_le_bytes([0, 0, bytes[0], bytes[1]]);
            }
        }
        other => return Err(format!("numbers of type {other:?}; only F32 and BF16 can be read")),
    }
    match slots.iter().all(|number| number.is_finite()) {
        true => Ok(()),
        false => Err("a number in it is not finite".to_owned()),
    }
}

fn read_state(folder: &Path) -> Result<Option<StateFile>, LearnError> {
    if !folder.join(STATE).exists() {
        return Ok(None);
    }
    let state: StateFile =
        serde_json::from_str(&read_text(folder, STATE)?).map_err(|error| store(folder, STATE, error.to_string()))?;
    match state.format {
        FORMAT => Ok(Some(state)),
        other => Err(store(folder, STATE, format!("format {other}; this program reads format {FORMAT}"))),
    }
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
