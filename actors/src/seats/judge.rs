//! The judge's seat.

use ractor::Actor;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use sim::Case;
use sim::Fault;
use sim::Input;
use sim::Verdict;

use crate::episode::EpisodeMessage;
use crate::seats::Asking;
use crate::seats::Pending;

/// Whoever judges a finished episode.
pub trait Judge: Send {
    /// Says what the episode was worth.
    ///
    /// # Errors
    /// A [`Fault`]: the record then has no verdict, and nobody is scored.
    fn judge(&mut self, case: Case) -> Pending<'_, Result<Verdict, Fault>>;
}

/// The gym's own verdict.
pub struct RuleJudge;

impl Judge for RuleJudge {
    fn judge(&mut self, case: Case) -> Pending<'_, Result<Verdict, Fault>> {
        Box::pin(async move { Ok(case.by_rule()) })
    }
}

/// Mail of the judge's seat.
pub enum JudgeMessage {
    /// Judge this case.
    Judge(Asking, Box<Case>),
}

/// The actor.
pub struct JudgeSeat;

/// Its state.
pub struct JudgeState {
    judge: Box<dyn Judge>,
    episode: ActorRef<EpisodeMessage>,
}

impl Actor for JudgeSeat {
    type Msg = JudgeMessage;
    type State = JudgeState;
    type Arguments = (Box<dyn Judge>, ActorRef<EpisodeMessage>);

    async fn pre_start(
        &self,
        _myself: ActorRef<JudgeMessage>,
        (judge, episode): Self::Arguments,
    ) -> Result<JudgeState, ActorProcessingErr> {
        Ok(JudgeState { judge, episode })
    }

    async fn handle(
        &self,
        _myself: ActorRef<JudgeMessage>,
        message: JudgeMessage,
        state: &mut JudgeState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            JudgeMessage::Judge(asking, case) => {
                let verdict = state.judge.judge(*case).await;
                let _ = state.episode.cast(EpisodeMessage::Answered(asking, Box::new(Input::Judged(verdict))));
            }
        }
        Ok(())
    }
}
