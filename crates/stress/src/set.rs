//! UserLM-R1's two evaluation sets of a user (arXiv 2601.09215; specification user-models, §1.8), made of talks: *sessions*, whole talks with a fixed agent,
//! and *turns*, one answer each to an agent that presses, on the same call once where what it says is false and once where it is true.
//!
//! ```text
//!  a talk ── sessions(n) ──> the same talk with its first n held-out items, and no others
//!  a talk ── turns(n) ─────> of each of its trap families n pairs of a trap and its truthful twin; the agent has one turn
//! ```
//!
//! A set is frozen by the fingerprint of what its scenarios come to here: people, facts, lines, conditions, rewards. Which families are held out is the
//! talk's to say, so a set measures by family as well as by item.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use sim::Scenario;
use sim::gyms::Rules;
use sim::gyms::Splits;
use sim::gyms::talk;
use sim::gyms::talk::Family as Trap;
use sim::gyms::talk::Item;
use sim::gyms::talk::book::Value;
use sim::rubric::Juror;
use sim::scenario::ItemCounts;
use sim::scenario::JudgeRules;
use sim::scenario::RUBRIC;
use sim::scenario::Split;

use crate::Side;
use crate::Yardsticks;
use crate::columns;

/// How long a judge's verdict may take, in milliseconds.
const JUDGE_MS: u64 = 120_000;

/// One evaluation set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvalSet {
    /// Its name, unique in the suite.
    pub name: String,
    /// Of what.
    pub kind: SetKind,
    /// The agent that all users meet.
    pub opponent: String,
    /// The talks; their held-out items are the set's.
    pub scenarios: Vec<Arc<Scenario>>,
    /// Users by which it is known that the set tells them apart.
    pub yardsticks: Yardsticks,
}

/// What a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetKind {
    /// A whole talk.
    Sessions,
    /// One answer of the user to the agent's first turn, which presses.
    Turns,
}

impl SetKind {
    /// Both with their words.
    pub const ALL: [(&'static str, SetKind); 2] = [("sessions", SetKind::Sessions), ("turns", SetKind::Turns)];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        SetKind::ALL[self as usize].0
    }
}

/// One task of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which of the set's scenarios.
    pub scenario: usize,
    /// Which held-out item of it.
    pub item: u32,
    /// Its number in the set; a trap and its twin have one, and so the same draws.
    pub number: u32,
    /// Hostile; the twin of a pair of turns is benign.
    pub side: Side,
}

/// Why a set cannot be made of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// It is of another gym.
    #[error("is of the gym `{0}`, and the sets are of talks")]
    NoTalk(&'static str),
    /// It has too few held-out items.
    #[error("has {has} held-out items, and {wanted} tasks are to be made of them")]
    TooFew {
        /// How many there are.
        has: u32,
        /// How many were asked for.
        wanted: u32,
    },
    /// No pressing line, so no family.
    #[error("has no pressing lines")]
    NoTraps,
    /// A family with too few items that can be both a trap and true.
    #[error("has {has} held-out calls that can be pressed with {family} truly and falsely, and {wanted} are wanted")]
    TooFewPairs {
        /// The family's code.
        family: &'static str,
        /// How many there are.
        has: usize,
        /// How many were asked for.
        wanted: u32,
    },
}

/// The talk with its first held-out items alone.
///
/// # Errors
/// [`SetError`] if it is no talk, or has too few.
pub fn sessions(scenario: &Scenario, tasks: u32) -> Result<Scenario, SetError> {
    let rules = talk_of(scenario)?;
    let held_out = rules.items.of(Split::HeldOut);
    if held_out.len() < tasks as usize {
        return Err(SetError::TooFew { has: held_out.len() as u32, wanted: tasks });
    }
    Ok(with_items(scenario, rules, held_out[..tasks as usize].iter().map(|item| Item::clone(item)).collect()))
}

