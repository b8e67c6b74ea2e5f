//! Whom a seat meets in its fixed groups: its partner as it is now, as it was at some step before, or the fixed opponent (specification user-models,
//! R17 and R18). Two models that only meet each other drift together; who was beaten long ago may win again.
//!
//! ```text
//!  drawn by address for each group        latest : history : fixed, as the shares say
//!  in the history, by how hard each is    p ∝ f(x),  x = (wins + 1) / (episodes + 2) of the seat against it
//!                                         hard  (1 − x)²    even  x (1 − x)    uniform  1        (PFSP, AlphaStar)
//!  wins and episodes                      of the steps that may be known, each step worth 0.95 of the one after it
//!  snapshots                              after steps 0, every, 2 every, …; the newest `keep` of them
//! ```
//!
//! A snapshot is a commit of the run that is kept as long as it is in the pool. So which there are follows from the number of the step, and only the wins
//! have to be remembered.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use sim::Draws;
use sim::Ratio;

/// How much of what is known of a snapshot is left after each step.
pub const MEMORY: f64 = 0.95;

/// Who is in the pool, and by which shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolSettings {
    /// Share of the partner's present model, as a multiple of the others'; at least 0. One of the three is above 0.
    pub latest: f64,
    /// Share of snapshots; at least 0.
    pub history: f64,
    /// Share of the fixed opponent; at least 0.
    pub fixed: f64,
    /// Steps between snapshots; at least 1.
    pub every: u64,
    /// Snapshots in the pool, the newest; at least 1.
    pub keep: u64,
    /// Which snapshots are met more often.
    pub priority: Priority,
}

/// Which snapshots are met more often; x is the seat's estimated share of wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Those that are hard to beat: (1 − x)².
    #[default]
    Hard,
    /// Those that are about as good: x (1 − x).
    Even,
    /// All alike.
    Uniform,
}

/// Whom a group meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// The partner's present model, which does not learn from it.
    Latest,
    /// The partner's model as it was after this step.
    Snapshot(u64),
    /// The fixed opponent.
    Fixed,
}

/// What one seat has won against its partner's snapshots, by their steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wins {
    of: BTreeMap<u64, Ratio>,
}

impl PoolSettings {
    /// Whether a snapshot is taken after `step`.
    #[must_use]
    pub fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.every)
    }

    /// The steps whose snapshots are in the pool when no more than `known` steps may be known, oldest first.
    pub fn members(&self, known: u64) -> impl Iterator<Item = u64> + use<> {
        let (every, last) = (self.every, known / self.every);
        (last.saturating_sub(self.keep - 1)..=last).map(move |nth| nth * every)
    }

    /// Draws whom a group meets.
    #[must_use]
    pub fn draw(&self, wins: &Wins, known: u64, draws: &mut Draws) -> Met {
        let PoolSettings { latest, history, fixed, .. } = *self;
        let members: Vec<u64> = self.members(known).collect();
        match place(&[latest, history, fixed], draws) {
            0 => Met::Latest,
            1 => Met::Snapshot(members[place(&self.weights(wins, &members), draws)]),
            _ => Met::Fixed,
        }
    }

    /// How often each of these snapshots is met, as multiples of each other; all above 0.
    #[must_use]
    pub fn weights(&self, wins: &Wins, members: &[u64]) -> Vec<f64> {
        let weight = |member: &u64| {
            let x = wins.estimate(*member);
            match self.priority {
                Priority::Hard => (1.0 - x) * (1.0 - x),
                Priority::Even => x * (1.0 - x),
                Priority::Uniform => 1.0,
            }
        };
        members.iter().map(weight).collect()
    }
}

impl Wins {
    /// Takes note of a step: how much was won against each snapshot, of how many episodes. Of snapshots that are not `members` nothing is remembered.
    pub fn note(&mut self, step: &BTreeMap<u64, Ratio>, members: &[u64]) {
        self.of.values_mut().for_each(|ratio| *ratio = Ratio::new(MEMORY * ratio.num, MEMORY * ratio.den));
        for (snapshot, ratio) in step {
            *self.of.entry(*snapshot).or_default() += *ratio;
        }
        self.of.retain(|snapshot, _| members.contains(snapshot));
    }

    /// The estimated share of wins against a snapshot, in (0, 1); one half while nothing is known.
    #[must_use]
    pub fn estimate(&self, snapshot: u64) -> f64 {
        let Ratio { num, den } = self.of.get(&snapshot).copied().unwrap_or_default();
        (num + 1.0) / (den + 2.0)
    }

    /// The share of wins against all snapshots that are remembered; `None` before the first episode.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let mut all = Ratio::default();
        self.of.values().for_each(|ratio| all += *ratio);
        all.rate()
    }
}

