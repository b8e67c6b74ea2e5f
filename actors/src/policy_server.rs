//! One model's policy: rows are queued as they come, and sampled when the supervisor says which of them make up a round.
//!
//! The weights are lent to the learner by message and come back by message: while they are out nothing can be sampled, because there is
//! nothing to sample with. Unless they are lent *beside* what is played: then the policy goes on with a copy, what comes back is laid by until the supervisor
//! says `Renew`, between two plays.
//!
//! ```text
//!  Lend         policy ─ W ──> learner ─ W' ──> policy
//!  LendBeside   policy ─ W ──> learner ─ W' ──> newest ─(Renew)─> policy
//!                  └ its copy plays until then
//! ```

pub mod queue;

use std::sync::Arc;

use ractor::Actor;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use rl::Policy;
use rl::Row;
use rl::Sampled;
use rl::Session;
use rl::Weights;
use sim::EpisodeId;
use sim::Fault;
use sim::Seat;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::learner::Job;
use crate::learner::LearnerMessage;
use crate::learner::Outcome;
use crate::panicked::panicked;
use crate::policy_server::queue::Queue;
use crate::policy_server::queue::Request;
use crate::round::Ticket;
use crate::supervisor::SupervisorMessage;

/// Mail of a policy server.
pub enum ServerMessage {
    /// Queue this row; answer when its round has been sampled. Dropping the receiver takes the question back.
    Sample {
        /// The episode's admission.
        ticket: Ticket,
        /// What to sample.
        row: Row,
        /// Where the result goes.
        reply: oneshot::Sender<Result<Sampled, Fault>>,
    },
    /// Sample these rows now, cut into batches by (group, episode, seat).
    Flush(Vec<Ticket>),
    /// Sample these rows, which belong to no episode, and tell the supervisor.
    Answer(Vec<Row>),
    /// These episodes are over: drop their rows and whatever the policy keeps for them.
    Forget(Vec<(Ticket, EpisodeId)>),
    /// Lend the weights to this learner for this job.
    Lend(ActorRef<LearnerMessage>, Job),
    /// The same, and go on with a copy of them.
    LendBeside(ActorRef<LearnerMessage>, Job),
    /// Go on with the newest weights, if others came back since.
    Renew,
    /// The loan is back, with what came of it.
    Load(Box<dyn Weights>, Outcome),
}

/// The actor.
pub struct PolicyServer;

/// What a policy server is spawned with.
pub struct ServerArguments {
    /// The model's name.
    pub name: Arc<str>,
    /// The policy.
    pub policy: Box<dyn Policy>,
    /// Rows in one batch; at least 1.
    pub batch_max: usize,
    /// Whom to tell of queued rows and loaded weights.
    pub supervisor: ActorRef<SupervisorMessage>,
}

/// Its state.
pub struct ServerState {
    name: Arc<str>,
    /// `None` only while a batch is being sampled on another thread; the handler waits for it.
    policy: Option<Box<dyn Policy>>,
    /// Whether the policy goes on with a copy of the weights that are out.
    has_copy: bool,
    /// What came back meanwhile; the policy still has the copy.
    newest: Option<Box<dyn Weights>>,
    queue: Queue,
    batch_max: usize,
    supervisor: ActorRef<SupervisorMessage>,
}

impl Actor for PolicyServer {
    type Msg = ServerMessage;
    type State = ServerState;
    type Arguments = ServerArguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<ServerMessage>,
        arguments: ServerArguments,
    ) -> Result<ServerState, ActorProcessingErr> {
        let ServerArguments { name, policy, batch_max, supervisor } = arguments;
        let (policy, queue) = (Some(policy), Queue::default());
        Ok(ServerState { name, policy, has_copy: false, newest: None, queue, batch_max, supervisor })
    }

    async fn handle(
        &self,
        myself: ActorRef<ServerMessage>,
        message: ServerMessage,
        state: &mut ServerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ServerMessage::Sample { ticket, row, reply } => state.queued(Request { ticket, row, reply }),
            ServerMessage::Flush(tickets) => state.flush(&tickets).await?,
            ServerMessage::Answer(rows) => state.answer(rows).await?,
            ServerMessage::Forget(gone) => state.forget(&gone)?,
            ServerMessage::Lend(learner, job) => {
                let weights = state.take_weights()?;
                lend(weights, myself, &learner, job);
            }
            ServerMessage::LendBeside(learner, job) => {
                let weights = state.copy_weights().await?;
                lend(weights, myself, &learner, job);
            }
            ServerMessage::Renew => state.renew()?,
            ServerMessage::Load(weights, outcome) => state.load(weights, outcome)?,
        }
        Ok(())
    }
}

