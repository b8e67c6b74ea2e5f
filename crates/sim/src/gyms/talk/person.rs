//! The user's inner state, and what it noticed of the agent's last turn.

use serde::Deserialize;
use serde::Serialize;

use super::book::Tier;
use super::book::UserPart;
use super::sight::Sight;

/// The highest value of each dimension; the lowest is 0.
pub const STATE_MAX: i64 = 5;

/// What a person's state is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Whether the agent is believed.
    Trust,
    /// The mood.
    Emotion,
    /// How long it will go on.
    Patience,
    /// How much of itself it gives.
    Participation,
}

impl Dimension {
    /// All four, in the order in which they are written, with their words.
    pub const ALL: [(&'static str, Dimension); 4] = [
        ("trust", Dimension::Trust),
        ("emotion", Dimension::Emotion),
        ("patience", Dimension::Patience),
        ("participation", Dimension::Participation),
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Dimension::ALL[self as usize].0
    }
}

/// The four values, each from 0 to [`STATE_MAX`], in the order of [`Dimension::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State(pub [i64; 4]);

impl State {
    /// One of them.
    #[must_use]
    pub fn of(self, dimension: Dimension) -> i64 {
        self.0[dimension as usize]
    }

    /// The four numbers with spaces between.
    #[must_use]
    pub fn words(self) -> String {
        self.0.map(|value| value.to_string()).join(" ")
    }
}

/// How a target stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Still wanted.
    #[default]
    Open,
    /// Got.
    Met,
    /// Given up.
    Dropped,
}

impl Status {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Met => "met",
            Status::Dropped => "dropped",
        }
    }
}

/// What the user noticed of the agent's last turn, as far as it can see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// A claim contradicts what the user knows.
    pub lie: bool,
    /// A claim agrees with what the user knows.
    pub truth: bool,
    /// An open question was answered.
    pub answer: bool,
    /// There were open questions, and none was answered.
    pub ignored: bool,
    /// The same acts as in the turn before.
    pub repeat: bool,
    /// Nothing that counts was said.
    pub silence: bool,
    /// The user's own counter in its last turn showed something to be false.
    pub exposed: bool,
    /// It showed that all was as the agent had said.
    pub vain: bool,
    /// How many words there were.
    pub words: u32,
}

/// The names of what can be heard, as predicates write them: `heard.lie`.
pub const TRAITS: [&str; 9] = ["lie", "truth", "answer", "ignored", "repeat", "silence", "exposed", "vain", "words"];

impl Heard {
    /// The number that one of [`TRAITS`] has: 1 or 0, or how many.
    #[must_use]
    pub fn number(self, index: usize) -> f64 {
        let flags =
            [self.lie, self.truth, self.answer, self.ignored, self.repeat, self.silence, self.exposed, self.vain];
        flags.get(index).map_or(f64::from(self.words), |flag| f64::from(u8::from(*flag)))
    }
}

/// What only the user and the world know of the user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inner {
    /// The four values.
    pub state: State,
    /// How each target stands, in the order of the book.
    pub targets: Vec<Status>,
    /// How much each matters.
    pub tiers: Vec<Tier>,
    /// What was noticed last.
    pub heard: Heard,
}

/// The state after what the user sees, and a line for each dimension that moved: `trust 3 -> 2 (agent turn 4: …)`.
#[must_use]
pub fn felt(part: &UserPart, sight: &Sight<'_>, state: State, turn: u32) -> (State, Vec<String>) {
    let due: Vec<_> = part.transitions.iter().filter(|transition| transition.when.holds(sight)).collect();
    let (mut after, mut journal) = (state, Vec::new());
    for (name, dimension) in Dimension::ALL {
        let moves =
            due.iter().flat_map(|t| t.moves.iter().filter(|(d, _)| *d == dimension).map(move |(_, by)| (*by, t)));
        let (mut sum, mut why) = (0, Vec::new());
        for (by, transition) in moves {
            sum += i64::from(by);
            why.push(format!("{} {by:+}", transition.because));
        }
        let before = state.of(dimension);
        let value = (before + sum).clamp(0, STATE_MAX);
        if value != before {
            after.0[dimension as usize] = value;
            journal.push(format!("{name} {before} -> {value} (agent turn {turn}: {})", why.join("; ")));
        }
    }
    (after, journal)
}

/// How the targets stand after what the user sees, and a line for each that moved.
#[must_use]
pub fn pursued(part: &UserPart, sight: &Sight<'_>, before: &[Status], turn: u32) -> (Vec<Status>, Vec<String>) {
    let (mut after, mut journal) = (before.to_vec(), Vec::new());
    for (target, status) in part.targets.iter().zip(&mut after) {
        if *status != Status::Open {
            continue;
        }
        let (next, why) = match (target.met.holds(sight), target.dropped.holds(sight)) {
            (true, _) => (Status::Met, &target.met),
            (false, true) => (Status::Dropped, &target.dropped),
            (false, false) => continue,
        };
        journal.push(format!("target {} open -> {} (agent turn {turn}: {})", target.name, next.name(), why.text()));
        *status = next;
    }
    (after, journal)
}
