//! What scripts say: acts in brackets, and with them the sentences of the file, where it wants any.

use super::book::Common;
use super::utterance::Deed;
use super::utterance::Done;
use super::view::Own;
use super::view::View;
use crate::Decision;
use crate::Draws;

/// A turn of a script.
#[must_use]
pub fn said(view: &View, done: &[Done], draws: &mut Draws) -> Decision {
    let tongue = view.tongue();
    let mut parts = Vec::new();
    for one in done {
        parts.push(tongue.written(one));
        let sentence = sentence(view, one, draws);
        if view.common.words && !sentence.is_empty() {
            parts.push(sentence);
        }
    }
    Decision::say(parts.join(" "))
}

/// What is said where nothing is to be done.
#[must_use]
pub fn idle(view: &View) -> Decision {
    Decision::say(match &view.own {
        Own::Agent { part, .. } => part.idle.clone(),
        Own::User { part, .. } => part.idle.clone(),
    })
}

fn sentence(view: &View, done: &Done, draws: &mut Draws) -> String {
    let tongue = view.tongue();
    let says: Vec<&String> = match &done.deed {
        Deed::Act(act) => tongue.common.acts[tongue.seat][*act].says.iter().collect(),
        Deed::Trap(trap) => tongue.traps[*trap].says.iter().collect(),
        Deed::Counter { .. } => view.table.pressed.iter().flat_map(|pressed| &pressed.counter).collect(),
        Deed::End(reason) => {
            let named = tongue.ends.iter().filter(|end| Some(&end.name) == reason.as_ref());
            named.flat_map(|end| &end.says).collect()
        }
    };
    let fitting: Vec<&String> = says.into_iter().filter(|text| fits(tongue.common, text, done)).collect();
    if fitting.is_empty() {
        String::new()
    } else {
        {
            let sentence: &&String = draws.pick(&fitting);
            filled(tongue.common, sentence, done)
        }
    }
}

/// The names in braces of a sentence.
pub fn places(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// What a sentence may name besides things: all things spoken of, and the same with their values.
pub const PLACES: [&str; 2] = ["what", "is"];

fn fits(common: &Common, text: &str, done: &Done) -> bool {
    places(text).all(|name| {
        PLACES.contains(&name) || common.thing(name).is_some_and(|thing| done.args.iter().any(|(arg, _)| *arg == thing))
    })
}

fn filled(common: &Common, text: &str, done: &Done) -> String {
    let words = |thing: usize| common.things[thing].words.clone();
    let is = |(thing, value): &(usize, Option<u8>)| match value {
        Some(value) => format!("{} is {}", words(*thing), common.spoken(*thing, *value)),
        None => words(*thing),
    };
    let joined = |parts: Vec<String>| parts.join(" and the ");
    let mut text = text.replace("{what}", &joined(done.args.iter().map(|(thing, _)| words(*thing)).collect()));
    text = text.replace("{is}", &joined(done.args.iter().map(is).collect()));
    for (thing, value) in &done.args {
        let place = format!("{{{}}}", common.things[*thing].name);
        let spoken = value.map_or_else(|| words(*thing), |value| common.spoken(*thing, value));
        text = text.replace(&place, &spoken);
    }
    text
}
