use std::collections::BTreeSet;

use sim::FaultKind;
use sim::RewardKind;
use sim::Scope;

use super::*;
use crate::fixtures;
use crate::harvest::harvest;
use crate::moving::MovingBaseline;
use crate::settings::UpdateMode;

const SEED: u64 = 7;

fn forks(futures: u32) -> ForkSettings {
    ForkSettings { talks: 3, alternatives: 4, futures, future_turns: None, talks_train: true }
}

fn settings(forks: ForkSettings) -> GrpoSettings {
    GrpoSettings { forks: Some(forks), group_size: 4, std_eps: 1e-12, ..fixtures::settings() }
}

/// Two groups of four talks, three turns of each seat.
fn talks() -> Vec<EpisodeRecord> {
    let places = (0..2).flat_map(|group| (1..=4).map(move |member| (group, member)));
    places.map(|(group, member)| fixtures::record(group, member, &[0.0; 3], &[0.0, 0.0, f64::from(member)])).collect()
}

/// A baseline that these settings do not ask for.
fn still() -> MovingBaseline {
    MovingBaseline::default()
}

fn castings(records: &[EpisodeRecord]) -> Vec<Casting> {
    records.iter().map(|record| record.casting.clone()).collect()
}

/// The talk up to the user's turn at index 3 and through it, which earns so much.
fn alternative(talk: &EpisodeRecord, member: u32, earned: f64) -> EpisodeRecord {
    let id = EpisodeId { group: 9, member, ..talk.casting.id };
    let learns = Pair { agent: false, user: true };
    let mut record = EpisodeRecord {
        casting: Casting { learns, ..forked_casting(talk, id, 3, Reach::Turn) },
        turns: talk.turns[..4].to_vec(),
        stop: Some(Stop::Cut),
        verdict: None,
        scores: Pair::default(),
        ..talk.clone()
    };
    let paid = |seat, value| Reward {
        seat,
        name: "paid".to_owned(),
        kind: RewardKind::Training,
        scope: Scope::Turn(1),
        value,
        weight: 0.5,
        evidence: "said so".to_owned(),
    };
    let effect = record.turns[3].effect.as_mut().expect("it took effect");
    effect.rewards = vec![paid(Seat::User, earned * 2.0), paid(Seat::Agent, 100.0)];
    record
}

/// What may come behind an alternative: the user earns this by its turns from the first on, the forked one included.
fn future(alternative: &EpisodeRecord, trial: u32, user: [f64; 3]) -> EpisodeRecord {
    let id = EpisodeId { trial, ..alternative.casting.id };
    let casting = Casting { learns: Pair::default(), ..forked_casting(alternative, id, 4, Reach::Rest(None)) };
    EpisodeRecord { casting, ..fixtures::record(0, 1, &[0.0; 3], &user) }
}

fn zs(group: &TurnGroup<'_>) -> Vec<f64> {
    match group {
        TurnGroup::Learned { members, .. } => members.iter().map(|member| (member.z * 1e9).round() / 1e9).collect(),
        other => panic!("nothing was learned: {other:?}"),
    }
}

#[test]
fn talks_are_forked_for_each_seat_that_learns_at_one_of_its_own_turns() {
    let (talks, settings) = (talks(), settings(forks(0)));
    let found = alternatives(&settings, &castings(&talks), &talks, SEED, 3);
    assert_eq!(found.len(), 2 * 3 * 4);
    let ids: BTreeSet<EpisodeId> = found.iter().map(|casting| casting.id).collect();
    assert_eq!(ids.len(), found.len());
    for (number, group) in found.chunks(4).enumerate() {
        let seat = if number < 3 { Seat::Agent } else { Seat::User };
        let fork = group[0].fork.expect("it is one");
        for (casting, member) in group.iter().zip(1..) {
            let id = EpisodeId { group: 2 + number as u32, member, trial: 0, ..talks[0].casting.id };
            assert_eq!((casting.id, casting.fork), (id, Some(fork)));
            assert_eq!(casting.learns, Pair::from_fn(|learner| learner == seat));
        }
        let talk = talks.iter().find(|talk| talk.casting.id == fork.from).expect("it was played");
        assert_eq!((talk.turns[fork.turn as usize].seat, fork.root, fork.reach), (seat, fork.from, Reach::Turn));
    }
    let forked: BTreeSet<EpisodeId> = found[..12].iter().flat_map(|casting| casting.fork).map(|f| f.from).collect();
    assert_eq!(forked.len(), 3, "no talk twice for one seat");

    let mut shuffled = talks.clone();
    shuffled.reverse();
    assert_eq!(alternatives(&settings, &castings(&talks), &shuffled, SEED, 3), found, "the order leaves no trace");
    assert_ne!(alternatives(&settings, &castings(&talks), &talks, SEED + 1, 3), found);
    let alone = GrpoSettings { mode: UpdateMode::Only(Seat::User), ..settings.clone() };
    assert!(alternatives(&alone, &castings(&talks), &talks, SEED, 3).iter().all(|casting| casting.learns.user));
    let off = GrpoSettings { forks: None, ..settings };
    assert_eq!(alternatives(&off, &castings(&talks), &talks, SEED, 3), []);
}

