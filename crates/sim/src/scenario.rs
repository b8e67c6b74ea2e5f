//! A checked scenario: what `scenarios/*.toml` means once every key has been read.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::Pair;
use crate::RewardKind;
use crate::Rubric;
use crate::Seat;
use crate::Verdict;
use crate::gyms::Rules;

/// What is played: the world and its items, the seats and their limits, the rewards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name, as in the file.
    pub name: String,
    /// How many acts the agent has; at least 1. The next one would truncate the episode.
    pub turns_max: u32,
    /// How many turns without a legal act, in a row, make a seat fail; at least 1.
    pub malformed_max: u32,
    /// The gym and its constants.
    pub rules: Rules,
    /// How many items there are.
    pub items: ItemCounts,
    /// Per seat: limits and the policy that plays when nothing else is asked for.
    pub seats: Pair<SeatRules>,
    /// The judge.
    pub judge: JudgeRules,
    /// The terms that make up each seat's reward.
    pub rewards: Vec<RewardRule>,
    /// What counts as success for pass@k; `None` if the file does not say.
    pub success: Pair<Option<Condition>>,
}

/// Which part of the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Learned from.
    Train,
    /// Never learned from.
    HeldOut,
}

impl Split {
    /// `train` or `held-out`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::HeldOut => "held-out",
        }
    }
}

/// How many items of each split, and the seed they are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCounts {
    /// Items to learn from.
    pub train: u32,
    /// Items to measure on.
    pub held_out: u32,
    /// Seed of the item generator; no part of a run's seed, so all runs share their items.
    pub seed: u64,
}

impl ItemCounts {
    /// How many items `split` has.
    #[must_use]
    pub fn of(&self, split: Split) -> u32 {
        match split {
            Split::Train => self.train,
            Split::HeldOut => self.held_out,
        }
    }
}

/// One seat's limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRules {
    /// The policy that plays unless a run or a flag names another, e.g. `scripted:good`.
    pub policy: String,
    /// Tokens a model may sample for one turn, thought included.
    pub tokens_max: u32,
    /// Whether the seat writes a private thought before it speaks.
    pub reasons: bool,
    /// Whether it is shown what its last turn earned, after everything else that is new to it.
    pub shows_reward: bool,
    /// How long one decision may take, in milliseconds of waiting; `None`: as long as it likes.
    pub deadline_ms: Option<u64>,
}

/// The judge's policy and limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeRules {
    /// `rule`: the gym alone; `rubric`: the gym, and a panel of models besides.
    pub policy: String,
    /// How long one verdict may take, in milliseconds.
    pub deadline_ms: u64,
    /// What the panel is asked; `None` where the gym alone judges.
    pub rubric: Option<Arc<Rubric>>,
}

impl JudgeRules {
    /// The gym alone.
    #[must_use]
    pub fn rule() -> JudgeRules {
        JudgeRules { policy: RULE.to_owned(), deadline_ms: 2000, rubric: None }
    }
}

/// The judge that is the gym itself.
pub const RULE: &str = "rule";
/// The judge that asks a panel besides.
pub const RUBRIC: &str = "rubric";

/// One `[[reward]]` of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardRule {
    /// Whose.
    pub seat: Seat,
    /// One of the gym's terms for that seat.
    pub name: String,
    /// What it counts for: what the gym says, or [`RewardKind::Gate`].
    pub kind: RewardKind,
    /// Its weight.
    pub weight: f64,
}

impl Scenario {
    /// The lowest score `seat` can get: what it gets when it fails.
    #[must_use]
    pub fn worst(&self, seat: Seat) -> f64 {
        self.outcome_range(seat).0
    }

    /// The lowest and highest score `seat` can get: the weighted outcome terms' ranges, added up.
    #[must_use]
    pub fn outcome_range(&self, seat: Seat) -> (f64, f64) {
        let (mut range, terms) = ((0.0, 0.0), self.rules.terms());
        for rule in &self.rewards {
            if rule.seat == seat && rule.kind.is_score() {
                let Some(term) = terms.iter().find(|t| t.seat == seat && t.name == rule.name) else {
                    continue;
                };
                let (low, high) = (term.min * rule.weight, term.max * rule.weight);
                range = (range.0 + f64::min(low, high), range.1 + f64::max(low, high));
            }
        }
        range
    }

