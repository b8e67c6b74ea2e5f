//! Where everything of a run lies.

use std::path::Path;
use std::path::PathBuf;

/// The layout of a run folder. Knows names only; nothing need exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPaths {
    dir: PathBuf,
}

impl RunPaths {
    /// The layout under `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> RunPaths {
        RunPaths { dir: dir.into() }
    }

    /// The run folder itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The run file as it was asked for, byte for byte.
    #[must_use]
    pub fn run_toml(&self) -> PathBuf {
        self.dir.join("run.toml")
    }

    /// What the run depends on. A folder is a run when it has one.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.dir.join("manifest.json")
    }

    /// One object a step, without clock readings.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.dir.join("metrics.jsonl")
    }

    /// Everything that comes from a clock.
    #[must_use]
    pub fn timings(&self) -> PathBuf {
        self.dir.join("timings.jsonl")
    }

    /// TensorBoard's copy of the metrics.
    #[must_use]
    pub fn tensorboard(&self) -> PathBuf {
        self.dir.join("tensorboard")
    }

    /// The log of records.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.episodes().join("log.bin")
    }

    /// The folder of the log.
    #[must_use]
    pub fn episodes(&self) -> PathBuf {
        self.dir.join("episodes")
    }

    /// The commits.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.dir.join("checkpoints")
    }

    /// Locked by whoever writes the run.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.dir.join(".lock")
    }
}