#[test]
fn every_turn_of_the_seat_is_forked_now_and_then_and_no_talk_that_broke_off() {
    let (mut talks, settings) = (talks(), settings(ForkSettings { talks: 100, ..forks(0) }));
    talks[5].fault = Some(Fault::new(Party::Judge, FaultKind::Deadline, "late"));
    let found: Vec<Casting> =
        (1..40).flat_map(|seed| alternatives(&settings, &castings(&talks), &talks, seed, 3)).collect();
    let forks: Vec<_> = found.iter().filter_map(|casting| casting.fork).collect();
    assert!(forks.iter().all(|fork| fork.from != talks[5].casting.id));
    let turns: BTreeSet<u32> = forks.iter().map(|fork| fork.turn).collect();
    assert_eq!(turns, (0..6).collect());
}

#[test]
fn without_futures_an_alternative_is_worth_what_its_turn_earns_the_seat() {
    let talk = &talks()[0];
    let records = [1.0, 0.0, 3.0, 0.0].map(|earned| alternative(talk, earned as u32 + 1, earned));
    let refs: Vec<&EpisodeRecord> = records.iter().collect();
    // Mean 1, squares 0 + 1 + 4 + 1 over 3: deviation √2.
    let root = 2f64.sqrt();
    let wanted = [0.0, -1.0, 2.0, -1.0].map(|d| (d / root * 1e9).round() / 1e9);
    let group = TurnGroup::of(&refs, &[], Seat::User, &settings(forks(0)));
    assert_eq!(zs(&group), wanted);
    let alike: Vec<&EpisodeRecord> = vec![refs[1], refs[3]];
    assert_eq!(TurnGroup::of(&alike, &[], Seat::User, &settings(forks(0))), TurnGroup::NoVariance);
    assert_eq!(TurnGroup::of(&refs[..1], &[], Seat::User, &settings(forks(0))), TurnGroup::TooFew);
}

/// Look-ahead on a chain: the worth of the forked turn is the mean of what its futures come to (CollabLLM, eq. 2).
#[test]
fn r04_with_futures_an_alternative_is_worth_the_mean_of_what_follows() {
    let talk = &talks()[0];
    let mut records = [0.0, 0.0, 0.0].map(|earned| alternative(talk, 1, earned));
    (1..).zip(&mut records).for_each(|(member, record)| record.casting.id.member = member);
    // What was earned before the fork is the same for all, and counts for none.
    let mut futures = [
        future(&records[0], 1, [50.0, 1.0, 2.0]),
        future(&records[0], 2, [50.0, 1.0, 4.0]),
        future(&records[1], 1, [50.0, 0.0, 8.0]),
        future(&records[1], 2, [50.0, 0.0, 1000.0]),
        future(&records[2], 1, [50.0, 0.0, 1000.0]),
    ];
    // Of the second one the partner failed; of the third nobody knows.
    futures[3].scores.user = None;
    futures[4].scores.user = None;
    let (refs, behind): (Vec<_>, Vec<_>) = (records.iter().collect(), futures.iter().collect());
    let group = TurnGroup::of(&refs, &behind, Seat::User, &settings(forks(2)));
    let TurnGroup::Learned { members, std } = group else { panic!("{group:?}") };
    // 50 before the fork, then (3 + 5) / 2 = 4 against 8: mean 56, deviation √8.
    let worths: Vec<f64> = members.iter().map(|member| member.score).collect();
    assert_eq!(worths, [54.0, 58.0]);
    assert!((std - 8f64.sqrt()).abs() < 1e-12 && (members[1].z - 2.0 / 8f64.sqrt()).abs() < 1e-9);
    // An alternative that ended the talk is worth what that came to.
    let mut ended =
        EpisodeRecord { casting: records[2].casting.clone(), ..fixtures::record(0, 1, &[0.0, 0.0], &[50.0, 5.0]) };
    ended.stop = Some(Stop::Terminated);
    let group = TurnGroup::of(&[&records[0], &ended], &behind, Seat::User, &settings(forks(2)));
    let TurnGroup::Learned { members, .. } = group else { panic!("{group:?}") };
    assert_eq!(members.iter().map(|member| member.score).collect::<Vec<_>>(), [54.0, 55.0]);
}

