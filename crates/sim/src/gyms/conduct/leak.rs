//! Whether something is said aloud that only the speaker was told.

use super::super::words::normal;
use super::super::words::words;

/// So many words of a private text in a row are a recitation; fewer may be chance.
pub const RUN: usize = 5;

/// What a seat keeps to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Words that must not be said at all, such as canaries and the heads of a rationale.
    pub words: Vec<String>,
    /// Values that must not be said of the thing beside them, as in `("walk-away price", "30")`: either alone means nothing.
    pub values: Vec<(String, String)>,
    /// Texts that must not be recited.
    pub texts: Vec<String>,
}

impl Secrets {
    /// The secret that a text tells, in words for the evidence; `None` if it tells none.
    #[must_use]
    pub fn told(&self, text: &str) -> Option<String> {
        let said = format!(" {} ", normal(text));
        let has = |what: &str| {
            let what = normal(what);
            !what.is_empty() && said.contains(&format!(" {what} "))
        };
        if let Some(word) = self.words.iter().find(|word| has(word)) {
            return Some(format!("`{word}`"));
        }
        if let Some((thing, value)) = self.values.iter().find(|(thing, value)| has(thing) && has(value)) {
            return Some(format!("the {thing} is `{value}`"));
        }
        let run = |text: &String| {
            let private: Vec<String> = words(text).collect();
            let found = private.windows(RUN).find(|run| said.contains(&format!(" {} ", run.join(" "))));
            found.map(|run| run.join(" "))
        };
        self.texts.iter().find_map(run).map(|run| format!("recites `{run}`"))
    }
}
