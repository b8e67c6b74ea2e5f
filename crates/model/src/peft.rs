//! An adapter as a folder that PEFT, `transformers` and vLLM open, and back. No tensors here: numbers and bytes.
//!
//! ```text
//! adapter_config.json  adapter_model.safetensors                                  what PEFT needs
//! tokenizer.json  tokenizer_config.json  chat_template.jinja                      as the base's
//! duologue.json  optimizer.safetensors  [reference.safetensors]                   what a run needs to go on
//! ```

use std::path::Path;
use std::path::PathBuf;

use rl::LearnError;
use rl::TextFiles;
use rl::settings::Dtype;
use serde_json::Value;
use serde_json::json;

use crate::Adapter;
use crate::Config;
use crate::Lora;
use crate::folder;
use crate::folder::Kept;
use crate::folder::Moments;
use crate::folder::pretty;
use crate::folder::read_text;
use crate::folder::write_text;
use crate::lora::LINEARS;
use crate::lora::Targets;
use crate::shards;
use crate::shards::Shards;
use crate::shards::slices;
use crate::shards::store;

const CONFIG: &str = "adapter_config.json";
pub(crate) const WEIGHTS: &str = "adapter_model.safetensors";

/// Keys of `adapter_config.json` that ask for another arithmetic, or for weights of another kind, unless they are null, false or empty.
const FOREIGN: [&str; 21] = [
    "use_dora",
    "modules_to_save",
    "fan_in_fan_out",
    "lora_bias",
    "rank_pattern",
    "alpha_pattern",
    "exclude_modules",
    "layers_to_transform",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "use_qalora",
    "use_bdlora",
    "alora_invocation_tokens",
    "arrow_config",
    "eva_config",
    "corda_config",
    "lora_ga_config",
    "kasa_config",
    "monteclora_config",
    "velora_config",
];

/// Everything in a folder, but for the text side, which is the base's.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// Name of the run that made it, or of the folder if nobody wrote one.
    pub name: String,
    /// Shape and scale.
    pub lora: Lora,
    /// The flat tensor of [`Adapter::layout`].
    pub weights: Vec<f32>,
    /// Optimiser updates since it was made.
    pub version: u64,
    /// AdamW's state; `None` in folders made by others.
    pub moments: Option<Moments>,
    /// The flat tensor of the KL penalty's reference; `None` if the run has none.
    pub reference: Option<Vec<f32>>,
}

/// Writes an adapter into an existing folder, with the text side of its base.
///
/// # Errors
/// [`LearnError::Store`] with the file that could not be written; [`LearnError::Model`] if the adapter does not fit the base.
pub fn write(
    folder: &Path,
    base: &Config,
    text: &TextFiles,
    kept: &Kept,
    contents: &Contents,
) -> Result<(), LearnError> {
    let Contents { name, lora, weights, version, moments, reference } = contents;
    let layout = Adapter::layout(base, lora).map_err(LearnError::Model)?;
    write_text(folder, CONFIG, &pretty(&config(lora)))?;
    shards::write_file(folder, WEIGHTS, slices(&layout, weights, "", Dtype::F32))?;
    folder::write_text_files(folder, base, text, kept)?;
    folder::write_state(folder, base, name, *version, moments.as_ref())?;
    folder::write_learning(folder, &layout, moments.as_ref(), reference.as_deref().map(|numbers| (numbers, Dtype::F32)))
}

/// Whether a folder is an adapter's.
#[must_use]
pub fn is_adapter(folder: &Path) -> bool {
    folder.join(CONFIG).exists()
}

/// The folder of an adapter's base, by what the adapter's own says: a path, which starts at the adapter's folder unless it is absolute.
///
/// # Errors
/// [`LearnError::Store`] if nobody said, or there is no such folder: nothing is downloaded.
pub fn base_of(folder: &Path) -> Result<PathBuf, LearnError> {
    let json = read_text(folder, CONFIG)?;
    let file: Value = serde_json::from_str(&json).map_err(|error| store(folder, CONFIG, error.to_string()))?;
    let refuse = |why: String| Err(store(folder, CONFIG, why));
    let Some(named) = file["base_model_name_or_path"].as_str() else {
        return refuse("base_model_name_or_path is missing: an adapter is nothing without its base".to_owned());
    };
    let base = folder.join(named);
    match base.is_dir() {
        true => Ok(base),
        false => refuse(format!("base_model_name_or_path is `{named}`, and there is no such folder")),
    }
}

/// Reads a folder that [`write()`] wrote, or PEFT.
///
/// # Errors
/// [`LearnError::Store`] with the file that is missing, asks for what is not supported or does not fit this base.
pub fn read(folder: &Path, base: &Config) -> Result<Contents, LearnError> {
    let json = read_text(folder, CONFIG)?;
    let lora = lora(&json).map_err(|why| store(folder, CONFIG, why))?;
    let layout = Adapter::layout(base, &lora).map_err(|why| store(folder, CONFIG, why))?;
    let numbers = Shards::of_file(folder, WEIGHTS)?;
    numbers.check(&layout, &[""], CONFIG, |_| false)?;
    let weights = numbers.flat(&layout, "")?;
    let (name, version, moments, reference) = folder::read_learning(folder, &layout, CONFIG)?;
    Ok(Contents { name, lora, weights, version, moments, reference })
}

