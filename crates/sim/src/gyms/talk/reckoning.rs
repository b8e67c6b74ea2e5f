//! Terms that are looked at after each turn: when they are earned, and how often they can be.

use serde::Deserialize;
use serde::Serialize;

use super::book::OwnTerm;
use super::sight::Sight;
use crate::Reward;
use crate::Scope;
use crate::Seat;
use crate::scenario::RewardRule;

/// What has been earned by turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    entries: Vec<Entry>,
    rewards: Vec<Reward>,
}

/// A term of the file that this scenario uses, by turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// Which of the file's.
    term: usize,
    weight: f64,
    times: u32,
}

/// That an entry, by its place, was earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned(usize);

impl Account {
    /// Nothing has been earned.
    #[must_use]
    pub fn new(terms: &[OwnTerm], rules: &[RewardRule]) -> Account {
        let used = terms.iter().enumerate().filter(|(_, term)| term.by_turn);
        let entries = used.filter_map(|(index, term)| {
            let rule = rules.iter().find(|rule| rule.seat == term.seat && rule.name == term.name)?;
            Some(Entry { term: index, weight: rule.weight, times: 0 })
        });
        Account { entries: entries.collect(), rewards: Vec::new() }
    }

    /// What a seat's turn has just earned.
    #[must_use]
    pub fn due(&self, terms: &[OwnTerm], seat: Seat, sight: &Sight<'_>) -> Vec<Earned> {
        let is_due = |entry: &Entry| {
            let term = &terms[entry.term];
            term.seat == seat && entry.times < term.times_max && term.when.holds(sight)
        };
        self.entries.iter().enumerate().filter(|(_, entry)| is_due(entry)).map(|(index, _)| Earned(index)).collect()
    }

    /// Books it on the seat's turn with this number.
    pub fn credit(&mut self, terms: &[OwnTerm], earned: Vec<Earned>, turn: u32) -> Vec<Reward> {
        let mut rewards = Vec::new();
        for Earned(index) in earned {
            let entry = &mut self.entries[index];
            entry.times += 1;
            let term = &terms[entry.term];
            rewards.push(Reward {
                seat: term.seat,
                name: term.name.clone(),
                kind: term.kind,
                scope: Scope::Turn(turn),
                value: term.value,
                weight: entry.weight,
                evidence: format!("turn {turn}: {}", term.when.text()),
            });
        }
        self.rewards.extend(rewards.iter().cloned());
        rewards
    }

    /// What a term has earned so far.
    pub fn of<'a>(&'a self, seat: Seat, name: &'a str) -> impl Iterator<Item = &'a Reward> {
        self.rewards.iter().filter(move |reward| reward.seat == seat && reward.name == name)
    }
}
