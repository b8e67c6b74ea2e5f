//! What each side knows of the table: the same knowledge its text holds, as a value for scripts.

use serde::Deserialize;
use serde::Serialize;

use super::Claim;
use super::Fact;
use super::Mind;
use super::Profile;
use super::Terms;
use super::facts::Facts;
use super::facts::Value;
use super::moves::Question;
use super::person::Evidence;

/// A seat's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// The agent's.
    Seller(SellerView),
    /// The user's.
    Buyer(BuyerView),
}

/// A claim as both sides remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What was said.
    pub claim: Claim,
    /// In which round, counted from 1.
    pub round: u32,
    /// Whether the buyer had it checked, and what the check showed: true if the claim held.
    pub checked: Option<bool>,
}

/// What both sides have seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Public {
    /// Current round, from 1: how many turns the seller has had, this one included.
    pub round: u32,
    /// How many rounds there are.
    pub rounds_max: u32,
    /// Public list price.
    pub list: i64,
    /// The seller's offers, oldest first; the last one stands.
    pub offers: Vec<Terms>,
    /// The buyer's counter-offers, oldest first; the seller may close on the last one.
    pub counters: Vec<Terms>,
    /// The seller's claims, oldest first.
    pub claims: Vec<Said>,
    /// What the buyer asked, oldest first.
    pub questions: Vec<Question>,
    /// Facts shown by a check, with their true values.
    pub shown: Vec<(Fact, Value)>,
}

/// The seller's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SellerView {
    /// What both saw.
    pub public: Public,
    /// Own cost.
    pub cost: i64,
    /// The whole truth about the item.
    pub facts: Facts,
    /// What the buyer asked in its last turn, if that was a question.
    pub asked: Option<Question>,
    /// What the buyer had checked in its last turn, and whether the claim held.
    pub challenged: Option<bool>,
    /// Whether the other side's words are those of held-out templates; scripts speak in kind.
    pub held_out: bool,
}

/// The buyer's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuyerView {
    /// What both saw.
    pub public: Public,
    /// Own value of the item, new and delivered free.
    pub value: i64,
    /// Whether the warranty is wanted.
    pub wants_warranty: bool,
    /// Facts known from the start or shown since, by [`Fact::index`].
    pub known: [Option<Value>; Fact::ALL.len()],
    /// The claim of the seller's last turn, if there was one.
    pub heard: Option<Claim>,
    /// What happened since the own last turn.
    pub evidence: Evidence,
    /// Own state now, that evidence counted.
    pub mind: Mind,
    /// Who one is.
    pub profile: Profile,
    /// Whether the item is held out; scripts then also speak in held-out templates.
    pub held_out: bool,
}

impl Public {
    /// The seller's standing offer.
    #[must_use]
    pub fn offer(&self) -> Option<Terms> {
        self.offers.last().copied()
    }

    /// The buyer's last counter-offer.
    #[must_use]
    pub fn counter(&self) -> Option<Terms> {
        self.counters.last().copied()
    }

    /// What the seller last said of a fact, and what became of it.
    #[must_use]
    pub fn last_said(&self, fact: Fact) -> Option<Said> {
        self.claims.iter().rev().find(|said| said.claim.fact == fact).copied()
    }
}
