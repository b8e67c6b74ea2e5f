//! What a word is worth, and what a detail answers to.
//!
//! A user by rule has to tell whether a question asks about a detail, and must not fall for a question that names everything. So words are
//! weighed by how rare they are among the details to learn from (inverse document frequency): `budget` and `preferred` fit so many
//! details that they tell nothing, `cuisine` fits few. A question hits a detail if it names half of the detail's weight, and a question
//! that names more than a few telling words at all is not about one thing.
//!
//! Not covered: other forms of a word, other words for a thing, negation. The rule is crude on purpose: everybody can compute it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Detail;

/// A word in more than this share of the details tells nothing.
const COMMON_SHARE: f64 = 0.02;
/// A question hits a detail if it names at least this share of the detail's weight.
const HIT_SHARE: f64 = 0.5;
/// A question with more telling words than this is not about anything.
pub const QUESTION_WORDS_MAX: usize = 8;

/// The weights of all words, from the details of the items to learn from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lexicon {
    weights: BTreeMap<String, f64>,
    /// Of a word that no detail has: the rarest there can be.
    unheard: f64,
}

impl Lexicon {
    /// Counts, over `details`, in how many descriptions each word occurs: ln(details / occurrences), or 0 for a common word.
    #[must_use]
    pub fn of<'a>(details: impl Iterator<Item = &'a Detail>) -> Lexicon {
        let mut occurrences: BTreeMap<String, u32> = BTreeMap::new();
        let mut count = 0u32;
        for detail in details {
            count += 1;
            for word in words(&detail.description) {
                *occurrences.entry(word).or_default() += 1;
            }
        }
        // Among fewer than fifty details nothing could be rare; there, once is.
        let common = f64::max(1.0, COMMON_SHARE * f64::from(count));
        let weight = |n: u32| if f64::from(n) > common { 0.0 } else { (f64::from(count) / f64::from(n)).ln() };
        let weights = occurrences.into_iter().map(|(word, n)| (word, weight(n))).collect();
        Lexicon { weights, unheard: f64::from(count).ln() }
    }

    /// What a word weighs, in nats; 0 for a common one.
    #[must_use]
    pub fn weight(&self, word: &str) -> f64 {
        self.weights.get(word).copied().unwrap_or(self.unheard)
    }

    /// The telling words of a text.
    #[must_use]
    pub fn telling(&self, text: &str) -> BTreeSet<String> {
        words(text).into_iter().filter(|word| self.weight(word) > 0.0).collect()
    }
}

/// The words of a text, each once: runs of letters and digits, in lower case.
#[must_use]
pub fn words(text: &str) -> BTreeSet<String> {
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(str::to_lowercase).collect()
}

/// What a detail answers to: its telling words with their weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// In alphabetical order; at least one.
    pub words: Vec<(String, f64)>,
    /// The sum of their weights, in nats; above 0.
    pub total: f64,
}

impl Key {
    /// The telling words of the detail's description, or of its inquiry if the description has none; `None` if that has none either,
    /// so that no question could ever hit the detail.
    #[must_use]
    pub fn of(detail: &Detail, lexicon: &Lexicon) -> Option<Key> {
        let texts = [&detail.description, &detail.inquiry];
        let telling = texts.into_iter().map(|text| lexicon.telling(text)).find(|words| !words.is_empty())?;
        let words: Vec<(String, f64)> = telling.into_iter().map(|word| (word.clone(), lexicon.weight(&word))).collect();
        let total = words.iter().map(|(_, weight)| weight).sum();
        Some(Key { words, total })
    }

    /// Whether a question with these telling words hits the detail.
    #[must_use]
    pub fn is_hit(&self, question: &BTreeSet<String>) -> bool {
        let named: f64 = self.words.iter().filter(|(word, _)| question.contains(word)).map(|(_, weight)| weight).sum();
        // Half of two equal weights is one of them, whatever the last bit of the sum.
        named > 0.0 && named >= HIT_SHARE * self.total - 1e-9
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gyms::intention::Importance;

    fn detail(description: &str, inquiry: &str) -> Detail {
        let (description, inquiry) = (description.to_owned(), inquiry.to_owned());
        Detail { description, importance: Importance::Low, inquiry, options: Vec::new() }
    }

    /// A hundred details: `kind` in all, `twice` in two, `thrice` in three, `w0` … in one each.
    fn lexicon() -> Lexicon {
        let extra = |n: u32| match n {
            0 | 1 => " twice",
            2..=4 => " thrice",
            _ => "",
        };
        let details: Vec<Detail> = (0..100).map(|n| detail(&format!("Kind w{n}{}", extra(n)), "")).collect();
        Lexicon::of(details.iter())
    }

    #[test]
    fn a_word_weighs_by_its_rarity_and_nothing_beyond_two_in_a_hundred() {
        let lexicon = lexicon();
        assert_eq!(lexicon.weight("kind"), 0.0);
        assert_eq!(lexicon.weight("thrice"), 0.0);
        assert!((lexicon.weight("twice") - 50f64.ln()).abs() < 1e-12);
        assert!((lexicon.weight("w7") - 100f64.ln()).abs() < 1e-12);
        assert!((lexicon.weight("unheard") - 100f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_detail_is_hit_by_half_of_its_weight() {
        let lexicon = lexicon();
        let key = Key::of(&detail("Kind of w1 and w2", ""), &lexicon).unwrap();
        // `of` and `and` are unheard here, so they weigh: four words of equal weight.
        assert_eq!(key.words.len(), 4);
        assert!(!key.is_hit(&lexicon.telling("w1?")));
        assert!(key.is_hit(&lexicon.telling("w1 and …?")));
        assert!(!key.is_hit(&lexicon.telling("kind?")));
    }

    #[test]
    fn a_detail_of_common_words_answers_to_its_inquiry() {
        let lexicon = lexicon();
        let key = Key::of(&detail("Kind thrice", "Which w9?"), &lexicon).unwrap();
        let words: Vec<&str> = key.words.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!(words, ["w9", "which"]);
        assert_eq!(Key::of(&detail("Kind", "Thrice kind?"), &lexicon), None);
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        assert_eq!(
            words("Age-group; CAFÉ's 2nd café").into_iter().collect::<Vec<_>>(),
            ["2nd", "age", "café", "group", "s"]
        );
    }
}
