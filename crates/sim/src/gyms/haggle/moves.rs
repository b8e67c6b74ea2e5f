//! What may be said at the table, as values. `talk` turns them into text and back.

use serde::Deserialize;
use serde::Serialize;

use super::Fact;
use super::facts::Value;

/// A price with the extras it includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Dollars, from 0 to [`super::PRICE_MAX`].
    pub price: i64,
    /// Whether the seller pays the delivery.
    pub delivery: bool,
    /// Whether the warranty is included.
    pub warranty: bool,
}

impl Terms {
    /// A bare price.
    #[must_use]
    pub fn bare(price: i64) -> Terms {
        Terms { price, delivery: false, warranty: false }
    }
}

/// A statement of the seller about a fact; true or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// About what.
    pub fact: Fact,
    /// What is said of it.
    pub value: Value,
    /// Whether it comes with its family's pressure; false and pressing is a trap, true and pressing is a truthful twin.
    pub pressing: bool,
}

/// How a seller's turn ends: every turn does one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bid {
    /// Names terms; they stand until the next offer.
    Offer(Terms),
    /// Takes the buyer's last counter-offer.
    Close,
    /// Leaves.
    End,
}

/// A seller's turn: at most one claim, then a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerMove {
    /// What is said about the item, if anything. It answers the buyer's question if it is about the same fact.
    pub claim: Option<Claim>,
    /// What is done.
    pub bid: Bid,
}

/// What a buyer may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// How a fact is.
    Fact(Fact),
    /// To include the delivery.
    Delivery,
    /// To include the warranty.
    Warranty,
}

/// A buyer's turn: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuyerMove {
    /// Asks about a fact, or for an extra.
    Ask(Question),
    /// Names own terms.
    Counter(Terms),
    /// Has a claim checked: the world shows the fact to both. Costs the turn and patience.
    Challenge(Fact),
    /// Takes the seller's standing offer.
    Accept,
    /// Leaves.
    Walk,
}
