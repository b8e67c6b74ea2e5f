//! Unpacking, on a wheel made here. Fetching itself needs the network, and is what `cargo xtask libtorch` does in the CI.

// Only there can anything be fetched, and the names of the libraries are Linux's.
#![cfg(target_os = "linux")]

use super::*;

/// Writes a wheel with these files; each holds its own name.
fn wheel(path: &Path, names: &[&str]) {
    const WRITE: &str = "import sys, zipfile\n\
                         with zipfile.ZipFile(sys.argv[1], 'w') as wheel:\n    \
                         for name in sys.argv[2:]: wheel.writestr(name, name)";
    let status = Command::new("python3").args(["-c", WRITE]).arg(path).args(names).status().unwrap();
    assert!(status.success());
}

const NAMES: [&str; 6] = [
    "torch/include/torch/csrc/api/include/torch/torch.h",
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libc10.so",
    "torch/lib/libc10_cuda.so",
    "torch/lib/libgomp.so.1",
    "torch/lib/libtorch_cuda.so",
];

#[test]
fn only_the_cpu_half_is_unpacked_and_an_interrupted_one_is_replaced() {
    let cache = tempfile::tempdir().unwrap();
    let (file, target) = (cache.path().join("torch.whl"), cache.path().join("libtorch"));
    wheel(&file, &NAMES);
    std::fs::create_dir_all(beside(&target, "part").join("lib/left-over")).unwrap();
    install("python3".as_ref(), &[TORCH], &[file], &target).unwrap();
    assert_eq!(folder::inspect(&target), Ok(()));
    assert_eq!(std::fs::read_to_string(target.join("lib/libc10.so")).unwrap(), "torch/lib/libc10.so");
    let mut libraries: Vec<_> =
        std::fs::read_dir(target.join("lib")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    libraries.sort();
    assert_eq!(libraries, ["libc10.so", "libgomp.so.1", "libtorch.so", "libtorch_cpu.so"]);
    assert!(!beside(&target, "part").exists());
}

#[test]
fn a_wheel_without_the_library_leaves_nothing_in_place() {
    let cache = tempfile::tempdir().unwrap();
    let (file, target) = (cache.path().join("torch.whl"), cache.path().join("libtorch"));
    wheel(&file, &["torch/include/a.h"]);
    let said = install("python3".as_ref(), &[TORCH], &[file], &target).unwrap_err().to_string();
    assert!(said.ends_with("it has no torch/lib/libtorch_cpu.so"), "{said}");
    assert!(!target.exists());
}

#[test]
fn a_half_written_wheel_leaves_nothing_in_place() {
    let cache = tempfile::tempdir().unwrap();
    let (file, target) = (cache.path().join("torch.whl"), cache.path().join("libtorch"));
    wheel(&file, &NAMES);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let said = install("python3".as_ref(), &[TORCH], &[file], &target).unwrap_err().to_string();
    assert!(said.contains("cannot unpack") && !said.contains('\n'), "{said}");
    assert!(!target.exists());
}

#[test]
fn a_wheel_is_asked_for_by_version_and_checksum() {
    let expected = "nvidia-cuda-cupti==13.0.85 \
                    --hash=sha256:4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8\n";
    assert_eq!(requirement(&CUPTI), expected);
    for wheel in &WHEELS {
        assert_eq!(wheel.sha256.len(), 64, "{}", wheel.name);
    }
}

#[test]
fn one_process_at_a_time_fetches() {
    let cache = tempfile::tempdir().unwrap();
    let path = cache.path().join("lock");
    let held = lock(&path).unwrap();
    let other = File::open(&path).unwrap();
    assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
    drop(held);
    assert!(other.try_lock().is_ok());
}
