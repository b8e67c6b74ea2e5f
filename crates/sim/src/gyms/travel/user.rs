//! A user by rule: how it judges searches and questions, and what it replies.

use serde::Deserialize;
use serde::Serialize;

use super::Aspect;
use super::Wish;
use super::lexicon;
use super::query::Aligned;
use super::query::Alignment;
use super::query::Intent;
use super::query::Kind as Said;
use super::view::Asked;
use super::view::Need;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// By the words of the search or the question: see [`lexicon`].
    Rule,
    /// Misunderstands every other one.
    Bad,
    /// Feels asked about its wishes by anything that names an aspect.
    Spam,
    /// Judges by chance.
    Random,
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

    /// What it answers, as text: to a judgement, JSON.
    #[must_use]
    pub fn answer(self, asked: &Asked, address: Address) -> String {
        match asked {
            Asked::Search { needs, request } => {
                let aligned = self.judge_search(needs, request, &mut draws(address, request));
                serde_json::to_string(&aligned).expect("names and nothing else")
            }
            Asked::Question { aspects, untold, said } => {
                let intent = self.judge_question(aspects, untold, said, &mut draws(address, said));
                serde_json::to_string(&intent).expect("a number and a name")
            }
            Asked::Reply { tell, asked, .. } => reply(*tell, *asked),
        }
    }

    fn judge_search(self, needs: &[Need], request: &str, draws: &mut Draws) -> Alignment {
        let refused = Alignment { alignment: Aligned::Incomplete, aspect: None };
        let of = |aspect| Alignment { alignment: Aligned::Complete, aspect: Some(aspect) };
        match self {
            Kind::Rule => search(needs, request),
            Kind::Bad if draws.chance(0.5) => refused,
            Kind::Bad => search(needs, request),
            Kind::Spam => {
                let named = lexicon::aspects(&lexicon::words(request));
                let need = needs.iter().find(|need| named.contains(&need.aspect));
                need.map_or(refused, |need| of(need.aspect))
            }
            Kind::Random if draws.chance(0.5) => of(draws.pick(needs).aspect),
            Kind::Random => refused,
        }
    }

    fn judge_question(self, aspects: &[Aspect], untold: &[(u32, Wish)], said: &str, draws: &mut Draws) -> Intent {
        let hit = |number: u32| Intent::new(Said::Hit, Some(number));
        match self {
            Kind::Rule => question(aspects, untold, said),
            Kind::Bad if draws.chance(0.5) => Intent::new(Said::Vague, None),
            Kind::Bad => question(aspects, untold, said),
            Kind::Spam => {
                let named = lexicon::aspects(&lexicon::words(said));
                let wish = untold.iter().find(|(_, wish)| named.contains(&wish.aspect));
                wish.map_or(Intent::new(Said::Talk, None), |(number, _)| hit(*number))
            }
            Kind::Random if !untold.is_empty() && draws.chance(0.3) => hit(draws.pick(untold).0),
            Kind::Random => Intent::new(*draws.pick(&[Said::Talk, Said::Miss, Said::Vague]), None),
        }
    }
}

/// What was said stands for the turn: who repeats it is heard the same way.
fn draws(address: Address, said: &str) -> Draws {
    let place = said.bytes().fold(0u32, |sum, b| sum.wrapping_mul(31).wrapping_add(u32::from(b)));
    address.draws(Stream::Rule(Seat::User, place))
}

/// Complete if one aspect of the trip is named, no other, and all its details are said; unrelated if no aspect is.
#[must_use]
pub fn search(needs: &[Need], request: &str) -> Alignment {
    let words = lexicon::words(request);
    let named = lexicon::aspects(&words);
    let need = match named.as_slice() {
        [] => return Alignment { alignment: Aligned::Unrelated, aspect: None },
        [only] => needs.iter().find(|need| need.aspect == *only),
        _ => None,
    };
    match need {
        Some(need) if need.arguments.iter().all(|argument| lexicon::says(&words, argument)) => {
            Alignment { alignment: Aligned::Complete, aspect: Some(need.aspect) }
        }
        _ => Alignment { alignment: Aligned::Incomplete, aspect: None },
    }
}

