//! The talk: questions, what they cover, what they earn.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Importance;
use super::Rules;
use super::items::question_reward;
use super::library::Entry;
use super::verdict;
use super::view::AgentView;
use super::view::Asked;
use super::view::Exchange;
use super::view::View;
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

/// Longest question, in bytes: what is longer is not asked.
pub const QUESTION_BYTES_MAX: usize = 2000;
/// How many exchanges a user is reminded of when it is asked (spec userrl §2.2).
const REMEMBERED: usize = 3;

/// What a question asks about: the answer to [`Asked::Coverage`], as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Whether it is about the task at all.
    #[serde(rename = "is_task_related")]
    pub related: bool,
    /// Numbers of remaining details, from 0.
    #[serde(rename = "covered_detail_indices", default)]
    pub covered: Vec<u32>,
}

impl Coverage {
    /// As the world reads it.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{{\"is_task_related\": {}, \"covered_detail_indices\": {:?}}}", self.related, self.covered)
    }
}

/// What one turn of the agent was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asking {
    /// No question that could be put to the user.
    Malformed,
    /// A question, and what it newly covered.
    Question {
        /// Whether the user took it as a question about the task.
        related: bool,
        /// Numbers of details, from 0.
        covered: Vec<u32>,
        /// What it earned, in [0, 1].
        reward: f64,
    },
    /// The agent had no more questions.
    Finish,
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
    /// What each of the agent's turns was.
    pub askings: Vec<Asking>,
    /// Questions with their replies, oldest first.
    pub exchanges: Vec<Exchange>,
    waits: Waits,
    queries: u32,
    turns: u32,
    inbox: Vec<Message>,
}

/// Which answer is awaited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Waits {
    Nothing,
    Coverage(QueryId, String),
    Reply(QueryId, String, Coverage),
}

