//! What each side is told before the talk: its half of the file, what it knows of this item, and how it can act.

use std::fmt::Write;

use super::Family;
use super::book::ActRule;
use super::book::Brief;
use super::book::Common;
use super::book::Tier;
use super::book::Value;
use super::people::Kind;
use super::person::Dimension;
use super::world::World;
use crate::Seat;

/// A fact as it is told: `The fee is 29.`
#[must_use]
pub fn fact(common: &Common, thing: usize, value: Value) -> String {
    format!("The {} is {}.", common.things[thing].words, common.spoken(thing, value))
}

/// The agent's brief: the seven parts of a call script, its acts, and what it knows.
#[must_use]
pub fn agent(world: &World) -> String {
    let part = &world.book.agent;
    match world.book.common.brief {
        Brief::Facts => return known(world, Seat::Agent),
        Brief::Notes => return agents_notes(world),
        Brief::Whole | Brief::Short => {}
    }
    let mut brief = Lines::default();
    brief.line("", &[&part.role, &part.task]);
    brief.line("About the customer: ", &[&part.picture]);
    brief.line("You know: ", &[&known(world, Seat::Agent)]);
    let steps = part.procedure.iter().filter(|step| !step.text.is_empty());
    let steps: Vec<String> = steps.enumerate().map(|(at, step)| format!("{}. {}", at + 1, step.text)).collect();
    brief.line("Procedure: ", &[&steps.join(" ")]);
    brief.list("Answers:", &part.knowledge);
    brief.line("Opening: ", &[&part.opening]);
    brief.line(ACTS, &[&acts(world, Seat::Agent)]);
    let lines: Vec<String> = world
        .item
        .plants
        .iter()
        .map(|plant| {
            let trap = &part.traps[plant.trap];
            format!("[{}] {}", trap.name, trap.says.first().map_or("", String::as_str))
        })
        .collect();
    brief.list("You may press with these lines, which need not be fair here:", &lines);
    brief.line("", &[&format!("You have {} turns.", world.table.turns_max)]);
    brief.text
}

/// The user's brief: who it is, what it wants, how it feels and decides, its acts, and what it knows.
#[must_use]
pub fn user(world: &World) -> String {
    let (part, people) = (&world.book.user, &world.book.people);
    match world.book.common.brief {
        Brief::Facts => return known(world, Seat::User),
        Brief::Notes => return users_notes(world),
        Brief::Whole | Brief::Short => {}
    }
    let person = world.item.person;
    let mut brief = Lines::default();
    brief.line("", &[&format!("You are {}.", people.name(person)), &part.role]);
    if world.book.common.brief == Brief::Whole {
        profile(&mut brief, &people.kinds[person.objective], &people.kinds[person.subjective]);
        brief.list("You remember:", &part.memory);
        brief.list("You are apt to:", &part.habits);
    }
    brief.line("You know: ", &[&known(world, Seat::User)]);
    for (word, tier) in Tier::ALL {
        let wants: Vec<&str> =
            part.targets.iter().filter(|target| target.tier == tier).map(|target| target.text.as_str()).collect();
        brief.line(&format!("You want ({word}): "), &[&wants.join("; ")]);
    }
    brief.line("", &[&format!("Your state is {}.", state(world.inner.state.0))]);
    let moves: Vec<String> = part
        .transitions
        .iter()
        .map(|transition| {
            let by: Vec<String> =
                transition.moves.iter().map(|(dimension, by)| format!("{} {by:+}", dimension.name())).collect();
            format!("{}: {}", transition.because, by.join(", "))
        })
        .collect();
    brief.list("It moves, between 0 and 5:", &moves);
    let policy: Vec<String> =
        part.policy.iter().map(|line| line.text.clone()).filter(|text| !text.is_empty()).collect();
    brief.list("You decide:", &policy);
    let ends: Vec<String> =
        part.ends.iter().map(|end| format!("[end {}] when {}", end.name, end.when.text())).collect();
    brief.list("You hang up:", &ends);
    brief.line(ACTS, &[&acts(world, Seat::User)]);
    brief.text
}

