//! One conversation: a switchboard around [`sim::Episode`]. Each handler is one `step` and one `match` that routes.
//!
//! The seats are its children. They never stop themselves: this actor outlives them, and its parent stops it once the record is handed over.
//! A seat that dies is a fault of its party, and the record says so.

use std::sync::Arc;
use std::time::Duration;

use ractor::Actor;
use ractor::ActorCell;
use ractor::ActorProcessingErr;
use ractor::ActorRef;
use ractor::SpawnErr;
use ractor::SupervisionEvent;
use sim::EpisodeRecord;
use sim::Fault;
use sim::FaultKind;
use sim::Forked;
use sim::Input;
use sim::Output;
use sim::Pair;
use sim::Party;
use sim::Scenario;
use sim::Seat;
use sim::record::Casting;
use tokio::task::AbortHandle;

use crate::round::Ticket;
use crate::seats::Asking;
use crate::seats::Judge;
use crate::seats::Player;
use crate::seats::SeatMessage;
use crate::seats::SpeakingSeat;
use crate::seats::Stagehand;
use crate::seats::environment::EnvironmentMessage;
use crate::seats::environment::EnvironmentSeat;
use crate::seats::judge::JudgeMessage;
use crate::seats::judge::JudgeSeat;
use crate::supervisor::Played;
use crate::supervisor::SupervisorMessage;

/// Mail of an episode. What is large is boxed by whoever sends it: on its way through a mailbox a message is moved half a dozen times.
pub enum EpisodeMessage {
    /// A seat answers what it was asked under this number.
    Answered(Asking, Box<Input>),
    /// The time for this asking is up.
    TimeUp(Asking),
    /// Kill this party's seat: how deaths are tried out.
    Kill(Party),
}

/// The actor.
pub struct EpisodeActor;

/// What an episode is spawned with.
pub struct EpisodeArguments {
    /// Its admission.
    pub ticket: Ticket,
    /// Who plays what.
    pub casting: Casting,
    /// What it goes on from; `None`: it begins at the beginning.
    pub past: Option<EpisodeRecord>,
    /// What is played.
    pub scenario: Arc<Scenario>,
    /// The run's seed.
    pub seed: u64,
    /// Who speaks.
    pub players: Pair<Box<dyn Player>>,
    /// Who steps the world.
    pub stagehand: Box<dyn Stagehand>,
    /// How long each seat may take over one turn; `None`: as long as it likes.
    pub deadlines_ms: Pair<Option<u64>>,
    /// Who judges.
    pub judge: Box<dyn Judge>,
    /// Where the record goes.
    pub supervisor: ActorRef<SupervisorMessage>,
}

/// Its state.
pub struct EpisodeState {
    ticket: Ticket,
    episode: sim::Episode,
    seats: Seats,
    /// What is awaited now; 0 before the first.
    asking: Asking,
    asked: Party,
    deadlines_ms: Pair<Option<u64>>,
    timer: Option<AbortHandle>,
    supervisor: ActorRef<SupervisorMessage>,
}

struct Seats {
    speaking: Pair<ActorRef<SeatMessage>>,
    environment: ActorRef<EnvironmentMessage>,
    judge: ActorRef<JudgeMessage>,
}

