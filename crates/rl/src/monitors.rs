//! What a run is watched for, so that one that collapses is stopped before its score says so (specification user-models §3.1, R16; what to look at is from
//! §3.3 and the collapses told in SPIRAL, arXiv:2506.24119, and RAGEN, arXiv:2504.20073: entropy, thoughts, repetition, one seat that always wins).
//!
//! ```text
//!  metrics of a step ──> Series   start: mean of its first `start` steps
//!  (some made here:        │      recent: its last `patience` steps
//!   `measure`)             v
//!  bounds of the run ──> mean of recent past a bound ──> Alarm ──> warn, or stop
//! ```
//!
//! Nothing here changes what is played or learned, so bounds may differ when a run goes on. Series are part of a run's state: what was noted before it was
//! killed counts. A mean over several steps is held against a bound, and never one step: a step is a few dozen talks.

mod measure;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use sim::Ratio;

use crate::Metrics;
use crate::failures::Broken;

pub use measure::measure;

/// In what a bound is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As the metric itself.
    Itself,
    /// As a multiple of the series' start, which has to be above 0.
    OfStart,
    /// As a distance from the series' start.
    OverStart,
}

/// One thing that can be watched.
#[derive(Debug, PartialEq)]
pub struct Watch {
    /// Name of its key in a run file; ends with `_min` or `_max`.
    pub key: &'static str,
    /// The metrics that it is about. In a mix also those with a scenario's name in front.
    pub metrics: &'static [&'static str],
    /// In what its bound is given.
    pub unit: Unit,
    /// What it means where the bound is passed.
    pub meaning: &'static str,
}

/// Everything that can be watched.
pub const WATCHES: [Watch; 10] = [
    Watch {
        key: "entropy_min",
        metrics: &["agent/entropy", "user/entropy", "both/entropy"],
        unit: Unit::OfStart,
        meaning: "it says the same whatever it is told",
    },
    Watch { key: "thought_min", metrics: THOUGHTS, unit: Unit::OfStart, meaning: "it no longer thinks" },
    Watch { key: "thought_max", metrics: THOUGHTS, unit: Unit::OfStart, meaning: "it thinks without end" },
    Watch {
        key: "repetition_max",
        metrics: &["agent/said_again", "user/said_again"],
        unit: Unit::Itself,
        meaning: "it repeats itself within its talks",
    },
    Watch {
        key: "distinct_min",
        metrics: &["agent/distinct", "user/distinct"],
        unit: Unit::OfStart,
        meaning: "its talks are all alike",
    },
    Watch {
        key: "correlation_min",
        metrics: &["agent/terms_correlation", "user/terms_correlation"],
        unit: Unit::Itself,
        meaning: "what training adds is earned at the score's expense",
    },
    Watch { key: "balance_max", metrics: &["success_gap"], unit: Unit::Itself, meaning: "one seat nearly always wins" },
    Watch {
        key: "manipulation_max",
        metrics: &["agent/manipulative"],
        unit: Unit::Itself,
        meaning: "the agent presses with what is not so",
    },
    Watch {
        key: "suspicion_max",
        metrics: &["user/over_suspicion"],
        unit: Unit::Itself,
        meaning: "the user counters what is true",
    },
    Watch {
        key: "fault_rise_max",
        metrics: &["agent/spoiled"],
        unit: Unit::OverStart,
        meaning: "the user spoils more and more of the agent's talks",
    },
];

const THOUGHTS: &[&str] = &["agent/tokens/thought", "user/tokens/thought"];

impl Watch {
    /// The one with this key.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Watch> {
        WATCHES.iter().find(|watch| watch.key == key)
    }

    /// Whether its bound is the least that is allowed, and not the most.
    #[must_use]
    pub fn is_floor(&self) -> bool {
        self.key.ends_with("_min")
    }

    fn is_about(&self, metric: &str) -> bool {
        self.metrics.iter().any(|name| {
            metric.strip_suffix(name).is_some_and(|scenario| matches!(scenario.chars().last(), None | Some('/')))
        })
    }
}

/// The rule of [`crate::failures`], which holds in every run and always stops it.
pub const USER_FAILURES: &str = "user_failures";

/// What an alarm does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAlarm {
    /// It ends the run, when the step is committed.
    Stop,
    /// It is told.
    Warn,
}

/// How far a metric may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// What is watched.
    pub watch: &'static Watch,
    /// In the watch's [`Unit`].
    pub value: f64,
}

