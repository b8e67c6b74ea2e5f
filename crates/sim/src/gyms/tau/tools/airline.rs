//! The airline's tools. A check that fails changes nothing. That a change keeps to the airline's policy is for the agent to see to, not for
//! the tools, as published.

use std::cmp::Ordering;

use super::super::Value;
use super::super::database::Store;
use super::super::database::Table;
use super::super::python::dumps;
use super::super::value::Number;
use super::Kind;
use super::Parameter;
use super::Tool;
use super::said;
use super::text;

/// When all talks take place.
pub const NOW: &str = "2024-05-15T15:00:00";
/// What a bag costs that is not free, in dollars.
pub const BAG: i64 = 50;
/// What insurance costs a passenger, in dollars.
pub const INSURANCE: i64 = 30;

/// Ids of new reservations, in the order in which they are given out.
const NEW_RESERVATIONS: [&str; 3] = ["HATHAT", "HATHAU", "HATHAV"];
/// Ids of new certificates, in the order in which they are given out.
const NEW_CERTIFICATES: [&str; 3] = ["certificate_3221322", "certificate_3221323", "certificate_3221324"];

const FLIGHTS: Parameter = Parameter { name: "flights", kind: Kind::Tables(&["flight_number", "date"]) };
const PASSENGERS: Parameter = Parameter { name: "passengers", kind: Kind::Tables(&["first_name", "last_name", "dob"]) };

/// What the airports are called that the airline serves.
const AIRPORTS: [(&str, &str); 20] = [
    ("SFO", "San Francisco"),
    ("JFK", "New York"),
    ("LAX", "Los Angeles"),
    ("ORD", "Chicago"),
    ("DFW", "Dallas"),
    ("DEN", "Denver"),
    ("SEA", "Seattle"),
    ("ATL", "Atlanta"),
    ("MIA", "Miami"),
    ("BOS", "Boston"),
    ("PHX", "Phoenix"),
    ("IAH", "Houston"),
    ("LAS", "Las Vegas"),
    ("MCO", "Orlando"),
    ("EWR", "Newark"),
    ("CLT", "Charlotte"),
    ("MSP", "Minneapolis"),
    ("DTW", "Detroit"),
    ("PHL", "Philadelphia"),
    ("LGA", "LaGuardia"),
];

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "get_user_details",
        about: "a customer's profile, payment methods, membership and reservations",
        parameters: &[text("user_id")],
        writes: false,
        run: |store, arguments| shown(store, Table::Users, said(arguments, "user_id"), "user"),
    },
    Tool {
        name: "get_reservation_details",
        about: "a reservation's flights, passengers, cabin, bags, payments and insurance",
        parameters: &[text("reservation_id")],
        writes: false,
        run: |store, arguments| shown(store, Table::Reservations, said(arguments, "reservation_id"), "reservation"),
    },
    Tool {
        name: "list_all_airports",
        about: "codes and cities",
        parameters: &[],
        writes: false,
        run: |_, _| Ok(dumps(&Value::table(AIRPORTS.map(|(code, city)| (code, Value::text(city)))))),
    },
    Tool {
        name: "search_direct_flight",
        about: "flights from an airport to another on a date such as 2024-05-20, with seats and prices",
        parameters: &[text("origin"), text("destination"), text("date")],
        writes: false,
        run: search_direct,
    },
    Tool {
        name: "search_onestop_flight",
        about: "pairs of flights with one stop",
        parameters: &[text("origin"), text("destination"), text("date")],
        writes: false,
        run: search_one_stop,
    },
    Tool {
        name: "book_reservation",
        about: "books; flight_type is one_way or round_trip, cabin basic_economy, economy or business, insurance yes or no; the amounts must add up to the price",
        parameters: &[
            text("user_id"),
            text("origin"),
            text("destination"),
            text("flight_type"),
            text("cabin"),
            FLIGHTS,
            PASSENGERS,
            Parameter { name: "payment_methods", kind: Kind::Tables(&["payment_id", "amount"]) },
            Parameter { name: "total_baggages", kind: Kind::Whole },
            Parameter { name: "nonfree_baggages", kind: Kind::Whole },
            text("insurance"),
        ],
        writes: true,
        run: book,
    },
    Tool {
        name: "cancel_reservation",
        about: "cancels the whole trip and refunds it",
        parameters: &[text("reservation_id")],
        writes: true,
        run: cancel,
    },
    Tool {
        name: "update_reservation_flights",
        about: "changes flights or cabin; flights must name all flights of the trip, changed or not",
        parameters: &[text("reservation_id"), text("cabin"), FLIGHTS, text("payment_id")],
        writes: true,
        run: update_flights,
    },
    Tool {
        name: "update_reservation_baggages",
        about: "sets the number of bags, and of those that are paid",
        parameters: &[
            text("reservation_id"),
            Parameter { name: "total_baggages", kind: Kind::Whole },
            Parameter { name: "nonfree_baggages", kind: Kind::Whole },
            text("payment_id"),
        ],
        writes: true,
        run: update_bags,
    },
    Tool {
        name: "update_reservation_passengers",
        about: "changes passengers, not their number",
        parameters: &[text("reservation_id"), PASSENGERS],
        writes: true,
        run: update_passengers,
    },
    Tool {
        name: "send_certificate",
        about: "gives a customer a certificate of this many dollars",
        parameters: &[text("user_id"), Parameter { name: "amount", kind: Kind::Number }],
        writes: true,
        run: send_certificate,
    },
];