impl Actor for EpisodeActor {
    type Msg = EpisodeMessage;
    type State = EpisodeState;
    type Arguments = EpisodeArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<EpisodeMessage>,
        arguments: EpisodeArguments,
    ) -> Result<EpisodeState, ActorProcessingErr> {
        let EpisodeArguments {
            ticket,
            casting,
            past,
            scenario,
            seed,
            mut players,
            deadlines_ms,
            stagehand,
            judge,
            supervisor,
        } = arguments;
        let (episode, outputs) = match past {
            None => sim::Episode::start(casting, scenario, seed),
            Some(record) => go_on(&record, casting, &scenario, &mut players)?,
        };
        let seats = Seats::spawn(&myself, players, stagehand, judge).await?;
        let mut state = EpisodeState {
            ticket,
            episode,
            seats,
            asking: Asking::default(),
            asked: Party::Infrastructure,
            deadlines_ms,
            timer: None,
            supervisor,
        };
        state.route(&myself, outputs);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<EpisodeMessage>,
        message: EpisodeMessage,
        state: &mut EpisodeState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            EpisodeMessage::Answered(asking, input) if asking == state.asking => state.step(&myself, *input)?,
            EpisodeMessage::TimeUp(asking) if asking == state.asking => {
                let fault = Fault::new(state.asked, FaultKind::Deadline, "no answer before the deadline");
                state.failed(&myself, fault)?;
            }
            // Too late: the episode has gone on, or is over.
            EpisodeMessage::Answered(..) | EpisodeMessage::TimeUp(_) => {}
            EpisodeMessage::Kill(party) => {
                if let Some(seat) = state.seats.of(party) {
                    seat.kill();
                }
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<EpisodeMessage>,
        event: SupervisionEvent,
        state: &mut EpisodeState,
    ) -> Result<(), ActorProcessingErr> {
        let (who, why) = match event {
            SupervisionEvent::ActorFailed(who, why) => (who, why.to_string()),
            SupervisionEvent::ActorTerminated(who, _, why) => (who, why.unwrap_or_else(|| "it stopped".to_owned())),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        if state.episode.is_over() {
            return Ok(());
        }
        let fault = Fault::new(state.seats.party(&who), FaultKind::Panicked, why);
        state.failed(&myself, fault)
    }
}

/// A fork of the record, whose players know what they went through.
fn go_on(
    record: &EpisodeRecord,
    casting: Casting,
    scenario: &Arc<Scenario>,
    players: &mut Pair<Box<dyn Player>>,
) -> Result<(sim::Episode, Vec<Output>), ActorProcessingErr> {
    let Forked { episode, outputs, past } = sim::fork(record, casting, scenario)?;
    for seat in Seat::ALL {
        past[seat]
            .iter()
            .try_for_each(|past| players[seat].recall(past))
            .map_err(|why| format!("the {seat}: {why}"))?;
    }
    Ok((episode, outputs))
}

impl EpisodeState {
    fn step(&mut self, myself: &ActorRef<EpisodeMessage>, input: Input) -> Result<(), ActorProcessingErr> {
        let outputs = self.episode.step(input)?;
        self.route(myself, outputs);
        Ok(())
    }

    /// A judge that fails when it is asked leaves the record its stop reason: the talk itself had ended by then.
    fn failed(&mut self, myself: &ActorRef<EpisodeMessage>, fault: Fault) -> Result<(), ActorProcessingErr> {
        let at_verdict = self.asked == Party::Judge && fault.party == Party::Judge;
        self.step(myself, if at_verdict { Input::Judged(Err(fault)) } else { Input::Failed(fault) })
    }

    /// Sends each output to whoever carries it out. Mail to a dead seat is lost, and its death is already on its way to us.
    fn route(&mut self, myself: &ActorRef<EpisodeMessage>, outputs: Vec<Output>) {
        let judge_ms = self.episode.scenario().judge.deadline_ms;
        let engine_ms = self.episode.scenario().rules.engine().and_then(|engine| engine.deadline_ms);
        for output in outputs {
            match output {
                Output::Ask(seat, observation) => {
                    let asking = self.ask(myself, seat.into(), self.deadlines_ms[seat]);
                    let _ = self.seats.speaking[seat].cast(SeatMessage::Decide(asking, Box::new(observation)));
                }
                Output::Query(asked, id, query) => match asked.seat() {
                    Some(seat) => {
                        let asking = self.ask(myself, seat.into(), self.deadlines_ms[seat]);
                        let _ = self.seats.speaking[seat].cast(SeatMessage::Answer(asking, id, Box::new(query)));
                    }
                    None => {
                        let asking = self.ask(myself, Party::Environment, engine_ms);
                        let message = EnvironmentMessage::Answer(asking, id, Box::new(query));
                        let _ = self.seats.environment.cast(message);
                    }
                },
                Output::Apply(world, input) => {
                    let asking = self.ask(myself, Party::Environment, None);
                    let message = EnvironmentMessage::Apply(asking, Box::new(world), Box::new(input));
                    let _ = self.seats.environment.cast(message);
                }
                Output::Judge(case) => {
                    let asking = self.ask(myself, Party::Judge, Some(judge_ms));
                    let _ = self.seats.judge.cast(JudgeMessage::Judge(asking, Box::new(case)));
                }
                Output::Done(record) => {
                    self.ask(myself, Party::Infrastructure, None);
                    let played = Played::Record(record);
                    let _ = self.supervisor.cast(SupervisorMessage::Settled(self.ticket, played));
                }
            }
        }
    }

    /// Numbers the next asking, so that whatever still answers an earlier one is dropped, and sets its deadline.
    fn ask(&mut self, myself: &ActorRef<EpisodeMessage>, party: Party, deadline_ms: Option<u64>) -> Asking {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
        let asking = Asking(self.asking.0 + 1);
        (self.asking, self.asked) = (asking, party);
        self.timer = deadline_ms.map(|ms| {
            let timer = myself.send_after(Duration::from_millis(ms), move || EpisodeMessage::TimeUp(asking));
            timer.abort_handle()
        });
        asking
    }
}

impl Drop for EpisodeState {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
    }
}

impl Seats {
    async fn spawn(
        myself: &ActorRef<EpisodeMessage>,
        players: Pair<Box<dyn Player>>,
        stagehand: Box<dyn Stagehand>,
        judge: Box<dyn Judge>,
    ) -> Result<Seats, SpawnErr> {
        let parent = || myself.get_cell();
        let agent = (Seat::Agent, players.agent, myself.clone());
        let user = (Seat::User, players.user, myself.clone());
        let (agent, _) = SpeakingSeat::spawn_linked(None, SpeakingSeat, agent, parent()).await?;
        let (user, _) = SpeakingSeat::spawn_linked(None, SpeakingSeat, user, parent()).await?;
        let stage = (stagehand, myself.clone());
        let (environment, _) = EnvironmentSeat::spawn_linked(None, EnvironmentSeat, stage, parent()).await?;
        let (judge, _) = JudgeSeat::spawn_linked(None, JudgeSeat, (judge, myself.clone()), parent()).await?;
        Ok(Seats { speaking: Pair { agent, user }, environment, judge })
    }

    fn of(&self, party: Party) -> Option<ActorCell> {
        match party {
            Party::Agent => Some(self.speaking.agent.get_cell()),
            Party::User => Some(self.speaking.user.get_cell()),
            Party::Environment => Some(self.environment.get_cell()),
            Party::Judge => Some(self.judge.get_cell()),
            Party::Infrastructure => None,
        }
    }

    fn party(&self, who: &ActorCell) -> Party {
        let is = |party: &Party| self.of(*party).is_some_and(|seat| seat.get_id() == who.get_id());
        Party::ALL.into_iter().find(is).unwrap_or(Party::Infrastructure)
    }
}
