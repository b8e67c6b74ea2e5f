//! Questions with their answers, in the form of UserRL's release: `questions.json` (spec userrl §2.4, §7.4).

use serde::Deserialize;
use serde::Serialize;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id in its release.
    pub id: String,
    /// What is asked.
    pub question: String,
    /// The right answer.
    pub answer: String,
    /// Other ways to say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

impl Item {
    /// The right answer in all its ways.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        [&self.answer].into_iter().chain(&self.aliases).map(String::as_str)
    }
}
