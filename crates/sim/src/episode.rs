//! One conversation as a state machine.
//!
//! It never waits: each [`Input`] is answered at once by the [`Output`]s somebody else has to carry out. It owns its world and lends
//! it by value with [`Output::Apply`]; whoever steps it hands it back with [`Input::Effected`] and keeps nothing. Snapshots and
//! forks are taken when no loan is out.
//!
//! ```text
//!  start ─> Ask(seat) ─> Acted ─> Apply(world) ─> Effected ─┬─> Ask(next seat) …
//!                                     ^                     ├─> Query ─> Answered ─> Apply …
//!                                     └─────────────────────┤
//!                                                           └─> Judge ─> Judged ─> Done
//!  anywhere: Failed(fault) ─> Done with a fault and no verdict
//! ```

use std::mem;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::Addressee;
use crate::Answer;
use crate::Answered;
use crate::Case;
use crate::Decision;
use crate::Effect;
use crate::EpisodeRecord;
use crate::Fault;
use crate::Message;
use crate::Next;
use crate::NoAct;
use crate::Observation;
use crate::Pair;
use crate::Query;
use crate::QueryId;
use crate::Reward;
use crate::Scenario;
use crate::Seat;
use crate::Source;
use crate::Stop;
use crate::Turn;
use crate::Verdict;
use crate::World;
use crate::WorldInput;
use crate::WorldOutput;
use crate::record::Casting;
use crate::record::Reach;

/// What has happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The asked seat decided.
    Acted(Seat, Decision),
    /// The world comes back with what it said.
    Effected(World, Vec<WorldOutput>),
    /// A query was answered, or could not be.
    Answered(QueryId, Result<Answer, Fault>),
    /// The judge spoke, or could not.
    Judged(Result<Verdict, Fault>),
    /// Somebody failed outside the rules: a panic, a deadline, a dead actor.
    Failed(Fault),
}

/// What must be done next.
#[derive(Clone, Debug)]
pub enum Output {
    /// Ask this seat to decide.
    Ask(Seat, Observation),
    /// Step this world with this input and hand both back.
    Apply(World, WorldInput),
    /// Put the world's question to this seat.
    Query(Addressee, QueryId, Query),
    /// Put the case before the judge.
    Judge(Case),
    /// It is over; the record is complete.
    Done(Box<EpisodeRecord>),
}

/// An input that cannot follow what came before. The episode is unchanged; whoever sent it has a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The episode is over.
    #[error("the episode is over and takes no more input")]
    AfterEnd,
    /// Another kind of input, or one from another seat, is awaited.
    #[error("the episode awaits {awaited}, and got something else")]
    NotAwaited {
        /// What it waits for.
        awaited: &'static str,
    },
}

/// What the episode waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Awaits {
    Decision(Seat),
    World(Seat),
    /// The answer to a query put while this seat's act waits to take effect.
    Answer {
        acting: Seat,
        asked: Addressee,
        id: QueryId,
        spoken: bool,
    },
    Verdict(Stop),
    Nothing,
}

impl Awaits {
    fn name(self) -> &'static str {
        match self {
            Awaits::Decision(Seat::Agent) => "the agent's decision",
            Awaits::Decision(Seat::User) => "the user's decision",
            Awaits::World(_) => "the world",
            Awaits::Answer { .. } => "an answer to a query",
            Awaits::Verdict(_) => "the verdict",
            Awaits::Nothing => "nothing",
        }
    }
}

/// One conversation. Cloning it forks it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Episode {
    scenario: Arc<Scenario>,
    casting: Casting,
    seed: u64,
    /// `None` exactly while it is lent.
    world: Option<World>,
    awaits: Awaits,
    turns: Arc<Vec<Turn>>,
    /// Turns without a legal act, in a row, per seat.
    malformed: Pair<u32>,
}

impl Episode {
    /// Seats everybody and asks whoever speaks first.
    #[must_use]
    pub fn start(casting: Casting, scenario: Arc<Scenario>, seed: u64) -> (Episode, Vec<Output>) {
        let world = scenario.rules.world(&scenario, &casting, seed);
        let first = world.first();
        let mut episode = Episode {
            scenario,
            casting,
            seed,
            world: Some(world),
            awaits: Awaits::Decision(first),
            turns: Arc::default(),
            malformed: Pair::default(),
        };
        let ask = episode.ask(first);
        (episode, vec![ask])
    }

