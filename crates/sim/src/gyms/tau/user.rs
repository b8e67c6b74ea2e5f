//! A customer by rule: knows who it is and what it wants, asks for one thing after the other, and says yes to what it wants.

use serde::Deserialize;
use serde::Serialize;

use super::Ask;
use super::Call;
use super::Value;
use super::items::plain;
use super::tools;
use super::view::Exchange;
use super::view::Heard;
use super::wish;
use super::world::STOP;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Honest, and one thing at a time.
    Rule,
    /// Says yes to anything, and half of the time it does not know.
    Bad,
    /// Says who it is and all it wants, whatever it is asked.
    Spam,
    /// Says any of this, and leaves without a reason.
    Random,
}

impl Kind {
    /// All kinds with their names. The rule user is the best there is, and the one that is cloned.
    pub const ALL: [(&'static str, Kind); 6] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Rule),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Rule),
    ];

    /// What it says to what it has heard.
    #[must_use]
    pub fn reply(self, heard: &Heard, address: Address) -> String {
        let mut draws =
            address.draws(Stream::Rule(Seat::User, u32::try_from(heard.dialogue.len()).unwrap_or(u32::MAX)));
        match self {
            Kind::Rule => by_rule(heard),
            Kind::Bad if asks_to_confirm(&plain(&heard.said)) => "Yes.".to_owned(),
            Kind::Bad if draws.chance(0.5) => "I do not know.".to_owned(),
            Kind::Bad => by_rule(heard),
            Kind::Spam if is_met(heard) => stop("Thank you."),
            Kind::Spam => everything(heard),
            Kind::Random => at_random(heard, &mut draws),
        }
    }
}

fn stop(words: &str) -> String {
    format!("{words} {STOP}")
}

fn everything(heard: &Heard) -> String {
    let asks = heard.entry.asks.iter().map(|(_, sentence)| sentence.as_str());
    std::iter::once(heard.entry.identity.as_str()).chain(asks).collect::<Vec<_>>().join(" ")
}

fn at_random(heard: &Heard, draws: &mut Draws) -> String {
    let asks = heard.entry.asks.iter().map(|(_, sentence)| sentence.clone());
    let mut replies: Vec<String> =
        vec!["Yes.".to_owned(), "No.".to_owned(), heard.entry.identity.clone(), stop("Bye.")];
    replies.extend(asks);
    draws.pick(&replies).clone()
}

/// Whether all is as the customer wants it. Of who wants nothing that could be done, that is for the agent to say.
fn is_met(heard: &Heard) -> bool {
    let wants = !heard.entry.asks.is_empty();
    wants && heard.matches && heard.told.iter().all(|told| *told) && open(heard).is_none()
}

/// Whether somebody who asks for what must not be done alone has it, or whatever was done instead.
fn has_got_it(heard: &Heard) -> bool {
    let asks_for_nothing_good = heard.entry.asks.iter().all(|(ask, _)| matches!(ask, Ask::Refuse(_)));
    !heard.entry.task.manner.is_usual() && asks_for_nothing_good && !heard.matches
}

fn by_rule(heard: &Heard) -> String {
    let said = plain(&heard.said);
    if is_met(heard) || has_got_it(heard) {
        return stop("Thank you, that is all.");
    }
    if has(&said, &["goodbye", "good bye", "have a nice day", "have a great day"]) {
        return stop("Goodbye.");
    }
    if asks_to_confirm(&said) {
        return if confirms(heard, &said) { "Yes.".to_owned() } else { format!("No. {}", want(heard)) };
    }
    if has(&said, &["your name", "zip", "email", "user id", "who are you", "identi", "verify", "authenticat"]) {
        return format!("{} {}", heard.entry.identity, want(heard)).trim().to_owned();
    }
    if heard.entry.asks.is_empty() && refuses(&said) {
        return stop("All right then.");
    }
    want(heard)
}

/// What it wants now, as a sentence: what is still open, or else what it came for.
fn want(heard: &Heard) -> String {
    let manner = &heard.entry.task.manner;
    if let Some(first) = heard.entry.first.as_ref().filter(|first| asked(heard, first) == 0) {
        return first.clone();
    }
    match open(heard) {
        Some((_, sentence)) => {
            // Whoever takes something back has a word for it, and so has whoever asks again.
            let again = asked(heard, sentence) + usize::from(manner.first.is_some());
            let words = again.checked_sub(1).and_then(|times| manner.says.get(times % manner.says.len().max(1)));
            words.map_or_else(|| sentence.clone(), |words| format!("{words} {sentence}"))
        }
        None if heard.entry.asks.is_empty() => wish::first_person(&heard.entry.task.instruction),
        // All was carried out, but on the wrong things besides: there is nothing more that it could ask for.
        None => "That is not as I wanted it.".to_owned(),
    }
}

/// The first thing it asks for that is neither done nor, where that is right, refused.
fn open(heard: &Heard) -> Option<&(Ask, String)> {
    heard.entry.asks.iter().find(|(ask, sentence)| match ask {
        Ask::Do(at) => !heard.done.get(*at).copied().unwrap_or(false) && !heard.matches,
        Ask::Tell { output, .. } => !heard.told.get(*output).copied().unwrap_or(false),
        Ask::Refuse(_) => !was_refused(heard, sentence),
    })
}

/// How often it has asked for this.
fn asked(heard: &Heard, sentence: &str) -> usize {
    heard.dialogue.iter().filter(|exchange| exchange.reply.ends_with(sentence)).count()
}

/// Whether it asked for this and was then told that it cannot be had, just now or earlier: as often as it takes.
fn was_refused(heard: &Heard, sentence: &str) -> bool {
    let asked = |reply: &str| reply.ends_with(sentence);
    let next = heard.dialogue.iter().skip(1).map(|exchange| &exchange.content).chain([&heard.said]);
    let replies = heard.dialogue.iter().map(|exchange: &Exchange| exchange.reply.as_ref());
    let refusals = replies.zip(next).filter(|(reply, said)| asked(reply) && refuses(&plain(said))).count();
    refusals > heard.entry.task.manner.insists as usize
}

fn has(said: &str, words: &[&str]) -> bool {
    words.iter().any(|word| said.contains(word))
}

fn refuses(said: &str) -> bool {
    has(said, &["cannot", "can not", "can't", "unable", "not able", "not possible", "not allowed", "not permitted"])
}

fn asks_to_confirm(said: &str) -> bool {
    has(said, &["confirm", "yes/no", "(yes", "proceed", "shall i", "is that correct", "is this correct"])
}

/// Whether what it is asked to confirm is something it asks for: the kind of change and every detail of it are named.
fn confirms(heard: &Heard, said: &str) -> bool {
    let said = spelled(said);
    heard.entry.asks.iter().any(|(ask, _)| match ask {
        Ask::Do(at) => names(&heard.entry.task.actions[*at], &said, heard),
        Ask::Refuse(call) => names(call, &said, heard),
        Ask::Tell { .. } => false,
    })
}

/// Without the signs that ids and words for one thing differ in.
fn spelled(text: &str) -> String {
    plain(text).replace(['_', '-'], " ")
}

fn names(call: &Call, said: &str, heard: &Heard) -> bool {
    let verbs: &[&str] = match call.name.as_str() {
        "cancel_pending_order" | "cancel_reservation" => &["cancel"],
        "return_delivered_order_items" => &["return", "take back"],
        "exchange_delivered_order_items" => &["exchange"],
        "book_reservation" => &["book"],
        "send_certificate" => &["certificate"],
        _ => &["modify", "change", "update", "set", "send", "charge", "upgrade", "downgrade", "rebook"],
    };
    // What a customer does not know by its id, it knows by the words of its own sentence.
    let own = heard.entry.asks.iter().find(|(ask, _)| match ask {
        Ask::Do(at) => heard.entry.task.actions.get(*at) == Some(call),
        Ask::Refuse(refused) => refused == call,
        Ask::Tell { .. } => false,
    });
    let sentence = own.map(|(_, sentence)| spelled(sentence)).unwrap_or_default();
    let mut all = true;
    call.arguments.each_leaf(&mut |leaf| {
        let leaf = spelled(&leaf);
        let known = sentence.contains(&leaf);
        all &= !known || said.contains(&leaf);
    });
    let items = item_names(call, &sentence);
    let named = items.iter().all(|name| said.contains(name.as_str())) || every_item(call, said);
    has(said, verbs) && all && named && tools::writes(heard.entry.task.domain, call)
}

/// The products that a sentence about items names.
fn item_names(call: &Call, sentence: &str) -> Vec<String> {
    let is_about_items = call.arguments.get("item_ids").is_some();
    let listed = sentence.split_once(": ").map(|(_, rest)| rest).filter(|_| is_about_items);
    let name = |part: &str| part.split_once(" {").map(|(name, _)| name.trim().to_owned());
    listed.into_iter().flat_map(|rest| rest.split("; ")).filter_map(name).collect()
}

/// Whether all items of a call are named by their ids.
fn every_item(call: &Call, said: &str) -> bool {
    let list = |key: &str| call.arguments.get(key).map(Value::items).unwrap_or_default();
    list("item_ids").iter().chain(list("new_item_ids")).all(|id| id.as_text().is_some_and(|id| said.contains(id)))
}
