//! One group: n episodes of one item with the same world, profile, opponent and versions. Each is judged against the others.

use sim::EpisodeRecord;
use sim::RewardKind;
use sim::Seat;

use crate::credit;
use crate::settings::Aggregation;
use crate::settings::Baseline;
use crate::settings::GrpoSettings;
use crate::settings::RewardsOf;
use crate::settings::StdOver;
use crate::shaping;
use crate::spoiled;
use crate::terms;

/// Scores that lie closer together than this are equal: sums of the same terms in another order differ by rounding.
const SPREAD_MIN: f64 = 1e-9;

/// What one seat can learn from one group. Each seat has its own: it is baselined over its own rewards alone.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupOutcome<'a> {
    /// It learns from these members, in the records' order.
    Learned {
        /// Those that count.
        members: Vec<Member<'a>>,
        /// Unbiased standard deviation of their scores.
        std: f64,
    },
    /// Fewer than `group_valid_min` members count.
    TooFew {
        /// How many do.
        counted: usize,
    },
    /// All that count have the same score: nothing tells them apart. There is no such group where scores are measured against the whole step or a
    /// moving mean.
    NoVariance {
        /// How many count.
        counted: usize,
        /// Their score; of the first, where terms are told apart and none of them differs.
        score: f64,
    },
}

/// One episode within its group, from one seat's side.
#[derive(Clone, Debug, PartialEq)]
pub struct Member<'a> {
    /// The episode.
    pub record: &'a EpisodeRecord,
    /// What trains the seat, one reward per own turn.
    pub rewards: Vec<f64>,
    /// The trajectory score S.
    pub score: f64,
    /// The score's place in the group: its distance from the baseline, in the group's standard deviations if the settings say so. What is taken over
    /// several groups comes in [`crate::advantage`], which sees them all.
    pub z: f64,
}

impl GroupOutcome<'_> {
    /// What `seat` can learn from the records of one group.
    ///
    /// A record counts if the seat was scored and spoke. So a seat's own failure stays, with the scenario's worst score; an episode
    /// that faulted, that the partner failed, or with `spoiled_penalty` that the user spoiled for the agent, leaves. An episode that ended before the seat spoke leaves too: its score tells
    /// nothing about this seat.
    #[must_use]
    pub fn of<'a>(records: &[&'a EpisodeRecord], seat: Seat, settings: &GrpoSettings) -> GroupOutcome<'a> {
        let counting: Vec<(&EpisodeRecord, Vec<f64>)> = records
            .iter()
            .filter(|record| !spoiled::leaves(record, seat, settings))
            .filter_map(|record| Some((*record, shaping::turn_rewards(record, seat, settings)?)))
            .filter(|(_, rewards)| !rewards.is_empty())
            .collect();
        let counted = counting.len();
        if counted < (settings.group_valid_min as usize).max(2) {
            return GroupOutcome::TooFew { counted };
        }
        let score = |rewards: &[f64]| credit::trajectory_score(settings.trajectory_score, rewards, settings.gamma);
        let mut scores: Vec<f64> = counting.iter().map(|(_, rewards)| score(rewards)).collect();
        if settings.rewards_of == RewardsOf::Both {
            level_failures(&counting, &mut scores);
        }
        spoiled::lower(counting.iter().map(|(record, _)| *record), &mut scores, seat, settings);
        let records: Vec<&EpisodeRecord> = counting.iter().map(|(record, _)| *record).collect();
        let zs = match settings.shared_weight {
            Some(weight) => places_by_role(&counting, &scores, seat, weight, settings),
            None => places(&records, &scores, seat, settings),
        };
        let Some(zs) = zs else {
            return GroupOutcome::NoVariance { counted, score: scores[0] };
        };
        let members = counting.into_iter().zip(scores.iter().zip(zs));
        GroupOutcome::Learned {
            members: members
                .map(|((record, rewards), (score, z))| Member { record, rewards, score: *score, z })
                .collect(),
            std: credit::std_unbiased(&scores),
        }
    }
}

