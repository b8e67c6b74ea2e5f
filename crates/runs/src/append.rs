//! A file that only grows, except when a crash is undone.

use std::fs::File;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::DiskError;
use crate::disk;
use crate::disk::failed;

/// A place in an append-only file, in bytes from its start: everything before it has been synced, whole. Only a sync makes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(u64);

impl Offset {
    pub(crate) fn new(bytes: u64) -> Offset {
        Offset(bytes)
    }

    /// Bytes from the start of the file.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// The writing end. Nothing is held back in memory: what was appended survives the process, what was synced survives the machine.
#[derive(Debug)]
pub(crate) struct AppendFile {
    path: PathBuf,
    file: File,
    len: u64,
}

impl AppendFile {
    /// Opens the file at its end, or creates it.
    pub(crate) fn open(path: &Path) -> Result<AppendFile, DiskError> {
        let is_new = !path.exists();
        let options = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let file = options.map_err(failed("open", path))?;
        if is_new {
            disk::sync_folder(disk::folder_of(path))?;
        }
        let len = file.metadata().map_err(failed("read the length of", path))?.len();
        Ok(AppendFile { path: path.to_owned(), file, len })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes appended so far, synced or not.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Appends bytes in one write. After an error the file's good part is as before.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let written = self.file.seek(SeekFrom::Start(self.len)).and_then(|_| self.file.write_all(bytes));
        if let Err(error) = written {
            // Best effort: what was half written would be cut at the next opening anyway.
            let _ = self.file.set_len(self.len);
            return Err(failed("write", &self.path)(error));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Waits until everything appended is on the disk.
    pub(crate) fn sync(&mut self) -> Result<Offset, DiskError> {
        self.file.sync_data().map_err(failed("sync", &self.path))?;
        Ok(Offset(self.len))
    }

    /// Cuts off everything after `offset`.
    pub(crate) fn truncate_to(&mut self, offset: Offset) -> Result<(), DiskError> {
        if self.len < offset.0 {
            return Err(DiskError::Short { file: self.path.clone(), len: self.len, wanted: offset.0 });
        }
        self.file.set_len(offset.0).map_err(failed("cut", &self.path))?;
        self.len = offset.0;
        self.file.sync_all().map_err(failed("sync", &self.path))
    }
}
