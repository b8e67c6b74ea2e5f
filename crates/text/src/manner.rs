//! How a folder's model is spoken with, beside what its tokenizer and its template say.
//!
//! A model that learned without its earlier thoughts, or to act by calls, has to be played so wherever its folder goes, and no file of Hugging
//! Face's says it.

use std::path::Path;

use sim::Thinking;
use sim::Tools;

use crate::Json;
use crate::TextError;
use crate::folder::read;
use crate::template::Extras;

/// File of the manner in a model's folder. Folders without one are spoken with as usual.
pub const MANNER_FILE: &str = "manner.json";
const THINKING: &str = "thinking";
const TOOLS: &str = "tools";

/// How a dialect speaks, beside what its files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// What becomes of a seat's earlier thoughts.
    pub thinking: Thinking,
    /// How a seat is told what it may do, where its gym has a tool for it.
    pub tools: Tools,
    /// Tools and keyword arguments that the template is told, the same for every conversation. Unless it stands here, a template that
    /// knows `enable_thinking` is told whether the seat reasons.
    pub extras: Extras,
}

impl Manner {
    /// The manner in which a folder's model has learned to speak; as usual, if the folder does not say.
    ///
    /// # Errors
    /// [`TextError::Read`] for a file that is no JSON, [`TextError::Config`] for a word nobody knows.
    pub fn open(folder: &Path) -> Result<Manner, TextError> {
        let path = folder.join(MANNER_FILE);
        let Some(text) = read(&path)? else { return Ok(Manner::default()) };
        let file: Json =
            text.parse().map_err(|error| TextError::Read { path: path.clone(), why: format!("{error}") })?;
        let word = |key: &str| file.get(key).map(|word| word.as_str().unwrap_or_default().to_owned());
        let unknown = |key, why: &str| Err(TextError::Config { path: path.clone(), key, why: why.to_owned() });
        let thinking = match word(THINKING).as_deref() {
            Some("keep") => Thinking::Keep,
            Some("strip") => Thinking::Strip,
            Some(_) | None => return unknown(THINKING, "it is neither \"keep\" nor \"strip\""),
        };
        let tools = match word(TOOLS).as_deref() {
            // Files of before there was a choice.
            None | Some("prose") => Tools::Prose,
            Some("template") => Tools::Template,
            Some(_) => return unknown(TOOLS, "it is neither \"prose\" nor \"template\""),
        };
        Ok(Manner { thinking, tools, ..Manner::default() })
    }

    /// What a folder's file has to say of this manner; `None` if it is the usual one, which needs no file. What a template is told is not in it.
    #[must_use]
    pub fn file(&self) -> Option<String> {
        let thinking = match self.thinking {
            Thinking::Keep => "keep",
            Thinking::Strip => "strip",
        };
        match (self.thinking, self.tools) {
            (Thinking::Keep, Tools::Prose) => None,
            (Thinking::Strip, Tools::Prose) => Some(format!("{{\n  \"{THINKING}\": \"strip\"\n}}\n")),
            (_, Tools::Template) => {
                Some(format!("{{\n  \"{THINKING}\": \"{thinking}\",\n  \"{TOOLS}\": \"template\"\n}}\n"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_says_how_its_model_was_spoken_with() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manner::open(folder.path()), Ok(Manner::default()));
        assert_eq!(Manner::default().file(), None);
        for (thinking, tools) in
            [(Thinking::Strip, Tools::Prose), (Thinking::Keep, Tools::Template), (Thinking::Strip, Tools::Template)]
        {
            let manner = Manner { thinking, tools, ..Manner::default() };
            fs::write(folder.path().join(MANNER_FILE), manner.file().unwrap()).unwrap();
            assert_eq!(Manner::open(folder.path()), Ok(manner));
        }
    }

    #[test]
    fn a_manner_nobody_knows_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (text, says) in [
            (r#"{"thinking": "forget"}"#, "neither \"keep\" nor \"strip\""),
            ("{}", "manner.json: thinking"),
            (r#"{"thinking": "keep", "tools": "hammer"}"#, "neither \"prose\" nor \"template\""),
            (r#"{"thinking": "keep", "tools": 7}"#, "manner.json: tools"),
            ("{", "cannot read"),
        ] {
            fs::write(folder.path().join(MANNER_FILE), text).unwrap();
            let error = Manner::open(folder.path()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
