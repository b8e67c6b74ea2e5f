//! The talk: searches, questions, choices, and what they earn (spec userrl §2.7, the semantics of training and evaluation).

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Aspect;
use super::Item;
use super::Rules;
use super::Wish;
use super::query;
use super::query::Aligned;
use super::query::Alignment;
use super::query::Intent;
use super::query::Kind;
use super::verdict;
use super::view::AgentView;
use super::view::Asked;
use super::view::Exchange;
use super::view::Listing;
use super::view::Need;
use super::view::View;
use crate::Act;
use crate::Address;
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
use crate::draws::Stream;
use crate::gyms::GymWorld;
use crate::gyms::Op;
use crate::scenario::Split;

/// Longest search, question or answer, in bytes: what is longer does not count.
pub const BYTES_MAX: usize = 2000;

/// What the agent hears where the user is not asked for words of its own.
const NOTHING_TO_TELL: &str = "The user has no wish about that, or has told it.";
const TOO_GENERAL: &str = "That is too general for the user: ask about one thing.";

/// What one turn of the agent was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Move {
    /// It looked for options.
    Search(Found),
    /// It said something to the user.
    Question {
        /// What it was taken for.
        kind: Kind,
        /// The wish that was told, by its number; `None` if none was.
        told: Option<u32>,
    },
    /// It chose options.
    Choice(Vec<Chosen>),
    /// It ended the talk.
    Finish,
    /// It did not count.
    Malformed(Slip),
}

/// What a search led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// The simulated error of the search, each time its turn comes.
    Error,
    /// It says too little, something wrong, or is for several aspects.
    Incomplete,
    /// It is for nothing of the trip.
    Unrelated,
    /// The options of an aspect, for the first time.
    Listed(Aspect),
    /// The same once more.
    Again(Aspect),
}

/// One option that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Of which aspect.
    pub aspect: Aspect,
    /// Its number, if it has one that fits.
    pub number: Option<u8>,
    /// How good it is.
    pub worth: Worth,
    /// What it earns on its own.
    pub reward: f64,
}

/// How good an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Worth {
    /// It meets all wishes, and none that does is cheaper.
    Best,
    /// It meets all wishes.
    Correct,
    /// It misses a wish.
    Wrong,
    /// There is no such option.
    Nonexistent,
}

/// Why a turn did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slip {
    /// No operation was named.
    Form,
    /// Nothing was said, or too much.
    Content,
    /// The answer names no options, or one of an aspect that the trip does not need.
    Choice,
    /// There was a choice for this aspect already.
    Again,
}

impl Slip {
    /// What the agent is told.
    fn feedback(self, tools: Tools) -> &'static str {
        match (self, tools) {
            (Slip::Form, Tools::Prose) => "Say [search], [action], [answer] or [finish] first.",
            (Slip::Form, Tools::Template) => "Call search, action, answer or finish.",
            (Slip::Content, _) => "Say something, and no more than a few sentences.",
            (Slip::Choice, Tools::Prose) => "Answer with an option of this trip, as in [answer] F3",
            (Slip::Choice, Tools::Template) => "Answer with an option of this trip, as in F3",
            (Slip::Again, _) => "An option for that was chosen already: the first choice counts.",
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
    turns_max: u32,
    /// What [`Reward::weight`] the rewards of each term have: searched, elicited, chosen.
    weights: [f64; 3],
    /// What each of the agent's turns was.
    pub moves: Vec<Move>,
    /// What was said to the user, with the replies, oldest first.
    pub exchanges: Vec<Exchange>,
    /// In which order the user brings up wishes by itself.
    order: Vec<u32>,
    searches: u32,
    /// Things said since a wish was told last, that were about none.
    idle: u32,
    waits: Waits,
    queries: u32,
    turns: u32,
    inbox: Vec<Message>,
}

/// Which answer is awaited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Waits {
    Nothing,
    Alignment(QueryId),
    Intent(QueryId, String),
    Reply(QueryId, String, Kind, Option<u32>),
}