#[test]
fn futures_go_on_behind_their_alternatives_and_train_nobody() {
    let talk = &talks()[0];
    let mut records = vec![alternative(talk, 1, 0.0), alternative(talk, 2, 1.0), alternative(talk, 3, 0.0)];
    records[2].stop = Some(Stop::Terminated);
    let found = futures(&settings(ForkSettings { future_turns: Some(4), ..forks(2) }), &records);
    let places: Vec<(u32, u32)> = found.iter().map(|casting| (casting.id.trial, casting.id.member)).collect();
    assert_eq!(places, [(1, 1), (1, 2), (2, 1), (2, 2)]);
    for casting in &found {
        let fork = casting.fork.expect("it is one");
        assert_eq!((fork.turn, fork.root, fork.reach), (4, talk.casting.id, Reach::Rest(Some(4))));
        assert_eq!(fork.from, EpisodeId { trial: 0, ..casting.id });
        assert_eq!(casting.learns, Pair::default());
    }
    assert_eq!(futures(&settings(forks(0)), &records), []);
}

/// R5: of an alternative exactly the forked turn's sampled tokens train.
#[test]
fn r05_in_a_turn_group_exactly_the_forked_turn_trains() {
    let talks = talks();
    let alternatives = [1.0, 0.0, 3.0].map(|earned| alternative(&talks[0], earned as u32 + 1, earned));
    let records = [&talks[..], &alternatives].concat();
    let talks_rest = ForkSettings { talks_train: false, ..forks(0) };
    let yield_of = |forks| {
        let harvest = harvest(&castings(&records), &records, Seat::User, &settings(forks), 1e-3, &mut still());
        harvest.expect("the records are whole")
    };
    let alone = yield_of(talks_rest);
    assert_eq!((alone.batch.samples.len(), alone.counts.groups), (3, 0));
    for sample in &alone.batch.samples {
        // Generations of 2 + 3 and 2 + 4 tokens: the second is the forked one.
        let trained: Vec<usize> = (0..sample.tokens.len()).filter(|at| sample.weights[*at] != 0.0).collect();
        assert_eq!((trained, sample.tokens.len()), (vec![7, 8, 9, 10], 11));
        assert!(sample.advantages[..7].iter().all(|advantage| *advantage == 0.0));
    }
    let counts = alone.counts.metrics(Seat::User);
    assert_eq!((counts.get("user/forks"), counts.get("user/forks/no_variance")), (Some(1.0), Some(0.0)));
    // Worths 1, 0 and 3: mean 4/3, squares 1/9 + 16/9 + 25/9 over 2.
    let deviation = counts.get("user/forks/std").expect("one group was learned from");
    assert!((deviation - (42f64 / 18.0).sqrt()).abs() < 1e-12);

    let both = yield_of(forks(0));
    assert_eq!((both.batch.samples.len(), both.counts.groups), (8 + 3, 2));
    let of_talks =
        harvest(&castings(&talks), &talks, Seat::User, &fixtures::settings(), 1e-3, &mut still()).expect("whole");
    assert_eq!(of_talks.counts.forks, None);
    let agent =
        harvest(&castings(&records), &records, Seat::Agent, &settings(talks_rest), 1e-3, &mut still()).expect("whole");
    assert_eq!(agent.batch.samples.len(), 0, "the alternatives were the user's");
}

#[test]
fn whoever_fails_with_its_turn_has_the_least_and_whose_partner_fails_nothing() {
    let talk = &talks()[0];
    let mut records = [1.0, 2.0, 3.0].map(|earned| alternative(talk, earned as u32, earned));
    records[1].stop = Some(Stop::Failed(Seat::User));
    records[1].scores.user = Some(-4.0);
    records[2].stop = Some(Stop::Failed(Seat::Agent));
    records[2].scores.agent = Some(-4.0);
    let refs: Vec<&EpisodeRecord> = records.iter().collect();
    let group = TurnGroup::of(&refs, &[], Seat::User, &settings(forks(0)));
    let TurnGroup::Learned { members, .. } = group else { panic!("{group:?}") };
    assert_eq!(members.iter().map(|member| member.score).collect::<Vec<_>>(), [1.0, -4.0]);
}
