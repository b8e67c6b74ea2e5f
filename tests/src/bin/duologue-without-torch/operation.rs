//! A place to be killed at: the process can be told to stop dead at the n-th thing that any of its models does.
//!
//! A test that kills after so many milliseconds hits another moment on every machine. Here the victim says on stderr that it has stopped,
//! and only then it is killed, while everybody else in it goes on working.

use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Number of the operation, from 1, at which to stop and wait to be killed. At 0 nothing stops, and the last line of stderr says how many there were.
pub const HALT_AT: &str = "NGRAM_HALT_AT";

/// What is said on stderr at the stop.
const HALTED: &str = "halted";

static AT: LazyLock<Option<u64>> = LazyLock::new(|| std::env::var(HALT_AT).ok()?.parse().ok());
static DONE: AtomicU64 = AtomicU64::new(0);

/// One more operation; never returns from the one to stop at.
pub fn count() {
    let number = DONE.fetch_add(1, Ordering::SeqCst) + 1;
    if *AT == Some(number) {
        eprintln!("{HALTED}");
        loop {
            std::thread::park();
        }
    }
}

/// With [`HALT_AT`] 0: how many operations there were.
pub fn say_how_many() {
    if *AT == Some(0) {
        eprintln!("operations: {}", DONE.load(Ordering::SeqCst));
    }
}
