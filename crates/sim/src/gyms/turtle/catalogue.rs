//! Stories of our own: eight plots with four hidden parts each, and a vocabulary of six for every part.
//!
//! ```text
//!  plot       surface, bottom, and facts  (subject ─ relation ─ object)  some of whose nodes are hidden parts
//!  vocabulary trades, kin, motives, places, things, causes, states, animals, times, signs, deeds: six words each
//!  story      a plot with a name, a town, and one word for each hidden part
//! ```
//!
//! A question binds parts to words and is unified with the facts. An answer tells a part if it names the right word and no other of the
//! same vocabulary: who names them all, contradicts himself everywhere and has told nothing.

use serde::Deserialize;
use serde::Serialize;

use super::Item;
use super::Library;
use super::items::Criterion;
use crate::Address;
use crate::Phase;
use crate::draws::Stream;
use crate::gyms::YesNo;
use crate::gyms::words::denies;
use crate::gyms::words::words;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// How many parts of a plot are hidden.
pub const PARTS: usize = 4;
/// How many words a vocabulary has.
pub const WORDS: usize = 6;
/// How many different stories there are, names of people and towns aside.
pub const STORIES: u32 = PLOTS.len() as u32 * stories_of_a_plot();
/// A question that names more than this is too much at once.
pub const MENTIONS_MAX: usize = 6;

/// The words for one kind of part, each with others for it.
pub type Vocabulary = [&'static [&'static str]; WORDS];

/// A node of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A hidden part, by its number.
    Part(usize),
    /// What is told to everybody, or can be said in any words.
    Plain(&'static str),
}

/// What a story's bottom says: subject, relation, object; and what an answer earns that tells it.
pub struct Fact {
    /// Subject, relation, object.
    pub nodes: [Node; 3],
    /// The sentence, with its parts as `{0}` to `{3}`.
    pub statement: &'static str,
    /// Its share of the story, in (0, 1].
    pub weight: f64,
}

/// A plot. In its texts `{N}` is a name, `{T}` a town, `{0}` to `{3}` the hidden parts.
pub struct Plot {
    /// Its title.
    pub title: &'static str,
    /// What everybody hears; it has no hidden part.
    pub surface: &'static str,
    /// What really happened.
    pub bottom: &'static str,
    /// Which words each hidden part may be; no two parts share a vocabulary.
    pub parts: [&'static Vocabulary; PARTS],
    /// What its bottom comes to.
    pub facts: &'static [Fact],
}

/// What is hidden in a story of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// Which of [`PLOTS`].
    pub plot: u8,
    /// The number of each part's word.
    pub parts: [u8; PARTS],
}

use Node::Part;
use Node::Plain;

const TRADES: Vocabulary = [&["gardener"], &["baker"], &["pilot"], &["nurse"], &["tailor"], &["organist"]];
const KIN: Vocabulary = [&["twin"], &["grandson"], &["widow"], &["godmother"], &["stepson"], &["cousin"]];
const MOTIVES: Vocabulary = [
    &["debt", "debts"],
    &["jealousy", "jealous"],
    &["revenge"],
    &["shame", "ashamed"],
    &["loneliness", "lonely"],
    &["greed", "greedy"],
];
const PLACES: Vocabulary = [&["cellar", "basement"], &["attic"], &["well"], &["chimney"], &["barn"], &["chapel"]];
const THINGS: Vocabulary = [&["diary"], &["ring"], &["map"], &["key"], &["photograph", "photo"], &["violin"]];
const CAUSES: Vocabulary = [&["fog"], &["frost"], &["lightning"], &["flood"], &["earthquake"], &["drought"]];
const STATES: Vocabulary =
    [&["blind"], &["deaf"], &["drunk"], &["feverish", "fever"], &["dreaming"], &["poisoned", "poison"]];
