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
        (Choice::Search, "lists options for one thing, with all its details, such as: a flight from A to B on a date"),
        (Choice::Action, "asks the user one concrete question, such as: Which seat would you like on the flight?"),
        (Choice::Answer, "chooses an option, such as: F3; the first choice for each thing counts"),
        (Choice::Finish, "ends the talk; the content is empty"),
    ],
    plain: None,
};

/// The forms of speech of one seat.
#[must_use]
pub fn phrasebook(seat: Seat) -> Phrasebook {
    let tool = |choice, content: &str| Act::Tool { choice, content: content.to_owned() };
    match seat {
        Seat::Agent => Phrasebook {
            phrases: vec![
                Phrase::say("[search] hotel in Oslo from March 3rd until March 9th", "lists the options for one thing; all details have to be said"),
                Phrase::say("[action] Which room would you like in the hotel?", "asks the user"),
                Phrase::say("[answer] H3", "chooses an option; the first choice for each thing counts"),
                Phrase { act: tool(Choice::Answer, "H3"), meaning: "the same by UserRL's tool" },
                Phrase::say("[finish]", "ends the talk"),
            ],
            notes: vec![
                "A question that names one thing and one topic of it is answered in a roundabout way; one that names several is too general.".to_owned(),
                "Of the options that meet all wishes the cheapest is the best.".to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec![
                "You take no turns: the world asks, in JSON, whether a search says all it has to and what a question is about, and then what you say.".to_owned(),
            ],
            thought: None,
        },
    }
}