    /// The names of all measures: the gym's, and those of a judge's rubric.
    #[must_use]
    pub fn measures(&self) -> Vec<String> {
        let of_gym = self.rules.measures().into_iter().map(str::to_owned);
        of_gym.chain(self.judge.rubric.iter().flat_map(|rubric| rubric.measures())).collect()
    }

    /// The weight of a term for a seat; `None` if the scenario does not use it.
    #[must_use]
    pub fn weight(&self, seat: Seat, name: &str) -> Option<f64> {
        self.rewards.iter().find(|r| r.seat == seat && r.name == name).map(|r| r.weight)
    }
}

/// When an episode counts as a success: comparisons joined by `and`, e.g. `deal and agent.score > 0`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// All must hold.
    pub all: Vec<Clause>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// `agent.score`, `user.score`, or a measure of the gym, such as `deal`.
    pub name: String,
    /// How it is compared; a name alone means `> 0`.
    pub compare: Compare,
    /// With what.
    pub value: f64,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
}

impl Condition {
    /// Whether the verdict fulfils the condition; `None` if a name in it has no value in this episode.
    #[must_use]
    pub fn holds(&self, verdict: &Verdict) -> Option<bool> {
        self.all.iter().try_fold(true, |all, clause| Some(all & clause.holds(verdict)?))
    }
}

impl Clause {
    /// What is compared; `None` if the name has no value in this episode.
    #[must_use]
    pub fn value_in(&self, verdict: &Verdict) -> Option<f64> {
        match self.name.as_str() {
            "agent.score" => Some(verdict.score(Seat::Agent)),
            "user.score" => Some(verdict.score(Seat::User)),
            measure => verdict.measures.get(measure)?.rate(),
        }
    }

    /// Whether it holds; `None` if the name has no value in this episode.
    #[must_use]
    pub fn holds(&self, verdict: &Verdict) -> Option<bool> {
        let value = self.value_in(verdict)?;
        Some(match self.compare {
            Compare::Less => value < self.value,
            Compare::LessOrEqual => value <= self.value,
            Compare::Greater => value > self.value,
            Compare::GreaterOrEqual => value >= self.value,
            Compare::Equal => value == self.value,
        })
    }
}

impl fmt::Display for Condition {
    /// As it is written in a scenario file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, clause) in self.all.iter().enumerate() {
            let and = if i > 0 { " and " } else { "" };
            write!(f, "{and}{clause}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    /// As it is written in a scenario file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Clause { name, compare, value } = self;
        let compare = match compare {
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
            Compare::Equal => "==",
        };
        write!(f, "{name} {compare} {value}")
    }
}

impl std::str::FromStr for Condition {
    type Err = String;

    /// Reads `name [op number] and name [op number] …`.
    fn from_str(text: &str) -> Result<Condition, String> {
        let all = text.split(" and ").map(clause).collect::<Result<Vec<_>, _>>()?;
        Ok(Condition { all })
    }
}

fn clause(text: &str) -> Result<Clause, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, compare, value) = match words[..] {
        [name] => (name, Compare::Greater, 0.0),
        [name, op, number] => {
            let compare = match op {
                "<" => Compare::Less,
                "<=" => Compare::LessOrEqual,
                ">" => Compare::Greater,
                ">=" => Compare::GreaterOrEqual,
                "==" => Compare::Equal,
                _ => return Err(format!("`{op}` is no comparison")),
            };
            (name, compare, number.parse().map_err(|_| format!("`{number}` is not a number"))?)
        }
        _ => return Err(format!("`{}` is not `NAME` or `NAME OP NUMBER`", text.trim())),
    };
    Ok(Clause { name: name.to_owned(), compare, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_written_as_it_is_read() {
        let text = "deal > 0 and agent.score >= -0.5 and user.score < 1 and a <= 2 and b == 3";
        let condition: Condition = text.parse().expect("it is one");
        assert_eq!(condition.to_string(), text);
        let bare: Condition = "deal".parse().expect("it is one");
        assert_eq!(bare.to_string(), "deal > 0");
    }
}
