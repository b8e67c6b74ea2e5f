//! The desk: calls come in, one is carried out at a time, with updates beside it perhaps, and its answer goes out.

use std::collections::BTreeSet;

use ractor::ActorRef;
use ractor::SpawnErr;
use runs::Offset;
use sim::Pair;
use sim::Seat;

use crate::ended::Ended;
use crate::learner::Job;
use crate::learner::LearnerMessage;
use crate::learner::Outcome;
use crate::policy_server::ServerMessage;
use crate::recorder::RecorderMessage;
use crate::supervisor::Current;
use crate::supervisor::Loans;
use crate::supervisor::SupervisorMessage;
use crate::supervisor::SupervisorState;
use crate::supervisor::call::Call;
use crate::supervisor::call::Samples;

impl SupervisorState {
    /// Begins the calls that wait, as far as none is in the way.
    pub(super) async fn next_call(&mut self, myself: &ActorRef<SupervisorMessage>) {
        self.abandon();
        while self.current.is_none() {
            let weights_are_out = self.beside.is_some();
            let Some(call) = self.calls.pop_front_if(|call| !(weights_are_out && call.moves_weights())) else { return };
            match self.ended.clone() {
                Some(ended) => call.refuse(&ended),
                None => self.begin(myself, call).await,
            }
        }
    }

    /// Breaks off a play whose caller has gone, once somebody else has something to ask. A finished one only waits for its delivery.
    pub(super) fn abandon(&mut self) {
        let Some(Current::Play(playing)) = &self.current else { return };
        if self.calls.is_empty() || !playing.reply.is_closed() || playing.play.is_finished() {
            return;
        }
        self.leave_stage();
        let _ = self.recorder.cast(RecorderMessage::Discard);
        self.current = None;
    }

    /// Kills all live episodes and lets the servers forget them.
    pub(super) fn leave_stage(&mut self) {
        if let Some(playing) = self.play() {
            playing.play.strike();
        }
        self.forget();
        for (_, episode) in std::mem::take(&mut self.episodes) {
            self.children.remove(&episode.get_id());
            episode.kill();
        }
    }

    pub(super) async fn begin(&mut self, myself: &ActorRef<SupervisorMessage>, call: Call) {
        match call {
            Call::Play(castings, terms, reply) => self.begin_play(myself, castings, terms, reply).await,
            Call::Work(jobs, reply) => {
                self.renew();
                let awaited = self.lend(jobs, ServerMessage::Lend);
                self.current = Some(Current::Work(Loans { awaited, outcomes: Pair::default(), reply }));
                self.finish_work();
            }
            Call::WorkBeside(jobs, reply) => {
                self.renew();
                let awaited = self.lend(jobs, ServerMessage::LendBeside);
                self.beside = Some(Loans { awaited, outcomes: Pair::default(), reply });
                self.finish_work();
            }
            Call::Renew(reply) => {
                self.renew();
                let _ = reply.send(Ok(()));
            }
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

    /// Has the seats' weights lent for these jobs. Which seats' loans are awaited.
    fn lend(&self, jobs: Pair<Option<Job>>, lend: fn(ActorRef<LearnerMessage>, Job) -> ServerMessage) -> Pair<bool> {
        let mut awaited = Pair::default();
        for (seat, job) in [(Seat::Agent, jobs.agent), (Seat::User, jobs.user)] {
            let server = self.servers.get(self.seats.model(seat));
            if let (Some(job), Some(learner), Some(server)) = (job, &self.learners[seat], server) {
                let _ = server.mail.cast(lend(learner.clone(), job));
                awaited[seat] = true;
            }
        }
        awaited
    }

    /// Has the seats' own models go on with the newest weights. Only the order of calls decides when, never who was faster.
    fn renew(&self) {
        let models = BTreeSet::from(Seat::ALL.map(|seat| self.seats.model(seat)));
        for server in models.into_iter().filter_map(|model| self.servers.get(model)) {
            let _ = server.mail.cast(ServerMessage::Renew);
        }
    }

    pub(super) fn loaded(&mut self, model: &str, outcome: Outcome) {
        // Of one model for both seats it is the agent, whose place it has.
        let Some(seat) = Seat::ALL.into_iter().find(|seat| self.seats.model(*seat) == model) else { return };
        // Weights are out for one of the two at a time.
        if let Some(loans) = &mut self.beside {
            loans.outcomes[seat] = Some(outcome);
        } else if let Some(Current::Work(loans)) = &mut self.current {
            loans.outcomes[seat] = Some(outcome);
        }
        self.finish_work();
    }

    pub(super) fn finish_work(&mut self) {
        let complete = |loans: &Loans| Seat::ALL.iter().all(|s| !loans.awaited[*s] || loans.outcomes[*s].is_some());
        if let Some(loans) = self.beside.take_if(|loans| complete(loans)) {
            // Whoever wanted to know may be gone; what was learned stays.
            let _ = loans.reply.send(Ok(loans.outcomes));
        }
        match self.current.take() {
            Some(Current::Work(loans)) if complete(&loans) => drop(loans.reply.send(Ok(loans.outcomes))),
            other => self.current = other,
        }
    }

    pub(super) fn sampled(&mut self, samples: Samples) {
        match self.current.take() {
            Some(Current::Sample(reply)) => drop(reply.send(Ok(samples))),
            other => self.current = other,
        }
    }

    pub(super) fn synced(&mut self, offset: Offset) {
        match self.current.take() {
            Some(Current::Sync(reply)) => drop(reply.send(Ok(offset))),
            other => self.current = other,
        }
    }
}
