//! Reading a seat's turn: one private thought in tags, then what everybody hears.
//!
//! A turn that does not have exactly this form is malformed as a whole. Guessing which part of it was meant to be heard is how private
//! text leaks: a thought whose closing tag is missing or misspelt looks like speech.

use sim::Act;
use sim::NoAct;

use crate::reply::CallForm;
use crate::reply::PYTHON_TAG;
use crate::tokenizer::MARKERS;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;
use crate::tool_call;

/// A turn as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The public act, or why there is none.
    pub act: Result<Act, NoAct>,
    /// The private thought without its tags, white space kept, U+FFFD for what is no UTF-8; `None` if the turn does not begin with a whole
    /// block.
    pub thought: Option<String>,
    /// How many bytes of the turn, from the first, are private: the block with its tags. Where the block never closes, all of them.
    pub private_len: usize,
}

/// Reads a turn, closing marker removed. `reasons` says whether the seat must think first; if it does not, any tag is malformed. A turn
/// that was cut (`closed` is false) and holds no act is [`NoAct::OutOfTokens`]; an utterance cut short stands.
#[must_use]
pub fn read(turn: &[u8], reasons: bool, closed: bool) -> Reading {
    read_among(&MARKERS, turn, reasons, closed, None)
}

/// [`read`] under other markers than ours: those that nobody may write in a turn. `calls` says how a family writes calls that its template has
/// announced; `None`: nothing was announced, and only UserRL's tool in its tags is one.
#[must_use]
pub fn read_among(
    markers: &[impl AsRef<str>],
    turn: &[u8],
    reasons: bool,
    closed: bool,
    calls: Option<CallForm>,
) -> Reading {
    let (thought, private_len) = private(turn);
    let reply = match (reasons, thought) {
        (true, None) => Err("the turn does not begin with one whole thought in its tags".to_owned()),
        (true, Some(_)) => Ok(&turn[private_len..]),
        (false, _) => Ok(turn),
    };
    let act = reply
        .and_then(|reply| speech(markers, turn, reply, calls))
        .map_err(|why| if closed { NoAct::Malformed(why) } else { NoAct::OutOfTokens });
    Reading { act, thought: thought.map(|thought| String::from_utf8_lossy(thought).into_owned()), private_len }
}

/// The block at the start, if there is a whole one, and how far private text reaches.
fn private(turn: &[u8]) -> (Option<&[u8]>, usize) {
    let Some(rest) = turn.strip_prefix(THINK_OPEN.as_bytes()) else {
        return (None, 0);
    };
    match find(rest, THINK_CLOSE) {
        Some(end) if find(&rest[..end], THINK_OPEN).is_none() => {
            (Some(&rest[..end]), THINK_OPEN.len() + end + THINK_CLOSE.len())
        }
        Some(_) | None => (None, turn.len()),
    }
}

/// What everybody hears: text without a tag in it, or a tool call. A marker spoils the whole turn, thought included: after it the model
/// plays somebody else's part.
fn speech(markers: &[impl AsRef<str>], turn: &[u8], reply: &[u8], calls: Option<CallForm>) -> Result<Act, String> {
    let reply = str::from_utf8(reply).map_err(|_| "the turn is not valid text")?.trim();
    if reply.is_empty() {
        return Err("nothing is said".to_owned());
    }
    if has_tag(reply) {
        return Err("a thought tag stands where everybody would hear it".to_owned());
    }
    let spoils = |marker: &str| !is_of_calls(marker, calls) && find(turn, marker).is_some();
    if markers.iter().any(|marker| spoils(marker.as_ref())) {
        return Err("a role marker stands in the turn".to_owned());
    }
    match calls {
        Some(form) => tool_call::read(reply, form),
        None if tool_call::is_call(reply) => tool_call::parse(reply).map_err(str::to_owned),
        None => Ok(Act::Say(reply.to_owned())),
    }
}

/// Whether it is a tag of announced calls, which some files call special too.
fn is_of_calls(marker: &str, calls: Option<CallForm>) -> bool {
    match calls {
        Some(CallForm::Tags) => marker == tool_call::OPEN || marker == tool_call::CLOSE,
        Some(CallForm::Bare) => marker == PYTHON_TAG,
        None => false,
    }
}