type Said = Result<String, String>;

fn shown(store: &Store<'_>, table: Table, id: &str, what: &str) -> Said {
    store.get(table, id).map(dumps).ok_or_else(|| format!("{what} not found"))
}

/// A flight that can be booked on a date, as searches show it.
fn available(flight: &Value, date: &str) -> Option<Value> {
    let on_date = flight.get("dates")?.get(date)?;
    if on_date.text_at("status") != Some("available") {
        return None;
    }
    let mut shown = flight.clone();
    shown.remove("dates");
    on_date.entries().iter().for_each(|(key, value)| shown.set(key, value.clone()));
    Some(shown)
}

fn between<'a>(store: &'a Store<'_>, key: &'a str, airport: &'a str) -> impl Iterator<Item = &'a Value> {
    store.all(Table::Flights).map(|(_, flight)| flight).filter(move |flight| flight.text_at(key) == Some(airport))
}

fn search_direct(store: &mut Store<'_>, arguments: &Value) -> Said {
    let (to, date) = (arguments.text_at("destination"), said(arguments, "date"));
    let direct =
        between(store, "origin", said(arguments, "origin")).filter(|flight| flight.text_at("destination") == to);
    Ok(dumps(&Value::List(direct.filter_map(|flight| available(flight, date)).collect())))
}

fn search_one_stop(store: &mut Store<'_>, arguments: &Value) -> Said {
    let (from, to, date) = (said(arguments, "origin"), said(arguments, "destination"), said(arguments, "date"));
    let mut pairs = Vec::new();
    for first in between(store, "origin", from) {
        let Some(mut first_shown) = available(first, date) else {
            continue;
        };
        let arrival = first.text_at("scheduled_arrival_time_est").unwrap_or_default();
        let second_date = if arrival.contains("+1") { day_after(date) } else { Some(date.to_owned()) };
        let Some(second_date) = second_date else {
            continue;
        };
        first_shown.set("date", Value::text(date));
        for second in between(store, "destination", to) {
            let connects = second.get("origin") == first.get("destination")
                && Some(arrival) <= second.text_at("scheduled_departure_time_est");
            let Some(mut second_shown) = available(second, &second_date).filter(|_| connects) else {
                continue;
            };
            second_shown.set("date", Value::text(&second_date));
            pairs.push(Value::List(vec![first_shown.clone(), second_shown]));
        }
    }
    Ok(dumps(&Value::List(pairs)))
}

