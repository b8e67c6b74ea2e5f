//! `docs/SCENARIOS.md` names everything that a scenario file, a metric or a table can name.

use crate::Seat;
use crate::gyms::Script;
use crate::gyms::haggle::Fact;
use crate::gyms::haggle::Family;
use crate::gyms::haggle::MEASURES;
use crate::gyms::haggle::Rules;
use crate::gyms::haggle::TERMS;
use crate::testing::scenario;

const PAGE: &str = include_str!("../../../../../../docs/SCENARIOS.md");

fn check(what: &str) {
    assert!(PAGE.contains(what), "docs/SCENARIOS.md does not mention {what}");
}

#[test]
fn every_term_measure_and_constant_is_on_the_page() {
    for term in TERMS {
        check(&format!("`{}`", term.name));
    }
    for measure in MEASURES {
        check(&format!("`{measure}`"));
    }
    let constants = serde_json::to_value(Rules::default()).expect("constants are data");
    let constants = constants.as_object().expect("a section of a file");
    for (name, value) in constants {
        let default = value.to_string();
        let default = default.strip_suffix(".0").unwrap_or(&default);
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("the page has no row for {name}"));
        assert!(row.contains(&format!("| {default} |")), "the default is {default}: {row}");
    }
}

#[test]
fn every_fact_and_trap_family_is_on_the_page() {
    for fact in Fact::ALL {
        check(&format!("| {} | {} |", fact.name(), fact.values().join(", ")));
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| {} |", fact.name())));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {} |", fact.family().name()))), "{fact:?}");
    }
    for family in Family::ALL {
        check(&family.pressure().map(|opening| format!("`{opening}`")).join(" "));
    }
}

#[test]
fn every_script_has_its_row_in_the_table_of_its_seat() {
    let scenario = scenario();
    let (_, tables) = PAGE.split_once("## Is it sound?").expect("the page ends with the tables");
    for seat in Seat::ALL {
        let (_, table) = tables.split_once(&format!("| {seat} | score |")).expect("each seat has a table");
        let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        let names = Script::names(&scenario.rules, seat);
        assert_eq!(rows.len(), names.len(), "the {seat}'s table is of other scripts");
        for name in names {
            assert!(rows.iter().any(|row| row.starts_with(&format!("| `{name}` |"))), "no row for {name}");
        }
    }
}
