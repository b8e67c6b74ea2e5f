//! The root of the tree: it plays castings, lends weights for updates, and ends the run when a service dies.
//!
//! What it decides about a play is in [`state`], without actors; this file carries it out.

pub mod state;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

use ractor::Actor;
use ractor::ActorId;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use ractor::SpawnErr;
use ractor::SupervisionEvent;
use rl::Row;
use rl::Sampled;
use rl::Session;
use runs::Offset;
use sim::EpisodeId;
use sim::Fault;
use sim::Pair;
use sim::Party;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Script;
use sim::record::Casting;
use text::Dialect;
use text::SeatStream;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::ended::Ended;
use crate::episode::EpisodeActor;
use crate::episode::EpisodeArguments;
use crate::episode::EpisodeMessage;
use crate::learner::Job;
use crate::learner::Learner;
use crate::learner::LearnerMessage;
use crate::learner::Outcome;
use crate::policy_server::PolicyServer;
use crate::policy_server::ServerArguments;
use crate::policy_server::ServerMessage;
use crate::recorder::Journal;
use crate::recorder::Recorder;
use crate::recorder::RecorderMessage;
use crate::round::Round;
use crate::round::Ticket;
use crate::seats::Guests;
use crate::seats::Player;
use crate::seats::model::ModelPlayer;
use crate::seats::model::Sampling;
use crate::seats::script::ScriptPlayer;
pub use state::Play;
pub use state::Played;
pub use state::Progress;

use state::Order;

/// A model that speaks: its policy, and how it reads and writes conversations.
pub struct Voice {
    /// Samples.
    pub policy: Box<dyn rl::Policy>,
    /// Reads and writes.
    pub dialect: Dialect,
}

/// The terms of one play.
#[derive(Clone)]
pub struct Terms {
    /// What is played.
    pub scenario: Arc<Scenario>,
    /// The seed of every address of randomness.
    pub seed: u64,
    /// How each seat's model draws its tokens.
    pub sampling: Pair<Sampling>,
    /// Whether the records go into the journal.
    pub record: bool,
}

/// What a play gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Performance {
    /// One for each casting, in their order.
    pub played: Vec<Played>,
    /// What each policy server sampled together; empty if no seat is a model.
    pub rounds: Vec<Round>,
}

/// What a model sampled, in the rows' order.
pub type Samples = Vec<Result<Sampled, Fault>>;

/// Where an answer to a call goes.
pub type Reply<T> = oneshot::Sender<Result<T, Ended>>;

/// What the troupe asks for. One call is carried out at a time; others wait, unless whoever made the current one has gone.
pub enum Call {
    /// Play these castings, whose names have been checked.
    Play(Vec<Casting>, Terms, Reply<Performance>),
    /// Lend each seat's weights for these jobs, both at the same time.
    Work(Pair<Option<Job>>, Reply<Pair<Option<Outcome>>>),
    /// Let this model sample rows that belong to no episode.
    Sample(String, Vec<Row>, Reply<Samples>),
    /// Sync the journal.
    Sync(Reply<Offset>),
    /// Add a model.
    Seat(String, Voice, Reply<()>),
    /// Remove a model.
    Dismiss(String, Reply<()>),
}

/// Whom to kill, to see what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Victim {
    /// A live episode.
    Episode(EpisodeId),
    /// A seat of a live episode; for `Infrastructure` nobody.
    Seat(EpisodeId, Party),
    /// The policy server of this model.
    Server(String),
    /// The learner of this seat.
    Learner(Seat),
    /// The recorder.
    Recorder,
}

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
    /// Models by name.
    pub models: BTreeMap<String, Voice>,
    /// Each seat's learner; its weights are those of the model that bears the seat's name.
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
    guests: Guests,
    progress: watch::Sender<Progress>,
    servers: BTreeMap<Arc<str>, Server>,
    learners: Pair<Option<ActorRef<LearnerMessage>>>,
    recorder: ActorRef<RecorderMessage>,
    episodes: BTreeMap<Ticket, ActorRef<EpisodeMessage>>,
    /// Whose death means what. Those who were stopped on purpose are taken out first.
    children: BTreeMap<ActorId, Child>,
    tickets: Ticket,
    calls: VecDeque<Call>,
    current: Option<Current>,
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

