//! How far somebody holds a claim: seven levels, and what a move along them earns (spec userrl §2.3).

use serde::Deserialize;
use serde::Serialize;

use crate::gyms::words::normal;

/// How many levels there are from one end to the other.
pub const LEVELS: u8 = 6;
/// What a move of one level earns: a sixth, to six digits, as upstream rounds it.
pub const ONE_LEVEL: f64 = 0.166_667;

/// A stance towards the claim; what comes later is farther from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stance {
    /// Where everybody begins.
    StronglyAgree,
    /// One level away.
    Agree,
    /// Two.
    PartlyAgree,
    /// Three.
    Neutral,
    /// Four.
    PartlyDisagree,
    /// Five.
    Disagree,
    /// Six: the mind is changed.
    StronglyDisagree,
}

impl Stance {
    /// All of them in their order, with the words that a user says for them.
    pub const ALL: [(&'static str, Stance); 7] = [
        ("Strongly Agree", Stance::StronglyAgree),
        ("Agree", Stance::Agree),
        ("Partly Agree", Stance::PartlyAgree),
        ("Neutral", Stance::Neutral),
        ("Partly Disagree", Stance::PartlyDisagree),
        ("Disagree", Stance::Disagree),
        ("Strongly Disagree", Stance::StronglyDisagree),
    ];

    /// The stance so many levels away from the claim; the last one for more than there are.
    #[must_use]
    pub fn at(level: u8) -> Stance {
        Stance::ALL[usize::from(level.min(LEVELS))].1
    }

    /// How many levels away from the claim it is, in [0, [`LEVELS`]].
    #[must_use]
    pub fn level(self) -> u8 {
        self as u8
    }

    /// Its words.
    #[must_use]
    pub fn name(self) -> &'static str {
        Stance::ALL[usize::from(self.level())].0
    }

    /// The stance that these words name, whatever their case and signs; `None` if they name none.
    #[must_use]
    pub fn named(words: &str) -> Option<Stance> {
        let said = normal(words);
        Stance::ALL.iter().find(|(name, _)| normal(name) == said).map(|(_, stance)| *stance)
    }
}

/// What it earns to bring somebody from the farthest stance so far to another: a sixth a level, rounded to six digits, and nothing for
/// what had been reached before.
#[must_use]
pub fn move_reward(best: Stance, reached: Stance) -> f64 {
    match reached.level().saturating_sub(best.level()) {
        0 => 0.0,
        levels if levels >= LEVELS => 1.0,
        levels => (f64::from(levels) / f64::from(LEVELS) * 1e6).round() / 1e6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_earn_a_sixth_a_level_to_six_digits() {
        let from_start = |level| move_reward(Stance::StronglyAgree, Stance::at(level));
        let expected = [0.0, 0.166_667, 0.333_333, 0.5, 0.666_667, 0.833_333, 1.0];
        assert!((0..=LEVELS).zip(expected).all(|(level, reward)| from_start(level) == reward));
        assert_eq!(from_start(200), 1.0);
        assert_eq!(move_reward(Stance::Neutral, Stance::Agree), 0.0);
        assert_eq!(move_reward(Stance::Neutral, Stance::Neutral), 0.0);
        assert_eq!(move_reward(Stance::Agree, Stance::PartlyAgree), ONE_LEVEL);
    }

    #[test]
    fn a_stance_is_known_by_its_words_and_no_others() {
        for (name, stance) in Stance::ALL {
            assert_eq!((Stance::named(name), Stance::at(stance.level()), stance.name()), (Some(stance), stance, name));
        }
        assert_eq!(Stance::named(" strongly_disagree. "), Some(Stance::StronglyDisagree));
        for other in ["", "disagree strongly", "Totally Disagree", "6", "Agree, Disagree"] {
            assert_eq!(Stance::named(other), None, "{other}");
        }
    }
}
