//! A procedure out of prose of any shape: a model on a server brings it into the form that is read by rule, and what it writes has to pass what every other
//! text has to pass.

use remote::Author;
use remote::Unwritten;

use super::procedure::Noted;
use super::proven;
use crate::failure::Failure;
use crate::flags::RemoteFlags;
use crate::remotes::Remotes;
use crate::runtime;

/// The form, as the model is told it.
const FORM: &str = include_str!("author/form.txt");

/// The text as the model has written it, and what was read of it.
///
/// # Errors
/// [`Failure::Input`] if there is nobody to ask, or the model never writes what can be used; [`Failure::Work`] if it gives no reply.
pub fn write(policy: &str, matter: &str, tries: u32, flags: &RemoteFlags) -> Result<(String, Noted), Failure> {
    let mut remotes = Remotes::new(flags, 0, [&policy.to_owned()], &[])?;
    let Some(voice) = remotes.voice(policy)? else {
        let what = format!("--by: `{policy}` writes no procedure");
        return Err(Failure::input(
            what,
            Some("name a model on a server, openai:MODEL, or a recording of one, replay:FILE"),
        ));
    };
    let author = Author { voice, place: "procedure".to_owned() };
    let read = |text: &str| proven(text, "procedure.txt").map_err(|errors| errors.to_string());
    let written = runtime()?.block_on(author.write(FORM, matter, tries, read));
    remotes.end()?;
    written.map_err(|unwritten| match &unwritten {
        Unwritten::Fault(fault) => Failure::work(fault.clone().into(), "--by: nothing was written"),
        Unwritten::Wrong { wrong, .. } => {
            let hint =
                "allow more --tries, name another model, or write the form by hand; the last text had these mistakes:";
            Failure::Input { message: format!("error: --by: {unwritten}\nhint: {hint}\n{wrong}") }
        }
    })
}
