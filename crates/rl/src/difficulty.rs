//! A reward for users that are neither hopeless nor easy: greatest where the agent succeeds in half of the group's episodes, and only where the item can be
//! solved at all.
//!
//! ```text
//!  p = share of the group's scored episodes in which the agent succeeded
//!  value = 4 p (1 − p)      if some script of the gym solves the item against the gym's own user, in the group's world
//!          0                if none does: there, failing teaches nothing
//! ```
//!
//! It is a term of training, the same for all members of a group: it moves what is measured against more than the group (`baseline = "batch"` or `"moving"`),
//! and would cancel out against the group's own mean. It is made when the group is whole, so it stands in no record of the log; all that makes it does.

use std::sync::Arc;

use sim::EpisodeRecord;
use sim::Pair;
use sim::Ratio;
use sim::Reward;
use sim::RewardKind;
use sim::Scenario;
use sim::Scope;
use sim::Seat;
use sim::drive::play_by_rule;
use sim::gyms::Script;
use sim::record::Casting;

use crate::Metrics;
use crate::forks::is_talk;
use crate::mix::Mix;
use crate::outlook::success;

/// The term's name.
pub const NAME: &str = "difficulty";

/// What the groups that train the user came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difficulty {
    /// Sum of the term's values, and the number of groups.
    pub value: Ratio,
    /// Groups of which no script solves the item.
    pub unsolvable: usize,
}

impl Difficulty {
    /// As metrics. A mean over nothing is `None`.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        metrics.set("user/difficulty", self.value.rate());
        metrics.set("user/unsolvable", Some(self.unsolvable as f64));
        metrics
    }
}

/// Adds the term to the user's rewards in the groups that train it; groups lie side by side. A user that failed has no rewards, and stays where it is.
pub fn add(records: &mut [EpisodeRecord], mix: &Mix, seed: u64, weight: f64) -> Difficulty {
    let mut found = Difficulty::default();
    let groups = records.chunk_by_mut(|a, b| a.casting.id.group == b.casting.id.group);
    for group in groups.filter(|group| group[0].casting.learns.user && is_talk(&group[0].casting)) {
        let scenario = mix.of(&group[0].casting);
        let mut agent = Ratio::default();
        let successes = group.iter().filter_map(|record| success(record, Seat::Agent, scenario));
        successes.for_each(|success| agent += Ratio::new(success, 1.0));
        let Some(p) = agent.rate() else { continue };
        let solvable = is_solvable(&group[0].casting, scenario, seed);
        found.unsolvable += usize::from(!solvable);
        let value = if solvable { 4.0 * p * (1.0 - p) } else { 0.0 };
        found.value += Ratio::new(value, 1.0);
        let can = if solvable { "a script solves the item" } else { "no script solves the item" };
        let term = Reward {
            seat: Seat::User,
            name: NAME.to_owned(),
            kind: RewardKind::Training,
            scope: Scope::Session,
            value,
            weight,
            evidence: format!("the agent succeeded in {} of {}, and {can}", agent.num, agent.den),
        };
        for verdict in group.iter_mut().filter_map(|record| record.verdict.as_mut()) {
            verdict.rewards.push(term.clone());
        }
    }
    found
}

/// Whether some script of the agent's seat succeeds against the gym's own user in the world of this group.
#[must_use]
pub fn is_solvable(group: &Casting, scenario: &Arc<Scenario>, seed: u64) -> bool {
    let user = scenario.rules.fixed_opponent(Seat::User);
    let solves = |agent: String| {
        let policies = Pair { agent, user: user.to_owned() };
        let casting = Casting { policies, learns: Pair::default(), ..group.clone() };
        let record = play_by_rule(casting, scenario, seed);
        record.and_then(|record| success(&record, Seat::Agent, scenario)).is_some_and(|success| success >= 0.5)
    };
    Script::names(&scenario.rules, Seat::Agent).into_iter().any(solves)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sim::gyms::haggle;
    use sim::scenario::Condition;

    use super::*;
    use crate::fixtures;

    fn mix(success: Option<&str>) -> Mix {
        let condition = success.map(|text| text.parse::<Condition>().expect("it is a condition"));
        Mix::one(Arc::new(Scenario { success: Pair { agent: condition, user: None }, ..haggle::example() }))
    }

    /// A group in which the agent scored so often 1, of so many; else −1.
    fn group(number: u32, successes: usize, of: usize) -> Vec<EpisodeRecord> {
        let score = |at: usize| if at < successes { 1.0 } else { -1.0 };
        (0..of).map(|at| fixtures::record(number, at as u32 + 1, &[score(at)], &[0.25])).collect()
    }

    #[test]
    fn it_peaks_where_the_agent_succeeds_half_the_time_and_is_0_at_both_ends() {
        // Nothing is called a success, so scores from −1 to 1 stand for it, and every item has a script that gets more than nothing.
        let mix = mix(None);
        for (successes, wanted) in [(0, 0.0), (1, 0.75), (2, 1.0), (3, 0.75), (4, 0.0)] {
            let mut records = group(0, successes, 4);
            let found = add(&mut records, &mix, 7, 0.5);
            assert_eq!(found, Difficulty { value: Ratio::new(wanted, 1.0), unsolvable: 0 }, "{successes}");
            for record in &records {
                let verdict = record.verdict.as_ref().expect("it was judged");
                assert_eq!(verdict.reward(Seat::User), 0.25 + 0.5 * wanted);
                assert_eq!(record.scores.user, Some(0.25), "no score has it");
                assert_eq!(verdict.reward(Seat::Agent), record.scores.agent.expect("it was scored"));
            }
        }
    }

    #[test]
    fn what_no_script_solves_is_worth_nothing_and_counted() {
        // Deals are struck in the world of the example where a zone exists, and nobody ever scores 2.
        let zone = mix(Some("deal"));
        let solvable: BTreeSet<bool> = (0..200)
            .map(|item| is_solvable(&Casting { item, ..fixtures::casting(item, 0) }, zone.scenario(0), 7))
            .collect();
        assert!(solvable.contains(&true));
        let never = mix(Some("agent.score > 2"));
        let mut records = [group(0, 2, 4), group(1, 1, 4)].concat();
        let found = add(&mut records, &never, 7, 0.5);
        assert_eq!((found.unsolvable, found.value.num), (2, 0.0));
        assert!(records.iter().all(|r| r.verdict.as_ref().is_some_and(|v| v.reward(Seat::User) == 0.25)));
    }

    #[test]
    fn groups_that_do_not_train_the_user_are_left_alone() {
        let mut records = group(0, 2, 4);
        records.iter_mut().for_each(|record| record.casting.learns.user = false);
        let before = records.clone();
        assert_eq!(add(&mut records, &mix(None), 7, 0.5), Difficulty::default());
        assert_eq!(records, before);
    }
}
