//! Claims of our own: what a town should do, and what such a belief rests on.
//!
//! ```text
//!  concern   cost, safety, health, …: eight, each with three cruxes        crux    four keywords; two of them name it
//!  matter    traffic, energy, …: three claims, and twelve cruxes over six concerns that beliefs about it may rest on
//!  claim     a town and what it should do      belief    three to five of its matter's cruxes, which carry six levels of stance
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::Item;
use super::Library;
use super::items::Crux;
use super::stance::LEVELS;
use crate::Address;
use crate::Phase;
use crate::draws::Stream;
use crate::gyms::words::words;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

/// What people worry about; each has three [`CRUXES`], in order.
pub const CONCERNS: [&str; 8] = ["cost", "safety", "health", "fairness", "freedom", "privacy", "work", "nature"];
/// How many cruxes a concern has.
pub const CRUXES_OF_A_CONCERN: usize = 3;
/// How many of a crux's keywords an argument must have to be about it.
pub const KEYWORDS_MIN: usize = 2;

/// All cruxes by their keywords.
pub const CRUXES: [[&str; 4]; 24] = [
    ["budget", "taxes", "deficit", "spending"],
    ["repairs", "maintenance", "upkeep", "wear"],
    ["rents", "prices", "inflation", "bills"],
    ["accidents", "crashes", "injuries", "collisions"],
    ["crime", "theft", "burglars", "violence"],
    ["fire", "smoke", "sparks", "evacuation"],
    ["asthma", "lungs", "dust", "breathing"],
    ["stress", "sleep", "insomnia", "noise"],
    ["obesity", "exercise", "walking", "heart"],
    ["poor", "wages", "income", "afford"],
    ["elderly", "disabled", "wheelchairs", "frail"],
    ["rural", "villages", "remote", "distance"],
    ["choice", "forced", "ban", "liberty"],
    ["habits", "traditions", "customs", "culture"],
    ["rules", "bureaucracy", "permits", "paperwork"],
    ["cameras", "surveillance", "tracking", "watched"],
    ["data", "databases", "leaks", "hackers"],
    ["faces", "identity", "anonymous", "names"],
    ["jobs", "layoffs", "unemployment", "employers"],
    ["shops", "customers", "sales", "trade"],
    ["skills", "training", "apprentices", "lessons"],
    ["emissions", "carbon", "climate", "warming"],
    ["birds", "wildlife", "habitats", "species"],
    ["rivers", "water", "pollution", "waste"],
];

/// What a claim is about.
pub struct Matter {
    /// What a town should do.
    pub claims: [&'static str; 3],
    /// What beliefs about it may rest on.
    pub cruxes: [u8; 12],
}

/// All matters.
pub const MATTERS: [Matter; 6] = [
    Matter {
        claims: [
            "close its centre to private cars",
            "charge for every parking space",
            "let nobody drive faster than 30",
        ],
        cruxes: [0, 2, 3, 4, 6, 8, 10, 11, 12, 14, 19, 21],
    },
    Matter {
        claims: ["build a wind farm on its hill", "heat all flats from one plant", "allow no more gas stoves"],
        cruxes: [1, 2, 3, 5, 6, 7, 9, 11, 18, 20, 21, 22],
    },
    Matter {
        claims: ["start school at ten", "teach chess to every child", "abolish homework"],
        cruxes: [0, 2, 7, 8, 9, 11, 12, 13, 15, 16, 18, 20],
    },
    Matter {
        claims: ["film every corner", "ask for a pass at its parks", "send drones on patrol"],
        cruxes: [0, 1, 4, 5, 10, 9, 12, 13, 15, 17, 22, 23],
    },
    Matter {
        claims: ["tax sugar", "serve no meat in its canteens", "close its markets on Sundays"],
        cruxes: [1, 2, 6, 8, 9, 10, 13, 14, 18, 19, 21, 23],
    },
    Matter {
        claims: ["freeze what tenants pay", "build towers on its meadows", "forbid holiday flats"],
        cruxes: [0, 1, 4, 5, 12, 14, 16, 17, 19, 20, 22, 23],
    },
];

/// How the levels of a belief may be shared among its cruxes.
const SHARES: [&[u8]; 4] = [&[2, 2, 1, 1], &[3, 1, 1, 1], &[2, 1, 1, 1, 1], &[3, 2, 1]];

/// Towns of claims to learn from.
const TOWNS: [&str; 16] = [
    "Alderby",
    "Brindle",
    "Coldwick",
    "Dormouth",
    "Elstead",
    "Farrow",
    "Glenhurst",
    "Hawkley",
    "Inverley",
    "Juniper",
    "Kilnford",
    "Larkhill",
    "Marlow",
    "Netherby",
    "Oakham",
    "Penrose",
];
/// Towns of held-out claims.
const TOWNS_HELD_OUT: [&str; 8] =
    ["Quarley", "Ravensby", "Silverton", "Thornbury", "Upwell", "Verwood", "Westmere", "Yarrow"];

/// The crux of each keyword.
static KEYWORDS: LazyLock<BTreeMap<&str, u8>> = LazyLock::new(|| {
    let each = (0u8..).zip(&CRUXES).flat_map(|(number, crux)| crux.iter().map(move |keyword| (*keyword, number)));
    each.collect()
});

/// The cruxes that a text is about, by number.
#[must_use]
pub fn touched(text: &str) -> Vec<u8> {
    let said: BTreeSet<String> = words(text).collect();
    let mut named = [0usize; CRUXES.len()];
    for crux in said.iter().filter_map(|word| KEYWORDS.get(word.as_str())) {
        named[usize::from(*crux)] += 1;
    }
    (0u8..).zip(named).filter(|(_, keywords)| *keywords >= KEYWORDS_MIN).map(|(number, _)| number).collect()
}

/// The concern of a crux, as a number of [`CONCERNS`].
#[must_use]
pub fn concern(crux: u8) -> usize {
    usize::from(crux) / CRUXES_OF_A_CONCERN
}

/// The concern that a reply names last; `None` if it names none.
#[must_use]
pub fn concern_named(reply: &str) -> Option<usize> {
    let said: Vec<String> = words(reply).collect();
    said.iter().rev().find_map(|word| CONCERNS.iter().position(|concern| concern == word))
}

/// What a claim is about; `None` if it is none of ours.
#[must_use]
pub fn matter_of(claim: &str) -> Option<&'static Matter> {
    let is_of = |matter: &&Matter| matter.claims.iter().any(|known| claim.ends_with(&format!(" should {known}.")));
    MATTERS.iter().find(is_of)
}

