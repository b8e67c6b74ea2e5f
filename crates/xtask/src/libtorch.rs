//! Where libtorch comes from.
//!
//! ```text
//! LIBTORCH of the user ─┐ wrong: an error, because cargo would take it all the same
//! installed PyTorch    ─┤
//! cached copy          ─┼─> link .libtorch ─> LIBTORCH in .cargo/config.toml ─> build scripts, rpath of the binary
//! fetch with pip       ─┘
//! ```
//!
//! The version is exact, because the C++ shim in `torch-sys` is generated for one. The link lies outside `target/`, so
//! that `cargo clean` spares it, and it is replaced by a rename, so that a build beside us never finds it missing.

mod fetch;
mod folder;
mod installed;
mod link;

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

/// The only version `tch` 0.24 binds.
pub const VERSION: &str = "2.11.0";

/// The link at the root; `.cargo/config.toml` names it too.
pub const LINK: &str = ".libtorch";

/// Everything from outside that decides which libtorch is taken.
pub struct Search {
    /// The checkout.
    root: PathBuf,
    /// `LIBTORCH` as the user set it; `None` if it is unset or is the default of `.cargo/config.toml`.
    libtorch: Option<PathBuf>,
    /// The Python that is asked for an installed PyTorch and whose pip fetches.
    python: OsString,
    /// The folder where a fetched copy is kept, shared by all checkouts.
    cache: PathBuf,
}

/// A usable libtorch, and where it came from.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// Holds `include/` and `lib/`.
    pub folder: PathBuf,
    pub source: Source,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    Environment,
    Installed,
    Cached,
    Fetched,
}

impl Search {
    /// Reads the environment. Fails where no cache folder can be named.
    pub fn from_env(root: &Path) -> Result<Self> {
        let home =
            std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".cache"));
        // The specification of XDG folders says that a relative path is to be ignored.
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|cache| cache.is_absolute()).or(home);
        let cache = cache.context("neither XDG_CACHE_HOME nor HOME is set: set one, libtorch is kept there")?;
        Ok(Self {
            root: root.to_path_buf(),
            libtorch: users_own(root, std::env::var_os("LIBTORCH")),
            python: "python3".into(),
            cache: cache.join("duologue"),
        })
    }

    /// Takes libtorch from the first place that has it. Fetches, where none has.
    pub fn take(&self) -> Result<Taken> {
        if let Some(folder) = &self.libtorch {
            if folder.is_relative() {
                // Build scripts run in the folders of their packages, each of which would look somewhere else.
                bail!("LIBTORCH={} is relative; set it to an absolute path, or unset it", folder.display());
            }
            if let Err(defect) = folder::inspect(folder) {
                bail!("LIBTORCH={}: {defect}; unset it, or set it to a libtorch {VERSION}", folder.display());
            }
            return Ok(Taken { folder: folder.clone(), source: Source::Environment });
        }
        if let Some(folder) = installed::find(&self.python) {
            return Ok(Taken { folder, source: Source::Installed });
        }
        let cached = self.cache.join(format!("libtorch-{VERSION}-cpu"));
        if folder::inspect(&cached).is_ok() {
            return Ok(Taken { folder: cached, source: Source::Cached });
        }
        fetch::fetch(&self.python, &cached)?;
        Ok(Taken { folder: cached, source: Source::Fetched })
    }
}

/// Takes libtorch and puts the link to it at the root.
pub fn set_up(search: &Search) -> Result<()> {
    let own = search.root.join(LINK);
    if own.is_dir() && !own.is_symlink() && search.libtorch.is_none() {
        // Somebody unpacked libtorch right here. It is theirs: used if it is right, never replaced.
        return folder::inspect(&own)
            .map_err(|defect| anyhow::anyhow!("{}: {defect}; remove that folder and run this again", own.display()));
    }
    let taken = search.take()?;
    link::point(&own, &taken.folder)?;
    let from = match taken.source {
        Source::Environment => "from LIBTORCH",
        Source::Installed => "of the installed PyTorch",
        Source::Cached => "from the cache",
        Source::Fetched => "fetched just now",
    };
    eprintln!("libtorch {VERSION} {from}: {}", taken.folder.display());
    Ok(())
}

/// `LIBTORCH`, unless it is what cargo itself put there.
fn users_own(root: &Path, libtorch: Option<OsString>) -> Option<PathBuf> {
    let libtorch = PathBuf::from(libtorch.filter(|libtorch| !libtorch.is_empty())?);
    (libtorch != root.join(LINK)).then_some(libtorch)
}

#[cfg(test)]
mod tests;
