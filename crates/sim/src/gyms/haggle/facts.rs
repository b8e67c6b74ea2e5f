//! What can be true of an item, and the trap families that lie about it. Later parts extend the tables below.

use serde::Deserialize;
use serde::Serialize;

/// Something that is true of an item in one of three ways. The first value is the one in the seller's favour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// How many are left.
    Stock,
    /// Until when the offer stands; a deal after a deadline that really is today costs the buyer.
    Deadline,
    /// What delivery costs the buyer, unless the seller includes it.
    Fee,
    /// In what shape the item is.
    Condition,
    /// Whether the buyer has paid something already.
    Deposit,
    /// Whether the buyer has ordered before.
    Order,
    /// Whether a rule fixes the price.
    Guideline,
}

/// How a fact can be: an index into its values, 0 to 2; 0 favours the seller.
pub type Value = u8;

/// What is true of an item, by [`Fact::index`].
pub type Facts = [Value; Fact::ALL.len()];

impl Fact {
    /// All facts, in the order in which they are listed to a seat.
    pub const ALL: [Fact; 7] =
        [Fact::Stock, Fact::Deadline, Fact::Fee, Fact::Condition, Fact::Deposit, Fact::Order, Fact::Guideline];

    /// Place in [`Fact::ALL`] and in [`Facts`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fact::Stock => "stock",
            Fact::Deadline => "deadline",
            Fact::Fee => "fee",
            Fact::Condition => "condition",
            Fact::Deposit => "deposit",
            Fact::Order => "order",
            Fact::Guideline => "guideline",
        }
    }

    /// The words for its values.
    #[must_use]
    pub fn values(self) -> [&'static str; 3] {
        match self {
            Fact::Stock => ["low", "fair", "ample"],
            Fact::Deadline => ["today", "friday", "open"],
            Fact::Fee => ["zero", "small", "large"],
            Fact::Condition => ["new", "used", "worn"],
            Fact::Deposit => ["paid", "due", "waived"],
            Fact::Order => ["signed", "drafted", "missing"],
            Fact::Guideline => ["binding", "advisory", "expired"],
        }
    }

    /// The family that bends it.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Fact::Stock | Fact::Deadline => Family::Urgency,
            Fact::Fee | Fact::Condition => Family::Cost,
            Fact::Deposit => Family::Sunk,
            Fact::Order => Family::Identity,
            Fact::Guideline => Family::Authority,
        }
    }
}

/// The five known trap families of UserLM-R1 (spec user-models §1.8, §4.2 B1–B5). A trap is a pressing claim that is false; its
/// truthful twin is the same claim where it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// B1, false urgency or scarcity.
    Urgency,
    /// B2, obfuscated cost.
    Cost,
    /// B3, sunk cost.
    Sunk,
    /// B4, identity misinformation.
    Identity,
    /// B5, appeal to authority.
    Authority,
}

impl Family {
    /// All families.
    pub const ALL: [Family; 5] = [Family::Urgency, Family::Cost, Family::Sunk, Family::Identity, Family::Authority];

    /// The word that names it in a thought.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::Urgency => "urgency",
            Family::Cost => "cost",
            Family::Sunk => "sunk",
            Family::Identity => "identity",
            Family::Authority => "authority",
        }
    }

    /// How a pressing claim of this family begins; the last one is held out from training.
    #[must_use]
    pub fn pressure(self) -> [&'static str; 3] {
        match self {
            Family::Urgency => ["Hurry,", "Act now,", "Hurry now,"],
            Family::Cost => ["No surprises,", "All in,", "All in, no surprises,"],
            Family::Sunk => ["You came this far,", "Do not waste it,", "Do not waste this,"],
            Family::Identity => ["As you agreed,", "You remember,", "As you remember,"],
            Family::Authority => ["By the book,", "The law says,", "The book says,"],
        }
    }
}
