//! What can be asked of a talk: the names that predicates use, and what they are to whoever looks.
//!
//! A predicate has a [`Reader`]: the world, which sees all, or a seat, which sees what it knows. Which names a reader may use is checked when
//! the file is read, so no policy of a seat can depend on what that seat cannot see. What is unknown is unknown: see `predicate.rs`.

use serde::Deserialize;
use serde::Serialize;

use super::Family;
use super::book::Common;
use super::book::Tier;
use super::book::Value;
use super::person::Dimension;
use super::person::Inner;
use super::person::Status;
use super::table::Table;
use super::utterance::Deed;
use super::utterance::Done;
use crate::Seat;

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reader {
    /// Rewards, measures and what is true.
    World,
    /// What a seat can see.
    Seat(Seat),
}

/// A name that has been looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Var {
    /// A slot's filling; a fact as the reader knows it, or else as it was last told.
    Thing(usize),
    /// What a fact was last stated to be.
    Told(usize),
    /// A fact as the reader knows it, whatever was told.
    Known(usize),
    /// How many questions to the reader are open; for the world, to the agent.
    Asked,
    /// Whether one of them is this.
    AskedThing(usize),
    /// In how many turns a seat did an act.
    Did(Seat, usize),
    /// Whether it did it in its last turn.
    Just(Seat, usize),
    /// A value of the user's state.
    State(Dimension),
    /// What the user noticed last, by its place in [`TRAITS`](super::person::TRAITS).
    Heard(usize),
    /// How a target stands.
    Target(usize),
    /// How many targets of a tier are open.
    Open(Tier),
    /// How many turns the agent has had.
    Turn,
    /// How many it has left.
    TurnsLeft,
    /// The reason with which the talk was ended.
    End,
    /// Whether this seat ended it.
    EndedBy(Seat),
    /// Whether the agent's last turn pressed.
    Pressed,
    /// Whether it pressed in this way.
    PressedBy(Family),
    /// Whether the pressing was fair, as far as the reader knows.
    Fair,
    /// A count of the world's.
    Count(Counter),
}

/// What the world counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Counter {
    /// Facts of which the agent's last word is false.
    Lies,
    /// Pressing lines that were not fair.
    Traps,
    /// Those that were fair.
    Twins,
    /// Traps that were countered.
    Countered,
    /// Traps that were given in to.
    Fell,
    /// Twins that were countered.
    Suspected,
    /// Steps of the procedure that are done, in percent.
    Progress,
}

impl Counter {
    /// The words of all counters.
    pub const ALL: [(&'static str, Counter); 7] = [
        ("lies", Counter::Lies),
        ("traps", Counter::Traps),
        ("twins", Counter::Twins),
        ("countered", Counter::Countered),
        ("fell", Counter::Fell),
        ("suspected", Counter::Suspected),
        ("progress", Counter::Progress),
    ];
}

/// What the world has counted, in the order of [`Counter::ALL`].
pub type Tally = [u32; Counter::ALL.len()];

/// Who looks, and what there is to see.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What can be spoken of.
    pub common: &'a Common,
    /// Who looks.
    pub reader: Reader,
    /// What both have seen.
    pub table: &'a Table,
    /// The facts that the reader knows; to the world, all.
    pub known: &'a [Option<Value>],
    /// The user's inner state, for those who may look.
    pub inner: Option<&'a Inner>,
    /// Whether the pressing of the agent's last turn is fair; `None` where the reader cannot tell.
    pub fair: Option<bool>,
    /// What was counted, for the world.
    pub tally: Option<Tally>,
}

/// What a name is now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Datum<'a> {
    /// A number; yes is 1 and no is 0.
    Number(f64),
    /// A word.
    Word(&'a str),
}

impl<'a> Datum<'a> {
    /// A word of a file: a number if it is one.
    #[must_use]
    pub fn of(word: &'a str) -> Datum<'a> {
        word.parse().map_or(Datum::Word(word), Datum::Number)
    }

    fn yes(yes: bool) -> Datum<'a> {
        Datum::Number(f64::from(u8::from(yes)))
    }
}

impl<'a> Sight<'a> {
    /// What a thing is to the reader.
    #[must_use]
    pub fn thing(&self, thing: usize) -> Option<Value> {
        match (self.common.things[thing].fact.is_some(), self.reader) {
            (true, Reader::World) => self.known[thing],
            (true, Reader::Seat(seat)) => self.known[thing].or(self.table.claimed(seat.partner(), thing)),
            (false, _) => self.table.said[thing],
        }
    }

