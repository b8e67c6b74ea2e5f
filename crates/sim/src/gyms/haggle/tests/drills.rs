//! Drills are asked about what stands in their own brief, and their answers are right.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::Seat;
use crate::Source;
use crate::gyms::Rules as Gym;
use crate::gyms::haggle::Drill;
use crate::gyms::haggle::Fact;
use crate::gyms::haggle::example;
use crate::scenario::Split;

fn drill(split: Split, seat: Seat, index: u32) -> Drill {
    let scenario = example();
    let Gym::Haggle(rules) = &scenario.rules;
    rules.drill(&scenario, split, seat, index)
}

/// What the brief says of a fact: `low`, or `unknown`.
fn told<'a>(brief: &'a str, fact: &str) -> &'a str {
    let (_, rest) = brief.split_once(&format!("The {fact} is ")).expect("every fact stands in the brief");
    rest.split_once('.').expect("sentences end").0
}

/// The drill's brief and question.
fn texts(drill: &Drill) -> (&str, &str) {
    let [brief, question] = &drill.messages[..] else { panic!("a brief and a question: {drill:?}") };
    assert_eq!((brief.from, question.from), (Source::Brief, Source::World));
    (&brief.text, &question.text)
}

#[test]
fn the_seller_is_asked_for_a_fact_and_the_answer_stands_in_its_brief() {
    let mut facts = BTreeSet::new();
    for split in [Split::Train, Split::HeldOut] {
        for index in 0..300 {
            let drill = drill(split, Seat::Agent, index);
            let (brief, question) = texts(&drill);
            let fact =
                question.strip_prefix("Look up the ").and_then(|rest| rest.strip_suffix('.')).expect("a question");
            assert_eq!(drill.answer, format!("The {fact} is {}.", told(brief, fact)));
            facts.insert(fact.to_owned());
        }
    }
    assert_eq!(facts.len(), Fact::ALL.len(), "all facts are asked for");
}

#[test]
fn the_buyer_judges_a_claim_by_its_brief_and_says_unknown_only_of_the_unknown() {
    let mut answers: BTreeMap<String, u32> = BTreeMap::new();
    for split in [Split::Train, Split::HeldOut] {
        for index in 0..300 {
            let drill = drill(split, Seat::User, index);
            let (brief, question) = texts(&drill);
            let claim = question.strip_prefix("Judge this, the ").and_then(|rest| rest.strip_suffix('.'));
            let (fact, claimed) = claim.and_then(|claim| claim.split_once(" is ")).expect("a claim");
            let known = told(brief, fact);
            let right = match known {
                "unknown" => "",
                known if known == claimed => " intent fair",
                _ => " intent trap",
            };
            assert_eq!(drill.answer, format!("know {known}{right}"), "{brief} {question}");
            *answers.entry(right.to_owned()).or_default() += 1;
        }
    }
    assert!(answers.len() == 3 && answers.values().all(|count| *count > 60), "{answers:?}");
}

#[test]
fn a_drill_is_always_the_same_and_its_neighbours_are_others() {
    let all: Vec<Drill> = (0..50).map(|index| drill(Split::Train, Seat::User, index)).collect();
    assert_eq!(all[7], drill(Split::Train, Seat::User, 7));
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
}
