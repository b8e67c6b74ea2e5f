//! How much of everything: episodes, tokens of each phase, evaluations, bytes on disk.

use std::collections::BTreeMap;

use rl::plan;
use rl::schedule;
use serde::Serialize;
use sim::EpisodeId;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::Thinking;
use sim::record::Casting;
use sim::scenario::Split;
use text::Dialect;

use crate::cold_start::Samples;
use crate::plan::groups;
use crate::plan::groups::Groups;
use crate::plan::models::Models;
use crate::remotes::is_elsewhere;
use crate::setup::Setup;
use crate::train;

/// Batches of the cold start that are drawn to find how large they are.
const BATCHES_DRAWN: u64 = 50;

/// Everything that is counted.
#[derive(Clone, Debug, Serialize)]
pub struct Budget {
    /// Phase by phase, in order.
    pub phases: Vec<PhaseBudget>,
    /// Episodes of all of them.
    pub episodes: u64,
    /// Steps after which the seats are measured, 0 being the end of the cold start.
    pub evaluations: u64,
    /// In how many episodes each model that lives elsewhere plays; each of its turns and answers there is a request or more. Groups that are
    /// played in place of others are not counted; of futures of forked talks, as many as can be expected.
    pub elsewhere: BTreeMap<String, u64>,
    /// What is written to disk.
    pub disk: Disk,
}

/// One phase.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseBudget {
    /// `cold start`, `gate`, `grpo` or `evaluation`.
    pub phase: &'static str,
    /// How often a model is updated, both seats together.
    pub updates: u64,
    /// Episodes it plays.
    pub episodes: u64,
    /// Tokens that each seat's model writes.
    pub sampled: Pair<Tokens>,
    /// Tokens that each seat's model reads to learn, its own and all it was shown.
    pub learned: Pair<Tokens>,
}

/// A number of tokens, with its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// It cannot be less.
    pub min: u64,
    /// If talks are as long as the teacher's.
    pub expected: u64,
    /// It cannot be more.
    pub max: u64,
}

/// Bytes on disk. The log of episodes is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Commits of the whole run.
    pub commits: u64,
    /// Checkpoints there are at its end.
    pub checkpoints_kept: u64,
    /// Their bytes.
    pub kept_bytes: u64,
    /// The most bytes there are at any time: while the next one is written, none has been removed yet.
    pub peak_bytes: u64,
    /// Bytes of all commits together.
    pub written_bytes: u64,
}

impl Budget {
    /// The budget of a run with these lessons.
    #[must_use]
    pub fn of(setup: &Setup, dialect: &Dialect, samples: &Samples, models: &Models) -> Budget {
        let grpo = &setup.settings.grpo;
        let evaluated = |step: &u64| schedule::is_due(setup.settings.eval.every, grpo.steps, *step);
        let evaluations = (0..=grpo.steps).filter(evaluated).count() as u64;
        let usual = Talk::of(setup, samples);
        let phases = vec![
            cold_start(setup, samples),
            gate(setup, dialect),
            reinforcement(setup, samples, &usual),
            evaluation(setup, &usual, evaluations),
        ];
        let episodes = phases.iter().map(|phase| phase.episodes).sum();
        Budget { phases, episodes, evaluations, elsewhere: elsewhere(setup, evaluations), disk: disk(setup, models) }
    }
}

/// One talk's tokens, for each seat, where a model sits there.
struct Talk {
    own: Pair<Tokens>,
    stream: Pair<Tokens>,
}

impl Talk {
    fn of(setup: &Setup, samples: &Samples) -> Talk {
        let context = u64::try_from(setup.settings.model.max_position_embeddings).unwrap_or(0);
        let mix = &setup.mix;
        let longest = |scenario: &Scenario, seat: Seat| {
            u64::from(scenario.turns_max) * u64::from(scenario.seats[seat].tokens_max)
        };
        let own = Pair::from_fn(|seat| Tokens {
            // Whoever speaks first writes a token at least; the other may never come to speak.
            min: u64::from(mix.scenarios().all(|scenario| first_speaker(setup, scenario) == seat)),
            expected: samples.usual(seat).own.round() as u64,
            max: mix.scenarios().map(|scenario| longest(scenario, seat)).max().unwrap_or(0).min(context),
        });
        let strips = setup.settings.base.as_ref().is_some_and(|base| base.thinking == Thinking::Strip);
        // Where each turn is a sample of its own, each of them reads what came before it.
        let read =
            if strips { mix.scenarios().map(|scenario| u64::from(scenario.turns_max)).max().unwrap_or(1) } else { 1 };
        // A group may be skipped, and then nothing is learned from it.
        let stream = Pair::from_fn(|seat| Tokens {
            min: 0,
            expected: samples.usual(seat).stream.round() as u64,
            max: context * read,
        });
        Talk { own, stream }
    }
}