// ==== Services ==== //

impl SupervisorState {
    async fn assemble(
        myself: &ActorRef<SupervisorMessage>,
        arguments: SupervisorArguments,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let SupervisorArguments { episodes_live_max, batch_max, models, learners, journal, guests, progress } =
            arguments;
        let mut children = BTreeMap::new();
        let parent = || myself.get_cell();
        let (recorder, _) = Recorder::spawn_linked(None, Recorder, (journal, myself.clone()), parent()).await?;
        children.insert(recorder.get_id(), Child::Service("recorder".to_owned()));
        let mut state = SupervisorState {
            episodes_live_max,
            batch_max,
            guests,
            progress,
            servers: BTreeMap::new(),
            learners: Pair::default(),
            recorder,
            episodes: BTreeMap::new(),
            children,
            tickets: Ticket::default(),
            calls: VecDeque::new(),
            current: None,
            ended: None,
        };
        for (name, voice) in models {
            state.seat_model(myself, &name, voice).await?;
        }
        for (seat, optimiser) in [(Seat::Agent, learners.agent), (Seat::User, learners.user)] {
            let Some(optimiser) = optimiser else { continue };
            let (learner, _) = Learner::spawn_linked(None, Learner, optimiser, parent()).await?;
            state.children.insert(learner.get_id(), Child::Service(format!("{seat}'s learner")));
            state.learners[seat] = Some(learner);
        }
        Ok(state)
    }

    async fn seat_model(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        name: &str,
        voice: Voice,
    ) -> Result<(), SpawnErr> {
        let Voice { policy, dialect } = voice;
        let name: Arc<str> = name.into();
        let arguments =
            ServerArguments { name: Arc::clone(&name), policy, batch_max: self.batch_max, supervisor: myself.clone() };
        let (mail, _) = PolicyServer::spawn_linked(None, PolicyServer, arguments, myself.get_cell()).await?;
        self.children.insert(mail.get_id(), Child::Service(format!("policy server {name}")));
        self.servers.insert(name, Server { mail, dialect });
        Ok(())
    }

    fn dismiss(&mut self, name: &str) {
        if let Some(server) = self.servers.remove(name) {
            self.children.remove(&server.mail.get_id());
            server.mail.stop(None);
        }
    }

    /// A service is dead: nothing can go on. Whoever waits is told, and nobody is left playing.
    fn end(&mut self, ended: Ended) {
        tracing::error!("{ended}");
        self.leave_stage();
        match self.current.take() {
            Some(Current::Play(playing)) => refuse(playing.reply, &ended),
            Some(Current::Work(loans)) => refuse(loans.reply, &ended),
            Some(Current::Sample(reply)) => refuse(reply, &ended),
            Some(Current::Sync(reply)) => refuse(reply, &ended),
            None => {}
        }
        // The first death is the cause; later ones may be its consequences.
        self.ended.get_or_insert(ended);
    }

    fn kill(&mut self, victim: &Victim) {
        let episode = |id: &EpisodeId| match &self.current {
            Some(Current::Play(playing)) => playing.play.ticket(*id).and_then(|ticket| self.episodes.get(&ticket)),
            _ => None,
        };
        match victim {
            Victim::Episode(id) => episode(id).inspect(|episode| episode.kill()).map(drop),
            Victim::Seat(id, party) => episode(id).and_then(|e| e.cast(EpisodeMessage::Kill(*party)).ok()),
            Victim::Server(name) => self.servers.get(name.as_str()).map(|server| server.mail.kill()),
            Victim::Learner(seat) => self.learners[*seat].as_ref().map(|learner| learner.kill()),
            Victim::Recorder => Some(self.recorder.kill()),
        };
    }
}

