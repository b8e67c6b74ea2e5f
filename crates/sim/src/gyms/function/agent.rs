//! Scripts that ask and answer: pure functions of what the agent sees, and of addressed draws.

use serde::Deserialize;
use serde::Serialize;

use super::inference::Function;
use super::inference::POINTS;
use super::inference::known;
use super::view::View;
use crate::Address;
use crate::Draws;
use crate::Seat;
use crate::draws::Stream;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Asks in whole numbers, and thinks of functions with at most one square.
    Rule,
    /// Random numbers, and random answers.
    Random,
    /// Asks in broken numbers until one function fits, among all that can be.
    Good,
    /// Looks up the test, and answers with the sum of its numbers.
    Bad,
    /// Answers one number after the other.
    Spam,
    /// The cold start's teacher: by turns careless, plain and good.
    Noisy,
}

/// The turn number under which a script draws what it keeps for the whole episode.
const WHOLE_EPISODE: u32 = u32::MAX;

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Kind); 6] = [
        ("rule", Kind::Rule),
        ("random", Kind::Random),
        ("scripted:good", Kind::Good),
        ("scripted:bad", Kind::Bad),
        ("scripted:spam", Kind::Spam),
        ("scripted:noisy", Kind::Noisy),
    ];

    /// The act of the agent's turn with this number, written with its prefix.
    #[must_use]
    pub fn act(self, view: &View, seat: Seat, turn: u32, address: Address) -> String {
        let mut draws = address.draws(Stream::Rule(seat, turn));
        match self {
            Kind::Rule => inferred(view, &POINTS[1], 1),
            Kind::Random => random(view, &mut draws),
            Kind::Good => inferred(view, &POINTS[0], 2),
            Kind::Bad => careless(view),
            Kind::Spam => answer(f64::from(turn)),
            Kind::Noisy => noisy(view, turn, &mut address.draws(Stream::Rule(seat, WHOLE_EPISODE)), &mut draws),
        }
    }
}

/// Looks up the test, asks at these points until all functions that fit agree there, and answers; the simplest of them if no point is
/// left.
fn inferred(view: &View, points: &[[f64; 4]], squares_max: u8) -> String {
    let Some(test) = view.test else {
        return look();
    };
    let mut left = points.iter().filter(|point| **point != test && view.probes.iter().all(|probe| probe.at != **point));
    if view.probes.is_empty() {
        return left.next().map_or_else(|| answer(0.0), |point| ask(*point));
    }
    let simple = |function: &Function| function.squares <= squares_max;
    let fitting = known().fitting(&view.probes).into_iter().filter(simple);
    let mut values: Vec<f64> = Vec::new();
    for value in fitting.filter_map(|function| known().value(function, &test)) {
        if !values.iter().chain(&view.wrong).any(|other| is_near(*other, value)) {
            values.push(value);
        }
    }
    match (values.as_slice(), left.next()) {
        ([only], _) => answer(*only),
        ([], None) => "[finish]".to_owned(),
        (_, Some(point)) => ask(*point),
        ([first, ..], None) => answer(*first),
    }
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * one.abs().max(1.0)
}

fn random(view: &View, draws: &mut Draws) -> String {
    match draws.uniform() {
        share if share < 0.5 => ask(std::array::from_fn(|_| draws.range(1, 9) as f64)),
        share if share < 0.6 && view.test.is_none() => look(),
        _ => answer(draws.range(-50, 200) as f64),
    }
}

fn careless(view: &View) -> String {
    view.test.map_or_else(look, |test| answer(test.iter().sum()))
}

/// How a careless, a plain and a good player share the teacher's dialogues; each forgets itself now and then.
fn noisy(view: &View, turn: u32, whole: &mut Draws, draws: &mut Draws) -> String {
    let level = whole.uniform();
    let lapses = draws.uniform();
    if turn > 0 && lapses < 0.05 {
        return "Let me think.".to_owned();
    }
    if level < 0.2 || lapses < 0.1 {
        return random(view, draws);
    }
    if level < 0.5 { inferred(view, &POINTS[1], 1) } else { inferred(view, &POINTS[0], 2) }
}

fn look() -> String {
    "[search] test".to_owned()
}

fn ask([a, b, c, d]: [f64; 4]) -> String {
    format!("[action] {a} {b} {c} {d}")
}

fn answer(value: f64) -> String {
    format!("[answer] {value}")
}
