//! What sits in an episode's four seats. The speaking seats share one actor and differ in their [`Player`]; the environment and the judge
//! have their own, with a [`Stagehand`] and a [`Judge`] inside. What the seats are asked and what they answer travels with the number of
//! the asking, so that the episode can tell a late answer from an awaited one.

pub mod environment;
pub mod guests;
pub mod judge;
pub mod model;
pub mod script;

use std::future::Future;
use std::pin::Pin;

use ractor::Actor;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use sim::Answer;
use sim::Decision;
use sim::Fault;
use sim::Input;
use sim::Observation;
use sim::Past;
use sim::Query;
use sim::QueryId;
use sim::Seat;

use crate::episode::EpisodeMessage;

pub use environment::Stagehand;
pub use guests::Guests;
pub use judge::Judge;
pub use model::Sampling;

/// A value that may take its time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whoever speaks for a seat in one episode: a rule, a model, a remote, a person.
pub trait Player: Send {
    /// Decides one turn.
    ///
    /// # Errors
    /// A [`Fault`] ends the episode without a verdict; a bad act is no fault but a `Decision` whose act is an error.
    fn decide(&mut self, observation: Observation) -> Pending<'_, Result<Decision, Fault>>;

    /// Answers a question of the world.
    ///
    /// # Errors
    /// A [`Fault`] ends the episode without a verdict.
    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>>;

    /// Takes in what the seat went through before this player sat down in it. Comes before anything else, in order. Whoever is a function of what it
    /// observes has nothing to take in.
    ///
    /// # Errors
    /// Why it could not have been this player's, in words; the episode is then lost.
    fn recall(&mut self, _past: &Past) -> Result<(), String> {
        Ok(())
    }
}

/// Number of an asking within its episode. An answer that carries another number comes too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asking(pub u32);

/// Mail of a speaking seat.
pub enum SeatMessage {
    /// Decide a turn.
    Decide(Asking, Box<Observation>),
    /// Answer a question of the world.
    Answer(Asking, QueryId, Box<Query>),
}

/// The actor of a speaking seat.
pub struct SpeakingSeat;

/// Its state.
pub struct SpeakingState {
    seat: Seat,
    player: Box<dyn Player>,
    episode: ActorRef<EpisodeMessage>,
}

impl Actor for SpeakingSeat {
    type Msg = SeatMessage;
    type State = SpeakingState;
    type Arguments = (Seat, Box<dyn Player>, ActorRef<EpisodeMessage>);

    async fn pre_start(
        &self,
        _myself: ActorRef<SeatMessage>,
        (seat, player, episode): Self::Arguments,
    ) -> Result<SpeakingState, ActorProcessingErr> {
        Ok(SpeakingState { seat, player, episode })
    }

    async fn handle(
        &self,
        _myself: ActorRef<SeatMessage>,
        message: SeatMessage,
        state: &mut SpeakingState,
    ) -> Result<(), ActorProcessingErr> {
        let (asking, input) = match message {
            SeatMessage::Decide(asking, observation) => match state.player.decide(*observation).await {
                Ok(decision) => (asking, Input::Acted(state.seat, decision)),
                Err(fault) => (asking, Input::Failed(fault)),
            },
            SeatMessage::Answer(asking, id, query) => (asking, Input::Answered(id, state.player.answer(*query).await)),
        };
        // An episode that is gone takes no answer.
        let _ = state.episode.cast(EpisodeMessage::Answered(asking, Box::new(input)));
        Ok(())
    }
}
