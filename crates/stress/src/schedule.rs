//! Who is played where. An episode's name says it all, so a record finds its place again:
//!
//! ```text
//!  round   which family, after these which test of traps, and after these which set
//!  group   the item; of a set the task's number, which a trap and its twin share
//!  trial   the trial; a session that is played again goes on counting: trial + trials, trial + 2 · trials, …
//!  member  1 + 2 · contender + side
//! ```
//!
//! Draws of the world do not depend on the member, so both sides of a pair, and all contenders, meet the same people with the same wordings.

use sim::EpisodeId;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::record::Casting;
use sim::scenario::Split;

use crate::Suite;
use crate::Yardsticks;
use crate::set::Task;

/// The two sides of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The user attacks.
    Hostile,
    /// Its twin is entitled to what it asks for.
    Benign,
}

impl Side {
    /// Both.
    pub const ALL: [Side; 2] = [Side::Hostile, Side::Benign];
}

/// Who is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contender {
    /// A policy: its name as it was typed, and as castings call it.
    Policy {
        /// As typed.
        typed: String,
        /// As castings call it.
        cast: String,
    },
    /// Of each family the yardstick that falls for it.
    Falls,
    /// Of each family the yardstick that does not.
    Resists,
}

impl Contender {
    /// How it is called in a report.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Contender::Policy { typed, .. } => typed,
            Contender::Falls => "falls",
            Contender::Resists => "resists",
        }
    }

    /// Its policy where these are the yardsticks, as castings call it.
    #[must_use]
    pub fn policy<'a>(&'a self, yardsticks: &'a Yardsticks) -> &'a str {
        match self {
            Contender::Policy { cast, .. } => cast,
            Contender::Falls => &yardsticks.falls,
            Contender::Resists => &yardsticks.resists,
        }
    }

    /// Whether thresholds are for it. Of who is there to fall it is only asked that it does.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        *self != Contender::Falls
    }
}

/// Where an episode belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which family, or after these which test of traps, or after these which set.
    pub family: usize,
    /// Which contender of the seat that is tested.
    pub contender: usize,
    /// Which side; a test of traps has one, the hostile.
    pub side: Side,
    /// The item, or the number of a set's task.
    pub item: u32,
    /// The trial, from 0, reruns taken back.
    pub trial: u32,
}

impl Suite {
    /// The sessions of one family with these agents, every one once.
    #[must_use]
    pub fn family_castings(&self, family: usize, agents: &[Contender]) -> Vec<Casting> {
        self.castings(family, agents, &Side::ALL)
    }

    /// The sessions of one test of traps with these users, every one once.
    #[must_use]
    pub fn trap_castings(&self, test: usize, users: &[Contender]) -> Vec<Casting> {
        self.castings(self.families.len() + test, users, &Side::ALL[..1])
    }

    /// The tasks of one set with these users, every one once.
    #[must_use]
    pub fn set_castings(&self, set: usize, users: &[Contender]) -> Vec<Casting> {
        let of = &self.sets[set];
        let family = self.families.len() + self.traps.len() + set;
        let before: usize = self.sets[..set].iter().map(|set| set.scenarios.len()).sum();
        let first = 2 * self.families.len() + self.traps.len() + before;
        let mut castings = Vec::new();
        for Task { scenario, item, number, side } in of.tasks() {
            for trial in 0..self.trials {
                for (contender, who) in users.iter().enumerate() {
                    let place = Place { family, contender, side, item: number, trial };
                    let user = who.policy(&of.yardsticks).to_owned();
                    let policies = Pair { agent: of.opponent.clone(), user };
                    castings.push(casting_of(place, first + scenario, item, policies));
                }
            }
        }
        castings
    }

    fn castings(&self, family: usize, contenders: &[Contender], sides: &[Side]) -> Vec<Casting> {
        let mut castings = Vec::new();
        for item in 0..self.items {
            for trial in 0..self.trials {
                for (contender, who) in contenders.iter().enumerate() {
                    for side in sides {
                        let place = Place { family, contender, side: *side, item, trial };
                        castings.push(self.casting(place, who));
                    }
                }
            }
        }
        castings
    }

    fn casting(&self, place: Place, who: &Contender) -> Casting {
        let Place { family, side, item, .. } = place;
        let (scenario, policies) = match self.families.get(family) {
            Some(of) => {
                let agent = who.policy(&of.yardsticks).to_owned();
                (2 * family + side as usize, Pair { agent, user: of.attacker.clone() })
            }
            None => {
                let test = family - self.families.len();
                let of = &self.traps[test];
                let user = who.policy(&of.yardsticks).to_owned();
                (2 * self.families.len() + test, Pair { agent: of.attacker.clone(), user })
            }
        };
        casting_of(place, scenario, item, policies)
    }

    /// The same session with the draws of another trial.
    #[must_use]
    pub fn again(&self, casting: &Casting) -> Casting {
        let id = EpisodeId { trial: casting.id.trial + self.trials, ..casting.id };
        Casting { id, ..casting.clone() }
    }

    /// Where an episode belongs.
    #[must_use]
    pub fn place(&self, id: EpisodeId) -> Place {
        let at = id.member.saturating_sub(1) as usize;
        Place {
            family: id.round as usize,
            contender: at / 2,
            side: Side::ALL[at % 2],
            item: id.group,
            trial: id.trial % self.trials,
        }
    }

    /// The seat that is tested by a family or a test of traps.
    #[must_use]
    pub fn tested(&self, family: usize) -> Seat {
        if family < self.families.len() { Seat::Agent } else { Seat::User }
    }
}

/// A session in its place: on this held-out item of the scenario with this number.
fn casting_of(place: Place, scenario: usize, item: u32, policies: Pair<String>) -> Casting {
    let Place { family, contender, side, item: group, trial } = place;
    let member = (1 + 2 * contender + side as usize) as u32;
    Casting {
        id: EpisodeId { phase: Phase::Eval, round: family as u64, group, trial, member },
        scenario: scenario as u32,
        split: Split::HeldOut,
        item,
        policies,
        learns: Pair::default(),
        tools: Pair::default(),
        fork: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::fixtures;

    #[test]
    fn every_session_has_a_name_of_its_own_and_is_found_by_it() {
        let suite = fixtures::suite(3, 2);
        let agents = [Contender::Resists, Contender::Falls];
        let castings = suite.family_castings(0, &agents);
        assert_eq!(castings.len(), 3 * 2 * 2 * 2);
        let mut names: Vec<EpisodeId> = castings.iter().map(|casting| casting.id).collect();
        for casting in &castings {
            let place = suite.place(casting.id);
            let again = suite.again(&suite.again(casting));
            assert_eq!(suite.place(again.id), place);
            assert_eq!(casting.scenario as usize, place.side as usize);
            assert_eq!(casting.policies.agent, agents[place.contender].policy(&suite.families[0].yardsticks));
            names.extend([suite.again(casting).id, again.id]);
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn both_sides_of_a_pair_meet_the_same_draws() {
        let suite = fixtures::suite(1, 1);
        let castings = suite.family_castings(0, &[Contender::Resists]);
        let [hostile, benign] = &castings[..] else { panic!("one pair") };
        assert_eq!(hostile.id.address(suite.seed), benign.id.address(suite.seed));
    }
}
