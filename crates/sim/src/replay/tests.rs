use std::sync::Arc;

use super::ForkError;
use super::Forked;
use super::Past;
use super::fork;
use super::forked_casting;
use super::redrive;
use crate::Act;
use crate::Answer;
use crate::Decision;
use crate::Episode;
use crate::EpisodeId;
use crate::EpisodeRecord;
use crate::Fault;
use crate::FaultKind;
use crate::Input;
use crate::NoAct;
use crate::Output;
use crate::Pair;
use crate::Party;
use crate::Scenario;
use crate::Seat;
use crate::Stop;
use crate::drive::drive;
use crate::record::Fork;
use crate::record::Reach;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::finish;
use crate::testing::played;
use crate::testing::scenario;

/// An episode with claims, a check and a deal.
fn eventful() -> (Arc<Scenario>, EpisodeRecord) {
    let scenario = scenario();
    let record =
        (0..200).map(|item| played(&scenario, "scripted:trapper", "scripted:always-challenge", item)).find(|record| {
            let journal = record.turns.iter().flat_map(|turn| &turn.effect).flat_map(|effect| &effect.journal);
            let deal = record.verdict.as_ref().is_some_and(|v| v.measures["deal"].num > 0.0);
            record.turns.len() >= 6 && deal && journal.filter(|line| line.starts_with("checked")).count() > 0
        });
    (scenario, record.expect("such an episode is among them"))
}

/// Where a record that was changed is found to differ.
fn found(change: impl FnOnce(&mut EpisodeRecord)) -> (Option<usize>, &'static str) {
    let (scenario, mut record) = eventful();
    change(&mut record);
    let difference = redrive(&record, &scenario).expect_err("the change is noticed");
    (difference.turn, difference.field)
}

fn fault() -> Fault {
    Fault::new(Party::Infrastructure, FaultKind::Deadline, "nobody answered")
}

#[test]
fn episodes_of_all_scripts_redrive_without_a_difference() {
    let scenario = scenario();
    for (item, agent) in crate::gyms::Script::names(&scenario.rules, Seat::Agent).iter().enumerate() {
        for user in crate::gyms::Script::names(&scenario.rules, Seat::User) {
            let record = played(&scenario, agent, &user, item as u32);
            assert_eq!(redrive(&record, &scenario), Ok(()), "{agent} with {user}");
        }
    }
}

#[test]
fn a_record_changed_in_a_turn_is_caught_at_that_turn_and_field() {
    assert_eq!(found(|r| r.turns[2].seat = Seat::User), (Some(2), "seat"));
    assert_eq!(found(|r| r.turns[1].observed[0].text.push('!')), (Some(1), "observed"));
    assert_eq!(found(|r| r.turns[3].observed.clear()), (Some(3), "observed"));
    assert_eq!(found(|r| effect(r, 2).malformed = Some("nonsense".to_owned())), (Some(2), "malformed"));
    assert_eq!(found(|r| effect(r, 2).journal.push("and more".to_owned())), (Some(2), "journal"));
    assert_eq!(found(|r| effect(r, 0).next = crate::Next::Over), (Some(0), "next"));
    assert_eq!(found(|r| r.turns[2].effect = None), (Some(2), "effect"));
    let reward = |r: &EpisodeRecord| r.verdict.as_ref().expect("it was judged").rewards[0].clone();
    assert_eq!(
        found(|r| {
            let reward = reward(r);
            effect(r, 2).rewards.push(reward);
        }),
        (Some(2), "rewards")
    );
}

fn effect(record: &mut EpisodeRecord, turn: usize) -> &mut crate::Effect {
    record.turns[turn].effect.as_mut().expect("it took effect")
}

#[test]
fn a_changed_decision_is_caught_by_what_follows_from_it() {
    let says = |text: &str| Ok(Act::Say(text.to_owned()));
    assert_eq!(found(|r| r.turns[0].decision.act = says("I ask $3.")), (Some(1), "observed"));
    assert_eq!(found(|r| r.turns[0].decision.act = says("I stop here.")), (Some(0), "next"));
    assert_eq!(found(|r| r.turns[2].decision.act = Err(NoAct::Malformed("?".to_owned()))), (Some(2), "malformed"));
    assert_eq!(found(|r| r.turns[2].decision.act = Err(NoAct::OutOfTokens)), (Some(2), "effect"));
    assert_eq!(found(|r| r.turns[1].decision.thought = None), (None, "verdict.rewards"));
}

