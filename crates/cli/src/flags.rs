//! What may be typed. Plain data: nothing here opens a file.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use config::FileKind;
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
    /// Validate scenario and run files.
    Check(CheckFlags),
    /// Print the JSON Schema of a kind of file, for editors.
    Schema(SchemaFlags),
    /// Play episodes and show or store them.
    Rollout(RolloutFlags),
    /// Cold start, then GRPO for every trainable seat.
    Train(TrainFlags),
    /// Measure policies: metrics with intervals, pass@k and pass^k, cross-play.
    Eval(EvalFlags),
    /// Re-drive recorded episodes and compare.
    Replay(ReplayFlags),
}

/// `duologue check FILE…`
#[derive(Debug, Args)]
pub struct CheckFlags {
    /// Scenario and run files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// `duologue schema KIND`
#[derive(Debug, Args)]
pub struct SchemaFlags {
    /// Of which kind of file.
    #[arg(value_parser = kinds())]
    pub kind: FileKind,
}

/// `duologue rollout SCENARIO.toml`
#[derive(Debug, Args)]
pub struct RolloutFlags {
    /// The scenario file.
    pub scenario: PathBuf,
    /// How many episodes.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = count)]
    pub episodes: u32,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = seed)]
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
    #[arg(long, allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Overrides a key of the run file, e.g. `--set grpo.lr=3e-4`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `duologue eval SCENARIO.toml…`
#[derive(Debug, Args)]
pub struct EvalFlags {
    /// Scenario files.
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// Agents to measure; several agents or users are also shown as a table, every agent against every user.
    #[arg(long)]
    pub agent: Vec<String>,
    /// Users to measure.
    #[arg(long)]
    pub user: Vec<String>,
    /// Which items.
    #[arg(long, value_enum, default_value_t = Items::HeldOut)]
    pub items: Items,
    /// Trials of each item.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = count)]
    pub trials: u32,
    /// Only the first so many items.
    #[arg(long, allow_negative_numbers = true, value_parser = count)]
    pub limit: Option<u32>,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,
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

/// The kinds of files by name.
fn kinds() -> impl TypedValueParser<Value = FileKind> {
    let of = |name: String| FileKind::ALL.into_iter().find(|kind| kind.name() == name);
    PossibleValuesParser::new(FileKind::ALL.map(FileKind::name))
        .map(move |name| of(name).expect("it is one of the names"))
}

/// How many of something that there has to be.
fn count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("it is a whole number from 1 to {}", u32::MAX))
}

/// A seed, in the range that run files have too.
fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed <= config::SEED_MAX);
    seed.ok_or_else(|| format!("a seed is a whole number from 0 to {}", config::SEED_MAX))
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
