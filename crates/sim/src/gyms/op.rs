//! What an act asks of a world: UserRL's one tool (spec userrl §1.1, §1.2), whether it was called or its prefix was written.

use crate::Act;
use crate::Choice;

/// An operation with its argument, without its prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Talk to the user, or act on the world.
    Action(String),
    /// Look something up.
    Search(String),
    /// Give an answer to be scored.
    Answer(String),
    /// End the talk.
    Finish,
    /// Text that names no operation: what it means is the gym's to say.
    Plain(String),
}

impl Op {
    /// Reads an act. A tool call stays what it chose to be, and a prefix that repeats the choice is dropped; text with a prefix is that
    /// operation, in any case of letters. Arguments come without space around them.
    #[must_use]
    pub fn of(act: &Act) -> Op {
        match act {
            Act::Tool { choice, content } => op(*choice, without(*choice, content.trim())),
            Act::Say(text) => {
                let text = text.trim();
                let prefixed = ALL.into_iter().find_map(|choice| Some(op(choice, strip(choice, text)?)));
                prefixed.unwrap_or_else(|| Op::Plain(text.to_owned()))
            }
        }
    }
}

const ALL: [Choice; 4] = [Choice::Action, Choice::Search, Choice::Answer, Choice::Finish];

fn prefix(choice: Choice) -> &'static str {
    match choice {
        Choice::Action => "[action]",
        Choice::Search => "[search]",
        Choice::Answer => "[answer]",
        Choice::Finish => "[finish]",
    }
}

/// What follows the prefix; `None` if the text does not begin with it.
fn strip(choice: Choice, text: &str) -> Option<&str> {
    let prefix = prefix(choice);
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text[prefix.len()..].trim())
}

fn without(choice: Choice, content: &str) -> &str {
    strip(choice, content).unwrap_or(content)
}

fn op(choice: Choice, content: &str) -> Op {
    let content = content.to_owned();
    match choice {
        Choice::Action => Op::Action(content),
        Choice::Search => Op::Search(content),
        Choice::Answer => Op::Answer(content),
        Choice::Finish => Op::Finish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(choice: Choice, content: &str) -> Op {
        Op::of(&Act::Tool { choice, content: content.to_owned() })
    }

    fn say(text: &str) -> Op {
        Op::of(&Act::Say(text.to_owned()))
    }

    #[test]
    fn a_prefix_is_not_doubled_and_another_ones_prefix_is_content() {
        assert_eq!(tool(Choice::Answer, " [answer] H1 "), Op::Answer("H1".to_owned()));
        assert_eq!(tool(Choice::Action, "[answer] H1"), Op::Action("[answer] H1".to_owned()));
    }

    #[test]
    fn text_with_a_prefix_is_the_operation() {
        assert_eq!(say("[search] price"), Op::Search("price".to_owned()));
        assert_eq!(say(" [FINISH]"), Op::Finish);
        assert_eq!(say("[finish] bye"), Op::Finish);
        assert_eq!(say("[action]"), Op::Action(String::new()));
    }

    #[test]
    fn other_text_is_plain_whatever_bytes_it_begins_with() {
        assert_eq!(say("hello [answer] H1"), Op::Plain("hello [answer] H1".to_owned()));
        assert_eq!(say("[ans\u{e9}er] x"), Op::Plain("[ans\u{e9}er] x".to_owned()));
        assert_eq!(say(""), Op::Plain(String::new()));
    }
}
