//! Things of our own: eight kinds, each with five slots of four values, so that a thing is what its slots say and its name says them all.
//!
//! ```text
//!  kind        slots                                          a thing
//!  animal      size, colour, cover, home, habit      ──>      small brown furry forest digger
//!              └─ predicates: small? furry? …  └─ and traits that follow from values: dangerous? swims?
//! ```
//!
//! So every question about a value or a trait has an answer, everybody who knows the words can name what nobody has named before, and
//! no held-out thing was ever learned from.

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Library;
use crate::Address;
use crate::Phase;
use crate::draws::Stream;
use crate::gyms::YesNo;
use crate::gyms::words::denies;
use crate::gyms::words::words;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// How many slots a thing has.
pub const SLOTS: usize = 5;
/// How many values a slot has.
pub const VALUES: usize = 4;
/// How many different things there are.
pub const THINGS: u32 = KINDS.len() as u32 * things_of_a_kind();
/// A question that names more than this is too much at once.
pub const MENTIONS_MAX: usize = 6;

/// A kind of thing.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// How the user speaks of it: `an animal`.
    pub hint: &'static str,
    /// Each slot's values in the order of their numbers: the word that stands in the name, and others for it.
    pub slots: [[&'static [&'static str]; VALUES]; SLOTS],
    /// What follows from values.
    pub traits: &'static [Trait],
}

/// Something that is true of things with certain values.
pub struct Trait {
    /// Words for it.
    pub words: &'static [&'static str],
    /// It holds for things with one of these values, by their first word.
    pub yes: &'static [&'static str],
    /// It may hold for things with one of these; for all others it does not.
    pub maybe: &'static [&'static str],
}

/// What is true of a thing of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Which of [`KINDS`].
    pub kind: u8,
    /// The number of its value in each slot.
    pub values: [u8; SLOTS],
}

