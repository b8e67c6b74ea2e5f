//! Score and measures of a finished talk.

use super::World;
use super::world::Turned;
use crate::Case;
use crate::Ratio;
use crate::Reward;
use crate::RewardKind;
use crate::Scope;
use crate::Seat;
use crate::Verdict;
use crate::gyms::Term;

const fn term(seat: Seat, name: &'static str, kind: RewardKind, meaning: &'static str) -> Term {
    Term { seat, name, kind, min: 0.0, max: 1.0, meaning }
}

/// All reward terms: what a `[[reward]]` of a scenario file may name. The outcome is the score; training terms are shares.
pub const TERMS: &[Term] = &[
    term(Seat::Agent, "found", RewardKind::Outcome, "1 if the number was named"),
    term(Seat::Agent, "listens", RewardKind::Training, "share of turns that name a number that can still be"),
    term(Seat::User, "found", RewardKind::Outcome, "1 if the number was named"),
];

/// All measures: ratios, pooled over episodes as sums, which metrics and success conditions may name.
pub const MEASURES: &[&str] = &["found", "agent/guesses", "agent/against_what_was_heard", "agent/malformed"];

/// The verdict by rule: every term that the scenario asks for, and every measure.
#[must_use]
pub fn verdict(world: &World, case: &Case) -> Verdict {
    let turns = world.turned.len() as f64;
    let count = |such: &dyn Fn(&Turned) -> bool| world.turned.iter().filter(|turned| such(turned)).count() as f64;
    let guesses = count(&|turned| matches!(turned, Turned::Guess(..)));
    let heard = count(&|turned| matches!(turned, Turned::Guess(_, true)));
    let malformed = count(&|turned| *turned == Turned::Malformed);
    let found = f64::from(u8::from(world.is_found()));
    let reward = |rule: &crate::scenario::RewardRule| {
        let (value, evidence) = match (rule.seat, rule.name.as_str()) {
            (Seat::Agent, "found") => match world.reward() {
                // On its turn, as the world has given it.
                Some(reward) => return reward,
                None => (0.0, "not found".to_owned()),
            },
            (Seat::Agent, "listens") => (heard / turns.max(1.0), format!("{heard} of {turns} turns")),
            (Seat::User, "found") => (found, format!("{turns} turns")),
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        };
        let (seat, name, kind, weight) = (rule.seat, rule.name.clone(), rule.kind, rule.weight);
        Reward { seat, name, kind, scope: Scope::Session, value, weight, evidence }
    };
    let measures = [
        ("found", Ratio::yes(world.is_found())),
        ("agent/guesses", Ratio::new(guesses, 1.0)),
        ("agent/against_what_was_heard", Ratio::new(guesses - heard, guesses)),
        ("agent/malformed", Ratio::new(malformed, turns)),
    ];
    Verdict {
        rewards: case.scenario.rewards.iter().map(reward).collect(),
        measures: measures.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect(),
    }
}
