//! What is played more often, by how often it succeeds: the controller of SEAD (arXiv:2602.03548; specification user-models, §1.11).
//!
//! ```text
//!  after every `every` steps, over what was played since:   CR = successes of all,   SR_i = successes in cell i,   n_i = episodes in it
//!  dev = CR − target
//!    dev < −0.1     w_i = 1 + 2 |dev| SR_i             too hard: what succeeds is played more often
//!    dev >  0.1     w_i = 1 + 2 dev (1 − SR_i)         too easy: what fails is
//!    else           w_i = 1 + 0.1 / n_i                about right: what was seen least is
//!  then w_i / Σ w
//! ```
//!
//! A cell is a scenario of the mix, which is then played by its weight there times w_i. A cell without an episode counts as one of CR with one episode:
//! nothing says that it is harder or easier than the rest.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use sim::Ratio;

/// Distance from the target from which weights follow success.
pub const BAND: f64 = 0.1;

/// What is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurriculumSettings {
    /// Share of successes that is aimed at, in (0, 1).
    pub target: f64,
    /// Steps between weights; at least 1.
    pub every: u64,
}

/// How often each cell succeeded of late, and what that makes of it. Cells are scenarios, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curriculum {
    /// Since the last weights.
    seen: BTreeMap<u32, Ratio>,
    /// Empty before the first weights: all alike.
    weights: BTreeMap<u32, f64>,
}

impl Curriculum {
    /// Takes note of an episode: how far it succeeded, in [0, 1].
    pub fn note(&mut self, cell: u32, success: f64) {
        *self.seen.entry(cell).or_default() += Ratio::new(success, 1.0);
    }

    /// Ends a step. If weights are due they are made anew for `cells`, and what was seen is forgotten; without an episode they stay.
    pub fn end_step(&mut self, step: u64, cells: u32, settings: CurriculumSettings) {
        if !step.is_multiple_of(settings.every) {
            return;
        }
        let mut all = Ratio::default();
        self.seen.values().for_each(|ratio| all += *ratio);
        if let Some(completion) = all.rate() {
            let seen = |cell: &u32| self.seen.get(cell).copied().unwrap_or(Ratio::new(completion, 1.0));
            let weights: Vec<f64> =
                weights(settings.target, completion, &(0..cells).map(|cell| seen(&cell)).collect::<Vec<_>>());
            self.weights = (0..).zip(weights).collect();
            self.seen.clear();
        }
    }

    /// The same where there are so many cells, adding up to 1 from the beginning.
    #[must_use]
    pub fn share(&self, cell: u32, cells: usize) -> f64 {
        if self.weights.is_empty() { 1.0 / cells as f64 } else { self.weight(cell) }
    }

    /// The weight of a cell, all of them adding up to 1; 1 before there are any, which are then all alike.
    #[must_use]
    pub fn weight(&self, cell: u32) -> f64 {
        self.weights.get(&cell).copied().unwrap_or(1.0)
    }
}

/// The weights of cells by what was seen of each, adding up to 1. Each has at least one episode.
#[must_use]
pub fn weights(target: f64, completion: f64, seen: &[Ratio]) -> Vec<f64> {
    let dev = completion - target;
    let weight = |ratio: &Ratio| {
        let success = ratio.rate().unwrap_or(completion);
        if dev < -BAND {
            1.0 + 2.0 * dev.abs() * success
        } else if dev > BAND {
            1.0 + 2.0 * dev * (1.0 - success)
        } else {
            1.0 + 0.1 / ratio.den
        }
    };
    let weights: Vec<f64> = seen.iter().map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_TWO: CurriculumSettings = CurriculumSettings { target: 0.5, every: 2 };

    /// Successes and episodes of each cell, noted one by one.
    fn noted(cells: &[(u32, u32)]) -> Curriculum {
        let mut curriculum = Curriculum::default();
        for (cell, (successes, episodes)) in (0..).zip(cells) {
            (0..*episodes).for_each(|at| curriculum.note(cell, f64::from(u32::from(at < *successes))));
        }
        curriculum
    }

    #[track_caller]
    fn check(cells: &[(u32, u32)], wanted: &[f64]) {
        let mut curriculum = noted(cells);
        curriculum.end_step(4, cells.len() as u32, EVERY_TWO);
        let got: Vec<f64> = (0..cells.len() as u32).map(|cell| curriculum.weight(cell)).collect();
        let sum: f64 = wanted.iter().sum();
        assert!(got.iter().zip(wanted).all(|(got, wanted)| (got - wanted / sum).abs() < 1e-12), "{got:?}");
    }

    #[test]
    fn weights_are_those_of_the_paper_by_hand() {
        // CR 3 / 10, dev −.2: 1 + .4 SR with SR 0, .25, .5.
        check(&[(0, 2), (1, 4), (2, 4)], &[1.0, 1.1, 1.2]);
        // CR 8 / 10, dev .3: 1 + .6 (1 − SR) with SR 1, .5.
        check(&[(6, 6), (2, 4)], &[1.0, 1.3]);
        // CR 5 / 10, dev 0: 1 + .1 / n.
        check(&[(4, 8), (1, 2)], &[1.0125, 1.05]);
        // A cell that was not seen has the rate of all, .2: dev −.3, 1 + .6 · .2; and where all is well, one episode.
        check(&[(1, 5), (0, 0)], &[1.12, 1.12]);
        check(&[(1, 2), (0, 0)], &[1.05, 1.1]);
    }

    #[test]
    fn the_band_around_the_target_is_a_tenth_wide_on_either_side() {
        let at = |completion| weights(0.5, completion, &[Ratio::new(0.0, 1.0), Ratio::new(1.0, 1.0)]);
        assert_eq!(at(0.42), [0.5, 0.5]);
        assert!(at(0.38)[0] < 0.5 && at(0.62)[0] > 0.5);
    }

    #[test]
    fn weights_stand_until_the_next_are_due_and_begin_alike() {
        let mut curriculum = noted(&[(0, 2), (1, 4), (2, 4)]);
        assert_eq!([0, 1, 2].map(|cell| curriculum.weight(cell)), [1.0; 3]);
        curriculum.end_step(3, 3, EVERY_TWO);
        assert_eq!(curriculum.weight(1), 1.0, "not yet");
        curriculum.end_step(4, 3, EVERY_TWO);
        let before = curriculum.clone();
        assert!((curriculum.weight(1) - 1.0 / 3.0).abs() < 1e-12);
        curriculum.end_step(6, 3, EVERY_TWO);
        assert_eq!(curriculum, before, "nothing was played");
        let json = serde_json::to_value(&curriculum).expect("numbers");
        assert_eq!(serde_json::from_value::<Curriculum>(json).expect("as written"), curriculum);
    }
}