/// Where each score stands, as far as the group alone can say; `None` if nothing tells them apart.
fn places(records: &[&EpisodeRecord], scores: &[f64], seat: Seat, settings: &GrpoSettings) -> Option<Vec<f64>> {
    let by_group = settings.normalize_std && settings.std_over == StdOver::Group;
    match (settings.aggregation, settings.baseline) {
        (Aggregation::NormalizeThenSum, _) => terms::normalized(records, seat, settings),
        // Its baseline is not known yet.
        (Aggregation::SumThenNormalize, Baseline::Batch | Baseline::Moving) => Some(scores.to_vec()),
        (Aggregation::SumThenNormalize, _) if is_flat(scores) => None,
        (Aggregation::SumThenNormalize, Baseline::Group) => {
            Some(credit::standardize(scores, settings.std_eps, by_group))
        }
        (Aggregation::SumThenNormalize, Baseline::LeaveOneOut) => {
            // The mean of the others is as far off as that of all, times n / (n − 1).
            let stretch = scores.len() as f64 / (scores.len() as f64 - 1.0);
            let zs = credit::standardize(scores, settings.std_eps, by_group);
            Some(zs.into_iter().map(|z| z * stretch).collect())
        }
    }
}

/// A failure is scored by the seat's worst alone; where the others have what both seats earn, it is no better than the worst of them.
fn level_failures(counting: &[(&EpisodeRecord, Vec<f64>)], scores: &mut [f64]) {
    let has_failed = |at: usize| counting[at].0.verdict.is_none();
    let judged = scores.iter().enumerate().filter(|(at, _)| !has_failed(*at)).map(|(_, score)| *score);
    let worst = judged.fold(f64::INFINITY, f64::min);
    for (_, score) in scores.iter_mut().enumerate().filter(|(at, _)| has_failed(*at)) {
        *score = score.min(worst);
    }
}

/// z(own) + λ z(shared), where own is what is left of the scores without what is shared; `None` if neither tells them apart.
fn places_by_role(
    counting: &[(&EpisodeRecord, Vec<f64>)],
    scores: &[f64],
    seat: Seat,
    weight: f64,
    settings: &GrpoSettings,
) -> Option<Vec<f64>> {
    let score = |rewards: &[f64]| credit::trajectory_score(settings.trajectory_score, rewards, settings.gamma);
    let apart = |(record, rewards): &(&EpisodeRecord, Vec<f64>)| {
        let is_whole = !spoiled::is_bad_example(record, seat, settings);
        Some(parts(record, rewards, seat).filter(|_| is_whole)?.map(|part| score(&part)))
    };
    let judged: Vec<Option<[f64; 2]>> = counting.iter().map(apart).collect();
    // A failure is a seat's own, and so is a talk that it spoiled: of what is shared it has what the worst of the others have, and never gains it so.
    let worst = judged.iter().flatten().map(|[_, shared]| *shared).fold(f64::INFINITY, f64::min);
    let worst = if worst.is_finite() { worst } else { 0.0 };
    let scored = judged.iter().zip(scores);
    let (own, shared): (Vec<f64>, Vec<f64>) =
        scored.map(|(judged, score)| judged.map_or((score - worst, worst), |[own, shared]| (own, shared))).unzip();
    let records: Vec<&EpisodeRecord> = counting.iter().map(|(record, _)| *record).collect();
    let places = [(1.0, own), (weight, shared)].map(|(weight, scores)| {
        let zs = places(&records, &scores, seat, settings).filter(|_| weight > 0.0)?;
        Some(zs.into_iter().map(|z| weight * z).collect::<Vec<f64>>())
    });
    match places {
        [Some(own), Some(shared)] => Some(own.iter().zip(shared).map(|(own, shared)| own + shared).collect()),
        [one, other] => one.or(other),
    }
}

/// A seat's rewards turn by turn, those that are its own and those that are shared; `None` if it failed. Scored apart, and not one taken off the other:
/// a mean is rounded.
fn parts(record: &EpisodeRecord, rewards: &[f64], seat: Seat) -> Option<[Vec<f64>; 2]> {
    record.verdict.as_ref()?;
    let shared = record.turn_rewards_of(seat, |kind| kind == RewardKind::Shared)?;
    Some([rewards.iter().zip(&shared).map(|(all, shared)| all - shared).collect(), shared])
}