const ANIMALS: Vocabulary = [&["parrot"], &["goat"], &["bees", "bee"], &["monkey"], &["magpie"], &["snake"]];
const TIMES: Vocabulary = [&["dawn"], &["noon"], &["dusk"], &["midnight"], &["easter"], &["harvest"]];
const SIGNS: Vocabulary =
    [&["ash", "ashes"], &["footprints"], &["perfume"], &["feathers", "feather"], &["wax"], &["rust"]];
const DEEDS: Vocabulary = [
    &["sold", "sell"],
    &["burned", "burn"],
    &["buried", "bury"],
    &["swapped", "swap"],
    &["painted", "paint"],
    &["copied", "copy"],
];

/// All plots.
pub const PLOTS: [Plot; 8] = [
    Plot {
        title: "The Silent Bell of {T}",
        surface: "Every evening the bell of {T} rang, until one day it made no sound. {N} climbed up, looked around, and wept. What had happened?",
        bottom: "The {0} had {1} the clapper of the bell, out of {2}. {N} knew it by the {3} on the rope.",
        parts: [&TRADES, &DEEDS, &MOTIVES, &SIGNS],
        facts: &[
            Fact {
                nodes: [Part(0), Part(1), Plain("the clapper")],
                statement: "The {0} {1} the clapper.",
                weight: 0.5,
            },
            Fact {
                nodes: [Plain("it"), Plain("was done out of"), Part(2)],
                statement: "It was done out of {2}.",
                weight: 0.3,
            },
            Fact {
                nodes: [Part(3), Plain("gave away"), Plain("who")],
                statement: "The {3} on the rope gave it away.",
                weight: 0.2,
            },
        ],
    },
    Plot {
        title: "Dinner for Two",
        surface: "Each night {N} of {T} laid the table for two, ate alone, and smiled. One night {N} laid it for one, and moved away. Why?",
        bottom: "The other plate was for a {0} that came out of the {1} each {2}, until the {3} kept it away.",
        parts: [&ANIMALS, &PLACES, &TIMES, &CAUSES],
        facts: &[
            Fact { nodes: [Plain("the guest"), Plain("was"), Part(0)], statement: "The guest was a {0}.", weight: 0.4 },
            Fact {
                nodes: [Part(3), Plain("ended"), Plain("the visits")],
                statement: "The {3} kept the guest away.",
                weight: 0.3,
            },
            Fact {
                nodes: [Part(0), Plain("came out of"), Part(1)],
                statement: "The {0} came out of the {1}.",
                weight: 0.2,
            },
            Fact { nodes: [Part(0), Plain("came at"), Part(2)], statement: "The {0} came at {2}.", weight: 0.1 },
        ],
    },
    Plot {
        title: "A Letter from {T}",
        surface: "{N} opened a letter without a word in it, and took the next train to {T}. Nobody there was surprised. What did it tell?",
        bottom: "In the envelope was {0}. That told {N} that the {1} had {2} the house of their childhood, out of {3}.",
        parts: [&SIGNS, &KIN, &DEEDS, &MOTIVES],
        facts: &[
            Fact { nodes: [Part(1), Part(2), Plain("the house")], statement: "The {1} {2} the house.", weight: 0.4 },
            Fact {
                nodes: [Plain("the envelope"), Plain("held"), Part(0)],
                statement: "In the envelope was {0}.",
                weight: 0.3,
            },
            Fact {
                nodes: [Part(1), Plain("did it out of"), Part(3)],
                statement: "The {1} did it out of {3}.",
                weight: 0.3,
            },
        ],
    },
    Plot {
        title: "The Visitor in {T}",
        surface: "A visitor stood before a picture in the museum of {T}, laughed, and was arrested a minute later. {N}, the guard, was thanked by all. Why?",
        bottom: "The picture showed the {0} in which the visitor kept the stolen {1}. The visitor was the {2} of the artist, and the {3} on the coat told {N} so.",
        parts: [&PLACES, &THINGS, &KIN, &SIGNS],
        facts: &[
            Fact {
                nodes: [Part(1), Plain("was kept in"), Part(0)],
                statement: "The stolen {1} was kept in the {0}.",
                weight: 0.5,
            },
            Fact {
                nodes: [Plain("the visitor"), Plain("was"), Part(2)],
                statement: "The visitor was the {2} of the artist.",
                weight: 0.3,
            },
            Fact {
                nodes: [Part(3), Plain("gave away"), Plain("the visitor")],
                statement: "The {3} on the coat gave the visitor away.",
                weight: 0.2,
            },
        ],
    },
    Plot {
        title: "The Light of {T}",
        surface: "On the worst night of the year the keeper {N} put out the light of {T}, and saved a ship by it. How?",
        bottom: "The captain was {0} and had a {1} to guide the ship, which at {2} followed any light. In the {3} it would have followed that of {T} onto the rocks.",
        parts: [&STATES, &ANIMALS, &TIMES, &CAUSES],
        facts: &[
            Fact {
                nodes: [Plain("the captain"), Plain("was"), Part(0)],
                statement: "The captain was {0}.",
                weight: 0.4,
            },
            Fact {
                nodes: [Part(1), Plain("guided"), Plain("the ship")],
                statement: "A {1} guided the ship.",
                weight: 0.3,
            },
            Fact {
                nodes: [Part(3), Plain("hid"), Plain("the rocks")],
                statement: "The {3} hid the rocks.",
                weight: 0.2,
            },
            Fact {
                nodes: [Plain("the ship"), Plain("came at"), Part(2)],
                statement: "The ship came at {2}.",
                weight: 0.1,
            },
        ],
    },
    Plot {
        title: "The Heir of {T}",
        surface: "{N} was to inherit the finest house of {T}, and tore up the will before anybody had read it. The family cheered. Why?",
        bottom: "The will was a forgery of the {0}, and left the {1}, which was all that mattered, to the {2}. {N} had found it out at {3}.",
        parts: [&TRADES, &THINGS, &KIN, &TIMES],
        facts: &[
            Fact {
                nodes: [Part(0), Plain("forged"), Plain("the will")],
                statement: "The {0} forged the will.",
                weight: 0.4,
            },
            Fact {
                nodes: [Part(1), Plain("was left to"), Part(2)],
                statement: "The {1} was left to the {2}.",
                weight: 0.4,
            },
            Fact {
                nodes: [Plain("it"), Plain("was found out at"), Part(3)],
                statement: "It was found out at {3}.",
                weight: 0.2,
            },
        ],
    },
    Plot {
        title: "Asleep in {T}",
        surface: "{N} fell asleep in the park of {T}, and by that the whole town lost its savings. Nobody was angry. Why?",
        bottom: "The savings lay in the {0}, and {N}, the {1}, had to watch the {2} that guarded them. While {N} slept, the {3} took all.",
        parts: [&PLACES, &TRADES, &ANIMALS, &CAUSES],
        facts: &[
            Fact {
                nodes: [Part(3), Plain("took"), Plain("the savings")],
                statement: "The {3} took the savings.",
                weight: 0.4,
            },
            Fact {
                nodes: [Plain("the savings"), Plain("lay in"), Part(0)],
                statement: "The savings lay in the {0}.",
                weight: 0.3,
            },
            Fact {
                nodes: [Part(1), Plain("watched"), Part(2)],
                statement: "The {1} had to watch the {2}.",
                weight: 0.3,
            },
        ],
    },
    Plot {
        title: "The Wedding in {T}",
        surface: "In {T} {N} said yes at the altar, and ran away before the cake was cut. Both still call it the best day of their lives. Why?",
        bottom: "{N} had seen the {0} that the {1} had hidden in the {2}, out of {3}, and fetched it.",
        parts: [&THINGS, &KIN, &PLACES, &MOTIVES],
        facts: &[
            Fact {
                nodes: [Part(1), Plain("had hidden"), Part(0)],
                statement: "The {1} had hidden the {0}.",
                weight: 0.4,
            },
            Fact { nodes: [Part(0), Plain("lay in"), Part(2)], statement: "The {0} lay in the {2}.", weight: 0.3 },
            Fact {
                nodes: [Part(1), Plain("did it out of"), Part(3)],
                statement: "The {1} did it out of {3}.",
                weight: 0.3,
            },
        ],
    },
];

