//! The talk: who said what, what it did to the user, what is still open. Every change of hidden state is a line of the journal.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Family;
use super::book::Book;
use super::book::EndRule;
use super::book::Value;
use super::brief;
use super::items::Item;
use super::person;
use super::person::Heard;
use super::person::Inner;
use super::person::State;
use super::person::Status;
use super::reckoning::Account;
use super::reckoning::Earned;
use super::sight::Counter;
use super::sight::Reader;
use super::sight::Sight;
use super::sight::Tally;
use super::table::Pressed;
use super::table::Table;
use super::table::UNFOUNDED;
use super::utterance::Deed;
use super::utterance::Done;
use super::utterance::Tongue;
use super::utterance::Utterance;
use super::verdict;
use super::view::Own;
use super::view::View;
use crate::Case;
use crate::Draws;
use crate::Effect;
use crate::Message;
use crate::Next;
use crate::Observation;
use crate::Pair;
use crate::Scenario;
use crate::Seat;
use crate::Source;
use crate::Verdict;
use crate::WorldInput;
use crate::WorldOutput;
use crate::gyms::GymWorld;
use crate::gyms::Slip;

/// What both sides are told before the agent's last turn.
const LAST_TURN: &str = "This is the agent's last turn.";

/// A pressing line that was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Press {
    /// Which of the file's.
    pub trap: usize,
    /// Its family.
    pub family: Family,
    /// In which of the agent's turns, from 0.
    pub turn: u32,
    /// Which turn of the user answers it, from 0.
    pub answered_in: u32,
    /// Whether it was fair: a twin, and no trap.
    pub fair: bool,
    /// What the user did; `None` until it has had its turn.
    pub outcome: Option<Outcome>,
    /// Whether the counter named the family.
    pub named: bool,
}

/// What became of a pressing line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was countered.
    Countered,
    /// It was given in to.
    Fell,
    /// Neither.
    Passed,
}

/// The state of one talk: all of it, so that a clone is a fork.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// The scenario's book.
    pub book: Arc<Book>,
    /// What is true, and who is called.
    pub item: Arc<Item>,
    /// What both have seen.
    pub table: Table,
    /// What each seat knows of the facts.
    pub known: Pair<Vec<Option<Value>>>,
    /// The user's state, targets, and what it noticed.
    pub inner: Inner,
    /// The user's state at each of its turns.
    pub states: Vec<State>,
    /// What the user did at each of its turns: the first act's name, or `talk`; `None` where the turn did not count.
    pub plans: Vec<Option<String>>,
    /// Every pressing line that was said.
    pub presses: Vec<Press>,
    /// Turns that did not count.
    pub slips: Pair<Vec<Slip>>,
    /// The first turn of the user at which hanging up was right; `None`: not yet.
    pub window: Option<u32>,
    /// Terms by turn, as they were earned.
    pub account: Account,
    /// Whether the last pressing is fair to the world, the agent and the user.
    fair: [Option<bool>; 3],
    /// What a counter of the user's last turn showed.
    exposed: bool,
    vain: bool,
    pub(super) over: bool,
    inbox: Pair<Vec<Message>>,
}

impl World {
    /// The talk before anybody has spoken.
    #[must_use]
    pub fn new(book: Arc<Book>, item: Arc<Item>, scenario: &Scenario, mut draws: Draws) -> World {
        let state = book.people.start(item.person, &mut draws);
        let known = Pair::from_fn(|seat| {
            let knows = |(thing, value): (&super::book::Thing, &Option<Value>)| {
                let chance = thing.fact.as_ref().map_or(0.0, |fact| fact.known[seat]);
                value.filter(|_| draws.chance(chance))
            };
            book.common.things.iter().zip(&item.truth).map(knows).collect()
        });
        let acts = Pair::from_fn(|seat| book.common.acts[seat].len());
        let inner = Inner {
            state,
            targets: vec![Status::Open; book.user.targets.len()],
            tiers: book.user.targets.iter().map(|target| target.tier).collect(),
            heard: Heard::default(),
        };
        let mut world = World {
            table: Table::new(book.common.things.len(), acts, scenario.turns_max),
            account: Account::new(&book.terms, &scenario.rewards),
            known,
            inner,
            states: Vec::new(),
            plans: Vec::new(),
            presses: Vec::new(),
            slips: Pair::default(),
            window: None,
            fair: [None; 3],
            exposed: false,
            vain: false,
            over: false,
            inbox: Pair::default(),
            book,
            item,
        };
        world.tell(Seat::Agent, Source::Brief, brief::agent(&world));
        world.tell(Seat::User, Source::Brief, brief::user(&world));
        world
    }

