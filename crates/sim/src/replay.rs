//! Re-driving a recorded episode, and forking it at any turn.
//!
//! A record holds what every seat decided. Fed through a fresh [`Episode`], these decisions must lead to everything else in the record:
//! each observation, effect, reward and score, and the end. Nothing is sampled again, so no model, no script and no judge's model is
//! needed, and the comparison is exact.
//!
//! Not covered, because nothing in a world depends on it: the tokens of a generation, the names of the policies, and whether a seat
//! learned. A fault is not explained but injected where it is recorded; a judge's verdict is compared with the gym's own rule, and what a
//! judge's model said is taken from the record.

use std::fmt;
use std::sync::Arc;

use crate::Addressee;
use crate::Case;
use crate::Decision;
use crate::Effect;
use crate::Episode;
use crate::EpisodeId;
use crate::EpisodeRecord;
use crate::Fault;
use crate::FaultKind;
use crate::Input;
use crate::Message;
use crate::Observation;
use crate::Output;
use crate::Pair;
use crate::Query;
use crate::QueryId;
use crate::Scenario;
use crate::Seat;
use crate::Tools;
use crate::Turn;
use crate::Verdict;
use crate::World;
use crate::WorldInput;
use crate::WorldOutput;
use crate::drive::drive;
use crate::record::Casting;
use crate::record::Fork;
use crate::record::Reach;

/// The first place at which a record and its re-driving part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{field}: recorded {recorded}, re-driven {redriven}", Place(*turn))]
pub struct Difference {
    /// Index into the record's turns; `None` where it is about the whole episode.
    pub turn: Option<usize>,
    /// Which part of the turn or of the record, e.g. `observed` or `scores`.
    pub field: &'static str,
    /// What the record holds, cut to the neighbourhood of the difference.
    pub recorded: String,
    /// What the re-driving gave, cut at the same place.
    pub redriven: String,
}

/// Why an episode could not be forked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// The record does not re-drive up to the turn.
    #[error("the episode does not re-drive up to the fork: {0}")]
    Differs(#[from] Difference),
    /// The casting names another record, or none.
    #[error("it is to go on from another episode than this one")]
    Stranger,
    /// The record has no such turn.
    #[error("there is no turn {turn}: the episode has {turns}, counted from 0")]
    NoTurn {
        /// The turn asked for.
        turn: usize,
        /// How many there are.
        turns: usize,
    },
}

/// Plays the recorded decisions through a fresh episode and compares all that follows from them.
///
/// # Errors
/// The first [`Difference`] in the order of play.
pub fn redrive(record: &EpisodeRecord, scenario: &Arc<Scenario>) -> Result<(), Difference> {
    let (mut replay, mut output) = Replay::start(record, scenario)?;
    loop {
        match replay.input(output)? {
            Step::Go(input) => output = replay.step(*input),
            Step::End(redriven) => return ends_alike(record, &redriven),
        }
    }
}

/// An episode that goes on from a record's turn.
#[derive(Clone, Debug)]
pub struct Forked {
    /// The episode, live, with the record's turns before the fork.
    pub episode: Episode,
    /// What is to be carried out next: the question to the seat whose turn it is.
    pub outputs: Vec<Output>,
    /// What each seat went through until then, oldest first: whoever sits there now has to know it.
    pub past: Pair<Vec<Past>>,
}

/// Something that a seat was asked in the past, and what it decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// What it was shown.
    pub messages: Vec<Message>,
    /// What it decided; `None` for an answer that nobody decided on.
    pub decision: Option<Decision>,
    /// Whether this answered a question of the world, in between its turns.
    pub queried: bool,
}

/// The casting of an episode that goes on from before `turn` of a record, an index into its turns: in the same seats, by the name of `id`.
#[must_use]
pub fn forked_casting(record: &EpisodeRecord, id: EpisodeId, turn: u32, reach: Reach) -> Casting {
    let casting = &record.casting;
    let root = casting.fork.map_or(casting.id, |fork| fork.root);
    Casting { id, fork: Some(Fork { root, from: casting.id, turn, reach }), ..casting.clone() }
}

