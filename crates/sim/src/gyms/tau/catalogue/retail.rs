//! A shop.

use std::collections::BTreeSet;

use super::super::Call;
use super::super::Value;
use super::super::database::Table;
use super::super::python;
use super::super::tools::retail::ADDRESS;
use super::super::value::Number;
use super::CUSTOMERS;
use super::Draft;
use super::Want;
use super::dollars;
use super::fresh;
use super::people;
use crate::Draws;

/// What the shop's agents must keep to.
pub(super) const POLICY: &str = "\
- First find out who the customer is: by email, or by name and zip code. Serve nobody else in the same talk.
- Before you change anything, say what you are going to change and wait for a yes.
- Say nothing that neither the customer nor a tool has told you. Make one call at a time.
- Only pending orders can be cancelled (reason: `no longer needed` or `ordered by mistake`) or changed: address, payment, or items.
- Only delivered orders can be returned or exchanged. A refund goes to the payment method of the order or to a gift card.
- Items are changed or exchanged for available variants of the same product, all of an order in one call.
- What cannot be done, say so, and go on. Hand over to a person only what your tools cannot do.";

/// A product with its options.
type Product = (&'static str, &'static [(&'static str, &'static [&'static str])]);

const PRODUCTS: [Product; 12] = [
    ("Desk Lamp", &[("color", &["white", "black", "green"]), ("power source", &["battery", "USB", "mains"])]),
    ("Rain Jacket", &[("size", &["S", "M", "L"]), ("color", &["yellow", "navy", "red"])]),
    ("Tea Pot", &[("material", &["glass", "steel", "clay"]), ("capacity", &["0.5 liters", "1 liter"])]),
    ("Trail Shoes", &[("size", &["38", "40", "42", "44"]), ("color", &["grey", "blue"])]),
    ("Alarm Clock", &[("display", &["analog", "digital"]), ("color", &["red", "white", "black"])]),
    ("Picnic Blanket", &[("size", &["small", "large"]), ("pattern", &["plain", "striped", "tartan"])]),
    ("Travel Mug", &[("capacity", &["300ml", "500ml"]), ("color", &["silver", "black", "blue"])]),
    ("Bike Lock", &[("length", &["90cm", "120cm"]), ("type", &["chain", "folding", "U-lock"])]),
    ("Puzzle", &[("pieces", &["500", "1000", "2000"]), ("theme", &["animals", "maps"])]),
    ("Keyboard", &[("layout", &["full size", "compact"]), ("switch type", &["tactile", "linear", "clicky"])]),
    ("Yoga Strap", &[("length", &["2m", "3m"]), ("color", &["purple", "teal", "grey"])]),
    ("Bird Feeder", &[("material", &["wood", "metal"]), ("size", &["small", "medium", "large"])]),
];

/// Orders, products and users.
pub(super) fn tables(draws: &mut Draws) -> [Value; 3] {
    let mut taken = BTreeSet::new();
    let products: Vec<(String, Value)> =
        PRODUCTS.iter().map(|product| self::product(product, draws, &mut taken)).collect();
    let (mut orders, mut users) = (Vec::new(), Vec::new());
    for _ in 0..CUSTOMERS {
        let person = people::person(draws, &mut taken);
        let mut methods = vec![people::credit_card(draws, &mut taken)];
        let paypal = fresh(draws, &mut taken, 7, "paypal_");
        methods.push((paypal.clone(), Value::table([("source", Value::text("paypal")), ("id", Value::text(&paypal))])));
        if draws.chance(0.6) {
            let balance = draws.range(5, 150);
            methods.push(people::gift_card(draws, &mut taken, "balance", balance));
        }
        let mut own = Vec::new();
        // Everybody has something that can be changed and something that can be given back.
        let more = ["pending", "delivered", "processed"];
        let statuses = ["pending", "delivered", *draws.pick(&more), *draws.pick(&more)];
        for status in statuses {
            let order = order(draws, &mut taken, &person, &products, &methods[..2], status);
            own.push(Value::text(&order.0));
            orders.push(order);
        }
        users.push((person.id.clone(), user(&person, methods, own)));
    }
    [Value::Table(orders), Value::Table(products), Value::Table(users)]
}

fn user(person: &people::Person, methods: Vec<(String, Value)>, orders: Vec<Value>) -> Value {
    let name = [("first_name", Value::text(person.first)), ("last_name", Value::text(person.last))];
    Value::table([
        ("name", Value::table(name)),
        ("address", person.address.clone()),
        ("email", Value::text(&person.email)),
        ("payment_methods", Value::Table(methods)),
        ("orders", Value::List(orders)),
    ])
}

fn product((name, options): &Product, draws: &mut Draws, taken: &mut BTreeSet<String>) -> (String, Value) {
    let id = fresh(draws, taken, 10, "");
    let base = dollars(draws, 10, 200);
    let mut variants = Vec::new();
    let [(first, ones), (second, others)] = options else {
        unreachable!("each product of the catalogue has two options");
    };
    for one in *ones {
        for other in *others {
            let item = fresh(draws, taken, 10, "");
            let price = ((base * (0.9 + 0.2 * draws.uniform())) * 100.0).round() / 100.0;
            let variant = Value::table([
                ("item_id", Value::text(&item)),
                ("options", Value::table([(*first, Value::text(*one)), (*second, Value::text(*other))])),
                ("available", Value::Bool(draws.chance(0.8))),
                ("price", Value::Float(price)),
            ]);
            variants.push((item, variant));
        }
    }
    let product =
        [("name", Value::text(*name)), ("product_id", Value::text(&id)), ("variants", Value::Table(variants))];
    (id, Value::table(product))
}

fn order(
    draws: &mut Draws,
    taken: &mut BTreeSet<String>,
    person: &people::Person,
    products: &[(String, Value)],
    methods: &[(String, Value)],
    status: &str,
) -> (String, Value) {
    let id = fresh(draws, taken, 7, "#W");
    let mut items = Vec::new();
    let mut sum = Number::Int(0);
    for _ in 0..draws.range(1, 3) {
        let (product_id, product) = draws.pick(products);
        let variants = product.get("variants").map(Value::entries).unwrap_or_default();
        let (item_id, variant) = draws.pick(variants);
        let given = |key: &str| variant.get(key).cloned().unwrap_or(Value::Null);
        sum = sum.plus(variant.number_at("price").unwrap_or(Number::Int(0)));
        items.push(Value::table([
            ("name", product.get("name").cloned().unwrap_or(Value::Null)),
            ("product_id", Value::text(product_id)),
            ("item_id", Value::text(item_id)),
            ("price", given("price")),
            ("options", given("options")),
        ]));
    }
    let payment = Value::table([
        ("transaction_type", Value::text("payment")),
        ("amount", sum.cents().into()),
        ("payment_method_id", Value::text(&draws.pick(methods).0)),
    ]);
    let order = Value::table([
        ("order_id", Value::text(&id)),
        ("user_id", Value::text(&person.id)),
        ("address", person.address.clone()),
        ("items", Value::List(items)),
        ("fulfillments", Value::List(Vec::new())),
        ("status", Value::text(status)),
        ("payment_history", Value::List(vec![payment])),
    ]);
    (id, order)
}

/// Something that this customer may want, and what it is about; `None` if it came to nothing.
pub(super) fn want(draft: &Draft<'_>, profile: &Value, draws: &mut Draws) -> Option<(String, Want)> {
    let orders = profile.get("orders").map(Value::items).unwrap_or_default();
    let id = draws.pick(orders).as_text()?.to_owned();
    let order = draft.base.get(Table::Orders, &id)?;
    let kind = draws.uniform();
    if kind < 0.08 {
        let address = people::address(draws);
        let user = [("user_id".to_owned(), Value::text(draft.user_id))];
        let arguments = user.into_iter().chain(addressed(&address)).collect();
        return Some(("address".to_owned(), Want::Do(call("modify_user_address", arguments))));
    }
    if kind < 0.16 {
        return kinds(draft, draws).map(|want| ("kinds".to_owned(), want));
    }
    if kind < 0.24 {
        let paid = order.get("payment_history")?.items().first()?.get("amount")?;
        return Some((id.clone(), Want::Tell(format!("How much did I pay for order {id}?"), python::dumps(paid))));
    }
    let methods = profile.get("payment_methods").map(Value::entries).unwrap_or_default();
    let payment = draws.pick(methods).0.clone();
    let of_order = |name: &str, arguments: Vec<(&str, Value)>| {
        let id = [("order_id".to_owned(), Value::text(&id))];
        let arguments = arguments.into_iter().map(|(key, value)| (key.to_owned(), value));
        call(name, id.into_iter().chain(arguments).collect())
    };
    let reason = *draws.pick(&["no longer needed", "ordered by mistake"]);
    let cancel = of_order("cancel_pending_order", vec![("reason", Value::text(reason))]);
    let (old, new) = swap(draft, order, draws);
    let give_back = of_order(
        "return_delivered_order_items",
        vec![("item_ids", Value::List(old.clone())), ("payment_method_id", Value::text(&payment))],
    );
    let exchanged = |name: &str| {
        let items = [("item_ids", Value::List(old.clone())), ("new_item_ids", Value::List(new.clone()))];
        let payment = [("payment_method_id", Value::text(&payment))];
        of_order(name, items.into_iter().chain(payment).collect())
    };
    let swaps = old.len() == new.len();
    let want = match (order.text_at("status")?, kind) {
        ("pending", kind) if kind < 0.42 => Want::Do(cancel),
        ("pending", kind) if kind < 0.56 => {
            let address = people::address(draws);
            let id = [("order_id".to_owned(), Value::text(&id))];
            Want::Do(call("modify_pending_order_address", id.into_iter().chain(addressed(&address)).collect()))
        }
        ("pending", kind) if kind < 0.68 => {
            Want::Do(of_order("modify_pending_order_payment", vec![("payment_method_id", Value::text(&payment))]))
        }
        ("pending", kind) if kind < 0.9 && swaps => Want::Do(exchanged("modify_pending_order_items")),
        ("pending", _) => Want::Refuse(give_back),
        ("delivered", kind) if kind < 0.55 => Want::Do(give_back),
        ("delivered", kind) if kind < 0.88 && swaps => Want::Do(exchanged("exchange_delivered_order_items")),
        _ => Want::Refuse(cancel),
    };
    Some((id, want))
}

fn call(name: &str, arguments: Vec<(String, Value)>) -> Call {
    Call { name: name.to_owned(), arguments: Value::Table(arguments) }
}

fn addressed(address: &Value) -> impl Iterator<Item = (String, Value)> {
    let part = |key: &'static str| (key.to_owned(), address.get(key).cloned().unwrap_or(Value::Null));
    ADDRESS.map(part).into_iter()
}

/// How many variants of some product can be bought.
fn kinds(draft: &Draft<'_>, draws: &mut Draws) -> Option<Want> {
    let products: Vec<(&str, &Value)> = draft.base.all(Table::Products).collect();
    let (_, product) = draws.pick(&products);
    let variants = product.get("variants")?.entries();
    let count = variants.iter().filter(|(_, v)| v.get("available") == Some(&Value::Bool(true))).count();
    let question = format!("How many kinds of {} can I buy now?", product.text_at("name")?);
    Some(Want::Tell(question, count.to_string()))
}

/// One or two items of an order, and for each an available variant with other options; fewer of these if there is none.
fn swap(draft: &Draft<'_>, order: &Value, draws: &mut Draws) -> (Vec<Value>, Vec<Value>) {
    let mut items: Vec<&Value> = order.get("items").map(Value::items).unwrap_or_default().iter().collect();
    draws.shuffle(&mut items);
    items.truncate(draws.range(1, 2) as usize);
    let mut new = Vec::new();
    for item in &items {
        let product = item.text_at("product_id").and_then(|id| draft.base.get(Table::Products, id));
        let variants = product.and_then(|product| product.get("variants")).map(Value::entries).unwrap_or_default();
        let is_other = |(id, variant): &&(String, Value)| {
            variant.get("available") == Some(&Value::Bool(true)) && item.text_at("item_id") != Some(id)
        };
        let others: Vec<&(String, Value)> = variants.iter().filter(is_other).collect();
        if !others.is_empty() {
            new.push(Value::text(&draws.pick(&others).0));
        }
    }
    (items.into_iter().filter_map(|item| item.get("item_id").cloned()).collect(), new)
}
