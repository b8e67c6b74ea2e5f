//! The order in which libtorch is taken, on made-up folders and a made-up Python.

use std::env::consts::DLL_PREFIX;
use std::env::consts::DLL_SUFFIX;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::folder::Defect;
use super::folder::inspect;
use super::*;

/// A machine: a checkout, a cache folder, and a Python that says what it is told to.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(machine.path("checkout")).unwrap();
        machine.python("exit 1");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `python3` does here: a shell script.
    fn python(&self, script: &str) {
        let path = self.path("python3");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A folder that looks like libtorch of a version, as an archive has it.
    fn libtorch(&self, name: &str, version: &str) -> PathBuf {
        let folder = self.path(name);
        let headers = folder.join("include/torch/csrc/api/include/torch");
        std::fs::create_dir_all(&headers).unwrap();
        std::fs::write(headers.join("torch.h"), "").unwrap();
        std::fs::create_dir_all(folder.join("lib")).unwrap();
        for library in ["torch", "torch_cpu", "c10"] {
            std::fs::write(folder.join(format!("lib/{DLL_PREFIX}{library}{DLL_SUFFIX}")), "").unwrap();
        }
        std::fs::write(folder.join("build-version"), format!("{version}\n")).unwrap();
        folder
    }

    fn search(&self, libtorch: Option<PathBuf>) -> Search {
        Search { root: self.path("checkout"), libtorch, python: self.path("python3").into(), cache: self.path("cache") }
    }

    fn linked(&self) -> PathBuf {
        std::fs::read_link(self.path("checkout").join(LINK)).unwrap()
    }
}

#[test]
fn each_place_is_taken_only_when_those_before_it_have_nothing() {
    let machine = Machine::new();
    let cached = machine.libtorch("cache/libtorch-2.11.0-cpu", "2.11.0");
    let taken = machine.search(None).take().unwrap();
    assert_eq!(taken, Taken { folder: cached, source: Source::Cached });

    let installed = machine.libtorch("site/torch", "2.11.0");
    machine.python(&format!("echo 2.11.0+cu130; echo {}", installed.display()));
    let taken = machine.search(None).take().unwrap();
    assert_eq!(taken, Taken { folder: installed, source: Source::Installed });

    let own = machine.libtorch("own", "2.11.0+cpu");
    let taken = machine.search(Some(own.clone())).take().unwrap();
    assert_eq!(taken, Taken { folder: own, source: Source::Environment });
}

#[test]
fn an_installed_pytorch_of_another_version_or_without_headers_is_passed_over() {
    let machine = Machine::new();
    let cached = machine.libtorch("cache/libtorch-2.11.0-cpu", "2.11.0");
    let installed = machine.libtorch("site/torch", "2.11.0");
    for (version, torch) in [("2.10.0", &installed), ("2.11.01", &installed), ("2.11.0", &machine.path("site"))] {
        machine.python(&format!("echo {version}; echo {}", torch.display()));
        assert_eq!(machine.search(None).take().unwrap().folder, cached);
    }
}

#[test]
fn a_wrong_libtorch_of_the_users_own_is_one_line_that_says_what_to_do() {
    let machine = Machine::new();
    machine.libtorch("cache/libtorch-2.11.0-cpu", "2.11.0");
    let old = machine.libtorch("old", "2.5.1+cpu");
    let said = |folder: PathBuf| machine.search(Some(folder)).take().unwrap_err().to_string();
    let advice = "unset it, or set it to a libtorch 2.11.0";
    assert_eq!(
        said(old.clone()),
        format!("LIBTORCH={}: it is libtorch 2.5.1+cpu, not 2.11.0; {advice}", old.display())
    );
    let nowhere = machine.path("nowhere");
    assert_eq!(said(nowhere.clone()), format!("LIBTORCH={}: there is no such folder; {advice}", nowhere.display()));
    assert!(said("libtorch".into()).contains("LIBTORCH=libtorch is relative"));
}

#[test]
fn without_pip_a_fetch_says_what_is_needed() {
    let machine = Machine::new();
    let said = machine.search(None).take().unwrap_err().to_string();
    assert!(!said.contains('\n'), "{said}");
    assert!(said.contains("set LIBTORCH"), "{said}");
}

#[test]
fn what_cargo_puts_into_libtorch_is_not_the_users() {
    let root = Path::new("/checkout");
    assert_eq!(users_own(root, Some("/checkout/.libtorch".into())), None);
    assert_eq!(users_own(root, Some("".into())), None);
    assert_eq!(users_own(root, None), None);
    assert_eq!(users_own(root, Some("/other/.libtorch".into())), Some("/other/.libtorch".into()));
}

#[test]
fn the_link_follows_what_is_taken_and_replaces_a_broken_one() {
    let machine = Machine::new();
    std::os::unix::fs::symlink("gone", machine.path("checkout").join(LINK)).unwrap();
    let cached = machine.libtorch("cache/libtorch-2.11.0-cpu", "2.11.0");
    set_up(&machine.search(None)).unwrap();
    assert_eq!(machine.linked(), cached);
    let own = machine.libtorch("own", "2.11.0");
    set_up(&machine.search(Some(own.clone()))).unwrap();
    assert_eq!(machine.linked(), own);
    let names = std::fs::read_dir(machine.path("checkout")).unwrap().count();
    assert_eq!(names, 1, "a link in the making was left behind");
}

#[test]
fn a_libtorch_of_the_users_own_that_is_the_link_does_not_become_a_loop() {
    let machine = Machine::new();
    let cached = machine.libtorch("cache/libtorch-2.11.0-cpu", "2.11.0");
    set_up(&machine.search(None)).unwrap();
    let link = machine.path("checkout").join(LINK);
    set_up(&machine.search(Some(link))).unwrap();
    assert_eq!(machine.linked().canonicalize().unwrap(), cached.canonicalize().unwrap());
}

#[test]
fn a_libtorch_unpacked_in_the_links_place_is_used_and_never_replaced() {
    let machine = Machine::new();
    let unpacked = machine.libtorch("checkout/.libtorch", "2.11.0");
    set_up(&machine.search(None)).unwrap();
    assert!(!unpacked.is_symlink());
    std::fs::write(unpacked.join("build-version"), "2.4.0").unwrap();
    let said = set_up(&machine.search(None)).unwrap_err().to_string();
    assert!(said.contains("it is libtorch 2.4.0, not 2.11.0; remove that folder"), "{said}");
}

#[test]
fn a_folder_is_told_by_its_files_and_its_version() {
    let machine = Machine::new();
    let folder = machine.libtorch("a", "2.11.0");
    assert_eq!(inspect(&folder), Ok(()));
    std::fs::remove_file(folder.join("build-version")).unwrap();
    assert_eq!(inspect(&folder), Err(Defect::Unversioned));
    let version = "from typing import Optional\n\n__version__ = '2.11.0+cu130'\ndebug = False\n";
    std::fs::write(folder.join("version.py"), version).unwrap();
    assert_eq!(inspect(&folder), Ok(()), "an installed PyTorch says its version in version.py");
    let library = format!("lib/{DLL_PREFIX}c10{DLL_SUFFIX}");
    std::fs::remove_file(folder.join(&library)).unwrap();
    assert_eq!(inspect(&folder), Err(Defect::Incomplete(library)));
}