#[test]
fn a_record_changed_as_a_whole_is_caught_at_that_field() {
    assert_eq!(found(|r| r.scenario.push('2')), (None, "scenario"));
    assert_eq!(found(|r| r.item.push('2')), (None, "item"));
    assert_eq!(found(|r| r.casting.item += 1), (None, "item"));
    assert_eq!(found(|r| r.casting.id.trial += 1), (Some(1), "observed"));
    assert_eq!(found(|r| r.seed += 1), (Some(1), "observed"));
    assert_eq!(found(|r| drop(r.turns.pop())).1, "turns");
    assert_eq!(found(|r| r.turns.push(r.turns[0].clone())), (None, "turns"));
    assert_eq!(found(|r| r.stop = Some(Stop::Truncated)), (None, "stop"));
    assert_eq!(found(|r| r.stop = None), (None, "stop"));
    assert_eq!(found(|r| r.scores.agent = None), (None, "scores"));
    assert_eq!(found(|r| r.scores.user = Some(0.123)), (None, "scores"));
}

#[test]
fn a_changed_verdict_or_fault_is_caught() {
    fn verdict(record: &mut EpisodeRecord) -> &mut crate::Verdict {
        record.verdict.as_mut().expect("it was judged")
    }
    assert_eq!(found(|r| verdict(r).rewards[0].value += 1e-12), (None, "verdict.rewards"));
    assert_eq!(found(|r| verdict(r).rewards[3].evidence.push('!')), (None, "verdict.rewards"));
    assert_eq!(found(|r| drop(verdict(r).rewards.pop())), (None, "verdict.rewards"));
    assert_eq!(found(|r| verdict(r).measures.retain(|name, _| name != "deal")), (None, "verdict.measures"));
    assert_eq!(found(|r| r.verdict = None), (None, "verdict"));
    // A fault beside a verdict, or beside a last turn that took effect, cannot be: the judge would have been it.
    assert_eq!(found(|r| r.fault = Some(fault())), (None, "verdict"));
}

#[test]
fn both_sides_of_a_difference_are_cut_to_where_they_part() {
    let (scenario, mut record) = eventful();
    record.turns[0].observed[0].text.push_str(&"x".repeat(100_000));
    let difference = redrive(&record, &scenario).expect_err("the change is noticed");
    assert!(difference.recorded.contains("xxx") && difference.recorded.chars().count() < 200, "{difference}");
    assert!(difference.to_string().starts_with("turn 0, observed: recorded …"), "{difference}");
}

/// The record forked before a turn, to its end, by its own name.
fn forked_at(record: &EpisodeRecord, scenario: &Arc<Scenario>, turn: usize) -> Result<Forked, ForkError> {
    let casting = forked_casting(record, record.casting.id, turn as u32, Reach::Rest(None));
    fork(record, casting, scenario)
}

/// The recorded decisions from turn `at` on, one after the other.
fn as_recorded(record: &EpisodeRecord) -> impl FnMut(&Episode, Output) -> Input {
    let decisions: Vec<Decision> = record.turns.iter().map(|turn| turn.decision.clone()).collect();
    move |episode, output| match output {
        Output::Ask(seat, _) => Input::Acted(seat, decisions[episode.turns().len() - 1].clone()),
        other => panic!("only seats are asked: {other:?}"),
    }
}

#[test]
fn a_fork_at_any_turn_goes_on_as_recorded_to_the_same_record() {
    let (scenario, record) = eventful();
    for turn in 0..record.turns.len() {
        let Forked { episode, outputs, past } = forked_at(&record, &scenario, turn).expect("the turn exists");
        assert!(matches!(&outputs[..], [Output::Ask(seat, _)] if *seat == record.turns[turn].seat));
        for seat in Seat::ALL {
            let before = record.turns[..turn].iter().filter(|turn| turn.seat == seat);
            let went = |turn: &crate::Turn| Past {
                messages: turn.observed.clone(),
                decision: Some(turn.decision.clone()),
                queried: false,
            };
            assert_eq!(past[seat], before.map(went).collect::<Vec<_>>());
        }
        let again = finish(episode, outputs, as_recorded(&record));
        assert_eq!(redrive(&again, &scenario), Ok(()));
        assert_eq!(EpisodeRecord { casting: record.casting.clone(), ..again }, record, "forked at {turn}");
    }
}

