//! What a scenario file says, as values: the talk's book. Everything in it is data; nothing else in this gym knows what a talk is about.
//!
//! [`Common`] is what both sides may know (what can be spoken of, and with which acts), the two parts are each side's own, and people are
//! nobody's but the item generator's. So a view can hold its side's part, and holds nothing of the other's.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Family;
use super::conduct::Conduct;
use super::line::Line;
use super::people::People;
use super::people::Sampling;
use super::person::Dimension;
use super::predicate::Predicate;
use super::sight::Sight;
use super::sight::Var;
use crate::Pair;
use crate::RewardKind;
use crate::Seat;

/// A value of a [`Thing`]: its place among the thing's values.
pub type Value = u8;

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// What both sides may know.
    pub common: Arc<Common>,
    /// The agent's own.
    pub agent: Arc<AgentPart>,
    /// The user's own.
    pub user: Arc<UserPart>,
    /// Who can sit in the user's seat, and how they are drawn.
    pub people: People,
    /// How items are drawn.
    pub sampling: Sampling,
    /// Reward terms that the file defines.
    pub terms: Vec<OwnTerm>,
    /// How turns are to be written.
    pub conduct: Conduct,
    /// Measures that the file defines: name with `own.` in front, and when it counts.
    pub measures: Vec<(String, Predicate)>,
}

/// What both sides may know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// Slots and facts, in the order of their names.
    pub things: Vec<Thing>,
    /// What each seat can do, in the order of the names.
    pub acts: Pair<Vec<ActRule>>,
    /// Who opens.
    pub opens: Seat,
    /// Whether scripts say words with their acts, or acts alone.
    pub words: bool,
    /// How much a brief tells.
    pub brief: Brief,
}

/// How much a seat is told before the talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Brief {
    /// Everything, the user's whole profile too.
    Whole,
    /// The same without the profile.
    Short,
    /// What differs from item to item: what the seat knows, as acts write it, the user's state, the lines that the agent may press with. The rest is
    /// for a cold start to teach.
    Notes,
    /// Of the notes what the seat knows alone: `food=thai price=cheap`.
    Facts,
}

impl Brief {
    /// Each by its word.
    pub const ALL: [(&'static str, Brief); 4] =
        [("whole", Brief::Whole), ("short", Brief::Short), ("notes", Brief::Notes), ("facts", Brief::Facts)];
}

/// Something that can be spoken of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// Its name in the file, in acts and in predicates.
    pub name: String,
    /// How it is called in a sentence.
    pub words: String,
    /// What it can be; at least one, each a single word. `_` is said as a space.
    pub values: Vec<String>,
    /// `None`: a slot, which the talk fills. Else a fact, which the item has.
    pub fact: Option<Fact>,
}

/// How a fact is drawn, and who knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// How likely each value is, relative to the others.
    pub odds: Vec<f64>,
    /// Chance that each seat knows it from the start.
    pub known: Pair<f64>,
}

/// One act of a seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActRule {
    /// Its name in brackets.
    pub name: String,
    /// Things it may ask about.
    pub asks: Vec<usize>,
    /// Slots it may fill.
    pub fills: Vec<usize>,
    /// Facts it may state, truly or not.
    pub claims: Vec<usize>,
    /// Slots it fills in any case.
    pub sets: Vec<(usize, Value)>,
    /// When it is legal, by what the acting seat knows.
    pub when: Predicate,
    /// What a script says with it.
    pub says: Vec<String>,
}

impl ActRule {
    /// Whether it speaks of something that has to be named.
    #[must_use]
    pub fn takes_arguments(&self) -> bool {
        !(self.asks.is_empty() && self.fills.is_empty() && self.claims.is_empty())
    }
}

/// The agent's half: seven parts, as in written call scripts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentPart {
    /// Who it is.
    pub role: String,
    /// What it is to do, in a sentence.
    pub task: String,
    /// What it believes of the customer, rightly or not.
    pub picture: String,
    /// How it opens.
    pub opening: String,
    /// What it can answer: a line each.
    pub knowledge: Vec<String>,
    /// Its procedure, in order.
    pub procedure: Vec<Step>,
    /// How it may end the talk.
    pub ends: Vec<EndRule>,
    /// Pressing lines, each a trap where it is not fair.
    pub traps: Vec<Trap>,
    /// What a script says when nothing else is to be done.
    pub idle: String,
}

/// A step of the procedure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it is, for the brief.
    pub text: String,
    /// When it is due.
    pub when: Predicate,
    /// When it is due for an agent that falls for what it should not; `None`: as for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lax: Option<Predicate>,
    /// What is done.
    pub act: Line,
    /// When it has been done. Steps that are repeated as often as they are due have [`Predicate::never`].
    pub done: Predicate,
}

/// The user's half: six parts. The first two, role and background, are the person's (see [`People`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserPart {
    /// Who it is in this talk.
    pub role: String,
    /// What it remembers of this business.
    pub memory: Vec<String>,
    /// How it behaves.
    pub habits: Vec<String>,
    /// What it wants.
    pub targets: Vec<Target>,
    /// What moves its state.
    pub transitions: Vec<Transition>,
    /// What it does when, first come first served.
    pub policy: Vec<PolicyLine>,
    /// When it hangs up.
    pub ends: Vec<EndRule>,
    /// What a script says when nothing else is to be done.
    pub idle: String,
}

