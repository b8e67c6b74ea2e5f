//! A folder with a model in it, known by its contents: where it lies makes no difference. An adapter's folder names the one of its base, and is nothing
//! without that.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use sim::Seat;
use sim::seat::BOTH;

use crate::sha;
use crate::vocabulary;

const CONFIG: &str = "config.json";
const ADAPTER_CONFIG: &str = "adapter_config.json";
/// The key of an adapter that says where its base lies.
const BASE: &str = "base_model_name_or_path";
const TEMPLATE: &str = "chat_template.jinja";
const TOKENIZER: &str = "tokenizer.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// Files of a model's folder that say how it learned, not what it does.
const OPTIMIZER: &str = "optimizer.";

/// A checkpoint's folder stands for the model of the seat that is meant, its own or the one of both.
#[must_use]
pub fn model_of_seat(folder: &Path, seat: Seat) -> PathBuf {
    let of_checkpoint = [seat.name(), BOTH].map(|name| folder.join(name));
    let holds_model = |folder: &PathBuf| folder.join(CONFIG).exists() || is_adapter(folder);
    of_checkpoint.into_iter().find(holds_model).unwrap_or_else(|| folder.to_owned())
}

/// Whether a folder is an adapter's.
#[must_use]
pub fn is_adapter(folder: &Path) -> bool {
    folder.join(ADAPTER_CONFIG).exists()
}

/// The folder with a model's weights: an adapter's base, or the folder itself. The path in an adapter's folder starts there, unless it is absolute.
///
/// # Errors
/// In words, if an adapter names no base, or one that is not there: nothing is downloaded.
pub fn base_of(folder: &Path) -> Result<PathBuf, String> {
    if !is_adapter(folder) {
        return Ok(folder.to_owned());
    }
    let file = folder.join(ADAPTER_CONFIG);
    let refuse = |why: String| Err(format!("{}: {why}", file.display()));
    let Some(named) = adapter_config(folder)?[BASE].as_str().map(str::to_owned) else {
        return refuse(format!("{BASE} is missing: an adapter is nothing without its base"));
    };
    let base = folder.join(&named);
    match base.is_dir() {
        true if is_adapter(&base) => refuse(format!("{BASE} is `{named}`, which is an adapter itself")),
        true => Ok(base),
        false => refuse(format!("{BASE} is `{named}`, and there is no such folder")),
    }
}

/// The folder whose tokenizer and chat template a model speaks by: an adapter's base, or the folder itself.
///
/// # Errors
/// As [`base_of`] and [`speaks_as`].
pub fn language_of(folder: &Path) -> Result<PathBuf, String> {
    let base = base_of(folder)?;
    speaks_as(folder, &base)?;
    Ok(base)
}

/// Whether an adapter speaks as a base does, as far as it brings files that say so.
///
/// # Errors
/// In words, if it brings another template than the base's, or a tokenizer that gives other ids: it would have learned another language than it is spoken
/// to in.
pub fn speaks_as(adapter: &Path, base: &Path) -> Result<(), String> {
    if let (Some(own), Some(of_base)) = (fs::read_to_string(adapter.join(TEMPLATE)).ok(), template(base))
        && own != of_base
    {
        return Err(format!("{}: it is not its base's, in {}", adapter.join(TEMPLATE).display(), base.display()));
    }
    let [own, of_base] = [adapter, base].map(|folder| fs::read(folder.join(TOKENIZER)).ok());
    match (own, of_base) {
        // Not byte by byte: whoever writes a tokenizer again lays it out in his own way.
        (Some(own), Some(of_base)) if own != of_base => vocabulary::same_ids(&own, &of_base).map_err(|why| {
            format!("{}: it is not its base's, in {}: {why}", adapter.join(TOKENIZER).display(), base.display())
        }),
        _ => Ok(()),
    }
}

/// The chat template of a folder, in a file of its own or with the tokenizer's configuration; `None` if it is not found so easily.
fn template(folder: &Path) -> Option<String> {
    let file = fs::read_to_string(folder.join(TEMPLATE)).ok();
    file.or_else(|| {
        let config = fs::read_to_string(folder.join(TOKENIZER_CONFIG)).ok()?;
        let config: Value = serde_json::from_str(&config).ok()?;
        config["chat_template"].as_str().map(str::to_owned)
    })
}

/// `adapter_config.json`
pub(crate) fn adapter_config(folder: &Path) -> Result<Value, String> {
    let file = folder.join(ADAPTER_CONFIG);
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// SHA-256, in hex, of all of its files but for the optimiser's state, with their names. An adapter's counts its base's files too, and not where they lie.
///
/// # Errors
/// In words, if something cannot be read.
pub fn identity(folder: &Path) -> Result<String, String> {
    Identities::default().of(folder)
}

/// Identities of several folders. Gigabytes may have to be read: of one that is asked for twice, or is the base of two, once.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    known: BTreeMap<PathBuf, String>,
}

