//! The names of a scenario file, for whoever reads its conditions and lines.

use super::Family;
use super::book::Common;
use super::book::Thing;
use super::book::Tier;
use super::person::Dimension;
use super::person::Status;
use super::person::TRAITS;
use super::sight::Counter;
use super::sight::Reader;
use super::sight::Var;
use super::table::UNFOUNDED;
use crate::Seat;

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// What is wrong, to follow "`when`: ".
    pub what: String,
    /// The name that was not found, if it was one.
    pub name: Option<String>,
    /// What may stand there; empty where there is no list.
    pub known: Vec<String>,
}

impl Misread {
    /// Without a list.
    #[must_use]
    pub fn plain(what: String) -> Misread {
        Misread { what, name: None, known: Vec::new() }
    }

    /// A name that is none of the known ones.
    #[must_use]
    pub fn unknown(name: &str, known: Vec<String>) -> Misread {
        Misread { what: format!("`{name}` names nothing here"), name: Some(name.to_owned()), known }
    }
}

/// What there is to name.
#[derive(Clone, Copy, Debug)]
pub struct Lexicon<'a> {
    /// Things and acts.
    pub common: &'a Common,
    /// The user's targets.
    pub targets: &'a [String],
    /// The reasons with which a talk can end, of both sides.
    pub ends: &'a [String],
}

/// Who may use a name besides the world.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Everybody,
    User,
    World,
}

impl Lexicon<'_> {
    /// Looks a name up.
    ///
    /// # Errors
    /// If there is none of this name, or it is not for this reader.
    pub fn var(&self, name: &str, reader: Reader) -> Result<Var, Misread> {
        let mut all = self.names();
        let Some((_, var, whose)) = all.iter().find(|(known, ..)| known == name) else {
            all.retain(|(.., whose)| may(reader, *whose));
            return Err(Misread::unknown(name, all.into_iter().map(|(name, ..)| name).collect()));
        };
        match (may(reader, *whose), whose) {
            (true, _) => Ok(*var),
            (false, For::User) => Err(Misread::plain(format!("`{name}` is the user's own: the agent cannot see it"))),
            (false, _) => Err(Misread::plain(format!("`{name}` is what only the world knows: no seat can act on it"))),
        }
    }

    /// Every name with what it means and who may use it.
    fn names(&self) -> Vec<(String, Var, For)> {
        let mut all = Vec::new();
        let mut add = |name: String, var, whose| all.push((name, var, whose));
        for (index, thing) in self.common.things.iter().enumerate() {
            add(thing.name.clone(), Var::Thing(index), For::Everybody);
            add(format!("asked.{}", thing.name), Var::AskedThing(index), For::Everybody);
            if thing.fact.is_some() {
                add(format!("told.{}", thing.name), Var::Told(index), For::Everybody);
                add(format!("known.{}", thing.name), Var::Known(index), For::Everybody);
            }
        }
        for (seat, acts) in self.common.acts.iter() {
            for (index, act) in acts.iter().enumerate() {
                add(format!("{seat}.{}", act.name), Var::Did(seat, index), For::Everybody);
                add(format!("{seat}.{}.now", act.name), Var::Just(seat, index), For::Everybody);
            }
            add(format!("ended.{seat}"), Var::EndedBy(seat), For::World);
        }
        Dimension::ALL.iter().for_each(|(word, dim)| add((*word).to_owned(), Var::State(*dim), For::User));
        TRAITS.iter().enumerate().for_each(|(at, word)| add(format!("heard.{word}"), Var::Heard(at), For::User));
        self.targets
            .iter()
            .enumerate()
            .for_each(|(at, word)| add(format!("target.{word}"), Var::Target(at), For::User));
        Tier::ALL.iter().for_each(|(word, tier)| add(format!("open.{word}"), Var::Open(*tier), For::User));
        Family::all().for_each(|family| {
            add(format!("pressed.{}", family.word()), Var::PressedBy(family), For::Everybody);
        });
        Counter::ALL.iter().for_each(|(word, count)| add((*word).to_owned(), Var::Count(*count), For::World));
        let rest = [
            ("asked", Var::Asked, For::Everybody),
            ("turn", Var::Turn, For::Everybody),
            ("turns_left", Var::TurnsLeft, For::Everybody),
            ("pressed", Var::Pressed, For::Everybody),
            ("fair", Var::Fair, For::Everybody),
            ("end", Var::End, For::World),
        ];
        rest.into_iter().for_each(|(word, var, whose)| add(word.to_owned(), var, whose));
        all
    }

    /// Whether a word can be what this name is compared with.
    #[must_use]
    pub fn is_value(&self, var: Var, word: &str) -> bool {
        match self.words(var) {
            Some(words) => words.iter().any(|known| known == word),
            None => word.parse::<f64>().is_ok(),
        }
    }

    /// Whether it is a number, and so has an order.
    #[must_use]
    pub fn is_numeric(&self, var: Var) -> bool {
        match var {
            Var::Thing(thing) | Var::Told(thing) | Var::Known(thing) => self.common.things[thing].is_numeric(),
            other => self.words(other).is_none(),
        }
    }

    /// A comparison with what the name never is.
    #[must_use]
    pub fn no_value(&self, name: &str, var: Var, word: &str) -> Misread {
        match self.words(var) {
            Some(known) => Misread {
                what: format!("`{name}` is never `{word}`, and nothing is called so"),
                name: Some(word.to_owned()),
                known,
            },
            None => Misread::plain(format!("`{name}` is a number, and `{word}` is neither a number nor a name")),
        }
    }

    /// What the name can be; `None`: any number. A numeric thing may be compared with numbers that it never is.
    fn words(&self, var: Var) -> Option<Vec<String>> {
        match var {
            Var::Thing(thing) | Var::Told(thing) | Var::Known(thing) => {
                let thing: &Thing = &self.common.things[thing];
                (!thing.is_numeric()).then(|| thing.values.clone())
            }
            Var::Target(_) => Some([Status::Open, Status::Met, Status::Dropped].map(|s| s.name().to_owned()).to_vec()),
            Var::End => Some(self.ends.iter().cloned().chain([UNFOUNDED.to_owned()]).collect()),
            _ => None,
        }
    }
}

fn may(reader: Reader, whose: For) -> bool {
    match (reader, whose) {
        (Reader::World, _) | (_, For::Everybody) | (Reader::Seat(Seat::User), For::User) => true,
        (Reader::Seat(_), For::User | For::World) => false,
    }
}
