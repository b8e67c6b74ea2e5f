//! What a person in a seat can say.

use crate::Act;
use crate::Choice;
use crate::Seat;
use crate::Toolkit;
use crate::gyms::Phrase;
use crate::gyms::Phrasebook;

/// What the agent may call.
pub static TOOLKIT: Toolkit = Toolkit {
    choices: &[
        (Choice::Action, "asks the user a yes/no question, such as: Did somebody die?"),
        (Choice::Answer, "tells the user the whole true story, which is the content"),
        (Choice::Finish, "gives up; the content is empty"),
    ],
    plain: Some(Choice::Action),
};

/// The forms of speech of one seat.
#[must_use]
pub fn phrasebook(seat: Seat) -> Phrasebook {
    match seat {
        Seat::Agent => Phrasebook {
            phrases: vec![
                Phrase::say("[action] Was it the gardener or the nurse?", "asks; without [action] it is a question too"),
                Phrase::say("[answer] The gardener sold the clapper out of debt.", "tells what happened; the whole story ends the talk"),
                Phrase::say("[finish]", "gives up"),
                Phrase {
                    act: Act::Tool { choice: Choice::Answer, content: "The gardener sold it.".to_owned() },
                    meaning: "tells by UserRL's tool",
                },
            ],
            notes: vec![
                "A story of our own has four hidden parts; an answer that names two words for one of them has not told it.".to_owned(),
                "A later answer earns what it tells more than the best before it.".to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec![
                "You take no turns: answer each question with Yes, No or Maybe, and score each answer with {\"scores\": [1, 0.5, 0]}, a number for each point.".to_owned(),
            ],
            thought: None,
        },
    }
}
