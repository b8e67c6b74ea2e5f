//! The talk: what is said to the customer, which tools are called, and what that leaves of the database.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::Changes;
use super::Database;
use super::Domain;
use super::Rules;
use super::Value;
use super::database::Store;
use super::items::plain;
use super::library::Entry;
use super::tools;
use super::verdict;
use super::view::AgentView;
use super::view::Exchange;
use super::view::Heard;
use super::view::View;
use super::view::What;
use crate::Act;
use crate::Addressee;
use crate::Answer;
use crate::Case;
use crate::Effect;
use crate::Fault;
use crate::FaultKind;
use crate::Message;
use crate::Next;
use crate::Observation;
use crate::Party;
use crate::Query;
use crate::QueryId;
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

/// Longest thing that is said to a customer, in bytes.
pub const SAID_BYTES_MAX: usize = 8000;
/// Longest reply of a customer, in bytes: what is longer is its fault.
pub const REPLY_BYTES_MAX: usize = 16_000;
/// What a customer writes when the talk is over for it.
pub const STOP: &str = "###STOP###";

/// What one turn of the agent was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turned {
    /// It did not count.
    Malformed(Mistake),
    /// Something was looked up.
    Searched,
    /// Something was said to the customer.
    Said,
    /// A tool was called.
    Called {
        /// Whether it refused.
        is_error: bool,
        /// Whether it is one that may change the database, and did not refuse.
        wrote: bool,
        /// Whether the customer had said yes since the last change.
        confirmed: bool,
    },
    /// The agent hung up.
    Finished,
}

/// Why a turn did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mistake {
    /// No operation: no prefix, no tool call, or nothing at all.
    Operation,
    /// Nothing is said, or too much.
    Utterance,
    /// What should be a call cannot be read as one.
    Call,
    /// There is nothing of this name to look up.
    Search,
}

/// How a talk ended by an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The customer had no more to say.
    Stopped,
    /// The agent handed the customer over.
    Transferred,
    /// The agent hung up: nothing is settled.
    Finished,
}

/// The state of one talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    rules: Rules,
    split: Split,
    item: u32,
    tools: Tools,
    /// What [`Reward::weight`] a turn's reward has.
    weight: f64,
    changes: Changes,
    /// What each of the agent's turns was.
    pub turned: Vec<Turned>,
    /// What counted, with what came back.
    pub log: Vec<Exchange>,
    /// Which gold actions were carried out, just so.
    pub done: Vec<bool>,
    /// Which outputs were said.
    pub told: Vec<bool>,
    /// Whether something was changed that no gold action changes.
    pub strayed: bool,
    /// How it ended, once it has.
    pub ending: Option<Ending>,
    looked_up: Vec<Topic>,
    confirmed: bool,
    waits: Option<(QueryId, Arc<str>)>,
    queries: u32,
    turns: u32,
    inbox: Vec<Message>,
}

/// What can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Topic {
    Tools,
    Policy,
    Help,
}

const HELP: &str = "Find out who the customer is and what it wants. Look up what you need with tools that only read. Say what you are going to \
                    change and wait for a yes. Then change it, say what came of it, and ask whether there is more.";

