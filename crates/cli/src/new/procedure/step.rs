//! What a step does, by its first word and by what it names: `Ask for the day that suits. "Which day is good for you?"`

use super::Condition;
use super::Deed;
use super::Source;
use super::Step;
use super::Thing;
use super::condition;
use super::condition::Misread;
use super::words;

const ASKS: [&str; 9] = ["ask", "inquire", "enquire", "find", "check", "clarify", "probe", "question", "verify"];
const TELLS: [&str; 16] = [
    "tell", "say", "state", "explain", "mention", "inform", "name", "give", "read", "describe", "point", "announce",
    "present", "report", "warn", "disclose",
];
const OFFERS: [&str; 12] = [
    "offer",
    "propose",
    "suggest",
    "recommend",
    "advise",
    "book",
    "arrange",
    "agree",
    "fix",
    "put",
    "choose",
    "schedule",
];
/// Whose first word they are says nothing.
const IDLE: [&str; 10] =
    ["then", "please", "politely", "now", "first", "next", "finally", "the agent", "the caller", "agent"];
const CLOSES: [&str; 10] = [
    "yes or no",
    "clear yes",
    "decision",
    "agreement",
    "consent",
    "whether they want",
    "if they want",
    "wants it",
    "sign up",
    "whether the customer wants",
];
/// Who does so with a word of the end ends the talk.
const PARTS: [&str; 6] = ["say", "thank", "wish", "bid", "close", "take"];
const ENDS: [&str; 9] = [
    "goodbye",
    "good bye",
    "hang up",
    "end the call",
    "end the talk",
    "end the conversation",
    "close the call",
    "close the talk",
    "close the conversation",
];

/// Reads a step.
///
/// # Errors
/// What in it cannot be read.
pub fn read(text: &str, things: &[Thing]) -> Result<Step, Misread> {
    let (text, says) = quoted(text);
    let (when, told) = due(&text, things)?;
    let (when, told) = if when.is_none() { due_behind(told, things)? } else { (when, told) };
    is_one(told, things)?;
    let told = capitalised(told.trim_end_matches(['.', ':']));
    let deed = deed(&told, things, says.is_empty())?;
    Ok(Step { text: told, when, deed, says })
}

/// Quotations off the text.
pub fn quoted(text: &str) -> (String, Vec<String>) {
    let (mut rest, mut quotes, mut told) = (text, Vec::new(), String::new());
    while let Some((before, from, close)) = opening(rest) {
        let Some((quote, after)) = from.split_once(close) else { break };
        told.push_str(before);
        if !quote.trim().is_empty() {
            quotes.push(quote.trim().to_owned());
        }
        rest = after;
    }
    told.push_str(rest);
    (told.split_whitespace().collect::<Vec<_>>().join(" "), quotes)
}

/// The first quotation mark, what follows it, and the mark that closes it.
fn opening(text: &str) -> Option<(&str, &str, char)> {
    let pairs = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」')];
    let at = text.find(|c| pairs.iter().any(|(open, _)| *open == c))?;
    let open = text[at..].chars().next()?;
    let (_, close) = pairs.into_iter().find(|(known, _)| *known == open)?;
    Some((&text[..at], &text[at + open.len_utf8()..], close))
}

/// The condition of a step, `If …: ` or `If …, ` in front, or `(if …)` behind, and what is left.
fn due<'t>(text: &'t str, things: &[Thing]) -> Result<(Option<Condition>, &'t str), Misread> {
    let lower = text.to_lowercase();
    if let Some(at) = lower.rfind("(if ").filter(|_| lower.len() == text.len() && lower.ends_with([')', '.'])) {
        let inside = text[at + 4..].trim_end_matches(['.', ')']);
        return Ok((Some(condition::read(inside, things)?), text[..at].trim()));
    }
    let Some(rest) = ["if ", "when "].iter().find_map(|word| lower.starts_with(word).then(|| &text[word.len()..]))
    else {
        return Ok((None, text));
    };
    if let Some((what, then)) = rest.split_once(':') {
        return Ok((Some(condition::read(what, things)?), then.trim()));
    }
    // The condition is as much as can be read of what stands before a comma.
    let commas: Vec<usize> = rest.match_indices(", ").map(|(at, _)| at).collect();
    let read = commas.iter().rev().find_map(|at| Some((condition::read(&rest[..*at], things).ok()?, &rest[at + 2..])));
    match read {
        Some((condition, then)) => Ok((Some(condition), then.trim())),
        None => match commas.first() {
            Some(at) => condition::read(&rest[..*at], things).map(|condition| (Some(condition), &rest[at + 2..])),
            None => {
                let hint = "write `If NAME is VALUE: what is done`".to_owned();
                Err(("begins with a condition, and says nothing that is done".to_owned(), hint))
            }
        },
    }
}

