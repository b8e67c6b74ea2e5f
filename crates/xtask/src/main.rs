//! `cargo xtask …`: set-up, demo, test, tidy, a bundle for GPU machines.
//!
//! The first thing a newcomer compiles, so it depends on next to nothing; and the only part of the project that talks
//! to Python or to a package registry. What it starts (cargo, pip, `duologue`) writes straight to the terminal.

mod demo;
mod gpu_bundle;
mod libtorch;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use clap::Subcommand;

use crate::gpu_bundle::Flags;
use crate::libtorch::Search;

/// Set-up, demo and tests of Duologue.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Finds or fetches libtorch and links it to `.libtorch`
    Libtorch,
    /// Sets up, builds, and trains both seats on configs/quickstart.toml
    Demo,
    /// Makes a folder that runs on a machine with a GPU and libtorch 2.11, without cargo
    GpuBundle(Flags),
    /// Sets up and runs every test, those that need libtorch included
    Test,
    /// Checks the rules of the house that no compiler checks
    Tidy,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let root = workspace::root();
    match task {
        Task::Libtorch => libtorch::set_up(&Search::from_env(&root)?),
        Task::Demo => demo::run(&root),
        Task::GpuBundle(flags) => gpu_bundle::run(&root, &flags),
        Task::Test => suite::run(&root),
        Task::Tidy => tidy::run(&root),
    }
}