/// A library of so many beliefs, always the same for the same item seed. Claims may come again with other cruxes, but never in both splits.
///
/// # Panics
/// If a split is to have none.
#[must_use]
pub fn library(items: ItemCounts) -> Library {
    let of = |split| (0..items.of(split)).map(|index| item(items.seed, split, index)).collect();
    Library::new(of(Split::Train), of(Split::HeldOut)).expect("each split has claims")
}

fn item(seed: u64, split: Split, index: u32) -> Item {
    let (round, towns): (u64, &[&str]) = match split {
        Split::Train => (0, &TOWNS),
        Split::HeldOut => (1, &TOWNS_HELD_OUT),
    };
    let place = Address { seed, phase: Phase::Rollout, round, group: index, trial: 0, member: 0 };
    let mut draws = place.draws(Stream::World);
    let matter = draws.pick(&MATTERS);
    let claim = format!("{} should {}.", draws.pick(towns), draws.pick(&matter.claims));
    let mut numbers = matter.cruxes;
    draws.shuffle(&mut numbers);
    let cruxes: Vec<Crux> = numbers
        .into_iter()
        .zip(*draws.pick(&SHARES))
        .map(|(number, levels)| Crux { number, levels: *levels })
        .collect();
    let reasons = cruxes.iter().map(|crux| {
        let [one, other, ..] = CRUXES[usize::from(crux.number)];
        format!("I do not believe in trouble with {one} or {other}.")
    });
    let argument = reasons.collect::<Vec<_>>().join(" ");
    debug_assert_eq!(cruxes.iter().map(|crux| crux.levels).sum::<u8>(), LEVELS);
    Item { id: format!("{}-{index:06}", split.name()), claim, argument, cruxes: Some(cruxes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_about_what_it_names_by_two_keywords() {
        assert_eq!(touched("Think of the budget, and of TAXES!"), [0]);
        assert_eq!(touched("Think of the budget and of the birds."), [0u8; 0]);
        assert_eq!(touched("budget taxes birds wildlife"), [0, 22]);
        assert_eq!(touched(""), [0u8; 0]);
        assert_eq!((concern(0), concern(22), CONCERNS[concern(22)]), (0, 7, "nature"));
        assert_eq!(concern_named("Cost is fine. But what of nature?"), Some(7));
    }

    #[test]
    fn a_keyword_stands_for_one_crux_and_no_claim_gives_one_away() {
        let keywords: Vec<&str> = CRUXES.iter().flatten().copied().collect();
        assert_eq!(keywords.iter().collect::<BTreeSet<_>>().len(), keywords.len());
        assert!(CONCERNS.iter().all(|concern| !keywords.contains(concern)));
        for matter in &MATTERS {
            assert!(matter.claims.iter().all(|claim| touched(claim).is_empty()));
            assert_eq!(matter.cruxes.iter().collect::<BTreeSet<_>>().len(), 12, "{}", matter.claims[0]);
        }
        let words_of_claims: Vec<String> = MATTERS.iter().flat_map(|m| m.claims).flat_map(words).collect();
        assert!(CONCERNS.iter().all(|concern| !words_of_claims.iter().any(|word| word == concern)));
    }

    #[test]
    fn every_belief_can_be_changed_and_no_claim_is_in_both_splits() {
        let library = library(ItemCounts { train: 1000, held_out: 200, seed: 7 });
        let claims = |split: Split| library.of(split).iter().map(|item| item.claim.as_str()).collect::<BTreeSet<_>>();
        assert!(claims(Split::Train).is_disjoint(&claims(Split::HeldOut)));
        for item in library.of(Split::HeldOut) {
            let cruxes = item.cruxes.as_ref().unwrap();
            assert_eq!(cruxes.iter().map(|crux| crux.levels).sum::<u8>(), LEVELS);
            let matter = matter_of(&item.claim).unwrap();
            assert!(cruxes.iter().all(|crux| matter.cruxes.contains(&crux.number)));
        }
    }
}
