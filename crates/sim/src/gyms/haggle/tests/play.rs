//! What holds in every talk, whoever plays: 2000 episodes of random pairs of scripts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;

use crate::Act;
use crate::EpisodeId;
use crate::EpisodeRecord;
use crate::Phase;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::draws::Stream;
use crate::gyms::Script;
use crate::gyms::haggle::BuyerMove;
use crate::gyms::haggle::Fact;
use crate::gyms::haggle::MEASURES;
use crate::gyms::haggle::talk;
use crate::redrive;
use crate::scenario::Split;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::played;
use crate::testing::scenario;

const EPISODES: u32 = 2000;

static PLAYED: LazyLock<(Arc<Scenario>, Vec<EpisodeRecord>)> = LazyLock::new(|| {
    let scenario = scenario();
    let names = crate::Pair::from_fn(|seat| Script::names(&scenario.rules, seat));
    let mut draws = casting("", "", 0).id.address(99).draws(Stream::Opponent);
    let one = |_| {
        let (agent, user) = (draws.pick(&names.agent).clone(), draws.pick(&names.user).clone());
        played(&scenario, &agent, &user, draws.range(0, 999) as u32)
    };
    let records = (0..EPISODES).map(one).collect();
    (scenario, records)
});

#[test]
fn scores_and_training_terms_stay_in_their_ranges() {
    let (scenario, records) = &*PLAYED;
    for record in records {
        for seat in Seat::ALL {
            let (low, high) = scenario.outcome_range(seat);
            assert_eq!((low, high), (-1.0, 1.0));
            assert!(record.scores[seat].is_none_or(|score| (low..=high).contains(&score)), "{:?}", record.scores);
        }
        for reward in record.verdict.iter().flat_map(|verdict| &verdict.rewards) {
            let low = if reward.kind == RewardKind::Training { 0.0 } else { -1.0 };
            assert!((low..=1.0).contains(&reward.value), "{reward:?}");
        }
    }
}

#[test]
fn a_verdict_has_every_term_and_every_measure_and_rates_are_at_most_one() {
    let (scenario, records) = &*PLAYED;
    let counts = ["rounds", "agent/claims", "agent/true_claims", "agent/false_claims", "agent/traps", "joint_surplus"];
    let names = |measures: &BTreeMap<String, crate::Ratio>| measures.keys().cloned().collect::<Vec<_>>();
    let mut all: Vec<String> = MEASURES.iter().map(|name| (*name).to_owned()).collect();
    all.sort();
    for verdict in records.iter().flat_map(|record| &record.verdict) {
        let terms = verdict.rewards.iter().map(|reward| (reward.seat, reward.name.as_str(), reward.weight));
        assert!(terms.eq(scenario.rewards.iter().map(|rule| (rule.seat, rule.name.as_str(), rule.weight))));
        assert_eq!(names(&verdict.measures), all);
        for (name, ratio) in verdict.measures.iter().filter(|(name, _)| !counts.contains(&name.as_str())) {
            assert!(0.0 <= ratio.num && ratio.num <= ratio.den, "{name}: {ratio:?}");
        }
    }
}

/// Whether a false claim stands at the end, worked out from the words alone: the last claim about a fact is false, and no check came
/// after it.
fn rests_on_a_lie(record: &EpisodeRecord, truth: &BTreeMap<Fact, u8>) -> bool {
    let mut standing: BTreeMap<Fact, u8> = BTreeMap::new();
    for turn in record.turns.iter().filter(|t| t.effect.as_ref().is_some_and(|effect| effect.malformed.is_none())) {
        let Ok(Act::Say(text)) = &turn.decision.act else { continue };
        match turn.seat {
            Seat::Agent => {
                if let Some(claim) = talk::read_seller(text).expect("it counted").claim {
                    standing.insert(claim.fact, claim.value);
                }
            }
            Seat::User => {
                if let BuyerMove::Challenge(fact) = talk::read_buyer(text).expect("it counted") {
                    standing.remove(&fact);
                }
            }
        }
    }
    standing.iter().any(|(fact, value)| truth[fact] != *value)
}

