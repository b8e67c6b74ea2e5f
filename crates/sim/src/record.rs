//! What is written down of an episode: enough to train on, to re-drive and to show.

mod wire;

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

use crate::Address;
use crate::Addressee;
use crate::Answer;
use crate::Decision;
use crate::Effect;
use crate::Fault;
use crate::Message;
use crate::Pair;
use crate::Phase;
use crate::RewardKind;
use crate::Seat;
use crate::Tools;
use crate::Verdict;
use crate::scenario::Split;

/// An episode's place in its run, and its name: `grpo-000012-0003-0-5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpisodeId {
    /// What it is played for.
    pub phase: Phase,
    /// Training: the step. Evaluation: the step evaluated.
    pub round: u64,
    /// Training: the group. Evaluation: the item.
    pub group: u32,
    /// Evaluation: the trial, from 0. Training: 0.
    pub trial: u32,
    /// Training: which of its group, from 1. Evaluation: 1.
    pub member: u32,
}

impl EpisodeId {
    /// Where the world's, the profile's, the opponents' and the rules' numbers are drawn: the same for all members of a group, and in
    /// evaluation for all steps and arms.
    #[must_use]
    pub fn address(&self, seed: u64) -> Address {
        let round = match self.phase {
            Phase::Eval => 0,
            Phase::Sft | Phase::Grpo | Phase::Rollout => self.round,
        };
        Address { seed, phase: self.phase, round, group: self.group, trial: self.trial, member: 0 }
    }
}

impl fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Sft => "sft",
            Phase::Grpo => "grpo",
            Phase::Eval => "eval",
            Phase::Rollout => "rollout",
        };
        write!(f, "{phase}-{:06}-{:04}-{}-{}", self.round, self.group, self.trial, self.member)
    }
}

impl FromStr for EpisodeId {
    type Err = String;

    fn from_str(text: &str) -> Result<EpisodeId, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let [phase, round, group, trial, member] = parts[..] else {
            return Err(format!("`{text}` is not an episode id such as grpo-000012-0003-0-5"));
        };
        let phase = match phase {
            "sft" => Phase::Sft,
            "grpo" => Phase::Grpo,
            "eval" => Phase::Eval,
            "rollout" => Phase::Rollout,
            other => return Err(format!("`{other}` is not sft, grpo, eval or rollout")),
        };
        let number = |part: &str| part.parse::<u64>().map_err(|_| format!("`{part}` is not a number"));
        let small = |part: &str| part.parse::<u32>().map_err(|_| format!("`{part}` is not a number"));
        Ok(EpisodeId {
            phase,
            round: number(round)?,
            group: small(group)?,
            trial: small(trial)?,
            member: small(member)?,
        })
    }
}

/// Who plays what: everything besides the scenario and the seed that an episode starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Casting {
    /// The episode.
    pub id: EpisodeId,
    /// Which of the run's scenarios, from 0.
    pub scenario: u32,
    /// Which part of the items.
    pub split: Split,
    /// Which item of it.
    pub item: u32,
    /// Who sits where, as on the command line: `rule`, `scripted:noisy`, `model:…`.
    pub policies: Pair<String>,
    /// Whether this episode trains the seat.
    pub learns: Pair<bool>,
    /// How the seat is told what it may do. Whoever brings it to life knows: until then, and for whoever is no model, it is
    /// [`Tools::Prose`].
    pub tools: Pair<Tools>,
}

/// How an episode ended. Three different things, never a bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// By an act.
    Terminated,
    /// By `turns_max`.
    Truncated,
    /// By this seat's own failure: `malformed_max` in a row, or `tokens_max` without an act.
    Failed(Seat),
}

impl Stop {
    /// `terminated`, `truncated` or `failed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stop::Terminated => "terminated",
            Stop::Truncated => "truncated",
            Stop::Failed(_) => "failed",
        }
    }
}

/// One seat's turn: what it was shown, what it decided, what that did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Who.
    pub seat: Seat,
    /// What was new to it.
    pub observed: Vec<Message>,
    /// What it decided. Where a fault came before it could (`effect` is then `None` and the record has the fault), an empty
    /// [`NoAct::OutOfTokens`](crate::NoAct::OutOfTokens).
    pub decision: Decision,
    /// What the world had to know before it could take effect, in order.
    pub answers: Vec<Answered>,
    /// What that did; `None` if the episode ended before it took effect.
    pub effect: Option<Effect>,
}

/// A query of the world, answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Which seat was asked.
    pub seat: Addressee,
    /// Whether the answer was said aloud; if not, only the world heard it.
    pub spoken: bool,
    /// The answer.
    pub answer: Answer,
}

/// One finished episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeRecord {
    /// Who played what, where in the run.
    pub casting: Casting,
    /// The run's seed.
    pub seed: u64,
    /// The scenario's name.
    pub scenario: String,
    /// The item's id, readable: `held-out-000017`.
    pub item: String,
    /// All turns, oldest first.
    pub turns: Vec<Turn>,
    /// How it ended; `None` if a fault ended it.
    pub stop: Option<Stop>,
    /// What went wrong outside the rules, if anything did. With a fault there is no score.
    pub fault: Option<Fault>,
    /// What the judge said; `None` after a failure or a fault.
    pub verdict: Option<Verdict>,
    /// Each seat's score; `None` ≠ 0: it was never scored. A seat's own failure scores the scenario's worst for that seat only.
    pub scores: Pair<Option<f64>>,
}

impl EpisodeRecord {
    /// The seat's own turns, oldest first.
    pub fn turns_of(&self, seat: Seat) -> impl Iterator<Item = &Turn> {
        self.turns.iter().filter(move |turn| turn.seat == seat)
    }

    /// What trains `seat`, turn by turn: rewards of scope `Turn` at their turn, those of scope `Session` at the last, each as far as the seat's gates let
    /// it pass. A failed seat has its score there. `None` if the seat was not scored; empty if it never spoke.
    #[must_use]
    pub fn turn_rewards(&self, seat: Seat) -> Option<Vec<f64>> {
        self.turn_rewards_of(seat, |_| true)
    }

    /// The same of rewards of some kinds alone; a failure counts for all of them.
    #[must_use]
    pub fn turn_rewards_of(&self, seat: Seat, counts: impl Fn(RewardKind) -> bool) -> Option<Vec<f64>> {
        let score = self.scores[seat]?;
        let mut rewards = vec![0.0; self.turns_of(seat).count()];
        let Some(last) = rewards.len().checked_sub(1) else {
            return Some(rewards);
        };
        match &self.verdict {
            None => rewards[last] = score,
            Some(verdict) => {
                let kept = verdict.kept(seat);
                let added = verdict.rewards.iter().filter(|r| r.seat == seat && r.is_added() && counts(r.kind));
                for reward in added {
                    let at = match reward.scope {
                        crate::Scope::Turn(turn) => (turn as usize).min(last),
                        crate::Scope::Session => last,
                    };
                    rewards[at] += reward.weighted() * kept;
                }
            }
        }
        Some(rewards)
    }
}
