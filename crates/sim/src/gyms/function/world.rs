//! The talk: numbers tried, the test looked up, answers (spec userrl §2.1).

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Entry;
use super::Rules;
use super::numeral;
use super::verdict;
use super::view::Probe;
use super::view::View;
use crate::Act;
use crate::Case;
use crate::Effect;
use crate::Message;
use crate::Next;
use crate::Observation;
use crate::Reward;
use crate::RewardKind;
use crate::Scenario;
use crate::Scope;
use crate::Seat;
use crate::Source;
use crate::Tools;
use crate::Verdict;
use crate::WorldInput;
use crate::WorldOutput;
use crate::gyms::GymWorld;
use crate::gyms::Op;
use crate::scenario::Split;

/// What one turn of the agent was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Move {
    /// Four numbers, and what the function has there.
    Probe(Probe),
    /// The test was looked up.
    Look,
    /// A number was answered.
    Answer {
        /// Which.
        value: f64,
        /// Whether it was right.
        right: bool,
    },
    /// The agent gave up.
    Finish,
    /// It did not count.
    Malformed(Slip),
}

/// Why a turn did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slip {
    /// Not exactly four numbers, or one beyond 64 bits.
    Numbers,
    /// The four numbers of the test itself.
    Test,
    /// Something other than `test` was looked up.
    Lookup,
    /// The answer is no number.
    Answer,
    /// No operation was named, or nothing was said.
    Form,
}

impl Slip {
    /// What the agent is told.
    fn feedback(self, tools: Tools) -> &'static str {
        match (self, tools) {
            (Slip::Numbers, Tools::Prose) => "Give exactly four numbers, as in [action] 1 2 3 4",
            (Slip::Numbers, Tools::Template) => "Give exactly four numbers, as in 1 2 3 4",
            (Slip::Test, _) => "That is the test itself: it is not told. Give other numbers.",
            (Slip::Lookup, Tools::Prose) => "There is one thing to look up: [search] test",
            (Slip::Lookup, Tools::Template) => "There is one thing to look up: test",
            (Slip::Answer, Tools::Prose) => "Answer with one number, as in [answer] 12",
            (Slip::Answer, Tools::Template) => "Answer with one number, as in 12",
            (Slip::Form, Tools::Prose) => "Say [action], [search], [answer] or [finish] first.",
            (Slip::Form, Tools::Template) => "Call action, search, answer or finish.",
        }
    }
}

/// The state of one talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    rules: Rules,
    split: Split,
    item: u32,
    tools: Tools,
    /// What [`Reward::weight`] a right answer has.
    weight: f64,
    /// What each of the agent's turns was.
    pub moves: Vec<Move>,
    turns: u32,
    inbox: Vec<Message>,
}

