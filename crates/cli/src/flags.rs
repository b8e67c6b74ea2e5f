//! What may be typed. Plain data: nothing here opens a file.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use sim::EpisodeId;
use sim::scenario::Split;

/// Train both sides of a conversation.
#[derive(Debug, Parser)]
#[command(
    name = "duologue",
    bin_name = "duologue",
    version,
    about = "Train both sides of a conversation",
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub struct Flags {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Validate scenario, run and study files.
    Check(CheckFlags),
    /// Play episodes and show or store them.
    Rollout(RolloutFlags),
    /// Cold start, then GRPO for every trainable seat.
    Train(TrainFlags),
    /// Measure policies: metrics with intervals, pass@k and pass^k, cross-play.
    Eval(EvalFlags),
    /// Runs under several seeds, and one table by the statistical rule.
    Study(StudyFlags),
    /// Re-drive recorded episodes and compare.
    Replay(ReplayFlags),
}

/// `duologue check FILE…`
#[derive(Debug, Args)]
pub struct CheckFlags {
    /// Scenario, run and study files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// `duologue rollout SCENARIO.toml`
#[derive(Debug, Args)]
pub struct RolloutFlags {
    /// The scenario file.
    pub scenario: PathBuf,
    /// How many episodes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub episodes: u32,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Who plays the agent: rule, random, scripted:NAME, model:DIR. The scenario's own unless given.
    #[arg(long)]
    pub agent: Option<String>,
    /// Who plays the user.
    #[arg(long)]
    pub user: Option<String>,
    /// Which items.
    #[arg(long, value_enum, default_value_t = Items::Train)]
    pub items: Items,
    /// Store the records in this folder, so that `replay` can re-drive them.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Print one record a line as JSON instead of a readable transcript.
    #[arg(long)]
    pub json: bool,
}

/// `duologue train RUN.toml`
#[derive(Debug, Args)]
pub struct TrainFlags {
    /// The run file.
    pub run: PathBuf,
    /// Go on from the last commit of the run folder.
    #[arg(long)]
    pub resume: bool,
    /// The run folder; `runs/NAME` unless given.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Seed of every draw, instead of the file's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Overrides a key of the run file, e.g. `--set grpo.lr=3e-4`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// End when stdin does: for a run that another process made and watches.
    #[arg(long, hide = true)]
    pub leashed: bool,
}

/// `duologue eval SCENARIO.toml…`
#[derive(Debug, Args)]
pub struct EvalFlags {
    /// Scenario files.
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// Agents to measure; several make a cross-play table.
    #[arg(long)]
    pub agent: Vec<String>,
    /// Users to measure.
    #[arg(long)]
    pub user: Vec<String>,
    /// Which items.
    #[arg(long, value_enum, default_value_t = Items::HeldOut)]
    pub items: Items,
    /// Trials of each item.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub trials: u32,
    /// Only the first so many items.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// `duologue study STUDY.toml`
#[derive(Debug, Args)]
pub struct StudyFlags {
    /// The study file.
    pub study: PathBuf,
    /// Go on with the study's folder: what is finished stays as it is.
    #[arg(long)]
    pub resume: bool,
    /// The study's folder; `studies/NAME` unless given. Runs of the same config that lie in its `runs/RUN-SEED` are adopted.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// So many runs, and then evaluations, at a time.
    #[arg(long, default_value = "1")]
    pub jobs: NonZeroUsize,
    /// Print JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// `duologue replay DIR`
#[derive(Debug, Args)]
pub struct ReplayFlags {
    /// A run folder, or one written by `rollout --out`.
    pub folder: PathBuf,
    /// Only this episode, e.g. grpo-000012-0003-0-5.
    #[arg(long)]
    pub episode: Option<EpisodeId>,
    /// Fork the episode before its turn with this number (from 0) and let scripts play on.
    #[arg(long, requires = "episode", value_name = "TURN")]
    pub fork: Option<usize>,
}

/// Which part of a scenario's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Items {
    /// Learned from.
    Train,
    /// Never learned from.
    HeldOut,
}

impl From<Items> for Split {
    fn from(items: Items) -> Split {
        match items {
            Items::Train => Split::Train,
            Items::HeldOut => Split::HeldOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        Flags::command().debug_assert();
    }
}
