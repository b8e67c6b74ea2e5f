//! Calls that cannot be carried out, and calls whose caller goes away.

use std::sync::Arc;

use duologue_actors as actors;

use actors::Company;
use actors::Troupe;
use actors::TroupeError;
use rl::Row;
use rl::Sampled;
use rl::Session;
use sim::Seat;
use sim::gyms::haggle;

use crate::company::Diary;
use crate::company::Parrot;
use crate::company::SEED;
use crate::company::casting;
use crate::company::castings;
use crate::company::company;
use crate::company::guests;
use crate::company::id;
use crate::company::records;
use crate::company::soon;
use crate::company::squawk;
use crate::company::terms;
use crate::company::terms_of;

#[tokio::test(flavor = "current_thread")]
async fn a_policy_that_does_not_exist_is_named_with_those_that_do() {
    let mut troupe = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
    for policy in ["scripted:god", "model:old", "rules"] {
        let error = soon(troupe.play(vec![casting(0, 1, "rule", policy)], &terms())).await.unwrap_err();
        let TroupeError::UnknownPolicy { seat, policy: named, known } = error else { panic!("{error}") };
        assert_eq!((seat, named.as_str()), (Seat::User, policy));
        assert!(["rule", "model:agent", "mute"].iter().all(|name| known.iter().any(|k| k == name)), "{known:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_judge_that_does_not_exist_and_an_episode_cast_twice_are_errors() {
    let mut troupe = Troupe::spawn(Company::of_scripts(2)).await.unwrap();
    let mut scenario = haggle::example();
    "solomon".clone_into(&mut scenario.judge.policy);
    let error = soon(troupe.play(castings(1, 1, "rule", "rule"), &terms_of(scenario))).await.unwrap_err();
    assert_eq!(error, TroupeError::UnknownJudge("solomon".to_owned()));
    let twice = casting(0, 1, "rule", "rule");
    let error = soon(troupe.play(vec![twice.clone(), twice.clone()], &terms())).await.unwrap_err();
    assert_eq!(error, TroupeError::CastTwice(twice.id));
}

#[tokio::test(flavor = "current_thread")]
async fn models_come_and_go_by_name() {
    let mut troupe = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
    let taken = troupe.seat_model("agent", Parrot::new().voice()).await.unwrap_err();
    assert_eq!(taken.to_string(), "model `agent` is already loaded");
    troupe.seat_model("old", Parrot::new().voice()).await.unwrap();
    troupe.dismiss_model("old").await.unwrap();
    assert_eq!(troupe.dismiss_model("old").await.unwrap_err().to_string(), "model `old` is not loaded");
    // A model that was dismissed is no dead service.
    let performance = soon(troupe.play(castings(1, 2, "model", "rule"), &terms())).await.unwrap();
    assert_eq!(records(&performance.played).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_play_whose_caller_goes_away_is_broken_off_and_the_next_one_is_whole() {
    let diary = Diary::default();
    let company = Company { guests: guests(), journal: Box::new(diary.clone()), ..Company::of_scripts(4) };
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let (mut progress, terms) = (troupe.progress(), terms());
    tokio::select! {
        // It has no deadline, so it would never end.
        played = troupe.play(castings(2, 3, "rule", "mute"), &terms) => panic!("{played:?}"),
        alive = soon(progress.wait_for(|progress| progress.live == 4)) => drop(alive.unwrap()),
    }
    let performance = soon(troupe.play(castings(2, 3, "rule", "rule"), &terms)).await.unwrap();
    assert_eq!(records(&performance.played).len(), 6);
    assert_eq!(diary.records.lock().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_play_broken_off_in_the_middle_of_a_batch_leaves_the_servers_in_order() {
    let (begun, told) = std::sync::mpsc::channel();
    let agent = Parrot::with_hook(move |batch, _| {
        if batch == 0 {
            begun.send(()).unwrap()
        }
    });
    let mut troupe = Troupe::spawn(company(agent, Parrot::new())).await.unwrap();
    let (terms, batch_begins) = (terms(), tokio::task::spawn_blocking(move || told.recv().unwrap()));
    tokio::select! {
        biased;
        begun = batch_begins => begun.unwrap(),
        // On a fast machine it may be over before it can be broken off; the second play is whole either way.
        played = troupe.play(castings(4, 4, "model", "model"), &terms) => drop(played.unwrap()),
    }
    let fresh = {
        let mut other = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
        soon(other.play(castings(4, 4, "model", "model"), &terms)).await.unwrap()
    };
    let again = soon(troupe.play(castings(4, 4, "model", "model"), &terms)).await.unwrap();
    assert_eq!(again.played, fresh.played);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_samples_rows_of_no_episode_in_their_order_and_forgets_them() {
    let agent = Parrot::new();
    let (heard, forgotten) = (Arc::clone(&agent.heard), Arc::clone(&agent.forgotten));
    let mut troupe = Troupe::spawn(company(agent, Parrot::new())).await.unwrap();
    let rows: Vec<Row> = (0..20).map(drill).collect();
    let sessions: Vec<Session> = rows.iter().map(|row| row.session).collect();
    let samples = soon(troupe.sample("agent", rows.clone())).await.unwrap();
    let words = |sampled: &Sampled| sampled.tokens.clone();
    let said: Vec<Vec<u32>> = samples.iter().map(|sampled| words(sampled.as_ref().unwrap())).collect();
    let alone: Vec<Vec<u32>> = rows.iter().map(|row| words(&squawk(row, 1, 0))).collect();
    assert_eq!(said, alone);
    assert_eq!(heard.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4]);
    assert_eq!(forgotten.lock().unwrap().concat(), sessions);
    assert_eq!(soon(troupe.sample("old", rows)).await.unwrap_err().to_string(), "model `old` is not loaded");
}

fn drill(group: u32) -> Row {
    let session = Session { episode: id(group, 1), seat: Seat::Agent, adapter: None };
    let address = session.episode.address(SEED);
    Row {
        session,
        stream: vec![1, 2],
        address,
        turn: 0,
        tokens_max: 9,
        temperature: 1.0,
        filter: rl::Filter::default(),
        greedy: true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_troupe_stops_everybody() {
    let agent = Parrot::new();
    let heard = Arc::downgrade(&agent.heard);
    let troupe = Troupe::spawn(company(agent, Parrot::new())).await.unwrap();
    drop(troupe);
    let gone = async {
        while heard.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    soon(gone).await;
}
