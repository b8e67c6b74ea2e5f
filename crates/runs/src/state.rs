//! What a commit says of the run: from here it goes on.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use sim::Pair;
use sim::Phase;

use crate::Ledger;
use crate::Offset;

/// Which part of training a step belongs to, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainPhase {
    /// The cold start; its steps are updates.
    Sft,
    /// Group-relative policy optimisation; its steps play groups. Step 0 is the state after the cold start.
    Grpo,
}

impl TrainPhase {
    /// `sft` or `grpo`: the `phase` of `metrics.jsonl`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TrainPhase::Sft => "sft",
            TrainPhase::Grpo => "grpo",
        }
    }
}

impl From<TrainPhase> for Phase {
    fn from(phase: TrainPhase) -> Phase {
        match phase {
            TrainPhase::Sft => Phase::Sft,
            TrainPhase::Grpo => Phase::Grpo,
        }
    }
}

/// A commit's place in its run, in order of time, and its name: `sft-000400` after 400 updates of the cold start, `step-000012` after
/// 12 steps of GRPO, `step-000000` right after the cold start. The names sort in order of time too (up to 999 999 steps; code compares
/// numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CheckpointId {
    /// Which part of training.
    pub phase: TrainPhase,
    /// Steps done in it.
    pub step: u64,
}

impl CheckpointId {
    /// The state right after the cold start: the "before" of every table, so it is always kept.
    pub const COLD_START: CheckpointId = CheckpointId { phase: TrainPhase::Grpo, step: 0 };
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            TrainPhase::Sft => write!(f, "sft-{:06}", self.step),
            TrainPhase::Grpo => write!(f, "step-{:06}", self.step),
        }
    }
}

impl FromStr for CheckpointId {
    type Err = String;

    fn from_str(text: &str) -> Result<CheckpointId, String> {
        let wrong = || format!("`{text}` is not a checkpoint's name such as step-000012 or sft-000400");
        let (phase, digits) = match text.split_once('-') {
            Some(("sft", digits)) => (TrainPhase::Sft, digits),
            Some(("step", digits)) => (TrainPhase::Grpo, digits),
            Some(_) | None => return Err(wrong()),
        };
        let id = CheckpointId { phase, step: digits.parse().map_err(|_| wrong())? };
        // One name per commit: `step-12` is not a second name of `step-000012`.
        if id.to_string() == text { Ok(id) } else { Err(wrong()) }
    }
}

/// How much of each growing file belongs to a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsets {
    /// Of `episodes/log.bin`.
    pub log: Offset,
    /// Of `metrics.jsonl`.
    pub metrics: Offset,
    /// Of `timings.jsonl`.
    pub timings: Offset,
}

/// Everything that must be known to go on, besides the weights and moments beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Which part of training.
    pub phase: TrainPhase,
    /// Steps done in it.
    pub step: u64,
    /// Version of each seat's weights: optimiser updates since the cold start began.
    pub versions: Pair<u64>,
    /// Where the growing files end.
    pub offsets: Offsets,
    /// The account of episodes.
    pub ledger: Ledger,
    /// What else steers learning: baselines, pool, curriculum. Numbers are re-read exactly; a NaN or an infinity becomes null.
    pub extra: serde_json::Value,
}

impl RunState {
    /// The state of a run that has committed nothing.
    #[must_use]
    pub fn fresh() -> RunState {
        RunState {
            phase: TrainPhase::Sft,
            step: 0,
            versions: Pair::default(),
            offsets: Offsets::default(),
            ledger: Ledger::default(),
            extra: serde_json::Value::Null,
        }
    }

    /// The name under which this state is committed.
    #[must_use]
    pub fn checkpoint(&self) -> CheckpointId {
        CheckpointId { phase: self.phase, step: self.step }
    }
}