/// What an agent knows, and the names of its lines.
fn agents_notes(world: &World) -> String {
    let plants = world.item.plants.iter().map(|plant| world.book.agent.traps[plant.trap].name.as_str());
    let lines: Vec<&str> = plants.collect();
    let mut brief = Lines::default();
    brief.line("", &[&known(world, Seat::Agent)]);
    brief.line("Lines: ", &[&lines.join(" ")]);
    brief.text
}

/// What a user knows, and how it feels.
fn users_notes(world: &World) -> String {
    let mut brief = Lines::default();
    brief.line("", &[&known(world, Seat::User)]);
    brief.line("State: ", &[&world.inner.state.words()]);
    brief.text
}

const ACTS: &str = "Put what you do in square brackets, then your words. You can: ";

fn profile(brief: &mut Lines, objective: &Kind, subjective: &Kind) {
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| format!("{}: {value}", name.replace('_', " "))).collect::<Vec<_>>().join(", ")
    };
    brief.line("", &[&format!("Age: {}, {}.", objective.age, pairs(&objective.demographics))]);
    brief.line("", &[&objective.background, &subjective.personality]);
    brief.line("The call finds you ", &[&objective.life.join("; or ")]);
    brief.line("You speak so: ", &[&pairs(&subjective.style)]);
    brief.list("Like this:", &subjective.positive);
    brief.list("Never like this:", &subjective.negative);
}

fn state(values: [i64; 4]) -> String {
    let named = Dimension::ALL.iter().zip(values).map(|((name, _), value)| format!("{name} {value}"));
    named.collect::<Vec<_>>().join(" ")
}

/// Facts that the seat knows from the start: in sentences, or as acts write them where there are no others.
fn known(world: &World, seat: Seat) -> String {
    let common = &world.book.common;
    let told = |thing: usize, value: Value| match common.brief {
        Brief::Whole | Brief::Short => fact(common, thing, value),
        Brief::Notes | Brief::Facts => format!("{}={}", common.things[thing].name, common.value(thing, value)),
    };
    let known = world.known[seat].iter().enumerate();
    let facts = known.filter_map(|(thing, value)| Some(told(thing, (*value)?)));
    facts.collect::<Vec<_>>().join(" ")
}

/// Every act with what it may be about: `[tell fee=29|35 setup=free|40]`.
fn acts(world: &World, seat: Seat) -> String {
    let common = &world.book.common;
    let mut all: Vec<String> = common.acts[seat].iter().map(|rule| act(common, rule)).collect();
    if seat == Seat::User {
        let families: Vec<&str> = Family::all().map(Family::word).collect();
        all.push(format!("[counter {}]", families.join("|")));
    }
    let ends = match seat {
        Seat::Agent => &world.book.agent.ends,
        Seat::User => &world.book.user.ends,
    };
    let names: Vec<&str> = ends.iter().map(|end| end.name.as_str()).collect();
    all.push(format!("[end {}]", names.join("|")));
    all.join(" ")
}

fn act(common: &Common, rule: &ActRule) -> String {
    let mut text = format!("[{}", rule.name);
    let names: Vec<&str> = rule.asks.iter().map(|thing| common.things[*thing].name.as_str()).collect();
    if !names.is_empty() {
        let _ = write!(text, " {}", names.join("|"));
    }
    for thing in rule.fills.iter().chain(&rule.claims) {
        let thing = &common.things[*thing];
        let _ = write!(text, " {}={}", thing.name, thing.values.join("|"));
    }
    text.push(']');
    text
}

/// A text of lines, without those that have nothing in them.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn line(&mut self, head: &str, parts: &[&str]) {
        let said = parts.iter().filter(|part| !part.trim().is_empty()).copied().collect::<Vec<_>>().join(" ");
        if !said.is_empty() {
            self.push(&format!("{head}{said}"));
        }
    }

    fn list(&mut self, head: &str, entries: &[String]) {
        if !entries.is_empty() {
            self.push(head);
            entries.iter().for_each(|entry| self.push(&format!("- {entry}")));
        }
    }

    fn push(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }
}
