//! Every agent against every user, as one table.

use std::fmt::Write;

use rl::interval::Estimate;
use sim::Pair;
use sim::Seat;

use super::Run;

/// A row an agent, a column a user, both in the order in which they first come. In each cell the agent's score and the user's, and below
/// each its 95 % interval; `-` where nothing was scored.
pub(super) fn table(scenario: &str, runs: &[Run]) -> String {
    let of = |seat: Seat| distinct(runs.iter().map(|run| run.policies[seat].as_str()));
    let names = Pair { agent: of(Seat::Agent), user: of(Seat::User) };
    let first = names.agent.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let cells: Vec<Vec<[String; 2]>> =
        names.agent.iter().map(|agent| names.user.iter().map(|user| cell(runs, agent, user)).collect()).collect();
    let width = |column: usize| {
        let lines = cells.iter().flat_map(|row| &row[column]).map(|line| line.chars().count());
        lines.chain([names.user[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..names.user.len()).map(width).collect();
    let mut text = format!("{scenario}: score of the agent (row) / of the user (column), and their 95 % intervals\n");
    row(&mut text, first, "", names.user.iter().copied().zip(&widths));
    for (agent, cells) in names.agent.iter().zip(&cells) {
        for (line, name) in [*agent, ""].into_iter().enumerate() {
            row(&mut text, first, name, cells.iter().map(|cell| cell[line].as_str()).zip(&widths));
        }
    }
    text
}

fn row<'a>(text: &mut String, first: usize, name: &str, cells: impl Iterator<Item = (&'a str, &'a usize)>) {
    let mut line = format!("  {name:first$}");
    for (cell, width) in cells {
        let width = *width;
        let _ = write!(line, "  {cell:width$}");
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}

/// Scores, and intervals.
fn cell(runs: &[Run], agent: &str, user: &str) -> [String; 2] {
    let run = runs.iter().find(|run| run.policies.agent == agent && run.policies.user == user);
    let score = |seat: Seat| -> Option<Estimate> { *run?.evaluation.metrics.get(&format!("{seat}/score/mean"))? };
    let mean = |seat: Seat| score(seat).map_or("-".to_owned(), |score| format!("{:+.3}", score.mean));
    let interval = |seat: Seat| {
        let interval = score(seat).and_then(|score| score.ci95);
        interval.map_or("-".to_owned(), |i| format!("[{:+.3}, {:+.3}]", i.low, i.high))
    };
    [&mean as &dyn Fn(Seat) -> String, &interval].map(|part| Seat::ALL.map(part).join(" / "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rl::evaluation::Evaluation;
    use rl::interval::Interval;

    use super::*;

    fn run(agent: &str, user: &str, scores: [Option<f64>; 2]) -> Run {
        let estimate = |mean: f64| Estimate { mean, ci95: Some(Interval { low: mean - 0.1, high: mean + 0.1 }) };
        let metrics = Seat::ALL.map(|seat| (format!("{seat}/score/mean"), scores[seat as usize].map(estimate)));
        let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
        let evaluation = Evaluation {
            trials: 1,
            episodes: 1,
            lost: 0,
            scored: Pair { agent: 1, user: 1 },
            faults: BTreeMap::new(),
            metrics: metrics.into(),
        };
        Run { scenario: "talk".to_owned(), policies, evaluation, scores: rl::Scores::default() }
    }

    #[test]
    fn each_agent_is_a_row_and_each_user_a_column_in_the_order_given() {
        let runs = [
            run("rule", "x", [Some(0.5), Some(-0.25)]),
            run("rule", "a-long-name-of-a-user-that-is-wider-than-its-cells", [Some(0.0), Some(1.0)]),
            run("good", "x", [Some(0.25), None]),
            run("good", "a-long-name-of-a-user-that-is-wider-than-its-cells", [None, None]),
        ];
        let expected = "\
talk: score of the agent (row) / of the user (column), and their 95 % intervals
        x                                    a-long-name-of-a-user-that-is-wider-than-its-cells
  rule  +0.500 / -0.250                      +0.000 / +1.000
        [+0.400, +0.600] / [-0.350, -0.150]  [-0.100, +0.100] / [+0.900, +1.100]
  good  +0.250 / -                           - / -
        [+0.150, +0.350] / -                 - / -
";
        assert_eq!(table("talk", &runs), expected);
    }
}
