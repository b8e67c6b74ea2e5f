//! How a seat is told what it may do.
//!
//! A gym's brief explains in words how acts are written: `[search] WORDS`. Models that were trained to call tools know another way: their chat
//! template announces the tools, and a turn calls one. Both name the same acts of the same world; a run says which one its models learn.

use serde::Deserialize;
use serde::Serialize;

use crate::Act;
use crate::Choice;
use crate::gyms::Op;

/// How a seat is told what it may do, and so how it writes its acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tools {
    /// Its brief says how acts are written, and they are.
    #[default]
    Prose,
    /// Its model's chat template announces them as a tool, and they are calls; the brief only says what it is all about.
    Template,
}

impl Tools {
    /// Whether it is what is usual.
    #[must_use]
    pub fn is_prose(&self) -> bool {
        *self == Tools::Prose
    }
}

/// What a seat of a gym may call: the choices of UserRL's one tool (spec userrl §1.1) that mean something there.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolkit {
    /// The choices, each with what it does and what its content is.
    pub choices: &'static [(Choice, &'static str)],
    /// What plain talk is taken for; `None`: it does not count.
    pub plain: Option<Choice>,
}

impl Toolkit {
    /// The call that an act comes to: the choice and its content. `None` for plain talk that does not count.
    #[must_use]
    pub fn call(&self, act: &Act) -> Option<(Choice, String)> {
        match Op::of(act) {
            Op::Action(content) => Some((Choice::Action, content)),
            Op::Search(content) => Some((Choice::Search, content)),
            Op::Answer(content) => Some((Choice::Answer, content)),
            Op::Finish => Some((Choice::Finish, String::new())),
            Op::Plain(content) => Some((self.plain?, content)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_comes_to_one_call_however_it_was_written() {
        let kit = Toolkit { choices: &[(Choice::Action, "asks")], plain: Some(Choice::Action) };
        let strict = Toolkit { choices: &[(Choice::Action, "asks")], plain: None };
        let say = |text: &str| Act::Say(text.to_owned());
        let asks = Some((Choice::Action, "Is it small?".to_owned()));
        let tool = Act::Tool { choice: Choice::Action, content: "Is it small?".to_owned() };
        assert_eq!(
            [&say("[action] Is it small?"), &tool, &say("Is it small?")].map(|act| kit.call(act)),
            [asks.clone(), asks.clone(), asks]
        );
        assert_eq!(strict.call(&say("Is it small?")), None);
        assert_eq!(strict.call(&say("[finish] bye")), Some((Choice::Finish, String::new())));
    }
}
