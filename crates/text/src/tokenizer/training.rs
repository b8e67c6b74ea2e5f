//! Learning a vocabulary.

use std::collections::BTreeSet;

use tokenizers::AddedToken;
use tokenizers::AddedVocabulary;
use tokenizers::NormalizerWrapper;
use tokenizers::OffsetReferential;
use tokenizers::OffsetType;
use tokenizers::PreTokenizer;
use tokenizers::Trainer;
use tokenizers::models::bpe::BPE;
use tokenizers::models::bpe::BpeTrainer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::Added;
use super::MARKERS;
use super::THINK_CLOSE;
use super::THINK_OPEN;
use crate::TextError;

/// Merges seen less often are not learned: they would be names of single items.
const FREQUENCY_MIN: u64 = 2;
/// One token for each byte.
const BYTES: usize = 256;

/// A `tokenizer.json`. Ids: markers, thought tags, the gym's words, bytes, merges in the order learned.
pub(super) fn train(corpus: Vec<String>, added: &Added, vocab_max: usize) -> Result<String, TextError> {
    let tokens = added_tokens(added)?;
    let vocab_min = tokens.len() + BYTES;
    if vocab_max < vocab_min {
        return Err(TextError::VocabTooSmall { vocab_max, vocab_min });
    }
    let model = learn(corpus, &tokens, vocab_max).map_err(|e| TextError::Tokenizer(e.to_string()))?;
    let mut codec = tokenizers::Tokenizer::new(model);
    codec.with_pre_tokenizer(Some(byte_level()));
    codec.with_decoder(Some(byte_level()));
    codec.add_tokens(&tokens);
    codec.to_string(true).map_err(|e| TextError::Tokenizer(e.to_string()))
}

fn byte_level() -> ByteLevel {
    ByteLevel::default().add_prefix_space(false)
}

fn added_tokens(added: &Added) -> Result<Vec<AddedToken>, TextError> {
    let ours: Vec<&str> = MARKERS.into_iter().chain([THINK_OPEN, THINK_CLOSE]).collect();
    let mut seen = BTreeSet::new();
    for word in &added.words {
        let holds_marker = ours.iter().any(|marker| word.contains(marker));
        if word.is_empty() || holds_marker || !seen.insert(word) {
            return Err(TextError::Added(word.clone()));
        }
    }
    let token = |content: &str| AddedToken::from(content, MARKERS.contains(&content)).normalized(false);
    Ok(ours.into_iter().chain(added.words.iter().map(String::as_str)).map(token).collect())
}

/// The added tokens are part of the trainer's vocabulary, so that ids have no gap and the order of loading cannot move them; but
/// they are cut out of the corpus, or merges could spell them.
fn learn(corpus: Vec<String>, tokens: &[AddedToken], vocab_max: usize) -> tokenizers::Result<BPE> {
    let mut cutter = AddedVocabulary::new();
    cutter.add_tokens(tokens, &BPE::default(), None::<&NormalizerWrapper>);
    let mut trainer = BpeTrainer::builder()
        .show_progress(false)
        .min_frequency(FREQUENCY_MIN)
        .vocab_size(vocab_max)
        .special_tokens(tokens.to_vec())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    trainer.feed(corpus.into_iter(), |text| {
        let mut splits = cutter.extract_and_normalize(None::<&NormalizerWrapper>, text);
        byte_level().pre_tokenize(&mut splits)?;
        let words = splits.get_splits(OffsetReferential::Original, OffsetType::None);
        Ok(words.into_iter().filter(|(_, _, token)| token.is_none()).map(|(word, _, _)| word.to_owned()).collect())
    })?;
    let mut model = BPE::default();
    trainer.train(&mut model)?;
    Ok(model)
}
