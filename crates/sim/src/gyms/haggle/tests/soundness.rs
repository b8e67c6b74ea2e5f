//! The scripts against each other: who plays well earns more, and nothing else does. The same comparison on all held-out items is
//! the table in `docs/SCENARIOS.md`, printed by `examples/haggle_table.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Decision;
use crate::EpisodeRecord;
use crate::Pair;
use crate::Ratio;
use crate::Scenario;
use crate::Seat;
use crate::View;
use crate::drive::drive;
use crate::gyms::GymScript;
use crate::gyms::Script;
use crate::gyms::haggle;
use crate::gyms::haggle::view::BuyerView;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::played;
use crate::testing::scenario;

/// Of the 1000 held-out items.
const ITEMS: u32 = 400;

/// All episodes of a policy against the fixed opponent of its seat.
fn against_fixed(scenario: &Arc<Scenario>, seat: Seat, policy: &str) -> Vec<EpisodeRecord> {
    let mut policies = Pair::from_fn(|seat| scenario.rules.fixed_opponent(seat));
    policies[seat] = policy;
    (0..ITEMS).map(|item| played(scenario, policies.agent, policies.user, item)).collect()
}

fn mean_score(records: &[EpisodeRecord], seat: Seat) -> f64 {
    let scores = records.iter().map(|record| record.scores[seat].expect("no script fails against a fixed opponent"));
    scores.sum::<f64>() / records.len() as f64
}

fn pooled(records: &[EpisodeRecord]) -> BTreeMap<&str, Ratio> {
    let mut pooled: BTreeMap<&str, Ratio> = BTreeMap::new();
    for verdict in records.iter().flat_map(|record| &record.verdict) {
        for (name, ratio) in &verdict.measures {
            *pooled.entry(name).or_default() += *ratio;
        }
    }
    pooled
}

/// The mean scores of all scripts of a seat, and the one of `scripted:good`.
fn scores(seat: Seat) -> (BTreeMap<String, f64>, f64) {
    let scenario = scenario();
    let names = Script::names(&scenario.rules, seat);
    let mut scores: BTreeMap<String, f64> = names
        .into_iter()
        .map(|name| (name.clone(), mean_score(&against_fixed(&scenario, seat, &name), seat)))
        .collect();
    let good = scores.remove("scripted:good").expect("every seat has it");
    (scores, good)
}

#[test]
fn the_good_seller_beats_every_other_script_and_silence_and_lies_lose_clearly() {
    let (others, good) = scores(Seat::Agent);
    assert_eq!(others.len(), 9);
    for (name, score) in &others {
        assert!(good > *score, "{name} has {score:.3}, scripted:good only {good:.3}");
    }
    assert!(good - others["scripted:never-claim"] > 0.03, "true claims raise what a buyer will pay");
    assert!(others["scripted:always-lie"] < 0.0, "lies lose against saying nothing at all");
    assert!(others["scripted:spam"] < 0.0, "one claim repeated for ever earns nothing");
}

#[test]
fn the_good_buyer_beats_every_other_script_and_suspicion_of_everything_loses_clearly() {
    let (others, good) = scores(Seat::User);
    assert_eq!(others.len(), 8);
    for (name, score) in &others {
        assert!(good > *score, "{name} has {score:.3}, scripted:good only {good:.3}");
    }
    assert!(good > 0.1, "dealing is worth it: {good:.3}");
    assert!(good - others["scripted:always-challenge"] > 0.03, "checks cost turns and patience");
    assert!(others["scripted:always-accept"] < 0.0, "the first offer is a bad one");
}

#[test]
fn the_rule_buyer_feels_and_thinks_by_the_rules() {
    let scenario = scenario();
    for agent in ["rule", "random", "scripted:noisy", "scripted:trapper", "scripted:spam"] {
        let records: Vec<EpisodeRecord> = (0..100).map(|item| played(&scenario, agent, "rule", item)).collect();
        for name in ["user/state_valid", "user/well_formed", "user/thought_and_reply_agree"] {
            assert_eq!(pooled(&records)[name].rate(), Some(1.0), "{name} with {agent}");
        }
    }
}

