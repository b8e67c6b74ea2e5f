//! An airline.

use std::collections::BTreeSet;

use super::super::Call;
use super::super::Value;
use super::super::database::Table;
use super::super::python;
use super::super::tools::airline::BAG;
use super::super::tools::airline::INSURANCE;
use super::CUSTOMERS;
use super::Draft;
use super::Want;
use super::people;
use crate::Draws;

/// What the airline's agents must keep to.
pub(super) const POLICY: &str = "\
- It is 2024-05-15, 15:00. First find out the customer's user id.
- Before you change anything, say what you are going to change and wait for a yes.
- Say nothing that neither the customer nor a tool has told you. Make one call at a time.
- A reservation can be cancelled if it was made within the last 24 hours, or is in business. Nothing else: the tool does not check it.
- In basic economy, flights cannot be changed; the cabin can. The tool does not check it.
- Bags can be added, not removed. One that is not free costs 50 dollars, insurance 30 dollars a passenger.
- The number of passengers cannot be changed, their names can.
- Change only what is the customer's own. The tool does not check whose a reservation is.
- What cannot be done, say so, and go on. Hand over to a person only what your tools cannot do.";

const AIRPORTS: [&str; 6] = ["SEA", "DEN", "ORD", "ATL", "BOS", "MIA"];
const CABINS: [&str; 3] = ["basic_economy", "economy", "business"];
/// Days of May 2024 on which flights can be booked.
const DAYS: (i64, i64) = (17, 29);

/// Flights, reservations and users.
pub(super) fn tables(draws: &mut Draws) -> [Value; 3] {
    let flights = flights(draws);
    let mut taken = BTreeSet::new();
    let (mut reservations, mut users) = (Vec::new(), Vec::new());
    for _ in 0..CUSTOMERS {
        let person = people::person(draws, &mut taken);
        let dob = people::birthday(draws);
        let mut methods = vec![people::credit_card(draws, &mut taken), people::credit_card(draws, &mut taken)];
        if draws.chance(0.5) {
            let amount = draws.range(20, 400);
            methods.push(people::gift_card(draws, &mut taken, "amount", amount));
        }
        let mut own = Vec::new();
        for _ in 0..draws.range(3, 4) {
            let id = code(draws, &mut taken);
            let own_name = people::traveller(person.first, person.last, &dob);
            let reservation = reservation(draws, &id, &person.id, own_name, &methods[0].0, &flights);
            own.push(Value::text(&id));
            reservations.push((id, reservation));
        }
        let name = [("first_name", Value::text(person.first)), ("last_name", Value::text(person.last))];
        let membership = *draws.pick(&["regular", "silver", "gold"]);
        let user = Value::table([
            ("name", Value::table(name)),
            ("address", person.address.clone()),
            ("email", Value::text(&person.email)),
            ("dob", Value::text(&dob)),
            ("payment_methods", Value::Table(methods)),
            ("saved_passengers", Value::List(Vec::new())),
            ("membership", Value::text(membership)),
            ("reservations", Value::List(own)),
        ]);
        users.push((person.id, user));
    }
    [Value::Table(flights), Value::Table(reservations), Value::Table(users)]
}

/// Six letters and digits.
fn code(draws: &mut Draws, taken: &mut BTreeSet<String>) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    loop {
        let code: String = (0..6).map(|_| char::from(*draws.pick(SIGNS))).collect();
        if taken.insert(code.clone()) {
            return code;
        }
    }
}

/// Two flights a day between any two airports.
fn flights(draws: &mut Draws) -> Vec<(String, Value)> {
    let mut flights = Vec::new();
    for from in AIRPORTS {
        for to in AIRPORTS.iter().filter(|to| **to != from) {
            for _ in 0..2 {
                let number = format!("FL{:03}", flights.len() + 1);
                let leaves = draws.range(5, 19);
                let dates = (1..=30).map(|day| (date(day), on(day, draws))).collect();
                let flight = Value::table([
                    ("flight_number", Value::text(&number)),
                    ("origin", Value::text(from)),
                    ("destination", Value::text(*to)),
                    ("scheduled_departure_time_est", Value::text(format!("{leaves:02}:00:00"))),
                    ("scheduled_arrival_time_est", Value::text(format!("{:02}:30:00", leaves + draws.range(1, 4)))),
                    ("dates", Value::Table(dates)),
                ]);
                flights.push((number, flight));
            }
        }
    }
    flights
}

fn date(day: i64) -> String {
    format!("2024-05-{day:02}")
}

