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

/// What castings call a seat's model as it was after a step of this run.
#[must_use]
pub fn snapshot(seat: Seat, step: u64) -> String {
    format!("model:{seat}@step-{step:06}")
}

/// The step whose snapshot castings call so; `None` if it is none.
#[must_use]
pub fn snapshot_of(policy: &str) -> Option<u64> {
    let (seat, step) = policy.strip_prefix("model:")?.split_once("@step-")?;
    let step = step.parse().ok()?;
    Seat::ALL.into_iter().any(|of| of.name() == seat && snapshot(of, step) == policy).then_some(step)
}

/// What castings call a policy at `seat`. The same weights at two seats are two policies: they read and write differently.
#[must_use]
pub fn cast_as(seat: Seat, policy: &str) -> String {
    match policy.strip_prefix("model:") {
        Some(folder) => format!("model:{seat}:{folder}"),
        None => policy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_known_by_its_name_and_nobody_else_is_taken_for_one() {
        for step in [0, 12, 1_234_567] {
            assert_eq!(snapshot_of(&snapshot(Seat::User, step)), Some(step));
        }
        for other in
            ["model", "rule", "model:user", "model:user@step-12", "model:user:runs/a@step-000012", "model:@step-000012"]
        {
            assert_eq!(snapshot_of(other), None, "{other}");
        }
    }
}
