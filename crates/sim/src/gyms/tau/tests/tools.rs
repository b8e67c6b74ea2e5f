//! Each tool's effects and refusals on a small database, by hand (spec userrl §2.8).

use super::super::Call;
use super::super::Changes;
use super::super::Database;
use super::super::Domain;
use super::super::Value;
use super::super::database::Store;
use super::super::database::Table;
use super::super::tools;
use super::shop;

/// A database in use.
pub(super) struct Desk {
    pub(super) base: Database,
    changes: Changes,
}

impl Desk {
    fn call(&mut self, name: &str, arguments: &str) -> String {
        let call = Call { name: name.to_owned(), arguments: serde_json::from_str(arguments).unwrap() };
        tools::run(&mut Store { base: &self.base, changes: &mut self.changes }, &call).text
    }

    /// What stands at a place in a record, as JSON.
    fn at(&mut self, table: Table, id: &str, path: &[&str]) -> String {
        let store = Store { base: &self.base, changes: &mut self.changes };
        let record = store.get(table, id).cloned().unwrap_or(Value::Null);
        let found = path.iter().try_fold(&record, |value, key| match key.parse::<usize>() {
            Ok(at) => value.items().get(at),
            Err(_) => value.get(key),
        });
        found.map_or_else(|| "nothing".to_owned(), super::super::python::dumps)
    }

    #[track_caller]
    fn refuses(&mut self, name: &str, arguments: &str, why: &str) {
        let before = self.changes.clone();
        assert_eq!(self.call(name, arguments), format!("Error: {why}"));
        assert!(before.is_same_state(&self.changes, &self.base), "what is refused changes nothing");
    }
}

fn retail() -> Desk {
    Desk { base: shop().as_ref().clone(), changes: Changes::default() }
}

#[test]
fn a_shop_has_16_tools_and_an_airline_14() {
    assert_eq!([Domain::Retail, Domain::Airline].map(|domain| tools::tools(domain).count()), [16, 14]);
}

