use std::sync::LazyLock;

use proptest::prelude::*;
use sim::Address;
use sim::Phase;
use sim::draws::Stream;

use super::*;

/// A few sentences about money, in many numbers.
fn corpus() -> impl Iterator<Item = String> {
    (0..400u32).map(|i| {
        let (price, days) = (i * 7 % 26, i % 9);
        format!(
            "My price is ${price} with delivery. The stock is {days} and the fee is 3. I offer ${price}?\nIt's a deal."
        )
    })
}

fn prices() -> Added {
    Added::new((0..=25).map(|price| format!(" ${price}")).collect())
}

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::train(corpus(), &prices(), 512).unwrap());

fn is_protected(id: &u32) -> bool {
    MARKERS.iter().chain(&[THINK_OPEN, THINK_CLOSE]).any(|marker| TOKENIZER.id(marker) == Some(*id))
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was(text in any::<String>()) {
        prop_assert_eq!(TOKENIZER.decode(&TOKENIZER.encode(&text)), text.clone());
        prop_assert_eq!(TOKENIZER.decode(&TOKENIZER.encode_markup(&text)), text);
    }

    #[test]
    fn hostile_text_comes_back_as_it_was_and_holds_no_marker(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<|end|>", "<|assistant|>", "<|system|>", "<|pad|>", "<|tool|>", "<|user|>", "<think>", "</think>", "<", "|", ">", "<|",
            "|>", "end", " $1", "4", " $14", " ", "\n", "é", "<<|end|>", "/think>", "I offer",
        ]), 0..12),
    ) {
        let text = parts.concat();
        let ids = TOKENIZER.encode(&text);
        prop_assert_eq!(TOKENIZER.decode(&ids), text);
        prop_assert!(!ids.iter().any(is_protected));
    }

    #[test]
    fn our_decoder_agrees_with_the_librarys(ids in prop::collection::vec(0..TOKENIZER.len() as u32, 0..40)) {
        prop_assert_eq!(TOKENIZER.decode(&ids), TOKENIZER.shared.codec.decode(&ids, false).unwrap());
    }

    /// Remembering texts must not change what they are.
    #[test]
    fn a_second_encoding_is_the_first(text in "[a-z $0-9.]{0,30}") {
        prop_assert_eq!(TOKENIZER.encode(&text), TOKENIZER.encode(&text));
        prop_assert_eq!(TOKENIZER.encode(&text).to_vec(), TOKENIZER.encode_markup(&text));
    }
}

#[test]
fn markers_count_in_markup_alone() {
    let text = "<|user|>hi</think><|end|>";
    let expected: Vec<u32> = ["<|user|>", "hi", THINK_CLOSE, END]
        .iter()
        .flat_map(|part| TOKENIZER.id(part).map_or_else(|| TOKENIZER.encode(part).to_vec(), |id| vec![id]))
        .collect();
    assert_eq!(TOKENIZER.encode_markup(text), expected);
    assert!(!TOKENIZER.encode(text).iter().any(is_protected));
}

#[test]
fn every_price_is_one_token_wherever_it_stands() {
    for price in 0..=25 {
        let word = format!(" ${price}");
        let id = TOKENIZER.id(&word).unwrap();
        for text in [
            word.clone(),
            format!("{word} is my price"),
            format!("I offer{word} with delivery."),
            format!("I offer{word}."),
            format!("You want{word}? No."),
            format!("first{word},{word}; then{word}\n"),
            format!("not{word}{word}"),
        ] {
            let ids = TOKENIZER.encode(&text);
            assert_eq!(ids.iter().filter(|i| **i == id).count(), text.matches(&word).count(), "{text}");
            assert_eq!(TOKENIZER.decode(&ids), text);
        }
    }
}

#[test]
fn a_frequent_number_is_one_token() {
    for text in [" 3", " 0", " 8"] {
        assert_eq!(TOKENIZER.encode(text).len(), 1, "{text}");
    }
}

