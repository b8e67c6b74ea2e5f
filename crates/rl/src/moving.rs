//! Baselines that move from episode to episode (role-conditioned advantage estimation, RAE: SPIRAL, arXiv:2506.24119; specification user-models,
//! §2.17): each seat's score is measured against what that seat has scored of late in that scenario.
//!
//! ```text
//!  A = R − b       with b as it was before R
//!  b ← 0.95 b + 0.05 R                              b = 0 before the first
//!  after R_1 … R_n:   b = 0.05 Σ 0.95^(n − i) R_i
//! ```
//!
//! Scores are taken in the order of episode ids, groups that do not count left out, so what a step makes of a baseline depends on nobody's speed. A
//! baseline is learned: it stands in each commit.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// How much of a baseline is left after a score.
pub const DECAY: f64 = 0.95;

/// One seat's baselines, by the scenario's number in its mix. No seat moves another's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MovingBaseline {
    means: BTreeMap<u32, f64>,
}

impl MovingBaseline {
    /// What the next score of a scenario is measured against; 0 before the first.
    #[must_use]
    pub fn of(&self, scenario: u32) -> f64 {
        self.means.get(&scenario).copied().unwrap_or(0.0)
    }

    /// How far a score lies above the baseline, which takes note of it only then.
    pub fn advantage(&mut self, scenario: u32, score: f64) -> f64 {
        let before = self.of(scenario);
        self.means.insert(scenario, DECAY * before + (1.0 - DECAY) * score);
        score - before
    }

    /// Whether nothing was ever measured against it.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.means.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use sim::EpisodeRecord;
    use sim::Seat;

    use super::*;
    use crate::fixtures;
    use crate::harvest;
    use crate::settings::Baseline;
    use crate::settings::GrpoSettings;
    use crate::settings::StdOver;

    /// Fifty scores without a pattern, from −1 to 1, of the agent or the user.
    fn stream(shift: usize) -> Vec<f64> {
        (0..50).map(|at| (((at + shift) * 37 % 41) as f64 - 20.0) / 20.0).collect()
    }

    /// After so many of the scores, by the closed form.
    fn closed(scores: &[f64]) -> f64 {
        let n = scores.len() as i32;
        (1..).zip(scores).map(|(i, score)| 0.05 * 0.95f64.powi(n - i) * score).sum()
    }

    fn settings() -> GrpoSettings {
        GrpoSettings { baseline: Baseline::Moving, normalize_std: false, ..fixtures::settings() }
    }

    /// The advantages of one seat's first turns, in the order of the records, which come in steps of ten.
    fn advantages(agent: &[f64], user: &[f64], seat: Seat, settings: &GrpoSettings) -> Vec<f64> {
        let rewards = agent.iter().zip(user);
        let records: Vec<EpisodeRecord> = (0..)
            .zip(rewards)
            .map(|(at, (agent, user))| fixtures::record(at / 2, at % 2 + 1, &[*agent], &[*user]))
            .collect();
        let mut moving = MovingBaseline::default();
        let mut found = Vec::new();
        for step in records.chunks(10) {
            let castings: Vec<_> = step.iter().map(|record| record.casting.clone()).collect();
            let harvest = harvest(&castings, step, seat, settings, 1e-3, &mut moving).expect("the records are whole");
            found.extend(harvest.batch.samples.iter().map(|sample| f64::from(sample.advantages[2])));
        }
        found
    }

    #[test]
    fn r03_a_moving_baseline_is_its_closed_form_and_taken_before_its_update() {
        let scores = stream(0);
        let mut moving = MovingBaseline::default();
        for (n, score) in scores.iter().enumerate() {
            assert!((moving.of(3) - closed(&scores[..n])).abs() < 1e-9, "{n}");
            assert!((moving.advantage(3, *score) - (score - closed(&scores[..n]))).abs() < 1e-9, "{n}");
        }
        // Another scenario has a baseline of its own.
        assert_eq!((moving.of(0), moving.advantage(0, 0.5)), (0.0, 0.5));
        let again: MovingBaseline =
            serde_json::from_value(serde_json::to_value(&moving).expect("numbers")).expect("as they were written");
        assert_eq!(again, moving, "to the last bit");
    }

    #[test]
    fn r03_each_seat_is_measured_against_its_own_scores_alone() {
        let (agent, user) = (stream(0), stream(7));
        for (seat, own) in [(Seat::Agent, &agent), (Seat::User, &user)] {
            let found = advantages(&agent, &user, seat, &settings());
            assert_eq!(found.len(), 50);
            for (n, (found, score)) in found.iter().zip(own).enumerate() {
                // Advantages are f32.
                assert!((found - (score - closed(&own[..n]))).abs() < 1e-6, "{seat} {n}: {found}");
            }
        }
        let other: Vec<f64> = user.iter().map(|score| 9.0 - 3.0 * score).collect();
        let with = |user: &[f64]| advantages(&agent, user, Seat::Agent, &settings());
        assert_eq!(with(&user), with(&other));
    }

    #[test]
    fn a_group_whose_members_scored_alike_teaches_where_the_baseline_moves() {
        let settings = GrpoSettings { normalize_std: true, std_over: StdOver::Batch, std_eps: 1e-9, ..settings() };
        // Distances 1, .95, 0 − .0975, 0 − .092625; the scores' std is √(1 / 3).
        let found = advantages(&[1.0, 1.0, 0.0, 0.0], &[0.0; 4], Seat::Agent, &settings);
        let wanted = [1.0, 0.95, -0.0975, -0.092_625].map(|distance: f64| distance * 3f64.sqrt());
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }
}
