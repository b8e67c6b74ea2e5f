//! Who sits across from a model that learns alone, or is measured: one for each seat of each scenario, and fixed for the whole run.

use serde::Serialize;
use sim::Scenario;
use sim::Seat;

/// A policy that a run never trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opponent {
    /// As it is written, its paths as this process finds them.
    #[serde(skip)]
    pub policy: String,
    /// What it is, wherever it lies: of a folder or a file the hash of what is in it, of others their names.
    pub identity: String,
}

impl Opponent {
    /// One that its name says all about: a script, or a model that plays elsewhere.
    #[must_use]
    pub fn named(policy: &str) -> Opponent {
        Opponent { policy: policy.to_owned(), identity: policy.to_owned() }
    }

    /// The gym's own.
    #[must_use]
    pub fn of_gym(scenario: &Scenario, seat: Seat) -> Opponent {
        Opponent::named(scenario.rules.fixed_opponent(seat))
    }

    /// What castings call it at `seat`.
    #[must_use]
    pub fn cast_as(&self, seat: Seat) -> String {
        cast_as(seat, &self.policy)
    }
}

/// What castings call a policy at `seat`. The same weights at two seats are two policies: they read and write differently.
#[must_use]
pub fn cast_as(seat: Seat, policy: &str) -> String {
    match policy.strip_prefix("model:") {
        Some(folder) => format!("model:{seat}:{folder}"),
        None => policy.to_owned(),
    }
}
