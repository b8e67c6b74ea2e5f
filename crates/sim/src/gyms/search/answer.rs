//! When two answers are the same, to the letter: upstream's rule (lower case, letters and digits only) without a lead-in
//! and an article before it.
//!
//! Not covered on purpose: an answer that merely contains the right one. Whoever lists every name that it has read would be right.

/// What may stand before an answer without being part of it.
const LEAD_INS: [&[&str]; 6] =
    [&["the", "answer", "is"], &["answer", "is"], &["it", "is"], &["it", "was"], &["i", "think", "it", "is"], &["in"]];
const ARTICLES: [&str; 3] = ["a", "an", "the"];

/// Whether one of the right answers is given.
#[must_use]
pub fn is_one_of<'a>(given: &str, right: impl IntoIterator<Item = &'a str>) -> bool {
    let given = normal(given);
    !given.is_empty() && right.into_iter().any(|right| normal(right) == given)
}

/// Whether nothing is left of an answer.
#[must_use]
pub fn is_empty(given: &str) -> bool {
    normal(given).is_empty()
}

/// What is compared.
fn normal(text: &str) -> String {
    let words: Vec<String> = words(text).collect();
    let mut rest = &words[..];
    // One lead-in, longest first; what is only a lead-in is an answer.
    if let Some(lead) = LEAD_INS.iter().find(|lead| starts_with(rest, lead) && rest.len() > lead.len()) {
        rest = &rest[lead.len()..];
    }
    let bare = rest.iter().skip_while(|word| ARTICLES.contains(&word.as_str())).map(String::as_str).collect::<String>();
    // An answer may consist of what would be left out: `A`, or `The The`.
    if bare.is_empty() { words.concat() } else { bare }
}

fn starts_with(words: &[String], lead: &[&str]) -> bool {
    words.len() >= lead.len() && words.iter().zip(lead).all(|(word, lead)| word == lead)
}

/// The words of a text: runs of letters and digits, in lower case.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_answer_may_be_written_in_many_ways() {
        for given in
            ["Vel Orra", "vel-orra.", "The answer is: Vel Orra!", "It is the Vel Orra", "in Vel Orra", "VELORRA"]
        {
            assert!(is_one_of(given, ["Vel Orra"]), "{given}");
        }
        assert!(is_one_of("U.S.A.", ["United States", "USA"]));
        assert!(is_one_of("a", ["A"]) && is_one_of("The The", ["the the"]) && is_one_of("In", ["in"]));
    }

    #[test]
    fn an_answer_that_only_contains_the_right_one_is_another() {
        for given in ["Vel Orra, Dun Kerra", "Orra", "Vel Orra or not", "", " ", "?!", "the answer is"] {
            assert!(!is_one_of(given, ["Vel Orra"]), "{given}");
        }
        assert!(!is_one_of("", [""]), "nothing is never right");
    }
}