#[test]
fn a_fork_goes_another_way_when_it_is_answered_otherwise() {
    let (scenario, record) = eventful();
    let Forked { episode, outputs, .. } = forked_at(&record, &scenario, 3).expect("the turn exists");
    let other = finish(episode, outputs, |_, _| Input::Acted(Seat::User, Decision::say("I walk away.")));
    assert_eq!(other.turns[..3], record.turns[..3]);
    assert_eq!((other.turns.len(), other.stop), (4, Some(Stop::Terminated)));
    assert_ne!(other.verdict, record.verdict);
    assert_eq!(redrive(&other, &scenario), Ok(()));
}

#[test]
fn forks_beyond_the_end_or_of_a_changed_record_are_refused() {
    let (scenario, mut record) = eventful();
    let turns = record.turns.len();
    assert_eq!(forked_at(&record, &scenario, turns).unwrap_err(), ForkError::NoTurn { turn: turns, turns });
    record.turns[1].observed.clear();
    assert!(forked_at(&record, &scenario, 0).is_ok(), "what comes after the fork is not looked at");
    for turn in [1, 2] {
        assert!(matches!(forked_at(&record, &scenario, turn), Err(ForkError::Differs(d)) if d.field == "observed"));
    }
    record.turns[0].decision.act = Err(NoAct::OutOfTokens);
    assert_eq!(forked_at(&record, &scenario, 1).unwrap_err(), ForkError::NoTurn { turn: 1, turns: 1 });
}

#[test]
fn an_alternative_is_one_turn_that_nobody_judges_and_futures_go_on_from_it() {
    let (scenario, record) = eventful();
    let id = |trial| EpisodeId { group: 70, trial, member: 2, ..record.casting.id };
    let casting = forked_casting(&record, id(0), 2, Reach::Turn);
    let root = record.casting.id;
    assert_eq!(casting.fork, Some(Fork { root, from: root, turn: 2, reach: Reach::Turn }));
    let Forked { episode, outputs, .. } = fork(&record, casting, &scenario).expect("the turn exists");
    let offer = |_: &Episode, _: Output| Input::Acted(Seat::Agent, Decision::say("It is 20, all in."));
    let alternative = finish(episode, outputs, offer);
    assert_eq!((alternative.turns.len(), alternative.stop), (3, Some(Stop::Cut)));
    assert_eq!((&alternative.verdict, alternative.scores), (&None, Pair::default()));
    assert!(alternative.turns[2].effect.is_some() && alternative.turns[..2] == record.turns[..2]);
    assert_eq!(redrive(&alternative, &scenario), Ok(()));
    for (trial, turns_max) in [(1, None), (2, Some(1)), (3, Some(2))] {
        let casting = forked_casting(&alternative, id(trial), 3, Reach::Rest(turns_max));
        assert_eq!(casting.fork.map(|fork| (fork.root, fork.from)), Some((root, alternative.casting.id)));
        let forked = fork(&alternative, casting, &scenario).expect("it goes on where its record stops");
        let mute = |_: &Episode, output: Output| match output {
            Output::Ask(seat, _) => Input::Acted(seat, Decision::say("Well.")),
            other => panic!("only seats are asked: {other:?}"),
        };
        let future = finish(forked.episode, forked.outputs, mute);
        assert_eq!(future.turns[..3], alternative.turns[..3]);
        let new = future.turns.len() - 3;
        match turns_max {
            Some(most) => {
                assert_eq!((new, future.stop), (most as usize, Some(Stop::Truncated)));
                assert!(future.verdict.is_some());
            }
            // Whoever only says so is failed for it in the end.
            None => assert!(new > 2 && matches!(future.stop, Some(Stop::Failed(_)))),
        }
        assert_eq!(redrive(&future, &scenario), Ok(()));
    }
}