impl Identities {
    /// See [`identity`].
    pub(crate) fn of(&mut self, folder: &Path) -> Result<String, String> {
        let key = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let mut contents = of_files(folder)?;
        if is_adapter(folder) {
            let mut config = adapter_config(folder)?;
            config.as_object_mut().into_iter().for_each(|keys| drop(keys.remove(BASE)));
            let base = self.of(&base_of(folder)?)?;
            contents.push_str(&format!("{ADAPTER_CONFIG} {}\nbase {base}\n", sha::hash(&config)));
        }
        let identity = sha::hex(contents.as_bytes());
        self.known.insert(key, identity.clone());
        Ok(identity)
    }
}

/// A line for each file but for the optimiser's state and an adapter's configuration: its name and hash, in the order of the names.
fn of_files(folder: &Path) -> Result<String, String> {
    let unread = |file: &Path, error: io::Error| format!("{}: {error}", file.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unread(folder, error))? {
        let entry = entry.map_err(|error| unread(folder, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !name.starts_with(OPTIMIZER) && name != ADAPTER_CONFIG {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut lines = String::new();
    for name in names {
        let file = folder.join(&name);
        let hash = sha::of_file(&file).map_err(|error| unread(&file, error))?;
        lines.push_str(&format!("{name} {hash}\n"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A base and an adapter on it, side by side.
    fn folders() -> tempfile::TempDir {
        let scratch = tempfile::tempdir().unwrap();
        for (folder, file, text) in [
            ("base", CONFIG, "{}"),
            ("base", TEMPLATE, "{{ messages }}"),
            ("base", TOKENIZER, r#"{"model": {"vocab": {"a": 0, "b": 1}, "merges": []}}"#),
            ("adapter", ADAPTER_CONFIG, r#"{"r": 2, "base_model_name_or_path": "../base"}"#),
            ("adapter", "adapter_model.safetensors", "numbers"),
        ] {
            fs::create_dir_all(scratch.path().join(folder)).unwrap();
            fs::write(scratch.path().join(folder).join(file), text).unwrap();
        }
        scratch
    }

    fn write(folder: &Path, file: &str, text: &str) {
        fs::write(folder.join(file), text).unwrap();
    }

    #[test]
    fn an_adapters_base_is_where_its_folder_says_and_anything_else_is_refused() {
        let scratch = folders();
        let (base, adapter) = (scratch.path().join("base"), scratch.path().join("adapter"));
        assert_eq!(fs::canonicalize(base_of(&adapter).unwrap()).unwrap(), fs::canonicalize(&base).unwrap());
        assert_eq!(base_of(&base).unwrap(), base);
        for (named, words) in [
            ("Qwen/Qwen3-0.6B".to_owned(), "there is no such folder"),
            (adapter.display().to_string(), "is an adapter itself"),
        ] {
            write(&adapter, ADAPTER_CONFIG, &format!(r#"{{"base_model_name_or_path": "{named}"}}"#));
            let said = base_of(&adapter).unwrap_err();
            assert!(said.contains(words) && said.contains(&named) && said.contains(ADAPTER_CONFIG), "{said}");
        }
        write(&adapter, ADAPTER_CONFIG, "{}");
        assert!(base_of(&adapter).unwrap_err().contains("base_model_name_or_path is missing"));
    }

    #[test]
    fn an_adapter_speaks_as_its_base_does() {
        let scratch = folders();
        let adapter = scratch.path().join("adapter");
        language_of(&adapter).unwrap();
        write(&adapter, TEMPLATE, "{{ messages }}");
        language_of(&adapter).unwrap();
        write(&adapter, TEMPLATE, "{{ messages }}!");
        assert!(language_of(&adapter).unwrap_err().contains("it is not its base's"));
    }

    #[test]
    fn an_adapter_that_brings_a_tokenizer_of_other_ids_is_refused_and_one_that_is_laid_out_otherwise_is_not() {
        let scratch = folders();
        let adapter = scratch.path().join("adapter");
        write(&adapter, TOKENIZER, r#"{ "model": { "merges": [], "vocab": { "b": 1, "a": 0 } } }"#);
        language_of(&adapter).unwrap();
        write(&adapter, TOKENIZER, r#"{"model": {"vocab": {"a": 1, "b": 0}, "merges": []}}"#);
        let said = language_of(&adapter).unwrap_err();
        assert!(
            said.contains("tokenizer.json: it is not its base's") && said.ends_with("the id of `a` is 1, not 0"),
            "{said}"
        );
    }

    #[test]
    fn an_adapter_is_known_by_its_own_files_and_its_bases_and_not_by_where_they_lie() {
        let scratch = folders();
        let (base, adapter) = (scratch.path().join("base"), scratch.path().join("adapter"));
        let before = identity(&adapter).unwrap();
        write(&adapter, "optimizer.safetensors", "moments");
        let absolute = format!(r#"{{"r": 2, "base_model_name_or_path": "{}"}}"#, base.display());
        write(&adapter, ADAPTER_CONFIG, &absolute);
        assert_eq!(identity(&adapter).unwrap(), before);
        write(&adapter, ADAPTER_CONFIG, &absolute.replace("\"r\": 2", "\"r\": 3"));
        let other_rank = identity(&adapter).unwrap();
        write(&adapter, ADAPTER_CONFIG, &absolute);
        write(&base, CONFIG, "{ }");
        let other_base = identity(&adapter).unwrap();
        assert!(other_rank != before && other_base != before);
    }
}
