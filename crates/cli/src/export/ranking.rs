//! The best sides of each scenario: how a cold start chooses what to imitate (specification userrl §4).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Seat;

/// Sides by their scenario and seat; after [`Ranking::close`], those that are kept.
pub(super) struct Ranking {
    top: u32,
    candidates: BTreeMap<(String, &'static str), Vec<Candidate>>,
    kept: BTreeSet<(u64, &'static str)>,
    /// Sides that are not among the best.
    below: usize,
    /// Sides without a score.
    unscored: usize,
}

/// A side with a score.
struct Candidate {
    score: f64,
    turns: usize,
    id: EpisodeId,
    /// The record's number in the log.
    number: u64,
}

impl Ranking {
    /// To keep `top` sides of each seat in each scenario.
    pub(super) fn new(top: u32) -> Ranking {
        Ranking { top, candidates: BTreeMap::new(), kept: BTreeSet::new(), below: 0, unscored: 0 }
    }

    /// Notes a side of the record with this number. One with a fault, or without a score, is never kept.
    pub(super) fn add(&mut self, number: u64, record: &EpisodeRecord, seat: Seat) {
        let Some(score) = record.scores[seat].filter(|_| record.fault.is_none()) else {
            self.unscored += 1;
            return;
        };
        let candidate = Candidate { score, turns: record.turns_of(seat).count(), id: record.casting.id, number };
        self.candidates.entry((record.scenario.clone(), seat.name())).or_default().push(candidate);
    }

    /// Ranks: by score; of equal ones, whoever took fewer turns; then by id.
    pub(super) fn close(&mut self) {
        for ((_, seat), mut sides) in std::mem::take(&mut self.candidates) {
            sides.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.turns, a.id).cmp(&(b.turns, b.id))));
            let top = sides.len().min(self.top as usize);
            self.below += sides.len() - top;
            self.kept.extend(sides[..top].iter().map(|side| (side.number, seat)));
        }
    }

    /// Whether this side is one of the best.
    pub(super) fn keeps(&self, number: u64, seat: Seat) -> bool {
        self.kept.contains(&(number, seat.name()))
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ranking { top, below, unscored, .. } = self;
        write!(f, "left out: {below} sides below the best {top} of their scenario and seat, {unscored} without a score")
    }
}
