//! A process on a leash ends when whoever started it does, however that comes about: a kill -9 leaves nobody behind who writes on.

use std::io;
use std::process;
use std::thread;

/// The flag of a command that is to wear a leash.
pub const FLAG: &str = "--leashed";

/// From now on the process lives only as long as its stdin is open: the other end of that pipe is in its parent's hand, and the operating
/// system lets go of it when the parent dies. What was not committed by then is repeated by the next `--resume`.
pub fn wear() {
    thread::spawn(|| {
        // Nothing is ever written to it. An error ends it as well as its end does.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        // Not `exit`: that would take down the tensor library's globals under the threads that compute with them.
        process::abort();
    });
}
