//! What a run plays: one scenario, or several of which each gets its share of the groups.

use std::sync::Arc;

use serde::Serialize;
use sim::Address;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::draws::Stream;
use sim::record::Casting;

use crate::Opponent;

/// One scenario of a run, with its weight and its fixed opponents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// What is played.
    pub scenario: Arc<Scenario>,
    /// Its share of the groups, as a multiple of the others'; above 0.
    pub weight: f64,
    /// The fixed policy at each seat: `opponents.user` is whom the agent meets.
    pub opponents: Pair<Opponent>,
}

impl Part {
    /// A scenario with its gym's own opponents.
    #[must_use]
    pub fn new(scenario: Arc<Scenario>, weight: f64) -> Part {
        let opponents = Pair::from_fn(|seat| Opponent::of_gym(&scenario, seat));
        Part { scenario, weight, opponents }
    }

    /// Whether all of its opponents are its gym's own.
    #[must_use]
    pub fn has_own_opponents(&self) -> bool {
        self.opponents.iter().all(|(seat, opponent)| *opponent == Opponent::of_gym(&self.scenario, seat))
    }
}

/// The scenarios of a run, in the order in which they were named. [`Casting::scenario`] counts them. At least one, each with a name of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mix(Vec<Part>);

impl Mix {
    /// # Panics
    /// If there is no part, or a weight is not above 0.
    #[must_use]
    pub fn new(parts: Vec<Part>) -> Mix {
        assert!(!parts.is_empty(), "a run plays something");
        assert!(parts.iter().all(|part| part.weight > 0.0), "what has no weight is never played");
        Mix(parts)
    }

    /// One scenario, and nothing else.
    #[must_use]
    pub fn one(scenario: Arc<Scenario>) -> Mix {
        Mix(vec![Part::new(scenario, 1.0)])
    }

    /// All scenarios with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &Arc<Scenario>)> {
        (0..).zip(self.scenarios())
    }

    /// All scenarios.
    pub fn scenarios(&self) -> impl Iterator<Item = &Arc<Scenario>> {
        self.0.iter().map(|part| &part.scenario)
    }

    /// All parts.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether there are several scenarios, so that numbers need to say which one they are of.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.0.len() > 1
    }

    /// What a casting plays.
    ///
    /// # Panics
    /// If it is of another mix, with more scenarios.
    #[must_use]
    pub fn of(&self, casting: &Casting) -> &Arc<Scenario> {
        self.scenario(casting.scenario)
    }

    /// The scenario with this number.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn scenario(&self, number: u32) -> &Arc<Scenario> {
        &self.0[number as usize].scenario
    }

    /// The fixed policy at each seat of a scenario, as castings name it: `opponents(…).user` is whom the agent meets.
    ///
    /// # Panics
    /// If there are not so many scenarios.
    #[must_use]
    pub fn opponents(&self, number: u32) -> Pair<String> {
        let opponents = &self.0[number as usize].opponents;
        Pair::from_fn(|seat: Seat| opponents[seat].cast_as(seat))
    }

    /// Deals `count` places out to the scenarios by their weights; the same scenario's lie side by side. Evenly (systematic sampling), so that a
    /// scenario gets its share rounded up or down, and over many deals its share.
    #[must_use]
    pub fn deal(&self, count: u32, address: Address) -> Vec<u32> {
        self.deal_by(count, |_| 1.0, address)
    }

    /// The same by the weights times `factor` of the scenario's number; no factor is below 0, and one is above.
    #[must_use]
    pub fn deal_by(&self, count: u32, factor: impl Fn(u32) -> f64, address: Address) -> Vec<u32> {
        if !self.is_mixed() {
            return vec![0; count as usize];
        }
        let weights: Vec<f64> = (0..).zip(&self.0).map(|(number, part)| part.weight * factor(number)).collect();
        let total: f64 = weights.iter().sum();
        let offset = address.draws(Stream::Mix).uniform();
        (0..count).map(|place| at(&weights, total * (f64::from(place) + offset) / f64::from(count))).collect()
    }
}

/// The scenario on whose stretch of the weights, laid end to end, `position` lies.
fn at(weights: &[f64], position: f64) -> u32 {
    let mut end = 0.0;
    let reaches = |weight: &f64| {
        end += weight;
        position < end
    };
    // The last stretch ends where the whole does, whatever the last bit of the sum.
    weights.iter().position(reaches).unwrap_or(weights.len() - 1) as u32
}

#[cfg(test)]
mod tests {
    use sim::EpisodeId;
    use sim::Phase;
    use sim::gyms::haggle;

    use super::*;

    fn mix(weights: &[f64]) -> Mix {
        let scenario = Arc::new(haggle::example());
        Mix::new(weights.iter().map(|weight| Part::new(scenario.clone(), *weight)).collect())
    }

    fn address(round: u64) -> Address {
        EpisodeId { phase: Phase::Grpo, round, group: 0, trial: 0, member: 0 }.address(7)
    }

    fn shares(weights: &[f64], count: u32, round: u64) -> Vec<usize> {
        let dealt = mix(weights).deal(count, address(round));
        assert!(dealt.is_sorted() && dealt.len() == count as usize);
        (0..weights.len() as u32).map(|part| dealt.iter().filter(|dealt| **dealt == part).count()).collect()
    }

    #[test]
    fn every_deal_gives_each_scenario_its_share_up_to_rounding() {
        for round in 0..200 {
            assert_eq!(shares(&[1.0; 4], 20, round), [5; 4]);
            let uneven = shares(&[3.0, 1.0], 10, round);
            assert!(uneven == [7, 3] || uneven == [8, 2], "{uneven:?}");
        }
    }

    #[test]
    fn over_many_deals_shares_are_as_the_weights() {
        let mut sums = [0usize; 3];
        for round in 0..3000 {
            shares(&[0.5, 0.3, 0.2], 1, round).iter().zip(&mut sums).for_each(|(share, sum)| *sum += share);
        }
        // Binomial: 1500, 900, 600 of 3000, standard deviations 27, 25, 22; 5 of them.
        for (sum, (expected, most)) in sums.iter().zip([(1500usize, 137), (900, 125), (600, 110)]) {
            assert!(sum.abs_diff(expected) < most, "{sums:?}");
        }
    }

    #[test]
    fn one_scenario_takes_everything() {
        assert_eq!(mix(&[2.0]).deal(3, address(1)), [0; 3]);
    }
}
