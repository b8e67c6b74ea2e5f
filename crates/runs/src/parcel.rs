//! What is handed to others: a file or a folder that is prepared beside its place, and appears there whole or not at all.
//!
//! ```text
//!  begin ──> .NAME.tmp-PID, to be filled ──> deliver: synced, one rename ──> NAME
//!                                       └──> dropped: removed
//! ```
//! Nothing is ever written over. A process that is killed leaves only the name that begins with a dot.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::DiskError;
use crate::disk;
use crate::disk::failed;

/// Why nothing was handed out.
#[derive(Debug, thiserror::Error)]
pub enum ParcelError {
    /// Something lies there already.
    #[error("{} exists", place.display())]
    Taken {
        /// Where.
        place: PathBuf,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// A file or folder in the making.
#[derive(Debug)]
pub struct Parcel {
    place: PathBuf,
    beside: PathBuf,
}

impl Parcel {
    /// Chooses a place. Makes the folder around it; what is made at [`Parcel::beside`] is the caller's.
    ///
    /// # Errors
    /// [`ParcelError::Taken`], [`ParcelError::Disk`].
    pub fn begin(place: &Path) -> Result<Parcel, ParcelError> {
        refuse_taken(place)?;
        // A path such as `..` has no name of its own, and exists wherever it makes sense.
        let name = place.file_name().ok_or_else(|| ParcelError::Taken { place: place.to_owned() })?;
        let beside = format!(".{}.tmp-{}", name.to_string_lossy(), std::process::id());
        disk::create_folder(disk::folder_of(place))?;
        let parcel = Parcel { place: place.to_owned(), beside: place.with_file_name(beside) };
        // Left by a killed process that had the same number.
        parcel.remove()?;
        Ok(parcel)
    }

    /// Where to prepare it: a path at which nothing lies yet.
    #[must_use]
    pub fn beside(&self) -> &Path {
        &self.beside
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// [`ParcelError::Taken`] if somebody was faster; [`ParcelError::Disk`]. Nothing is then left of it.
    pub fn deliver(self) -> Result<(), ParcelError> {
        disk::sync_tree(&self.beside)?;
        refuse_taken(&self.place)?;
        disk::rename(&self.beside, &self.place)?;
        Ok(disk::sync_folder(disk::folder_of(&self.place))?)
    }

    fn remove(&self) -> Result<(), DiskError> {
        if self.beside.is_dir() {
            return disk::remove_folder(&self.beside);
        }
        match fs::remove_file(&self.beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &self.beside)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        // There is nobody to tell; what stays has a name that says what it is.
        let _ = self.remove();
    }
}

/// A link that leads nowhere is something, too.
fn refuse_taken(place: &Path) -> Result<(), ParcelError> {
    match fs::symlink_metadata(place) {
        Ok(_) => Err(ParcelError::Taken { place: place.to_owned() }),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        disk::names_in(folder).unwrap()
    }

    #[test]
    fn a_folder_appears_whole_when_it_is_delivered_and_not_before() {
        let scratch = tempfile::tempdir().unwrap();
        let place = scratch.path().join("new/out");
        let parcel = Parcel::begin(&place).unwrap();
        fs::create_dir_all(parcel.beside().join("inner")).unwrap();
        fs::write(parcel.beside().join("inner/file"), "all").unwrap();
        assert!(!place.exists());
        parcel.deliver().unwrap();
        assert_eq!(fs::read_to_string(place.join("inner/file")).unwrap(), "all");
        assert_eq!(names(&scratch.path().join("new")), ["out"]);
    }

    #[test]
    fn what_is_not_delivered_leaves_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        for is_folder in [true, false] {
            let parcel = Parcel::begin(&scratch.path().join("out")).unwrap();
            if is_folder {
                fs::create_dir(parcel.beside()).unwrap();
                fs::write(parcel.beside().join("half"), "a file").unwrap();
            } else {
                fs::write(parcel.beside(), "a file").unwrap();
            }
            drop(parcel);
            assert_eq!(names(scratch.path()), [""; 0]);
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let scratch = tempfile::tempdir().unwrap();
        let place = scratch.path().join("out");
        fs::write(&place, "mine").unwrap();
        assert!(matches!(Parcel::begin(&place), Err(ParcelError::Taken { place: taken }) if taken == place));
        assert!(matches!(Parcel::begin(Path::new("..")), Err(ParcelError::Taken { .. })));

        let late = scratch.path().join("late");
        let parcel = Parcel::begin(&late).unwrap();
        fs::write(parcel.beside(), "ours").unwrap();
        fs::write(&late, "theirs").unwrap();
        assert!(matches!(parcel.deliver(), Err(ParcelError::Taken { .. })));
        assert_eq!(fs::read_to_string(&late).unwrap(), "theirs");
        assert_eq!(names(scratch.path()), ["late", "out"]);
    }

    #[test]
    fn a_place_that_cannot_be_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "mine").unwrap();
        let error = Parcel::begin(&file.join("out")).unwrap_err();
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
}
