//! One model's learner: borrows the weights, works off the actor's thread, hands them back as a message.

use std::path::PathBuf;

use ractor::Actor;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use rl::Batch;
use rl::LearnError;
use rl::Learner as Optimiser;
use rl::UpdateReport;
use rl::Weights;
use tokio::task::spawn_blocking;

use crate::panicked::panicked;
use crate::policy_server::ServerMessage;

/// What the weights are borrowed for.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// One optimiser step over this batch.
    Update(Box<Batch>),
    /// A new phase begins: remember the reference, clear the moments.
    Anchor,
    /// Write them, and the optimiser's state, into this folder.
    Save(PathBuf),
}

/// What came of a [`Job`].
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Of an update. After an error the weights are what they were.
    Updated(Result<UpdateReport, LearnError>),
    /// Of an anchor.
    Anchored,
    /// Of a save.
    Saved(Result<(), LearnError>),
}

/// Mail of a learner.
pub enum LearnerMessage {
    /// Do this with these weights and send them back.
    Work {
        /// The loan.
        weights: Box<dyn Weights>,
        /// What for.
        job: Job,
        /// Whose they are.
        lender: ActorRef<ServerMessage>,
    },
}

/// The actor.
pub struct Learner;

/// Its state.
pub struct LearnerState {
    /// `None` only while it works on another thread; the handler waits for it.
    optimiser: Option<Box<dyn Optimiser>>,
}

impl Actor for Learner {
    type Msg = LearnerMessage;
    type State = LearnerState;
    type Arguments = Box<dyn Optimiser>;

    async fn pre_start(
        &self,
        _myself: ActorRef<LearnerMessage>,
        optimiser: Box<dyn Optimiser>,
    ) -> Result<LearnerState, ActorProcessingErr> {
        Ok(LearnerState { optimiser: Some(optimiser) })
    }

    async fn handle(
        &self,
        _myself: ActorRef<LearnerMessage>,
        message: LearnerMessage,
        state: &mut LearnerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            LearnerMessage::Work { weights, job, lender } => {
                let (weights, outcome) = state.work(weights, job).await?;
                // If the server has died, the supervisor ends the run.
                let _ = lender.cast(ServerMessage::Load(weights, outcome));
            }
        }
        Ok(())
    }
}

impl LearnerState {
    async fn work(
        &mut self,
        weights: Box<dyn Weights>,
        job: Job,
    ) -> Result<(Box<dyn Weights>, Outcome), ActorProcessingErr> {
        let mut optimiser = self.optimiser.take().ok_or("a job came before the last one was over")?;
        let working = spawn_blocking(move || {
            let (weights, outcome) = job.carry_out(optimiser.as_mut(), weights);
            (optimiser, weights, outcome)
        });
        let (optimiser, weights, outcome) = working.await.map_err(panicked)?;
        self.optimiser = Some(optimiser);
        Ok((weights, outcome))
    }
}

impl Job {
    fn carry_out(self, optimiser: &mut dyn Optimiser, weights: Box<dyn Weights>) -> (Box<dyn Weights>, Outcome) {
        match self {
            Job::Update(batch) => {
                let (weights, report) = optimiser.update(weights, &batch);
                (weights, Outcome::Updated(report))
            }
            Job::Anchor => (optimiser.anchor(weights), Outcome::Anchored),
            Job::Save(folder) => {
                let (weights, saved) = optimiser.save(weights, &folder);
                (weights, Outcome::Saved(saved))
            }
        }
    }
}