/// Whether the scores are equal but for rounding.
pub(crate) fn is_flat(scores: &[f64]) -> bool {
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - low < SPREAD_MIN
}

#[cfg(test)]
mod tests {
    use sim::Fault;
    use sim::FaultKind;
    use sim::Pair;
    use sim::Party;
    use sim::Stop;

    use super::*;
    use crate::fixtures;

    fn settings() -> GrpoSettings {
        GrpoSettings { group_size: 4, group_valid_min: 3, std_eps: 0.05, ..fixtures::settings() }
    }

    fn faulted(mut record: EpisodeRecord) -> EpisodeRecord {
        record.fault = Some(Fault::new(Party::Judge, FaultKind::Deadline, "no verdict in time"));
        record.verdict = None;
        record.scores = Pair::default();
        record
    }

    fn failed(mut record: EpisodeRecord, seat: Seat, worst: f64) -> EpisodeRecord {
        record.stop = Some(Stop::Failed(seat));
        record.verdict = None;
        record.scores = Pair::default();
        record.scores[seat] = Some(worst);
        record
    }

    fn records(agent: [f64; 4], user: [f64; 4]) -> Vec<EpisodeRecord> {
        (0..4).map(|i| fixtures::record(0, i as u32 + 1, &[agent[i]], &[user[i]])).collect()
    }

