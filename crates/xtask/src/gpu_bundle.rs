//! `cargo xtask gpu-bundle`: one folder that runs on a machine with a GPU and libtorch 2.11, without cargo or a network.
//!
//! ```text
//! target/release/duologue, duologue-engine ─ without debug symbols ─┐
//! configs/, scenarios/                     ─────────────────────────┼─> OUT.part ─ renamed ─> OUT
//! --checkpoint DIR, or a small one trained now                     ─┤
//! run.sh, README.md                                                ─┘
//! ```

use std::ffi::OsString;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use clap::Args;

use crate::libtorch;
use crate::libtorch::Search;
use crate::workspace;

const RUN: &str = include_str!("gpu_bundle/run.sh");
const README: &str = include_str!("gpu_bundle/README.md");

/// What is called, and what does the work.
const BINARIES: [&str; 2] = ["duologue", "duologue-engine"];

/// What is played, and what is done with it.
const FOLDERS: [&str; 2] = ["configs", "scenarios"];

/// A checkpoint of seconds: of the quickstart's shape, and hardly trained.
const SMALL: [&str; 11] = [
    "sft.dialogues=400",
    "sft.updates=60",
    "sft.warmup=5",
    "sft.probe_min=0",
    "grpo.steps=1",
    "grpo.groups.mutual=1",
    "grpo.groups.fixed=1",
    "eval.items=2",
    "eval.every=1",
    "checkpoints.sft_every=60",
    "limits.device=\"cpu\"",
];

/// Where to, and with what.
#[derive(Args)]
pub struct Flags {
    /// The folder to make; nothing is written over
    #[arg(long, value_name = "DIR", default_value = "target/gpu-bundle")]
    out: PathBuf,
    /// A checkpoint or a model's folder to take along, instead of a small one trained now
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
}

/// Builds, gathers, and puts in place.
pub fn run(root: &Path, flags: &Flags) -> Result<()> {
    let out = std::path::absolute(&flags.out).context("--out names no folder")?;
    refuse_what_is_there(&out)?;
    if let Some(checkpoint) = &flags.checkpoint
        && !checkpoint.is_dir()
    {
        bail!("--checkpoint {}: there is no such folder", checkpoint.display());
    }
    libtorch::set_up(&Search::from_env(root)?)?;
    workspace::cargo(root, &["build", "--release", "--package", "duologue"])?;
    let built = target(root).join("release");
    let part = part(&out);
    clear(&part)?;
    fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
    let checkpoint = match &flags.checkpoint {
        Some(checkpoint) => checkpoint.clone(),
        None => train_a_small_one(root, &built, &part)?,
    };
    gather(root, &built, &checkpoint, &part)?;
    clear(&part.join(SMALL_RUN))?;
    fs::rename(&part, &out).with_context(|| format!("cannot put {} in its place", out.display()))?;
    println!("{}: copy it to the machine with the GPU, and there: ./run.sh selftest --device cuda", out.display());
    Ok(())
}

/// The run that the small checkpoint comes from, while the bundle is being made.
const SMALL_RUN: &str = "run";

fn refuse_what_is_there(out: &Path) -> Result<()> {
    if out.exists() {
        bail!("{} is there already: remove it, or choose another folder with --out", out.display());
    }
    Ok(())
}

/// Where cargo builds.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target))
}

/// A folder beside it that says what it is a part of.
fn part(out: &Path) -> PathBuf {
    let mut name = OsString::from(out);
    name.push(".part");
    name.into()
}

/// Removes what an interrupted call left.
fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    Ok(())
}

fn train_a_small_one(root: &Path, built: &Path, part: &Path) -> Result<PathBuf> {
    let run = part.join(SMALL_RUN);
    let mut train = Command::new(built.join(BINARIES[0]));
    train.current_dir(root).args(["train", "configs/quickstart.toml", "--out"]).arg(&run);
    for set in SMALL {
        train.args(["--set", set]);
    }
    // What it says of so small a run is not worth reading.
    train.stdout(std::process::Stdio::null());
    workspace::finish("duologue train configs/quickstart.toml, a run of seconds for a checkpoint", &mut train)?;
    let newest = fs::read_dir(run.join("checkpoints"))?.flatten().map(|entry| entry.path()).max();
    newest.context("training left no checkpoint")
}

/// Everything into the folder.
fn gather(root: &Path, built: &Path, checkpoint: &Path, part: &Path) -> Result<()> {
    for binary in BINARIES {
        stripped(&built.join(binary), &part.join(binary))?;
    }
    for folder in FOLDERS {
        copy(&root.join(folder), &part.join(folder))?;
    }
    copy(checkpoint, &part.join("checkpoint"))?;
    let (run, readme) = (part.join("run.sh"), part.join("README.md"));
    fs::write(&run, RUN).with_context(|| format!("cannot write {}", run.display()))?;
    fs::set_permissions(&run, Permissions::from_mode(0o755)).context("cannot make run.sh executable")?;
    fs::write(&readme, README).with_context(|| format!("cannot write {}", readme.display()))
}

/// A copy without debug symbols; where `strip` is missing or cannot read it, with them.
fn stripped(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("strip").arg("-S").arg("-o").arg(to).arg(from).output();
    if status.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    eprintln!("{} keeps its debug symbols: `strip` did not take them off", from.display());
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

/// A folder with all that is in it; links are followed.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let (from, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
