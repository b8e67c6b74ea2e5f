//! A claim about two policies and one metric, put so that [`compare`] can answer it: this one beats that one, is not worse, keeps a share of what it
//! has, or cuts it by one.

use serde::Deserialize;
use serde::Serialize;

use crate::compare;
use crate::compare::Arm;
use crate::compare::Comparison;
use crate::metrics;

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The more the better: a score.
    More,
    /// The less the better: false claims.
    Less,
}

/// What is claimed of the first policy against the second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// It is better by at least `by`, in the metric's unit.
    Beats {
        /// The margin, at least 0.
        by: f64,
    },
    /// It is worse by at most `by`, in the metric's unit.
    NotWorse {
        /// The margin, at least 0.
        by: f64,
    },
    /// It has at least this share of what the second has. Only where more is better.
    Keeps {
        /// The share; .9 is 90 %.
        share: f64,
    },
    /// It has less than the second, by at least this share of what the second has. Only where less is better.
    Cuts {
        /// The share; .25 is a quarter.
        share: f64,
    },
}

/// A claim about two policies, whichever they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The metric, as in `docs/METRICS.md`.
    pub metric: String,
    /// Which way it is better.
    pub better: Better,
    /// What is claimed.
    pub demand: Demand,
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it holds by the statistical rule. `None`: nobody can say, because a seed is missing or nothing was counted.
    pub holds: Option<bool>,
    /// What it was decided by, every seed listed: for *beats* how much better the first is, for *not worse* how much worse, for *keeps* and *cuts* its
    /// share. `None`: nothing was counted.
    pub comparison: Option<Comparison>,
}

impl Better {
    /// The direction of the metrics that every gym has; `None` for those without one and for a gym's own measures, where whoever claims must say.
    #[must_use]
    pub fn known(metric: &str) -> Option<Better> {
        let rest = metric.split_once('/').map_or("", |(_, rest)| rest);
        match rest {
            "score/mean" | "reward/mean" | "success" => Some(Better::More),
            "malformed" | "unclosed" | "agent_failed" | "user_failed" => Some(Better::Less),
            pass if pass.starts_with("pass@") || pass.starts_with("pass^") => Some(Better::More),
            _ => None,
        }
    }

    /// `more` or `less`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Better::More => "more",
            Better::Less => "less",
        }
    }
}

impl Claim {
    /// Whether `x` is to `y` as claimed, under each of `seeds`.
    #[must_use]
    pub fn judge(&self, x: &Arm, y: &Arm, seeds: &[u64]) -> Finding {
        self.decide(self.compare(x, y), seeds)
    }

    /// The same of a comparison that was made in another way; `None`: nothing was counted.
    #[must_use]
    pub fn decide(&self, comparison: Option<Comparison>, seeds: &[u64]) -> Finding {
        let Some(mut comparison) = comparison else {
            return Finding { holds: None, comparison: None };
        };
        // A seed that was not played must not look like one that agreed.
        let complete = seeds.iter().all(|seed| comparison.per_seed.contains_key(seed));
        for seed in seeds {
            comparison.per_seed.entry(*seed).or_insert(None);
        }
        let holds = match self.demand {
            Demand::Beats { by } => comparison.beats(by),
            Demand::NotWorse { by } => comparison.not_worse(by),
            Demand::Keeps { share } => comparison.mean >= share,
            Demand::Cuts { share } => comparison.cuts(share),
        };
        Finding { holds: complete.then_some(holds), comparison: Some(comparison) }
    }

