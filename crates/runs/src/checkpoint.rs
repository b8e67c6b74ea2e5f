//! One commit point: everything a step changed becomes true with one rename.
//!
//! ```text
//!  checkpoints/.tmp-step-000012/   agent/ and user/, or both/ where one model speaks for both, filled by the learners, then state.json
//!      │  every file and folder synced, the deepest first
//!      v  one rename
//!  checkpoints/step-000012/        the parent synced; only then older ones are thinned out
//! ```
//! Before the rename the commit does not exist, after it, it is whole: a process may die anywhere. What begins with a dot is left over
//! from a death and is deleted when the run is next opened for writing. A removal renames to `.old-…` first, so no half-removed
//! checkpoint ever has a checkpoint's name.
//!
//! `state.json` lists every other file with its size and checksum: a file that was cut short or mixed up is named instead of loaded.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sim::Seat;
use sim::seat::BOTH;

use crate::CheckpointId;
use crate::Copied;
use crate::DiskError;
use crate::RunState;
use crate::copy;
use crate::disk;
use crate::disk::failed;

/// Version of `state.json`.
pub(crate) const FORMAT_VERSION: u32 = 1;

const STATE: &str = "state.json";
const UNFINISHED: &str = ".tmp-";
const RETIRED: &str = ".old-";

/// Why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no such checkpoint.
    #[error("{} does not exist: there is no checkpoint {id}", folder.display())]
    Unknown {
        /// Which.
        id: CheckpointId,
        /// Where it should be.
        folder: PathBuf,
    },
    /// This step has been committed before: it happens once.
    #[error("{} exists: checkpoint {id} has been committed before", folder.display())]
    Exists {
        /// Which.
        id: CheckpointId,
        /// Where.
        folder: PathBuf,
    },
    /// Its `state.json` is missing, cut short, or of another version.
    #[error("checkpoint {id} is damaged: {}: {why}", file.display())]
    State {
        /// Which.
        id: CheckpointId,
        /// Its `state.json`.
        file: PathBuf,
        /// In words.
        why: String,
    },
    /// One of its files is missing or not what was committed.
    #[error("checkpoint {id} is damaged: {}: {why}", file.display())]
    File {
        /// Which.
        id: CheckpointId,
        /// Which file.
        file: PathBuf,
        /// In words.
        why: String,
    },
}

/// A committed step: its folder and what it says of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Which.
    pub id: CheckpointId,
    /// Where.
    pub folder: PathBuf,
    /// From here the run goes on.
    pub state: RunState,
    files: Vec<StoredFile>,
}

/// `state.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    format: u32,
    state: RunState,
    files: Vec<StoredFile>,
}

/// One file of a checkpoint, as it was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFile {
    /// Relative to the checkpoint, with `/`.
    path: String,
    bytes: u64,
    crc32: u32,
}

