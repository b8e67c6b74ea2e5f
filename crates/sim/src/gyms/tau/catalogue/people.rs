//! Names, addresses and payment methods of customers.

use std::collections::BTreeSet;

use super::super::Value;
use super::fresh;
use crate::Draws;

const FIRST: [&str; 24] = [
    "Ada", "Bruno", "Clara", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Leon", "Mina",
    "Nils", "Olga", "Pavel", "Rosa", "Samir", "Tilda", "Umar", "Vera", "Wanda", "Yuki", "Zeno",
];
const LAST: [&str; 24] = [
    "Abel", "Berg", "Costa", "Dahl", "Ekman", "Faber", "Graf", "Holm", "Ibsen", "Jansen", "Keller", "Lund", "Marek",
    "Novak", "Olsen", "Peters", "Quist", "Reyes", "Stein", "Tran", "Urban", "Vogel", "Weiss", "Zeman",
];
const STREETS: [&str; 8] = [
    "Mill Lane",
    "Harbour Street",
    "Birch Road",
    "Station Way",
    "Castle Hill",
    "Lake Drive",
    "North Row",
    "Garden Walk",
];
const CITIES: [(&str, &str); 8] = [
    ("Portland", "OR"),
    ("Austin", "TX"),
    ("Boise", "ID"),
    ("Tucson", "AZ"),
    ("Omaha", "NE"),
    ("Tampa", "FL"),
    ("Albany", "NY"),
    ("Dayton", "OH"),
];

/// A customer before its orders or reservations.
pub(super) struct Person {
    pub(super) id: String,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) address: Value,
    pub(super) email: String,
}

/// Somebody whose id nobody else has.
pub(super) fn person(draws: &mut Draws, taken: &mut BTreeSet<String>) -> Person {
    let (first, last) = (*draws.pick(&FIRST), *draws.pick(&LAST));
    let name = format!("{}_{}", first.to_lowercase(), last.to_lowercase());
    let id = fresh(draws, taken, 4, &format!("{name}_"));
    let email = format!("{}@example.com", id.replace('_', "."));
    Person { id, first, last, address: address(draws), email }
}

/// Somebody's name and day of birth.
pub(super) fn passenger(draws: &mut Draws) -> Value {
    let (first, last) = (*draws.pick(&FIRST), *draws.pick(&LAST));
    traveller(first, last, &birthday(draws))
}

pub(super) fn traveller(first: &str, last: &str, dob: &str) -> Value {
    Value::table([("first_name", Value::text(first)), ("last_name", Value::text(last)), ("dob", Value::text(dob))])
}

pub(super) fn birthday(draws: &mut Draws) -> String {
    format!("{}-{:02}-{:02}", draws.range(1950, 2005), draws.range(1, 12), draws.range(1, 28))
}

/// Somewhere to live.
pub(super) fn address(draws: &mut Draws) -> Value {
    let (city, state) = *draws.pick(&CITIES);
    Value::table([
        ("address1", Value::text(format!("{} {}", draws.range(1, 999), draws.pick(&STREETS)))),
        ("address2", Value::text(format!("Suite {}", draws.range(100, 999)))),
        ("city", Value::text(city)),
        ("country", Value::text("USA")),
        ("state", Value::text(state)),
        ("zip", Value::text(draws.range(10_000, 99_999).to_string())),
    ])
}

/// A credit card, under its id.
pub(super) fn credit_card(draws: &mut Draws, taken: &mut BTreeSet<String>) -> (String, Value) {
    let id = fresh(draws, taken, 7, "credit_card_");
    let card = Value::table([
        ("source", Value::text("credit_card")),
        ("brand", Value::text(*draws.pick(&["visa", "mastercard"]))),
        ("last_four", Value::text(draws.range(1000, 9999).to_string())),
        ("id", Value::text(&id)),
    ]);
    (id, card)
}

/// A gift card with this under `key`, under its id.
pub(super) fn gift_card(draws: &mut Draws, taken: &mut BTreeSet<String>, key: &str, balance: i64) -> (String, Value) {
    let id = fresh(draws, taken, 7, "gift_card_");
    let card = [("source", Value::text("gift_card")), (key, Value::Int(balance)), ("id", Value::text(&id))];
    (id, Value::table(card))
}
