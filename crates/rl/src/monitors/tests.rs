use std::sync::Arc;

use sim::Act;
use sim::EpisodeRecord;
use sim::Fault;
use sim::FaultKind;
use sim::Pair;
use sim::Party;
use sim::Reward;
use sim::RewardKind;
use sim::Scope;
use sim::Seat;
use sim::Stop;
use sim::gyms::haggle;

use super::*;
use crate::Mix;
use crate::Part;
use crate::fixtures;

fn settings(bounds: &[(&str, f64)]) -> MonitorSettings {
    let bound = |(key, value): &(&str, f64)| Bound { watch: Watch::of(key).expect("it can be watched"), value: *value };
    MonitorSettings { on_alarm: OnAlarm::Stop, start: 2, patience: 3, bounds: bounds.iter().map(bound).collect() }
}

/// The steps, from 1, at which alarms of `metric` are told for these values, one a step.
fn told(metric: &str, values: &[f64], settings: &MonitorSettings) -> Vec<usize> {
    let mut monitors = Monitors::default();
    let alarms = values.iter().enumerate().map(|(at, value)| {
        let mut metrics = Metrics::default();
        metrics.set(metric, Some(*value));
        (at + 1, monitors.note(&metrics, settings))
    });
    alarms.filter(|(_, alarms)| !alarms.is_empty()).map(|(step, _)| step).collect()
}

#[test]
fn a_floor_of_the_start_is_held_against_the_mean_of_the_last_steps() {
    let settings = settings(&[("entropy_min", 0.5)]);
    // It begins at 2: below 1 on the average of three that came after the first two.
    assert_eq!(told("user/entropy", &[2.2, 1.8, 1.0, 1.0, 1.0, 0.9], &settings), [6]);
    // One low step is none, and three low ones at once are there when the third is.
    assert_eq!(told("user/entropy", &[2.2, 1.8, 0.1, 1.9, 1.9, 1.9], &settings), [0usize; 0]);
    assert_eq!(told("user/entropy", &[2.0, 2.0, 0.1, 0.1, 0.1], &settings), [5]);
    // Nothing can be half of nothing.
    assert_eq!(told("user/entropy", &[0.0, 0.0, -1.0, -1.0, -1.0], &settings), [0usize; 0]);
}

