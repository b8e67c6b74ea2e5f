//! The sentences of a customer by rule: every one comes from a template, and is read back by the same table. So an agent that sees only what
//! is said can find out what is wanted; it still has to look up what a customer does not know, such as the ids of items.

use super::Call;
use super::Database;
use super::Domain;
use super::Value;
use super::database::Table;
use super::tools::retail::ADDRESS;

/// Something a customer wants, as an agent understands it.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Nothing has to be looked up: the call, but for the customer's own id.
    Plain(Call),
    /// Items of an order are to be given back, or others to come in their place.
    Items(Items),
    /// A trip is to be booked.
    Trip(Trip),
    /// A trip is to be cancelled, or its flights changed: the policy may forbid it.
    Change(Call),
    /// Something is to be found out.
    Question(Question),
}

/// A return, an exchange, or a change of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items {
    /// The tool that does it.
    pub tool: String,
    /// The order.
    pub order: String,
    /// Which items, each with what is to come in its place, if anything is.
    pub items: Vec<(Item, Option<Options>)>,
    /// The payment method.
    pub payment: String,
}

/// An item as a customer describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The product.
    pub name: String,
    /// Its options.
    pub options: Options,
}

/// Options with their values, such as `color: blue`.
pub type Options = Vec<(String, String)>;

/// A booking; the amount of its last payment is for the agent to find out.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// All arguments of the call but the customer's id, with payments as far as they were said.
    pub arguments: Value,
}

/// What is to be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What was paid for an order or a reservation.
    Paid(String),
    /// How many variants of a product can be bought.
    Kinds(String),
}

/// Who a customer says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// First name, last name and zip code.
    pub name: Option<[String; 3]>,
    /// Its address for mail.
    pub email: Option<String>,
    /// Its id.
    pub user_id: Option<String>,
}

impl Identity {
    /// What a customer knows of itself: an airline's its id, a shop's its name and zip code, and its address for mail if its task names one.
    #[must_use]
    pub fn of(domain: Domain, user_id: &str, profile: Option<&Value>, instruction: &str) -> Identity {
        let known = || Identity { user_id: Some(user_id.to_owned()), ..Identity::default() };
        let (Domain::Retail, Some(profile)) = (domain, profile) else {
            return known();
        };
        let name = profile.get("name");
        let part = |key: &str| name?.text_at(key).map(str::to_owned);
        let zip = profile.get("address").and_then(|address| address.text_at("zip")).map(str::to_owned);
        let (Some(first), Some(last), Some(zip)) = (part("first_name"), part("last_name"), zip) else {
            return known();
        };
        let email = profile.text_at("email").filter(|email| instruction.contains(email)).map(str::to_owned);
        Identity { name: Some([first, last, zip]), email, user_id: None }
    }