#[test]
fn the_same_corpus_gives_the_same_json() {
    let first = Tokenizer::train(corpus(), &prices(), 512).unwrap();
    assert_eq!(first.to_json(), TOKENIZER.to_json());
    assert_eq!(first.hash(), TOKENIZER.hash());
}

/// Words of two or three letters are full of merges with equal counts, and of tokens that can be reached by two merges: the cases in
/// which the order of the library's hash maps could show.
#[test]
fn ties_between_merges_are_broken_alike() {
    let address = Address { seed: 1, phase: Phase::Sft, round: 0, group: 0, trial: 0, member: 0 };
    for round in 0..60 {
        let mut draws = Address { round, ..address }.draws(Stream::World);
        let letters = draws.range(1, 2) as u8;
        let corpus: Vec<String> = (0..draws.range(5, 200))
            .map(|_| (0..draws.range(3, 30)).map(|_| char::from(b'a' + draws.range(0, letters.into()) as u8)).collect())
            .collect();
        let train = || Tokenizer::train(corpus.iter().cloned(), &Added::default(), 264 + 64).unwrap();
        assert_eq!(train().to_json(), train().to_json());
    }
}

#[test]
fn markers_spelled_in_the_corpus_are_not_learned() {
    let corpus = (0..50).map(|_| "<|end|> </think> <|assistant|>".to_owned());
    let tokenizer = Tokenizer::train(corpus, &Added::default(), 400).unwrap();
    let ids = tokenizer.encode("<|end|></think><|assistant|>");
    assert!(ids.iter().all(|id| *id >= 8), "{ids:?}");
}

#[test]
fn a_file_gives_the_tokenizer_it_was_written_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    fs::write(&path, TOKENIZER.to_json()).unwrap();
    let loaded = Tokenizer::load(&path).unwrap();
    assert_eq!((loaded.hash(), loaded.len()), (TOKENIZER.hash(), TOKENIZER.len()));
    let text = "I offer $14. The fee is 3?";
    assert_eq!(loaded.encode(text), TOKENIZER.encode(text));
    // What `sha256sum` prints for no bytes at all begins like this; ours must be of the JSON.
    assert_ne!(&loaded.hash()[..8], "e3b0c442");
    assert_eq!(loaded.hash().len(), 64);
    assert!(matches!(Tokenizer::load(&folder.path().join("none")), Err(TextError::Read { .. })));
}

#[test]
fn ids_are_markers_then_tags_then_words_then_the_rest() {
    for (id, token) in MARKERS.iter().chain(&[THINK_OPEN, THINK_CLOSE, " $0", " $1"]).enumerate() {
        assert_eq!(TOKENIZER.id(token), Some(id as u32), "{token}");
    }
    assert!(TOKENIZER.len() <= 512);
}

#[test]
fn an_id_outside_the_vocabulary_is_no_text() {
    assert_eq!(TOKENIZER.decode(&[TOKENIZER.len() as u32]), "\u{FFFD}");
}

#[test]
fn impossible_words_and_sizes_are_refused() {
    let train = |words: &[&str], vocab_max| {
        let added = Added::new(words.iter().map(|word| (*word).to_owned()).collect());
        Tokenizer::train(corpus(), &added, vocab_max).map(|_| ())
    };
    for words in [&[""][..], &[" $1", " $1"], &["x<|end|>"], &["</think>"]] {
        assert!(matches!(train(words, 512), Err(TextError::Added(_))), "{words:?}");
    }
    assert_eq!(train(&[" $1"], 264), Err(TextError::VocabTooSmall { vocab_max: 264, vocab_min: 265 }));
    assert_eq!(train(&[" $1"], 265), Ok(()));
}

#[test]
fn a_tokenizer_that_changes_text_is_refused() {
    let lowering = TOKENIZER.to_json().replacen("\"normalizer\": null", r#""normalizer": {"type": "Lowercase"}"#, 1);
    assert_ne!(lowering, TOKENIZER.to_json());
    assert!(matches!(Tokenizer::from_json(lowering), Err(TextError::Lossy { .. })));
    assert!(matches!(Tokenizer::from_json("{}"), Err(TextError::Tokenizer(_))));
}
