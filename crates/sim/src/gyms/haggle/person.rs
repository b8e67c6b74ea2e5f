//! The buyer as a person: who they are, and how they feel.
//!
//! The inner state belongs to the world. A model declares its next state in its thought; a rule compares; the world's value stands.

use serde::Deserialize;
use serde::Serialize;

use crate::Draws;

/// Highest value of each part of a [`Mind`]; the lowest is 0.
pub const MIND_MAX: i64 = 5;

/// The static profile: never changes in a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// How the person words things.
    pub style: Style,
    /// Patience at the start, 3 to 5.
    pub patience: i64,
}

/// How a person words things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Polite and long.
    Warm,
    /// To the point.
    Plain,
    /// Clipped.
    Curt,
}

impl Style {
    /// The word for it in a brief.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Style::Warm => "warm",
            Style::Plain => "plain",
            Style::Curt => "curt",
        }
    }

    /// Which template this style speaks in.
    #[must_use]
    pub fn variant(self) -> usize {
        match self {
            Style::Warm => 0,
            Style::Plain => 1,
            Style::Curt => 2,
        }
    }
}

impl Profile {
    /// A person of the population.
    pub fn draw(draws: &mut Draws) -> Profile {
        let style = *draws.pick(&[Style::Warm, Style::Plain, Style::Curt]);
        Profile { style, patience: draws.range(3, MIND_MAX) }
    }
}

/// The dynamic state of UserLM-R1 (spec user-models §1.4): each from 0 to [`MIND_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mind {
    /// Belief in what the seller says.
    pub trust: i64,
    /// From angry to delighted.
    pub emotion: i64,
    /// At 0 the person leaves.
    pub patience: i64,
    /// From silent to engaged.
    pub participation: i64,
}

impl Mind {
    /// How a person starts.
    #[must_use]
    pub fn start(profile: Profile) -> Mind {
        Mind { trust: 3, emotion: 3, patience: profile.patience, participation: 3 }
    }

    /// In the order in which they are written: trust, emotion, patience, participation.
    #[must_use]
    pub fn values(self) -> [i64; 4] {
        [self.trust, self.emotion, self.patience, self.participation]
    }

    /// From values in that order; `None` if one is out of range.
    #[must_use]
    pub fn from_values(values: [i64; 4]) -> Option<Mind> {
        let [trust, emotion, patience, participation] = values;
        values.iter().all(|v| (0..=MIND_MAX).contains(v)).then_some(Mind { trust, emotion, patience, participation })
    }

    /// What one seller turn, and what was checked before it, does to a person.
    #[must_use]
    pub fn after(self, evidence: &Evidence) -> Mind {
        let step = |value: i64, up: bool, down: bool| (value + i64::from(up) - i64::from(down)).clamp(0, MIND_MAX);
        Mind {
            trust: step(self.trust, evidence.found_true, evidence.found_false),
            emotion: step(self.emotion, evidence.conceded, evidence.stalled),
            patience: [evidence.stalled, evidence.challenged, evidence.vain, evidence.fumbled]
                .into_iter()
                .fold(self.patience, |patience, costs| step(patience, false, costs)),
            participation: step(self.participation, evidence.answered, evidence.ignored),
        }
    }

    /// The tone that fits the feeling.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self.emotion {
            ..=2 => Tone::Cold,
            3 => Tone::Calm,
            _ => Tone::Warm,
        }
    }
}

/// What happened since the buyer last spoke, as far as the buyer can see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// A claim agrees with what the buyer knows, or a check confirmed one.
    pub found_true: bool,
    /// A claim contradicts what the buyer knows, or a check refuted one.
    pub found_false: bool,
    /// The price fell by 2 or more, or an extra was added.
    pub conceded: bool,
    /// The price stayed or rose against the offer before, and no extra was added.
    pub stalled: bool,
    /// The buyer's own last turn was a challenge.
    pub challenged: bool,
    /// And it was for nothing: the claim held.
    pub vain: bool,
    /// The buyer's own last turn did not count. Without this cost, stammering would be the cheapest way to let a round pass.
    pub fumbled: bool,
    /// The buyer had asked, and the seller answered.
    pub answered: bool,
    /// The buyer had asked, and the seller did not answer.
    pub ignored: bool,
}

/// The tone of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Emotion 0 to 2.
    Cold,
    /// Emotion 3.
    Calm,
    /// Emotion 4 or 5.
    Warm,
}

impl Tone {
    /// All tones.
    pub const ALL: [Tone; 3] = [Tone::Cold, Tone::Calm, Tone::Warm];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tone::Cold => "cold",
            Tone::Calm => "calm",
            Tone::Warm => "warm",
        }
    }
}
