//! The binary finds libtorch where `.libtorch` led when it was built, by its RUNPATH: what `LD_LIBRARY_PATH` names comes before it, so that the
//! launcher, on this machine or another, can give it a libtorch that lies elsewhere. An RPATH could not be overruled.
//!
//! A missing libtorch is said here in one line; without it, the C++ compiler would say it in a hundred.

use std::env;
use std::env::consts::DLL_PREFIX;
use std::env::consts::DLL_SUFFIX;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let libtorch = PathBuf::from(env::var_os("LIBTORCH").unwrap_or_default());
    let library = libtorch.join("lib").join(format!("{DLL_PREFIX}torch_cpu{DLL_SUFFIX}"));
    // Through the link, so that another libtorch behind it is noticed.
    println!("cargo::rerun-if-changed={}", library.display());
    let Ok(library) = library.canonicalize() else {
        println!("cargo::error=there is no libtorch at `{}`: run `cargo xtask libtorch`", libtorch.display());
        return;
    };
    let folder = library.parent().expect("a file lies in a folder");
    println!("cargo::rustc-env=DUOLOGUE_LIBTORCH_LIB={}", folder.display());
    println!("cargo::rustc-link-arg=-Wl,-rpath,{},--enable-new-dtags", folder.display());
}
