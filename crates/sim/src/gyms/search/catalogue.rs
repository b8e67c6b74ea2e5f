//! A corpus and questions of our own making, so that everything runs without a release: works, the people who made them, and what is known of
//! those. Each question names a work and asks for something about its maker, so that it takes two look-ups; the page of the maker holds
//! five facts of which one is asked for. Surnames are shared by four people, titles by works of several kinds.
//!
//! Held-out questions are about works and people of their own; towns and instruments are the same for all.

use super::Document;
use super::Item;
use crate::Address;
use crate::Draws;
use crate::Phase;
use crate::draws::Stream;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// Most questions of both splits together: there are names for no more.
pub const ITEMS_MAX: u32 = 50_000;

/// Kinds of works: the kind, who makes it, and how a page says so.
pub const KINDS: [(&str, &str, &str); 6] = [
    ("novel", "author", "written by"),
    ("opera", "composer", "composed by"),
    ("ship", "builder", "built by"),
    ("bridge", "designer", "designed by"),
    ("school", "founder", "founded by"),
    ("play", "writer", "first staged by"),
];

/// What is known of people: how it is asked for, and how a page says it.
pub const FACTS: [(&str, &str); 5] = [
    ("In which town was {} born?", "was born in"),
    ("In which town did {} die?", "died in"),
    ("Which instrument did {} play?", "played the"),
    ("Who taught {}?", "was taught by"),
    ("Whom did {} marry?", "married"),
];

const FIRST: [&str; 16] = [
    "Alva", "Bruno", "Cilla", "Dario", "Edda", "Fabian", "Greta", "Hugo", "Ilse", "Jonas", "Katja", "Leon", "Mira",
    "Nils", "Olga", "Pavel",
];
const SYLLABLES: [&str; 24] = [
    "ba", "der", "fol", "gan", "hes", "ki", "lor", "mun", "nev", "os", "pra", "quin", "rol", "sen", "tar", "ul", "vor",
    "wes", "xan", "yor", "zel", "bri", "cal", "dun",
];
const EPITHETS: [&str; 20] = [
    "Silver", "Quiet", "Northern", "Red", "Hollow", "Second", "Golden", "Lost", "Winter", "Broken", "Little",
    "Distant", "Iron", "Green", "Sleeping", "Old", "Bright", "Empty", "Royal", "Bitter",
];
const INSTRUMENTS: [&str; 12] = [
    "viola",
    "oboe",
    "harp",
    "lute",
    "cello",
    "flute",
    "organ",
    "trumpet",
    "bassoon",
    "clarinet",
    "zither",
    "accordion",
];

/// Four people share a surname; the two splits have surnames of their own.
const NAMESAKES: u32 = 4;
/// Of three syllables.
const SURNAMES: u32 = 24 * 24 * 24;
const TOWNS: u32 = 300;

/// The questions of both splits, and all pages.
#[must_use]
pub fn world(counts: ItemCounts) -> ([Vec<Item>; 2], Vec<Document>) {
    let mut documents = Vec::new();
    let items = [Split::Train, Split::HeldOut].map(|split| {
        let count = counts.of(split).min(ITEMS_MAX / 2);
        (0..count).map(|index| item(counts.seed, split, index, count, &mut documents)).collect()
    });
    (items, documents)
}

fn item(seed: u64, split: Split, index: u32, count: u32, documents: &mut Vec<Document>) -> Item {
    let round = match split {
        Split::Train => 0,
        Split::HeldOut => 1,
    };
    let place = Address { seed, phase: Phase::Rollout, round, group: index, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::World);
    let (kind, role, made) = *draws.pick(&KINDS);
    let (title, maker) = (title(index, split), person(index, split));
    documents.push(work(&title, kind, made, &maker, &mut draws));
    if draws.chance(0.3) {
        // A namesake of another kind, made by somebody else.
        let (other, _, made) = *draws.pick(&KINDS);
        let maker = person(draws.range(0, i64::from(count) - 1) as u32, split);
        if other != kind {
            documents.push(work(&title, other, made, &maker, &mut draws));
        }
    }
    let facts = facts(split, index, count, &mut draws);
    documents.push(page(&maker, &facts, &mut draws));
    let asked = draws.range(0, FACTS.len() as i64 - 1) as usize;
    let question = FACTS[asked].0.replace("{}", &format!("the {role} of the {kind} {title}"));
    Item { id: format!("{}-{index:06}", split.name()), question, answer: facts[asked].clone(), aliases: Vec::new() }
}

