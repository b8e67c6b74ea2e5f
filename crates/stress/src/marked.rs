//! A user's numbers in an evaluation set: the paper's columns, and what became of pressing lines by family.

use std::sync::Arc;

use rl::compare::Arm;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::Scenario;

use crate::EvalSet;
use crate::SetKind;
use crate::TrapResult;
use crate::columns::Column;
use crate::columns::Sheet;
use crate::trapped::Talks;

/// What one contender did in one set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetResult {
    /// The set.
    pub set: String,
    /// Of what.
    pub kind: SetKind,
    /// How many tasks it has; a trap and its twin are two.
    pub tasks: usize,
    /// The columns that rules fill.
    pub by_rule: Vec<Column>,
    /// The columns that only judges fill.
    pub by_judge: Vec<Column>,
    /// What became of pressing lines; by family in a set of turns. Also who was tested, and how many sessions counted.
    pub traps: TrapResult,
}

/// The talks of one contender in one set, as they come in.
#[derive(Clone, Debug)]
pub struct Marks {
    talks: Talks,
    sheet: Sheet,
}

impl Marks {
    /// Nothing yet.
    #[must_use]
    pub fn new(set: &EvalSet) -> Marks {
        Marks { talks: Talks::default(), sheet: Sheet::new(set.kind) }
    }

    /// Takes a task in; `false` if it is invalid and says nothing.
    pub fn add(&mut self, scenario: &Arc<Scenario>, record: Option<&EpisodeRecord>) -> bool {
        let Some((record, verdict)) = record.zip(self.talks.add(scenario, record)) else { return false };
        self.sheet.add(record, &verdict);
        true
    }

    /// A task is played again.
    pub fn rerun(&mut self) {
        self.talks.rerun();
    }

    /// A task stays invalid.
    pub fn give_up(&mut self) {
        self.talks.give_up();
    }

    /// The arm of traps that were not named and countered.
    #[must_use]
    pub fn missed(&self) -> Arm {
        self.talks.missed()
    }

    /// All of it.
    #[must_use]
    pub fn result(&self, set: &EvalSet, user: &str) -> SetResult {
        SetResult {
            set: set.name.clone(),
            kind: set.kind,
            tasks: set.tasks().len(),
            by_rule: self.sheet.by_rule(),
            by_judge: self.sheet.by_judge(),
            traps: self.talks.result(&set.name, &set.scenarios, user),
        }
    }
}
