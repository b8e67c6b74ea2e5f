//! A model that writes a text of a given form: asked, told what is wrong with what it wrote, and asked again.

use sim::Fault;
use sim::Party;

use crate::Form;
use crate::Voice;
use crate::chat;
use crate::chat::ChatMessage;
use crate::chat::Role;
use crate::voice::Put;

/// One text to be written.
#[derive(Clone, Debug)]
pub struct Author {
    /// Whose words it is written in.
    pub voice: Voice,
    /// What it is called in a recording.
    pub place: String,
}

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// The model gave no reply.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It wrote, as often as it may, and never in the form; `wrong` is what was said to its last text.
    #[error("{tries} texts were written, and none of them can be used")]
    Wrong {
        /// How many.
        tries: u32,
        /// What is wrong with the last one.
        wrong: String,
    },
}

impl Author {
    /// What is written of `matter` as `form` says, and what `read` makes of it: at most `tries` times, and each time but the first the model is shown
    /// what `read` said to what it wrote before. A thought and a code fence around the text are no part of it.
    ///
    /// # Errors
    /// [`Unwritten`].
    pub async fn write<T>(
        &self,
        form: &str,
        matter: &str,
        tries: u32,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<(String, T), Unwritten> {
        let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
        let mut talk = vec![message(Role::System, form), message(Role::User, matter)];
        let mut wrong = String::new();
        for number in 0..tries {
            let place = format!("{}/{number}", self.place);
            let put = Put { party: Party::Infrastructure, place, messages: talk.clone(), drawn: None, anew: false };
            let reply = self.voice.say(put, |text| Form::Words.fits(text)).await?;
            let text = Form::Words.content(&reply.text);
            match read(text) {
                Ok(read) => return Ok((text.to_owned(), read)),
                Err(what) => wrong = what,
            }
            // An empty message is refused by many servers; what was wrong with it is said all the same.
            chat::add(&mut talk, Role::Assistant, if text.is_empty() { "…" } else { text });
            chat::add(
                &mut talk,
                Role::User,
                &format!("This cannot be read. Write the whole text again, without these mistakes:\n{wrong}"),
            );
        }
        Err(Unwritten::Wrong { tries, wrong })
    }
}