impl World {
    /// The request, before anything was done.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools, address: Address) -> World {
        let weight = |name| scenario.weight(Seat::Agent, name).unwrap_or(0.0);
        let wishes = rules.library.item(split, item).wishes().len();
        let mut order: Vec<u32> = (0..wishes as u32).collect();
        address.draws(Stream::World).shuffle(&mut order);
        let mut world = World {
            rules,
            split,
            item,
            tools,
            turns_max: scenario.turns_max,
            weights: ["searched", "elicited", "chosen"].map(weight),
            moves: Vec::new(),
            exchanges: Vec::new(),
            order,
            searches: 0,
            idle: 0,
            waits: Waits::Nothing,
            queries: 0,
            turns: 0,
            inbox: Vec::new(),
        };
        world.tell(Source::Brief, brief(scenario.turns_max, tools));
        world.tell(Source::Partner, world.item().request());
        world
    }

    /// The trip.
    #[must_use]
    pub fn item(&self) -> &Arc<Item> {
        self.rules.library.item(self.split, self.item)
    }

    /// The choices, in the order in which they were made.
    pub fn choices(&self) -> impl Iterator<Item = &Chosen> {
        self.moves.iter().flat_map(|made| match made {
            Move::Choice(chosen) => chosen.as_slice(),
            Move::Search(_) | Move::Question { .. } | Move::Finish | Move::Malformed(_) => &[],
        })
    }

    /// The aspects whose options were listed.
    #[must_use]
    pub fn listed(&self) -> Vec<Aspect> {
        let listed = |made: &Move| match made {
            Move::Search(Found::Listed(aspect)) => Some(*aspect),
            _ => None,
        };
        self.moves.iter().filter_map(listed).collect()
    }

    /// The wishes that may still be told: neither told before, nor of an aspect for which an option was chosen.
    #[must_use]
    pub fn untold(&self) -> Vec<(u32, Wish)> {
        let told = |number: u32| {
            self.moves.iter().any(|made| matches!(made, Move::Question { told: Some(told), .. } if *told == number))
        };
        let settled = |aspect: Aspect| self.choices().any(|chosen| chosen.aspect == aspect);
        let wishes = (0..).zip(self.item().wishes());
        wishes.filter(|(number, wish)| !told(*number) && !settled(wish.aspect)).collect()
    }

    /// Whether an act has ended the talk.
    fn is_over(&self) -> bool {
        let needed = self.item().components.iter().map(|component| component.aspect);
        let is_settled = |aspect: Aspect| {
            self.choices().any(|chosen| {
                chosen.aspect == aspect && (self.rules.one_choice_per_aspect || chosen.worth == Worth::Best)
            })
        };
        self.moves.last() == Some(&Move::Finish) || needed.into_iter().all(is_settled)
    }

    fn needs(&self) -> Vec<Need> {
        let item = self.item();
        let need = |aspect| Need { aspect, arguments: item.trip.arguments(aspect) };
        item.components.iter().map(|component| need(component.aspect)).collect()
    }

    fn acted(&mut self, act: &Act) -> WorldOutput {
        let (op, content) = match Op::of(act) {
            Op::Finish => return self.take(Move::Finish, None),
            Op::Plain(_) => return self.take(Move::Malformed(Slip::Form), None),
            Op::Search(content) => (World::search as fn(&mut World, String) -> WorldOutput, content),
            Op::Action(content) => (World::question as fn(&mut World, String) -> WorldOutput, content),
            Op::Answer(content) => (World::choose as fn(&mut World, String) -> WorldOutput, content),
        };
        if content.is_empty() || content.len() > BYTES_MAX {
            return self.take(Move::Malformed(Slip::Content), None);
        }
        op(self, content)
    }

    fn search(&mut self, request: String) -> WorldOutput {
        self.searches += 1;
        let interval = self.rules.search_failure_interval;
        if interval > 0 && self.searches.is_multiple_of(interval) {
            self.tell(Source::World, "The search does not answer right now. Try again.".to_owned());
            return self.take(Move::Search(Found::Error), None);
        }
        let needs = self.needs();
        let messages = query::ask_search(&needs, &request);
        self.query(messages, Asked::Search { needs, request }, false, Waits::Alignment)
    }

    fn aligned(&mut self, answer: &Answer) -> WorldOutput {
        let aligned = match Alignment::read(&answer.reply, &self.needs()) {
            Ok(aligned) => aligned,
            Err(why) => return unreadable(&why),
        };
        let found = match (aligned.alignment, aligned.aspect) {
            (Aligned::Unrelated, _) => Found::Unrelated,
            (Aligned::Complete, Some(aspect)) if self.listed().contains(&aspect) => Found::Again(aspect),
            (Aligned::Complete, Some(aspect)) => Found::Listed(aspect),
            (Aligned::Incomplete, _) | (Aligned::Complete, None) => Found::Incomplete,
        };
        let text = match found {
            Found::Error | Found::Incomplete => {
                "Refine the search: one aspect at a time, with all details of the request.".to_owned()
            }
            Found::Unrelated => "That has nothing to do with the trip.".to_owned(),
            Found::Again(aspect) => format!("You have the options for the {} already.", aspect.spoken()),
            Found::Listed(aspect) => self.list(aspect),
        };
        self.tell(Source::World, text);
        self.take(Move::Search(found), None)
    }

    /// The options of an aspect, a line each.
    fn list(&self, aspect: Aspect) -> String {
        let item = self.item();
        let offers = item.component(aspect).map(|component| component.offers.as_slice()).unwrap_or_default();
        let lines: Vec<String> = offers.iter().map(|offer| offer.line(aspect, &item.trip)).collect();
        format!("Options for the {}, costs in dollars:\n{}", aspect.spoken(), lines.join("\n"))
    }

    fn question(&mut self, said: String) -> WorldOutput {
        let untold = self.untold();
        let messages = query::ask_question(&self.item().request(), &self.exchanges, &untold, &said);
        let aspects = self.item().components.iter().map(|component| component.aspect).collect();
        let asked = Asked::Question { aspects, untold, said: said.clone() };
        self.query(messages, asked, false, |id| Waits::Intent(id, said))
    }

    fn understood(&mut self, said: String, answer: &Answer) -> WorldOutput {
        let untold = self.untold();
        let numbers: Vec<u32> = untold.iter().map(|(number, _)| *number).collect();
        let (kind, hit) = match Intent::read(&answer.reply, &numbers) {
            Ok(read) => read,
            Err(why) => return unreadable(&why),
        };
        // The user has waited long enough, and brings up something by itself. (Upstream's own code for it always fails.)
        let interval = self.rules.elicitation_interval;
        let is_patient = interval == 0 || self.idle < interval;
        let brought_up = self.order.iter().copied().find(|number| numbers.contains(number)).filter(|_| !is_patient);
        let tell = hit.or(brought_up);
        if tell.is_none() && matches!(kind, Kind::Miss | Kind::Vague) {
            let text = if kind == Kind::Miss { NOTHING_TO_TELL } else { TOO_GENERAL };
            return self.replied(said, kind, None, Source::World, text.to_owned());
        }
        let wish = tell.and_then(|number| untold.iter().find(|(other, _)| *other == number)).map(|(_, wish)| *wish);
        let messages = query::ask_reply(&self.item().request(), &self.exchanges, wish, hit.is_some(), &said);
        let asked = Asked::Reply { said: said.clone(), tell: wish, asked: hit.is_some() };
        self.query(messages, asked, true, |id| Waits::Reply(id, said, kind, tell))
    }

    fn replied(&mut self, said: String, kind: Kind, told: Option<u32>, from: Source, reply: String) -> WorldOutput {
        let reply = reply.trim().to_owned();
        if reply.is_empty() {
            return unreadable("the reply is empty");
        }
        self.idle = if told.is_some() { 0 } else { self.idle + 1 };
        self.tell(from, reply.clone());
        self.exchanges.push(Exchange { said, reply });
        self.take(Move::Question { kind, told }, None)
    }

    /// All options of an answer are looked at before any of them counts.
    fn choose(&mut self, content: String) -> WorldOutput {
        let mut chosen: Vec<Chosen> = Vec::new();
        for id in content.split(',') {
            let Some((aspect, number)) =
                option(id.trim()).filter(|(aspect, _)| self.item().component(*aspect).is_some())
            else {
                return self.take(Move::Malformed(Slip::Choice), None);
            };
            let known = self.choices().chain(&chosen).any(|other| other.aspect == aspect);
            if known && self.rules.one_choice_per_aspect {
                return self.take(Move::Malformed(Slip::Again), None);
            }
            let same = |other: &Chosen| other.aspect == aspect && other.number == number;
            let repeated = self.choices().chain(&chosen).any(same);
            chosen.push(self.worth(aspect, number, repeated));
        }
        let told: Vec<String> = chosen.iter().map(feedback).collect();
        self.tell(Source::World, told.join(" "));
        self.take(Move::Choice(chosen), None)
    }

    /// How good an option is; one that was chosen before earns nothing again.
    fn worth(&self, aspect: Aspect, number: Option<u8>, repeated: bool) -> Chosen {
        let component = self.item().component(aspect).expect("the aspect was looked up before");
        let there = number.filter(|number| component.offers.iter().any(|offer| offer.number == *number));
        let rank = there.and_then(|number| component.correct.iter().position(|correct| *correct == number));
        let (worth, earned) = match (there, rank) {
            (_, Some(0)) => (Worth::Best, self.rules.choice_best_reward),
            (_, Some(_)) => (Worth::Correct, self.rules.choice_correct_reward),
            (Some(_), None) => (Worth::Wrong, -self.rules.wrong_choice_penalty),
            (None, None) => (Worth::Nonexistent, -self.rules.wrong_choice_penalty),
        };
        Chosen { aspect, number, worth, reward: if repeated { f64::min(earned, 0.0) } else { earned } }
    }

    fn take(&mut self, made: Move, why: Option<String>) -> WorldOutput {
        let malformed = match &made {
            Move::Malformed(slip) => {
                self.tell(Source::World, slip.feedback(self.tools).to_owned());
                Some(why.unwrap_or_else(|| slip.feedback(self.tools).to_owned()))
            }
            Move::Search(_) | Move::Question { .. } | Move::Choice(_) | Move::Finish => None,
        };
        self.moves.push(made);
        let last = (self.moves.len() - 1) as u32;
        let rewards = self.rewards().into_iter().filter(|reward| reward.scope == Scope::Turn(last)).collect();
        let next = if self.is_over() { Next::Over } else { Next::Ask(Seat::Agent) };
        WorldOutput::Effect(Effect { malformed, rewards, journal: self.journal(), next })
    }

    /// What the last turn changed that the agent is not told.
    fn journal(&self) -> Vec<String> {
        let wishes = self.item().wishes();
        match self.moves.last() {
            Some(Move::Question { kind, told: Some(number) }) => {
                let wish = wishes[*number as usize];
                let how = if *kind == Kind::Hit { "asked for" } else { "brought up" };
                vec![format!("{how}: {} of the {}: {}", wish.topic().name, wish.aspect.spoken(), wish.value().wish)]
            }
            _ => Vec::new(),
        }
    }

    /// What each turn earned; turns that earned nothing give no reward.
    #[must_use]
    pub fn rewards(&self) -> Vec<Reward> {
        let reward = |(turn, made): (u32, &Move)| {
            let (term, name, value, evidence) = match made {
                Move::Search(Found::Listed(aspect)) => (
                    0,
                    "searched",
                    self.rules.search_correct_reward,
                    format!("the options for the {}", aspect.spoken()),
                ),
                Move::Question { kind: Kind::Hit, told: Some(number) } => {
                    (1, "elicited", self.rules.preference_correct_reward, query::id(*number))
                }
                Move::Choice(chosen) => (2, "chosen", self.choice_reward(chosen), evidence(chosen)),
                Move::Search(_) | Move::Question { .. } | Move::Finish | Move::Malformed(_) => return None,
            };
            (value > 0.0).then(|| Reward {
                seat: Seat::Agent,
                name: name.to_owned(),
                kind: RewardKind::Outcome,
                scope: Scope::Turn(turn),
                value,
                weight: self.weights[term],
                evidence,
            })
        };
        (0..).zip(&self.moves).filter_map(reward).collect()
    }

    /// What an answer earns: never less than nothing, and never more than one best option (spec userrl §2.7; upstream caps nothing where
    /// it trains).
    fn choice_reward(&self, chosen: &[Chosen]) -> f64 {
        chosen.iter().map(|chosen| chosen.reward).sum::<f64>().clamp(0.0, self.rules.choice_best_reward)
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
        WorldOutput::Query(
            Addressee::User,
            id,
            Query { messages, view: crate::View::Travel(View::User(asked)), spoken },
        )
    }

    fn tell(&mut self, from: Source, text: String) {
        self.inbox.push(Message { from, text });
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.turns;
        self.turns += 1;
        let listed = self.listed();
        let components = self.item().components.iter().filter(|component| listed.contains(&component.aspect));
        let listing =
            |component: &super::Component| Listing { aspect: component.aspect, offers: Arc::clone(&component.offers) };
        let view = AgentView {
            needs: self.needs(),
            listings: components.map(listing).collect(),
            exchanges: self.exchanges.clone(),
            chosen: self.choices().map(|chosen| chosen.aspect).collect(),
            turns_max: self.turns_max,
        };
        let messages = std::mem::take(&mut self.inbox);
        Observation { seat, turn, messages, view: crate::View::Travel(View::Agent(view)) }
    }

    // A search leads to one query of the user, talk to one or two, an answer to none.
    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let confused = |what: &str| WorldOutput::Fault(crate::World::confused(what));
        let waits = std::mem::replace(&mut self.waits, Waits::Nothing);
        let output = match (input, waits) {
            _ if self.is_over() => confused("something after the end"),
            (WorldInput::Act(Seat::Agent, act), Waits::Nothing) => self.acted(&act),
            (WorldInput::NoAct(Seat::Agent, why), Waits::Nothing) => self.take(Move::Malformed(Slip::Form), Some(why)),
            (WorldInput::Answer(id, answer), Waits::Alignment(awaited)) if id == awaited => self.aligned(&answer),
            (WorldInput::Answer(id, answer), Waits::Intent(awaited, said)) if id == awaited => {
                self.understood(said, &answer)
            }
            (WorldInput::Answer(id, answer), Waits::Reply(awaited, said, kind, told)) if id == awaited => {
                self.replied(said, kind, told, Source::Partner, answer.reply)
            }
            (WorldInput::Act(Seat::User, _) | WorldInput::NoAct(Seat::User, _), _) => {
                confused("a turn of the user, who has none")
            }
            (_, Waits::Nothing) => confused("an answer that nobody asked for"),
            (_, Waits::Alignment(_) | Waits::Intent(..) | Waits::Reply(..)) => {
                confused("something else than the answer that was asked for")
            }
        };
        vec![output]
    }

    fn verdict(&self, case: &Case) -> Verdict {
        verdict(self, case)
    }
}

