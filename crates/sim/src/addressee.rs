//! Whom a world may ask: a speaking seat, or the environment's, where an engine outside looks things up.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::Party;
use crate::Seat;

/// The seat that a query goes to. As a [`Seat`] is written, so are these, and records from before the environment could be asked stay
/// readable: a variant may only be added at the end. The judge is asked for a verdict and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressee {
    /// The agent's.
    Agent,
    /// The user's.
    User,
    /// The environment's: whoever sits there looks things up outside of the world, and decides nothing.
    Environment,
}

impl Addressee {
    /// The speaking seat; `None`: the environment's.
    #[must_use]
    pub fn seat(self) -> Option<Seat> {
        match self {
            Addressee::Agent => Some(Seat::Agent),
            Addressee::User => Some(Seat::User),
            Addressee::Environment => None,
        }
    }

    /// `agent`, `user` or `environment`: the word used in files and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.seat().map_or("environment", Seat::name)
    }
}

impl From<Seat> for Addressee {
    fn from(seat: Seat) -> Addressee {
        match seat {
            Seat::Agent => Addressee::Agent,
            Seat::User => Addressee::User,
        }
    }
}

impl From<Addressee> for Party {
    fn from(asked: Addressee) -> Party {
        asked.seat().map_or(Party::Environment, Party::from)
    }
}

impl fmt::Display for Addressee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_written_as_it_always_was() {
        for seat in Seat::ALL {
            let written = serde_json::to_string(&seat).unwrap();
            assert_eq!(serde_json::from_str::<Addressee>(&written).unwrap(), Addressee::from(seat));
            assert_eq!(serde_json::to_string(&Addressee::from(seat)).unwrap(), written);
            assert_eq!((Addressee::from(seat).seat(), Addressee::from(seat).name()), (Some(seat), seat.name()));
            assert_eq!(Party::from(Addressee::from(seat)), Party::from(seat));
        }
        assert_eq!(Addressee::Environment.seat(), None);
        assert_eq!(Party::from(Addressee::Environment), Party::Environment);
    }
}
