//! The root of the tree: it plays castings, lends weights for updates, and ends the run when a service dies.
//!
//! What it decides about a play is in [`state`], without actors; this file carries it out.

pub mod call;
mod desk;
mod services;
pub(crate) mod stage;
pub mod state;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

use ractor::Actor;
use ractor::ActorId;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use ractor::SupervisionEvent;
use rl::Seats;
use runs::Offset;
use sim::EpisodeId;
use sim::Fault;
use sim::Pair;
use sim::Seat;
use text::Dialect;
use tokio::sync::watch;

use crate::ended::Ended;
use crate::episode::EpisodeMessage;
use crate::learner::LearnerMessage;
use crate::learner::Outcome;
use crate::policy_server::ServerMessage;
use crate::recorder::Journal;
use crate::recorder::RecorderMessage;
use crate::round::Round;
use crate::round::Ticket;
use crate::seats::Guests;
use crate::supervisor::call::Call;
use crate::supervisor::call::Reply;
use crate::supervisor::call::Samples;
use crate::supervisor::state::Play;

pub use call::Performance;
pub use call::Terms;
pub use call::Voice;
pub use services::Victim;
pub use state::Played;
pub use state::Progress;

/// Mail of the supervisor.
pub enum SupervisorMessage {
    /// From the troupe.
    Call(Call),
    /// From a policy server: this episode's row is in my queue.
    Queued {
        /// The episode's admission.
        ticket: Ticket,
        /// The model's name.
        server: Arc<str>,
        /// Whose row it is.
        seat: Seat,
    },
    /// From a policy server: the loan is back.
    Loaded(Arc<str>, Outcome),
    /// From a policy server: the rows that belong to no episode are sampled.
    Sampled(Samples),
    /// From an episode: it is over.
    Settled(Ticket, Played),
    /// From the recorder: all that was written.
    Delivered(Vec<Played>),
    /// From the recorder: the journal is on disk up to here.
    Synced(Offset),
    /// From whoever tries out deaths.
    Kill(Victim),
}

/// The actor.
pub struct Supervisor;

/// What the supervisor is spawned with.
pub struct SupervisorArguments {
    /// Episodes alive at once; at least 1.
    pub episodes_live_max: usize,
    /// Rows in one batch; at least 1.
    pub batch_max: usize,
    /// How often an episode is played again that a fault of the infrastructure ended.
    pub reruns_max: u32,
    /// Models by name.
    pub models: BTreeMap<String, Voice>,
    /// Whether the seats' own models are two or one.
    pub seats: Seats,
    /// Each seat's learner; its weights are those of the seat's own model.
    pub learners: Pair<Option<Box<dyn rl::Learner>>>,
    /// Where records go.
    pub journal: Box<dyn Journal>,
    /// Players and judges that are neither scripts nor models.
    pub guests: Guests,
    /// Where progress is told.
    pub progress: watch::Sender<Progress>,
}

/// Its state.
pub struct SupervisorState {
    episodes_live_max: usize,
    batch_max: usize,
    reruns_max: u32,
    guests: Guests,
    progress: watch::Sender<Progress>,
    servers: BTreeMap<Arc<str>, Server>,
    seats: Seats,
    learners: Pair<Option<ActorRef<LearnerMessage>>>,
    recorder: ActorRef<RecorderMessage>,
    episodes: BTreeMap<Ticket, ActorRef<EpisodeMessage>>,
    /// Whose death means what. Those who were stopped on purpose are taken out first.
    children: BTreeMap<ActorId, Child>,
    tickets: Ticket,
    calls: VecDeque<Call>,
    current: Option<Current>,
    /// The updates that go on beside it.
    beside: Option<Loans>,
    ended: Option<Ended>,
}

struct Server {
    mail: ActorRef<ServerMessage>,
    dialect: Dialect,
}

/// A child, as its death is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Child {
    Service(String),
    Episode(Ticket, EpisodeId),
}

/// The call that is being carried out.
enum Current {
    Play(Box<Playing>),
    Work(Loans),
    Sample(Reply<Samples>),
    Sync(Reply<Offset>),
}

struct Playing {
    play: Play,
    terms: Terms,
    rounds: Vec<Round>,
    reruns: Vec<(EpisodeId, Fault)>,
    reply: Reply<Performance>,
}

struct Loans {
    awaited: Pair<bool>,
    outcomes: Pair<Option<Outcome>>,
    reply: Reply<Pair<Option<Outcome>>>,
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = SupervisorState;
    type Arguments = SupervisorArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMessage>,
        arguments: SupervisorArguments,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        SupervisorState::assemble(&myself, arguments).await
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMessage>,
        message: SupervisorMessage,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Call(call) => state.calls.push_back(call),
            SupervisorMessage::Queued { ticket, server, seat } => {
                let orders = state.play().map(|playing| playing.play.queued(ticket, server, seat));
                state.carry_out(&myself, orders.unwrap_or_default()).await;
            }
            SupervisorMessage::Settled(ticket, played) => state.settled(&myself, ticket, played).await,
            SupervisorMessage::Delivered(played) => state.delivered(played),
            SupervisorMessage::Loaded(model, outcome) => state.loaded(&model, outcome),
            SupervisorMessage::Sampled(samples) => state.sampled(samples),
            SupervisorMessage::Synced(offset) => state.synced(offset),
            SupervisorMessage::Kill(victim) => state.kill(&victim),
        }
        state.next_call(&myself).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let (who, why) = match event {
            SupervisionEvent::ActorFailed(who, why) => (who, why.to_string()),
            SupervisionEvent::ActorTerminated(who, _, why) => (who, why.unwrap_or_else(|| "it stopped".to_owned())),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        match state.children.remove(&who.get_id()) {
            Some(Child::Service(who)) => state.end(Ended { who, why }),
            Some(Child::Episode(ticket, id)) => state.settled(&myself, ticket, Played::Lost(id, why)).await,
            // It was stopped on purpose.
            None => {}
        }
        state.next_call(&myself).await;
        Ok(())
    }
}
