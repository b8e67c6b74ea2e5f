//! `talk`: a scenario made of TOML alone. Two people talk; what about, with which acts, by which procedure, what moves the user, when it hangs up
//! and what is paid for: all of it is data of one file, and nothing here knows what a talk is about.
//!
//! ```text
//!  book.rs      the file as values: things (slots, facts), acts, each side's half, people, terms
//!  lexicon.rs   its names      predicate.rs  conditions      line.rs  what a procedure or policy does      sight.rs  who sees what of it
//!  people.rs    who is called: a population with head, tail and crossed people      items.rs  people x facts x pressing lines, in clean splits
//!  utterance.rs what is said, as acts      table.rs  what both have seen      person.rs  state and targets      family.rs  the 18 trap families
//!  world.rs     the talk      reckoning.rs  terms by turn      thought.rs  the five steps      free.rs  none of them      verdict.rs  terms and measures      marks.rs  the paper's marks by rule
//!  brief.rs     what each side is told      view.rs  the same as a value      words.rs, scripts.rs, agent.rs, user.rs  who plays by rule
//!  drills.rs    skills asked by themselves
//! ```
//!
//! **Things.** A *slot* is empty until an act fills it; its value is public. A *fact* is drawn for the item; each seat knows it from the start with
//! its own chance, anybody may *state* it, truly or not, and only the world knows whether it is so. All values are from closed lists, so that
//! truth is a comparison; what is not covered is free text as a value, which would need a judge.
//!
//! **Acts** ask about things, fill slots, state facts, set slots to fixed values, and are legal under a condition. They are written in brackets in
//! the turn, `[tell fee=29] It is 29 a month.`; the words around them are heard, and mean nothing to the world. Each seat can also end the talk;
//! the user can counter. What the brackets say is what counts: a trap in free words alone is for a judge to find.
//!
//! **Procedure and policy** are lists of *when → do*. They are what scripts play, what a brief tells, and what `procedure` measures.
//!
//! **The user's state** is four numbers from 0 to 5, moved by transitions (*when → by how much*, with a reason) after each turn of the agent, never
//! by what a seat says of itself. Targets are met or dropped by conditions. Both are in the journal of the record, line by line with the turn
//! and the cause, so that they can be worked out again.
//!
//! **Traps.** A pressing line has a family, what it states, and when it is *fair*. Said where it is fair it is a truthful twin, elsewhere a trap,
//! and word for word the same, so that nobody can tell them apart but by knowing what is so. An item draws facts so that about `twins` of its
//! lines are fair. The user counters (naming the family or not), lets pass, or gives in by one of the acts that the line wants; that is
//! journaled. A counter makes the world show what the line states.
//!
//! **Who knows what** is checked where the file is read: a condition of the user's policy cannot name what only the agent or the world knows.
//! Conditions are evaluated on a [`Sight`], which holds what its reader knows; views hold one side's half of the file and never the other's.
//!
//! **Ends.** A seat ends the talk for a reason; a reason that does not hold is recorded as `unfounded`, so no term that asks for a reason can be had by saying so.
//! The user's window opens when one of its ends first holds: that turn and the next one are the right time.

pub mod agent;
pub mod book;
pub mod brief;
pub mod conduct;
pub mod drills;
pub mod family;
pub mod free;
pub mod items;
pub mod lexicon;
pub mod line;
pub mod marks;
pub mod people;
pub mod person;
pub mod predicate;
pub mod reckoning;
pub mod scripts;
pub mod sight;
pub mod table;
pub mod thought;
pub mod user;
pub mod utterance;
pub mod verdict;
pub mod view;
pub mod words;
pub mod world;

use std::sync::Arc;

pub use book::Book;
pub use family::Family;
pub use items::Item;
pub use items::ItemsError;
pub use items::items;
pub use lexicon::Lexicon;
pub use lexicon::Misread;
pub use line::Line;
pub use predicate::Predicate;
pub use scripts::Script;
use serde::Deserialize;
use serde::Serialize;
pub use sight::Reader;
pub use sight::Sight;
pub use verdict::MEASURES;
pub use verdict::TERMS;
pub use view::View;
pub use world::World;

use crate::Scenario;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::Drill;
use crate::gyms::Gym;
use crate::gyms::Phrase;
use crate::gyms::Phrasebook;
use crate::gyms::Splits;
use crate::gyms::Term;
use crate::gyms::TermOf;
use crate::record::Casting;
use crate::scenario::Split;

/// What file-defined terms and measures begin with.
pub const OWN: &str = "own.";

/// A file's book, and the items that were drawn from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// The book.
    pub book: Arc<Book>,
    /// The items.
    pub items: Arc<Splits<Item>>,
}

impl Gym for Rules {
    type World = World;

    const NAME: &'static str = "talk";
    const TERMS: &'static [Term] = TERMS;
    const MEASURES: &'static [&'static str] = MEASURES;

    fn world(&self, scenario: &Scenario, casting: &Casting, seed: u64) -> World {
        let item = Arc::clone(self.items.item(casting.split, casting.item));
        World::new(Arc::clone(&self.book), item, scenario, casting.world_address(seed).draws(Stream::World))
    }

    fn terms(&self) -> Vec<TermOf<'_>> {
        let own = self.book.terms.iter().map(|term| {
            let most = term.most();
            TermOf {
                seat: term.seat,
                name: &term.name,
                kind: term.kind,
                min: term.otherwise.min(term.value).min(most),
                max: term.otherwise.max(term.value).max(most),
                meaning: &term.meaning,
            }
        });
        TERMS.iter().copied().chain(own).collect()
    }

    fn measures(&self) -> Vec<&str> {
        let given = MEASURES.iter().chain(marks::MEASURES).copied();
        given.chain(self.book.measures.iter().map(|(name, _)| name.as_str())).collect()
    }

    fn phrasebook(seat: Seat) -> Phrasebook {
        let end = match seat {
            Seat::Agent => "says goodbye; your brief names the reasons that may follow",
            Seat::User => "hangs up; your brief names the reasons that may follow",
        };
        Phrasebook {
            phrases: vec![Phrase::say("Hello.", "plain talk: heard, and no act"), Phrase::say("[end] Goodbye.", end)],
            notes: vec!["Your brief lists your acts: write one in square brackets, then your words.".to_owned()],
            thought: (seat == Seat::User)
                .then(|| thought::written("greet", "none", person::State([3, 3, 3, 3]), "talk")),
        }
    }

    /// Facts alone are the same words for both.
    fn tells_seats_apart(&self) -> bool {
        self.book.common.brief != book::Brief::Facts
    }

    const HAS_DRILLS: bool = true;

    fn drill(&self, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Option<Drill> {
        drills::drill(self, scenario, split, seat, index)
    }

    const HAS_FREE_THOUGHTS: bool = true;

    fn free_thought(thought: &str) -> Option<String> {
        free::freely(thought)
    }

    /// The families: naming one is then one choice.
    fn whole_tokens() -> Vec<String> {
        Family::all().map(|family| family.word().to_owned()).collect()
    }

    fn fixed_opponent(seat: Seat) -> &'static str {
        match seat {
            Seat::User => "rule",
            Seat::Agent => "scripted:trapper",
        }
    }
}

#[cfg(test)]
mod tests;
