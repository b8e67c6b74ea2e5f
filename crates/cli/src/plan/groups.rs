//! Who plays whom at a step, and how many steps are like it.

use std::collections::BTreeMap;

use rl::Outlook;
use rl::plan;
use rl::settings::Cotraining;
use rl::settings::GrpoSettings;
use serde::Serialize;
use sim::Pair;
use sim::Seat;
use sim::record::Casting;

use crate::setup::Setup;

/// Steps in which the same seats learn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Groups {
    /// How many steps are like this.
    pub steps: u64,
    /// Which seats are updated.
    pub learns: Pair<bool>,
    /// What each of them plays.
    pub played: Vec<Table>,
    /// Episodes of one of them.
    pub episodes: u64,
}

/// Groups of one step with the same company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What they play.
    pub scenario: String,
    /// How many groups.
    pub groups: u64,
    /// Episodes of each.
    pub group_size: u64,
    /// Who sits where.
    pub policies: Pair<String>,
    /// Which seats learn from them.
    pub trains: Pair<bool>,
}

/// Each kind of step there is, in the order of its first.
#[must_use]
pub fn kinds(setup: &Setup) -> Vec<Groups> {
    let grpo = &setup.settings.grpo;
    let mut kinds: Vec<Groups> = Vec::new();
    for step in 1..=grpo.steps {
        let learns = plan::learns(grpo.mode, step);
        match kinds.iter_mut().find(|kind| kind.learns == learns) {
            Some(kind) => kind.steps += 1,
            None => kinds.push(kind(setup, step, learns)),
        }
    }
    kinds
}

fn kind(setup: &Setup, step: u64, learns: Pair<bool>) -> Groups {
    let settings = &setup.settings;
    // Whom the pool will have these groups meet is drawn when it is known who was beaten; words say by which shares.
    let grpo = GrpoSettings { cotraining: Cotraining::default(), ..settings.grpo.clone() };
    let castings = plan::step_castings(&grpo, &setup.mix, settings.seed, step, &Outlook::default());
    Groups { steps: 1, learns, played: tables(setup, &castings), episodes: castings.len() as u64 }
}

/// Groups by their company, in the order in which they are played.
fn tables(setup: &Setup, castings: &[Casting]) -> Vec<Table> {
    let mut groups: BTreeMap<u32, (&Casting, u64)> = BTreeMap::new();
    for casting in castings {
        groups.entry(casting.id.group).or_insert((casting, 0)).1 += 1;
    }
    let mut tables: Vec<Table> = Vec::new();
    for (casting, group_size) in groups.into_values() {
        let Casting { policies, learns, .. } = casting;
        let scenario = &setup.mix.of(casting).name;
        let is_like =
            |table: &&mut Table| (&table.scenario, &table.policies, table.trains) == (scenario, policies, *learns);
        match tables.last_mut().filter(is_like) {
            Some(table) => table.groups += 1,
            None => {
                let (scenario, policies) = (scenario.clone(), policies.clone());
                tables.push(Table { scenario, groups: 1, group_size, policies, trains: *learns });
            }
        }
    }
    tables
}

/// In how many of the castings `seat` is a model.
#[must_use]
pub fn modelled(castings: &[Casting], seat: Seat) -> u64 {
    castings.iter().filter(|casting| casting.policies[seat] == plan::MODEL).count() as u64
}
