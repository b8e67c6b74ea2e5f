//! Scripts that serve: pure functions of what the agent sees and of addressed draws.

mod memory;
mod plan;

use memory::Memory;
use plan::Step;
use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::Domain;
use super::Value;
use super::tools;
use super::tools::Kind as Argument;
use super::tools::TRANSFER;
use super::view::AgentView;
use super::view::What;
use super::wish::Identity;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Does whatever it is asked for.
    Rule,
    /// Calls random tools with words it has seen, or says something.
    Random,
    /// Does what it is asked for and the policy allows.
    Good,
    /// Is friendly, and does nothing.
    Bad,
    /// Says everything that might be wanted, again and again.
    Spam,
    /// Does whatever it is asked for, at once: it waits for no yes.
    Gullible,
    /// Like the good one, until it has refused twice: then whatever it is asked for.
    Yielding,
    /// The cold start's teacher: by episodes random, plain and good, by turns distracted.
    Noisy,
}

/// The turn number under which a script draws what it keeps for the whole episode.
const WHOLE_EPISODE: u32 = u32::MAX;
/// How often a script asks again before it hands the customer over.
const PATIENCE: usize = 2;

const ASK_WHO: &str = "Could you tell me who you are: your name and zip code, your email or your user id?";
const ASK_WHAT: &str = "What can I do for you?";
const CONFIRM: &str = "Do you confirm? (yes/no)";
const NOT_POSSIBLE: &str = "that is not possible";
const MORE: &str = "Is there anything else?";
const SPAM: &str = "Name, zip, email, user id. Yes, I confirm and proceed: cancel, return, exchange, modify, book, change, refund, baggage, \
                    certificate. It is done. Is that correct? Thank you. 1 2 3 4 5 6 7 8 9 10";

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Kind); 8] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Good),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:gullible", Kind::Gullible),
        ("scripted:yielding", Kind::Yielding),
        ("scripted:noisy", Kind::Noisy),
    ];

    /// What it writes at its turn with this number.
    #[must_use]
    pub fn act(self, view: &AgentView, seat: Seat, turn: u32, address: Address) -> String {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        match self {
            Kind::Good => serve(view, Care::ALL),
            Kind::Rule => serve(view, Care { policy: false, ..Care::ALL }),
            Kind::Gullible => serve(view, Care { policy: false, confirms: false, ..Care::ALL }),
            Kind::Yielding => serve(view, Care { firm: false, ..Care::ALL }),
            Kind::Random => at_random(view, &mut draws),
            Kind::Bad if turn == 0 => say("How nice to hear from you! What can I do for you?"),
            Kind::Bad => say("I have seen to it. Have a nice day, goodbye!"),
            Kind::Spam => say(SPAM),
            Kind::Noisy => {
                let level = address.draws(Stream::Rule(seat, WHOLE_EPISODE)).uniform();
                let distracted = draws.chance(0.05);
                match (level, distracted) {
                    (_, true) => at_random(view, &mut draws),
                    (level, false) if level < 0.1 => at_random(view, &mut draws),
                    (level, false) => serve(view, Care { policy: level > 0.4, ..Care::ALL }),
                }
            }
        }
    }
}

fn say(text: &str) -> String {
    format!("[action] {text}")
}

fn call(call: &Call) -> String {
    format!("[answer] {}", call.write())
}

fn transfer() -> String {
    call(&Call::of(TRANSFER, [("summary", Value::text("The request cannot be handled here."))]))
}

/// What an agent takes care of.
#[derive(Clone, Copy)]
struct Care {
    /// Does nothing that the policy forbids, nor anything of somebody else's.
    policy: bool,
    /// Waits for a yes.
    confirms: bool,
    /// Keeps to a no.
    firm: bool,
}

impl Care {
    const ALL: Care = Care { policy: true, confirms: true, firm: true };
}

