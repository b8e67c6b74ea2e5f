//! The two speaking seats, and everyone who can be answerable for a failure.

use std::fmt;
use std::ops::Index;
use std::ops::IndexMut;

use serde::Deserialize;
use serde::Serialize;

/// A seat that speaks. The environment and the judge are parties, but they never speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// The assistant under training: sells, helps, calls.
    Agent,
    /// The person who talks to it.
    User,
}

/// The word for what is both seats': one model that speaks for both, in files, metrics and messages.
pub const BOTH: &str = "both";

impl Seat {
    /// Both seats, in the order in which anything per seat is listed.
    pub const ALL: [Seat; 2] = [Seat::Agent, Seat::User];

    /// The seat across the table.
    #[must_use]
    pub fn partner(self) -> Seat {
        match self {
            Seat::Agent => Seat::User,
            Seat::User => Seat::Agent,
        }
    }

    /// `agent` or `user`: the word used in files, metrics and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Seat::Agent => "agent",
            Seat::User => "user",
        }
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who is answerable for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The agent's seat.
    Agent,
    /// The user's seat.
    User,
    /// The world.
    Environment,
    /// The judge.
    Judge,
    /// None of them: a panic, a deadline, a lost connection.
    Infrastructure,
}

impl Party {
    /// All parties, in the order of the `faults` object of `eval --json`.
    pub const ALL: [Party; 5] = [Party::Agent, Party::User, Party::Judge, Party::Environment, Party::Infrastructure];

    /// The key of this party in `eval --json` and in metrics: `agent`, `user`, `judge`, `env`, `infra`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Party::Agent => "agent",
            Party::User => "user",
            Party::Environment => "env",
            Party::Judge => "judge",
            Party::Infrastructure => "infra",
        }
    }
}

impl From<Seat> for Party {
    fn from(seat: Seat) -> Party {
        match seat {
            Seat::Agent => Party::Agent,
            Seat::User => Party::User,
        }
    }
}

/// One value for each speaking seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair<T> {
    /// The agent's.
    pub agent: T,
    /// The user's.
    pub user: T,
}

impl<T> Pair<T> {
    /// Builds both values from the seat they belong to, the agent's first.
    pub fn from_fn(mut make: impl FnMut(Seat) -> T) -> Pair<T> {
        Pair { agent: make(Seat::Agent), user: make(Seat::User) }
    }

    /// Both values with their seats, the agent's first.
    pub fn iter(&self) -> impl Iterator<Item = (Seat, &T)> {
        [(Seat::Agent, &self.agent), (Seat::User, &self.user)].into_iter()
    }

    /// A pair of what `f` makes of each value.
    pub fn map<U>(self, mut f: impl FnMut(Seat, T) -> U) -> Pair<U> {
        Pair { agent: f(Seat::Agent, self.agent), user: f(Seat::User, self.user) }
    }
}

impl<T> Index<Seat> for Pair<T> {
    type Output = T;
    fn index(&self, seat: Seat) -> &T {
        match seat {
            Seat::Agent => &self.agent,
            Seat::User => &self.user,
        }
    }
}

impl<T> IndexMut<Seat> for Pair<T> {
    fn index_mut(&mut self, seat: Seat) -> &mut T {
        match seat {
            Seat::Agent => &mut self.agent,
            Seat::User => &mut self.user,
        }
    }
}