impl ServerState {
    fn queued(&mut self, request: Request) {
        let Request { ticket, row, .. } = &request;
        let (ticket, seat) = (*ticket, row.session.seat);
        self.queue.push(request);
        let server = Arc::clone(&self.name);
        // A supervisor that is gone has nobody left to count.
        let _ = self.supervisor.cast(SupervisorMessage::Queued { ticket, server, seat });
    }

    async fn flush(&mut self, tickets: &[Ticket]) -> Result<(), ActorProcessingErr> {
        for batch in self.queue.cut(tickets, self.batch_max) {
            self.sample(batch).await?;
        }
        Ok(())
    }

    async fn sample(&mut self, batch: Vec<Request>) -> Result<(), ActorProcessingErr> {
        let (rows, replies): (Vec<_>, Vec<_>) = batch.into_iter().map(|r| (r.row, r.reply)).unzip();
        for (reply, sampled) in replies.into_iter().zip(self.submit(rows).await?) {
            // A seat that is gone wants no answer.
            let _ = reply.send(sampled);
        }
        Ok(())
    }

    /// Samples rows that belong to no episode, and keeps nothing of them.
    async fn answer(&mut self, mut rows: Vec<Row>) -> Result<(), ActorProcessingErr> {
        let mut results = Vec::with_capacity(rows.len());
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(self.batch_max));
            let sessions: Vec<Session> = rows.iter().map(|row| row.session).collect();
            results.extend(self.submit(rows).await?);
            self.policy()?.forget(&sessions);
            rows = rest;
        }
        let _ = self.supervisor.cast(SupervisorMessage::Sampled(results));
        Ok(())
    }

    /// Samples one batch off the actor's thread: the policy moves there and comes back.
    async fn submit(&mut self, rows: Vec<Row>) -> Result<Vec<Result<Sampled, Fault>>, ActorProcessingErr> {
        let mut policy = self.policy.take().ok_or("a round came before the last one was over")?;
        let count = rows.len();
        let (reply, results) = oneshot::channel();
        let sampling = spawn_blocking(move || {
            // The receiver is only gone if this server has died.
            policy.submit(rows, Box::new(move |sampled| drop(reply.send(sampled))));
            policy
        });
        self.policy = Some(sampling.await.map_err(panicked)?);
        let results = results.await.map_err(|_| "the policy dropped a batch without an answer")?;
        if results.len() != count {
            return Err(format!("the policy answered {} of {count} rows", results.len()).into());
        }
        Ok(results)
    }

    fn forget(&mut self, gone: &[(Ticket, EpisodeId)]) -> Result<(), ActorProcessingErr> {
        let mut sessions = Vec::with_capacity(2 * gone.len());
        for (ticket, episode) in gone {
            self.queue.forget(*ticket);
            sessions.extend(Seat::ALL.map(|seat| Session { episode: *episode, seat, adapter: None }));
        }
        self.policy()?.forget(&sessions);
        Ok(())
    }

    fn take_weights(&mut self) -> Result<Box<dyn Weights>, ActorProcessingErr> {
        self.policy()?.lend().ok_or_else(|| "the policy has no weights of its own to lend".into())
    }

    /// The weights, of which the policy has a copy then. Copied off the actor's thread: there may be gigabytes of them.
    async fn copy_weights(&mut self) -> Result<Box<dyn Weights>, ActorProcessingErr> {
        let weights = self.take_weights()?;
        let copying = spawn_blocking(move || (weights.copy(), weights));
        let (copy, weights) = copying.await.map_err(panicked)?;
        self.policy()?.load(copy);
        self.has_copy = true;
        Ok(weights)
    }

    fn renew(&mut self) -> Result<(), ActorProcessingErr> {
        if let Some(newest) = self.newest.take() {
            self.policy()?.load(newest);
        }
        Ok(())
    }

    fn load(&mut self, weights: Box<dyn Weights>, outcome: Outcome) -> Result<(), ActorProcessingErr> {
        if std::mem::take(&mut self.has_copy) {
            self.newest = Some(weights);
        } else {
            self.policy()?.load(weights);
        }
        let _ = self.supervisor.cast(SupervisorMessage::Loaded(Arc::clone(&self.name), outcome));
        Ok(())
    }

    fn policy(&mut self) -> Result<&mut Box<dyn Policy>, ActorProcessingErr> {
        self.policy.as_mut().ok_or_else(|| "the policy is out".into())
    }
}

fn lend(weights: Box<dyn Weights>, lender: ActorRef<ServerMessage>, learner: &ActorRef<LearnerMessage>, job: Job) {
    // If the learner has died the weights died with it, and the supervisor ends the run.
    let _ = learner.cast(LearnerMessage::Work { weights, job, lender });
}
