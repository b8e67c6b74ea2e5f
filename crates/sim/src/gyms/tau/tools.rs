//! The tools: what agents may do to a database, by name, with typed arguments (spec userrl §2.8).
//!
//! What a tool answers is part of the published protocol, word for word: records as Python's JSON, failures as `Error: …`. A test replays
//! recorded dialogues and compares every answer.

pub mod airline;
pub mod calculate;
pub mod retail;

use super::Call;
use super::Domain;
use super::Value;
use super::database::Store;

/// One tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Its name in calls.
    pub name: &'static str,
    /// What it does, for agents.
    pub about: &'static str,
    /// What it is called with: all of it, and nothing else.
    pub parameters: &'static [Parameter],
    /// Whether it may change the database.
    pub writes: bool,
    run: fn(&mut Store<'_>, &Value) -> Result<String, String>,
}

/// One argument of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its key.
    pub name: &'static str,
    /// What it must be.
    pub kind: Kind,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// A list of texts.
    Texts,
    /// A list of tables, each with these texts.
    Tables(&'static [&'static str]),
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the agent reads.
    pub text: String,
    /// Whether the tool refused, or there is none of this name.
    pub is_error: bool,
    /// Whether the tool is one that may change the database.
    pub writes: bool,
    /// Whether it ends the talk.
    pub ends: bool,
}

/// The tool that ends the talk. It is no part of what is replayed of the gold actions.
pub const TRANSFER: &str = "transfer_to_human_agents";

/// The tools of a service: its own, and those that both have.
pub fn tools(domain: Domain) -> impl Iterator<Item = &'static Tool> {
    let own = match domain {
        Domain::Retail => retail::TOOLS,
        Domain::Airline => airline::TOOLS,
    };
    COMMON.iter().chain(own)
}

/// The tool of this name.
#[must_use]
pub fn tool(domain: Domain, name: &str) -> Option<&'static Tool> {
    tools(domain).find(|tool| tool.name == name)
}

/// Whether a call may change the database.
#[must_use]
pub fn writes(domain: Domain, call: &Call) -> bool {
    tool(domain, &call.name).is_some_and(|tool| tool.writes)
}

/// Carries out a call.
pub fn run(store: &mut Store<'_>, call: &Call) -> Outcome {
    let Some(tool) = tool(store.base.domain, &call.name) else {
        let text = format!("Unknown action {}", call.name);
        return Outcome { text, is_error: true, writes: false, ends: false };
    };
    let said = tool.check(&call.arguments).and_then(|()| (tool.run)(store, &call.arguments));
    let ends = tool.name == TRANSFER && said.is_ok();
    let is_error = said.is_err();
    let text = said.unwrap_or_else(|why| format!("Error: {why}"));
    Outcome { text, is_error, writes: tool.writes, ends }
}

impl Tool {
    /// `name(argument, list[])`, and what it does: one line of the list that agents are shown.
    #[must_use]
    pub fn line(&self) -> String {
        let parameters: Vec<String> = self.parameters.iter().map(Parameter::written).collect();
        format!("{}({}): {}", self.name, parameters.join(", "), self.about)
    }

    fn check(&self, arguments: &Value) -> Result<(), String> {
        for parameter in self.parameters {
            let given = arguments.get(parameter.name);
            let given = given.ok_or_else(|| format!("missing argument: {}", parameter.name))?;
            if !parameter.kind.has(given) {
                return Err(format!("argument {} must be {}", parameter.name, parameter.kind.name()));
            }
        }
        let known = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name);
        match arguments.entries().iter().find(|(name, _)| !known(name)) {
            Some((name, _)) => Err(format!("unexpected argument: {name:.60}")),
            None => Ok(()),
        }
    }
}

impl Parameter {
    fn written(&self) -> String {
        match self.kind {
            Kind::Text | Kind::Whole | Kind::Number => self.name.to_owned(),
            Kind::Texts => format!("{}[]", self.name),
            Kind::Tables(keys) => format!("{}[{{{}}}]", self.name, keys.join(", ")),
        }
    }
}

impl Kind {
    fn has(self, value: &Value) -> bool {
        match (self, value) {
            (Kind::Text, Value::Text(_)) | (Kind::Whole | Kind::Number, Value::Int(_)) => true,
            (Kind::Number, Value::Float(_)) => true,
            (Kind::Texts, Value::List(items)) => items.iter().all(|item| item.as_text().is_some()),
            (Kind::Tables(keys), Value::List(items)) => {
                items.iter().all(|item| keys.iter().all(|key| item.get(key).is_some()))
            }
            _ => false,
        }
    }

    fn name(self) -> String {
        match self {
            Kind::Text => "a text".to_owned(),
            Kind::Whole => "a whole number".to_owned(),
            Kind::Number => "a number".to_owned(),
            Kind::Texts => "a list of texts".to_owned(),
            Kind::Tables(keys) => format!("a list of {{{}}}", keys.join(", ")),
        }
    }
}

/// A parameter that is a text.
const fn text(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Text }
}

/// A text among arguments that have been checked; empty if there is none.
fn said<'a>(arguments: &'a Value, key: &str) -> &'a str {
    arguments.text_at(key).unwrap_or_default()
}

/// The texts among arguments that have been checked.
fn listed<'a>(arguments: &'a Value, key: &str) -> Vec<&'a str> {
    arguments.get(key).map(Value::items).unwrap_or_default().iter().filter_map(Value::as_text).collect()
}

/// The tools of both services.
const COMMON: &[Tool] = &[
    Tool {
        name: "calculate",
        about: "the value of an expression of numbers, + - * / and brackets",
        parameters: &[text("expression")],
        writes: false,
        run: |_, arguments| calculate::calculate(said(arguments, "expression")),
    },
    Tool {
        name: "think",
        about: "notes a thought; does nothing",
        parameters: &[text("thought")],
        writes: false,
        run: |_, _| Ok(String::new()),
    },
    Tool {
        name: TRANSFER,
        about: "hands the customer over to a person and ends the talk",
        parameters: &[text("summary")],
        writes: false,
        run: |_, _| Ok("Transfer successful".to_owned()),
    },
];
