//! Rule and scripted seats: pure functions of what the seat knows and of addressed draws. What they do is the file's procedure and policy; what
//! differs between them is how faithfully they keep to it.

use serde::Deserialize;
use serde::Serialize;

use super::agent;
use super::user;
use super::view::Own;
use super::view::View;
use crate::Address;
use crate::Decision;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::GymScript;
use crate::gyms::kind_named;
use crate::gyms::kind_names;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// An agent.
    Agent(agent::Kind),
    /// A user.
    User(user::Kind),
}

impl GymScript for Script {
    type View = View;

    fn named(seat: Seat, policy: &str) -> Option<Script> {
        match seat {
            Seat::Agent => kind_named(&agent::Kind::ALL, policy).map(Script::Agent),
            Seat::User => kind_named(&user::Kind::ALL, policy).map(Script::User),
        }
    }

    fn names(seat: Seat) -> Vec<String> {
        match seat {
            Seat::Agent => kind_names(&agent::Kind::ALL),
            Seat::User => kind_names(&user::Kind::ALL),
        }
    }

    fn decide(self, seat: Seat, turn: u32, view: &View, address: Address) -> Decision {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        match (self, &view.own) {
            (Script::Agent(kind), Own::Agent { part, plants, spent, .. }) => {
                kind.decide(view, part, plants, spent, &mut draws)
            }
            (Script::User(kind), Own::User { part, inner }) => kind.decide(view, part, inner, &mut draws),
            (Script::Agent(_), Own::User { .. }) | (Script::User(_), Own::Agent { .. }) => {
                Decision::in_the_other_seat()
            }
        }
    }
}
