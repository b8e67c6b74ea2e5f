//! The talk: questions, answers, and what they earn.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Rules;
use super::items::EPSILON;
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

/// Longest question, in bytes: what is longer is not heard.
pub const QUESTION_BYTES_MAX: usize = 2000;
/// Longest answer, in bytes; the longest bottom of the release has 1510 characters.
pub const ANSWER_BYTES_MAX: usize = 6000;

/// How much an answer tells of each criterion: the answer to [`Asked::Answer`], as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// 0, 0.5 or 1 for each criterion, in their order.
    pub scores: Vec<Score>,
}

/// One criterion's score, alone or, as upstream has it, with its statement and a thought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Score {
    /// Alone.
    Alone(f64),
    /// With more, which is not read.
    With {
        /// 0, 0.5 or 1.
        score: f64,
    },
}

impl Scores {
    /// These scores.
    #[must_use]
    pub fn of(scores: &[f64]) -> Scores {
        Scores { scores: scores.iter().copied().map(Score::Alone).collect() }
    }

    /// As the world reads it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let each = self.scores.iter().map(|score| score.value().to_string());
        format!("{{\"scores\": [{}]}}", each.collect::<Vec<_>>().join(", "))
    }

    /// Reads scores for so many criteria.
    ///
    /// # Errors
    /// What is wrong with the reply, if it holds another number of them, or one that is not 0, 0.5 or 1.
    pub fn read(reply: &str, criteria: usize) -> Result<Vec<f64>, String> {
        let Scores { scores } = reply::read(reply)?;
        let scores: Vec<f64> = scores.iter().map(Score::value).collect();
        if scores.len() != criteria {
            return Err(format!("{} scores for {criteria} criteria", scores.len()));
        }
        match scores.iter().find(|score| ![0.0, 0.5, 1.0].contains(score)) {
            Some(score) => Err(format!("a score is 0, 0.5 or 1, not {score}")),
            None => Ok(scores),
        }
    }
}

impl Score {
    fn value(&self) -> f64 {
        match self {
            Score::Alone(score) | Score::With { score } => *score,
        }
    }
}

/// What one turn of the agent was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Turned {
    /// Nothing that could be put to the user.
    Malformed(Slip),
    /// A question.
    Question(Exchange),
    /// An answer.
    Answer {
        /// What it is worth, in [0, 1].
        worth: f64,
        /// How many criteria it tells whole.
        whole: u32,
        /// What it is worth more than the best answer before it, in [0, 1].
        reward: f64,
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
    /// What [`Reward::weight`] a turn's reward has.
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
    Scores(QueryId),
}

