//! The world as a whole: sound tables, private things private, true things true.

use std::sync::Arc;

use crate::EpisodeRecord;
use crate::Pair;
use crate::Phase;
use crate::Scenario;
use crate::Seat;
use crate::drive::play_by_rule;
use crate::record::Casting;
use crate::record::EpisodeId;
use crate::scenario::Split;

pub(crate) fn scenario() -> Arc<Scenario> {
    Arc::new(super::example())
}

fn episode(scenario: &Arc<Scenario>, agent: &str, user: &str, item: u32) -> EpisodeRecord {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    let casting = Casting { id, split: Split::HeldOut, item, policies, learns: Pair::default() };
    play_by_rule(casting, scenario, 1).expect("the scripts exist")
}

fn mean_score(scenario: &Arc<Scenario>, seat: Seat, agent: &str, user: &str, items: u32) -> f64 {
    let scores = (0..items).map(|item| episode(scenario, agent, user, item).scores[seat].unwrap_or(0.0));
    scores.sum::<f64>() / f64::from(items)
}

#[test]
fn probe() {
    let s = scenario();
    for (seat, fixed) in [(Seat::Agent, "rule"), (Seat::User, "scripted:trapper")] {
        for name in super::Script::names(seat) {
            let (a, u) = if seat == Seat::Agent { (name.as_str(), fixed) } else { (fixed, name.as_str()) };
            let mut pooled: std::collections::BTreeMap<String, crate::Ratio> = Default::default();
            let mut stops = std::collections::BTreeMap::new();
            let mut score = [0.0; 2];
            for item in 0..1000 {
                let r = episode(&s, a, u, item);
                *stops.entry(r.stop.map(|s| s.name())).or_insert(0) += 1;
                for (i, seat) in Seat::ALL.into_iter().enumerate() { score[i] += r.scores[seat].unwrap_or(0.0) / 1000.0; }
                if let Some(v) = r.verdict { for (k, x) in v.measures { *pooled.entry(k).or_default() += x; } }
            }
            print!("{a:24} {u:26} {:+.3} {:+.3} ", score[0], score[1]);
            for k in ["deal_with_zone","walk_away_without_zone","joint_surplus","rounds","warranty_where_wanted","delivery_where_it_adds","agent/true_claims","agent/false_claims_per_claim","agent/traps","agent/loss_deals","user/loss_deals","user/trap_recall","user/over_suspicion","user/true_claims_challenged","user/left_impatient"] {
                print!(" {}={:.2}", k.rsplit('/').next().unwrap().chars().take(9).collect::<String>(), pooled[k].rate().unwrap_or(f64::NAN));
            }
            println!(" {stops:?}");
        }
    }
    for (a,u,i) in [("scripted:noisy","scripted:noisy",3),("scripted:good","rule",5),("scripted:trapper","scripted:good",8)] {
        let r = episode(&s, a, u, i);
        for t in &r.turns { for m in &t.observed { println!("   [{}] {:?}: {}", t.seat, m.from, m.text); } println!("{}: <{}> {:?} {:?}", t.seat, t.decision.thought.clone().unwrap_or_default(), t.decision.act, t.effect.as_ref().map(|e| (&e.malformed, &e.journal))); }
        println!("{:?} {:?}", r.scores, r.verdict.unwrap().rewards.iter().map(|r| (r.seat.name(), r.name.clone(), r.value, r.evidence.clone())).collect::<Vec<_>>());
    }
    panic!();
}
