//! Tests and examples of this package find libtorch where `.libtorch` led when they were built.
//!
//! An old-style RPATH (`--disable-new-dtags`) also serves the libraries that libtorch itself needs; a RUNPATH would not. What is to be done
//! where there is no libtorch is said by the binary's build script.

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
    let Ok(library) = library.canonicalize() else { return };
    let folder = library.parent().expect("a file lies in a folder");
    println!("cargo::rustc-env=DUOLOGUE_LIBTORCH_LIB={}", folder.display());
    println!("cargo::rustc-link-arg=-Wl,-rpath,{},--disable-new-dtags", folder.display());
}
