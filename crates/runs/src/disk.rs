//! The little we ask of a disk, with errors that name the file.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Something a disk did not do.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The operating system said no.
    #[error("cannot {action} {}: {source}", file.display())]
    Io {
        /// What was tried: `read`, `write`, `sync`, …
        action: &'static str,
        /// On which file or folder.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds less than was once synced: it was cut or replaced from outside.
    #[error("{} holds {len} bytes, but {wanted} were committed", file.display())]
    Short {
        /// Which.
        file: PathBuf,
        /// Bytes it holds.
        len: u64,
        /// Bytes it should at least hold.
        wanted: u64,
    },
}

/// Puts the attempted action and the file into an I/O error.
pub(crate) fn failed<'a>(action: &'static str, file: &'a Path) -> impl FnOnce(io::Error) -> DiskError + 'a {
    move |source| DiskError::Io { action, file: file.to_owned(), source }
}

/// Reads a whole file; `None` if there is none.
pub(crate) fn read_bytes(file: &Path) -> Result<Option<Vec<u8>>, DiskError> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", file)(error)),
    }
}

/// Writes a file and waits until it is on the disk. A crash may leave a part of it: where that matters, use [`replace`].
pub(crate) fn write_synced(file: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let mut open = File::create(file).map_err(failed("create", file))?;
    open.write_all(bytes).map_err(failed("write", file))?;
    open.sync_all().map_err(failed("sync", file))
}

/// Replaces a file's contents so that a crash leaves either the old or the new ones, never a mixture.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let temporary = temporary_of(file);
    write_synced(&temporary, bytes)?;
    rename(&temporary, file)?;
    sync_folder(folder_of(file))
}

/// Where [`replace`] prepares the new contents.
pub(crate) fn temporary_of(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.tmp"))
}

/// Renames a file or folder within one file system.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    fs::rename(from, to).map_err(failed("rename", from))
}

/// Creates a folder and its parents; one that exists is fine.
pub(crate) fn create_folder(folder: &Path) -> Result<(), DiskError> {
    fs::create_dir_all(folder).map_err(failed("create", folder))
}

/// Removes a folder with everything in it; one that does not exist is fine.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), DiskError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", folder)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Waits until a file's contents are on the disk.
pub(crate) fn sync_file(file: &Path) -> Result<(), DiskError> {
    // Writable, because some systems sync only what could have been written through this handle.
    let open = File::options().append(true).open(file).map_err(failed("open", file))?;
    open.sync_all().map_err(failed("sync", file))
}

/// Waits until a folder's entries are on the disk: a new or renamed file is not safe before that.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), DiskError> {
    let open = File::open(folder).map_err(failed("open", folder))?;
    open.sync_all().map_err(failed("sync", folder))
}

/// Waits until a file, or a folder with everything in it, is on the disk.
pub(crate) fn sync_tree(path: &Path) -> Result<(), DiskError> {
    if !path.is_dir() {
        return sync_file(path);
    }
    for name in names_in(path)? {
        sync_tree(&path.join(name))?;
    }
    sync_folder(path)
}

/// Names of a folder's entries, sorted; none if the folder does not exist.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, DiskError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("read", folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The folder a file lies in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        // A bare file name lies in the working directory.
        _ => Path::new("."),
    }
}