/// All kinds.
pub const KINDS: [Kind; 8] = [
    Kind {
        name: "animal",
        hint: "an animal",
        slots: [
            [&["small", "little"], &["large", "big"], &["tiny", "minute"], &["huge", "giant"]],
            [&["brown"], &["white"], &["black"], &["striped", "stripes"]],
            [&["furry", "fur"], &["feathered", "feathers"], &["scaly", "scales"], &["bald", "naked"]],
            [&["forest", "woods"], &["desert", "sand"], &["river", "rivers"], &["mountain", "mountains"]],
            [&["hunter", "hunts"], &["grazer", "grazes"], &["digger", "digs"], &["climber", "climbs"]],
        ],
        traits: &[
            Trait { words: &["swim", "swims"], yes: &["river"], maybe: &["scaly"] },
            Trait { words: &["dangerous"], yes: &["hunter"], maybe: &["huge"] },
        ],
    },
    Kind {
        name: "vehicle",
        hint: "a vehicle",
        slots: [
            [&["red"], &["blue"], &["green"], &["yellow"]],
            [&["electric", "electricity"], &["steam"], &["diesel"], &["pedal", "pedals"]],
            [&["narrow"], &["wide", "broad"], &["long"], &["short"]],
            [&["road", "roads"], &["rail", "rails"], &["sea", "ocean"], &["air", "sky"]],
            [&["racer", "races"], &["carrier", "carries"], &["tourer", "tours"], &["rescuer", "rescues"]],
        ],
        traits: &[
            Trait { words: &["fly", "flies"], yes: &["air"], maybe: &[] },
            Trait { words: &["noisy", "loud"], yes: &["diesel"], maybe: &["steam", "racer"] },
        ],
    },
    Kind {
        name: "instrument",
        hint: "a musical instrument",
        slots: [
            [&["ancient"], &["baroque"], &["modern"], &["experimental"]],
            [&["wooden", "wood"], &["brass"], &["glass"], &["bone"]],
            [&["italian", "italy"], &["japanese", "japan"], &["moroccan", "morocco"], &["irish", "ireland"]],
            [&["deep", "low"], &["shrill", "high"], &["soft", "quiet"], &["booming", "thunderous"]],
            [&["harp", "strings"], &["flute", "blown"], &["drum", "beaten"], &["organ", "keys"]],
        ],
        traits: &[
            Trait { words: &["breath", "lungs"], yes: &["flute"], maybe: &["brass"] },
            Trait { words: &["fragile"], yes: &["glass"], maybe: &["ancient", "bone"] },
        ],
    },
    Kind {
        name: "dish",
        hint: "a dish",
        slots: [
            [&["sweet"], &["salty", "salt"], &["sour"], &["bitter"]],
            [&["baked", "oven"], &["fried"], &["raw", "uncooked"], &["steamed"]],
            [&["greek", "greece"], &["mexican", "mexico"], &["thai", "thailand"], &["polish", "poland"]],
            [&["bean", "beans"], &["apple", "apples"], &["potato", "potatoes"], &["fish"]],
            [&["soup"], &["salad"], &["pie"], &["dumpling", "dumplings"]],
        ],
        traits: &[
            Trait { words: &["hot", "warm"], yes: &["baked", "fried", "steamed"], maybe: &["soup"] },
            Trait { words: &["meat", "flesh"], yes: &["fish"], maybe: &["dumpling"] },
        ],
    },
    Kind {
        name: "building",
        hint: "a building",
        slots: [
            [&["medieval"], &["antique"], &["victorian"], &["futuristic"]],
            [&["stone"], &["iron"], &["marble"], &["brick", "bricks"]],
            [&["ruined", "ruin"], &["restored"], &["unfinished"], &["abandoned"]],
            [&["island", "isle"], &["harbour", "port"], &["village"], &["capital"]],
            [&["tower"], &["bridge"], &["castle"], &["temple"]],
        ],
        traits: &[
            Trait { words: &["religious", "worship"], yes: &["temple"], maybe: &["tower"] },
            Trait { words: &["water", "shore"], yes: &["island", "harbour", "bridge"], maybe: &["castle"] },
        ],
    },
    Kind {
        name: "person",
        hint: "a person in a story",
        slots: [
            [&["young"], &["old", "elderly"], &["ageless"], &["newborn"]],
            [&["brave", "courage"], &["clever", "smart"], &["lazy"], &["greedy", "greed"]],
            [&["egyptian", "egypt"], &["viking", "norse"], &["persian", "persia"], &["aztec"]],
            [&["blind"], &["tall"], &["bearded", "beard"], &["limping", "limps"]],
            [&["king", "rules"], &["sailor", "sails"], &["smith", "forge"], &["poet", "verses"]],
        ],
        traits: &[
            Trait { words: &["rich", "wealthy"], yes: &["king"], maybe: &["greedy"] },
            Trait { words: &["ship", "boat"], yes: &["sailor"], maybe: &["viking"] },
        ],
    },
    Kind {
        name: "plant",
        hint: "a plant",
        slots: [
            [&["thorny", "thorns"], &["smooth"], &["hairy"], &["sticky"]],
            [&["purple"], &["orange"], &["pink"], &["silver"]],
            [&["swamp", "marsh"], &["meadow"], &["tundra"], &["jungle"]],
            [&["edible", "eaten"], &["poisonous", "poison"], &["medicinal", "medicine"], &["fragrant", "scent"]],
            [&["tree"], &["bush", "shrub"], &["vine"], &["moss"]],
        ],
        traits: &[
            Trait { words: &["wet", "damp"], yes: &["swamp", "jungle"], maybe: &["moss"] },
            Trait { words: &["cold", "frost"], yes: &["tundra"], maybe: &["meadow"] },
        ],
    },
    Kind {
        name: "toy",
        hint: "a toy",
        slots: [
            [&["plush"], &["tin"], &["paper"], &["rubber"]],
            [&["round"], &["square"], &["flat"], &["hollow"]],
            [&["spotted", "spots"], &["golden", "gold"], &["checkered"], &["transparent"]],
            [&["noiseless"], &["rattling", "rattles"], &["singing", "sings"], &["ticking", "ticks"]],
            [&["ball"], &["puppet"], &["puzzle"], &["kite"]],
        ],
        traits: &[
            Trait { words: &["outdoors", "outside"], yes: &["kite"], maybe: &["ball"] },
            Trait { words: &["clockwork"], yes: &["ticking"], maybe: &["singing", "tin"] },
        ],
    },
];

