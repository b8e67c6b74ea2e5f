//! A seat that plays by rule: a pure function of what it observes and of its address.

use std::future::ready;

use sim::Address;
use sim::Answer;
use sim::Decision;
use sim::Fault;
use sim::Observation;
use sim::Query;
use sim::Seat;
use sim::gyms::Script;

use crate::seats::Pending;
use crate::seats::Player;

/// A script in a seat.
pub struct ScriptPlayer {
    /// Which seat.
    pub seat: Seat,
    /// What it plays.
    pub script: Script,
    /// Where the episode's world draws; the script adds its seat and turn.
    pub address: Address,
}

impl Player for ScriptPlayer {
    fn decide(&mut self, observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        // Decided at once: a script never waits, so nothing has to be carried into a future.
        Box::pin(ready(Ok(self.script.decide(&observation, self.address))))
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move { self.script.answer(self.seat, &query, self.address) })
    }
}
