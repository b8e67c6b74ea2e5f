//! The talk: questions, guesses, and what the right one earns.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Rules;
use super::verdict;
use super::view::AgentView;
use super::view::Asked;
use super::view::Exchange;
use super::view::View;
use crate::Act;
use crate::Addressee;
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
use crate::gyms::Slip;
use crate::gyms::YesNo;
use crate::gyms::reply;
use crate::scenario::Split;

/// Longest question or guess, in bytes: what is longer is not heard.
pub const BYTES_MAX: usize = 2000;

/// Whether a guess is right: the answer to [`Asked::Guess`], as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// `Yes` or `No`.
    #[serde(alias = "judgement", alias = "response")]
    pub judgment: String,
}

impl Judged {
    /// The judgement of a guess.
    #[must_use]
    pub fn of(right: bool) -> Judged {
        Judged { judgment: YesNo::of(right).name().to_owned() }
    }

    /// As the world reads it.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{{\"judgment\": \"{}\"}}", self.judgment)
    }

    /// Whether the guess is right.
    ///
    /// # Errors
    /// What is wrong with the reply, if it says neither: there is no credit in part.
    pub fn read(reply: &str) -> Result<bool, String> {
        let Judged { judgment } = reply::read(reply)?;
        match YesNo::read(&judgment)? {
            YesNo::Yes => Ok(true),
            YesNo::No => Ok(false),
            YesNo::Maybe => Err("a guess is right or wrong, not `Maybe`".to_owned()),
        }
    }
}

/// What one turn of the agent was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turned {
    /// Nothing that could be put to the user.
    Malformed(Slip),
    /// A question.
    Question(Exchange),
    /// A guess.
    Guess {
        /// The agent's words.
        guess: String,
        /// Whether it was right.
        right: bool,
    },
    /// The agent gave up.
    Finish,
}

/// The state of one talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    rules: Rules,
    split: Split,
    item: u32,
    tools: Tools,
    /// What [`Reward::weight`] the right guess has.
    weight: f64,
    turns_max: u32,
    /// What each of the agent's turns was.
    pub turned: Vec<Turned>,
    waits: Waits,
    queries: u32,
    asked: u32,
    over: bool,
    inbox: Vec<Message>,
}

/// Which answer is awaited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Waits {
    Nothing,
    Answer(QueryId, String),
    Judgement(QueryId, String),
}

