//! Errors of the tensor library are panics in most of `tch`'s functions. They are caught where work is handed in, and become data there.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

/// Runs `work`; its panic, if any, in words. Whatever `work` changed half is the caller's to restore.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let words = payload.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
        // The library appends a C++ backtrace; the first line says what happened.
        words.lines().next().unwrap_or_default().to_owned()
    })
}
