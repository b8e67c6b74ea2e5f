//! The command line as a library: arguments, logging, progress, composition. It takes a model loader, so that everything in here is tested
//! without libtorch.
//!
//! ```text
//!  main ─> run(args, loader) ─> flags ─> one match
//!       check │ schema │ rollout │ play │ plan │ train │ eval │ study │ stress │ ratings │ replay │ export │ data │ serve │ selftest ─> exit code
//! ```

pub mod acts;
pub mod cast;
pub mod check;
pub mod cold_start;
pub mod data;
pub mod eval;
pub mod export;
pub mod failure;
pub mod flags;
pub mod judges;
pub mod leash;
pub mod lookups;
pub mod manifest;
mod misuse;
pub mod new;
pub mod plan;
pub mod play;
pub mod progress;
pub mod ratings;
pub mod remotes;
pub mod replay;
pub mod report;
pub mod rollout;
mod scenario_file;
pub mod schema;
pub mod selftest;
pub mod serve;
pub mod setup;
pub mod stage;
pub mod stdout;
pub mod stress;
pub mod study;
pub mod train;
pub mod transcript;
pub mod workers;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use rl::ModelLoader;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::flags::Command;
use crate::flags::Flags;

/// Does what `args` say (the program's name first) and returns the exit code: 0 done, 1 the work failed, 2 bad usage or bad input.
pub fn run(args: impl IntoIterator<Item = OsString>, loader: &dyn ModelLoader) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let flags = match Flags::try_parse_from(&args) {
        Ok(flags) => flags,
        // Without any argument there is nothing to be wrong with: what can be said is shown.
        Err(help) if help.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            eprint!("{help}");
            return ExitCode::from(2);
        }
        Err(error) if error.use_stderr() => {
            eprintln!("{}", misuse::misuse(&error, &args));
            return ExitCode::from(2);
        }
        Err(help) => {
            // Nobody is left to tell if stdout is closed.
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    log_to_stderr(flags.verbose);
    match carry_out(flags.command, loader) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Work { error, .. }) if stdout::is_gone(&error) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.code()
        }
    }
}

fn carry_out(command: Command, loader: &dyn ModelLoader) -> Result<(), Failure> {
    match command {
        Command::Check(flags) => check::check(&flags),
        Command::Schema(flags) => schema::schema(&flags),
        Command::New(flags) => new::new(flags),
        Command::Rollout(flags) => runtime()?.block_on(rollout::rollout(flags, loader)),
        Command::Play(flags) => runtime()?.block_on(play::play(flags, loader)),
        Command::Train(flags) => runtime()?.block_on(train::train(flags, loader)),
        Command::Plan(flags) => plan::plan(flags),
        Command::Eval(flags) => runtime()?.block_on(eval::eval(flags, loader)),
        Command::Study(flags) => study::study(&flags, loader),
        Command::Stress(flags) => runtime()?.block_on(stress::stress(flags, loader)),
        Command::Ratings(flags) => ratings::ratings(&flags),
        Command::Replay(flags) => replay::replay(&flags),
        Command::Export(flags) => export::export(&flags, loader),
        Command::Data(flags) => data::data(&flags),
        Command::Serve(flags) => runtime()?.block_on(serve::serve(flags, loader)),
        Command::Selftest(flags) => selftest::selftest(flags, loader),
    }
}

/// Two workers are enough for actors, and leave the cores to the models.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().enable_io().build()
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    // A second call in one process, as in tests, keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().try_init();
}