/// A condition behind what is done, `Tell the price if the use is work`. Who asks or tells *whether* says `if` too, and means another.
fn due_behind<'t>(text: &'t str, things: &[Thing]) -> Result<(Option<Condition>, &'t str), Misread> {
    let lower = text.to_lowercase();
    if lower.starts_with("unless ") || lower.contains(" unless ") {
        let what = format!("`{text}` says when it is not done");
        return Err((what, "write when it is: `If NAME is not VALUE: …`".to_owned()));
    }
    let verb = lower.split(' ').next().unwrap_or_default();
    let joint =
        [" only if ", " only when ", " if ", " when "].iter().find_map(|word| Some((lower.rfind(word)?, word.len())));
    let Some((at, length)) = joint.filter(|_| lower.len() == text.len() && !ASKS.contains(&verb)) else {
        return Ok((None, text));
    };
    match condition::read(&text[at + length..], things) {
        Ok(condition) => Ok((Some(condition), text[..at].trim())),
        // What compares nothing is no condition: `Ask them when they have time`.
        Err(_) if !condition::compares(&text[at + length..]) => Ok((None, text)),
        Err(misread) => Err(misread),
    }
}

/// A step does one thing: what another verb in it names would be done by the first one.
fn is_one(text: &str, things: &[Thing]) -> Result<(), Misread> {
    let lower = text.to_lowercase();
    let classes: [&[&str]; 3] = [&ASKS, &TELLS, &OFFERS];
    let class = |part: &str| {
        let verb =
            part.split(|c: char| !c.is_alphabetic()).find(|word| !["then", "please", "do", "not"].contains(word))?;
        classes.iter().position(|verbs| verbs.contains(&verb))
    };
    let mut parts = vec![lower.as_str()];
    for joint in [" and ", " but ", "; ", ", "] {
        parts = parts.into_iter().flat_map(|part| part.split(joint)).collect();
    }
    let first = parts.first().and_then(|part| class(part));
    let other =
        |part: &&&str| class(part).is_some_and(|of| Some(of) != first) && !words::mentioned(part, things).is_empty();
    match parts.iter().skip(1).find(other).filter(|_| first.is_some()) {
        Some(part) => Err((format!("does two things, the second is `{part}`"), "write two steps".to_owned())),
        None => Ok(()),
    }
}

fn deed(text: &str, things: &[Thing], is_silent: bool) -> Result<Deed, Misread> {
    let mut lower = text.to_lowercase();
    while let Some(rest) = IDLE.iter().find_map(|word| lower.strip_prefix(word)?.strip_prefix([' ', ','])) {
        lower = rest.trim_start().to_owned();
    }
    let verb = lower.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_owned();
    let is = |verbs: &[&str]| verbs.iter().any(|known| *known == verb || format!("{known}s") == verb);
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    let named = words::mentioned(&lower, things);
    let (facts, offers): (Vec<usize>, Vec<usize>) = named.iter().partition(|thing| things[**thing].fact.is_some());
    // Who thanks, or names what to do before hanging up, goes on talking.
    let behind = lower[verb.len()..].trim_start();
    let parts = ENDS.iter().any(|end| behind.starts_with(end));
    if is(&PARTS) && parts || named.is_empty() && (is(&["hang", "end", "finish"]) || is(&PARTS) && says(&ENDS)) {
        return Ok(Deed::End);
    }
    if is(&["close"]) || is(&ASKS) && named.is_empty() && says(&CLOSES) {
        return Ok(Deed::Close);
    }
    if is(&OFFERS) && (!offers.is_empty() || facts.is_empty()) {
        let of_values =
            || (0..things.len()).find(|at| things[*at].fact.is_none() && words::valued(&lower, &things[*at]).is_some());
        if let Some(thing) = offers.first().copied().or_else(of_values) {
            return offer(&lower, thing, &facts, things).map(|source| Deed::Offer(thing, source));
        }
    }
    if is(&ASKS) && !facts.is_empty() {
        return Ok(Deed::Ask(facts));
    }
    if let Some(offer) = offers.first().filter(|_| is(&ASKS)) {
        let words = &things[*offer].words;
        let hint = format!(
            "list `{words} they would like: …` under `Facts` with `(customer knows)`, ask for that, and offer the {words} by it"
        );
        return Err((format!("asks the customer for the {words}, which is an offer of the agent's"), hint));
    }
    if is(&TELLS) && !facts.is_empty() {
        return Ok(Deed::Tell(facts));
    }
    if is(&ASKS) && is_silent {
        let what = format!("`{text}` asks for something that stands neither in `Facts` nor in `Offers`");
        return Err((what, condition::known(things)));
    }
    Ok(Deed::Say)
}

/// What of a thing is offered: a value that stands there, the only one, or what a fact with the same values is.
fn offer(text: &str, thing: usize, facts: &[usize], things: &[Thing]) -> Result<Source, Misread> {
    let of = &things[thing];
    if let Some(value) = words::valued(text, of) {
        return Ok(Source::Value(value.clone()));
    }
    let carries = |fact: &&usize| things[**fact].values.iter().any(|value| of.values.contains(value));
    if let Some(fact) = facts.iter().find(carries) {
        return Ok(Source::Fact(*fact));
    }
    if let [only] = of.values.as_slice() {
        return Ok(Source::Value(only.clone()));
    }
    let values: Vec<String> = of.values.iter().map(|value| format!("`{}`", value.replace('_', " "))).collect();
    let hint =
        format!("name one of {}, or a fact with such values: `Offer the {} by the …`", values.join(", "), of.words);
    Err((format!("offers the {}, and does not say which", of.words), hint))
}

fn capitalised(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
