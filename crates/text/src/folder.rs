//! What the files of a Hugging Face folder say about text: which tokenizer, which template, what pads and what ends a turn.
//!
//! ```text
//!  tokenizer.json              the vocabulary
//!  chat_template.jinja         the template (wins)   additional_chat_templates/tool_use.jinja: with tools
//!  tokenizer_config.json       chat_template: a text, or [{name, template}]; pad_token, eos_token, bos_token: a text or {content}
//!  generation_config.json      eos_token_id: a number or several; pad_token_id
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use crate::Json;
use crate::Template;
use crate::TextError;
use crate::Tokenizer;

/// File of the tokenizer in a model's folder.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// File of the template in a model's folder.
pub const TEMPLATE_FILE: &str = "chat_template.jinja";
/// File of the tokenizer's special tokens, and in older folders of the template.
pub const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
/// File of what ends a turn.
pub const GENERATION_CONFIG_FILE: &str = "generation_config.json";
const CONFIG_FILE: &str = "config.json";
/// The template for conversations with tools, where it is a file of its own.
const TOOL_USE_FILE: &str = "additional_chat_templates/tool_use.jinja";

/// The text half of a model's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its template, told of the special tokens.
    pub template: Template,
    /// What pads; `None` if no file says so.
    pub pad_id: Option<u32>,
    /// What ends a turn by the files, without repetition; the template may close with another one.
    pub eos_ids: Vec<u32>,
}

impl Folder {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`TextError::Read`] for a missing or unreadable file, [`TextError::Config`] for what cannot be, or what the tokenizer and the
    /// template say.
    pub fn open(folder: &Path) -> Result<Folder, TextError> {
        let tokenizer = Tokenizer::load(&folder.join(TOKENIZER_FILE))?;
        let words = Config::open(folder.join(TOKENIZER_CONFIG_FILE))?;
        let generation = Config::open(folder.join(GENERATION_CONFIG_FILE))?;
        words.check_added(&tokenizer)?;
        let template = template(folder, &words)?.with_variables(words.specials());
        let pad_id = match generation.ids("pad_token_id", &tokenizer)?.first() {
            Some(id) => Some(*id),
            None => words.token("pad_token", &tokenizer)?,
        };
        let shape = Config::open(folder.join(CONFIG_FILE))?;
        let mut eos_ids = generation.ids("eos_token_id", &tokenizer)?;
        eos_ids.extend(shape.ids("eos_token_id", &tokenizer)?);
        eos_ids.extend(words.token("eos_token", &tokenizer)?);
        let mut seen = Vec::new();
        eos_ids.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        Ok(Folder { tokenizer, template, pad_id, eos_ids })
    }
}

/// The template: a file of its own, or in the tokenizer's configuration.
fn template(folder: &Path, words: &Config) -> Result<Template, TextError> {
    let path = folder.join(TEMPLATE_FILE);
    let named = words.templates()?;
    let of = |name: &str| named.iter().find(|(other, _)| other == name).map(|(_, source)| source.clone());
    let default = match read(&path)? {
        Some(source) => source,
        None => of("default").ok_or_else(|| TextError::Read {
            path,
            why: format!("there is no such file, and no chat_template in {TOKENIZER_CONFIG_FILE}"),
        })?,
    };
    let template = Template::new(&default)?;
    match read(&folder.join(TOOL_USE_FILE))?.or_else(|| of("tool_use")) {
        Some(source) => template.with_tool_use(&source),
        None => Ok(template),
    }
}

/// The text of a file; `None` if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<String>, TextError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TextError::Read { path: path.to_owned(), why: error.to_string() }),
    }
}

/// A configuration file, empty if it is not there.
struct Config {
    path: PathBuf,
    content: Json,
}

impl Config {
    fn open(path: PathBuf) -> Result<Config, TextError> {
        let text = read(&path)?.unwrap_or_else(|| "{}".to_owned());
        let content: Json =
            text.parse().map_err(|error| TextError::Read { path: path.clone(), why: format!("{error}") })?;
        Ok(Config { path, content })
    }

    fn wrong(&self, key: &'static str, why: impl Into<String>) -> TextError {
        TextError::Config { path: self.path.clone(), key, why: why.into() }
    }

    /// The text of a special token; `None` if none is given.
    fn special(&self, key: &str) -> Option<String> {
        let value = self.content.get(key)?;
        value.as_str().map(str::to_owned).or_else(|| Some(value.get("content")?.as_str()?.to_owned()))
    }

    /// The id of a special token; `None` if none is given.
    fn token(&self, key: &'static str, tokenizer: &Tokenizer) -> Result<Option<u32>, TextError> {
        let Some(text) = self.special(key) else {
            return Ok(None);
        };
        match tokenizer.id(&text) {
            Some(id) => Ok(Some(id)),
            None => Err(self.wrong(key, format!("the vocabulary has no token `{text}`"))),
        }
    }

    /// What `transformers` tells a template of the special tokens.
    fn specials(&self) -> BTreeMap<String, Json> {
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), Json::from(self.special(key)?.as_str()))))
            .collect()
    }

    /// A number or several, each inside the vocabulary.
    fn ids(&self, key: &'static str, tokenizer: &Tokenizer) -> Result<Vec<u32>, TextError> {
        let Some(value) = self.content.get(key).filter(|value| !value.value().is_none()) else {
            return Ok(Vec::new());
        };
        let mut given = value.items();
        if given.is_empty() {
            given.push(value);
        }
        let id = |value: &Json| match u32::try_from(value.value().clone()) {
            Ok(id) if (id as usize) < tokenizer.len() => Ok(id),
            Ok(id) => Err(self.wrong(key, format!("{id} lies outside the vocabulary of {}", tokenizer.len()))),
            Err(_) => Err(self.wrong(key, "it is no id and no list of ids")),
        };
        given.iter().map(id).collect()
    }

    /// Templates by name; a lone one is the default.
    fn templates(&self) -> Result<Vec<(String, String)>, TextError> {
        let Some(value) = self.content.get("chat_template") else {
            return Ok(Vec::new());
        };
        if let Some(source) = value.as_str() {
            return Ok(vec![("default".to_owned(), source.to_owned())]);
        }
        let text = |entry: &Json, key: &str| entry.get(key).and_then(|text| text.as_str().map(str::to_owned));
        let named = |entry: &Json| Some((text(entry, "name")?, text(entry, "template")?));
        let all: Option<Vec<_>> = value.items().iter().map(named).collect();
        all.filter(|all| !all.is_empty())
            .ok_or_else(|| self.wrong("chat_template", "it is neither a text nor a list of {name, template}"))
    }

    /// `transformers` adds tokens that only this file names; their ids would be unknown to us.
    fn check_added(&self, tokenizer: &Tokenizer) -> Result<(), TextError> {
        let Some(added) = self.content.get("added_tokens_decoder") else {
            return Ok(());
        };
        for key in added.value().try_iter().into_iter().flatten() {
            let content = added.get(key.as_str().unwrap_or_default()).and_then(|token| token.get("content"));
            let Some(content) = content.as_ref().and_then(Json::as_str) else {
                return Err(self.wrong("added_tokens_decoder", format!("`{key}` has no content")));
            };
            if tokenizer.id(content).map(|id| id.to_string()).as_deref() != key.as_str() {
                let why = format!("`{content}` is {key} here and not in {TOKENIZER_FILE}");
                return Err(self.wrong("added_tokens_decoder", why));
            }
        }
        Ok(())
    }
}
