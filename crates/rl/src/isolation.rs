//! Items that a seat failed at of late and plays again by itself: the isolation gym of RL-ADA (specification user-models, §2.17).
//!
//! An item is put on the list when a group that played it for the seat succeeded in less than half of its scored episodes, and taken off when one succeeds
//! in half or more. The list has a bound; the oldest leave. A share of the groups then plays an item of its scenario's list in place of one that is drawn.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;
use sim::Draws;

/// How much is played again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IsolationSettings {
    /// Share of groups that play an item of the list, in (0, 1]; while it has none of their scenario they play as others do.
    pub share: f64,
    /// Most items on the list; at least 1.
    pub keep: usize,
}

/// What was failed at and not yet made good, oldest first: scenario and item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failed {
    items: VecDeque<(u32, u32)>,
}

impl Failed {
    /// Takes note of a group: the share of its scored episodes that succeeded.
    pub fn note(&mut self, scenario: u32, item: u32, success: f64, keep: usize) {
        self.items.retain(|known| *known != (scenario, item));
        if success < 0.5 {
            self.items.push_back((scenario, item));
        }
        while self.items.len() > keep {
            self.items.pop_front();
        }
    }

    /// The item of a scenario that a group plays again; `None` if it plays as others do.
    #[must_use]
    pub fn draw(&self, scenario: u32, settings: IsolationSettings, draws: &mut Draws) -> Option<u32> {
        if !draws.chance(settings.share) {
            return None;
        }
        let items: Vec<u32> = self.items.iter().filter(|(of, _)| *of == scenario).map(|(_, item)| *item).collect();
        (!items.is_empty()).then(|| *draws.pick(&items))
    }

    /// Whether an item is on the list.
    #[must_use]
    pub fn has(&self, scenario: u32, item: u32) -> bool {
        self.items.contains(&(scenario, item))
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use sim::EpisodeId;
    use sim::Phase;
    use sim::draws::Stream;

    use super::*;

    fn draw(failed: &Failed, scenario: u32, share: f64, group: u32) -> Option<u32> {
        let id = EpisodeId { phase: Phase::Grpo, round: 9, group, trial: 0, member: 0 };
        failed.draw(scenario, IsolationSettings { share, keep: 3 }, &mut id.address(7).draws(Stream::Item))
    }

    #[test]
    fn what_failed_last_is_on_the_list_until_it_succeeds_or_the_list_is_full() {
        let mut failed = Failed::default();
        for (item, success) in [(1, 0.25), (2, 0.5), (3, 0.0), (4, 0.49), (1, 0.0)] {
            failed.note(0, item, success, 3);
        }
        assert_eq!(failed.items, [(0, 3), (0, 4), (0, 1)], "a failure again is a new one");
        failed.note(0, 4, 1.0, 3);
        failed.note(1, 3, 0.0, 3);
        failed.note(1, 9, 0.0, 3);
        assert_eq!(failed.items, [(0, 1), (1, 3), (1, 9)], "the oldest left");
    }

    #[test]
    fn a_share_of_the_groups_plays_items_of_its_own_scenario_again() {
        let mut failed = Failed::default();
        [(0, 1), (1, 3), (1, 9)].into_iter().for_each(|(scenario, item)| failed.note(scenario, item, 0.0, 3));
        let again = (0..10_000).filter_map(|group| draw(&failed, 1, 0.3, group)).collect::<Vec<u32>>();
        // Binomial: 3000 expected, standard deviation 46; 5 of them. And half of them each, 27.
        assert!(again.len().abs_diff(3000) < 230, "{}", again.len());
        let of_three = again.iter().filter(|item| **item == 3).count();
        assert!(of_three.abs_diff(again.len() / 2) < 140 && again.iter().all(|item| [3, 9].contains(item)));
        assert_eq!(draw(&failed, 2, 1.0, 0), None, "nothing of that scenario failed");
        assert!((0..500).all(|group| draw(&failed, 0, 1.0, group) == Some(1)));
    }
}