impl World {
    /// The customer's first words, before any act.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools) -> World {
        let entry = Arc::clone(rules.library.entry(split, item));
        let mut world = World {
            rules,
            split,
            item,
            tools,
            weight: scenario.weight(Seat::Agent, "solved").unwrap_or(0.0),
            changes: Changes::default(),
            turned: Vec::new(),
            log: Vec::new(),
            done: vec![false; entry.task.actions.len()],
            told: vec![false; entry.task.outputs.len()],
            strayed: false,
            ending: None,
            looked_up: Vec::new(),
            confirmed: false,
            waits: None,
            queries: 0,
            turns: 0,
            inbox: Vec::new(),
        };
        world.tell(Source::Brief, world.brief(scenario.turns_max));
        world.tell(Source::Partner, entry.task.opening.clone());
        world
    }

    /// The task.
    #[must_use]
    pub fn entry(&self) -> &Arc<Entry> {
        self.rules.library.entry(self.split, self.item)
    }

    /// The database before the talk.
    #[must_use]
    pub fn base(&self) -> &Arc<Database> {
        self.rules.library.database(self.entry().task.domain)
    }

    /// What the talk has changed.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether the database is now as the gold actions leave it.
    #[must_use]
    pub fn matches(&self) -> bool {
        self.changes.is_same_state(&self.entry().gold, self.base())
    }

    /// Whether the talk was brought to an end with the right database, and all outputs said (spec userrl §2.8).
    #[must_use]
    pub fn is_solved(&self) -> bool {
        let settled = matches!(self.ending, Some(Ending::Stopped | Ending::Transferred));
        settled && self.told.iter().all(|told| *told) && self.matches()
    }

    fn brief(&self, turns_max: u32) -> String {
        let whose = match self.entry().task.domain {
            Domain::Retail => "an online shop",
            Domain::Airline => "an airline",
        };
        let acts = match self.tools {
            Tools::Prose => {
                " Each turn is one of:\n\
                 [search] tools | policy | help\n\
                 [action] TEXT says it to the customer\n\
                 [answer] {\"name\": TOOL, \"arguments\": {…}} calls a tool\n\
                 [finish] hangs up and settles nothing"
            }
            Tools::Template => "",
        };
        let brief = format!(
            "You serve a customer of {whose}, in at most {turns_max} turns.{acts}\n\
             Find out who it is, ask for a yes before you change anything, and see to all it wants that the policy allows."
        );
        if self.rules.policy { format!("{brief}\n\n{}", self.base().policy) } else { brief }
    }

    fn acted(&mut self, act: &Act) -> WorldOutput {
        match Op::of(act) {
            Op::Finish => {
                self.turned.push(Turned::Finished);
                self.over(Ending::Finished)
            }
            Op::Plain(_) => {
                let how = match self.tools {
                    Tools::Prose => "begin with [action], [answer] or [search]",
                    Tools::Template => "call action, answer or search",
                };
                self.did_not_count(Mistake::Operation, how.to_owned())
            }
            Op::Search(topic) => self.search(&topic),
            Op::Answer(call) => match Call::read(&call) {
                Ok(call) => self.call(&call),
                Err(why) => self.did_not_count(Mistake::Call, why),
            },
            Op::Action(said) if said.is_empty() => {
                self.did_not_count(Mistake::Utterance, "nothing is said to the customer".to_owned())
            }
            Op::Action(said) if said.len() > SAID_BYTES_MAX => {
                self.did_not_count(Mistake::Utterance, format!("say at most {SAID_BYTES_MAX} bytes at a time"))
            }
            Op::Action(said) => self.say(said),
        }
    }

    fn search(&mut self, what: &str) -> WorldOutput {
        let topic = match what.to_lowercase().as_str() {
            "tools" => Topic::Tools,
            "policy" => Topic::Policy,
            "help" => Topic::Help,
            _ => return self.did_not_count(Mistake::Search, "look up tools, policy or help".to_owned()),
        };
        let text = if self.looked_up.contains(&topic) {
            "You have been given that.".to_owned()
        } else {
            self.looked_up.push(topic);
            self.topic(topic)
        };
        self.turned.push(Turned::Searched);
        self.note(What::Searched, what.into(), &text);
        self.tell(Source::World, text);
        self.effect(None, Vec::new(), Next::Ask(Seat::Agent))
    }

    fn topic(&self, topic: Topic) -> String {
        match topic {
            Topic::Tools => {
                let lines = tools::tools(self.entry().task.domain).map(tools::Tool::line);
                lines.collect::<Vec<_>>().join("\n")
            }
            Topic::Policy => self.base().policy.clone(),
            Topic::Help => HELP.to_owned(),
        }
    }

    fn call(&mut self, call: &Call) -> WorldOutput {
        let base = Arc::clone(self.base());
        let before = self.changes.clone();
        let outcome = tools::run(&mut Store { base: &base, changes: &mut self.changes }, call);
        let wrote = outcome.writes && !outcome.is_error;
        let confirmed = self.confirmed;
        if wrote {
            self.confirmed = false;
            let entry = Arc::clone(self.entry());
            let is_wanted = |gold: &Call| is_same(gold, call) || self.is_left_by(gold, &before);
            let open = (0..self.done.len()).find(|at| !self.done[*at] && is_wanted(&entry.task.actions[*at]));
            match open {
                Some(at) => self.done[at] = true,
                None => self.strayed = true,
            }
        }
        self.turned.push(Turned::Called { is_error: outcome.is_error, wrote, confirmed });
        self.note(What::Called, call.write().into(), &outcome.text);
        let journal = if wrote { vec![format!("wrote: {}", call.write())] } else { Vec::new() };
        if outcome.ends {
            return self.over(Ending::Transferred);
        }
        self.tell(Source::World, outcome.text);
        self.effect(None, journal, Next::Ask(Seat::Agent))
    }

    /// Whether a call would have left the database as it is now, had it come after these changes: what it was called with besides says nothing.
    fn is_left_by(&self, call: &Call, before: &Changes) -> bool {
        let mut changes = before.clone();
        let outcome = tools::run(&mut Store { base: self.base(), changes: &mut changes }, call);
        outcome.writes && !outcome.is_error && changes.is_same_state(&self.changes, self.base())
    }

    fn say(&mut self, said: String) -> WorldOutput {
        let entry = Arc::clone(self.entry());
        let heard = plain(&said);
        for (output, told) in entry.task.outputs.iter().zip(&mut self.told) {
            *told |= heard.contains(&plain(output));
        }
        let said: Arc<str> = said.into();
        let dialogue: Vec<Exchange> = self.log.iter().filter(|done| done.what == What::Said).cloned().collect();
        let messages = messages(&entry, &dialogue, &said);
        let heard = Heard {
            entry,
            dialogue,
            said: Arc::clone(&said),
            done: self.done.clone(),
            told: self.told.clone(),
            matches: self.matches(),
        };
        let id = QueryId(self.queries);
        self.queries += 1;
        self.waits = Some((id, said));
        let view = crate::View::Tau(View::User(Box::new(heard)));
        WorldOutput::Query(Addressee::User, id, Query { messages, view, spoken: true })
    }

    fn replied(&mut self, said: Arc<str>, answer: &Answer) -> WorldOutput {
        let reply = answer.reply.trim();
        if reply.is_empty() {
            return unreadable("the reply is empty");
        }
        if reply.len() > REPLY_BYTES_MAX {
            return unreadable("the reply is too long");
        }
        let words = reply.replace(STOP, "").trim().to_owned();
        self.turned.push(Turned::Said);
        self.confirmed |= is_yes(&words);
        self.note(What::Said, said, &words);
        if reply.contains(STOP) {
            return self.over(Ending::Stopped);
        }
        self.tell(Source::Partner, words);
        self.effect(None, Vec::new(), Next::Ask(Seat::Agent))
    }

    fn did_not_count(&mut self, mistake: Mistake, why: String) -> WorldOutput {
        self.tell(Source::World, format!("That does not count: {why}."));
        self.turned.push(Turned::Malformed(mistake));
        self.effect(Some(why), Vec::new(), Next::Ask(Seat::Agent))
    }

    fn over(&mut self, ending: Ending) -> WorldOutput {
        self.ending = Some(ending);
        let journal =
            vec![format!("ended: {ending:?}, the database {}", if self.matches() { "is right" } else { "is not" })];
        self.effect(None, journal, Next::Over)
    }

    fn effect(&self, malformed: Option<String>, journal: Vec<String>, next: Next) -> WorldOutput {
        let rewards = if next == Next::Over { self.rewards() } else { Vec::new() };
        WorldOutput::Effect(Effect { malformed, rewards, journal, next })
    }

    /// What the last turn earned: 1 if the talk ended well, else nothing.
    #[must_use]
    pub fn rewards(&self) -> Vec<Reward> {
        if !self.is_solved() {
            return Vec::new();
        }
        let last = u32::try_from(self.turned.len().saturating_sub(1)).unwrap_or(u32::MAX);
        vec![Reward {
            seat: Seat::Agent,
            name: "solved".to_owned(),
            kind: RewardKind::Outcome,
            scope: Scope::Turn(last),
            value: 1.0,
            weight: self.weight,
            evidence: "the database is as the gold actions leave it, and all outputs were said".to_owned(),
        }]
    }

    fn note(&mut self, what: What, content: Arc<str>, reply: &str) {
        self.log.push(Exchange { what, content, reply: reply.into() });
    }

    fn tell(&mut self, from: Source, text: String) {
        self.inbox.push(Message { from, text });
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.turns;
        self.turns += 1;
        let task = &self.entry().task;
        let view = AgentView { domain: task.domain, opening: task.opening.as_str().into(), log: self.log.clone() };
        let messages = std::mem::take(&mut self.inbox);
        Observation { seat, turn, messages, view: crate::View::Tau(View::Agent(view)) }
    }

    // What is said leads to a query of the customer, its answer to the effect; all else has its effect at once.
    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let waits = self.waits.take();
        let output = match (input, waits) {
            (WorldInput::Act(..) | WorldInput::NoAct(..), None) if self.ending.is_some() => {
                WorldOutput::Fault(crate::World::confused("an act after the end"))
            }
            (WorldInput::Act(_, act), None) => self.acted(&act),
            (WorldInput::NoAct(_, why), None) => self.did_not_count(Mistake::Operation, why),
            (WorldInput::Answer(id, answer), Some((awaited, said))) if id == awaited => self.replied(said, &answer),
            (_, None) => WorldOutput::Fault(crate::World::confused("an answer that nobody asked for")),
            (_, Some(_)) => {
                WorldOutput::Fault(crate::World::confused("something else than the answer that was asked for"))
            }
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict(self, case)
    }
}

