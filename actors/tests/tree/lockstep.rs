//! The barrier: what is sampled together does not depend on who was faster.

use std::collections::BTreeSet;
use std::sync::Arc;

use duologue_actors as actors;

use actors::Company;
use actors::Performance;
use actors::Troupe;
use rl::Row;
use rl::Session;
use sim::EpisodeId;
use sim::Seat;
use sim::record::Casting;

use crate::company::Heard;
use crate::company::Parrot;
use crate::company::casting;
use crate::company::castings;
use crate::company::company;
use crate::company::records;
use crate::company::soon;
use crate::company::terms;

/// A little of everything: both models, each against a script, and two scripts.
fn mixed() -> Vec<Casting> {
    let mut cast = castings(4, 4, "model", "model");
    cast.extend((4..8).map(|g| casting(g, 1, "model", "rule")));
    cast.extend((8..12).map(|g| casting(g, 1, "scripted:trapper", "model")));
    cast.push(casting(12, 1, "rule", "rule"));
    cast
}

struct Night {
    performance: Performance,
    agent: Heard,
    user: Heard,
}

/// Plays; `busy` keeps the other policy's thread slow, so that the two runs of a test differ in who is faster.
async fn night(cast: Vec<Casting>, live_max: usize, batch_max: usize, slow: Option<Seat>) -> Night {
    let dawdle = |seat: Seat| {
        move |_: usize, rows: &[Row]| {
            for _ in 0..if slow == Some(seat) { rows.len() * 20_000 } else { 0 } {
                std::hint::black_box(0);
            }
        }
    };
    let (agent, user) = (Parrot::with_hook(dawdle(Seat::Agent)), Parrot::with_hook(dawdle(Seat::User)));
    let heard = (Arc::clone(&agent.heard), Arc::clone(&user.heard));
    let company = Company { episodes_live_max: live_max, batch_max, ..company(agent, user) };
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let performance = soon(troupe.play(cast, &terms())).await.unwrap();
    troupe.stop().await;
    Night { performance, agent: heard.0, user: heard.1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_runs_have_the_same_rounds_batches_and_records_whoever_is_slow() {
    let nights = [night(mixed(), 10, 4, None).await, night(mixed(), 10, 4, Some(Seat::Agent)).await];
    let third = night(mixed(), 10, 4, Some(Seat::User)).await;
    for other in [&nights[1], &third] {
        assert_eq!(nights[0].performance, other.performance);
        assert_eq!(*nights[0].agent.lock().unwrap(), *other.agent.lock().unwrap());
        assert_eq!(*nights[0].user.lock().unwrap(), *other.user.lock().unwrap());
    }
    assert!(nights[0].performance.rounds.len() > 5);
}

#[tokio::test(flavor = "current_thread")]
async fn one_thread_and_many_give_the_same_night() {
    let one = night(mixed(), 10, 4, None).await;
    let many = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        runtime.block_on(night(mixed(), 10, 4, None))
    });
    assert_eq!(one.performance, many.join().unwrap().performance);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_the_rounds_cut_in_order_at_batch_max() {
    let night = night(mixed(), 12, 3, None).await;
    for (server, heard) in [("agent", &night.agent), ("user", &night.user)] {
        let rounds = night.performance.rounds.iter().flat_map(|round| &round.servers);
        let mut expected: Vec<Vec<Session>> = Vec::new();
        for part in rounds.filter(|part| &*part.server == server) {
            let mut sessions: Vec<Session> = part.rows.iter().map(|(_, session)| *session).collect();
            sessions.sort_by_key(|s| (s.episode.group, s.episode, s.seat));
            expected.extend(sessions.chunks(3).map(<[Session]>::to_vec));
        }
        assert_eq!(*heard.lock().unwrap(), expected, "{server}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_seats_words_come_from_its_own_server_and_unequal_lengths_end_nobody_else() {
    let night = night(mixed(), 64, 8, None).await;
    let lengths: BTreeSet<usize> = records(&night.performance.played).iter().map(|r| r.turns.len()).collect();
    assert!(lengths.len() > 3, "the parrots were to give unequal lengths: {lengths:?}");
    for record in records(&night.performance.played) {
        assert_eq!(record.fault, None);
        for turn in &record.turns {
            let policy = &record.casting.policies[turn.seat];
            let sampled = turn.decision.generation.as_ref().map(|generation| generation.policy.as_str());
            assert_eq!(sampled, (policy == "model").then_some(turn.seat.name()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn episodes_are_admitted_in_the_order_of_their_ids_whatever_the_casting_order() {
    let mut cast = castings(6, 2, "model", "model");
    cast.reverse();
    let night = night(cast, 4, 8, None).await;
    let first: Vec<EpisodeId> = night.performance.rounds[0].servers[0].rows.iter().map(|(_, s)| s.episode).collect();
    let mut ids: Vec<EpisodeId> = castings(6, 2, "model", "model").iter().map(|c| c.id).collect();
    ids.sort_unstable();
    assert_eq!(first, ids[..4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_keeps_nothing_for_an_episode_that_is_over() {
    let agent = Parrot::new();
    let forgotten = Arc::clone(&agent.forgotten);
    let mut troupe = Troupe::spawn(company(agent, Parrot::new())).await.unwrap();
    let cast = castings(5, 4, "model", "model");
    soon(troupe.play(cast.clone(), &terms())).await.unwrap();
    // Whatever call comes next is read after the forgetting: mail keeps its order.
    troupe.sample("agent", Vec::new()).await.unwrap();
    troupe.stop().await;
    let forgotten: BTreeSet<EpisodeId> = forgotten.lock().unwrap().iter().flatten().map(|s| s.episode).collect();
    assert_eq!(forgotten, cast.iter().map(|casting| casting.id).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_loaded_models_play_by_name_and_one_model_can_take_both_seats() {
    let mut troupe = Troupe::spawn(company(Parrot::new(), Parrot::new())).await.unwrap();
    troupe.seat_model("old", Parrot::new().voice()).await.unwrap();
    let cast = vec![casting(0, 1, "model:old", "model"), casting(1, 1, "model:old", "model:old")];
    let performance = soon(troupe.play(cast, &terms())).await.unwrap();
    let policies: BTreeSet<(Seat, String)> = records(&performance.played)[1]
        .turns
        .iter()
        .map(|turn| (turn.seat, turn.decision.generation.as_ref().unwrap().policy.clone()))
        .collect();
    assert_eq!(policies.first(), Some(&(Seat::Agent, "old".to_owned())));
    assert!(policies.iter().all(|(_, policy)| policy == "old"));
}
