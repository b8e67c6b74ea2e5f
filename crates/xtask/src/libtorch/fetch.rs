//! The CPU half of libtorch, fetched from the package registry.
//!
//! PyPI has no wheel of the CPU build for Linux on x86-64: the one there is for CUDA. But its `libtorch_cpu.so` is whole
//! and needs only the CUDA runtime and CUPTI beside it to load (no driver, no GPU), so we take those files and leave the
//! gigabytes of kernels. 0.5 GB are fetched and 0.5 GB kept.
//!
//! - **Checksummed**: the wheels are named with their SHA-256, and pip refuses any other content.
//! - **Resumable**: each wheel is fetched by its own call of pip into a folder that stays; pip verifies and reuses what
//!   lies there. Inside one wheel, pip (25.1 or newer) resumes a broken connection; a killed pip starts that wheel anew.
//! - **Atomic**: unpacked into a folder beside the cache, and renamed into place when whole.
//! - **Exclusive**: one process at a time, by a lock on a file; the others wait and then find the cached copy.

use std::ffi::OsStr;
use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use super::VERSION;
use super::folder;
use crate::workspace;

/// A wheel, and what to take from it.
struct Wheel {
    name: &'static str,
    version: &'static str,
    sha256: &'static str,
    /// Prefix of the file names inside, and the folder of libtorch that each file goes to. `""` keeps the rest of the path.
    parts: &'static [(&'static str, &'static str)],
}

const TORCH: Wheel = Wheel {
    name: "torch",
    version: VERSION,
    sha256: "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    parts: &[
        ("torch/include/", "include/"),
        ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
        ("torch/lib/libc10.so", "lib/libc10.so"),
        ("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
    ],
};

const CUDA_RUNTIME: Wheel = Wheel {
    name: "nvidia-cuda-runtime",
    version: "13.0.96",
    sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    parts: &[("nvidia/cu13/lib/libcudart.so.13", "lib/libcudart.so.13")],
};

const CUPTI: Wheel = Wheel {
    name: "nvidia-cuda-cupti",
    version: "13.0.85",
    sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    parts: &[("nvidia/cu13/lib/libcupti.so.13", "lib/libcupti.so.13")],
};

/// The small ones first: what is wrong with the network or the disk shows in seconds.
const WHEELS: [Wheel; 3] = [CUDA_RUNTIME, CUPTI, TORCH];

/// Any wheel for this platform that holds the libraries would do; one is named, so that its checksum can be.
/// `pip download` takes it whatever Python the user has.
const PLATFORM: [&str; 8] = [
    "--only-binary=:all:",
    "--implementation=cp",
    "--python-version=3.11",
    "--abi=cp311",
    "--abi=none",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_25_x86_64",
    "--platform=manylinux2014_x86_64",
];

const UNPACK: &str = include_str!("unpack.py");

/// Fetches, unpacks and puts in place. Whoever waited for the lock finds the work done.
pub fn fetch(python: &OsStr, target: &Path) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "no libtorch {VERSION} is found, and it can be fetched only for Linux on x86-64: `pip install torch=={VERSION}`, or set LIBTORCH"
        );
    }
    let cache = target.parent().expect("the target lies in the cache folder");
    std::fs::create_dir_all(cache).with_context(|| format!("cannot make the cache folder {}", cache.display()))?;
    let _held = lock(&beside(target, "lock"))?;
    if folder::inspect(target).is_ok() {
        return Ok(());
    }
    eprintln!("libtorch {VERSION} is not here yet: fetching 0.5 GB into {}", cache.display());
    let wheels = download(python, &beside(target, "wheels"))?;
    install(python, &WHEELS, &wheels, target)?;
    std::fs::remove_dir_all(beside(target, "wheels")).context("cannot remove the fetched wheels")
}

/// A name beside the target that says what it belongs to.
fn beside(target: &Path, what: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

/// Holds the lock until the file is dropped. The file itself stays: removing it would let two in.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot make the lock {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => eprintln!("another process is fetching libtorch: waiting for it"),
        Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the cache folder"),
    }
    file.lock().context("cannot lock the cache folder")?;
    Ok(file)
}

/// Fetches each wheel with pip; answers with their paths, in the order of `WHEELS`.
fn download(python: &OsStr, folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut pip = Command::new(python);
    if !pip.args(["-m", "pip", "--version"]).output().is_ok_and(|answer| answer.status.success()) {
        bail!(
            "python3 with pip is needed to fetch libtorch {VERSION}: install them, or set LIBTORCH to a libtorch {VERSION}"
        );
    }
    WHEELS.iter().map(|wheel| download_one(python, wheel, folder)).collect()
}

fn download_one(python: &OsStr, wheel: &Wheel, folder: &Path) -> Result<PathBuf> {
    let list = folder.join(format!("{}.txt", wheel.name));
    std::fs::write(&list, requirement(wheel)).with_context(|| format!("cannot write {}", list.display()))?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--require-hashes"]).args(PLATFORM);
    pip.arg("--dest").arg(folder).arg("--requirement").arg(&list);
    // Where there is room: the system's folder for temporary files may be a small one in memory.
    pip.env("TMPDIR", folder);
    if std::env::var_os("PIP_RESUME_RETRIES").is_none() {
        // As a variable, because a pip older than 25.1 would refuse the flag.
        pip.env("PIP_RESUME_RETRIES", "20");
    }
    workspace::finish(&format!("pip download {}=={}", wheel.name, wheel.version), &mut pip).with_context(|| {
        format!("cannot fetch libtorch {VERSION} (run this again to go on, or set LIBTORCH to a libtorch {VERSION})")
    })?;
    let stem = format!("{}-{}-", wheel.name.replace('-', "_"), wheel.version);
    let names = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let found = names.into_iter().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&stem) && name.ends_with(".whl")
    });
    found.with_context(|| format!("pip fetched no wheel of {} into {}", wheel.name, folder.display()))
}

fn requirement(wheel: &Wheel) -> String {
    format!("{}=={} --hash=sha256:{}\n", wheel.name, wheel.version, wheel.sha256)
}

/// Unpacks the wheels' parts, completes the folder, and renames it into place.
fn install(python: &OsStr, wheels: &[Wheel], files: &[PathBuf], target: &Path) -> Result<()> {
    let fresh = beside(target, "part");
    clear(&fresh)?;
    for (wheel, file) in wheels.iter().zip(files) {
        let mut unpack = Command::new(python);
        unpack.args(["-c", UNPACK]).arg(file).arg(&fresh);
        for (from, to) in wheel.parts {
            unpack.args([from, to]);
        }
        let output = unpack.output().context("cannot start python3")?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("cannot unpack {}: {}", file.display(), complaint.lines().last().unwrap_or("no reason given"));
        }
    }
    // torch-sys links `torch`, which in the CPU half is nothing but `torch_cpu`: a linker script says so.
    std::fs::write(fresh.join("lib/libtorch.so"), "INPUT(-ltorch_cpu)\n").context("cannot write lib/libtorch.so")?;
    std::fs::write(fresh.join("build-version"), format!("{VERSION}\n")).context("cannot write build-version")?;
    if let Err(defect) = folder::inspect(&fresh) {
        bail!("the fetched libtorch is unusable: {defect}");
    }
    clear(target)?;
    std::fs::rename(&fresh, target).with_context(|| format!("cannot put {} in its place", target.display()))
}

/// Removes what an interrupted run left.
fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