impl StoredFile {
    /// What is wrong with a file of this length and checksum, in words.
    fn compare(&self, bytes: u64, crc32: u32) -> Result<(), String> {
        if bytes != self.bytes {
            return Err(format!("it holds {bytes} bytes, but {} were committed", self.bytes));
        }
        if crc32 != self.crc32 {
            return Err("its contents are not what was committed".to_owned());
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Where a seat's model lies, its own or the one of both: an HF folder with the optimiser's state beside it.
    #[must_use]
    pub fn seat_folder(&self, seat: Seat) -> PathBuf {
        self.folder.join(self.model_name(seat))
    }

    /// Whether one model speaks for both seats.
    #[must_use]
    pub fn is_of_both(&self) -> bool {
        let prefix = format!("{BOTH}/");
        self.files.iter().any(|stored| stored.path.starts_with(&prefix))
    }

    /// Name of the folder with the model by which a seat speaks: the seat's, or `both`.
    #[must_use]
    pub fn model_name(&self, seat: Seat) -> &'static str {
        if self.is_of_both() { BOTH } else { seat.name() }
    }

    /// Names of the files committed for a seat's model, in order; none if the seat did not learn.
    pub fn names_of(&self, seat: Seat) -> impl Iterator<Item = &str> {
        let prefix = format!("{}/", self.model_name(seat));
        self.files.iter().filter_map(move |stored| stored.path.strip_prefix(&prefix))
    }

    /// Copies a file of a seat's model, comparing it on the way with what was committed. What was written of a bad copy stays.
    ///
    /// # Errors
    /// [`CheckpointError::File`] if it is not part of the commit, missing, cut short or changed; [`CheckpointError::Disk`] if `to` cannot
    /// be written.
    pub fn copy(&self, seat: Seat, name: &str, to: &Path) -> Result<Copied, CheckpointError> {
        let file = self.seat_folder(seat).join(name);
        let damaged = |why: String| CheckpointError::File { id: self.id, file: file.clone(), why };
        let path = format!("{}/{name}", self.model_name(seat));
        let stored = self.files.iter().find(|stored| stored.path == path);
        let stored = stored.ok_or_else(|| damaged("it was not committed".to_owned()))?;
        let copied = match copy::copy(&file, to) {
            Err(DiskError::Io { file: failed, source, .. }) if failed == file => {
                return Err(damaged(source.to_string()));
            }
            copied => copied?,
        };
        stored.compare(copied.bytes, copied.crc32).map_err(damaged)?;
        Ok(copied)
    }

    /// Compares every file with what was committed.
    ///
    /// # Errors
    /// [`CheckpointError::File`] with the first that is missing, cut short or changed.
    pub fn verify(&self) -> Result<(), CheckpointError> {
        for stored in &self.files {
            let file = self.folder.join(&stored.path);
            let damaged = |why: String| CheckpointError::File { id: self.id, file: file.clone(), why };
            let bytes = match fs::read(&file) {
                Ok(bytes) => bytes,
                Err(error) => return Err(damaged(error.to_string())),
            };
            stored.compare(bytes.len() as u64, crc32fast::hash(&bytes)).map_err(damaged)?;
        }
        Ok(())
    }
}

/// Which commits stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many of the newest; at least 1, whatever it says.
    pub newest: usize,
    /// Those that somebody needs besides.
    pub spared: BTreeSet<CheckpointId>,
}

impl From<usize> for Keep {
    /// The newest alone.
    fn from(newest: usize) -> Keep {
        Keep { newest, spared: BTreeSet::new() }
    }
}

