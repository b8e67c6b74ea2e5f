//! Score and measures of a finished talk, by rule. Definitions with formulas: `docs/SCENARIOS.md`.

use std::collections::BTreeMap;

use super::World;
use super::world::Turned;
use crate::Case;
use crate::Ratio;
use crate::Reward;
use crate::RewardKind;
use crate::Scope;
use crate::Seat;
use crate::Verdict;
use crate::gyms::Slip;
use crate::gyms::Term;
use crate::gyms::YesNo;
use crate::gyms::efficiency::EFFECTIVE_TURNS;
use crate::gyms::efficiency::TIME_WEIGHTED;
use crate::gyms::words::normal;

/// All reward terms of this gym.
pub const TERMS: &[Term] = &[
    Term {
        seat: Seat::Agent,
        name: "told",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "what the best answer is worth, each answer earning what it is worth more than the best before it",
    },
    Term {
        seat: Seat::Agent,
        name: "telling",
        kind: RewardKind::Training,
        min: 0.0,
        max: 1.0,
        meaning: "share of turns that are questions answered with Yes or No and not put before, or answers better than those before",
    },
    Term {
        seat: Seat::User,
        name: "told",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "what the agent's best answer is worth",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "told",
    "solved",
    "points",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/asked",
    "agent/answers",
    "agent/vain_answers",
    "agent/maybe",
    "agent/repeated",
    "agent/gave_up",
    "agent/empty",
    "agent/too_long",
    "agent/unread",
];

/// The gym's verdict by rule.
#[must_use]
pub fn verdict(world: &World, case: &Case) -> Verdict {
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
            (Seat::Agent, "told") if world.rewards().is_empty() => {
                rewards.push(session(0.0, "nothing told".to_owned()))
            }
            (Seat::Agent, "told") => rewards.extend(world.rewards()),
            (Seat::Agent, "telling") => {
                let (told, turns) = (telling(world) as f64, world.turned.len() as f64);
                let share = Ratio::new(told, turns).rate().unwrap_or(0.0);
                rewards.push(session(share, format!("{told} of {turns} turns")));
            }
            (Seat::User, "told") => rewards.push(session(world.best(), format!("after {} turns", world.turned.len()))),
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        }
    }
    Verdict { rewards, measures: measures(world) }
}

/// How many turns told the agent something.
fn telling(world: &World) -> usize {
    let answered = world.exchanges().filter(|exchange| exchange.answer != YesNo::Maybe);
    let mut told: Vec<String> = answered.map(|exchange| normal(&exchange.question)).collect();
    told.sort_unstable();
    told.dedup();
    told.len() + world.rewards().len()
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let count = |such: &dyn Fn(&Turned) -> bool| world.turned.iter().filter(|turned| such(turned)).count() as f64;
    let slips = |slip: Slip| Ratio::new(count(&|turned| *turned == Turned::Malformed(slip)), world.turned.len() as f64);
    let questions: Vec<String> = world.exchanges().map(|exchange| normal(&exchange.question)).collect();
    let repeated = (0..questions.len()).filter(|at| questions[..*at].contains(&questions[*at])).count() as f64;
    let asked = questions.len() as f64;
    let answers = count(&|turned| matches!(turned, Turned::Answer { .. }));
    let vain = count(&|turned| matches!(turned, Turned::Answer { reward: 0.0, .. }));
    let whole = world.turned.iter().map(|turned| if let Turned::Answer { whole, .. } = turned { *whole } else { 0 });
    let points = Ratio::new(f64::from(whole.max().unwrap_or(0)), world.item().criteria.len() as f64);
    let maybe = world.exchanges().filter(|exchange| exchange.answer == YesNo::Maybe).count() as f64;
    let rows = [
        ("told", Ratio::new(world.best(), 1.0)),
        ("solved", Ratio::yes(world.is_solved())),
        ("points", points),
        ("agent/asked", Ratio::new(asked, 1.0)),
        ("agent/answers", Ratio::new(answers, 1.0)),
        ("agent/vain_answers", Ratio::new(vain, answers)),
        ("agent/maybe", Ratio::new(maybe, asked)),
        ("agent/repeated", Ratio::new(repeated, asked)),
        ("agent/gave_up", Ratio::yes(count(&|turned| *turned == Turned::Finish) > 0.0)),
        ("agent/empty", slips(Slip::Empty)),
        ("agent/too_long", slips(Slip::Long)),
        ("agent/unread", slips(Slip::Unread)),
    ];
    rows.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect()
}
