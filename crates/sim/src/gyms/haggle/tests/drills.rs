//! Drills are asked about what stands in their own brief, and their answers are right.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::Seat;
use crate::Source;
use crate::gyms::Drill;
use crate::gyms::haggle::Fact;
use crate::gyms::haggle::example;
use crate::scenario::Split;

fn drill(split: Split, seat: Seat, index: u32) -> Drill {
    let scenario = example();
    scenario.rules.drill(&scenario, split, seat, index).expect("this gym has drills")
}

/// What the brief says of a fact: `low`, or `unknown`.
fn told<'a>(brief: &'a str, fact: &str) -> &'a str {
    let (_, rest) = brief.split_once(&format!("The {fact} is ")).expect("every fact stands in the brief");
    rest.split_once('.').expect("sentences end").0
}

/// The drill's brief and question.
fn texts(drill: &Drill) -> (&str, &str) {
    let [asked] = &drill.questions[..] else { panic!("one question: {drill:?}") };
    let [brief, question] = &asked.messages[..] else { panic!("a brief and a question: {drill:?}") };
    assert_eq!((brief.from, question.from), (Source::Brief, Source::World));
    (&brief.text, &question.text)
}

/// The drills of a seat whose question begins and ends so: brief, what stands in between, answer.
fn drills(seat: Seat, begins: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for split in [Split::Train, Split::HeldOut] {
        for index in 0..600 {
            let drill = drill(split, seat, index);
            let (brief, question) = texts(&drill);
            if let Some(asked) = question.strip_prefix(begins) {
                let asked = asked.strip_suffix('.').expect("a question ends");
                found.push((brief.to_owned(), asked.to_owned(), drill.questions[0].answer.clone()));
            }
        }
    }
    assert!(found.len() > 300, "{seat} {begins}: {}", found.len());
    found
}

#[test]
fn the_seller_is_asked_for_a_fact_and_the_answer_stands_in_its_brief() {
    let mut facts = BTreeSet::new();
    for (brief, fact, answer) in drills(Seat::Agent, "Look up the ") {
        assert_eq!(answer, format!("The {fact} is {}.", told(&brief, &fact)));
        facts.insert(fact);
    }
    assert_eq!(facts.len(), Fact::ALL.len(), "all facts are asked for");
}

#[test]
fn the_buyer_judges_a_claim_by_its_brief_and_says_unknown_only_of_the_unknown() {
    let mut answers: BTreeMap<&str, u32> = BTreeMap::new();
    for (brief, claim, answer) in drills(Seat::User, "Judge this, the ") {
        let (fact, claimed) = claim.split_once(" is ").expect("a claim");
        let known = told(&brief, fact);
        let right = match known {
            "unknown" => "",
            known if known == claimed => " intent fair",
            _ => " intent trap",
        };
        assert_eq!(answer, format!("heard {claimed} know {known}{right}"), "{brief} {claim}");
        *answers.entry(right).or_default() += 1;
    }
    assert!(answers.len() == 3 && answers.values().all(|count| *count > 60), "{answers:?}");
}

#[test]
fn a_drill_is_always_the_same_and_its_neighbours_are_others() {
    let all: Vec<Drill> = (0..50).map(|index| drill(Split::Train, Seat::User, index)).collect();
    assert_eq!(all[7], drill(Split::Train, Seat::User, 7));
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
}

/// A price of a text, after these words.
fn dollars(text: &str, after: &str) -> i64 {
    let (_, rest) = text.split_once(&format!("{after} $")).expect("the price stands in the text");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

#[test]
fn terms_are_weighed_by_the_brief() {
    let mut answers: BTreeMap<String, u32> = BTreeMap::new();
    for seat in Seat::ALL {
        for index in 0..400 {
            let drill = drill(Split::Train, seat, index);
            let (brief, question) = texts(&drill);
            if !question.starts_with("Weigh this, $") {
                continue;
            }
            let fee = |words: [i64; 4]| match told(brief, "fee") {
                "zero" => words[0],
                "small" => words[1],
                "large" => words[2],
                _ => words[3],
            };
            let (delivery, warranty) = (question.contains("delivery"), question.contains("warranty"));
            let price = dollars(question, "Weigh this,");
            let left = if seat == Seat::Agent {
                let paid = if delivery { fee([0, 1, 2, 0]) } else { 0 };
                price - dollars(brief, "Your cost is") - paid - i64::from(warranty)
            } else {
                let paid = if delivery { 0 } else { fee([0, 2, 4, 2]) };
                let wear = match told(brief, "condition") {
                    "new" => 0,
                    "worn" => 3,
                    _ => 1,
                };
                let wanted = warranty && brief.contains("You want the warranty");
                dollars(brief, "Your value is") - price - paid - wear + if wanted { 3 } else { 0 }
            };
            let right = if left < 0 {
                "worth loss"
            } else if left < 2 {
                "worth even"
            } else if left < 4 {
                "worth gain"
            } else {
                "worth rich"
            };
            assert_eq!(drill.questions[0].answer, right, "{brief} {question}");
            *answers.entry(drill.questions[0].answer.clone()).or_default() += 1;
        }
    }
    assert!(answers.len() == 4 && answers.values().all(|count| *count > 30), "{answers:?}");
}