const fn stories_of_a_plot() -> u32 {
    (WORDS as u32).pow(PARTS as u32)
}

/// Names and towns of stories to learn from, then of those held out.
const NAMES: [[&str; 6]; 2] =
    [["Ada", "Bruno", "Clara", "Dario", "Edith", "Felix"], ["Greta", "Hugo", "Irene", "Jonas", "Klara", "Leo"]];
const TOWNS: [[&str; 6]; 2] = [
    ["Arlen", "Brock", "Corvin", "Dunmere", "Eastow", "Fenwick"],
    ["Garrow", "Hollin", "Ivery", "Jarlow", "Kestrel Bay", "Lorne"],
];

impl Plot {
    /// Which words a text names of each hidden part.
    #[must_use]
    pub fn mentions(&self, text: &str) -> [Vec<u8>; PARTS] {
        let said: Vec<String> = words(text).collect();
        std::array::from_fn(|part| named(self.parts[part], &said))
    }

    /// The word of a part.
    #[must_use]
    pub fn word(&self, part: usize, number: u8) -> &'static str {
        self.parts[part][number as usize][0]
    }

    /// The hidden parts in the order of what they can earn, the most first.
    #[must_use]
    pub fn by_weight(&self) -> Vec<usize> {
        let weight = |part: &usize| -> f64 {
            let with = self.facts.iter().filter(|fact| fact.nodes.contains(&Part(*part)));
            with.map(|fact| fact.weight).sum()
        };
        let mut order: Vec<usize> = (0..PARTS).collect();
        order.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        order
    }

    /// A text with its parts named.
    #[must_use]
    pub fn filled(&self, text: &str, parts: &[u8; PARTS]) -> String {
        (0..PARTS)
            .fold(text.to_owned(), |text, part| text.replace(&format!("{{{part}}}"), self.word(part, parts[part])))
    }
}

