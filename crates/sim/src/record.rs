//! What is written down of an episode: enough to train on, to re-drive and to show.

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

/// Where an episode that goes on from another one begins. Its record holds the turns before as well, so that it can be re-driven by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The episode that began at the beginning: its place is where the world was drawn.
    pub root: EpisodeId,
    /// The episode whose turns it has: the root, or itself a fork of it.
    pub from: EpisodeId,
    /// How many of them: an index into its record's turns, of the first that may differ.
    pub turn: u32,
    /// How far it goes.
    pub reach: Reach,
}

/// How far a fork goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// One turn: an *alternative* to what was done there. Nobody judges it.
    Turn,
    /// To the end, or for so many turns of both seats at most, and then to the judge, as a talk that was truncated: a *future*.
    Rest(Option<u32>),
}

/// Who plays what: everything besides the scenario and the seed that an episode starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What it goes on from; `None`: it begins at the beginning.
    pub fork: Option<Fork>,
}

impl Casting {
    /// An episode of the first scenario from its beginning, with an item of a split, that trains nobody.
    #[must_use]
    pub fn new(id: EpisodeId, split: Split, item: u32, policies: Pair<String>) -> Casting {
        let (learns, tools) = (Pair::default(), Pair::default());
        Casting { id, scenario: 0, split, item, policies, learns, tools, fork: None }
    }

    /// Where the world's and the profile's numbers are drawn: a fork is in the world of its root.
    #[must_use]
    pub fn world_address(&self, seed: u64) -> Address {
        self.fork.map_or(self.id, |fork| fork.root).address(seed)
    }

    /// Where rules and scripts draw: the same for all members of a group, and for a fork where its root drew. Some of what they draw holds for a whole
    /// talk, such as what somebody hopes for: whoever plays on is the same person.
    #[must_use]
    pub fn rule_address(&self, seed: u64) -> Address {
        self.world_address(seed)
    }

    /// Where models draw their tokens: each member of a group by itself. Futures of one number share their draws, so that what they come to differs by
    /// what they go on from, and not by luck.
    #[must_use]
    pub fn token_address(&self, seed: u64) -> Address {
        let address = self.id.address(seed);
        match self.fork {
            Some(Fork { reach: Reach::Rest(_), .. }) => address,
            Some(Fork { reach: Reach::Turn, .. }) | None => address.member(self.id.member),
        }
    }
}

/// How an episode ended. Four different things, never a bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// By an act.
    Terminated,
    /// By `turns_max`.
    Truncated,
    /// By this seat's own failure: `malformed_max` in a row, or `tokens_max` without an act.
    Failed(Seat),
    /// It was to be no longer ([`Reach::Turn`]): nothing is said of how it would have ended, and nobody is scored.
    Cut,
}

impl Stop {
    /// `terminated`, `truncated`, `failed` or `cut`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stop::Terminated => "terminated",
            Stop::Truncated => "truncated",
            Stop::Failed(_) => "failed",
            Stop::Cut => "cut",
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
    /// What the judge said; `None` after a failure, a cut or a fault.
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
