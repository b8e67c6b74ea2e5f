//! Items from a seed. Held-out items have names and number combinations that training never shows, built from the same words.

use serde::Deserialize;
use serde::Serialize;

use super::Fact;
use super::PRICE_MAX;
use super::Rules;
use super::facts::Facts;
use crate::Address;
use crate::Draws;
use crate::Phase;
use crate::draws::Stream;
use crate::scenario::ItemCounts;
use crate::scenario::Split;

const MATERIALS: [&str; 8] = ["brass", "oak", "glass", "wool", "steel", "stone", "silk", "pine"];
const THINGS: [&str; 8] = ["lamp", "desk", "clock", "chair", "bowl", "frame", "scarf", "chest"];

/// What delivery costs the buyer who pays it, by the value of [`Fact::Fee`], in dollars.
const FEE_TO_BUYER: [i64; 3] = [0, 2, 4];
/// What including delivery costs the seller, by the value of [`Fact::Fee`], in dollars.
const FEE_TO_SELLER: [i64; 3] = [0, 1, 2];
/// What the item loses in worth by the value of [`Fact::Condition`], in dollars.
const WEAR: [i64; 3] = [0, 1, 3];

/// One item with everything that is true of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Two words.
    pub name: String,
    /// Public list price, in dollars.
    pub list: i64,
    /// What it costs the seller; private.
    pub cost: i64,
    /// What it is worth to the buyer if new and delivered free; private.
    pub value: i64,
    /// Whether the buyer wants the warranty; private until asked for.
    pub wants_warranty: bool,
    /// The truth.
    pub facts: Facts,
    /// Whether it belongs to the held-out split: scripts then also use the held-out templates.
    pub held_out: bool,
}

impl Item {
    /// What the buyer loses to the fee if delivery is not included, in dollars.
    #[must_use]
    pub fn fee_to_buyer(&self) -> i64 {
        fee_to_buyer(self.facts[Fact::Fee.index()])
    }

    /// What the seller pays to include delivery, in dollars.
    #[must_use]
    pub fn fee_to_seller(&self) -> i64 {
        fee_to_seller(self.facts[Fact::Fee.index()])
    }

    /// What the item's true condition takes off its worth, in dollars.
    #[must_use]
    pub fn wear(&self) -> i64 {
        wear(self.facts[Fact::Condition.index()])
    }

    /// joint\*: the best sum of both surpluses over all combinations of issues, in dollars; negative where there is no zone of agreement.
    #[must_use]
    pub fn joint_best(&self, rules: &Rules) -> i64 {
        let warranty = if self.wants_warranty { (rules.warranty_worth - rules.warranty_cost).max(0) } else { 0 };
        self.value - self.wear() - self.cost - self.fee_to_buyer().min(self.fee_to_seller()) + warranty
    }
}

/// What delivery costs the buyer for a value of [`Fact::Fee`].
#[must_use]
pub fn fee_to_buyer(value: u8) -> i64 {
    FEE_TO_BUYER[usize::from(value)]
}

/// What including delivery costs the seller for a value of [`Fact::Fee`].
#[must_use]
pub fn fee_to_seller(value: u8) -> i64 {
    FEE_TO_SELLER[usize::from(value)]
}

/// What a value of [`Fact::Condition`] takes off the worth.
#[must_use]
pub fn wear(value: u8) -> i64 {
    WEAR[usize::from(value)]
}

impl Rules {
    /// The item with this number, always the same for the same item seed.
    #[must_use]
    pub fn item(&self, items: ItemCounts, split: Split, index: u32) -> Item {
        let round = match split {
            Split::Train => 0,
            Split::HeldOut => 1,
        };
        let place = Address { seed: items.seed, phase: Phase::Rollout, round, group: index, trial: 0, member: 0 };
        let mut draws = place.draws(Stream::World);
        loop {
            let item = self.draw_item(&mut draws, split);
            // Off the grid only where `[world]` makes the warranty worth more than anything else.
            if is_held_out(&item) == item.held_out && (0..=PRICE_MAX).contains(&item.value) {
                return item;
            }
        }
    }

    fn draw_item(&self, draws: &mut Draws, split: Split) -> Item {
        let facts = Fact::ALL.map(|_| if draws.chance(self.favourable) { 0 } else { draws.range(1, 2) as u8 });
        let (joint, cost) = if draws.chance(self.no_zone) {
            (draws.range(-3, -1), draws.range(5, 9))
        } else {
            (draws.range(3, 9), draws.range(3, 9))
        };
        let wants_warranty = draws.chance(0.5);
        let mut item = Item {
            name: format!("{} {}", draws.pick(&MATERIALS), draws.pick(&THINGS)),
            list: cost + draws.range(8, 13),
            cost,
            value: 0,
            wants_warranty,
            facts,
            held_out: split == Split::HeldOut,
        };
        item.value = joint - item.joint_best(self);
        item
    }
}

/// Whether an item's name and numbers belong to the held-out split: one name in four, and of every name one number combination in five
/// never occurs in training, and held-out items have both.
fn is_held_out(item: &Item) -> bool {
    let mut words = item.name.split(' ');
    let mut place = |list: &[&str]| words.next().and_then(|word| list.iter().position(|w| *w == word)).unwrap_or(0);
    let name = (place(&MATERIALS) + place(&THINGS)) % 4 == 0;
    let numbers = (3 * item.cost + 2 * item.value + item.list) % 5 == 0;
    if item.held_out { name && numbers } else { name || numbers }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: ItemCounts = ItemCounts { train: 4000, held_out: 1000, seed: 7 };

    #[test]
    fn items_stay_on_the_price_grid_and_on_their_side_of_the_split() {
        let rules = Rules::default();
        let mut train = std::collections::BTreeSet::new();
        for index in 0..ITEMS.train {
            let item = rules.item(ITEMS, Split::Train, index);
            assert!((0..=PRICE_MAX).contains(&item.value) && (0..=PRICE_MAX).contains(&item.list), "{item:?}");
            train.insert((item.name.clone(), item.cost, item.value, item.list));
            train.insert((item.name, 0, 0, 0));
        }
        for index in 0..ITEMS.held_out {
            let item = rules.item(ITEMS, Split::HeldOut, index);
            assert!(!train.contains(&(item.name.clone(), 0, 0, 0)), "{} was learned from", item.name);
            assert!(!train.contains(&(item.name, item.cost, item.value, item.list)));
        }
    }

    #[test]
    fn items_stay_on_the_price_grid_whatever_a_warranty_costs_and_is_worth() {
        for (warranty_cost, warranty_worth) in [(0, 0), (25, 0), (0, 3), (0, 10), (1, 24), (0, 25)] {
            let rules = Rules { warranty_cost, warranty_worth, ..Rules::default() };
            for index in 0..200 {
                let item = rules.item(ITEMS, Split::HeldOut, index);
                assert!((0..=PRICE_MAX).contains(&item.value), "{item:?}");
            }
        }
    }

    #[test]
    fn fifteen_in_a_hundred_items_have_no_zone_of_agreement() {
        let rules = Rules::default();
        let none =
            (0..ITEMS.held_out).filter(|i| rules.item(ITEMS, Split::HeldOut, *i).joint_best(&rules) <= 0).count();
        // Binomial around 150, standard deviation 11.3.
        assert!((110..=190).contains(&none), "{none}");
    }
}
