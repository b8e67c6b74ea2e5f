//! The model: how often each token followed each context, from no context at all up to eight tokens, interpolated from the shortest to the longest.
//!
//! ```text
//!  p₀(t)          = (n(t)    + K / vocab)       / (n     + K)
//!  pₗ(t | c)      = (n(c, t) + K pₗ₋₁(t | c'))   / (n(c) + K)         c' is c without its oldest token
//! ```
//! (Jelinek and Mercer's interpolation with a weight that falls as a context is seen more often.) It cannot look anything up far back, but it
//! learns in one pass, to the bit, and what it says has the form of what it was taught.

use std::collections::BTreeMap;

/// Most tokens of context.
pub const CONTEXT_MAX: usize = 8;

/// How much a shorter context counts beside a longer one: as if seen so often.
const SHORTER: f64 = 0.1;

/// What no count is pushed below by being unlearned: a token that was seen stays possible.
const FLOOR: f64 = 0.01;

/// The last tokens of a stream: how many, and their ids, 16 bits each, the newest lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Context {
    /// At most [`CONTEXT_MAX`].
    pub len: u8,
    /// The ids, side by side.
    pub ids: u128,
}

impl Context {
    /// The contexts of the token after `stream`, the shortest first.
    fn all(stream: &[u32]) -> impl Iterator<Item = Context> {
        let newest_first = stream.iter().rev().take(CONTEXT_MAX);
        let empty = Context { len: 0, ids: 0 };
        let longer = newest_first.scan(empty, |context, id| {
            context.ids |= u128::from(*id) << (16 * u32::from(context.len));
            context.len += 1;
            Some(*context)
        });
        std::iter::once(empty).chain(longer)
    }
}

/// How often tokens followed contexts.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// Size of the vocabulary; at most 2¹⁶.
    pub vocab: usize,
    /// By context, then by token; above 0.
    pub counts: BTreeMap<(Context, u32), f64>,
}

impl Counts {
    /// Nothing seen: every token is as likely.
    pub fn new(vocab: usize) -> Counts {
        Counts { vocab, counts: BTreeMap::new() }
    }

    /// Probability of each token after `stream`; they sum to 1.
    pub fn probabilities(&self, stream: &[u32]) -> Vec<f64> {
        let mut probabilities = vec![1.0 / self.vocab as f64; self.vocab];
        for context in Context::all(stream) {
            let row: Vec<(u32, f64)> = self.row(context).collect();
            if row.is_empty() {
                // Longer contexts contain this one.
                break;
            }
            let seen: f64 = row.iter().map(|(_, count)| count).sum();
            let shorter = SHORTER / (seen + SHORTER);
            probabilities.iter_mut().for_each(|probability| *probability *= shorter);
            for (token, count) in row {
                probabilities[token as usize] += count / (seen + SHORTER);
            }
        }
        probabilities
    }

    /// Sees `token` after `stream` `amount` times more, or less often if that is below 0.
    pub fn shift(&mut self, stream: &[u32], token: u32, amount: f64) {
        for context in Context::all(stream) {
            let count = self.counts.get(&(context, token)).copied().unwrap_or(0.0);
            let least = count.min(FLOOR);
            let shifted = (count + amount).max(least);
            if shifted > 0.0 {
                self.counts.insert((context, token), shifted);
            }
        }
    }

    fn row(&self, context: Context) -> impl Iterator<Item = (u32, f64)> {
        self.counts.range((context, 0)..=(context, u32::MAX)).map(|((_, token), count)| (*token, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_the_formulas() {
        let mut counts = Counts::new(4);
        counts.shift(&[], 1, 3.0);
        counts.shift(&[1], 2, 1.0);
        // No context: token 1 three times, token 2 once. After a 1: token 2 once.
        let alone = |count: f64| (count + 0.1 / 4.0) / 4.1;
        let expected = [alone(0.0), alone(3.0), alone(1.0), alone(0.0)];
        near(&counts.probabilities(&[]), expected);
        let [never, often, once, _] = expected;
        near(
            &counts.probabilities(&[3, 1]),
            [0.1 * never, 0.1 * often, 1.0 + 0.1 * once, 0.1 * never].map(|p| p / 1.1),
        );
    }

    #[track_caller]
    fn near(probabilities: &[f64], expected: [f64; 4]) {
        for (probability, expected) in probabilities.iter().zip(expected) {
            assert!((probability - expected).abs() < 1e-15, "{probabilities:?} is not {expected:?}");
        }
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn contexts_end_where_memory_does() {
        let long: Vec<u32> = (0..20).collect();
        let contexts: Vec<Context> = Context::all(&long).collect();
        assert_eq!(contexts.len(), CONTEXT_MAX + 1);
        assert_eq!(contexts[2], Context { len: 2, ids: (18 << 16) | 19 });
        let mut counts = Counts::new(32);
        counts.shift(&long, 30, 1.0);
        assert_eq!(counts.probabilities(&long), counts.probabilities(&long[12..]));
    }

    #[test]
    fn what_was_seen_stays_possible_and_what_was_not_stays_unseen() {
        let mut counts = Counts::new(4);
        counts.shift(&[], 1, 1.0);
        counts.shift(&[], 1, -5.0);
        counts.shift(&[], 2, -5.0);
        assert_eq!(counts.counts.values().copied().collect::<Vec<f64>>(), [FLOOR]);
    }
}
