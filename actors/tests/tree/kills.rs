//! Exactly once, whoever is killed and whenever: each casting comes back once, in its place, with a record or as lost.

use std::sync::Arc;
use std::sync::Mutex;

use duologue_actors as actors;

use actors::Played;
use actors::Troupe;
use actors::Victim;
use proptest::prelude::*;
use sim::EpisodeId;
use sim::Party;

use crate::company::Diary;
use crate::company::Late;
use crate::company::Parrot;
use crate::company::casting;
use crate::company::castings;
use crate::company::company;
use crate::company::id;
use crate::company::introduce;
use crate::company::records;
use crate::company::soon;
use crate::company::terms;

const GROUPS: u32 = 5;
const MEMBERS: u32 = 4;

/// Who dies before which batch of which model's server.
#[derive(Clone, Debug)]
struct Murder {
    batch: usize,
    by_agent: bool,
    victim: Victim,
}

fn murders() -> impl Strategy<Value = Vec<Murder>> {
    let episode = (0..GROUPS, 1..=MEMBERS).prop_map(|(group, member)| id(group, member));
    let party = prop::sample::select(vec![
        None,
        Some(Party::Agent),
        Some(Party::User),
        Some(Party::Environment),
        Some(Party::Judge),
    ]);
    let victim = (episode, party).prop_map(|(episode, party)| match party {
        Some(party) => Victim::Seat(episode, party),
        None => Victim::Episode(episode),
    });
    let murder = (0usize..12, any::<bool>(), victim);
    prop::collection::vec(murder.prop_map(|(batch, by_agent, victim)| Murder { batch, by_agent, victim }), 0..12)
}

fn parrot(murders: &Arc<Mutex<Vec<Murder>>>, late: &Late, is_agent: bool) -> Parrot {
    let (murders, late) = (Arc::clone(murders), Arc::clone(late));
    Parrot::with_hook(move |batch, _| {
        let (killer, _) = late.get().expect("introduced before the first batch");
        let due = |murder: &Murder| murder.batch == batch && murder.by_agent == is_agent;
        murders.lock().unwrap().iter().filter(|m| due(m)).for_each(|murder| killer.kill(murder.victim.clone()));
    })
}

async fn check(murders: Vec<Murder>) {
    let victims: Vec<EpisodeId> = murders
        .iter()
        .map(|murder| match &murder.victim {
            Victim::Episode(id) | Victim::Seat(id, _) => *id,
            other => unreachable!("{other:?} is no victim here"),
        })
        .collect();
    let (murders, late, diary) = (Arc::new(Mutex::new(murders)), Late::default(), Diary::default());
    let mut company = company(parrot(&murders, &late, true), parrot(&murders, &late, false));
    company.episodes_live_max = 9;
    company.journal = Box::new(diary.clone());
    let mut troupe = Troupe::spawn(company).await.unwrap();
    introduce(&late, &troupe);
    let cast = castings(GROUPS, MEMBERS, "model", "model");
    let performance = soon(troupe.play(cast.clone(), &terms())).await.unwrap();
    let ids: Vec<EpisodeId> = performance.played.iter().map(Played::id).collect();
    assert_eq!(ids, cast.iter().map(|casting| casting.id).collect::<Vec<_>>());
    for played in &performance.played {
        let harmed = played.record().is_none_or(|record| record.fault.is_some());
        assert!(!harmed || victims.contains(&played.id()), "{played:?} came to harm by nobody's hand");
    }
    assert!(records(&performance.played).into_iter().eq(diary.records.lock().unwrap().iter()));
    // Nobody is left over: the company plays on.
    murders.lock().unwrap().clear();
    let encore = soon(troupe.play(vec![casting(90, 1, "model", "model")], &terms())).await.unwrap();
    assert_eq!(encore.played[0].record().unwrap().fault, None);
    troupe.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_casting_closes_exactly_once_whoever_is_killed(murders in murders()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(murders));
    }
}