    /// The talk as somebody sees it.
    #[must_use]
    pub fn sight(&self, reader: Reader) -> Sight<'_> {
        let (known, inner, fair) = match reader {
            Reader::World => (&self.item.truth, Some(&self.inner), self.fair[0]),
            Reader::Seat(Seat::Agent) => (&self.known.agent, None, self.fair[1]),
            Reader::Seat(Seat::User) => (&self.known.user, Some(&self.inner), self.fair[2]),
        };
        let tally = (reader == Reader::World).then(|| self.tally());
        Sight { common: &self.book.common, reader, table: &self.table, known, inner, fair, tally }
    }

    /// What has been counted.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let presses = |such: &dyn Fn(&Press) -> bool| self.presses.iter().filter(|press| such(press)).count() as u32;
        let lies = (0..self.book.common.things.len()).filter(|thing| self.lies_about(*thing)).count();
        Counter::ALL.map(|(_, counter)| match counter {
            Counter::Lies => lies as u32,
            Counter::Traps => presses(&|press| !press.fair),
            Counter::Twins => presses(&|press| press.fair),
            Counter::Countered => presses(&|press| !press.fair && press.outcome == Some(Outcome::Countered)),
            Counter::Fell => presses(&|press| !press.fair && press.outcome == Some(Outcome::Fell)),
            Counter::Suspected => presses(&|press| press.fair && press.outcome == Some(Outcome::Countered)),
            Counter::Progress => self.progress(),
        })
    }

    fn lies_about(&self, thing: usize) -> bool {
        let last = self.table.claimed(Seat::Agent, thing);
        last.is_some() && last != self.item.truth[thing]
    }

    /// Steps of the procedure that are done, in percent.
    fn progress(&self) -> u32 {
        let sight = self.sight(Reader::Seat(Seat::Agent));
        let steps = self.book.agent.procedure.iter().filter(|step| !step.done.is_never());
        let done = steps.clone().filter(|step| step.done.holds(&sight)).count();
        (100 * done).checked_div(steps.count()).unwrap_or(100) as u32
    }

    fn ends(&self, seat: Seat) -> &[EndRule] {
        match seat {
            Seat::Agent => &self.book.agent.ends,
            Seat::User => &self.book.user.ends,
        }
    }

    pub(super) fn read(&self, seat: Seat, act: &crate::Act) -> Result<Utterance, (Slip, String)> {
        let plants: Vec<usize> = self.item.plants.iter().map(|plant| plant.trap).collect();
        let (plants, traps) = match seat {
            Seat::Agent => (plants.as_slice(), self.book.agent.traps.as_slice()),
            Seat::User => ([].as_slice(), [].as_slice()),
        };
        let tongue = Tongue { seat, common: &self.book.common, plants, traps, ends: self.ends(seat) };
        let utterance = tongue.read(act)?;
        let sight = self.sight(Reader::Seat(seat));
        let allowed = utterance.done.iter().try_for_each(|done| sight.allows(seat, done));
        allowed.map(|()| utterance).map_err(|why| (Slip::Unread, why))
    }

    fn agent_spoke(&mut self, said: &Utterance) -> Effect {
        let mut journal = self.press(&said.done);
        let heard = self.heard(said);
        self.take(Seat::Agent, &said.done);
        journal.extend(self.feel(heard));
        self.finish_turn(Seat::Agent, said, journal)
    }

    fn user_spoke(&mut self, said: &Utterance) -> Effect {
        self.states.push(self.inner.state);
        self.plans.push(Some(self.planned(&said.done)));
        let mut journal = self.answer_pressing(&said.done);
        journal.extend(self.counter(&said.done));
        self.take(Seat::User, &said.done);
        journal.extend(self.pursue());
        self.finish_turn(Seat::User, said, journal)
    }

    /// What a thought has to plan for this turn.
    fn planned(&self, done: &[Done]) -> String {
        let name = match done.first().map(|done| &done.deed) {
            Some(Deed::Act(act)) => self.book.common.acts.user[*act].name.as_str(),
            Some(Deed::Counter { .. }) => "counter",
            Some(Deed::End(_)) => "end",
            Some(Deed::Trap(_)) | None => "talk",
        };
        name.to_owned()
    }

    fn take(&mut self, seat: Seat, done: &[Done]) {
        let book = Arc::clone(&self.book);
        self.table.take(seat, done, |thing| book.common.things[thing].fact.is_some());
        self.table.turns[seat] += 1;
    }

    /// Notes the pressing lines of the agent's turn, fair or not by what was so before it.
    fn press(&mut self, done: &[Done]) -> Vec<String> {
        let traps: Vec<usize> = done
            .iter()
            .filter_map(|done| match done.deed {
                Deed::Trap(trap) => Some(trap),
                Deed::Act(_) | Deed::Counter { .. } | Deed::End(_) => None,
            })
            .collect();
        let readers = [Reader::World, Reader::Seat(Seat::Agent), Reader::Seat(Seat::User)];
        let book = Arc::clone(&self.book);
        self.fair = readers.map(|reader| {
            let sight = self.sight(reader);
            let truths = traps.iter().map(|trap| book.agent.traps[*trap].fair.truth(&sight));
            let decisive = truths.reduce(|one, other| match (one, other) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (None, _) | (_, None) => None,
                (Some(true), Some(true)) => Some(true),
            });
            decisive.flatten()
        });
        self.table.pressed.clear();
        let (turn, answered_in) = (self.table.turns.agent, self.table.turns.user);
        let mut journal = Vec::new();
        for index in traps {
            let trap = &book.agent.traps[index];
            let fair = trap.fair.truth(&self.sight(Reader::World)) == Some(true);
            let kind = if fair { "twin" } else { "trap" };
            journal.push(format!(
                "{kind} {} ({}) pressed (agent turn {turn}: {})",
                trap.name,
                trap.family.code(),
                trap.fair.text()
            ));
            self.presses.push(Press {
                trap: index,
                family: trap.family,
                turn,
                answered_in,
                fair,
                outcome: None,
                named: false,
            });
            self.table.pressed.push(Pressed {
                name: trap.name.clone(),
                family: trap.family,
                claims: trap.claims.clone(),
                wants: trap.wants.clone(),
                counter: trap.counter.clone(),
            });
        }
        journal
    }

    /// What the user notices of the agent's turn, before it is on the table.
    fn heard(&mut self, said: &Utterance) -> Heard {
        let stated: Vec<(usize, Value)> = said
            .done
            .iter()
            .flat_map(|done| &done.args)
            .filter_map(|(thing, value)| Some((*thing, (*value)?)))
            .collect();
        let facts = stated.iter().filter_map(|(thing, value)| Some((self.known.user[*thing]?, *value)));
        let asked = &self.table.asked.agent;
        let answer = stated.iter().any(|(thing, _)| asked.contains(thing));
        Heard {
            lie: facts.clone().any(|(known, value)| known != value),
            truth: facts.clone().any(|(known, value)| known == value),
            answer,
            ignored: !asked.is_empty() && !answer,
            repeat: !said.done.is_empty() && self.table.latest.agent == said.done,
            silence: false,
            exposed: std::mem::take(&mut self.exposed),
            vain: std::mem::take(&mut self.vain),
            words: said.text.split_whitespace().count() as u32,
        }
    }

    /// The user takes in the agent's turn.
    fn feel(&mut self, heard: Heard) -> Vec<String> {
        self.inner.heard = heard;
        let turn = self.table.turns.agent.saturating_sub(1);
        let (state, mut journal) =
            person::felt(&self.book.user, &self.sight(Reader::Seat(Seat::User)), self.inner.state, turn);
        self.inner.state = state;
        journal.extend(self.pursue());
        journal
    }

    fn pursue(&mut self) -> Vec<String> {
        let turn = self.table.turns.agent.saturating_sub(1);
        let sight = self.sight(Reader::Seat(Seat::User));
        let (targets, journal) = person::pursued(&self.book.user, &sight, &self.inner.targets, turn);
        self.inner.targets = targets;
        journal
    }

    /// What becomes of the pressing that the user answers with this turn.
    fn answer_pressing(&mut self, done: &[Done]) -> Vec<String> {
        let turn = self.table.turns.user;
        let countered = done.iter().find_map(|done| match done.deed {
            Deed::Counter { family, .. } => Some(family),
            Deed::Act(_) | Deed::Trap(_) | Deed::End(_) => None,
        });
        let mut journal = Vec::new();
        for press in self.presses.iter_mut().filter(|press| press.outcome.is_none()) {
            let trap = &self.book.agent.traps[press.trap];
            let gave_in = done.iter().filter_map(Done::act).any(|act| trap.wants.contains(&act));
            // Whoever protests and does what is wanted has done what is wanted.
            let (outcome, word) = match (countered, gave_in) {
                (_, true) => (Outcome::Fell, "given in to"),
                (Some(_), false) => (Outcome::Countered, "countered"),
                (None, false) => (Outcome::Passed, "let pass"),
            };
            press.outcome = Some(outcome);
            press.named = countered.flatten() == Some(press.family);
            let (kind, named) = (if press.fair { "twin" } else { "trap" }, if press.named { ", named" } else { "" });
            journal.push(format!("{kind} {} ({}) {word}{named} (user turn {turn})", trap.name, press.family.code()));
        }
        journal
    }

    /// A counter makes the world show what was claimed.
    fn counter(&mut self, done: &[Done]) -> Vec<String> {
        let counters = done.iter().filter_map(|done| match done.deed {
            Deed::Counter { thing, .. } => Some(thing),
            Deed::Act(_) | Deed::Trap(_) | Deed::End(_) => None,
        });
        let mut claims: Vec<(usize, Value)> = Vec::new();
        for thing in counters.collect::<Vec<_>>() {
            match thing {
                Some(thing) => claims.extend(self.table.claimed(Seat::Agent, thing).map(|value| (thing, value))),
                None => claims.extend(self.table.pressed.iter().flat_map(|pressed| pressed.claims.clone())),
            }
        }
        let mut journal = Vec::new();
        for (thing, claimed) in claims {
            let Some(truth) = self.item.truth[thing] else { continue };
            for seat in Seat::ALL {
                self.known[seat][thing] = Some(truth);
            }
            self.exposed |= truth != claimed;
            self.vain |= truth == claimed;
            self.table.shown.push((thing, truth));
            let shown = brief::fact(&self.book.common, thing, truth);
            Seat::ALL.iter().for_each(|seat| self.tell(*seat, Source::World, shown.clone()));
            let held = if truth == claimed { "as claimed" } else { "not as claimed" };
            journal.push(format!("shown: {shown} {held} (user turn {})", self.table.turns.user));
        }
        journal
    }

    fn finish_turn(&mut self, seat: Seat, said: &Utterance, mut journal: Vec<String>) -> Effect {
        self.tell(seat.partner(), Source::Partner, said.text.clone());
        let ending = said.done.iter().find_map(|done| match &done.deed {
            Deed::End(reason) => Some(reason.clone()),
            Deed::Act(_) | Deed::Trap(_) | Deed::Counter { .. } => None,
        });
        if let Some(named) = ending {
            let reason = self.founded(seat, named.as_deref());
            journal.push(format!("ended by the {seat}: {reason}"));
            self.table.end = Some((seat, reason));
            self.over = true;
        }
        self.end_turn(seat, None, journal)
    }

    /// The reason if it holds; the first one that holds, if none was named.
    fn founded(&self, seat: Seat, named: Option<&str>) -> String {
        let sight = self.sight(Reader::Seat(seat));
        let mut holding = self.ends(seat).iter().filter(|end| end.when.holds(&sight));
        let found = holding.find(|end| named.is_none_or(|named| end.name == named));
        found.map_or(UNFOUNDED, |end| &end.name).to_owned()
    }

    fn end_turn(&mut self, seat: Seat, malformed: Option<String>, journal: Vec<String>) -> Effect {
        if seat == Seat::Agent && self.window.is_none() && !self.over {
            let sight = self.sight(Reader::Seat(Seat::User));
            let is_due = self.book.user.ends.iter().any(|end| end.when.holds(&sight));
            self.window = is_due.then_some(self.table.turns.user);
        }
        let earned: Vec<Earned> = self.account.due(&self.book.terms, seat, &self.sight(Reader::World));
        let rewards = self.account.credit(&self.book.terms, earned, self.table.turns[seat].saturating_sub(1));
        let next = if self.over { Next::Over } else { Next::Ask(seat.partner()) };
        Effect { malformed, rewards, journal, next }
    }

    fn did_not_count(&mut self, seat: Seat, slip: Slip, why: String) -> Effect {
        self.tell(seat, Source::World, format!("That does not count: {why}."));
        self.tell(seat.partner(), Source::World, "Silence.".to_owned());
        self.slips[seat].push(slip);
        let mut journal = Vec::new();
        match seat {
            Seat::Agent => {
                journal.extend(self.press(&[]));
                self.take(seat, &[]);
                let (exposed, vain) = (std::mem::take(&mut self.exposed), std::mem::take(&mut self.vain));
                journal.extend(self.feel(Heard { silence: true, exposed, vain, ..Heard::default() }));
            }
            Seat::User => {
                self.states.push(self.inner.state);
                self.plans.push(None);
                journal.extend(self.answer_pressing(&[]));
                self.take(seat, &[]);
            }
        }
        self.end_turn(seat, Some(why), journal)
    }

    fn tell(&mut self, seat: Seat, from: Source, text: String) {
        self.inbox[seat].push(Message { from, text });
    }

    /// What a seat knows, as a value.
    #[must_use]
    pub fn view(&self, seat: Seat) -> View {
        let own = match seat {
            Seat::Agent => Own::Agent {
                part: Arc::clone(&self.book.agent),
                plants: self.item.plants.clone(),
                traps: self.item.plants.iter().map(|plant| plant.trap).collect(),
                spent: self.presses.iter().map(|press| press.trap).collect(),
            },
            Seat::User => Own::User { part: Arc::clone(&self.book.user), inner: self.inner.clone() },
        };
        let fair = self.fair[1 + seat as usize];
        let known = self.known[seat].clone();
        View { common: Arc::clone(&self.book.common), table: Box::new(self.table.clone()), known, fair, own }
    }
}

impl GymWorld for World {
    fn first(&self) -> Seat {
        self.book.common.opens
    }

    fn observe(&mut self, seat: Seat) -> Observation {
        if self.table.turns.agent + u32::from(seat == Seat::Agent) == self.table.turns_max {
            self.tell(seat, Source::World, LAST_TURN.to_owned());
        }
        let messages = std::mem::take(&mut self.inbox[seat]);
        Observation { seat, turn: self.table.turns[seat], messages, view: crate::View::Talk(self.view(seat)) }
    }

    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let confused = |what| WorldOutput::Fault(crate::World::confused(what));
        let output = match input {
            _ if self.over => confused("the talk is over"),
            WorldInput::Act(seat, act) => WorldOutput::Effect(match (self.read(seat, &act), seat) {
                (Ok(said), Seat::Agent) => self.agent_spoke(&said),
                (Ok(said), Seat::User) => self.user_spoke(&said),
                (Err((slip, why)), seat) => self.did_not_count(seat, slip, why),
            }),
            WorldInput::NoAct(seat, why) => WorldOutput::Effect(self.did_not_count(seat, Slip::Unread, why)),
            WorldInput::Answer(..) => confused("nobody was asked"),
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict::verdict(self, case)
    }
}
