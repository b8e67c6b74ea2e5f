//! What templates do with a seat's earlier thoughts, and the prompt of a turn as its template would have it.

use sim::Cut;
use sim::thinking::without;

/// What a template does with the thoughts of earlier turns; found out by rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It leaves them.
    Kept,
    /// It drops all of them.
    Dropped,
    /// It drops those before the last message of the partner, so that thoughts between calls of tools stay.
    DroppedBeforeUser,
}

impl Treatment {
    /// Whether the thought of a message is dropped in a conversation whose last message of the partner is `last_user`.
    pub(crate) fn drops(self, message: usize, last_user: Option<usize>) -> bool {
        match self {
            Treatment::Kept => false,
            Treatment::Dropped => true,
            Treatment::DroppedBeforeUser => last_user.is_none_or(|user| message < user),
        }
    }
}

/// What a template takes off the reply behind a thought that it drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    Nothing,
    Lines,
    Spaces,
}

impl Gap {
    /// How many bytes of a reply it takes.
    pub(crate) fn len(self, reply: &[u8]) -> usize {
        let gone = |byte: &&u8| match self {
            Gap::Nothing => false,
            Gap::Lines => **byte == b'\n',
            Gap::Spaces => byte.is_ascii_whitespace(),
        };
        reply.iter().take_while(gone).count()
    }
}

/// The prompt of one turn as its template would have it, made of the stream's own ids: what `strip` trains the turn on.
///
/// Its text is the template's rendering of the conversation so far, except that an empty thought which the template writes into a
/// turn without one is not there, and that the seat's own turns end and are spaced as they were sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPrompt {
    /// What the model reads before it samples this turn.
    pub ids: Vec<u32>,
    /// What is missing of the stream, in order; empty if nothing is.
    pub cuts: Vec<Cut>,
}

impl OwnPrompt {
    /// The stream without the cuts.
    pub(crate) fn new(stream: &[u32], cuts: Vec<Cut>) -> OwnPrompt {
        let ids = without(stream, &cuts).expect("each cut lies in a turn of its own of the stream");
        OwnPrompt { ids, cuts }
    }

    /// Whether these ids are those of `stream` but for the declared cuts: every other id stands as it was sampled or shown.
    #[must_use]
    pub fn is_of(&self, stream: &[u32]) -> bool {
        without(stream, &self.cuts).as_ref() == Some(&self.ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_of_its_stream_alone() {
        let cuts = vec![Cut { turn: 0, range: 1..3, rest: vec![9] }, Cut { turn: 1, range: 4..4, rest: Vec::new() }];
        let prompt = OwnPrompt::new(&[0, 1, 2, 3, 4], cuts);
        assert_eq!(prompt.ids, [0, 9, 3, 4]);
        assert!(prompt.is_of(&[0, 7, 7, 3, 4]), "what was cut may be anything");
        assert!(!prompt.is_of(&[0, 1, 2, 3, 5]));
        assert!(!prompt.is_of(&[0]));
    }

    #[test]
    fn thoughts_go_by_the_partners_last_message() {
        let dropped =
            |treatment: Treatment| [(0, Some(1)), (2, Some(1)), (0, None)].map(|(at, user)| treatment.drops(at, user));
        assert_eq!(dropped(Treatment::Kept), [false, false, false]);
        assert_eq!(dropped(Treatment::Dropped), [true, true, true]);
        assert_eq!(dropped(Treatment::DroppedBeforeUser), [true, false, true]);
    }
}
