//! Whose words are heard: a model's at a server, or those of a run that was recorded.

use std::sync::Arc;

use sim::Fault;
use sim::Party;

use crate::Client;
use crate::Recorder;
use crate::Recording;
use crate::chat;
use crate::chat::ChatMessage;
use crate::chat::Reply;
use crate::chat::Request;

/// Whose words they are.
#[derive(Clone, Debug)]
pub enum Voice {
    /// A model's, elsewhere.
    Remote {
        /// Who asks it.
        client: Arc<Client>,
        /// Its name there.
        model: String,
        /// Who writes down what it says; `None`: nobody.
        recorder: Option<Arc<Recorder>>,
    },
    /// Those of a run that was recorded.
    Recorded(Arc<Recording>),
}

/// One question, and how it is put.
pub(crate) struct Put {
    /// Who answers for it.
    pub party: Party,
    /// Where in all that the command plays.
    pub place: String,
    /// The talk so far.
    pub messages: Vec<ChatMessage>,
    /// Where the reply is drawn, at the temperature that the command asks for; `None`: at temperature 0.
    pub drawn: Option<u32>,
    /// Whether it is asked even if the answer is known.
    pub anew: bool,
}

impl Voice {
    /// Asks until a reply fits, or no attempt is left; then the last reply stands.
    ///
    /// # Errors
    /// A [`Fault`] of `put.party`, or of the infrastructure, if there is no reply.
    pub(crate) async fn say(&self, put: Put, fits: impl Fn(&str) -> bool) -> Result<Reply, Fault> {
        let Put { party, place, messages, drawn, anew } = put;
        let prompt = chat::hash(&messages);
        let (client, model, recorder) = match self {
            Voice::Recorded(recording) => return recording.answer(&place, &prompt),
            Voice::Remote { client, model, recorder } => (client, model.clone(), recorder),
        };
        let asked = recorder.as_ref().map(|recorder| recorder.asked(party, place, prompt));
        let limits = client.limits();
        let temperature = if drawn.is_some() { limits.temperature } else { 0.0 };
        let seed = drawn.filter(|_| temperature > 0.0);
        let request = Request { model, messages, temperature, max_tokens: limits.reply_tokens_max, seed };
        let reply = client.ask_until(&request, fits, anew).await.map_err(|problem| problem.fault(party));
        if let Some(asked) = asked {
            asked.came_to(&reply);
        }
        reply
    }
}
