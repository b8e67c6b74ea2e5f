//! Rule rewards of a talk: which turns of a seat are written as they should be, by the rules of [`conduct`](crate::gyms::conduct). Each is a mean over
//! the seat's turns, with the first turn at fault as its evidence.

use serde::Deserialize;
use serde::Serialize;

use super::book::Book;
use super::book::Tier;
use super::book::Value;
use super::person::Dimension;
use super::thought::STEPS;
use super::thought::Thought;
use super::world::World;
use crate::Ratio;
use crate::Seat;
use crate::Turn;
use crate::gyms::conduct::Found;
use crate::gyms::conduct::Language;
use crate::gyms::conduct::Secrets;
use crate::gyms::conduct::Window;
use crate::gyms::conduct::form;
use crate::gyms::conduct::repetition;
use crate::gyms::conduct::role;
use crate::gyms::conduct::tags;
use crate::gyms::words::normal;
use crate::gyms::words::words;

/// What the rules need to know of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    /// Words of the user's rationale.
    pub rationale: Window,
    /// What both speak.
    pub language: Language,
}

/// Fields of the dynamic profile that a rationale has to hold: a valid state, a concern, a strategy.
pub const FIELDS: u32 = 3;

/// The rules, by the names of their terms and measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All five steps, once each, in order; and an act that could be read.
    Tags,
    /// The rationale is not shorter and not longer than the window.
    Length,
    /// Share of the fields that are in the rationale.
    Fields,
    /// R_rule: tags, length and fields together.
    Form,
    /// Neither words nor rationale are said again.
    Varied,
    /// The words are of the scenario's language.
    Language,
    /// A person speaks, for itself.
    RoleKept,
    /// Nothing private is said aloud.
    PrivateKept,
}

impl Rule {
    /// All rules with their names.
    pub const ALL: [(&'static str, Rule); 8] = [
        ("tags", Rule::Tags),
        ("length", Rule::Length),
        ("fields", Rule::Fields),
        ("form", Rule::Form),
        ("varied", Rule::Varied),
        ("language", Rule::Language),
        ("role_kept", Rule::RoleKept),
        ("private_kept", Rule::PrivateKept),
    ];

    /// By its name; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Rule> {
        Rule::ALL.iter().find(|(known, _)| *known == name).map(|(_, rule)| *rule)
    }
}

/// A seat's turns as the rules read them.
pub struct Manners<'w> {
    world: &'w World,
    seat: Seat,
    turns: Vec<Written>,
    secrets: Secrets,
}

/// One turn: what was thought, and what was said, without the acts in brackets.
struct Written {
    thought: Option<String>,
    said: String,
    is_read: bool,
}

impl<'w> Manners<'w> {
    /// Reads a seat's turns.
    #[must_use]
    pub fn of(world: &'w World, turns: &[Turn], seat: Seat) -> Manners<'w> {
        let written = |turn: &Turn| Written {
            thought: turn.decision.thought.clone(),
            said: turn.decision.act.as_ref().map_or_else(|_| String::new(), |act| unbracketed(act.text())),
            is_read: turn.decision.act.is_ok() && turn.effect.as_ref().is_some_and(|effect| effect.malformed.is_none()),
        };
        let turns = turns.iter().filter(|turn| turn.seat == seat).map(written).collect();
        Manners { world, seat, turns, secrets: if seat == Seat::User { secrets(world) } else { Secrets::default() } }
    }

    /// What a rule gives the seat: the sum over its turns and their number, and the first turn at fault in words.
    #[must_use]
    pub fn judged(&self, rule: Rule) -> (Ratio, String) {
        let mut ratio = Ratio::default();
        let mut first = None;
        for at in 0..self.turns.len() {
            let (value, why) = self.turn(rule, at);
            ratio += Ratio::new(value, 1.0);
            if value < 1.0 && first.is_none() {
                first = Some(format!("; turn {at}: {why}"));
            }
        }
        (ratio, format!("{:.2} of {}{}", ratio.num, ratio.den, first.unwrap_or_default()))
    }

    fn turn(&self, rule: Rule, at: usize) -> (f64, String) {
        let turn = &self.turns[at];
        let thought = turn.thought.as_deref().unwrap_or_default();
        let found = self.found(turn);
        let yes = |holds: bool, why: &str| (f64::from(u8::from(holds)), why.to_owned());
        let unless = |why: Option<String>| (f64::from(u8::from(why.is_none())), why.unwrap_or_default());
        let window = self.world.book.conduct.rationale;
        let told = || {
            let Found { tags, fields, required, .. } = found;
            let steps = if tags { "its steps" } else { "not its steps in order" };
            format!("{steps}, {} words, {fields} of {required} fields", words(thought).count())
        };
        match rule {
            Rule::Tags => yes(found.tags, "not five steps in order before an act that counts"),
            Rule::Length => {
                yes(found.reached && found.kept, &format!("a rationale outside {} to {} words", window.min, window.max))
            }
            Rule::Fields => (f64::from(found.fields) / f64::from(found.required), told()),
            Rule::Form => (form(found), told()),
            Rule::Varied => unless(self.repeats(at)),
            Rule::Language => unless(self.world.book.conduct.language.missed(&turn.said)),
            Rule::RoleKept => unless(role::slip(&turn.said).map(|slip| format!("`{slip}`"))),
            Rule::PrivateKept => unless(self.secrets.told(&turn.said)),
        }
    }

    fn found(&self, turn: &Written) -> Found {
        let text = turn.thought.as_deref().unwrap_or_default();
        let thought = Thought::read(text);
        let concern = step(text, STEPS[1]);
        let holds = [
            thought.state.is_some(),
            is_concern(&self.world.book, &concern),
            thought.plan.is_some_and(|plan| is_strategy(&self.world.book, &plan)),
        ];
        let window = self.world.book.conduct.rationale;
        Found {
            tags: turn.is_read && tags::in_order(text, &STEPS),
            reached: window.reached(text),
            kept: window.kept(text),
            fields: holds.into_iter().filter(|holds| *holds).count() as u32,
            required: FIELDS,
        }
    }

    /// Words and rationale each against what the seat said and thought before. The steps' heads and the state's numbers are not its own words.
    fn repeats(&self, at: usize) -> Option<String> {
        let thought = |turn: &Written| {
            let text = turn.thought.as_deref().unwrap_or_default();
            [0, 1, 3, 4].map(|head| step(text, STEPS[head])).join(" ")
        };
        let said: Vec<String> = self.turns[..at].iter().map(|turn| turn.said.clone()).collect();
        let thoughts: Vec<String> = self.turns[..at].iter().map(thought).collect();
        let turn = &self.turns[at];
        let of_thought = || repetition::repeats(&thought(turn), &thoughts).map(|why| format!("rationale: {why}"));
        repetition::repeats(&turn.said, &said).or_else(of_thought)
    }

    /// Which rules there are for this seat: the agent has no rationale, and no person's role.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, Rule)> {
        let is_user = self.seat == Seat::User;
        Rule::ALL.into_iter().filter(move |(_, rule)| is_user || matches!(rule, Rule::Varied | Rule::Language))
    }
}

