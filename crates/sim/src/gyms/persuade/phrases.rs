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
        (Choice::Answer, "puts an argument to the user, which is the content"),
        (Choice::Finish, "ends the talk; the content is empty"),
    ],
    plain: Some(Choice::Answer),
};

/// The forms of speech of one seat.
#[must_use]
pub fn phrasebook(seat: Seat) -> Phrasebook {
    match seat {
        Seat::Agent => Phrasebook {
            phrases: vec![
                Phrase::say("[answer] Think of the budget and the taxes: they speak against it.", "argues; without [answer] too"),
                Phrase::say("[finish]", "ends the talk"),
                Phrase {
                    act: Act::Tool { choice: Choice::Answer, content: "Birds and other wildlife would suffer from it.".to_owned() },
                    meaning: "argues by UserRL's tool",
                },
            ],
            notes: vec![
                "A belief of our own rests on a few cruxes; an argument is about one if it has two of its keywords, and about nothing if it is about several.".to_owned(),
                "Insults and arguments of fewer than 6 words harden.".to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec![
                "You take no turns: after each argument say {\"response\": \"…\", \"stance\": \"Partly Agree\"}, with one of the seven stances.".to_owned(),
            ],
            thought: None,
        },
    }
}
