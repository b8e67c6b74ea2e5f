//! The shop's tools. A check that fails changes nothing.

use std::cmp::Ordering;

use super::super::Value;
use super::super::database::Store;
use super::super::database::Table;
use super::super::python::dumps;
use super::super::value::Number;
use super::Kind;
use super::Parameter;
use super::Tool;
use super::listed;
use super::said;
use super::text;

/// The parts of an address, in the order in which a changed one is written.
pub const ADDRESS: [&str; 6] = ["address1", "address2", "city", "state", "country", "zip"];

const ITEM_CHANGE: &[Parameter] = &[
    text("order_id"),
    Parameter { name: "item_ids", kind: Kind::Texts },
    Parameter { name: "new_item_ids", kind: Kind::Texts },
    text("payment_method_id"),
];

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "find_user_id_by_email",
        about: "the id of the customer with this address",
        parameters: &[text("email")],
        writes: false,
        run: find_by_email,
    },
    Tool {
        name: "find_user_id_by_name_zip",
        about: "the id of the customer with this name and zip code",
        parameters: &[text("first_name"), text("last_name"), text("zip")],
        writes: false,
        run: find_by_name,
    },
    Tool {
        name: "get_user_details",
        about: "a customer's profile, payment methods and orders",
        parameters: &[text("user_id")],
        writes: false,
        run: |store, arguments| shown(store, Table::Users, said(arguments, "user_id"), "user"),
    },
    Tool {
        name: "get_order_details",
        about: "an order's items, status, payments and delivery; its id begins with #",
        parameters: &[text("order_id")],
        writes: false,
        run: |store, arguments| shown(store, Table::Orders, said(arguments, "order_id"), "order"),
    },
    Tool {
        name: "get_product_details",
        about: "all variants of a product, with options, price and whether they are available",
        parameters: &[text("product_id")],
        writes: false,
        run: |store, arguments| shown(store, Table::Products, said(arguments, "product_id"), "product"),
    },
    Tool {
        name: "list_all_product_types",
        about: "names and ids of all products",
        parameters: &[],
        writes: false,
        run: list_products,
    },
    Tool {
        name: "cancel_pending_order",
        about: "cancels an order; reason is `no longer needed` or `ordered by mistake`",
        parameters: &[text("order_id"), text("reason")],
        writes: true,
        run: cancel,
    },
    Tool {
        name: "modify_pending_order_address",
        about: "sends an order elsewhere",
        parameters: &[
            text("order_id"),
            text("address1"),
            text("address2"),
            text("city"),
            text("state"),
            text("country"),
            text("zip"),
        ],
        writes: true,
        run: modify_address,
    },
    Tool {
        name: "modify_pending_order_items",
        about: "puts other variants of the same products in the place of items, once an order; new_item_ids in the order of item_ids",
        parameters: ITEM_CHANGE,
        writes: true,
        run: modify_items,
    },
    Tool {
        name: "modify_pending_order_payment",
        about: "charges an order to another payment method",
        parameters: &[text("order_id"), text("payment_method_id")],
        writes: true,
        run: modify_payment,
    },
    Tool {
        name: "modify_user_address",
        about: "changes a customer's own address",
        parameters: &[
            text("user_id"),
            text("address1"),
            text("address2"),
            text("city"),
            text("state"),
            text("country"),
            text("zip"),
        ],
        writes: true,
        run: modify_user_address,
    },
    Tool {
        name: "return_delivered_order_items",
        about: "takes items back; the refund goes to the payment method of the order or to a gift card",
        parameters: &[text("order_id"), Parameter { name: "item_ids", kind: Kind::Texts }, text("payment_method_id")],
        writes: true,
        run: return_items,
    },
    Tool {
        name: "exchange_delivered_order_items",
        about: "exchanges items for other variants of the same products, once an order; new_item_ids in the order of item_ids",
        parameters: ITEM_CHANGE,
        writes: true,
        run: exchange_items,
    },
];