/// The next day of the same month, which is all that the database has.
fn day_after(date: &str) -> Option<String> {
    let (month, day) = date.rsplit_once('-')?;
    let next = day.parse::<u32>().ok()?.checked_add(1)?;
    Some(format!("{month}-{next:02}"))
}

/// The seats and prices of a flight that can be booked, and where it goes.
fn bookable<'a>(store: &'a Store<'_>, asked: &Value) -> Result<(&'a Value, &'a Value), String> {
    let (number, date) = (said(asked, "flight_number"), said(asked, "date"));
    let flight = store.get(Table::Flights, number).ok_or_else(|| format!("flight {number} not found"))?;
    let on_date = flight.get("dates").and_then(|dates| dates.get(date));
    let on_date = on_date.ok_or_else(|| format!("flight {number} not found on date {date}"))?;
    if on_date.text_at("status") != Some("available") {
        return Err(format!("flight {number} not available on date {date}"));
    }
    Ok((flight, on_date))
}

/// Completes a flight with its price in this cabin and where it goes, if so many seats are left.
fn seated(store: &Store<'_>, asked: &Value, cabin: &str, seats: i64) -> Result<Value, String> {
    let (flight, on_date) = bookable(store, asked)?;
    let of = |key: &str| on_date.get(key).and_then(|cabins| cabins.number_at(cabin));
    let (Some(left), Some(price)) = (of("available_seats"), of("prices")) else {
        return Err(format!("there is no cabin {cabin}"));
    };
    if left.compare(Number::Int(seats)) == Ordering::Less {
        return Err(format!("not enough seats on flight {}", said(asked, "flight_number")));
    }
    let mut completed = asked.clone();
    completed.set("price", price.into());
    for key in ["origin", "destination"] {
        completed.set(key, flight.get(key).cloned().unwrap_or(Value::Null));
    }
    Ok(completed)
}

fn count(values: &[Value]) -> Number {
    Number::Int(i64::try_from(values.len()).unwrap_or(i64::MAX))
}

fn seats(passengers: &[Value]) -> i64 {
    i64::try_from(passengers.len()).unwrap_or(i64::MAX)
}

fn list_at<'a>(table: &'a Value, key: &str) -> &'a [Value] {
    table.get(key).map(Value::items).unwrap_or_default()
}

/// The sum of the prices of flights.
fn fare(flights: &[Value]) -> Number {
    flights.iter().filter_map(|flight| flight.number_at("price")).fold(Number::Int(0), Number::plus)
}

fn whole(arguments: &Value, key: &str) -> Number {
    arguments.number_at(key).unwrap_or(Number::Int(0))
}

fn book(store: &mut Store<'_>, arguments: &Value) -> Said {
    let user = said(arguments, "user_id");
    store.get(Table::Users, user).ok_or("user not found")?;
    let passengers = list_at(arguments, "passengers");
    let seated = |flight: &Value| seated(store, flight, said(arguments, "cabin"), seats(passengers));
    let flights = list_at(arguments, "flights").iter().map(seated).collect::<Result<Vec<Value>, String>>()?;
    let mut price = fare(&flights).times(count(passengers));
    if said(arguments, "insurance") == "yes" {
        price = price.plus(Number::Int(INSURANCE).times(count(passengers)));
    }
    price = price.plus(Number::Int(BAG).times(whole(arguments, "nonfree_baggages")));
    check_payments(store, arguments, price)?;
    take_payments(store, arguments);
    let id = NEW_RESERVATIONS.into_iter().find(|id| store.get(Table::Reservations, id).is_none());
    let id = id.ok_or("no more reservations can be made in one talk")?;
    let reservation = reservation(id, arguments, flights);
    let text = dumps(&reservation);
    store.insert(Table::Reservations, id, reservation);
    if let Some(known) = store.edit(Table::Users, user).and_then(|user| user.get_mut("reservations")) {
        known.extend([Value::text(id)]);
    }
    Ok(text)
}

