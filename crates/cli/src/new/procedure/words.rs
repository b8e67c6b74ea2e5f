//! Names in sentences: found whatever their articles, capitals and plurals, and made into the names that files have.

use super::Thing;

/// Words that say nothing in a name.
const EMPTY: [&str; 14] = ["the", "a", "an", "of", "for", "to", "that", "is", "at", "in", "on", "your", "their", "its"];

/// Names that mean something in every talk, or in every talk that is made here.
const TAKEN: [&str; 34] = [
    "and",
    "or",
    "not",
    "always",
    "never",
    "trust",
    "emotion",
    "patience",
    "participation",
    "turn",
    "turns_left",
    "end",
    "asked",
    "pressed",
    "fair",
    "lies",
    "traps",
    "twins",
    "countered",
    "fell",
    "suspected",
    "progress",
    "counter",
    "finish",
    "hang",
    "hang_up",
    "hangup",
    "end_call",
    "stop",
    "unfounded",
    "now",
    "agreed",
    "wanted",
    "hopes",
];

/// Letters that a name cannot have because acts and conditions are made of them.
const SYNTAX: &str = "[](),;=<>!$\"'{}“”‘’«»€£¥";

/// Lower-case words, plurals cut.
pub fn tokens(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| stem(&word.to_lowercase())).collect()
}

fn stem(word: &str) -> String {
    let plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss");
    if plural { word[..word.len() - 1].to_owned() } else { word.to_owned() }
}

/// A name without its article, on one line.
pub fn bare(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = text.to_lowercase();
    let article = ["the ", "a ", "an ", "your ", "their "].into_iter().find(|article| lower.starts_with(article));
    article.map_or(text.clone(), |article| text[article.len()..].to_owned())
}

/// A name for acts and conditions: `day that suits` is `day_suits`. `fallback` where no letter of it can stand there.
pub fn name(text: &str, fallback: &str) -> String {
    let lower = text.to_lowercase();
    let ascii = |c: char| if c.is_ascii_alphanumeric() { c } else { ' ' };
    let spaced: String = lower.chars().map(ascii).collect();
    let all: Vec<&str> = spaced.split_whitespace().collect();
    let told: Vec<&str> = all.iter().copied().filter(|word| !EMPTY.contains(word)).collect();
    let kept = if told.is_empty() { all } else { told };
    let name = kept.into_iter().take(4).collect::<Vec<_>>().join("_");
    match name.chars().next() {
        None => fallback.to_owned(),
        Some(first) if !first.is_ascii_lowercase() => format!("{fallback}_{name}"),
        Some(_) if TAKEN.contains(&name.as_str()) => format!("{name}_here"),
        Some(_) => name,
    }
}

/// A value as one word: `two weeks` is `two_weeks`, `€ 119` is `119`.
pub fn value(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !SYNTAX.contains(*c)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join("_")
}

/// Things that a sentence names, in the order in which it does; of two that overlap the longer one.
pub fn mentioned(text: &str, things: &[Thing]) -> Vec<usize> {
    places(text, things).into_iter().map(|(_, thing)| thing).collect()
}

/// The same with where.
fn places(text: &str, things: &[Thing]) -> Vec<(usize, usize)> {
    let (said, lower) = (tokens(text), text.to_lowercase());
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for (index, thing) in things.iter().enumerate() {
        let wanted: Vec<String> = tokens(&thing.words);
        let at = match thing.words.is_ascii() {
            true => (0..said.len()).find(|at| !wanted.is_empty() && said[*at..].starts_with(&wanted)),
            // Scripts that put no spaces between words.
            false => lower.find(&thing.words.to_lowercase()),
        };
        found.extend(at.map(|at| (at, if thing.words.is_ascii() { wanted.len() } else { thing.words.len() }, index)));
    }
    let inside = |one: &(usize, usize, usize), other: &(usize, usize, usize)| {
        other.1 > one.1 && other.0 <= one.0 && one.0 + one.1 <= other.0 + other.1
    };
    let mut kept: Vec<(usize, usize)> =
        found.iter().filter(|one| !found.iter().any(|other| inside(one, other))).map(|one| (one.0, one.2)).collect();
    kept.sort_unstable();
    kept
}

/// The value of a thing that a sentence names; the longest where it names several.
pub fn valued<'t>(text: &str, thing: &'t Thing) -> Option<&'t String> {
    let said = tokens(text);
    let named = |value: &&String| {
        let wanted = tokens(value);
        !wanted.is_empty() && said.windows(wanted.len()).any(|window| window == wanted)
            || !value.is_ascii() && text.to_lowercase().contains(&value.to_lowercase())
    };
    thing.values.iter().filter(named).max_by_key(|value| value.len())
}
