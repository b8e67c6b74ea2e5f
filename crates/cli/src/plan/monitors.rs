//! What a run is watched for, in words.

use rl::monitors::Bound;
use rl::monitors::OnAlarm;
use rl::monitors::Unit;
use rl::settings::GrpoSettings;

/// One line for each bound, and what happens where it is passed; none where nothing is watched.
#[must_use]
pub fn words(grpo: &GrpoSettings) -> Vec<String> {
    let Some(monitors) = &grpo.monitors else { return Vec::new() };
    let (start, patience) = (monitors.start, monitors.patience);
    let end = match monitors.on_alarm {
        OnAlarm::Stop => {
            "the run ends when the step is committed (exit code 1), and --resume goes on with other bounds"
        }
        OnAlarm::Warn => "a line says so, in metrics.jsonl and on stderr, and the run goes on",
    };
    let mut words: Vec<String> = monitors.bounds.iter().map(of_bound).collect();
    words.push(format!(
        "each by the mean of the last {patience} steps, where it began by that of the first {start}; past a bound, {end}"
    ));
    words
}

fn of_bound(bound: &Bound) -> String {
    let Bound { watch, value } = bound;
    let metrics = watch.metrics.join(", ");
    let side = if watch.is_floor() { "at least" } else { "at most" };
    let limit = match watch.unit {
        Unit::Itself => value.to_string(),
        Unit::OfStart => format!("{value} times where it began"),
        Unit::OverStart => format!("{value} above where it began"),
    };
    format!("{metrics}: {side} {limit}; else {}", watch.meaning)
}