    /// As the customer says it.
    #[must_use]
    pub fn say(&self) -> String {
        let name = self.name.as_ref().map(|[first, last, zip]| format!("My name is {first} {last}, zip code {zip}."));
        let email = self.email.as_ref().map(|email| format!("My email is {email}."));
        let user_id = self.user_id.as_ref().map(|id| format!("My user id is {id}."));
        [name, email, user_id].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What a customer has said of itself; `None` if nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Identity> {
        let until = |rest: &str, end: &str| rest.split_once(end).map(|(found, _)| found.to_owned());
        let after = |lead: &str| text.split_once(lead).map(|(_, rest)| rest);
        let name = after("My name is ").and_then(|rest| {
            let (name, zip) = rest.split_once(", zip code ")?;
            let (first, last) = name.split_once(' ')?;
            Some([first.to_owned(), last.to_owned(), until(zip, ".")?])
        });
        // A sentence ends with a point, and a space or nothing after it; an address has points of its own.
        let whole = |rest: &str| rest.split(' ').next().map(|word| word.trim_end_matches('.').to_owned());
        let email = after("My email is ").and_then(whole);
        let user_id = after("My user id is ").and_then(whole);
        let said = name.is_some() || email.is_some() || user_id.is_some();
        said.then_some(Identity { name, email, user_id })
    }
}

/// The sentence that asks for an action, with items described as their order has them.
#[must_use]
pub fn say(call: &Call, base: &Database) -> String {
    let text = |key: &str| call.text(key).unwrap_or_default();
    let (order, payment) = (text("order_id"), text("payment_method_id"));
    let (reservation, pays) = (text("reservation_id"), text("payment_id"));
    let number = |key: &str| call.arguments.get(key).map(super::python::dumps).unwrap_or_default();
    let bags = || format!("{} of which {} paid", number("total_baggages"), number("nonfree_baggages"));
    match call.name.as_str() {
        "cancel_pending_order" => format!("Please cancel order {order}, reason: {}.", text("reason")),
        "modify_pending_order_address" => format!("Please send order {order} to: {}.", address(call)),
        "modify_user_address" => format!("Please change my address to: {}.", address(call)),
        "modify_pending_order_payment" => format!("Please charge order {order} to {payment}."),
        "modify_pending_order_items" => {
            format!("Please change in order {order}: {}; by {payment}.", pairs(call, base))
        }
        "exchange_delivered_order_items" => {
            format!("Please exchange from order {order}: {}; by {payment}.", pairs(call, base))
        }
        "return_delivered_order_items" => {
            format!("Please take back from order {order}: {}; by {payment}.", pairs(call, base))
        }
        "book_reservation" => trip(call, &bags()),
        "cancel_reservation" => format!("Please cancel reservation {reservation}."),
        "update_reservation_flights" => {
            let (cabin, flights) = (text("cabin"), flights(&call.arguments));
            format!("Please rebook reservation {reservation} in {cabin}: {flights}; by {pays}.")
        }
        "update_reservation_baggages" => {
            format!("Please set the bags of reservation {reservation} to {}; by {pays}.", bags())
        }
        "update_reservation_passengers" => {
            format!("Please name as passengers of reservation {reservation}: {}.", passengers(&call.arguments))
        }
        "send_certificate" => format!("Please send me a certificate of {} dollars.", number("amount")),
        other => format!("Please see to it: {other} {}.", super::python::dumps(&call.arguments)),
    }
}

fn address(call: &Call) -> String {
    ADDRESS.map(|part| call.text(part).unwrap_or_default()).join(" | ")
}

fn list<'a>(arguments: &'a Value, key: &str) -> &'a [Value] {
    arguments.get(key).map(Value::items).unwrap_or_default()
}

fn flights(arguments: &Value) -> String {
    let flight = |flight: &Value| {
        let text = |key| flight.text_at(key).unwrap_or_default();
        format!("{} on {}", text("flight_number"), text("date"))
    };
    list(arguments, "flights").iter().map(flight).collect::<Vec<_>>().join(", ")
}

fn passengers(arguments: &Value) -> String {
    let passenger = |passenger: &Value| {
        let text = |key| passenger.text_at(key).unwrap_or_default();
        format!("{} {} ({})", text("first_name"), text("last_name"), text("dob"))
    };
    list(arguments, "passengers").iter().map(passenger).collect::<Vec<_>>().join(", ")
}

fn trip(call: &Call, bags: &str) -> String {
    let text = |key: &str| call.text(key).unwrap_or_default();
    let payments = list(&call.arguments, "payment_methods");
    let payment = |(at, payment): (usize, &Value)| {
        let id = payment.text_at("payment_id").unwrap_or_default();
        let amount = payment.get("amount").filter(|_| at + 1 < payments.len()).map(super::python::dumps);
        amount.map_or_else(|| id.to_owned(), |amount| format!("{id} {amount}"))
    };
    let payments = payments.iter().enumerate().map(payment).collect::<Vec<_>>().join(", ");
    format!(
        "Please book {} from {} to {} in {}: {}; passengers {}; bags {bags}; insurance {}; by {payments}.",
        text("flight_type"),
        text("origin"),
        text("destination"),
        text("cabin"),
        flights(&call.arguments),
        passengers(&call.arguments),
        text("insurance")
    )
}

