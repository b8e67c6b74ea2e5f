//! Episodes that a fault of the infrastructure ended, played again.

use duologue_actors as actors;

use actors::Company;
use actors::Performance;
use actors::Troupe;
use actors::Voice;
use rl::Policy;
use rl::Reply;
use rl::Row;
use rl::Session;
use rl::Weights;
use sim::EpisodeId;
use sim::Fault;
use sim::FaultKind;
use sim::Party;

use crate::company::Diary;
use crate::company::Parrot;
use crate::company::castings;
use crate::company::company;
use crate::company::dialect;
use crate::company::soon;
use crate::company::terms;

/// A parrot that cannot be reached for its first batches.
struct Jammed {
    parrot: Parrot,
    batches: usize,
}

impl Policy for Jammed {
    fn submit(&mut self, rows: Vec<Row>, reply: Reply) {
        let Some(left) = self.batches.checked_sub(1) else { return self.parrot.submit(rows, reply) };
        self.batches = left;
        let fault = || Fault::new(Party::Infrastructure, FaultKind::Refused, "the line is jammed");
        reply(rows.iter().map(|_| Err(fault())).collect());
    }

    fn forget(&mut self, sessions: &[Session]) {
        self.parrot.forget(sessions);
    }

    fn lend(&mut self) -> Option<Box<dyn Weights>> {
        self.parrot.lend()
    }

    fn load(&mut self, weights: Box<dyn Weights>) {
        self.parrot.load(weights);
    }
}

/// Two groups of three, with the agent out of reach for so many batches; what came of them, and the ids in the diary.
async fn night(batches: usize, reruns_max: u32) -> (Performance, Vec<EpisodeId>) {
    let diary = Diary::default();
    let mut company = Company { reruns_max, journal: Box::new(diary.clone()), ..company(Parrot::new(), Parrot::new()) };
    let policy = Box::new(Jammed { parrot: Parrot::new(), batches });
    company.models.insert("agent".to_owned(), Voice { policy, dialect: dialect() });
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let performance = soon(troupe.play(castings(2, 3, "model", "model"), &terms())).await.unwrap();
    troupe.stop().await;
    let written = diary.records.lock().unwrap().iter().map(|record| record.casting.id).collect();
    (performance, written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_what_the_infrastructure_broke_is_played_again_with_the_same_draws_and_recorded_once() {
    let (calm, _) = night(0, 1).await;
    let (jammed, written) = night(1, 1).await;
    assert_eq!(jammed.played, calm.played, "who was drawn the same says the same");
    let ids: Vec<EpisodeId> = castings(2, 3, "model", "model").iter().map(|casting| casting.id).collect();
    assert_eq!(written, ids, "one record each");
    assert_eq!(jammed.reruns.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    assert!(jammed.reruns.iter().all(|(_, fault)| fault.detail == "the line is jammed"));
    assert!(calm.reruns.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_broken_is_a_fault_after_all_and_nothing_is_played_again_without_leave() {
    for (batches, reruns_max) in [(1, 0), (2, 1)] {
        let (performance, written) = night(batches, reruns_max).await;
        assert_eq!(written.len(), 6);
        assert_eq!(performance.reruns.len(), 6 * reruns_max as usize);
        let fault = |played: &actors::Played| played.record().and_then(|record| record.fault.clone());
        let parties = performance.played.iter().map(|played| fault(played).map(|fault| fault.party));
        assert!(parties.eq([Some(Party::Infrastructure); 6]));
    }
}
