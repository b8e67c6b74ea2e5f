//! `docs/SCENARIOS.md` and `docs/METRICS.md` name everything that a scenario file, a metric or a table of this gym can name.

use super::super::MEASURES;
use super::super::Script;
use super::super::TERMS;
use crate::Seat;
use crate::gyms::GymScript;

const SCENARIOS: &str = include_str!("../../../../../../docs/SCENARIOS.md");
const METRICS: &str = include_str!("../../../../../../docs/METRICS.md");

#[test]
fn every_term_measure_and_script_is_on_the_page() {
    let (_, page) = SCENARIOS.split_once("## `tau`: the world").expect("the gym has its part of the page");
    let names = TERMS
        .iter()
        .map(|term| term.name.to_owned())
        .chain(Script::names(Seat::Agent))
        .chain(Script::names(Seat::User));
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/SCENARIOS.md does not mention {name}");
    }
    for measure in MEASURES {
        assert!(page.contains(&format!("| `{measure}` |")), "no row for {measure} in docs/SCENARIOS.md");
        assert!(METRICS.contains(&format!("| `{measure}` |")), "no row for {measure} in docs/METRICS.md");
    }
}
