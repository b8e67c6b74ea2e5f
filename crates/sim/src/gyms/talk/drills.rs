//! Skills asked by themselves: to look up a fact, to tell a trap from its fair twin, to say how one feels after what was heard, to do what comes next.
//! Part of the cold start, and its gate; see [`Drill`].
//!
//! Each is asked at a real point of a talk: the world is made as for an episode and led there by acts, and what is right is what the world says,
//! or what the procedure or policy does. A user is asked up to six of them while the talk goes on, and so learns to judge the
//! latest line behind others that it has judged, as in a talk. A drill of an item to learn from presses with no held-out family, and neither does one of a held-out
//! item: the gate asks for what was taught, of people and facts that were not.

use std::sync::Arc;

use super::Rules;
use super::agent;
use super::book::Step;
use super::brief;
use super::items::Item;
use super::items::Plant;
use super::sight::Reader;
use super::thought;
use super::user;
use super::utterance::Deed;
use super::utterance::Done;
use super::words;
use super::world::World;
use crate::Address;
use crate::Draws;
use crate::Message;
use crate::Pair;
use crate::Phase;
use crate::Scenario;
use crate::Seat;
use crate::Source;
use crate::WorldInput;
use crate::draws::Stream;
use crate::gyms::Drill;
use crate::gyms::GymWorld;
use crate::gyms::Question;
use crate::gyms::Skill;
use crate::record::Casting;
use crate::record::EpisodeId;
use crate::scenario::Split;

/// How many of the agent's acts may lie behind a question, without the user's.
const STEPS_MAX: i64 = 6;
/// How many questions a user may be asked behind one brief.
const QUESTIONS_MAX: i64 = 6;
const NEXT: &str = "Next?";

/// What is asked.
struct Asked {
    skill: Skill,
    question: String,
    /// The one right answer.
    answer: String,
    /// What the answer does in the talk.
    then: Option<Done>,
}

impl Asked {
    /// A question whose answer does nothing.
    fn of(skill: Skill, question: impl Into<String>, answer: String) -> Option<Asked> {
        Some(Asked { skill, question: question.into(), answer, then: None })
    }
}

/// The drill with this number for a seat; `None` if this point of this file's talk has nothing to ask.
#[must_use]
pub fn drill(rules: &Rules, scenario: &Scenario, split: Split, seat: Seat, index: u32) -> Option<Drill> {
    let id = EpisodeId { phase: Phase::Sft, round: u64::MAX, group: index, trial: 0, member: 0 };
    let item = index % scenario.items.of(split);
    let casting = Casting::new(id, split, item, Pair::default());
    let address = Address { trial: 2 * split as u32 + seat as u32, ..id.address(scenario.items.seed) };
    let mut point = Point::new(rules, scenario, &casting, address, seat);
    let count = match seat {
        Seat::Agent => 1,
        Seat::User => point.draws.range(1, QUESTIONS_MAX),
    };
    let questions: Vec<Question> = (0..count).map_while(|_| point.question(seat)).collect();
    (!questions.is_empty()).then_some(Drill { seat, questions })
}

/// A point of a talk, and the draws that lead there.
struct Point {
    world: World,
    /// Pressing lines that the agent has not said yet, of families to learn from.
    lines: Vec<usize>,
    draws: Draws,
}

impl Point {
    /// Before anybody has spoken. The agent may press with lines of families to learn from: with one, as its brief says, or, where the user is asked, with all.
    fn new(rules: &Rules, scenario: &Scenario, casting: &Casting, address: Address, seat: Seat) -> Point {
        let book = &rules.book;
        let mut draws = address.draws(Stream::Judge);
        let known = |trap: &usize| !book.sampling.held_out.contains(&book.agent.traps[*trap].family);
        let mut lines: Vec<usize> = (0..book.agent.traps.len()).filter(known).collect();
        draws.shuffle(&mut lines);
        if seat == Seat::Agent {
            lines.truncate(1);
        }
        let plants = lines.iter().map(|trap| Plant { trap: *trap, turn: 0 }).collect();
        let item = Item { plants, ..(**rules.items.item(casting.split, casting.item)).clone() };
        let world = World::new(Arc::clone(book), Arc::new(item), scenario, address.draws(Stream::World));
        Point { world, lines, draws }
    }

    /// The next question; `None` if this point has nothing to ask, or is the last of the talk.
    fn question(&mut self, seat: Seat) -> Option<Question> {
        if self.world.over || self.world.table.turns.agent + 1 >= self.world.table.turns_max {
            return None;
        }
        let Asked { skill, question, answer, then } = match seat {
            Seat::Agent => self.agents(),
            Seat::User => self.users(),
        }?;
        let mut messages = self.world.observe(seat).messages;
        messages.push(Message { from: Source::World, text: question });
        if let Some(done) = then {
            self.acts(seat, &done);
        }
        Some(Question { skill, messages, answer })
    }

    fn agents(&mut self) -> Option<Asked> {
        if self.draws.chance(0.4) { self.look_up(Seat::Agent) } else { self.next_step() }
    }

