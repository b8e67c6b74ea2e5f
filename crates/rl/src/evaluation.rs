//! What an evaluation found: the counts, every metric with its interval, and how often all or any of k trials succeed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Party;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;
use sim::scenario::Condition;

use crate::compare;
use crate::compare::Arm;
use crate::interval::Estimate;
use crate::metrics;
use crate::pass;

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
        let arms = arms(records, trials, success);
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

/// One arm for each metric of [`names`] that could have had a case. Episodes of other seeds than the first record's are no problem: a cell is an
/// item under a seed.
#[must_use]
pub fn arms(records: &[EpisodeRecord], trials: u32, success: &Pair<Option<Condition>>) -> BTreeMap<String, Arm> {
    let mut arms: BTreeMap<String, Arm> = BTreeMap::new();
    for record in records {
        for (name, ratio) in metrics::observe(record, success) {
            arms.entry(name).or_default().add(record.casting.item, record.seed, ratio);
        }
    }
    for seat in Seat::ALL {
        if let Some(condition) = &success[seat] {
            arms.extend(pass_arms(records, seat, condition, trials));
        }
    }
    arms
}

/// Every name that an evaluation of this scenario may have a value for.
#[must_use]
pub fn names(scenario: &Scenario, trials: u32) -> BTreeSet<String> {
    let mut names = metrics::names(scenario);
    for seat in Seat::ALL.into_iter().filter(|seat| scenario.success[*seat].is_some()) {
        names.extend((1..=trials).flat_map(|k| [format!("{seat}/pass@{k}"), format!("{seat}/pass^{k}")]));
    }
    names
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
            let mut add = |name: String, chance: Option<f64>| {
                let ratio = chance.map_or(Ratio::default(), |chance| Ratio::new(chance, 1.0));
                arms.entry(name).or_default().add(item, seed, ratio);
            };
            add(format!("{seat}/pass@{k}"), pass::any_of_k(played, succeeded, k));
            add(format!("{seat}/pass^{k}"), pass::all_of_k(played, succeeded, k));
        }
    }
    arms
}

#[cfg(test)]
mod tests {
    use sim::Fault;
    use sim::FaultKind;

    use super::*;
    use crate::fixtures;

    /// The agent's score in two trials of each of four items; success is a score above ½.
    const SCORES: [[f64; 2]; 4] = [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]];

    fn records() -> Vec<EpisodeRecord> {
        let places = (0..4u32).flat_map(|item| (0..2u32).map(move |trial| (item, trial)));
        places
            .map(|(item, trial)| {
                let mut record = fixtures::record(item, 1, &[SCORES[item as usize][trial as usize]], &[0.5]);
                record.casting.item = item;
                record.casting.id.trial = trial;
                record
            })
            .collect()
    }

    fn evaluate(records: &[EpisodeRecord]) -> Evaluation {
        let success = Pair { agent: Some("agent.score > 0.5".parse().expect("a condition")), user: None };
        Evaluation::of(records, 8, 2, &success)
    }

    fn mean(evaluation: &Evaluation, name: &str) -> Option<f64> {
        evaluation.metrics[name].map(|estimate| estimate.mean)
    }

    #[test]
    fn any_and_all_of_k_trials_are_counted_by_item() {
        let evaluation = evaluate(&records());
        assert_eq!(mean(&evaluation, "agent/score/mean"), Some(5.0 / 8.0));
        assert_eq!(mean(&evaluation, "agent/success"), Some(5.0 / 8.0));
        assert_eq!(mean(&evaluation, "agent/pass@1"), Some(5.0 / 8.0));
        assert_eq!(mean(&evaluation, "agent/pass@2"), Some(3.0 / 4.0));
        assert_eq!(mean(&evaluation, "agent/pass^2"), Some(2.0 / 4.0));
        assert!(!evaluation.metrics.contains_key("user/pass@1"));
        let ci95 = evaluation.metrics["agent/score/mean"].expect("scored").ci95.expect("four items");
        assert!(ci95.low < 0.3 && ci95.high == 1.0, "{ci95:?}");
    }

    #[test]
    fn every_metric_of_an_evaluation_has_a_name_that_is_known_beforehand() {
        let scenario = sim::gyms::haggle::example();
        let evaluation = Evaluation::of(&records(), 8, 2, &scenario.success);
        let names = names(&scenario, 2);
        assert!(evaluation.metrics.keys().all(|name| names.contains(name)), "{:?}", evaluation.metrics.keys());
        assert!(names.contains("agent/pass^2") && !names.contains("agent/pass^3") && names.contains("deal_with_zone"));
    }

    #[test]
    fn an_item_with_a_lost_trial_says_nothing_about_both() {
        let mut records = records();
        records.remove(0);
        records[6].fault = Some(Fault::new(Party::Infrastructure, FaultKind::Deadline, "too late"));
        records[6].verdict = None;
        records[6].scores = Pair::default();
        let evaluation = evaluate(&records);
        assert_eq!((evaluation.episodes, evaluation.lost, evaluation.faults["infra"]), (8, 1, 1));
        assert_eq!(evaluation.scored, Pair { agent: 6, user: 6 });
        // Items 1 and 2 alone have two trials: one success of two, and none.
        assert_eq!(mean(&evaluation, "agent/pass@2"), Some(0.5));
        assert_eq!(mean(&evaluation, "agent/pass^2"), Some(0.0));
        // All four have one: chances 1, ½, 0, 1.
        assert_eq!(mean(&evaluation, "agent/pass@1"), Some(0.625));
    }
}