/// Re-drives a record up to the turn that the casting's fork names, and hands the episode out live, as this casting's. Answered as recorded it ends as
/// recorded.
///
/// # Errors
/// [`ForkError`] if the casting is no fork of this record, which has no such turn, or does not re-drive up to it.
pub fn fork(record: &EpisodeRecord, casting: Casting, scenario: &Arc<Scenario>) -> Result<Forked, ForkError> {
    let fork = casting.fork.filter(|fork| fork.from == record.casting.id).ok_or(ForkError::Stranger)?;
    let (turn, turns) = (fork.turn as usize, record.turns.len());
    let (mut replay, mut output) = Replay::start_as(record, casting, scenario)?;
    let mut past: Pair<Vec<Past>> = Pair::default();
    loop {
        let shown = match &output {
            Output::Ask(seat, observation) if replay.turn() == turn => {
                // A future goes on where its record stops.
                if turn < turns {
                    replay.asked_alike(*seat, observation)?;
                }
                return Ok(Forked { episode: replay.episode, outputs: vec![output], past });
            }
            Output::Ask(seat, observation) => Some((*seat, observation.messages.clone(), false)),
            Output::Query(asked, _, query) => asked.seat().map(|seat| (seat, query.messages.clone(), true)),
            Output::Apply(..) | Output::Judge(_) | Output::Done(_) => None,
        };
        let input = match replay.input(output)? {
            Step::Go(input) => input,
            Step::End(redriven) => return Err(ForkError::NoTurn { turn, turns: redriven.turns.len() }),
        };
        if let Some((seat, messages, queried)) = shown {
            past[seat].push(Past { messages, decision: decided(&input), queried });
        }
        output = replay.step(*input);
    }
}

/// What a seat decided, if it did.
fn decided(input: &Input) -> Option<Decision> {
    match input {
        Input::Acted(_, decision) => Some(decision.clone()),
        Input::Answered(_, Ok(answer)) => answer.decision.clone(),
        Input::Answered(_, Err(_)) | Input::Effected(..) | Input::Judged(_) | Input::Failed(_) => None,
    }
}

/// The episode as it would have been if its seats had been told so what they may do: the recorded decisions and answers, with what the world says
/// then. What was worth what stays the same; a generation's tokens are those of the record, and read what was shown there.
///
/// # Errors
/// The first [`Difference`] in turns, end or scores, if the record is not of this scenario.
pub fn retold(
    record: &EpisodeRecord,
    scenario: &Arc<Scenario>,
    tools: Pair<Tools>,
) -> Result<EpisodeRecord, Difference> {
    let mut decisions = record.turns.iter().map(|turn| turn.decision.clone());
    let mut answers = record.turns.iter().flat_map(|turn| &turn.answers).map(|answered| answered.answer.clone());
    let casting = Casting { tools, ..record.casting.clone() };
    let retold = drive(
        casting,
        scenario,
        record.seed,
        |_, _| decisions.next().unwrap_or_else(Decision::pending),
        |asked, _| answers.next().ok_or_else(|| Fault::new(asked.into(), FaultKind::Refused, "nobody answered before")),
    );
    let seats = |record: &EpisodeRecord| record.turns.iter().map(|turn| turn.seat).collect::<Vec<_>>();
    same(None, "seats", &seats(record), &seats(&retold))?;
    same(None, "stop", &record.stop, &retold.stop)?;
    same(None, "scores", &record.scores, &retold.scores)?;
    Ok(retold)
}

/// A record on its way through a fresh episode.
struct Replay<'a> {
    record: &'a EpisodeRecord,
    episode: Episode,
}

/// What an output leads to.
enum Step {
    Go(Box<Input>),
    End(Box<EpisodeRecord>),
}

impl<'a> Replay<'a> {
    fn start(record: &'a EpisodeRecord, scenario: &Arc<Scenario>) -> Result<(Replay<'a>, Output), Difference> {
        Replay::start_as(record, record.casting.clone(), scenario)
    }

