//! What may be typed. Plain data: nothing here opens a file.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use config::FileKind;
use data::Release;
use rl::settings::Device;
use rl::settings::Dtype;
use runs::CheckpointId;
use sim::EpisodeId;
use sim::Phase;
use sim::Seat;
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
    /// Validate scenario, run, study and suite files.
    Check(CheckFlags),
    /// Print the JSON Schema of a kind of file, for editors.
    Schema(SchemaFlags),
    /// Write a file to make your own of: a scenario that needs no code.
    New(NewFlags),
    /// Play episodes and show or store them.
    Rollout(RolloutFlags),
    /// Take a seat yourself, or let a script of acts take it.
    Play(PlayFlags),
    /// Cold start, then GRPO for every trainable seat.
    Train(TrainFlags),
    /// Show what a run file comes to: who uses which key, the losses in words, budgets.
    Plan(PlanFlags),
    /// Measure policies: metrics with intervals, pass@k and pass^k, cross-play, averages over scenarios.
    Eval(EvalFlags),
    /// Runs under several seeds, and one table by the statistical rule.
    Study(StudyFlags),
    /// Hostile users against an agent, pressing agents against a user: attack success, what it costs, and exit code 1 past a threshold.
    Stress(StressFlags),
    /// Read what people say of recorded talks, and how far they agree with each other, with rules and with judges.
    Ratings(RatingsFlags),
    /// Re-drive recorded episodes and compare.
    Replay(ReplayFlags),
    /// Hand results to other tools: models for `transformers`, episodes as chat messages or ShareGPT.
    Export(ExportFlags),
    /// Turn published data sets into files that scenarios name.
    Data(DataFlags),
    /// Put a model behind OpenAI's protocol, and record what agents ask of it.
    Serve(ServeFlags),
    /// Test a machine: its numbers beside recorded ones, its pace beside what it can do at most.
    Selftest(SelftestFlags),
}

