//! A user by rule: how it answers a question, and what an answer tells.

use serde::Deserialize;
use serde::Serialize;

use super::view::Asked;
use super::world::Scores;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::YesNo;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// By the story's facts; Maybe to everything where there are none.
    Rule,
    /// Does not know, every third time.
    Bad,
    /// Says yes to every question.
    Spam,
    /// Answers at random, but always the same question alike.
    Random,
}

impl Kind {
    /// All kinds with their names. The rule user is the best there is, and the one that is cloned. All of them score answers truly.
    pub const ALL: [(&'static str, Kind); 6] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Rule),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Rule),
    ];

    /// What it answers, as text: a word to a question, JSON of [`Scores`] to an answer.
    #[must_use]
    pub fn answer(self, asked: &Asked, address: Address) -> String {
        match asked {
            Asked::Question { item, question } => {
                let by_rule = item.graph.map_or(YesNo::Maybe, |graph| graph.answer(question));
                self.distort(by_rule, question, address).name().to_owned()
            }
            Asked::Answer { item, answer } => Scores::of(&item.scores(answer)).to_json(),
        }
    }

    fn distort(self, by_rule: YesNo, question: &str, address: Address) -> YesNo {
        match self {
            Kind::Rule => by_rule,
            Kind::Bad if draws(question, address).chance(1.0 / 3.0) => YesNo::Maybe,
            Kind::Bad => by_rule,
            Kind::Spam => YesNo::Yes,
            Kind::Random => *draws(question, address).pick(&[YesNo::Yes, YesNo::No, YesNo::Maybe]),
        }
    }
}

/// The question stands for the turn: who repeats it is heard the same way.
fn draws(question: &str, address: Address) -> Draws {
    let place = question.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    address.draws(Stream::Rule(Seat::User, place))
}