#[test]
fn no_deal_that_rests_on_a_false_claim_pays_the_agent() {
    let (scenario, records) = &*PLAYED;
    let crate::gyms::Rules::Haggle(rules) = &scenario.rules else { panic!("another gym") };
    let mut counts = [0; 2];
    for record in records.iter().filter(|r| r.verdict.as_ref().is_some_and(|v| v.measures["deal"].num > 0.0)) {
        let item = rules.item(scenario.items, Split::HeldOut, record.casting.item);
        let truth = Fact::ALL.into_iter().map(|fact| (fact, item.facts[fact.index()])).collect();
        let score = record.scores.agent.expect("it was judged");
        let rests = rests_on_a_lie(record, &truth);
        assert!(!rests || score <= 0.0, "{score} for {:?}", record.casting);
        counts[usize::from(rests)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 100), "deals of both kinds were looked at: {counts:?}");
}

#[test]
fn without_a_deal_the_user_scores_nothing_and_the_agent_nothing_good() {
    let (_, records) = &*PLAYED;
    for record in records {
        let Some(verdict) = &record.verdict else { continue };
        if verdict.measures["deal"].num == 0.0 {
            assert_eq!(record.scores.user, Some(0.0));
            assert!(record.scores.agent.is_some_and(|score| score <= 0.0));
        }
    }
}

#[test]
fn every_random_episode_redrives() {
    let (scenario, records) = &*PLAYED;
    for record in records {
        assert_eq!(redrive(record, scenario), Ok(()));
    }
}

#[test]
fn all_members_of_a_group_and_all_steps_of_an_evaluation_meet_the_same_world() {
    let scenario = scenario();
    let world = |id: EpisodeId| {
        let casting = crate::record::Casting { id, ..casting("rule", "rule", 12) };
        scenario.rules.world(&scenario, &casting, SEED)
    };
    let grpo = EpisodeId { phase: Phase::Grpo, round: 4, group: 12, trial: 0, member: 1 };
    let eval = EpisodeId { phase: Phase::Eval, round: 0, group: 12, trial: 0, member: 1 };
    for member in 2..=8 {
        assert_eq!(world(EpisodeId { member, ..grpo }), world(grpo));
    }
    for round in [1, 7, 40] {
        assert_eq!(world(EpisodeId { round, ..eval }), world(eval));
    }
    let differ =
        |ids: Vec<EpisodeId>| ids.iter().filter(|id| world(**id) != world(grpo) && world(**id) != world(eval)).count();
    assert!(differ((1..20).map(|trial| EpisodeId { trial, ..eval }).collect()) > 15, "trials draw another buyer");
    assert!(differ((5..24).map(|round| EpisodeId { round, ..grpo }).collect()) > 15, "so do steps of training");
}

#[test]
fn whoever_plays_a_world_starts_as_it_would_for_anybody() {
    let scenario = scenario();
    for item in 0..20 {
        let first = |agent: &str, user: &str| played(&scenario, agent, user, item).turns[0].observed.clone();
        assert_eq!(first("random", "rule"), first("scripted:bad", "scripted:always-walk"));
    }
}

#[test]
fn both_seats_hear_of_the_last_round_in_it_and_never_before() {
    let (scenario, records) = &*PLAYED;
    let mut last_rounds = 0;
    for record in records {
        for (seat, round, turn) in Seat::ALL
            .into_iter()
            .flat_map(|seat| (1..).zip(record.turns_of(seat)).map(move |(round, turn)| (seat, round, turn)))
        {
            let told = turn.observed.iter().filter(|message| message.text == "This is the last round.").count();
            assert_eq!(told, usize::from(round == scenario.turns_max), "{seat} in round {round}");
            last_rounds += told;
        }
    }
    assert!(last_rounds > 100, "{last_rounds} seats came so far");
}