fn first_speaker(setup: &Setup, scenario: &Scenario) -> Seat {
    let id = EpisodeId { phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 1 };
    let casting = Casting::new(id, Split::Train, 0, Pair::default());
    scenario.rules.world(scenario, &casting, setup.settings.seed).first()
}

impl Tokens {
    fn times(self, count: u64) -> Tokens {
        let Tokens { min, expected, max } = self;
        Tokens { min: min * count, expected: expected * count, max: max * count }
    }

    fn plus(self, other: Tokens) -> Tokens {
        Tokens { min: self.min + other.min, expected: self.expected + other.expected, max: self.max + other.max }
    }
}

/// Nothing is played: the dialogues are there before.
fn cold_start(setup: &Setup, samples: &Samples) -> PhaseBudget {
    let sft = &setup.settings.sft;
    let learning = setup.learning();
    let least = sft.tokens_per_update as u64;
    let learned = Pair::from_fn(|seat| match learning[seat] {
        true => Tokens {
            min: least * sft.updates,
            expected: (batch_len(samples, seat, sft.updates) * sft.updates as f64).round() as u64,
            // A batch ends with the sample that fills it.
            max: (least + samples.longest().saturating_sub(1) as u64) * sft.updates,
        },
        false => Tokens::default(),
    });
    PhaseBudget {
        phase: "cold start",
        updates: sft.updates * count(setup.places()),
        episodes: 0,
        sampled: Pair::default(),
        learned,
    }
}

/// Mean tokens of a batch of the cold start, over some of the very batches that are drawn in training.
fn batch_len(samples: &Samples, seat: Seat, updates: u64) -> f64 {
    let every = (updates / BATCHES_DRAWN).max(1) as usize;
    let drawn = (1..=updates).step_by(every).map(|update| samples.batch(seat, update));
    let lens: Vec<usize> = drawn.map(|batch| batch.samples.iter().map(|sample| sample.tokens.len()).sum()).collect();
    lens.iter().sum::<usize>() as f64 / lens.len().max(1) as f64
}

/// Held-out drills, their last questions; a right answer is as long as it is.
fn gate(setup: &Setup, dialect: &Dialect) -> PhaseBudget {
    let sampled = Pair::from_fn(|seat| {
        let drills = train::probes(&setup.mix, seat).into_iter();
        let one = |drill: sim::gyms::Drill| {
            let most = u64::from(train::probe_tokens_max(&drill, dialect));
            Tokens { min: 1, expected: most, max: most }
        };
        match setup.learning()[seat] && setup.settings.sft.updates > 0 {
            true => drills.map(one).fold(Tokens::default(), Tokens::plus),
            false => Tokens::default(),
        }
    });
    PhaseBudget { phase: "gate", updates: 0, episodes: 0, sampled, learned: Pair::default() }
}

fn reinforcement(setup: &Setup, samples: &Samples, talk: &Talk) -> PhaseBudget {
    let kinds = groups::kinds(setup);
    let sum = |of: &dyn Fn(&Groups) -> u64| kinds.iter().map(|kind| kind.steps * of(kind)).sum::<u64>();
    let played = |kind: &Groups, keep: &dyn Fn(&groups::Table) -> bool| {
        kind.played.iter().filter(|table| keep(table)).map(|table| table.groups * table.group_size).sum()
    };
    // Every group may be played anew so often.
    let most = 1 + u64::from(setup.settings.grpo.refills());
    let refilled = |tokens: Tokens| Tokens { max: tokens.max * most, ..tokens };
    let sampled = Pair::from_fn(|seat| {
        let is_model = |table: &groups::Table| table.policies[seat] == plan::MODEL;
        refilled(talk.own[seat].times(sum(&|kind| played(kind, &is_model))))
    });
    let learned = Pair::from_fn(|seat| {
        let trains = |table: &groups::Table| table.trains[seat];
        refilled(talk.stream[seat].times(sum(&|kind| played(kind, &trains))))
    });
    let forked = Forked::of(setup, talk);
    let again = |seat: Seat| {
        let trains = |table: &groups::Table| table.trains[seat];
        let own = refilled(talk.own[seat].times(sum(&|kind| played(kind, &trains))));
        let forks = forked.alternatives[seat].times(sum(&|kind| u64::from(kind.learns[seat])));
        replayed(setup, samples, seat, own.plus(forks))
    };
    PhaseBudget {
        phase: "grpo",
        updates: sum(&|kind| count(setup.settings.seats.places(kind.learns))),
        episodes: sum(&|kind| kind.episodes) + sum(&|kind| count(kind.learns) * forked.episodes),
        sampled: Pair::from_fn(|seat| {
            let own = forked.alternatives[seat].times(sum(&|kind| u64::from(kind.learns[seat])));
            let played = u64::from(setup.learning()[seat]) * sum(&|kind| count(kind.learns));
            sampled[seat].plus(own).plus(forked.futures[seat].times(played))
        }),
        learned: Pair::from_fn(|seat| {
            let forks = forked.learned[seat].times(sum(&|kind| u64::from(kind.learns[seat])));
            learned[seat].plus(forks).plus(again(seat))
        }),
    }
}

