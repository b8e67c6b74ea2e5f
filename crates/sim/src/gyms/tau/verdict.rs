//! Score and measures of a finished talk, by rule. Definitions with formulas: `docs/SCENARIOS.md`.

use std::collections::BTreeMap;

use super::World;
use super::tools;
use super::world::Ending;
use super::world::Mistake;
use super::world::Turned;
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
        name: "solved",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "1 if the customer stopped or was handed over, the database is as the gold actions leave it, and all outputs were said",
    },
    Term {
        seat: Seat::Agent,
        name: "well_formed",
        kind: RewardKind::Training,
        min: 0.0,
        max: 1.0,
        meaning: "share of turns that count, and are no call that a tool refuses",
    },
    Term {
        seat: Seat::User,
        name: "served",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "share of the gold actions that may change something that were carried out, and of the outputs that were said",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "solved",
    "database",
    "outputs",
    "goals",
    "transferred",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/calls",
    "agent/refused",
    "agent/unconfirmed",
    "agent/forbidden",
    "agent/said",
    "agent/malformed",
    "agent/malformed_operation",
    "agent/malformed_utterance",
    "agent/malformed_call",
    "agent/malformed_search",
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
            (Seat::Agent, "solved") if !world.is_solved() => rewards.push(session(0.0, why_not(world))),
            (Seat::Agent, "solved") => rewards.extend(world.rewards()),
            (Seat::Agent, "well_formed") => {
                let turns = world.turned.len() as f64;
                let lost = measures["agent/malformed"].num + measures["agent/refused"].num;
                let share = Ratio::new(turns - lost, turns).rate().unwrap_or(1.0);
                rewards.push(session(share, format!("{} of {turns} turns", turns - lost)));
            }
            (Seat::User, "served") => {
                let served = served(world);
                // Who wants nothing that could be done is served by that.
                let share = served.rate().unwrap_or(1.0);
                rewards.push(session(share, format!("{} of {}", served.num, served.den)));
            }
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        }
    }
    Verdict { rewards, measures }
}

fn why_not(world: &World) -> String {
    let left = match world.ending {
        Some(Ending::Finished) => "the agent hung up",
        None => "the talk came to no end",
        Some(Ending::Stopped | Ending::Transferred) if world.matches() => "not all outputs were said",
        Some(Ending::Stopped | Ending::Transferred) => "the database is not as the gold actions leave it",
    };
    left.to_owned()
}

fn all(what: impl Iterator<Item = bool>) -> Ratio {
    let mut ratio = Ratio::default();
    what.for_each(|yes| ratio += Ratio::yes(yes));
    ratio
}

/// Gold actions that may change something, carried out.
fn goals(world: &World) -> Ratio {
    let task = &world.entry().task;
    let done = task.actions.iter().zip(&world.done);
    all(done.filter(|(action, _)| tools::writes(task.domain, action)).map(|(_, done)| *done))
}

fn served(world: &World) -> Ratio {
    let mut served = goals(world);
    served += all(world.told.iter().copied());
    served
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let count = |such: &dyn Fn(&Turned) -> bool| world.turned.iter().filter(|turned| such(turned)).count() as f64;
    let turns = world.turned.len() as f64;
    let calls = count(&|turned| matches!(turned, Turned::Called { .. }));
    let refused = count(&|turned| matches!(turned, Turned::Called { is_error: true, .. }));
    let wrote = count(&|turned| matches!(turned, Turned::Called { wrote: true, .. }));
    let unconfirmed = count(&|turned| matches!(turned, Turned::Called { wrote: true, confirmed: false, .. }));
    let malformed = |mistake| Ratio::new(count(&|turned| *turned == Turned::Malformed(mistake)), turns);
    let rows = [
        ("solved", Ratio::yes(world.is_solved())),
        ("database", Ratio::yes(world.matches())),
        ("outputs", all(world.told.iter().copied())),
        ("goals", goals(world)),
        ("transferred", Ratio::yes(world.ending == Some(Ending::Transferred))),
        ("agent/calls", Ratio::new(calls, 1.0)),
        ("agent/refused", Ratio::new(refused, calls)),
        ("agent/unconfirmed", Ratio::new(unconfirmed, wrote)),
        ("agent/forbidden", Ratio::yes(world.strayed)),
        ("agent/said", Ratio::new(count(&|turned| *turned == Turned::Said), 1.0)),
        ("agent/malformed", Ratio::new(count(&|turned| matches!(turned, Turned::Malformed(_))), turns)),
        ("agent/malformed_operation", malformed(Mistake::Operation)),
        ("agent/malformed_utterance", malformed(Mistake::Utterance)),
        ("agent/malformed_call", malformed(Mistake::Call)),
        ("agent/malformed_search", malformed(Mistake::Search)),
    ];
    rows.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect()
}
