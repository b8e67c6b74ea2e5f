mod documented;
mod queries;
mod scripts;
mod talk;

use std::sync::Arc;

use super::Crux;
use super::Item;
use super::Library;
use super::Rules;
use crate::Pair;
use crate::Scenario;

/// A belief that rests on six cruxes of a level each, the first two of them about cost.
fn scenario() -> Arc<Scenario> {
    let cruxes = [0, 1, 4, 8, 13, 22].map(|number| Crux { number, levels: 1 });
    of(Some(cruxes.to_vec()))
}

/// A published belief, of which nobody knows what it rests on.
fn published() -> Arc<Scenario> {
    of(None)
}

fn of(cruxes: Option<Vec<Crux>>) -> Arc<Scenario> {
    let item = |claim: &str| Item {
        id: claim.to_owned(),
        claim: claim.to_owned(),
        argument: "It is CANARY.".to_owned(),
        cruxes: cruxes.clone(),
    };
    let library = Library::new(vec![item("Ants are clever.")], vec![item("Bees are clever.")]).unwrap();
    let items = library.counts();
    let rules = crate::gyms::Rules::Persuade(Rules { library: Arc::new(library) });
    Arc::new(Scenario { rules, items, success: Pair::default(), ..super::example() })
}

/// An argument about a crux.
fn about(crux: usize) -> String {
    let [one, other, ..] = super::catalogue::CRUXES[crux];
    format!("[answer] Think of the {one} and of the {other}, please.")
}
