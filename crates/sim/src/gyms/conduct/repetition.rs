//! Whether somebody says the same again: word for word, or the same sentence with other words in it.

use super::super::words::words;

/// Words of a sequence that is looked for.
pub const GRAM: usize = 4;
/// Texts with fewer words repeat nothing: people do say "yes, please" twice.
pub const WORDS_MIN: usize = 8;
/// Above this share of sequences that were said before, a text is repetition.
pub const SHARE_MAX: f64 = 0.5;
/// From this share of words that stand in an earlier text in the same order, a text is one with other fillings.
pub const TEMPLATE: f64 = 0.75;

/// Share of the text's sequences of [`GRAM`] words that are in an `earlier` text or earlier in itself, in [0, 1]; `None` if it is too short to repeat
/// anything.
#[must_use]
pub fn share(text: &str, earlier: &[String]) -> Option<f64> {
    let own: Vec<String> = words(text).collect();
    if own.len() < WORDS_MIN {
        return None;
    }
    let before: Vec<Vec<String>> = earlier.iter().map(|text| words(text).collect()).collect();
    let grams: Vec<&[String]> = own.windows(GRAM).collect();
    let is_known = |(at, gram): (usize, &&[String])| {
        grams[..at].contains(gram) || before.iter().any(|text| text.windows(GRAM).any(|other| other == *gram))
    };
    let known = grams.iter().enumerate().filter(|(at, gram)| is_known((*at, *gram))).count();
    Some(known as f64 / grams.len() as f64)
}

/// Share of the longer text's words that both have in the same order (longest common subsequence), in [0, 1]; `None` if the text is too short.
#[must_use]
pub fn likeness(text: &str, other: &str) -> Option<f64> {
    let (own, other): (Vec<String>, Vec<String>) = (words(text).collect(), words(other).collect());
    if own.len() < WORDS_MIN {
        return None;
    }
    let mut row = vec![0usize; other.len() + 1];
    for word in &own {
        let mut diagonal = 0;
        for (at, theirs) in other.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if word == theirs { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    Some(row[other.len()] as f64 / own.len().max(other.len()) as f64)
}

/// What is repeated, in words for the evidence; `None` if nothing is. `earlier` is what the same speaker said before, oldest first.
#[must_use]
pub fn repeats(text: &str, earlier: &[String]) -> Option<String> {
    if let Some(share) = share(text, earlier).filter(|share| *share > SHARE_MAX) {
        return Some(format!("{:.0} % of its sequences of {GRAM} words were said before", 100.0 * share));
    }
    let alike = earlier.iter().filter_map(|before| likeness(text, before)).find(|alike| *alike >= TEMPLATE);
    alike.map(|alike| format!("{:.0} % of an earlier text with other fillings", 100.0 * alike))
}
