//! What is wrong with a file, where, and what would be right.

use std::fmt;

/// One mistake. Prints as `error: FILE:LINE: KEY: what and why`, and a second line `hint: …` if there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file as it was named, or the flag that carried the key: `--set`, `--agent`.
    pub file: String,
    /// Line, from 1; `None` where a key is missing altogether, or came from a flag.
    pub line: Option<usize>,
    /// Path of the key, e.g. `grpo.lr` or `reward[2].weight` (the third `[[reward]]`); empty if it concerns the whole file.
    pub key: String,
    /// What is wrong, and why it matters.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// All mistakes that were found together; at least one, in the order of files and lines. Prints one after the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> ConfigErrors {
        ConfigErrors(vec![error])
    }
}