    fn start_as(
        record: &'a EpisodeRecord,
        casting: Casting,
        scenario: &Arc<Scenario>,
    ) -> Result<(Replay<'a>, Output), Difference> {
        same(None, "scenario", &record.scenario, &scenario.name)?;
        let item = scenario.rules.item_id(casting.split, casting.item);
        same(None, "item", &record.item, &item)?;
        let (episode, outputs) = Episode::start(casting, Arc::clone(scenario), record.seed);
        Ok((Replay { record, episode }, last(outputs)))
    }

    fn step(&mut self, input: Input) -> Output {
        last(self.episode.step(input).expect("each output is answered by the input that it asks for"))
    }

    /// The turn that was asked for last.
    fn turn(&self) -> usize {
        self.episode.turns().len() - 1
    }

    fn input(&self, output: Output) -> Result<Step, Difference> {
        let input = match output {
            Output::Ask(seat, observation) => self.decision(seat, &observation)?,
            Output::Apply(world, input) => self.effect(world, input)?,
            Output::Query(asked, id, query) => self.answer(asked, id, &query)?,
            Output::Judge(case) => self.verdict(&case),
            Output::Done(redriven) => return Ok(Step::End(redriven)),
        };
        Ok(Step::Go(Box::new(input)))
    }

    fn asked_alike(&self, seat: Seat, observation: &Observation) -> Result<&'a Turn, Difference> {
        let turn = self.turn();
        let Some(recorded) = self.record.turns.get(turn) else {
            let redriven = format!("the {seat} is asked once more");
            return Err(Difference { turn: Some(turn), field: "turns", recorded: "the end".to_owned(), redriven });
        };
        same(Some(turn), "seat", &recorded.seat, &seat)?;
        same(Some(turn), "observed", &recorded.observed, &observation.messages)?;
        Ok(recorded)
    }

    fn decision(&self, seat: Seat, observation: &Observation) -> Result<Input, Difference> {
        let recorded = self.asked_alike(seat, observation)?;
        let fault = self.fault_in_turn().filter(|_| recorded.decision == Decision::pending());
        Ok(match fault {
            Some(fault) => Input::Failed(fault.clone()),
            None => Input::Acted(seat, recorded.decision.clone()),
        })
    }

    fn answer(&self, asked: Addressee, id: QueryId, query: &Query) -> Result<Input, Difference> {
        let turn = self.turn();
        let given = self.episode.turns()[turn].answers.len();
        let recorded = self.record.turns.get(turn).and_then(|turn| turn.answers.get(given));
        if let (None, Some(fault)) = (recorded, self.fault_in_turn()) {
            return Ok(Input::Failed(fault.clone()));
        }
        let asked = (asked, query.spoken);
        same(Some(turn), "query", &recorded.map(|answered| (answered.seat, answered.spoken)), &Some(asked))?;
        let answer =
            recorded.map(|answered| answered.answer.clone()).expect("it is the same as something that is there");
        Ok(Input::Answered(id, Ok(answer)))
    }

    fn effect(&self, mut world: World, input: WorldInput) -> Result<Input, Difference> {
        // A fault while a query was open, or while the world digested an answer, comes where the record's answers end.
        if let Some(fault) = self.fault_in_turn().filter(|_| self.answers_used_up()) {
            return Ok(Input::Failed(fault.clone()));
        }
        let outputs = world.step(input);
        if let Some(WorldOutput::Effect(effect)) = outputs.last() {
            let turn = self.turn();
            effects_alike(turn, self.record.turns[turn].effect.as_ref(), Some(effect))?;
        }
        Ok(Input::Effected(world, outputs))
    }

    /// Whether the turn being played has been given all answers that its record has.
    fn answers_used_up(&self) -> bool {
        let turn = self.turn();
        let given = self.episode.turns()[turn].answers.len();
        self.record.turns.get(turn).is_none_or(|turn| turn.answers.len() <= given)
    }

    /// The fault that ended the record in the turn just played, before it took effect.
    fn fault_in_turn(&self) -> Option<&'a Fault> {
        let last = self.record.turns.last().filter(|_| self.turn() + 1 == self.record.turns.len())?;
        let unfinished = last.effect.is_none() && self.record.stop.is_none();
        self.record.fault.as_ref().filter(|_| unfinished)
    }

    fn verdict(&self, case: &Case) -> Input {
        match (&self.record.fault, self.record.stop) {
            (Some(fault), Some(_)) => Input::Judged(Err(fault.clone())),
            (Some(fault), None) => Input::Failed(fault.clone()),
            (None, _) => {
                let opinions = self.record.verdict.as_ref();
                let verdict = case.by_rule();
                Input::Judged(Ok(opinions.map_or(verdict.clone(), |recorded| verdict.with_opinions_of(recorded))))
            }
        }
    }
}