/// The numbers of the words of a vocabulary that are among those said.
fn named(vocabulary: &Vocabulary, said: &[String]) -> Vec<u8> {
    let is_said = |known: &&[&str]| known.iter().any(|word| said.iter().any(|said| said == word));
    (0..).zip(vocabulary).filter(|(_, known)| is_said(known)).map(|(number, _)| number).collect()
}

impl Fact {
    /// Its hidden parts.
    fn parts(&self) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().filter_map(|node| match node {
            Part(part) => Some(*part),
            Plain(_) => None,
        })
    }
}

impl Graph {
    /// Its plot.
    #[must_use]
    pub fn plot(&self) -> &'static Plot {
        &PLOTS[self.plot as usize]
    }

    /// The answer to a question: it binds parts to the words that it names, and what is bound must all be so in the facts, or any of it
    /// where it says `or`. A denial turns the answer round. `Maybe` if nothing is bound, or too much.
    #[must_use]
    pub fn answer(&self, question: &str) -> YesNo {
        let bound = self.plot().mentions(question);
        let each = (0..PARTS).flat_map(|part| bound[part].iter().map(move |word| (part, *word)));
        let answers: Vec<YesNo> = each.map(|(part, word)| YesNo::of(self.parts[part] == word)).collect();
        let either = words(question).any(|word| word == "or" || word == "either");
        let answer = match answers.len() {
            0 => match strangers(question) {
                // What is in no fact is not so.
                1..=MENTIONS_MAX => YesNo::No,
                _ => return YesNo::Maybe,
            },
            count if count > MENTIONS_MAX => return YesNo::Maybe,
            _ if either => YesNo::any(&answers),
            _ => YesNo::all(&answers),
        };
        if denies(question) { answer.denied() } else { answer }
    }

    /// How much of each fact an answer tells: 1 if every hidden part of it, 0.5 if some. A part is told by its word, unless the answer
    /// names another of the same vocabulary too. Sentences that deny tell nothing.
    #[must_use]
    pub fn scores(&self, answer: &str) -> Vec<f64> {
        let sentences = answer.split(['.', '!', '?', ';', '\n']);
        let affirmed: Vec<&str> = sentences.filter(|sentence| !denies(sentence)).collect();
        let named = self.plot().mentions(&affirmed.join(" . "));
        let is_told = |part: usize| named[part] == [self.parts[part]];
        let score = |fact: &Fact| {
            let (told, parts) = (fact.parts().filter(|part| is_told(*part)).count(), fact.parts().count());
            match told {
                0 => 0.0,
                told if told == parts => 1.0,
                _ => 0.5,
            }
        };
        self.plot().facts.iter().map(score).collect()
    }
}

