//! Reading conditions and lines, which refer to names of the whole file.

use sim::Seat;
use sim::gyms::talk::Lexicon;
use sim::gyms::talk::Line;
use sim::gyms::talk::Misread;
use sim::gyms::talk::Predicate;
use sim::gyms::talk::Reader;
use sim::gyms::talk::book::Common;
use sim::gyms::talk::sight::Var;
use sim::gyms::talk::words;

use crate::check::Check;
use crate::demand::Says;
use crate::suggest;

/// More names than this are not listed in a hint.
const LISTED_MAX: usize = 16;

/// Where conditions and lines are read.
pub(super) struct Desk<'d, 'n> {
    pub(super) check: &'d mut Check<'n>,
    lexicon: Lexicon<'d>,
}

impl<'d, 'n> Desk<'d, 'n> {
    pub(super) fn new(
        check: &'d mut Check<'n>,
        common: &'d Common,
        targets: &'d [String],
        ends: &'d [String],
    ) -> Desk<'d, 'n> {
        Desk { check, lexicon: Lexicon { common, targets, ends } }
    }

    /// Things and acts.
    pub(super) fn common(&self) -> &'d Common {
        self.lexicon.common
    }

    /// A condition for a reader; where none is written, or after a mistake, which has been noted, `default`: `always` or `never`.
    pub(super) fn condition(&mut self, key: &str, given: Option<String>, default: &str, reader: Reader) -> Predicate {
        self.check.demand(key, Says::Default(default.into()));
        let stand_in = if default == "never" { Predicate::never() } else { Predicate::always() };
        given.and_then(|text| self.read_condition(key, &text, reader)).unwrap_or(stand_in)
    }

    /// A condition that must be there.
    pub(super) fn condition_required(&mut self, key: &str, given: Option<String>, reader: Reader) -> Predicate {
        let name = key.rsplit('.').next().unwrap_or(key);
        self.check.present(key, given.is_some(), &format!("{name} = \"turn >= 3\""));
        given.and_then(|text| self.read_condition(key, &text, reader)).unwrap_or_else(Predicate::never)
    }

    /// `None` after a mistake, which has been noted.
    pub(super) fn read_condition(&mut self, key: &str, text: &str, reader: Reader) -> Option<Predicate> {
        match Predicate::read(text, &self.lexicon, reader) {
            Ok(predicate) => Some(predicate),
            Err(misread) => {
                misread_at(self.check, key, &misread);
                None
            }
        }
    }

    /// A name that is a number to a reader; `None` after a mistake, which has been noted.
    pub(super) fn number(&mut self, key: &str, name: &str, reader: Reader) -> Option<Var> {
        match self.lexicon.var(name, reader) {
            Ok(var) if self.lexicon.is_numeric(var) => Some(var),
            Ok(_) => {
                let hint = "counts and facts whose values are all numbers are: `turn`, `asked`, `agent.ACT`, `lies`, …";
                self.check.error(key, format!("`{name}` is a word, and no number"), hint);
                None
            }
            Err(misread) => {
                misread_at(self.check, key, &misread);
                None
            }
        }
    }

    /// What is to be done; `None` if it is missing or wrong, which has been noted.
    pub(super) fn line(&mut self, key: &str, given: Option<&str>, seat: Seat, ends: &[String]) -> Option<Line> {
        let act = self.common().acts[seat].first().map_or("act", |act| act.name.as_str());
        self.check.present(key, given.is_some(), &format!("do = \"{act}\""));
        match Line::read(given?, self.common(), seat, ends) {
            Ok(line) => Some(line),
            Err(misread) => {
                misread_at(self.check, key, &misread);
                None
            }
        }
    }

    /// The act of a seat with this name; `None` if there is none, which has been noted.
    pub(super) fn act(&mut self, key: &str, name: &str, seat: Seat) -> Option<usize> {
        let acts = &self.common().acts[seat];
        let found = acts.iter().position(|act| act.name == name);
        if found.is_none() {
            let known: Vec<&str> = acts.iter().map(|act| act.name.as_str()).collect();
            let hint = suggest::hint(name, known.iter().copied(), &format!("acts of the {seat}"));
            self.check.error(key, format!("the {seat} has no act `{name}`"), hint);
        }
        found
    }
}

/// Notes why something could not be read.
pub(super) fn misread_at(check: &mut Check<'_>, key: &str, misread: &Misread) {
    let known = || misread.known.iter().map(String::as_str);
    let hint = match &misread.name {
        Some(name) if misread.known.len() <= LISTED_MAX => suggest::hint(name, known(), "it is one of"),
        Some(name) => match suggest::nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "names are slots, facts, `agent.ACT`, `user.ACT`, and those of docs/SCENARIOS.md".to_owned(),
        },
        None if !misread.known.is_empty() => format!("it is one of: {}", suggest::list(known())),
        None => "docs/SCENARIOS.md, the world of `talk`, says how conditions and acts are written".to_owned(),
    };
    check.error(key, misread.what.clone(), hint);
}

/// Notes names in braces that a sentence cannot have.
pub(super) fn sentences(check: &mut Check<'_>, key: &str, says: &[String], names: &[&str]) {
    for (index, text) in says.iter().enumerate() {
        for place in words::places(text).filter(|place| !words::PLACES.contains(place) && !names.contains(place)) {
            let known = names.iter().copied().chain(words::PLACES);
            let hint = suggest::hint(place, known.collect::<Vec<_>>(), "in braces there can be");
            check.error(&format!("{key}[{index}]"), format!("`{{{place}}}` is nothing that this act speaks of"), hint);
        }
    }
}

/// A name that stands in acts and conditions; notes what is wrong with it.
pub(super) fn name(check: &mut Check<'_>, section: &str, key: &str, name: &str) {
    if !section.is_empty() {
        check.demand(section, Says::Names(NAME));
    }
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_word {
        let hint = "use lower-case letters, digits and `_`, a letter first";
        check.error(key, format!("`{name}` cannot be a name: it has to stand in acts and conditions"), hint);
    } else if RESERVED.contains(&name) && !OWN.contains(&section) {
        check.error(key, format!("`{name}` has a meaning of its own in every talk"), "choose another name");
    }
}

/// Whose names stand with `own.` in front, and so cannot be taken for others.
const OWN: [&str; 2] = ["world.terms", "world.measures"];

/// The form of names.
pub(super) const NAME: &str = "^[a-z][a-z0-9_]*$";

const RESERVED: [&str; 31] = [
    "and",
    "or",
    "not",
    "always",
    "never",
    "trust",
    "emotion",
    "patience",
    "participation",
    "turn",
    "turns_left",
    "end",
    "asked",
    "pressed",
    "fair",
    "lies",
    "traps",
    "twins",
    "countered",
    "fell",
    "suspected",
    "progress",
    "counter",
    "finish",
    "hang",
    "hang_up",
    "hangup",
    "end_call",
    "stop",
    "unfounded",
    "now",
];
