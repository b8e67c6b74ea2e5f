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
        (Choice::Action, "asks the user a short question, which is the content"),
        (Choice::Finish, "ends the talk; the content is empty"),
    ],
    plain: Some(Choice::Action),
};

/// The forms of speech of one seat.
#[must_use]
pub fn phrasebook(seat: Seat) -> Phrasebook {
    match seat {
        Seat::Agent => Phrasebook {
            phrases: vec![
                Phrase::say("The duration of the trip?", "asks; any words do"),
                Phrase::say("[finish]", "ends the talk"),
                Phrase { act: Act::Tool { choice: Choice::Action, content: "The budget?".to_owned() }, meaning: "asks by UserRL's tool" },
            ],
            notes: vec![
                "A question hits a detail that it names by half of its telling words; with more than 8 telling words it is turned away.".to_owned(),
                "Hitting several details at once earns less than one after the other.".to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec!["You take no turns: the world asks what a question is about, in JSON, and then what you say to it.".to_owned()],
            thought: None,
        },
    }
}