/// The items of a call, described; one that the order has not, by its id.
fn pairs(call: &Call, base: &Database) -> String {
    let order = base.get(Table::Orders, call.text("order_id").unwrap_or_default());
    let items = order.map(|order| list(order, "items")).unwrap_or_default();
    let new = list(&call.arguments, "new_item_ids");
    let each = list(&call.arguments, "item_ids").iter().enumerate().map(|(at, id)| {
        let item = items.iter().find(|item| item.get("item_id") == Some(id));
        let old = item.map_or_else(|| format!("item {}", id.as_text().unwrap_or_default()), described);
        let Some(new) = new.get(at).and_then(Value::as_text) else {
            return old;
        };
        let product = item.and_then(|item| base.get(Table::Products, item.text_at("product_id")?));
        let variant = product.and_then(|product| product.get("variants")?.get(new));
        let new = variant.map_or_else(|| format!("{{item: {new}}}"), |variant| options(variant.get("options")));
        format!("{old} for {new}")
    });
    each.collect::<Vec<_>>().join("; ")
}

fn described(item: &Value) -> String {
    format!("{} {}", item.text_at("name").unwrap_or_default(), options(item.get("options")))
}

fn options(options: Option<&Value>) -> String {
    let entries = options.map(Value::entries).unwrap_or_default();
    let each = entries.iter().map(|(key, value)| format!("{key}: {}", value.as_text().unwrap_or_default()));
    format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
}

/// What a customer wants by the last sentence of what it said; `None` if that is no sentence of ours.
#[must_use]
pub fn read(said: &str) -> Option<Wish> {
    let said = said.trim();
    if let Some(wish) = said.rfind("How m").and_then(|at| question(&said[at..])) {
        return Some(Wish::Question(wish));
    }
    let body = said[said.rfind("Please ")?..].strip_prefix("Please ")?.strip_suffix('.')?;
    retail(body).or_else(|| airline(body))
}

fn question(sentence: &str) -> Option<Question> {
    let sentence = sentence.strip_suffix('?')?;
    let paid = ["How much did I pay for order ", "How much did I pay for reservation "]
        .into_iter()
        .find_map(|lead| sentence.strip_prefix(lead));
    if let Some(id) = paid {
        return Some(Question::Paid(id.to_owned()));
    }
    let kinds = sentence.strip_prefix("How many kinds of ")?.strip_suffix(" can I buy now")?;
    Some(Question::Kinds(kinds.to_owned()))
}

fn texts<const N: usize>(name: &str, arguments: [(&str, &str); N]) -> Call {
    Call::of(name, arguments.map(|(key, value)| (key, Value::text(value))))
}

fn retail(body: &str) -> Option<Wish> {
    if let Some(rest) = body.strip_prefix("cancel order ") {
        let (order_id, reason) = rest.split_once(", reason: ")?;
        return Some(Wish::Plain(texts("cancel_pending_order", [("order_id", order_id), ("reason", reason)])));
    }
    if let Some(rest) = body.strip_prefix("send order ") {
        let (order_id, address) = rest.split_once(" to: ")?;
        return Some(Wish::Plain(addressed("modify_pending_order_address", Some(order_id), address)?));
    }
    if let Some(address) = body.strip_prefix("change my address to: ") {
        return Some(Wish::Plain(addressed("modify_user_address", None, address)?));
    }
    if let Some(rest) = body.strip_prefix("charge order ") {
        let (order_id, payment) = rest.split_once(" to ")?;
        let call = texts("modify_pending_order_payment", [("order_id", order_id), ("payment_method_id", payment)]);
        return Some(Wish::Plain(call));
    }
    let leads = [
        ("change in order ", "modify_pending_order_items"),
        ("exchange from order ", "exchange_delivered_order_items"),
        ("take back from order ", "return_delivered_order_items"),
    ];
    let (rest, tool) = leads.into_iter().find_map(|(lead, tool)| Some((body.strip_prefix(lead)?, tool)))?;
    let (order, rest) = rest.split_once(": ")?;
    let (items, payment) = rest.rsplit_once("; by ")?;
    let items = items.split("; ").map(item_for).collect::<Option<Vec<_>>>()?;
    Some(Wish::Items(Items { tool: tool.to_owned(), order: order.to_owned(), items, payment: payment.to_owned() }))
}