/// What is read of the cold start beside so many own tokens.
fn replayed(setup: &Setup, samples: &Samples, seat: Seat, own: Tokens) -> Tokens {
    let Some(replay) = setup.settings.grpo.replay else { return Tokens::default() };
    let (usual, most) = samples.read_for_each(seat);
    let read = |own: u64, each: f64| (replay.beside(own as f64) * each).ceil() as u64;
    // Each update draws until it is enough, and so one sample more at most.
    let over = setup.settings.grpo.steps * samples.longest() as u64;
    Tokens { min: 0, expected: read(own.expected, usual), max: read(own.max, most) + over }
}

/// What forking talks for one seat takes in one step. How much of a talk is left behind its fork nobody knows: half of it, as far as can be expected.
#[derive(Default)]
struct Forked {
    episodes: u64,
    /// Tokens of the forked turns, where they are this seat's.
    alternatives: Pair<Tokens>,
    /// Tokens of what comes behind them.
    futures: Pair<Tokens>,
    learned: Pair<Tokens>,
}

impl Forked {
    fn of(setup: &Setup, talk: &Talk) -> Forked {
        let Some(forks) = setup.settings.grpo.forks else { return Forked::default() };
        let alternatives = u64::from(forks.talks) * u64::from(forks.alternatives);
        let futures = alternatives * u64::from(forks.futures);
        let half = |tokens: Tokens| Tokens { min: 0, expected: tokens.expected / 2, max: tokens.max };
        let turn = |seat: Seat| {
            let most = setup.mix.scenarios().map(|scenario| u64::from(scenario.seats[seat].tokens_max)).max();
            let most = most.unwrap_or(0);
            Tokens { min: 0, expected: half(talk.own[seat]).expected.min(most), max: most }
        };
        Forked {
            episodes: alternatives + futures,
            alternatives: Pair::from_fn(|seat| turn(seat).times(alternatives)),
            futures: Pair::from_fn(|seat| half(talk.own[seat]).times(futures)),
            learned: Pair::from_fn(|seat| half(talk.stream[seat]).times(alternatives)),
        }
    }
}

fn evaluation(setup: &Setup, talk: &Talk, evaluations: u64) -> PhaseBudget {
    let castings = train::eval_castings(setup, 0);
    let sampled = Pair::from_fn(|seat| talk.own[seat].times(groups::modelled(&castings, seat) * evaluations));
    let episodes = castings.len() as u64 * evaluations;
    PhaseBudget { phase: "evaluation", updates: 0, episodes, sampled, learned: Pair::default() }
}

fn elsewhere(setup: &Setup, evaluations: u64) -> BTreeMap<String, u64> {
    let mut episodes = BTreeMap::new();
    let mut add = |policies: &Pair<String>, count: u64| {
        for (_, policy) in policies.iter().filter(|(_, policy)| is_elsewhere(policy)) {
            *episodes.entry(policy.clone()).or_default() += count;
        }
    };
    for kind in groups::kinds(setup) {
        for table in &kind.played {
            add(&table.policies, kind.steps * (table.groups * table.group_size + futures(setup, &kind, table)));
        }
    }
    train::eval_castings(setup, 0).iter().for_each(|casting| add(&casting.policies, evaluations));
    episodes
}

