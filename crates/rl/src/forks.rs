//! Groups of turns: when a step's talks have been played, some are forked at one turn of a seat that learns, and the alternatives to that turn are
//! judged against each other (UserLM-R1, arXiv 2601.09215 §3, whose groups are alternative turns for the same state; look-ahead: CollabLLM,
//! arXiv 2502.00640 eq. 2).
//!
//! ```text
//!  talk         a ── u ── a ── u ── a ── u          one of the step's episodes
//!                              │
//!  alternatives                ├─ u¹ ┐              sampled apart; what each turn earns, or
//!                              ├─ u² ├─ z           what its futures come to on the average,
//!                              └─ u³ ┘              trains the tokens of that turn alone
//!  futures                        ├─ a ── u …       number 1, 2, …: each number has the same luck behind
//!                                 └─ a ── u …       every alternative
//! ```
//!
//! Alternatives are numbered as the members of a group of their own, futures as its trials: so every episode has an id, and draws by its place.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use sim::Address;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::Pair;
use sim::Party;
use sim::Phase;
use sim::Reward;
use sim::Seat;
use sim::Stop;
use sim::draws::Stream;
use sim::forked_casting;
use sim::record::Casting;
use sim::record::Reach;

use crate::credit;
use crate::group::Member;
use crate::group::is_flat;
use crate::plan;
use crate::settings::ForkSettings;
use crate::settings::GrpoSettings;
use crate::shaping;

/// Whether an episode is one of a step's talks, and no fork of one.
#[must_use]
pub fn is_talk(casting: &Casting) -> bool {
    casting.fork.is_none()
}

/// The alternatives of one step, in id order: `castings` and `records` are those of its talks. They are drawn among the talks that train the seat and
/// that no fault ended; there are fewer where there are too few talks, and none where the settings have none.
#[must_use]
pub fn alternatives(
    settings: &GrpoSettings,
    castings: &[Casting],
    records: &[EpisodeRecord],
    seed: u64,
    step: u64,
) -> Vec<Casting> {
    let Some(forks) = settings.forks else { return Vec::new() };
    let mut group = castings.iter().map(|casting| casting.id.group + 1).max().unwrap_or(0);
    let mut found = Vec::new();
    let learns = plan::learns(settings.mode, step);
    for seat in Seat::ALL.into_iter().filter(|seat| learns[*seat]) {
        for record in drawn(records, seat, forks.talks, seed, step) {
            found.extend(alternatives_of(record, seat, group, forks.alternatives, seed));
            group += 1;
        }
    }
    found
}

/// So many of the talks from which the seat can learn, whatever order they come in.
fn drawn(records: &[EpisodeRecord], seat: Seat, talks: u32, seed: u64, step: u64) -> Vec<&EpisodeRecord> {
    let can_be_forked = |record: &&EpisodeRecord| {
        let casting = &record.casting;
        is_talk(casting) && casting.learns[seat] && record.fault.is_none() && record.turns_of(seat).next().is_some()
    };
    let mut candidates: Vec<&EpisodeRecord> = records.iter().filter(can_be_forked).collect();
    candidates.sort_by_key(|record| record.casting.id);
    let place = EpisodeId { phase: Phase::Grpo, round: step, group: 0, trial: 0, member: 0 };
    place.address(seed).draws(Stream::Fork(seat)).shuffle(&mut candidates);
    candidates.truncate(talks as usize);
    candidates.sort_by_key(|record| record.casting.id);
    candidates
}

/// The alternatives to one of the seat's turns, each as likely.
fn alternatives_of(
    record: &EpisodeRecord,
    seat: Seat,
    group: u32,
    count: u32,
    seed: u64,
) -> impl Iterator<Item = Casting> {
    let own: Vec<usize> = (0..record.turns.len()).filter(|at| record.turns[*at].seat == seat).collect();
    let address: Address = record.casting.token_address(seed);
    let turn = *address.draws(Stream::Fork(seat)).pick(&own) as u32;
    (1..=count).map(move |member| {
        let id = EpisodeId { group, trial: 0, member, ..record.casting.id };
        Casting { learns: Pair::from_fn(|learner| learner == seat), ..forked_casting(record, id, turn, Reach::Turn) }
    })
}

/// The futures of the step's alternatives, in id order. An alternative that ended the talk has none, nor has one that was lost. They train nobody.
#[must_use]
pub fn futures(settings: &GrpoSettings, alternatives: &[EpisodeRecord]) -> Vec<Casting> {
    let Some(forks) = settings.forks else { return Vec::new() };
    let cut = alternatives.iter().filter(|record| record.stop == Some(Stop::Cut));
    let mut found: Vec<Casting> = cut.flat_map(|record| futures_of(record, forks)).collect();
    found.sort_by_key(|casting| casting.id);
    found
}

fn futures_of(record: &EpisodeRecord, forks: ForkSettings) -> impl Iterator<Item = Casting> {
    let turn = record.turns.len() as u32;
    (1..=forks.futures).map(move |trial| {
        let id = EpisodeId { trial, ..record.casting.id };
        Casting { learns: Pair::default(), ..forked_casting(record, id, turn, Reach::Rest(forks.future_turns)) }
    })
}

