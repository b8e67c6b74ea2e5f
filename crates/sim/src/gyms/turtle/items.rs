//! Stories with a surface and a bottom: UserRL's, and ones of our own whose bottom is a graph of facts (spec userrl §2.6, §7.4).

use serde::Deserialize;
use serde::Serialize;

use super::catalogue::Graph;
use crate::gyms::words::normal;

/// Most criteria of one story; the release has up to 5.
pub const CRITERIA_MAX: usize = 16;
/// How far weights may be from adding up to 1, and a score from the threshold: they are decimals, and their sums are not.
pub const EPSILON: f64 = 1e-9;

/// One story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its id in its release.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What everybody hears: it makes no sense.
    pub surface: String,
    /// What really happened.
    pub bottom: String,
    /// What an answer is judged by; from 1 to [`CRITERIA_MAX`], with weights that add up to 1.
    pub criteria: Vec<Criterion>,
    /// The facts of the bottom; `None` for published stories, of which a rule knows no more than the words.
    pub graph: Option<Graph>,
}

/// One thing that an answer must tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// What.
    pub statement: String,
    /// What it is worth, in (0, 1].
    pub weight: f64,
}

impl Item {
    /// Whether the story can be played.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        let (id, count) = (&self.id, self.criteria.len());
        let sum: f64 = self.criteria.iter().map(|criterion| criterion.weight).sum();
        if !(1..=CRITERIA_MAX).contains(&count) {
            return Err(format!("story `{id}` has {count} criteria; it may have from 1 to {CRITERIA_MAX}"));
        }
        if self.criteria.iter().any(|criterion| criterion.weight.is_nan() || criterion.weight <= 0.0) {
            return Err(format!("story `{id}` has a criterion without weight"));
        }
        if (sum - 1.0).abs() > 1e-6 {
            return Err(format!("the weights of story `{id}` add up to {sum}, not to 1"));
        }
        if normal(&self.surface).is_empty() || normal(&self.bottom).is_empty() {
            return Err(format!("story `{id}` lacks its surface or its bottom"));
        }
        Ok(())
    }

    /// What an answer with these scores, one a criterion, is worth, in [0, 1].
    #[must_use]
    pub fn worth(&self, scores: &[f64]) -> f64 {
        let each = self.criteria.iter().zip(scores).map(|(criterion, score)| criterion.weight * score);
        each.sum::<f64>().clamp(0.0, 1.0)
    }

    /// How a rule scores an answer, criterion by criterion: by its facts, or, where there are none, all for the bottom word for word
    /// and else nothing.
    #[must_use]
    pub fn scores(&self, answer: &str) -> Vec<f64> {
        match &self.graph {
            Some(graph) => graph.scores(answer),
            None => {
                let told = if normal(answer) == normal(&self.bottom) { 1.0 } else { 0.0 };
                vec![told; self.criteria.len()]
            }
        }
    }
}
