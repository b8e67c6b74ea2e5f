//! From a wish to the call that fulfils it: what has to be looked up, what the policy forbids.

use super::super::Call;
use super::super::Value;
use super::super::python::dumps;
use super::super::tools::airline::BAG;
use super::super::tools::airline::INSURANCE;
use super::super::value::Number;
use super::super::wish::Items;
use super::super::wish::Options;
use super::super::wish::Question;
use super::super::wish::Trip;
use super::super::wish::Wish;
use super::memory::Memory;

/// What comes next.
pub(super) enum Step {
    /// Something has to be looked up.
    LookUp(Call),
    /// A question can be answered.
    Tell(String),
    /// The policy forbids it, or it cannot be.
    Refuse,
    /// The change, once the customer says yes.
    Do(Call),
    /// It is not known how.
    Lost,
}

/// The next step towards a wish.
pub(super) fn step(memory: &Memory<'_>, user: &str, wish: &Wish, careful: bool) -> Step {
    let step = match wish {
        Wish::Plain(call) => plain(memory, user, call, careful),
        Wish::Items(items) => change_items(memory, items, careful),
        Wish::Trip(trip) => book(memory, user, trip),
        Wish::Change(call) => change_trip(memory, user, call, careful),
        Wish::Question(question) => answer(memory, question),
    };
    step.unwrap_or_else(Step::LookUp)
}

fn look_up(tool: &str, key: &str, id: &str) -> Call {
    Call::of(tool, [(key, Value::text(id))])
}

fn order(memory: &Memory<'_>, id: &str) -> Result<Value, Call> {
    memory.known(&look_up("get_order_details", "order_id", id))
}

fn reservation(memory: &Memory<'_>, id: &str) -> Result<Value, Call> {
    memory.known(&look_up("get_reservation_details", "reservation_id", id))
}

fn plain(memory: &Memory<'_>, user: &str, call: &Call, careful: bool) -> Result<Step, Call> {
    let own = ["modify_user_address", "send_certificate"].contains(&call.name.as_str());
    if own {
        let mut call = call.clone();
        if let Value::Table(arguments) = &mut call.arguments {
            arguments.insert(0, ("user_id".to_owned(), Value::text(user)));
        }
        return Ok(Step::Do(call));
    }
    if let Some(id) = call.text("order_id").filter(|_| careful)
        && order(memory, id)?.text_at("status") != Some("pending")
    {
        return Ok(Step::Refuse);
    }
    Ok(Step::Do(call.clone()))
}

fn change_items(memory: &Memory<'_>, wish: &Items, careful: bool) -> Result<Step, Call> {
    let order = order(memory, &wish.order)?;
    let wanted = if wish.tool == "modify_pending_order_items" { "pending" } else { "delivered" };
    if careful && order.text_at("status") != Some(wanted) {
        return Ok(Step::Refuse);
    }
    let has = order.get("items").map(Value::items).unwrap_or_default();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for (item, instead) in &wish.items {
        let is = |known: &&Value| known.text_at("name") == Some(&item.name) && are(known.get("options"), &item.options);
        let Some((id, product)) =
            has.iter().find(is).and_then(|item| Some((item.get("item_id")?, item.text_at("product_id")?)))
        else {
            return Ok(Step::Refuse);
        };
        old.push(id.clone());
        if let Some(options) = instead {
            let product = memory.known(&look_up("get_product_details", "product_id", product))?;
            let Some(variant) = variant(&product, options) else {
                return Ok(Step::Refuse);
            };
            new.push(Value::text(variant));
        }
    }
    let mut arguments =
        vec![("order_id".to_owned(), Value::text(&wish.order)), ("item_ids".to_owned(), Value::List(old))];
    if !new.is_empty() {
        arguments.push(("new_item_ids".to_owned(), Value::List(new)));
    }
    arguments.push(("payment_method_id".to_owned(), Value::text(&wish.payment)));
    Ok(Step::Do(Call { name: wish.tool.clone(), arguments: Value::Table(arguments) }))
}

/// Whether an item has just these options.
fn are(options: Option<&Value>, wanted: &Options) -> bool {
    let options = options.map(Value::entries).unwrap_or_default();
    let is = |(key, value): &(String, String)| options.iter().any(|(k, v)| k == key && v.as_text() == Some(value));
    options.len() == wanted.len() && wanted.iter().all(is)
}

/// The id of the variant with these options that can be had.
fn variant<'a>(product: &'a Value, options: &Options) -> Option<&'a str> {
    let variants = product.get("variants")?.entries();
    let is =
        |variant: &Value| variant.get("available") == Some(&Value::Bool(true)) && are(variant.get("options"), options);
    variants.iter().find(|(_, variant)| is(variant)).map(|(id, _)| id.as_str())
}

