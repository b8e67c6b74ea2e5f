//! The binary that needs libtorch finds it where `.libtorch` led when it was built, by its RPATH; as in `crates/duologue`, where it says why.

use std::env;
use std::env::consts::DLL_PREFIX;
use std::env::consts::DLL_SUFFIX;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let libtorch = PathBuf::from(env::var_os("LIBTORCH").unwrap_or_default());
    let library = libtorch.join("lib").join(format!("{DLL_PREFIX}torch_cpu{DLL_SUFFIX}"));
    println!("cargo::rerun-if-changed={}", library.display());
    let Ok(library) = library.canonicalize() else { return };
    let folder = library.parent().expect("a file lies in a folder");
    println!("cargo::rustc-link-arg-bin=pace=-Wl,-rpath,{},--disable-new-dtags", folder.display());
}