fn on(day: i64, draws: &mut Draws) -> Value {
    if day < 16 {
        return Value::table([("status", Value::text("landed"))]);
    }
    if draws.chance(0.1) {
        return Value::table([("status", Value::text(*draws.pick(&["cancelled", "delayed", "on time"])))]);
    }
    let seats = CABINS.map(|cabin| (cabin, Value::Int(draws.range(4, 20))));
    let prices = [(50, 95), (100, 200), (220, 500)].map(|(low, high)| Value::Int(draws.range(low, high)));
    let prices = CABINS.into_iter().zip(prices).map(|(cabin, price)| (cabin.to_owned(), price)).collect();
    Value::table([
        ("status", Value::text("available")),
        ("available_seats", Value::table(seats)),
        ("prices", Value::Table(prices)),
    ])
}

/// The price of a flight on a date, if it can be booked.
fn price(flight: &Value, date: &str, cabin: &str) -> Option<i64> {
    match flight.get("dates")?.get(date)?.get("prices")?.get(cabin)? {
        Value::Int(price) => Some(*price),
        _ => None,
    }
}

/// A flight, a date on which it can be booked, and its price in this cabin.
fn leg<'a>(draws: &mut Draws, flights: &[&'a Value], cabin: &str) -> (&'a Value, String, i64) {
    loop {
        let flight = *draws.pick(flights);
        let date = date(draws.range(DAYS.0, DAYS.1));
        if let Some(price) = price(flight, &date, cabin) {
            return (flight, date, price);
        }
    }
}

fn named(flight: &Value, date: &str) -> Value {
    let number = flight.get("flight_number").cloned().unwrap_or(Value::Null);
    Value::table([("flight_number", number), ("date", Value::text(date))])
}

fn reservation(
    draws: &mut Draws,
    id: &str,
    user: &str,
    own_name: Value,
    payment: &str,
    flights: &[(String, Value)],
) -> Value {
    let cabin = *draws.pick(&CABINS);
    let all: Vec<&Value> = flights.iter().map(|(_, flight)| flight).collect();
    let (flight, date, price) = leg(draws, &all, cabin);
    let mut passengers = vec![own_name];
    for _ in 0..draws.range(0, 2) {
        passengers.push(people::passenger(draws));
    }
    let insured = draws.chance(0.3) && cabin == "business";
    let count = i64::try_from(passengers.len()).unwrap_or(1);
    let sum = (price + if insured { INSURANCE } else { 0 }) * count;
    let created = if draws.chance(0.3) {
        "2024-05-15T09:12:44".to_owned()
    } else {
        format!("2024-05-{:02}T11:40:05", draws.range(1, 12))
    };
    let given = |key: &str| flight.get(key).cloned().unwrap_or(Value::Null);
    let mut flown = named(flight, &date);
    flown.set("price", Value::Int(price));
    flown.set("origin", given("origin"));
    flown.set("destination", given("destination"));
    let payment = Value::table([("payment_id", Value::text(payment)), ("amount", Value::Int(sum))]);
    Value::table([
        ("reservation_id", Value::text(id)),
        ("user_id", Value::text(user)),
        ("origin", given("origin")),
        ("destination", given("destination")),
        ("flight_type", Value::text("one_way")),
        ("cabin", Value::text(cabin)),
        ("flights", Value::List(vec![flown])),
        ("passengers", Value::List(passengers)),
        ("payment_history", Value::List(vec![payment])),
        ("created_at", Value::text(created)),
        ("total_baggages", Value::Int(draws.range(0, 2))),
        ("nonfree_baggages", Value::Int(0)),
        ("insurance", Value::text(if insured { "yes" } else { "no" })),
    ])
}

