//! The buyer's state, move by move, against the table in `docs/SCENARIOS.md`.

use super::table::Table;
use super::table::item;
use super::table::unseen;
use crate::gyms::haggle::Mind;
use crate::gyms::haggle::person::Tone;

/// The state that follows these lines, from 3 3 5 3: trust, emotion, patience, participation.
fn check(lines: &[&str], state: [i64; 4]) {
    let table = Table::new(unseen(item())).play(lines);
    assert_eq!(table.world.mind.values(), state, "{lines:?}");
    assert_eq!(table.world.minds.last(), Some(&table.world.mind), "thoughts are compared with it");
}

#[test]
fn a_price_that_falls_by_two_cheers_and_one_that_stays_annoys() {
    check(&["I ask $12."], [3, 3, 5, 3]);
    check(&["I ask $12.", "I offer $5.", "I ask $10."], [3, 4, 5, 3]);
    check(&["I ask $12.", "I offer $5.", "I ask $11."], [3, 3, 5, 3]);
    check(&["I ask $12.", "I offer $5.", "I ask $12."], [3, 2, 4, 3]);
    check(&["I ask $12.", "I offer $5.", "I ask $14."], [3, 2, 4, 3]);
}

#[test]
fn an_extra_that_is_added_is_a_concession_and_one_taken_away_is_none() {
    check(&["I ask $12.", "I offer $5.", "I ask $12 with delivery."], [3, 4, 5, 3]);
    check(&["I ask $12.", "I offer $5.", "I ask $13 with warranty."], [3, 4, 5, 3]);
    check(&["I ask $12 with warranty.", "I offer $5.", "I ask $12."], [3, 2, 4, 3]);
}

#[test]
fn an_answer_draws_the_buyer_in_and_silence_puts_it_off() {
    check(&["I ask $12.", "What is the fee?", "The fee is zero. I ask $11."], [3, 3, 5, 4]);
    check(&["I ask $12.", "What is the fee?", "The stock is low. I ask $11."], [3, 3, 5, 2]);
    check(&["I ask $12.", "What is the fee?", "I ask $11."], [3, 3, 5, 2]);
    check(&["I ask $12.", "Can you add the delivery?", "I ask $12 with delivery."], [3, 4, 5, 4]);
    check(&["I ask $12.", "Can you add the warranty?", "I ask $11 with delivery."], [3, 4, 5, 2]);
}

#[test]
fn a_check_moves_trust_by_what_it_shows() {
    // A check for nothing costs patience twice.
    check(&["The stock is low. I ask $12.", "I doubt the stock.", "I ask $11."], [4, 3, 3, 3]);
    check(&["The stock is fair. I ask $12.", "I doubt the stock.", "I ask $11."], [2, 3, 4, 3]);
    // Held price and check: both cost patience.
    check(&["The stock is fair. I ask $12.", "I doubt the stock.", "I ask $12."], [2, 2, 3, 3]);
    // A fact that was shown is known from then on.
    check(&["The stock is low. I ask $12.", "I doubt the stock.", "The stock is ample. I ask $11."], [3, 3, 3, 3]);
}

#[test]
fn a_turn_without_an_act_tries_the_buyers_patience_whoever_fumbles() {
    check(&["I ask $12.", "I offer $5.", "hm"], [3, 2, 4, 3]);
    check(&["The stock is low. I ask $12.", "I doubt the stock.", "hm"], [4, 2, 2, 3]);
    // The buyer's own turn that did not count forgets what it had felt already.
    check(&["I ask $12.", "I offer $5.", "I ask $12.", "hm", "I ask $11."], [3, 2, 3, 3]);
}

#[test]
fn feelings_stay_between_nought_and_five() {
    let mut lines = vec!["I ask $25."];
    for price in ["I ask $22.", "I ask $19.", "I ask $16.", "I ask $13.", "I ask $10."] {
        lines.extend(["I offer $5.", price]);
    }
    check(&lines, [3, 5, 5, 3]);
    assert_eq!(Mind::from_values([0, 5, 0, 5]).map(Mind::values), Some([0, 5, 0, 5]));
    assert_eq!((Mind::from_values([0, 6, 0, 5]), Mind::from_values([-1, 0, 0, 0])), (None, None));
}

#[test]
fn the_tone_follows_the_emotion() {
    let tone = |emotion| Mind { trust: 3, emotion, patience: 3, participation: 3 }.tone();
    let tones = [Tone::Cold, Tone::Cold, Tone::Cold, Tone::Calm, Tone::Warm, Tone::Warm];
    assert_eq!([0, 1, 2, 3, 4, 5].map(tone), tones);
}
