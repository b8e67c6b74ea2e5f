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
        (Choice::Search, "looks something up; the content is: tools, policy or help"),
        (Choice::Action, "says the content to the customer"),
        (
            Choice::Answer,
            "uses one of the tools that can be looked up; the content is the text of a JSON object with its name and its arguments",
        ),
        (Choice::Finish, "hangs up and settles nothing; the content is empty"),
    ],
    plain: None,
};

/// The forms of speech of one seat.
#[must_use]
pub fn phrasebook(seat: Seat) -> Phrasebook {
    match seat {
        Seat::Agent => Phrasebook {
            phrases: vec![
                Phrase::say("[search] tools", "lists the tools; `policy` and `help` can be looked up, too"),
                Phrase::say("[action] Could you tell me your name and zip code?", "speaks to the customer"),
                Phrase::say(
                    "[answer] {\"name\": \"get_order_details\", \"arguments\": {\"order_id\": \"#W1\"}}",
                    "calls a tool",
                ),
                Phrase::say("[finish]", "hangs up: nothing is settled"),
                Phrase {
                    act: Act::Tool { choice: Choice::Action, content: "Shall I cancel it?".to_owned() },
                    meaning: "speaks by UserRL's tool",
                },
            ],
            notes: vec![
                "The talk is settled when the customer has no more to say, or by transfer_to_human_agents.".to_owned(),
                "Then the database must be as it should be, and what the customer asked for must have been said."
                    .to_owned(),
            ],
            thought: None,
        },
        Seat::User => Phrasebook {
            phrases: Vec::new(),
            notes: vec![format!(
                "You take no turns: you answer what the agent says. Write {} when all you want is done.",
                super::world::STOP
            )],
            thought: None,
        },
    }
}
