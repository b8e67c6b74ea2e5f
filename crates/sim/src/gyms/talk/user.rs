//! The user by rule: hangs up when it is time, follows the decision policy, and thinks aloud to itself in five steps.

use serde::Deserialize;
use serde::Serialize;

use super::agent::any;
use super::book::UserPart;
use super::person::Inner;
use super::person::Status;
use super::thought;
use super::utterance::Deed;
use super::utterance::Done;
use super::view::View;
use super::words;
use crate::Decision;
use crate::Draws;
use crate::Seat;

/// How a user plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The decision policy of the file.
    Policy,
    /// The same, but gives in to whatever presses, and counters nothing.
    Gullible,
    /// The same, but counters whatever presses, fair or not.
    Suspicious,
    /// Hangs up at once.
    Absent,
    /// The last line of the policy, for ever.
    Spammer,
    /// Any legal act.
    Random,
    /// Mostly the policy, sometimes gullible, sometimes any act: the teacher of cold starts.
    Noisy,
}

impl Kind {
    /// All names with what they stand for.
    pub const ALL: [(&'static str, Kind); 8] = [
        ("rule", Kind::Policy),
        ("random", Kind::Random),
        ("scripted:good", Kind::Policy),
        ("scripted:bad", Kind::Absent),
        ("scripted:spam", Kind::Spammer),
        ("scripted:noisy", Kind::Noisy),
        ("scripted:gullible", Kind::Gullible),
        ("scripted:suspicious", Kind::Suspicious),
    ];

    /// What it does at its turn.
    #[must_use]
    pub fn decide(self, view: &View, part: &UserPart, inner: &Inner, draws: &mut Draws) -> Decision {
        let counter = Done { deed: Deed::Counter { family: family(view), thing: None }, args: Vec::new() };
        let done = match self {
            Kind::Policy => policy(view, part, true),
            Kind::Gullible => gives_in(view).or_else(|| policy(view, part, false)),
            Kind::Suspicious if !view.table.pressed.is_empty() => Some(counter),
            Kind::Suspicious => policy(view, part, true),
            Kind::Absent => Some(Done { deed: Deed::End(None), args: Vec::new() }),
            Kind::Spammer => part.policy.last().and_then(|line| line.act.done(&view.sight())),
            Kind::Random => any(view, draws),
            Kind::Noisy => match draws.uniform() {
                at if at < 0.8 => policy(view, part, true),
                at if at < 0.9 => gives_in(view).or_else(|| policy(view, part, false)),
                _ => any(view, draws),
            },
        };
        let thought = self.thought(view, part, inner, done.as_ref());
        let said = match done {
            Some(done) => words::said(view, &[done], draws),
            None => words::idle(view),
        };
        Decision { thought: Some(thought), ..said }
    }

    /// Whether it takes the pressing for a trap. Who knows better sees through it, also where it then gives in; who is gullible never does.
    fn sees_trap(self, view: &View, done: Option<&Done>) -> bool {
        let counters = matches!(done.map(|done| &done.deed), Some(Deed::Counter { .. }));
        counters || (self != Kind::Gullible && view.sight().fair == Some(false))
    }

    /// Five steps of reasoning that end in what is done.
    fn thought(self, view: &View, part: &UserPart, inner: &Inner, done: Option<&Done>) -> String {
        let intent = match view.table.pressed.first() {
            Some(pressed) => thought::pressing(pressed.family, self.sees_trap(view, done)),
            None => match view.table.latest.agent.first().map(|done| &done.deed) {
                Some(Deed::Act(act)) => view.common.acts.agent[*act].name.clone(),
                Some(Deed::End(_)) => "end".to_owned(),
                Some(Deed::Trap(_) | Deed::Counter { .. }) | None => "talk".to_owned(),
            },
        };
        let open = part.targets.iter().zip(&inner.targets).find(|(_, status)| **status == Status::Open);
        let plan = match done.map(|done| &done.deed) {
            Some(Deed::Act(act)) => view.common.acts.user[*act].name.as_str(),
            Some(Deed::Counter { .. }) => "counter",
            Some(Deed::End(_)) => "end",
            Some(Deed::Trap(_)) | None => "talk",
        };
        thought::written(&intent, open.map_or("none", |(target, _)| target.name.as_str()), inner.state, plan)
    }
}

fn family(view: &View) -> Option<super::Family> {
    view.table.pressed.first().map(|pressed| pressed.family)
}

/// Hangs up if it is time, or does what the first fitting line of the policy says.
pub(super) fn policy(view: &View, part: &UserPart, counters: bool) -> Option<Done> {
    let sight = view.sight();
    if let Some(end) = part.ends.iter().find(|end| end.when.holds(&sight)) {
        return Some(Done { deed: Deed::End(Some(end.name.clone())), args: Vec::new() });
    }
    let lines = part.policy.iter().filter(|line| (counters || !line.act.is_counter()) && line.when.holds(&sight));
    let mut done = lines.filter_map(|line| line.act.done(&sight));
    done.find(|done| sight.allows(Seat::User, done).is_ok())
}

/// Does what the pressing wants; `None` if there is none, or it cannot be done now.
fn gives_in(view: &View) -> Option<Done> {
    let sight = view.sight();
    let mut wanted = view.table.pressed.iter().flat_map(|pressed| &pressed.wants);
    wanted.find_map(|act| {
        let rule = &view.common.acts.user[*act];
        let known = |thing: &usize| {
            let value = sight.thing(*thing).or(view.table.said[*thing]).unwrap_or(0);
            (*thing, Some(value))
        };
        let mut args: Vec<(usize, Option<u8>)> = rule.fills.iter().chain(&rule.claims).take(1).map(known).collect();
        if args.is_empty() {
            args.extend(rule.asks.first().map(|thing| (*thing, None)));
        }
        args.extend(rule.sets.iter().map(|(thing, value)| (*thing, Some(*value))));
        let done = Done { deed: Deed::Act(*act), args };
        sight.allows(Seat::User, &done).is_ok().then_some(done)
    })
}
