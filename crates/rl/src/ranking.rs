//! The best sides of each scenario: how a cold start chooses what to imitate (specification userrl §4). A side is one seat's part of an episode.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Seat;

/// Sides by their scenario and seat; after [`Ranking::close`], those that are kept.
pub struct Ranking {
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
    #[must_use]
    pub fn new(top: u32) -> Ranking {
        Ranking { top, candidates: BTreeMap::new(), kept: BTreeSet::new(), below: 0, unscored: 0 }
    }

    /// Notes a side of the record with this number. One with a fault, or without a score, is never kept.
    pub fn add(&mut self, number: u64, record: &EpisodeRecord, seat: Seat) {
        let Some(score) = record.scores[seat].filter(|_| record.fault.is_none()) else {
            self.unscored += 1;
            return;
        };
        let candidate = Candidate { score, turns: record.turns_of(seat).count(), id: record.casting.id, number };
        self.candidates.entry((record.scenario.clone(), seat.name())).or_default().push(candidate);
    }

    /// Ranks: by score; of equal ones, whoever took fewer turns; then by id.
    pub fn close(&mut self) {
        for ((_, seat), mut sides) in std::mem::take(&mut self.candidates) {
            sides.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.turns, a.id).cmp(&(b.turns, b.id))));
            let top = sides.len().min(self.top as usize);
            self.below += sides.len() - top;
            self.kept.extend(sides[..top].iter().map(|side| (side.number, seat)));
        }
    }

    /// Whether this side is one of the best.
    #[must_use]
    pub fn keeps(&self, number: u64, seat: Seat) -> bool {
        self.kept.contains(&(number, seat.name()))
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ranking { top, below, unscored, .. } = self;
        write!(f, "left out: {below} sides below the best {top} of their scenario and seat, {unscored} without a score")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_best_of_each_scenario_and_seat_are_kept_and_what_has_no_score_never_is() {
        // Scores of the agent and the user; of equal ones, the shorter talk, then the lower id.
        let played: [(&str, &[f64], &[f64]); 6] = [
            ("a", &[0.5, 0.0], &[0.1]),
            ("a", &[0.5], &[0.9]),
            ("a", &[0.9], &[0.2]),
            ("b", &[0.1], &[0.3]),
            ("a", &[0.5], &[0.3]),
            ("a", &[1.0], &[1.0]),
        ];
        let mut ranking = Ranking::new(2);
        for (number, (scenario, agent, user)) in (0u64..).zip(played) {
            let mut record = fixtures::record(number as u32, 1, agent, user);
            scenario.clone_into(&mut record.scenario);
            if number == 5 {
                record.scores = sim::Pair::default();
            }
            Seat::ALL.into_iter().for_each(|seat| ranking.add(number, &record, seat));
        }
        ranking.close();
        let kept = |seat| (0..6).filter(|number| ranking.keeps(*number, seat)).collect::<Vec<u64>>();
        assert_eq!((kept(Seat::Agent), kept(Seat::User)), (vec![1, 2, 3], vec![1, 3, 4]));
        let said = "left out: 4 sides below the best 2 of their scenario and seat, 2 without a score";
        assert_eq!(ranking.to_string(), said);
    }
}
