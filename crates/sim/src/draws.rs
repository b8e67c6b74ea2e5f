//! Randomness by address: every draw has a place, so no draw depends on who drew before.
//!
//! An [`Address`] names a place in a run; [`Draws`] is the stream of numbers found there. The address is laid uncompressed into
//! the 256-bit key and 64-bit stream number of ChaCha8, so two different addresses never share a stream and no home-made hash
//! stands between them.

use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;
use rand_core::SeedableRng;
use serde::Deserialize;
use serde::Serialize;

use crate::Seat;

/// What kind of work an episode is played for. Part of its address and of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Dialogues of scripts that a cold start learns from.
    Sft,
    /// Episodes whose groups train.
    Grpo,
    /// Episodes that only measure.
    Eval,
    /// Episodes of `rollout` and `play`.
    Rollout,
}

/// A place in a run. Worlds, profiles, opponents, rule and scripted draws leave `member` at 0, so that all episodes of a group
/// share them; only model sampling sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The run's seed.
    pub seed: u64,
    /// What the episode is played for.
    pub phase: Phase,
    /// Training: the step. Evaluation: 0, so that arms and steps share their worlds.
    pub round: u64,
    /// Training: the group within the step. Evaluation: the item.
    pub group: u32,
    /// Evaluation: which trial of the item. Training: 0.
    pub trial: u32,
    /// Training: which episode of its group, counted from 1. Worlds and rules: 0.
    pub member: u32,
}

/// What is drawn at an address: keeps the streams of one place apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// The world and its profile, once the item is known.
    World,
    /// Which opponent of a pool.
    Opponent,
    /// A rule or scripted seat's draws for its turn with this number.
    Rule(Seat, u32),
    /// A model's tokens for its turn with this number.
    Tokens(Seat, u32),
    /// The judge's draws.
    Judge,
    /// Order and batches of the cold start; the number is the epoch.
    Shuffle(u32),
    /// Which item a group plays.
    Item,
    /// Which items a bootstrap takes.
    Resample,
    /// A fresh model's parameters; the number is the tensor's.
    Weights(Seat, u32),
    /// Which scenarios of a mix are played.
    Mix,
    /// Which talks are forked for this seat, and at which of its turns.
    Fork(Seat),
    /// Which samples of the cold start this seat learns from once more beside a step.
    Replay(Seat),
}

impl Address {
    /// The numbers at this place.
    #[must_use]
    pub fn draws(&self, stream: Stream) -> Draws {
        let (kind, seat, turn) = match stream {
            Stream::World => (0u64, 0u64, 0),
            Stream::Opponent => (1, 0, 0),
            Stream::Rule(seat, turn) => (2, seat as u64, turn),
            Stream::Tokens(seat, turn) => (3, seat as u64, turn),
            Stream::Judge => (4, 0, 0),
            Stream::Shuffle(epoch) => (5, 0, epoch),
            Stream::Item => (6, 0, 0),
            Stream::Resample => (7, 0, 0),
            Stream::Weights(seat, tensor) => (8, seat as u64, tensor),
            Stream::Mix => (9, 0, 0),
            Stream::Fork(seat) => (10, seat as u64, 0),
            Stream::Replay(seat) => (11, seat as u64, 0),
        };
        let mut key = [0u8; 32];
        key[0..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.round.to_le_bytes());
        key[16..20].copy_from_slice(&self.group.to_le_bytes());
        key[20..24].copy_from_slice(&self.trial.to_le_bytes());
        key[24..28].copy_from_slice(&self.member.to_le_bytes());
        key[28] = self.phase as u8;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream((kind << 40) | (seat << 32) | u64::from(turn));
        Draws { rng }
    }

    /// The same place with the group's member named, for model sampling.
    #[must_use]
    pub fn member(self, member: u32) -> Address {
        Address { member, ..self }
    }
}

/// A stream of addressed numbers.
#[derive(Clone, Debug)]
pub struct Draws {
    rng: ChaCha8Rng,
}

impl Draws {
    /// A number in [0, 1), 53 bits fine.
    pub fn uniform(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True with probability `p`; `p ≤ 0` never, `p ≥ 1` always.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// A whole number from `low` to `high`, both included.
    ///
    /// # Panics
    /// If `high < low`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        assert!(low <= high, "an empty range has no number in it");
        let width = (high - low + 1) as f64;
        low + (self.uniform() * width) as i64
    }

    /// One of `choices`, each as likely.
    ///
    /// # Panics
    /// If `choices` is empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.range(0, choices.len() as i64 - 1) as usize]
    }

    /// Puts `values` into random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.range(0, i as i64) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address { seed: 7, phase: Phase::Grpo, round: 3, group: 2, trial: 0, member: 0 }
    }

    #[test]
    fn an_address_always_gives_the_same_numbers() {
        let numbers = |a: Address| {
            let mut draws = a.draws(Stream::World);
            [draws.uniform(), draws.uniform()]
        };
        assert_eq!(numbers(address()), numbers(address()));
    }

    #[test]
    fn every_part_of_an_address_counts() {
        let base = address();
        let places = [
            base,
            Address { seed: 8, ..base },
            Address { phase: Phase::Eval, ..base },
            Address { round: 4, ..base },
            Address { group: 3, ..base },
            Address { trial: 1, ..base },
            base.member(1),
        ];
        let mut firsts: Vec<u64> = places.iter().map(|a| a.draws(Stream::World).uniform().to_bits()).collect();
        for stream in [
            Stream::Opponent,
            Stream::Rule(Seat::Agent, 0),
            Stream::Rule(Seat::User, 0),
            Stream::Rule(Seat::User, 1),
            Stream::Tokens(Seat::User, 1),
            Stream::Judge,
            Stream::Shuffle(1),
            Stream::Item,
            Stream::Resample,
            Stream::Fork(Seat::Agent),
            Stream::Fork(Seat::User),
            Stream::Replay(Seat::Agent),
            Stream::Replay(Seat::User),
        ] {
            firsts.push(base.draws(stream).uniform().to_bits());
        }
        let count = firsts.len();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), count);
    }

    #[test]
    fn ranges_reach_both_ends_evenly() {
        let mut draws = address().draws(Stream::World);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[draws.range(0, 5) as usize] += 1;
        }
        // Binomial: 10 000 expected each, standard deviation 91; 5 of them.
        assert!(counts.iter().all(|c| c.abs_diff(10_000) < 460), "{counts:?}");
    }
}
