//! Score and measures of a finished talk, by rule. Definitions with formulas: `docs/SCENARIOS.md`.

use std::collections::BTreeMap;

use super::Importance;
use super::World;
use super::items::DETAILS_MAX;
use super::world::Asking;
use crate::Case;
use crate::Ratio;
use crate::Reward;
use crate::RewardKind;
use crate::Scope;
use crate::Seat;
use crate::Verdict;
use crate::gyms::Term;
use crate::gyms::efficiency::EFFECTIVE_TURNS;
use crate::gyms::efficiency::TIME_WEIGHTED;

/// All reward terms of this gym.
pub const TERMS: &[Term] = &[
    Term {
        seat: Seat::Agent,
        name: "covered",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: DETAILS_MAX as f64,
        meaning: "sum over questions of 1, 0.7 or 0.4 for the most important detail it newly covers, less 0.2 for each further one",
    },
    Term {
        seat: Seat::Agent,
        name: "focused",
        kind: RewardKind::Training,
        min: 0.0,
        max: 1.0,
        meaning: "share of turns that are questions about one thing, and not the same question again",
    },
    Term {
        seat: Seat::User,
        name: "understood",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "share of the missing details that were asked about",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "covered",
    "covered_high",
    "all_covered",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/questions",
    "agent/unfocused",
    "agent/empty",
    "agent/repeated",
];

/// The gym's verdict by rule.
#[must_use]
pub fn verdict(world: &World, case: &Case) -> Verdict {
    let measures = measures(world);
    let mut rewards = Vec::new();
    for rule in &case.scenario.rewards {
        let session = |value: f64, evidence: String| Reward {
            seat: rule.seat,
            name: rule.name.clone(),
            kind: rule.kind,
            scope: Scope::Session,
            value,
            weight: rule.weight,
            evidence,
        };
        let found = format!("{} of {} details", covered(world, |_| true).num, covered(world, |_| true).den);
        match (rule.seat, rule.name.as_str()) {
            // Named even where nothing was earned, so that no term is missing from a verdict.
            (Seat::Agent, "covered") if world.rewards().is_empty() => rewards.push(session(0.0, found)),
            (Seat::Agent, "covered") => rewards.extend(world.rewards()),
            (Seat::Agent, "focused") => {
                let stray = ["agent/unfocused", "agent/repeated"].iter().map(|name| measures[*name].num).sum::<f64>();
                let malformed = world.askings.iter().filter(|asking| **asking == Asking::Malformed).count() as f64;
                let turns = world.askings.len() as f64;
                let share = Ratio::new(turns - stray - malformed, turns).rate().unwrap_or(1.0);
                rewards.push(session(share, format!("{} of {turns} turns", turns - stray - malformed)));
            }
            (Seat::User, "understood") => {
                rewards.push(session(covered(world, |_| true).rate().unwrap_or(0.0), found));
            }
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        }
    }
    Verdict { rewards, measures }
}

/// Of the details of such importance, how many were asked about.
fn covered(world: &World, such: impl Fn(Importance) -> bool) -> Ratio {
    let details = world.entry().item.missing_details.iter().zip(world.covered());
    let mut ratio = Ratio::default();
    for (_, covered) in details.filter(|(detail, _)| such(detail.importance)) {
        ratio += Ratio::yes(covered);
    }
    ratio
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let questions: Vec<(bool, bool)> = world
        .askings
        .iter()
        .filter_map(|asking| match asking {
            Asking::Question { related, covered, .. } => Some((*related, !covered.is_empty())),
            Asking::Malformed | Asking::Finish => None,
        })
        .collect();
    let asked = questions.len() as f64;
    let count = |such: &dyn Fn(&(bool, bool)) -> bool| questions.iter().filter(|q| such(q)).count() as f64;
    let repeated = world
        .exchanges
        .iter()
        .enumerate()
        .filter(|(at, exchange)| world.exchanges[..*at].iter().any(|earlier| earlier.question == exchange.question))
        .filter(|(at, _)| questions[*at].0)
        .count() as f64;
    let all = covered(world, |_| true);
    let rows = [
        ("covered", all),
        ("covered_high", covered(world, |importance| importance == Importance::High)),
        ("all_covered", Ratio::yes(all.num == all.den)),
        ("agent/questions", Ratio::new(asked, 1.0)),
        ("agent/unfocused", Ratio::new(count(&|(related, _)| !related), asked)),
        ("agent/empty", Ratio::new(count(&|(related, hit)| *related && !hit), asked)),
        ("agent/repeated", Ratio::new(repeated, asked)),
    ];
    rows.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect()
}