#[test]
fn an_alarm_is_told_once_and_again_when_it_had_gone() {
    let settings = settings(&[("repetition_max", 0.5)]);
    let values = [0.6, 0.6, 0.6, 0.9, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    // Means of three: .6 .7 .5 .3 0 1/3 2/3 1. What is no departure from a start may be wrong from the start.
    assert_eq!(told("agent/said_again", &values, &settings), [3, 9]);
}

#[test]
fn a_rise_is_a_distance_and_a_ceiling_of_the_start_a_multiple() {
    let rise = settings(&[("fault_rise_max", 0.1)]);
    assert_eq!(told("agent/spoiled", &[0.0, 0.1, 0.15, 0.15, 0.15, 0.16], &rise), [6]);
    let long = settings(&[("thought_max", 2.0)]);
    assert_eq!(told("user/tokens/thought", &[10.0, 10.0, 20.0, 20.0, 20.0, 21.0], &long), [6]);
}

#[test]
fn in_a_mix_each_scenario_is_watched_and_nothing_of_a_like_name() {
    let settings = settings(&[("suspicion_max", 0.2)]);
    let high = [0.9; 4];
    assert_eq!(told("broadband/user/over_suspicion", &high, &settings), [3]);
    assert_eq!(told("user/over_suspicion_seen", &high, &settings), [0usize; 0]);
    assert_eq!(told("other_user/over_suspicion", &high, &settings), [0usize; 0]);
}

#[test]
fn steps_without_the_number_leave_no_trace() {
    let settings = settings(&[("entropy_min", 0.5)]);
    let (mut with, mut without) = (Monitors::default(), Monitors::default());
    for value in [Some(2.0), None, Some(2.0), Some(0.1), None, Some(0.1), Some(0.1)] {
        let mut metrics = Metrics::default();
        metrics.set("agent/entropy", value);
        let _ = with.note(&metrics, &settings);
        if value.is_some() {
            let _ = without.note(&metrics, &settings);
        }
    }
    assert_eq!(with, without);
    assert_eq!(with.standing(&settings).len(), 1);
}

#[test]
fn what_was_noted_comes_back_from_a_commit_and_stands_by_the_bounds_of_today() {
    let tight = settings(&[("entropy_min", 0.5), ("suspicion_max", 0.9)]);
    let mut monitors = Monitors::default();
    for value in [1.3, 1.1, 0.1, 0.2, 1.0 / 3.0] {
        let mut metrics = Metrics::default();
        metrics.set("agent/entropy", Some(value));
        let _ = monitors.note(&metrics, &tight);
    }
    let text = serde_json::to_string(&monitors).expect("it is a value");
    let back: Monitors = serde_json::from_str(&text).expect("as it was written");
    assert_eq!(back, monitors);
    let [alarm] = &back.standing(&tight)[..] else { panic!("one alarm stands") };
    assert_eq!((alarm.rule, alarm.metric.as_str()), ("entropy_min", "agent/entropy"));
    assert!((alarm.value - (0.3 + 1.0 / 3.0) / 3.0).abs() < 1e-12 && (alarm.bound - 0.6).abs() < 1e-12);
    let said = Stopped { step: 5, alarms: vec![alarm.clone()] }.to_string();
    assert!(
        said.starts_with("stopped after step 5: agent/entropy is 0.2111 over the last 3 steps, below 0.6000"),
        "{said}"
    );
    assert!(back.standing(&settings(&[("entropy_min", 0.1)])).is_empty(), "another bound");
    let patient = MonitorSettings { patience: 4, ..tight };
    assert!(back.standing(&patient).is_empty(), "more steps are asked for than were kept");
}

#[test]
fn a_broken_user_is_an_alarm_like_the_others() {
    let alarm = Alarm::from(Broken { learner: 0.125, fixed: 0.02 });
    assert_eq!((alarm.rule, alarm.value, alarm.bound), (USER_FAILURES, 0.125, 0.02));
    assert!(alarm.to_string().contains("breaking the user"), "{alarm}");
}

fn mix() -> Mix {
    let mut scenario = haggle::example();
    scenario.success = Pair {
        agent: Some("agent.score > 0.5".parse().expect("a condition")),
        user: Some("user.score > 0.5".parse().expect("a condition")),
    };
    Mix::new(vec![Part::new(Arc::new(scenario), 1.0)])
}

fn says(mut record: EpisodeRecord, seat: Seat, words: &[&str]) -> EpisodeRecord {
    let own = record.turns.iter_mut().filter(|turn| turn.seat == seat);
    for (turn, words) in own.zip(words) {
        turn.decision.act = Ok(Act::Say((*words).to_owned()));
    }
    record
}

fn measured(records: &[EpisodeRecord], name: &str) -> Option<f64> {
    measure(records, &mix()).get(name).map(|value| (value * 1e6).round() / 1e6)
}

#[test]
fn what_is_said_again_and_what_is_said_differently_is_counted_by_hand() {
    let talk = |member, words: &[&str]| says(fixtures::record(0, member, &[0.0; 3], &[0.0]), Seat::Agent, words);
    let mut records = vec![talk(1, &["No.", "no. ", "Yes."]), talk(2, &["No.", "Well?", "Ah."])];
    // One of six is said again in its talk; four different things in six turns.
    assert_eq!(measured(&records, "agent/said_again"), Some(0.166_667));
    assert_eq!(measured(&records, "agent/distinct"), Some(0.666_667));
    records[1].casting.policies.agent = "scripted:good".to_owned();
    assert_eq!(measured(&records, "agent/distinct"), Some(0.666_667), "two of three; a script is not watched");
    assert_eq!(measured(&records, "agent/said_again"), Some(0.333_333));
    records[0].fault = Some(Fault::new(Party::Judge, FaultKind::Deadline, "late"));
    assert_eq!(measured(&records, "agent/distinct"), None);
}

/// A talk of which the agent's score and what it is paid beside it are known.
fn paid(group: u32, member: u32, score: f64, beside: f64) -> EpisodeRecord {
    let mut record = fixtures::record(group, member, &[score], &[0.0]);
    let verdict = record.verdict.as_mut().expect("it was judged");
    verdict.rewards.push(Reward {
        seat: Seat::Agent,
        name: "form".to_owned(),
        kind: RewardKind::Training,
        scope: Scope::Session,
        value: beside,
        weight: 1.0,
        evidence: String::new(),
    });
    record
}

#[test]
fn terms_are_correlated_within_groups_and_not_between_items() {
    // Within each group one rises as the other falls; between the groups both rise.
    let records = [paid(0, 1, 0.1, 0.2), paid(0, 2, 0.2, 0.1), paid(1, 1, 0.8, 0.9), paid(1, 2, 0.9, 0.8)];
    assert_eq!(measured(&records, "agent/terms_correlation"), Some(-1.0));
    let alike = [paid(0, 1, 0.1, 0.1), paid(0, 2, 0.5, 0.3), paid(0, 3, 0.3, 0.2)];
    assert_eq!(measured(&alike, "agent/terms_correlation"), Some(1.0));
    let flat = [paid(0, 1, 0.1, 0.2), paid(0, 2, 0.2, 0.2)];
    assert_eq!(measured(&flat, "agent/terms_correlation"), None);
}

#[test]
fn traps_spoiled_talks_and_the_gap_of_successes_are_shares_of_what_they_are_about() {
    let trap = |mut record: EpisodeRecord, traps: f64| {
        let measures = &mut record.verdict.as_mut().expect("it was judged").measures;
        measures.insert("agent/traps".to_owned(), Ratio::new(traps, 1.0));
        record
    };
    let mut records = vec![
        trap(fixtures::record(0, 1, &[0.9, 0.0], &[0.0]), 1.0),
        trap(fixtures::record(0, 2, &[0.9, 0.0, 0.0], &[0.9]), 2.0),
        trap(fixtures::record(1, 1, &[0.9], &[0.0]), 0.0),
        fixtures::record(1, 2, &[0.0], &[0.0]),
    ];
    records[3].stop = Some(Stop::Failed(Seat::User));
    records[3].verdict = None;
    records[3].scores = Pair { agent: None, user: Some(-1.0) };
    // 3 traps in 6 turns; one of four talks; the agent always, the user in one of four: its failure is no success.
    assert_eq!(measured(&records, "agent/manipulative"), Some(0.5));
    assert_eq!(measured(&records, "agent/spoiled"), Some(0.25));
    assert_eq!(measured(&records, "success_gap"), Some(0.75));
}