/// Of each family of the talk so many pairs of a trap and its twin, one behind the other, in which the agent has one turn.
///
/// # Errors
/// [`SetError`] if it is no talk, or a family has too few.
pub fn turns(scenario: &Scenario, tasks: u32) -> Result<Scenario, SetError> {
    let rules = talk_of(scenario)?;
    let families: Vec<Trap> = Trap::all().filter(|family| lines(rules, *family).next().is_some()).collect();
    if families.is_empty() {
        return Err(SetError::NoTraps);
    }
    let learned: BTreeSet<Key<'_>> = rules.items.of(Split::Train).iter().map(|item| key(item)).collect();
    let mut items = Vec::new();
    for family in families {
        let is_new = |pair: &[Item; 2]| pair.iter().all(|item| !learned.contains(&key(item)));
        let pairs: Vec<[Item; 2]> = pairs(rules, family).filter(is_new).take(tasks as usize).collect();
        if pairs.len() < tasks as usize {
            return Err(SetError::TooFewPairs { family: family.code(), has: pairs.len(), wanted: tasks });
        }
        items.extend(pairs.into_iter().flatten());
    }
    Ok(Scenario { turns_max: 1, ..with_items(scenario, rules, items) })
}

/// Who is called where what is true: what the splits of a talk do not share.
type Key<'i> = (usize, usize, &'i [Option<Value>]);

fn key(item: &Item) -> Key<'_> {
    (item.person.objective, item.person.subjective, &item.truth)
}

fn talk_of(scenario: &Scenario) -> Result<&talk::Rules, SetError> {
    match &scenario.rules {
        Rules::Talk(rules) => Ok(rules),
        other => Err(SetError::NoTalk(other.name())),
    }
}

fn lines(rules: &talk::Rules, family: Trap) -> impl Iterator<Item = usize> {
    let lines = rules.book.agent.traps.iter().enumerate();
    lines.filter(move |(_, line)| line.family == family).map(|(index, _)| index)
}

/// The held-out calls that have a line of this family, each once with what it states false and once with it true. (What is changed for one of the two may
/// make it a call that is learned from.)
fn pairs(rules: &talk::Rules, family: Trap) -> impl Iterator<Item = [Item; 2]> {
    rules.items.of(Split::HeldOut).iter().filter_map(move |item| {
        let has = |trap: &usize| item.plants.iter().any(|plant| plant.trap == *trap);
        let trap = lines(rules, family).find(has)?;
        let side = |fair| talk::items::pressed(&rules.book, item, trap, fair);
        Some([side(false)?, side(true)?])
    })
}

/// The same talk with these held-out items; nobody learns from a set.
fn with_items(scenario: &Scenario, rules: &talk::Rules, held_out: Vec<Item>) -> Scenario {
    let count = held_out.len() as u32;
    let train = vec![Item::clone(&rules.items.of(Split::Train)[0])];
    let items = Splits::new(train, held_out).expect("a set has tasks");
    Scenario {
        items: ItemCounts { train: 1, held_out: count, ..scenario.items },
        rules: Rules::Talk(talk::Rules { book: Arc::clone(&rules.book), items: Arc::new(items) }),
        ..scenario.clone()
    }
}

impl EvalSet {
    /// All tasks, in their order.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut number = 0;
        for (scenario, of) in self.scenarios.iter().enumerate() {
            for item in 0..of.items.held_out {
                let side = match self.kind {
                    SetKind::Turns if item % 2 == 1 => Side::Benign,
                    SetKind::Sessions | SetKind::Turns => Side::Hostile,
                };
                tasks.push(Task { scenario, item, number, side });
                number += u32::from(self.kind == SetKind::Sessions || side == Side::Benign);
            }
        }
        tasks
    }

    /// The set with a panel that marks what rules cannot. What rules say of it stays the same, and so do its tasks.
    pub fn judged_by(&mut self, panel: &[Juror]) {
        let rubric = Arc::new(columns::rubric(self.kind, panel));
        for scenario in &mut self.scenarios {
            let judge =
                JudgeRules { policy: RUBRIC.to_owned(), deadline_ms: JUDGE_MS, rubric: Some(Arc::clone(&rubric)) };
            *scenario = Arc::new(Scenario { judge, ..Scenario::clone(scenario) });
        }
    }
}
