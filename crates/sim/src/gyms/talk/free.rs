//! The same reasoning without its five steps: a free thought says what was heard, what one wants and what one will do, in sentences, and declares
//! no state and no tone. What cold starts teach that compare ways of thinking (`sft.thoughts`).

use super::thought::STEPS;

/// What a free thought begins its plan with.
pub const PLAN: &str = "i will";

/// A thought in five steps as a free one: `That is a trap urgency. I want cost. I will counter.`; `None` if it lacks what is told freely.
#[must_use]
pub fn freely(thought: &str) -> Option<String> {
    let lower = thought.to_lowercase();
    let step = |at: usize| {
        let (_, rest) = lower.split_once(STEPS[at])?;
        let words = rest.split(['.', '\n']).next()?.trim();
        (!words.is_empty()).then_some(words)
    };
    let (intent, concern, plan) = (step(0)?, step(1)?, step(3)?);
    let heard = match intent.strip_prefix("trap ") {
        Some(family) => format!("That is a trap {family}"),
        None => format!("I hear {intent}"),
    };
    Some(format!("{heard}. I want {concern}. I will {plan}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gyms::talk::Family;
    use crate::gyms::talk::person::State;
    use crate::gyms::talk::thought;
    use crate::gyms::talk::thought::Thought;

    #[test]
    fn a_free_thought_says_trap_and_plan_and_declares_no_state() {
        let free = |intent: &str, plan: &str| freely(&thought::written(intent, "cost", State([1, 2, 3, 4]), plan));
        let countered = free("trap urgency", "counter").unwrap();
        assert_eq!(countered, "That is a trap urgency. I want cost. I will counter.");
        let read = Thought::read(&countered);
        assert_eq!((read.traps, read.plan.as_deref()), (vec![Family::named("urgency").unwrap()], Some("counter")));
        assert_eq!((read.state, read.steps), (None, 0));
        let passed = Thought::read(&free("presses by urgency", "ask").unwrap());
        assert_eq!((passed.traps, passed.plan.as_deref()), (Vec::new(), Some("ask")));
    }

    #[test]
    fn what_lacks_a_step_is_not_told_freely() {
        for text in ["", "Intent: x.", "Intent: . Concern: y. Plan: z.", "That is a trap urgency."] {
            assert_eq!(freely(text), None, "{text}");
        }
    }
}