    fn outcome<'a>(records: &'a [EpisodeRecord], seat: Seat) -> GroupOutcome<'a> {
        GroupOutcome::of(&records.iter().collect::<Vec<_>>(), seat, &settings())
    }

    fn zs(outcome: &GroupOutcome) -> Vec<f64> {
        match outcome {
            GroupOutcome::Learned { members, .. } => members.iter().map(|m| (m.z * 1e4).round() / 1e4).collect(),
            other => panic!("nothing was learned: {other:?}"),
        }
    }

    #[test]
    fn each_seat_is_measured_against_its_own_rewards() {
        let records = records([1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.4]);
        // Agent: mean ½, std √(4·¼/3) = .57735; ½ / .62735. User: mean .1, std .2; −.1 / .25 and .3 / .25.
        assert_eq!(zs(&outcome(&records, Seat::Agent)), [0.797, -0.797, 0.797, -0.797]);
        assert_eq!(zs(&outcome(&records, Seat::User)), [-0.4, -0.4, -0.4, 1.2]);
    }

    /// What each seat earns by itself, and what both earn together, of four episodes.
    fn with_shared(agent: [f64; 4], user: [f64; 4], shared: [f64; 4]) -> Vec<EpisodeRecord> {
        let mut records = records(agent, user);
        for (record, shared) in records.iter_mut().zip(shared) {
            let rewards = &mut record.verdict.as_mut().expect("it was judged").rewards;
            let own = rewards.clone();
            rewards.extend(own.into_iter().map(|own| sim::Reward {
                name: "both".to_owned(),
                kind: RewardKind::Shared,
                value: shared,
                weight: 2.0,
                ..own
            }));
        }
        records
    }

    /// z as it is, of groups whose deviations have nothing added.
    fn roles(records: &[EpisodeRecord], seat: Seat, shared_weight: Option<f64>) -> Vec<f64> {
        let settings = GrpoSettings { std_eps: 1e-12, shared_weight, ..settings() };
        match GroupOutcome::of(&records.iter().collect::<Vec<_>>(), seat, &settings) {
            GroupOutcome::Learned { members, .. } => members.iter().map(|member| member.z).collect(),
            other => panic!("nothing was learned: {other:?}"),
        }
    }

    fn near(one: &[f64], other: &[f64]) -> bool {
        one.len() == other.len() && one.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-9)
    }

    #[test]
    fn r03_role_and_global_advantages_are_those_by_hand() {
        let records = with_shared([1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.4], [0.0, 3.0, 0.0, 1.0]);
        // Agent: ½ over √(1/3). Shared, before its weight of 2: mean 1, squares 1 4 1 0, so distances over √2. User: −.1 or .3 over .2.
        let (agent, shared) = (0.75f64.sqrt(), 0.5f64.sqrt());
        let both = [-shared, 2.0 * shared, -shared, 0.0];
        let sum = |own: [f64; 4], weight: f64| -> Vec<f64> {
            own.iter().zip(both).map(|(own, both)| own + weight * both).collect()
        };
        assert!(near(&roles(&records, Seat::Agent, Some(1.0)), &sum([agent, -agent, agent, -agent], 1.0)));
        assert!(near(&roles(&records, Seat::Agent, Some(0.25)), &sum([agent, -agent, agent, -agent], 0.25)));
        assert!(near(&roles(&records, Seat::Agent, Some(0.0)), &[agent, -agent, agent, -agent]));
        assert!(near(&roles(&records, Seat::User, Some(1.0)), &sum([-0.5, -0.5, -0.5, 1.5], 1.0)));
        // Added up before, 1 6 1 2: the large shared term drowns the small own one.
        let added = roles(&records, Seat::Agent, None);
        assert!(added[1] > 1.0 && added[0] < 0.0 && added[3] < 0.0);
    }

    #[test]
    fn what_the_partner_earns_by_itself_changes_nothing_and_a_failure_is_ones_own() {
        let shared = [0.0, 3.0, 0.0, 1.0];
        let one = with_shared([1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.4], shared);
        let other = with_shared([1.0, 0.0, 1.0, 0.0], [0.9, 0.1, 0.5, 0.0], shared);
        assert_eq!(roles(&one, Seat::Agent, Some(1.0)), roles(&other, Seat::Agent, Some(1.0)));
        let flat = with_shared([0.5; 4], [0.0; 4], shared);
        let both = roles(&flat, Seat::Agent, Some(1.0));
        assert!(
            near(&both, &roles(&flat, Seat::User, Some(1.0))),
            "where own rewards are even, what is shared teaches both"
        );
        let mut records = one;
        records[0] = failed(records[0].clone(), Seat::Agent, -1.0);
        // Own −1 0 1 0, and of what is shared the least there is.
        let zs = roles(&records, Seat::Agent, Some(0.0));
        assert!(near(&zs, &[-1.0 / (2.0f64 / 3.0).sqrt(), 0.0, 1.0 / (2.0f64 / 3.0).sqrt(), 0.0]));
    }

    #[test]
    fn without_roles_what_is_shared_counts_once_and_failing_is_no_better_than_the_worst() {
        let mut records = with_shared([1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.4], [0.0, 3.0, 0.0, 1.0]);
        let settings = GrpoSettings { std_eps: 1e-12, rewards_of: RewardsOf::Both, ..settings() };
        let places = |records: &[EpisodeRecord], seat| {
            let records: Vec<&EpisodeRecord> = records.iter().collect();
            match GroupOutcome::of(&records, seat, &settings) {
                GroupOutcome::Learned { members, .. } => members.iter().map(|m| (m.score, m.z)).collect::<Vec<_>>(),
                other => panic!("nothing was learned: {other:?}"),
            }
        };
        // Agent's, user's, and twice what is shared: 1 6 1 2.4, of mean 2.6, squares 2.56 11.56 2.56 .04.
        let std = (16.72f64 / 3.0).sqrt();
        for seat in Seat::ALL {
            let (scores, zs): (Vec<f64>, Vec<f64>) = places(&records, seat).into_iter().unzip();
            assert!(near(&scores, &[1.0, 6.0, 1.0, 2.4]));
            assert!(near(&zs, &[-1.6 / std, 3.4 / std, -1.6 / std, -0.2 / std]));
        }
        records[1] = failed(records[1].clone(), Seat::Agent, 5.0);
        let scores: Vec<f64> = places(&records, Seat::Agent).iter().map(|(score, _)| *score).collect();
        assert!(near(&scores, &[1.0, 1.0, 1.0, 2.4]), "its least alone would be more than the others have: {scores:?}");
    }

    #[test]
    fn where_what_is_shared_is_a_loss_failing_is_no_way_out_of_it() {
        let mut records = with_shared([0.0; 4], [0.0; 4], [-0.5, -0.5, 0.0, 0.0]);
        records[3] = failed(records[3].clone(), Seat::Agent, -1.0);
        for weight in [0.5, 1.0, 2.0, 100.0] {
            let zs = roles(&records, Seat::Agent, Some(weight));
            assert!(zs[3] <= zs[0] + 1e-9 && zs[3] < zs[2], "{zs:?}");
        }
    }

    #[test]
    fn a_mean_that_is_rounded_tells_nobody_apart() {
        let mut records: Vec<EpisodeRecord> =
            (1..=4).map(|member| fixtures::record(0, member, &[0.0, 0.0, 0.2], &[0.0; 3])).collect();
        let rewards = &mut records[0].verdict.as_mut().expect("it was judged").rewards;
        let own = rewards.iter().find(|reward| reward.seat == Seat::Agent).expect("it is paid").clone();
        rewards.push(sim::Reward { name: "both".to_owned(), kind: RewardKind::Shared, value: 0.2, ..own });
        let settings = GrpoSettings {
            trajectory_score: crate::settings::TrajectoryScore::Mean,
            std_eps: 1e-6,
            shared_weight: Some(1.0),
            ..settings()
        };
        let outcome = GroupOutcome::of(&records.iter().collect::<Vec<_>>(), Seat::Agent, &settings);
        // Own .0667 of everybody: what is shared decides alone.
        assert_eq!(zs(&outcome).iter().map(|z| z.signum()).collect::<Vec<f64>>(), [1.0, -1.0, -1.0, -1.0]);
        assert!((zs(&outcome)[0] - 1.5).abs() < 0.01, "{outcome:?}");
    }

    #[test]
    fn a_seats_own_failure_stays_in_its_group_and_leaves_its_partners() {
        let mut records = records([0.5; 4], [0.1, 0.2, 0.3, 0.4]);
        records[1] = failed(records[1].clone(), Seat::Agent, -1.0);
        // Agent: .5, −1, .5, .5: mean .125, std .75.
        assert_eq!(zs(&outcome(&records, Seat::Agent)), [0.4688, -1.4063, 0.4688, 0.4688]);
        assert_eq!(zs(&outcome(&records, Seat::User)).len(), 3);
    }

    #[test]
    fn a_fault_leaves_both_groups_and_too_few_members_are_skipped() {
        let mut records = records([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]);
        records[0] = faulted(records[0].clone());
        for seat in Seat::ALL {
            assert_eq!(zs(&outcome(&records, seat)).len(), 3);
        }
        records[2] = faulted(records[2].clone());
        for seat in Seat::ALL {
            assert_eq!(outcome(&records, seat), GroupOutcome::TooFew { counted: 2 });
        }
    }

    #[test]
    fn members_without_a_difference_teach_nothing() {
        let records = records([0.3, 0.1 + 0.2, 0.3, 0.3], [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(outcome(&records, Seat::Agent), GroupOutcome::NoVariance { counted: 4, score: 0.3 });
        assert_eq!(zs(&outcome(&records, Seat::User)).len(), 4);
    }

    #[test]
    fn left_out_of_its_own_baseline_a_score_stands_further_off() {
        let records = records([1.0, 0.0, 0.5, 0.1], [0.0; 4]);
        let settings = GrpoSettings { baseline: Baseline::LeaveOneOut, normalize_std: false, ..settings() };
        let outcome = GroupOutcome::of(&records.iter().collect::<Vec<_>>(), Seat::Agent, &settings);
        // 1 − .6 / 3, 0 − 1.6 / 3, .5 − 1.1 / 3, .1 − 1.5 / 3.
        assert_eq!(zs(&outcome), [0.8, -0.5333, 0.1333, -0.4]);
    }

    #[test]
    fn measured_against_the_step_a_group_without_a_difference_is_no_loss() {
        let records = records([0.3; 4], [0.0; 4]);
        let settings = GrpoSettings { baseline: Baseline::Batch, std_over: StdOver::Batch, ..settings() };
        let outcome = GroupOutcome::of(&records.iter().collect::<Vec<_>>(), Seat::Agent, &settings);
        assert_eq!(zs(&outcome), [0.3; 4]);
    }

    #[test]
    fn a_seat_that_never_spoke_is_not_measured() {
        let mut records = records([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]);
        records[3].turns.retain(|turn| turn.seat == Seat::Agent);
        assert_eq!(zs(&outcome(&records, Seat::User)).len(), 3);
        assert_eq!(zs(&outcome(&records, Seat::Agent)).len(), 4);
    }
}
