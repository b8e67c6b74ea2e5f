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
/// What a word of the task itself is worth, and how likely it hits a detail.
const OWN_WORD: Telling = Telling { worth: 1.0, chance: 0.1 };
/// Words in more than this share of the tasks find no neighbours.
const COMMON_TASK_SHARE: f64 = 0.1;

/// What naming a word in a question about a task promises.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Telling {
    /// What it would earn with tasks like this one, added up by their nearness; only its order means something.
    pub worth: f64,
    /// How likely it hits a detail of the task, in [0, 1] as far as precedents tell.
    pub chance: f64,
}

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
    anywhere: BTreeMap<String, Telling>,
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
            add_details(entry, ANYWHERE, 0.0, &mut precedents.anywhere);
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

    /// The `count` words that a talk about this task had best name, in this order, each with what it promises once those before it were
    /// named: what a word hits, no later one needs to hit again.
    #[must_use]
    pub fn best_words(&self, category: &str, task: &str, lexicon: &Lexicon, count: usize) -> Vec<(String, Telling)> {
        let near = self.neighbours(category, task);
        let (mut promises, all) = self.promises(&near, task, lexicon);
        let mut open: Vec<(&Entry, usize, f64)> = near
            .into_iter()
            .flat_map(|(entry, near)| (0..entry.keys.len()).map(move |detail| (entry.as_ref(), detail, near * near)))
            .collect();
        let mut best = Vec::new();
        while best.len() < count {
            let most = promises.iter().max_by(|a, b| a.1.worth.total_cmp(&b.1.worth));
            let Some((word, promise)) =
                most.map(|(word, promise)| (word.clone(), *promise)).filter(|m| m.1.worth > 0.0)
            else {
                break;
            };
            let named = BTreeSet::from([word.clone()]);
            open.retain(|(entry, detail, near)| {
                let is_hit = entry.keys[*detail].is_hit(&named);
                if is_hit {
                    add_detail(entry, *detail, -near, 1.0 / all, &mut promises);
                }
                !is_hit
            });
            promises.remove(&word);
            best.push((word, promise));
        }
        best
    }

    /// Telling words with what each promises alone, the best first.
    #[must_use]
    pub fn telling_words(&self, category: &str, task: &str, lexicon: &Lexicon) -> Vec<(String, Telling)> {
        let (promises, _) = self.promises(&self.neighbours(category, task), task, lexicon);
        let mut ranked: Vec<(String, Telling)> = promises.into_iter().collect();
        ranked.sort_by(|a, b| b.1.worth.total_cmp(&a.1.worth));
        ranked
    }

    /// What each word promises alone, and the neighbours' squared nearness added up.
    fn promises(&self, near: &[(&Arc<Entry>, f64)], task: &str, lexicon: &Lexicon) -> (BTreeMap<String, Telling>, f64) {
        let mut promises = self.anywhere.clone();
        let all: f64 = near.iter().map(|(_, near)| near * near).sum();
        for (entry, near) in near {
            add_details(entry, near * near, 1.0 / all, &mut promises);
        }
        for word in lexicon.telling(task) {
            let promise = promises.entry(word).or_default();
            promise.worth += OWN_WORD.worth;
            promise.chance = f64::max(promise.chance, OWN_WORD.chance);
        }
        (promises, all)
    }
}

/// Whether two tasks are the same request.
#[must_use]
pub fn is_same_task(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Adds what naming each word of the item's details would be worth.
fn add_details(entry: &Entry, near: f64, share: f64, promises: &mut BTreeMap<String, Telling>) {
    (0..entry.keys.len()).for_each(|detail| add_detail(entry, detail, near, share, promises));
}

/// Adds what naming each word of a detail would be worth: a word that hits it alone is worth its reward.
fn add_detail(entry: &Entry, detail: usize, near: f64, share: f64, promises: &mut BTreeMap<String, Telling>) {
    let (key, reward) = (&entry.keys[detail], entry.item.missing_details[detail].importance.reward());
    for (word, weight) in &key.words {
        let part = f64::min(1.0, 2.0 * weight / key.total).powf(1.5);
        let promise = promises.entry(word.clone()).or_default();
        promise.worth += near * reward * part;
        promise.chance += near * share * part;
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