    fn compare(&self, x: &Arm, y: &Arm) -> Option<Comparison> {
        let gained_by_first = match (self.demand, self.better) {
            (Demand::Keeps { .. } | Demand::Cuts { .. }, _) => return compare::share(x, y),
            (Demand::Beats { .. }, Better::More) | (Demand::NotWorse { .. }, Better::Less) => true,
            (Demand::Beats { .. }, Better::Less) | (Demand::NotWorse { .. }, Better::More) => false,
        };
        let (x, y) = if gained_by_first { (x, y) } else { (y, x) };
        if metrics::is_mean(&self.metric) { compare::difference(x, y) } else { compare::rate_difference(x, y) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::Ratio;

    /// 100 items under seeds 1 and 2, `value` of `cases` each.
    fn arm(value: impl Fn(u64) -> f64, cases: f64) -> Arm {
        let mut arm = Arm::default();
        for item in 0..100 {
            for seed in [1, 2] {
                arm.add(item, seed, Ratio::new(value(seed) * cases, cases));
            }
        }
        arm
    }

    fn holds(metric: &str, better: Better, demand: Demand, x: f64, y: f64) -> Option<bool> {
        let claim = Claim { metric: metric.to_owned(), better, demand };
        claim.judge(&arm(|_| x, 1.0), &arm(|_| y, 1.0), &[1, 2]).holds
    }

    #[test]
    fn the_direction_of_a_metric_decides_who_is_ahead() {
        let beats = Demand::Beats { by: 0.1 };
        assert_eq!(holds("agent/score/mean", Better::More, beats, 0.5, 0.25), Some(true));
        assert_eq!(holds("agent/score/mean", Better::More, beats, 0.25, 0.5), Some(false));
        assert_eq!(holds("agent/malformed", Better::Less, beats, 0.25, 0.5), Some(true));
        assert_eq!(holds("agent/malformed", Better::Less, beats, 0.5, 0.25), Some(false));
        let kept = Demand::NotWorse { by: 0.125 };
        assert_eq!(holds("deal", Better::More, kept, 0.25, 0.5), Some(false));
        assert_eq!(holds("deal", Better::More, kept, 0.5, 0.25), Some(true));
        assert_eq!(holds("user/over_suspicion", Better::Less, kept, 0.25, 0.5), Some(true));
        assert_eq!(holds("user/over_suspicion", Better::Less, kept, 0.5, 0.25), Some(false));
    }

    #[test]
    fn a_share_is_kept_from_just_that_share_on() {
        let keeps = Demand::Keeps { share: 0.75 };
        let kept = |x| holds("agent/true_claims", Better::More, keeps, x, 2.0);
        assert_eq!((kept(1.5), kept(1.49), kept(4.0)), (Some(true), Some(false), Some(true)));
        assert_eq!(holds("agent/true_claims", Better::More, keeps, 1.0, 0.0), None);
    }

    #[test]
    fn what_is_cut_is_cut_by_that_share_under_each_seed() {
        let cuts = Demand::Cuts { share: 0.25 };
        let cut = |x| holds("user/trap_missed", Better::Less, cuts, x, 2.0);
        assert_eq!((cut(1.5), cut(1.51), cut(0.0), cut(4.0)), (Some(true), Some(false), Some(true), Some(false)));
        assert_eq!(holds("user/trap_missed", Better::Less, cuts, 1.0, 0.0), None, "there was nothing to cut");
        // Halved in all, and under seed 2 alone.
        let claim = Claim { metric: "user/trap_missed".to_owned(), better: Better::Less, demand: cuts };
        let (x, y) = (arm(|seed| if seed == 1 { 1.0 } else { 0.0 }, 1.0), arm(|_| 1.0, 1.0));
        assert_eq!(claim.judge(&x, &y, &[1, 2]).holds, Some(false));
    }

    #[test]
    fn a_missing_seed_decides_nothing_and_is_listed() {
        let claim =
            Claim { metric: "agent/score/mean".to_owned(), better: Better::More, demand: Demand::NotWorse { by: 0.1 } };
        let (x, y) = (arm(|_| 1.0, 1.0), arm(|_| 0.0, 1.0));
        assert_eq!(claim.judge(&x, &y, &[1, 2]).holds, Some(true));
        let finding = claim.judge(&x, &y, &[1, 2, 3]);
        assert_eq!(finding.holds, None);
        let per_seed = finding.comparison.expect("two seeds were compared").per_seed;
        assert_eq!(per_seed, [(1, Some(-1.0)), (2, Some(-1.0)), (3, None)].into());
        assert_eq!(claim.judge(&x, &Arm::default(), &[1, 2]), Finding { holds: None, comparison: None });
    }

    #[test]
    fn means_weigh_items_alike_and_rates_weigh_cases() {
        // Seed 1 has ten times the cases of seed 2.
        let mut x = Arm::default();
        let mut y = Arm::default();
        for item in 0..50 {
            for (seed, cases, value) in [(1, 10.0, 1.0), (2, 1.0, 0.0)] {
                x.add(item, seed, Ratio::new(cases * value, cases));
                y.add(item, seed, Ratio::new(0.0, cases));
            }
        }
        let gain = |metric: &str| {
            let demand = Demand::Beats { by: 0.0 };
            let claim = Claim { metric: metric.to_owned(), better: Better::More, demand };
            claim.judge(&x, &y, &[1, 2]).comparison.expect("both counted").mean
        };
        assert_eq!(gain("agent/score/mean"), 0.5);
        assert!((gain("user/trap_recall") - 10.0 / 11.0).abs() < 1e-12);
    }

    #[test]
    fn only_what_every_gym_has_knows_its_direction() {
        let known =
            ["agent/score/mean", "user/pass^2", "stop/agent_failed", "user/malformed", "rounds", "user/trap_recall"];
        let known = known.map(Better::known);
        let (more, less) = (Some(Better::More), Some(Better::Less));
        assert_eq!(known, [more, more, less, less, None, None]);
    }
}