// ==== Calls ==== //

impl SupervisorState {
    /// Begins the calls that wait, as far as none is in the way.
    async fn next_call(&mut self, myself: &ActorRef<SupervisorMessage>) {
        self.abandon();
        while self.current.is_none() {
            let Some(call) = self.calls.pop_front() else { return };
            match self.ended.clone() {
                Some(ended) => call.refuse(&ended),
                None => self.begin(myself, call).await,
            }
        }
    }

    /// Breaks off a play whose caller has gone, once somebody else has something to ask. A finished one only waits for its delivery.
    fn abandon(&mut self) {
        let Some(Current::Play(playing)) = &self.current else { return };
        if self.calls.is_empty() || !playing.reply.is_closed() || playing.play.is_finished() {
            return;
        }
        self.leave_stage();
        let _ = self.recorder.cast(RecorderMessage::Discard);
        self.current = None;
    }

    /// Kills all live episodes and lets the servers forget them.
    fn leave_stage(&mut self) {
        if let Some(playing) = self.play() {
            playing.play.strike();
        }
        self.forget();
        for (_, episode) in std::mem::take(&mut self.episodes) {
            self.children.remove(&episode.get_id());
            episode.kill();
        }
    }

    async fn begin(&mut self, myself: &ActorRef<SupervisorMessage>, call: Call) {
        match call {
            Call::Play(castings, terms, reply) => self.begin_play(myself, castings, terms, reply).await,
            Call::Work(jobs, reply) => self.begin_work(jobs, reply),
            Call::Sample(name, rows, reply) => {
                // The troupe has checked the name; a server that has died since is on its way to end the run.
                if let Some(server) = self.servers.get(name.as_str()) {
                    self.current = Some(Current::Sample(reply));
                    let _ = server.mail.cast(ServerMessage::Answer(rows));
                }
            }
            Call::Sync(reply) => {
                self.current = Some(Current::Sync(reply));
                let _ = self.recorder.cast(RecorderMessage::Sync);
            }
            Call::Seat(name, voice, reply) => {
                let seated = self.seat_model(myself, &name, voice).await;
                let ended = |why: SpawnErr| Ended { who: format!("policy server {name}"), why: why.to_string() };
                let _ = reply.send(seated.map_err(ended));
            }
            Call::Dismiss(name, reply) => {
                self.dismiss(&name);
                let _ = reply.send(Ok(()));
            }
        }
    }

    fn begin_work(&mut self, jobs: Pair<Option<Job>>, reply: Reply<Pair<Option<Outcome>>>) {
        let mut awaited = Pair::default();
        for (seat, job) in [(Seat::Agent, jobs.agent), (Seat::User, jobs.user)] {
            if let (Some(job), Some(learner), Some(server)) = (job, &self.learners[seat], self.servers.get(seat.name()))
            {
                let _ = server.mail.cast(ServerMessage::Lend(learner.clone(), job));
                awaited[seat] = true;
            }
        }
        self.current = Some(Current::Work(Loans { awaited, outcomes: Pair::default(), reply }));
        self.finish_work();
    }

    fn loaded(&mut self, model: &str, outcome: Outcome) {
        let Some(seat) = Seat::ALL.into_iter().find(|seat| seat.name() == model) else { return };
        if let Some(Current::Work(loans)) = &mut self.current {
            loans.outcomes[seat] = Some(outcome);
        }
        self.finish_work();
    }

    fn finish_work(&mut self) {
        let complete = |loans: &Loans| Seat::ALL.iter().all(|s| !loans.awaited[*s] || loans.outcomes[*s].is_some());
        match self.current.take() {
            Some(Current::Work(loans)) if complete(&loans) => drop(loans.reply.send(Ok(loans.outcomes))),
            other => self.current = other,
        }
    }

