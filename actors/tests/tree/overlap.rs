//! Updates on their way while episodes are played: which weights play, and what a death then means.

use std::sync::Arc;
use std::sync::Barrier;

use duologue_actors as actors;

use actors::Company;
use actors::Ended;
use actors::Troupe;
use actors::TroupeError;
use rl::LearnError;
use sim::Pair;
use sim::Seat;

use crate::company::Copyist;
use crate::company::Parrot;
use crate::company::batch;
use crate::company::castings;
use crate::company::company;
use crate::company::records;
use crate::company::soon;
use crate::company::terms;

/// Both seats learn; `agent` and `user` are their policies, `of_agent` is the agent's learner.
async fn troupe(agent: Parrot, user: Parrot, of_agent: Copyist) -> Troupe {
    let learners = Pair { agent: Some(Box::new(of_agent) as _), user: Some(Box::new(Copyist::new()) as _) };
    Troupe::spawn(Company { learners, ..company(agent, user) }).await.unwrap()
}

/// A learner that meets somebody at each batch.
fn meeting(place: &Arc<Barrier>) -> Copyist {
    let place = Arc::clone(place);
    Copyist {
        hook: Box::new(move |_| {
            place.wait();
            Ok(())
        }),
    }
}

/// A policy that meets somebody before its first batch, and says what it does then.
fn waiting(place: &Arc<Barrier>, then: fn()) -> Parrot {
    let place = Arc::clone(place);
    Parrot::with_hook(move |batch, _| {
        if batch == 0 {
            place.wait();
            then();
        }
    })
}

fn both() -> Pair<Option<rl::Batch>> {
    Pair { agent: Some(batch(0.1)), user: Some(batch(0.1)) }
}

/// The versions that a play's tokens were sampled with; one for each seat.
async fn versions(troupe: &mut Troupe) -> Pair<u64> {
    let performance = soon(troupe.play(castings(2, 2, "model", "model"), &terms())).await.unwrap();
    let records = records(&performance.played);
    Pair::from_fn(|seat| {
        let turns = records.iter().flat_map(|record| record.turns_of(seat));
        let mut versions: Vec<u64> = turns.map(|turn| turn.decision.generation.as_ref().unwrap().version).collect();
        versions.dedup();
        assert_eq!(versions.len(), 1, "one version within a play");
        versions[0]
    })
}

/// Policy and learner wait for each other: were one to begin when the other is done, neither would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_plays_while_its_learner_works_with_the_weights_from_before() {
    let place = Arc::new(Barrier::new(2));
    let mut troupe = troupe(waiting(&place, || {}), Parrot::new(), meeting(&place)).await;
    let underway = troupe.begin_update(both()).unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 0 });
    let updates = soon(underway.finish()).await.unwrap();
    assert!(Seat::ALL.into_iter().all(|seat| updates[seat].as_ref().unwrap().as_ref().unwrap().version == 1));
    // Nobody has said that others play from now on: an update that was faster than whoever asks for the play changes nothing.
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 0 });
    soon(troupe.renew()).await.unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 1, user: 1 });
}

