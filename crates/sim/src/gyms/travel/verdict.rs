//! Score and measures of a finished talk, by rule. Definitions with formulas: `docs/SCENARIOS.md`.

use std::collections::BTreeMap;

use super::Aspect;
use super::Composition;
use super::World;
use super::query::Kind;
use super::world::Chosen;
use super::world::Found;
use super::world::Move;
use super::world::Slip;
use super::world::Worth;
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

/// Most aspects of a trip.
const ASPECTS_MAX: f64 = 4.0;
/// Most wishes of a trip.
const WISHES_MAX: f64 = 12.0;

/// All reward terms of this gym.
pub const TERMS: &[Term] = &[
    Term {
        seat: Seat::Agent,
        name: "searched",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: ASPECTS_MAX,
        meaning: "search_correct_reward for each aspect whose options were listed",
    },
    Term {
        seat: Seat::Agent,
        name: "elicited",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: WISHES_MAX,
        meaning: "preference_correct_reward for each wish that was told because it was asked for",
    },
    Term {
        seat: Seat::Agent,
        name: "chosen",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: ASPECTS_MAX,
        meaning: "choice_best_reward or choice_correct_reward for each aspect, by the option chosen",
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
        name: "served",
        kind: RewardKind::Outcome,
        min: 0.0,
        max: 1.0,
        meaning: "what the options chosen are worth, as a mean over the aspects of the trip",
    },
];

/// All measures of this gym, each a ratio of sums over episodes.
pub const MEASURES: &[&str] = &[
    "aspect_score",
    "aspect_score/flight",
    "aspect_score/hotel",
    "aspect_score/apartment",
    "aspect_score/rental_car",
    "aspect_score/restaurant",
    "aspect_score/22",
    "aspect_score/33",
    "aspect_score/44",
    "aspect_score/233",
    "aspect_score/333",
    "aspect_score/334",
    "aspect_score/444",
    "aspect_score/2222",
    "best",
    "correct",
    "chosen",
    "listed",
    "elicited",
    "brought_up",
    EFFECTIVE_TURNS,
    TIME_WEIGHTED,
    "agent/searches",
    "agent/searches_refused",
    "agent/searches_again",
    "agent/questions",
    "agent/questions_idle",
    "agent/questions_missed",
    "agent/questions_vague",
    "agent/choices_nonexistent",
    "agent/malformed_form",
    "agent/malformed_content",
    "agent/malformed_choice",
    "agent/malformed_again",
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
            (Seat::Agent, "searched" | "elicited" | "chosen") => {
                let own: Vec<Reward> = world.rewards().into_iter().filter(|reward| reward.name == rule.name).collect();
                // Named even where nothing was earned, so that no term is missing from a verdict.
                let none = own.is_empty().then(|| session(0.0, "nothing".to_owned()));
                rewards.extend(own.into_iter().chain(none));
            }
            (Seat::Agent, "well_formed") => {
                let turns = world.moves.len() as f64;
                let counted = turns - count(world, |made| matches!(made, Move::Malformed(_)));
                let share = Ratio::new(counted, turns).rate().unwrap_or(1.0);
                rewards.push(session(share, format!("{counted} of {turns} turns")));
            }
            (Seat::User, "served") => {
                let score = measures["aspect_score"].num;
                rewards.push(session(
                    score,
                    format!("{} of {} aspects chosen", measures["chosen"].num, measures["chosen"].den),
                ));
            }
            (seat, other) => unreachable!("the scenario was checked: {seat} has no term `{other}`"),
        }
    }
    Verdict { rewards, measures }
}

fn count(world: &World, such: impl Fn(&Move) -> bool) -> f64 {
    world.moves.iter().filter(|made| such(made)).count() as f64
}

/// What the best choice for an aspect earns; 0 without one.
fn aspect_score(world: &World, aspect: Aspect) -> f64 {
    let of = world.choices().filter(|chosen| chosen.aspect == aspect);
    of.map(|chosen| chosen.reward).fold(0.0, f64::max)
}

