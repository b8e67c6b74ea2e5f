//! What each side knows: the same knowledge its text holds, as a value for scripts.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Aspect;
use super::Offer;
use super::Wish;
use super::trip::Argument;

/// A seat's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// The agent's, at its turn.
    Agent(AgentView),
    /// The user's, when the world asks it something.
    User(Asked),
}

/// The agent's knowledge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// What the user asked for, in its order.
    pub needs: Vec<Need>,
    /// What searches have listed, in the order of `needs`.
    pub listings: Vec<Listing>,
    /// What was said to the user and answered, oldest first.
    pub exchanges: Vec<Exchange>,
    /// For which aspects an option was chosen.
    pub chosen: Vec<Aspect>,
    /// How many turns the agent has in all.
    pub turns_max: u32,
}

/// One aspect of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Which.
    pub aspect: Aspect,
    /// What a search for it has to say.
    pub arguments: Vec<Argument>,
}

/// What a search has listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Of which aspect.
    pub aspect: Aspect,
    /// The options.
    pub offers: Arc<Vec<Offer>>,
}

/// Something said to the user, and the reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The agent's words.
    pub said: String,
    /// The user's.
    pub reply: String,
}

/// What the world asks of the user's seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// Does a search say all it has to? Only the world hears the answer.
    Search {
        /// What it may be for.
        needs: Vec<Need>,
        /// The agent's words.
        request: String,
    },
    /// What does the agent ask about? Only the world hears the answer.
    Question {
        /// The aspects of the trip.
        aspects: Vec<Aspect>,
        /// The wishes that have not been told, each with its number, from 0.
        untold: Vec<(u32, Wish)>,
        /// The agent's words.
        said: String,
    },
    /// What do you say to it?
    Reply {
        /// The agent's words.
        said: String,
        /// The wish to be told, roundabout; `None`: none is.
        tell: Option<Wish>,
        /// Whether it was asked for; if not, the user brings it up.
        asked: bool,
    },
}
