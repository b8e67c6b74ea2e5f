use std::sync::LazyLock;

use proptest::prelude::*;
use sim::Pair;
use text::Added;
use text::Dialect;
use text::Template;
use text::Tokenizer;

use super::*;

/// A vocabulary of bytes, so that ids end anywhere.
static SPEECH: LazyLock<Speech> = LazyLock::new(|| {
    let corpus = ["{\"name\": \"look\"} and so on".to_owned()].into_iter();
    let tokenizer = Tokenizer::train(corpus, &Added::default(), 270).unwrap();
    Speech::new(Dialect::new(tokenizer, Template::default(), Pair::default()).unwrap())
});

/// Texts made of what makes taking them apart hard.
fn texts() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        "<tool",
        "</th",
        "{\"name\": \"look\"}",
        "{\"name\"",
        " ",
        "\n",
        "a",
        "b",
        "é",
        "😀",
        "<",
        "END",
        "EN",
    ]);
    prop::collection::vec(bits, 0..12).prop_map(|bits| bits.concat())
}

fn write(text: &str, reading: Reading, stop: &[&str], step: usize) -> (Writer, Vec<Parts>) {
    let ids = SPEECH.encode(text);
    let mut writer = Writer::new(SPEECH.clone(), reading, stop.iter().map(|stop| (*stop).to_owned()).collect(), false);
    let mut told = Vec::new();
    for ids in ids.chunks(step) {
        writer.push(ids);
        told.push(writer.told());
        if writer.is_stopped() {
            break;
        }
    }
    (writer, told)
}

fn whole(text: &str, reading: Reading) -> Parts {
    write(text, reading, &[], 3).0.whole(true)
}

fn parts(thought: Option<&str>, talk: &str, calls: &[(&str, &str)]) -> Parts {
    let calls = calls.iter().map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned())).collect();
    Parts { thought: thought.map(str::to_owned), talk: talk.to_owned(), calls }
}

proptest! {
    /// Streams are sums of what is told, so nothing that was told may be taken back.
    #[test]
    fn what_is_told_is_a_beginning_of_the_whole(text in texts(), step in 1usize..9, closed in any::<bool>()) {
        for reading in [Reading::Plain, Reading::Talk, Reading::Calls] {
            for stop in [&[][..], &["END", "b "]] {
                let (writer, told) = write(&text, reading, stop, step);
                let whole = writer.whole(closed);
                for part in told {
                    prop_assert!(whole.talk.starts_with(&part.talk), "{part:?} of {whole:?}");
                    let thought = part.thought.unwrap_or_default();
                    prop_assert!(whole.thought.clone().unwrap_or_default().starts_with(&thought));
                    prop_assert!(whole.calls.starts_with(&part.calls), "{:?} of {whole:?}", part.calls);
                }
            }
        }
    }

    #[test]
    fn how_ids_are_cut_into_pieces_changes_nothing(text in texts(), step in 1usize..9) {
        let stop = ["END", "b "];
        let (one, _) = write(&text, Reading::Calls, &stop, usize::MAX);
        let (other, _) = write(&text, Reading::Calls, &stop, step);
        prop_assert_eq!(one.whole(true), other.whole(true));
    }

    #[test]
    fn plain_text_is_the_text_up_to_its_stop(text in texts(), step in 1usize..9) {
        let (writer, _) = write(&text, Reading::Plain, &["END"], step);
        prop_assert_eq!(writer.whole(true).talk, text.split("END").next().unwrap());
    }
}

#[test]
fn an_answer_is_taken_apart_into_thought_talk_and_calls() {
    let call = "<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": 1}}</tool_call>";
    let text = format!("<think>Hm.</think>\n\nLet me see. {call}\n{call} So.");
    let look = ("look", "{\"at\":1}");
    assert_eq!(whole(&text, Reading::Calls), parts(Some("Hm."), "Let me see.\nSo.", &[look, look]));
    assert_eq!(whole(call, Reading::Talk), parts(None, call, &[]));
    assert_eq!(
        whole("<think>Never closed. <tool_call>", Reading::Calls),
        parts(Some("Never closed. <tool_call>"), "", &[])
    );
}

#[test]
fn what_is_no_call_is_talk() {
    for text in ["<tool_call>{\"name\"}</tool_call> then", "<tool_call>", "a <tool_call>no", "</tool_call>"] {
        assert_eq!(whole(text, Reading::Calls), parts(None, text, &[]), "{text}");
    }
}

#[test]
fn a_call_that_was_cut_is_none_but_one_that_was_only_not_closed_is() {
    let (writer, told) = write("Look: <tool_call>{\"name\": \"look\"}", Reading::Calls, &[], 4);
    assert_eq!(told.last().unwrap().talk, "Look:");
    assert_eq!(writer.whole(true), parts(None, "Look:", &[("look", "{}")]));
    assert_eq!(writer.whole(false), parts(None, "Look: <tool_call>{\"name\": \"look\"}", &[]));
}

#[test]
fn tokens_behind_a_stop_string_are_no_part_of_the_answer() {
    let ids = SPEECH.encode("one END two");
    let mut writer = Writer::new(SPEECH.clone(), Reading::Plain, vec!["END".to_owned()], false);
    let mine = writer.push(&ids);
    assert!(writer.is_stopped() && mine < ids.len());
    let until: Vec<u8> = ids[..mine].iter().flat_map(|id| SPEECH.piece(*id).to_vec()).collect();
    assert!(until.ends_with(b"END") && writer.whole(true).talk == "one ");
}

#[test]
fn half_a_character_is_held_back_and_bytes_that_are_none_are_replaced() {
    let ids = SPEECH.encode("é");
    assert_eq!(ids.len(), 2, "the vocabulary has bytes alone");
    let mut writer = Writer::new(SPEECH.clone(), Reading::Plain, Vec::new(), false);
    writer.push(&ids[..1]);
    assert_eq!((writer.told().talk.as_str(), writer.whole(true).talk.as_str()), ("", "\u{FFFD}"));
    writer.push(&ids[..1]);
    writer.push(&ids[1..]);
    assert_eq!(writer.whole(true).talk, "\u{FFFD}é");
}

#[test]
fn markers_are_no_part_of_what_is_said() {
    let (writer, _) = write("a<|user|>b<|end|>", Reading::Plain, &[], 1);
    assert_eq!(writer.whole(true).talk, "ab");
}

#[test]
fn a_thought_that_the_prompt_has_opened_is_one() {
    let prompt = SPEECH.encode("<|assistant|><think>\n");
    assert!(SPEECH.opens_thought(&prompt) && !SPEECH.opens_thought(&SPEECH.encode("<think>Hm.</think>")));
    let mut writer = Writer::new(SPEECH.clone(), Reading::Talk, Vec::new(), true);
    writer.push(&SPEECH.encode("Hm."));
    assert_eq!(writer.told(), parts(Some("Hm."), "", &[]));
    writer.push(&SPEECH.encode("</think>\n\nYes."));
    assert_eq!(writer.whole(true), parts(Some("Hm."), "Yes.", &[]));
}
