//! Text as rules read it: words in lower case, and nothing else.

/// The words of a text in their order: runs of letters and digits, in lower case.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()).map(str::to_lowercase)
}

/// A text by which equal ones are known: its words, with a space between.
#[must_use]
pub fn normal(text: &str) -> String {
    words(text).collect::<Vec<_>>().join(" ")
}

/// Whether a text denies: `not`, `never`, `isn't` and the like. Rules take every denial for one of the whole sentence.
#[must_use]
pub fn denies(text: &str) -> bool {
    let denial = |word: String| matches!(word.as_str(), "not" | "never" | "no" | "nobody" | "nothing" | "without");
    words(text).any(denial) || text.contains("n't") || text.contains("n\u{2019}t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_differ_only_in_letters_case_and_signs() {
        assert_eq!(normal("  The T-Rex!! "), "the t rex");
        assert_eq!(normal("Pi (π)"), "pi π");
        assert_eq!(normal("\u{0}\t…"), "");
    }

    #[test]
    fn denials_are_heard_with_either_apostrophe() {
        for text in ["Isn't it red?", "It isn’t red.", "not red", "Never."] {
            assert!(denies(text), "{text}");
        }
        assert!(!denies("Is the T-Rex notable?"));
    }
}