/// `adapter_config.json`
fn config(lora: &Lora) -> Value {
    let targets: Vec<&str> = match &lora.targets {
        Targets::AllLinear => LINEARS.to_vec(),
        Targets::Named(names) => names.iter().map(String::as_str).collect(),
    };
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": lora.base,
        "r": lora.rank,
        "lora_alpha": number(lora.alpha),
        "lora_dropout": lora.dropout,
        "use_rslora": lora.rank_stabilized,
        "target_modules": targets,
        "modules_to_save": null,
        "bias": "none",
        "fan_in_fan_out": false,
        "use_dora": false,
        "init_lora_weights": true,
        "inference_mode": true,
    })
}

/// PEFT's alpha is a whole number as a rule, and vLLM reads it as one.
fn number(alpha: f64) -> Value {
    match alpha.fract() == 0.0 && alpha < 1e9 {
        true => Value::from(alpha as i64),
        false => Value::from(alpha),
    }
}

/// What `adapter_config.json` asks for, if it is LoRA and nothing but.
fn lora(json: &str) -> Result<Lora, String> {
    let file: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if file["peft_type"] != "LORA" {
        return Err(format!("peft_type is {}; only \"LORA\" can be read", file["peft_type"]));
    }
    let foreign: Vec<&str> = FOREIGN.into_iter().filter(|key| !is_nothing(&file[*key])).collect();
    if !foreign.is_empty() {
        return Err(format!("{}: not supported", foreign.join(", ")));
    }
    if !matches!(file["bias"].as_str(), None | Some("none")) {
        return Err(format!("bias is {}; only \"none\" is supported", file["bias"]));
    }
    // These begin by taking something out of the base: beside the base as it was published they are wrong.
    let start = file["init_lora_weights"].as_str().unwrap_or("gaussian").to_lowercase();
    if ["pissa", "olora", "loftq", "corda", "lora_ga"].iter().any(|kind| start.starts_with(kind)) {
        return Err(format!("init_lora_weights `{start}` changes the base, which is not supported"));
    }
    let names = |list: &Vec<Value>| -> Option<Vec<String>> {
        list.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let targets = match &file["target_modules"] {
        Value::String(all) if all == "all-linear" => Targets::AllLinear,
        Value::Array(list) => Targets::Named(names(list).ok_or("target_modules names something that is no word")?),
        other => return Err(format!("target_modules is {other}; a list of names or \"all-linear\" is supported")),
    };
    Ok(Lora {
        rank: file["r"].as_i64().ok_or("r is missing")?,
        alpha: file["lora_alpha"].as_f64().ok_or("lora_alpha is missing")?,
        rank_stabilized: file["use_rslora"].as_bool().unwrap_or(false),
        targets,
        dropout: file["lora_dropout"].as_f64().unwrap_or(0.0),
        base: file["base_model_name_or_path"].as_str().map(str::to_owned),
    })
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: Value) -> Result<Lora, String> {
        let mut file = config(&Lora { base: Some("a/b".to_owned()), ..Lora::new(4, 8.0) });
        let keys = file.as_object_mut().expect("it was just made");
        keys.extend(changes.as_object().expect("keys").clone());
        lora(&file.to_string())
    }

    #[test]
    fn what_is_written_reads_back_and_all_linear_is_spelled_out() {
        let read = with(json!({})).expect("what we write");
        let names = LINEARS.map(str::to_owned).to_vec();
        assert_eq!(read, Lora { base: Some("a/b".to_owned()), targets: Targets::Named(names), ..Lora::new(4, 8.0) });
        assert_eq!(with(json!({ "target_modules": "all-linear" })).expect("known").targets, Targets::AllLinear);
    }

    #[test]
    fn the_scale_is_alpha_by_the_rank_or_by_its_root() {
        assert_eq!(with(json!({})).expect("what we write").scale(), 2.0);
        assert_eq!(with(json!({ "use_rslora": true })).expect("known").scale(), 4.0);
    }

    #[test]
    fn what_is_not_plain_lora_is_refused_by_name() {
        for (changes, words) in [
            (json!({ "peft_type": "IA3" }), "peft_type is \"IA3\""),
            (json!({ "use_dora": true, "modules_to_save": ["lm_head"] }), "use_dora, modules_to_save: not supported"),
            (json!({ "rank_pattern": { "q_proj": 2 } }), "rank_pattern"),
            (json!({ "bias": "all" }), "bias is \"all\""),
            (json!({ "init_lora_weights": "pissa_niter_4" }), "pissa_niter_4"),
            (json!({ "target_modules": ".*_proj" }), "target_modules is \".*_proj\""),
            (json!({ "r": null }), "r is missing"),
        ] {
            let found = with(changes).expect_err("not plain LoRA");
            assert!(found.contains(words), "{found} does not say {words}");
        }
        with(json!({ "init_lora_weights": "gaussian", "modules_to_save": [], "rank_pattern": {} })).expect("plain");
    }
}
