//! What a person in a seat can say.

use crate::Act;
use crate::Choice;
use crate::Seat;
use crate::Toolkit;
use crate::gyms::Phrase;
use crate::gyms::Phrasebook;

/// What the agent may call.
pub static TOOLKIT: Toolkit = Toolkit {
    choices: &[(Choice::Search, "shows pages; the content is the words to look up"), ANSWER, FINISH],
    plain: None,
};

/// What it may call where there is nothing to look things up in.
pub static WITHOUT_SEARCH: Toolkit = Toolkit { choices: &[ANSWER, FINISH], plain: None };

const ANSWER: (Choice, &str) = (Choice::Answer, "answers; the content is the answer itself and nothing else");
const FINISH: (Choice, &str) = (Choice::Finish, "gives up; the content is empty");

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