#[test]
fn customers_are_found_in_any_case_of_letters() {
    let mut desk = retail();
    assert_eq!(desk.call("find_user_id_by_email", r#"{"email": "ADA@example.com"}"#), "ada");
    let name = r#"{"first_name": "ADA", "last_name": "abel", "zip": "12345"}"#;
    assert_eq!(desk.call("find_user_id_by_name_zip", name), "ada");
    desk.refuses("find_user_id_by_name_zip", &name.replace("12345", "1"), "user not found");
    assert_eq!(desk.call("list_all_product_types", "{}"), r#"{"Lamp": "7"}"#);
}

#[test]
fn a_cancelled_order_is_refunded_to_a_gift_card_at_once() {
    let mut desk = retail();
    let order = |id: &str, reason: &str| format!(r##"{{"order_id": "{id}", "reason": "{reason}"}}"##);
    desk.refuses(
        "cancel_pending_order",
        &order("#W2", "no longer needed"),
        "non-delivered order cannot be cancelled".replace("delivered", "pending").as_str(),
    );
    desk.refuses("cancel_pending_order", &order("#W1", "whim"), "invalid reason");
    desk.call("cancel_pending_order", &order("#W1", "no longer needed"));
    assert_eq!(desk.at(Table::Orders, "#W1", &["status"]), "\"cancelled\"");
    assert_eq!(desk.at(Table::Orders, "#W1", &["payment_history", "1", "transaction_type"]), "\"refund\"");
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "gift_card_1", "balance"]), "35.3");
    desk.refuses("cancel_pending_order", &order("#W1", "no longer needed"), "non-pending order cannot be cancelled");
}

#[test]
fn changed_items_are_paid_for_once() {
    let mut desk = retail();
    let change = |old: &str, new: &str, by: &str| {
        format!(r##"{{"order_id": "#W1", "item_ids": {old}, "new_item_ids": {new}, "payment_method_id": "{by}"}}"##)
    };
    let tool = "modify_pending_order_items";
    desk.refuses(tool, &change(r#"["70", "70"]"#, r#"["71", "71"]"#, "paypal_3"), "70 not found");
    desk.refuses(tool, &change(r#"["70"]"#, "[]", "paypal_3"), "the number of items to be exchanged should match");
    desk.refuses(tool, &change(r#"["70"]"#, r#"["72"]"#, "paypal_3"), "new item 72 not found or available");
    desk.refuses(tool, &change(r#"["70"]"#, r#"["71"]"#, "cash"), "payment method not found");
    desk.refuses(
        tool,
        &change(r#"["70"]"#, r#"["71"]"#, "gift_card_1"),
        "insufficient gift card balance to pay for the new item",
    );
    desk.call(tool, &change(r#"["70"]"#, r#"["71"]"#, "paypal_3"));
    assert_eq!(desk.at(Table::Orders, "#W1", &["items", "0", "item_id"]), "\"71\"");
    assert_eq!(desk.at(Table::Orders, "#W1", &["items", "0", "options", "color"]), "\"blue\"");
    assert_eq!(desk.at(Table::Orders, "#W1", &["payment_history", "1", "amount"]), "10.1");
    assert_eq!(desk.at(Table::Orders, "#W1", &["status"]), "\"pending (item modified)\"");
    desk.refuses(tool, &change(r#"["71"]"#, r#"["70"]"#, "paypal_3"), "non-pending order cannot be modified");
}

#[test]
fn an_order_is_charged_to_another_method_and_refunded_to_the_old_one() {
    let mut desk = retail();
    let to = |method: &str| format!(r##"{{"order_id": "#W1", "payment_method_id": "{method}"}}"##);
    let tool = "modify_pending_order_payment";
    desk.refuses(tool, &to("gift_card_1"), "the new payment method should be different from the current one");
    desk.refuses(tool, &to("cash"), "payment method not found");
    desk.call(tool, &to("paypal_3"));
    assert_eq!(desk.at(Table::Orders, "#W1", &["payment_history", "2", "payment_method_id"]), "\"gift_card_1\"");
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "gift_card_1", "balance"]), "35.3");
    desk.refuses(tool, &to("credit_card_2"), "there should be exactly one payment for a pending order");
}

#[test]
fn returns_go_to_the_method_of_the_order_or_a_gift_card_and_exchanges_move_no_balance() {
    let mut desk = retail();
    let back =
        |items: &str, to: &str| format!(r##"{{"order_id": "#W2", "item_ids": {items}, "payment_method_id": "{to}"}}"##);
    let tool = "return_delivered_order_items";
    let either = "payment method should be either the original payment method or a gift card";
    desk.refuses(tool, &back(r#"["70"]"#, "paypal_3"), either);
    desk.refuses(tool, &back(r#"["70", "70", "70"]"#, "gift_card_1"), "some item not found");
    let exchange = back(r#"["70", "70"]"#, "paypal_3").replace("}", r#", "new_item_ids": ["71", "71"]}"#);
    let mut other = retail();
    other.call("exchange_delivered_order_items", &exchange);
    assert_eq!(other.at(Table::Orders, "#W2", &["exchange_price_difference"]), "20.2");
    assert_eq!(other.at(Table::Orders, "#W2", &["status"]), "\"exchange requested\"");
    other.refuses(tool, &back(r#"["70"]"#, "gift_card_1"), "non-delivered order cannot be returned");
    desk.call(tool, &back(r#"["70", "70"]"#, "gift_card_1"));
    assert_eq!(desk.at(Table::Orders, "#W2", &["return_items"]), r#"["70", "70"]"#);
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "gift_card_1", "balance"]), "5");
}

#[test]
fn addresses_change_where_they_are_asked_to() {
    let mut desk = retail();
    let parts = r#""address1": "1", "address2": "", "city": "C", "state": "S", "country": "U", "zip": "9""#;
    desk.call("modify_pending_order_address", &format!(r##"{{"order_id": "#W1", {parts}}}"##));
    assert_eq!(desk.at(Table::Orders, "#W1", &["address", "zip"]), "\"9\"");
    assert_eq!(desk.at(Table::Users, "ada", &["address", "zip"]), "\"12345\"");
    desk.call("modify_user_address", &format!(r##"{{"user_id": "ada", {parts}}}"##));
    assert_eq!(desk.at(Table::Users, "ada", &["address", "city"]), "\"C\"");
    desk.refuses("modify_user_address", &format!(r##"{{"user_id": "bob", {parts}}}"##), "user not found");
}

pub(super) fn airline() -> Desk {
    let flight = |number: &str, from: &str, to: &str, leaves: &str, lands: &str| {
        let day = |status: &str| {
            format!(
                r#"{{"status": "{status}", "available_seats": {{"economy": 2, "business": 1}}, "prices": {{"economy": 100, "business": 300}}}}"#
            )
        };
        format!(
            r#""{number}": {{"flight_number": "{number}", "origin": "{from}", "destination": "{to}", "scheduled_departure_time_est": "{leaves}",
            "scheduled_arrival_time_est": "{lands}", "dates": {{"2024-05-20": {}, "2024-05-21": {}, "2024-05-22": {{"status": "delayed"}}}}}}"#,
            day("available"),
            day("available")
        )
    };
    let flights = [
        flight("F1", "A", "B", "08:00:00", "10:00:00"),
        flight("F2", "B", "C", "09:00:00", "11:00:00"),
        flight("F3", "B", "C", "12:00:00", "14:00:00"),
        flight("F4", "A", "B", "20:00:00", "01:00:00+1"),
    ];
    let reservations = r#"{"R": {"reservation_id": "R", "user_id": "ada", "cabin": "economy", "flights":
        [{"flight_number": "F1", "date": "2024-05-20", "price": 90, "origin": "A", "destination": "B"}],
        "passengers": [{"first_name": "Ada"}, {"first_name": "Bob"}],
        "payment_history": [{"payment_id": "card", "amount": 180}], "total_baggages": 1, "nonfree_baggages": 1}}"#;
    let users = r#"{"ada": {"payment_methods": {"card": {"source": "credit_card"}, "gift": {"source": "gift_card", "amount": 120},
        "paper": {"source": "certificate", "amount": 150}}, "reservations": ["R"]}}"#;
    let texts = [&format!("{{{}}}", flights.join(",")), reservations, users];
    Desk { base: Database::read(Domain::Airline, String::new(), texts).unwrap(), changes: Changes::default() }
}

#[test]
fn searches_show_what_can_be_booked_and_connects() {
    let mut desk = airline();
    let from = |to: &str, date: &str| format!(r#"{{"origin": "A", "destination": "{to}", "date": "{date}"}}"#);
    let direct = desk.call("search_direct_flight", &from("B", "2024-05-20"));
    assert!(
        direct.starts_with(r#"[{"flight_number": "F1", "origin": "A""#) && direct.contains(r#""status": "available""#)
    );
    assert!(!direct.contains("dates") && direct.contains("F4"), "{direct}");
    assert_eq!(desk.call("search_direct_flight", &from("B", "2024-05-22")), "[]");
    for date in ["", "tomorrow", "2024-05-99999999999999999999", "-"] {
        assert_eq!(desk.call("search_onestop_flight", &from("C", date)), "[]");
    }
    let stop = desk.call("search_onestop_flight", &from("C", "2024-05-20"));
    let pairs: Vec<Vec<Value>> = serde_json::from_str(&stop).unwrap();
    let numbers: Vec<(&str, &str, &str)> = pairs
        .iter()
        .map(|pair| {
            (
                pair[0].text_at("flight_number").unwrap(),
                pair[1].text_at("flight_number").unwrap(),
                pair[1].text_at("date").unwrap(),
            )
        })
        .collect();
    // F2 leaves before F1 lands; who lands at night goes on the day after.
    assert_eq!(numbers, [("F1", "F3", "2024-05-20"), ("F4", "F2", "2024-05-21"), ("F4", "F3", "2024-05-21")]);
}

fn booking(cabin: &str, passengers: usize, payments: &str, bags: i64) -> String {
    let passenger = r#"{"first_name": "A", "last_name": "B", "dob": "2000-01-01"}"#;
    let passengers = vec![passenger; passengers].join(",");
    format!(
        r#"{{"user_id": "ada", "origin": "A", "destination": "B", "flight_type": "one_way", "cabin": "{cabin}",
        "flights": [{{"flight_number": "F1", "date": "2024-05-20"}}], "passengers": [{passengers}], "payment_methods": [{payments}],
        "total_baggages": 1, "nonfree_baggages": {bags}, "insurance": "yes"}}"#
    )
}

#[test]
fn a_booking_is_paid_to_the_dollar_and_uses_up_what_pays() {
    let mut desk = airline();
    let pay = |id: &str, amount: i64| format!(r#"{{"payment_id": "{id}", "amount": {amount}}}"#);
    let tool = "book_reservation";
    let wrong = "payment amount does not add up, total price is 180, but paid 100";
    desk.refuses(tool, &booking("economy", 1, &pay("card", 100), 1), wrong);
    desk.refuses(tool, &booking("economy", 3, &pay("card", 390), 0), "not enough seats on flight F1");
    desk.refuses(tool, &booking("first", 1, &pay("card", 100), 0), "there is no cabin first");
    desk.refuses(tool, &booking("economy", 1, &pay("cash", 180), 1), "payment method cash not found");
    desk.refuses(tool, &booking("economy", 1, &pay("gift", 180), 1), "not enough balance in payment method gift");
    let huge = format!(r#"{{"payment_id": "card", "amount": {}}}"#, i64::MAX);
    assert!(desk.call(tool, &booking("economy", 1, &[huge.clone(), huge].join(","), i64::MIN)).starts_with("Error: "));
    let payments = [pay("paper", 120), pay("gift", 60)].join(",");
    for id in ["HATHAT", "HATHAU", "HATHAV"] {
        let payments = if id == "HATHAT" { payments.clone() } else { pay("card", 180) };
        assert!(desk.call(tool, &booking("economy", 1, &payments, 1)).contains(id));
    }
    desk.refuses(tool, &booking("economy", 1, &pay("card", 180), 1), "no more reservations can be made in one talk");
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "paper"]), "nothing");
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "gift", "amount"]), "60");
    assert_eq!(desk.at(Table::Users, "ada", &["reservations"]), r#"["R", "HATHAT", "HATHAU", "HATHAV"]"#);
    assert_eq!(desk.at(Table::Reservations, "HATHAT", &["flights", "0", "price"]), "100");
}

#[test]
fn changed_flights_cost_the_difference_and_those_that_stay_nothing() {
    let mut desk = airline();
    let change = |cabin: &str, flight: &str, date: &str, by: &str| {
        format!(
            r#"{{"reservation_id": "R", "cabin": "{cabin}", "flights": [{{"flight_number": "{flight}", "date": "{date}"}}], "payment_id": "{by}"}}"#
        )
    };
    let tool = "update_reservation_flights";
    desk.refuses(tool, &change("economy", "F9", "2024-05-20", "card"), "flight F9 not found");
    desk.refuses(tool, &change("economy", "F1", "2024-06-20", "card"), "flight F1 not found on date 2024-06-20");
    desk.refuses(tool, &change("economy", "F1", "2024-05-22", "card"), "flight F1 not available on date 2024-05-22");
    desk.refuses(tool, &change("business", "F1", "2024-05-20", "card"), "not enough seats on flight F1");
    desk.refuses(
        tool,
        &change("economy", "F4", "2024-05-20", "paper"),
        "certificate cannot be used to update reservation",
    );
    desk.refuses(tool, &change("economy", "F4", "2024-05-20", "cash"), "payment method not found");
    desk.call(tool, &change("economy", "F1", "2024-05-20", "gift"));
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "gift", "amount"]), "120");
    desk.call(tool, &change("economy", "F4", "2024-05-21", "gift"));
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "gift", "amount"]), "100");
    assert_eq!(desk.at(Table::Reservations, "R", &["payment_history", "1", "amount"]), "20");
}

#[test]
fn bags_passengers_certificates_and_cancellations() {
    let mut desk = airline();
    let bags = |nonfree: i64, by: &str| {
        format!(
            r#"{{"reservation_id": "R", "total_baggages": 5, "nonfree_baggages": {nonfree}, "payment_id": "{by}"}}"#
        )
    };
    desk.refuses("update_reservation_baggages", &bags(4, "gift"), "gift card balance is not enough");
    desk.call("update_reservation_baggages", &bags(3, "gift"));
    desk.call("update_reservation_baggages", &bags(-3, "gift"));
    assert_eq!(desk.at(Table::Users, "ada", &["payment_methods", "gift", "amount"]), "20");
    let names = r#"{"reservation_id": "R", "passengers": [{"first_name": "C", "last_name": "D", "dob": ""}]}"#;
    desk.refuses("update_reservation_passengers", names, "number of passengers does not match");
    for id in [3_221_322, 3_221_323, 3_221_324] {
        let said = desk.call("send_certificate", r#"{"user_id": "ada", "amount": 50}"#);
        assert_eq!(said, format!("Certificate certificate_{id} added to user ada with amount 50."));
    }
    desk.refuses(
        "send_certificate",
        r#"{"user_id": "ada", "amount": 50}"#,
        "no more certificates can be sent in one talk",
    );
    desk.call("cancel_reservation", r#"{"reservation_id": "R"}"#);
    assert_eq!(desk.at(Table::Reservations, "R", &["payment_history", "2", "amount"]), "-180");
    assert_eq!(desk.at(Table::Reservations, "R", &["status"]), "\"cancelled\"");
    desk.refuses("cancel_reservation", r#"{"reservation_id": "Q"}"#, "reservation not found");
}
