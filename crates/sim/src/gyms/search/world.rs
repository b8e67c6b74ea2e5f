//! Searches, answers, what they earn.

use serde::Deserialize;
use serde::Serialize;

use super::Document;
use super::Found;
use super::Item;
use super::Judge;
use super::Rules;
use super::answer;
use super::verdict;
use super::view::AgentView;
use super::view::Asked;
use super::view::Lookup;
use super::view::Searched;
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

/// Longest query or answer, in bytes.
pub const CONTENT_BYTES_MAX: usize = 500;

/// Whether an answer means the same as the right one: the reply to [`Asked`], as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Whether it does.
    pub correct: bool,
}

impl Judgement {
    /// As the world reads it.
    #[must_use]
    pub fn to_json(self) -> String {
        format!("{{\"correct\": {}}}", self.correct)
    }
}

/// What one turn of the agent was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Neither a search nor an answer.
    Malformed,
    /// A search, with what it showed.
    Search(String, Found),
    /// A search beyond those that are allowed.
    Refused,
    /// An answer, and whether it was right.
    Answer(String, bool),
    /// The agent gave up.
    Finish,
}

/// What the world has asked somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Awaited {
    /// Whether this answer is right.
    Judgement(String),
    /// What there is for these words.
    Found(String),
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
    pub deeds: Vec<Deed>,
    /// What is awaited before the turn takes effect.
    waits: Option<(QueryId, Awaited)>,
    queries: u32,
    turns: u32,
    inbox: Vec<Message>,
}