/// The stretch of the weights, laid end to end, on which a uniform number falls. A weight of 0 is never met.
fn place(weights: &[f64], draws: &mut Draws) -> usize {
    let at = draws.uniform() * weights.iter().sum::<f64>();
    let mut end = 0.0;
    let reaches = |weight: &f64| {
        end += weight;
        at < end
    };
    // The last stretch ends where the whole does, whatever the last bit of the sum.
    let last = weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0);
    weights.iter().position(reaches).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use sim::EpisodeId;
    use sim::Phase;
    use sim::draws::Stream;

    use super::*;

    fn pool(priority: Priority) -> PoolSettings {
        PoolSettings { latest: 2.0, history: 1.0, fixed: 1.0, every: 5, keep: 3, priority }
    }

    fn draws(group: u32) -> Draws {
        let id = EpisodeId { phase: Phase::Grpo, round: 9, group, trial: 0, member: 0 };
        id.address(7).draws(Stream::Opponent)
    }

    #[test]
    fn the_newest_snapshots_are_in_the_pool_and_the_first_is_that_of_step_0() {
        let members = |known| pool(Priority::Hard).members(known).collect::<Vec<u64>>();
        assert_eq!(members(0), [0]);
        assert_eq!(members(4), [0]);
        assert_eq!(members(5), [0, 5]);
        assert_eq!(members(14), [0, 5, 10]);
        assert_eq!(members(27), [15, 20, 25]);
        let due: Vec<u64> = (0..=12).filter(|step| pool(Priority::Hard).is_due(*step)).collect();
        assert_eq!(due, [0, 5, 10]);
    }

    #[test]
    fn weights_are_those_by_hand() {
        let mut wins = Wins::default();
        wins.note(&BTreeMap::from([(5, Ratio::new(3.0, 4.0)), (10, Ratio::new(1.0, 8.0))]), &[0, 5, 10]);
        // (0 + 1) / 2, (3 + 1) / 6, (1 + 1) / 10.
        let members = [0, 5, 10];
        let near = |priority, wanted: [f64; 3]| {
            let weights = pool(priority).weights(&wins, &members);
            assert!(weights.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{weights:?}");
        };
        near(Priority::Hard, [0.25, 1.0 / 9.0, 0.64]);
        near(Priority::Even, [0.25, 2.0 / 9.0, 0.16]);
        near(Priority::Uniform, [1.0; 3]);
        // A step later 4 and 8 episodes are worth 3.8 and 7.6; the one that left is forgotten.
        wins.note(&BTreeMap::from([(10, Ratio::new(2.0, 2.0))]), &[10, 15]);
        assert!((wins.estimate(10) - (0.95 + 2.0 + 1.0) / (7.6 + 2.0 + 2.0)).abs() < 1e-12);
        assert_eq!((wins.estimate(5), wins.rate()), (0.5, Some(2.95 / 9.6)));
    }

    #[test]
    fn over_many_groups_everybody_is_met_by_shares_and_priority() {
        let pool = pool(Priority::Hard);
        let mut wins = Wins::default();
        // Estimates 1 / 2 and (6 + 1) / (8 + 2) = .7: weights .25 and .09.
        wins.note(&BTreeMap::from([(5, Ratio::new(6.0, 8.0))]), &[0, 5]);
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for group in 0..40_000 {
            *counts.entry(format!("{:?}", pool.draw(&wins, 7, &mut draws(group)))).or_default() += 1;
        }
        let shares = [
            ("Latest", 0.5),
            ("Fixed", 0.25),
            ("Snapshot(0)", 0.25 * 0.25 / 0.34),
            ("Snapshot(5)", 0.25 * 0.09 / 0.34),
        ];
        assert_eq!(counts.len(), shares.len());
        for (who, share) in shares {
            // Binomial, 5 standard deviations.
            let (count, most) = (f64::from(counts[who]), 5.0 * f64::sqrt(40_000.0 * share * (1.0 - share)));
            assert!((count - 40_000.0 * share).abs() < most, "{who}: {counts:?}");
        }
        assert_eq!(pool.draw(&wins, 7, &mut draws(3)), pool.draw(&wins, 7, &mut draws(3)), "it has an address");
    }

    #[test]
    fn who_has_no_share_is_never_met() {
        let only = PoolSettings { latest: 0.0, history: 1.0, fixed: 0.0, ..pool(Priority::Uniform) };
        assert!(
            (0..500).all(|group| matches!(only.draw(&Wins::default(), 6, &mut draws(group)), Met::Snapshot(0 | 5)))
        );
    }
}