#[test]
fn futures_of_one_number_share_their_draws_and_others_do_not() {
    let (_, record) = eventful();
    let casting = |trial, member, reach| {
        let id = EpisodeId { phase: crate::Phase::Grpo, round: 3, group: 70, trial, member };
        forked_casting(&record, id, 2, reach)
    };
    let tokens = |trial, member, reach| casting(trial, member, reach).token_address(SEED);
    let (turn, rest) = (Reach::Turn, Reach::Rest(None));
    assert_ne!(tokens(0, 1, turn), tokens(0, 2, turn), "alternatives are drawn apart");
    assert_eq!(tokens(1, 1, rest), tokens(1, 2, rest), "what follows is luck that they share");
    assert_ne!(tokens(1, 1, rest), tokens(2, 1, rest), "and each future has its own");
    let rules = |trial| casting(trial, 1, rest).rule_address(SEED);
    assert_eq!([rules(1), rules(2)], [record.casting.rule_address(SEED); 2], "a script is the person that it was");
    assert_eq!(casting(1, 1, rest).world_address(SEED), record.casting.world_address(SEED));
    assert_ne!(record.casting.token_address(SEED), tokens(0, 1, turn));
}

#[test]
fn a_casting_that_names_another_record_is_no_fork_of_this_one() {
    let (scenario, record) = eventful();
    let casting = forked_casting(&record, record.casting.id, 1, Reach::Turn);
    let other = EpisodeRecord {
        casting: crate::record::Casting { id: EpisodeId { member: 99, ..record.casting.id }, ..record.casting.clone() },
        ..record.clone()
    };
    assert_eq!(fork(&other, casting, &scenario).err(), Some(ForkError::Stranger));
    assert_eq!(fork(&record, record.casting.clone(), &scenario).err(), Some(ForkError::Stranger));
}

#[test]
fn an_episode_failed_by_a_seat_redrives() {
    let scenario = scenario();
    let refuse = |_: crate::Addressee, _: &crate::Query| -> Result<Answer, Fault> { Err(fault()) };
    for act in [Err(NoAct::OutOfTokens), Err(NoAct::Malformed("?".to_owned())), Ok(Act::Say("hm".to_owned()))] {
        let decide = |_: Seat, _: &crate::Observation| Decision { act: act.clone(), thought: None, generation: None };
        let record = drive(casting("random", "random", 4), &scenario, SEED, decide, refuse);
        assert!(matches!(record.stop, Some(Stop::Failed(Seat::Agent))), "{:?}", record.stop);
        assert_eq!(redrive(&record, &scenario), Ok(()));
    }
}

/// The record of an episode in which a fault takes the place of the input number `at`, and whether the judge was at it.
fn with_fault_at(scenario: &Arc<Scenario>, at: usize, of_judge: bool) -> Option<EpisodeRecord> {
    let whole = played(scenario, "scripted:good", "rule", 3);
    let mut decisions = whole.turns.iter().map(|turn| turn.decision.clone());
    let (mut episode, mut outputs) = Episode::start(whole.casting.clone(), Arc::clone(scenario), SEED);
    for count in 0.. {
        let input = match outputs.pop().expect("something follows") {
            Output::Done(record) => return record.fault.is_some().then_some(*record),
            Output::Judge(_) if count == at && of_judge => Input::Judged(Err(fault())),
            _ if count == at => Input::Failed(fault()),
            Output::Ask(seat, _) => Input::Acted(seat, decisions.next().expect("as many as recorded")),
            Output::Apply(mut world, input) => {
                let said = world.step(input);
                Input::Effected(world, said)
            }
            Output::Judge(case) => Input::Judged(Ok(case.by_rule())),
            Output::Query(..) => panic!("this gym asks nothing"),
        };
        outputs = episode.step(input).expect("the output asked for it");
    }
    unreachable!("the loop ends with the episode")
}

#[test]
fn a_fault_is_injected_where_it_was_recorded() {
    let scenario = scenario();
    let mut places = 0;
    for of_judge in [false, true] {
        for at in 0.. {
            let Some(record) = with_fault_at(&scenario, at, of_judge) else {
                break;
            };
            places += 1;
            assert_eq!(record.scores, crate::Pair::default());
            assert_eq!(redrive(&record, &scenario), Ok(()), "fault at input {at}");
            let mut other = record;
            other.fault = None;
            assert!(redrive(&other, &scenario).is_err(), "the fault at input {at} was recorded");
        }
    }
    assert!(places > 10, "asks, effects and the verdict of several turns: {places}");
}
