//! The services: how they come, how they go on purpose, and what it means when they die.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

use ractor::Actor;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use ractor::SpawnErr;
use sim::EpisodeId;
use sim::Pair;
use sim::Party;
use sim::Seat;

use crate::ended::Ended;
use crate::episode::EpisodeMessage;
use crate::learner::Learner;
use crate::policy_server::PolicyServer;
use crate::policy_server::ServerArguments;
use crate::recorder::Recorder;
use crate::round::Ticket;
use crate::supervisor::Child;
use crate::supervisor::Current;
use crate::supervisor::Server;
use crate::supervisor::SupervisorArguments;
use crate::supervisor::SupervisorMessage;
use crate::supervisor::SupervisorState;
use crate::supervisor::call::Voice;
use crate::supervisor::call::refuse;

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

impl SupervisorState {
    pub(super) async fn assemble(
        myself: &ActorRef<SupervisorMessage>,
        arguments: SupervisorArguments,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let SupervisorArguments {
            episodes_live_max,
            batch_max,
            reruns_max,
            models,
            seats,
            learners,
            journal,
            guests,
            progress,
        } = arguments;
        let mut children = BTreeMap::new();
        let parent = || myself.get_cell();
        let (recorder, _) = Recorder::spawn_linked(None, Recorder, (journal, myself.clone()), parent()).await?;
        children.insert(recorder.get_id(), Child::Service("recorder".to_owned()));
        let mut state = SupervisorState {
            episodes_live_max,
            batch_max,
            reruns_max,
            guests,
            progress,
            servers: BTreeMap::new(),
            seats,
            learners: Pair::default(),
            recorder,
            episodes: BTreeMap::new(),
            children,
            tickets: Ticket::default(),
            calls: VecDeque::new(),
            current: None,
            beside: None,
            ended: None,
        };
        for (name, voice) in models {
            state.seat_model(myself, &name, voice).await?;
        }
        for (seat, optimiser) in [(Seat::Agent, learners.agent), (Seat::User, learners.user)] {
            let Some(optimiser) = optimiser else { continue };
            let (learner, _) = Learner::spawn_linked(None, Learner, optimiser, parent()).await?;
            state.children.insert(learner.get_id(), Child::Service(format!("{}'s learner", seats.model(seat))));
            state.learners[seat] = Some(learner);
        }
        Ok(state)
    }

    pub(super) async fn seat_model(
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

    pub(super) fn dismiss(&mut self, name: &str) {
        if let Some(server) = self.servers.remove(name) {
            self.children.remove(&server.mail.get_id());
            server.mail.stop(None);
        }
    }

    /// A service is dead: nothing can go on. Whoever waits is told, and nobody is left playing.
    pub(super) fn end(&mut self, ended: Ended) {
        tracing::error!("{ended}");
        self.leave_stage();
        match self.current.take() {
            Some(Current::Play(playing)) => refuse(playing.reply, &ended),
            Some(Current::Work(loans)) => refuse(loans.reply, &ended),
            Some(Current::Sample(reply)) => refuse(reply, &ended),
            Some(Current::Sync(reply)) => refuse(reply, &ended),
            None => {}
        }
        if let Some(loans) = self.beside.take() {
            refuse(loans.reply, &ended);
        }
        // The first death is the cause; later ones may be its consequences.
        self.ended.get_or_insert(ended);
    }

    pub(super) fn kill(&mut self, victim: &Victim) {
        let episode = |id: &EpisodeId| match &self.current {
            Some(Current::Play(playing)) => playing.play.ticket(*id).and_then(|ticket| self.episodes.get(&ticket)),
            Some(Current::Work(_) | Current::Sample(_) | Current::Sync(_)) | None => None,
        };
        let cell = match victim {
            Victim::Episode(id) => episode(id).map(|episode| episode.get_cell()),
            Victim::Seat(id, party) => {
                if let Some(episode) = episode(id) {
                    // Only the parent knows it. An episode that is gone has no seats.
                    let _ = episode.cast(EpisodeMessage::Kill(*party));
                }
                None
            }
            Victim::Server(name) => self.servers.get(name.as_str()).map(|server| server.mail.get_cell()),
            Victim::Learner(seat) => self.learners[*seat].as_ref().map(|learner| learner.get_cell()),
            Victim::Recorder => Some(self.recorder.get_cell()),
        };
        if let Some(cell) = cell {
            cell.kill();
        }
    }
}
