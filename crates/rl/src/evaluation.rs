//! What an evaluation found: the counts, every metric with its interval, and how often all or any of k trials succeed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Party;
use sim::Ratio;
use sim::Seat;
use sim::scenario::Condition;

use crate::compare;
use crate::compare::Arm;
use crate::compare::Estimate;
use crate::metrics;

/// One pairing of policies, played on the items of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Trials per item.
    pub trials: u32,
    /// Episodes opened.
    pub episodes: usize,
    /// Episodes that left no record.
    pub lost: usize,
    /// Episodes in which each seat was scored: what its means are over.
    pub scored: Pair<usize>,
    /// Faults by who is answerable, all parties listed.
    pub faults: BTreeMap<String, usize>,
    /// All metrics of [`metrics::observe`] and, for seats with a success condition, `agent/pass@k` and `agent/pass^k` for each k up to `trials`.
    /// `None`: nothing was counted.
    pub metrics: BTreeMap<String, Option<Estimate>>,
}

impl Evaluation {
    /// Sums up the records of `episodes` opened episodes. Items are told apart by their number.
    #[must_use]
    pub fn of(
        records: &[EpisodeRecord],
        episodes: usize,
        trials: u32,
        success: &Pair<Option<Condition>>,
    ) -> Evaluation {
        let mut arms = arms(records, success);
        for seat in Seat::ALL {
            if let Some(condition) = &success[seat] {
                arms.extend(pass_arms(records, seat, condition, trials));
            }
        }
        let estimates = compare::estimates(&arms.values().collect::<Vec<&Arm>>());
        let faults =
            |party: Party| records.iter().filter(|r| r.fault.as_ref().is_some_and(|f| f.party == party)).count();
        Evaluation {
            trials,
            episodes,
            lost: episodes.saturating_sub(records.len()),
            scored: Pair::from_fn(|seat| records.iter().filter(|record| record.scores[seat].is_some()).count()),
            faults: Party::ALL.into_iter().map(|party| (party.name().to_owned(), faults(party))).collect(),
            metrics: arms.into_keys().zip(estimates).collect(),
        }
    }
}

/// One arm for each metric. Episodes of other seeds than the first record's are no problem: a cell is an item under a seed.
#[must_use]
pub fn arms(records: &[EpisodeRecord], success: &Pair<Option<Condition>>) -> BTreeMap<String, Arm> {
    let mut arms: BTreeMap<String, Arm> = BTreeMap::new();
    for record in records {
        for (name, ratio) in metrics::observe(record, success) {
            arms.entry(name).or_default().add(record.casting.item, record.seed, ratio);
        }
    }
    arms
}

/// `SEAT/pass@k` and `SEAT/pass^k` for k = 1, 2, … up to `trials`. An item with fewer than k scored trials says nothing about k.
fn pass_arms(records: &[EpisodeRecord], seat: Seat, condition: &Condition, trials: u32) -> BTreeMap<String, Arm> {
    let mut tallies: BTreeMap<(u32, u64), (u32, u32)> = BTreeMap::new();
    for record in records {
        let tally = tallies.entry((record.casting.item, record.seed)).or_default();
        if let Some(succeeded) = metrics::succeeded(record, seat, condition) {
            *tally = (tally.0 + 1, tally.1 + u32::from(succeeded));
        }
    }
    let mut arms: BTreeMap<String, Arm> = BTreeMap::new();
    for ((item, seed), (played, succeeded)) in tallies {
        for k in 1..=trials {
            let mut add = |name: String, pass: Option<f64>| {
                let ratio = pass.map_or(Ratio::default(), |pass| Ratio::new(pass, 1.0));
                arms.entry(name).or_default().add(item, seed, ratio);
            };
            add(format!("{seat}/pass@{k}"), compare::pass_at_k(played, succeeded, k));
            add(format!("{seat}/pass^{k}"), compare::pass_hat_k(played, succeeded, k));
        }
    }
    arms
}
