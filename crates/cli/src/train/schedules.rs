//! What a step's schedules came to, in numbers: whom the seats met, what was played more often, what again.

use std::collections::BTreeMap;

use rl::Metrics;
use rl::opponent;
use rl::outlook;
use rl::plan;
use rl::plan::MODEL;
use rl::settings::GrpoSettings;
use sim::Seat;
use sim::record::Casting;

use super::ahead::PlayedStep;
use crate::stage::Stage;

/// The numbers of the pool, the curriculum and the list of failures, as far as a run has them.
pub(super) fn schedules(stage: &Stage<'_>, grpo: &GrpoSettings, played: &PlayedStep) -> Metrics {
    let mut metrics = Metrics::default();
    let outlook = stage.steering.outlooks.of_step(grpo, played.step);
    let groups = groups(&played.castings);
    if let Some(pool) = &grpo.cotraining.pool {
        for seat in Seat::ALL {
            for (name, count) in met(grpo, played.step, &groups, seat) {
                metrics.set(format!("{seat}/met/{name}"), Some(count));
            }
            let members = pool.members(outlook::known(grpo, played.step)).count();
            metrics.set(format!("{seat}/pool"), Some(members as f64));
            metrics.set(format!("{seat}/pool/won"), outlook.wins[seat].rate());
        }
    }
    if grpo.cotraining.curriculum.is_some() {
        for (number, scenario) in stage.setup.mix.numbered() {
            let weight = outlook.curriculum.share(number, stage.setup.mix.parts().len());
            metrics.set(format!("{}/curriculum", scenario.name), Some(weight));
        }
    }
    if grpo.cotraining.isolation.is_some() {
        let again = groups.values().filter(|casting| outlook.failed.has(casting.scenario, casting.item)).count();
        metrics.set("groups_again", Some(again as f64));
        metrics.set("items_failed", Some(outlook.failed.len() as f64));
    }
    metrics
}

/// A casting of each group.
fn groups(castings: &[Casting]) -> BTreeMap<u32, &Casting> {
    castings.iter().map(|casting| (casting.id.group, casting)).collect()
}

/// How many of the groups that were planned to serve `seat` alone met whom. Where seats take turns, one alone learns from mutual groups too, in which
/// nobody is drawn.
fn met(grpo: &GrpoSettings, step: u64, groups: &BTreeMap<u32, &Casting>, seat: Seat) -> [(&'static str, f64); 3] {
    let served = groups.values().filter(|casting| plan::serves_alone(grpo, step, casting.id.group) == Some(seat));
    let across = served.map(|casting| &casting.policies[seat.partner()]);
    let mut met = [("latest", 0.0), ("history", 0.0), ("fixed", 0.0)];
    for policy in across {
        let who = match opponent::snapshot_of(policy) {
            _ if policy == MODEL => 0,
            Some(_) => 1,
            None => 2,
        };
        met[who].1 += 1.0;
    }
    met
}
