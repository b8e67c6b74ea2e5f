//! What becomes of a seat's earlier thoughts.
//!
//! Templates of reasoning models delete the thoughts of earlier turns when they render a conversation anew. A stream that only grows cannot
//! follow them: what was sampled stays in it. So there are two honest ways to train such a model, and a run says which one is its own.

use std::ops::Range;

use serde::Deserialize;
use serde::Serialize;

/// What becomes of a seat's earlier thoughts in what its model reads next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thinking {
    /// They stay: a seat's turns are one stream, and one sample. The model reads more than its template would show it; the words around
    /// the thoughts are those of the template.
    #[default]
    Keep,
    /// They go where the template drops them: each turn is a sample of its own, whose prompt is the stream without its [`Cut`]s.
    Strip,
}

/// A thought that a prompt leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Which of the seat's turns thought it, from 0.
    pub turn: usize,
    /// Which ids of the stream are missing.
    pub range: Range<usize>,
    /// What stands there instead: nothing, unless the last of the missing ids holds the beginning of the reply, which is then encoded.
    pub rest: Vec<u32>,
}

/// The stream but for the cuts; `None` if they are out of order or lie beyond it.
#[must_use]
pub fn without(stream: &[u32], cuts: &[Cut]) -> Option<Vec<u32>> {
    let mut ids = Vec::with_capacity(stream.len());
    let mut from = 0;
    for Cut { turn: _, range, rest } in cuts {
        if range.end < range.start {
            return None;
        }
        ids.extend_from_slice(stream.get(from..range.start)?);
        ids.extend_from_slice(rest);
        from = range.end;
    }
    ids.extend_from_slice(stream.get(from..)?);
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(range: Range<usize>, rest: &[u32]) -> Cut {
        Cut { turn: 0, range, rest: rest.to_vec() }
    }

    #[test]
    fn what_is_not_cut_stays_in_its_place() {
        let stream = [0, 1, 2, 3, 4];
        assert_eq!(without(&stream, &[]), Some(stream.to_vec()));
        assert_eq!(without(&stream, &[cut(1..3, &[9]), cut(4..4, &[])]), Some(vec![0, 9, 3, 4]));
        assert_eq!(without(&stream, &[cut(0..5, &[])]), Some(vec![]));
    }

    #[test]
    fn cuts_that_are_not_of_the_stream_are_refused() {
        let stream = [0, 1, 2, 3, 4];
        assert_eq!(without(&stream, &[cut(3..6, &[])]), None);
        assert_eq!(without(&stream, &[cut(2..4, &[]), cut(1..2, &[])]), None);
        #[expect(clippy::reversed_empty_ranges, reason = "a record may say anything")]
        let backwards = cut(3..1, &[]);
        assert_eq!(without(&stream, &[backwards]), None);
    }
}
