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
        name: "guessed",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "1 if the thing was guessed",
    },
    Term {
        seat: Seat::Agent,
        name: "telling",
        kind: RewardKind::Training,
        min: 0.0,
        max: 1.0,
        meaning: "share of turns that are questions answered with Yes or No and not put before, or the right guess",
    },
    Term {
        seat: Seat::User,
        name: "guessed",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "1 if the thing was guessed",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "guessed",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/asked",
    "agent/guesses",
    "agent/wrong_guesses",
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
    let guessed = f64::from(u8::from(world.is_guessed()));
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
            (Seat::Agent, "guessed") if guessed == 0.0 => rewards.push(session(0.0, "not guessed".to_owned())),
            (Seat::Agent, "guessed") => rewards.extend(world.rewards()),
            (Seat::Agent, "telling") => {
                let (told, turns) = (telling(world) as f64, world.turned.len() as f64);
                let share = Ratio::new(told, turns).rate().unwrap_or(0.0);
                rewards.push(session(share, format!("{told} of {turns} turns")));
            }
            (Seat::User, "guessed") => rewards.push(session(guessed, format!("after {} turns", world.turned.len()))),
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
    told.len() + usize::from(world.is_guessed())
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let count = |such: &dyn Fn(&Turned) -> bool| world.turned.iter().filter(|turned| such(turned)).count() as f64;
    let slips = |slip: Slip| Ratio::new(count(&|turned| *turned == Turned::Malformed(slip)), world.turned.len() as f64);
    let questions: Vec<String> = world.exchanges().map(|exchange| normal(&exchange.question)).collect();
    let repeated = (0..questions.len()).filter(|at| questions[..*at].contains(&questions[*at])).count() as f64;
    let asked = questions.len() as f64;
    let guesses = count(&|turned| matches!(turned, Turned::Guess { .. }));
    let wrong = count(&|turned| matches!(turned, Turned::Guess { right: false, .. }));
    let maybe = world.exchanges().filter(|exchange| exchange.answer == YesNo::Maybe).count() as f64;
    let rows = [
        ("guessed", Ratio::yes(world.is_guessed())),
        ("agent/asked", Ratio::new(asked, 1.0)),
        ("agent/guesses", Ratio::new(guesses, 1.0)),
        ("agent/wrong_guesses", Ratio::new(wrong, guesses)),
        ("agent/maybe", Ratio::new(maybe, asked)),
        ("agent/repeated", Ratio::new(repeated, asked)),
        ("agent/gave_up", Ratio::yes(count(&|turned| *turned == Turned::Finish) > 0.0)),
        ("agent/empty", slips(Slip::Empty)),
        ("agent/too_long", slips(Slip::Long)),
        ("agent/unread", slips(Slip::Unread)),
    ];
    rows.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect()
}
