//! What the planning of a step may know of the steps before it: who was beaten, what succeeded, what failed.
//!
//! Step s is planned by the outlook after step s − 1 − `staleness_max`: with playing beside learning, later steps may not be over yet when it begins. So what
//! is played depends on nobody's speed, and a run that goes on plans its waiting steps once more as they were: it keeps the outlooks that they need.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;

use crate::curriculum::Curriculum;
use crate::isolation::Failed;
use crate::metrics;
use crate::mix::Mix;
use crate::opponent;
use crate::plan::MODEL;
use crate::pool::Wins;
use crate::settings::GrpoSettings;
use crate::settings::UpdateMode;

/// What is known after a step; part of a run's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// After which step; 0: nothing was played.
    pub step: u64,
    /// What each seat won against its partner's snapshots.
    pub wins: Pair<Wins>,
    /// Which scenarios are played more often.
    pub curriculum: Curriculum,
    /// Which items are played again.
    pub failed: Failed,
}

/// The outlooks of the last steps, as many as can still be asked for; part of a run's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outlooks {
    last: VecDeque<Outlook>,
}

/// The last step that the planning of `step` may know of; 0: none.
#[must_use]
pub fn known(settings: &GrpoSettings, step: u64) -> u64 {
    step.saturating_sub(1 + u64::from(settings.staleness_max))
}

/// The seat whose successes the curriculum and the list of failures go by: the one that learns alone, else the agent.
#[must_use]
pub fn measured(settings: &GrpoSettings) -> Seat {
    match settings.mode {
        UpdateMode::Only(seat) => seat,
        UpdateMode::Simultaneous | UpdateMode::Alternating { .. } => Seat::Agent,
    }
}

/// How far an episode succeeded for a seat, in [0, 1]: whether its scenario calls it a success, and where that does not say what is one, the place of the
/// score between the least and the most it can be. `None` if nobody can say.
#[must_use]
pub fn success(record: &EpisodeRecord, seat: Seat, scenario: &Scenario) -> Option<f64> {
    if let Some(condition) = &scenario.success[seat] {
        return metrics::succeeded(record, seat, condition).map(|succeeded| f64::from(u8::from(succeeded)));
    }
    let (low, high) = scenario.outcome_range(seat);
    let score = record.scores[seat]?;
    (low < high).then(|| ((score - low) / (high - low)).clamp(0.0, 1.0))
}

impl Outlook {
    /// The outlook after the next step, by its records in any order.
    #[must_use]
    pub fn after(&self, records: &[EpisodeRecord], mix: &Mix, settings: &GrpoSettings) -> Outlook {
        let mut next = Outlook { step: self.step + 1, ..self.clone() };
        let mut records: Vec<&EpisodeRecord> = records.iter().collect();
        records.sort_by_key(|record| record.casting.id);
        if let Some(pool) = &settings.cotraining.pool {
            let members: Vec<u64> = pool.members(next.step).collect();
            for seat in Seat::ALL {
                next.wins[seat].note(&won(&records, seat, mix), &members);
            }
        }
        let seat = measured(settings);
        let played: Vec<&EpisodeRecord> =
            records.into_iter().filter(|record| record.casting.policies[seat] == MODEL).collect();
        if let Some(curriculum) = settings.cotraining.curriculum {
            for record in &played {
                if let Some(success) = success(record, seat, mix.of(&record.casting)) {
                    next.curriculum.note(record.casting.scenario, success);
                }
            }
            next.curriculum.end_step(next.step, mix.parts().len() as u32, curriculum);
        }
        if let Some(isolation) = settings.cotraining.isolation {
            for group in played.chunk_by(|a, b| a.casting.id.group == b.casting.id.group) {
                let casting = &group[0].casting;
                let mut all = Ratio::default();
                let successes = group.iter().filter_map(|record| success(record, seat, mix.of(casting)));
                successes.for_each(|success| all += Ratio::new(success, 1.0));
                if let Some(rate) = all.rate() {
                    next.failed.note(casting.scenario, casting.item, rate, isolation.keep);
                }
            }
        }
        next
    }
}

/// What the model at `seat` won against each snapshot across the table.
fn won(records: &[&EpisodeRecord], seat: Seat, mix: &Mix) -> BTreeMap<u64, Ratio> {
    let mut won: BTreeMap<u64, Ratio> = BTreeMap::new();
    for record in records.iter().filter(|record| record.casting.policies[seat] == MODEL) {
        let snapshot = opponent::snapshot_of(&record.casting.policies[seat.partner()]);
        let success = success(record, seat, mix.of(&record.casting));
        if let (Some(snapshot), Some(success)) = (snapshot, success) {
            *won.entry(snapshot).or_default() += Ratio::new(success, 1.0);
        }
    }
    won
}

impl Outlooks {
    /// The outlook by which `step` is planned.
    #[must_use]
    pub fn of_step(&self, settings: &GrpoSettings, step: u64) -> Outlook {
        let known = known(settings, step);
        self.last.iter().find(|outlook| outlook.step == known).cloned().unwrap_or_default()
    }

    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Outlook {
        self.last.back().cloned().unwrap_or_default()
    }

