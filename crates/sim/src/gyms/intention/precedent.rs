//! What tasks like this one used to leave out: the knowledge of somebody who has helped with all the items to learn from.
//!
//! A task's nearest neighbours are found by the cosine of their words (tf-idf over tasks), plus a bonus for the same category. The words of
//! their details are scored by nearness and importance; words of the task itself come first, since people leave out particulars of what
//! they name. A task never counts as its own precedent, so scripts play items to learn from and held-out ones alike.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::Lexicon;
use super::lexicon::words;
use super::library::Entry;

/// How many neighbours speak for a task.
const NEIGHBOURS: usize = 40;
/// What the same category adds to a neighbour's nearness, beside a cosine of at most 1.
const SAME_CATEGORY: f64 = 0.3;
/// What every task's details count for, however far it is: what people leave out in general.
const ANYWHERE: f64 = 0.02;
/// The score of a word of the task itself.
const OWN_WORD: f64 = 1.0;
/// Words in more than this share of the tasks find no neighbours.
const COMMON_TASK_SHARE: f64 = 0.1;

/// The items to learn from, indexed by the words of their tasks.
#[derive(Clone, Debug, Default)]
pub struct Precedents {
    entries: Vec<Arc<Entry>>,
    /// For each word of tasks that finds neighbours: its rarity in nats, and who has it.
    by_word: BTreeMap<String, (f64, Vec<usize>)>,
    by_category: BTreeMap<String, Vec<usize>>,
    /// Length of each task's vector.
    norms: Vec<f64>,
    /// What each word of a detail is worth anywhere.
    anywhere: BTreeMap<String, f64>,
}

impl Precedents {
    /// Indexes the items to learn from.
    #[must_use]
    pub fn of(entries: &[Arc<Entry>], lexicon: &Lexicon) -> Precedents {
        let mut precedents = Precedents { entries: entries.to_vec(), ..Precedents::default() };
        let mut holders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            precedents.by_category.entry(entry.item.category.clone()).or_default().push(index);
            for word in words(&entry.item.task) {
                holders.entry(word).or_default().push(index);
            }
        }
        let count = entries.len() as f64;
        let common = f64::max(2.0, COMMON_TASK_SHARE * count);
        holders.retain(|_, who| who.len() as f64 <= common);
        precedents.norms = vec![0.0; entries.len()];
        for (word, who) in holders {
            let rarity = (count / who.len() as f64).ln();
            who.iter().for_each(|index| precedents.norms[*index] += rarity * rarity);
            precedents.by_word.insert(word, (rarity, who));
        }
        precedents.norms.iter_mut().for_each(|norm| *norm = norm.sqrt());
        for entry in entries {
            score_details(entry, ANYWHERE, &mut precedents.anywhere);
        }
        precedents.anywhere.retain(|word, _| lexicon.weight(word) > 0.0);
        precedents
    }

    /// The nearest other tasks, nearest first, each with its nearness from 0 to 1.3.
    #[must_use]
    pub fn neighbours(&self, category: &str, task: &str) -> Vec<(&Arc<Entry>, f64)> {
        let mut nearness: BTreeMap<usize, f64> = BTreeMap::new();
        let mut norm = 0.0;
        for word in words(task) {
            let Some((rarity, who)) = self.by_word.get(&word) else {
                continue;
            };
            norm += rarity * rarity;
            who.iter().for_each(|index| *nearness.entry(*index).or_default() += rarity * rarity);
        }
        for (index, dot) in &mut nearness {
            *dot /= f64::max(norm.sqrt() * self.norms[*index], f64::MIN_POSITIVE);
        }
        for index in self.by_category.get(category).into_iter().flatten() {
            *nearness.entry(*index).or_default() += SAME_CATEGORY;
        }
        let mut near: Vec<(&Arc<Entry>, f64)> =
            nearness.into_iter().map(|(index, near)| (&self.entries[index], near)).collect();
        near.retain(|(entry, _)| !is_same_task(&entry.item.task, task));
        near.sort_by(|a, b| b.1.total_cmp(&a.1));
        near.truncate(NEIGHBOURS);
        near
    }

    /// Telling words with their scores, above 0: what a question about this task had best name, the best first.
    #[must_use]
    pub fn telling_words(&self, category: &str, task: &str, lexicon: &Lexicon) -> Vec<(String, f64)> {
        let mut scores = self.anywhere.clone();
        for (entry, near) in self.neighbours(category, task) {
            score_details(entry, near * near, &mut scores);
        }
        let own: BTreeSet<String> = lexicon.telling(task);
        for word in own {
            *scores.entry(word).or_default() += OWN_WORD;
        }
        let mut ranked: Vec<(String, f64)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }
}

/// Whether two tasks are the same request.
#[must_use]
pub fn is_same_task(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Adds what naming each word of the item's details would be worth: a word that hits the detail alone is worth its reward.
fn score_details(entry: &Entry, near: f64, scores: &mut BTreeMap<String, f64>) {
    for (detail, key) in entry.item.missing_details.iter().zip(&entry.keys) {
        for (word, weight) in &key.words {
            let part = f64::min(1.0, 2.0 * weight / key.total);
            *scores.entry(word.clone()).or_default() += near * detail.importance.reward() * part.powf(1.5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Library;
    use super::super::catalogue;
    use super::*;
    use crate::scenario::ItemCounts;
    use crate::scenario::Split;

    #[test]
    fn a_task_is_not_its_own_precedent() {
        let library = catalogue::library(ItemCounts { train: 300, held_out: 50, seed: 7 });
        for entry in library.of(Split::Train) {
            let near = library.precedents().neighbours(&entry.item.category, &entry.item.task);
            assert!(near.iter().all(|(other, _)| !is_same_task(&other.item.task, &entry.item.task)));
            assert!(near.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        }
    }

    #[test]
    fn neighbours_share_words_or_the_category() {
        let library: Library = catalogue::library(ItemCounts { train: 300, held_out: 50, seed: 7 });
        let entry = library.entry(Split::HeldOut, 0);
        let near = library.precedents().neighbours(&entry.item.category, &entry.item.task);
        assert_eq!(near[0].0.item.category, entry.item.category);
    }
}