/// What whoever plays the customer is told: its part, the talk so far, and what the agent says now.
fn messages(entry: &Entry, dialogue: &[Exchange], said: &str) -> Vec<Message> {
    let task = &entry.task;
    let part = format!(
        "You are a customer who talks to a service agent. This is you: {}\n\
         Write your next message only: one or two sentences, in your own words. Do not say everything at once, and nothing that is not \
         yours to know: if you are asked for something that does not stand here, you do not know it. When all you want is done, or you are \
         told for good that it will not be, write {STOP}.",
        task.instruction
    );
    let mut messages = vec![Message { from: Source::Brief, text: part }];
    let mut so_far = format!("What was said so far.\nYou: {}", task.opening);
    for exchange in dialogue {
        so_far.push_str(&format!("\nAgent: {}\nYou: {}", exchange.content, exchange.reply));
    }
    messages.push(Message { from: Source::World, text: so_far });
    messages.push(Message { from: Source::Partner, text: said.to_owned() });
    messages
}

/// Whether a reply begins with a yes.
#[must_use]
pub fn is_yes(reply: &str) -> bool {
    let first: String = reply.chars().take_while(|c| c.is_alphabetic()).collect();
    ["yes", "yeah", "yep", "sure"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Whether two calls do the same: items may be named in any order, each with what comes in its place.
#[must_use]
pub fn is_same(gold: &Call, call: &Call) -> bool {
    let pairs = |call: &Call| {
        let list = |key: &str| call.arguments.get(key).map(Value::items).unwrap_or_default();
        let new = list("new_item_ids");
        let pair = |(at, old): (usize, &Value)| {
            (old.as_text().map(str::to_owned), new.get(at).and_then(Value::as_text).map(str::to_owned))
        };
        let mut pairs: Vec<_> = list("item_ids").iter().enumerate().map(pair).collect();
        pairs.sort();
        (pairs, new.len())
    };
    let rest = |call: &Call| {
        let mut rest = call.arguments.clone();
        ["item_ids", "new_item_ids"].iter().for_each(|key| rest.remove(key));
        rest
    };
    gold.name == call.name && pairs(gold) == pairs(call) && rest(gold) == rest(call)
}

fn unreadable(why: &str) -> WorldOutput {
    WorldOutput::Fault(Fault::new(Party::User, FaultKind::BadReply, why))
}