    /// Whether everybody sees that there is nothing, where there is nothing.
    #[must_use]
    pub fn is_public(&self, var: Var) -> bool {
        match var {
            Var::Thing(thing) => self.common.things[thing].fact.is_none(),
            Var::Told(_) | Var::End => true,
            _ => false,
        }
    }

    /// Whether there is anything under a name: a thing that is known, a number above 0. `None`: the reader cannot tell.
    #[must_use]
    pub fn has(&self, var: Var) -> Option<bool> {
        match (var, self.value(var)) {
            (Var::Thing(_) | Var::Told(_) | Var::Known(_) | Var::End, value) => Some(value.is_some()),
            (_, value) => value.map(|value| !matches!(value, Datum::Number(number) if number <= 0.0)),
        }
    }

    /// The number that a name is; `None` if it is a word, or unknown.
    #[must_use]
    pub fn number(&self, var: Var) -> Option<f64> {
        match self.value(var)? {
            Datum::Number(number) => Some(number),
            Datum::Word(_) => None,
        }
    }

    /// What a name is; `None` if that is unknown.
    #[must_use]
    pub fn value(&self, var: Var) -> Option<Datum<'a>> {
        let (table, common) = (self.table, self.common);
        let word = |thing: usize, value: Option<Value>| value.map(|value| Datum::of(common.value(thing, value)));
        let number = |number: u32| Some(Datum::Number(f64::from(number)));
        match var {
            Var::Thing(thing) => word(thing, self.thing(thing)),
            Var::Told(thing) => word(thing, table.said[thing]),
            Var::Known(thing) => word(thing, self.known[thing]),
            Var::Asked => number(table.asked[self.seat()].len() as u32),
            Var::AskedThing(thing) => Some(Datum::yes(table.asked[self.seat()].contains(&thing))),
            Var::Did(seat, act) => number(table.counts[seat][act]),
            Var::Just(seat, act) => Some(Datum::yes(table.latest[seat].iter().any(|done| done.act() == Some(act)))),
            Var::State(dimension) => Some(Datum::Number(self.inner?.state.of(dimension) as f64)),
            Var::Heard(index) => Some(Datum::Number(self.inner?.heard.number(index))),
            Var::Target(target) => Some(Datum::Word(self.inner?.targets[target].name())),
            Var::Open(tier) => {
                let inner = self.inner?;
                let targets = inner.targets.iter().zip(&inner.tiers);
                number(targets.filter(|(status, of)| **status == Status::Open && **of == tier).count() as u32)
            }
            Var::Turn => number(table.turns.agent),
            Var::TurnsLeft => number(table.turns_max.saturating_sub(table.turns.agent)),
            Var::End => table.end.as_ref().map(|(_, reason)| Datum::Word(reason)),
            Var::EndedBy(seat) => Some(Datum::yes(table.end.as_ref().is_some_and(|(by, _)| *by == seat))),
            Var::Pressed => Some(Datum::yes(!table.pressed.is_empty())),
            Var::PressedBy(family) => Some(Datum::yes(table.pressed.iter().any(|pressed| pressed.family == family))),
            Var::Fair => self.fair.map(Datum::yes),
            Var::Count(counter) => number(self.tally?[counter as usize]),
        }
    }

    /// Whether a seat may do this now, by what it sees.
    ///
    /// # Errors
    /// Why not, in words for the seat.
    pub fn allows(&self, seat: Seat, done: &Done) -> Result<(), String> {
        match &done.deed {
            Deed::Act(act) => {
                let rule = &self.common.acts[seat][*act];
                let why = || format!("[{}] is only to be done when {}", rule.name, rule.when.text());
                rule.when.holds(self).then_some(()).ok_or_else(why)
            }
            Deed::Counter { thing, .. } => {
                let claims = self.table.claims.iter().filter(|claim| claim.seat == seat.partner());
                let about = claims.filter(|claim| thing.is_none_or(|thing| thing == claim.thing));
                let is_pressed = !self.table.pressed.is_empty();
                let why = || "[counter] answers pressing or a claim, and there was none".to_owned();
                (is_pressed || about.count() > 0).then_some(()).ok_or_else(why)
            }
            Deed::Trap(_) | Deed::End(_) => Ok(()),
        }
    }

    fn seat(&self) -> Seat {
        match self.reader {
            Reader::World => Seat::Agent,
            Reader::Seat(seat) => seat,
        }
    }
}