    /// Takes one input and says what must be done next.
    ///
    /// # Errors
    /// [`ProtocolError`] if the input cannot follow what came before.
    pub fn step(&mut self, input: Input) -> Result<Vec<Output>, ProtocolError> {
        match (self.awaits, input) {
            (Awaits::Nothing, _) => Err(ProtocolError::AfterEnd),
            (_, Input::Failed(fault)) => Ok(vec![self.fault(fault)]),
            (Awaits::Decision(seat), Input::Acted(from, decision)) if seat == from => {
                Ok(vec![self.acted(seat, decision)])
            }
            (Awaits::World(seat), Input::Effected(world, outputs)) => Ok(vec![self.effected(seat, world, outputs)]),
            (Awaits::Answer { acting, asked, id, spoken }, Input::Answered(to, answer)) if id == to => {
                Ok(vec![self.answered(acting, id, answer.map(|answer| Answered { seat: asked, spoken, answer }))])
            }
            (Awaits::Verdict(stop), Input::Judged(verdict)) => Ok(vec![self.judged(stop, verdict)]),
            (awaits, _) => Err(ProtocolError::NotAwaited { awaited: awaits.name() }),
        }
    }

    /// Which episode this is.
    #[must_use]
    pub fn casting(&self) -> &Casting {
        &self.casting
    }