    fn sampled(&mut self, samples: Samples) {
        match self.current.take() {
            Some(Current::Sample(reply)) => drop(reply.send(Ok(samples))),
            other => self.current = other,
        }
    }

    fn synced(&mut self, offset: Offset) {
        match self.current.take() {
            Some(Current::Sync(reply)) => drop(reply.send(Ok(offset))),
            other => self.current = other,
        }
    }
}

// ==== The play ==== //

impl SupervisorState {
    async fn begin_play(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        castings: Vec<Casting>,
        terms: Terms,
        reply: Reply<Performance>,
    ) {
        let is_model = |policy: &String| model_name(policy, Seat::Agent).is_some();
        let lockstep = castings.iter().any(|c| c.policies.iter().any(|(_, policy)| is_model(policy)));
        let first = self.tickets;
        self.tickets = first.plus(castings.len());
        let mut play = Play::new(castings, first, self.episodes_live_max, lockstep)
            .expect("the troupe lets no episode be cast twice");
        let orders = play.begin();
        self.current = Some(Current::Play(Box::new(Playing { play, terms, rounds: Vec::new(), reply })));
        self.carry_out(myself, orders).await;
    }

    fn play(&mut self) -> Option<&mut Playing> {
        match &mut self.current {
            Some(Current::Play(playing)) => Some(playing),
            Some(Current::Work(_) | Current::Sample(_) | Current::Sync(_)) | None => None,
        }
    }

    async fn settled(&mut self, myself: &ActorRef<SupervisorMessage>, ticket: Ticket, played: Played) {
        if let Some(episode) = self.episodes.remove(&ticket) {
            self.children.remove(&episode.get_id());
            episode.stop(None);
        }
        let orders = self.play().map(|playing| playing.play.settled(ticket, played));
        self.carry_out(myself, orders.unwrap_or_default()).await;
    }

    async fn carry_out(&mut self, myself: &ActorRef<SupervisorMessage>, orders: Vec<Order>) {
        let mut orders = VecDeque::from(orders);
        while let Some(order) = orders.pop_front() {
            match order {
                Order::Admit(ticket, casting) => {
                    let id = casting.id;
                    if let Err(why) = self.admit(myself, ticket, casting).await
                        && let Some(playing) = self.play()
                    {
                        orders.extend(playing.play.settled(ticket, Played::Lost(id, why)));
                    }
                }
                Order::Flush(round) => self.flush(round),
                Order::Write(played) => self.write(played),
                Order::Finish => {
                    self.forget();
                    let _ = self.recorder.cast(RecorderMessage::Deliver);
                }
            }
        }
        if let Some(Current::Play(playing)) = &self.current {
            self.progress.send_replace(playing.play.progress());
        }
    }

    /// Brings an episode to life; the error says in words why it cannot be.
    async fn admit(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        ticket: Ticket,
        casting: Casting,
    ) -> Result<(), String> {
        let terms = self.play().ok_or("nothing is played")?.terms.clone();
        let id = casting.id;
        let judge = &terms.scenario.judge.policy;
        let arguments = EpisodeArguments {
            ticket,
            players: Pair {
                agent: self.player(&terms, ticket, &casting, Seat::Agent)?,
                user: self.player(&terms, ticket, &casting, Seat::User)?,
            },
            deadlines_ms: Pair::from_fn(|seat| deadline_ms(&terms, &casting, seat)),
            stagehand: self.guests.stagehand(&casting),
            judge: self.guests.judge(judge, &casting).ok_or_else(|| format!("there is no judge `{judge}`"))?,
            casting,
            scenario: terms.scenario,
            seed: terms.seed,
            supervisor: myself.clone(),
        };
        let spawned = EpisodeActor::spawn_linked(None, EpisodeActor, arguments, myself.get_cell()).await;
        let (episode, _) = spawned.map_err(|why| why.to_string())?;
        self.children.insert(episode.get_id(), Child::Episode(ticket, id));
        self.episodes.insert(ticket, episode);
        Ok(())
    }

