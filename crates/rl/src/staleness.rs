//! How far behind the learner the weights were that sampled what it learns from.
//!
//! ```text
//!  step             1      2      3      4          staleness_max = 1
//!  played with      W0     W0     W1     W2         the copy that the policy has while the update before is on its way
//!  learned with     W0     W1     W2     W3         the newest
//!  staleness        0      1      1      1
//! ```
//!
//! It is counted in updates: versions apart, over the optimiser steps of an update. How far behind a step is played is fixed by its number
//! ([`plan::played_beside`](crate::plan::played_beside)), so nothing is ever too stale unless something is wrong; and then it is refused and counted
//! here, since no bound of a ratio makes up for weights that nobody knows. Where a talk spans several weights, its oldest token decides.

use std::borrow::Cow;

use sim::EpisodeRecord;
use sim::Seat;

use crate::Batch;
use crate::Metrics;
use crate::settings::GrpoSettings;

/// What one seat's update may learn from, by the versions of the weights that sampled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Version of the weights that learn, before the update.
    version: u64,
    /// Optimiser steps of one update; at least 1.
    minibatches: u64,
    /// Updates that a token's weights may be behind.
    staleness_max: u32,
}

impl Freshness {
    /// Of an update that begins with weights of this version.
    #[must_use]
    pub fn of(settings: &GrpoSettings, version: u64) -> Freshness {
        Freshness { version, minibatches: settings.minibatches.max(1) as u64, staleness_max: settings.staleness_max }
    }

    /// How many updates behind weights of this version are. Broken where an optimiser step was left out, since no sample was dealt to it; `None` if
    /// they are ahead: no update has made them yet.
    #[must_use]
    pub fn staleness(&self, version: u64) -> Option<f64> {
        let behind = self.version.checked_sub(version)?;
        Some(behind as f64 / self.minibatches as f64)
    }