/// `duologue check FILE…`
#[derive(Debug, Args)]
pub struct CheckFlags {
    /// Scenario, run, study and suite files.
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

/// `duologue new …`
#[derive(Debug, Args)]
pub struct NewFlags {
    /// What to write.
    #[command(subcommand)]
    pub command: NewCommand,
}

/// What to write.
#[derive(Debug, Subcommand)]
pub enum NewCommand {
    /// A scenario of the world `talk`, complete and commented.
    Pack(PackFlags),
    /// A scenario of the world `talk` from a service procedure in plain text, with a run that trains both seats and a stress suite.
    Talk(Box<TalkFlags>),
}

/// `duologue new pack NAME`
#[derive(Debug, Args)]
pub struct PackFlags {
    /// Name of the scenario, and of its file without `.toml`.
    pub name: String,
    /// Folder to put the file into.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

/// `duologue new talk NAME --from PROCEDURE.txt`
#[derive(Debug, Args)]
pub struct TalkFlags {
    /// Name of the scenario, and of its files: NAME.toml, NAME.train.toml, NAME.stress.toml.
    pub name: String,
    /// The procedure: a title, and lists under headings such as `Facts:` and `Steps:`; docs/SCENARIOS.md has the form. With --by, prose of any shape.
    #[arg(long, value_name = "PROCEDURE.txt")]
    pub from: PathBuf,
    /// Folder to put the files into.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// A model on a server, openai:MODEL, that brings the text into the form first; what it wrote is kept as NAME.txt.
    #[arg(long, value_name = "P")]
    pub by: Option<String>,
    /// How often the model may try: its mistakes are shown to it in between.
    #[arg(long, value_name = "N", default_value_t = 4, allow_negative_numbers = true, value_parser = count)]
    pub tries: u32,
    /// What the model may cost.
    #[command(flatten)]
    pub remote: RemoteFlags,
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
    /// Who plays the agent: rule, random, scripted:NAME, model:DIR, openai:MODEL, replay:FILE. The scenario's own unless given.
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
    /// Bounds of other people's models.
    #[command(flatten)]
    pub remote: RemoteFlags,
}

/// `duologue play SCENARIO.toml`
#[derive(Debug, Args)]
pub struct PlayFlags {
    /// The scenario file.
    pub scenario: PathBuf,
    /// Which seat to take.
    #[arg(long, value_enum, default_value_t = SeatFlag::Agent)]
    pub seat: SeatFlag,
    /// Which item: a number from 0, or an id such as held-out-000017. The first unless given.
    #[arg(long, allow_hyphen_values = true)]
    pub item: Option<String>,
    /// Which items a number counts; train unless given.
    #[arg(long, value_enum)]
    pub items: Option<Items>,
    /// A file of acts, one JSON object a line, that plays instead of you; `-` is stdin.
    #[arg(long, value_name = "ACTS.jsonl")]
    pub script: Option<PathBuf>,
    /// Who plays the agent, where you are the user: rule, random, scripted:NAME, model:DIR, openai:MODEL, replay:FILE. The scenario's own unless given.
    #[arg(long)]
    pub agent: Option<String>,
    /// Who plays the user, where you are the agent.
    #[arg(long)]
    pub user: Option<String>,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print one line a step as JSON on stdout; without a script, acts are read from stdin as they come.
    #[arg(long)]
    pub json: bool,
    /// Bounds of other people's models.
    #[command(flatten)]
    pub remote: RemoteFlags,
}

/// What policies `openai:MODEL` may ask of the server at OPENAI_BASE_URL, whose key is OPENAI_API_KEY. All of them are for the whole command;
/// none has an effect where no such policy plays, and nothing is searched in an engine, which has the bounds of a model but for tokens and prices.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Remote models (openai:MODEL)")]
pub struct RemoteFlags {
    /// Write every reply and fault into this new file, so that `replay:FILE` plays the same again without a request.
    #[arg(long = "remote-record", value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Take what searches in an engine found from this recording, and ask no engine.
    #[arg(long = "remote-replay", value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Keep good replies in this file, and take them from it.
    #[arg(long = "remote-cache", value_name = "FILE")]
    pub cache: Option<PathBuf>,
    /// Requests in all; 100000 unless given.
    #[arg(long = "remote-calls", value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub calls: Option<u32>,
    /// Tokens in all, read and written; no bound unless given.
    #[arg(long = "remote-tokens", value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub tokens: Option<u32>,
    /// Dollars in all, by the prices; no bound unless given.
    #[arg(long = "remote-dollars", value_name = "D", allow_negative_numbers = true, value_parser = amount)]
    pub dollars: Option<f64>,
    /// What a model costs: dollars for a million tokens read, and written, e.g. gpt-4o=2.5,10. Repeat it for others.
    #[arg(long = "remote-price", value_name = "MODEL=READ,WRITTEN", value_parser = price)]
    pub prices: Vec<(String, remote::Price)>,
    /// Requests on their way at once; 16 unless given.
    #[arg(long = "remote-concurrency", value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub concurrency: Option<u32>,
    /// Milliseconds that one request may take; 60000 unless given.
    #[arg(long = "remote-deadline-ms", value_name = "MS", allow_negative_numbers = true, value_parser = count)]
    pub deadline_ms: Option<u32>,
    /// Requests for one question, the first included; 5 unless given.
    #[arg(long = "remote-attempts", value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub attempts: Option<u32>,
    /// Milliseconds before the second request for a question, doubled for each further one; 500 unless given.
    #[arg(long = "remote-backoff-ms", value_name = "MS", allow_negative_numbers = true, value_parser = count)]
    pub backoff_ms: Option<u32>,
    /// Tokens of one reply, thought included; 2048 unless given.
    #[arg(long = "remote-reply-tokens", value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub reply_tokens: Option<u32>,
    /// Sampling temperature; 0 unless given.
    #[arg(long = "remote-temperature", value_name = "T", allow_negative_numbers = true, value_parser = temperature)]
    pub temperature: Option<f32>,
}

impl RemoteFlags {
    /// As they are typed, but for the recording: what is recorded goes into a new file each time.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        // All of them, so that a new flag is not forgotten here.
        let RemoteFlags {
            record: _,
            replay,
            cache,
            calls,
            tokens,
            dollars,
            prices,
            concurrency,
            deadline_ms,
            attempts,
            backoff_ms,
            reply_tokens,
            temperature,
        } = self;
        let counts = [
            ("calls", calls),
            ("tokens", tokens),
            ("concurrency", concurrency),
            ("deadline-ms", deadline_ms),
            ("attempts", attempts),
            ("backoff-ms", backoff_ms),
            ("reply-tokens", reply_tokens),
        ];
        let mut words = Vec::new();
        words.extend(replay.as_ref().map(|file| format!("--remote-replay {}", file.display())));
        words.extend(cache.as_ref().map(|file| format!("--remote-cache {}", file.display())));
        words.extend(dollars.map(|dollars| format!("--remote-dollars {dollars}")));
        words.extend(temperature.map(|temperature| format!("--remote-temperature {temperature}")));
        words.extend(
            prices.iter().map(|(model, price)| format!("--remote-price {model}={},{}", price.read, price.written)),
        );
        let given = counts.iter().filter_map(|(name, count)| count.map(|count| format!("--remote-{name} {count}")));
        words.extend(given);
        words
    }
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
    /// Take the cold start of the run in this folder instead of making it, where it would be the same: what differs may come after it alone.
    #[arg(long, value_name = "RUN_FOLDER")]
    pub cold_start: Option<PathBuf>,
    /// End when stdin does: for a run that another process made and watches.
    #[arg(long, hide = true)]
    pub leashed: bool,
    /// Bounds of what plays elsewhere.
    #[command(flatten)]
    pub remote: RemoteFlags,
}

/// `duologue plan RUN.toml`
#[derive(Debug, Args)]
pub struct PlanFlags {
    /// The run file.
    pub run: PathBuf,
    /// Seed of every draw, instead of the file's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Overrides a key of the run file, e.g. `--set grpo.lr=3e-4`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print JSON on stdout.
    #[arg(long)]
    pub json: bool,
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
    /// Also measure the agents random and scripted:good, and give score_norm: every score on the scale on which these two have 0 and 1.
    #[arg(long)]
    pub norm: bool,
    /// Also show what UserRL published: other people's numbers, with other users on other items.
    #[arg(long)]
    pub published: bool,
    /// Print JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Bounds of other people's models.
    #[command(flatten)]
    pub remote: RemoteFlags,
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

/// `duologue stress SUITE.toml`
#[derive(Debug, Args)]
pub struct StressFlags {
    /// The suite file.
    pub suite: PathBuf,
    /// Agents to test before the suite's hostile users: policies, or folders of models. Without any, and without a user, the suite's own yardsticks are tested.
    #[arg(long)]
    pub agent: Vec<String>,
    /// Users to test before the suite's pressing agents, and in its sets.
    #[arg(long)]
    pub user: Vec<String>,
    /// Who fills the columns of the suite's sets that no rule can fill: openai:MODEL, or replay:FILE of a run that was recorded. Several are a panel.
    #[arg(long, value_name = "POLICY")]
    pub judge: Vec<String>,
    /// So many items of each family, instead of the suite's.
    #[arg(long, allow_negative_numbers = true, value_parser = count)]
    pub items: Option<u32>,
    /// So many sessions of each item, instead of the suite's.
    #[arg(long, allow_negative_numbers = true, value_parser = count)]
    pub trials: Option<u32>,
    /// A folder for the report (stress.json, stress.md) and for every session, which `replay` shows.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on in the folder of --out where the same command was killed: sessions that lie there are not played again, and the report is the same.
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Print JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Bounds of other people's models.
    #[command(flatten)]
    pub remote: RemoteFlags,
}

/// `duologue ratings FILE.jsonl`
#[derive(Debug, Args)]
pub struct RatingsFlags {
    /// One rating a line: {"episode": …, "rater": …, "axis": …, "score": …}.
    pub file: PathBuf,
    /// The folder with the talks: a run folder, or one written by `stress --out` or `rollout --out`.
    #[arg(long, value_name = "DIR")]
    pub log: PathBuf,
    /// The worst and the best score.
    #[arg(long, value_name = "LOW..HIGH", default_value = "1..5", value_parser = scale)]
    pub scale: Scale,
    /// Print JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// The ends of a scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The worst.
    pub low: f64,
    /// The best.
    pub high: f64,
}

fn scale(text: &str) -> Result<Scale, String> {
    let ends = text.split_once("..").and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    let is_scale = |(low, high): &(f64, f64)| low.is_finite() && high.is_finite() && low < high;
    let (low, high) = ends.filter(is_scale).ok_or("it is two numbers, the lower one first, e.g. 1..5")?;
    Ok(Scale { low, high })
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

/// `duologue export DIR`
#[derive(Debug, Args)]
pub struct ExportFlags {
    /// A run folder; for `hf` and `peft` also a checkpoint or one seat's model, for `messages` and `sharegpt` also a folder written by `rollout --out`.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// In which form.
    #[arg(long, value_enum)]
    pub format: Format,
    /// The folder (`hf`, `peft`) or file (`messages`, `sharegpt`) to make; nothing is written over.
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Whose model, or whose side of the talk; both unless given.
    #[arg(long, value_enum)]
    pub seat: Option<Seats>,
    /// `hf`, `peft`: this checkpoint, e.g. step-000000, instead of the newest.
    #[arg(long, value_name = "NAME")]
    pub checkpoint: Option<CheckpointId>,
    /// `messages`, `sharegpt`: only episodes played for this.
    #[arg(long, value_enum)]
    pub phase: Option<Purpose>,
    /// `messages`, `sharegpt`: only sides whose seat was scored.
    #[arg(long)]
    pub scored_only: bool,
    /// `messages`, `sharegpt`: only the K sides of each scenario and seat with the best scores; of equal ones, those of fewest turns.
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = count)]
    pub top: Option<u32>,
}

/// `duologue data …`
#[derive(Debug, Args)]
pub struct DataFlags {
    /// What to do with data.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What to do with data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Turn a published release into files of items, with its licence and their hashes.
    Import(ImportFlags),
}

/// `duologue data import RELEASE PATH --out DIR`
#[derive(Debug, Args)]
pub struct ImportFlags {
    /// Which release.
    #[arg(value_parser = releases())]
    pub release: Release,
    /// A checkout of it, or a folder of its files.
    pub path: PathBuf,
    /// The folder to make DIR/userrl or DIR/tau-bench in, which is then what DUOLOGUE_DATA names; nothing is written over.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `duologue serve DIR`
#[derive(Debug, Args)]
pub struct ServeFlags {
    /// A model's folder, or a checkpoint.
    #[arg(value_name = "DIR", required_unless_present = "model")]
    pub folder: Option<PathBuf>,
    /// The same as DIR alone.
    #[arg(long, value_name = "DIR", conflicts_with = "folder")]
    pub model: Option<PathBuf>,
    /// Whose model, where DIR is a checkpoint.
    #[arg(long, value_enum, default_value_t = SeatFlag::Agent)]
    pub seat: SeatFlag,
    /// What requests call the model; the folder's name unless given.
    #[arg(long)]
    pub name: Option<String>,
    /// An adapter on the model, and what requests call it; as often as there are adapters. Rows of all of them are sampled together.
    #[arg(long, value_name = "NAME=DIR", value_parser = named)]
    pub adapter: Vec<(String, PathBuf)>,
    /// Where to listen. There are no keys: whoever reaches it is served.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// The port; 0 is any that is free.
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    /// Both at once.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["host", "port"])]
    pub addr: Option<String>,
    /// Answers that are sampled at once; whoever comes beyond them is told to come again (503).
    #[arg(long, value_name = "N", default_value_t = 256, allow_negative_numbers = true, value_parser = count)]
    pub requests_max: u32,
    /// Tokens of one answer; what the context leaves unless given.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub tokens_max: Option<u32>,
    /// Record whatever is asked below /episodes/ID/v1 into DIR/ID.jsonl, token by token.
    #[arg(long, value_name = "DIR")]
    pub capture: Option<PathBuf>,
    /// Print the address and the model's name as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `duologue selftest`
#[derive(Debug, Args)]
pub struct SelftestFlags {
    /// Which device; the GPU if there is one unless given.
    #[arg(long, value_enum, default_value_t = DeviceFlag::Auto)]
    pub device: DeviceFlag,
    /// Threads of the tensor library: as many as there are idle cores, where --pace measures a CPU.
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = count)]
    pub threads: u32,
    /// Compare with this recording instead of the one that is built in.
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// Only make a recording, on the CPU, and write it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["batch", "pace", "train", "json"])]
    pub record: Option<PathBuf>,
    /// Also measure prefill, decoding and training with random weights, beside the device's matrix rate and memory bandwidth.
    #[arg(long)]
    pub pace: bool,
    /// Measure a decoder of this shape; repeat it for others. The quickstart's unless given.
    #[arg(long = "shape", value_name = "SHAPE", requires = "pace", value_parser = PossibleValuesParser::new(rl::selftest::SHAPES))]
    pub shapes: Vec<String>,
    /// Measure it in this type: f32, where all weights learn, or bf16, where an adapter does; repeat it for both. f32 unless given, and on a GPU both.
    #[arg(long = "dtype", value_name = "TYPE", requires = "pace", value_enum)]
    pub dtypes: Vec<DtypeFlag>,
    /// Streams that are measured side by side.
    #[arg(long, requires = "pace", value_name = "N", default_value_t = 32, allow_negative_numbers = true, value_parser = count)]
    pub rows: u32,
    /// Tokens that each of them begins with.
    #[arg(long, requires = "pace", value_name = "N", default_value_t = 256, allow_negative_numbers = true, value_parser = count)]
    pub prompt: u32,
    /// Tokens that are sampled of each, from 2.
    #[arg(long, requires = "pace", value_name = "N", default_value_t = 64, allow_negative_numbers = true, value_parser = several)]
    pub tokens: u32,
    /// Then train this run file there; where no such file is named or found, the one beside the program.
    #[arg(long, value_name = "RUN.toml", num_args = 0..=1, default_missing_value = "configs/quickstart.toml")]
    pub train: Option<PathBuf>,
    /// The run folder of --train; `runs/NAME` unless given.
    #[arg(long, requires = "train")]
    pub out: Option<PathBuf>,
    /// Print JSON on stdout.
    #[arg(long, conflicts_with = "train")]
    pub json: bool,
}

/// Where tensors live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceFlag {
    /// The GPU if there is one.
    Auto,
    /// The CPU.
    Cpu,
    /// The first GPU.
    Cuda,
}