    /// Takes note of the next step, of whose records nothing more will come. Where nothing goes by outlooks there are none.
    pub fn note(&mut self, records: &[EpisodeRecord], mix: &Mix, settings: &GrpoSettings) {
        if settings.cotraining.looks_back() {
            self.last.push_back(self.newest().after(records, mix, settings));
            while self.last.len() > settings.staleness_max as usize + 1 {
                self.last.pop_front();
            }
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sim::gyms::haggle;

    use super::*;
    use crate::curriculum::CurriculumSettings;
    use crate::fixtures;
    use crate::isolation::IsolationSettings;
    use crate::mix::Part;
    use crate::pool::PoolSettings;
    use crate::pool::Priority;
    use crate::settings::Cotraining;

    fn mix() -> Mix {
        // Nothing is called a success: scores from −1 to 1 stand for it.
        let scenario = Arc::new(Scenario { success: Pair::default(), ..haggle::example() });
        Mix::new(vec![Part::new(scenario.clone(), 1.0), Part::new(scenario, 1.0)])
    }

    fn settings(staleness_max: u32) -> GrpoSettings {
        let pool = PoolSettings { latest: 0.0, history: 1.0, fixed: 0.0, every: 1, keep: 2, priority: Priority::Hard };
        let cotraining = Cotraining {
            pool: Some(pool),
            curriculum: Some(CurriculumSettings { target: 0.5, every: 1 }),
            isolation: Some(IsolationSettings { share: 0.5, keep: 4 }),
            difficulty_weight: 0.0,
        };
        GrpoSettings { staleness_max, cotraining, ..fixtures::settings() }
    }

    /// A group of two that plays item `item` of a scenario against the user of a step; scores of the agent.
    fn group(group: u32, scenario: u32, item: u32, user: &str, scores: [f64; 2]) -> Vec<EpisodeRecord> {
        let record = |(member, score): (u32, f64)| {
            let mut record = fixtures::record(group, member, &[score], &[0.0]);
            record.casting.scenario = scenario;
            record.casting.item = item;
            record.casting.policies.user = user.to_owned();
            record
        };
        [(1, scores[0]), (2, scores[1])].into_iter().map(record).collect()
    }

    #[test]
    fn a_step_is_remembered_by_who_was_beaten_what_succeeded_and_what_failed() {
        let (low, high) = mix().scenario(0).outcome_range(Seat::Agent);
        assert_eq!((low, high), (-1.0, 1.0));
        let snapshot = opponent::snapshot(Seat::User, 0);
        let records = [
            group(0, 0, 17, &snapshot, [1.0, 0.0]),
            group(1, 1, 18, MODEL, [-1.0, -1.0]),
            group(2, 1, 19, "rule", [-1.0, 1.0]),
        ]
        .concat();
        let mut reversed = records.clone();
        reversed.reverse();
        let after = Outlook::default().after(&records, &mix(), &settings(0));
        assert_eq!(after, Outlook::default().after(&reversed, &mix(), &settings(0)), "no order leaves a trace");
        // 1 and a half of two episodes.
        assert!((after.wins.agent.estimate(0) - 2.5 / 4.0).abs() < 1e-12);
        assert_eq!(after.wins.user, Wins::default(), "the user met no snapshot");
        // CR (1.5 + 0 + 1) / 6, dev −1/12 is within the band: 1 + .1 / 2 and 1 + .1 / 4.
        assert!((after.curriculum.weight(0) - 1.05 / 2.075).abs() < 1e-12);
        assert_eq!(after.failed.len(), 1, "half of a group is enough");
    }

    #[test]
    fn a_step_is_planned_by_what_was_over_before_it_could_begin() {
        let rounds = |staleness_max: u32| {
            let settings = settings(staleness_max);
            let mut outlooks = Outlooks::default();
            let mut planned = Vec::new();
            for step in 1..=5u64 {
                planned.push(outlooks.of_step(&settings, step).step);
                outlooks.note(&group(0, 0, step as u32, MODEL, [0.0; 2]), &mix(), &settings);
                // Whoever goes on after this step plans those that wait as they were planned.
                for waiting in step + 1..=step + u64::from(staleness_max) {
                    assert_eq!(outlooks.of_step(&settings, waiting).step, known(&settings, waiting));
                }
                assert!(outlooks.last.len() <= staleness_max as usize + 1);
            }
            planned
        };
        assert_eq!(rounds(0), [0, 1, 2, 3, 4]);
        assert_eq!(rounds(1), [0, 0, 1, 2, 3]);
        assert_eq!(rounds(2), [0, 0, 0, 1, 2]);
        let mut idle = Outlooks::default();
        idle.note(&group(0, 0, 1, MODEL, [0.0; 2]), &mix(), &fixtures::settings());
        assert!(idle.is_empty(), "a run that goes by none keeps none");
    }
}
