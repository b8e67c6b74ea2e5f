//! Keys and values kept between the turns of a session, so that each turn computes only what is new.

use std::collections::BTreeMap;

use rl::Session;
use tch::Tensor;

/// What is kept, by session; as many entries as there are live sessions, each as long as its stream.
#[derive(Debug, Default)]
pub struct Sessions {
    kept: BTreeMap<Session, Kept>,
}

/// Tokens and, for each of them, keys and values.
#[derive(Debug)]
struct Kept {
    tokens: Vec<u32>,
    /// `[2 layers, kv_heads, tokens, head_dim]`
    planes: Tensor,
}

impl Sessions {
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

    /// Keeps what a turn computed, in place of what was kept before.
    ///
    /// # Panics
    /// If there are not as many tokens as keys.
    pub fn keep(&mut self, session: Session, tokens: Vec<u32>, planes: Tensor) {
        assert!(planes.size()[2] == tokens.len() as i64, "one key for each token");
        self.kept.insert(session, Kept { tokens, planes });
    }

    /// Drops these sessions.
    pub fn forget(&mut self, sessions: &[Session]) {
        for session in sessions {
            self.kept.remove(session);
        }
    }

    /// Drops all, because the weights change.
    pub fn clear(&mut self) {
        self.kept.clear();
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
