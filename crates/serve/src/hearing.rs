//! All answers to a request, as they come: counted, and recorded where they are to be.

use std::pin::Pin;

use futures_util::Stream;
use futures_util::StreamExt;

use crate::Problem;
use crate::capture::Recording;
use crate::choice;
use crate::choice::Choice;
use crate::choice::Delta;
use crate::engine::Lost;

type Coming = Pin<Box<dyn Stream<Item = (Result<Delta, Lost>, Option<Choice>)> + Send>>;

/// Answers on their way.
pub struct Hearing {
    coming: Coming,
    recording: Option<Recording>,
    ended: Vec<Choice>,
}

impl Hearing {
    /// Waits for these.
    #[must_use]
    pub fn new(choices: Vec<Choice>, recording: Option<Recording>) -> Hearing {
        Hearing { coming: Box::pin(choice::deltas(choices)), recording, ended: Vec::new() }
    }

    /// What is new; `None` after the end of all. An answer's end is told when it is on record.
    ///
    /// # Errors
    /// [`Problem`] if an answer will not come; there is no more then.
    pub async fn next(&mut self) -> Result<Option<Delta>, Problem> {
        let Some((delta, ended)) = self.coming.next().await else { return Ok(None) };
        let delta = delta.inspect_err(|lost| {
            if let Some(recording) = &mut self.recording {
                recording.lost(lost);
            }
        })?;
        if let Some(recording) = &mut self.recording {
            recording.heard(&delta);
            if let Some(choice) = &ended {
                recording.ended(choice);
                recording.write_if_whole().await?;
            }
        }
        self.ended.extend(ended);
        Ok(Some(delta))
    }

    /// Waits for the end of all; the answers in their order.
    ///
    /// # Errors
    /// As [`Hearing::next`].
    pub async fn all(mut self) -> Result<Vec<Choice>, Problem> {
        while self.next().await?.is_some() {}
        self.ended.sort_by_key(|choice| choice.index);
        Ok(self.ended)
    }

    /// Tokens sampled by answers that have ended.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.ended.iter().map(|choice| choice.answer().tokens.len()).sum()
    }

    /// Version of the weights that gave them; the last one's.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.ended.last().map(|choice| choice.answer().version)
    }
}
