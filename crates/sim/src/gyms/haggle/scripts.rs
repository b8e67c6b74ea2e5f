//! Rule and scripted seats: pure functions of what the seat knows and of addressed draws.
//!
//! Each side has one way of playing with dials ([`seller::Habits`], [`buyer::Habits`]); a script is a setting of the dials, and
//! `noisy` draws a setting per episode from three levels of skill. The odd ones out (`spam`, `always-…`) ignore the table.

pub mod buyer;
pub mod seller;

use serde::Deserialize;
use serde::Serialize;

use super::View;
use super::talk;
use crate::Act;
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
    /// A seller.
    Seller(seller::Kind),
    /// A buyer.
    Buyer(buyer::Kind),
}

/// The turn number under which a script draws what it keeps for the whole episode.
const WHOLE_EPISODE: u32 = u32::MAX;

impl GymScript for Script {
    type View = View;

    fn named(seat: Seat, policy: &str) -> Option<Script> {
        match seat {
            Seat::Agent => kind_named(&seller::Kind::ALL, policy).map(Script::Seller),
            Seat::User => kind_named(&buyer::Kind::ALL, policy).map(Script::Buyer),
        }
    }

    fn names(seat: Seat) -> Vec<String> {
        match seat {
            Seat::Agent => kind_names(&seller::Kind::ALL),
            Seat::User => kind_names(&buyer::Kind::ALL),
        }
    }

    fn decide(self, seat: Seat, turn: u32, view: &View, address: Address) -> Decision {
        let whole = address.draws(Stream::Rule(seat, WHOLE_EPISODE));
        let mut draws = address.draws(Stream::Rule(seat, turn));
        match (self, view) {
            (Script::Seller(kind), View::Seller(view)) => match kind.decide(view, whole, &mut draws) {
                Some(act) => Decision::say(talk::seller_words(&act, variant(view.held_out, None, &mut draws))),
                None => mumble(),
            },
            (Script::Buyer(kind), View::Buyer(view)) => {
                let (act, thought) = kind.decide(view, whole, &mut draws);
                let style = view.profile.style.variant();
                let said = match act {
                    Some(act) => {
                        Decision::say(talk::buyer_words(&act, variant(view.held_out, Some(style), &mut draws)))
                    }
                    None => mumble(),
                };
                Decision { thought: Some(thought), ..said }
            }
            (Script::Seller(_), View::Buyer(_)) | (Script::Buyer(_), View::Seller(_)) => Decision::in_the_other_seat(),
        }
    }
}

/// One template in four is the held-out one where items are held out; else the style's, or any.
fn variant(held_out: bool, style: Option<usize>, draws: &mut crate::Draws) -> usize {
    if held_out && draws.chance(0.25) {
        return talk::VARIANTS;
    }
    style.unwrap_or_else(|| draws.range(0, talk::VARIANTS as i64 - 1) as usize)
}

/// What a clumsy speaker says when no move comes out.
fn mumble() -> Decision {
    Decision { act: Ok(Act::Say("I can say".to_owned())), thought: None, generation: None }
}
