mod documented;
mod queries;
mod scripts;
mod talk;

use std::sync::Arc;

use super::Item;
use super::Library;
use super::Rules;
use super::catalogue;
use crate::Pair;
use crate::Scenario;

/// What the user thinks of in [`scenario`].
const TITLE: &str = "small brown furry forest hunter";

/// One held-out thing of our own, one to learn from.
fn scenario() -> Arc<Scenario> {
    let made = |values, id: &str| {
        let table = catalogue::Table { kind: 0, values };
        Item {
            id: id.to_owned(),
            title: table.title(),
            aliases: vec!["the lynx".to_owned()],
            category: "animal".to_owned(),
            description: catalogue::description(table.kind()),
            target: format!("{} CANARY", table.title()),
            table: Some(table),
        }
    };
    of(Library::new(vec![made([1; 5], "t")], vec![made([0; 5], "h")]).unwrap())
}

/// A published thing, of which nothing is known but the name.
fn published() -> Arc<Scenario> {
    let thing = |title: &str| Item {
        id: title.to_owned(),
        title: title.to_owned(),
        aliases: Vec::new(),
        category: "instrument".to_owned(),
        description: "I am thinking of an instrument.".to_owned(),
        target: format!("{title} - with strings"),
        table: None,
    };
    of(Library::new(vec![thing("Piano"), thing("Harp")], vec![thing("Lute")]).unwrap())
}

fn of(library: Library) -> Arc<Scenario> {
    let items = library.counts();
    let rules = crate::gyms::Rules::Telepathy(Rules { library: Arc::new(library) });
    Arc::new(Scenario { rules, items, success: Pair::default(), ..super::example() })
}
