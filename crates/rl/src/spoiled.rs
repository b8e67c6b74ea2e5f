//! What a talk teaches that the user spoiled ([`audit`](crate::audit)): the agent nothing, the user not to do it again (specification user-models §3.1, R15;
//! the review of τ²-bench, arXiv 2506.07982 §4.3). Only where `spoiled_penalty` is set.
//!
//! ```text
//!  agent   the record leaves its group, as a faulted one does: no advantage, and no part in the others' mean and deviation
//!  user    its score becomes min(its own, the least of its group's other scores) − spoiled_penalty
//! ```
//!
//! A spoiled talk scores low for the agent, whatever the agent did. Left among the others with an advantage of 0 it would still lower their mean and widen
//! their deviation: they would be praised for having met a better user.

use sim::EpisodeRecord;
use sim::Seat;

use crate::audit::is_spoiled_by_user;
use crate::settings::GrpoSettings;

/// Whether the record teaches the seat nothing, because its user spoiled it.
#[must_use]
pub fn leaves(record: &EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> bool {
    seat == Seat::Agent && settings.spoiled_penalty.is_some() && is_spoiled_by_user(record)
}

/// Whether the record is a bad example of the seat's own.
#[must_use]
pub fn is_bad_example(record: &EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> bool {
    seat == Seat::User && settings.spoiled_penalty.is_some() && is_spoiled_by_user(record)
}

/// Lowers the scores of a group's bad examples; `records` and `scores` are those of the members that count. A group of nothing else keeps its differences.
pub fn lower<'a>(
    records: impl Iterator<Item = &'a EpisodeRecord>,
    scores: &mut [f64],
    seat: Seat,
    settings: &GrpoSettings,
) {
    let Some(penalty) = settings.spoiled_penalty else { return };
    let bad: Vec<bool> = records.map(|record| is_bad_example(record, seat, settings)).collect();
    let good = scores.iter().zip(&bad).filter(|(_, bad)| !**bad).map(|(score, _)| *score);
    let least = good.fold(f64::INFINITY, f64::min);
    for (score, _) in scores.iter_mut().zip(&bad).filter(|(_, bad)| **bad) {
        *score = score.min(least) - penalty;
    }
}

#[cfg(test)]
mod tests {
    use sim::Pair;
    use sim::Ratio;
    use sim::Stop;

    use super::*;
    use crate::fixtures;
    use crate::group::GroupOutcome;
    use crate::settings::Aggregation;

    fn settings(penalty: Option<f64>) -> GrpoSettings {
        GrpoSettings { group_size: 4, std_eps: 1e-9, spoiled_penalty: penalty, ..fixtures::settings() }
    }

    /// Four talks of these scores; in the third one the user hung up for no reason.
    fn group(agent: [f64; 4], user: [f64; 4]) -> Vec<EpisodeRecord> {
        let record = |at: usize| fixtures::record(0, at as u32 + 1, &[agent[at]], &[user[at]]);
        let mut records: Vec<EpisodeRecord> = (0..4).map(record).collect();
        let measures = &mut records[2].verdict.as_mut().expect("it was judged").measures;
        measures.insert("user/stop_unfounded".to_owned(), Ratio::yes(true));
        records
    }

    /// Members, scores and places; empty where nothing is learned.
    fn places(records: &[EpisodeRecord], seat: Seat, settings: &GrpoSettings) -> Vec<(u32, f64, f64)> {
        let short = |number: f64| (number * 1e4).round() / 1e4;
        match GroupOutcome::of(&records.iter().collect::<Vec<_>>(), seat, settings) {
            GroupOutcome::Learned { members, .. } => {
                members.iter().map(|m| (m.record.casting.id.member, short(m.score), short(m.z))).collect()
            }
            GroupOutcome::TooFew { .. } | GroupOutcome::NoVariance { .. } => Vec::new(),
        }
    }

    #[test]
    fn r15_a_talk_that_the_user_spoiled_gives_the_agent_no_advantage_and_no_share_in_that_of_others() {
        let records = group([1.0, 0.0, -5.0, 0.5], [0.0; 4]);
        // 1, 0 and .5 have the mean .5 and the deviation .5; with −5 among them all three would be praised.
        let without = [(1, 1.0, 1.0), (2, 0.0, -1.0), (4, 0.5, 0.0)];
        assert_eq!(places(&records, Seat::Agent, &settings(Some(0.0))), without);
        let with = places(&records, Seat::Agent, &settings(None));
        assert!(with.len() == 4 && [0, 1, 3].iter().all(|at| with[*at].2 > 0.3), "{with:?}");
        // Whatever it scored.
        let other = group([1.0, 0.0, 100.0, 0.5], [0.0; 4]);
        assert_eq!(places(&other, Seat::Agent, &settings(Some(2.0))), without);
    }

    #[test]
    fn r15_the_user_that_spoiled_a_talk_stands_at_the_end_of_its_group_or_below() {
        let records = group([0.0; 4], [0.1, 0.2, 0.9, 0.3]);
        let scores = |penalty| -> Vec<f64> {
            places(&records, Seat::User, &settings(penalty)).into_iter().map(|(_, score, _)| score).collect()
        };
        assert_eq!(scores(None), [0.1, 0.2, 0.9, 0.3]);
        assert_eq!(scores(Some(0.0)), [0.1, 0.2, 0.1, 0.3], "the least of its group");
        assert_eq!(scores(Some(0.5)), [0.1, 0.2, -0.4, 0.3], "and that much less");
        // Mean .05, squares .0025 .0225 .2025 .0625, deviation √(.29 / 3).
        let far = |score: f64| ((score - 0.05) / (0.29f64 / 3.0).sqrt() * 1e4).round() / 1e4;
        let zs: Vec<f64> = places(&records, Seat::User, &settings(Some(0.5))).into_iter().map(|(.., z)| z).collect();
        assert_eq!(zs, [far(0.1), far(0.2), far(-0.4), far(0.3)]);
        let worst = group([0.0; 4], [0.1, 0.2, -0.9, 0.3]);
        let least = places(&worst, Seat::User, &settings(Some(0.0)));
        assert_eq!(least[2].1, -0.9, "what is worse stays so");
    }

    #[test]
    fn a_failure_of_the_users_own_is_a_spoiled_talk_too() {
        let mut records = group([0.0; 4], [0.1, 0.2, 0.9, 0.3]);
        records[2].stop = Some(Stop::Failed(Seat::User));
        records[2].verdict = None;
        records[2].scores = Pair { agent: None, user: Some(-1.0) };
        let scores = places(&records, Seat::User, &settings(Some(0.5)));
        assert_eq!(scores[2].1, -1.5);
        assert_eq!(places(&records, Seat::Agent, &settings(Some(0.5))), [], "the others scored alike");
    }

    #[test]
    fn where_all_are_spoiled_they_differ_as_they_did() {
        let mut records = group([0.0; 4], [0.1, 0.2, 0.9, 0.3]);
        for record in &mut records {
            let measures = &mut record.verdict.as_mut().expect("it was judged").measures;
            measures.insert("user/role_kept".to_owned(), Ratio::new(0.0, 1.0));
        }
        let zs = |penalty: Option<f64>| -> Vec<f64> {
            places(&records, Seat::User, &settings(penalty)).into_iter().map(|(.., z)| z).collect()
        };
        assert_eq!(zs(Some(3.0)), zs(None));
        assert_eq!(places(&records, Seat::Agent, &settings(Some(0.0))), [], "there is nobody left");
    }

    #[test]
    fn term_by_term_and_role_by_role_it_is_what_a_failure_is() {
        let records = group([0.0; 4], [0.1, 0.2, 0.9, 0.3]);
        let by_terms = GrpoSettings { aggregation: Aggregation::NormalizeThenSum, ..settings(Some(0.0)) };
        let zs: Vec<f64> = places(&records, Seat::User, &by_terms).into_iter().map(|(.., z)| z).collect();
        let least = zs.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(
            zs[2] == least && zs[2] < zs[0] - 1.0,
            "it equals the first in the term, and has one of its own: {zs:?}"
        );
        let by_role = GrpoSettings { shared_weight: Some(1.0), ..settings(Some(0.5)) };
        let own = places(&records, Seat::User, &settings(Some(0.5)));
        assert_eq!(places(&records, Seat::User, &by_role), own, "where nothing is shared");
    }
}
