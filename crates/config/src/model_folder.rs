//! A folder with a model in it, known by its contents: where it lies makes no difference.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use sim::Seat;

use crate::sha;

/// Files of a model's folder that say how it learned, not what it does.
const OPTIMIZER: &str = "optimizer.";

/// A checkpoint's folder stands for the model of the seat that is meant.
#[must_use]
pub fn model_of_seat(folder: &Path, seat: Seat) -> PathBuf {
    let of_seat = folder.join(seat.name());
    if of_seat.join("config.json").exists() { of_seat } else { folder.to_owned() }
}

/// SHA-256, in hex, of all of its files but for the optimiser's state, with their names.
pub(crate) fn identity(folder: &Path) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !name.starts_with(OPTIMIZER) {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut contents = String::new();
    for name in names {
        contents.push_str(&format!("{name} {}\n", sha::of_file(&folder.join(&name))?));
    }
    Ok(sha::hex(contents.as_bytes()))
}
