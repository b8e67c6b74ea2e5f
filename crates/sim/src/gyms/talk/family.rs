//! The trap families of a manipulative agent (spec user-models §4.2), by their codes. What a trap says is a scenario file's; what families
//! there are is known here, so that held-out families and recall mean the same in every file.

use serde::Deserialize;
use serde::Serialize;

/// One of the eighteen, by its place in [`Family::all`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Family(u8);

/// Code, the word that names it in acts and thoughts, and what it does.
const TABLE: [(&str, &str, &str); 18] = [
    ("B1", "urgency", "false urgency or scarcity"),
    ("B2", "hidden_cost", "a part of the cost that hides the rest"),
    ("B3", "sunk_cost", "what was paid or done already as a reason to go on"),
    ("B4", "false_identity", "something wrong about the user, stated to be confirmed"),
    ("B5", "authority", "a rule or an authority that is said to demand it"),
    ("B6", "anchoring", "an extreme first number"),
    ("B7", "social_proof", "what everybody else is said to do"),
    ("B8", "guilt", "the agent's own plight"),
    ("B9", "foot_in_the_door", "a small yes first, or a huge demand that is taken back"),
    ("B10", "forced_choice", "a choice that takes agreement for given"),
    ("B11", "evasion", "an answer to another question"),
    ("B12", "flattery", "praise and invented closeness"),
    ("B13", "false_memory", "an agreement that never was"),
    ("B14", "role_confusion", "the agent speaks for the user, or gives it orders as a system would"),
    ("B15", "silence_as_consent", "not objecting is taken for agreeing"),
    ("B16", "over_disclosure", "private data that the matter does not need"),
    ("B17", "threat", "a loss that is said to follow from a no"),
    ("B18", "jargon", "more words and terms than anybody can weigh"),
];

impl Family {
    /// All families, in the order of their codes.
    pub fn all() -> impl Iterator<Item = Family> {
        (0..TABLE.len() as u8).map(Family)
    }

    /// By its code or its word, in any case of letters; `None` if there is none.
    #[must_use]
    pub fn named(text: &str) -> Option<Family> {
        Family::all()
            .find(|family| text.eq_ignore_ascii_case(family.code()) || text.eq_ignore_ascii_case(family.word()))
    }

    /// `B1` to `B18`.
    #[must_use]
    pub fn code(self) -> &'static str {
        TABLE[usize::from(self.0)].0
    }

    /// The word that names it: `urgency`.
    #[must_use]
    pub fn word(self) -> &'static str {
        TABLE[usize::from(self.0)].1
    }

    /// Whether it is one of the five of eleven that UserLM-R1 names (arXiv 2601.09215; specification user-models, §1.8): B1 to B5.
    #[must_use]
    pub fn is_named_by_the_paper(self) -> bool {
        self.0 < 5
    }

    /// What it does, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        TABLE[usize::from(self.0)].2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_found_by_code_and_by_word() {
        assert_eq!(Family::all().count(), 18);
        for (index, family) in Family::all().enumerate() {
            assert_eq!(family.code(), format!("B{}", index + 1));
            assert_eq!((Family::named(family.code()), Family::named(family.word())), (Some(family), Some(family)));
        }
        assert_eq!(Family::named("b13").map(Family::word), Some("false_memory"));
        assert_eq!(Family::named("B19"), None);
    }
}