impl World {
    /// Before any turn.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools) -> World {
        let weight = scenario.weight(Seat::Agent, "solved").unwrap_or(0.0);
        let mut world = World { rules, split, item, tools, weight, moves: Vec::new(), turns: 0, inbox: Vec::new() };
        world.tell(Source::Brief, brief(scenario.turns_max, tools));
        world
    }

    /// The item and its rule.
    #[must_use]
    pub fn entry(&self) -> &Arc<Entry> {
        self.rules.library.entry(self.split, self.item)
    }

    /// Whether the right answer was given.
    #[must_use]
    pub fn is_solved(&self) -> bool {
        matches!(self.moves.last(), Some(Move::Answer { right: true, .. }))
    }

    fn is_over(&self) -> bool {
        self.is_solved() || self.moves.last() == Some(&Move::Finish)
    }

    fn read(&self, act: &Act) -> Move {
        match Op::of(act) {
            Op::Action(content) => self.probe(&content),
            Op::Search(content) if content.eq_ignore_ascii_case("test") => Move::Look,
            Op::Search(_) => Move::Malformed(Slip::Lookup),
            Op::Answer(content) => self.answer(&content),
            Op::Finish => Move::Finish,
            Op::Plain(_) => Move::Malformed(Slip::Form),
        }
    }

    fn probe(&self, content: &str) -> Move {
        let mut numbers = numeral::numbers(content);
        let four = [numbers.next(), numbers.next(), numbers.next(), numbers.next()];
        let ([Some(a), Some(b), Some(c), Some(d)], None) = (four, numbers.next()) else {
            return Move::Malformed(Slip::Numbers);
        };
        let at = [a, b, c, d];
        if at.iter().any(|number| !number.is_finite()) {
            return Move::Malformed(Slip::Numbers);
        }
        if at == self.entry().item.test_case {
            return Move::Malformed(Slip::Test);
        }
        Move::Probe(Probe { at, value: self.entry().rule.value(&at).map(numeral::rounded) })
    }

    fn answer(&self, content: &str) -> Move {
        match content.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                let right = (value - self.entry().item.expected_result).abs() <= self.rules.tolerance;
                Move::Answer { value, right }
            }
            _ => Move::Malformed(Slip::Answer),
        }
    }

    /// What the agent is told of its move; at the end there is nobody left to tell.
    fn feedback(&self, made: &Move) -> Option<String> {
        match made {
            Move::Probe(Probe { at, value }) => {
                let at = at.map(numeral::written).join(", ");
                Some(match value {
                    Ok(value) => format!("f({at}) = {}", numeral::written(*value)),
                    Err(undefined) => format!("f({at}) has no value: {undefined}."),
                })
            }
            Move::Look => {
                let [a, b, c, d] = self.entry().item.test_case;
                Some(format!("The test is f({a}, {b}, {c}, {d})."))
            }
            Move::Answer { value, right: false } => Some(format!("{value} is wrong.")),
            Move::Answer { right: true, .. } | Move::Finish => None,
            Move::Malformed(slip) => Some(slip.feedback(self.tools).to_owned()),
        }
    }

    fn take(&mut self, made: Move, why: Option<String>) -> WorldOutput {
        if let Some(feedback) = self.feedback(&made) {
            self.tell(Source::World, feedback);
        }
        let malformed = match &made {
            Move::Malformed(slip) => Some(why.unwrap_or_else(|| slip.feedback(self.tools).to_owned())),
            Move::Probe(_) | Move::Look | Move::Answer { .. } | Move::Finish => None,
        };
        self.moves.push(made);
        let next = if self.is_over() { Next::Over } else { Next::Ask(Seat::Agent) };
        let result = format!("the answer is {}", self.entry().item.expected_result);
        let journal = if self.is_over() { vec![result] } else { Vec::new() };
        WorldOutput::Effect(Effect { malformed, rewards: self.reward().into_iter().collect(), journal, next })
    }

    /// What the last turn earned; `None` if it was no right answer.
    #[must_use]
    pub fn reward(&self) -> Option<Reward> {
        let Some(Move::Answer { value, right: true }) = self.moves.last() else {
            return None;
        };
        Some(Reward {
            seat: Seat::Agent,
            name: "solved".to_owned(),
            kind: RewardKind::Outcome,
            scope: Scope::Turn((self.moves.len() - 1) as u32),
            value: 1.0,
            weight: self.weight,
            evidence: format!("answered {value}"),
        })
    }

    fn tell(&mut self, from: Source, text: String) {
        self.inbox.push(Message { from, text });
    }
}

/// What the agent has to know, in few words: small models read it.
fn brief(turns_max: u32, tools: Tools) -> String {
    let acts = match tools {
        Tools::Prose => {
            "[action] 1 2 3 4 tells f(1, 2, 3, 4); not at the test point.\n[search] test tells the test point.\n[answer] 12 answers f there; \
             try again if it is wrong.\n[finish] gives up.\n"
        }
        Tools::Template => "",
    };
    format!(
        "Find f(a, b, c, d) at a test point. f is a hidden formula in which each of a, b, c, d stands once, joined by + - * / and ** (a power: \
         ** 2, or ** another variable), with brackets.\n{acts}You have {turns_max} turns."
    )
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.turns;
        self.turns += 1;
        let mut view = View { probes: Vec::new(), test: None, wrong: Vec::new() };
        for made in &self.moves {
            match made {
                Move::Probe(probe) => view.probes.push(probe.clone()),
                Move::Look => view.test = Some(self.entry().item.test_case),
                Move::Answer { value, right: false } => view.wrong.push(*value),
                Move::Answer { right: true, .. } | Move::Finish | Move::Malformed(_) => {}
            }
        }
        let messages = std::mem::take(&mut self.inbox);
        Observation { seat, turn, messages, view: crate::View::Function(view) }
    }

    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let output = match input {
            _ if self.is_over() => WorldOutput::Fault(crate::World::confused("something after the end")),
            WorldInput::Act(Seat::Agent, act) => {
                let made = self.read(&act);
                self.take(made, None)
            }
            WorldInput::NoAct(Seat::Agent, why) => self.take(Move::Malformed(Slip::Form), Some(why)),
            WorldInput::Act(Seat::User, _) | WorldInput::NoAct(Seat::User, _) => {
                WorldOutput::Fault(crate::World::confused("a turn of the user, who has none"))
            }
            WorldInput::Answer(..) => WorldOutput::Fault(crate::World::confused("an answer that nobody asked for")),
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict(self, case)
    }
}
