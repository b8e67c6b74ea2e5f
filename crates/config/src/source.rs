//! A file as it was read. The only place that reads one from the disk.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::ConfigError;
use crate::suggest;

/// A file: where it lies and what stood in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As it was named: errors repeat it in this form.
    pub path: PathBuf,
    /// Its text, byte for byte.
    pub text: String,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is missing (with a hint at a similar name beside it), unreadable, or not UTF-8.
    pub fn read(path: &Path) -> Result<Source, ConfigError> {
        let failed = |error: io::Error| ConfigError {
            file: path.display().to_string(),
            line: None,
            key: String::new(),
            what: format!("cannot be read: {}", why(&error)),
            hint: neighbour(path),
        };
        let text = fs::read_to_string(path).map_err(failed)?;
        Ok(Source { path: path.to_owned(), text })
    }

    /// The file's name as it stands in errors.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// The operating system's number says nothing to a reader.
fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

/// What may have been meant: a `.toml` file of a similar name in the same folder, or which ones there are.
fn neighbour(path: &Path) -> Option<String> {
    if path.is_dir() {
        return Some(files_in(path));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_name()?.to_str()?;
    let names = names_in(folder).unwrap_or_default();
    let nearest = suggest::nearest(wanted, names.iter().map(String::as_str));
    Some(nearest.map_or_else(|| files_in(folder), |name| format!("did you mean `{name}`?")))
}

fn files_in(folder: &Path) -> String {
    match names_in(folder) {
        Some(names) if !names.is_empty() => {
            format!("files in {}: {}", folder.display(), suggest::list(names.iter().map(String::as_str)))
        }
        Some(_) => format!("no .toml file lies in {}", folder.display()),
        None => format!("there is no folder {}", folder.display()),
    }
}

/// The `.toml` files of a folder, in order; `None` if it cannot be listed.
fn names_in(folder: &Path) -> Option<Vec<String>> {
    let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
    names.sort();
    Some(names)
}