    /// What it plays.
    #[must_use]
    pub fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// All turns so far, oldest first; the last one may still be without effect.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Whether the record has been handed out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.awaits == Awaits::Nothing
    }

    fn ask(&mut self, seat: Seat) -> Output {
        let world = self.world.as_mut().expect("a seat is only asked while the world is home");
        let mut observation = world.observe(seat);
        observation.messages.extend(self.shown_reward(seat));
        Arc::make_mut(&mut self.turns).push(Turn {
            seat,
            observed: observation.messages.clone(),
            decision: Decision::pending(),
            answers: Vec::new(),
            effect: None,
        });
        self.awaits = Awaits::Decision(seat);
        Output::Ask(seat, observation)
    }

    /// What the seat's last turn earned, if the scenario shows it; `None` before its first effect.
    fn shown_reward(&self, seat: Seat) -> Option<Message> {
        let last = self.turns.iter().rev().find(|turn| turn.seat == seat)?;
        let earned = last.effect.as_ref()?.rewards.iter().filter(|reward| reward.seat == seat);
        // Not `sum`, which makes −0 of nothing.
        let earned = earned.map(Reward::weighted).fold(0.0, |sum, reward| sum + reward);
        let told = || Message { from: Source::World, text: format!("Reward: {earned:?}") };
        self.scenario.seats[seat].shows_reward.then(told)
    }

    fn acted(&mut self, seat: Seat, decision: Decision) -> Output {
        let input = match &decision.act {
            Ok(act) => Some(WorldInput::Act(seat, act.clone())),
            Err(NoAct::Malformed(why)) => Some(WorldInput::NoAct(seat, why.clone())),
            Err(NoAct::OutOfTokens) => None,
        };
        self.last_turn().decision = decision;
        match input {
            Some(input) => self.lend(seat, input),
            None => self.failed(seat),
        }
    }

    fn lend(&mut self, seat: Seat, input: WorldInput) -> Output {
        self.awaits = Awaits::World(seat);
        Output::Apply(self.world.take().expect("the world is home whenever it is lent"), input)
    }

    fn effected(&mut self, seat: Seat, world: World, outputs: Vec<WorldOutput>) -> Output {
        self.world = Some(world);
        match outputs.into_iter().next_back() {
            Some(WorldOutput::Query(asked, id, query)) => {
                self.awaits = Awaits::Answer { acting: seat, asked, id, spoken: query.spoken };
                Output::Query(asked, id, query)
            }
            Some(WorldOutput::Effect(effect)) => self.took_effect(seat, effect),
            Some(WorldOutput::Fault(fault)) => self.fault(fault),
            None => self.fault(World::confused("the world took an act and said nothing")),
        }
    }

    fn took_effect(&mut self, seat: Seat, effect: Effect) -> Output {
        let next = effect.next;
        self.malformed[seat] = if effect.malformed.is_some() { self.malformed[seat] + 1 } else { 0 };
        self.last_turn().effect = Some(effect);
        if self.malformed[seat] >= self.scenario.malformed_max {
            return self.failed(seat);
        }
        match next {
            Next::Over => self.judge(Stop::Terminated),
            Next::Ask(Seat::Agent) if self.turn_count(Seat::Agent) >= self.scenario.turns_max => {
                self.judge(Stop::Truncated)
            }
            Next::Ask(next) => match self.reached() {
                Some(Stop::Cut) => self.done(Some(Stop::Cut), None, None, Pair::default()),
                Some(stop) => self.judge(stop),
                None => self.ask(next),
            },
        }
    }

    /// How a fork ends that has gone as far as it was to go; `None`: it goes on.
    fn reached(&self) -> Option<Stop> {
        let fork = self.casting.fork?;
        let new = (self.turns.len() as u32).saturating_sub(fork.turn);
        match fork.reach {
            Reach::Turn => (new >= 1).then_some(Stop::Cut),
            Reach::Rest(turns_max) => turns_max.is_some_and(|most| new >= most).then_some(Stop::Truncated),
        }
    }

    fn answered(&mut self, acting: Seat, id: QueryId, answered: Result<Answered, Fault>) -> Output {
        match answered {
            Ok(answered) => {
                let answer = answered.answer.clone();
                self.last_turn().answers.push(answered);
                self.lend(acting, WorldInput::Answer(id, answer))
            }
            Err(fault) => self.fault(fault),
        }
    }

    fn judge(&mut self, stop: Stop) -> Output {
        self.awaits = Awaits::Verdict(stop);
        Output::Judge(Case {
            scenario: Arc::clone(&self.scenario),
            world: self.world.clone().expect("the world is home when the talk is over"),
            turns: Arc::clone(&self.turns),
            truncated: stop == Stop::Truncated,
        })
    }

    fn judged(&mut self, stop: Stop, verdict: Result<Verdict, Fault>) -> Output {
        match verdict {
            Ok(verdict) => {
                let scores = Pair::from_fn(|seat| Some(verdict.score(seat)));
                self.done(Some(stop), None, Some(verdict), scores)
            }
            Err(fault) => self.done(Some(stop), Some(fault), None, Pair::default()),
        }
    }

    /// The seat answers for itself: the worst score for it, none for its partner.
    fn failed(&mut self, seat: Seat) -> Output {
        let mut scores = Pair::default();
        scores[seat] = Some(self.scenario.worst(seat));
        self.done(Some(Stop::Failed(seat)), None, None, scores)
    }

    fn fault(&mut self, fault: Fault) -> Output {
        self.done(None, Some(fault), None, Pair::default())
    }

    fn done(
        &mut self,
        stop: Option<Stop>,
        fault: Option<Fault>,
        verdict: Option<Verdict>,
        scores: Pair<Option<f64>>,
    ) -> Output {
        self.awaits = Awaits::Nothing;
        self.world = None;
        let turns = mem::take(&mut self.turns);
        Output::Done(Box::new(EpisodeRecord {
            item: self.scenario.rules.item_id(self.casting.split, self.casting.item),
            casting: self.casting.clone(),
            seed: self.seed,
            scenario: self.scenario.name.clone(),
            turns: Arc::try_unwrap(turns).unwrap_or_else(|shared| shared.as_ref().clone()),
            stop,
            fault,
            verdict,
            scores,
        }))
    }

    fn last_turn(&mut self) -> &mut Turn {
        Arc::make_mut(&mut self.turns).last_mut().expect("a seat was asked before it could act")
    }

    fn turn_count(&self, seat: Seat) -> u32 {
        self.turns.iter().filter(|turn| turn.seat == seat).count() as u32
    }
}

#[cfg(test)]
mod tests;
