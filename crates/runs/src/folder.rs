//! One run's folder: who may write it, what it is a run of, and from where it goes on.

use std::path::Path;
use std::path::PathBuf;

use crate::Checkpoint;
use crate::CheckpointError;
use crate::Checkpoints;
use crate::DiskError;
use crate::Log;
use crate::LogError;
use crate::Manifest;
use crate::MetricsError;
use crate::RunPaths;
use crate::RunState;
use crate::Sheets;
use crate::disk;
use crate::lock::LockError;
use crate::lock::RunLock;
use crate::manifest::ManifestError;

/// Why a run folder cannot be created, opened or resumed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A run lies there.
    #[error("{} holds a run already", dir.display())]
    IsARun {
        /// Where.
        dir: PathBuf,
    },
    /// Something else lies there.
    #[error("{} is not empty and no run: it holds `{name}`", dir.display())]
    NotEmpty {
        /// Where.
        dir: PathBuf,
        /// What, for example.
        name: String,
    },
    /// No run lies there, or its manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Somebody else writes it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The newest commit is damaged.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log is damaged.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The metrics or timings are damaged.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// A run folder that is ours to write: it stays locked until this value is dropped, or the process dies.
#[derive(Debug)]
pub struct RunFolder {
    paths: RunPaths,
    manifest: Manifest,
    _lock: RunLock,
}

/// Where a run goes on, and the files it goes on with.
#[derive(Debug)]
pub struct Resumed {
    /// The state of the last commit, or the fresh one.
    pub state: RunState,
    /// The last commit, every file of it verified; `None` if the run has committed nothing.
    pub checkpoint: Option<Checkpoint>,
    /// The commits.
    pub checkpoints: Checkpoints,
    /// The records, cut back to `state.offsets`.
    pub log: Log,
    /// The metrics and timings, cut back likewise.
    pub sheets: Sheets,
    /// What was cut off: work that was not committed and will be repeated.
    pub cut: CutBytes,
}

/// Bytes cut off each growing file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutBytes {
    /// Of `episodes/log.bin`.
    pub log: u64,
    /// Of `metrics.jsonl`.
    pub metrics: u64,
    /// Of `timings.jsonl`.
    pub timings: u64,
}

impl RunFolder {
    /// Whether `dir` could become a run now, without touching it: for those who have long work to do before they create it.
    ///
    /// # Errors
    /// [`FolderError::IsARun`], [`FolderError::NotEmpty`], [`FolderError::Disk`].
    pub fn expect_vacant(dir: &Path) -> Result<(), FolderError> {
        refuse_foreign(&RunPaths::new(dir))
    }

    /// Whether `dir` is a run, without locking it.
    ///
    /// # Errors
    /// [`FolderError::Manifest`].
    pub fn expect_run(dir: &Path) -> Result<(), FolderError> {
        Manifest::read(&RunPaths::new(dir).manifest())?;
        Ok(())
    }

    /// Makes `dir` a run, or says why not. `run_toml` is kept byte for byte. The manifest is written last, in one piece: with it the
    /// folder becomes a run, so what an interrupted creation leaves may be created anew.
    ///
    /// # Errors
    /// [`FolderError::IsARun`], [`FolderError::NotEmpty`], [`FolderError::Lock`], [`FolderError::Disk`].
    pub fn create(dir: &Path, run_toml: &str, manifest: &Manifest) -> Result<RunFolder, FolderError> {
        let paths = RunPaths::new(dir);
        disk::create_folder(dir)?;
        refuse_foreign(&paths)?;
        let lock = RunLock::take(&paths.lock())?;
        // Looked at again under the lock: somebody may have been faster.
        refuse_foreign(&paths)?;
        disk::write_synced(&paths.run_toml(), run_toml.as_bytes())?;
        manifest.write(&paths.manifest())?;
        disk::sync_folder(disk::folder_of(dir))?;
        Ok(RunFolder { paths, manifest: manifest.clone(), _lock: lock })
    }

    /// Locks a run and reads its manifest. Nothing is changed before [`RunFolder::resume`], so that a manifest that does not match can be
    /// turned down.
    ///
    /// # Errors
    /// [`FolderError::Manifest`] if it is no run; [`FolderError::Lock`].
    pub fn open(dir: &Path) -> Result<RunFolder, FolderError> {
        let paths = RunPaths::new(dir);
        // Before the lock, whose file would otherwise appear in a folder that is no run.
        Manifest::read(&paths.manifest())?;
        let lock = RunLock::take(&paths.lock())?;
        let manifest = Manifest::read(&paths.manifest())?;
        Ok(RunFolder { paths, manifest, _lock: lock })
    }

    /// Cuts every growing file back to the last commit (to nothing, if there is none) and makes TensorBoard's copy anew. For a run just
    /// created as for one that was killed: it creates what is not there yet. Older commits may be left from a death in the middle of a
    /// removal: see [`Checkpoints::thin_out`].
    ///
    /// # Errors
    /// [`FolderError::Checkpoint`], [`FolderError::Log`], [`FolderError::Metrics`] if what was committed is not there any more.
    pub fn resume(&self) -> Result<Resumed, FolderError> {
        disk::create_folder(&self.paths.episodes())?;
        let checkpoints = Checkpoints::open(&self.paths.checkpoints())?;
        let checkpoint = checkpoints.latest()?;
        if let Some(checkpoint) = &checkpoint {
            checkpoint.verify()?;
        }
        let state = checkpoint.as_ref().map_or_else(RunState::fresh, |checkpoint| checkpoint.state.clone());
        let (log, recovery) = Log::open_at(&self.paths.log(), state.offsets.log)?;
        let (sheets, (metrics, timings)) = Sheets::open_at(&self.paths, state.offsets)?;
        disk::sync_folder(self.paths.dir())?;
        let cut = CutBytes { log: recovery.cut_bytes, metrics, timings };
        Ok(Resumed { state, checkpoint, checkpoints, log, sheets, cut })
    }

    /// Replaces the manifest, once what was not known at the start is: the tokenizer, the cold start's weights.
    ///
    /// # Errors
    /// [`FolderError::Disk`]; the old manifest then stands.
    pub fn set_manifest(&mut self, manifest: Manifest) -> Result<(), FolderError> {
        manifest.write(&self.paths.manifest())?;
        self.manifest = manifest;
        Ok(())
    }

    /// What the run depends on.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where everything lies.
    #[must_use]
    pub fn paths(&self) -> &RunPaths {
        &self.paths
    }
}

/// An error if the folder is a run or holds anything that an interrupted creation would not have left.
fn refuse_foreign(paths: &RunPaths) -> Result<(), FolderError> {
    let dir = paths.dir();
    if paths.manifest().exists() {
        return Err(FolderError::IsARun { dir: dir.to_owned() });
    }
    let ours = [paths.lock(), paths.run_toml(), disk::temporary_of(&paths.manifest())];
    let foreign = disk::names_in(dir)?.into_iter().find(|name| ours.iter().all(|file| *file != dir.join(name)));
    foreign.map_or(Ok(()), |name| Err(FolderError::NotEmpty { dir: dir.to_owned(), name }))
}

#[cfg(test)]
mod tests;