impl World {
    /// The question, before any search.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools) -> World {
        let weight = scenario.weight(Seat::Agent, "correct").unwrap_or(0.0);
        let mut world = World {
            rules,
            split,
            item,
            tools,
            weight,
            deeds: Vec::new(),
            waits: None,
            queries: 0,
            turns: 0,
            inbox: Vec::new(),
        };
        world.tell(Source::Brief, world.brief(scenario.turns_max));
        world.tell(Source::Partner, world.item().question.clone());
        world
    }

    /// The question with its answer.
    #[must_use]
    pub fn item(&self) -> &Item {
        self.rules.library.item(self.split, self.item)
    }

    /// Whether the question was answered.
    #[must_use]
    pub fn is_solved(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed, Deed::Answer(_, true)))
    }

    /// The documents that were shown, each once a search.
    pub fn shown(&self) -> impl Iterator<Item = &Document> {
        let found = self.deeds.iter().filter_map(|deed| match deed {
            Deed::Search(_, found) => Some(found),
            Deed::Malformed | Deed::Refused | Deed::Answer(..) | Deed::Finish => None,
        });
        found.flat_map(|found| found.documents(self.rules.library.corpus()))
    }

    fn brief(&self, turns_max: u32) -> String {
        let Rules { search_steps_max, answers_max, .. } = self.rules;
        let answers = if answers_max == 1 { "one answer is" } else { &format!("{answers_max} answers are") };
        match (self.rules.can_search(), self.tools) {
            (false, Tools::Prose) => format!(
                "Answer the user's question from what you know: [answer] NAME, only the answer itself ({answers} heard). \
                 You have {turns_max} turns."
            ),
            (false, Tools::Template) => {
                format!("Answer the user's question from what you know ({answers} heard). You have {turns_max} turns.")
            }
            (true, Tools::Prose) => format!(
                "Answer the user's question. Look things up first: [search] WORDS shows pages ({search_steps_max} searches). \
                 Then [answer] NAME, only the answer itself ({answers} heard). You have {turns_max} turns."
            ),
            (true, Tools::Template) => format!(
                "Answer the user's question. Look things up first ({search_steps_max} searches). Then answer ({answers} heard). \
                 You have {turns_max} turns."
            ),
        }
    }

    fn is_over(&self) -> bool {
        self.deeds.last() == Some(&Deed::Finish) || self.is_solved() || self.answers() >= self.rules.answers_max
    }

    fn acted(&mut self, act: &Act) -> WorldOutput {
        match Op::of(act) {
            Op::Finish => {
                self.deeds.push(Deed::Finish);
                self.effect(None, vec![format!("gave up; the answer was {}", self.item().answer)], Next::Over)
            }
            Op::Search(content) | Op::Answer(content) if content.len() > CONTENT_BYTES_MAX => {
                self.did_not_count(format!("a search or an answer has at most {CONTENT_BYTES_MAX} bytes"))
            }
            Op::Search(query) if query.is_empty() => self.did_not_count("there is nothing to search for".to_owned()),
            Op::Search(query) => self.search(query),
            Op::Answer(given) if answer::is_empty(&given) => self.did_not_count("there is no answer in it".to_owned()),
            Op::Answer(given) => self.answer(given),
            Op::Action(_) | Op::Plain(_) => {
                let how = match self.tools {
                    Tools::Prose => "write [search] WORDS or [answer] NAME",
                    Tools::Template => "search or answer",
                };
                self.did_not_count(format!("{how}; nobody is here to talk to"))
            }
        }
    }

    fn search(&mut self, query: String) -> WorldOutput {
        if self.searches() >= self.rules.search_steps_max {
            self.deeds.push(Deed::Refused);
            self.tell(Source::World, "No searches are left. Answer.".to_owned());
            return self.effect(None, vec!["no searches were left".to_owned()], Next::Ask(Seat::Agent));
        }
        if self.rules.engine.is_some() {
            return self.look_up(query);
        }
        let found = self.rules.library.corpus().search(&query, self.rules.results_max as usize);
        self.searched(query, Found::Pages(found))
    }

    /// Asks the environment's seat; nothing but the agent's words leaves the world.
    fn look_up(&mut self, query: String) -> WorldOutput {
        let messages = vec![Message { from: Source::World, text: query.clone() }];
        let lookup = Lookup { query: query.clone(), results_max: self.rules.results_max };
        let view = crate::View::Search(View::Environment(lookup));
        let id = self.wait_for(Awaited::Found(query));
        WorldOutput::Query(Addressee::Environment, id, Query { messages, view, spoken: false })
    }

    fn wait_for(&mut self, awaited: Awaited) -> QueryId {
        let id = QueryId(self.queries);
        self.queries += 1;
        self.waits = Some((id, awaited));
        id
    }

    /// A reply that cannot be read is not one that has found nothing.
    fn looked_up(&mut self, query: String, reply: &Answer) -> WorldOutput {
        match Found::read(&reply.reply, self.rules.results_max as usize) {
            Ok(found) => self.searched(query, found),
            Err(why) => WorldOutput::Fault(Fault::new(Party::Environment, FaultKind::BadReply, why)),
        }
    }

    fn searched(&mut self, query: String, found: Found) -> WorldOutput {
        let shown = self.listed(&found);
        self.deeds.push(Deed::Search(query, found));
        self.tell(Source::World, shown);
        self.effect(None, Vec::new(), Next::Ask(Seat::Agent))
    }

    fn listed(&self, found: &Found) -> String {
        if found.is_empty() {
            return "Nothing was found.".to_owned();
        }
        let entry = |(number, document): (u32, Document)| format!("{number}. {}: {}", document.title, document.text);
        let snippets = found.snippets(self.rules.library.corpus());
        (1..).zip(snippets).map(entry).collect::<Vec<_>>().join("\n")
    }

    fn answer(&mut self, given: String) -> WorldOutput {
        let correct = answer::is_one_of(&given, self.item().answers());
        if correct || self.rules.judge == Judge::Exact {
            return self.answered(given, correct);
        }
        let Item { question, .. } = self.item();
        let (question, right) = (question.clone(), self.item().answers().map(str::to_owned).collect::<Vec<_>>());
        let part = "You know the right answer to a question, and judge an answer that somebody else gives to it.";
        let text = format!(
            "The question: {question}\nThe right answer: {}\nThe answer that was given: {given}\n\
             Does it mean the same as the right one, and nothing else beside it? Answer with JSON like {}",
            right.join(" or "),
            Judgement { correct: false }.to_json()
        );
        let messages =
            vec![Message { from: Source::Brief, text: part.to_owned() }, Message { from: Source::World, text }];
        let view = crate::View::Search(View::User(Asked { question, right, given: given.clone() }));
        let id = self.wait_for(Awaited::Judgement(given));
        WorldOutput::Query(Addressee::User, id, Query { messages, view, spoken: false })
    }

    fn judged(&mut self, given: String, reply: &Answer) -> WorldOutput {
        match serde_json::from_str(&reply.reply) {
            Ok(Judgement { correct }) => self.answered(given, correct),
            Err(error) => {
                let why = format!("not the JSON that was asked for: {error}");
                WorldOutput::Fault(Fault::new(Party::User, FaultKind::BadReply, why))
            }
        }
    }

    fn answered(&mut self, given: String, correct: bool) -> WorldOutput {
        self.deeds.push(Deed::Answer(given, correct));
        let left = self.rules.answers_max.saturating_sub(self.answers());
        let journal =
            vec![format!("{}; the answer is {}", if correct { "right" } else { "wrong" }, self.item().answer)];
        if correct || left == 0 {
            return self.effect(None, journal, Next::Over);
        }
        self.tell(Source::World, format!("That is not the answer. Answers left: {left}."));
        self.effect(None, journal, Next::Ask(Seat::Agent))
    }

    fn did_not_count(&mut self, why: String) -> WorldOutput {
        self.deeds.push(Deed::Malformed);
        self.tell(Source::World, format!("That does not count: {why}."));
        self.effect(Some(why), Vec::new(), Next::Ask(Seat::Agent))
    }

    fn effect(&self, malformed: Option<String>, journal: Vec<String>, next: Next) -> WorldOutput {
        let last = (self.deeds.len() - 1) as u32;
        let rewards = self.rewards().into_iter().filter(|reward| reward.scope == Scope::Turn(last)).collect();
        WorldOutput::Effect(Effect { malformed, rewards, journal, next })
    }

    /// What the right answer earned, at its turn; empty if there was none.
    #[must_use]
    pub fn rewards(&self) -> Vec<Reward> {
        let right = |(turn, deed): (u32, &Deed)| match deed {
            Deed::Answer(given, true) => Some(Reward {
                seat: Seat::Agent,
                name: "correct".to_owned(),
                kind: RewardKind::Outcome,
                scope: Scope::Turn(turn),
                value: 1.0,
                weight: self.weight,
                evidence: given.clone(),
            }),
            Deed::Answer(_, false) | Deed::Malformed | Deed::Search(..) | Deed::Refused | Deed::Finish => None,
        };
        (0..).zip(&self.deeds).filter_map(right).collect()
    }

    /// Searches that showed something, or nothing.
    #[must_use]
    pub fn searches(&self) -> u32 {
        self.deeds.iter().filter(|deed| matches!(deed, Deed::Search(..))).count() as u32
    }

    /// Answers that were heard.
    #[must_use]
    pub fn answers(&self) -> u32 {
        self.deeds.iter().filter(|deed| matches!(deed, Deed::Answer(..))).count() as u32
    }

    fn tell(&mut self, from: Source, text: String) {
        self.inbox.push(Message { from, text });
    }

    fn agent_view(&self) -> AgentView {
        let searched = |deed: &Deed| match deed {
            Deed::Search(query, found) => {
                let found = found.snippets(self.rules.library.corpus()).collect();
                Some(Searched { query: query.clone(), found })
            }
            Deed::Malformed | Deed::Refused | Deed::Answer(..) | Deed::Finish => None,
        };
        let wrong = |deed: &Deed| match deed {
            Deed::Answer(given, false) => Some(given.clone()),
            Deed::Malformed | Deed::Search(..) | Deed::Refused | Deed::Answer(_, true) | Deed::Finish => None,
        };
        AgentView {
            question: self.item().question.clone(),
            searches: self.deeds.iter().filter_map(searched).collect(),
            wrong: self.deeds.iter().filter_map(wrong).collect(),
            searches_left: self.rules.search_steps_max.saturating_sub(self.searches()),
        }
    }
}

impl GymWorld for World {
    fn observe(&mut self, seat: Seat) -> Observation {
        let turn = self.turns;
        self.turns += 1;
        let view = crate::View::Search(View::Agent(self.agent_view()));
        Observation { seat, turn, messages: std::mem::take(&mut self.inbox), view }
    }

    fn step(&mut self, input: WorldInput) -> Vec<WorldOutput> {
        let output = match (input, self.waits.take()) {
            (_, None) if self.is_over() => WorldOutput::Fault(crate::World::confused("the talk is over")),
            (WorldInput::Act(_, act), None) => self.acted(&act),
            (WorldInput::NoAct(_, why), None) => self.did_not_count(why),
            (WorldInput::Answer(id, reply), Some((asked, awaited))) if id == asked => match awaited {
                Awaited::Judgement(given) => self.judged(given, &reply),
                Awaited::Found(query) => self.looked_up(query, &reply),
            },
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