    fn player(&self, terms: &Terms, ticket: Ticket, casting: &Casting, seat: Seat) -> Result<Box<dyn Player>, String> {
        let policy = &casting.policies[seat];
        let address = casting.id.address(terms.seed);
        if let Some(make) = self.guests.players.get(policy) {
            return Ok(make(casting, seat));
        }
        if let Some(name) = model_name(policy, seat) {
            let server = self.servers.get(name).ok_or_else(|| format!("model `{name}` is not loaded"))?;
            return Ok(Box::new(ModelPlayer {
                ticket,
                session: Session { episode: casting.id, seat },
                address: address.member(casting.id.member),
                tokens_max: terms.scenario.seats[seat].tokens_max,
                sampling: terms.sampling[seat],
                server: server.mail.clone(),
                stream: SeatStream::new(&server.dialect, server.dialect.reasons(seat)),
                policy: name.to_owned(),
                turn: 0,
            }));
        }
        let script = Script::named(&terms.scenario.rules, seat, policy);
        let script = script.ok_or_else(|| format!("there is no policy `{policy}`"))?;
        Ok(Box::new(ScriptPlayer { seat, script, address }))
    }

    fn flush(&mut self, round: Round) {
        self.forget();
        for part in &round.servers {
            if let Some(server) = self.servers.get(&part.server) {
                let tickets = part.rows.iter().map(|(ticket, _)| *ticket).collect();
                let _ = server.mail.cast(ServerMessage::Flush(tickets));
            }
        }
        if let Some(playing) = self.play() {
            playing.rounds.push(round);
        }
    }

    /// Tells the servers which episodes are over.
    fn forget(&mut self) {
        let Some(gone) = self.play().map(|playing| playing.play.take_gone()).filter(|gone| !gone.is_empty()) else {
            return;
        };
        for server in self.servers.values() {
            let _ = server.mail.cast(ServerMessage::Forget(gone.clone()));
        }
    }

    fn write(&mut self, played: Played) {
        let record = self.play().is_some_and(|playing| playing.terms.record);
        let _ = self.recorder.cast(RecorderMessage::Write { played, record });
    }

    fn delivered(&mut self, played: Vec<Played>) {
        match self.current.take() {
            Some(Current::Play(playing)) => {
                let Playing { rounds, reply, .. } = *playing;
                let _ = reply.send(Ok(Performance { played, rounds }));
            }
            other => self.current = other,
        }
    }
}

impl Call {
    fn refuse(self, ended: &Ended) {
        match self {
            Call::Play(_, _, reply) => refuse(reply, ended),
            Call::Work(_, reply) => refuse(reply, ended),
            Call::Sample(_, _, reply) => refuse(reply, ended),
            Call::Sync(reply) => refuse(reply, ended),
            Call::Seat(_, _, reply) | Call::Dismiss(_, reply) => refuse(reply, ended),
        }
    }
}

fn refuse<T>(reply: Reply<T>, ended: &Ended) {
    // A caller that is gone need not be told.
    let _ = reply.send(Err(ended.clone()));
}

/// A seat's deadline. A model has none: it waits for the others at the barrier, which is not its doing, and its own work is bounded by
/// `tokens_max`. Were it timed, one slow guest would put everybody who waits for it at fault.
fn deadline_ms(terms: &Terms, casting: &Casting, seat: Seat) -> Option<u64> {
    match model_name(&casting.policies[seat], seat) {
        Some(_) => None,
        None => terms.scenario.seats[seat].deadline_ms,
    }
}

/// The model that a casting's policy means: `model` is the seat's own, `model:NAME` another one. `None` if it means no model.
pub(crate) fn model_name(policy: &str, seat: Seat) -> Option<&str> {
    match policy {
        "model" => Some(seat.name()),
        other => other.strip_prefix("model:"),
    }
}
