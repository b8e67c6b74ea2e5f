//! What one command may ask of other people's models. Everything is bounded, and the bound has a name.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Price;

/// Bounds of all remote models of a command together.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Requests on their way at once; at least 1.
    pub concurrency: usize,
    /// How long one request may take, to the last byte of its reply.
    pub deadline: Duration,
    /// Requests for one question, the first included; at least 1.
    pub attempts_max: u32,
    /// Wait before the second request, doubled for each further one.
    pub backoff: Duration,
    /// Longest such wait.
    pub backoff_max: Duration,
    /// Longest wait that a server may ask for by `Retry-After`; a longer one ends the question.
    pub retry_after_max: Duration,
    /// Tokens of one reply, thought included.
    pub reply_tokens_max: u32,
    /// Bytes of one reply, as it comes over the wire.
    pub reply_bytes_max: usize,
    /// Sampling temperature, at least 0. Above 0 every place in the run has a seed of its own.
    pub temperature: f32,
    /// Requests in all, repeated ones included.
    pub calls_max: u64,
    /// Tokens in all, read and written; `None`: no bound.
    pub tokens_max: Option<u64>,
    /// Dollars in all, by `prices`; `None`: no bound.
    pub dollars_max: Option<f64>,
    /// What models cost, by name.
    pub prices: BTreeMap<String, Price>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            concurrency: 16,
            deadline: Duration::from_secs(60),
            attempts_max: 5,
            backoff: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            retry_after_max: Duration::from_secs(60),
            reply_tokens_max: 2048,
            reply_bytes_max: 1 << 20,
            temperature: 0.0,
            calls_max: 100_000,
            tokens_max: None,
            dollars_max: None,
            prices: BTreeMap::new(),
        }
    }
}
