mod documented;
mod queries;
mod scripts;
mod talk;

use std::sync::Arc;

use super::Detail;
use super::Importance;
use super::Item;
use super::Library;
use super::Rules;
use crate::Pair;
use crate::Scenario;
use crate::scenario::ItemCounts;

/// One held-out request with details of all three importances, beside sixty to learn from that share no word with it.
fn scenario() -> Arc<Scenario> {
    let detail = |description: &str, importance| Detail {
        description: description.to_owned(),
        importance,
        inquiry: format!("{description}?"),
        options: vec![format!("{description} as before")],
    };
    let item = |id: String, task: &str, missing_details| Item {
        id,
        category: "Cooking".to_owned(),
        task: task.to_owned(),
        missing_details,
    };
    let train = (0..60)
        .map(|n| item(format!("t{n}"), &format!("Make t{n}"), vec![detail(&format!("w{n}"), Importance::Low)]))
        .collect();
    let asked = vec![
        detail("servings", Importance::High),
        detail("spice level", Importance::Medium),
        detail("music", Importance::Low),
    ];
    let library = Library::new(train, vec![item("h0".to_owned(), "Make soup", asked)]).unwrap();
    let items = ItemCounts { train: 60, held_out: 1, seed: 0 };
    let rules = super::super::Rules::Intention(Rules { multi_detail_penalty: 0.2, library: Arc::new(library) });
    Arc::new(Scenario { rules, items, success: Pair::default(), ..super::example() })
}
