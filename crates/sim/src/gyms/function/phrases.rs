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
        (Choice::Action, "tells f at four numbers, such as: 1 2 3 4; not at the test point"),
        (Choice::Search, "tells the test point; the content is: test"),
        (
            Choice::Answer,
            "answers f at the test point with a number, such as: 12; it may be tried again if it is wrong",
        ),
        (Choice::Finish, "gives up; the content is empty"),
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
                Phrase::say("[action] 2 3 5 7", "asks for the value at these four numbers"),
                Phrase::say("[search] test", "tells the four numbers of the test"),
                Phrase::say("[answer] 12", "answers the value at the test; as often as you like"),
                Phrase { act: tool(Choice::Action, "2 3 5 7"), meaning: "asks by UserRL's tool" },
                Phrase::say("[finish]", "gives up"),
            ],
            notes: vec![
                "Values are told with 4 decimals, and never at the test itself.".to_owned(),
                "Whatever stands between numbers is passed over: 1-2 is 1 and -2.".to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec!["You take no turns, and you are asked nothing.".to_owned()],
            thought: None,
        },
    }
}
