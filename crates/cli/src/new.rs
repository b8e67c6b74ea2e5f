//! `duologue new pack`: a scenario file to make one's own of.

use std::fs;
use std::io::ErrorKind;
use std::io::Write;

use crate::failure::Failure;
use crate::flags::NewCommand;
use crate::flags::NewFlags;
use crate::flags::PackFlags;
use crate::stdout::say;

/// A complete scenario of the world `talk`; `NAME` stands for its name.
const PACK: &str = include_str!("new/pack.toml");

/// Writes what was asked for.
///
/// # Errors
/// [`Failure::Input`] if the name cannot be one or the file is there already, [`Failure::Work`] if it cannot be written.
pub fn new(flags: &NewFlags) -> Result<(), Failure> {
    match &flags.command {
        NewCommand::Pack(flags) => pack(flags),
    }
}

fn pack(flags: &PackFlags) -> Result<(), Failure> {
    let PackFlags { name, out } = flags;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        let hint = "use letters, digits, `-` and `_`";
        return Err(Failure::input(format!("`{name}` cannot be a name: it becomes part of paths"), Some(hint)));
    }
    let path = out.join(format!("{name}.toml"));
    let refused = |error: std::io::Error| {
        let hint = match error.kind() {
            ErrorKind::AlreadyExists => "nothing is written over: choose another name, or another --out",
            _ => "choose another --out",
        };
        Failure::input(format!("{}: cannot be written: {error}", path.display()), Some(hint))
    };
    fs::create_dir_all(out).map_err(refused)?;
    let mut file = fs::File::create_new(&path).map_err(refused)?;
    file.write_all(PACK.replace("NAME", name).as_bytes()).map_err(refused)?;
    Ok(say(format_args!("{}: now `duologue check {}`", path.display(), path.display()))?)
}
