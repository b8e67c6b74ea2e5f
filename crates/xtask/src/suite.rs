//! `cargo xtask test`: every test there is.

use std::path::Path;

use anyhow::Result;

use crate::libtorch;
use crate::libtorch::Search;
use crate::tidy;
use crate::workspace;

/// The cheap checks first. Release, because it is the profile of the demo: the C++ shim of libtorch takes minutes to
/// compile, and there must be only one profile that ever does it.
pub fn run(root: &Path) -> Result<()> {
    tidy::run(root)?;
    libtorch::set_up(&Search::from_env(root)?)?;
    workspace::cargo(root, &["build", "--release", "--package", "duologue"])?;
    workspace::cargo(root, &["test", "--release", "--workspace"])
}