impl From<DeviceFlag> for Device {
    fn from(device: DeviceFlag) -> Device {
        match device {
            DeviceFlag::Auto => Device::Auto,
            DeviceFlag::Cpu => Device::Cpu,
            DeviceFlag::Cuda => Device::Cuda,
        }
    }
}

/// What numbers are held in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DtypeFlag {
    /// Single precision.
    F32,
    /// Its upper half.
    Bf16,
}

impl From<DtypeFlag> for Dtype {
    fn from(dtype: DtypeFlag) -> Dtype {
        match dtype {
            DtypeFlag::F32 => Dtype::F32,
            DtypeFlag::Bf16 => Dtype::Bf16,
        }
    }
}

/// In which form results are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Folders that Hugging Face's `transformers` opens; an adapter is merged into its base.
    Hf,
    /// Adapters' folders that PEFT opens beside their base.
    Peft,
    /// Recorded episodes as JSONL of chat messages, a line for each side of each.
    Messages,
    /// The same in the ShareGPT form that LLaMA-Factory reads.
    #[value(name = "sharegpt")]
    ShareGpt,
}

impl Format {
    /// As it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Hf => "hf",
            Format::Peft => "peft",
            Format::Messages => "messages",
            Format::ShareGpt => "sharegpt",
        }
    }
}