impl World {
    /// The surface, before any question.
    #[must_use]
    pub fn new(rules: Rules, scenario: &Scenario, split: Split, item: u32, tools: Tools) -> World {
        let story = rules.library.item(split, item);
        let surface = format!("{}: {}", story.title, story.surface);
        let mut world = World {
            rules,
            split,
            item,
            tools,
            weight: scenario.weight(Seat::Agent, "told").unwrap_or(0.0),
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
                "The user tells a story that makes no sense. Find out what really happened, in {turns_max} turns. Each turn is a yes/no question, [action] Did somebody die?, or the whole true story, [answer] STORY. You may answer again. [finish] gives up."
            ),
            Tools::Template => format!(
                "The user tells a story that makes no sense. Find out what really happened, in {turns_max} turns. Each turn is a yes/no question or the whole true story. You may answer again."
            ),
        };
        world.tell(Source::Brief, brief);
        world.tell(Source::Partner, surface);
        world
    }

    /// The story.
    #[must_use]
    pub fn item(&self) -> &Arc<Item> {
        self.rules.library.item(self.split, self.item)
    }

    /// What the best answer is worth, in [0, 1]; 0 without one.
    #[must_use]
    pub fn best(&self) -> f64 {
        let worth = self.turned.iter().map(|turn| if let Turned::Answer { worth, .. } = turn { *worth } else { 0.0 });
        worth.fold(0.0, f64::max)
    }

    /// Whether an answer was worth enough to end the talk. Weights are decimals, whose sum may lack the last bit: without the tolerance
    /// 138 stories of the release never end.
    #[must_use]
    pub fn is_solved(&self) -> bool {
        self.best() >= self.rules.success_threshold - EPSILON
    }

    /// Questions with their answers, oldest first.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.turned.iter().filter_map(|turn| match turn {
            Turned::Question(exchange) => Some(exchange),
            Turned::Malformed(_) | Turned::Answer { .. } | Turned::Finish => None,
        })
    }

    // What is no answer is a question, as in `telepathy`.
    fn acted(&mut self, act: &Act) -> WorldOutput {
        match Op::of(act) {
            Op::Finish => {
                self.turned.push(Turned::Finish);
                self.effect(None, Next::Over)
            }
            Op::Answer(answer) => match Slip::check(&answer, ANSWER_BYTES_MAX) {
                Ok(()) => self.ask_scores(answer),
                Err((slip, why)) => self.did_not_count(slip, why),
            },
            Op::Action(question) | Op::Search(question) | Op::Plain(question) => {
                match Slip::check(&question, QUESTION_BYTES_MAX) {
                    Ok(()) => self.ask(question),
                    Err((slip, why)) => self.did_not_count(slip, why),
                }
            }
        }
    }

    fn ask(&mut self, question: String) -> WorldOutput {
        let part = "Somebody asks you yes/no questions about it. Answer with one word: Yes, No, or, only where neither is true, Maybe.";
        let messages = self.reminder(part, &question);
        let asked = Asked::Question { item: Arc::clone(self.item()), question: question.clone() };
        self.query(messages, asked, true, |id| Waits::Answer(id, question))
    }

    // The weights stay out of sight: what matters how much is not the judge's to know.
    fn ask_scores(&mut self, answer: String) -> WorldOutput {
        let criteria = &self.item().criteria;
        let listed = (1..).zip(criteria).map(|(number, criterion)| format!("{number}. {}", criterion.statement));
        let example = Scores::of(&vec![0.5; criteria.len()]).to_json();
        let part = format!(
            "Somebody tells what he thinks has happened. For each point, in order, give 1 if he tells it, 0.5 if he tells it in part, 0 if not; what contradicts itself tells nothing.\n{}\nAnswer with JSON like {example}",
            listed.collect::<Vec<_>>().join("\n")
        );
        let messages = self.reminder(&part, &answer);
        let asked = Asked::Answer { item: Arc::clone(self.item()), answer };
        self.query(messages, asked, false, Waits::Scores)
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

    fn scored(&mut self, reply: &str) -> WorldOutput {
        let count = self.item().criteria.len();
        let scores = match Scores::read(reply, count) {
            Ok(scores) => scores,
            Err(why) => return unreadable(&why),
        };
        let (worth, best) = (self.item().worth(&scores), self.best());
        let whole = scores.iter().filter(|score| **score == 1.0).count() as u32;
        // Not which: the rubric is no part of the game.
        self.tell(Source::Partner, format!("Of {count} points your story tells {whole}."));
        self.turned.push(Turned::Answer { worth, whole, reward: (worth - best).clamp(0.0, 1.0) });
        self.effect(None, if self.is_solved() { Next::Over } else { Next::Ask(Seat::Agent) })
    }

    fn did_not_count(&mut self, slip: Slip, why: String) -> WorldOutput {
        let how = match self.tools {
            Tools::Prose => "Ask with [action], tell the story with [answer].",
            Tools::Template => "Ask by calling action, tell the story by calling answer.",
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

    /// What each answer earned, by turn; answers that were worth no more than one before give no reward.
    #[must_use]
    pub fn rewards(&self) -> Vec<Reward> {
        let reward = |(turn, turned): (u32, &Turned)| match turned {
            Turned::Answer { reward, whole, .. } if *reward > 0.0 => Some(Reward {
                seat: Seat::Agent,
                name: "told".to_owned(),
                kind: RewardKind::Outcome,
                scope: Scope::Turn(turn),
                value: *reward,
                weight: self.weight,
                evidence: format!("{whole} of {} points whole", self.item().criteria.len()),
            }),
            Turned::Answer { .. } | Turned::Question(_) | Turned::Malformed(_) | Turned::Finish => None,
        };
        (0..).zip(&self.turned).filter_map(reward).collect()
    }

    /// What the user is told of its part before a query. Upstream shows it no more of the talk either.
    fn reminder(&self, part: &str, said: &str) -> Vec<Message> {
        let item = self.item();
        let brief = format!(
            "You know a story. Everybody hears: {}\nWhat really happened: {}\n{part}",
            item.surface, item.bottom
        );
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
        let view = crate::View::Turtle(View::User(asked));
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
        let answers = self.turned.iter().filter(|turned| matches!(turned, Turned::Answer { .. })).count();
        let view = AgentView {
            library: Arc::clone(&self.rules.library),
            surface: self.item().surface.clone(),
            exchanges: self.exchanges().cloned().collect(),
            answers: answers as u32,
            turns_left: self.turns_max.saturating_sub(turn),
        };
        let messages = std::mem::take(&mut self.inbox);
        Observation { seat, turn, messages, view: crate::View::Turtle(View::Agent(view)) }
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
            (WorldInput::Answer(id, answer), Waits::Scores(awaited)) if id == awaited => self.scored(&answer.reply),
            (_, Waits::Nothing) => WorldOutput::Fault(crate::World::confused("an answer that nobody asked for")),
            (_, Waits::Answer(..) | Waits::Scores(..)) => {
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
