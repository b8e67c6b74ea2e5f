//! Skills asked by themselves, for cold starts: dialogues alone do not teach a small model to look something up. Each gym makes its own.

use serde::Deserialize;
use serde::Serialize;

use crate::Message;
use crate::Seat;

/// Questions with one right answer each, asked one behind the other of a seat that has read one brief: what is asked later is read behind what was
/// asked and answered before, as turns of a talk are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Who is asked.
    pub seat: Seat,
    /// In their order; at least one.
    pub questions: Vec<Question>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What it tries.
    pub skill: Skill,
    /// What the seat has not seen before: at first its brief, and at the end what is asked.
    pub messages: Vec<Message>,
    /// The right answer, word for word.
    pub answer: String,
}

impl Drill {
    /// A drill of one question.
    #[must_use]
    pub fn one(seat: Seat, skill: Skill, messages: Vec<Message>, answer: String) -> Drill {
        Drill { seat, questions: vec![Question { skill, messages, answer }] }
    }

    /// The last question, which is the one that a gate asks, and those before it.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    pub fn last(&self) -> (&Question, &[Question]) {
        self.questions.split_last().expect("a drill asks something")
    }
}

/// What a question tries.
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