/// The folder of all commits of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// For reading; changes nothing, so that a run in progress may be looked at.
    #[must_use]
    pub fn at(folder: &Path) -> Checkpoints {
        Checkpoints { folder: folder.to_owned() }
    }

    /// For writing: creates the folder if there is none, and deletes what interrupted commits and removals left.
    ///
    /// # Errors
    /// [`CheckpointError::Disk`].
    pub fn open(folder: &Path) -> Result<Checkpoints, CheckpointError> {
        disk::create_folder(folder)?;
        for name in disk::names_in(folder)? {
            if name.starts_with(UNFINISHED) || name.starts_with(RETIRED) {
                disk::remove_folder(&folder.join(name))?;
            }
        }
        disk::sync_folder(folder)?;
        Ok(Checkpoints::at(folder))
    }

    /// Begins a commit: its folder is there, with an empty `agent/` and `user/`, under a name that does not count yet.
    ///
    /// # Errors
    /// [`CheckpointError::Exists`] if this step has been committed; [`CheckpointError::Disk`].
    pub fn begin(&self, id: CheckpointId) -> Result<Commit, CheckpointError> {
        self.begin_with(id, &Seat::ALL.map(Seat::name))
    }

    /// The same where one model speaks for both seats: there is an empty `both/` instead.
    ///
    /// # Errors
    /// As [`Checkpoints::begin`].
    pub fn begin_of_both(&self, id: CheckpointId) -> Result<Commit, CheckpointError> {
        self.begin_with(id, &[BOTH])
    }

    fn begin_with(&self, id: CheckpointId, models: &[&str]) -> Result<Commit, CheckpointError> {
        let target = self.folder_of(id);
        if target.exists() {
            return Err(CheckpointError::Exists { id, folder: target });
        }
        let folder = self.folder.join(format!("{UNFINISHED}{id}"));
        disk::remove_folder(&folder)?;
        for model in models {
            disk::create_folder(&folder.join(model))?;
        }
        Ok(Commit { checkpoints: self.clone(), id, folder })
    }

    /// All commits, oldest first. Other names in the folder are not ours and do not count.
    ///
    /// # Errors
    /// [`CheckpointError::Disk`].
    pub fn list(&self) -> Result<Vec<CheckpointId>, CheckpointError> {
        let names = disk::names_in(&self.folder)?;
        // Sorted by number, since a step of seven digits sorts before one of six as a name.
        let ids: BTreeSet<CheckpointId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        Ok(ids.into_iter().collect())
    }

    /// The newest commit; `None` if there is none.
    ///
    /// # Errors
    /// As [`Checkpoints::load`]: a damaged newest commit is an error, and no older one is taken in its place.
    pub fn latest(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        self.list()?.last().map(|id| self.load(*id)).transpose()
    }

    /// One commit's state. Its other files are not read: see [`Checkpoint::verify`].
    ///
    /// # Errors
    /// [`CheckpointError::Unknown`]; [`CheckpointError::State`] if its `state.json` is missing, cut short or of another version.
    pub fn load(&self, id: CheckpointId) -> Result<Checkpoint, CheckpointError> {
        let folder = self.folder_of(id);
        if !folder.exists() {
            return Err(CheckpointError::Unknown { id, folder });
        }
        let file = folder.join(STATE);
        let damaged = |why: String| CheckpointError::State { id, file: file.clone(), why };
        let json = disk::read_bytes(&file)?.ok_or_else(|| damaged("it is missing".to_owned()))?;
        let parsed: StateFile = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
        let StateFile { format, state, files } = parsed;
        if format != FORMAT_VERSION {
            return Err(damaged(format!(
                "it has format version {format}; this program reads version {FORMAT_VERSION}"
            )));
        }
        if state.checkpoint() != id {
            return Err(damaged(format!("it is the state of {}", state.checkpoint())));
        }
        Ok(Checkpoint { id, folder, state, files })
    }

    /// Removes old commits: of those that nothing else needs the newest stay, and besides them always the one after the cold start. Each commit ends
    /// with it; a resumed run calls it too, since the one before may have died between its last commit and this.
    ///
    /// # Errors
    /// [`CheckpointError::Disk`].
    pub fn thin_out(&self, keep: impl Into<Keep>) -> Result<(), CheckpointError> {
        for id in self.surplus(&keep.into())? {
            for io in self.removal(id) {
                io.run()?;
            }
        }
        Ok(())
    }

    fn folder_of(&self, id: CheckpointId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// What must go: all but the newest and the spared, but never the one after the cold start.
    fn surplus(&self, keep: &Keep) -> Result<Vec<CheckpointId>, CheckpointError> {
        let ids = self.list()?;
        let old = ids.len().saturating_sub(keep.newest.max(1));
        Ok(ids[..old]
            .iter()
            .copied()
            .filter(|id| *id != CheckpointId::COLD_START && !keep.spared.contains(id))
            .collect())
    }

    fn removal(&self, id: CheckpointId) -> [Io; 2] {
        let retired = self.folder.join(format!("{RETIRED}{id}"));
        [Io::Rename(self.folder_of(id), retired.clone()), Io::Remove(retired)]
    }
}

/// A commit in the making. Dropped without [`Commit::finish`], it never happened.
#[derive(Debug)]
pub struct Commit {
    checkpoints: Checkpoints,
    id: CheckpointId,
    folder: PathBuf,
}

