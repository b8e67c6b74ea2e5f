//! What is said: acts in square brackets, and free words around them. `[propose day=friday] Would Friday suit you?`
//!
//! Read tolerantly, because models write in many ways: the name in any case of letters, `name(day=friday)`, `day: friday`, a value alone where
//! it can only be one thing's, UserRL's `[action] name(…)` and its tool, JSON with `act` and `say`; `[finish]` and `[hang up]` end the talk as
//! `[end]` does. Words without any act are plain talk. What is refused says what would be right.

use serde::Deserialize;
use serde::Serialize;

use super::Family;
use super::book::ActRule;
use super::book::Common;
use super::book::EndRule;
use super::book::Trap;
use super::book::Value;
use crate::Act;
use crate::Choice;
use crate::Seat;
use crate::gyms::Slip;

/// Longest turn that is heard, in bytes.
pub const BYTES_MAX: usize = 4000;
/// Acts that one turn may hold.
pub const ACTS_MAX: usize = 4;
/// What ends the talk, besides `end`.
const ENDS: [&str; 6] = ["end", "finish", "hang_up", "hangup", "end_call", "stop"];
/// Prefixes of UserRL's tool that only say that something is done.
const PREFIXES: [&str; 3] = ["[action]", "[answer]", "[search]"];

/// One act of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What.
    pub deed: Deed,
    /// Of what: a thing alone is asked about, one with a value is said to be that.
    pub args: Vec<(usize, Option<Value>)>,
}

/// What an act does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// One of the file's acts, by its place.
    Act(usize),
    /// A pressing line of the file, by its place.
    Trap(usize),
    /// The user does not let something pass.
    Counter {
        /// What it takes it for, if it says so.
        family: Option<Family>,
        /// What it is about, if it says so.
        thing: Option<usize>,
    },
    /// Ends the talk, for a reason if one is named.
    End(Option<String>),
}

impl Done {
    /// Which of the file's acts it is; `None` if it is none.
    #[must_use]
    pub fn act(&self) -> Option<usize> {
        match self.deed {
            Deed::Act(act) => Some(act),
            Deed::Trap(_) | Deed::Counter { .. } | Deed::End(_) => None,
        }
    }
}

/// A turn, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utterance {
    /// What is done, in order.
    pub done: Vec<Done>,
    /// The text as it was said: what the partner hears.
    pub text: String,
}

/// What a seat can say here.
#[derive(Clone, Copy, Debug)]
pub struct Tongue<'a> {
    /// Whose.
    pub seat: Seat,
    /// Things and acts.
    pub common: &'a Common,
    /// The pressing lines it has on this item, by their places in `traps`.
    pub plants: &'a [usize],
    /// All pressing lines.
    pub traps: &'a [Trap],
    /// Its ways to end.
    pub ends: &'a [EndRule],
}

