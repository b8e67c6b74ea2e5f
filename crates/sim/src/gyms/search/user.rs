//! Scripts that judge an answer.

use serde::Deserialize;
use serde::Serialize;

use super::answer::is_one_of;
use super::view::Asked;
use super::world::Judgement;
use crate::Address;
use crate::Seat;
use crate::draws::Stream;

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// By the letter: see [`is_one_of`].
    Rule,
    /// Says no whatever it hears.
    Bad,
    /// Says yes whatever it hears.
    Spam,
    /// Either, with equal chances; the same answer always alike.
    Random,
}

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Kind); 6] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Rule),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Rule),
    ];

    /// What it says to an answer.
    #[must_use]
    pub fn judge(self, asked: &Asked, address: Address) -> Judgement {
        let correct = match self {
            Kind::Rule => is_one_of(&asked.given, asked.right.iter().map(String::as_str)),
            Kind::Bad => false,
            Kind::Spam => true,
            Kind::Random => {
                let place = asked.given.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
                address.draws(Stream::Rule(Seat::User, place)).chance(0.5)
            }
        };
        Judgement { correct }
    }
}