/// One seat or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Seats {
    /// The agent.
    Agent,
    /// The user.
    User,
    /// Both.
    Both,
}

impl Seats {
    /// The one seat that is meant; `None` for both.
    #[must_use]
    pub fn only(self) -> Option<Seat> {
        match self {
            Seats::Agent => Some(Seat::Agent),
            Seats::User => Some(Seat::User),
            Seats::Both => None,
        }
    }
}

/// What an episode was played for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// To be imitated.
    Sft,
    /// To learn from.
    Grpo,
    /// To measure.
    Eval,
    /// To look at.
    Rollout,
}

impl From<Purpose> for Phase {
    fn from(purpose: Purpose) -> Phase {
        match purpose {
            Purpose::Sft => Phase::Sft,
            Purpose::Grpo => Phase::Grpo,
            Purpose::Eval => Phase::Eval,
            Purpose::Rollout => Phase::Rollout,
        }
    }
}

/// A seat that speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SeatFlag {
    /// The assistant.
    Agent,
    /// The person who talks to it.
    User,
}

impl From<SeatFlag> for Seat {
    fn from(seat: SeatFlag) -> Seat {
        match seat {
            SeatFlag::Agent => Seat::Agent,
            SeatFlag::User => Seat::User,
        }
    }
}

/// The kinds of files by name.
fn kinds() -> impl TypedValueParser<Value = FileKind> {
    let of = |name: String| FileKind::ALL.into_iter().find(|kind| kind.name() == name);
    PossibleValuesParser::new(FileKind::ALL.map(FileKind::name))
        .map(move |name| of(name).expect("it is one of the names"))
}

