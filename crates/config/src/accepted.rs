//! Which keys a raw type reads, found out by letting serde read it: whatever it asks for is there.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Deserialize;
use serde::de;
use serde::de::DeserializeSeed;
use serde::de::IntoDeserializer;
use serde::de::Visitor;
use serde::de::value::Error;

/// The path of every key that holds a single value or a list, in the order of the fields.
pub(crate) fn accepted<T: for<'de> Deserialize<'de>>() -> Vec<String> {
    let found = Rc::new(RefCell::new(Vec::new()));
    let probe = Probe { path: String::new(), found: Rc::clone(&found) };
    T::deserialize(probe).map(drop).expect("every field takes some value");
    found.take()
}

/// Has every field that is asked for, with a value of the kind that is asked for.
struct Probe {
    path: String,
    found: Rc<RefCell<Vec<String>>>,
}

impl Probe {
    fn leaf(&self) {
        self.found.borrow_mut().push(self.path.clone());
    }
}

impl<'de> de::Deserializer<'de> for Probe {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::custom(format!("{}: a kind of value that no key has had so far", self.path)))
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_i64(1)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_f64(1.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_bool(true)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_str("")
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { fields: fields.iter(), path: self.path, next: String::new(), found: self.found })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_seq(de::value::SeqDeserializer::new(std::iter::empty::<i64>()))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct map enum
        identifier ignored_any
    }
}

struct Fields {
    fields: std::slice::Iter<'static, &'static str>,
    path: String,
    next: String,
    found: Rc<RefCell<Vec<String>>>,
}

impl<'de> de::MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(field) = self.fields.next() else { return Ok(None) };
        let dot = if self.path.is_empty() { "" } else { "." };
        self.next = format!("{}{dot}{field}", self.path);
        seed.deserialize((*field).into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Probe { path: self.next.clone(), found: Rc::clone(&self.found) })
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its form is looked at")]
struct Outer {
    a: Option<i64>,
    b: Option<Inner>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its form is looked at")]
struct Inner {
    c: Option<String>,
    d: Option<bool>,
}

#[test]
fn keys_are_found_by_their_paths() {
    assert_eq!(accepted::<Outer>(), ["a", "b.c", "b.d"]);
}
