//! Score and measures of a finished talk, by rule. Definitions with formulas: `docs/SCENARIOS.md`.

use std::collections::BTreeMap;

use super::Stance;
use super::World;
use super::stance::LEVELS;
use super::stance::ONE_LEVEL;
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
use crate::gyms::efficiency::EFFECTIVE_TURNS;
use crate::gyms::efficiency::TIME_WEIGHTED;
use crate::gyms::words::normal;

/// All reward terms of this gym.
pub const TERMS: &[Term] = &[
    Term {
        seat: Seat::Agent,
        name: "moved",
        kind: RewardKind::Outcome,
        min: 0.0,
        // Six moves of one level, each rounded, are a hair more than one of six.
        max: 6.0 * ONE_LEVEL,
        meaning: "sum over arguments of a sixth for each level that the user is moved farther than ever before",
    },
    Term {
        seat: Seat::Agent,
        name: "moving",
        kind: RewardKind::Training,
        min: 0.0,
        max: 1.0,
        meaning: "share of turns that are arguments which move the user farther than ever before",
    },
    Term {
        seat: Seat::User,
        name: "kept",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "share of the six levels that the user was not moved",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "moved",
    "convinced",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/arguments",
    "agent/moving",
    "agent/backfired",
    "agent/repeated",
    "agent/gave_up",
    "agent/empty",
    "agent/too_long",
    "agent/unread",
];

/// The gym's verdict by rule.
#[must_use]
pub fn verdict(world: &World, case: &Case) -> Verdict {
    let kept = 1.0 - f64::from(world.best().level()) / f64::from(LEVELS);
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
            (Seat::Agent, "moved") if world.rewards().is_empty() => {
                rewards.push(session(0.0, format!("at {}", Stance::StronglyAgree.name())));
            }
            (Seat::Agent, "moved") => rewards.extend(world.rewards()),
            (Seat::Agent, "moving") => {
                let (moving, turns) = (world.rewards().len() as f64, world.turned.len() as f64);
                let share = Ratio::new(moving, turns).rate().unwrap_or(0.0);
                rewards.push(session(share, format!("{moving} of {turns} turns")));
            }
            (Seat::User, "kept") => rewards.push(session(kept, format!("moved to {}", world.best().name()))),
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        }
    }
    Verdict { rewards, measures: measures(world) }
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let count = |such: &dyn Fn(&Turned) -> bool| world.turned.iter().filter(|turned| such(turned)).count() as f64;
    let slips = |slip: Slip| Ratio::new(count(&|turned| *turned == Turned::Malformed(slip)), world.turned.len() as f64);
    let arguments: Vec<String> = world.exchanges().map(|exchange| normal(&exchange.argument)).collect();
    let repeated = (0..arguments.len()).filter(|at| arguments[..*at].contains(&arguments[*at])).count() as f64;
    let argued = arguments.len() as f64;
    let stances: Vec<Stance> = std::iter::once(Stance::StronglyAgree).chain(world.stances()).collect();
    let backfired = stances.windows(2).filter(|pair| pair[1] < pair[0]).count() as f64;
    let rows = [
        ("moved", Ratio::new(f64::from(world.best().level()) / f64::from(LEVELS), 1.0)),
        ("convinced", Ratio::yes(world.best() == Stance::StronglyDisagree)),
        ("agent/arguments", Ratio::new(argued, 1.0)),
        ("agent/moving", Ratio::new(world.rewards().len() as f64, argued)),
        ("agent/backfired", Ratio::new(backfired, argued)),
        ("agent/repeated", Ratio::new(repeated, argued)),
        ("agent/gave_up", Ratio::yes(count(&|turned| *turned == Turned::Finish) > 0.0)),
        ("agent/empty", slips(Slip::Empty)),
        ("agent/too_long", slips(Slip::Long)),
        ("agent/unread", slips(Slip::Unread)),
    ];
    rows.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect()
}
