//! UserRL's published rows beside ours. Whoever sees them is told what they are: other people's numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use rl::interval::Estimate;
use rl::userrl;
use rl::userrl::EFFICIENCY;
use rl::userrl::Efficiency;
use rl::userrl::PUBLISHED;
use rl::userrl::Published;
use rl::userrl::TEST_SETS;
use serde_json::Value;
use serde_json::json;
use sim::Scenario;

use super::averages::Averages;
use super::averages::write_columns;
use crate::failure::Failure;

/// One line of the table: a model or a pairing, in the paper's columns.
struct Line {
    name: String,
    /// By gym, in the order of [`TEST_SETS`]; `None`: not measured.
    scores: [Option<f64>; 8],
    /// Averages; `None` unless all gyms were measured.
    micro: Option<f64>,
    macro_average: Option<f64>,
    effective_turns: Option<f64>,
    time_weighted: Option<f64>,
}

/// Whether there is anything to put beside what was published.
///
/// # Errors
/// [`Failure::Input`] if no scenario is of a gym of UserRL.
pub(super) fn applies(scenarios: &[Arc<Scenario>]) -> Result<(), Failure> {
    let known = |scenario: &Arc<Scenario>| TEST_SETS.iter().any(|set| set.gym == scenario.rules.name());
    if scenarios.iter().any(known) {
        return Ok(());
    }
    let hint = "the gyms with published results are those of scenarios/userrl/*.toml";
    Err(Failure::input("--published: no scenario is of a gym of UserRL", Some(hint)))
}

/// Our rows first, and below a line that says what they are, the published ones.
pub(super) fn table(averages: &[Averages], scenarios: &[Arc<Scenario>]) -> String {
    let ours: Vec<Line> = averages.iter().map(|averages| ours(averages, scenarios)).collect();
    let mut text =
        String::from("ours, and below what was published, by gym (* : the published models were not trained in it)\n");
    let theirs: Vec<Line> = PUBLISHED.iter().zip(&EFFICIENCY).map(theirs).collect();
    write_columns(&mut text, &columns(&ours, &theirs));
    text.push_str(&format!("  published: {}\n", userrl::NOTE));
    text
}

/// The published rows with what they are.
pub(super) fn to_json() -> Value {
    let sets = TEST_SETS.iter().map(|set| json!({ "gym": set.gym, "items": set.items, "held_in": set.held_in }));
    let row = |(published, efficiency): (&Published, &Efficiency)| {
        let gyms = TEST_SETS.iter().zip(published.scores);
        json!({
            "model": published.model,
            "scores": gyms.map(|(set, score)| (set.gym, score)).collect::<BTreeMap<&str, f64>>(),
            "micro": published.average,
            "macro": userrl::macro_average(&published.scores),
            "effective_turns": efficiency.effective_turns,
            "time_weighted": efficiency.time_weighted,
        })
    };
    json!({
        "note": userrl::NOTE,
        "test_sets": sets.collect::<Vec<Value>>(),
        "rows": PUBLISHED.iter().zip(&EFFICIENCY).map(row).collect::<Vec<Value>>(),
    })
}

fn theirs((published, efficiency): (&Published, &Efficiency)) -> Line {
    Line {
        name: format!("published: {}", published.model),
        scores: published.scores.map(Some),
        micro: Some(published.average),
        macro_average: userrl::macro_average(&published.scores),
        effective_turns: Some(efficiency.effective_turns),
        time_weighted: Some(efficiency.time_weighted),
    }
}

/// Scenarios of one gym count together by their items, as the paper pools the sets of travel. Averages are over these columns, if all are there.
fn ours(averages: &Averages, scenarios: &[Arc<Scenario>]) -> Line {
    let Averages { policies, board } = averages;
    let of_gym = |gym: &str| {
        let own = scenarios.iter().filter(|scenario| scenario.rules.name() == gym);
        let cells: Option<Vec<(f64, u32)>> = own
            .map(|scenario| Some((board.score.scenarios[&scenario.name]?.mean, board.items[&scenario.name] as u32)))
            .collect();
        let cells = cells?;
        Some((userrl::micro(&cells)?, cells.iter().map(|(_, items)| items).sum()))
    };
    let gyms: [Option<(f64, u32)>; 8] = TEST_SETS.map(|set| of_gym(set.gym));
    let whole: Option<Vec<(f64, u32)>> = gyms.iter().copied().collect();
    let means = |whole: &Vec<(f64, u32)>| whole.iter().map(|(mean, _)| *mean).collect::<Vec<f64>>();
    let of_all = |estimate: Option<Estimate>| whole.as_ref().and(estimate).map(|estimate| estimate.mean);
    Line {
        name: format!("ours: {} x {}", policies.agent, policies.user),
        scores: gyms.map(|gym| gym.map(|(mean, _)| mean)),
        micro: whole.as_deref().and_then(userrl::micro),
        macro_average: whole.as_ref().and_then(|whole| userrl::macro_average(&means(whole))),
        effective_turns: of_all(board.effective_turns.micro),
        time_weighted: of_all(board.time_weighted.micro),
    }
}

fn columns(ours: &[Line], theirs: &[Line]) -> Vec<Vec<String>> {
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let column = |heading: String, cell: &dyn Fn(&Line) -> String| {
        let rule = "-".repeat(heading.chars().count());
        let below = theirs.iter().map(cell);
        [heading].into_iter().chain(ours.iter().map(cell)).chain([rule]).chain(below).collect::<Vec<String>>()
    };
    let mut columns = vec![column("score".to_owned(), &|line| line.name.clone())];
    for (at, set) in TEST_SETS.iter().enumerate() {
        let heading = format!("{}{}", set.gym, if set.held_in { "" } else { "*" });
        columns.push(column(heading, &|line| shown(line.scores[at])));
    }
    columns.push(column("micro".to_owned(), &|line| shown(line.micro)));
    columns.push(column("macro".to_owned(), &|line| shown(line.macro_average)));
    columns.push(column("effective turns".to_owned(), &|line| shown(line.effective_turns)));
    columns.push(column("time-weighted".to_owned(), &|line| shown(line.time_weighted)));
    columns
}
