//! What a user by rule makes of words: which aspect and topic a question names, and whether a search says all it has to.
//!
//! Whole words count, in lower case. Who names several aspects or topics at once asks about none, so a list of all words gets nowhere.
//! Not covered: other words for a thing, negation, spelling.

use super::Aspect;
use super::topic::topics;
use super::trip::Argument;
use super::trip::MONTHS;

/// Words longer than this are cut: a question has none.
const WORD_BYTES_MAX: usize = 40;

/// The words of a text, in order and lower case; days without their endings (`3rd` is `3`), months by their first three letters.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty() && run.len() <= WORD_BYTES_MAX);
    runs.map(|run| plain(&run.to_lowercase())).collect()
}

fn plain(word: &str) -> String {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &word[digits.len()..];
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && ["st", "nd", "rd", "th"].contains(&ending) {
        return digits.trim_start_matches('0').to_owned();
    }
    let month = MONTHS.iter().map(|month| month.to_lowercase()).find(|month| word == month || word == &month[..3]);
    month.map_or_else(|| word.to_owned(), |month| month[..3].to_owned())
}

/// The aspects that are named, in their order.
#[must_use]
pub fn aspects(words: &[String]) -> Vec<Aspect> {
    let named = |aspect: &Aspect| words.iter().any(|word| aspect.words().contains(&word.as_str()));
    Aspect::ALL.into_iter().filter(named).collect()
}

/// The topics of an aspect that are named, from 0.
#[must_use]
pub fn topics_of(aspect: Aspect, words: &[String]) -> Vec<u8> {
    let named = |(_, topic): &(u8, &super::topic::Topic)| words.iter().any(|word| topic.words.contains(&word.as_str()));
    (0..).zip(topics(aspect)).filter(named).map(|(number, _)| number).collect()
}

/// Whether what has to be said is: its words side by side, a date also the other way round.
#[must_use]
pub fn says(words: &[String], argument: &Argument) -> bool {
    let wanted = self::words(&argument.value);
    let turned: Vec<String> = wanted.iter().rev().cloned().collect();
    let is_date = wanted.iter().any(|word| word.bytes().all(|b| b.is_ascii_digit()));
    !wanted.is_empty()
        && words.windows(wanted.len()).any(|said| said == wanted.as_slice() || (is_date && said == turned.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, value: &str) -> bool {
        says(&words(text), &Argument { name: String::new(), value: value.to_owned() })
    }

    #[test]
    fn dates_and_cities_are_found_as_people_write_them() {
        for text in ["on March 3rd", "mar 3", "3 March", "3rd Mar.", "MARCH-03RD"] {
            assert!(said(text, "March 3rd"), "{text}");
        }
        for text in ["March 13th", "March 30", "May 3rd", "3", "March the 3rd"] {
            assert!(!said(text, "March 3rd"), "{text}");
        }
        assert!(said("to new york, please", "New York") && !said("york new", "New York") && !said("Yorkshire", "York"));
    }

    #[test]
    fn aspects_and_topics_are_named_by_whole_words() {
        let asked = words("For the rental car: which gearbox, and which fuel?");
        assert_eq!(aspects(&asked), [Aspect::RentalCar]);
        assert_eq!(topics_of(Aspect::RentalCar, &asked), [1, 2]);
        assert_eq!(aspects(&words("I care about carpets")), []);
        assert_eq!(aspects(&words("HOTEL/flight")), [Aspect::Flight, Aspect::Hotel]);
        assert_eq!(words(&format!("a {} b", "x".repeat(1000))), ["a", "b"]);
        assert_eq!(words("th 1st may\u{130}"), ["th", "1", "mayi\u{307}"]);
    }
}