type Said = Result<String, String>;

fn shown(store: &Store<'_>, table: Table, id: &str, what: &str) -> Said {
    store.get(table, id).map(dumps).ok_or_else(|| format!("{what} not found"))
}

fn find_by_email(store: &mut Store<'_>, arguments: &Value) -> Said {
    let email = said(arguments, "email").to_lowercase();
    let is = |user: &Value| user.text_at("email").is_some_and(|known| known.to_lowercase() == email);
    found(store, is)
}

fn find_by_name(store: &mut Store<'_>, arguments: &Value) -> Said {
    let first = said(arguments, "first_name").to_lowercase();
    let last = said(arguments, "last_name").to_lowercase();
    let is = |user: &Value| {
        let has = |key: &str, wanted: &str| {
            user.get("name").and_then(|name| name.text_at(key)).is_some_and(|known| known.to_lowercase() == wanted)
        };
        let zip = user.get("address").and_then(|address| address.text_at("zip"));
        has("first_name", &first) && has("last_name", &last) && zip == arguments.text_at("zip")
    };
    found(store, is)
}

fn found(store: &Store<'_>, is: impl Fn(&Value) -> bool) -> Said {
    let user = store.all(Table::Users).find(|(_, user)| is(user));
    user.map(|(id, _)| id.to_owned()).ok_or_else(|| "user not found".to_owned())
}

fn list_products(store: &mut Store<'_>, _: &Value) -> Said {
    let mut products: Vec<(String, Value)> = Vec::new();
    for (_, product) in store.all(Table::Products) {
        if let (Some(name), Some(id)) = (product.text_at("name"), product.get("product_id")) {
            products.push((name.to_owned(), id.clone()));
        }
    }
    products.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(dumps(&Value::Table(products)))
}

/// The order, if its status is `status`.
fn order_that_is(store: &Store<'_>, arguments: &Value, status: &str, refused: &str) -> Result<Value, String> {
    let order = store.get(Table::Orders, said(arguments, "order_id")).ok_or("order not found")?;
    if order.text_at("status") != Some(status) {
        return Err(format!("non-{status} order cannot be {refused}"));
    }
    Ok(order.clone())
}

/// Puts a changed order where it belongs, and shows it.
fn store_order(store: &mut Store<'_>, arguments: &Value, order: Value) -> String {
    let text = dumps(&order);
    store.insert(Table::Orders, said(arguments, "order_id"), order);
    text
}

/// A payment method of whoever made the order.
fn method_of<'a>(store: &'a Store<'_>, order: &Value, id: &str) -> Option<&'a Value> {
    store.get(Table::Users, order.text_at("user_id")?)?.get("payment_methods")?.get(id)
}

fn balance(method: &Value) -> Option<Number> {
    let is_gift_card = method.text_at("source") == Some("gift_card");
    is_gift_card.then(|| method.number_at("balance").unwrap_or(Number::Int(0)))
}

/// Moves the balance of a gift card; other methods have none.
fn credit(store: &mut Store<'_>, order: &Value, id: &str, amount: Number) {
    let user = order.text_at("user_id").and_then(|user| store.edit(Table::Users, user));
    let method = user.and_then(|user| user.get_mut("payment_methods")).and_then(|methods| methods.get_mut(id));
    if let Some(method) = method
        && let Some(balance) = balance(method)
    {
        method.set("balance", balance.plus(amount).cents().into());
    }
}

fn transaction(kind: &str, amount: Number, method: &str) -> Value {
    Value::table([
        ("transaction_type", Value::text(kind)),
        ("amount", amount.into()),
        ("payment_method_id", Value::text(method)),
    ])
}

fn payments(order: &Value) -> Vec<(String, Number)> {
    let history = order.get("payment_history").map(Value::items).unwrap_or_default();
    let payment =
        |payment: &Value| Some((payment.text_at("payment_method_id")?.to_owned(), payment.number_at("amount")?));
    history.iter().filter_map(payment).collect()
}