fn last(mut outputs: Vec<Output>) -> Output {
    outputs.pop().expect("an episode that is not over says what to do next")
}

fn effects_alike(turn: usize, recorded: Option<&Effect>, redriven: Option<&Effect>) -> Result<(), Difference> {
    let (Some(recorded), Some(redriven)) = (recorded, redriven) else {
        return same(Some(turn), "effect", &recorded, &redriven);
    };
    // Every field by its name, so that a new one cannot be forgotten here.
    let Effect { malformed, rewards, journal, next } = redriven;
    same(Some(turn), "malformed", &recorded.malformed, malformed)?;
    same(Some(turn), "rewards", &recorded.rewards, rewards)?;
    same(Some(turn), "journal", &recorded.journal, journal)?;
    same(Some(turn), "next", &recorded.next, next)
}

/// What is only known at the end; seats and observations were compared on the way.
fn ends_alike(recorded: &EpisodeRecord, redriven: &EpisodeRecord) -> Result<(), Difference> {
    for (turn, (recorded, redriven)) in recorded.turns.iter().zip(&redriven.turns).enumerate() {
        same(Some(turn), "answers", &recorded.answers, &redriven.answers)?;
        effects_alike(turn, recorded.effect.as_ref(), redriven.effect.as_ref())?;
    }
    same(None, "turns", &recorded.turns.len(), &redriven.turns.len())?;
    same(None, "stop", &recorded.stop, &redriven.stop)?;
    same(None, "fault", &recorded.fault, &redriven.fault)?;
    match (&recorded.verdict, &redriven.verdict) {
        (Some(recorded), Some(Verdict { rewards, measures })) => {
            same(None, "verdict.rewards", &recorded.rewards, rewards)?;
            same(None, "verdict.measures", &recorded.measures, measures)?;
        }
        (recorded, redriven) => same(None, "verdict", recorded, redriven)?,
    }
    same(None, "scores", &recorded.scores, &redriven.scores)
}

fn same<T: PartialEq + fmt::Debug>(
    turn: Option<usize>,
    field: &'static str,
    recorded: &T,
    redriven: &T,
) -> Result<(), Difference> {
    if recorded == redriven {
        return Ok(());
    }
    let (recorded, redriven) = (format!("{recorded:?}"), format!("{redriven:?}"));
    let alike = recorded.chars().zip(redriven.chars()).take_while(|(a, b)| a == b).count();
    Err(Difference { turn, field, recorded: around(&recorded, alike), redriven: around(&redriven, alike) })
}

/// How many characters of a difference are shown before and after the place where the sides part.
const SHOWN: (usize, usize) = (40, 80);

/// The neighbourhood of a character.
fn around(text: &str, at: usize) -> String {
    let start = at.saturating_sub(SHOWN.0);
    let end = at + SHOWN.1;
    let shown: String = text.chars().skip(start).take(end - start).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if text.chars().nth(end).is_some() { "…" } else { "" };
    format!("{before}{shown}{after}")
}

/// A turn as the beginning of a message.
struct Place(Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(turn) => write!(f, "turn {turn}, "),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
