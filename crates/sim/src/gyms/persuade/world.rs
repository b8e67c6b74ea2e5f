//! The talk: arguments, what the user says to them, and what it earns to move it.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Rules;
use super::stance::Stance;
use super::stance::move_reward;
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
use crate::gyms::reply;
use crate::scenario::Split;

/// Longest argument, in bytes: what is longer is not heard.
pub const BYTES_MAX: usize = 4000;
/// Longest reply that the agent hears, in characters; the rest is cut off.
pub const RESPONSE_CHARS_MAX: usize = 2000;

/// What the user says to an argument, and where it stands then: the answer to [`Asked`], as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// What it says aloud.
    pub response: String,
    /// One of the seven stances, by name.
    pub stance: String,
}

impl Reaction {
    /// As the world reads it.
    ///
    /// # Panics
    /// Never: two strings can be written.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("two strings can be written")
    }

    /// What is said, and the stance.
    ///
    /// # Errors
    /// What is wrong with the reply. Upstream takes a stance that it does not know for no move, and pays nothing for the next one either.
    pub fn read(reply: &str) -> Result<(String, Stance), String> {
        let Reaction { response, stance } = reply::read(reply)?;
        let response: String = response.trim().chars().take(RESPONSE_CHARS_MAX).collect();
        if response.is_empty() {
            return Err("nothing is said".to_owned());
        }
        match Stance::named(&stance) {
            Some(stance) => Ok((response, stance)),
            None => Err(format!("`{}` is no stance", reply::excerpt(&stance))),
        }
    }
}

/// What one turn of the agent was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Turned {
    /// Nothing that could be put to the user.
    Malformed(Slip),
    /// An argument.
    Argument {
        /// What was said on both sides.
        exchange: Exchange,
        /// Where the user stood after it.
        stance: Stance,
        /// What it earned, in [0, 1].
        reward: f64,
    },
    /// The agent ended the talk.
    Finish,
}

/// The state of one talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    rules: Rules,
    split: Split,
    item: u32,
    tools: Tools,
    /// What [`Reward::weight`] a move has.
    weight: f64,
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
    Reaction(QueryId, String),
}

