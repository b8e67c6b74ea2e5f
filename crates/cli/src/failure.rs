//! How a command ends: 0 done, 1 the work failed, 2 bad usage or bad input.

use std::fmt;
use std::process::ExitCode;

use config::ConfigError;
use config::ConfigErrors;

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// What was asked cannot be done: a wrong file, flag or folder. Exit code 2.
    Input {
        /// One or more complete messages, each beginning with `error: `.
        message: String,
    },
    /// The work itself failed: a run that ended, a threshold missed. Exit code 1.
    Work {
        /// What happened.
        error: anyhow::Error,
        /// What to do about it, if anything can be done.
        hint: Option<String>,
    },
}

impl Failure {
    /// A wrong input in one sentence, with what to do about it.
    #[must_use]
    pub fn input(what: impl fmt::Display, hint: Option<&str>) -> Failure {
        let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        Failure::Input { message: format!("error: {what}{hint}") }
    }

    /// Work that failed, with what to do about it.
    #[must_use]
    pub fn work(error: anyhow::Error, hint: impl Into<String>) -> Failure {
        Failure::Work { error, hint: Some(hint.into()) }
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match self {
            Failure::Input { .. } => ExitCode::from(2),
            Failure::Work { .. } => ExitCode::from(1),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Input { message } => f.write_str(message),
            Failure::Work { error, hint: None } => write!(f, "error: {error:#}"),
            Failure::Work { error, hint: Some(hint) } => write!(f, "error: {error:#}\nhint: {hint}"),
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Failure {
        Failure::Input { message: errors.to_string() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Input { message: error.to_string() }
    }
}

/// Errors of the work itself. Listed one by one, so that no error of the input becomes one of the work by a `?`.
macro_rules! work {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::Work { error: error.into(), hint: None }
            }
        })+
    };
}

work!(
    anyhow::Error,
    std::io::Error,
    serde_json::Error,
    actors::TroupeError,
    runs::LogError,
    runs::CheckpointError,
    sim::ProtocolError,
    sim::replay::ForkError,
);
