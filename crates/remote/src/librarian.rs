//! Who looks things up for the world of one episode: in an engine, or in what an engine once said.

use std::sync::Arc;

use sim::Addressee;
use sim::Answer;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::Query;
use sim::View;
use sim::gyms::search;

use crate::Engine;
use crate::Recorder;
use crate::Recording;
use crate::chat;

/// Where it is looked up.
#[derive(Clone, Debug)]
pub enum Shelf {
    /// In an engine outside.
    Engine {
        /// Who asks it.
        engine: Arc<Engine>,
        /// Who writes down what it finds; `None`: nobody.
        recorder: Option<Arc<Recorder>>,
    },
    /// In a run that was recorded.
    Recorded(Arc<Recording>),
}

/// The environment's seat of one episode.
#[derive(Debug)]
pub struct Librarian {
    shelf: Shelf,
    place: String,
    asked: u32,
}

impl Librarian {
    /// Nothing has been looked up. `place` names the episode in all that the command plays.
    #[must_use]
    pub fn new(shelf: Shelf, place: &str) -> Librarian {
        Librarian { shelf, place: format!("{place}/{}", Addressee::Environment), asked: 0 }
    }

    /// Looks up what the world asks for.
    ///
    /// # Errors
    /// A [`Fault`] if there is no reply that can be read, or if it is nothing to be looked up.
    pub async fn answer(&mut self, query: &Query) -> Result<Answer, Fault> {
        let View::Search(search::View::Environment(lookup)) = &query.view else {
            return Err(Fault::new(Party::Environment, FaultKind::Refused, "this can be looked up in no engine"));
        };
        let (place, prompt) = (format!("{}/{}", self.place, self.asked), chat::hash(lookup));
        self.asked += 1;
        let reply = match &self.shelf {
            Shelf::Recorded(recording) => recording.answer(&place, &prompt),
            Shelf::Engine { engine, recorder } => {
                let asked = recorder.as_ref().map(|recorder| recorder.asked(Addressee::Environment, place, prompt));
                let reply = engine.ask(lookup).await.map_err(|problem| problem.fault(Addressee::Environment));
                if let Some(asked) = asked {
                    asked.came_to(&reply);
                }
                reply
            }
        };
        reply.map(|reply| Answer { reply: reply.text, decision: None })
    }
}
