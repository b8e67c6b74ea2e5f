//! The command line as a library: arguments, logging, progress, composition. It takes a model loader, so that everything in here is tested
//! without libtorch.
//!
//! ```text
//!  main ─> run(args, loader) ─> flags ─> one match ─> check │ rollout │ train │ eval │ study │ replay ─> exit code
//! ```

pub mod cast;
pub mod check;
pub mod cold_start;
pub mod eval;
pub mod failure;
pub mod flags;
pub mod leash;
pub mod manifest;
pub mod progress;
pub mod replay;
pub mod report;
pub mod rollout;
pub mod setup;
pub mod stage;
pub mod stdout;
pub mod study;
pub mod train;
pub mod transcript;
pub mod workers;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use rl::ModelLoader;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::flags::Command;
use crate::flags::Flags;

/// Does what `args` say (the program's name first) and returns the exit code: 0 done, 1 the work failed, 2 bad usage or bad input.
pub fn run(args: impl IntoIterator<Item = OsString>, loader: &dyn ModelLoader) -> ExitCode {
    let flags = match Flags::try_parse_from(args) {
        Ok(flags) => flags,
        Err(error) if error.use_stderr() => {
            eprint!("{}", misused(&error));
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
        Command::Rollout(flags) => runtime()?.block_on(rollout::rollout(flags, loader)),
        Command::Train(flags) => runtime()?.block_on(train::train(flags, loader)),
        Command::Eval(flags) => runtime()?.block_on(eval::eval(flags, loader)),
        Command::Study(flags) => study::study(&flags, loader),
        Command::Replay(flags) => replay::replay(&flags),
    }
}

/// What clap says about wrong usage, with its advice in the form of everybody's.
fn misused(error: &clap::Error) -> String {
    let said = error.render().to_string();
    said.replace("\n  tip: ", "\nhint: ").replace("\nFor more information, try", "\nhint: for more information, try")
}

/// Two workers are enough for actors, and leave the cores to the models.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()
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
