//! How a person who takes a seat can speak: some forms that the world understands, each with what it does.

use crate::Act;

/// What a seat can say and do, by example. Not all there is: a gym's own page in `docs/SCENARIOS.md` is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrasebook {
    /// One act of each kind; empty where anything may be said.
    pub phrases: Vec<Phrase>,
    /// What one has to know to make others like them, a line each.
    pub notes: Vec<String>,
    /// A private thought in the form that the gym reads; `None` if this seat's thoughts have no form.
    pub thought: Option<String>,
}

/// One form of speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The act, word for word.
    pub act: Act,
    /// What it does.
    pub meaning: &'static str,
}

impl Phrase {
    /// Plain talk.
    #[must_use]
    pub fn say(text: impl Into<String>, meaning: &'static str) -> Phrase {
        Phrase { act: Act::Say(text.into()), meaning }
    }
}