/// An option's id: a letter, and digits. The number is `None` if it is beyond all numbers.
fn option(id: &str) -> Option<(Aspect, Option<u8>)> {
    let aspect = Aspect::ALL.into_iter().find(|aspect| id.starts_with(aspect.letter()))?;
    let digits = &id[1..];
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| (aspect, digits.parse().ok()))
}

fn feedback(chosen: &Chosen) -> String {
    let what = match chosen.worth {
        Worth::Best => "is the best there is",
        Worth::Correct => "suits me, but there is a cheaper one that does",
        Worth::Wrong | Worth::Nonexistent => "does not suit me",
    };
    format!("Your choice for the {} {what}.", chosen.aspect.spoken())
}

fn evidence(chosen: &[Chosen]) -> String {
    let each = chosen.iter().map(|chosen| format!("{}: {:?}", chosen.aspect.name(), chosen.worth));
    each.collect::<Vec<_>>().join(", ")
}

/// What the agent has to know, in few words: small models read it.
fn brief(turns_max: u32, tools: Tools) -> String {
    let acts = match tools {
        Tools::Prose => {
            "[search] a flight from A to B on a date lists options: one thing at a time, with all details.\n[action] asks the user one \
             concrete question, such as which seat for the flight.\n[answer] F3 chooses an option; the first choice for each thing \
             counts.\n[finish] ends.\n"
        }
        Tools::Template => "",
    };
    format!(
        "Plan the user's trip. The user has wishes, and tells them only when asked, in a roundabout way. For each thing it needs choose the \
         cheapest option that meets all wishes.\n{acts}You have {turns_max} turns."
    )
}

fn unreadable(why: &str) -> WorldOutput {
    WorldOutput::Fault(Fault::new(Party::User, FaultKind::BadReply, why))
}
