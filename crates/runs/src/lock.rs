//! One writer per run folder.

use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::DiskError;
use crate::disk::failed;

/// Why a run folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process, or another part of this one, writes this run.
    #[error("{} is locked: another process writes this run", file.display())]
    Held {
        /// The lock file.
        file: PathBuf,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// How often a held lock is tried again.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// Held until dropped. The operating system releases it when the process dies, however it dies: no stale lock to remove by hand.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

impl Drop for RunLock {
    /// Not left to the closing of the file: a process that another thread is about to start holds a copy of it until it runs its program,
    /// and the lock with it.
    fn drop(&mut self) {
        // If it fails, closing the file does what it can.
        let _ = self.file.unlock();
    }
}

impl RunLock {
    /// Takes the lock, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] if somebody has it.
    pub fn take(path: &Path) -> Result<RunLock, LockError> {
        let opened = File::options().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(failed("open", path))?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { file: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed("lock", path)(error).into()),
        }
    }

    /// Takes the lock, waiting for whoever has it for as long as `patience` lasts: a process that is about to die, say.
    ///
    /// # Errors
    /// [`LockError::Held`] if it was not given up in time.
    pub fn take_within(path: &Path, patience: Duration) -> Result<RunLock, LockError> {
        let started = Instant::now();
        loop {
            match RunLock::take(path) {
                Err(LockError::Held { .. }) if started.elapsed() < patience => thread::sleep(TRY_EVERY),
                taken_or_not => return taken_or_not,
            }
        }
    }
}