impl World {
    /// The claim, before any argument.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools) -> World {
        let claim = rules.library.item(split, item).claim.clone();
        let mut world = World {
            rules,
            split,
            item,
            tools,
            weight: scenario.weight(Seat::Agent, "moved").unwrap_or(0.0),
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
                "The user believes something. Change its mind, in {turns_max} turns. Each turn is one argument against it, [answer] ARGUMENT. Listen to what worries the user. [finish] ends the talk."
            ),
            Tools::Template => format!(
                "The user believes something. Change its mind, in {turns_max} turns. Each turn is one argument against it. Listen to what worries the user."
            ),
        };
        world.tell(Source::Brief, brief);
        world.tell(Source::Partner, format!("I strongly agree with this: {claim}"));
        world
    }

    /// The claim, and why it is believed.
    #[must_use]
    pub fn item(&self) -> &Arc<Item> {
        self.rules.library.item(self.split, self.item)
    }

    /// Where the user stood after each argument, oldest first.
    pub fn stances(&self) -> impl Iterator<Item = Stance> + '_ {
        self.turned.iter().filter_map(|turn| match turn {
            Turned::Argument { stance, .. } => Some(*stance),
            Turned::Malformed(_) | Turned::Finish => None,
        })
    }

    /// The stance farthest from the claim so far.
    #[must_use]
    pub fn best(&self) -> Stance {
        self.stances().max().unwrap_or(Stance::StronglyAgree)
    }

    /// What was said so far, oldest first.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.turned.iter().filter_map(|turn| match turn {
            Turned::Argument { exchange, .. } => Some(exchange),
            Turned::Malformed(_) | Turned::Finish => None,
        })
    }

    // Whatever is said is an argument, as upstream has it.
    fn acted(&mut self, act: &Act) -> WorldOutput {
        match Op::of(act) {
            Op::Finish => {
                self.turned.push(Turned::Finish);
                self.effect(None, Next::Over)
            }
            Op::Answer(argument) | Op::Action(argument) | Op::Search(argument) | Op::Plain(argument) => {
                match Slip::check(&argument, BYTES_MAX) {
                    Ok(()) => self.ask(argument),
                    Err((slip, why)) => self.did_not_count(slip, why),
                }
            }
        }
    }

    /// One query for both, as upstream makes one call: the stance is not said aloud, so the answer is not either.
    fn ask(&mut self, argument: String) -> WorldOutput {
        let id = QueryId(self.queries);
        self.queries += 1;
        let asked = Asked {
            item: Arc::clone(self.item()),
            stance: self.stances().last().unwrap_or(Stance::StronglyAgree),
            earlier: self.exchanges().map(|exchange| exchange.argument.clone()).collect(),
            argument: argument.clone(),
        };
        let messages = self.reminder(asked.stance, &argument);
        self.waits = Waits::Reaction(id, argument);
        let view = crate::View::Persuade(View::User(asked));
        WorldOutput::Query(Addressee::User, id, Query { messages, view, spoken: false })
    }

    /// What the user is told of its part, and the whole talk.
    fn reminder(&self, stance: Stance, argument: &str) -> Vec<Message> {
        let names: Vec<&str> = Stance::ALL.iter().map(|(name, _)| *name).collect();
        let example = Reaction { response: "…".to_owned(), stance: stance.name().to_owned() }.to_json();
        let brief = format!(
            "You believe: {}\nBecause: {}\nSomebody argues against it. Say what you think of the last argument, to its face, critically and in a few sentences; change your stance only if it is good. You stand at {}; the stances are {}. Answer with JSON like {example}",
            self.item().claim,
            self.item().argument,
            stance.name(),
            names.join(", ")
        );
        let mut messages = vec![Message { from: Source::Brief, text: brief }];
        for Exchange { argument, reply } in self.exchanges() {
            let text = format!("You heard: {argument} You said: {reply}");
            messages.push(Message { from: Source::World, text });
        }
        messages.push(Message { from: Source::Partner, text: argument.to_owned() });
        messages
    }

    fn reacted(&mut self, argument: String, reply: &str) -> WorldOutput {
        let (response, stance) = match Reaction::read(reply) {
            Ok(reaction) => reaction,
            Err(why) => return WorldOutput::Fault(Fault::new(Party::User, FaultKind::BadReply, why)),
        };
        let reward = move_reward(self.best(), stance);
        self.tell(Source::Partner, response.clone());
        self.turned.push(Turned::Argument { exchange: Exchange { argument, reply: response }, stance, reward });
        let is_over = stance == Stance::StronglyDisagree;
        self.effect(None, if is_over { Next::Over } else { Next::Ask(Seat::Agent) })
    }

    fn did_not_count(&mut self, slip: Slip, why: String) -> WorldOutput {
        let how = match self.tools {
            Tools::Prose => "Argue with [answer].",
            Tools::Template => "Argue by calling answer.",
        };
        self.tell(Source::World, format!("That does not count: {why}. {how}"));
        self.turned.push(Turned::Malformed(slip));
        self.effect(Some(why), Next::Ask(Seat::Agent))
    }

    fn effect(&mut self, malformed: Option<String>, next: Next) -> WorldOutput {
        self.over = next == Next::Over;
        let last = (self.turned.len() - 1) as u32;
        let rewards = self.rewards().into_iter().filter(|reward| reward.scope == Scope::Turn(last)).collect();
        let journal = match self.turned.last() {
            Some(Turned::Argument { stance, .. }) => vec![format!("stance: {}", stance.name())],
            Some(Turned::Malformed(_) | Turned::Finish) | None => Vec::new(),
        };
        WorldOutput::Effect(Effect { malformed, rewards, journal, next })
    }

    /// What each argument earned, by turn; those that did not move the user farther than ever give no reward.
    #[must_use]
    pub fn rewards(&self) -> Vec<Reward> {
        let reward = |(turn, turned): (u32, &Turned)| match turned {
            Turned::Argument { stance, reward, .. } if *reward > 0.0 => Some(Reward {
                seat: Seat::Agent,
                name: "moved".to_owned(),
                kind: RewardKind::Outcome,
                scope: Scope::Turn(turn),
                value: *reward,
                weight: self.weight,
                evidence: format!("to {}", stance.name()),
            }),
            Turned::Argument { .. } | Turned::Malformed(_) | Turned::Finish => None,
        };
        (0..).zip(&self.turned).filter_map(reward).collect()
    }

    fn tell(&mut self, from: Source, text: String) {
        self.inbox.push(Message { from, text });
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.asked;
        self.asked += 1;
        let view = AgentView {
            library: Arc::clone(&self.rules.library),
            claim: self.item().claim.clone(),
            exchanges: self.exchanges().cloned().collect(),
        };
        let messages = std::mem::take(&mut self.inbox);
        Observation { seat, turn, messages, view: crate::View::Persuade(View::Agent(view)) }
    }

    // An act leads to one query of the user, its answer to the effect.
    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let waits = std::mem::replace(&mut self.waits, Waits::Nothing);
        let output = match (input, waits) {
            (_, Waits::Nothing) if self.over => WorldOutput::Fault(crate::World::confused("the talk is over")),
            (WorldInput::Act(_, act), Waits::Nothing) => self.acted(&act),
            (WorldInput::NoAct(_, why), Waits::Nothing) => self.did_not_count(Slip::Unread, why),
            (WorldInput::Answer(id, answer), Waits::Reaction(awaited, argument)) if id == awaited => {
                self.reacted(argument, &answer.reply)
            }
            (_, Waits::Nothing) => WorldOutput::Fault(crate::World::confused("an answer that nobody asked for")),
            (_, Waits::Reaction(..)) => {
                WorldOutput::Fault(crate::World::confused("something else than the answer that was asked for"))
            }
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict::verdict(self, case)
    }
}