fn addressed(tool: &str, order: Option<&str>, address: &str) -> Option<Call> {
    let parts: Vec<&str> = address.split('|').map(str::trim).collect();
    let order = order.map(|id| ("order_id".to_owned(), Value::text(id)));
    let address = ADDRESS.iter().zip(&parts).map(|(key, part)| ((*key).to_owned(), Value::text(*part)));
    let arguments = Value::Table(order.into_iter().chain(address).collect());
    (parts.len() == ADDRESS.len()).then(|| Call { name: tool.to_owned(), arguments })
}

/// `Lamp {color: red} for {color: blue}`, or without what comes in its place.
fn item_for(text: &str) -> Option<(Item, Option<Options>)> {
    let (old, new) = match text.split_once("} for {") {
        Some((old, new)) => (old, Some(read_options(new.strip_suffix('}')?)?)),
        None => (text.strip_suffix('}')?, None),
    };
    let (name, options) = old.split_once(" {")?;
    Some((Item { name: name.to_owned(), options: read_options(options)? }, new))
}

fn read_options(text: &str) -> Option<Options> {
    let option = |part: &str| part.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned()));
    if text.is_empty() { Some(Vec::new()) } else { text.split(", ").map(option).collect() }
}

fn airline(body: &str) -> Option<Wish> {
    if let Some(rest) = body.strip_prefix("book ") {
        return booking(rest).map(|arguments| Wish::Trip(Trip { arguments }));
    }
    if let Some(reservation_id) = body.strip_prefix("cancel reservation ") {
        return Some(Wish::Change(texts("cancel_reservation", [("reservation_id", reservation_id)])));
    }
    if let Some(rest) = body.strip_prefix("rebook reservation ") {
        let (reservation, rest) = rest.split_once(" in ")?;
        let (cabin, rest) = rest.split_once(": ")?;
        let (flights, payment) = rest.rsplit_once("; by ")?;
        let arguments = [
            ("reservation_id", Value::text(reservation)),
            ("cabin", Value::text(cabin)),
            ("flights", read_flights(flights)?),
            ("payment_id", Value::text(payment)),
        ];
        return Some(Wish::Change(Call::of("update_reservation_flights", arguments)));
    }
    if let Some(rest) = body.strip_prefix("set the bags of reservation ") {
        let (reservation, rest) = rest.split_once(" to ")?;
        let (bags, payment) = rest.rsplit_once("; by ")?;
        let [total, nonfree] = read_bags(bags)?;
        let arguments = [
            ("reservation_id", Value::text(reservation)),
            ("total_baggages", total),
            ("nonfree_baggages", nonfree),
            ("payment_id", Value::text(payment)),
        ];
        return Some(Wish::Plain(Call::of("update_reservation_baggages", arguments)));
    }
    if let Some(rest) = body.strip_prefix("name as passengers of reservation ") {
        let (reservation, passengers) = rest.split_once(": ")?;
        let arguments = [("reservation_id", Value::text(reservation)), ("passengers", read_passengers(passengers)?)];
        return Some(Wish::Plain(Call::of("update_reservation_passengers", arguments)));
    }
    let amount = body.strip_prefix("send me a certificate of ")?.strip_suffix(" dollars")?;
    Some(Wish::Plain(Call::of("send_certificate", [("amount", number(amount)?)])))
}

fn number(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|value: &Value| value.as_number().is_some())
}

fn read_bags(text: &str) -> Option<[Value; 2]> {
    let (total, nonfree) = text.strip_suffix(" paid")?.split_once(" of which ")?;
    Some([number(total)?, number(nonfree)?])
}

