//! What a set of episodes looks like in numbers: names and values, each value with its number of cases behind it.
//!
//! An episode gives a [`Ratio`] for each name ([`observe`]); pooling adds numerators and denominators, so every metric is a ratio of sums
//! and an episode without a case adds nothing. `docs/METRICS.md` has each name with its formula.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::FaultKind;
use sim::Generation;
use sim::NoAct;
use sim::Pair;
use sim::Party;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;
use sim::Stop;
use sim::Turn;
use sim::scenario::Condition;

use crate::audit::blame;
use crate::audit::is_spoiled_by_user;

/// Metric names and values, in the order of their names. `None`: there was nothing to count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metrics(BTreeMap<String, Option<f64>>);

impl Metrics {
    /// Sets one value; a value that is no finite number becomes `None`.
    pub fn set(&mut self, name: impl Into<String>, value: Option<f64>) {
        self.0.insert(name.into(), value.filter(|value| value.is_finite()));
    }

    /// One value; `None` too if the name is unknown.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied().flatten()
    }

    /// Takes all values of `other`; where both have a name, the other's counts.
    pub fn extend(&mut self, other: Metrics) {
        self.0.extend(other.0);
    }

    /// All names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// Pools the records of `opened` episodes. What was opened and left no record was lost.
#[must_use]
pub fn pool(records: &[EpisodeRecord], opened: usize, success: &Pair<Option<Condition>>) -> Metrics {
    let mut metrics = Metrics::default();
    let mut ratios: BTreeMap<String, Ratio> = BTreeMap::new();
    for record in records {
        for (name, ratio) in observe(record, success) {
            *ratios.entry(name).or_default() += ratio;
        }
    }
    for (name, ratio) in ratios {
        metrics.set(name, ratio.rate());
    }
    let count = |counts: &dyn Fn(&EpisodeRecord) -> bool| Some(records.iter().filter(|r| counts(r)).count() as f64);
    metrics.set("episodes", Some(opened as f64));
    metrics.set("lost", Some(opened.saturating_sub(records.len()) as f64));
    for seat in Seat::ALL {
        metrics.set(format!("{seat}/scored"), count(&|record| record.scores[seat].is_some()));
    }
    for party in Party::ALL {
        let name = format!("faults/{}", party.name());
        metrics.set(name, count(&|record| record.fault.as_ref().is_some_and(|fault| fault.party == party)));
    }
    let blamed: Vec<Party> =
        records.iter().filter_map(|record| Some(blame(record, success.agent.as_ref())?.party)).collect();
    for party in Party::ALL {
        let count = blamed.iter().filter(|other| **other == party).count();
        metrics.set(format!("blame/{}", party.name()), Some(count as f64));
    }
    let late = |record: &EpisodeRecord| record.fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::Deadline);
    metrics.set("deadlines", count(&late));
    metrics
}

/// What one episode adds to each metric. Every name that could have had a case is there, if only with (0, 0); an episode that faulted adds
/// nothing else, since its numbers are cut short.
#[must_use]
pub fn observe(record: &EpisodeRecord, success: &Pair<Option<Condition>>) -> BTreeMap<String, Ratio> {
    let mut ratios = BTreeMap::new();
    for seat in Seat::ALL {
        ratios.insert(format!("{seat}/score/mean"), of_value(record.scores[seat]));
        ratios.insert(format!("{seat}/reward/mean"), of_value(reward(record, seat)));
        if let Some(condition) = &success[seat] {
            let succeeded = succeeded(record, seat, condition);
            ratios.insert(format!("{seat}/success"), succeeded.map_or(Ratio::default(), Ratio::yes));
        }
    }
    if let (Some(stop), None) = (record.stop, &record.fault) {
        observe_stop(stop, &mut ratios);
        ratios.insert("turns/mean".to_owned(), Ratio::new(record.turns.len() as f64, 1.0));
        ratios.insert("user/spoiled".to_owned(), Ratio::yes(is_spoiled_by_user(record)));
        for seat in Seat::ALL {
            observe_turns(record, seat, &mut ratios);
        }
    }
    if let Some(verdict) = &record.verdict {
        ratios.extend(verdict.measures.iter().map(|(name, ratio)| (name.clone(), *ratio)));
    }
    ratios
}

