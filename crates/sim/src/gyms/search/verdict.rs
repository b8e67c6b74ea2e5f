//! Score and measures of a finished talk, by rule. Definitions with formulas: `docs/SCENARIOS.md`.

use std::collections::BTreeMap;

use super::World;
use super::world::Deed;
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
        name: "correct",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "1 for the right answer, at its turn",
    },
    Term {
        seat: Seat::Agent,
        name: "well_formed",
        kind: RewardKind::Training,
        min: 0.0,
        max: 1.0,
        meaning: "share of turns that are a search or an answer, and not the same search again",
    },
    Term {
        seat: Seat::User,
        name: "answered",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "1 if the question was answered",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "correct",
    "correct_at_once",
    "answer_shown",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/searches",
    "agent/answers",
    "agent/found_nothing",
    "agent/repeated",
    "agent/refused",
    "agent/malformed",
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
        match (rule.seat, rule.name.as_str()) {
            // Named even where nothing was earned, so that no term is missing from a verdict.
            (Seat::Agent, "correct") if world.rewards().is_empty() => {
                rewards.push(session(0.0, format!("the answer was {}", world.item().answer)));
            }
            (Seat::Agent, "correct") => rewards.extend(world.rewards()),
            (Seat::Agent, "well_formed") => {
                let turns = world.deeds.len() as f64;
                let good = turns
                    - ["agent/repeated", "agent/refused", "agent/malformed"]
                        .map(|m| measures[m].num)
                        .iter()
                        .sum::<f64>();
                let share = Ratio::new(good, turns).rate().unwrap_or(1.0);
                rewards.push(session(share, format!("{good} of {turns} turns")));
            }
            (Seat::User, "answered") => rewards.push(session(f64::from(world.is_solved()), String::new())),
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        }
    }
    Verdict { rewards, measures }
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let deeds = &world.deeds;
    let count = |such: &dyn Fn(&Deed) -> bool| deeds.iter().filter(|deed| such(deed)).count() as f64;
    let turns = deeds.len() as f64;
    let searches: Vec<&String> = deeds
        .iter()
        .filter_map(|deed| match deed {
            Deed::Search(query, _) => Some(query),
            Deed::Malformed | Deed::Refused | Deed::Answer(..) | Deed::Finish => None,
        })
        .collect();
    let made = searches.len() as f64;
    let repeated = searches.iter().enumerate().filter(|(at, query)| searches[..*at].contains(query)).count() as f64;
    let shown = world.shown().any(|page| page.text.contains(&world.item().answer));
    let first = deeds.iter().find(|deed| matches!(deed, Deed::Answer(..)));
    let rows = [
        ("correct", Ratio::yes(world.is_solved())),
        ("correct_at_once", Ratio::yes(matches!(first, Some(Deed::Answer(_, true))))),
        ("answer_shown", Ratio::yes(shown)),
        ("agent/searches", Ratio::new(made, 1.0)),
        ("agent/answers", Ratio::new(f64::from(world.answers()), 1.0)),
        (
            "agent/found_nothing",
            Ratio::new(count(&|deed| matches!(deed, Deed::Search(_, found) if found.is_empty())), made),
        ),
        ("agent/repeated", Ratio::new(repeated, made)),
        ("agent/refused", Ratio::new(count(&|deed| *deed == Deed::Refused), turns)),
        ("agent/malformed", Ratio::new(count(&|deed| *deed == Deed::Malformed), turns)),
    ];
    rows.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect()
}