/// Futures of a step's forks whose talks are of one table: talks are drawn among all that train a seat, each as likely.
fn futures(setup: &Setup, kind: &Groups, table: &groups::Table) -> u64 {
    let Some(forks) = setup.settings.grpo.forks else { return 0 };
    let episodes = |table: &groups::Table| table.groups * table.group_size;
    let of_seat = |seat: Seat| {
        let all: u64 = kind.played.iter().filter(|table| table.trains[seat]).map(episodes).sum();
        let forked = u64::from(forks.talks).min(all) * u64::from(forks.alternatives) * u64::from(forks.futures);
        (forked * episodes(table)).div_ceil(all.max(1))
    };
    Seat::ALL.into_iter().filter(|seat| table.trains[*seat]).map(of_seat).sum()
}

fn count(seats: Pair<bool>) -> u64 {
    seats.iter().filter(|(_, learns)| **learns).count() as u64
}

/// Goes through the commits as the run will, oldest first.
fn disk(setup: &Setup, models: &Models) -> Disk {
    let settings = &setup.settings;
    let (updates, steps) = (settings.sft.updates, settings.grpo.steps);
    let mut shelf = Shelf::new(settings.checkpoints.keep);
    let early = |update: &u64| schedule::cold_start_commits(settings.checkpoints.sft_every, updates, *update);
    let pool = settings.grpo.cotraining.pool;
    let is_met = |step: u64| pool.is_some_and(|pool| pool.is_due(step));
    let late =
        |step: &u64| *step == 0 || is_met(*step) || schedule::is_due(settings.checkpoints.grpo_every, steps, *step);
    (1..=updates).filter(early).for_each(|_| shelf.commit(models.cold_start_checkpoint_bytes, None, &[]));
    // The one at step 0 is committed when the reference is there.
    (0..=steps).filter(late).for_each(|step| {
        let spared: Vec<u64> = pool.iter().flat_map(|pool| pool.members(step)).chain([0]).collect();
        shelf.commit(models.checkpoint_bytes, Some(step), &spared);
    });
    shelf.disk
}

/// The checkpoints of a run, as `runs::Checkpoints` thins them out.
struct Shelf {
    keep: usize,
    /// All there are, oldest first: bytes, and the step; `None` in the cold start.
    all: Vec<(u64, Option<u64>)>,
    disk: Disk,
}

impl Shelf {
    fn new(keep: usize) -> Shelf {
        let disk = Disk { commits: 0, checkpoints_kept: 0, kept_bytes: 0, peak_bytes: 0, written_bytes: 0 };
        Shelf { keep: keep.max(1), all: Vec::new(), disk }
    }

    /// `spared` are steps whose checkpoints stay however old they are.
    fn commit(&mut self, bytes: u64, step: Option<u64>, spared: &[u64]) {
        let disk = &mut self.disk;
        disk.commits += 1;
        disk.checkpoints_kept += 1;
        disk.kept_bytes += bytes;
        disk.written_bytes += bytes;
        disk.peak_bytes = disk.peak_bytes.max(disk.kept_bytes);
        self.all.push((bytes, step));
        let old = self.all.len().saturating_sub(self.keep);
        let newest = self.all.split_off(old);
        self.all.retain(|(_, step)| step.is_some_and(|step| spared.contains(&step)));
        self.all.extend(newest);
        disk.checkpoints_kept = self.all.len() as u64;
        disk.kept_bytes = self.all.iter().map(|(bytes, _)| bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_checkpoints_stay_and_the_one_after_the_cold_start_besides() {
        let mut shelf = Shelf::new(2);
        for (bytes, step) in [(10, None), (10, None), (10, None), (20, Some(0)), (20, Some(1))] {
            shelf.commit(bytes, step, &[0]);
        }
        // Step 0 is among the two newest. Three stood there while the last was written: 10 and 20, and 20 more.
        let disk = Disk { commits: 5, checkpoints_kept: 2, kept_bytes: 40, peak_bytes: 50, written_bytes: 70 };
        assert_eq!(shelf.disk, disk);
        shelf.commit(20, Some(2), &[0]);
        shelf.commit(20, Some(3), &[0]);
        let disk = Disk { commits: 7, checkpoints_kept: 3, kept_bytes: 60, peak_bytes: 80, written_bytes: 110 };
        assert_eq!(shelf.disk, disk);
        // What is met stays, until it is not: 0, 2, 3, 4, and then 0, 4, 5.
        shelf.commit(20, Some(4), &[0, 2]);
        assert_eq!((shelf.disk.checkpoints_kept, shelf.disk.kept_bytes), (4, 80));
        shelf.commit(20, Some(5), &[0]);
        assert_eq!((shelf.disk.checkpoints_kept, shelf.disk.peak_bytes), (3, 100));
    }
}