#[test]
fn with_a_zone_of_agreement_the_good_seats_deal_and_without_one_they_do_not() {
    let scenario = scenario();
    for seat in Seat::ALL {
        let records = against_fixed(&scenario, seat, "scripted:good");
        let rate = |name: &str| pooled(&records)[name].rate().expect("both kinds of item are among them");
        assert!(rate("deal_with_zone") > 0.75, "{seat}: {:.3}", rate("deal_with_zone"));
        assert!(rate("walk_away_without_zone") > 0.95, "{seat}: {:.3}", rate("walk_away_without_zone"));
    }
}

#[test]
fn the_trap_seller_delivers_every_kind_of_claim_a_buyer_has_to_tell_apart() {
    let scenario = scenario();
    let records = against_fixed(&scenario, Seat::User, "rule");
    let measures = pooled(&records);
    for name in ["user/trap_recall", "user/over_suspicion", "user/true_claims_challenged"] {
        assert!(measures[name].den > 100.0, "{name}: {:?}", measures[name]);
    }
    let lies = measures["agent/false_claims_per_claim"].rate().expect("it claims");
    assert!((0.2..0.6).contains(&lies), "neither its lies nor its truths are rare: {lies:.3}");
}

/// Views of the buyer in which something was claimed, from talks with `agent`.
fn views_after_claims(scenario: &Arc<Scenario>, agent: &str) -> Vec<(BuyerView, u32)> {
    let mut views = Vec::new();
    for item in 0..60 {
        let casting = casting(agent, "rule", item);
        let address = casting.id.address(SEED);
        let scripts = Pair { agent, user: "rule" };
        let decide = |seat: Seat, observation: &crate::Observation| -> Decision {
            if let View::Haggle(haggle::View::Buyer(view)) = &observation.view
                && !view.public.claims.is_empty()
            {
                views.push((view.clone(), item));
            }
            let script = Script::named(&scenario.rules, seat, scripts[seat]).expect("it exists");
            script.decide(observation, address)
        };
        let _ = drive(casting, scenario, SEED, decide, |_, _| unreachable!("this gym asks nothing"));
    }
    views
}

#[test]
fn a_claim_repeated_moves_no_buyer() {
    let scenario = scenario();
    let views: Vec<(BuyerView, u32)> =
        ["scripted:good", "scripted:trapper"].into_iter().flat_map(|a| views_after_claims(&scenario, a)).collect();
    assert!(views.len() > 200, "{}", views.len());
    for name in Script::names(&scenario.rules, Seat::User) {
        let script = haggle::Script::named(Seat::User, &name).expect("it was listed");
        for (view, item) in &views {
            let address = casting("rule", "rule", *item).id.address(SEED);
            let decide = |view: &BuyerView| {
                script.decide(Seat::User, view.public.round - 1, &haggle::View::Buyer(view.clone()), address)
            };
            let mut repeated = view.clone();
            let claims = repeated.public.claims.clone();
            repeated.public.claims.extend(claims);
            assert_eq!(decide(&repeated), decide(view), "{name}");
        }
    }
}

#[test]
fn scripts_that_are_not_clumsy_make_only_moves_that_count() {
    let scenario = scenario();
    let clumsy = "scripted:noisy";
    for agent in Script::names(&scenario.rules, Seat::Agent) {
        for user in Script::names(&scenario.rules, Seat::User) {
            for item in 0..10 {
                let record = played(&scenario, &agent, &user, item);
                for turn in &record.turns {
                    let by = if turn.seat == Seat::Agent { &agent } else { &user };
                    let malformed = turn.effect.as_ref().and_then(|effect| effect.malformed.as_ref());
                    assert!(malformed.is_none() || by == clumsy, "{by}: {:?} {malformed:?}", turn.decision.act);
                }
            }
        }
    }
}

#[test]
fn every_policy_name_of_the_design_is_there() {
    let scenario = scenario();
    let all = ["rule", "random", "scripted:good", "scripted:bad", "scripted:spam", "scripted:noisy"];
    for seat in Seat::ALL {
        for name in all {
            assert!(Script::named(&scenario.rules, seat, name).is_some(), "{seat} {name}");
        }
        assert!(Script::named(&scenario.rules, seat, scenario.rules.fixed_opponent(seat)).is_some());
    }
    assert_eq!(Script::named(&scenario.rules, Seat::User, "scripted:trapper"), None, "a seller's script");
}
