//! The environment seat: steps the world it is lent, hands it back and keeps nothing. Where the world wants something looked up outside, it is
//! asked, as the speaking seats are.

use std::future::ready;

use ractor::Actor;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use sim::Answer;
use sim::Fault;
use sim::Input;
use sim::Query;
use sim::QueryId;
use sim::World;
use sim::WorldInput;
use sim::WorldOutput;

use crate::episode::EpisodeMessage;
use crate::seats::Asking;
use crate::seats::Pending;

/// Whoever steps a lent world, and looks things up for it.
pub trait Stagehand: Send {
    /// Steps the world and hands it back with what it said.
    fn step(&mut self, world: World, input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)>;

    /// Looks up what the world asks of the environment; who does not say how refuses.
    ///
    /// # Errors
    /// A [`Fault`] ends the episode without a verdict.
    fn answer(&mut self, _query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(ready(Err(Query::unheard())))
    }
}

/// Lets the world step itself, at once.
pub struct AsWritten;

impl Stagehand for AsWritten {
    fn step(&mut self, mut world: World, input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)> {
        let outputs = world.step(input);
        Box::pin(ready((world, outputs)))
    }
}

/// Mail of the environment seat.
pub enum EnvironmentMessage {
    /// Step this world.
    Apply(Asking, Box<World>, Box<WorldInput>),
    /// Look something up for the world.
    Answer(Asking, QueryId, Box<Query>),
}

/// The actor.
pub struct EnvironmentSeat;

/// Its state.
pub struct EnvironmentState {
    stagehand: Box<dyn Stagehand>,
    episode: ActorRef<EpisodeMessage>,
}

impl Actor for EnvironmentSeat {
    type Msg = EnvironmentMessage;
    type State = EnvironmentState;
    type Arguments = (Box<dyn Stagehand>, ActorRef<EpisodeMessage>);

    async fn pre_start(
        &self,
        _myself: ActorRef<EnvironmentMessage>,
        (stagehand, episode): Self::Arguments,
    ) -> Result<EnvironmentState, ActorProcessingErr> {
        Ok(EnvironmentState { stagehand, episode })
    }

    async fn handle(
        &self,
        _myself: ActorRef<EnvironmentMessage>,
        message: EnvironmentMessage,
        state: &mut EnvironmentState,
    ) -> Result<(), ActorProcessingErr> {
        let (asking, input) = match message {
            EnvironmentMessage::Apply(asking, world, input) => {
                let (world, outputs) = state.stagehand.step(*world, *input).await;
                (asking, Input::Effected(world, outputs))
            }
            EnvironmentMessage::Answer(asking, id, query) => {
                (asking, Input::Answered(id, state.stagehand.answer(*query).await))
            }
        };
        // An episode that is gone takes no answer.
        let _ = state.episode.cast(EpisodeMessage::Answered(asking, Box::new(input)));
        Ok(())
    }
}
