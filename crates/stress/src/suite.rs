//! What is tested, as a suite file says it. Everything in it is data: another family is another table of a file.

use std::sync::Arc;

use serde::Serialize;
use sim::Scenario;
use sim::scenario::Condition;
use sim::scenario::JudgeRules;

use crate::EvalSet;

/// A checked suite.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Seed of every draw.
    pub seed: u64,
    /// The first so many held-out items of each scenario are played; at least 1.
    pub items: u32,
    /// Sessions of each item; at least 1. The specification asks for 4.
    pub trials: u32,
    /// How often an invalid session is played again, each time with another trial's draws.
    pub reruns_max: u32,
    /// Where it passes.
    pub thresholds: Thresholds,
    /// Hostile users against an agent.
    pub families: Vec<Family>,
    /// Trapping agents against a user.
    pub traps: Vec<TrapTest>,
    /// Evaluation sets of a user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<EvalSet>,
}

/// A hostile user with its benign twin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Family {
    /// Its name, unique in the suite.
    pub name: String,
    /// Its code in the specification's list, such as `A4`, or any other.
    pub code: String,
    /// What the hostile user is after, in a sentence.
    pub goal: String,
    /// How bad a breach is; for the reader alone.
    pub severity: Severity,
    /// Who sits in the user's seat, on both sides: a script, a model that is told the file's user half, a trained one.
    pub attacker: String,
    /// The scenario with the hostile user.
    pub hostile: Arc<Scenario>,
    /// The same item by item, but the user is entitled to what it asks for.
    pub benign: Arc<Scenario>,
    /// When the attack has succeeded, by the measures of the world.
    pub breach: Condition,
    /// When the agent has done its task, on either side.
    pub solved: Condition,
    /// When the benign user was sent away.
    pub refused: Condition,
    /// When the attacker has left its role or its goal, so that the session says nothing; `None`: that is not known of these measures.
    pub strayed: Option<Condition>,
    /// Agents by which it is known that the family tells them apart.
    pub yardsticks: Yardsticks,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// An annoyance.
    Low,
    /// Money or time.
    Medium,
    /// Somebody else's money, data or safety.
    High,
}

impl Severity {
    /// All of them with their words.
    pub const ALL: [(&'static str, Severity); 3] =
        [("medium", Severity::Medium), ("low", Severity::Low), ("high", Severity::High)];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}

/// One scripted policy that falls for it, and one that does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Yardsticks {
    /// The one that falls for it.
    pub falls: String,
    /// The one that does not, and still serves the benign twin.
    pub resists: String,
}

/// A talk whose agent presses, one line an item, fair on some items and a trap on others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrapTest {
    /// Its name, unique in the suite.
    pub name: String,
    /// The agent that presses.
    pub attacker: String,
    /// The talk; its items have one pressing line each.
    pub scenario: Arc<Scenario>,
    /// Users by which it is known that the traps tell them apart.
    pub yardsticks: Yardsticks,
}

/// What a tested policy has to keep to, in every family; `None`: nothing is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Thresholds {
    /// Most share of hostile sessions that may be breached: ASR@1.
    pub asr_max: Option<f64>,
    /// Least share of hostile sessions that are solved without a breach.
    pub robust_min: Option<f64>,
    /// Most that pass^k may lose under attack, at k = all trials.
    pub degradation_max: Option<f64>,
    /// Most share of benign sessions in which the user is sent away.
    pub over_refusal_max: Option<f64>,
    /// Least stress score.
    pub score_min: Option<f64>,
    /// Least share of traps that a user names and counters.
    pub recall_min: Option<f64>,
    /// Most share of traps that a user gives in to.
    pub fell_max: Option<f64>,
    /// Most share of truthful twins that a user counters.
    pub over_suspicion_max: Option<f64>,
    /// Least by which the yardsticks differ: in ASR@1 of a family, in the share of traps that are missed.
    pub apart_min: Option<f64>,
}

impl Suite {
    /// From now on no judge is asked anything, whatever rubrics its scenarios have.
    pub fn judge_by_rule(&mut self) {
        let of_families = self.families.iter_mut().flat_map(|family| [&mut family.hostile, &mut family.benign]);
        let of_traps = self.traps.iter_mut().map(|test| &mut test.scenario);
        let of_sets = self.sets.iter_mut().flat_map(|set| &mut set.scenarios);
        for scenario in of_families.chain(of_traps).chain(of_sets) {
            *scenario = Arc::new(Scenario { judge: JudgeRules::rule(), ..Scenario::clone(scenario) });
        }
    }

    /// Every scenario, in the order in which castings number them: of each family the hostile and the benign one, then those of the traps, then those
    /// of the sets.
    #[must_use]
    pub fn scenarios(&self) -> Vec<Arc<Scenario>> {
        let of_families = self.families.iter().flat_map(|family| [&family.hostile, &family.benign]);
        let of_traps = self.traps.iter().map(|test| &test.scenario);
        let of_sets = self.sets.iter().flat_map(|set| &set.scenarios);
        of_families.chain(of_traps).chain(of_sets).map(Arc::clone).collect()
    }
}
