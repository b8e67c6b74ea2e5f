//! What somebody can think of: UserRL's entities, and things of our own with everything that is true of them (spec userrl §2.5, §7.4).

use serde::Deserialize;
use serde::Serialize;

use super::catalogue::Table;
use crate::gyms::words::normal;

/// One thing to be guessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id in its release.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What kind of thing it is, e.g. `animal`.
    pub category: String,
    /// What the user says first; it gives nothing away but the kind.
    pub description: String,
    /// Its name and what is known of it, for a user that is a model.
    pub target: String,
    /// What is true of it; `None` for published things, of which a rule knows no more than the name.
    pub table: Option<Table>,
}

impl Item {
    /// Whether a guess names this thing: by title or alias, whatever the case of letters, signs and articles in front.
    #[must_use]
    pub fn is_named_by(&self, guess: &str) -> bool {
        let guess = name(guess);
        !guess.is_empty() && self.names().any(|known| name(known) == guess)
    }

    /// All its names, the title first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.title).chain(&self.aliases).map(String::as_str)
    }
}

/// A name by which equal ones are known.
#[must_use]
pub fn name(text: &str) -> String {
    let normal = normal(text);
    let articles = ["a ", "an ", "the "];
    let bare = articles.into_iter().find_map(|article| normal.strip_prefix(article));
    bare.unwrap_or(&normal).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pi() -> Item {
        let text = |text: &str| text.to_owned();
        Item {
            id: text("e"),
            title: text("Pi (π)"),
            aliases: vec![text("Pi"), text("The Number Pi")],
            category: text("number"),
            description: text("I am thinking of a number."),
            target: text("Pi (π) - about 3.14"),
            table: None,
        }
    }

    #[test]
    fn a_guess_is_right_by_title_or_alias_in_any_spelling() {
        for guess in ["Pi (π)", "pi", "PI!", " the pi ", "number pi", "The number  PI."] {
            assert!(pi().is_named_by(guess), "{guess}");
        }
    }

    #[test]
    fn a_guess_that_says_more_or_less_is_wrong() {
        for guess in ["", "the", "…", "p", "pi or e", "pi, e, 1, 2, 3", "it is pi", "Pi (π) - about 3.14"] {
            assert!(!pi().is_named_by(guess), "{guess}");
        }
    }
}
