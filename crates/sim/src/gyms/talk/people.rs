//! Who can sit in the user's seat, and who does: a population with density.
//!
//! A file lists kinds of people, each with how many of it there are (`weight`). A person is an *objective* half (name, demographics, background,
//! scenes of life) and a *subjective* one (personality, style, samples, how it feels at the start). The **head** are the most frequent kinds
//! that make up half of the weight, the **tail** all others; a **crossed** person has the objective half of one kind and the subjective half of
//! another, so that items hold people whom no list names (USP's sampler, spec user-models §2.6, over weights instead of embeddings).

use serde::Deserialize;
use serde::Serialize;

use super::Family;
use super::book::Value;
use super::person::STATE_MAX;
use super::person::State;
use super::predicate::Predicate;
use crate::Draws;

/// All kinds of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct People {
    /// At least one; the most frequent first.
    pub kinds: Vec<Kind>,
}

/// A kind of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// How many there are, relative to the others.
    pub weight: f64,
    /// What they may be called.
    pub names: Vec<String>,
    /// In years.
    pub age: u32,
    /// At least twelve, by name.
    pub demographics: Vec<(String, String)>,
    /// What they have lived through.
    pub background: String,
    /// Where such a call may find them.
    pub life: Vec<String>,
    /// What they are like.
    pub personality: String,
    /// How they speak: rate, verbosity, patience, and phrases of their own.
    pub style: Vec<(String, String)>,
    /// How they do not speak.
    pub negative: Vec<String>,
    /// How they do.
    pub positive: Vec<String>,
    /// Lowest and highest value of each dimension at the start.
    pub start: [(i64, i64); 4],
}

/// The least number of demographic dimensions of a person.
pub const DEMOGRAPHICS_MIN: usize = 12;

/// How items are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Share of people of the head.
    pub head: f64,
    /// Share of people of the tail; the rest is crossed.
    pub tail: f64,
    /// How many pressing lines an item has.
    pub traps: u32,
    /// Share of pressing lines that are fair, where the item can decide it.
    pub twins: f64,
    /// Families that only held-out items have.
    pub held_out: Vec<Family>,
    /// Which combinations of facts there can be.
    pub possible: Predicate,
    /// Facts that every item has, whatever was drawn: items that differ in nothing else are each other's twins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<(usize, Value)>,
}

/// How somebody was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Of the frequent kinds.
    Head,
    /// Of the rare kinds.
    Tail,
    /// Half of one kind and half of another.
    Crossed,
}

/// Somebody: indices into the population.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    /// How it was drawn.
    pub band: Band,
    /// Whose name, demographics, background and life.
    pub objective: usize,
    /// Whose personality, style, samples and feelings.
    pub subjective: usize,
    /// Which name of the objective kind.
    pub name: usize,
}

impl People {
    /// How many kinds the head has.
    #[must_use]
    pub fn head(&self) -> usize {
        let total: f64 = self.kinds.iter().map(|kind| kind.weight).sum();
        let mut sum = 0.0;
        let enough = self.kinds.iter().position(|kind| {
            sum += kind.weight;
            sum >= total / 2.0
        });
        enough.map_or(self.kinds.len(), |last| last + 1)
    }

    /// Draws somebody.
    #[must_use]
    pub fn draw(&self, sampling: &Sampling, draws: &mut Draws) -> Person {
        let at = draws.uniform();
        let (head, all) = (self.head(), self.kinds.len());
        let band = match at {
            at if at < sampling.head => Band::Head,
            at if at < sampling.head + sampling.tail => Band::Tail,
            _ => Band::Crossed,
        };
        let (objective, subjective) = match band {
            Band::Head => self.same(0..head, draws),
            // Where all kinds are frequent, there is no tail.
            Band::Tail => self.same(if head < all { head..all } else { 0..all }, draws),
            Band::Crossed => {
                let objective = self.pick(0..all, None, draws);
                (objective, if all > 1 { self.pick(0..all, Some(objective), draws) } else { objective })
            }
        };
        let name = draws.range(0, self.kinds[objective].names.len() as i64 - 1) as usize;
        Person { band, objective, subjective, name }
    }

    fn same(&self, range: std::ops::Range<usize>, draws: &mut Draws) -> (usize, usize) {
        let kind = self.pick(range, None, draws);
        (kind, kind)
    }

    fn pick(&self, range: std::ops::Range<usize>, but: Option<usize>, draws: &mut Draws) -> usize {
        let kinds: Vec<usize> = range.filter(|kind| Some(*kind) != but).collect();
        let odds: Vec<f64> = kinds.iter().map(|kind| self.kinds[*kind].weight).collect();
        kinds[weighted(&odds, draws)]
    }

    /// What somebody is called.
    #[must_use]
    pub fn name(&self, person: Person) -> &str {
        &self.kinds[person.objective].names[person.name]
    }

    /// How somebody feels at the start.
    #[must_use]
    pub fn start(&self, person: Person, draws: &mut Draws) -> State {
        State(self.kinds[person.subjective].start.map(|(low, high)| draws.range(low, high).clamp(0, STATE_MAX)))
    }
}

/// One of several by their odds, of which one at least is above 0.
pub fn weighted(odds: &[f64], draws: &mut Draws) -> usize {
    let mut at = draws.uniform() * odds.iter().sum::<f64>();
    for (index, odd) in odds.iter().enumerate() {
        at -= odd;
        if at < 0.0 {
            return index;
        }
    }
    odds.iter().rposition(|odd| *odd > 0.0).unwrap_or(0)
}