fn find(turn: &[u8], tag: &str) -> Option<usize> {
    turn.windows(tag.len()).position(|window| window == tag.as_bytes())
}

/// Whether anything like a thought tag stands in the text: whole, unfinished, or in capitals.
fn has_tag(reply: &str) -> bool {
    let lower = reply.to_ascii_lowercase();
    lower.contains("<think") || lower.contains("</think")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Result<Act, NoAct> {
        Ok(Act::Say(text.to_owned()))
    }

    #[track_caller]
    fn malformed(text: &str, reasons: bool) {
        let reading = read(text.as_bytes(), reasons, true);
        assert!(matches!(reading.act, Err(NoAct::Malformed(_))), "{reading:?}");
        assert_eq!(read(text.as_bytes(), reasons, false).act, Err(NoAct::OutOfTokens));
    }

    #[test]
    fn one_block_and_an_utterance_are_an_act() {
        let reading = read(b"<think>it is a trap</think> I doubt it.", true, true);
        let expected = Reading { act: said("I doubt it."), thought: Some("it is a trap".to_owned()), private_len: 27 };
        assert_eq!(reading, expected);
        assert_eq!(
            read(b"I offer $4.", false, true),
            Reading { act: said("I offer $4."), thought: None, private_len: 0 }
        );
    }

    #[test]
    fn a_thought_may_be_empty_but_not_missing() {
        assert_eq!(read(b"<think></think>Yes.", true, true).act, said("Yes."));
        malformed("Yes.", true);
    }

    #[test]
    fn any_other_form_is_malformed() {
        for text in [
            "",
            " \n",
            "<think>a</think>",
            "<think>a</think>  ",
            "<think>a",
            "a</think>b",
            "<think>a</think>b<think>c</think>d",
            "<think>a<think>b</think>c",
            "<think>a</think>b</think>c",
            "b<think>a</think>",
            " <think>a</think>b",
            "<think>a</thinking>b",
            "<think>a</think>b <THINK>c</THINK>",
            "<think>a</think>b <|end|>",
            "<think>a</think>b <|user|> c",
            "<think>a<|user|>b</think>c",
        ] {
            malformed(text, true);
        }
    }

    #[test]
    fn a_seat_that_does_not_reason_must_not_use_the_tags() {
        for text in ["<think>a</think>b", "b</think>", "<think>b", "a <Think >b", "", "<|assistant|>"] {
            malformed(text, false);
        }
    }

    #[test]
    fn a_tool_call_in_the_utterance_is_a_tool_act() {
        let call = tool_call::write(sim::Choice::Answer, "42");
        let act = Act::Tool { choice: sim::Choice::Answer, content: "42".to_owned() };
        assert_eq!(read(format!("<think>sure</think>{call}").as_bytes(), true, true).act, Ok(act));
        malformed("<tool_call>{}</tool_call>", false);
    }

    #[test]
    fn bytes_that_are_no_text_may_be_thought_but_not_said() {
        let reading = read(b"<think>\xC3</think>Yes.", true, true);
        assert_eq!(
            (reading.act, reading.thought.as_deref(), reading.private_len),
            (said("Yes."), Some("\u{FFFD}"), 16)
        );
        assert!(matches!(read(b"<think>a</think>Yes\xFF", true, true).act, Err(NoAct::Malformed(_))));
    }

    #[test]
    fn an_utterance_that_was_cut_stands() {
        assert_eq!(read(b"<think>a</think>I offer", true, false).act, said("I offer"));
    }

    proptest! {
        /// `CANARY` only ever stands between an opening tag and the next whole tag, or before a closing one.
        #[test]
        fn private_words_never_become_speech(
            parts in prop::collection::vec(prop::sample::select(vec!["<think>", "</think>", "<think", "</think >", " hi ", "<|end|>"]), 0..6),
            reasons in any::<bool>(),
            closed in any::<bool>(),
        ) {
            let mut text = String::new();
            for part in parts {
                if part.starts_with("</") {
                    text.push_str("CANARY");
                }
                text.push_str(part);
                if part == "<think>" || part == "<think" {
                    text.push_str("CANARY");
                }
            }
            if let Ok(Act::Say(said)) = read(text.as_bytes(), reasons, closed).act {
                prop_assert!(!said.contains("CANARY"), "{text} says {said}");
            }
        }
    }
}
