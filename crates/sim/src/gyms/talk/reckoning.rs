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

/// That an entry was earned, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    entry: usize,
    times: u32,
}

/// How often something was earned, for the evidence; nothing where it was once.
#[must_use]
pub fn often(times: u32) -> String {
    if times == 1 { String::new() } else { format!(", {times} times") }
}

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
        let due = |(index, entry): (usize, &Entry)| {
            let term = Some(&terms[entry.term]).filter(|term| term.seat == seat)?;
            let times = term.times(sight).min(term.times_max.saturating_sub(entry.times));
            (times > 0).then_some(Earned { entry: index, times })
        };
        self.entries.iter().enumerate().filter_map(due).collect()
    }

    /// Books it on the seat's turn with this number.
    pub fn credit(&mut self, terms: &[OwnTerm], earned: Vec<Earned>, turn: u32) -> Vec<Reward> {
        let mut rewards = Vec::new();
        for Earned { entry, times } in earned {
            let entry = &mut self.entries[entry];
            entry.times += times;
            let term = &terms[entry.term];
            rewards.push(Reward {
                seat: term.seat,
                name: term.name.clone(),
                kind: term.kind,
                scope: Scope::Turn(turn),
                value: term.value * f64::from(times),
                weight: entry.weight,
                evidence: format!("turn {turn}: {}{}", term.when.text(), often(times)),
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
