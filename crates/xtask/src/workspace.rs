//! The checkout, and commands started in it.

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use crate::libtorch::LINK;

/// The folder of the root `Cargo.toml`.
pub fn root() -> PathBuf {
    // `cargo run` sets the variable, so that a moved or copied checkout is found too; the built-in path is for a bare call.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let manifest = PathBuf::from(manifest);
    manifest.ancestors().nth(2).expect("crates/xtask lies two folders below the root").to_path_buf()
}

/// Runs cargo at the root, as a newcomer would run it.
///
/// The `LIBTORCH` that `.cargo/config.toml` gave to this process is taken away again: cargo adds it by itself, and a build
/// script must not see a change of environment between a plain call and one made from here, or it would run twice.
pub fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    if std::env::var_os("LIBTORCH").is_some_and(|libtorch| Path::new(&libtorch) == root.join(LINK)) {
        command.env_remove("LIBTORCH");
    }
    finish(&format!("cargo {}", arguments.join(" ")), &mut command)
}

/// Runs a command to its end; its output goes to the terminal. An error if it cannot start or does not end with 0.
/// `name` is what the user reads about it.
pub fn finish(name: &str, command: &mut Command) -> Result<()> {
    eprintln!("$ {name}");
    let status = match command.status() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("`{}` is not installed", command.get_program().display())
        }
        status => status.with_context(|| format!("cannot start `{name}`"))?,
    };
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_command_that_fails_is_an_error_that_names_it() {
        let error = finish("sh exit", Command::new("sh").args(["-c", "exit 3"])).unwrap_err().to_string();
        assert_eq!(error, "`sh exit` failed (exit status: 3)");
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error_that_says_so() {
        let error = finish("nothing", &mut Command::new("no-such-program-anywhere")).unwrap_err().to_string();
        assert_eq!(error, "`no-such-program-anywhere` is not installed");
    }
}