fn reservation(id: &str, arguments: &Value, flights: Vec<Value>) -> Value {
    let given = |key: &str| arguments.get(key).cloned().unwrap_or(Value::Null);
    Value::table([
        ("reservation_id", Value::text(id)),
        ("user_id", given("user_id")),
        ("origin", given("origin")),
        ("destination", given("destination")),
        ("flight_type", given("flight_type")),
        ("cabin", given("cabin")),
        ("flights", Value::List(flights)),
        ("passengers", given("passengers")),
        ("payment_history", given("payment_methods")),
        ("created_at", Value::text(NOW)),
        ("total_baggages", given("total_baggages")),
        ("nonfree_baggages", given("nonfree_baggages")),
        ("insurance", given("insurance")),
    ])
}

fn check_payments(store: &Store<'_>, arguments: &Value, price: Number) -> Result<(), String> {
    let mut paid = Number::Int(0);
    for payment in list_at(arguments, "payment_methods") {
        let (id, amount) = (said(payment, "payment_id"), whole(payment, "amount"));
        let method = method_of(store, said(arguments, "user_id"), id);
        let method = method.ok_or_else(|| format!("payment method {id} not found"))?;
        if method.number_at("amount").is_some_and(|left| left.compare(amount) == Ordering::Less) {
            return Err(format!("not enough balance in payment method {id}"));
        }
        paid = paid.plus(amount);
    }
    if paid.compare(price) != Ordering::Equal {
        let [price, paid] = [price, paid].map(|number| dumps(&number.into()));
        return Err(format!("payment amount does not add up, total price is {price}, but paid {paid}"));
    }
    Ok(())
}

/// Gift cards keep what is left of them, certificates are gone.
fn take_payments(store: &mut Store<'_>, arguments: &Value) {
    let Some(methods) =
        store.edit(Table::Users, said(arguments, "user_id")).and_then(|user| user.get_mut("payment_methods"))
    else {
        return;
    };
    for payment in list_at(arguments, "payment_methods") {
        let id = said(payment, "payment_id");
        match methods.get(id).and_then(|method| method.text_at("source")) {
            Some("gift_card") => draw(methods, id, whole(payment, "amount")),
            Some("certificate") => methods.remove(id),
            _ => {}
        }
    }
}

/// Takes an amount off a gift card.
fn draw(methods: &mut Value, id: &str, amount: Number) {
    if let Some(method) = methods.get_mut(id) {
        let left = whole(method, "amount").minus(amount);
        method.set("amount", left.into());
    }
}

fn method_of<'a>(store: &'a Store<'_>, user: &str, id: &str) -> Option<&'a Value> {
    store.get(Table::Users, user)?.get("payment_methods")?.get(id)
}

fn reservation_of(store: &Store<'_>, arguments: &Value) -> Result<Value, String> {
    let found = store.get(Table::Reservations, said(arguments, "reservation_id"));
    found.cloned().ok_or_else(|| "reservation not found".to_owned())
}

fn store_reservation(store: &mut Store<'_>, arguments: &Value, reservation: Value) -> String {
    let text = dumps(&reservation);
    store.insert(Table::Reservations, said(arguments, "reservation_id"), reservation);
    text
}

fn cancel(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut reservation = reservation_of(store, arguments)?;
    let refund = |payment: &Value| {
        let amount = Number::Int(0).minus(whole(payment, "amount"));
        let id = payment.get("payment_id").cloned().unwrap_or(Value::Null);
        Value::table([("payment_id", id), ("amount", amount.into())])
    };
    let refunds: Vec<Value> = list_at(&reservation, "payment_history").iter().map(refund).collect();
    if let Some(history) = reservation.get_mut("payment_history") {
        history.extend(refunds);
    }
    reservation.set("status", Value::text("cancelled"));
    Ok(store_reservation(store, arguments, reservation))
}

