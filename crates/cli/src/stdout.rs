//! What a command has to say goes to stdout, and whoever reads it may stop listening: `duologue … | head`.

use std::fmt::Display;
use std::io;
use std::io::Write;

/// Prints a line.
///
/// # Errors
/// If nobody reads stdout any more, where `println!` would panic; see [`is_gone`].
pub fn say(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Whether an error says only that nobody reads stdout any more: no failure, but the end of the work.
#[must_use]
pub fn is_gone(error: &anyhow::Error) -> bool {
    let broken = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref::<io::Error>().is_some_and(broken)
}
