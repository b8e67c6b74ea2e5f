//! Deadlines, on paused time: the clock jumps only when nobody has anything to do, so a hang fails at once.

use std::sync::Arc;
use std::time::Duration;

use duologue_actors as actors;

use actors::Company;
use actors::Terms;
use actors::Troupe;
use sim::EpisodeRecord;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::Seat;
use sim::Stop;
use sim::gyms::haggle;
use tokio::time::Instant;

use crate::company::Parrot;
use crate::company::Slow;
use crate::company::casting;
use crate::company::castings;
use crate::company::company;
use crate::company::guests;
use crate::company::records;
use crate::company::soon;
use crate::company::terms;
use crate::company::terms_of;

const SEAT_MS: u64 = 700;

fn with_deadlines(judge: &str) -> Terms {
    let mut scenario = haggle::example();
    judge.clone_into(&mut scenario.judge.policy);
    scenario.judge.deadline_ms = 2000;
    scenario.seats.agent.deadline_ms = Some(SEAT_MS);
    scenario.seats.user.deadline_ms = Some(SEAT_MS);
    terms_of(scenario)
}

async fn one(agent: &str, user: &str, terms: &Terms) -> (EpisodeRecord, Duration) {
    let start = Instant::now();
    let mut guests = guests();
    let slow = |ms: u64| {
        move |_: &sim::record::Casting, _: Seat| Box::new(Slow(Duration::from_millis(ms))) as Box<dyn actors::Player>
    };
    guests.players.insert("slow".to_owned(), Arc::new(slow(SEAT_MS - 1)));
    guests.players.insert("late".to_owned(), Arc::new(slow(SEAT_MS + 1)));
    let mut troupe = Troupe::spawn(Company { guests, ..Company::of_scripts(8) }).await.unwrap();
    let performance = soon(troupe.play(vec![casting(0, 1, agent, user)], terms)).await.unwrap();
    (performance.played[0].record().unwrap().clone(), start.elapsed())
}

fn deadline_of(party: Party) -> Option<Fault> {
    Some(Fault::new(party, FaultKind::Deadline, "no answer before the deadline"))
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_seat_that_never_answers_is_at_fault_after_its_deadline() {
    for (agent, user, party) in [("mute", "rule", Party::Agent), ("rule", "mute", Party::User)] {
        let (record, took) = one(agent, user, &with_deadlines("rule")).await;
        assert_eq!(record.fault, deadline_of(party));
        assert_eq!((record.stop, record.scores.agent, record.scores.user), (None, None, None));
        assert_eq!(took.as_millis() as u64, SEAT_MS);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_judge_that_never_answers_is_at_fault_after_its_deadline() {
    let (record, took) = one("scripted:good", "rule", &with_deadlines("mute")).await;
    assert_eq!(record.fault, deadline_of(Party::Judge));
    assert!(record.stop.is_some(), "the talk itself had ended");
    assert_eq!((&record.verdict, record.scores.agent, record.scores.user), (&None, None, None));
    assert_eq!(took.as_millis(), 2000);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_slow_judge_in_time_gives_the_verdict_of_a_fast_one() {
    let (fast, _) = one("scripted:good", "rule", &with_deadlines("rule")).await;
    let (slow, took) = one("scripted:good", "rule", &with_deadlines("slow")).await;
    assert_eq!(slow, fast);
    assert_eq!(took.as_millis(), 1500);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn each_turn_has_its_own_deadline() {
    // Slow, but in time; it only mumbles, so it fails after three turns: longer together than one deadline.
    let (record, took) = one("rule", "slow", &with_deadlines("rule")).await;
    assert_eq!(record.stop, Some(Stop::Failed(Seat::User)));
    assert_eq!(record.fault, None);
    assert_eq!(took.as_millis() as u64, 3 * (SEAT_MS - 1));
    let (record, took) = one("rule", "late", &with_deadlines("rule")).await;
    assert_eq!(record.fault, deadline_of(Party::User));
    assert_eq!(took.as_millis() as u64, SEAT_MS);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn models_that_wait_at_the_barrier_for_a_mute_guest_are_not_at_fault_for_it() {
    let mut troupe = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
    let mut cast = castings(3, 3, "model", "model");
    cast.push(casting(3, 1, "model", "mute"));
    let performance = soon(troupe.play(cast, &with_deadlines("rule"))).await.unwrap();
    let faults: Vec<_> = records(&performance.played).into_iter().filter_map(|r| r.fault.clone()).collect();
    assert_eq!(faults, deadline_of(Party::User).into_iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_slow_judge_holds_up_the_round_and_changes_nothing_else() {
    let mut performances = Vec::new();
    for judge in ["rule", "slow"] {
        let mut troupe = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
        performances.push(soon(troupe.play(castings(6, 4, "model", "model"), &with_deadlines(judge))).await.unwrap());
    }
    assert_eq!(performances[0], performances[1]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_a_deadline_the_slow_take_their_time() {
    let (record, took) = one("rule", "late", &terms()).await;
    assert_eq!(record.stop, Some(Stop::Failed(Seat::User)));
    assert_eq!(took.as_millis() as u64, 3 * (SEAT_MS + 1));
}
