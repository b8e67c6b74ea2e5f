//! One death each, and what it means.

use std::panic::catch_unwind;
use std::sync::Arc;

use duologue_actors as actors;

use actors::Company;
use actors::Ended;
use actors::Played;
use actors::Terms;
use actors::Troupe;
use actors::TroupeError;
use actors::Victim;
use sim::EpisodeRecord;
use sim::FaultKind;
use sim::Party;
use sim::Scenario;
use sim::Seat;
use sim::Stop;
use sim::gyms::haggle;

use crate::company::Clumsy;
use crate::company::Diary;
use crate::company::Late;
use crate::company::Parrot;
use crate::company::SEED;
use crate::company::casting;
use crate::company::castings;
use crate::company::company;
use crate::company::guests;
use crate::company::id;
use crate::company::introduce;
use crate::company::said;
use crate::company::soon;
use crate::company::terms;
use crate::company::terms_of;
use crate::company::wait_until;

fn scripts() -> Company {
    Company { guests: guests(), ..Company::of_scripts(8) }
}

async fn one(company: Company, agent: &str, user: &str, terms: &Terms) -> EpisodeRecord {
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let mut performance = soon(troupe.play(vec![casting(0, 1, agent, user)], terms)).await.unwrap();
    match performance.played.remove(0) {
        Played::Record(record) => *record,
        Played::Lost(id, why) => panic!("{id} was lost: {why}"),
    }
}

fn judged_by(judge: &str) -> Terms {
    let mut scenario: Scenario = haggle::example();
    judge.clone_into(&mut scenario.judge.policy);
    terms_of(scenario)
}

#[track_caller]
fn assert_unscored_fault(record: &EpisodeRecord, party: Party, kind: FaultKind, detail: &str) {
    let fault = record.fault.as_ref().expect("a fault");
    assert_eq!((fault.party, fault.kind), (party, kind), "{fault}");
    assert!(fault.detail.contains(detail), "{fault}");
    assert_eq!((&record.verdict, record.scores.agent, record.scores.user), (&None, None, None));
}

// ==== Seats ==== //

