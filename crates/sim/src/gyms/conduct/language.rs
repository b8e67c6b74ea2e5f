//! Whether a text is in the language that was agreed: by its letters, and by the small words that no text of a language does without. The lists are
//! closed and stand below; a text too short to hold any is let pass.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::super::words::words;

/// A language that can be told from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Italian.
    Italian,
    /// Chinese: told by its letters alone.
    Chinese,
}

/// Of a text's letters this share has to be of the language's script.
const SCRIPT_MIN: f64 = 0.8;
/// So few Latin letters are of no language: every one of them says OK.
const LATIN_MIN: usize = 4;
/// So many different small words of another language make a text that language's, if its own are fewer; one may be a name, or be said twice.
const STRANGE_MIN: usize = 2;

/// Words that stand on one of these lists and on no other; in lower case.
// So what two languages share is left out, and what is a common word of another, as German's `was` is of English.
const SMALL: [(Language, &[&str]); 5] = [
    (
        Language::English,
        &[
            "the", "and", "you", "is", "it", "that", "of", "to", "not", "for", "with", "my", "what", "this", "have",
            "are", "i", "your", "do", "would", "can", "be", "from", "how", "why",
        ],
    ),
    (
        Language::German,
        &[
            "der", "und", "ich", "ist", "nicht", "das", "sie", "mit", "ein", "eine", "für", "auf", "auch", "wie", "zu",
            "bitte", "haben", "mir", "wir", "aber", "noch", "kann", "ja", "nein", "dann",
        ],
    ),
    (
        Language::French,
        &[
            "le", "les", "et", "est", "vous", "je", "pas", "pour", "une", "dans", "avec", "sur", "ce", "mais", "mon",
            "qui", "au", "merci", "oui", "nous", "votre",
        ],
    ),
    (
        Language::Spanish,
        &[
            "el", "los", "y", "usted", "para", "por", "pero", "que", "mi", "muy", "las", "está", "qué", "gracias",
            "sí", "del", "yo", "lo", "cómo", "tengo", "hay", "cuánto", "quiero",
        ],
    ),
    (
        Language::Italian,
        &[
            "il", "di", "che", "non", "è", "sono", "della", "gli", "ma", "grazie", "quanto", "mio", "questo", "anche",
            "perché", "ho", "lei", "sì", "vorrei",
        ],
    ),
];

impl Language {
    /// Each by the code that files have for it (ISO 639-1).
    pub const ALL: [(&'static str, Language); 6] = [
        ("en", Language::English),
        ("de", Language::German),
        ("fr", Language::French),
        ("es", Language::Spanish),
        ("it", Language::Italian),
        ("zh", Language::Chinese),
    ];

    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        Language::ALL[self as usize].0
    }

    /// Why a text is not in this language, in words for the evidence; `None` if it is, or is too short to tell.
    #[must_use]
    pub fn missed(self, text: &str) -> Option<String> {
        let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
        let own = letters.iter().filter(|c| self.is_own(**c)).count();
        if letters.len() < LATIN_MIN && letters.iter().all(|c| is_latin(*c)) {
            return None;
        }
        if (own as f64) < SCRIPT_MIN * letters.len() as f64 {
            return Some(format!("{own} of {} letters are of its script", letters.len()));
        }
        let said: BTreeSet<String> = words(text).collect();
        let count = |small: &[&str]| said.iter().filter(|word| small.contains(&word.as_str())).count();
        let of = |language: Language| SMALL.iter().find(|(known, _)| *known == language).map_or(0, |(_, s)| count(s));
        let mine = of(self);
        let is_stranger = |small: &[&str]| count(small) >= STRANGE_MIN && count(small) > mine;
        let other = SMALL.iter().find(|(language, small)| *language != self && is_stranger(small));
        other.map(|(language, small)| {
            format!("{} small words of `{}` and {mine} of `{}`", count(small), language.code(), self.code())
        })
    }

    fn is_own(self, letter: char) -> bool {
        let is_han = ('\u{3400}'..='\u{9fff}').contains(&letter);
        if self == Language::Chinese { is_han } else { is_latin(letter) }
    }
}

fn is_latin(letter: char) -> bool {
    letter < '\u{0250}' || ('\u{1e00}'..='\u{1eff}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_latin_letters_are_of_no_language_and_a_word_said_twice_is_one() {
        let missed = |language: Language, text: &str| language.missed(text).is_some();
        assert!(!missed(Language::Chinese, "OK\u{3002}") && !missed(Language::Chinese, "\u{597d}\u{7684}"));
        assert!(missed(Language::Chinese, "Fine, go on."));
        assert!(missed(Language::English, "\u{597d}\u{7684}"), "two letters of another script are another language");
        assert!(!missed(Language::English, "Yes, ma'am, ma'am."));
        assert!(missed(Language::English, "Grazie, ma quanto?"));
    }
}