    fn users(&mut self) -> Option<Asked> {
        match self.draws.uniform() {
            // Nothing can be judged before facts are found.
            at if at < 0.3 => self.look_up(Seat::User),
            at if at < 0.7 => self.judge(),
            at if at < 0.85 => self.feel(),
            _ => self.answer(),
        }
    }

    /// A fact that the seat knows.
    fn look_up(&mut self, seat: Seat) -> Option<Asked> {
        let common = &self.world.book.common;
        let known: Vec<(usize, u8)> =
            (0..).zip(&self.world.known[seat]).filter_map(|(thing, value)| Some((thing, (*value)?))).collect();
        let (thing, value) = *(!known.is_empty()).then(|| self.draws.pick(&known))?;
        let question = format!("Look up the {}.", common.things[thing].words);
        Asked::of(Skill::LookUp, question, brief::fact(common, thing, value))
    }

    /// Whether the agent's pressing line is a trap: the first step of the thought. Some come behind steps of the procedure.
    fn judge(&mut self) -> Option<Asked> {
        if self.draws.chance(0.3) {
            let steps = self.draws.range(1, STEPS_MAX);
            self.lead(steps);
        }
        self.press()?;
        let pressed = self.world.table.pressed.first()?;
        let answer = thought::pressing(pressed.family, self.world.sight(Reader::Seat(Seat::User)).fair == Some(false));
        Asked::of(Skill::Judge, "Intent?", format!("Intent: {answer}."))
    }

    /// The state after the agent's turn.
    fn feel(&mut self) -> Option<Asked> {
        if self.draws.chance(0.5) { self.press() } else { self.lead(1) }?;
        Asked::of(Skill::Feel, "State?", format!("State: {}.", self.world.inner.state.words()))
    }

    /// What the policy does after the agent's turn.
    fn answer(&mut self) -> Option<Asked> {
        if self.draws.chance(0.3) {
            self.press()?;
        } else {
            let steps = self.draws.range(1, STEPS_MAX);
            self.lead(steps)?;
        }
        let view = self.world.view(Seat::User);
        let done = user::policy(&view, &self.world.book.user, true)?;
        let answer = view.tongue().written(&done);
        Some(Asked { skill: Skill::Follow, question: NEXT.to_owned(), answer, then: Some(done) })
    }

    /// What the procedure does next, after some of its steps and perhaps a question of the user.
    fn next_step(&mut self) -> Option<Asked> {
        let steps = self.draws.range(0, STEPS_MAX);
        self.lead(steps);
        if self.draws.chance(0.3) {
            self.asked();
        }
        let view = self.world.view(Seat::Agent);
        let done = agent::due(&view, &self.world.book.agent, Step::is_due).next()?;
        Asked::of(Skill::Follow, self.so_far() + NEXT, view.tongue().written(&done))
    }

    /// What the agent has done, which no message shows it: `Done: greet propose. `
    fn so_far(&self) -> String {
        let book = &self.world.book;
        let steps = book.agent.procedure.iter().filter_map(|step| step.act.act());
        let mut names: Vec<&str> = Vec::new();
        for act in steps.filter(|act| self.world.table.counts.agent[*act] > 0) {
            let name = book.common.acts.agent[act].name.as_str();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() { String::new() } else { format!("Done: {}. ", names.join(" ")) }
    }

    /// The agent says a pressing line that it has not said before.
    fn press(&mut self) -> Option<()> {
        let line = self.lines.pop()?;
        let done = agent::pressing(&self.world.book.agent, line);
        self.acts(Seat::Agent, &done)
    }

    /// The agent goes so many steps of its procedure, as long as there is another one.
    fn lead(&mut self, steps: i64) -> Option<()> {
        let mut before = None;
        for _ in 0..steps {
            let view = self.world.view(Seat::Agent);
            let next = agent::due(&view, &self.world.book.agent, Step::is_due).next();
            let next = next.filter(|done| before.as_ref() != Some(done) && !matches!(done.deed, Deed::End(_)));
            let Some(done) = next else { break };
            self.acts(Seat::Agent, &done)?;
            before = Some(done);
        }
        before.map(|_| ())
    }

    /// The user asks something that can be asked, if anything can.
    fn asked(&mut self) -> Option<()> {
        let acts = (0..).zip(&self.world.book.common.acts.user);
        let asks: Vec<(usize, usize)> =
            acts.flat_map(|(act, rule)| rule.asks.iter().map(move |thing| (act, *thing))).collect();
        let (act, thing) = *(!asks.is_empty()).then(|| self.draws.pick(&asks))?;
        self.acts(Seat::User, &Done { deed: Deed::Act(act), args: vec![(thing, None)] })
    }

    /// A seat does something; `None` if it is not allowed now, would not count, or comes after the talk's last turn.
    fn acts(&mut self, seat: Seat, done: &Done) -> Option<()> {
        let table = &self.world.table;
        if seat == Seat::Agent && table.turns.agent >= table.turns_max {
            return None;
        }
        let view = self.world.view(seat);
        view.sight().allows(seat, done).ok()?;
        let act = words::said(&view, std::slice::from_ref(done), &mut self.draws).act.ok()?;
        self.world.read(seat, &act).ok()?;
        self.world.step(WorldInput::Act(seat, act));
        Some(())
    }
}