fn read_flights(text: &str) -> Option<Value> {
    let flight = |part: &str| {
        let (number, date) = part.split_once(" on ")?;
        Some(Value::table([("flight_number", Value::text(number)), ("date", Value::text(date))]))
    };
    text.split(", ").map(flight).collect::<Option<Vec<_>>>().map(Value::List)
}

fn read_passengers(text: &str) -> Option<Value> {
    let passenger = |part: &str| {
        let (name, dob) = part.strip_suffix(')')?.split_once(" (")?;
        let (first, last) = name.split_once(' ')?;
        let parts = [("first_name", first), ("last_name", last), ("dob", dob)];
        Some(Value::table(parts.map(|(key, value)| (key, Value::text(value)))))
    };
    text.split(", ").map(passenger).collect::<Option<Vec<_>>>().map(Value::List)
}

fn booking(text: &str) -> Option<Value> {
    let (trip, rest) = text.split_once(": ")?;
    let (flight_type, trip) = trip.split_once(" from ")?;
    let (origin, trip) = trip.split_once(" to ")?;
    let (destination, cabin) = trip.split_once(" in ")?;
    let [flights, passengers, bags, insurance, payments]: [&str; 5] =
        rest.split("; ").collect::<Vec<_>>().try_into().ok()?;
    let [total, nonfree] = read_bags(bags.strip_prefix("bags ")?)?;
    let payment = |part: &str| {
        let (id, amount) = part.split_once(' ').map_or((part, None), |(id, amount)| (id, Some(amount)));
        let mut payment = Value::table([("payment_id", Value::text(id))]);
        if let Some(amount) = amount {
            payment.set("amount", number(amount)?);
        }
        Some(payment)
    };
    let payments = payments.strip_prefix("by ")?.split(", ").map(payment).collect::<Option<Vec<_>>>()?;
    Some(Value::table([
        ("origin", Value::text(origin)),
        ("destination", Value::text(destination)),
        ("flight_type", Value::text(flight_type)),
        ("cabin", Value::text(cabin)),
        ("flights", read_flights(flights)?),
        ("passengers", read_passengers(passengers.strip_prefix("passengers ")?)?),
        ("payment_methods", Value::List(payments)),
        ("total_baggages", total),
        ("nonfree_baggages", nonfree),
        ("insurance", Value::text(insurance.strip_prefix("insurance ")?)),
    ]))
}

/// The sentences of an instruction that ask to be told something; all of it, if none does.
#[must_use]
pub fn asking_sentences(instruction: &str) -> String {
    const ASKING: [&str; 7] =
        ["to know", "wonder", "how much", "how many", "confirm the total", "to ask", "figure out"];
    let asks = |sentence: &&str| ASKING.iter().any(|words| sentence.to_lowercase().contains(words));
    let found: Vec<&str> = instruction.split_inclusive(". ").filter(asks).map(str::trim).collect();
    if found.is_empty() { instruction.to_owned() } else { found.join(" ") }
}

/// An instruction in the customer's own mouth: you are, your, you → I am, my, I.
#[must_use]
pub fn first_person(instruction: &str) -> String {
    const WORDS: [(&str, &str); 8] = [
        ("you are", "I am"),
        ("you're", "I am"),
        ("you'd", "I would"),
        ("your", "my"),
        ("yours", "mine"),
        ("yourself", "myself"),
        ("you have", "I have"),
        ("you", "I"),
    ];
    let mut out = String::new();
    let mut rest = instruction;
    while let Some(c) = rest.chars().next() {
        let begins = out.chars().next_back().is_none_or(|last| !last.is_alphanumeric());
        let ends = |length: usize| rest[length..].chars().next().is_none_or(|next| !next.is_alphanumeric());
        let word = WORDS.iter().find(|(word, _)| {
            let head = rest.get(..word.len());
            begins && head.is_some_and(|head| head.eq_ignore_ascii_case(word)) && ends(word.len())
        });
        match word {
            Some((word, own)) => {
                let starts = out.trim_end().is_empty() || out.trim_end().ends_with('.');
                out.push_str(&if starts { capital(own) } else { (*own).to_owned() });
                rest = &rest[word.len()..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
