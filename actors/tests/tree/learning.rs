//! Weights are lent, worked on and brought back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Barrier;

use duologue_actors as actors;

use actors::Company;
use actors::Ended;
use actors::Troupe;
use actors::TroupeError;
use rl::LearnError;
use rl::Seats;
use sim::Pair;
use sim::Seat;
use sim::seat::BOTH;

use crate::company::Copyist;
use crate::company::Parrot;
use crate::company::batch;
use crate::company::castings;
use crate::company::company;
use crate::company::records;
use crate::company::soon;
use crate::company::terms;

async fn troupe(agent: Copyist, user: Copyist) -> Troupe {
    let learners = Pair { agent: Some(Box::new(agent) as _), user: Some(Box::new(user) as _) };
    Troupe::spawn(Company { learners, ..company(Parrot::new(), Parrot::new()) }).await.unwrap()
}

/// The versions both seats' tokens were sampled with.
async fn versions(troupe: &mut Troupe) -> Pair<u64> {
    let performance = soon(troupe.play(castings(2, 2, "model", "model"), &terms())).await.unwrap();
    let records = records(&performance.played);
    Pair::from_fn(|seat| {
        let mut versions: Vec<u64> = records
            .iter()
            .flat_map(|record| record.turns_of(seat))
            .map(|turn| turn.decision.generation.as_ref().unwrap().version)
            .collect();
        versions.dedup();
        assert_eq!(versions.len(), 1, "one version within a play");
        versions[0]
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_is_loaded_when_the_call_returns_and_touches_only_the_seats_that_have_a_batch() {
    let mut troupe = troupe(Copyist::new(), Copyist::new()).await;
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 0 });
    let updates = soon(troupe.update(Pair { agent: Some(batch(0.5)), user: None })).await.unwrap();
    assert_eq!(updates.agent.unwrap().unwrap().metrics, [("lr".to_owned(), 0.5)]);
    assert_eq!(updates.user, None);
    assert_eq!(versions(&mut troupe).await, Pair { agent: 1, user: 0 });
    soon(troupe.update(Pair { agent: Some(batch(0.1)), user: Some(batch(0.1)) })).await.unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 2, user: 1 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_model_of_both_seats_samples_for_both_in_one_batch_and_learns_once() {
    let models = BTreeMap::from([(BOTH.to_owned(), Parrot::new().voice())]);
    let learners = Pair { agent: Some(Box::new(Copyist::new()) as _), user: None };
    let cast = Company { models, seats: Seats::One, learners, ..company(Parrot::new(), Parrot::new()) };
    let mut troupe = Troupe::spawn(cast).await.unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 0 });
    let updates = soon(troupe.update(Pair { agent: Some(batch(0.5)), user: None })).await.unwrap();
    assert_eq!((updates.agent.unwrap().unwrap().version, updates.user), (1, None));
    assert_eq!(versions(&mut troupe).await, Pair { agent: 1, user: 1 });
    let performance = soon(troupe.play(castings(2, 2, "model", "model"), &terms())).await.unwrap();
    let mut names = performance.rounds.iter().flat_map(|round| &round.servers).map(|part| &*part.server);
    assert!(names.all(|name| name == BOTH));
    let refused = soon(troupe.update(Pair { agent: None, user: Some(batch(0.5)) })).await;
    assert_eq!(refused, Err(TroupeError::NoLearner(Seat::User)), "there is one, in the agent's place");
    let underway = troupe.begin_update(Pair { agent: Some(batch(0.5)), user: None }).unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 1, user: 1 }, "its copy plays");
    soon(underway.finish()).await.unwrap();
    soon(troupe.renew()).await.unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 2, user: 2 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_learners_work_at_the_same_time() {
    // Neither gets past it alone.
    let meeting = Arc::new(Barrier::new(2));
    let meet = |meeting: Arc<Barrier>| Copyist {
        hook: Box::new(move |_| {
            meeting.wait();
            Ok(())
        }),
    };
    let mut troupe = troupe(meet(Arc::clone(&meeting)), meet(meeting)).await;
    let updates = soon(troupe.update(Pair { agent: Some(batch(0.1)), user: Some(batch(0.1)) })).await.unwrap();
    assert!(Seat::ALL.iter().all(|seat| matches!(updates[*seat], Some(Ok(_)))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anchor_and_a_save_use_the_same_loan() {
    let folder = tempfile::tempdir().unwrap();
    let mut troupe = troupe(Copyist::new(), Copyist::new()).await;
    soon(troupe.anchor(Pair { agent: false, user: true })).await.unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 1000 });
    let missing = folder.path().join("missing");
    let folders = Pair { agent: Some(missing), user: Some(folder.path().to_owned()) };
    let saved = soon(troupe.save(folders)).await.unwrap();
    assert!(matches!(saved.agent, Some(Err(LearnError::Store { .. }))));
    assert_eq!(saved.user, Some(Ok(())));
    assert_eq!(std::fs::read_to_string(folder.path().join("version")).unwrap(), "1000");
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 1000 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_update_is_a_result_and_the_old_weights_play_on() {
    let error = LearnError::NotFinite { what: "loss", step: 3 };
    let refusing = error.clone();
    let agent = Copyist { hook: Box::new(move |_| Err(refusing.clone())) };
    let mut troupe = troupe(agent, Copyist::new()).await;
    let updates = soon(troupe.update(Pair { agent: Some(batch(0.1)), user: Some(batch(0.1)) })).await.unwrap();
    assert_eq!(updates.agent, Some(Err(error)));
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 1 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_learner_ends_the_run() {
    let user = Copyist { hook: Box::new(|_| panic!("out of memory")) };
    let mut troupe = troupe(Copyist::new(), user).await;
    let ended = Ended { who: "user's learner".to_owned(), why: "out of memory".to_owned() };
    let update = soon(troupe.update(Pair { agent: Some(batch(0.1)), user: Some(batch(0.1)) })).await;
    assert_eq!(update, Err(TroupeError::Ended(ended.clone())));
    let play = soon(troupe.play(castings(1, 2, "model", "model"), &terms())).await;
    assert_eq!(play, Err(TroupeError::Ended(ended)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_seat_without_a_learner_cannot_be_updated() {
    let mut troupe = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
    let update = soon(troupe.update(Pair { agent: None, user: Some(batch(0.1)) })).await;
    assert_eq!(update, Err(TroupeError::NoLearner(Seat::User)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_learner_without_its_model_is_an_error_at_once() {
    let learners = Pair { agent: Some(Box::new(Copyist::new()) as _), user: None };
    let spawned = Troupe::spawn(Company { learners, ..Company::of_scripts(1) }).await;
    assert_eq!(spawned.err().map(|e| e.to_string()).as_deref(), Some("model `agent` is not loaded"));
}
