//! The best list of questions that is the same for all tasks: a bar for whoever claims to read the task.
//!
//! Greedy search over the items to learn from, under the rules of the gym: the words of a question are added one by one, each time the one
//! that raises the reward most over all items, until no word does or the question is full; then the details it hits are gone, and
//! the next question is built.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::Lexicon;
use super::MULTI_DETAIL_PENALTY;
use super::items::question_reward;
use super::lexicon::QUESTION_WORDS_MAX;
use super::library::Entry;

/// How many questions are searched for; a longer talk begins anew.
pub const QUESTIONS: usize = 16;
/// How many words are tried at each step, those that hit most of what is left.
const TRIED: usize = 30;

/// The questions as telling words.
#[must_use]
pub fn search(entries: &[Arc<Entry>], lexicon: &Lexicon) -> Vec<Vec<String>> {
    let mut left: Vec<BTreeSet<usize>> = entries.iter().map(|entry| (0..entry.keys.len()).collect()).collect();
    let mut questions = Vec::new();
    while questions.len() < QUESTIONS {
        let question = best_question(entries, &left, lexicon);
        if question.is_empty() {
            break;
        }
        for (entry, left) in entries.iter().zip(&mut left) {
            left.retain(|detail| !entry.keys[*detail].is_hit(&question));
        }
        questions.push(question.into_iter().collect());
    }
    questions
}

fn best_question(entries: &[Arc<Entry>], left: &[BTreeSet<usize>], lexicon: &Lexicon) -> BTreeSet<String> {
    let mut question = BTreeSet::new();
    let mut earned = 0.0;
    while question.len() < QUESTION_WORDS_MAX {
        let tried = candidates(entries, left, &question, lexicon);
        let with = |word: &String| {
            let longer = question.iter().chain([word]).cloned().collect();
            (total(entries, left, &longer), word.clone())
        };
        let Some((most, word)) = tried.iter().map(with).max_by(|a, b| a.0.total_cmp(&b.0)) else {
            break;
        };
        if most <= earned + 1e-9 {
            break;
        }
        earned = most;
        question.insert(word);
    }
    question
}

/// The words that would hit most of what is left, by reward.
fn candidates(
    entries: &[Arc<Entry>],
    left: &[BTreeSet<usize>],
    question: &BTreeSet<String>,
    lexicon: &Lexicon,
) -> Vec<String> {
    let mut worth: BTreeMap<&str, f64> = BTreeMap::new();
    for (entry, left) in entries.iter().zip(left) {
        for detail in left.iter().filter(|detail| !entry.keys[**detail].is_hit(question)) {
            let key = &entry.keys[*detail];
            let named: f64 = key.words.iter().filter(|(w, _)| question.contains(w)).map(|(_, weight)| weight).sum();
            let finishing = key.words.iter().filter(|(word, weight)| {
                !question.contains(word) && lexicon.weight(word) > 0.0 && 2.0 * (named + weight) >= key.total
            });
            let reward = entry.item.missing_details[*detail].importance.reward();
            finishing.for_each(|(word, _)| *worth.entry(word).or_default() += reward);
        }
    }
    let mut ranked: Vec<(&str, f64)> = worth.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().take(TRIED).map(|(word, _)| word.to_owned()).collect()
}

/// What a question earns over all items.
fn total(entries: &[Arc<Entry>], left: &[BTreeSet<usize>], question: &BTreeSet<String>) -> f64 {
    let earned = |(entry, left): (&Arc<Entry>, &BTreeSet<usize>)| {
        let hit = left.iter().filter(|detail| entry.keys[**detail].is_hit(question));
        let importances: Vec<_> = hit.map(|detail| entry.item.missing_details[*detail].importance).collect();
        question_reward(&importances, MULTI_DETAIL_PENALTY)
    };
    entries.iter().zip(left).map(earned).sum()
}