impl World {
    /// The hint, before any question.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools) -> World {
        let description = rules.library.item(split, item).description.clone();
        let mut world = World {
            rules,
            split,
            item,
            tools,
            weight: scenario.weight(Seat::Agent, "guessed").unwrap_or(0.0),
            turns_max: scenario.turns_max,
            turned: Vec::new(),
            waits: Waits::Nothing,
            queries: 0,
            asked: 0,
            over: false,
            inbox: Vec::new(),
        };
        let turns_max = scenario.turns_max;
        let brief = match tools {
            Tools::Prose => format!(
                "Find out what the user thinks of, in {turns_max} turns. Each turn is a yes/no question, [action] Is it small?, or a guess, [answer] NAME. [finish] gives up."
            ),
            Tools::Template => format!(
                "Find out what the user thinks of, in {turns_max} turns. Each turn is a yes/no question or a guess."
            ),
        };
        world.tell(Source::Brief, brief);
        world.tell(Source::Partner, description);
        world
    }

    /// What the user thinks of.
    #[must_use]
    pub fn item(&self) -> &Arc<Item> {
        self.rules.library.item(self.split, self.item)
    }

    /// Whether it was guessed.
    #[must_use]
    pub fn is_guessed(&self) -> bool {
        self.turned.iter().any(|turn| matches!(turn, Turned::Guess { right: true, .. }))
    }

    /// Questions with their answers, oldest first.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.turned.iter().filter_map(|turn| match turn {
            Turned::Question(exchange) => Some(exchange),
            Turned::Malformed(_) | Turned::Guess { .. } | Turned::Finish => None,
        })
    }

    // Upstream takes everything that is no guess for a question, and so does this world.
    fn acted(&mut self, act: &Act) -> WorldOutput {
        match Op::of(act) {
            Op::Finish => {
                self.turned.push(Turned::Finish);
                self.effect(None, Next::Over)
            }
            Op::Answer(guess) => match Slip::check(&guess, BYTES_MAX) {
                Ok(()) => self.ask_whether(guess),
                Err((slip, why)) => self.did_not_count(slip, why),
            },
            Op::Action(question) | Op::Search(question) | Op::Plain(question) => {
                match Slip::check(&question, BYTES_MAX) {
                    Ok(()) => self.ask(question),
                    Err((slip, why)) => self.did_not_count(slip, why),
                }
            }
        }
    }

    fn ask(&mut self, question: String) -> WorldOutput {
        let part = "Somebody asks you yes/no questions to find it out. Answer with one word: Yes, No, or, where neither is true, Maybe.";
        let messages = self.reminder(part, &question);
        let asked = Asked::Question { item: Arc::clone(self.item()), question: question.clone() };
        self.query(messages, asked, true, |id| Waits::Answer(id, question))
    }

    fn ask_whether(&mut self, guess: String) -> WorldOutput {
        let part = format!(
            "Somebody guesses what it is. Does the guess name the same thing, and nothing besides? Answer with JSON: {} or {}.",
            Judged::of(true).to_json(),
            Judged::of(false).to_json()
        );
        let messages = self.reminder(&part, &guess);
        let asked = Asked::Guess { item: Arc::clone(self.item()), guess: guess.clone() };
        self.query(messages, asked, false, |id| Waits::Judgement(id, guess))
    }

    fn answered(&mut self, question: String, reply: &str) -> WorldOutput {
        let answer = match YesNo::read(reply) {
            Ok(answer) => answer,
            Err(why) => return unreadable(&why),
        };
        // One word, whatever else was replied: so no reply gives more away.
        self.tell(Source::Partner, format!("{}.", answer.name()));
        self.turned.push(Turned::Question(Exchange { question, answer }));
        self.effect(None, Next::Ask(Seat::Agent))
    }

    fn judged(&mut self, guess: String, reply: &str) -> WorldOutput {
        let right = match Judged::read(reply) {
            Ok(right) => right,
            Err(why) => return unreadable(&why),
        };
        self.tell(Source::Partner, if right { "Yes, that is it." } else { "No, that is not it." }.to_owned());
        self.turned.push(Turned::Guess { guess, right });
        self.effect(None, if right { Next::Over } else { Next::Ask(Seat::Agent) })
    }

    fn did_not_count(&mut self, slip: Slip, why: String) -> WorldOutput {
        let how = match self.tools {
            Tools::Prose => "Ask with [action], guess with [answer].",
            Tools::Template => "Ask by calling action, guess by calling answer.",
        };
        self.tell(Source::World, format!("That does not count: {why}. {how}"));
        self.turned.push(Turned::Malformed(slip));
        self.effect(Some(why), Next::Ask(Seat::Agent))
    }

    fn effect(&mut self, malformed: Option<String>, next: Next) -> WorldOutput {
        self.over = next == Next::Over;
        let last = (self.turned.len() - 1) as u32;
        let rewards = self.rewards().into_iter().filter(|reward| reward.scope == Scope::Turn(last)).collect();
        WorldOutput::Effect(Effect { malformed, rewards, journal: Vec::new(), next })
    }

    /// What the right guess earned, at its turn; the talk ends with it, so there is at most one.
    #[must_use]
    pub fn rewards(&self) -> Vec<Reward> {
        let reward = |(turn, turned): (u32, &Turned)| match turned {
            Turned::Guess { guess, right: true } => Some(Reward {
                seat: Seat::Agent,
                name: "guessed".to_owned(),
                kind: RewardKind::Outcome,
                scope: Scope::Turn(turn),
                value: 1.0,
                weight: self.weight,
                evidence: format!("guessed `{}`", reply::excerpt(guess)),
            }),
            Turned::Guess { .. } | Turned::Question(_) | Turned::Malformed(_) | Turned::Finish => None,
        };
        (0..).zip(&self.turned).filter_map(reward).collect()
    }

    /// What the user is told of its part before a query. Upstream shows it no more of the talk either.
    fn reminder(&self, part: &str, said: &str) -> Vec<Message> {
        let brief = format!("You are thinking of: {}. {part}", self.item().target);
        vec![Message { from: Source::Brief, text: brief }, Message { from: Source::Partner, text: said.to_owned() }]
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
        let view = crate::View::Telepathy(View::User(asked));
        WorldOutput::Query(Addressee::User, id, Query { messages, view, spoken })
    }

    fn tell(&mut self, from: Source, text: String) {
        self.inbox.push(Message { from, text });
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.asked;
        self.asked += 1;
        let guesses = self.turned.iter().filter_map(|turned| match turned {
            Turned::Guess { guess, .. } => Some(guess.clone()),
            Turned::Question(_) | Turned::Malformed(_) | Turned::Finish => None,
        });
        let view = AgentView {
            library: Arc::clone(&self.rules.library),
            description: self.item().description.clone(),
            exchanges: self.exchanges().cloned().collect(),
            guesses: guesses.collect(),
            turns_left: self.turns_max.saturating_sub(turn),
        };
        let messages = std::mem::take(&mut self.inbox);
        Observation { seat, turn, messages, view: crate::View::Telepathy(View::Agent(view)) }
    }

    // An act leads to one query of the user, its answer to the effect.
    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let waits = std::mem::replace(&mut self.waits, Waits::Nothing);
        let output = match (input, waits) {
            (_, Waits::Nothing) if self.over => WorldOutput::Fault(crate::World::confused("the talk is over")),
            (WorldInput::Act(_, act), Waits::Nothing) => self.acted(&act),
            (WorldInput::NoAct(_, why), Waits::Nothing) => self.did_not_count(Slip::Unread, why),
            (WorldInput::Answer(id, answer), Waits::Answer(awaited, question)) if id == awaited => {
                self.answered(question, &answer.reply)
            }
            (WorldInput::Answer(id, answer), Waits::Judgement(awaited, guess)) if id == awaited => {
                self.judged(guess, &answer.reply)
            }
            (_, Waits::Nothing) => WorldOutput::Fault(crate::World::confused("an answer that nobody asked for")),
            (_, Waits::Answer(..) | Waits::Judgement(..)) => {
                WorldOutput::Fault(crate::World::confused("something else than the answer that was asked for"))
            }
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict::verdict(self, case)
    }
}

fn unreadable(why: &str) -> WorldOutput {
    WorldOutput::Fault(Fault::new(Party::User, FaultKind::BadReply, why))
}