/// Every name that [`observe`] may give to an episode of this scenario.
#[must_use]
pub fn names(scenario: &Scenario) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = scenario.measures().into_iter().collect();
    names.insert("turns/mean".to_owned());
    names.insert("user/spoiled".to_owned());
    names.extend(STOPS.map(stop_name));
    for seat in Seat::ALL {
        names.extend(OF_SEAT.map(|name| format!("{seat}/{name}")));
        names.extend(scenario.success[seat].iter().map(|_| format!("{seat}/success")));
    }
    names
}

/// Whether a metric is known of every gym; some gyms measure one of the same name.
#[must_use]
pub fn is_of_every_gym(name: &str) -> bool {
    let of_seat = Seat::ALL.iter().any(|seat| OF_SEAT.iter().any(|of| name == format!("{seat}/{of}")));
    of_seat || ["turns/mean", "user/spoiled"].contains(&name) || STOPS.iter().any(|stop| name == stop_name(*stop))
}

/// Whether a metric is a mean over episodes, each of which has one case or none; all others are ratios of sums. Means are compared by their
/// per-item differences, the others by the difference of the two ratios.
#[must_use]
pub fn is_mean(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    ["mean", "success"].contains(&last) || last.starts_with("pass@") || last.starts_with("pass^")
}

/// What trained or would have trained the seat: outcomes and training terms; its worst score if it failed. `None` if it was not scored.
#[must_use]
pub fn reward(record: &EpisodeRecord, seat: Seat) -> Option<f64> {
    let score = record.scores[seat]?;
    Some(record.verdict.as_ref().map_or(score, |verdict| verdict.reward(seat)))
}

/// Whether the episode was a success for the seat. A seat that failed by itself had none; `None` if nobody can say: a fault, the partner's
/// failure, or a measure without a case.
#[must_use]
pub fn succeeded(record: &EpisodeRecord, seat: Seat, condition: &Condition) -> Option<bool> {
    match (&record.verdict, record.stop) {
        (Some(verdict), _) => condition.holds(verdict),
        (None, Some(Stop::Failed(failed))) if failed == seat => Some(false),
        (None, _) => None,
    }
}

fn of_value(value: Option<f64>) -> Ratio {
    value.map_or(Ratio::default(), |value| Ratio::new(value, 1.0))
}

/// The ways in which a talk can end; an alternative is cut, and is no talk.
const STOPS: [Stop; 4] = [Stop::Terminated, Stop::Truncated, Stop::Failed(Seat::Agent), Stop::Failed(Seat::User)];

/// What [`observe`] says of each seat, besides success.
const OF_SEAT: [&str; 9] = [
    "score/mean",
    "reward/mean",
    "turns/mean",
    "malformed",
    "tokens/thought",
    "tokens/reply",
    "logprob_sampled/thought",
    "logprob_sampled/reply",
    "unclosed",
];

fn stop_name(stop: Stop) -> String {
    match stop {
        Stop::Terminated | Stop::Truncated | Stop::Cut => format!("stop/{}", stop.name()),
        Stop::Failed(seat) => format!("stop/{seat}_{}", stop.name()),
    }
}

fn observe_stop(stop: Stop, ratios: &mut BTreeMap<String, Ratio>) {
    for kind in STOPS {
        ratios.insert(stop_name(kind), Ratio::yes(stop == kind));
    }
}

fn observe_turns(record: &EpisodeRecord, seat: Seat, ratios: &mut BTreeMap<String, Ratio>) {
    let mut add = |name: &str, ratio: Ratio| *ratios.entry(format!("{seat}/{name}")).or_default() += ratio;
    add("turns/mean", Ratio::new(record.turns_of(seat).count() as f64, 1.0));
    for turn in record.turns_of(seat) {
        add("malformed", Ratio::yes(is_malformed(turn)));
        if let Some(generation) = &turn.decision.generation {
            observe_tokens(generation, &mut add);
        }
    }
}

fn observe_tokens(generation: &Generation, add: &mut impl FnMut(&str, Ratio)) {
    let thought = (generation.thought_len as usize).min(generation.tokens.len());
    let reply = generation.tokens.len() - thought;
    let logprobs = generation.logprobs.iter().map(|logprob| f64::from(*logprob));
    add("tokens/thought", Ratio::new(thought as f64, 1.0));
    add("tokens/reply", Ratio::new(reply as f64, 1.0));
    add("logprob_sampled/thought", Ratio::new(logprobs.clone().take(thought).sum(), thought as f64));
    add("logprob_sampled/reply", Ratio::new(logprobs.skip(thought).sum(), reply as f64));
    add("unclosed", Ratio::yes(!generation.closed));
}

