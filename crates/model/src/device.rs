//! Where tensors live, and what must be settled before the first of them.

use std::path::Path;
use std::sync::Once;
use std::sync::OnceLock;

use libloading::os::unix::Library;
use libloading::os::unix::RTLD_GLOBAL;
use libloading::os::unix::RTLD_NOW;
use rl::LearnError;
use rl::settings::Device;

/// The folder libtorch was linked from; `None` if the package was built without one.
const LIB: Option<&str> = option_env!("DUOLOGUE_LIBTORCH_LIB");

/// Sets the thread counts, which hold for the whole process, and finds the device.
///
/// # Errors
/// [`LearnError::Model`] if a GPU is asked for and there is none.
pub(crate) fn prepare(device: Device, threads: usize) -> Result<tch::Device, LearnError> {
    static INTEROP: Once = Once::new();
    // The library refuses a second call.
    INTEROP.call_once(|| tch::set_num_interop_threads(1));
    tch::set_num_threads(threads.max(1) as i32);
    match device {
        Device::Cpu => Ok(tch::Device::Cpu),
        Device::Auto => Ok(if gpu()? { tch::Device::Cuda(0) } else { tch::Device::Cpu }),
        Device::Cuda if gpu()? => Ok(tch::Device::Cuda(0)),
        Device::Cuda => Err(LearnError::Model("device = \"cuda\", but libtorch finds no GPU here".to_owned())),
    }
}

/// Whether libtorch has a GPU. Its GPU half is a library of its own that nothing links to; where it lies beside the CPU half it is loaded now,
/// once and for good.
fn gpu() -> Result<bool, LearnError> {
    static CUDA: OnceLock<Result<(), String>> = OnceLock::new();
    let loaded = CUDA.get_or_init(|| {
        let Some(path) = LIB.map(|lib| Path::new(lib).join("libtorch_cuda.so")).filter(|path| path.exists()) else {
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
