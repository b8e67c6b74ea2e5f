//! Documents, and search over them by BM25 (Robertson and Zaragoza 2009): k1 = 1.2, b = 0.75.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::answer::words;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is about.
    pub title: String,
    /// What it says.
    pub text: String,
}

/// Documents with their index; immutable.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    documents: Vec<Document>,
    /// For each word the documents that have it, with how often, in their order.
    postings: BTreeMap<String, Vec<(u32, u32)>>,
    /// Words of each document.
    lengths: Vec<f64>,
    mean_length: f64,
}

impl Corpus {
    /// Reads the documents; titles count like text.
    #[must_use]
    pub fn new(documents: Vec<Document>) -> Corpus {
        let mut postings: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
        let mut lengths = Vec::with_capacity(documents.len());
        for (number, document) in (0..).zip(&documents) {
            let mut counts: BTreeMap<String, u32> = BTreeMap::new();
            words(&document.title).chain(words(&document.text)).for_each(|word| *counts.entry(word).or_default() += 1);
            lengths.push(f64::from(counts.values().sum::<u32>()));
            counts.into_iter().for_each(|(word, count)| postings.entry(word).or_default().push((number, count)));
        }
        let mean_length = lengths.iter().sum::<f64>() / f64::max(1.0, lengths.len() as f64);
        Corpus { documents, postings, lengths, mean_length }
    }

    /// All documents.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Numbers of the best documents for a query, the best first, at most so many; among equals the earlier one. None that shares no word.
    #[must_use]
    pub fn search(&self, query: &str, most: usize) -> Vec<u32> {
        let mut scores: BTreeMap<u32, f64> = BTreeMap::new();
        let mut asked: Vec<String> = words(query).collect();
        asked.sort_unstable();
        asked.dedup();
        for posting in asked.iter().filter_map(|word| self.postings.get(word)) {
            let idf = self.idf(posting.len());
            for (document, count) in posting {
                *scores.entry(*document).or_default() += idf * self.saturation(*document, f64::from(*count));
            }
        }
        let mut ranked: Vec<(u32, f64)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.into_iter().take(most).map(|(document, _)| document).collect()
    }

    /// Never below 0, so that a word in nearly all documents counts for nothing and not against them.
    fn idf(&self, having: usize) -> f64 {
        let (all, having) = (self.documents.len() as f64, having as f64);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }

    fn saturation(&self, document: u32, count: f64) -> f64 {
        let length = self.lengths[document as usize] / self.mean_length;
        count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(texts: &[&str]) -> Corpus {
        let document = |text: &&str| Document { title: String::new(), text: (*text).to_owned() };
        Corpus::new(texts.iter().map(document).collect())
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        // Three documents of 2, 2 and 4 words; `a` in two, `b` in one.
        let corpus = corpus(&["a x", "b y", "a z z z"]);
        let idf = |having: f64| (1.0 + (3.0 - having + 0.5) / (having + 0.5)).ln();
        let part = |length: f64| 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * length / (8.0 / 3.0)));
        assert!((corpus.idf(2) * corpus.saturation(0, 1.0) - idf(2.0) * part(2.0)).abs() < 1e-12);
        assert!((corpus.idf(2) * corpus.saturation(2, 1.0) - idf(2.0) * part(4.0)).abs() < 1e-12);
        assert_eq!(corpus.search("A, b!", 9), [1, 0, 2]);
    }

    #[test]
    fn rare_words_count_more_and_equals_keep_their_order() {
        let corpus = corpus(&["the heron", "the otter", "the heron heron", "the owl"]);
        assert_eq!(corpus.search("the otter", 1), [1]);
        assert_eq!(corpus.search("the", 3), [0, 1, 3]);
        assert_eq!(corpus.search("heron", 9), [2, 0]);
    }

    #[test]
    fn a_search_for_nothing_or_for_words_that_are_not_there_finds_nothing() {
        let corpus = corpus(&["the heron"]);
        for query in ["", "?", "otter", "\u{0}"] {
            assert!(corpus.search(query, 5).is_empty(), "{query}");
        }
        assert!(Corpus::default().search("heron", 5).is_empty());
        assert!(corpus.search("heron", 0).is_empty());
    }
}