/// What a run is watched for. No part of what makes two runs the same.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorSettings {
    /// What an alarm does.
    pub on_alarm: OnAlarm,
    /// Steps whose mean is the run's own start; at least 1.
    pub start: u32,
    /// Steps whose mean is held against the bounds; at least 1.
    pub patience: u32,
    /// What is watched, and how far it may go; not empty.
    pub bounds: Vec<Bound>,
}

/// A rule of the run's health that is broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Which: the key of its bound, or [`USER_FAILURES`].
    pub rule: &'static str,
    /// The metric that shows it.
    pub metric: String,
    /// Where that stands, over the steps that count.
    pub value: f64,
    /// How far it may go, in the metric's own unit.
    pub bound: f64,
    words: String,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<Broken> for Alarm {
    fn from(broken: Broken) -> Alarm {
        let metric = "user/failed/mutual".to_owned();
        let Broken { learner, fixed } = broken;
        Alarm { rule: USER_FAILURES, metric, value: learner, bound: fixed, words: broken.to_string() }
    }
}

/// A run that was stopped by its alarms, of which there is at least one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("stopped after step {step}: {}", alarms.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Stopped {
    /// The last step that was learned from.
    pub step: u64,
    /// What was wrong.
    pub alarms: Vec<Alarm>,
}

/// One metric's way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Series {
    /// Sum of the first values, and their number.
    start: Ratio,
    /// The last values.
    recent: VecDeque<f64>,
    /// How many there were in all.
    steps: u64,
}

/// What was noted of a run; part of its state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Monitors {
    series: BTreeMap<String, Series>,
    /// Alarms that were told and still stand, by rule and metric.
    told: BTreeSet<(String, String)>,
}

impl Monitors {
    /// Takes note of a step. Those alarms that did not stand before it.
    pub fn note(&mut self, metrics: &Metrics, settings: &MonitorSettings) -> Vec<Alarm> {
        let watched = |name: &str| WATCHES.iter().any(|watch| watch.is_about(name));
        for (name, value) in metrics.iter().filter(|(name, _)| watched(name)) {
            if let Some(value) = value {
                self.series.entry(name.to_owned()).or_default().note(value, settings);
            }
        }
        let standing = self.standing(settings);
        let place = |alarm: &Alarm| (alarm.rule.to_owned(), alarm.metric.clone());
        let told = std::mem::replace(&mut self.told, standing.iter().map(place).collect());
        standing.into_iter().filter(|alarm| !told.contains(&place(alarm))).collect()
    }

    /// The alarms that stand by these bounds, in their order.
    #[must_use]
    pub fn standing(&self, settings: &MonitorSettings) -> Vec<Alarm> {
        let of_bound = |bound: &Bound| {
            let about = self.series.iter().filter(|(metric, _)| bound.watch.is_about(metric));
            about.filter_map(|(metric, series)| series.alarm(metric, *bound, settings)).collect::<Vec<Alarm>>()
        };
        settings.bounds.iter().flat_map(of_bound).collect()
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }
}

impl Series {
    fn note(&mut self, value: f64, settings: &MonitorSettings) {
        if self.start.den < f64::from(settings.start) && self.start.den == self.steps as f64 {
            self.start += Ratio::new(value, 1.0);
        }
        self.steps += 1;
        self.recent.push_back(value);
        while self.recent.len() > settings.patience as usize {
            self.recent.pop_front();
        }
    }

    fn alarm(&self, metric: &str, bound: Bound, settings: &MonitorSettings) -> Option<Alarm> {
        let Bound { watch, value: given } = bound;
        let patience = settings.patience as usize;
        if self.recent.len() < patience {
            return None;
        }
        let start = self.start.rate()?;
        // What a run began with is no departure from it.
        let is_past_start = self.steps >= self.start.den as u64 + patience as u64;
        let limit = match watch.unit {
            Unit::Itself => given,
            Unit::OfStart if is_past_start && start > 0.0 => given * start,
            Unit::OverStart if is_past_start => given + start,
            Unit::OfStart | Unit::OverStart => return None,
        };
        let now = self.recent.iter().rev().take(patience).sum::<f64>() / patience as f64;
        let (is_past, side) = if watch.is_floor() { (now < limit, "below") } else { (now > limit, "above") };
        let began = if watch.unit == Unit::Itself { String::new() } else { format!(" (it began at {start:.4})") };
        let Watch { key: rule, meaning, .. } = *watch;
        is_past.then(|| Alarm {
            rule,
            metric: metric.to_owned(),
            value: now,
            bound: limit,
            words: format!(
                "{metric} is {now:.4} over the last {patience} steps, {side} {limit:.4}{began}: {meaning} (grpo.monitors.{rule})"
            ),
        })
    }
}

#[cfg(test)]
mod tests;