impl World {
    /// The request, before any question.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools) -> World {
        let weight = scenario.weight(Seat::Agent, "covered").unwrap_or(0.0);
        let mut world = World {
            rules,
            split,
            item,
            tools,
            weight,
            askings: Vec::new(),
            exchanges: Vec::new(),
            waits: Waits::Nothing,
            queries: 0,
            turns: 0,
            inbox: Vec::new(),
        };
        world.tell(Source::Brief, "Find out what the user has left out. Ask short questions.".to_owned());
        let request = format!("{}: {}", world.entry().item.category, world.entry().item.task);
        world.tell(Source::Partner, request);
        world
    }

    /// The item and its keys.
    #[must_use]
    pub fn entry(&self) -> &Arc<Entry> {
        self.rules.library.entry(self.split, self.item)
    }

    /// Which details were asked about, in the order of their numbers.
    #[must_use]
    pub fn covered(&self) -> Vec<bool> {
        let mut covered = vec![false; self.entry().keys.len()];
        for asking in &self.askings {
            if let Asking::Question { covered: hit, .. } = asking {
                hit.iter().for_each(|detail| covered[*detail as usize] = true);
            }
        }
        covered
    }

    fn is_over(&self) -> bool {
        self.askings.last() == Some(&Asking::Finish) || self.covered().iter().all(|covered| *covered)
    }

    fn acted(&mut self, act: &Act) -> WorldOutput {
        match question(act) {
            None => {
                self.askings.push(Asking::Finish);
                self.effect(None, Next::Over)
            }
            Some(question) if question.is_empty() => self.did_not_count("there is no question in it".to_owned()),
            Some(question) if question.len() > QUESTION_BYTES_MAX => {
                self.did_not_count(format!("a question has at most {QUESTION_BYTES_MAX} bytes"))
            }
            Some(question) => self.ask_coverage(question),
        }
    }

    fn ask_coverage(&mut self, question: String) -> WorldOutput {
        let covered = self.covered();
        let remaining: Vec<u32> = (0..covered.len() as u32).filter(|detail| !covered[*detail as usize]).collect();
        let mut messages = self.reminder("You judge a question that somebody asks you about your request.");
        let details = &self.entry().item.missing_details;
        let listed = remaining.iter().map(|number| {
            let detail = &details[*number as usize];
            format!("{number}: {} (e.g. {})", detail.description, detail.inquiry)
        });
        let text = format!(
            "What you have not been asked about yet:\n{}\nThe question: {question}\nWhich of these does it ask about? Answer with JSON like {}",
            listed.collect::<Vec<_>>().join("\n"),
            Coverage { related: true, covered: vec![0] }.to_json()
        );
        messages.push(Message { from: Source::World, text });
        let library = Arc::clone(&self.rules.library);
        let (split, item) = (self.split, self.item);
        let asked = Asked::Coverage { library, split, item, remaining, question: question.clone() };
        self.query(messages, asked, false, |id| Waits::Coverage(id, question))
    }

    fn judged(&mut self, question: String, answer: &Answer) -> WorldOutput {
        let coverage: Coverage = match serde_json::from_str(&answer.reply) {
            Ok(coverage) => coverage,
            Err(error) => return unreadable(&format!("not the JSON that was asked for: {error}")),
        };
        // Numbers of details that there are not, or that were asked about before, earn nothing, nor does one twice (§6.1).
        let covered = self.covered();
        let mut hit: Vec<u32> = Vec::new();
        for detail in coverage.covered.into_iter().filter(|_| coverage.related) {
            if covered.get(detail as usize) == Some(&false) && !hit.contains(&detail) {
                hit.push(detail);
            }
        }
        let coverage = Coverage { related: coverage.related, covered: hit };
        self.ask_reply(question, coverage)
    }

    fn ask_reply(&mut self, question: String, coverage: Coverage) -> WorldOutput {
        let details = &self.entry().item.missing_details;
        let hit: Vec<_> = coverage.covered.iter().map(|number| (*number, details[*number as usize].clone())).collect();
        let mut messages =
            self.reminder("You answer a question that somebody asks you about your request, in a sentence.");
        let wants = match (coverage.related, hit.is_empty()) {
            (false, _) => "It is not about one thing in your request: say so.".to_owned(),
            (true, true) => "You do not mind what it asks about: say so.".to_owned(),
            (true, false) => {
                let each =
                    hit.iter().map(|(_, detail)| format!("{} ({})", detail.description, detail.options.join(" | ")));
                format!("Say what you want of these, and of nothing else: {}", each.collect::<Vec<_>>().join("; "))
            }
        };
        messages.push(Message { from: Source::World, text: wants });
        messages.push(Message { from: Source::Partner, text: question.clone() });
        let asked = Asked::Reply { question: question.clone(), related: coverage.related, hit };
        self.query(messages, asked, true, |id| Waits::Reply(id, question, coverage))
    }

    fn replied(&mut self, question: String, coverage: Coverage, answer: Answer) -> WorldOutput {
        let reply = answer.reply.trim().to_owned();
        if reply.is_empty() {
            return unreadable("the reply is empty");
        }
        let details = &self.entry().item.missing_details;
        let importances: Vec<Importance> =
            coverage.covered.iter().map(|number| details[*number as usize].importance).collect();
        let reward = question_reward(&importances, self.rules.multi_detail_penalty);
        self.tell(Source::Partner, reply.clone());
        self.exchanges.push(Exchange { question, reply });
        self.askings.push(Asking::Question { related: coverage.related, covered: coverage.covered, reward });
        let next = if self.is_over() { Next::Over } else { Next::Ask(Seat::Agent) };
        self.effect(None, next)
    }

    fn did_not_count(&mut self, why: String) -> WorldOutput {
        self.tell(Source::World, "That does not count.".to_owned());
        self.askings.push(Asking::Malformed);
        self.effect(Some(why), Next::Ask(Seat::Agent))
    }

    fn effect(&self, malformed: Option<String>, next: Next) -> WorldOutput {
        let last = (self.askings.len() - 1) as u32;
        let journal = match self.askings.last() {
            Some(Asking::Question { covered, .. }) if !covered.is_empty() => {
                let details = &self.entry().item.missing_details;
                covered.iter().map(|detail| format!("covered: {}", details[*detail as usize].description)).collect()
            }
            _ => Vec::new(),
        };
        let rewards = self.rewards().into_iter().filter(|reward| reward.scope == Scope::Turn(last)).collect();
        WorldOutput::Effect(Effect { malformed, rewards, journal, next })
    }

    /// What each question earned, by turn; questions that earned nothing give no reward.
    #[must_use]
    pub fn rewards(&self) -> Vec<Reward> {
        let reward = |(turn, asking): (u32, &Asking)| match asking {
            Asking::Question { covered, reward, .. } if !covered.is_empty() => Some(Reward {
                seat: Seat::Agent,
                name: "covered".to_owned(),
                kind: RewardKind::Outcome,
                scope: Scope::Turn(turn),
                value: *reward,
                weight: self.weight,
                evidence: format!("details {covered:?}"),
            }),
            Asking::Question { .. } | Asking::Malformed | Asking::Finish => None,
        };
        (0..).zip(&self.askings).filter_map(reward).collect()
    }

    /// What the user is told of its part and the talk so far, before a query.
    fn reminder(&self, part: &str) -> Vec<Message> {
        let item = &self.entry().item;
        let brief = format!("{part} Your request ({}): {}", item.category, item.task);
        let mut messages = vec![Message { from: Source::Brief, text: brief }];
        for exchange in self.exchanges.iter().rev().take(REMEMBERED).rev() {
            let text = format!("You were asked: {} You said: {}", exchange.question, exchange.reply);
            messages.push(Message { from: Source::World, text });
        }
        messages
    }

    fn query(
        &mut self,
        messages: Vec<Message>,
        asked: Asked,
        spoken: bool,
        waits: impl FnOnce(QueryId) -> Waits,
    ) -> WorldOutput {
        let id = QueryId(self.queries);
        self.queries += 1;
        self.waits = waits(id);
        let view = crate::View::Intention(View::User(asked));
        WorldOutput::Query(Addressee::User, id, Query { messages, view, spoken })
    }

    fn tell(&mut self, from: Source, text: String) {
        self.inbox.push(Message { from, text });
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.turns;
        self.turns += 1;
        let item = &self.entry().item;
        let view = AgentView {
            library: Arc::clone(&self.rules.library),
            category: item.category.clone(),
            task: item.task.clone(),
            exchanges: self.exchanges.clone(),
        };
        let messages = std::mem::take(&mut self.inbox);
        Observation { seat, turn, messages, view: crate::View::Intention(View::Agent(view)) }
    }

    // An act leads to two queries of the user, their answers to the effect.
    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let waits = std::mem::replace(&mut self.waits, Waits::Nothing);
        let output = match (input, waits) {
            (_, Waits::Nothing) if self.is_over() => WorldOutput::Fault(crate::World::confused("the talk is over")),
            (WorldInput::Act(_, act), Waits::Nothing) => self.acted(&act),
            (WorldInput::NoAct(_, why), Waits::Nothing) => self.did_not_count(why),
            (WorldInput::Answer(id, answer), Waits::Coverage(awaited, question)) if id == awaited => {
                self.judged(question, &answer)
            }
            (WorldInput::Answer(id, answer), Waits::Reply(awaited, question, coverage)) if id == awaited => {
                self.replied(question, coverage, answer)
            }
            (_, Waits::Nothing) => WorldOutput::Fault(crate::World::confused("an answer that nobody asked for")),
            (_, Waits::Coverage(..) | Waits::Reply(..)) => {
                WorldOutput::Fault(crate::World::confused("something else than the answer that was asked for"))
            }
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict(self, case)
    }
}

/// The words of a question; `None` for the end of the talk. Any form of the tool is a question (spec userrl §2.2), and so is plain talk.
fn question(act: &Act) -> Option<String> {
    match Op::of(act) {
        Op::Finish => None,
        Op::Search(content) => Some(format!("[search] {content}")),
        Op::Action(content) | Op::Answer(content) | Op::Plain(content) => Some(content),
    }
}

fn unreadable(why: &str) -> WorldOutput {
    WorldOutput::Fault(Fault::new(Party::User, FaultKind::BadReply, why))
}
