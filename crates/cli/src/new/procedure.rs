//! A service procedure as whoever serves has it: plain text with a title, a few labelled lines, and lists under headings.
//!
//! ```text
//!  sheet     the text as sections of entries, each with its line
//!  reader    sections to a Procedure: things first, then whatever names them; all mistakes together, and notes of what was supplied
//!  words     how a name is found in a sentence, and what it is called in a file
//!  condition "price is at most the budget" -> `price <= budget`
//!  step      what a step does, by its first word and what it names
//!  pressing  pressing lines: their families, and when they are true
//! ```
//!
//! The form is told in docs/SCENARIOS.md, "From a procedure in plain text". Nothing in here knows of TOML.

mod condition;
mod pressing;
mod reader;
mod sheet;
mod step;
#[cfg(test)]
mod tests;
mod words;

pub use reader::read;
pub use words::mentioned;
pub use words::name;

use sim::Pair;
use sim::gyms::talk::Family;
use sim::gyms::talk::book::Tier;

/// What the text says, names looked up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Procedure {
    /// Its first line.
    pub title: String,
    /// Who the agent is; `None`: the text does not say, as of all that is `None` here.
    pub agent: Option<String>,
    /// What it is to do.
    pub task: Option<String>,
    /// What it believes of the customer.
    pub picture: Option<String>,
    /// How it opens.
    pub opening: Option<String>,
    /// Who the customer is in this call.
    pub customer: Option<String>,
    /// What can be spoken of: facts, which are so, and offers, which are agreed on.
    pub things: Vec<Thing>,
    /// In order.
    pub steps: Vec<Step>,
    /// Questions with their answers.
    pub answers: Vec<String>,
    /// Things that the customer may ask about.
    pub asks: Vec<usize>,
    /// When the customer's yes is right: conditions that all hold; empty: whenever it trusts.
    pub yes_if: Vec<Condition>,
    /// What the customer wants.
    pub goals: Vec<Goal>,
    /// What it remembers.
    pub memory: Vec<String>,
    /// How it behaves.
    pub habits: Vec<String>,
    /// What only some customers are entitled to.
    pub only_if: Vec<Exception>,
    /// What must not be claimed where it is not so.
    pub pressing: Vec<Pressing>,
    /// What is said after a yes, and after a no.
    pub closings: [Vec<String>; 2],
}

/// Something with a name and values.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    /// As the text calls it, without its article.
    pub words: String,
    /// As files call it.
    pub name: String,
    /// What it can be, as files write it.
    pub values: Vec<String>,
    /// `None`: an offer.
    pub fact: Option<Fact>,
}

/// Who knows a fact, and how likely its values are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// Chance that each side knows it from the start; `None` until the steps have been read, where the text does not say.
    pub known: Option<Pair<f64>>,
    /// Relative, one for each value; empty: all alike.
    pub odds: Vec<u32>,
}

/// A condition in the words of scenario files, and the things it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// `price <= budget`
    pub text: String,
    /// What it compares.
    pub about: Vec<usize>,
    /// `FACT is VALUE`, where it is no more than that.
    pub equality: Option<(usize, String)>,
}

/// A step of the procedure.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// In its own words.
    pub text: String,
    /// When it is due; `None`: in its turn.
    pub when: Option<Condition>,
    /// What is done.
    pub deed: Deed,
    /// What is said, where the text quotes it.
    pub says: Vec<String>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Something is said that moves nothing.
    Say,
    /// The customer is asked about these.
    Ask(Vec<usize>),
    /// These facts are told.
    Tell(Vec<usize>),
    /// An offer is made: this thing, with a value of its own or with that of a fact.
    Offer(usize, Source),
    /// The customer is asked for a yes or a no.
    Close,
    /// The call ends.
    End,
}

/// Where an offer's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// It is this.
    Value(String),
    /// It is what this fact is.
    Fact(usize),
}

/// Something the customer wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// In words.
    pub text: String,
    /// How much it matters.
    pub tier: Tier,
    /// When it is met; `None`: when the decision was right.
    pub met: Option<String>,
}

/// Something that may be given where a fact has a value, and nowhere else.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// As the text calls it, without its article.
    pub words: String,
    /// As files call it.
    pub name: String,
    /// The fact, and the value that entitles to it.
    pub fact: usize,
    /// The value.
    pub value: String,
}

/// A pressing line.
#[derive(Clone, Debug, PartialEq)]
pub struct Pressing {
    /// The line.
    pub says: Vec<String>,
    /// Its family.
    pub family: Family,
    /// When it is true.
    pub truth: Condition,
    /// What a person says that sees through it; may be empty.
    pub counter: Vec<String>,
}

/// What was read, and what a reader should know of it: each note is a line of its own.
pub type Noted = (Procedure, Vec<String>);
