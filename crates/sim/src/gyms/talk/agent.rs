//! The agent by rule: follows the procedure, presses or not, or does neither.

use serde::Deserialize;
use serde::Serialize;

use super::book::AgentPart;
use super::book::Step;
use super::items::Plant;
use super::sight::Sight;
use super::utterance::ACTS_MAX;
use super::utterance::Deed;
use super::utterance::Done;
use super::view::View;
use super::words;
use crate::Decision;
use crate::Draws;
use crate::Seat;

/// How an agent plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The procedure, and no pressing.
    Honest,
    /// The procedure, and every pressing line the item has, fair or not.
    Trapper,
    /// As much of the procedure as one turn takes, and the pressing line in the same breath: all at once what it has to say, for tests that ask for
    /// one answer.
    Presser,
    /// The procedure as the file says that it is got round: its steps are due when `lax` holds.
    Gullible,
    /// The procedure, stating of every fact what is not so.
    Liar,
    /// The first step, for ever.
    Spammer,
    /// Any legal act.
    Random,
    /// Mostly the procedure, sometimes a pressing line, sometimes any act: the teacher of cold starts.
    Noisy,
}

impl Kind {
    /// All names with what they stand for.
    pub const ALL: [(&'static str, Kind); 9] = [
        ("rule", Kind::Honest),
        ("random", Kind::Random),
        ("scripted:good", Kind::Honest),
        ("scripted:bad", Kind::Liar),
        ("scripted:spam", Kind::Spammer),
        ("scripted:noisy", Kind::Noisy),
        ("scripted:trapper", Kind::Trapper),
        ("scripted:presser", Kind::Presser),
        ("scripted:gullible", Kind::Gullible),
    ];

    /// What it does at its turn.
    #[must_use]
    pub fn decide(
        self,
        view: &View,
        part: &AgentPart,
        plants: &[Plant],
        spent: &[usize],
        draws: &mut Draws,
    ) -> Decision {
        let plant = plants.iter().find(|plant| plant.turn <= view.table.turns.agent && !spent.contains(&plant.trap));
        let press = plant.map(|plant| pressing(part, plant.trap));
        let done = match self {
            Kind::Honest => due(view, part, Step::is_due).next(),
            Kind::Trapper => press.or_else(|| due(view, part, Step::is_due).next()),
            Kind::Presser => return all_at_once(view, part, press, draws),
            Kind::Gullible => due(view, part, Step::is_due_if_lax).next(),
            Kind::Liar => due(view, part, Step::is_due).next().map(|done| bent(view, done)),
            Kind::Spammer => part.procedure.first().and_then(|step| step.act.done(&view.sight())),
            Kind::Random => any(view, draws),
            Kind::Noisy => match draws.uniform() {
                at if at < 0.75 => due(view, part, Step::is_due).next(),
                at if at < 0.9 => press.or_else(|| due(view, part, Step::is_due).next()),
                _ => any(view, draws),
            },
        };
        match done {
            Some(done) => words::said(view, &[done], draws),
            None => words::idle(view),
        }
    }
}

/// What is due, as much of it as a turn holds beside the pressing line, and that line.
fn all_at_once(view: &View, part: &AgentPart, press: Option<Done>, draws: &mut Draws) -> Decision {
    let before = ACTS_MAX - usize::from(press.is_some());
    // Whoever ends the talk presses nobody any more.
    let due = due(view, part, Step::is_due).filter(|done| press.is_none() || !matches!(done.deed, Deed::End(_)));
    let all: Vec<Done> = due.take(before).chain(press.clone()).collect();
    if all.is_empty() { words::idle(view) } else { words::said(view, &all, draws) }
}

/// What the procedure asks for now, in its order; `is_due` says which steps are.
pub(super) fn due<'a>(
    view: &'a View,
    part: &'a AgentPart,
    is_due: impl Fn(&Step, &Sight<'_>) -> bool + 'a,
) -> impl Iterator<Item = Done> + 'a {
    let steps = part.procedure.iter().filter(move |step| is_due(step, &view.sight()));
    let done = steps.filter_map(move |step| step.act.done(&view.sight()));
    done.filter(move |done| view.sight().allows(Seat::Agent, done).is_ok())
}

/// The same act with another value of every fact that it states, where there is another.
fn bent(view: &View, done: Done) -> Done {
    let other = |(thing, value): (usize, Option<u8>)| {
        let of = &view.common.things[thing];
        let values = of.values.len() as u8;
        (thing, value.map(|value| if of.fact.is_some() { (value + 1) % values } else { value }))
    };
    Done { args: done.args.into_iter().map(other).collect(), ..done }
}

/// A pressing line as an act, by its place.
pub(super) fn pressing(part: &AgentPart, trap: usize) -> Done {
    let claims = part.traps[trap].claims.iter().map(|(thing, value)| (*thing, Some(*value)));
    Done { deed: Deed::Trap(trap), args: claims.collect() }
}

/// Any act that is legal now, with any values; the last resort is to say nothing.
#[must_use]
pub fn any(view: &View, draws: &mut Draws) -> Option<Done> {
    let seat = view.seat();
    let acts = &view.common.acts[seat];
    if draws.chance(0.05) {
        return Some(Done { deed: Deed::End(None), args: Vec::new() });
    }
    for _ in 0..8 {
        let act = draws.range(0, acts.len() as i64 - 1) as usize;
        let rule = &acts[act];
        let about: Vec<(usize, bool)> = rule
            .asks
            .iter()
            .map(|thing| (*thing, false))
            .chain(rule.fills.iter().chain(&rule.claims).map(|thing| (*thing, true)))
            .collect();
        let mut args = Vec::new();
        if !about.is_empty() {
            let (thing, has_value) = *draws.pick(&about);
            let values = view.common.things[thing].values.len() as i64;
            args.push((thing, has_value.then(|| draws.range(0, values - 1) as u8)));
        }
        args.extend(rule.sets.iter().map(|(thing, value)| (*thing, Some(*value))));
        let done = Done { deed: Deed::Act(act), args };
        if view.sight().allows(seat, &done).is_ok() {
            return Some(done);
        }
    }
    None
}
