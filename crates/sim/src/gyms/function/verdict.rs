//! Score and measures of a finished talk, by rule. Definitions with formulas: `docs/SCENARIOS.md`.

use std::collections::BTreeMap;

use super::World;
use super::world::Move;
use super::world::Slip;
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
        meaning: "1 for the right answer, whatever was answered before",
    },
    Term {
        seat: Seat::Agent,
        name: "well_formed",
        kind: RewardKind::Training,
        min: 0.0,
        max: 1.0,
        meaning: "share of turns that count",
    },
    Term {
        seat: Seat::User,
        name: "solved",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "1 if the agent gave the right answer",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "solved",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/probes",
    "agent/probes_without_value",
    "agent/looked",
    "agent/answers",
    "agent/answers_wrong",
    "agent/gave_up",
    "agent/malformed_numbers",
    "agent/malformed_test",
    "agent/malformed_lookup",
    "agent/malformed_answer",
    "agent/malformed_form",
];

/// The gym's verdict by rule.
#[must_use]
pub fn verdict(world: &World, case: &Case) -> Verdict {
    let solved = f64::from(u8::from(world.is_solved()));
    let turns = world.moves.len() as f64;
    let counted = turns - count(world, |made| matches!(made, Move::Malformed(_)));
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
        rewards.push(match (rule.seat, rule.name.as_str()) {
            (Seat::Agent, "solved") => world.reward().unwrap_or_else(|| session(0.0, "no right answer".to_owned())),
            (Seat::Agent, "well_formed") => {
                let share = Ratio::new(counted, turns).rate().unwrap_or(1.0);
                session(share, format!("{counted} of {turns} turns"))
            }
            (Seat::User, "solved") => session(solved, format!("{turns} turns")),
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        });
    }
    Verdict { rewards, measures: measures(world) }
}

fn count(world: &World, such: impl Fn(&Move) -> bool) -> f64 {
    world.moves.iter().filter(|made| such(made)).count() as f64
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let of = |such: &dyn Fn(&Move) -> bool| count(world, such);
    let turns = world.moves.len() as f64;
    let probes = of(&|made| matches!(made, Move::Probe(_)));
    let without = of(&|made| matches!(made, Move::Probe(probe) if probe.value.is_err()));
    let answers = of(&|made| matches!(made, Move::Answer { .. }));
    let wrong = of(&|made| matches!(made, Move::Answer { right: false, .. }));
    let slips = |slip: Slip| Ratio::new(of(&|made| *made == Move::Malformed(slip)), turns);
    let rows = [
        ("solved", Ratio::yes(world.is_solved())),
        ("agent/probes", Ratio::new(probes, 1.0)),
        ("agent/probes_without_value", Ratio::new(without, probes)),
        ("agent/looked", Ratio::yes(of(&|made| *made == Move::Look) > 0.0)),
        ("agent/answers", Ratio::new(answers, 1.0)),
        ("agent/answers_wrong", Ratio::new(wrong, answers)),
        ("agent/gave_up", Ratio::yes(of(&|made| *made == Move::Finish) > 0.0)),
        ("agent/malformed_numbers", slips(Slip::Numbers)),
        ("agent/malformed_test", slips(Slip::Test)),
        ("agent/malformed_lookup", slips(Slip::Lookup)),
        ("agent/malformed_answer", slips(Slip::Answer)),
        ("agent/malformed_form", slips(Slip::Form)),
    ];
    rows.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)).collect()
}
