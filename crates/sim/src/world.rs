//! The protocol of worlds. A world never calls a user or a judge: it says what it needs to know and is resumed with the answer.

use serde::Deserialize;
use serde::Serialize;

use crate::Act;
use crate::Addressee;
use crate::Decision;
use crate::Fault;
use crate::Message;
use crate::Reward;
use crate::Seat;
use crate::View;
pub use crate::gyms::World;

/// What resumes a world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorldInput {
    /// A seat acted.
    Act(Seat, Act),
    /// A seat was asked and gave no act; the text says why. It costs the turn.
    NoAct(Seat, String),
    /// A query was answered.
    Answer(QueryId, Answer),
}

/// What a world says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorldOutput {
    /// It cannot go on before this seat answers.
    Query(Addressee, QueryId, Query),
    /// The act has taken effect.
    Effect(Effect),
    /// The act cannot take effect, and nobody at the table is to blame within the rules: e.g. an answer that cannot be read.
    Fault(Fault),
}

/// Number of a query within its episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueryId(pub u32);

/// A question a world puts to a seat, or to whoever looks things up for it: `rule`, `remote`, `model` and `replay` are answerers of the same query, and the world does
/// not know which one it got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What the seat is shown for this question, complete in itself.
    pub messages: Vec<Message>,
    /// The same as a value, for rules.
    pub view: View,
    /// Whether the answer is said aloud, to the partner; if not, only the world hears it.
    pub spoken: bool,
}

/// A reply, and where a model gave it, its tokens: so a queried seat is trainable too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The reply's public text.
    pub reply: String,
    /// How it was decided; `None` for rules.
    pub decision: Option<Decision>,
}

/// What one act did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Why the act did not count; `None` if it did. The seat is told by a message.
    pub malformed: Option<String>,
    /// Rewards that fall on this turn, if the gym gives any before the verdict.
    pub rewards: Vec<Reward>,
    /// Changes of hidden state with their evidence, one line each, for the record.
    pub journal: Vec<String>,
    /// Who goes on.
    pub next: Next,
}

/// Who goes on after an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// This seat is asked.
    Ask(Seat),
    /// The talk has ended by an act.
    Over,
}

impl Query {
    /// The fault where a world wants something looked up and there is nobody to do it, e.g. in a plain loop.
    #[must_use]
    pub fn unheard() -> Fault {
        Fault::new(crate::Party::Environment, crate::FaultKind::Refused, "nobody looks things up here")
    }
}

impl World {
    /// A fault the world itself reports when it is handed something it cannot take, e.g. an answer it did not ask for.
    #[must_use]
    pub fn confused(detail: &str) -> Fault {
        Fault::new(crate::Party::Environment, crate::FaultKind::BadReply, detail)
    }
}
