//! A user by rule: which arguments reach it, where it stands after them, and what it says.

use serde::Deserialize;
use serde::Serialize;

use super::catalogue::CONCERNS;
use super::catalogue::concern;
use super::catalogue::touched;
use super::items::Crux;
use super::stance::LEVELS;
use super::stance::Stance;
use super::view::Asked;
use super::world::Reaction;
use crate::Address;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::words::words;

/// An argument with fewer words than this is none, and hardens.
pub const WORDS_MIN: usize = 6;
/// Words that harden whoever is argued with.
pub const INSULTS: [&str; 8] = ["stupid", "idiot", "idiotic", "dumb", "fool", "foolish", "moron", "ridiculous"];

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// By what the belief rests on.
    Rule,
    /// Misses a third of what reaches others.
    Bad,
    /// Gives way a level to any argument.
    Spam,
    /// Stands anywhere after each argument.
    Random,
}

/// How an argument is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It is about this crux.
    About(u8),
    /// It is about nothing that anybody worries about.
    BesideThePoint,
    /// It is about several things at once.
    Scattered,
    /// It is an insult, or too short to be an argument.
    Rude,
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

    /// What it answers, as JSON of [`Reaction`]; `None` where it is not known what the belief rests on.
    #[must_use]
    pub fn answer(self, asked: &Asked, address: Address) -> Option<String> {
        let cruxes = asked.item.cruxes.as_ref()?;
        let arguments: Vec<&str> = asked.earlier.iter().chain([&asked.argument]).map(String::as_str).collect();
        let heard: Vec<&str> = arguments.iter().copied().filter(|argument| self.hears(argument, address)).collect();
        let stance = match self {
            Kind::Rule | Kind::Bad => stance(cruxes, &heard),
            Kind::Spam => Stance::at(u8::try_from(arguments.len()).unwrap_or(LEVELS)),
            Kind::Random => {
                let turn = arguments.len() as u32;
                Stance::at(address.draws(Stream::Rule(Seat::User, turn)).range(0, i64::from(LEVELS)) as u8)
            }
        };
        let response = response(cruxes, &heard, &asked.argument);
        Some(Reaction { response, stance: stance.name().to_owned() }.to_json())
    }

    /// The argument stands for the turn: who repeats it is heard the same way.
    fn hears(self, argument: &str, address: Address) -> bool {
        let place = argument.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        self != Kind::Bad || address.draws(Stream::Rule(Seat::User, place)).chance(2.0 / 3.0)
    }
}

/// Where somebody stands after these arguments: as many levels away as rest on the cruxes that they were about, less one for each insult
/// and each argument that was none. A crux gives way once.
#[must_use]
pub fn stance(cruxes: &[Crux], arguments: &[&str]) -> Stance {
    let taken: Vec<Taken> = arguments.iter().map(|argument| taken(argument)).collect();
    let gone = cruxes.iter().filter(|crux| taken.contains(&Taken::About(crux.number)));
    let levels: u8 = gone.map(|crux| crux.levels).sum();
    let rude = taken.iter().filter(|taken| **taken == Taken::Rude).count();
    Stance::at(levels.saturating_sub(u8::try_from(rude).unwrap_or(u8::MAX)))
}

fn taken(argument: &str) -> Taken {
    let said: Vec<String> = words(argument).collect();
    if said.len() < WORDS_MIN || said.iter().any(|word| INSULTS.contains(&word.as_str())) {
        return Taken::Rude;
    }
    match touched(argument).as_slice() {
        [] => Taken::BesideThePoint,
        [crux] => Taken::About(*crux),
        _ => Taken::Scattered,
    }
}

/// A judgement of the last argument, and the concern of what the belief still rests on most.
fn response(cruxes: &[Crux], heard: &[&str], last: &str) -> String {
    let about: Vec<Taken> = heard.iter().map(|argument| taken(argument)).collect();
    let judged = match taken(last) {
        Taken::Rude => "That is no argument.",
        Taken::Scattered => "One thing at a time, please.",
        Taken::About(crux) if cruxes.iter().any(|own| own.number == crux) && heard.contains(&last) => {
            "You have a point."
        }
        Taken::About(_) | Taken::BesideThePoint => "That does not move me.",
    };
    let left = cruxes.iter().filter(|crux| !about.contains(&Taken::About(crux.number)));
    // Of several that carry as much, the first.
    match left.rev().max_by_key(|crux| crux.levels) {
        Some(crux) => format!("{judged} But what of {}?", CONCERNS[concern(crux.number)]),
        None => format!("{judged} I have nothing left to say."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRUXES: [Crux; 3] =
        [Crux { number: 0, levels: 3 }, Crux { number: 4, levels: 2 }, Crux { number: 22, levels: 1 }];
    const COST: &str = "Think of the budget and of the taxes.";
    const CRIME: &str = "Think of crime and also of theft.";
    const BIRDS: &str = "Think of birds and of other wildlife.";

    fn level(arguments: &[&str]) -> u8 {
        stance(&CRUXES, arguments).level()
    }

    #[test]
    fn the_stance_is_the_weight_of_what_was_met_and_nothing_counts_twice() {
        assert_eq!([level(&[]), level(&[COST]), level(&[COST, COST, COST])], [0, 3, 3]);
        assert_eq!([level(&[COST, CRIME]), level(&[BIRDS, COST, CRIME])], [5, 6]);
        assert_eq!(level(&["Think of the jobs and of all employers."]), 0);
    }

    #[test]
    fn insults_and_words_without_an_argument_harden_and_lists_move_nobody() {
        assert_eq!(level(&[COST, "budget taxes"]), 2);
        assert_eq!(level(&["You are an idiot, think of budget and taxes.", COST]), 2);
        assert_eq!(level(&["no", "no", COST]), 1);
        assert_eq!(level(&["", ""]), 0);
        let everything: Vec<&str> = super::super::catalogue::CRUXES.iter().flatten().copied().collect();
        assert_eq!(level(&[&everything.join(" ")]), 0);
    }

    #[test]
    fn the_reply_names_the_concern_that_weighs_most_of_what_is_left() {
        assert_eq!(response(&CRUXES, &[BIRDS], BIRDS), "You have a point. But what of cost?");
        assert_eq!(response(&CRUXES, &[COST], COST), "You have a point. But what of safety?");
        assert_eq!(response(&CRUXES, &["no"], "no"), "That is no argument. But what of cost?");
        assert_eq!(response(&CRUXES, &[COST, CRIME, BIRDS], BIRDS), "You have a point. I have nothing left to say.");
    }
}
