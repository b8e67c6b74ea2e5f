//! Tests, examples and benches of this package find libtorch where `.libtorch` led when they were built.
//!
//! An old-style RPATH (`--disable-new-dtags`) also serves the libraries that libtorch itself needs; a RUNPATH would not.

use std::env;
use std::fs;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let Ok(libtorch) = env::var("LIBTORCH") else { return };
    let Ok(lib) = fs::canonicalize(&libtorch).map(|folder| folder.join("lib")) else { return };
    // The link itself is watched, so that another libtorch behind it gives another path.
    println!("cargo:rerun-if-changed={}", lib.join("libtorch_cpu.so").display());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{},--disable-new-dtags", lib.display());
    println!("cargo:rustc-env=DUOLOGUE_LIBTORCH_LIB={}", lib.display());
}