impl Tongue<'_> {
    /// Reads a turn.
    ///
    /// # Errors
    /// Why it does not count, in words for the seat.
    pub fn read(&self, act: &Act) -> Result<Utterance, (Slip, String)> {
        let text = match act {
            Act::Say(text) | Act::Tool { choice: Choice::Action | Choice::Answer | Choice::Search, content: text } => {
                text.trim().to_owned()
            }
            Act::Tool { choice: Choice::Finish, content } => format!("[end {}]", content.replace(['[', ']'], " ")),
        };
        Slip::check(&text, BYTES_MAX)?;
        let is_called = matches!(act, Act::Tool { .. });
        let text = as_marks(&text).unwrap_or(text);
        let (body, is_prefixed) = without_prefix(&text);
        let body = if (is_called || is_prefixed) && !body.contains('[') && self.is_own(&head(body).0) {
            format!("[{body}]")
        } else {
            body.to_owned()
        };
        self.marks(&body).map_err(|why| (Slip::Unread, why))
    }

    fn marks(&self, text: &str) -> Result<Utterance, String> {
        let (mut done, mut strange, mut words) = (Vec::new(), None, String::new());
        let mut rest = text;
        while let Some((before, inside, after)) = bracketed(rest) {
            words.push_str(before);
            match self.mark(inside)? {
                Some(one) => done.push(one),
                None => strange = strange.or(Some(inside)),
            }
            rest = after;
        }
        words.push_str(rest);
        if done.len() > ACTS_MAX {
            return Err(format!("one turn holds at most {ACTS_MAX} acts"));
        }
        match strange {
            Some(inside) if done.is_empty() && words.trim().is_empty() => {
                Err(format!("there is no act `{}`; yours are {}", short(inside), self.names().join(", ")))
            }
            _ => Ok(Utterance { done, text: text.to_owned() }),
        }
    }

    /// What stands in brackets; `None` if it is no act of anybody.
    fn mark(&self, inside: &str) -> Result<Option<Done>, String> {
        let (head, rest) = head(inside);
        let tidy = rest.replace(['(', ')', ',', ';', '"', '\'', '{', '}'], " ").replace(": ", "=").replace(" = ", "=");
        let tokens: Vec<&str> = tidy.split_whitespace().collect();
        if let Some((index, rule)) = self.own_act(&head) {
            return self.arguments(rule, &tokens).map(|args| Some(Done { deed: Deed::Act(index), args }));
        }
        if let Some(index) = self.plants.iter().copied().find(|plant| self.traps[*plant].name == head) {
            let args = self.traps[index].claims.iter().map(|(thing, value)| (*thing, Some(*value))).collect();
            return Ok(Some(Done { deed: Deed::Trap(index), args }));
        }
        if ENDS.contains(&head.as_str()) || (head == "hang" && tokens.first() == Some(&"up")) {
            let named =
                tokens.iter().find_map(|token| self.ends.iter().find(|end| end.name.eq_ignore_ascii_case(token)));
            return Ok(Some(Done { deed: Deed::End(named.map(|end| end.name.clone())), args: Vec::new() }));
        }
        if head == "counter" && self.seat == Seat::User {
            let family = tokens.iter().find_map(|token| Family::named(token));
            let thing = tokens.iter().find_map(|token| self.common.thing(&token.to_lowercase()));
            return Ok(Some(Done { deed: Deed::Counter { family, thing }, args: Vec::new() }));
        }
        let partner = self.seat.partner();
        if self.common.acts[partner].iter().any(|act| act.name == head) || (head == "counter") {
            return Err(format!(
                "`{head}` is an act of the {}, and you are not it",
                if head == "counter" { Seat::User } else { partner }
            ));
        }
        Ok(None)
    }

    fn own_act(&self, head: &str) -> Option<(usize, &ActRule)> {
        self.common.acts[self.seat].iter().enumerate().find(|(_, act)| act.name == head)
    }

    fn is_own(&self, head: &str) -> bool {
        self.names().iter().any(|name| name == head) || ENDS.contains(&head)
    }

    /// The names of all that can be done.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let acts = self.common.acts[self.seat].iter().map(|act| act.name.clone());
        let traps = self.plants.iter().map(|plant| self.traps[*plant].name.clone());
        let counter = (self.seat == Seat::User).then(|| "counter".to_owned());
        acts.chain(traps).chain(counter).chain(["end".to_owned()]).collect()
    }

    fn arguments(&self, rule: &ActRule, tokens: &[&str]) -> Result<Vec<(usize, Option<Value>)>, String> {
        let mut args: Vec<(usize, Option<Value>)> = Vec::new();
        for token in tokens {
            let arg = self.argument(rule, token)?;
            if args.iter().all(|(thing, _)| *thing != arg.0) {
                args.push(arg);
            }
        }
        if args.is_empty() && rule.takes_arguments() {
            return Err(format!("[{}] needs what it is about: {}", rule.name, self.about(rule)));
        }
        args.extend(rule.sets.iter().map(|(thing, value)| (*thing, Some(*value))));
        Ok(args)
    }

    fn argument(&self, rule: &ActRule, token: &str) -> Result<(usize, Option<Value>), String> {
        let says = || rule.fills.iter().chain(&rule.claims).copied();
        let (name, value) = token.split_once('=').map_or((token, None), |(name, value)| (name, Some(value)));
        let Some(thing) = self.common.thing(&name.to_lowercase()) else {
            let mut fits = says().filter_map(|thing| Some((thing, self.common.things[thing].read(token)?)));
            return match (fits.next(), fits.next()) {
                (Some((thing, value)), None) => Ok((thing, Some(value))),
                _ => {
                    Err(format!("[{}] says nothing of `{}`; it is about {}", rule.name, short(token), self.about(rule)))
                }
            };
        };
        let can_say = says().any(|said| said == thing);
        let one_of = || self.common.things[thing].values.join(", ");
        match value {
            Some(value) if can_say => match self.common.things[thing].read(value) {
                Some(value) => Ok((thing, Some(value))),
                None => Err(format!("`{name}` cannot be `{}`: it is one of {}", short(value), one_of())),
            },
            Some(_) => Err(format!("[{}] cannot say what `{name}` is; it is about {}", rule.name, self.about(rule))),
            None if rule.asks.contains(&thing) => Ok((thing, None)),
            None if can_say => Err(format!("[{}] needs what `{name}` is: one of {}", rule.name, one_of())),
            None => Err(format!("[{}] is not about `{name}`, but about {}", rule.name, self.about(rule))),
        }
    }

    fn about(&self, rule: &ActRule) -> String {
        let all = rule.asks.iter().chain(&rule.fills).chain(&rule.claims);
        let mut names: Vec<&str> = all.map(|thing| self.common.things[*thing].name.as_str()).collect();
        names.dedup();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    }

    /// An act as it is written in brackets.
    #[must_use]
    pub fn written(&self, done: &Done) -> String {
        let (name, args): (&str, Vec<String>) = match &done.deed {
            Deed::Act(act) => {
                let rule = &self.common.acts[self.seat][*act];
                let own = done.args.iter().filter(|(thing, value)| {
                    rule.fills.contains(thing) || !rule.sets.iter().any(|(set, to)| set == thing && Some(*to) == *value)
                });
                let arg = |(thing, value): &(usize, Option<Value>)| match value {
                    Some(value) => format!("{}={}", self.common.things[*thing].name, self.common.value(*thing, *value)),
                    None => self.common.things[*thing].name.clone(),
                };
                (&rule.name, own.map(arg).collect())
            }
            Deed::Trap(trap) => (&self.traps[*trap].name, Vec::new()),
            Deed::Counter { family, thing } => {
                let about = family.map(Family::word).or(thing.map(|thing| self.common.things[thing].name.as_str()));
                ("counter", about.map(str::to_owned).into_iter().collect())
            }
            Deed::End(reason) => ("end", reason.clone().into_iter().collect()),
        };
        format!("[{}]", std::iter::once(name.to_owned()).chain(args).collect::<Vec<_>>().join(" "))
    }
}

