//! The folder that a release is read from. Notes what was read of it.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::DataError;
use crate::import::Input;

/// A file of more bytes is none of a release's: the greatest that is read has two millions.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// How git writes a file that lies elsewhere.
const POINTER: &[u8] = b"version https://git-lfs";

/// A checkout of a release, or a folder of its files.
pub(crate) struct Checkout {
    root: PathBuf,
    inputs: Vec<Input>,
}

impl Checkout {
    /// Looks at a folder.
    pub(crate) fn open(root: &Path) -> Result<Checkout, DataError> {
        let hint = "give the folder of a checkout";
        match fs::metadata(root) {
            Ok(it) if it.is_dir() => Ok(Checkout { root: root.to_owned(), inputs: Vec::new() }),
            Ok(_) => Err(DataError::of_file(root.display(), "is no folder", hint)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(DataError::of_file(root.display(), "there is no such folder", hint))
            }
            Err(error) => Err(DataError::of_file(root.display(), format!("cannot be read: {error}"), hint)),
        }
    }

    /// The first of these places, relative and with `/`, at which a file lies.
    pub(crate) fn find(&self, places: &[String]) -> Option<String> {
        places.iter().find(|place| self.root.join(place).is_file()).cloned()
    }

    /// The file as errors name it.
    pub(crate) fn name(&self, place: &str) -> String {
        self.root.join(place).display().to_string()
    }

    /// Reads a file and notes its hash.
    pub(crate) fn read(&mut self, place: &str) -> Result<Vec<u8>, DataError> {
        let path = self.root.join(place);
        let failed = |error: io::Error| {
            DataError::of_file(
                path.display(),
                format!("cannot be read: {error}"),
                "mend the checkout, or fetch it anew",
            )
        };
        let len = fs::metadata(&path).map_err(failed)?.len();
        if len > FILE_BYTES_MAX {
            let what = format!("has {len} bytes; a file of a release has at most {FILE_BYTES_MAX}");
            return Err(DataError::of_file(path.display(), what, "give a checkout of the release itself"));
        }
        let bytes = fs::read(&path).map_err(failed)?;
        if bytes.starts_with(POINTER) {
            let what = "is a pointer to a file that was not fetched";
            return Err(DataError::of_file(path.display(), what, "run `git lfs pull` in the checkout"));
        }
        self.inputs.push(Input::of(place, &bytes));
        Ok(bytes)
    }

    /// Reads a file as text.
    pub(crate) fn text(&mut self, place: &str) -> Result<String, DataError> {
        let bytes = self.read(place)?;
        let hint = "fetch the file anew";
        String::from_utf8(bytes).map_err(|_| DataError::of_file(self.name(place), "is not UTF-8 text", hint))
    }

    /// Reads a file as JSON, beside its text.
    pub(crate) fn json(&mut self, place: &str) -> Result<(String, Value), DataError> {
        let text = self.text(place)?;
        match serde_json::from_str(&text) {
            Ok(value) => Ok((text, value)),
            Err(error) => {
                let line = format!("line {}", error.line());
                let what = format!("is not JSON: {error}");
                Err(DataError::of_file(self.name(place), what, "fetch the file anew").at(line))
            }
        }
    }

    /// Its folder as errors name it.
    pub(crate) fn folder(&self) -> String {
        self.root.display().to_string()
    }

    /// What was read, in order.
    pub(crate) fn into_inputs(self) -> Vec<Input> {
        self.inputs
    }
}
