//! Skills asked one by one, for cold starts: dialogues alone do not teach a small model to look something up. Each gym makes its own.

use serde::Deserialize;
use serde::Serialize;

use crate::Message;
use crate::Seat;

/// One question with the one right answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// What it tries.
    pub skill: Skill,
    /// Who is asked.
    pub seat: Seat,
    /// The brief, and the question as a message.
    pub messages: Vec<Message>,
    /// The right answer, word for word.
    pub answer: String,
}

/// What a drill tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skill {
    /// Finding a fact in one's brief. No cold start goes on without it.
    LookUp,
    /// Setting a claim beside what one knows. Likewise.
    Judge,
    /// Telling what an offer would leave: a sum of up to five numbers, which small models only approach.
    Weigh,
    /// Asking about a request in its own words. Required too.
    TakeUp,
    /// Doing what a procedure or policy asks for next. Required too.
    Follow,
    /// Saying how one feels after what was heard: four small sums.
    Feel,
}

impl Skill {
    /// The word for it in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Skill::LookUp => "look_up",
            Skill::Judge => "judge",
            Skill::Weigh => "weigh",
            Skill::TakeUp => "take_up",
            Skill::Follow => "follow",
            Skill::Feel => "feel",
        }
    }

    /// Whether a cold start that lacks it is stopped at the gate.
    #[must_use]
    pub fn is_required(self) -> bool {
        match self {
            Skill::LookUp | Skill::Judge | Skill::TakeUp | Skill::Follow => true,
            Skill::Weigh | Skill::Feel => false,
        }
    }
}