const fn things_of_a_kind() -> u32 {
    (VALUES as u32).pow(SLOTS as u32)
}

/// What a question names, of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Slots with the numbers of the values named there.
    pub values: Vec<(usize, Vec<u8>)>,
    /// Numbers of traits.
    pub traits: Vec<usize>,
    /// Whether one of them would do.
    pub either: bool,
    /// Whether the question denies.
    pub denies: bool,
}

impl Kind {
    /// What a text names of this kind.
    #[must_use]
    pub fn mentions(&self, text: &str) -> Mentions {
        let said: Vec<String> = words(text).collect();
        let has = |known: &[&str]| known.iter().any(|word| said.iter().any(|said| said == word));
        let named =
            |slot: &[&[&str]; VALUES]| (0u8..).zip(slot).filter(|(_, words)| has(words)).map(|(n, _)| n).collect();
        let values: Vec<(usize, Vec<u8>)> = self.slots.iter().map(named).enumerate().collect();
        Mentions {
            values: values.into_iter().filter(|(_, named)| !named.is_empty()).collect(),
            traits: (0..self.traits.len()).filter(|number| has(self.traits[*number].words)).collect(),
            either: has(&["or", "either"]),
            denies: denies(text),
        }
    }

    /// The word of a value.
    #[must_use]
    pub fn word(&self, slot: usize, value: u8) -> &'static str {
        self.slots[slot][value as usize][0]
    }
}

impl Mentions {
    /// How many things are named.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.iter().map(|(_, named)| named.len()).sum::<usize>() + self.traits.len()
    }
}

impl Table {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        &KINDS[self.kind as usize]
    }

    /// The thing's name.
    #[must_use]
    pub fn title(&self) -> String {
        let words = self.values.iter().enumerate().map(|(slot, value)| self.kind().word(slot, *value));
        words.collect::<Vec<_>>().join(" ")
    }

    /// What is true of it, as a sentence for a user that is a model.
    fn told(&self) -> String {
        let traits = self.kind().traits.iter().map(|known| match self.holds(known) {
            YesNo::Yes => format!("{}: yes", known.words[0]),
            YesNo::No => format!("{}: no", known.words[0]),
            YesNo::Maybe => format!("{}: maybe", known.words[0]),
        });
        format!("{} - {}; {}", self.title(), self.kind().hint, traits.collect::<Vec<_>>().join(", "))
    }

    /// The answer to a question: of several things named all must hold, or one of them where it says `or`; a denial turns the answer
    /// round. `Maybe` if the question names nothing that is known of such things, or too much.
    #[must_use]
    pub fn answer(&self, question: &str) -> YesNo {
        let mentions = self.kind().mentions(question);
        let mut answers = Vec::new();
        for (slot, named) in &mentions.values {
            answers.extend(named.iter().map(|value| YesNo::of(self.values[*slot] == *value)));
        }
        answers.extend(mentions.traits.iter().map(|number| self.holds(&self.kind().traits[*number])));
        let answer = match mentions.count() {
            0 => return self.answer_of_strangers(question),
            count if count > MENTIONS_MAX => return YesNo::Maybe,
            _ if mentions.either => YesNo::any(&answers),
            _ => YesNo::all(&answers),
        };
        if mentions.denies { answer.denied() } else { answer }
    }

    /// What only other kinds can be, this one is not.
    fn answer_of_strangers(&self, question: &str) -> YesNo {
        let count: usize = KINDS.iter().map(|kind| kind.mentions(question).count()).sum();
        match count {
            1..=MENTIONS_MAX => YesNo::of(denies(question)),
            _ => YesNo::Maybe,
        }
    }

    fn holds(&self, known: &Trait) -> YesNo {
        let has = |words: &[&str]| (0..SLOTS).any(|slot| words.contains(&self.kind().word(slot, self.values[slot])));
        match (has(known.yes), has(known.maybe)) {
            (true, _) => YesNo::Yes,
            (false, true) => YesNo::Maybe,
            (false, false) => YesNo::No,
        }
    }
}

/// What the user says first of a thing of this kind.
#[must_use]
pub fn description(kind: &Kind) -> String {
    format!("I am thinking of {}.", kind.hint)
}

