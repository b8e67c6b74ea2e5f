//! Plays without models: everything just flows.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use duologue_actors as actors;

use actors::Company;
use actors::Played;
use actors::Troupe;
use actors::seats::Pending;
use sim::EpisodeRecord;
use sim::World;
use sim::WorldInput;
use sim::WorldOutput;
use sim::record::Casting;

use crate::company::Diary;
use crate::company::SEED;
use crate::company::castings;
use crate::company::id;
use crate::company::records;
use crate::company::soon;
use crate::company::terms;
use crate::company::terms_of;

fn plain_loop(groups: u32, members: u32) -> Vec<EpisodeRecord> {
    let scenario = terms().scenarios.remove(0);
    let play = |casting| sim::play_by_rule(casting, &scenario, SEED).unwrap();
    castings(groups, members, "scripted:noisy", "scripted:noisy").into_iter().map(play).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_scripted_episodes_are_those_of_a_plain_loop_at_any_number_alive() {
    let expected = plain_loop(250, 4);
    for live_max in [1, 7, 2000] {
        let mut troupe = Troupe::spawn(Company::of_scripts(live_max)).await.unwrap();
        let cast = castings(250, 4, "scripted:noisy", "scripted:noisy");
        let performance = soon(troupe.play(cast, &terms())).await.unwrap();
        assert!(performance.rounds.is_empty());
        assert!(records(&performance.played).into_iter().eq(expected.iter()), "live_max {live_max}");
        troupe.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_world_that_asks_the_user_plays_as_in_a_plain_loop() {
    let terms = terms_of(sim::gyms::intention::example());
    let cast = castings(20, 2, "scripted:noisy", "rule");
    let play = |casting: &Casting| sim::play_by_rule(casting.clone(), &terms.scenarios[0], SEED).unwrap();
    let expected: Vec<EpisodeRecord> = cast.iter().map(play).collect();
    assert!(
        expected.iter().all(|record| record.fault.is_none() && record.turns.iter().all(|turn| turn.answers.len() == 2))
    );
    let mut troupe = Troupe::spawn(Company::of_scripts(7)).await.unwrap();
    let performance = soon(troupe.play(cast, &terms)).await.unwrap();
    assert!(records(&performance.played).into_iter().eq(expected.iter()));
    troupe.stop().await;
}

/// Counts how many worlds are on stage, and is there as long as its episode lives.
struct Counted(Arc<[AtomicUsize; 2]>);

impl Counted {
    fn new(counts: &Arc<[AtomicUsize; 2]>) -> Counted {
        let now = counts[0].fetch_add(1, Ordering::SeqCst) + 1;
        counts[1].fetch_max(now, Ordering::SeqCst);
        Counted(Arc::clone(counts))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0[0].fetch_sub(1, Ordering::SeqCst);
    }
}

impl actors::Stagehand for Counted {
    fn step(&mut self, mut world: World, input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)> {
        Box::pin(async move {
            let outputs = world.step(input);
            (world, outputs)
        })
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_more_episodes_are_alive_than_allowed_and_the_next_waits_for_no_wave() {
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let mut company = Company::of_scripts(5);
    let counted = Arc::clone(&counts);
    company.guests.stagehand = Some(Arc::new(move |_| Box::new(Counted::new(&counted))));
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let progress = troupe.progress();
    soon(troupe.play(castings(20, 4, "rule", "rule"), &terms())).await.unwrap();
    // An episode that was told to stop takes a moment to leave; one such per live episode at most.
    assert!((5..=10).contains(&counts[1].load(Ordering::SeqCst)), "{counts:?}");
    assert_eq!(progress.borrow().settled, 80);
    assert_eq!(progress.borrow().live, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_has_the_records_in_casting_order_and_they_are_those_handed_over() {
    let diary = Diary::default();
    let company = Company { journal: Box::new(diary.clone()), ..Company::of_scripts(16) };
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let mut cast = castings(10, 4, "scripted:noisy", "scripted:noisy");
    cast.reverse();
    let order: Vec<_> = cast.iter().map(|casting| casting.id).collect();
    let performance = soon(troupe.play(cast, &terms())).await.unwrap();
    assert_eq!(performance.played.iter().map(Played::id).collect::<Vec<_>>(), order);
    let written = diary.records.lock().unwrap().clone();
    assert!(records(&performance.played).into_iter().eq(written.iter()));
}

#[tokio::test(flavor = "current_thread")]
async fn a_play_off_the_record_leaves_no_trace_in_the_journal() {
    let diary = Diary::default();
    let company = Company { journal: Box::new(diary.clone()), ..Company::of_scripts(16) };
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let off = actors::Terms { record: false, ..terms() };
    let performance = soon(troupe.play(castings(2, 2, "rule", "rule"), &off)).await.unwrap();
    assert_eq!(records(&performance.played).len(), 4);
    assert!(diary.records.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn records_on_disk_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.bin");
    let (log, _) = runs::Log::open(&path).unwrap();
    let company = Company { journal: Box::new(log), ..Company::of_scripts(4) };
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let performance = soon(troupe.play(castings(3, 2, "rule", "rule"), &terms())).await.unwrap();
    let end = soon(troupe.sync()).await.unwrap();
    troupe.stop().await;
    let (log, _) = runs::Log::open_at(&path, end).unwrap();
    let read: Vec<EpisodeRecord> = log.records().unwrap().map(Result::unwrap).collect();
    assert!(records(&performance.played).into_iter().eq(read.iter()));
    assert_eq!(read[5].casting.id, id(2, 2));
}

#[tokio::test(flavor = "current_thread")]
async fn a_play_of_nothing_ends_at_once() {
    let mut troupe = Troupe::spawn(Company::of_scripts(4)).await.unwrap();
    assert!(soon(troupe.play(Vec::new(), &terms())).await.unwrap().played.is_empty());
}
