//! `docs/SCENARIOS.md` and `docs/METRICS.md` name everything that a scenario file, a metric or a table of this gym can name.

use super::super::MEASURES;
use super::super::Script;
use super::super::TERMS;
use crate::testing::on_the_page;

#[test]
fn every_term_measure_and_script_is_on_the_page() {
    on_the_page::<Script>("telepathy", TERMS, MEASURES);
}