/// Something that this customer may want, and what it is about; `None` if it came to nothing.
pub(super) fn want(draft: &Draft<'_>, profile: &Value, draws: &mut Draws) -> Option<(String, Want)> {
    let kind = draws.uniform();
    if kind < 0.15 {
        return book(draft, profile, draws).map(|call| ("booking".to_owned(), Want::Do(call)));
    }
    let id = draws.pick(profile.get("reservations")?.items()).as_text()?.to_owned();
    let reservation = draft.base.get(Table::Reservations, &id)?;
    let is = |key: &str, value: &str| reservation.text_at(key) == Some(value);
    let of = |name: &str, arguments: Vec<(&str, Value)>| {
        let id = [("reservation_id".to_owned(), Value::text(&id))];
        let arguments = arguments.into_iter().map(|(key, value)| (key.to_owned(), value));
        Call { name: name.to_owned(), arguments: Value::Table(id.into_iter().chain(arguments).collect()) }
    };
    if kind < 0.25 {
        let paid = reservation.get("payment_history")?.items().first()?.get("amount")?;
        return Some((
            id.clone(),
            Want::Tell(format!("How much did I pay for reservation {id}?"), python::dumps(paid)),
        ));
    }
    let payment = Value::text(&draws.pick(profile.get("payment_methods")?.entries()).0);
    let want = if kind < 0.5 {
        let allowed = is("cabin", "business") || reservation.text_at("created_at")? > "2024-05-14T15:00:00";
        let cancel = of("cancel_reservation", Vec::new());
        if allowed { Want::Do(cancel) } else { Want::Refuse(cancel) }
    } else if kind < 0.65 {
        let cabin = *draws.pick(&CABINS);
        let flights = reservation.get("flights")?.items();
        let same = flights.iter().map(|flight| named(flight, flight.text_at("date").unwrap_or_default())).collect();
        let cabin = [("cabin", Value::text(cabin)), ("flights", Value::List(same)), ("payment_id", payment)];
        Want::Do(of("update_reservation_flights", cabin.into()))
    } else if kind < 0.8 {
        let cabin = reservation.text_at("cabin")?;
        let number = reservation.get("flights")?.items().first()?.text_at("flight_number")?;
        let (flight, date, _) = leg(draws, &[draft.base.get(Table::Flights, number)?], cabin);
        let flights = Value::List(vec![named(flight, &date)]);
        if flights.items().first()?.get("date") == reservation.get("flights")?.items().first()?.get("date") {
            return None;
        }
        let other = [("cabin", Value::text(cabin)), ("flights", flights), ("payment_id", payment)];
        let rebook = of("update_reservation_flights", other.into());
        if cabin == "basic_economy" { Want::Refuse(rebook) } else { Want::Do(rebook) }
    } else if kind < 0.9 {
        bags(reservation, payment, draws).map(|bags| Want::Do(of("update_reservation_baggages", bags.into())))?
    } else {
        let mut passengers = reservation.get("passengers")?.items().to_vec();
        *passengers.last_mut()? = people::passenger(draws);
        Want::Do(of("update_reservation_passengers", vec![("passengers", Value::List(passengers))]))
    };
    Some((id, want))
}

/// One or two bags more, of which some are paid.
fn bags(reservation: &Value, payment: Value, draws: &mut Draws) -> Option<[(&'static str, Value); 3]> {
    let (Value::Int(total), Value::Int(paid)) =
        (reservation.get("total_baggages")?, reservation.get("nonfree_baggages")?)
    else {
        return None;
    };
    let more = draws.range(1, 2);
    let total = Value::Int(total + more);
    let paid = Value::Int(paid + draws.range(0, more));
    Some([("total_baggages", total), ("nonfree_baggages", paid), ("payment_id", payment)])
}

/// A flight there, by a card that has no limit.
fn book(draft: &Draft<'_>, profile: &Value, draws: &mut Draws) -> Option<Call> {
    let cabin = *draws.pick(&CABINS);
    let all: Vec<&Value> = draft.base.all(Table::Flights).map(|(_, flight)| flight).collect();
    let (flight, date, price) = leg(draws, &all, cabin);
    let name = profile.get("name")?;
    let own = people::traveller(name.text_at("first_name")?, name.text_at("last_name")?, profile.text_at("dob")?);
    let mut passengers = vec![own];
    if draws.chance(0.4) {
        passengers.push(people::passenger(draws));
    }
    let insured = draws.chance(0.4);
    let total = draws.range(0, 3);
    let paid = draws.range(0, total);
    let count = i64::try_from(passengers.len()).ok()?;
    let sum = (price + if insured { INSURANCE } else { 0 }) * count + BAG * paid;
    let cards = profile.get("payment_methods")?.entries();
    let card = &draws.pick(&cards[..2]).0;
    let payment = Value::table([("payment_id", Value::text(card)), ("amount", Value::Int(sum))]);
    Some(Call::of(
        "book_reservation",
        [
            ("user_id", Value::text(draft.user_id)),
            ("origin", flight.get("origin")?.clone()),
            ("destination", flight.get("destination")?.clone()),
            ("flight_type", Value::text("one_way")),
            ("cabin", Value::text(cabin)),
            ("flights", Value::List(vec![named(flight, &date)])),
            ("passengers", Value::List(passengers)),
            ("payment_methods", Value::List(vec![payment])),
            ("total_baggages", Value::Int(total)),
            ("nonfree_baggages", Value::Int(paid)),
            ("insurance", Value::text(if insured { "yes" } else { "no" })),
        ],
    ))
}