/// A copy each time: what is played lacks the one update that is on its way, however many went before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_after_update_what_is_played_beside_lacks_the_last_one_alone() {
    let mut troupe = troupe(Parrot::new(), Parrot::new(), Copyist::new()).await;
    for update in 0..4u64 {
        // The user learns every other time, and its policy is renewed all the same.
        let user = (update % 2 == 0).then(|| batch(0.1));
        let before = Pair { agent: update, user: update.div_ceil(2) };
        let underway = troupe.begin_update(Pair { agent: Some(batch(0.1)), user }).unwrap();
        assert_eq!(versions(&mut troupe).await, before);
        let updates = soon(underway.finish()).await.unwrap();
        assert_eq!((updates.agent.is_some(), updates.user.is_some()), (true, update % 2 == 0));
    }
    soon(troupe.renew()).await.unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 4, user: 2 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lends_weights_waits_for_those_that_are_out_and_gets_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let mut troupe = troupe(Parrot::new(), Parrot::new(), Copyist::new()).await;
    // Nobody waits for what comes of the first; it is no less done.
    drop(troupe.begin_update(both()).unwrap());
    let second = troupe.begin_update(both()).unwrap();
    soon(troupe.save(Pair { agent: Some(folder.path().to_owned()), user: None })).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("version")).unwrap(), "2");
    assert_eq!(soon(second.finish()).await.unwrap().user.unwrap().unwrap().version, 2);
    let third = soon(troupe.update(both())).await.unwrap();
    assert_eq!(third.agent.unwrap().unwrap().version, 3);
    assert_eq!(versions(&mut troupe).await, Pair { agent: 3, user: 3 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_nothing_is_done_at_once() {
    let mut troupe = troupe(Parrot::new(), Parrot::new(), Copyist::new()).await;
    let underway = troupe.begin_update(Pair::default()).unwrap();
    assert_eq!(soon(underway.finish()).await, Ok(Pair::default()));
    let mut alone = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
    let refused = alone.begin_update(Pair { agent: None, user: Some(batch(0.1)) }).err();
    assert_eq!(refused, Some(TroupeError::NoLearner(Seat::User)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_update_lets_what_is_played_beside_it_end_well_and_the_old_weights_play_on() {
    let error = LearnError::NotFinite { what: "loss", step: 3 };
    let refusing = error.clone();
    let of_agent = Copyist { hook: Box::new(move |_| Err(refusing.clone())) };
    let mut troupe = troupe(Parrot::new(), Parrot::new(), of_agent).await;
    let underway = troupe.begin_update(both()).unwrap();
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 0 });
    soon(troupe.renew()).await.unwrap();
    assert_eq!(soon(underway.finish()).await.unwrap().agent, Some(Err(error)));
    assert_eq!(versions(&mut troupe).await, Pair { agent: 0, user: 1 });
}

/// Both who wait are told, and everybody after them. `told` is called once the update's caller knows.
async fn ends(mut troupe: Troupe, (who, why): (&str, &str), told: impl FnOnce()) {
    let ended = TroupeError::Ended(Ended { who: who.to_owned(), why: why.to_owned() });
    let underway = troupe.begin_update(both()).unwrap();
    let terms = terms();
    let hearing = async {
        let updated = underway.finish().await;
        told();
        updated
    };
    let playing = troupe.play(castings(3, 4, "model", "model"), &terms);
    let (updated, played) = soon(async { tokio::join!(hearing, playing) }).await;
    assert_eq!((updated, played), (Err(ended.clone()), Err(ended.clone())));
    assert_eq!(soon(troupe.play(castings(1, 1, "rule", "rule"), &terms)).await, Err(ended.clone()));
    let refused = troupe.begin_update(both()).unwrap();
    assert_eq!(soon(refused.finish()).await, Err(ended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_that_dies_while_others_play_ends_the_run_for_both_who_wait() {
    let place = Arc::new(Barrier::new(2));
    let meets = Arc::clone(&place);
    let of_agent = Copyist {
        hook: Box::new(move |_| {
            meets.wait();
            panic!("out of memory")
        }),
    };
    // The policy is in the middle of its first batch until the death is known.
    let (tell, told) = std::sync::mpsc::channel();
    let agent = Parrot::with_hook(move |batch, _| {
        if batch == 0 {
            place.wait();
            told.recv().unwrap();
        }
    });
    let troupe = troupe(agent, Parrot::new(), of_agent).await;
    ends(troupe, ("agent's learner", "out of memory"), || tell.send(()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_dies_while_its_learner_works_ends_the_run_for_both_who_wait() {
    let place = Arc::new(Barrier::new(2));
    let agent = waiting(&place, || panic!("the parrot is dead"));
    let troupe = troupe(agent, Parrot::new(), meeting(&place)).await;
    ends(troupe, ("policy server agent", "the parrot is dead"), || {}).await;
}
