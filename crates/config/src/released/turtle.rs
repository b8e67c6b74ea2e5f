//! Stories in the form of UserRL's `all_stories_refined.json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use sim::gyms::turtle::Item;
use sim::gyms::turtle::items::Criterion;
use sim::gyms::words::normal;

use super::division::Form;

/// How they are read.
pub(crate) const FORM: Form<BTreeMap<String, Story>, Item> = Form {
    form: "it is an object of {new_title, new_surface, new_bottom, evaluation: [{statement, score}]} by id",
    items: |stories| stories.into_iter().map(item).collect(),
    // Five surfaces of the release have several stories, and four are `Author:`.
    key: |item| normal(&item.surface),
};

/// As it stands in the release; it has more keys, which are notes of its making.
#[derive(Deserialize)]
pub(crate) struct Story {
    new_title: String,
    new_surface: String,
    new_bottom: String,
    evaluation: Vec<Evaluation>,
}

#[derive(Deserialize)]
struct Evaluation {
    statement: String,
    /// The weight.
    score: f64,
}

fn item((id, story): (String, Story)) -> Result<Item, String> {
    let Story { new_title, new_surface, new_bottom, evaluation } = story;
    let criterion = |Evaluation { statement, score }: Evaluation| Criterion { statement, weight: score };
    let criteria = evaluation.into_iter().map(criterion).collect();
    let item = Item { id, title: new_title, surface: new_surface, bottom: new_bottom, criteria, graph: None };
    item.check().map(|()| item)
}
