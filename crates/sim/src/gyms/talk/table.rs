//! What both sides have seen of a talk: nothing in it is private.

use serde::Deserialize;
use serde::Serialize;

use super::Family;
use super::book::Value;
use super::utterance::Done;
use crate::Pair;
use crate::Seat;

/// The public part of a talk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// How many turns each seat has had, those that did not count included.
    pub turns: Pair<u32>,
    /// How many turns the agent has.
    pub turns_max: u32,
    /// What each thing was last said to be: a slot's filling, a fact's last claim.
    pub said: Vec<Option<Value>>,
    /// Everything that was stated of facts, oldest first.
    pub claims: Vec<Claim>,
    /// In how many turns each act of each seat was done.
    pub counts: Pair<Vec<u32>>,
    /// What each seat did in its last turn.
    pub latest: Pair<Vec<Done>>,
    /// What each seat was asked and has not said since.
    pub asked: Pair<Vec<usize>>,
    /// Facts that were shown, with their truth.
    pub shown: Vec<(usize, Value)>,
    /// The pressing lines of the agent's last turn.
    pub pressed: Vec<Pressed>,
    /// Who ended the talk, and with which reason; `unfounded` where the reason did not hold.
    pub end: Option<(Seat, String)>,
}

/// A fact, stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// By whom.
    pub seat: Seat,
    /// In which of its turns, from 0.
    pub turn: u32,
    /// Which fact.
    pub thing: usize,
    /// What was said of it.
    pub value: Value,
}

/// A pressing line as both have heard it. Its family is what it sounds like, fair or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pressed {
    /// Its act.
    pub name: String,
    /// What it sounds like.
    pub family: Family,
    /// What it states.
    pub claims: Vec<(usize, Value)>,
    /// The user's acts that give in to it.
    pub wants: Vec<usize>,
    /// What a person may say to it.
    pub counter: Vec<String>,
}

/// The reason that stands where the named one did not hold.
pub const UNFOUNDED: &str = "unfounded";

impl Table {
    /// Nobody has spoken.
    #[must_use]
    pub fn new(things: usize, acts: Pair<usize>, turns_max: u32) -> Table {
        Table { turns_max, said: vec![None; things], counts: acts.map(|_, count| vec![0; count]), ..Table::default() }
    }

    /// What a fact was last claimed to be by a seat.
    #[must_use]
    pub fn claimed(&self, seat: Seat, thing: usize) -> Option<Value> {
        self.claims.iter().rev().find(|claim| claim.seat == seat && claim.thing == thing).map(|claim| claim.value)
    }

    /// Takes in what a seat did: `stated` are the facts among what was said.
    pub fn take(&mut self, seat: Seat, done: &[Done], facts: impl Fn(usize) -> bool) {
        let turn = self.turns[seat];
        let mut acts: Vec<usize> = done.iter().filter_map(Done::act).collect();
        acts.sort_unstable();
        acts.dedup();
        acts.into_iter().for_each(|act| self.counts[seat][act] += 1);
        for (thing, value) in done.iter().flat_map(|done| done.args.iter().copied()) {
            match value {
                None if !self.asked[seat.partner()].contains(&thing) => self.asked[seat.partner()].push(thing),
                None => {}
                Some(value) => {
                    self.said[thing] = Some(value);
                    self.asked[seat].retain(|asked| *asked != thing);
                    if facts(thing) {
                        self.claims.push(Claim { seat, turn, thing, value });
                    }
                }
            }
        }
        self.latest[seat] = done.to_vec();
    }
}
