//! The result of a study: estimates and claims, each with what it rests on. Serialised it is `table.json`.

use std::collections::BTreeMap;

use config::Bout;
use config::Cross;
use config::Study;
use config::StudyAverage;
use config::StudyClaim;
use config::StudyCompare;
use config::StudyPolicy;
use rl::Arm;
use rl::Average;
use rl::ByGym;
use rl::Claim;
use rl::Comparison;
use rl::Estimate;
use rl::Finding;
use rl::Interval;
use rl::Scale;
use rl::compare;
use runs::StudyEvaluation;
use serde::Serialize;
use sim::Pair;
use sim::Seat;

use super::pairing::Found;
use super::pairing::decided_by;
use super::roster::Player;
use super::roster::Roster;

/// The whole result. No clock reading and no path of its own is in it, so that a study that was killed and resumed gives the same bytes.
#[derive(Debug, Serialize)]
pub struct Table {
    /// The study's name.
    pub study: String,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// What could not be done.
    pub failed: Vec<Failed>,
    /// Who was measured.
    pub policies: BTreeMap<String, StudyPolicy>,
    /// One for each `[[compare]]`.
    pub compare: Vec<CompareTable>,
    /// One for each `[[cross]]`.
    pub cross: Vec<CrossTable>,
    /// One for each `[[average]]`.
    pub average: Vec<AverageTable>,
}

/// A run or an evaluation that failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// `run control`, or the pairing.
    pub what: String,
    /// Under which seed.
    pub seed: u64,
    /// In words.
    pub error: String,
}

/// Several policies in one seat.
#[derive(Debug, Serialize)]
pub struct CompareTable {
    /// The scenario's name.
    pub scenario: String,
    /// Their seat.
    pub seat: Seat,
    /// Who sat across the table.
    pub opponent: String,
    /// Held-out items.
    pub items: u32,
    /// Episodes of each, under each seed.
    pub trials: u32,
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// The rows, top to bottom.
    pub rows: Vec<Row>,
    /// What was claimed, and what came of it.
    pub claims: Vec<ClaimRow>,
}

/// One policy of a table.
#[derive(Debug, Serialize)]
pub struct Column {
    /// Its name.
    pub policy: String,
    /// What its numbers are over.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What numbers are over.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// Episodes opened, all seeds together.
    pub episodes: usize,
    /// Of those, how many left no record.
    pub lost: usize,
    /// Of those, how many faulted.
    pub faulted: usize,
    /// Seeds under which nothing was measured.
    pub missing: Vec<u64>,
}

/// One metric.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name, as in `docs/METRICS.md`.
    pub metric: String,
    /// By policy; `None`: nothing was counted.
    pub policies: BTreeMap<String, Option<Cell>>,
}

/// One estimate.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Over all seeds.
    pub mean: f64,
    /// Its 95 % interval; `None` where there is none.
    pub ci95: Option<Interval>,
    /// Items that had a case under any seed.
    pub items: usize,
    /// Under each seed; `None`: nothing was counted.
    pub per_seed: BTreeMap<u64, Option<f64>>,
}

/// A claim and its finding.
#[derive(Debug, Serialize)]
pub struct ClaimRow {
    /// Of whom.
    pub policy: String,
    /// Against whom.
    pub than: String,
    /// What.
    #[serde(flatten)]
    pub claim: Claim,
    /// What came of it.
    #[serde(flatten)]
    pub finding: Finding,
    /// The same over seeds alone, by Student's t: what a claim about a method rests on, from 5 seeds on. `None` with fewer than 2.
    pub over_seeds: Option<Estimate>,
}

/// Every agent with every user.
#[derive(Debug, Serialize)]
pub struct CrossTable {
    /// The scenario's name.
    pub scenario: String,
    /// Held-out items.
    pub items: u32,
    /// Episodes of each, under each seed.
    pub trials: u32,
    /// The metrics, left to right.
    pub metrics: Vec<String>,
    /// The pairings, top to bottom.
    pub cells: Vec<CrossCell>,
}

/// One pairing.
#[derive(Debug, Serialize)]
pub struct CrossCell {
    /// The agent.
    pub agent: String,
    /// The user.
    pub user: String,
    /// What their numbers are over.
    #[serde(flatten)]
    pub counts: Counts,
    /// By metric; `None`: nothing was counted.
    pub metrics: BTreeMap<String, Option<Cell>>,
}

/// Policies over several scenarios, on the scale of two of them.
#[derive(Debug, Serialize)]
pub struct AverageTable {
    /// Their seat.
    pub seat: Seat,
    /// Who has 0 on each scenario's scale.
    pub random: String,
    /// Who has 1.
    pub good: String,
    /// Episodes of each item, under each seed.
    pub trials: u32,
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// `score_norm` in each scenario, top to bottom.
    pub scenarios: Vec<ScenarioRow>,
    /// Its mean over the scenarios, each counting once, by policy; `None` where a scenario has no scale, or nothing was counted.
    pub macro_average: BTreeMap<String, Option<Cell>>,
    /// What was claimed of it, and what came of it.
    pub claims: Vec<ClaimRow>,
}