fn work(title: &str, kind: &str, made: &str, maker: &str, draws: &mut Draws) -> Document {
    let year = draws.range(1700, 1999);
    let text = match draws.chance(0.5) {
        true => format!("{title} is a {kind} {made} {maker} in {year}."),
        false => format!("The {kind} {title}, {made} {maker}, is known since {year}."),
    };
    Document { title: format!("{title} ({kind})"), text }
}

/// One value for each of [`FACTS`].
fn facts(split: Split, index: u32, count: u32, draws: &mut Draws) -> [String; 5] {
    let town = |draws: &mut Draws| town(draws.range(0, i64::from(TOWNS) - 1) as u32);
    // Anybody but oneself; where there is nobody, somebody without a page.
    let others = count.max(2);
    let other = |draws: &mut Draws| person((index + draws.range(1, i64::from(others) - 1) as u32) % others, split);
    let instrument = (*draws.pick(&INSTRUMENTS)).to_owned();
    [town(draws), town(draws), instrument, other(draws), other(draws)]
}

fn page(name: &str, facts: &[String; 5], draws: &mut Draws) -> Document {
    let mut order: Vec<usize> = (0..FACTS.len()).collect();
    draws.shuffle(&mut order);
    let sentences: Vec<String> =
        order.into_iter().map(|fact| format!("{name} {} {}.", FACTS[fact].1, facts[fact])).collect();
    Document { title: name.to_owned(), text: sentences.join(" ") }
}

/// The maker of the item with this number.
fn person(index: u32, split: Split) -> String {
    let number = index * 2 + u32::from(split == Split::HeldOut);
    // The parity of its number tells the splits apart, so that no surname is of both.
    let (family, member) = ((number / 2 / NAMESAKES) * 2 + number % 2, number / 2 % NAMESAKES);
    let first = FIRST[((member * 4 + family) % 16) as usize];
    format!("{first} {}", scrambled(family))
}

fn title(index: u32, split: Split) -> String {
    let number = index * 2 + u32::from(split == Split::HeldOut);
    format!("{} {}", EPITHETS[(number % 20) as usize], scrambled(SURNAMES - 1 - number / 10))
}

fn town(number: u32) -> String {
    format!("{}ton", word(number * 7 % 576, 2))
}

/// A name of three syllables; neighbours in number do not look alike. Another name for each number below [`SURNAMES`], and beyond with an ending.
fn scrambled(number: u32) -> String {
    let wrapped = number % SURNAMES;
    let name = word((wrapped * 7919 + 31) % SURNAMES, 3);
    if number < SURNAMES { name } else { format!("{name}sson") }
}

/// A number written in syllables.
fn word(mut number: u32, syllables: usize) -> String {
    let mut text = String::new();
    for _ in 0..syllables {
        text.push_str(SYLLABLES[(number % 24) as usize]);
        number /= 24;
    }
    text[..1].to_uppercase() + &text[1..]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_works_or_people_have_one_name_and_no_name_is_of_both_splits() {
        let names =
            |of: fn(u32, Split) -> String, split| (0..ITEMS_MAX / 2).map(|n| of(n, split)).collect::<BTreeSet<_>>();
        for of in [person, title] {
            let (train, held_out) = (names(of, Split::Train), names(of, Split::HeldOut));
            assert_eq!((train.len(), held_out.len()), (25_000, 25_000));
            assert!(train.is_disjoint(&held_out));
        }
    }

    #[test]
    fn items_do_not_depend_on_how_many_there_are_but_for_the_people_in_them() {
        let counts = |train| ItemCounts { train, held_out: 5, seed: 3 };
        let ([_, few], _) = world(counts(1));
        let ([_, many], _) = world(counts(50));
        assert_eq!(few, many);
    }

    #[test]
    fn the_answer_stands_on_the_page_of_the_maker_and_not_on_that_of_the_work() {
        let ([train, _], documents) = world(ItemCounts { train: 200, held_out: 1, seed: 7 });
        for (index, item) in (0..).zip(&train) {
            let page = documents.iter().find(|document| document.title == person(index, Split::Train)).unwrap();
            assert!(page.text.contains(&item.answer), "{item:?}");
            assert!(!item.question.contains(&item.answer));
        }
    }
}
