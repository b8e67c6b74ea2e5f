//! Writes what was played, in casting order, and hands it over when the play is complete.

use ractor::Actor;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use runs::Log;
use runs::Offset;
use sim::EpisodeRecord;

use crate::panicked::panicked;
use crate::supervisor::Played;
use crate::supervisor::SupervisorMessage;

/// A journal that could not be written, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct JournalError(pub String);

/// Where records go: [`runs::Log`] on disk, [`NoJournal`] nowhere.
pub trait Journal: Send {
    /// Writes one record after the last.
    ///
    /// # Errors
    /// [`JournalError`], after which the recorder stops and the run ends.
    fn append(&mut self, record: &EpisodeRecord) -> Result<(), JournalError>;

    /// Makes all that was appended survive a crash. Returns where it ends: a resumed run cuts it off there.
    ///
    /// # Errors
    /// [`JournalError`], after which the recorder stops and the run ends.
    fn sync(&mut self) -> Result<Offset, JournalError>;
}

impl Journal for Log {
    fn append(&mut self, record: &EpisodeRecord) -> Result<(), JournalError> {
        Log::append(self, record).map_err(|error| JournalError(error.to_string()))
    }

    fn sync(&mut self) -> Result<Offset, JournalError> {
        Log::sync(self).map_err(|error| JournalError(error.to_string()))
    }
}

/// Keeps nothing; always at its beginning.
pub struct NoJournal;

impl Journal for NoJournal {
    fn append(&mut self, _record: &EpisodeRecord) -> Result<(), JournalError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<Offset, JournalError> {
        Ok(Offset::default())
    }
}

/// Mail of the recorder.
pub enum RecorderMessage {
    /// The next in casting order. `record`: whether it goes into the journal.
    Write {
        /// What was played.
        played: Played,
        /// Whether its record goes into the journal; one that was lost never does.
        record: bool,
    },
    /// The play is complete: hand over what was written since the last time.
    Deliver,
    /// Drop what was written since the last time: nobody wants it any more.
    Discard,
    /// Sync the journal.
    Sync,
}

/// The actor.
pub struct Recorder;

/// Its state.
pub struct RecorderState {
    /// `None` only while it is synced on another thread; the handler waits for it.
    journal: Option<Box<dyn Journal>>,
    written: Vec<Played>,
    supervisor: ActorRef<SupervisorMessage>,
}

impl Actor for Recorder {
    type Msg = RecorderMessage;
    type State = RecorderState;
    type Arguments = (Box<dyn Journal>, ActorRef<SupervisorMessage>);

    async fn pre_start(
        &self,
        _myself: ActorRef<RecorderMessage>,
        (journal, supervisor): Self::Arguments,
    ) -> Result<RecorderState, ActorProcessingErr> {
        Ok(RecorderState { journal: Some(journal), written: Vec::new(), supervisor })
    }

    async fn handle(
        &self,
        _myself: ActorRef<RecorderMessage>,
        message: RecorderMessage,
        state: &mut RecorderState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RecorderMessage::Write { played, record } => state.write(played, record)?,
            RecorderMessage::Deliver => {
                let written = std::mem::take(&mut state.written);
                let _ = state.supervisor.cast(SupervisorMessage::Delivered(written));
            }
            RecorderMessage::Discard => state.written.clear(),
            RecorderMessage::Sync => {
                let length = state.sync().await?;
                let _ = state.supervisor.cast(SupervisorMessage::Synced(length));
            }
        }
        Ok(())
    }
}

impl RecorderState {
    fn write(&mut self, played: Played, record: bool) -> Result<(), ActorProcessingErr> {
        if let Some(episode) = played.record().filter(|_| record) {
            self.journal.as_mut().ok_or("the journal is out")?.append(episode)?;
        }
        self.written.push(played);
        Ok(())
    }

    /// Waiting for a disk is no work for the threads that actors run on.
    async fn sync(&mut self) -> Result<Offset, ActorProcessingErr> {
        let mut journal = self.journal.take().ok_or("the journal is out")?;
        let syncing = tokio::task::spawn_blocking(move || {
            let length = journal.sync();
            (journal, length)
        });
        let (journal, length) = syncing.await.map_err(panicked)?;
        self.journal = Some(journal);
        Ok(length?)
    }
}
