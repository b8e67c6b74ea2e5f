//! `[world.agent.acts]` and `[world.user.acts]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Seat;
use sim::gyms::talk::Predicate;
use sim::gyms::talk::Reader;
use sim::gyms::talk::book::ActRule;
use sim::gyms::talk::book::Common;
use sim::gyms::talk::book::Thing;
use sim::gyms::talk::book::Value;

use super::desk;
use super::desk::Desk;
use super::traps::TrapFile;
use crate::check::Check;
use crate::suggest;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct ActFile {
    /// Slots and facts that it may ask the partner about.
    asks: Option<Vec<String>>,
    /// Slots that it may fill, with a value.
    fills: Option<Vec<String>>,
    /// Facts that it may state, with a value, which need not be the true one.
    claims: Option<Vec<String>>,
    /// Slots that it fills with these values in any case.
    sets: Option<BTreeMap<String, String>>,
    /// When it is legal, by what the acting side knows.
    when: Option<String>,
    /// What scripts say with it, in several wordings; `{NAME}` is a thing it speaks of, `{what}` all of them, `{is}` all with their values.
    says: Option<Vec<String>>,
}

/// The acts of a seat, their conditions left open; at least one after a mistake, which has been noted.
pub(super) fn acts(
    check: &mut Check<'_>,
    things: &[Thing],
    seat: Seat,
    files: Option<&BTreeMap<String, ActFile>>,
) -> Vec<ActRule> {
    let section = format!("world.{seat}.acts");
    check.present(&section, files.is_some(), "acts = { greet = { says = [\"Hello.\"] } }");
    let mut acts = Vec::new();
    for (name, file) in files.into_iter().flatten() {
        let key = format!("{section}.{name}");
        desk::name(check, &section, &key, name);
        let mut list = |field: &str, given: &Option<Vec<String>>, want_fact: Option<bool>| {
            let key = format!("{key}.{field}");
            given
                .iter()
                .flatten()
                .enumerate()
                .filter_map(|(index, name)| thing(check, things, &format!("{key}[{index}]"), name, want_fact))
                .collect::<Vec<usize>>()
        };
        let asks = list("asks", &file.asks, None);
        let fills = list("fills", &file.fills, Some(false));
        let claims = list("claims", &file.claims, Some(true));
        let sets = constants(check, things, &format!("{key}.sets"), file.sets.as_ref(), Some(false));
        let says = file.says.clone().unwrap_or_default();
        let spoken: Vec<&str> =
            asks.iter().chain(&fills).chain(&claims).map(|thing| things[*thing].name.as_str()).collect();
        let named: Vec<&str> =
            spoken.into_iter().chain(sets.iter().map(|(thing, _)| things[*thing].name.as_str())).collect();
        desk::sentences(check, &format!("{key}.says"), &says, &named);
        acts.push(ActRule { name: name.clone(), asks, fills, claims, sets, when: Predicate::always(), says });
    }
    if acts.is_empty() {
        if files.is_some() {
            check.error(
                &section,
                format!("holds no act: the {seat} could do nothing"),
                "e.g. `greet = { says = [\"Hello.\"] }`",
            );
        }
        let nothing = Vec::new;
        let (asks, fills, claims) = (nothing(), nothing(), nothing());
        acts.push(ActRule {
            name: "none".to_owned(),
            asks,
            fills,
            claims,
            sets: Vec::new(),
            when: Predicate::always(),
            says: Vec::new(),
        });
    }
    acts
}

/// The conditions of a seat's acts, once all names are known.
pub(super) fn conditions(
    desk: &mut Desk<'_, '_>,
    common: &mut Common,
    seat: Seat,
    files: Option<&BTreeMap<String, ActFile>>,
) {
    for act in &mut common.acts[seat] {
        let Some(file) = files.and_then(|files| files.get(&act.name)) else { continue };
        let key = format!("world.{seat}.acts.{}.when", act.name);
        act.when = desk.condition(&key, file.when.clone(), "always", Reader::Seat(seat));
    }
}

/// A pressing line is an act of the agent, so it needs a name of its own.
pub(super) fn distinct(check: &mut Check<'_>, common: &Common, traps: &BTreeMap<String, TrapFile>) {
    for name in traps.keys().filter(|name| common.acts.agent.iter().any(|act| act.name == **name)) {
        let what = format!("`{name}` is an act of the agent too: a name means one thing");
        check.error(&format!("world.traps.{name}"), what, "call one of them otherwise");
    }
}

/// A thing by its name; `want_fact`: only a fact, or only a slot, will do. `None` after a mistake, which has been noted.
pub(super) fn thing(
    check: &mut Check<'_>,
    things: &[Thing],
    key: &str,
    name: &str,
    want_fact: Option<bool>,
) -> Option<usize> {
    let fits = |thing: &Thing| want_fact.is_none_or(|want| thing.fact.is_some() == want);
    let kind = match want_fact {
        Some(true) => "fact",
        Some(false) => "slot",
        None => "slot or fact",
    };
    let found = things.iter().position(|thing| thing.name == name && fits(thing));
    if found.is_none() {
        let known: Vec<&str> = things.iter().filter(|thing| fits(thing)).map(|thing| thing.name.as_str()).collect();
        let hint = suggest::hint(name, known.iter().copied(), &format!("each {kind}"));
        check.error(key, format!("there is no {kind} `{name}`"), hint);
    }
    found
}

/// Things with values, as `{ agreed = "yes" }`.
pub(super) fn constants(
    check: &mut Check<'_>,
    things: &[Thing],
    key: &str,
    given: Option<&BTreeMap<String, String>>,
    want_fact: Option<bool>,
) -> Vec<(usize, Value)> {
    let mut found = Vec::new();
    for (name, word) in given.into_iter().flatten() {
        let key = format!("{key}.{name}");
        let Some(thing) = thing(check, things, &key, name, want_fact) else { continue };
        match things[thing].read(word) {
            Some(value) => found.push((thing, value)),
            None => {
                let hint = suggest::hint(word, things[thing].values.iter().map(String::as_str), "it is one of");
                check.error(&key, format!("`{name}` is never `{word}`"), hint);
            }
        }
    }
    found
}
