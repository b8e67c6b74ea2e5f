//! `duologue new`: files to make one's own of. A pack stands as it is; a talk is made of a service procedure.

mod author;
mod procedure;
mod talk;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use config::ConfigError;
use config::ConfigErrors;
use config::Source;

use self::procedure::Noted;
use crate::failure::Failure;
use crate::flags::NewCommand;
use crate::flags::NewFlags;
use crate::flags::PackFlags;
use crate::flags::RemoteFlags;
use crate::flags::TalkFlags;
use crate::stdout::say;

/// A complete scenario of the world `talk`; `NAME` stands for its name.
const PACK: &str = include_str!("new/pack.toml");

/// A file that is to be made.
type Fresh = (PathBuf, String);

/// Writes what was asked for.
///
/// # Errors
/// [`Failure::Input`] if the name cannot be one, a file is there already, or the procedure cannot be read, and [`Failure::Work`] if a file cannot be written.
pub fn new(flags: NewFlags) -> Result<(), Failure> {
    match flags.command {
        NewCommand::Pack(flags) => pack(&flags),
        NewCommand::Talk(flags) => from_procedure(&flags),
    }
}

fn pack(flags: &PackFlags) -> Result<(), Failure> {
    let PackFlags { name, out } = flags;
    is_a_name(name)?;
    let path = out.join(format!("{name}.toml"));
    write(&[(path.clone(), PACK.replace("NAME", name))])?;
    Ok(say(format_args!("{}: now `duologue check {}`", path.display(), path.display()))?)
}

fn from_procedure(flags: &TalkFlags) -> Result<(), Failure> {
    let TalkFlags { name, from, out, by, tries, remote } = flags;
    is_a_name(name)?;
    let Source { text, .. } = Source::read(from)?;
    let file = |end: &str| out.join(format!("{name}.{end}"));
    // Before anybody is paid for what could not be kept.
    if let Some(taken) = ["toml", "train.toml", "stress.toml", "txt"].map(file).iter().find(|path| path.exists()) {
        return Err(unwritten(taken, &ErrorKind::AlreadyExists.into()));
    }
    let (written, (procedure, notes)) = match by {
        Some(policy) => {
            let (written, noted) = author::write(policy, &text, *tries, remote)?;
            (Some((file("txt"), written)), noted)
        }
        None if *remote != RemoteFlags::default() => {
            let hint = "leave these flags out, or name a model: --by openai:MODEL";
            return Err(Failure::input("--remote-…: has no effect: no model is asked", Some(hint)));
        }
        None => (None, proven(&text, &from.display().to_string())?),
    };
    let mut files = vec![(file("toml"), talk::scenario(name, &procedure)), (file("train.toml"), talk::run(name))];
    files.extend(talk::suite(name, &procedure).map(|suite| (file("stress.toml"), suite)));
    files.extend(written);
    write(&files)?;
    notes.iter().try_for_each(|note| say(format_args!("note: {note}")))?;
    let paths: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    Ok(say(format_args!("{}: now `duologue rollout {} --episodes 3`", paths.join(", "), paths[0]))?)
}

/// A procedure in the form that is read by rule, of which a good scenario can be made.
fn proven(text: &str, file: &str) -> Result<Noted, ConfigErrors> {
    let noted = procedure::read(text, file).map_err(ConfigErrors)?;
    let path = Path::new(file).with_extension("toml");
    // The lines of a file that is not there help nobody.
    let of_text = |ConfigError { key, what, hint, .. }: ConfigError| {
        let what = format!("the scenario made of it would be refused: {key}: {what}");
        ConfigError { file: file.to_owned(), line: None, key: String::new(), what, hint }
    };
    match config::scenario_of(&Source { path, text: talk::scenario("made", &noted.0) }) {
        Ok(_) => Ok(noted),
        Err(ConfigErrors(errors)) => Err(ConfigErrors(errors.into_iter().map(of_text).collect())),
    }
}

fn is_a_name(name: &str) -> Result<(), Failure> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        let hint = "use letters, digits, `-` and `_`";
        return Err(Failure::input(format!("`{name}` cannot be a name: it becomes part of paths"), Some(hint)));
    }
    Ok(())
}

/// Writes all of these files, or none of them.
fn write(files: &[Fresh]) -> Result<(), Failure> {
    let mut made: Vec<&Path> = Vec::new();
    for (path, text) in files {
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = folder.and_then(|()| fs::File::create_new(path)).and_then(|mut file| {
            made.push(path);
            std::io::Write::write_all(&mut file, text.as_bytes())
        });
        if let Err(error) = written {
            // What was begun is taken back; that it cannot be would be no better message than the one that follows.
            made.iter().for_each(|path| drop(fs::remove_file(path)));
            return Err(unwritten(path, &error));
        }
    }
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::AlreadyExists => "nothing is written over: choose another name, or another --out",
        _ => "choose another --out",
    };
    Failure::input(format!("{}: cannot be written: {error}", path.display()), Some(hint))
}
