//! `duologue data import`: a published release as files that scenarios name. What is in them is `::data`'s; here they are written, all or none.

use std::fs;

use ::data::DataError;
use ::data::Import;
use anyhow::Context;
use runs::Parcel;

use crate::failure::Failure;
use crate::flags::DataCommand;
use crate::flags::DataFlags;
use crate::flags::ImportFlags;
use crate::stdout::say;

/// Does what was asked for.
///
/// # Errors
/// [`Failure::Input`] if the release cannot be read or its place is taken, [`Failure::Work`] if it cannot be written.
pub fn data(flags: &DataFlags) -> Result<(), Failure> {
    match &flags.command {
        DataCommand::Import(flags) => import(flags),
    }
}

fn import(flags: &ImportFlags) -> Result<(), Failure> {
    let ImportFlags { release, path, out } = flags;
    // First read, then written: a mistake leaves nothing, not even an empty folder.
    let import = release.import(path).map_err(mistaken)?;
    let hint = "nothing is written over: remove it, or choose another --out";
    let place = out.join(release.name());
    let parcel = Parcel::begin(&place).map_err(|error| Failure::input(format!("--out: {error}"), Some(hint)))?;
    write(&import, &parcel)?;
    parcel
        .deliver()
        .map_err(|error| Failure::work(error.into(), "nothing was imported; mend the disk and repeat it"))?;
    tell(&import, flags)
}

fn mistaken(error: DataError) -> Failure {
    Failure::input(&error, Some(&error.hint))
}

fn write(import: &Import, parcel: &Parcel) -> Result<(), Failure> {
    for file in &import.files {
        let path = parcel.beside().join(&file.name);
        let unwritable = || path.display().to_string();
        fs::create_dir_all(path.parent().unwrap_or(parcel.beside())).with_context(unwritable)?;
        fs::write(&path, &file.bytes).with_context(unwritable)?;
    }
    Ok(())
}

/// A line for each file; what is not among them goes to stderr.
fn tell(import: &Import, flags: &ImportFlags) -> Result<(), Failure> {
    let place = flags.out.join(import.release.name());
    for file in &import.files {
        let items = file.items.map(|items| format!(": {items} items")).unwrap_or_default();
        say(format_args!("{}{items}", place.join(&file.name).display()))?;
    }
    for left in &import.left_out {
        eprintln!("left out: {}: {}", left.what, left.why);
    }
    if import.licence.file.is_none() {
        eprintln!("{} has no licence file; its publishers name {}", flags.path.display(), import.licence.name);
    }
    say(format_args!("licence {}; to play: export DUOLOGUE_DATA={}", import.licence.name, flags.out.display()))?;
    Ok(())
}
