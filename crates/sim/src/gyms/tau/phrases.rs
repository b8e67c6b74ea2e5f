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
