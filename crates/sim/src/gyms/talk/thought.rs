//! The user's private reasoning in five steps (spec user-models §1.5), in a form that small models can write and rules can check.
//!
//! ```text
//!  Intent: trap urgency.  Concern: whole_cost.  State: 2 3 4 3.  Plan: counter.  Tone: cold.
//! ```
//!
//! The state is that after the agent's turn. Read tolerantly: steps in any order, words around them, several of them missing; what is there is
//! held against what is true. A thought in free words (see [`free`]) names a trap in a sentence about one, and plans behind *I will*.

use super::Family;
use super::free;
use super::person::STATE_MAX;
use super::person::State;

/// What could be read of a thought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// Families that it names as traps.
    pub traps: Vec<Family>,
    /// The declared state; `None` if there is none, or a value is out of range.
    pub state: Option<State>,
    /// The act that it plans.
    pub plan: Option<String>,
    /// How many of the five steps it has.
    pub steps: u32,
}

/// The heads of the five steps.
pub const STEPS: [&str; 5] = ["intent:", "concern:", "state:", "plan:", "tone:"];

/// Writes a thought.
#[must_use]
pub fn written(intent: &str, concern: &str, state: State, plan: &str) -> String {
    let tone = match state.0[1] {
        ..=1 => "cold",
        2..=3 => "calm",
        _ => "warm",
    };
    format!("Intent: {intent}. Concern: {concern}. State: {}. Plan: {plan}. Tone: {tone}.", state.words())
}

/// What is intended by who presses, in the words of the first step.
#[must_use]
pub fn pressing(family: Family, is_trap: bool) -> String {
    let word = family.word();
    if is_trap { format!("trap {word}") } else { format!("presses by {word}") }
}

impl Thought {
    /// Reads a thought.
    #[must_use]
    pub fn read(text: &str) -> Thought {
        let lower = text.to_lowercase();
        let after = |head: &str| lower.find(head).map(|at| &lower[at + head.len()..]);
        let sentence = |text: &'_ str| text.split(['.', '\n']).next().unwrap_or_default().to_owned();
        // Who thinks freely says so in some sentence.
        let freely = || lower.split(['.', '\n']).find(|said| said.contains("trap")).unwrap_or_default().to_owned();
        let intent = after(STEPS[0]).map_or_else(freely, sentence);
        let words = |text: &str| -> Vec<String> {
            text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .filter(|w| !w.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let named: Vec<String> = words(&intent);
        let traps = match named.iter().any(|word| word == "trap") {
            true => named.iter().filter_map(|word| Family::named(word)).collect(),
            false => Vec::new(),
        };
        Thought {
            traps,
            state: after(STEPS[2]).and_then(state),
            plan: after(STEPS[3]).or_else(|| after(free::PLAN)).and_then(|rest| words(rest).into_iter().next()),
            steps: STEPS.iter().filter(|head| is_step(&lower, head)).count() as u32,
        }
    }
}

/// Whether something stands behind a head before the next one; behind that of the state, four values.
fn is_step(lower: &str, head: &str) -> bool {
    let Some(at) = lower.find(head) else { return false };
    let rest = &lower[at + head.len()..];
    let end = STEPS.iter().filter_map(|next| rest.find(next)).min().unwrap_or(rest.len());
    let own = &rest[..end];
    if head == STEPS[2] { state(own).is_some() } else { own.contains(char::is_alphanumeric) }
}

/// The first four numbers, if nothing but names and signs is between them.
fn state(text: &str) -> Option<State> {
    let end = text.find(['.', '\n']).unwrap_or(text.len());
    let numbers = text[..end].split(|c: char| !(c.is_ascii_digit() || c == '-')).filter(|run| !run.is_empty());
    let values: Vec<i64> = numbers.map(|run| run.parse().unwrap_or(-1)).collect();
    let values: [i64; 4] = values.try_into().ok()?;
    values.iter().all(|value| (0..=STATE_MAX).contains(value)).then_some(State(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thought_is_read_back_as_it_was_written() {
        let text = written("trap urgency", "whole_cost", State([2, 1, 4, 3]), "counter");
        let thought = Thought::read(&text);
        assert_eq!(thought.traps, [Family::named("urgency").unwrap()]);
        assert_eq!(
            (thought.state, thought.plan.as_deref(), thought.steps),
            (Some(State([2, 1, 4, 3])), Some("counter"), 5)
        );
    }

    #[test]
    fn what_is_missing_or_out_of_range_is_not_read() {
        assert_eq!(Thought::read(""), Thought::default());
        for text in ["State: 2 3 4.", "State: 2 3 4 6.", "State: 2 3 4 -1.", "State: 1 2 3 4 5.", "state 1 2 3 4"] {
            assert_eq!(Thought::read(text).state, None, "{text}");
        }
        for (text, steps) in [
            ("intent:concern:state:plan:tone:", 0),
            ("Intent: . Concern: x. State: 9 9 9 9. Plan: go. Tone:", 2),
            ("Intent: fair. Concern: none. State: 1 2 3 4. Plan: wait. Tone: calm.", 5),
        ] {
            assert_eq!(Thought::read(text).steps, steps, "{text}");
        }
        let named = Thought::read("intent: state: trust 1, emotion 2, patience 3, participation 4");
        assert_eq!(named.state, Some(State([1, 2, 3, 4])));
        assert!(Thought::read("Intent: urgency, and fair.").traps.is_empty(), "not called a trap");
    }
}
