//! Is this folder a libtorch of the right version?

use std::env::consts::DLL_PREFIX;
use std::env::consts::DLL_SUFFIX;
use std::fmt;
use std::path::Path;

use super::VERSION;

/// Why a folder is not usable. Shown after the folder's name.
#[derive(Debug, PartialEq, Eq)]
pub enum Defect {
    NotThere,
    /// The first file of libtorch that is missing, relative to the folder.
    Incomplete(String),
    /// Neither `build-version` nor `version.py` says which version it is.
    Unversioned,
    OtherVersion(String),
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere => write!(f, "there is no such folder"),
            Self::Incomplete(file) => write!(f, "not a whole libtorch, {file} is missing"),
            Self::Unversioned => write!(f, "its version is unknown (no build-version and no version.py)"),
            Self::OtherVersion(version) => write!(f, "it is libtorch {version}, not {VERSION}"),
        }
    }
}

/// Looks for what a build needs: headers, the CPU library and the version.
pub fn inspect(folder: &Path) -> Result<(), Defect> {
    if !folder.is_dir() {
        return Err(Defect::NotThere);
    }
    let library = |name: &str| format!("lib/{DLL_PREFIX}{name}{DLL_SUFFIX}");
    // `libtorch` is in the list because torch-sys names it to the linker, whatever it holds.
    let needed =
        ["include/torch/csrc/api/include/torch/torch.h".into(), library("torch_cpu"), library("c10"), library("torch")];
    if let Some(missing) = needed.into_iter().find(|file| !folder.join(file).is_file()) {
        return Err(Defect::Incomplete(missing));
    }
    match version(folder) {
        None => Err(Defect::Unversioned),
        Some(version) if is_ours(&version) => Ok(()),
        Some(version) => Err(Defect::OtherVersion(version)),
    }
}

/// The version of the right libtorch, with or without a build tag such as `+cpu` or `+cu130`.
pub fn is_ours(version: &str) -> bool {
    version.split('+').next() == Some(VERSION)
}

/// A libtorch archive says its version in `build-version`, an installed PyTorch in `version.py`.
fn version(folder: &Path) -> Option<String> {
    if let Ok(text) = std::fs::read_to_string(folder.join("build-version")) {
        return Some(text.trim().to_owned());
    }
    let text = std::fs::read_to_string(folder.join("version.py")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("__version__ ="))?;
    Some(value.trim().trim_matches(['\'', '"']).to_owned())
}