fn cancel(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut order = order_that_is(store, arguments, "pending", "cancelled")?;
    let reason = said(arguments, "reason");
    if !["no longer needed", "ordered by mistake"].contains(&reason) {
        return Err("invalid reason".to_owned());
    }
    let paid = payments(&order);
    for (method, amount) in &paid {
        credit(store, &order, method, *amount);
    }
    order.set("status", Value::text("cancelled"));
    order.set("cancel_reason", Value::text(reason));
    if let Some(history) = order.get_mut("payment_history") {
        history.extend(paid.iter().map(|(method, amount)| transaction("refund", *amount, method)));
    }
    Ok(store_order(store, arguments, order))
}

fn address(arguments: &Value) -> Value {
    Value::table(ADDRESS.map(|part| (part, Value::text(said(arguments, part)))))
}

fn modify_address(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut order = order_that_is(store, arguments, "pending", "modified")?;
    order.set("address", address(arguments));
    Ok(store_order(store, arguments, order))
}

fn modify_user_address(store: &mut Store<'_>, arguments: &Value) -> Said {
    let user = store.edit(Table::Users, said(arguments, "user_id")).ok_or("user not found")?;
    user.set("address", address(arguments));
    Ok(dumps(user))
}

/// Whether an order has all these items, each as often as it is named; if not, the first that it has not.
fn missing<'a>(order: &Value, items: &[&'a str]) -> Option<&'a str> {
    let has: Vec<&str> = item_values(order).iter().filter_map(|item| item.text_at("item_id")).collect();
    let count = |among: &[&str], item: &str| among.iter().filter(|known| **known == item).count();
    items.iter().copied().find(|item| count(items, item) > count(&has, item))
}

fn item_values(order: &Value) -> &[Value] {
    order.get("items").map(Value::items).unwrap_or_default()
}

fn position(order: &Value, item: &str) -> Option<usize> {
    item_values(order).iter().position(|known| known.text_at("item_id") == Some(item))
}

/// The variant that is to replace an item of the order: of the same product, and available.
fn replacement<'a>(store: &'a Store<'_>, order: &Value, item: &str, new: &str) -> Option<&'a Value> {
    let product = item_values(order).get(position(order, item)?)?.text_at("product_id")?;
    let variant = store.get(Table::Products, product)?.get("variants")?.get(new)?;
    (variant.get("available") == Some(&Value::Bool(true))).then_some(variant)
}

/// What the new items cost more than the old ones, once everything about the change has been checked but the payment.
fn price_difference(store: &Store<'_>, order: &Value, arguments: &Value) -> Result<Number, String> {
    let (old, new) = (listed(arguments, "item_ids"), listed(arguments, "new_item_ids"));
    if let Some(item) = missing(order, &old) {
        return Err(format!("{item} not found"));
    }
    if old.len() != new.len() {
        return Err("the number of items to be exchanged should match".to_owned());
    }
    let mut difference = Number::Int(0);
    for (old, new) in old.into_iter().zip(new) {
        let variant = replacement(store, order, old, new);
        let variant = variant.ok_or_else(|| format!("new item {new} not found or available"))?;
        let paid = position(order, old).and_then(|at| item_values(order)[at].number_at("price"));
        let (Some(price), Some(paid)) = (variant.number_at("price"), paid) else {
            return Err(format!("{old} has no price"));
        };
        difference = difference.plus(price.minus(paid));
    }
    Ok(difference)
}

/// A method that can pay the difference.
fn covering(store: &Store<'_>, order: &Value, id: &str, difference: Number, refused: &str) -> Result<(), String> {
    let method = method_of(store, order, id).ok_or("payment method not found")?;
    match balance(method) {
        Some(balance) if balance.compare(difference) == Ordering::Less => {
            Err(format!("insufficient gift card balance to pay for the {refused}"))
        }
        _ => Ok(()),
    }
}