/// Whether the turn brought no legal act: none could be read from it, or the world refused it.
#[must_use]
pub fn is_malformed(turn: &Turn) -> bool {
    let refused = turn.effect.as_ref().is_some_and(|effect| effect.malformed.is_some());
    match turn.decision.act {
        Ok(_) => refused,
        Err(NoAct::Malformed(_) | NoAct::OutOfTokens) => true,
    }
}

#[cfg(test)]
mod tests {
    use sim::Fault;

    use super::*;
    use crate::fixtures;

    fn no_success() -> Pair<Option<Condition>> {
        Pair::default()
    }

    fn agent_success(condition: &str) -> Pair<Option<Condition>> {
        Pair { agent: Some(condition.parse().expect("a condition")), user: None }
    }

    fn with_measure(mut record: EpisodeRecord, name: &str, num: f64, den: f64) -> EpisodeRecord {
        let verdict = record.verdict.as_mut().expect("the fixture has one");
        verdict.measures.insert(name.to_owned(), Ratio::new(num, den));
        record
    }

    fn faulted(mut record: EpisodeRecord, party: Party) -> EpisodeRecord {
        record.stop = None;
        record.fault = Some(Fault::new(party, FaultKind::Panicked, "gone"));
        record.verdict = None;
        record.scores = Pair::default();
        record
    }

    fn failed(mut record: EpisodeRecord, seat: Seat) -> EpisodeRecord {
        record.stop = Some(Stop::Failed(seat));
        record.verdict = None;
        record.scores = Pair::default();
        record.scores[seat] = Some(-1.0);
        record
    }

    #[test]
    fn means_are_over_scored_episodes_and_faults_are_counted_apart() {
        let records = [
            fixtures::record(0, 1, &[0.5, 0.5], &[0.2]),
            fixtures::record(0, 2, &[0.0], &[0.4]),
            failed(fixtures::record(0, 3, &[0.0], &[0.9]), Seat::Agent),
            faulted(fixtures::record(0, 4, &[9.0], &[9.0]), Party::Judge),
        ];
        let metrics = pool(&records, 6, &no_success());
        let get = |name: &str| metrics.get(name).map(|value| (value * 1e6).round() / 1e6);
        assert_eq!(get("agent/score/mean"), Some(0.0));
        assert_eq!(get("user/score/mean"), Some(0.3));
        assert_eq!((get("agent/scored"), get("user/scored")), (Some(3.0), Some(2.0)));
        assert_eq!((get("episodes"), get("lost")), (Some(6.0), Some(2.0)));
        assert_eq!((get("faults/judge"), get("faults/env")), (Some(1.0), Some(0.0)));
        assert_eq!(get("deadlines"), Some(0.0));
        assert_eq!((get("stop/terminated"), get("stop/agent_failed")), (Some(0.666_667), Some(0.333_333)));
        // Of the three that were played to an end: 2 + 1 + 1 agent turns.
        assert_eq!(get("agent/turns/mean"), Some(1.333_333));
    }

    #[test]
    fn measures_are_pooled_as_ratios_of_sums() {
        let records = [
            with_measure(fixtures::record(0, 1, &[0.0], &[0.0]), "agent/false_claims_per_claim", 1.0, 1.0),
            with_measure(fixtures::record(0, 2, &[0.0], &[0.0]), "agent/false_claims_per_claim", 0.0, 3.0),
            with_measure(fixtures::record(0, 3, &[0.0], &[0.0]), "user/over_suspicion", 0.0, 0.0),
        ];
        let metrics = pool(&records, 3, &no_success());
        assert_eq!(metrics.get("agent/false_claims_per_claim"), Some(0.25));
        let listed: BTreeMap<&str, Option<f64>> = metrics.iter().collect();
        assert_eq!(listed["user/over_suspicion"], None);
    }

    #[test]
    fn every_name_is_known_before_anything_is_played() {
        let scenario = sim::gyms::haggle::example();
        let record = with_measure(fixtures::record(0, 1, &[0.5], &[0.2]), "deal", 1.0, 1.0);
        let known = names(&scenario);
        let seen: BTreeSet<String> = observe(&record, &agent_success("deal")).into_keys().collect();
        assert!(seen.is_subset(&known), "{seen:?}");
        // The fixture's user writes no tokens of its own and has no success; whatever else is known was seen, but for the gym's measures.
        let measures = scenario.rules.measures();
        let unseen: Vec<&String> =
            known.difference(&seen).filter(|n| !measures.contains(&n.as_str()) && !n.starts_with("user/")).collect();
        assert!(unseen.is_empty(), "{unseen:?}");
        let means: Vec<&str> = ["deal", "agent/score/mean", "user/success", "agent/pass^2", "agent/malformed"]
            .into_iter()
            .filter(|name| is_mean(name))
            .collect();
        assert_eq!(means, ["agent/score/mean", "user/success", "agent/pass^2"]);
    }

