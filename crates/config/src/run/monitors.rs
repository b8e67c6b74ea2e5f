//! `[grpo.monitors]`: what a run is watched for.

use rl::RunSettings;
use rl::monitors::Bound;
use rl::monitors::MonitorSettings;
use rl::monitors::OnAlarm;
use rl::monitors::Watch;
use rl::settings::UpdateMode;
use schemars::JsonSchema;
use serde::Deserialize;
use sim::Scenario;
use sim::Seat;

use super::COUNT;
use super::SHARE;
use crate::allowed::Allowed;
use crate::check::Check;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct MonitorsFile {
    /// What an alarm does: end the run when its step is committed, or say so.
    on_alarm: Option<String>,
    /// Steps whose mean is the run's own start.
    start: Option<i64>,
    /// Steps whose mean is held against the bounds.
    patience: Option<i64>,
    /// Least entropy of a seat's tokens, as a share of its start.
    entropy_min: Option<f64>,
    /// Least length of a seat's thoughts, as a share of its start.
    thought_min: Option<f64>,
    /// Greatest length of a seat's thoughts, as a multiple of its start.
    thought_max: Option<f64>,
    /// Greatest share of a seat's turns that say what an earlier one of the talk said.
    repetition_max: Option<f64>,
    /// Least number of different things that a seat says in a step, over its turns, as a share of its start.
    distinct_min: Option<f64>,
    /// Least correlation, within groups, between a seat's score and what else it is paid.
    correlation_min: Option<f64>,
    /// Greatest distance between the two seats' shares of successes where both models meet.
    balance_max: Option<f64>,
    /// Greatest share of the agent's turns that set a trap.
    manipulation_max: Option<f64>,
    /// Greatest share of fair pressing lines that the user counters.
    suspicion_max: Option<f64>,
    /// How far the share of the agent's talks that the user spoils may rise above its start.
    fault_rise_max: Option<f64>,
}

const ON_ALARM: [(&str, OnAlarm); 2] = [("stop", OnAlarm::Stop), ("warn", OnAlarm::Warn)];

const LESS: Allowed = Allowed::inside(0.0, 1.0, "it is a share of what the run began with");
const MORE: Allowed = Allowed::above(1.0, 1e3, "it is a multiple of what the run began with");
const CORRELATION: Allowed = Allowed::between(-1.0, 1.0, "it is a correlation");
const RISE: Allowed = Allowed::between(0.0, 1.0, "it is a difference of two shares");

/// Checks the section, which is read whether it is there or not, so that a schema knows what it may say. `None` where nothing is watched.
pub(super) fn monitors(check: &mut Check<'_>, file: MonitorsFile) -> Option<MonitorSettings> {
    let MonitorsFile {
        on_alarm,
        start,
        patience,
        entropy_min,
        thought_min,
        thought_max,
        repetition_max,
        distinct_min,
        correlation_min,
        balance_max,
        manipulation_max,
        suspicion_max,
        fault_rise_max,
    } = file;
    let given = [
        ("entropy_min", entropy_min, LESS),
        ("thought_min", thought_min, LESS),
        ("thought_max", thought_max, MORE),
        ("repetition_max", repetition_max, SHARE),
        ("distinct_min", distinct_min, LESS),
        ("correlation_min", correlation_min, CORRELATION),
        ("balance_max", balance_max, SHARE),
        ("manipulation_max", manipulation_max, SHARE),
        ("suspicion_max", suspicion_max, SHARE),
        ("fault_rise_max", fault_rise_max, RISE),
    ];
    let mut bounds = Vec::new();
    for (name, value, allowed) in given {
        let value = check.number_optional(&key(name), value, allowed, "it is not watched");
        bounds.extend(Watch::of(name).zip(value).map(|(watch, value)| Bound { watch, value }));
    }
    if bounds.is_empty() {
        let because = "no bound is set, so nothing is watched";
        check.without_effect(&key("on_alarm"), on_alarm.as_ref(), because);
        check.without_effect(&key("start"), start, because);
        check.without_effect(&key("patience"), patience, because);
    }
    let settings = MonitorSettings {
        on_alarm: check.word(&key("on_alarm"), on_alarm.as_deref(), &ON_ALARM),
        start: check.whole(&key("start"), start, 5, COUNT),
        patience: check.whole(&key("patience"), patience, 5, COUNT),
        bounds,
    };
    (!settings.bounds.is_empty()).then_some(settings)
}

fn key(name: &str) -> String {
    format!("grpo.monitors.{name}")
}

/// Bounds of what no talk of this run can show.
pub(super) fn without_effect(check: &mut Check<'_>, settings: &RunSettings, played: &[&Scenario]) {
    let Some(monitors) = &settings.grpo.monitors else { return };
    let learns = |seat: Seat| match settings.grpo.mode {
        UpdateMode::Only(only) => only == seat,
        UpdateMode::Simultaneous | UpdateMode::Alternating { .. } => true,
    };
    let learning = || Seat::ALL.into_iter().filter(|seat| learns(*seat));
    let measured = |name: &str| played.iter().any(|scenario| scenario.measures().iter().any(|known| known == name));
    let reasons = || learning().any(|seat| played.iter().any(|scenario| scenario.seats[seat].reasons));
    let is_paid_more = || learning().any(|seat| played.iter().any(|scenario| is_paid_beside_score(scenario, seat)));
    let both_succeed = played.iter().any(|scenario| scenario.success.iter().all(|(_, condition)| condition.is_some()));
    let both_meet = settings.grpo.groups.mutual > 0 && Seat::ALL.into_iter().all(learns);
    for bound in &monitors.bounds {
        let because = match bound.watch.key {
            "thought_min" | "thought_max" if !reasons() => "no seat that learns reasons",
            "correlation_min" if !is_paid_more() => "no seat that learns is paid for anything but its score",
            "balance_max" if !both_meet => "the two models never meet in a group",
            "balance_max" if !both_succeed => "no scenario says what is a success of either seat",
            "manipulation_max" if !measured("agent/traps") => "no scenario counts traps (`agent/traps`)",
            "manipulation_max" if !learns(Seat::Agent) => "the agent does not learn",
            "suspicion_max" if !measured("user/over_suspicion") => {
                "no scenario measures what the user counters (`user/over_suspicion`)"
            }
            "suspicion_max" if !learns(Seat::User) => "the user does not learn",
            "fault_rise_max" if !learns(Seat::Agent) => "the agent does not learn",
            _ => continue,
        };
        check.without_effect(&key(bound.watch.key), Some(()), because);
    }
}

/// Whether something trains a seat that is no part of its score.
fn is_paid_beside_score(scenario: &Scenario, seat: Seat) -> bool {
    scenario.rewards.iter().any(|rule| rule.seat == seat && !rule.kind.is_score())
        || scenario.judge.rubric.iter().any(|rubric| rubric.criteria.iter().any(|criterion| criterion.seat == seat))
}
