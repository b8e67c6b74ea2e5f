//! `duologue` as it is called: looks whether libtorch is there, and becomes `duologue-engine`.
//!
//! The system's loader resolves the libraries of a program before its first instruction, so a program that is linked
//! to libtorch cannot say what to do when libtorch is gone. This one is linked to nothing. It replaces itself (`exec`):
//! same process, same terminal, same signals, and the engine's exit code.
//!
//! ```text
//! LIBTORCH         wrong: an error, because it was meant ─┐
//! LD_LIBRARY_PATH  the first folder with the right one   ─┼─> first in LD_LIBRARY_PATH of the engine
//! where it was built                                     ─┘
//! ```

use std::env;
use std::env::consts::DLL_PREFIX;
use std::env::consts::DLL_SUFFIX;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

/// `lib/` of the libtorch that the engine was linked to, and that its RUNPATH names.
const LIBRARIES: &str = env!("DUOLOGUE_LIBTORCH_LIB");

const VERSION: &str = "2.11.0";

/// Where the system's loader looks before a RUNPATH.
const LIBRARY_PATH: &str = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

fn main() -> ExitCode {
    let path = env::var_os(LIBRARY_PATH);
    let found = find(env::var_os("LIBTORCH"), path.as_deref().unwrap_or_default(), Path::new(LIBRARIES));
    let complaint = found.map_or_else(|complaint| complaint, |libraries| become_engine(&libraries, path));
    eprintln!("error: {complaint}");
    ExitCode::FAILURE
}

/// The `lib/` that the engine is to run with; or what is wrong and what to do. `path` is the loader's, folder by folder.
fn find(libtorch: Option<OsString>, path: &OsStr, built_with: &Path) -> Result<PathBuf, String> {
    if let Some(libtorch) = libtorch.filter(|libtorch| !libtorch.is_empty()) {
        let libraries = PathBuf::from(libtorch).join("lib");
        return match defect(&libraries) {
            None => Ok(libraries),
            Some(defect) => Err(format!("LIBTORCH: {defect}: set it to a libtorch {VERSION}, or unset it")),
        };
    }
    let given = env::split_paths(path).find(|folder| !folder.as_os_str().is_empty() && defect(folder).is_none());
    match (given, defect(built_with)) {
        (Some(given), _) => Ok(given),
        (None, None) => Ok(built_with.to_path_buf()),
        (None, Some(defect)) => Err(format!(
            "{defect}: set LIBTORCH to a libtorch {VERSION}; or, in a checkout, run `cargo xtask libtorch`, then `cargo build --release -p duologue`"
        )),
    }
}

/// What is wrong with a folder of libraries; `None` if nothing is.
fn defect(libraries: &Path) -> Option<String> {
    if !libraries.join(format!("{DLL_PREFIX}torch_cpu{DLL_SUFFIX}")).is_file() {
        return Some(format!("there is no libtorch {VERSION} in {}", libraries.display()));
    }
    // An archive has the one, an installed PyTorch the other.
    let said = ["../build-version", "../version.py"].map(|name| std::fs::read_to_string(libraries.join(name)));
    let right = said.into_iter().flatten().any(|text| text.contains(VERSION));
    (!right).then(|| format!("what is in {} is not libtorch {VERSION}", libraries.display()))
}

/// Returns only if that failed, with the reason.
fn become_engine(libraries: &Path, path: Option<OsString>) -> String {
    let own = match env::current_exe() {
        Ok(own) => own,
        Err(error) => return format!("cannot tell where this program lies: {error}"),
    };
    let engine = own.with_file_name("duologue-engine");
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| "duologue".into());
    let mut command = Command::new(&engine);
    command.arg0(name).args(arguments).env(LIBRARY_PATH, before(libraries, path));
    let error = command.exec();
    format!("cannot start {}: {error}; it lies beside `duologue` where cargo builds them", engine.display())
}

/// The loader's path with this folder first: it also serves the libraries that libtorch itself needs.
fn before(libraries: &Path, path: Option<OsString>) -> OsString {
    let mut whole = libraries.as_os_str().to_owned();
    if let Some(rest) = path.filter(|rest| !rest.is_empty()) {
        whole.push(":");
        whole.push(rest);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that passes for libtorch of a version, `lib/` in it.
    fn libtorch(version: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let libraries = folder.path().join("lib");
        std::fs::create_dir(&libraries).unwrap();
        std::fs::write(libraries.join(format!("{DLL_PREFIX}torch_cpu{DLL_SUFFIX}")), "").unwrap();
        std::fs::write(folder.path().join("build-version"), version).unwrap();
        (folder, libraries)
    }

    #[test]
    fn the_libtorch_of_the_build_is_accepted() {
        assert_eq!(defect(Path::new(LIBRARIES)), None);
        assert_eq!(find(None, "".as_ref(), Path::new(LIBRARIES)), Ok(LIBRARIES.into()));
    }

    #[test]
    fn a_libtorch_that_is_gone_is_one_line_that_says_what_to_do() {
        let complaint = find(None, "".as_ref(), Path::new("nowhere/lib")).unwrap_err();
        assert!(complaint.starts_with("there is no libtorch 2.11.0 in nowhere/lib: set LIBTORCH"), "{complaint}");
        assert!(complaint.contains("`cargo xtask libtorch`") && !complaint.contains('\n'), "{complaint}");
    }

    #[test]
    fn a_libtorch_of_another_version_is_told_from_the_right_one() {
        for (version, is_right) in [("2.10.0+cpu", false), ("2.11.0", true), ("2.11.0+cu130", true)] {
            let (_folder, libraries) = libtorch(version);
            assert_eq!(defect(&libraries).is_none(), is_right, "{version}");
        }
    }

    #[test]
    fn where_it_was_built_is_the_last_place_to_look() {
        let ((named, named_lib), (_a, on_path), (_b, built_with)) =
            (libtorch("2.11.0"), libtorch("2.11.0"), libtorch("2.11.0"));
        let (_old, old) = libtorch("2.5.1");
        let path = env::join_paths([Path::new(""), &old, &on_path]).unwrap();
        let libtorch = Some(named.path().as_os_str().to_owned());
        assert_eq!(find(libtorch, &path, &built_with), Ok(named_lib));
        assert_eq!(find(None, &path, &built_with), Ok(on_path));
        assert_eq!(find(Some("".into()), old.as_os_str(), &built_with), Ok(built_with));
    }

    #[test]
    fn a_wrong_libtorch_that_was_meant_is_no_reason_to_take_another() {
        let (old, _) = libtorch("2.5.1");
        let complaint = find(Some(old.path().into()), "".as_ref(), Path::new(LIBRARIES)).unwrap_err();
        assert!(complaint.starts_with("LIBTORCH: what is in "), "{complaint}");
        assert!(complaint.ends_with("set it to a libtorch 2.11.0, or unset it"), "{complaint}");
    }

    #[test]
    fn the_folder_comes_before_what_was_there() {
        assert_eq!(before(Path::new("a/lib"), None), "a/lib");
        assert_eq!(before(Path::new("a/lib"), Some("".into())), "a/lib");
        assert_eq!(before(Path::new("a/lib"), Some("b:c".into())), "a/lib:b:c");
    }
}
