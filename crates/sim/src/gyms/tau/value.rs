//! JSON as the published databases hold it: tables keep the order they were written in, and whole numbers are not floats.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::ser::SerializeMap;

/// One JSON value. Two tables are equal if they hold the same, in whatever order; 5 and 5.0 are not equal.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without a point or exponent.
    Int(i64),
    /// Any other number; finite.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A table with its keys in the order they were written in, each once.
    Table(Vec<(String, Value)>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Table(a), Value::Table(b)) => {
                a.len() == b.len() && a.iter().all(|(key, value)| other.get(key) == Some(value))
            }
            _ => false,
        }
    }
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// A table.
    #[must_use]
    pub fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// What a table has under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What a table has under a key.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match self {
            Value::Table(entries) => entries.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Puts a value under a key: in the place of the one that is there, or else at the end. Of what is no table, nothing happens.
    pub fn set(&mut self, key: &str, value: Value) {
        if let Some(old) = self.get_mut(key) {
            *old = value;
        } else if let Value::Table(entries) = self {
            entries.push((key.to_owned(), value));
        }
    }

    /// Takes a key out of a table.
    pub fn remove(&mut self, key: &str) {
        if let Value::Table(entries) = self {
            entries.retain(|(name, _)| name != key);
        }
    }

    /// Puts values at the end of a list. Of what is no list, nothing happens.
    pub fn extend(&mut self, values: impl IntoIterator<Item = Value>) {
        if let Value::List(list) = self {
            list.extend(values);
        }
    }

    /// A table's entries; none of what is no table.
    #[must_use]
    pub fn entries(&self) -> &[(String, Value)] {
        match self {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// A list's values; none of what is no list.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text's characters.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Value::Int(number) => Some(Number::Int(*number)),
            Value::Float(number) => Some(Number::Float(*number)),
            _ => None,
        }
    }

    /// The text that a table has under a key.
    #[must_use]
    pub fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// The number that a table has under a key.
    #[must_use]
    pub fn number_at(&self, key: &str) -> Option<Number> {
        self.get(key)?.as_number()
    }

    /// All texts and numbers in it, at any depth, as a person would write them.
    pub fn each_leaf(&self, visit: &mut impl FnMut(String)) {
        match self {
            Value::Null | Value::Bool(_) => {}
            Value::Int(number) => visit(number.to_string()),
            Value::Float(number) => visit(number.to_string()),
            Value::Text(text) => visit(text.clone()),
            Value::List(items) => items.iter().for_each(|item| item.each_leaf(visit)),
            Value::Table(entries) => entries.iter().for_each(|(_, value)| value.each_leaf(visit)),
        }
    }
}

/// A number that stays whole as long as whole numbers are put together, as Python's do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Whole.
    Int(i64),
    /// Not written as whole.
    Float(f64),
}

impl Number {
    /// Its value, rounded to the nearest float.
    #[must_use]
    pub fn float(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    /// Combines two: whole if both are and the result can be held, else as floats.
    fn with(self, other: Number, whole: fn(i64, i64) -> Option<i64>, float: fn(f64, f64) -> f64) -> Number {
        let both = match (self, other) {
            (Number::Int(a), Number::Int(b)) => whole(a, b),
            _ => None,
        };
        both.map_or_else(|| Number::Float(float(self.float(), other.float())), Number::Int)
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Number) -> Number {
        self.with(other, i64::checked_add, |a, b| a + b)
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Number) -> Number {
        self.with(other, i64::checked_sub, |a, b| a - b)
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Number) -> Number {
        self.with(other, i64::checked_mul, |a, b| a * b)
    }

    /// Without its sign.
    #[must_use]
    pub fn abs(self) -> Number {
        if self.compare(Number::Int(0)) == Ordering::Less { Number::Int(0).minus(self) } else { self }
    }

    /// To two places, halves of the exact binary value to even.
    #[must_use]
    pub fn cents(self) -> Number {
        match self {
            Number::Int(_) => self,
            Number::Float(number) => Number::Float(cents(number)),
        }
    }

    /// Which is greater; what cannot be compared is equal.
    #[must_use]
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            _ => self.float().partial_cmp(&other.float()).unwrap_or(Ordering::Equal),
        }
    }
}

/// A float to two places.
#[must_use]
pub fn cents(number: f64) -> f64 {
    format!("{number:.2}").parse().unwrap_or(number)
}

impl From<Number> for Value {
    fn from(number: Number) -> Value {
        match number {
            Number::Int(number) => Value::Int(number),
            Number::Float(number) => Value::Float(number),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Table(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        // Of a key that stands there twice, the last value counts. Looking for it is only worth it in small tables: the tables of a
        // database have ids for keys, which `Records` checks with its index.
        while let Some((key, value)) = access.next_entry::<String, Value>()? {
            let known = (entries.len() < SMALL).then(|| entries.iter_mut().find(|(name, _)| *name == key)).flatten();
            match known {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
        Ok(Value::Table(entries))
    }
}

/// How many entries of a table are compared for a key that is there twice.
const SMALL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn tables_are_equal_in_any_order_and_kinds_of_numbers_are_not() {
        assert_eq!(read(r#"{"a":1,"b":[2,{"c":null,"d":true}]}"#), read(r#"{"b":[2,{"d":true,"c":null}],"a":1}"#));
        assert_ne!(read("5"), read("5.0"));
        assert_ne!(read("[1,2]"), read("[2,1]"));
        assert_ne!(read(r#"{"a":1}"#), read(r#"{"a":1,"b":1}"#));
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_value_counts() {
        assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#), read(r#"{"a":3,"b":2}"#));
    }

    #[test]
    fn whole_numbers_stay_whole_until_they_cannot() {
        let (one, half) = (Number::Int(1), Number::Float(0.5));
        assert_eq!(one.plus(one), Number::Int(2));
        assert_eq!(one.minus(half), Number::Float(0.5));
        assert_eq!(Number::Int(i64::MAX).plus(one), Number::Float(i64::MAX as f64));
        assert_eq!(Number::Int(i64::MIN).abs(), Number::Float(-(i64::MIN as f64)));
        assert_eq!(Number::Float(2.675).cents(), Number::Float(2.67));
        assert_eq!(read("18446744073709551615"), Value::Float(u64::MAX as f64));
    }
}
