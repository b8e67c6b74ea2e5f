//! The binary: the command line, with the model loader put in.

use std::process::ExitCode;

use model::TchLoader;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), &TchLoader::default())
}