#[tokio::test(flavor = "current_thread")]
async fn a_panicking_seat_is_its_own_partys_fault_and_nobody_is_scored() {
    for (agent, user, party) in [("fainting", "rule", Party::Agent), ("rule", "fainting", Party::User)] {
        let record = one(scripts(), agent, user, &terms()).await;
        assert_unscored_fault(&record, party, FaultKind::Panicked, "stage fright");
        assert_eq!(record.stop, None);
        assert!(record.turns.len() > 1, "it had spoken before");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_panicking_world_is_the_environments_fault() {
    let mut company = scripts();
    company.guests.stagehand = Some(Arc::new(|_| Box::new(Clumsy)));
    let record = one(company, "rule", "rule", &terms()).await;
    assert_unscored_fault(&record, Party::Environment, FaultKind::Panicked, "the set came down");
}

#[tokio::test(flavor = "current_thread")]
async fn a_panicking_judge_leaves_the_talks_own_end_on_record_and_no_verdict() {
    let sound = one(scripts(), "scripted:good", "rule", &terms()).await;
    let record = one(scripts(), "scripted:good", "rule", &judged_by("broken")).await;
    assert_unscored_fault(&record, Party::Judge, FaultKind::Panicked, "fell off the bench");
    assert_eq!(record.stop, sound.stop);
    assert_eq!(record.turns, sound.turns);
}

#[tokio::test(flavor = "current_thread")]
async fn a_user_that_only_mumbles_fails_by_itself_and_its_partner_is_not_scored() {
    let record = one(scripts(), "rule", "mumbling", &terms()).await;
    assert_eq!(record.stop, Some(Stop::Failed(Seat::User)));
    assert_eq!(record.fault, None);
    assert_eq!(record.scores.user, Some(terms().scenarios[0].worst(Seat::User)));
    assert_eq!(record.scores.agent, None);
    assert_eq!(record.turns_of(Seat::User).count(), terms().scenarios[0].malformed_max as usize);
}

/// Kills `victim` while the first agent batch is being sampled, and lets the batch go on once the episode has ended.
async fn night_with_a_murder(victim: Option<Victim>) -> (Vec<Played>, usize) {
    let late = Late::default();
    let known = Arc::clone(&late);
    let agent = Parrot::with_hook(move |batch, _| {
        if let (0, Some(victim), Some((killer, progress))) = (batch, &victim, known.get()) {
            killer.kill(victim.clone());
            wait_until(progress, |progress| progress.settled > 0);
        }
    });
    let mut troupe = Troupe::spawn(company(agent, Parrot::new())).await.unwrap();
    introduce(&late, &troupe);
    let performance = soon(troupe.play(castings(3, 4, "model", "model"), &terms())).await.unwrap();
    (performance.played, performance.rounds.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_killed_in_the_middle_of_a_round_ends_its_episode_only() {
    let (calm, _) = night_with_a_murder(None).await;
    for party in [Party::Agent, Party::User, Party::Environment, Party::Judge] {
        let (played, _) = night_with_a_murder(Some(Victim::Seat(id(1, 2), party))).await;
        for (before, after) in calm.iter().zip(&played) {
            let (before, after) = (before.record().unwrap(), after.record().unwrap());
            if after.casting.id == id(1, 2) {
                assert_unscored_fault(after, party, FaultKind::Panicked, "killed");
            } else {
                assert_eq!(said(before), said(after), "{party:?} {}", after.casting.id);
                assert_eq!(before.scores, after.scores);
            }
        }
    }
}

// ==== Episodes ==== //

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_episode_killed_in_the_middle_of_a_round_is_lost_and_all_others_close() {
    let (calm, _) = night_with_a_murder(None).await;
    let (played, _) = night_with_a_murder(Some(Victim::Episode(id(1, 2)))).await;
    assert_eq!(played.len(), 12);
    for (before, after) in calm.iter().zip(&played) {
        match after {
            Played::Lost(lost, why) => assert_eq!((*lost, why.as_str()), (id(1, 2), "killed")),
            Played::Record(record) => assert_eq!(said(before.record().unwrap()), said(record)),
        }
    }
    assert_eq!(played.iter().filter(|p| p.record().is_none()).count(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn an_episode_whose_world_cannot_be_built_is_lost_and_the_others_play() {
    let mut scenario = haggle::example();
    let sim::gyms::Rules::Haggle(rules) = &mut scenario.rules else { panic!("another gym") };
    // What a warranty is worth overflows where a buyer wants one.
    rules.warranty_cost = i64::MIN;
    let terms = terms_of(scenario);
    let mut troupe = Troupe::spawn(scripts()).await.unwrap();
    let performance = soon(troupe.play(castings(20, 1, "rule", "rule"), &terms)).await.unwrap();
    let mut lost = 0;
    for (played, casting) in performance.played.iter().zip(castings(20, 1, "rule", "rule")) {
        let built = catch_unwind(|| terms.scenarios[0].rules.world(&terms.scenarios[0], &casting, SEED)).is_ok();
        assert_eq!(played.record().is_some(), built, "{played:?}");
        lost += usize::from(!built);
    }
    assert!((1..20).contains(&lost), "{lost}");
}

// ==== Services ==== //

#[track_caller]
fn assert_ended<T: std::fmt::Debug>(result: Result<T, TroupeError>, who: &str, why: &str) {
    match result {
        Err(TroupeError::Ended(Ended { who: died, why: words })) => {
            assert_eq!(died, who);
            assert!(words.contains(why), "{words}");
        }
        other => panic!("{other:?}"),
    }
}

/// Plays until a service dies: the pending call and every later one say so.
async fn ends(company: Company, who: &str, why: &str) {
    let mut troupe = Troupe::spawn(company).await.unwrap();
    assert_ended(soon(troupe.play(castings(3, 4, "model", "model"), &terms())).await, who, why);
    assert_ended(soon(troupe.play(castings(1, 1, "rule", "rule"), &terms())).await, who, why);
    assert_ended(soon(troupe.sync()).await, who, why);
    troupe.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_policy_ends_the_run() {
    let agent = Parrot::with_hook(|batch, _| assert!(batch < 3, "the parrot is dead"));
    ends(company(agent, Parrot::new()), "policy server agent", "the parrot is dead").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_forgets_to_answer_ends_the_run() {
    struct Rude;
    impl rl::Policy for Rude {
        fn submit(&mut self, _rows: Vec<rl::Row>, _reply: rl::Reply) {}
        fn forget(&mut self, _sessions: &[rl::Session]) {}
        fn lend(&mut self) -> Option<Box<dyn rl::Weights>> {
            None
        }
        fn load(&mut self, _weights: Box<dyn rl::Weights>) {}
    }
    let mut company = company(Parrot::new(), Parrot::new());
    company.models.get_mut("user").unwrap().policy = Box::new(Rude);
    ends(company, "policy server user", "without an answer").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_journal_ends_the_run() {
    let diary = Diary { full_at: Some(5), ..Diary::default() };
    let company = Company { journal: Box::new(diary), ..company(Parrot::new(), Parrot::new()) };
    ends(company, "recorder", "the diary is full").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_service_ends_the_run() {
    for (victim, who) in [(Victim::Server("user".to_owned()), "policy server user"), (Victim::Recorder, "recorder")] {
        let late = Late::default();
        let known = Arc::clone(&late);
        let agent = Parrot::with_hook(move |batch, _| {
            if let (1, Some((killer, _))) = (batch, known.get()) {
                killer.kill(victim.clone());
            }
        });
        let mut troupe = Troupe::spawn(company(agent, Parrot::new())).await.unwrap();
        introduce(&late, &troupe);
        assert_ended(soon(troupe.play(castings(3, 4, "model", "model"), &terms())).await, who, "killed");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_dead_supervisor_is_noticed_by_its_caller() {
    let mut company = scripts();
    company.guests.players.insert("cursed".to_owned(), Arc::new(|_, _| panic!("the curtain fell")));
    let mut troupe = Troupe::spawn(company).await.unwrap();
    assert_ended(soon(troupe.play(vec![casting(0, 1, "cursed", "rule")], &terms())).await, "supervisor", "");
    assert_ended(soon(troupe.sync()).await, "supervisor", "");
}
