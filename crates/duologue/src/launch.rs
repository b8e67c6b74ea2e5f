//! `duologue` as it is called: looks whether libtorch is there, and becomes `duologue-engine`.
//!
//! The system's loader resolves the libraries of a program before its first instruction, so a program that is linked
//! to libtorch cannot say what to do when libtorch is gone. This one is linked to nothing. It replaces itself (`exec`):
//! same process, same terminal, same signals, and the engine's exit code.

use std::env;
use std::env::consts::DLL_PREFIX;
use std::env::consts::DLL_SUFFIX;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;

/// `lib/` of the libtorch that the engine was linked to, and that its RPATH names.
const LIBRARIES: &str = env!("DUOLOGUE_LIBTORCH_LIB");

const VERSION: &str = "2.11.0";

fn main() -> ExitCode {
    let complaint = check(Path::new(LIBRARIES)).unwrap_or_else(become_engine);
    eprintln!("error: {complaint}");
    ExitCode::FAILURE
}

/// Says what is wrong with libtorch and what to do; `None` if nothing is.
fn check(libraries: &Path) -> Option<String> {
    let advice = "run `cargo xtask libtorch`, then `cargo build --release -p duologue`";
    if !libraries.join(format!("{DLL_PREFIX}torch_cpu{DLL_SUFFIX}")).is_file() {
        return Some(format!("libtorch {VERSION} is no longer in {}: {advice}", libraries.display()));
    }
    // An archive has the one, an installed PyTorch the other.
    let said = ["../build-version", "../version.py"].map(|name| std::fs::read_to_string(libraries.join(name)));
    let right = said.into_iter().flatten().any(|text| text.contains(VERSION));
    (!right).then(|| format!("what is in {} is not libtorch {VERSION}: {advice}", libraries.display()))
}

/// Returns only if that failed, with the reason.
fn become_engine() -> String {
    let own = match env::current_exe() {
        Ok(own) => own,
        Err(error) => return format!("cannot tell where this program lies: {error}"),
    };
    let engine = own.with_file_name("duologue-engine");
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| "duologue".into());
    let error = Command::new(&engine).arg0(name).args(arguments).exec();
    format!("cannot start {}: {error}; it lies beside `duologue` where cargo builds them", engine.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libtorch_of_the_build_is_accepted() {
        assert_eq!(check(Path::new(LIBRARIES)), None);
    }

    #[test]
    fn a_libtorch_that_is_gone_is_one_line_that_says_what_to_do() {
        let complaint = check(Path::new("nowhere/lib")).unwrap();
        assert!(complaint.starts_with("libtorch 2.11.0 is no longer in nowhere/lib: run `cargo xtask libtorch`"));
        assert!(!complaint.contains('\n'), "{complaint}");
    }

    #[test]
    fn a_libtorch_of_another_version_is_told_from_the_right_one() {
        let folder = tempfile::tempdir().unwrap();
        let libraries = folder.path().join("lib");
        std::fs::create_dir(&libraries).unwrap();
        std::fs::write(libraries.join(format!("{DLL_PREFIX}torch_cpu{DLL_SUFFIX}")), "").unwrap();
        for (version, is_right) in [("2.10.0+cpu", false), ("2.11.0", true), ("2.11.0+cu130", true)] {
            std::fs::write(folder.path().join("build-version"), version).unwrap();
            assert_eq!(check(&libraries).is_none(), is_right, "{version}");
        }
    }
}