/// Something the user wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it is, for the brief.
    pub text: String,
    /// How much it matters.
    pub tier: Tier,
    /// When it is met.
    pub met: Predicate,
    /// When it is given up.
    pub dropped: Predicate,
}

/// How much a target matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Why the person talks at all.
    Primary,
    /// What it would like too.
    Secondary,
    /// What it does not know of itself.
    Latent,
}

impl Tier {
    /// All tiers.
    pub const ALL: [(&'static str, Tier); 3] =
        [("primary", Tier::Primary), ("secondary", Tier::Secondary), ("latent", Tier::Latent)];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Tier::ALL[self as usize].0
    }

    /// What it weighs in the share of targets that were met.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Tier::Primary => 2.0,
            Tier::Secondary | Tier::Latent => 1.0,
        }
    }
}

/// What moves the user's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// When, by what the user sees after the agent's turn.
    pub when: Predicate,
    /// By how much.
    pub moves: Vec<(Dimension, i8)>,
    /// Why, for the journal and the brief.
    pub because: String,
}

/// A line of the decision policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyLine {
    /// When.
    pub when: Predicate,
    /// What is done.
    pub act: Line,
    /// The same in words, for the brief; empty: nothing is told.
    pub text: String,
}

/// A way to end the talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndRule {
    /// Its name.
    pub name: String,
    /// When it is right.
    pub when: Predicate,
    /// What a script says with it.
    pub says: Vec<String>,
}

/// A pressing line: fair on some items or at some points of a talk, a trap elsewhere, and word for word the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trap {
    /// Its name: the act that delivers it.
    pub name: String,
    /// Its family.
    pub family: Family,
    /// What it states of facts.
    pub claims: Vec<(usize, Value)>,
    /// When it is fair.
    pub fair: Predicate,
    /// The line, in several wordings.
    pub says: Vec<String>,
    /// The user's acts that give in to it.
    pub wants: Vec<usize>,
    /// What a person says that sees through it.
    pub counter: Vec<String>,
    /// What is at stake: money, data, consent, time.
    pub stake: String,
}

/// A reward term that the file defines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnTerm {
    /// With `own.` in front.
    pub name: String,
    /// Whose.
    pub seat: Seat,
    /// Score or training only.
    pub kind: RewardKind,
    /// Whether it is looked at after each turn of the seat, and not once at the end.
    pub by_turn: bool,
    /// When it is earned.
    pub when: Predicate,
    /// What it is worth where it is.
    pub value: f64,
    /// What it is worth where it is not; of terms by turn: where it never was.
    pub otherwise: f64,
    /// A number, and where the term is earned it is earned so often, rounded down; `None`: once.
    pub per: Option<Var>,
    /// How often a term by turn, or one by number, can be earned in one talk; 1 for others.
    pub times_max: u32,
    /// What it is, in one sentence.
    pub meaning: String,
}

impl Step {
    /// Whether it is to be done now.
    #[must_use]
    pub fn is_due(&self, sight: &Sight<'_>) -> bool {
        self.when.holds(sight) && !self.done.holds(sight)
    }

    /// The same for an agent that falls for what it should not.
    #[must_use]
    pub fn is_due_if_lax(&self, sight: &Sight<'_>) -> bool {
        self.lax.as_ref().unwrap_or(&self.when).holds(sight) && !self.done.holds(sight)
    }
}

impl OwnTerm {
    /// How often it is earned now, `times_max` apart.
    #[must_use]
    pub fn times(&self, sight: &Sight<'_>) -> u32 {
        match self.per {
            _ if !self.when.holds(sight) => 0,
            None => 1,
            // What is negative is not earned.
            Some(per) => sight.number(per).unwrap_or(0.0) as u32,
        }
    }

    /// The most that it can be in one talk, or the least where `value` is a loss.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.value * f64::from(self.times_max)
    }
}

impl Common {
    /// The thing of this name.
    #[must_use]
    pub fn thing(&self, name: &str) -> Option<usize> {
        self.things.iter().position(|thing| thing.name == name)
    }

    /// The word for a value of a thing.
    #[must_use]
    pub fn value(&self, thing: usize, value: Value) -> &str {
        &self.things[thing].values[usize::from(value)]
    }

    /// The same as it is said: without underscores.
    #[must_use]
    pub fn spoken(&self, thing: usize, value: Value) -> String {
        self.value(thing, value).replace('_', " ")
    }
}

impl Thing {
    /// The value of this word, in any case of letters.
    #[must_use]
    pub fn read(&self, word: &str) -> Option<Value> {
        let found = self.values.iter().position(|value| value.eq_ignore_ascii_case(word));
        found.and_then(|index| Value::try_from(index).ok())
    }

    /// Whether all its values are numbers.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.values.iter().all(|value| value.parse::<f64>().is_ok())
    }
}

impl Trap {
    /// Whether what makes it fair can be seen from facts alone, so that the item decides it. What is always fair, or never, no item decides.
    #[must_use]
    pub fn is_of_facts(&self, common: &Common) -> bool {
        !self.fair.is_constant() && self.fair.is_of_facts(common)
    }
}