/// The first word of a mark as names are written, and what follows.
fn head(inside: &str) -> (String, &str) {
    let inside = inside.trim();
    let end = inside.find(|c: char| c.is_whitespace() || "(:,=".contains(c)).unwrap_or(inside.len());
    let rest = inside[end..].trim_start_matches(':');
    (inside[..end].to_lowercase().replace('-', "_"), rest)
}

/// The text before the first bracket, what stands in it, and what follows; `None` if there is no whole one.
fn bracketed(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('[')?;
    let close = open + text[open..].find(']')?;
    Some((&text[..open], &text[open + 1..close], &text[close + 1..]))
}

fn without_prefix(text: &str) -> (&str, bool) {
    let has = |prefix: &&&str| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    match PREFIXES.iter().find(has) {
        Some(prefix) => (text[prefix.len()..].trim(), true),
        None => (text, false),
    }
}

/// `{"act": "propose", "day": "friday", "say": "…"}` as marks; `None` if it is no such JSON.
fn as_marks(text: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> =
        text.starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()?;
    let act = object.get("act")?.as_str()?;
    let words = ["say", "text", "words"].iter().find_map(|key| object.get(*key)?.as_str()).unwrap_or_default();
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let own = object.iter().filter(|(key, _)| !["act", "say", "text", "words"].contains(&key.as_str()));
    let args: Vec<String> = own.map(|(key, arg)| format!("{key}={}", value(arg))).collect();
    Some(format!("[{act} {}] {words}", args.join(" ")))
}

fn short(text: &str) -> String {
    text.trim().chars().take(40).collect()
}
