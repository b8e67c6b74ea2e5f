//! What a person in a seat can say.

use crate::Act;
use crate::Choice;
use crate::Seat;
use crate::gyms::Phrase;
use crate::gyms::Phrasebook;

/// The forms of speech of one seat.
#[must_use]
pub fn phrasebook(seat: Seat) -> Phrasebook {
    match seat {
        Seat::Agent => Phrasebook {
            phrases: vec![
                Phrase::say("[search] novel Quiet Osmunki", "looks pages up by their words"),
                Phrase::say("[answer] Baton", "answers; only the answer itself is right"),
                Phrase::say("[finish]", "gives up"),
                Phrase {
                    act: Act::Tool { choice: Choice::Search, content: "Edda Kiba".to_owned() },
                    meaning: "searches by UserRL's tool",
                },
            ],
            notes: vec![
                "Case, punctuation and articles do not matter in an answer; anything beside it does.".to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec!["You take no turns: the world may ask whether an answer is right, in JSON.".to_owned()],
            thought: None,
        },
    }
}
