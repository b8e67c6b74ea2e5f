//! Who plays by rule: pure functions of a view and of addressed draws.

use serde::Deserialize;
use serde::Serialize;

use super::View;
use crate::Address;
use crate::Answer;
use crate::Decision;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::GymScript;
use crate::gyms::kind_named;
use crate::gyms::kind_names;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// The agent: the middle of what can be.
    Halves,
    /// The agent: any number that can be.
    Fits,
    /// The agent: any number.
    Random,
    /// The agent: one number after the other.
    Counts,
    /// The agent: the same number for ever.
    Spams,
    /// The agent: the cold start's teacher, who halves, fits or forgets.
    Noisy,
    /// The user: the truth.
    Honest,
    /// The user: the truth, but one time in four.
    Errs,
    /// The user: always the same word.
    SaysHigher,
    /// The user: either word.
    Tosses,
}

/// Every gym has these six names for each seat.
const AGENTS: [(&str, Script); 6] = [
    ("rule", Script::Fits),
    ("random", Script::Random),
    ("scripted:good", Script::Halves),
    ("scripted:bad", Script::Counts),
    ("scripted:spam", Script::Spams),
    ("scripted:noisy", Script::Noisy),
];

const USERS: [(&str, Script); 6] = [
    ("rule", Script::Honest),
    ("random", Script::Tosses),
    ("scripted:good", Script::Honest),
    ("scripted:bad", Script::Errs),
    ("scripted:spam", Script::SaysHigher),
    ("scripted:noisy", Script::Honest),
];

impl Script {
    /// The number that an agent names who has heard that it lies from `low` to `high`.
    fn number(self, low: u32, high: u32, number_max: u32, turn: u32, draws: &mut Draws) -> u32 {
        let any = |low: u32, high: u32, draws: &mut Draws| draws.range(i64::from(low), i64::from(high.max(low))) as u32;
        let number = match self {
            Script::Fits => any(low, high, draws),
            Script::Random => any(1, number_max, draws),
            Script::Counts => turn + 1,
            Script::Spams => number_max / 2,
            Script::Noisy => match draws.uniform() {
                share if share < 0.4 => low.midpoint(high),
                share if share < 0.8 => any(low, high, draws),
                _ => any(1, number_max, draws),
            },
            Script::Halves | Script::Honest | Script::Errs | Script::SaysHigher | Script::Tosses => low.midpoint(high),
        };
        number.clamp(1, number_max)
    }

    fn says_higher(self, is_higher: bool, draws: &mut Draws) -> bool {
        match self {
            Script::Errs => is_higher != draws.chance(0.25),
            Script::Tosses => draws.chance(0.5),
            Script::SaysHigher => true,
            Script::Honest => is_higher,
            // Agents are asked nothing.
            Script::Halves | Script::Fits | Script::Random | Script::Counts | Script::Spams | Script::Noisy => {
                is_higher
            }
        }
    }
}

impl GymScript for Script {
    type View = View;

    fn named(seat: Seat, policy: &str) -> Option<Script> {
        match seat {
            Seat::Agent => kind_named(&AGENTS, policy),
            Seat::User => kind_named(&USERS, policy),
        }
    }

    fn names(seat: Seat) -> Vec<String> {
        match seat {
            Seat::Agent => kind_names(&AGENTS),
            Seat::User => kind_names(&USERS),
        }
    }

    fn decide(self, seat: Seat, turn: u32, view: &View, address: Address) -> Decision {
        match *view {
            View::Agent { low, high, number_max } => {
                let mut draws = address.draws(Stream::Rule(seat, turn));
                Decision::say(self.number(low, high, number_max, turn, &mut draws).to_string())
            }
            View::User { .. } => Decision::in_the_other_seat(),
        }
    }

    fn answer(self, view: &View, address: Address) -> Option<Answer> {
        let View::User { number, guess } = *view else { return None };
        let mut draws = address.draws(Stream::Rule(Seat::User, guess));
        let word = if self.says_higher(number > guess, &mut draws) { "Higher" } else { "Lower" };
        Some(Answer { reply: word.to_owned(), decision: None })
    }
}