    /// The records that `seat` may learn from, and how many it may not. Records that do not train it are left alone.
    #[must_use]
    pub fn sort<'a>(&self, records: &'a [EpisodeRecord], seat: Seat) -> (Cow<'a, [EpisodeRecord]>, usize) {
        let refused = |record: &EpisodeRecord| record.casting.learns[seat] && !self.admits(record, seat);
        match records.iter().filter(|record| refused(record)).count() {
            0 => (Cow::Borrowed(records), 0),
            count => (records.iter().filter(|record| !refused(record)).cloned().collect(), count),
        }
    }

    /// What the own tokens of a batch say of their age, as metrics of `seat`; `refused` trajectories were left out of it.
    #[must_use]
    pub fn metrics(&self, batch: &Batch, refused: usize, seat: Seat) -> Metrics {
        let own = batch.samples.iter().flat_map(|sample| sample.versions.iter().zip(&sample.weights));
        let ages: Vec<f64> =
            own.filter(|(_, weight)| **weight > 0.0).filter_map(|(version, _)| self.staleness(*version)).collect();
        let mut metrics = Metrics::default();
        metrics.set(format!("{seat}/staleness/mean"), sim::Ratio::new(ages.iter().sum(), ages.len() as f64).rate());
        metrics.set(format!("{seat}/staleness/max"), ages.iter().copied().reduce(f64::max));
        metrics.set(format!("{seat}/stale"), Some(refused as f64));
        metrics
    }

    /// Whether all of the seat's turns were sampled by weights that are known and not too far behind.
    fn admits(&self, record: &EpisodeRecord, seat: Seat) -> bool {
        let versions =
            record.turns_of(seat).filter_map(|turn| turn.decision.generation.as_ref()).map(|sampled| sampled.version);
        versions
            .map(|version| self.staleness(version))
            .all(|behind| behind.is_some_and(|updates| updates <= f64::from(self.staleness_max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MovingBaseline;
    use crate::fixtures;
    use crate::harvest;

    /// The fixtures' tokens are of version 4.
    fn freshness(version: u64, minibatches: usize, staleness_max: u32) -> Freshness {
        Freshness::of(&GrpoSettings { minibatches, staleness_max, ..fixtures::settings() }, version)
    }

    fn sampled_by(record: &mut EpisodeRecord, turn: usize, version: u64) {
        record.turns[turn].decision.generation.as_mut().expect("the fixture has one").version = version;
    }

    fn group() -> Vec<EpisodeRecord> {
        [(1, 1.0), (2, 0.0), (3, 0.5)].map(|(member, score)| fixtures::record(0, member, &[score, 0.0], &[0.0])).into()
    }

    #[test]
    fn staleness_counts_updates_whatever_the_optimiser_steps_of_one() {
        assert_eq!([10, 9, 6, 4].map(|version| freshness(10, 1, 0).staleness(version)), [0., 1., 4., 6.].map(Some));
        assert_eq!([10, 8, 6, 5].map(|version| freshness(10, 2, 0).staleness(version)), [0., 1., 2., 2.5].map(Some));
        assert_eq!(freshness(10, 2, 5).staleness(11), None);
    }

    #[test]
    fn what_is_too_stale_is_refused_and_counted_and_the_rest_is_what_it_was() {
        let records = group();
        for (version, minibatches, staleness_max, refused) in
            [(4, 1, 0, 0), (5, 1, 0, 3), (5, 1, 1, 0), (6, 1, 1, 3), (6, 2, 1, 0), (7, 2, 1, 3), (3, 1, 9, 3)]
        {
            let (kept, count) = freshness(version, minibatches, staleness_max).sort(&records, Seat::Agent);
            assert_eq!(count, refused, "{version} {minibatches} {staleness_max}");
            assert_eq!(kept.len(), 3 - refused);
        }
    }

    #[test]
    fn the_oldest_turn_of_a_talk_decides_and_only_for_the_seat_that_took_it() {
        let mut records = group();
        // Turns 0 and 2 are the agent's, turn 1 the user's.
        sampled_by(&mut records[1], 2, 2);
        sampled_by(&mut records[2], 1, 2);
        let members = |seat: Seat| -> Vec<u32> {
            let (kept, refused) = freshness(4, 1, 1).sort(&records, seat);
            assert_eq!(refused, 1);
            kept.iter().map(|record| record.casting.id.member).collect()
        };
        assert_eq!((members(Seat::Agent), members(Seat::User)), (vec![1, 3], vec![1, 2]));
        records[1].casting.learns.agent = false;
        assert_eq!(freshness(4, 1, 1).sort(&records, Seat::Agent).1, 0, "it trains nobody");
    }

    #[test]
    fn a_talk_that_spans_versions_carries_them_token_by_token() {
        let mut records = group();
        sampled_by(&mut records[0], 2, 3);
        let castings: Vec<_> = records.iter().map(|record| record.casting.clone()).collect();
        let settings = GrpoSettings { staleness_max: 1, ..fixtures::settings() };
        let harvest = harvest(&castings, &records, Seat::Agent, &settings, 1e-3, &mut MovingBaseline::default())
            .expect("the records are whole");
        // 2 shown and 3 sampled tokens, then 2 shown and 4 sampled ones.
        assert_eq!(harvest.batch.samples[0].versions, [0, 0, 4, 4, 4, 0, 0, 3, 3, 3, 3]);
        let metrics = freshness(4, 1, 1).metrics(&harvest.batch, 2, Seat::Agent);
        let of = |name: &str| metrics.get(&format!("agent/{name}"));
        // 4 of 3 × 7 tokens are one update behind.
        assert!((of("staleness/mean").expect("there are tokens") - 4.0 / 21.0).abs() < 1e-12);
        assert_eq!((of("staleness/max"), of("stale")), (Some(1.0), Some(2.0)));
        let nothing = Batch { samples: Vec::new(), ..harvest.batch };
        assert_eq!(freshness(4, 1, 1).metrics(&nothing, 0, Seat::User).get("user/staleness/mean"), None);
    }
}