fn measures(world: &World) -> BTreeMap<String, Ratio> {
    let aspects: Vec<Aspect> = world.item().components.iter().map(|component| component.aspect).collect();
    let needed = aspects.len() as f64;
    let score = Ratio::new(aspects.iter().map(|aspect| aspect_score(world, *aspect)).sum::<f64>() / needed, 1.0);
    let mut measures = BTreeMap::from([("aspect_score".to_owned(), score)]);
    for aspect in Aspect::ALL {
        let own =
            if aspects.contains(&aspect) { Ratio::new(aspect_score(world, aspect), 1.0) } else { Ratio::default() };
        measures.insert(format!("aspect_score/{}", aspect.name()), own);
    }
    for (composition, _) in Composition::ALL {
        let own = if composition == world.item().composition { score } else { Ratio::default() };
        measures.insert(format!("aspect_score/{}", composition.name()), own);
    }
    let chosen = |such: &dyn Fn(&Chosen) -> bool| {
        let has = |aspect: &&Aspect| world.choices().any(|chosen| chosen.aspect == **aspect && such(chosen));
        Ratio::new(aspects.iter().filter(has).count() as f64, needed)
    };
    let rows = [
        ("best", chosen(&|chosen| chosen.worth == Worth::Best)),
        ("correct", chosen(&|chosen| matches!(chosen.worth, Worth::Best | Worth::Correct))),
        ("chosen", chosen(&|_| true)),
        ("listed", Ratio::new(world.listed().len() as f64, needed)),
    ];
    measures.extend(rows.into_iter().chain(habits(world)).map(|(name, ratio)| (name.to_owned(), ratio)));
    measures
}

/// What the agent did with its turns.
fn habits(world: &World) -> Vec<(&'static str, Ratio)> {
    let of = |such: &dyn Fn(&Move) -> bool| count(world, such);
    let turns = world.moves.len() as f64;
    let wishes = world.item().wishes().len() as f64;
    let searches = of(&|made| matches!(made, Move::Search(_)));
    let refused = of(&|made| matches!(made, Move::Search(Found::Error | Found::Incomplete | Found::Unrelated)));
    let again = of(&|made| matches!(made, Move::Search(Found::Again(_))));
    let questions = of(&|made| matches!(made, Move::Question { .. }));
    let of_kind = |wanted: Kind| of(&|made| matches!(made, Move::Question { kind, .. } if *kind == wanted));
    let brought_up =
        of(&|made| matches!(made, Move::Question { kind: Kind::Talk | Kind::Miss | Kind::Vague, told: Some(_) }));
    let choices = world.choices().count() as f64;
    let nonexistent = world.choices().filter(|chosen| chosen.worth == Worth::Nonexistent).count() as f64;
    let slips = |slip: Slip| Ratio::new(of(&|made| *made == Move::Malformed(slip)), turns);
    vec![
        ("elicited", Ratio::new(of_kind(Kind::Hit), wishes)),
        ("brought_up", Ratio::new(brought_up, wishes)),
        ("agent/searches", Ratio::new(searches, 1.0)),
        ("agent/searches_refused", Ratio::new(refused, searches)),
        ("agent/searches_again", Ratio::new(again, searches)),
        ("agent/questions", Ratio::new(questions, 1.0)),
        ("agent/questions_idle", Ratio::new(of_kind(Kind::Talk), questions)),
        ("agent/questions_missed", Ratio::new(of_kind(Kind::Miss), questions)),
        ("agent/questions_vague", Ratio::new(of_kind(Kind::Vague), questions)),
        ("agent/choices_nonexistent", Ratio::new(nonexistent, choices)),
        ("agent/malformed_form", slips(Slip::Form)),
        ("agent/malformed_content", slips(Slip::Content)),
        ("agent/malformed_choice", slips(Slip::Choice)),
        ("agent/malformed_again", slips(Slip::Again)),
    ]
}