/// One scenario of an average.
#[derive(Debug, Serialize)]
pub struct ScenarioRow {
    /// Its name.
    pub scenario: String,
    /// Held-out items.
    pub items: u32,
    /// By policy; `None`: the scenario has no scale, or nothing was counted.
    pub policies: BTreeMap<String, Option<Cell>>,
}

/// One pairing over all seeds.
#[derive(Default)]
struct Played {
    arms: BTreeMap<String, Arm>,
    counts: Counts,
}

/// Where evaluations are looked up.
struct Archive<'s> {
    roster: &'s Roster<'s>,
    found: &'s Found,
}

impl Table {
    /// Makes the table of what was found.
    #[must_use]
    pub fn of(study: &Study, roster: &Roster<'_>, found: &Found, failed: Vec<Failed>) -> Table {
        let archive = Archive { roster, found };
        Table {
            study: study.name.clone(),
            seeds: study.seeds.clone(),
            failed,
            policies: study.policies.clone(),
            compare: study.compares.iter().map(|compare| archive.compare(compare)).collect(),
            cross: study.crosses.iter().map(|cross| archive.cross(cross)).collect(),
            average: study.averages.iter().map(|average| archive.average(average)).collect(),
        }
    }
}

impl Archive<'_> {
    fn compare(&self, compare: &StudyCompare) -> CompareTable {
        let StudyCompare { bout, seat, against, policies, rows, claims } = compare;
        let across = against.as_deref().map_or(Player::FixedOpponent, Player::Named);
        let play = |name: &String| {
            let at = |of: Seat| if of == *seat { Player::Named(name) } else { across };
            (name.clone(), self.played(bout, Pair::from_fn(at)))
        };
        let played: BTreeMap<String, Played> = policies.iter().map(play).collect();
        let wanted: Vec<Option<&Arm>> =
            rows.iter().flat_map(|row| policies.iter().map(|name| played[name].arms.get(row))).collect();
        let mut cells = self.estimated(&wanted).into_iter();
        let rows = rows.iter().map(|metric| {
            let policies = policies.iter().cloned().zip(cells.by_ref()).collect();
            Row { metric: metric.clone(), policies }
        });
        let opponent = bout.scenario.rules.fixed_opponent(seat.partner());
        CompareTable {
            scenario: bout.scenario.name.clone(),
            seat: *seat,
            opponent: against.clone().unwrap_or_else(|| opponent.to_owned()),
            items: bout.items,
            trials: bout.trials,
            columns: policies
                .iter()
                .map(|name| Column { policy: name.clone(), counts: played[name].counts.clone() })
                .collect(),
            rows: rows.collect(),
            claims: claims.iter().map(|claim| self.judge(claim, &played)).collect(),
        }
    }

    fn judge(&self, asked: &StudyClaim, played: &BTreeMap<String, Played>) -> ClaimRow {
        let StudyClaim { policy, than, claim } = asked;
        let nothing = Arm::default();
        let arm = |name: &String| played[name].arms.get(&claim.metric).unwrap_or(&nothing);
        let finding = claim.judge(arm(policy), arm(than), self.roster.seeds());
        let over_seeds = finding.comparison.as_ref().and_then(Comparison::over_seeds);
        ClaimRow { policy: policy.clone(), than: than.clone(), claim: claim.clone(), finding, over_seeds }
    }

    fn cross(&self, cross: &Cross) -> CrossTable {
        let Cross { bout, agents, users, metrics } = cross;
        let mut played = Vec::new();
        for agent in agents {
            for user in users {
                let players = Pair { agent: Player::Named(agent), user: Player::Named(user) };
                played.push((agent, user, self.played(bout, players)));
            }
        }
        let wanted: Vec<Option<&Arm>> =
            played.iter().flat_map(|(_, _, played)| metrics.iter().map(|name| played.arms.get(name))).collect();
        let mut cells = self.estimated(&wanted).into_iter();
        let cell = |(agent, user, played): &(&String, &String, Played)| CrossCell {
            agent: (*agent).clone(),
            user: (*user).clone(),
            counts: played.counts.clone(),
            metrics: metrics.iter().cloned().zip(cells.by_ref()).collect(),
        };
        CrossTable {
            scenario: bout.scenario.name.clone(),
            items: bout.items,
            trials: bout.trials,
            metrics: metrics.clone(),
            cells: played.iter().map(cell).collect(),
        }
    }

    fn average(&self, average: &StudyAverage) -> AverageTable {
        let StudyAverage { bouts, seat, policies, random, good, claims } = average;
        let score = format!("{seat}/score/mean");
        let (mut counts, mut scores): (BTreeMap<&String, Counts>, BTreeMap<&String, ByGym>) = Default::default();
        for (name, bout) in average.players().flat_map(|name| bouts.iter().map(move |bout| (name, bout))) {
            let at = |of: Seat| if of == *seat { Player::Named(name) } else { Player::FixedOpponent };
            let mut played = self.played(bout, Pair::from_fn(at));
            counts.entry(name).or_default().add(&played.counts);
            let arm = played.arms.remove(&score).unwrap_or_default();
            scores.entry(name).or_default().insert(bout.scenario.name.clone(), arm);
        }
        let scale = Scale { random: &scores[random], good: &scores[good] };
        let by_gym: BTreeMap<&String, _> = policies.iter().map(|name| (name, scale.by_gym(&scores[name]))).collect();
        let row = |bout: &Bout| ScenarioRow {
            scenario: bout.scenario.name.clone(),
            items: bout.items,
            policies: policies
                .iter()
                .map(|name| (name.clone(), by_gym[name][&bout.scenario.name].clone().map(|found| self.cell(found))))
                .collect(),
        };
        let whole = |name: &String| {
            let found = scale.macro_average(&scores[name]);
            (name.clone(), found.map(|found| self.cell(found)))
        };
        let judge = |asked: &StudyClaim| {
            let comparison = scale.macro_difference(&scores[&asked.policy], &scores[&asked.than]);
            let finding = asked.claim.decide(comparison, self.roster.seeds());
            let over_seeds = finding.comparison.as_ref().and_then(Comparison::over_seeds);
            let (policy, than) = (asked.policy.clone(), asked.than.clone());
            ClaimRow { policy, than, claim: asked.claim.clone(), finding, over_seeds }
        };
        AverageTable {
            seat: *seat,
            random: random.clone(),
            good: good.clone(),
            trials: bouts.first().map_or(0, |bout| bout.trials),
            columns: policies
                .iter()
                .map(|name| Column { policy: name.clone(), counts: counts[name].clone() })
                .collect(),
            scenarios: bouts.iter().map(row).collect(),
            macro_average: policies.iter().map(whole).collect(),
            claims: claims.iter().map(judge).collect(),
        }
    }

    fn cell(&self, average: Average) -> Cell {
        let Average { mean, ci95, per_seed, items, unpaired: _ } = average;
        let of_seed = |seed: &u64| (*seed, per_seed.get(seed).copied().flatten());
        Cell { mean, ci95, items, per_seed: self.roster.seeds().iter().map(of_seed).collect() }
    }

    /// All seeds of a pairing, pooled cell by cell.
    fn played(&self, bout: &Bout, players: Pair<Player<'_>>) -> Played {
        let mut played = Played::default();
        for seed in self.roster.seeds() {
            let of = decided_by(bout, players, *seed, self.roster);
            match of.and_then(|of| self.found.get(&StudyEvaluation::key(&of))) {
                None => played.counts.missing.push(*seed),
                Some(evaluation) => played.add(*seed, evaluation),
            }
        }
        played
    }

    /// A cell for each arm. Resampled together, since they share their items.
    fn estimated(&self, wanted: &[Option<&Arm>]) -> Vec<Option<Cell>> {
        let there: Vec<&Arm> = wanted.iter().flatten().copied().collect();
        let mut estimates = compare::estimates(&there).into_iter();
        let cell = |arm: &Option<&Arm>| {
            let arm = (*arm)?;
            let Estimate { mean, ci95 } = estimates.next().flatten()?;
            let per_seed = self.roster.seeds().iter().map(|seed| (*seed, arm.rate_of_seed(*seed))).collect();
            Some(Cell { mean, ci95, items: arm.items_with_a_case(), per_seed })
        };
        wanted.iter().map(cell).collect()
    }
}

impl Counts {
    /// Takes what another pairing's numbers are over.
    fn add(&mut self, other: &Counts) {
        let Counts { episodes, lost, faulted, missing } = other;
        self.episodes += episodes;
        self.lost += lost;
        self.faulted += faulted;
        let new: Vec<u64> = missing.iter().filter(|seed| !self.missing.contains(seed)).copied().collect();
        self.missing.extend(new);
    }
}

impl Played {
    fn add(&mut self, seed: u64, evaluation: &StudyEvaluation) {
        self.counts.episodes += evaluation.episodes;
        self.counts.lost += evaluation.lost;
        self.counts.faulted += evaluation.faulted;
        for (name, cells) in &evaluation.metrics {
            let arm = self.arms.entry(name.clone()).or_default();
            for (item, cell) in (0..).zip(cells) {
                cell.iter().for_each(|cell| arm.add(item, seed, (*cell).into()));
            }
        }
    }
}
