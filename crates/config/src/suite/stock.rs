//! Where a suite's scenarios come from: files, read with overrides.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sim::Scenario;
use sim::Seat;
use sim::scenario::Split;

use crate::ConfigError;
use crate::FileKind;
use crate::check::Check;
use crate::load;
use crate::node::Node;
use crate::scenario;
use crate::shelf::Shelf;

/// Where a suite's scenarios come from.
pub(super) struct Stock<'s> {
    pub(super) shelf: Shelf<'s>,
    pub(super) folder: PathBuf,
    /// Items of each scenario that are played.
    pub(super) items: u32,
    /// Mistakes in other files, each once.
    pub(super) elsewhere: Vec<ConfigError>,
    /// Of the first family and of the first test of traps, its name and whether its seats reason.
    pub(super) reasons: BTreeMap<&'static str, (String, [bool; 2])>,
}

impl Stock<'_> {
    /// A scenario with overrides, each a mistake of its own line if it is one.
    pub(super) fn scenario(
        &mut self,
        check: &mut Check<'_>,
        key: &str,
        written: &str,
        (list, sets): (&str, &[String]),
        turns_max: Option<String>,
    ) -> Option<Arc<Scenario>> {
        let path = self.shelf.beside(&self.folder, written);
        let source = load::named(self.shelf, FileKind::Scenario, &path, (key, written), check)?;
        let mut root = match Node::parse(&source) {
            Ok(root) => root,
            Err(errors) => return self.note(errors.0),
        };
        let mut is_good = true;
        for (at, set) in sets.iter().chain(&turns_max).enumerate() {
            if let Err(error) = root.set(set) {
                check.error(
                    &format!("{list}[{at}]"),
                    format!("`{set}` {}", error.what),
                    "write `KEY=VALUE`, e.g. `turns_max=6`",
                );
                is_good = false;
            }
        }
        let mut inner = Check::new(source.name(), &root);
        let scenario = scenario::scenario(&mut inner, &root);
        match inner.finish(scenario) {
            Ok(scenario) if is_good => Some(Arc::new(scenario)),
            Ok(_) => None,
            Err(errors) => {
                let (of_sets, of_file): (Vec<ConfigError>, Vec<ConfigError>) =
                    errors.0.into_iter().partition(|error| error.line.is_none() && error.file == "--set");
                for error in of_sets {
                    check.error(list, format!("{}: {}", error.key, error.what), error.hint.unwrap_or_default());
                }
                self.note(of_file)
            }
        }
    }

    /// Mistakes of another file, which both sides of a family have alike.
    fn note<T>(&mut self, errors: Vec<ConfigError>) -> Option<T> {
        for error in errors {
            if !self.elsewhere.contains(&error) {
                self.elsewhere.push(error);
            }
        }
        None
    }

    pub(super) fn enough_items(&self, check: &mut Check<'_>, key: &str, scenario: &Scenario) {
        let has = scenario.items.of(Split::HeldOut);
        if has < self.items {
            let what = format!("`{}` has {has} held-out items, and {} are to be played", scenario.name, self.items);
            check.error(key, what, "lower `items`, or let the scenario have more");
        }
    }

    /// One model is tested in all families, or in all tests of traps, so it thinks in all of them or in none.
    pub(super) fn reason_alike(
        &mut self,
        check: &mut Check<'_>,
        list: &'static str,
        key: &str,
        name: &str,
        scenario: &Scenario,
    ) {
        let reasons = Seat::ALL.map(|seat| scenario.seats[seat].reasons);
        let (first, as_there) = self.reasons.entry(list).or_insert_with(|| (name.to_owned(), reasons));
        if *as_there != reasons {
            let what =
                format!("its seats reason otherwise than those of `{first}`: one model could not be tested in both");
            check.error(key, what, "give their scenarios the same `agent.reasons` and `user.reasons`");
        }
    }
}
