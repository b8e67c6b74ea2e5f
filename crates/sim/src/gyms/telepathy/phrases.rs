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
        (Choice::Action, "asks the user a yes/no question, such as: Is it small?"),
        (Choice::Answer, "guesses; the content is the name"),
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
                Phrase::say("[action] Is it small or tiny?", "asks; without [action] it is a question too"),
                Phrase::say("[answer] small brown furry forest hunter", "guesses; right, it ends the talk"),
                Phrase::say("[finish]", "gives up"),
                Phrase {
                    act: Act::Tool { choice: Choice::Answer, content: "piano".to_owned() },
                    meaning: "guesses by UserRL's tool",
                },
            ],
            notes: vec![
                "A thing of our own has five values of four; its name says all five, in their order.".to_owned(),
                "A question that names several values is answered for all of them, with `or` for any of them.".to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec![
                "You take no turns: answer each question with Yes, No or Maybe, and each guess with {\"judgment\": \"Yes\"} or {\"judgment\": \"No\"}.".to_owned(),
            ],
            thought: None,
        },
    }
}
