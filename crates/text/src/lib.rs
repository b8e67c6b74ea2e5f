//! Tokenizer, chat template, append-only token streams, masks, parsers.
