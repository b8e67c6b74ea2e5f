//! Keys and values kept between the turns of a session, so that each turn computes only what is new.

use std::collections::BTreeMap;

use rl::Session;
use tch::Tensor;

/// What is kept, by session: as many entries as there are live sessions, each as long as its stream, while all of it fits the bound. What does not
/// fit is dropped, least recently used first, and computed again when its session goes on: nothing is lost but time.
#[derive(Debug)]
pub struct Sessions {
    kept: BTreeMap<Session, Kept>,
    /// Most tokens kept in all.
    tokens_max: usize,
    tokens: usize,
    /// Counts uses.
    now: u64,
}

/// Tokens and, for each of them, keys and values.
#[derive(Debug)]
struct Kept {
    tokens: Vec<u32>,
    /// `[2 layers, kv_heads, tokens, head_dim]`
    planes: Tensor,
    used: u64,
}

impl Sessions {
    /// Nothing yet, and at most so many tokens ever.
    #[must_use]
    pub fn new(tokens_max: usize) -> Sessions {
        Sessions { kept: BTreeMap::new(), tokens_max, tokens: 0, now: 0 }
    }

    /// How many tokens at the start of `stream` need not be computed again; always fewer than the stream has, since its last token's
    /// hidden state is where sampling starts.
    #[must_use]
    pub fn reusable(&self, session: &Session, stream: &[u32]) -> usize {
        let Some(kept) = self.kept.get(session) else { return 0 };
        let common = kept.tokens.iter().zip(stream).take_while(|(a, b)| a == b).count();
        common.min(stream.len().saturating_sub(1))
    }

    /// Keys and values of the first `len` tokens, `[2 layers, kv_heads, len, head_dim]`; `None` for unknown sessions.
    #[must_use]
    pub fn planes(&self, session: &Session, len: usize) -> Option<Tensor> {
        self.kept.get(session).map(|kept| kept.planes.narrow(2, 0, len as i64))
    }

    /// Keeps what a turn computed, in place of what was kept before, if it fits at all.
    ///
    /// # Panics
    /// If there are not as many tokens as keys.
    pub fn keep(&mut self, session: Session, tokens: Vec<u32>, planes: Tensor) {
        assert!(planes.size()[2] == tokens.len() as i64, "one key for each token");
        self.forget(&[session]);
        if tokens.len() > self.tokens_max {
            return;
        }
        self.now += 1;
        self.tokens += tokens.len();
        self.kept.insert(session, Kept { tokens, planes, used: self.now });
        while self.tokens > self.tokens_max {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(session, _)| *session);
            self.forget(&[oldest.expect("what is kept has tokens")]);
        }
    }

    /// Drops these sessions.
    pub fn forget(&mut self, sessions: &[Session]) {
        for session in sessions {
            self.tokens -= self.kept.remove(session).map_or(0, |kept| kept.tokens.len());
        }
    }

    /// Drops all, because the weights change.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.tokens = 0;
    }

    /// Tokens kept.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Sessions kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}