/// What is said around the acts.
fn unbracketed(text: &str) -> String {
    let mut parts = text.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + part.split_once(']').map_or(part, |(_, after)| after))
}

/// What stands behind a head, up to the next one, in lower case.
fn step(text: &str, head: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let Some(at) = lower.find(head) else { return String::new() };
    let rest = &lower[at + head.len()..];
    let end = STEPS.iter().filter_map(|next| rest.find(next)).min().unwrap_or(rest.len());
    rest[..end].trim().to_owned()
}

/// Whether a concern is one: a target of the user's by its name, with or without underscores, or `none`.
fn is_concern(book: &Book, text: &str) -> bool {
    let said = format!(" {} ", normal(text));
    let names = book.user.targets.iter().map(|target| target.name.as_str()).chain(["none"]);
    names.map(normal).any(|name| said.contains(&format!(" {name} ")))
}

/// Whether a plan begins with something that the user can do.
fn is_strategy(book: &Book, plan: &str) -> bool {
    ["counter", "end", "talk"].contains(&plan) || book.common.acts.user.iter().any(|act| act.name == plan)
}

/// What the user must not say aloud: its state's numbers, its profile word for word, what it wants without knowing it, how it decides, and values of
/// facts that are its own: that the agent never knows, and that none of its acts may state.
fn secrets(world: &World) -> Secrets {
    let (book, person) = (&world.book, world.item.person);
    let (objective, subjective) = (&book.people.kinds[person.objective], &book.people.kinds[person.subjective]);
    let mut texts = vec![objective.background.clone(), subjective.personality.clone()];
    texts.extend(book.user.memory.iter().chain(&book.user.habits).cloned());
    let latent = book.user.targets.iter().filter(|target| target.tier == Tier::Latent);
    texts.extend(latent.map(|target| target.text.clone()));
    texts.extend(book.user.policy.iter().map(|line| line.text.clone()));
    let may_state = |thing: usize| book.common.acts.user.iter().any(|act| act.claims.contains(&thing));
    let is_own = |thing: usize| {
        let fact = book.common.things[thing].fact.as_ref();
        fact.is_some_and(|fact| fact.known.agent == 0.0) && !may_state(thing)
    };
    let known = world.known.user.iter().enumerate().filter_map(|(thing, value)| Some((thing, (*value)?)));
    let value =
        |(thing, value): (usize, Value)| (book.common.things[thing].words.clone(), book.common.spoken(thing, value));
    // People do say that their patience is wearing thin; they do not say by how much in numbers.
    let told = |(name, _): &(&str, Dimension)| {
        let name = (*name).to_owned();
        (0..=5).flat_map(move |level| ["is", "is at", "is now"].map(|verb| format!("my {name} {verb} {level}")))
    };
    let state = Dimension::ALL.iter().flat_map(told);
    Secrets { words: state.collect(), values: known.filter(|(thing, _)| is_own(*thing)).map(value).collect(), texts }
}