/// How many words of any vocabulary a text names.
fn strangers(text: &str) -> usize {
    let all = [&TRADES, &KIN, &MOTIVES, &PLACES, &THINGS, &CAUSES, &STATES, &ANIMALS, &TIMES, &SIGNS, &DEEDS];
    let said: Vec<String> = words(text).collect();
    all.iter().map(|vocabulary| named(vocabulary, &said).len()).sum()
}

/// The plot that has this surface; `None` if it is none of ours.
#[must_use]
pub fn plot_of(surface: &str) -> Option<&'static Plot> {
    PLOTS.iter().find(|plot| {
        let mut rest = surface;
        let mut fixed = plot.surface.split(['{', '}']).filter(|piece| !["N", "T"].contains(piece));
        fixed.all(|piece| match rest.split_once(piece) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}

/// A library of so many different stories, always the same for the same item seed; as many as there are if they are fewer.
///
/// # Panics
/// If a split is to have none.
#[must_use]
pub fn library(items: ItemCounts) -> Library {
    let place = Address { seed: items.seed, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 };
    let mut order: Vec<u32> = (0..STORIES).collect();
    place.draws(Stream::World).shuffle(&mut order);
    let mut order = order.into_iter().map(graph);
    let mut take = |split: Split| {
        let taken = order.by_ref().take(items.of(split) as usize).zip(0..);
        taken.map(|(graph, index)| item(graph, items.seed, split, index)).collect()
    };
    let train = take(Split::Train);
    let held_out = take(Split::HeldOut);
    Library::new(train, held_out).expect("each split has stories")
}

/// The story with this number, below [`STORIES`].
fn graph(number: u32) -> Graph {
    let mut rest = number % stories_of_a_plot();
    let mut digit = || {
        let digit = rest % WORDS as u32;
        rest /= WORDS as u32;
        digit as u8
    };
    Graph { plot: (number / stories_of_a_plot()) as u8, parts: std::array::from_fn(|_| digit()) }
}

/// The story of a graph, with a name and a town.
#[must_use]
pub fn item(graph: Graph, seed: u64, split: Split, index: u32) -> Item {
    let (round, list) = match split {
        Split::Train => (0, 0),
        Split::HeldOut => (1, 1),
    };
    let place = Address { seed, phase: Phase::Rollout, round, group: index, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::World);
    let (name, town) = (*draws.pick(&NAMES[list]), *draws.pick(&TOWNS[list]));
    let plot = graph.plot();
    let text = |text: &str| plot.filled(&text.replace("{N}", name).replace("{T}", town), &graph.parts);
    let criterion = |fact: &Fact| Criterion { statement: text(fact.statement), weight: fact.weight };
    Item {
        id: format!("{}-{index:06}", split.name()),
        title: text(plot.title),
        surface: text(plot.surface),
        bottom: text(plot.bottom),
        criteria: plot.facts.iter().map(criterion).collect(),
        graph: Some(graph),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The gardener sold the clapper out of debt; the ash gave it away.
    const BELL: Graph = Graph { plot: 0, parts: [0; PARTS] };

    #[test]
    fn questions_are_unified_with_the_facts() {
        use YesNo::Maybe;
        use YesNo::No;
        use YesNo::Yes;
        for (question, answer) in [
            ("Was it the gardener?", Yes),
            ("Did the baker do it?", No),
            ("Did the gardener sell it out of debt?", Yes),
            ("Did the gardener burn it?", No),
            ("Was it the baker, the pilot or the gardener?", Yes),
            ("Was it not the gardener?", No),
            ("Wasn't it the baker?", Yes),
            ("Is there a parrot in it?", No),
            ("Is it sad?", Maybe),
            ("", Maybe),
            ("gardener baker pilot nurse tailor organist ash", Maybe),
        ] {
            assert_eq!(BELL.answer(question), answer, "{question}");
        }
    }

    #[test]
    fn an_answer_is_scored_by_required_facts_and_half_for_some_of_their_parts() {
        for (answer, scores) in [
            ("The gardener sold the clapper out of debt, and the ash told so.", [1.0, 1.0, 1.0]),
            ("The gardener burned it, being in debt.", [0.5, 1.0, 0.0]),
            ("It was not the baker. The gardener did it!", [0.5, 0.0, 0.0]),
            ("The gardener. The baker.", [0.0, 0.0, 0.0]),
            ("It was not the gardener.", [0.0, 0.0, 0.0]),
            ("", [0.0, 0.0, 0.0]),
        ] {
            assert_eq!(BELL.scores(answer), scores, "{answer}");
        }
    }

    #[test]
    fn naming_every_word_there_is_tells_nothing_in_one_sentence_or_in_many() {
        let all: Vec<&str> = PLOTS[0].parts.iter().flat_map(|words| words.iter()).map(|words| words[0]).collect();
        for glue in [" ", ". ", ", "] {
            assert_eq!(BELL.scores(&all.join(glue)), [0.0; 3]);
        }
    }

    #[test]
    fn every_story_can_be_played_and_is_told_by_its_bottom_and_not_by_its_surface() {
        for number in (0..STORIES).step_by(17) {
            let item = item(graph(number), 1, Split::Train, number);
            assert_eq!(item.check(), Ok(()));
            assert!(item.scores(&item.bottom).iter().all(|score| *score == 1.0), "{}", item.bottom);
            assert!(item.scores(&item.surface).iter().all(|score| *score == 0.0), "{}", item.surface);
            let statements: Vec<&str> = item.criteria.iter().map(|c| c.statement.as_str()).collect();
            assert!(item.scores(&statements.join(" ")).iter().all(|score| *score == 1.0), "{statements:?}");
            assert_eq!(plot_of(&item.surface).unwrap().title, graph(number).plot().title, "{}", item.surface);
        }
    }

    #[test]
    fn a_word_is_in_one_vocabulary_and_no_plot_uses_one_twice() {
        let all = [&TRADES, &KIN, &MOTIVES, &PLACES, &THINGS, &CAUSES, &STATES, &ANIMALS, &TIMES, &SIGNS, &DEEDS];
        let words: Vec<&str> = all.iter().flat_map(|v| v.iter()).flat_map(|words| words.iter()).copied().collect();
        assert_eq!(words.iter().copied().collect::<BTreeSet<&str>>().len(), words.len());
        for plot in &PLOTS {
            let firsts: BTreeSet<&str> = (0..PARTS).map(|part| plot.word(part, 0)).collect();
            assert_eq!(firsts.len(), PARTS, "{}", plot.title);
            assert!((plot.facts.iter().map(|fact| fact.weight).sum::<f64>() - 1.0).abs() < 1e-12, "{}", plot.title);
            assert!(
                (0..PARTS).all(|part| plot.facts.iter().any(|fact| fact.parts().any(|p| p == part))),
                "{}",
                plot.title
            );
        }
    }

    #[test]
    fn no_story_is_in_both_splits() {
        let library = library(ItemCounts { train: 1000, held_out: 200, seed: 7 });
        let key = |item: &Item| item.graph.map(|graph| (graph.plot, graph.parts));
        let all = [Split::Train, Split::HeldOut].map(|split| library.of(split));
        let different: BTreeSet<_> = all.iter().flat_map(|items| items.iter()).map(|item| key(item)).collect();
        assert_eq!(different.len(), 1200);
    }
}