/// Those of the records that these castings go on from, by id.
#[must_use]
pub fn past(castings: &[Casting], records: &[EpisodeRecord]) -> BTreeMap<EpisodeId, EpisodeRecord> {
    let needed: BTreeSet<EpisodeId> = castings.iter().filter_map(|casting| Some(casting.fork?.from)).collect();
    let found = records.iter().filter(|record| needed.contains(&record.casting.id));
    found.map(|record| (record.casting.id, record.clone())).collect()
}

/// What a group of alternatives teaches.
#[derive(Clone, Debug, PartialEq)]
pub enum TurnGroup<'a> {
    /// The seat learns from these; each has one reward, its worth.
    Learned {
        /// Those that count.
        members: Vec<Member<'a>>,
        /// Unbiased standard deviation of their worths.
        std: f64,
    },
    /// Fewer than two are worth anything that is known.
    TooFew,
    /// All are worth the same.
    NoVariance,
}

impl TurnGroup<'_> {
    /// What `seat` can learn from the alternatives of one group; `futures` are those of the step.
    ///
    /// An alternative is judged against the mean of the others, in standard deviations if `normalize_std` says so, whatever the talks' baseline: it is
    /// one state that they share.
    #[must_use]
    pub fn of<'a>(
        alternatives: &[&'a EpisodeRecord],
        futures: &[&EpisodeRecord],
        seat: Seat,
        settings: &GrpoSettings,
    ) -> TurnGroup<'a> {
        let worth = |record: &EpisodeRecord| worth(record, futures, seat, settings);
        let (counting, worths): (Vec<&EpisodeRecord>, Vec<f64>) =
            alternatives.iter().filter_map(|record| Some((*record, worth(record)?))).unzip();
        if worths.len() < 2 {
            return TurnGroup::TooFew;
        }
        if is_flat(&worths) {
            return TurnGroup::NoVariance;
        }
        let zs = credit::standardize(&worths, settings.std_eps, settings.normalize_std);
        let members = counting.into_iter().zip(worths.iter().zip(zs));
        TurnGroup::Learned {
            members: members
                .map(|(record, (worth, z))| Member { record, rewards: vec![*worth], score: *worth, z })
                .collect(),
            std: credit::std_unbiased(&worths),
        }
    }
}

/// What an alternative is worth to the seat; `None` if nobody can say.
///
/// Without futures it is what the turn earned, terms of the whole talk left out. With futures it is the mean of what the talks came to that lead over it,
/// from their beginning, over those in which the seat was scored: what was earned before the fork is the same for all alternatives, and the seat's gates
/// are held against the whole. Of an alternative that ended the talk it is what that came to. A seat that failed with it has the scenario's least, as in
/// a group of talks.
fn worth(record: &EpisodeRecord, futures: &[&EpisodeRecord], seat: Seat, settings: &GrpoSettings) -> Option<f64> {
    let looks_ahead = settings.forks.is_some_and(|forks| forks.futures > 0);
    // What a turn earns by itself no judge has to say.
    let is_broken = |fault: &Fault| looks_ahead || fault.party != Party::Judge;
    if record.fault.as_ref().is_some_and(is_broken) {
        return None;
    }
    match record.stop? {
        Stop::Failed(failed) => (failed == seat).then(|| record.scores[seat]).flatten(),
        Stop::Cut if looks_ahead => {
            let id = record.casting.id;
            let behind = futures.iter().filter(|future| EpisodeId { trial: 0, ..future.casting.id } == id);
            let worths: Vec<f64> = behind.filter_map(|future| whole(future, seat, settings)).collect();
            (!worths.is_empty()).then(|| worths.iter().sum::<f64>() / worths.len() as f64)
        }
        Stop::Terminated | Stop::Truncated if looks_ahead => whole(record, seat, settings),
        Stop::Terminated | Stop::Truncated | Stop::Cut => earned(record, seat, settings),
    }
}

/// What the forked turn earned by itself, less what training takes off it.
fn earned(record: &EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> Option<f64> {
    let turn = record.turns.get(record.casting.fork?.turn as usize)?;
    let rewards = turn.effect.as_ref()?.rewards.iter().filter(|reward| reward.seat == seat);
    let earned = rewards.map(Reward::weighted).fold(0.0, |sum, reward| sum + reward);
    let own = own_before(record, seat);
    let off = shaping::deductions(record, seat, settings).into_iter();
    Some(off.fold(earned, |left, deduction| left - deduction.shares.get(own).map_or(0.0, |s| s * deduction.amount)))
}

/// The score of the talk, as in a group of talks; `None` if the seat was not scored.
fn whole(record: &EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> Option<f64> {
    let rewards = shaping::turn_rewards(record, seat, settings)?;
    Some(credit::trajectory_score(settings.trajectory_score, &rewards, settings.gamma))
}

/// How many turns the seat had before the fork; 0 of a talk.
#[must_use]
pub fn own_before(record: &EpisodeRecord, seat: Seat) -> usize {
    let before = record.casting.fork.map_or(0, |fork| fork.turn as usize);
    record.turns.iter().take(before).filter(|turn| turn.seat == seat).count()
}

#[cfg(test)]
mod tests;