/// Talk if no aspect of the trip is named, a hit or a miss if one aspect and one of its topics are, else vague.
#[must_use]
pub fn question(aspects: &[Aspect], untold: &[(u32, Wish)], said: &str) -> Intent {
    let words = lexicon::words(said);
    let named = lexicon::aspects(&words);
    let [aspect] = named.as_slice() else {
        let kind = if named.is_empty() { Said::Talk } else { Said::Vague };
        return Intent::new(kind, None);
    };
    if !aspects.contains(aspect) {
        return Intent::new(Said::Talk, None);
    }
    let [topic] = lexicon::topics_of(*aspect, &words)[..] else {
        return Intent::new(Said::Vague, None);
    };
    match untold.iter().find(|(_, wish)| wish.aspect == *aspect && wish.topic == topic) {
        Some((number, _)) => Intent::new(Said::Hit, Some(*number)),
        None => Intent::new(Said::Miss, None),
    }
}

/// The sentence that tells the wish, word for word, so that it is the same whenever it is told.
fn reply(tell: Option<Wish>, asked: bool) -> String {
    match tell {
        None => "If you say so.".to_owned(),
        Some(wish) if asked => wish.hint().to_owned(),
        Some(wish) => format!("By the way, about the {}: {}", wish.aspect.spoken(), wish.hint()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Trip;
    use super::super::topic::topics;
    use super::*;

    fn needs() -> Vec<Need> {
        let trip = Trip { origin: "New York".to_owned(), city: "Oslo".to_owned(), month: 2, first: 3, last: 9 };
        let need = |aspect| Need { aspect, arguments: trip.arguments(aspect) };
        [Aspect::Flight, Aspect::RentalCar].map(need).to_vec()
    }

    #[test]
    fn a_search_is_complete_if_it_is_for_one_aspect_and_says_all() {
        let judged = |text: &str| (search(&needs(), text).alignment, search(&needs(), text).aspect);
        assert_eq!(judged("flight from New York to Oslo on March 3rd"), (Aligned::Complete, Some(Aspect::Flight)));
        assert_eq!(judged("Rental car, Oslo, 3 Mar until 9 Mar"), (Aligned::Complete, Some(Aspect::RentalCar)));
        for text in [
            "flight to Oslo on March 3rd",
            "flight from New York to Oslo on March 4th",
            "car in Oslo, March 3 to 9",
            "flight and car from New York to Oslo March 3rd March 9th",
            "hotel in Oslo from March 3rd until March 9th",
        ] {
            assert_eq!(judged(text), (Aligned::Incomplete, None), "{text}");
        }
        assert_eq!(judged("New York Oslo March 3rd"), (Aligned::Unrelated, None));
    }

    #[test]
    fn what_is_asked_is_of_one_of_four_kinds() {
        let aspects = [Aspect::Flight, Aspect::RentalCar];
        let wish = Wish { aspect: Aspect::Flight, topic: 4, value: 1, hint: 0 };
        let judged = |said: &str| u8::from(question(&aspects, &[(7, wish)], said).kind);
        assert_eq!(question(&aspects, &[(7, wish)], "Which seat on the flight?"), Intent::new(Said::Hit, Some(7)));
        for (said, kind) in [
            ("How are you?", 1),
            ("Which seat?", 1),
            ("Which room in the hotel?", 1),
            ("Window or aisle on the plane?", 2),
            ("Any meal on the flight?", 3),
            ("Which fuel for the car?", 3),
            ("What do you want of the flight?", 4),
            ("Which meal and which seat on the flight?", 4),
            ("A seat on the flight, and the car?", 4),
        ] {
            assert_eq!(judged(said), kind, "{said}");
        }
    }

    #[test]
    fn a_list_of_all_words_asks_about_nothing_and_finds_nothing() {
        let mut all: Vec<&str> = Aspect::ALL.into_iter().flat_map(|aspect| aspect.words().iter().copied()).collect();
        all.extend(Aspect::ALL.into_iter().flat_map(topics).flat_map(|topic| topic.words.iter().copied()));
        let spam = format!("{} New York Oslo March 3rd March 9th", all.join(" "));
        let wish = Wish { aspect: Aspect::Flight, topic: 4, value: 1, hint: 0 };
        assert_eq!(question(&[Aspect::Flight], &[(0, wish)], &spam), Intent::new(Said::Vague, None));
        assert_eq!(search(&needs(), &spam).alignment, Aligned::Incomplete);
        let only_flight: Vec<&str> =
            topics(Aspect::Flight).iter().flat_map(|topic| topic.words.iter().copied()).collect();
        let spam = format!("flight {}", only_flight.join(" "));
        assert_eq!(question(&[Aspect::Flight], &[(0, wish)], &spam), Intent::new(Said::Vague, None));
    }
}
