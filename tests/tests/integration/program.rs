//! Runs the binary and listens.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::process::Output;

/// Where models are made to misbehave.
pub const HALT_AT: &str = "NGRAM_HALT_AT";
pub const HOSTILE: &str = "NGRAM_HOSTILE";

/// What a process said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The root of the checkout: paths in commands and messages start here.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies below the root")
}

/// The binary, to be called at the root.
pub fn command(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue-without-torch"));
    command.current_dir(root()).args(arguments).env_remove(HALT_AT).env_remove(HOSTILE).env_remove("RUST_LOG");
    command
}

/// Runs it to its end.
pub fn duologue(arguments: &[impl AsRef<OsStr>]) -> Said {
    finish(command(arguments))
}

/// Runs a prepared command to its end.
pub fn finish(mut command: Command) -> Said {
    Said::of(command.output().expect("the binary was built with the tests"))
}

impl Said {
    /// What a process said that has ended.
    pub fn of(Output { status, stdout, stderr }: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).expect("all output is text");
        Said { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// What it said on stdout, given that it did its work.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// What it said on stderr, given that it ended with this code for a reason of its own.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }

    /// What was wrong with the input: `error: …` and a `hint: …` on stderr, nothing on stdout, exit code 2.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(self.stdout, "");
        let said = self.failed(2);
        assert!(said.starts_with("error: ") && said.contains("\nhint: "), "{said}");
        said
    }
}