/// The releases by name.
fn releases() -> impl TypedValueParser<Value = Release> {
    let of = |name: String| Release::ALL.into_iter().find(|release| release.name() == name);
    PossibleValuesParser::new(Release::ALL.map(Release::name))
        .map(move |name| of(name).expect("it is one of the names"))
}

/// How many of something that there has to be.
fn count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("it is a whole number from 1 to {}", u32::MAX))
}

/// A name and a folder.
fn named(text: &str) -> Result<(String, PathBuf), String> {
    let (name, folder) =
        text.split_once('=').filter(|(name, folder)| !name.is_empty() && !folder.is_empty()).ok_or("it is NAME=DIR")?;
    Ok((name.to_owned(), PathBuf::from(folder)))
}

/// How many of something of which there have to be two.
fn several(text: &str) -> Result<u32, String> {
    count(text).ok().filter(|count| *count > 1).ok_or_else(|| format!("it is a whole number from 2 to {}", u32::MAX))
}

/// An amount of money.
fn amount(text: &str) -> Result<f64, String> {
    let dollars = text.parse().ok().filter(|dollars: &f64| dollars.is_finite() && *dollars > 0.0);
    dollars.ok_or_else(|| "it is an amount in dollars, above 0".to_owned())
}

/// A model and its price.
fn price(text: &str) -> Result<(String, remote::Price), String> {
    let (model, price) =
        text.rsplit_once('=').filter(|(model, _)| !model.is_empty()).ok_or("it is MODEL=READ,WRITTEN")?;
    Ok((model.to_owned(), price.parse()?))
}

/// A temperature, in the range that OpenAI's models take.
fn temperature(text: &str) -> Result<f32, String> {
    let temperature = text.parse().ok().filter(|temperature| (0.0..=2.0).contains(temperature));
    temperature.ok_or_else(|| "a temperature is a number from 0 to 2".to_owned())
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
