//! Where tensors live, and what must be settled before the first of them.

use std::path::PathBuf;
use std::sync::Once;
use std::sync::OnceLock;

use libloading::os::unix::Library;
use libloading::os::unix::RTLD_GLOBAL;
use libloading::os::unix::RTLD_NOW;
use rl::LearnError;
use rl::settings::Device;

/// Sets the thread counts, which hold for the whole process, and finds the device.
///
/// # Errors
/// [`LearnError::Model`] if a GPU is asked for and there is none.
pub(crate) fn prepare(device: Device, threads: usize) -> Result<tch::Device, LearnError> {
    static INTEROP: Once = Once::new();
    INTEROP.call_once(|| {
        keep_freed_memory();
        // The library refuses a second call.
        tch::set_num_interop_threads(1);
    });
    tch::set_num_threads(threads.max(1) as i32);
    match device {
        Device::Cpu => Ok(tch::Device::Cpu),
        Device::Auto => Ok(if gpu()? { tch::Device::Cuda(0) } else { tch::Device::Cpu }),
        Device::Cuda if gpu()? => Ok(tch::Device::Cuda(0)),
        Device::Cuda => Err(LearnError::Model("device = \"cuda\", but libtorch finds no GPU here".to_owned())),
    }
}

/// Tells the C library to keep what tensors give back. Left alone it returns each large one to the kernel at once and has the next one
/// cleared page by page: a fifth of the time of sampling with a small model. What is computed does not change.
#[cfg(target_env = "gnu")]
fn keep_freed_memory() {
    /// Tensors up to this size come from the heap; more than this older C libraries refuse.
    const MMAP_THRESHOLD: libc::c_int = 32 << 20;
    /// Free memory at the end of the heap that is kept.
    const TRIM_THRESHOLD: libc::c_int = 1 << 30;
    /// By how much more than is needed the heap grows; it also spares the heaps of other threads.
    const TOP_PAD: libc::c_int = 64 << 20;
    // SAFETY: mallopt only sets numbers of the allocator, under its lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
        libc::mallopt(libc::M_TOP_PAD, TOP_PAD);
    }
}

/// Other C libraries have no such numbers.
#[cfg(not(target_env = "gnu"))]
fn keep_freed_memory() {}

/// Whether libtorch has a GPU. Its GPU half is a library of its own that nothing links to; where it lies beside the CPU half that this process
/// has loaded, be it that of the build or another, it is loaded now, once and for good.
fn gpu() -> Result<bool, LearnError> {
    static CUDA: OnceLock<Result<(), String>> = OnceLock::new();
    let loaded = CUDA.get_or_init(|| {
        let Some(path) = libraries().map(|lib| lib.join("libtorch_cuda.so")).filter(|path| path.exists()) else {
            return Ok(());
        };
        // SAFETY: this is libtorch's own half of the version we link; its initialisers only register kernels.
        let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) };
        library.map(std::mem::forget).map_err(|error| format!("{}: {error}", path.display()))
    });
    match loaded {
        Ok(()) => Ok(tch::Cuda::is_available()),
        Err(why) => Err(LearnError::Model(why.clone())),
    }
}

/// The folder of the CPU half that this process has loaded; `None` where the system does not tell, and no GPU half exists for it.
fn libraries() -> Option<PathBuf> {
    loaded(&std::fs::read_to_string("/proc/self/maps").ok()?, "libtorch_cpu.so")
}

/// The folder of a library, by what `/proc/PID/maps` says: a line for each piece, with the path from the sixth column on.
fn loaded(maps: &str, library: &str) -> Option<PathBuf> {
    let path = maps.lines().filter_map(|line| line.find('/').map(|start| PathBuf::from(&line[start..])));
    path.filter(|path| path.file_name().is_some_and(|name| name == library))
        .find_map(|path| path.parent().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_loaded_library_is_read_from_the_map() {
        let maps = "\
7f00-7f01 r-xp 00000000 fe:00 11                         /opt/a b/lib/libc10.so
7f01-7f02 r-xp 00000000 fe:00 12                         /opt/a b/lib/libtorch_cpu.so
7f02-7f03 rw-p 00000000 00:00 0                          [heap]
";
        assert_eq!(loaded(maps, "libtorch_cpu.so"), Some("/opt/a b/lib".into()));
        assert_eq!(loaded(maps, "libtorch_cuda.so"), None);
    }

    #[test]
    fn this_process_knows_which_libtorch_it_has() {
        let there = libraries().expect("these tests are linked to it");
        assert!(there.join("libtorch_cpu.so").is_file(), "{}", there.display());
    }
}
