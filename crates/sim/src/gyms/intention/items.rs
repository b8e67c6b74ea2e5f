//! Tasks with what they leave out, in the form of UserRL's release: `all_intentions_*.json` (spec userrl §2.2, §7.4).

use serde::Deserialize;
use serde::Serialize;

/// Most missing details of one item; the release has up to 9. It bounds the score.
pub const DETAILS_MAX: usize = 9;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id in its release.
    pub id: String,
    /// What kind of help it is, e.g. `Travel Planning & Advice`.
    pub category: String,
    /// What the user says it wants.
    pub task: String,
    /// What it leaves out; from 1 to [`DETAILS_MAX`].
    pub missing_details: Vec<Detail>,
}

/// One thing the user wants and has not said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// What it is about, in a few words, e.g. `Duration of the trip`.
    pub description: String,
    /// How much it matters.
    pub importance: Importance,
    /// A question that asks for it.
    pub inquiry: String,
    /// What the user may want; it wants one of these. Empty: it says that it does not mind.
    pub options: Vec<String>,
}

/// How much a detail matters, as the release writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Importance {
    /// `"1"`
    #[serde(rename = "1")]
    Low,
    /// `"2"`
    #[serde(rename = "2")]
    Medium,
    /// `"3"`
    #[serde(rename = "3")]
    High,
}

impl Importance {
    /// What a question earns that covers a detail of this importance, and nothing more important (spec userrl §2.2).
    #[must_use]
    pub fn reward(self) -> f64 {
        match self {
            Importance::Low => 0.4,
            Importance::Medium => 0.7,
            Importance::High => 1.0,
        }
    }
}

/// What a question earns that newly covers details of these importances: that of the most important, less `penalty` for each further
/// one, within [0, 1]; 0 for none (spec userrl §2.2, *Reward*).
#[must_use]
pub fn question_reward(covered: &[Importance], penalty: f64) -> f64 {
    match covered.iter().max() {
        None => 0.0,
        Some(most) => (most.reward() - penalty * (covered.len() - 1) as f64).clamp(0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::Importance::High;
    use super::Importance::Low;
    use super::Importance::Medium;
    use super::*;

    #[test]
    fn a_question_earns_what_upstream_gives_it() {
        let close = |covered: &[Importance], expected: f64| {
            assert!((question_reward(covered, 0.2) - expected).abs() < 1e-12, "{covered:?}");
        };
        close(&[], 0.0);
        close(&[High], 1.0);
        close(&[Medium], 0.7);
        close(&[Low], 0.4);
        close(&[Low, High], 0.8);
        close(&[Medium, Low, Low], 0.3);
        // Never below nothing, however much is asked for at once.
        close(&[Low, Low, Low, Low], 0.0);
    }

    #[test]
    fn an_item_is_read_as_the_release_writes_it() {
        let text = r#"{"id":"5-a","category":"Cooking","task":"Find a soup.","missing_details":[
            {"description":"Servings","importance":"3","inquiry":"For how many?","options":["2","4"]}]}"#;
        let item: Item = serde_json::from_str(text).unwrap();
        assert_eq!(item.missing_details[0].importance, High);
        assert_eq!(serde_json::from_str::<Item>(&serde_json::to_string(&item).unwrap()).unwrap(), item);
        assert!(serde_json::from_str::<Item>(&text.replace("\"3\"", "\"4\"")).is_err());
    }
}