fn modify_items(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut order = order_that_is(store, arguments, "pending", "modified")?;
    let difference = price_difference(store, &order, arguments)?;
    let method = said(arguments, "payment_method_id");
    covering(store, &order, method, difference, "new item")?;
    let kind = if difference.compare(Number::Int(0)) == Ordering::Greater { "payment" } else { "refund" };
    if let Some(history) = order.get_mut("payment_history") {
        history.extend([transaction(kind, difference.abs(), method)]);
    }
    credit(store, &order, method, Number::Int(0).minus(difference));
    for (old, new) in listed(arguments, "item_ids").into_iter().zip(listed(arguments, "new_item_ids")) {
        let variant = replacement(store, &order, old, new).cloned();
        let at = position(&order, old);
        if let (Some(variant), Some(at), Some(Value::List(items))) = (variant, at, order.get_mut("items")) {
            items[at].set("item_id", Value::text(new));
            for key in ["price", "options"] {
                items[at].set(key, variant.get(key).cloned().unwrap_or(Value::Null));
            }
        }
    }
    order.set("status", Value::text("pending (item modified)"));
    Ok(store_order(store, arguments, order))
}

fn modify_payment(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut order = order_that_is(store, arguments, "pending", "modified")?;
    let method = said(arguments, "payment_method_id");
    let known = method_of(store, &order, method).ok_or("payment method not found")?;
    let history = order.get("payment_history").map(Value::items).unwrap_or_default();
    let is_one = history.len() == 1 && history[0].text_at("transaction_type") == Some("payment");
    let paid = payments(&order);
    let (true, [(old, amount)]) = (is_one, &paid[..]) else {
        return Err("there should be exactly one payment for a pending order".to_owned());
    };
    if old == method {
        return Err("the new payment method should be different from the current one".to_owned());
    }
    if balance(known).is_some_and(|balance| balance.compare(*amount) == Ordering::Less) {
        return Err("insufficient gift card balance to pay for the order".to_owned());
    }
    if let Some(history) = order.get_mut("payment_history") {
        history.extend([transaction("payment", *amount, method), transaction("refund", *amount, old)]);
    }
    credit(store, &order, method, Number::Int(0).minus(*amount));
    credit(store, &order, old, *amount);
    Ok(store_order(store, arguments, order))
}

/// A list of texts, sorted.
fn sorted(mut texts: Vec<&str>) -> Value {
    texts.sort_unstable();
    Value::List(texts.into_iter().map(Value::text).collect())
}

fn return_items(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut order = order_that_is(store, arguments, "delivered", "returned")?;
    let method = said(arguments, "payment_method_id");
    method_of(store, &order, method).ok_or("payment method not found")?;
    let paid_with = payments(&order).into_iter().next().map(|(method, _)| method);
    if !method.contains("gift_card") && paid_with.as_deref() != Some(method) {
        return Err("payment method should be either the original payment method or a gift card".to_owned());
    }
    let items = listed(arguments, "item_ids");
    if missing(&order, &items).is_some() {
        return Err("some item not found".to_owned());
    }
    order.set("status", Value::text("return requested"));
    order.set("return_items", sorted(items));
    order.set("return_payment_method_id", Value::text(method));
    Ok(store_order(store, arguments, order))
}

fn exchange_items(store: &mut Store<'_>, arguments: &Value) -> Said {
    let mut order = order_that_is(store, arguments, "delivered", "exchanged")?;
    let difference = price_difference(store, &order, arguments)?.cents();
    let method = said(arguments, "payment_method_id");
    covering(store, &order, method, difference, "price difference")?;
    order.set("status", Value::text("exchange requested"));
    order.set("exchange_items", sorted(listed(arguments, "item_ids")));
    order.set("exchange_new_items", sorted(listed(arguments, "new_item_ids")));
    order.set("exchange_payment_method_id", Value::text(method));
    order.set("exchange_price_difference", difference.into());
    Ok(store_order(store, arguments, order))
}
