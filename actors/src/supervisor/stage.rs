//! The stage: carries out what [`Play`] orders.

use std::collections::VecDeque;

use ractor::Actor;
use ractor::ActorRef;
use rl::Seats;
use rl::Session;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::Tools;
use sim::gyms::Script;
use sim::record::Casting;
use text::SeatStream;

use crate::episode::EpisodeActor;
use crate::episode::EpisodeArguments;
use crate::policy_server::ServerMessage;
use crate::recorder::RecorderMessage;
use crate::round::Round;
use crate::round::Ticket;
use crate::seats::Player;
use crate::seats::model::ModelPlayer;
use crate::seats::script::ScriptPlayer;
use crate::supervisor::Child;
use crate::supervisor::Current;
use crate::supervisor::Playing;
use crate::supervisor::SupervisorMessage;
use crate::supervisor::SupervisorState;
use crate::supervisor::call::Performance;
use crate::supervisor::call::Reply;
use crate::supervisor::call::Terms;
use crate::supervisor::state::Order;
use crate::supervisor::state::Play;
use crate::supervisor::state::Played;

impl SupervisorState {
    pub(super) async fn begin_play(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        castings: Vec<Casting>,
        terms: Terms,
        reply: Reply<Performance>,
    ) {
        let is_model = |policy: &String| model_name(self.seats, policy, Seat::Agent).is_some();
        let lockstep = castings.iter().any(|c| c.policies.iter().any(|(_, policy)| is_model(policy)));
        let first = self.tickets;
        // Each time that an episode is played has a ticket of its own.
        self.tickets = first.plus(castings.len() * (1 + self.reruns_max as usize));
        let play = Play::new(castings, first, self.episodes_live_max, lockstep);
        let mut play = play.expect("the troupe lets no episode be cast twice").with_reruns(self.reruns_max);
        let orders = play.begin();
        self.current =
            Some(Current::Play(Box::new(Playing { play, terms, rounds: Vec::new(), reruns: Vec::new(), reply })));
        self.carry_out(myself, orders).await;
    }

    pub(super) fn play(&mut self) -> Option<&mut Playing> {
        match &mut self.current {
            Some(Current::Play(playing)) => Some(playing),
            Some(Current::Work(_) | Current::Sample(_) | Current::Sync(_)) | None => None,
        }
    }

    pub(super) async fn settled(&mut self, myself: &ActorRef<SupervisorMessage>, ticket: Ticket, played: Played) {
        if let Some(episode) = self.episodes.remove(&ticket) {
            self.children.remove(&episode.get_id());
            episode.stop(None);
        }
        let orders = self.play().map(|playing| playing.play.settled(ticket, played));
        self.carry_out(myself, orders.unwrap_or_default()).await;
    }

