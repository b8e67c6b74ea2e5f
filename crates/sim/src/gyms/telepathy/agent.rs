//! Scripts that ask and guess: pure functions of what the agent sees, of what kinds of things there are, and of addressed draws.

use serde::Deserialize;
use serde::Serialize;

use super::catalogue::Kind as Thing;
use super::catalogue::SLOTS;
use super::catalogue::VALUES;
use super::catalogue::kind_of;
use super::view::AgentView;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::YesNo;
use crate::scenario::Split;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// One value after the other, slot by slot.
    Rule,
    /// Any value of any slot, and now and then any guess.
    Random,
    /// Halves what is still possible.
    Good,
    /// Guesses, and never asks.
    Bad,
    /// Names everything at once, in questions and guesses.
    Spam,
    /// The cold start's teacher: by talks careless, plain and halving, each in an order of its own.
    Noisy,
}

/// The turn number under which a script draws what it keeps for the whole episode.
const WHOLE_EPISODE: u32 = u32::MAX;

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Kind); 6] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Good),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Noisy),
    ];

    /// What it says at the agent's turn with this number.
    #[must_use]
    pub fn act(self, view: &AgentView, seat: Seat, turn: u32, address: Address) -> String {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        let Some(kind) = kind_of(&view.description) else {
            return self.act_on_strangers(view, turn, &mut draws);
        };
        let known = Known::of(kind, view);
        let in_order: Vec<usize> = (0..SLOTS).collect();
        match self {
            Kind::Rule => known.act(kind, view, &in_order, 1),
            Kind::Good => known.act(kind, view, &in_order, VALUES / 2),
            Kind::Random => random(kind, &mut draws),
            Kind::Bad => guess(kind, &std::array::from_fn(|_| draws.range(0, VALUES as i64 - 1) as u8)),
            Kind::Spam => spam(kind, turn),
            Kind::Noisy => {
                let mut whole = address.draws(Stream::Rule(seat, WHOLE_EPISODE));
                let level = whole.uniform();
                let mut order = in_order;
                whole.shuffle(&mut order);
                match level {
                    careless if careless < 0.15 => random(kind, &mut draws),
                    plain if plain < 0.4 => known.act(kind, view, &order, 1),
                    _ => known.act(kind, view, &order, VALUES / 2),
                }
            }
        }
    }

    /// Of things that are not of our own making a script knows only the names of those to learn from.
    fn act_on_strangers(self, view: &AgentView, turn: u32, draws: &mut Draws) -> String {
        let train = view.library.of(Split::Train);
        let alike: Vec<&str> = train
            .iter()
            .filter(|item| item.description == view.description)
            .map(|item| item.title.as_str())
            .filter(|title| !view.guesses.iter().any(|guess| guess == title))
            .collect();
        match self {
            Kind::Spam => {
                let all: Vec<&str> = train.iter().take(20).map(|item| item.title.as_str()).collect();
                format!("[answer] {}", all.join(", "))
            }
            Kind::Rule | Kind::Good | Kind::Noisy if !alike.is_empty() => format!("[answer] {}", alike[0]),
            Kind::Rule | Kind::Good | Kind::Noisy | Kind::Random if turn == 0 => "[action] Is it alive?".to_owned(),
            _ => format!("[answer] {}", draws.pick(train).title),
        }
    }
}

/// Which values are still possible in each slot.
struct Known {
    possible: [Vec<u8>; SLOTS],
}

impl Known {
    /// What the answers to questions about one slot leave possible. Who is lied to is left with nothing, and begins anew.
    fn of(kind: &Thing, view: &AgentView) -> Known {
        let mut possible: [Vec<u8>; SLOTS] = std::array::from_fn(|_| (0..VALUES as u8).collect());
        for exchange in &view.exchanges {
            let mentions = kind.mentions(&exchange.question);
            let [(slot, named)] = mentions.values.as_slice() else {
                continue;
            };
            match exchange.answer {
                YesNo::Yes => possible[*slot].retain(|value| named.contains(value)),
                YesNo::No => possible[*slot].retain(|value| !named.contains(value)),
                YesNo::Maybe => {}
            }
            if possible[*slot].is_empty() {
                possible[*slot] = (0..VALUES as u8).collect();
            }
        }
        Known { possible }
    }

    /// Asks about at most `most` values of the first slot in `order` that is not known, or guesses: when all are known, and in the last turn.
    fn act(&self, kind: &Thing, view: &AgentView, order: &[usize], most: usize) -> String {
        // A question that was not answered is not put again.
        let open = order.iter().find_map(|slot| {
            let left = &self.possible[*slot];
            let sizes = (1..=most.min(left.len() / 2)).rev();
            let questions = sizes.flat_map(|size| left.chunks(size).map(|values| question(kind, *slot, values)));
            questions.into_iter().find(|question| view.exchanges.iter().all(|exchange| exchange.question != *question))
        });
        match open {
            Some(question) if view.turns_left > 1 => format!("[action] {question}"),
            Some(_) | None => guess(kind, &std::array::from_fn(|slot| self.possible[slot][0])),
        }
    }
}

fn question(kind: &Thing, slot: usize, values: &[u8]) -> String {
    let words: Vec<&str> = values.iter().map(|value| kind.word(slot, *value)).collect();
    format!("Is it {}?", words.join(" or "))
}

fn guess(kind: &Thing, values: &[u8; SLOTS]) -> String {
    let words: Vec<&str> = values.iter().enumerate().map(|(slot, value)| kind.word(slot, *value)).collect();
    format!("[answer] {}", words.join(" "))
}

fn random(kind: &Thing, draws: &mut Draws) -> String {
    if draws.chance(0.1) {
        return guess(kind, &std::array::from_fn(|_| draws.range(0, VALUES as i64 - 1) as u8));
    }
    let slot = draws.range(0, SLOTS as i64 - 1) as usize;
    let value = draws.range(0, VALUES as i64 - 1) as u8;
    format!("[action] {}", question(kind, slot, &[value]))
}

fn spam(kind: &Thing, turn: u32) -> String {
    let all: Vec<&str> = kind.slots.iter().flatten().map(|words| words[0]).collect();
    let choice = if turn.is_multiple_of(2) { "[answer]" } else { "[action] Is it" };
    format!("{choice} {}", all.join(" "))
}