/// What a trip's flights cost a passenger, found by searching each way.
fn fare(memory: &Memory<'_>, trip: &Value) -> Result<Option<Number>, Call> {
    let text = |key: &str| trip.text_at(key).unwrap_or_default();
    let flights = trip.get("flights").map(Value::items).unwrap_or_default();
    let date = |at: usize| flights[at].text_at("date").unwrap_or_default();
    let search = |tool: &str, from: &str, to: &str, date: &str| {
        memory.known(&Call::of(
            tool,
            [("origin", Value::text(from)), ("destination", Value::text(to)), ("date", Value::text(date))],
        ))
    };
    let (from, to) = (text("origin"), text("destination"));
    let found = match (text("flight_type"), flights.len()) {
        ("one_way", 1) => vec![search("search_direct_flight", from, to, date(0))?],
        ("one_way", 2) => vec![search("search_onestop_flight", from, to, date(0))?],
        ("round_trip", 2) => {
            let out = search("search_direct_flight", from, to, date(0))?;
            vec![out, search("search_direct_flight", to, from, date(1))?]
        }
        ("round_trip", 4) => {
            let out = search("search_onestop_flight", from, to, date(0))?;
            vec![out, search("search_onestop_flight", to, from, date(2))?]
        }
        _ => return Ok(None),
    };
    let mut sum = Number::Int(0);
    for flight in flights {
        let number = flight.text_at("flight_number").unwrap_or_default();
        let Some(price) = found.iter().find_map(|found| price(found, number, text("cabin"))) else {
            return Ok(None);
        };
        sum = sum.plus(price);
    }
    Ok(Some(sum))
}

/// The price of a flight in what a search found: a list of flights, or of pairs of them.
fn price(found: &Value, number: &str, cabin: &str) -> Option<Number> {
    let of = |flight: &Value| match flight.text_at("flight_number") {
        Some(known) if known == number => flight.get("prices")?.number_at(cabin),
        _ => None,
    };
    found.items().iter().find_map(|flight| of(flight).or_else(|| flight.items().iter().find_map(of)))
}

fn book(memory: &Memory<'_>, user: &str, trip: &Trip) -> Result<Step, Call> {
    let Some(fare) = fare(memory, &trip.arguments)? else {
        return Ok(Step::Lost);
    };
    let passengers = trip.arguments.get("passengers").map(Value::items).unwrap_or_default().len();
    let passengers = Number::Int(i64::try_from(passengers).unwrap_or(0));
    let insured = trip.arguments.text_at("insurance") == Some("yes");
    let insurance = Number::Int(if insured { INSURANCE } else { 0 });
    let bags = trip.arguments.number_at("nonfree_baggages").unwrap_or(Number::Int(0)).times(Number::Int(BAG));
    let mut left = fare.plus(insurance).times(passengers).plus(bags);
    let mut arguments = trip.arguments.clone();
    if let Some(Value::List(payments)) = arguments.get_mut("payment_methods") {
        for payment in payments {
            match payment.number_at("amount") {
                Some(amount) => left = left.minus(amount),
                None => payment.set("amount", left.into()),
            }
        }
    }
    let own = [("user_id".to_owned(), Value::text(user))];
    let arguments = Value::Table(own.into_iter().chain(arguments.entries().iter().cloned()).collect());
    Ok(Step::Do(Call { name: "book_reservation".to_owned(), arguments }))
}

fn change_trip(memory: &Memory<'_>, user: &str, call: &Call, careful: bool) -> Result<Step, Call> {
    let reservation = reservation(memory, call.text("reservation_id").unwrap_or_default())?;
    let is_own = reservation.text_at("user_id").is_none_or(|owner| owner == user);
    if careful && (!is_own || is_forbidden(&reservation, call)) {
        return Ok(Step::Refuse);
    }
    Ok(Step::Do(call.clone()))
}

/// What the airline's policy forbids and its tools do not: to cancel what is neither new, nor business, nor insured; and other flights in
/// basic economy.
fn is_forbidden(reservation: &Value, call: &Call) -> bool {
    let is = |key: &str, value: &str| reservation.text_at(key) == Some(value);
    if call.name == "cancel_reservation" {
        let booked = reservation.text_at("created_at").unwrap_or_default();
        return !is("cabin", "business") && !is("insurance", "yes") && booked < "2024-05-14T15:00:00";
    }
    let flights = |value: &Value| -> Vec<(Option<String>, Option<String>)> {
        let each = |flight: &Value| {
            (flight.text_at("flight_number").map(str::to_owned), flight.text_at("date").map(str::to_owned))
        };
        value.get("flights").map(Value::items).unwrap_or_default().iter().map(each).collect()
    };
    is("cabin", "basic_economy") && flights(reservation) != flights(&call.arguments)
}

fn answer(memory: &Memory<'_>, question: &Question) -> Result<Step, Call> {
    let found = match question {
        Question::Paid(id) if id.starts_with('#') => paid(&order(memory, id)?).map(|sum| dumps(&sum.into())),
        Question::Paid(id) => paid(&reservation(memory, id)?).map(|sum| dumps(&sum.into())),
        Question::Kinds(name) => {
            let products = memory.known(&Call::of("list_all_product_types", []))?;
            let Some(id) = products.text_at(name) else {
                return Ok(Step::Refuse);
            };
            let product = memory.known(&look_up("get_product_details", "product_id", id))?;
            let variants = product.get("variants").map(Value::entries).unwrap_or_default();
            Some(variants.iter().filter(|(_, v)| v.get("available") == Some(&Value::Bool(true))).count().to_string())
        }
    };
    Ok(found.map_or(Step::Refuse, |found| Step::Tell(format!("It is {found}."))))
}

/// What was paid for an order or a reservation when it was made.
fn paid(of: &Value) -> Option<Number> {
    of.get("payment_history")?.items().first()?.number_at("amount")
}
