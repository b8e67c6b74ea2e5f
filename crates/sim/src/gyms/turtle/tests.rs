mod documented;
mod queries;
mod scripts;
mod talk;

use std::sync::Arc;

use super::Item;
use super::Library;
use super::Rules;
use super::SUCCESS_THRESHOLD;
use super::catalogue;
use super::items::Criterion;
use crate::Pair;
use crate::Scenario;
use crate::scenario::Split;

/// One story of our own to learn from, and one held out: the gardener sold the clapper out of debt; the ash gave it away.
fn scenario() -> Arc<Scenario> {
    let made = |parts, split| catalogue::item(catalogue::Graph { plot: 0, parts }, 1, split, 0);
    of(vec![made([1; 4], Split::Train)], vec![made([0; 4], Split::HeldOut)])
}

/// A published story, of which nothing is known but the words; its weights add up to less than 1 by the last bit.
fn published() -> Arc<Scenario> {
    let criterion = |statement: &str, weight| Criterion { statement: statement.to_owned(), weight };
    let story = |id: &str| Item {
        id: id.to_owned(),
        title: "The Shadow".to_owned(),
        surface: "I saw a man with a shadow at night. Why was I afraid?".to_owned(),
        bottom: "There was no light; the shadow was a body.".to_owned(),
        criteria: vec![criterion("CANARY one", 0.7), criterion("CANARY two", 0.2), criterion("CANARY three", 0.1)],
        graph: None,
    };
    of(vec![Item { bottom: "Another one.".to_owned(), ..story("t") }], vec![story("h")])
}

fn of(train: Vec<Item>, held_out: Vec<Item>) -> Arc<Scenario> {
    assert!(train.iter().chain(&held_out).all(|item| item.check().is_ok()));
    let library = Library::new(train, held_out).unwrap();
    let items = library.counts();
    let rules = Rules { success_threshold: SUCCESS_THRESHOLD, library: Arc::new(library) };
    Arc::new(Scenario { rules: crate::gyms::Rules::Turtle(rules), items, success: Pair::default(), ..super::example() })
}