/// Charges or refunds a change of a reservation by a card that can cover it.
fn settle(store: &mut Store<'_>, reservation: &mut Value, payment: &str, price: Number) -> Result<(), String> {
    let user = said(reservation, "user_id").to_owned();
    let method = method_of(store, &user, payment).ok_or("payment method not found")?;
    let source = said(method, "source").to_owned();
    if source == "certificate" {
        return Err("certificate cannot be used to update reservation".to_owned());
    }
    if source == "gift_card" {
        if whole(method, "amount").compare(price) == Ordering::Less {
            return Err("gift card balance is not enough".to_owned());
        }
        if let Some(methods) = store.edit(Table::Users, &user).and_then(|user| user.get_mut("payment_methods")) {
            draw(methods, payment, price);
        }
    }
    if price.compare(Number::Int(0)) != Ordering::Equal
        && let Some(history) = reservation.get_mut("payment_history")
    {
        history.extend([Value::table([("payment_id", Value::text(payment)), ("amount", price.into())])]);
    }
    Ok(())
}

/// The cabin is part of the question and not of the answer: the published tool prices by it and leaves the reservation's own as it was.
fn update_flights(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut reservation = reservation_of(store, arguments)?;
    let cabin = said(arguments, "cabin");
    let passengers = list_at(&reservation, "passengers");
    let old = list_at(&reservation, "flights");
    let keeps = reservation.text_at("cabin") == Some(cabin);
    let mut flights = Vec::new();
    for asked in list_at(arguments, "flights") {
        let same = |known: &&Value| ["flight_number", "date"].iter().all(|key| known.get(key) == asked.get(key));
        match old.iter().find(same).filter(|_| keeps) {
            // A flight that stays keeps its price.
            Some(known) => {
                let mut kept = asked.clone();
                for key in ["price", "origin", "destination"] {
                    kept.set(key, known.get(key).cloned().unwrap_or(Value::Null));
                }
                flights.push(kept);
            }
            None => flights.push(seated(store, asked, cabin, seats(passengers))?),
        }
    }
    let price = fare(&flights).minus(fare(old)).times(count(passengers));
    settle(store, &mut reservation, said(arguments, "payment_id"), price)?;
    reservation.set("flights", Value::List(flights));
    Ok(store_reservation(store, arguments, reservation))
}

fn update_bags(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut reservation = reservation_of(store, arguments)?;
    let more = whole(arguments, "nonfree_baggages").minus(whole(&reservation, "nonfree_baggages"));
    let more = if more.compare(Number::Int(0)) == Ordering::Less { Number::Int(0) } else { more };
    settle(store, &mut reservation, said(arguments, "payment_id"), Number::Int(BAG).times(more))?;
    for key in ["total_baggages", "nonfree_baggages"] {
        reservation.set(key, arguments.get(key).cloned().unwrap_or(Value::Null));
    }
    Ok(store_reservation(store, arguments, reservation))
}

fn update_passengers(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut reservation = reservation_of(store, arguments)?;
    if list_at(arguments, "passengers").len() != list_at(&reservation, "passengers").len() {
        return Err("number of passengers does not match".to_owned());
    }
    reservation.set("passengers", arguments.get("passengers").cloned().unwrap_or(Value::Null));
    Ok(store_reservation(store, arguments, reservation))
}

fn send_certificate(store: &mut Store<'_>, arguments: &Value) -> Said {
    let user = said(arguments, "user_id");
    let amount = arguments.get("amount").cloned().unwrap_or(Value::Null);
    let methods = store.edit(Table::Users, user).ok_or("user not found")?.get_mut("payment_methods");
    let methods = methods.ok_or("the customer has no payment methods")?;
    let id = NEW_CERTIFICATES.into_iter().find(|id| methods.get(id).is_none());
    let id = id.ok_or("no more certificates can be sent in one talk")?;
    let written = dumps(&amount);
    let certificate = [("source", Value::text("certificate")), ("amount", amount), ("id", Value::text(id))];
    methods.set(id, Value::table(certificate));
    Ok(format!("Certificate {id} added to user {user} with amount {written}."))
}
