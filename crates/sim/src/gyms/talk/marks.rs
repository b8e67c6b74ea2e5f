//! The paper's marks of a user model (spec user-models §1.9) that can be given by rule: reasoning, strategy, consistency and goal, and what becomes of
//! traps and of their twins, by families seen in training and unseen ones apart. Authenticity, tone and persona are for a judge: they have no
//! name here, so that nothing given by rule is taken for a judge's. Which mark is which column: `docs/METRICS.md`.

use super::book::Tier;
use super::person::Dimension;
use super::person::Status;
use super::thought::STEPS;
use super::thought::Thought;
use super::verdict::is_named;
use super::world::Outcome;
use super::world::Press;
use super::world::World;
use crate::Ratio;
use crate::Seat;
use crate::Turn;

/// Their names as measures.
pub const MEASURES: &[&str] = &[
    "user/reasoning",
    "user/strategy",
    "user/strategy_seen",
    "user/strategy_unseen",
    "user/turn_marks",
    "user/trust_lowered",
    "user/goal_kept",
    "user/trap_countered_seen",
    "user/trap_countered_unseen",
    "user/trap_fell_seen",
    "user/trap_fell_unseen",
    "user/over_suspicion_seen",
    "user/over_suspicion_unseen",
];

/// All marks of a talk.
#[must_use]
pub fn rows(world: &World, thoughts: &[Thought], turns: &[Turn]) -> Vec<(&'static str, Ratio)> {
    let marks = Marks { world, thoughts };
    let unseen = |press: &Press| world.book.sampling.held_out.contains(&press.family);
    let seen = |press: &Press| !unseen(press);
    let outcome = |of: Outcome, such: &dyn Fn(&Press) -> bool| {
        marks.presses(|press| !press.fair && such(press), |press| press.outcome == Some(of))
    };
    let suspected = |such: &dyn Fn(&Press) -> bool| {
        marks.presses(|press| press.fair && such(press), |press| press.outcome == Some(Outcome::Countered))
    };
    let strategy = |such: &dyn Fn(&Press) -> bool| {
        marks.presses(|press| !press.fair && such(press), |press| marks.is_strategic(press))
    };
    let (reasoning, overall) = (marks.reasoning(turns), strategy(&|_| true));
    vec![
        ("user/reasoning", reasoning),
        ("user/strategy", overall),
        ("user/strategy_seen", strategy(&seen)),
        ("user/strategy_unseen", strategy(&unseen)),
        ("user/turn_marks", mean(&[reasoning, overall, marks.consistency()])),
        ("user/trust_lowered", marks.presses(|press| !press.fair, |press| marks.lowers_trust(press))),
        ("user/goal_kept", Ratio::yes(marks.keeps_goal())),
        ("user/trap_countered_seen", outcome(Outcome::Countered, &seen)),
        ("user/trap_countered_unseen", outcome(Outcome::Countered, &unseen)),
        ("user/trap_fell_seen", outcome(Outcome::Fell, &seen)),
        ("user/trap_fell_unseen", outcome(Outcome::Fell, &unseen)),
        ("user/over_suspicion_seen", suspected(&seen)),
        ("user/over_suspicion_unseen", suspected(&unseen)),
    ]
}

struct Marks<'a> {
    world: &'a World,
    thoughts: &'a [Thought],
}

impl Marks<'_> {
    /// Of the pressing lines that the user had a turn to answer.
    fn presses(&self, of: impl Fn(&Press) -> bool, what: impl Fn(&Press) -> bool) -> Ratio {
        let mut ratio = Ratio::default();
        let answered = self.world.presses.iter().filter(|press| press.outcome.is_some() && of(press));
        answered.for_each(|press| ratio += Ratio::yes(what(press)));
        ratio
    }

    /// Turns that count, think in five steps and in their order, and declare the state that is the world's.
    fn reasoning(&self, turns: &[Turn]) -> Ratio {
        let mut ratio = Ratio::default();
        let texts = turns.iter().filter(|turn| turn.seat == Seat::User).map(|turn| turn.decision.thought.as_deref());
        let all = texts.zip(self.thoughts).zip(self.world.plans.iter().zip(&self.world.states));
        for ((text, thought), (plan, state)) in all {
            let is_whole = thought.steps == STEPS.len() as u32 && text.is_some_and(is_in_order);
            ratio += Ratio::yes(plan.is_some() && is_whole && thought.state == Some(*state));
        }
        ratio
    }

    /// Turns whose act is the planned one.
    fn consistency(&self) -> Ratio {
        let mut ratio = Ratio::default();
        let turns = self.world.plans.iter().zip(self.thoughts);
        turns.for_each(|(done, thought)| ratio += Ratio::yes(done.is_some() && *done == thought.plan));
        ratio
    }

    /// A trap that was named, countered, and cost its author trust, in a talk in which the user kept its goal.
    fn is_strategic(&self, press: &Press) -> bool {
        press.outcome == Some(Outcome::Countered)
            && is_named(self.world, self.thoughts, press)
            && self.lowers_trust(press)
            && self.keeps_goal()
    }

    /// Whether the thought that answers declares less trust than there was at the user's turn before, or none where there was none. There is no
    /// turn before the first.
    fn lowers_trust(&self, press: &Press) -> bool {
        let at = press.answered_in as usize;
        let declared = self.thoughts.get(at).and_then(|thought| thought.state);
        let Some(trust) = declared.map(|state| state.of(Dimension::Trust)) else { return false };
        let before = at.checked_sub(1).and_then(|before| self.world.states.get(before));
        before.is_none_or(|before| trust < before.of(Dimension::Trust).max(1))
    }

    /// Whether no primary target was given up.
    fn keeps_goal(&self) -> bool {
        let inner = &self.world.inner;
        let targets = inner.targets.iter().zip(&inner.tiers);
        targets.filter(|(_, tier)| **tier == Tier::Primary).all(|(status, _)| *status != Status::Dropped)
    }
}

/// Whether the heads of all five steps stand one behind the other.
fn is_in_order(thought: &str) -> bool {
    let lower = thought.to_lowercase();
    let mut rest = lower.as_str();
    STEPS.iter().all(|head| match rest.find(head) {
        Some(at) => {
            rest = &rest[at + head.len()..];
            true
        }
        None => false,
    })
}

/// The mean of those rates that there are, as one of one.
fn mean(ratios: &[Ratio]) -> Ratio {
    let rates: Vec<f64> = ratios.iter().filter_map(|ratio| ratio.rate()).collect();
    if rates.is_empty() { Ratio::default() } else { Ratio::new(rates.iter().sum::<f64>() / rates.len() as f64, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_steps_are_in_order_or_not() {
        assert!(is_in_order("Intent: a. Concern: b. State: 1 2 3 4. Plan: c. Tone: d."));
        for text in
            ["", "Intent: a. State: 1 2 3 4. Concern: b. Plan: c. Tone: d.", "Concern: Intent: State: Plan: Tone:"]
        {
            assert!(!is_in_order(text), "{text}");
        }
    }

    #[test]
    fn a_mean_is_of_what_there_is() {
        assert_eq!(mean(&[Ratio::new(1.0, 2.0), Ratio::default(), Ratio::new(1.0, 1.0)]), Ratio::new(0.75, 1.0));
        assert_eq!(mean(&[Ratio::default()]), Ratio::default());
    }
}
