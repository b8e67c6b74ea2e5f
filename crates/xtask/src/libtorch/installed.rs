//! A PyTorch that is installed already.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use super::VERSION;
use super::folder;

/// Finds the package without importing it: an import takes seconds and may start a GPU.
const QUESTION: &str = "\
import importlib.metadata, importlib.util
print(importlib.metadata.version('torch'))
print(importlib.util.find_spec('torch').submodule_search_locations[0])";

/// The folder of the installed PyTorch, if it is the right version and has its headers.
/// `None` otherwise, with a line of explanation where there is one of another kind.
pub fn find(python: &OsStr) -> Option<PathBuf> {
    let answer = Command::new(python).args(["-c", QUESTION]).output().ok().filter(|answer| answer.status.success())?;
    let answer = String::from_utf8(answer.stdout).ok()?;
    let mut lines = answer.lines();
    let (version, torch) = (lines.next()?, PathBuf::from(lines.next()?));
    if !folder::is_ours(version) {
        eprintln!("PyTorch {version} is installed, but {VERSION} is needed: not used");
        return None;
    }
    match folder::inspect(&torch) {
        Ok(()) => Some(torch),
        Err(defect) => {
            eprintln!("PyTorch in {}: {defect}: not used", torch.display());
            None
        }
    }
}