    pub(super) async fn carry_out(&mut self, myself: &ActorRef<SupervisorMessage>, orders: Vec<Order>) {
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
                Order::Again(id, fault) => {
                    if let Some(playing) = self.play() {
                        playing.reruns.push((id, fault));
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
    pub(super) async fn admit(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        ticket: Ticket,
        mut casting: Casting,
    ) -> Result<(), String> {
        let terms = self.play().ok_or("nothing is played")?.terms.clone();
        let id = casting.id;
        let scenario = terms.scenario(&casting).ok_or("there is no such scenario")?.clone();
        casting.tools = Pair::from_fn(|seat| self.tools(&scenario, &casting, seat));
        let judge = &scenario.judge.policy;
        let past = terms.past(&casting).map_err(|id| format!("{id}, which it goes on from, is not there"))?;
        let arguments = EpisodeArguments {
            ticket,
            past: past.cloned(),
            players: Pair {
                agent: self.player(&terms, &scenario, ticket, &casting, Seat::Agent)?,
                user: self.player(&terms, &scenario, ticket, &casting, Seat::User)?,
            },
            deadlines_ms: Pair::from_fn(|seat| deadline_ms(&scenario, &casting, seat)),
            stagehand: self.guests.stagehand(&casting),
            judge: self.guests.judge(judge, &casting).ok_or_else(|| format!("there is no judge `{judge}`"))?,
            casting,
            scenario,
            seed: terms.seed,
            supervisor: myself.clone(),
        };
        let spawned = EpisodeActor::spawn_linked(None, EpisodeActor, arguments, myself.get_cell()).await;
        let (episode, _) = spawned.map_err(|why| why.to_string())?;
        self.children.insert(episode.get_id(), Child::Episode(ticket, id));
        self.episodes.insert(ticket, episode);
        Ok(())
    }

    /// How the seat's model is told what it may do.
    fn tools(&self, scenario: &Scenario, casting: &Casting, seat: Seat) -> Tools {
        let name = model_name(self.seats, &casting.policies[seat], seat);
        let server = name.and_then(|name| self.servers.get(name));
        server.map_or(Tools::Prose, |server| server.dialect.tools(&scenario.rules, seat))
    }

    pub(super) fn player(
        &self,
        terms: &Terms,
        scenario: &Scenario,
        ticket: Ticket,
        casting: &Casting,
        seat: Seat,
    ) -> Result<Box<dyn Player>, String> {
        let policy = &casting.policies[seat];
        if let Some(make) = self.guests.players.get(policy) {
            return Ok(make(casting, seat));
        }
        if let Some(name) = model_name(self.seats, policy, seat) {
            let server = self.servers.get(name).ok_or_else(|| format!("model `{name}` is not loaded"))?;
            let dialect = server.dialect.seated(&scenario.rules, seat).map_err(|why| why.to_string())?;
            return Ok(Box::new(ModelPlayer {
                ticket,
                session: Session { episode: casting.id, seat, adapter: None },
                address: casting.token_address(terms.seed),
                tokens_max: scenario.seats[seat].tokens_max,
                sampling: terms.sampling[seat],
                server: server.mail.clone(),
                stream: SeatStream::new(&dialect, dialect.reasons(seat)),
                policy: name.to_owned(),
                turn: 0,
            }));
        }
        let script = Script::named(&scenario.rules, seat, policy);
        let script = script.ok_or_else(|| format!("there is no policy `{policy}`"))?;
        Ok(Box::new(ScriptPlayer { seat, script, address: casting.rule_address(terms.seed) }))
    }

    pub(super) fn flush(&mut self, round: Round) {
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
    pub(super) fn forget(&mut self) {
        let Some(gone) = self.play().map(|playing| playing.play.take_gone()).filter(|gone| !gone.is_empty()) else {
            return;
        };
        for server in self.servers.values() {
            let _ = server.mail.cast(ServerMessage::Forget(gone.clone()));
        }
    }

    pub(super) fn write(&mut self, played: Played) {
        let record = self.play().is_some_and(|playing| playing.terms.record);
        let _ = self.recorder.cast(RecorderMessage::Write { played, record });
    }

    pub(super) fn delivered(&mut self, played: Vec<Played>) {
        match self.current.take() {
            Some(Current::Play(playing)) => {
                let Playing { rounds, mut reruns, reply, .. } = *playing;
                // In no order that tells who was faster.
                reruns.sort_by_key(|(id, _)| *id);
                let _ = reply.send(Ok(Performance { played, rounds, reruns }));
            }
            other => self.current = other,
        }
    }
}

/// A seat's deadline. A model has none: it waits for the others at the barrier, which is not its doing, and its own work is bounded by
/// `tokens_max`. Were it timed, one slow guest would put everybody who waits for it at fault.
fn deadline_ms(scenario: &Scenario, casting: &Casting, seat: Seat) -> Option<u64> {
    match model_name(Seats::Apart, &casting.policies[seat], seat) {
        Some(_) => None,
        None => scenario.seats[seat].deadline_ms,
    }
}

/// The model that a casting's policy means: `model` is the seat's own, `model:NAME` another one. `None` if it means no model.
pub(crate) fn model_name(seats: Seats, policy: &str, seat: Seat) -> Option<&str> {
    match policy {
        "model" => Some(seats.model(seat)),
        other => other.strip_prefix("model:"),
    }
}
