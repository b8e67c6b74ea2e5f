//! `duologue` with n-gram models in the place of transformers: the whole command line, training included, without libtorch and in seconds.
//!
//! ```text
//!  counts.rs    the model: how often a token followed each of its contexts      policy.rs   samples by addressed uniforms
//!  learner.rs   counts what it is taught, shifts counts by advantage            folder.rs   a model as a folder, and back
//!  loader.rs    rl::ModelLoader                                                 operation.rs  stops at the n-th thing a model does
//!  hostile.rs   a model that writes its thoughts where they do not belong
//! ```
//!
//! For tests only; two environment variables make it misbehave: [`operation::HALT_AT`] and [`hostile::HOSTILE`].

mod counts;
mod folder;
mod hostile;
mod learner;
mod loader;
mod operation;
mod policy;

use std::process::ExitCode;

use crate::loader::NgramLoader;

fn main() -> ExitCode {
    let code = cli::run(std::env::args_os(), &NgramLoader);
    operation::say_how_many();
    code
}
