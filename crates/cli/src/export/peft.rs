//! A seat's adapter: as a folder that PEFT opens, or merged into its base, as one that `transformers` opens without either.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::anyhow;
use rl::ModelLoader;
use runs::Hash;
use text::manner::MANNER_FILE;

use super::card;
use super::hf;
use super::hf::Model;
use super::weights;
use crate::failure::Failure;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// What an adapter cannot do without.
const NEEDED: [&str; 2] = [CONFIG, WEIGHTS];
/// What is handed out with it if it is there. Of `special_tokens_map.json` our own have none.
const OPTIONAL: [&str; 5] = [hf::TOKENIZER, hf::TOKENIZER_CONFIG, hf::TEMPLATE, "special_tokens_map.json", MANNER_FILE];

/// Writes an adapter's folder: its files as they were committed, and a card. The base is named where it lies now.
///
/// # Errors
/// [`Failure::Input`] if the model is no adapter, or it is damaged.
pub(super) fn write(model: &Model, to: &Path) -> Result<(), Failure> {
    let mut hashes = adapter(model, to)?;
    for name in OPTIONAL {
        hashes.extend(model.copy(name, to)?.map(|hash| (name, hash)));
    }
    let numbers = weights::count(&to.join(WEIGHTS)).map_err(|why| model.damaged(WEIGHTS, &why))?;
    let base = base(model)?;
    let whole = fs::canonicalize(&base).with_context(|| base.display().to_string())?;
    name_base(to, &whole).map_err(|why| model.damaged(CONFIG, &why))?;
    // Its text has just been changed, and its path is nobody's business.
    hashes.retain(|(name, _)| *name != CONFIG);
    let base = whole.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    hf::write_text(to, hf::CARD, &card::adapter_card(&model.origin()?, &base, numbers, &hashes))
}

/// Writes the model that an adapter makes of its base.
///
/// # Errors
/// [`Failure::Input`] if it is damaged, its base is not there, or the two do not fit.
pub(super) fn merge(model: &Model, to: &Path, loader: &dyn ModelLoader) -> Result<(), Failure> {
    // Copied first, since copying compares with what was committed.
    adapter(model, to)?;
    let base = base(model)?;
    let hint = "an adapter is merged into the base that its adapter_config.json names";
    model.copy(MANNER_FILE, to)?;
    loader.merge(to, &base, to).map_err(|error| Failure::input(error, Some(hint)))?;
    for name in NEEDED.into_iter().chain(["duologue.json"]) {
        let file = to.join(name);
        fs::remove_file(&file).with_context(|| file.display().to_string())?;
    }
    let mut hashes = Vec::new();
    for name in [hf::CONFIG, hf::WEIGHTS, hf::TOKENIZER, "generation_config.json", hf::TEMPLATE] {
        hashes.push((name, Hash::of_file(&to.join(name)).map_err(|error| anyhow!(error))?));
    }
    model.finish(to, &hashes)
}

/// Copies what makes an adapter.
fn adapter(model: &Model, to: &Path) -> Result<Vec<(&'static str, Hash)>, Failure> {
    let mut hashes = Vec::new();
    for name in NEEDED {
        let Some(hash) = model.copy(name, to)? else {
            let what = format!("{}: there is no {name}", model.folder.display());
            let hint =
                "only adapters are handed out with --format peft; models whose weights learned go with --format hf";
            return Err(Failure::input(what, Some(hint)));
        };
        hashes.push((name, hash));
    }
    Ok(hashes)
}

fn base(model: &Model) -> Result<PathBuf, Failure> {
    let hint = "name the folder of its base in adapter_config.json; nothing is downloaded";
    config::base_of(&model.folder).map_err(|why| Failure::input(why, Some(hint)))
}

/// Names the base by its place from the root on: where the folder lies will be another's choice.
fn name_base(to: &Path, base: &Path) -> Result<(), String> {
    let file = to.join(CONFIG);
    let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let mut config: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    config["base_model_name_or_path"] = base.display().to_string().into();
    fs::write(&file, format!("{config:#}\n")).map_err(|error| error.to_string())
}