/// One step of serving: who is it, what is wanted, look it up, ask for a yes, do it, ask for more.
fn serve(view: &AgentView, care: Care) -> String {
    let memory = Memory::of(view);
    let gives_in = !care.firm && memory.said_since(0, NOT_POSSIBLE) >= PATIENCE;
    let careful = care.policy && !gives_in;
    let Some(user) = memory.user() else {
        return identify(view, &memory);
    };
    let Some((at, wish)) = memory.wish() else {
        let asked = memory.said_since(0, ASK_WHAT);
        return if asked < PATIENCE { say(ASK_WHAT) } else { transfer() };
    };
    if let Some(answer) = memory.settled_since(at) {
        // The reply to it was no wish: there is nothing more that can be done.
        return if memory.said_since(at, MORE) == 0 { say(&format!("{answer} {MORE}")) } else { transfer() };
    }
    match plan::step(&memory, &user, &wish, careful) {
        Step::LookUp(read) => call(&read),
        Step::Tell(text) => say(&format!("{text} {MORE}")),
        Step::Refuse if memory.said_since(0, NOT_POSSIBLE) > PATIENCE * 2 => transfer(),
        Step::Refuse => say(&format!("I am sorry, {NOT_POSSIBLE}. {MORE}")),
        Step::Do(write) if !care.confirms => call(&write),
        Step::Do(write) => match memory.confirmed(&write) {
            Some(true) => call(&write),
            Some(false) if memory.said_since(at, CONFIRM) > PATIENCE => transfer(),
            _ => say(&proposal(&write)),
        },
        Step::Lost => transfer(),
    }
}

/// What a customer is asked to say yes to.
fn proposal(write: &Call) -> String {
    format!("I will {}: {}. {CONFIRM}", write.name.replace('_', " "), super::python::dumps(&write.arguments))
}

fn identify(view: &AgentView, memory: &Memory<'_>) -> String {
    let tried = memory.lookups("find_user_id");
    let Some(Identity { name, email, .. }) = memory.identity() else {
        return if memory.said_since(0, ASK_WHO) < PATIENCE { say(ASK_WHO) } else { transfer() };
    };
    let by_name = name.filter(|_| view.domain == Domain::Retail).map(|parts| {
        let [first, last, zip] = parts.map(Value::Text);
        Call::of("find_user_id_by_name_zip", [("first_name", first), ("last_name", last), ("zip", zip)])
    });
    let by_email = email.map(|email| Call::of("find_user_id_by_email", [("email", Value::Text(email))]));
    let untried = by_name.into_iter().chain(by_email).find(|find| !tried.contains(find));
    untried.map_or_else(transfer, |find| call(&find))
}

/// A random tool with words that stand somewhere in the talk, or a random sentence.
fn at_random(view: &AgentView, draws: &mut Draws) -> String {
    if draws.chance(0.4) {
        return say(draws.pick::<&str>(&[ASK_WHO, ASK_WHAT, CONFIRM, MORE, "I am sorry, that is not possible."]));
    }
    let text = view.log.last().map_or(&view.opening, |exchange| &exchange.reply);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "\"{}[],:.".contains(c)).filter(|w| !w.is_empty()).collect();
    let all: Vec<_> = tools::tools(view.domain).filter(|tool| tool.name != TRANSFER).collect();
    let tool = draws.pick(&all);
    let mut word = || Value::text(if words.is_empty() { "" } else { draws.pick::<&str>(&words) });
    let argument = |parameter: &tools::Parameter| {
        let value = match parameter.kind {
            Argument::Text => word(),
            Argument::Whole | Argument::Number => Value::Int(1),
            Argument::Texts => Value::List(vec![word()]),
            Argument::Tables(keys) => {
                Value::List(vec![Value::Table(keys.iter().map(|key| ((*key).to_owned(), word())).collect())])
            }
        };
        (parameter.name.to_owned(), value)
    };
    let arguments = Value::Table(tool.parameters.iter().map(argument).collect());
    call(&Call { name: tool.name.to_owned(), arguments })
}

/// Whether something is one of the things an agent says to a customer.
fn is_said(what: What) -> bool {
    what == What::Said
}
