//! Databases and tasks of our own making, for whoever has no release at hand: a shop and an airline, with customers who want from one to
//! three things of which some the policy forbids.
//!
//! Customers to learn from and held-out customers are different people with different orders and reservations.

pub mod airline;
pub mod customer;
pub mod people;
pub mod retail;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use customer::Asks;
pub use customer::Customer;
pub use customer::First;

use super::Ask;
use super::Call;
use super::Changes;
use super::Database;
use super::Domain;
use super::Library;
use super::Task;
use super::Value;
use super::database::Store;
use super::database::Table;
use super::items::Manner;
use super::tools;
use super::wish;
use super::wish::Identity;
use crate::Address;
use crate::Draws;
use crate::Phase;
use crate::draws::Stream;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// How many customers each service has.
const CUSTOMERS: usize = 240;
/// How many of them are held out: the last ones.
const HELD_OUT: usize = 80;
/// Most things that one customer asks for.
const ASKS_MAX: i64 = 3;
/// How often another thing is tried before a task has to do with what it has.
const TRIES: u32 = 60;

/// A library of so many tasks, always the same for the same item seed; without a domain, the two services take turns.
///
/// # Panics
/// Never: every customer of the catalogue can want something.
#[must_use]
pub fn library(items: ItemCounts, domain: Option<Domain>) -> Library {
    let domains = domain.map_or_else(|| Domain::ALL.to_vec(), |domain| vec![domain]);
    let databases: Vec<Arc<Database>> = domains.iter().map(|domain| Arc::new(database(*domain, items.seed))).collect();
    let of = |split: Split| {
        let task = |index: u32| task(&databases[index as usize % databases.len()], items.seed, split, index);
        (0..items.of(split)).map(task).collect()
    };
    Library::new(databases.clone(), of(Split::Train), of(Split::HeldOut)).expect("the catalogue's tasks can be played")
}

/// The airline's customers as `customer` says; on one seed the same persons whatever it says.
///
/// # Panics
/// Never: an airline of this size has customers who can want all of it.
#[must_use]
pub fn library_of(items: ItemCounts, customer: &Customer) -> Library {
    let base = Arc::new(database(Domain::Airline, items.seed));
    let of = |split: Split| {
        (0..items.of(split)).map(|index| customer::task(&base, customer, items.seed, split, index)).collect()
    };
    Library::new(vec![Arc::clone(&base)], of(Split::Train), of(Split::HeldOut))
        .expect("the catalogue's tasks can be played")
}

/// The numbers of one place in the catalogue. Tasks have rounds 0 and 1, databases 2 and 3, tasks of unusual customers 4 and 5.
fn draws(seed: u64, round: u64, group: u32) -> Draws {
    Address { seed, phase: Phase::Rollout, round, group, trial: 0, member: 0 }.draws(Stream::World)
}

fn database(domain: Domain, seed: u64) -> Database {
    let tables = match domain {
        Domain::Retail => retail::tables(&mut draws(seed, 2, 0)),
        Domain::Airline => airline::tables(&mut draws(seed, 3, 0)),
    };
    let policy = match domain {
        Domain::Retail => retail::POLICY,
        Domain::Airline => airline::POLICY,
    };
    Database::of(domain, policy.to_owned(), tables).expect("the catalogue's tables are tables of records")
}

/// One thing that a customer may want.
enum Want {
    /// A change that can be made.
    Do(Call),
    /// A change that must not be made.
    Refuse(Call),
    /// A question with its answer.
    Tell(String, String),
}