/// The kind that such a description is of; `None` if it is none of ours.
#[must_use]
pub fn kind_of(said: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| description(kind) == said)
}

/// A library of so many different things, always the same for the same item seed; as many as there are if they are fewer.
///
/// # Panics
/// If a split is to have none.
#[must_use]
pub fn library(items: ItemCounts) -> Library {
    let place = Address { seed: items.seed, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 };
    let mut order: Vec<u32> = (0..THINGS).collect();
    place.draws(Stream::World).shuffle(&mut order);
    let mut order = order.into_iter().map(table);
    let mut take = |split: Split| {
        let taken = order.by_ref().take(items.of(split) as usize).zip(0..);
        taken.map(|(table, index)| item(table, split, index)).collect()
    };
    let train = take(Split::Train);
    let held_out = take(Split::HeldOut);
    Library::new(train, held_out).expect("each split has things")
}

/// The thing with this number, below [`THINGS`].
fn table(number: u32) -> Table {
    let mut rest = number % things_of_a_kind();
    let mut digit = || {
        let digit = rest % VALUES as u32;
        rest /= VALUES as u32;
        digit as u8
    };
    Table { kind: (number / things_of_a_kind()) as u8, values: std::array::from_fn(|_| digit()) }
}

fn item(table: Table, split: Split, index: u32) -> Item {
    Item {
        id: format!("{}-{index:06}", split.name()),
        title: table.title(),
        aliases: Vec::new(),
        category: table.kind().name.to_owned(),
        description: description(table.kind()),
        target: table.told(),
        table: Some(table),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn lynx() -> Table {
        // small brown furry forest hunter
        Table { kind: 0, values: [0; SLOTS] }
    }

    #[test]
    fn questions_are_answered_from_the_table() {
        use YesNo::Maybe;
        use YesNo::No;
        use YesNo::Yes;
        for (question, answer) in [
            ("Is it small?", Yes),
            ("Is it big?", No),
            ("Does it have FEATHERS?", No),
            ("Is it big or little?", Yes),
            ("Is it small and white?", No),
            ("Is it small, furry and brown?", Yes),
            ("Isn't it small?", No),
            ("Is it not white?", Yes),
            ("Is it dangerous?", Yes),
            ("Can it swim?", No),
            ("Is it electric?", No),
            ("Is it famous?", Maybe),
            ("", Maybe),
            ("small large tiny huge brown white black", Maybe),
        ] {
            assert_eq!(lynx().answer(question), answer, "{question}");
        }
        let newt = Table { kind: 0, values: [0, 0, 2, 0, 1] };
        assert_eq!(newt.answer("Can it swim?"), Maybe);
    }

    #[test]
    fn a_word_means_one_thing_within_a_kind() {
        for kind in &KINDS {
            let values = kind.slots.iter().flatten().flat_map(|words| words.iter());
            let all: Vec<&str> = values.chain(kind.traits.iter().flat_map(|known| known.words)).copied().collect();
            let different: BTreeSet<&str> = all.iter().copied().collect();
            assert_eq!(all.len(), different.len(), "{}", kind.name);
            assert!(all.iter().all(|word| words(word).eq([(*word).to_owned()])), "{}", kind.name);
            let firsts: Vec<&str> = kind.slots.iter().flatten().map(|words| words[0]).collect();
            let named = kind.traits.iter().flat_map(|known| known.yes.iter().chain(known.maybe));
            assert!(named.into_iter().all(|word| firsts.contains(word)), "{}", kind.name);
        }
    }

    #[test]
    fn no_thing_is_in_the_library_twice_and_there_are_as_many_as_asked_for() {
        let counts = ItemCounts { train: 1000, held_out: 200, seed: 7 };
        let library = library(counts);
        let titles: BTreeSet<&str> = [Split::Train, Split::HeldOut]
            .iter()
            .flat_map(|split| library.of(*split))
            .map(|i| i.title.as_str())
            .collect();
        assert_eq!(titles.len(), 1200);
        assert_eq!(ItemCounts { seed: 7, ..library.counts() }, counts);
        assert_eq!(THINGS, 8192);
    }
}
