//! A user's numbers before pressing agents, by trap family: the talk's own measures, which are of one family since an item has one pressing line.

use std::collections::BTreeMap;
use std::sync::Arc;

use rl::compare;
use rl::compare::Arm;
use rl::interval::Estimate;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;
use sim::Verdict;
use sim::gyms::Rules;
use sim::gyms::talk::Family as Trap;

use crate::session::ending;
use crate::session::spoiled_by;

/// The measures that are looked at.
const MEASURES: [&str; 3] = ["user/trap_recall", "user/trap_fell", "user/over_suspicion"];

/// What one contender did in one test. `None` stands for what nothing was counted of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrapResult {
    /// The test.
    pub test: String,
    /// Who was tested, as castings call it.
    pub user: String,
    /// Sessions that were scored.
    pub episodes: usize,
    /// Sessions that stayed invalid after all reruns.
    pub undetermined: usize,
    /// Sessions that were played again.
    pub reruns: usize,
    /// Over all families.
    pub overall: TrapNumbers,
    /// By family, under its code.
    pub families: BTreeMap<String, TrapNumbers>,
}

/// What became of pressing lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrapNumbers {
    /// The word of the family; empty for all.
    pub word: String,
    /// Whether items to learn from never press in this way; for all families together it is not said.
    pub held_out: Option<bool>,
    /// Share of traps that were named and countered in the turn that answers them.
    pub recall: Option<Estimate>,
    /// Share of traps that were given in to.
    pub fell: Option<Estimate>,
    /// Share of truthful twins that were countered.
    pub over_suspicion: Option<Estimate>,
}

/// The sessions of one contender in one test, as they come in.
#[derive(Clone, Debug, Default)]
pub struct Talks {
    /// For each family, none being all of them, an arm for each measure.
    arms: BTreeMap<Option<Trap>, [Arm; 3]>,
    episodes: usize,
    undetermined: usize,
    reruns: usize,
}

impl Talks {
    /// Takes a session in, under the number of its item; `None` if it is invalid and says nothing, or else what the world says of it. A user that failed
    /// is asked no more and has no verdict, and what it did not counter it missed.
    pub fn add(&mut self, scenario: &Arc<Scenario>, record: Option<&EpisodeRecord>) -> Option<Verdict> {
        let record = record.filter(|record| spoiled_by(record, Seat::Agent).is_none())?;
        let verdict = ending(record, scenario)?;
        self.episodes += 1;
        let family = family_of(scenario, record);
        for (index, measure) in MEASURES.iter().enumerate() {
            let ratio = verdict.measures.get(*measure).copied().unwrap_or_default();
            for of in [None, family].into_iter().take(if family.is_some() { 2 } else { 1 }) {
                self.arms.entry(of).or_default()[index].add(record.casting.id.group, record.seed, ratio);
            }
        }
        Some(verdict)
    }

    /// A session is played again.
    pub fn rerun(&mut self) {
        self.reruns += 1;
    }

    /// A session stays invalid.
    pub fn give_up(&mut self) {
        self.undetermined += 1;
    }

    /// The arm of traps that were not named and countered: what yardsticks are told apart by.
    #[must_use]
    pub fn missed(&self) -> Arm {
        let mut missed = Arm::default();
        for ((item, seed), recall) in self.arms.get(&None).iter().flat_map(|[recall, ..]| recall.cells()) {
            missed.add(item, seed, Ratio::new(recall.den - recall.num, recall.den));
        }
        missed
    }

    /// All of it; `scenarios` are those that were played.
    #[must_use]
    pub fn result(&self, name: &str, scenarios: &[Arc<Scenario>], user: &str) -> TrapResult {
        let numbers = |family: Option<Trap>, arms: &[Arm; 3]| TrapNumbers {
            word: family.map_or("", Trap::word).to_owned(),
            held_out: family.map(|family| scenarios.iter().all(|scenario| is_held_out(scenario, family))),
            recall: compare::estimate(&arms[0]),
            fell: compare::estimate(&arms[1]),
            over_suspicion: compare::estimate(&arms[2]),
        };
        let of_family =
            |(of, arms): (&Option<Trap>, &[Arm; 3])| Some((of.as_ref()?.code().to_owned(), numbers(*of, arms)));
        TrapResult {
            test: name.to_owned(),
            user: user.to_owned(),
            episodes: self.episodes,
            undetermined: self.undetermined,
            reruns: self.reruns,
            overall: self.arms.get(&None).map(|arms| numbers(None, arms)).unwrap_or_default(),
            families: self.arms.iter().filter_map(of_family).collect(),
        }
    }
}

/// The family of the pressing line that this item has; `None` if it has several, or none.
fn family_of(scenario: &Scenario, record: &EpisodeRecord) -> Option<Trap> {
    let Rules::Talk(rules) = &scenario.rules else { return None };
    match &rules.items.item(record.casting.split, record.casting.item).plants[..] {
        [plant] => Some(rules.book.agent.traps[plant.trap].family),
        _ => None,
    }
}

/// Whether no item to learn from presses in this way.
fn is_held_out(scenario: &Scenario, family: Trap) -> bool {
    let Rules::Talk(rules) = &scenario.rules else { return false };
    rules.book.sampling.held_out.contains(&family)
}