    #[test]
    fn tokens_are_told_apart_for_thought_and_reply() {
        // Generations of 3 and 4 tokens, 2 of them thought, log-probabilities −1, −2, −3, −4.
        let metrics = pool(&[fixtures::record(0, 1, &[0.0, 0.0], &[0.0])], 1, &no_success());
        assert_eq!(metrics.get("agent/tokens/thought"), Some(2.0));
        assert_eq!(metrics.get("agent/tokens/reply"), Some(1.5));
        assert_eq!(metrics.get("agent/logprob_sampled/thought"), Some(-1.5));
        assert_eq!(metrics.get("agent/logprob_sampled/reply"), Some(-10.0 / 3.0));
        assert_eq!(metrics.get("agent/unclosed"), Some(0.0));
    }

    #[test]
    fn seats_without_tokens_have_no_token_metrics() {
        let mut record = fixtures::record(0, 1, &[0.0], &[0.0]);
        record.turns.iter_mut().for_each(|turn| turn.decision.generation = None);
        let metrics = pool(&[record], 1, &no_success());
        assert!(metrics.iter().all(|(name, _)| !name.contains("/tokens/") && !name.contains("/logprob_sampled/")));
    }

    #[test]
    fn malformed_turns_are_those_nobody_could_read_and_those_the_world_refused() {
        let mut record = fixtures::record(0, 1, &[0.0, 0.0, 0.0, 0.0], &[0.0]);
        let mut own = record.turns.iter_mut().filter(|turn| turn.seat == Seat::Agent);
        own.next().expect("four turns").decision.act = Err(NoAct::Malformed("no words".to_owned()));
        let refused = own.next().expect("four turns").effect.as_mut().expect("the fixture has one");
        refused.malformed = Some("nothing to accept".to_owned());
        let metrics = pool(&[record], 1, &no_success());
        assert_eq!((metrics.get("agent/malformed"), metrics.get("user/malformed")), (Some(0.5), Some(0.0)));
    }

    #[test]
    fn training_terms_are_reward_and_never_score() {
        let mut record = fixtures::record(0, 1, &[0.5], &[0.0]);
        let verdict = record.verdict.as_mut().expect("the fixture has one");
        let mut term = verdict.rewards[0].clone();
        term.kind = sim::RewardKind::Training;
        (term.value, term.weight) = (1.0, 0.1);
        verdict.rewards.push(term);
        let metrics = pool(&[record], 1, &no_success());
        assert_eq!(metrics.get("agent/score/mean"), Some(0.5));
        assert_eq!(metrics.get("agent/reward/mean"), Some(0.6));
    }

    #[test]
    fn a_seats_own_failure_is_no_success_and_its_partners_says_nothing() {
        let deal = |record, deal| with_measure(record, "deal", deal, 1.0);
        let success = agent_success("deal and agent.score > 0");
        let records = [
            deal(fixtures::record(0, 1, &[0.5], &[0.0]), 1.0),
            deal(fixtures::record(0, 2, &[0.5], &[0.0]), 0.0),
            deal(fixtures::record(0, 3, &[-0.5], &[0.0]), 1.0),
            failed(fixtures::record(0, 4, &[0.0], &[0.0]), Seat::Agent),
            failed(fixtures::record(0, 5, &[0.0], &[0.0]), Seat::User),
            faulted(fixtures::record(0, 6, &[0.0], &[0.0]), Party::Agent),
        ];
        assert_eq!(pool(&records, 6, &success).get("agent/success"), Some(0.25));
        assert_eq!(pool(&records, 6, &success).get("user/success"), None);
    }

    #[test]
    fn a_number_that_is_none_is_written_as_nothing() {
        let mut metrics = Metrics::default();
        metrics.set("agent/entropy", Some(f64::NAN));
        let listed: Vec<(&str, Option<f64>)> = metrics.iter().collect();
        assert_eq!(listed, [("agent/entropy", None)]);
    }
}