/// The task with this number: a customer of its split, and what it wants.
fn task(base: &Arc<Database>, seed: u64, split: Split, index: u32) -> Task {
    let mut draws = draws(seed, if split == Split::Train { 0 } else { 1 }, index);
    let users: Vec<(&str, &Value)> = base.all(Table::Users).collect();
    let (held_out, train) = (&users[CUSTOMERS - HELD_OUT..], &users[..CUSTOMERS - HELD_OUT]);
    let (user_id, profile) = *draws.pick(if split == Split::Train { train } else { held_out });
    let mut draft = Draft::new(base, user_id);
    let count = draws.range(1, ASKS_MAX) as usize;
    let mut tries = 0;
    while tries < TRIES && (draft.asks.len() < count || draft.actions.is_empty()) {
        tries += 1;
        let want = match base.domain {
            Domain::Retail => retail::want(&draft, profile, &mut draws),
            Domain::Airline => airline::want(&draft, profile, &mut draws),
        };
        // The last thing is a change if there has been none: each task changes something.
        let last = draft.actions.is_empty() && draft.asks.len() + 1 >= count;
        if let Some((about, want)) = want.filter(|(_, want)| !last || matches!(want, Want::Do(_))) {
            draft.add(about, want);
        }
    }
    let opening = draws.pick(&OPENINGS).to_string();
    let identity = Identity::of(base.domain, user_id, Some(profile), profile.text_at("email").unwrap_or_default());
    let instruction = draft.instruction(&identity.say());
    let Draft { actions, outputs, asks, .. } = draft;
    Task {
        id: format!("{}-{index:06}", split.name()),
        domain: base.domain,
        opening,
        user_id: user_id.to_owned(),
        instruction,
        actions,
        outputs,
        asks: Some(asks),
        manner: Manner::default(),
    }
}

const OPENINGS: [&str; 5] = [
    "Hello, I need some help.",
    "Hi! Can you help me?",
    "Good day. There is something I need to have done.",
    "Hello there, I have a request.",
    "Hi, I hope you can help me with this.",
];

/// A task in the making, with what its actions have changed so far.
struct Draft<'a> {
    base: &'a Database,
    user_id: &'a str,
    changes: Changes,
    /// Orders, reservations and other things that are spoken for: each is asked about once.
    about: BTreeSet<String>,
    actions: Vec<Call>,
    outputs: Vec<String>,
    asks: Vec<Ask>,
}

impl<'a> Draft<'a> {
    fn new(base: &'a Database, user_id: &'a str) -> Draft<'a> {
        Draft {
            base,
            user_id,
            changes: Changes::default(),
            about: BTreeSet::new(),
            actions: Vec::new(),
            outputs: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// Takes a want in, if nothing else is wanted of the same thing, and a change can be made and changes something.
    fn add(&mut self, about: String, want: Want) {
        if self.about.contains(&about) {
            return;
        }
        let ask = match want {
            Want::Do(call) => {
                let mut changes = self.changes.clone();
                let outcome = tools::run(&mut Store { base: self.base, changes: &mut changes }, &call);
                if outcome.is_error || changes.is_same_state(&self.changes, self.base) {
                    return;
                }
                self.changes = changes;
                self.actions.push(call);
                Ask::Do(self.actions.len() - 1)
            }
            Want::Refuse(call) => Ask::Refuse(call),
            Want::Tell(question, answer) => {
                self.outputs.push(answer);
                Ask::Tell { question, output: self.outputs.len() - 1 }
            }
        };
        self.about.insert(about);
        self.asks.push(ask);
    }

    fn instruction(&self, identity: &str) -> String {
        let sentence = |ask: &Ask| match ask {
            Ask::Do(at) => wish::say(&self.actions[*at], self.base),
            Ask::Refuse(call) => {
                format!("{} (If you are told that this cannot be done, you let it be.)", wish::say(call, self.base))
            }
            Ask::Tell { question, .. } => question.clone(),
        };
        let asks = self.asks.iter().map(sentence).collect::<Vec<_>>().join(" Then: ");
        format!("{identity} You ask for one thing after the other, in this order: {asks}")
    }
}

/// A number of so many digits that is not yet taken.
fn fresh(draws: &mut Draws, taken: &mut BTreeSet<String>, digits: u32, lead: &str) -> String {
    loop {
        let number = draws.range(10_i64.pow(digits - 1), 10_i64.pow(digits) - 1);
        let id = format!("{lead}{number}");
        if taken.insert(id.clone()) {
            return id;
        }
    }
}

/// Dollars with two places.
fn dollars(draws: &mut Draws, low: i64, high: i64) -> f64 {
    draws.range(low * 100, high * 100) as f64 / 100.0
}