impl Commit {
    /// An empty folder to put a seat's model into, or the one of both.
    #[must_use]
    pub fn seat_folder(&self, seat: Seat) -> PathBuf {
        let of_both = self.folder.join(BOTH);
        if of_both.is_dir() { of_both } else { self.folder.join(seat.name()) }
    }

    /// Makes it true, and then thins out older commits: see [`Checkpoints::thin_out`].
    ///
    /// # Errors
    /// [`CheckpointError::State`] if `state` is that of another step; [`CheckpointError::Disk`]. If the error came from the thinning
    /// out, the commit itself stands.
    pub fn finish(self, state: &RunState, keep: impl Into<Keep>) -> Result<Checkpoint, CheckpointError> {
        for io in self.plan(state)? {
            io.run()?;
        }
        self.checkpoints.thin_out(keep)?;
        self.checkpoints.load(self.id)
    }

    /// Every change of the disk that makes the commit, in order. A plan rather than a procedure, so that tests can stop after any of them.
    fn plan(&self, state: &RunState) -> Result<Vec<Io>, CheckpointError> {
        let state_file = self.folder.join(STATE);
        if state.checkpoint() != self.id {
            let why = format!("the state is that of {}", state.checkpoint());
            return Err(CheckpointError::State { id: self.id, file: state_file, why });
        }
        let tree = Tree::walk(&self.folder)?;
        let files = tree.files.iter().map(|file| stored(&self.folder, file)).collect::<Result<_, _>>()?;
        let json = serde_json::to_string_pretty(&StateFile { format: FORMAT_VERSION, state: state.clone(), files })
            .expect("a state has text keys only, so it is always JSON");

        let mut plan: Vec<Io> = tree.files.into_iter().map(Io::SyncFile).collect();
        plan.push(Io::Write(state_file, format!("{json}\n").into_bytes()));
        plan.extend(tree.folders.into_iter().map(Io::SyncFolder));
        plan.push(Io::Rename(self.folder.clone(), self.checkpoints.folder_of(self.id)));
        plan.push(Io::SyncFolder(self.checkpoints.folder.clone()));
        Ok(plan)
    }
}

/// One change of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Io {
    /// Write a file and sync it.
    Write(PathBuf, Vec<u8>),
    SyncFile(PathBuf),
    SyncFolder(PathBuf),
    Rename(PathBuf, PathBuf),
    /// Remove a folder with everything in it.
    Remove(PathBuf),
}

impl Io {
    fn run(&self) -> Result<(), DiskError> {
        match self {
            Io::Write(file, bytes) => disk::write_synced(file, bytes),
            Io::SyncFile(file) => disk::sync_file(file),
            Io::SyncFolder(folder) => disk::sync_folder(folder),
            Io::Rename(from, to) => disk::rename(from, to),
            Io::Remove(folder) => disk::remove_folder(folder),
        }
    }
}

/// What a folder holds: files in order of their names, folders with the deepest first and itself last.
#[derive(Debug, Default)]
struct Tree {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Tree {
    fn walk(folder: &Path) -> Result<Tree, DiskError> {
        let mut tree = Tree::default();
        tree.add(folder)?;
        Ok(tree)
    }

    fn add(&mut self, folder: &Path) -> Result<(), DiskError> {
        for name in disk::names_in(folder)? {
            let path = folder.join(name);
            if path.is_dir() {
                self.add(&path)?;
            } else {
                self.files.push(path);
            }
        }
        self.folders.push(folder.to_owned());
        Ok(())
    }
}

fn stored(root: &Path, file: &Path) -> Result<StoredFile, DiskError> {
    let bytes = fs::read(file).map_err(failed("read", file))?;
    let relative = file.strip_prefix(root).expect("the walk started at the root");
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(StoredFile { path: parts.join("/"), bytes: bytes.len() as u64, crc32: crc32fast::hash(&bytes) })
}

#[cfg(test)]
mod crashes;
#[cfg(test)]
mod tests;
