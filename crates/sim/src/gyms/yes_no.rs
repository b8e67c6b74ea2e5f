//! The answer to a question that can be answered with one word.

use serde::Deserialize;
use serde::Serialize;

use super::reply;

/// Yes, no, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum YesNo {
    /// It is so.
    Yes,
    /// It is not.
    No,
    /// It depends, or the question cannot be answered so.
    Maybe,
}

/// The answer as models like to wrap it; upstream's names are understood too.
#[derive(Deserialize)]
struct Wrapped {
    #[serde(alias = "judgment", alias = "judgement", alias = "answer")]
    response: String,
}

impl YesNo {
    /// `Yes` for true.
    #[must_use]
    pub fn of(so: bool) -> YesNo {
        if so { YesNo::Yes } else { YesNo::No }
    }

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            YesNo::Yes => "Yes",
            YesNo::No => "No",
            YesNo::Maybe => "Maybe",
        }
    }

    /// Reads a reply: the word, alone or at the head of a sentence, or JSON such as `{"response": "Yes"}`.
    ///
    /// # Errors
    /// What was expected, if it is neither.
    pub fn read(reply: &str) -> Result<YesNo, String> {
        let said = reply::spoken(reply);
        match YesNo::head(said) {
            Some(answer) => Ok(answer),
            None => {
                let Wrapped { response } = reply::read(said)?;
                YesNo::head(&response).ok_or_else(|| format!("`{}` is not Yes, No or Maybe", reply::excerpt(&response)))
            }
        }
    }

    /// The answer that a text begins with.
    fn head(text: &str) -> Option<YesNo> {
        let word = text.split(|c: char| !c.is_alphabetic()).next()?;
        [YesNo::Yes, YesNo::No, YesNo::Maybe].into_iter().find(|answer| answer.name().eq_ignore_ascii_case(word))
    }

    /// The opposite; `Maybe` stays.
    #[must_use]
    pub fn denied(self) -> YesNo {
        match self {
            YesNo::Yes => YesNo::No,
            YesNo::No => YesNo::Yes,
            YesNo::Maybe => YesNo::Maybe,
        }
    }

    /// Whether all of them hold.
    #[must_use]
    pub fn all(answers: &[YesNo]) -> YesNo {
        if answers.contains(&YesNo::No) {
            YesNo::No
        } else if answers.contains(&YesNo::Maybe) {
            YesNo::Maybe
        } else {
            YesNo::Yes
        }
    }

    /// Whether any of them holds.
    #[must_use]
    pub fn any(answers: &[YesNo]) -> YesNo {
        if answers.contains(&YesNo::Yes) {
            YesNo::Yes
        } else if answers.contains(&YesNo::Maybe) {
            YesNo::Maybe
        } else {
            YesNo::No
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_however_it_is_wrapped() {
        for reply in [
            "Yes",
            " yes.",
            "YES, it is!",
            "{\"response\": \"Yes\"}",
            "```json\n{\"thought\": \"no doubt\", \"response\": \"yes\"}\n```",
            "<think>No? {\"response\": \"No\"}</think>\n{\"judgment\": \"Yes\"}",
        ] {
            assert_eq!(YesNo::read(reply), Ok(YesNo::Yes), "{reply}");
        }
        assert_eq!(YesNo::read("Maybe…"), Ok(YesNo::Maybe));
    }

    #[test]
    fn anything_else_is_no_answer() {
        for reply in [
            "",
            "Yesterday",
            "Perhaps",
            "{}",
            "{\"response\": 1}",
            "{\"response\": \"\"}",
            "[\"Yes\"]",
            "{\"response\":",
        ] {
            assert!(YesNo::read(reply).is_err(), "{reply}");
        }
    }

    #[test]
    fn several_answers_make_one() {
        use YesNo::Maybe;
        use YesNo::No;
        use YesNo::Yes;
        assert_eq!([YesNo::all(&[Yes, Maybe]), YesNo::all(&[Maybe, No]), YesNo::all(&[Yes])], [Maybe, No, Yes]);
        assert_eq!([YesNo::any(&[Yes, No]), YesNo::any(&[Maybe, No]), YesNo::any(&[No])], [Yes, Maybe, No]);
    }
}
